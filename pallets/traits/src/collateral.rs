//! Collateral: bonded once, locked for one purpose after another, released or slashed by the outcome.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::DispatchResult;
use ogpu_primitives::Balance;
use scale_info::TypeInfo;

/// What a lock secures.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Purpose {
	/// A provider's work on a task.
	#[codec(index = 0)]
	Work,
	/// A bid that has to be revealed.
	#[codec(index = 1)]
	Bid,
	/// A commitment in the pool that has to be revealed.
	#[codec(index = 2)]
	Race,
	/// A client's task, which must be admissible and have its inputs.
	#[codec(index = 3)]
	Client,
	/// A challenge, a claim or an appeal.
	#[codec(index = 5)]
	Dispute,
}

/// Where a lock takes its tokens from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funding {
	/// What the account has bonded.
	Bond,
	/// Its free balance.
	Balance,
}

impl Purpose {
	/// Where a lock for this takes its tokens from: providers lock what they have bonded, everybody else
	/// what they have.
	pub const fn funding(self) -> Funding {
		match self {
			Self::Work | Self::Bid | Self::Race => Funding::Bond,
			Self::Client | Self::Dispute => Funding::Balance,
		}
	}
}

/// One lock of an account.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct LockId {
	/// What it secures.
	pub purpose: Purpose,
	/// Of which there may be many: a task, a batch, a demand.
	pub number: u64,
}

impl LockId {
	/// A lock.
	pub const fn new(purpose: Purpose, number: u64) -> Self {
		Self { purpose, number }
	}
}

/// Why something is slashed.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Reason {
	/// A result was false: others have recomputed it.
	#[codec(index = 0)]
	FalseResult,
	/// A provider has not opened its result, or has not given what it was computed from.
	#[codec(index = 1)]
	ResultWithheld,
	/// The root of a false result was raced with.
	#[codec(index = 2)]
	FalseRace,
	/// Work was not done in time.
	#[codec(index = 3)]
	DeadlineMissed,
	/// A result was not handed over.
	#[codec(index = 4)]
	NotDelivered,
	/// A bid was not opened.
	#[codec(index = 5)]
	BidNotOpened,
	/// What was sealed in a race was not shown, or is false.
	#[codec(index = 6)]
	RaceNotShown,
	/// A job was at fault.
	#[codec(index = 7)]
	JobAtFault,
	/// A claim was groundless.
	#[codec(index = 8)]
	GroundlessClaim,
	/// What was challenged is right.
	#[codec(index = 9)]
	ChallengeLost,
	/// What was appealed against stands.
	#[codec(index = 10)]
	AppealLost,
	/// A member of a panel said nothing, or did not open what it had said.
	#[codec(index = 11)]
	NoShow,
	/// A judge was contradicted by the others.
	#[codec(index = 12)]
	Contradicted,
	/// A member affirmed what is false.
	#[codec(index = 13)]
	FalseAffirmed,
}

/// Who gets what of a slash, in this order while it lasts; the treasury gets the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beneficiaries<AccountId> {
	/// Who is made whole.
	pub victim: Option<(AccountId, Balance)>,
	/// Who found the fault.
	pub finder: Option<(AccountId, Balance)>,
	/// Who judged it.
	pub panel: Vec<(AccountId, Balance)>,
}

impl<AccountId> Beneficiaries<AccountId> {
	/// Nobody but the treasury.
	pub const fn treasury() -> Self {
		Self { victim: None, finder: None, panel: Vec::new() }
	}

	/// Whoever is to be made whole by so much.
	pub const fn victim(who: AccountId, amount: Balance) -> Self {
		Self { victim: Some((who, amount)), finder: None, panel: Vec::new() }
	}
}

/// What became of a slash. All zero when slashing is switched off.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Slashed {
	/// Paid to the victim.
	pub victim: Balance,
	/// Paid to the finder.
	pub finder: Balance,
	/// Paid to the panel.
	pub panel: Balance,
	/// Paid to the treasury.
	pub treasury: Balance,
}

impl Slashed {
	/// All of it.
	pub const fn total(&self) -> Balance {
		self.victim
			.saturating_add(self.finder)
			.saturating_add(self.panel)
			.saturating_add(self.treasury)
	}
}

/// What is left to be paid of some fees, after so much of them was paid in their order.
pub fn unpaid<AccountId>(
	fees: Vec<(AccountId, Balance)>,
	mut paid: Balance,
) -> Vec<(AccountId, Balance)> {
	let left = fees.into_iter().map(|(who, fee)| {
		let covered = paid.min(fee);
		paid -= covered;
		(who, fee - covered)
	});
	left.filter(|(_, left)| *left > 0).collect()
}

/// Collateral of providers, clients and whoever disputes.
pub trait Collateral<AccountId> {
	/// What an account has bonded and is neither locked nor bound in seats nor leaving.
	fn free(who: &AccountId) -> Balance;

	/// What a lock holds; 0 if there is none.
	fn locked(who: &AccountId, lock: LockId) -> Balance;

	/// Sets what a lock holds: makes it, raises it, lowers it; 0 releases it.
	///
	/// # Errors
	///
	/// When there is less free than it needs. Nothing changes then.
	fn set_lock(who: &AccountId, lock: LockId, amount: Balance) -> DispatchResult;

	/// Takes up to `amount` from a lock, and releases nothing.
	fn slash(
		who: &AccountId,
		lock: LockId,
		amount: Balance,
		to: Beneficiaries<AccountId>,
		why: Reason,
	) -> Slashed;

	/// Takes up to `amount` from what an account has in seats, has free or is withdrawing: liability that
	/// no lock was made for.
	fn slash_liable(
		who: &AccountId,
		amount: Balance,
		to: Beneficiaries<AccountId>,
		why: Reason,
	) -> Slashed;

	/// What is bound in an account's seats.
	fn in_seats(who: &AccountId) -> Balance;

	/// Binds so much of an account's bond in seats.
	///
	/// # Errors
	///
	/// When there is less free than it needs. Nothing changes then.
	fn set_seats(who: &AccountId, amount: Balance) -> DispatchResult;
}
