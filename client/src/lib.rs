//! Buying GPU time on the oGPU chain, as a library. The command `ogpu` is a thin layer over it.
//!
//! ```text
//!  manifest ──► Order ──► TaskSpec ──► Chain (quote, submit, follow) ──► delivered
//!     │                                                                     │
//!     └──────► Store (serves program and inputs) ◄── providers              ▼
//!              Store (fetches outputs, checked against the roots on chain) ──► files
//! ```
//!
//! [`Chain`] speaks with a node, [`Store`] keeps what a client has to give and gets, [`Order`] is what it wants computed.
//! Nothing that a provider says is believed: outputs are kept only if they lead to the roots that were verified, and
//! [`Replay`] recomputes any unit of anybody's task.
//!
//! ```no_run
//! use ogpu_client::{Call, Chain, Order, Signer, Store};
//!
//! # async fn example() -> Result<(), ogpu_client::Error> {
//! let chain = Chain::connect("ws://127.0.0.1:9944").await?;
//! let signer = Signer::read("//Alice")?;
//! let store = Store::open("ogpu-data".as_ref(), &Default::default()).await?;
//! let order = Order::read("job.yaml".as_ref())?;
//! let spec = order.spec(store.source()?);
//! store.offer(&order).await?;
//! let quote = chain.quote(&spec).await?;
//! let receipt = chain.send(&signer, &Call::submit(spec, quote.most()), |_| {}).await?;
//! println!("task {}", receipt.task()?);
//! # Ok(())
//! # }
//! ```

mod chain;
mod delivery;
mod error;
mod executor;
mod order;
mod replay;
mod signer;
mod store;

pub use chain::{
	AccountId, Call, Chain, Changes, Collateral, Conviction, Decided, Device, Funds, Profile,
	Proposed, ProviderState, ProviderStatus, Receipt, Referendum, Standing, StreamState, Track,
	Trial, Vote, WorkerProof,
};
pub use delivery::{Checked, Delivery, Output};
pub use error::Error;
pub use executor::{DevicePrice, Executor, PriceChange, Prices};
pub use order::Order;
pub use replay::{Replay, Replayed, Verdict};
pub use signer::Signer;
pub use store::{Network, Store};
