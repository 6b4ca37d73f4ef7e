//! The traits by which the pallets of the market meet. No pallet knows another; the runtime binds them.
//!
//! ```text
//!              Collateral                    Registry
//!   trust-lock ◄────────── tasks, providers  providers ◄────────── tasks, attestations
//!
//!              Attestation                   Verdicts
//!   attestations ◄──────── tasks             tasks ◄────────────── attestations
//!
//!              Clock                         Duties
//!   tasks ◄─────────────── all               all ◄──────────────── worker
//! ```
//!
//! - [`Clock`]: the market clock, by which all deadlines run;
//! - [`Collateral`]: what is locked from either side, and what becomes of it;
//! - [`Registry`] and [`SeatTable`]: who the providers are, how they stand, and who can be drawn;
//! - [`Attestation`] and [`Verdicts`]: results are handed over to be verified, verdicts come back;
//! - [`Duties`] and [`Node`]: what a provider's hook has to do, and with what;
//! - [`offchain`]: what the hooks of several pallets do with jobs;
//! - [`agenda`]: what is to be looked at, by moment;
//! - [`WorkCredit`]: what verified work earns beyond its price.
//!
//! ```
//! use ogpu_traits::Clock;
//!
//! // The unit type is a clock that stands still.
//! assert_eq!(<() as Clock>::now(), 0);
//! ```
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod agenda;
mod attestation;
mod collateral;
mod duties;
pub mod offchain;
mod registry;
mod weights;

pub use attestation::{
	Attestation, Claim, Decision, PartOfTask, Requested, Specs, Verdict, Verdicts,
};
pub use collateral::{Beneficiaries, Collateral, Funding, LockId, Purpose, Slashed, unpaid};
pub use duties::{Away, Duties, Node};
pub use registry::{Registry, SeatTable, Standing, Unmet};

use ogpu_primitives::{Balance, merkle::Hash};

/// The hash of the genesis block: what is signed or sealed for one chain means nothing on another.
pub fn genesis<T: frame_system::Config>() -> Hash {
	use frame_system::pallet_prelude::BlockNumberFor;
	let mut genesis = [0; 32];
	let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::default());
	let len = hash.as_ref().len().min(32);
	genesis[..len].copy_from_slice(&hash.as_ref()[..len]);
	genesis
}

/// A point on the market clock, in market blocks.
pub type Moment = u32;

/// The market clock. It counts the blocks that had room for whoever had a deadline to keep: a pause, a
/// migration or a stuffed block punishes nobody.
pub trait Clock {
	/// Market blocks so far.
	fn now() -> Moment;
}

impl Clock for () {
	fn now() -> Moment {
		0
	}
}

/// What verified work earns beyond its price, from what is scheduled for providers.
pub trait WorkCredit<AccountId> {
	/// Credits a provider for work for a client that irrecoverably burnt so much in fees. What was credited.
	fn credit(provider: &AccountId, client: &AccountId, burnt: Balance) -> Balance;
}

impl<AccountId> WorkCredit<AccountId> for () {
	fn credit(_: &AccountId, _: &AccountId, _: Balance) -> Balance {
		0
	}
}
