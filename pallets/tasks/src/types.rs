//! A task, from submission to its end.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
pub use ogpu_primitives::market::view::Ending;
use ogpu_primitives::{
	Balance,
	market::{
		GroupId, TaskId,
		auction::{Quality, Score, payment},
		price::share,
		quote::{Quote, Terms},
		spec::TaskSpec,
		stream::{StreamId, StreamSpec},
	},
	merkle::Hash,
};
use ogpu_traits::{Claim, Deal, Guarantor, LockId, Moment, PartOfTask, Purpose, Verdict};
use scale_info::TypeInfo;

/// The most bids of a task.
pub const MAX_BIDS: u32 = 32;
/// How many revealed bids are kept until the task ends, for succession.
pub const KEPT_BIDS: u32 = 4;
/// The most racers of a batch.
pub const MAX_RACERS: u32 = 16;
/// The most attempts that governance may allow.
pub const MAX_ATTEMPTS: u32 = 8;

/// A sealed bid.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SealedBid {
	/// The operator of whoever bids, as it was when the bid was sealed.
	pub group: GroupId,
	/// The hash of price and salt.
	pub commitment: Hash,
	/// The quality with which the price will be weighed, as it was when the bid was sealed.
	pub quality: Quality,
	/// What it locks until it is opened.
	pub bond: Balance,
}

/// A bid that was opened.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct OpenBid<AccountId> {
	/// Who bids.
	pub provider: AccountId,
	/// Its operator.
	pub group: GroupId,
	/// Its quality.
	pub quality: Quality,
	/// Its price over its quality.
	pub score: Score,
}

/// Who computes a task.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Assignment<AccountId> {
	/// The provider.
	pub provider: AccountId,
	/// Its operator.
	pub group: GroupId,
	/// What all of the task would pay; a successor gets the share of the parts that it computes.
	pub price: Balance,
	/// What it has locked.
	pub lock: Balance,
	/// The first part that is its: those before were settled when it took over.
	pub first_part: u8,
	/// Who answers with its stake for what it does.
	pub guarantor: Option<Guarantor<AccountId>>,
	/// How often of a thousand times the tier that was asked for is drawn, since it is trusted; `None` if it always is.
	pub asked: Option<u16>,
}

/// Somebody who had a task, was paid for parts of it, and answers for them until the task ends.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Departed<AccountId> {
	/// What it had.
	pub by: Assignment<AccountId>,
	/// The part after the last that it was paid for.
	pub to_part: u8,
	/// What verifying them has cost.
	pub verified: Balance,
	/// Whether it has paid that back, since it did not give their result.
	pub refunded: bool,
}

/// How far a task is.
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
pub struct Progress {
	/// Parts that are settled: valid, and so are all before them.
	pub settled: u8,
	/// Parts whose root is known.
	pub rooted: u8,
	/// Parts, by bit, that are valid while one before them is still undecided.
	pub ahead: u64,
}

impl Progress {
	/// Notes that a part is valid. How many parts are settled by that.
	pub fn valid(&mut self, part: u8) -> u8 {
		let before = self.settled;
		self.ahead |= 1u64.checked_shl(part.into()).unwrap_or(0);
		while self.ahead & 1u64.checked_shl(self.settled.into()).unwrap_or(0) != 0 {
			self.settled += 1;
		}
		self.settled - before
	}

	/// The parts that are valid although one before them is undecided.
	pub fn valid_ahead(&self, parts: u8) -> alloc::vec::Vec<u8> {
		(self.settled..parts)
			.filter(|part| self.ahead & 1u64.checked_shl(u32::from(*part)).unwrap_or(0) != 0)
			.collect()
	}

	/// Gives up everything that is not settled: another provider takes over.
	pub fn restart(&mut self) {
		(self.rooted, self.ahead) = (self.settled, 0);
	}
}

/// When the client takes delivery.
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
pub enum Delivery {
	/// The client may still say that it has the result.
	#[codec(index = 0)]
	Awaited,
	/// It has said so.
	#[codec(index = 1)]
	Acknowledged,
	/// It demanded the result in vain, and has its money back.
	#[codec(index = 2)]
	Refused,
}

/// Where a task stands, and until when.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Status<AccountId> {
	/// Sealed bids are taken. Left at `until`.
	#[codec(index = 0)]
	Bidding {
		/// The last moment.
		until: Moment,
	},
	/// Bids are opened. Left at `until`, to whoever won.
	#[codec(index = 1)]
	Revealing {
		/// The last moment.
		until: Moment,
		/// What decides between equal scores. Nobody knew it when bids were sealed.
		draw: Hash,
	},
	/// Somebody has won, and fetches the inputs. Left by acknowledging, declining, a claim, or at `until`.
	#[codec(index = 2)]
	Assigned {
		/// Who.
		to: Assignment<AccountId>,
		/// The last moment.
		until: Moment,
	},
	/// It is being computed. Left by the last root, a claim, a verdict, or at `until`.
	#[codec(index = 3)]
	Executing {
		/// By whom.
		by: Assignment<AccountId>,
		/// The last moment for the last root.
		until: Moment,
	},
	/// All roots are known. Left by the last verdict, or at `until`.
	#[codec(index = 4)]
	Verifying {
		/// Who computed it.
		by: Assignment<AccountId>,
		/// The last moment.
		until: Moment,
	},
	/// The provider says that the job is at fault. Left by a decision, or at `until`.
	#[codec(index = 5)]
	Adjudicating {
		/// Who says so.
		by: Assignment<AccountId>,
		/// What it says.
		claim: Claim,
		/// Market blocks that were left of its deadline.
		left: Moment,
		/// The last moment.
		until: Moment,
	},
	/// A batch of a stream that nobody has raced for yet. Left by the first who does, or at `until`.
	#[codec(index = 7)]
	Open {
		/// The last moment.
		until: Moment,
	},
	/// A batch that is raced for: in `first` and the next moment roots are sealed, in the two after that they
	/// are shown. Left at `until`.
	#[codec(index = 8)]
	Racing {
		/// The moment of the first seal.
		first: Moment,
		/// The block after which nobody can seal any more: the next after that of the first seal, or that of the last.
		bound_in: u32,
		/// The last moment.
		until: Moment,
	},
	/// The result is valid, or accepted unverified. Left at `until`.
	#[codec(index = 6)]
	Delivered {
		/// Who computed it.
		by: Assignment<AccountId>,
		/// Whether it was verified.
		verdict: Verdict,
		/// Whether the client has it.
		delivery: Delivery,
		/// The end of the window.
		until: Moment,
	},
	/// The job was found at fault. Left at `until`, or when its client agrees; by somebody else's taking over, if its
	/// client appeals and is right.
	#[codec(index = 9)]
	AtFault {
		/// Who said so.
		by: Assignment<AccountId>,
		/// How the task ends.
		ending: Ending,
		/// The end of the window.
		until: Moment,
	},
	/// It has ended, but for a result of it that is still being judged, and for what secures that. Left when that is decided.
	#[codec(index = 10)]
	Closing {
		/// Who had it.
		by: Option<Assignment<AccountId>>,
		/// How the task ends.
		ending: Ending,
		/// When it is looked at again.
		until: Moment,
	},
}

impl<AccountId> Status<AccountId> {
	/// The moment at which it changes at the latest.
	pub const fn until(&self) -> Moment {
		match self {
			Self::Bidding { until }
			| Self::Revealing { until, .. }
			| Self::Assigned { until, .. }
			| Self::Executing { until, .. }
			| Self::Verifying { until, .. }
			| Self::Adjudicating { until, .. }
			| Self::Open { until }
			| Self::Racing { until, .. }
			| Self::AtFault { until, .. }
			| Self::Closing { until, .. }
			| Self::Delivered { until, .. } => *until,
		}
	}

	/// Puts off the moment at which it changes.
	pub fn prolong(&mut self, to: Moment) {
		match self {
			Self::Bidding { until }
			| Self::Revealing { until, .. }
			| Self::Assigned { until, .. }
			| Self::Executing { until, .. }
			| Self::Verifying { until, .. }
			| Self::Adjudicating { until, .. }
			| Self::Open { until }
			| Self::Racing { until, .. }
			| Self::AtFault { until, .. }
			| Self::Closing { until, .. }
			| Self::Delivered { until, .. } => *until = (*until).max(to),
		}
	}

	/// Who has the task, to note something about that.
	pub const fn assignment_mut(&mut self) -> Option<&mut Assignment<AccountId>> {
		match self {
			Self::Bidding { .. }
			| Self::Revealing { .. }
			| Self::Open { .. }
			| Self::Racing { .. } => None,
			Self::Assigned { to: by, .. }
			| Self::Executing { by, .. }
			| Self::Verifying { by, .. }
			| Self::Adjudicating { by, .. }
			| Self::AtFault { by, .. }
			| Self::Delivered { by, .. } => Some(by),
			Self::Closing { by, .. } => by.as_mut(),
		}
	}

	/// Who has the task.
	pub const fn assignment(&self) -> Option<&Assignment<AccountId>> {
		match self {
			Self::Bidding { .. }
			| Self::Revealing { .. }
			| Self::Open { .. }
			| Self::Racing { .. } => None,
			Self::Assigned { to: by, .. }
			| Self::Executing { by, .. }
			| Self::Verifying { by, .. }
			| Self::Adjudicating { by, .. }
			| Self::AtFault { by, .. }
			| Self::Delivered { by, .. } => Some(by),
			Self::Closing { by, .. } => by.as_ref(),
		}
	}
}

/// What the client has in escrow for a task.
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
pub struct Escrow {
	/// For the provider.
	pub price: Balance,
	/// For the protocol.
	pub fee: Balance,
	/// For verifiers.
	pub verification: Balance,
}

impl Escrow {
	/// All of it.
	pub const fn total(&self) -> Balance {
		self.price.saturating_add(self.fee).saturating_add(self.verification)
	}
}

/// A live task.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Task<AccountId> {
	/// Who pays.
	pub client: AccountId,
	/// The stream that it is a batch of.
	pub stream: Option<StreamId>,
	/// What it wants.
	pub spec: TaskSpec,
	/// On which terms.
	pub terms: Terms,
	/// The most the client pays for the work.
	pub reserve: Balance,
	/// How many operators could verify it when it was submitted.
	pub operators: u32,
	/// What is still in escrow.
	pub escrow: Escrow,
	/// What was earned, and is paid on delivery.
	pub owed: Balance,
	/// What verifying this attempt has cost so far.
	pub verified: Balance,
	/// How often it was given to a provider.
	pub attempt: u8,
	/// The attempt with which the race began whose racers are left: each root that is found false counts as
	/// an attempt, and the race stays what it was.
	pub race: u8,
	/// Whether whoever has it has begun, and counts as busy.
	pub begun: bool,
	/// Whether whoever has it has claimed that it is at fault; once is enough.
	pub claimed: bool,
	/// Bids that are sealed.
	pub sealed: u8,
	/// How often its client has demanded pieces of the result.
	pub demands: u8,
	/// Operators that failed it.
	pub barred: BoundedVec<GroupId, ConstU32<MAX_ATTEMPTS>>,
	/// The best bids that were opened and did not get it yet, best first.
	pub bids: BoundedVec<OpenBid<AccountId>, ConstU32<KEPT_BIDS>>,
	/// How far it is.
	pub progress: Progress,
	/// Where it stands.
	pub status: Status<AccountId>,
}

impl<AccountId: Clone> Task<AccountId> {
	/// A task on the terms of a quote, in its first auction or race.
	pub fn new(
		client: AccountId,
		stream: Option<StreamId>,
		spec: TaskSpec,
		terms: Terms,
		quote: &Quote,
		operators: u32,
		status: Status<AccountId>,
	) -> Self {
		let escrow = Escrow {
			price: quote.reserve,
			fee: quote.protocol_fee,
			verification: quote.verification,
		};
		Self {
			client,
			stream,
			spec,
			terms,
			reserve: quote.reserve,
			operators,
			escrow,
			owed: 0,
			verified: 0,
			attempt: 0,
			race: 0,
			begun: false,
			claimed: false,
			sealed: 0,
			demands: 0,
			barred: BoundedVec::new(),
			bids: BoundedVec::new(),
			progress: Progress::default(),
			status,
		}
	}

	/// The best bid that is left, and what it is paid.
	pub fn next_bid(&mut self) -> Option<(OpenBid<AccountId>, Balance)> {
		if self.bids.is_empty() {
			return None;
		}
		let best = self.bids.remove(0);
		let price = payment(best.quality, self.bids.first().map(|bid| bid.score), self.reserve);
		Some((best, price))
	}

	/// What the bid that comes next is paid more than this for the parts that are not settled; nothing if
	/// there is none, and at most as much again: a client must not gain by what its provider fails.
	pub fn successor_costs_more(&self, price: Balance) -> Balance {
		let next = self.bids.first().map_or(price, |best| {
			payment(best.quality, self.bids.get(1).map(|bid| bid.score), self.reserve)
		});
		let left = self.share_left(price);
		self.share_left(next).saturating_sub(left).min(left)
	}

	/// What is left of a price for the parts that are not settled.
	pub fn share_left(&self, price: Balance) -> Balance {
		self.share_of_parts(price, self.progress.settled, self.spec.parts)
	}

	/// The share of a price that belongs to the parts from one on, up to another.
	pub fn share_of_parts(&self, price: Balance, from: u8, to: u8) -> Balance {
		(from..to).map(|part| self.spec.share_of(price, part)).sum()
	}

	/// What somebody who computed the parts up to one has cost the client: their price, what the protocol took of that, and what
	/// verifying them has cost. Of a batch that is all that was paid: runners-up had the same result, and were let go.
	pub fn cost_of_parts(
		&self,
		by: &Assignment<AccountId>,
		to_part: u8,
		verified: Balance,
	) -> Balance {
		let price = match self.stream {
			None => self.share_of_parts(by.price, by.first_part, to_part),
			Some(_) => self.reserve.saturating_sub(self.escrow.price).saturating_add(self.owed),
		};
		price.saturating_add(share(price, self.terms.protocol_fee)).saturating_add(verified)
	}

	/// What somebody costs its client that was paid for parts which are false, unless the client has got that back.
	pub fn paid_to(&self, departed: &Departed<AccountId>) -> Balance {
		let Departed { by, to_part, verified, refunded } = departed;
		if *refunded { 0 } else { self.cost_of_parts(by, *to_part, *verified) }
	}

	/// What of it matters to what it means for the chain.
	pub const fn deal(&self) -> Deal<'_, AccountId> {
		Deal { client: &self.client, operators: self.operators }
	}

	/// Whether results are verified: enough operators could be drawn when it was submitted.
	pub fn is_verified(&self) -> bool {
		self.operators >= self.terms.least_operators
	}
}

/// The lock of whoever works on a task. Each attempt has its own, so that a fault of one does not touch
/// another.
pub const fn work_lock(task: TaskId, attempt: u8) -> LockId {
	LockId::new(Purpose::Work, task << 8 | attempt as u64)
}

/// The lock of a bid.
pub const fn bid_lock(task: TaskId) -> LockId {
	LockId::new(Purpose::Bid, task)
}

/// The lock of whoever races for a batch.
pub const fn race_lock(task: TaskId, attempt: u8) -> LockId {
	LockId::new(Purpose::Race, task << 8 | attempt as u64)
}

/// The lock of a client.
pub const fn client_lock(task: TaskId) -> LockId {
	LockId::new(Purpose::Client, task)
}

/// A stream: one escrow, from which batch after batch is paid.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Stream<AccountId> {
	/// Who pays.
	pub client: AccountId,
	/// What its batches have in common.
	pub spec: StreamSpec,
	/// What is in escrow and not set aside for a batch.
	pub balance: Balance,
	/// Whether it takes no batches for the time being.
	pub paused: bool,
	/// Batches that go on.
	pub live: u32,
}

/// Somebody who races for a batch.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Racer<AccountId> {
	/// Its operator.
	pub group: GroupId,
	/// [`ogpu_primitives::market::stream::commitment`] of its root.
	pub commitment: Hash,
	/// What it has locked.
	pub lock: Balance,
	/// The root that it has shown.
	pub shown: Option<Hash>,
	/// Who answers with its stake for what it does.
	pub guarantor: Option<Guarantor<AccountId>>,
}

/// What remains of a task that has ended.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Record<AccountId> {
	/// How it ended.
	pub ending: Ending,
	/// Who paid.
	pub client: AccountId,
	/// Who had it last.
	pub provider: Option<AccountId>,
	/// What providers were paid in all.
	pub paid: Balance,
	/// The hash of all roots, in their order; the root itself where there is one part.
	pub result: Option<Hash>,
	/// When it is forgotten.
	pub until: Moment,
}

/// A fraud that is slashed at the end of its window, unless it is overturned.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Conviction<AccountId> {
	/// Which result was false.
	pub part: PartOfTask,
	/// Whose it was.
	pub provider: AccountId,
	/// Who is made whole.
	pub client: AccountId,
	/// By how much.
	pub damage: Balance,
	/// Who found it.
	pub finder: Option<AccountId>,
	/// Whether others have recomputed it. Otherwise it was not opened, or not given.
	pub proven: bool,
	/// Another part that was found false after this one.
	pub more: Option<More<AccountId>>,
	/// Who answers for it with its stake, if it was proven by recomputing.
	pub guarantor: Option<Guarantor<AccountId>>,
	/// When it is slashed.
	pub until: Moment,
	/// What its task wants: those who judge an appeal recompute it, and the task may have ended.
	pub spec: TaskSpec,
	/// What it was not paid, and would have been if its result had been right.
	pub due: Balance,
	/// By what its reputation is weighed.
	pub weight: Balance,
	/// What it was paid for before, and answers for even if this result was right.
	pub paid: Option<Departed<AccountId>>,
}

/// Another part of what somebody is convicted for.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct More<AccountId> {
	/// Which result was false.
	pub part: PartOfTask,
	/// By how much its client is made whole if it is this alone.
	pub damage: Balance,
	/// By how much more, besides what it gets for the first.
	pub extra: Balance,
	/// Who found it.
	pub finder: Option<AccountId>,
	/// Whether others have recomputed it.
	pub proven: bool,
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn parts_are_settled_in_order() {
		let mut progress = Progress { rooted: 4, ..Progress::default() };
		assert_eq!(progress.valid(2), 0);
		assert_eq!(progress.valid(0), 1);
		assert_eq!(progress.valid(1), 2);
		assert_eq!(progress.settled, 3);
		progress.valid(3);
		progress.restart();
		assert_eq!((progress.settled, progress.rooted), (4, 4));
	}

	#[test]
	fn what_runs_ahead_is_given_up() {
		let mut progress = Progress { rooted: 3, ..Progress::default() };
		progress.valid(1);
		progress.restart();
		assert_eq!(progress, Progress::default());
		let mut last = Progress { settled: 63, rooted: 64, ahead: 0 };
		assert_eq!(last.valid(63), 1);
		assert_eq!(last.valid(64), 0);
	}

	#[test]
	fn locks_of_attempts_differ() {
		assert_ne!(work_lock(1, 0), work_lock(1, 1));
		assert_ne!(work_lock(0, 255), work_lock(1, 0));
	}
}
