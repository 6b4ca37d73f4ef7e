//! A trial, from the application to its end.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use ogpu_primitives::{
	Balance,
	market::{DeviceTier, trial::TRIALS},
	merkle::Hash,
};
use ogpu_traits::{Moment, PartOfTask};
use scale_info::TypeInfo;

/// Names a trial. Counted from 0, never used again.
pub type TrialId = u64;

/// The most trials that begin with one bell.
pub const MAX_AT_ONCE: u32 = 32;

/// What verification knows a trial as.
pub const fn part_of(trial: TrialId) -> PartOfTask {
	PartOfTask { task: TRIALS | trial, attempt: 0, part: 0 }
}

/// The trial that verification knows as this.
pub const fn trial_in(part: PartOfTask) -> Option<TrialId> {
	if part.task & TRIALS == 0 { None } else { Some(part.task & !TRIALS) }
}

/// How far a trial is.
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
pub enum Stage {
	/// It waits for the bell, or for its seed.
	#[codec(index = 0)]
	Waiting,
	/// It is being computed.
	#[codec(index = 1)]
	Running {
		/// The slot in which its seed was known.
		from: u64,
		/// The last moment.
		until: Moment,
	},
	/// It is being verified.
	#[codec(index = 2)]
	Verifying {
		/// What it proves, if it is right.
		rating: u32,
		/// The last moment.
		until: Moment,
	},
	/// It was found right. It can be challenged until the end of the window.
	#[codec(index = 3)]
	Proven {
		/// What it proves.
		rating: u32,
		/// The end of the window.
		until: Moment,
	},
	/// It was found false. Its provider may appeal until the end of the window.
	#[codec(index = 4)]
	False {
		/// What it would have proven.
		rating: u32,
		/// The end of the window.
		until: Moment,
	},
}

impl Stage {
	/// The moment at which it ends at the latest, if that is known.
	pub const fn until(&self) -> Option<Moment> {
		match self {
			Self::Waiting => None,
			Self::Running { until, .. }
			| Self::Verifying { until, .. }
			| Self::Proven { until, .. }
			| Self::False { until, .. } => Some(*until),
		}
	}
}

/// A trial.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Trial<AccountId> {
	/// Whose it is.
	pub provider: AccountId,
	/// Its devices, as a hash: with others it proves nothing.
	pub devices: Hash,
	/// What the provider says, in thousandths of the reference device.
	pub rating: u32,
	/// The lowest class of those who verify it.
	pub verifiers: DeviceTier,
	/// What a verifier gets for a unit.
	pub unit_fee: Balance,
	/// What is left for verifiers.
	pub fees: Balance,
	/// What is lost if it is false.
	pub bond: Balance,
	/// Who found that it is.
	pub finder: Option<AccountId>,
	/// What its job is made from; zeros until that is known.
	pub seed: Hash,
	/// How far it is.
	pub stage: Stage,
}

/// A rating that counts.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Rated {
	/// The devices that it is of, as a hash.
	pub devices: Hash,
	/// The last moment in which it counts.
	pub until: Moment,
}

/// What the agenda reminds of.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Item<AccountId> {
	/// The stage of a trial is over.
	#[codec(index = 0)]
	Trial(TrialId),
	/// The rating of a provider does not count any more.
	#[codec(index = 1)]
	Rating(AccountId),
}

/// A bell that has rung.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Bell {
	/// In which block.
	pub block: u32,
	/// Of how many blocks after that the output is in the hash.
	pub blocks: u8,
	/// The hash so far.
	pub hash: Hash,
	/// The trials that begin.
	pub trials: BoundedVec<TrialId, ConstU32<MAX_AT_ONCE>>,
}

/// Why a trial has ended.
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
pub enum Ending {
	/// Its provider has withdrawn it.
	#[codec(index = 0)]
	Withdrawn,
	/// Its root did not come in time.
	#[codec(index = 1)]
	TooSlow,
	/// It was right.
	#[codec(index = 2)]
	Right,
	/// It was false.
	#[codec(index = 3)]
	False,
	/// Nobody could say.
	#[codec(index = 4)]
	Unverifiable,
}
