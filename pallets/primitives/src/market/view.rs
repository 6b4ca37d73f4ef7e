//! A task as those see it who look at the chain from outside.

use alloc::{boxed::Box, vec::Vec};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::{Endpoint, spec::TaskSpec};
use crate::{Balance, merkle::Hash};

/// How a task ended.
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
	/// It was computed, verified and delivered.
	#[codec(index = 0)]
	Completed,
	/// It was computed, and accepted unverified as agreed.
	#[codec(index = 1)]
	CompletedUnverified,
	/// Nobody bid, or nobody was left to take over.
	#[codec(index = 2)]
	NoProvider,
	/// The client cancelled it.
	#[codec(index = 3)]
	Cancelled,
	/// The job was found inadmissible.
	#[codec(index = 4)]
	Rejected,
	/// The client's inputs could not be had.
	#[codec(index = 5)]
	Unavailable,
	/// Nobody could say whether the result was right.
	#[codec(index = 6)]
	Inconclusive,
	/// The result was found false after it had been delivered.
	#[codec(index = 7)]
	Fraud,
	/// Verification did not come to an end in time.
	#[codec(index = 8)]
	Unverifiable,
	/// The result was right, and its provider did not give it to the client.
	#[codec(index = 9)]
	Undelivered,
}

impl Ending {
	/// Whether its client has a result, which was verified or accepted without.
	pub const fn has_result(self) -> bool {
		matches!(self, Self::Completed | Self::CompletedUnverified)
	}
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Stage {
	/// Sealed bids are taken.
	#[codec(index = 0)]
	Bidding,
	/// Bids are opened.
	#[codec(index = 1)]
	Revealing,
	/// A provider has it, and fetches the inputs.
	#[codec(index = 2)]
	Assigned,
	/// It is being computed.
	#[codec(index = 3)]
	Executing,
	/// All roots are known, and are verified.
	#[codec(index = 4)]
	Verifying,
	/// The provider says that the job is at fault; that is judged.
	#[codec(index = 5)]
	Adjudicating,
	/// The result is there, and the client may take delivery.
	#[codec(index = 6)]
	Delivered,
	/// The client has taken delivery, or its money back; the result can still be challenged.
	#[codec(index = 7)]
	Taken,
	/// A batch that nobody races for yet.
	#[codec(index = 8)]
	Open,
	/// A batch that is raced for.
	#[codec(index = 9)]
	Racing,
	/// The job was found at fault. Its client may appeal.
	#[codec(index = 10)]
	AtFault,
	/// It has ended, but for a result of it that is still being judged.
	#[codec(index = 11)]
	Closing,
}

impl Stage {
	/// Whether there is a result to fetch.
	pub const fn has_result(self) -> bool {
		matches!(self, Self::Delivered | Self::Taken)
	}
}

/// Who has a task.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Holder<AccountId> {
	/// The provider.
	pub provider: AccountId,
	/// What all of the task would pay it.
	pub price: Balance,
	/// Where it serves results.
	pub endpoint: Option<Endpoint>,
}

/// A task that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct LiveTask<AccountId> {
	/// Who pays.
	pub client: AccountId,
	/// What it wants.
	pub spec: TaskSpec,
	/// How far it is.
	pub stage: Stage,
	/// The moment of the market clock at which that ends at the latest.
	pub until: u32,
	/// How often it was given to a provider before.
	pub attempt: u8,
	/// Sealed bids.
	pub bids: u8,
	/// Who has it.
	pub holder: Option<Holder<AccountId>>,
	/// Parts that were found valid, and all before them.
	pub settled: u8,
	/// The roots of the parts that are known, in their order, each with the attempt that it is of.
	pub roots: Vec<(u8, Hash)>,
	/// What is in escrow for it.
	pub escrow: Balance,
}

/// What remains of a task that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct EndedTask<AccountId> {
	/// Who paid.
	pub client: AccountId,
	/// How it ended.
	pub ending: Ending,
	/// Who had it last.
	pub provider: Option<AccountId>,
	/// What providers were paid in all.
	pub paid: Balance,
	/// The hash of all roots in their order; the root itself where there is one part.
	pub result: Option<Hash>,
}

/// A task, at a moment of the market clock.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum TaskView<AccountId> {
	/// It is under way.
	#[codec(index = 0)]
	Live(Box<LiveTask<AccountId>>),
	/// It has ended.
	#[codec(index = 1)]
	Ended(EndedTask<AccountId>),
}
