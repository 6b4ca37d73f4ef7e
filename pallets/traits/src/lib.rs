//! The traits by which the pallets of the market meet. No pallet knows another; the runtime binds them.
//!
//! ```text
//!              Collateral                    Registry
//!   trust-lock ◄────────── tasks, providers  providers ◄────────── tasks, attestations, ratings
//!
//!              Attestation                   Verdicts
//!   attestations ◄──────── tasks, ratings    tasks, ratings ◄───── attestations
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
//! - [`begun`]: what they give up;
//! - [`agenda`]: what is to be looked at, by moment;
//! - [`take_into_pot`]: tokens of many in one account;
//! - [`Merit`]: what work means to those who secure the chain.
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
pub mod begun;
mod collateral;
mod duties;
pub mod offchain;
mod pot;
mod registry;
mod weights;

pub use attestation::{
	Attestation, Claim, Decision, PartOfTask, Requested, Specs, Verdict, Verdicts, Verification,
	Verifying,
};
pub use collateral::{
	Beneficiaries, Collateral, Funding, LockId, Purpose, Reason, Slashed, unpaid,
};
pub use duties::{Away, Duties, Node};
pub use pot::take_into_pot;
pub use registry::{MAX_LOOKS, Registry, SeatTable, Standing, Unmet};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::weights::Weight;
use ogpu_primitives::{Balance, merkle::Hash};
use scale_info::TypeInfo;

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

/// Market blocks for which an end is put off, again and again, while somebody judges what hangs on it.
pub const PROLONGED: Moment = 20;

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

/// A validator that answers with its stake for a provider's work.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Guarantor<AccountId> {
	/// Its stash.
	pub stash: AccountId,
	/// The era in which it took that upon itself: its stake of then answers.
	pub era: u32,
}

/// A task, as far as it matters to what it means for the chain.
#[derive(Clone, Copy, Debug)]
pub struct Deal<'a, AccountId> {
	/// Who pays.
	pub client: &'a AccountId,
	/// How many operators could verify it when it was submitted.
	pub operators: u32,
}

/// What work means to those who secure the chain, beyond its price.
pub trait Merit<AccountId> {
	/// Who answers with its stake for what a provider takes on now.
	fn guarantor(provider: &AccountId) -> Option<Guarantor<AccountId>>;

	/// Credits a provider for verified work that irrecoverably burnt so much in fees. What was credited.
	fn worked(provider: &AccountId, deal: Deal<'_, AccountId>, burnt: Balance) -> Balance;

	/// Notes who was paid how much by the client for verifying.
	fn verified(deal: Deal<'_, AccountId>, fees: &[(AccountId, Balance)]);

	/// Notes that a provider's fraud was proven, and that its window is over.
	fn convicted(provider: &AccountId, guarantor: &Guarantor<AccountId>);

	/// What noting that weighs.
	fn weight_of_conviction(guarantor: &Guarantor<AccountId>) -> Weight;
}

impl<AccountId> Merit<AccountId> for () {
	fn guarantor(_: &AccountId) -> Option<Guarantor<AccountId>> {
		None
	}

	fn worked(_: &AccountId, _: Deal<'_, AccountId>, _: Balance) -> Balance {
		0
	}

	fn verified(_: Deal<'_, AccountId>, _: &[(AccountId, Balance)]) {}

	fn convicted(_: &AccountId, _: &Guarantor<AccountId>) {}

	fn weight_of_conviction(_: &Guarantor<AccountId>) -> Weight {
		Weight::zero()
	}
}
