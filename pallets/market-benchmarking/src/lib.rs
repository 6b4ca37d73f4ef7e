//! # What the calls and hooks of the market cost
//!
//! The pallets of the market know one another only by traits, so what a call costs is known only where all of
//! them are bound together: these benchmarks run in the runtime itself, over what it binds. Each takes the
//! costliest case that can come about, as far as one is known, and its documentation says which.
//!
//! `scripts/weights` runs them; the runtime's `weights` are what it wrote.
//!
//! - `scene`: providers with seats, clients, tasks at any point of their lives;
//! - `providers`, `ratings`, `tasks`, `attestations`, `worker`: the benchmarks of each pallet.
#![cfg(feature = "runtime-benchmarks")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod attestations;
pub mod providers;
pub mod ratings;
pub mod scene;
pub mod tasks;
pub mod worker;

use frame_support::traits::fungible::Mutate;
use ogpu_primitives::market::TaskId;

/// What binds the market together.
pub trait Config:
	pallet_attestations::Config
	+ pallet_providers::Config
	+ pallet_ratings::Config
	+ pallet_tasks::Config<Currency: Mutate<Self::AccountId>>
	+ pallet_trust_lock::Config
	+ pallet_worker::Config
{
	/// A duty that has to do with a task.
	fn about(task: TaskId) -> <Self as pallet_worker::Config>::Done;

	/// A heartbeat of a session.
	fn heartbeat(session: u32) -> <Self as pallet_worker::Config>::Done;

	/// Has it be another session.
	fn set_session(session: u32);

	/// Has a block's output be known.
	fn know_output();

	/// Has a stash be one of as many validators as there may be.
	fn validates(stash: &Self::AccountId);
}
