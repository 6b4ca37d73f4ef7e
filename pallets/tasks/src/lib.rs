//! # Tasks: how work finds a provider, and money follows it
//!
//! A client submits a task: a job by its hash, what it needs, how thoroughly it is to be verified, and at
//! most how much it may cost. Providers bid in a sealed auction; the winner computes, part by part; each
//! part is handed over to be verified ([`Attestation`]) and paid when it is found valid. This pallet holds
//! the client's money from the first moment to the last, and decides at every end who gets what of it.
//!
//! ## Key terms
//!
//! - **Task**: a job on the chain, with a budget and a status ([`Task`]).
//! - **Part**: a run of units with a root, a verdict and a share of the price of its own. Parts are settled
//!   in their order.
//! - **Quote**: what a task costs at most ([`ogpu_primitives::market::quote`]). It goes into escrow when the
//!   task is submitted; what is charged never exceeds it, and what was not needed comes back.
//! - **Reserve**: the most that is paid for the work. Bids above it are void.
//! - **Window**: the time after the last verdict in which anybody may challenge and the client takes
//!   delivery. Locks last until it ends.
//! - **Stream**: one escrow for batch after batch of requests ([`Stream`]). A **batch** is a task that is not
//!   auctioned: whoever meets its requirements may race. Racers seal the root of its result, then show it;
//!   roots are verified in the order of the number of operators that came to them. Agreement of racers proves
//!   nothing, since they choose themselves: it only says what is looked at first.
//! - **Demand** ([`Demand`]): somebody who needs data of whoever has a task, and does not get it, demands a piece on
//!   chain. It is posted in time, or the holder is at fault.
//! - **Market clock** ([`Clock`]): counts the blocks that had room for whoever had a deadline to keep.
//!
//! ## Life of a task
//!
//! ```text
//!  submit ─► Bidding ─► Revealing ─► Assigned ─► Executing ─► Verifying ─► Delivered ─► Completed
//!               │           │           │  ▲          │  ▲         │            │
//!               ▼           ▼           │  └─ next bid, or ◄───────┘            ▼
//!           NoProvider ◄────┘           ▼     new auction                     Fraud
//!                                  Adjudicating ─► AtFault ─► Rejected, Unavailable
//!
//!  send ─► Open ─► Racing ─► Verifying ─► Delivered ─► Completed
//!            │        ▲          │
//!            ▼        └── next root, or again ── fraud
//!        NoProvider
//! ```
//!
//! A task that has ended while a result of it is being judged is Closing until that is decided.
//!
//! Each status knows the moment at which it is left at the latest; an agenda by moments sees to it, in each
//! block as far as its weight allows, and carries on what is left in the next. So every task ends.
//!
//! ## Who pays at each end
//!
//! | end | provider | client | others |
//! | --- | --- | --- | --- |
//! | a part is valid | its share of the price; a part of that on delivery | | verifiers: their fees; protocol fee |
//! | deadline missed | pays a penalty, and what its successor costs more | is paid that | treasury: the penalty |
//! | fraud | loses its lock, at the end of a window | made whole | finder, treasury |
//! | undelivered | pays back what it was paid, and a penalty | made whole | treasury: the penalty |
//! | rejected, unavailable | gets a gate run | loses what the judges cost; gets the rest back, at the end of a window | judges |
//! | that was wrong, on appeal | pays the client what it lost, and a penalty | made whole; somebody else takes over | |
//! | a fraud was none, on appeal | gets what it was not paid, from the treasury | keeps what it got back | those who were wrong pay |
//! | inconclusive | gets half of the part, if it was confirmed | gets the rest back | verifiers: their fees |
//! | cancelled before it was assigned | | gets all back | |
//! | cancelled later | a cancellation fee | gets the rest back | |
//!
//! ## Invariants
//!
//! Checked by `try_state`, and after every test:
//!
//! - what a client has in escrow is what its tasks have, and the pot has all of it and the existential deposit;
//! - every live task is in the agenda, at the moment at which its status ends or before;
//! - whoever has a task has locked what the terms say, and nobody else has a lock for it;
//! - sealed bids belong to tasks that take them, one of an operator, and their bonds are locked;
//! - whoever races has locked what the terms say, and one of an operator races for a batch;
//! - a stream has as many batches as name it;
//! - demands are in the agenda, and their bonds in escrow;
//! - records, roots and convictions belong to tasks that have them.
//!
//! ## Example
#![doc = docify::embed!("src/tests/life.rs", a_task_is_bid_for_computed_verified_and_paid)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod agenda;
mod auction;
mod clock;
mod convictions;
mod demands;
mod duties;
#[cfg(test)]
mod mock;
mod money;
mod offchain;
mod pool;
mod settle;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
mod view;
pub mod weights;
mod work;

pub use agenda::Item;
pub use demands::{
	Answer, Demand, Demanded, MAX_DEMANDS, MAX_LEAF_SIBLINGS, MAX_OF_CLIENT, Wanted,
};
pub use duties::{Done, Due};
pub use ogpu_traits::{Attestation, Clock, Verdicts};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// Members of panels that are kept for a task which is found valid part by part without a dispute, at most: 64 parts
/// with two rounds of five. Cancelling a task is paid for as if it had so many, and what is too much comes back.
pub const MOST_PLACES: u32 = 640;

/// The part of a block that the agenda may take: one in so many.
pub const AGENDA_SHARE: u64 = 6;

#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet {
	use alloc::{boxed::Box, vec::Vec};
	use frame_support::{
		PalletId,
		dispatch::DispatchClass,
		pallet_prelude::*,
		traits::fungible::{Inspect, Mutate},
		weights::WeightMeter,
	};
	use frame_system::pallet_prelude::*;
	use ogpu_primitives::{
		Balance,
		market::{
			DeviceTier, GroupId, TaskId,
			quote::{NoQuote, Quote, Terms},
			rules::{Charges, Security, TierPrice, Windows},
			spec::{SpecFault, TaskSpec},
			stream::{Batch, MAX_BATCHES, StreamId, StreamSpec},
			view::{EndedTask, TaskView},
		},
		merkle::Hash,
	};
	use ogpu_traits::{
		Attestation, Claim, Collateral, Duties, Merit, Moment, Registry, Unmet, Verdict,
	};

	use super::*;
	use crate::types::Task;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// What the pallet asks of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The oGPU balances.
		type Currency: Inspect<Self::AccountId, Balance = Balance> + Mutate<Self::AccountId>;

		/// Derives the account of the pot, which genesis gives the existential deposit.
		type PotId: Get<PalletId>;

		/// Where both sides lock collateral.
		type Collateral: Collateral<Self::AccountId>;

		/// Who may take a task.
		type Registry: Registry<Self::AccountId>;

		/// Who verifies results.
		type Attestation: Attestation<Self::AccountId>;

		/// What verified work earns beyond its price.
		type Merit: Merit<Self::AccountId>;

		/// Gets penalties, and its part of the protocol fee.
		type Treasury: Get<Self::AccountId>;

		/// How long everything may take. A parameter of governance.
		type Windows: Get<Windows>;

		/// Who pays what. A parameter of governance.
		type Charges: Get<Charges>;

		/// What the market protects itself against. A parameter of governance.
		type Security: Get<Security>;

		/// How base prices begin and move, by device tier. A parameter of governance.
		type Prices: Get<[TierPrice; 3]>;

		/// A hash that nobody knew a block ago.
		type Randomness: Get<Option<Hash>>;

		/// Whether the chain is paused: the market clock stands still then.
		type Paused: Get<bool>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// The market clock: market blocks so far.
	#[pallet::storage]
	pub type Now<T> = StorageValue<_, Moment, ValueQuery>;

	/// The number of the next task.
	#[pallet::storage]
	pub type NextTask<T> = StorageValue<_, TaskId, ValueQuery>;

	/// Live tasks. The keys are counted by the chain.
	#[pallet::storage]
	pub type Tasks<T: Config> = StorageMap<_, Twox64Concat, TaskId, Task<T::AccountId>>;

	/// What each account has in escrow: for its tasks and streams, and the bonds of its demands.
	#[pallet::storage]
	pub type Escrows<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

	/// Sealed bids.
	#[pallet::storage]
	pub type Bids<T: Config> =
		StorageDoubleMap<_, Twox64Concat, TaskId, Blake2_128Concat, T::AccountId, SealedBid>;

	/// Operators that have sealed a bid for a task: one each.
	#[pallet::storage]
	pub type Bidders<T> = StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, GroupId, ()>;

	/// Tasks that take bids, for those who look for work.
	#[pallet::storage]
	pub type Auctions<T> = StorageMap<_, Twox64Concat, TaskId, ()>;

	/// Tasks that a provider bid for or has, for its hook.
	#[pallet::storage]
	pub type Concerns<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, TaskId, ()>;

	/// The roots of a live task's parts, by the attempt that they are of.
	#[pallet::storage]
	pub type Roots<T> = StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, u8, (u8, Hash)>;

	/// Frauds that are slashed when their window ends. By task and attempt.
	#[pallet::storage]
	pub type Convictions<T: Config> =
		StorageMap<_, Twox64Concat, (TaskId, u8), Conviction<T::AccountId>>;

	/// Racers that came to the root of somebody who is convicted: their lot is the same. By task and attempt, with the
	/// race.
	#[pallet::storage]
	pub type Accomplices<T: Config> =
		StorageDoubleMap<_, Twox64Concat, (TaskId, u8), Blake2_128Concat, T::AccountId, u8>;

	/// Who had a task before, and was paid for parts of it. By task and attempt.
	#[pallet::storage]
	pub type Departures<T: Config> =
		StorageMap<_, Twox64Concat, (TaskId, u8), Departed<T::AccountId>>;

	/// The number of the next stream.
	#[pallet::storage]
	pub type NextStream<T> = StorageValue<_, StreamId, ValueQuery>;

	/// Streams. The keys are counted by the chain.
	#[pallet::storage]
	pub type Streams<T: Config> = StorageMap<_, Twox64Concat, StreamId, Stream<T::AccountId>>;

	/// Who races for a batch.
	#[pallet::storage]
	pub type Racers<T: Config> = StorageDoubleMap<
		_,
		Twox64Concat,
		TaskId,
		Blake2_128Concat,
		T::AccountId,
		Racer<T::AccountId>,
	>;

	/// Batches for which roots are sealed, for those who look for work.
	#[pallet::storage]
	pub type Races<T> = StorageMap<_, Twox64Concat, TaskId, ()>;

	/// The number of the next demand.
	#[pallet::storage]
	pub type NextDemand<T> = StorageValue<_, u32, ValueQuery>;

	/// Demands for data that wait, by task. The second keys are counted by the chain.
	#[pallet::storage]
	pub type Demands<T: Config> =
		StorageDoubleMap<_, Twox64Concat, TaskId, Twox64Concat, u32, Demand<T::AccountId>>;

	/// How many demands wait for a provider.
	#[pallet::storage]
	pub type Pending<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// What remains of tasks that have ended.
	#[pallet::storage]
	pub type Records<T: Config> = StorageMap<_, Twox64Concat, TaskId, Record<T::AccountId>>;

	/// What is to be looked at, by moment. The keys are counted by the chain.
	#[pallet::storage]
	pub type Agenda<T> = StorageDoubleMap<_, Twox64Concat, Moment, Twox64Concat, Item, ()>;

	/// The first moment of the agenda that is not done with.
	#[pallet::storage]
	pub type AgendaFrom<T> = StorageValue<_, Moment, ValueQuery>;

	/// The base price of a compute unit, by device tier.
	#[pallet::storage]
	pub type BasePrices<T> = StorageMap<_, Twox64Concat, u8, Balance>;

	/// Events of the pallet. Amounts are in the token's smallest unit.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A task was submitted, and what it costs at most is in escrow.
		Submitted {
			/// Its number.
			task: TaskId,
			/// Who pays.
			client: T::AccountId,
			/// The job hash.
			job: Hash,
			/// What it costs at most.
			quote: Quote,
			/// Until when bids are sealed.
			until: Moment,
		},
		/// A stream was opened.
		StreamOpened {
			/// Its number.
			stream: StreamId,
			/// Who pays.
			client: T::AccountId,
			/// What was put in escrow.
			deposit: Balance,
		},
		/// Tokens were added to a stream's escrow.
		StreamToppedUp {
			/// Which.
			stream: StreamId,
			/// How much.
			amount: Balance,
		},
		/// A stream was paused, or goes on.
		StreamPaused {
			/// Which.
			stream: StreamId,
			/// Whether it takes no batches now.
			paused: bool,
		},
		/// A stream was closed.
		StreamClosed {
			/// Which.
			stream: StreamId,
			/// What the client got back.
			refund: Balance,
		},
		/// A batch of requests can be raced for.
		BatchSent {
			/// Of which stream.
			stream: StreamId,
			/// Its number among the tasks.
			task: TaskId,
			/// The job hash.
			job: Hash,
			/// What is set aside for it.
			quote: Quote,
		},
		/// Somebody has sealed the root of a batch.
		Raced {
			/// Of which.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
		},
		/// Somebody has shown the root of a batch.
		Shown {
			/// Of which.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
			/// The root.
			root: Hash,
		},
		/// The result of a batch is there. It is provisional until it is verified.
		RaceWon {
			/// Of which.
			task: TaskId,
			/// By whom.
			provider: T::AccountId,
			/// The root.
			root: Hash,
			/// How many operators came to the same.
			agreeing: u32,
		},
		/// Somebody sealed a bid.
		BidSealed {
			/// For which task.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
		},
		/// Bids are opened from now on.
		BidsClosed {
			/// Of which task.
			task: TaskId,
			/// How many there are.
			bids: u8,
			/// Until when they are opened.
			until: Moment,
		},
		/// Somebody opened a bid.
		BidOpened {
			/// For which task.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
			/// What it asks.
			price: Balance,
		},
		/// A bid was not opened, and its bond is lost.
		BidWithheld {
			/// For which task.
			task: TaskId,
			/// Whose.
			provider: T::AccountId,
		},
		/// A task was given to a provider.
		Assigned {
			/// Which.
			task: TaskId,
			/// How many attempts failed before.
			attempt: u8,
			/// To whom.
			provider: T::AccountId,
			/// What all of it would pay.
			price: Balance,
			/// What the provider locks.
			lock: Balance,
		},
		/// A bid was passed over: its provider may not, or cannot, take the task any more.
		PassedOver {
			/// Of which task.
			task: TaskId,
			/// Whose.
			provider: T::AccountId,
			/// What it does not meet; `None` if it has too little collateral free.
			unmet: Option<Unmet>,
		},
		/// A provider has all inputs, and begins.
		Acknowledged {
			/// Of which task.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
			/// When it has to be done.
			until: Moment,
		},
		/// A provider does not want a task that it won.
		Declined {
			/// Which.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
		},
		/// A provider missed a deadline.
		Missed {
			/// Of which task.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
			/// What it was to pay.
			penalty: Balance,
		},
		/// A provider says that a task is at fault.
		Claimed {
			/// Which.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
			/// In what way.
			claim: Claim,
		},
		/// The root of a part is known.
		Rooted {
			/// Of which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part.
			part: u8,
			/// The root.
			root: Hash,
		},
		/// A part of a task, or a claim about it, was decided.
		Decided {
			/// Which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part; 255 for a claim.
			part: u8,
			/// How.
			verdict: Verdict,
		},
		/// Somebody was paid for work.
		Paid {
			/// On which task.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
			/// How much.
			amount: Balance,
			/// What the protocol took on top.
			fee: Balance,
		},
		/// All parts are done: the client can take delivery.
		Delivered {
			/// Of which task.
			task: TaskId,
			/// Until when the result can be challenged.
			until: Moment,
		},
		/// The client has the result.
		DeliveryAcknowledged {
			/// Of which task.
			task: TaskId,
		},
		/// Somebody demands data of whoever has, or had, a task.
		Demanded {
			/// Which task.
			task: TaskId,
			/// The number of the demand.
			demand: u32,
			/// Who demands it.
			by: T::AccountId,
			/// Of whom.
			of: T::AccountId,
			/// What.
			wanted: Wanted,
			/// Which piece of it, of 64 KiB.
			piece: u32,
			/// Until when it is to be posted.
			until: Moment,
		},
		/// What was demanded was posted: it stands in the transaction of this event.
		Answered {
			/// About which task.
			task: TaskId,
			/// The demand.
			demand: u32,
			/// By whom. It gets the bond.
			by: T::AccountId,
		},
		/// What was demanded was not posted in time. The bond is given back; if it is still needed, the provider is at
		/// fault.
		Unanswered {
			/// About which task.
			task: TaskId,
			/// The demand.
			demand: u32,
			/// Who was to post it.
			provider: T::AccountId,
		},
		/// A fraud will be slashed.
		Convicted {
			/// On which task.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
			/// The lowest false unit of the part.
			unit: u32,
			/// When.
			until: Moment,
		},
		/// A job was found at fault: its task ends, unless its client appeals.
		FoundAtFault {
			/// Of which task.
			task: TaskId,
			/// How it ends.
			ending: Ending,
			/// When.
			until: Moment,
		},
		/// Somebody was convicted wrongly, and gets what it was not paid.
		Acquitted {
			/// On which task.
			task: TaskId,
			/// Who.
			provider: T::AccountId,
			/// What it gets.
			amount: Balance,
		},
		/// A task has ended.
		Ended {
			/// Which.
			task: TaskId,
			/// How.
			ending: Ending,
			/// What the client got back.
			refund: Balance,
		},
	}

	/// Errors of the pallet.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no such live task.
		NoSuchTask,
		/// The job is empty or too long.
		JobLength,
		/// The source of the job has neither an address nor a relay.
		SourceUnreachable,
		/// There are no units, or too many.
		Units,
		/// There are no parts, too many, or more than units.
		Parts,
		/// A part has fewer units than the tier draws from; use fewer parts, or the tier `full`.
		PartTooSmall,
		/// A part has more units than the tier can cover; use more parts.
		PartTooLarge,
		/// The tier `light` is earned by providers, not asked for.
		LightAskedFor,
		/// The work is zero or too much.
		Work,
		/// There are no devices with so much memory.
		Memory,
		/// A feature is asked for that does not exist.
		UnknownFeature,
		/// The reputation is above 1,000 thousandths.
		Reputation,
		/// The largest price is below the least price of a task, or too high.
		Price,
		/// There is no time to compute it in.
		Time,
		/// A stream pays one to four racers.
		RacerCount,
		/// There is no such stream.
		NoSuchStream,
		/// The stream is paused.
		StreamPaused,
		/// Less is left in the stream's escrow than the batch may cost. Top it up.
		StreamTooPoor,
		/// A stream can be closed once its batches have ended.
		StreamBusy,
		/// The batch has too many requests, or none.
		Requests,
		/// The batch has as many racers as it may have.
		TooManyRacers,
		/// The operator races already.
		OneRacerPerGroup,
		/// The provider does not race for this.
		NotRacing,
		/// A result of the task is being judged. Wait for the verdict.
		Disputed,
		/// Results of the profile `redundant` are compared whole: one unit, tier `full`.
		RedundantUnits,
		/// Too few operators could verify it. Wait, ask for less, or accept it unverified.
		TooFewOperators,
		/// At this tier fraud could not be found well enough for any lock to deter it.
		CannotBeSecured,
		/// The quote is above the most that was allowed for it. It may have risen meanwhile: ask again, or allow more.
		QuoteTooHigh,
		/// Only the client of the task may do this.
		NotClient,
		/// It is too late: the result is being verified, or there.
		TooLate,
		/// Bids are being opened; wait until somebody has the task.
		BidsAreOpen,
		/// The provider has claimed this before.
		ClaimedBefore,
		/// The task is not in the status that this is for.
		WrongStatus,
		/// This is for another attempt or part.
		Stale,
		/// The provider does not have this task.
		NotAssigned,
		/// The provider is not registered.
		NotRegistered,
		/// The provider has missed its heartbeats.
		Inactive,
		/// The provider is suspended.
		Suspended,
		/// The provider is retiring.
		Retiring,
		/// None of the provider's devices has what the task needs.
		NoDevice,
		/// The provider is not in the region.
		Region,
		/// The provider's reputation is too low.
		ReputationTooLow,
		/// The operator has bid already.
		OneBidPerGroup,
		/// The operator is the client's own, or has failed this task.
		GroupBarred,
		/// The task has as many bids as it may have.
		TooManyBids,
		/// There is no bid of this provider.
		NoBid,
		/// Price and salt are not what the bid was sealed with.
		WrongOpening,
		/// The job does not start from such a blob. Give the job's SCALE form, which names its inputs.
		NoSuchInput,
		/// Only a member of the panel that is still to commit may demand inputs.
		NotOnPanel,
		/// The part has no such unit.
		NoSuchUnit,
		/// As many demands about the task wait as may, or its client has made as many as it may.
		TooManyDemands,
		/// The account waits for an answer about the task already.
		DemandedBefore,
		/// There is no such demand, or no longer.
		NoSuchDemand,
		/// The piece is not what was demanded, or is not proven.
		WrongPiece,
		/// The account has fewer free tokens: what is locked, or has to stay on it, does not count.
		NotEnoughTokens,
	}

	impl<T> From<SpecFault> for Error<T> {
		fn from(fault: SpecFault) -> Self {
			match fault {
				SpecFault::JobLength => Self::JobLength,
				SpecFault::SourceUnreachable => Self::SourceUnreachable,
				SpecFault::Units => Self::Units,
				SpecFault::Parts => Self::Parts,
				SpecFault::PartTooSmall => Self::PartTooSmall,
				SpecFault::PartTooLarge => Self::PartTooLarge,
				SpecFault::LightAskedFor => Self::LightAskedFor,
				SpecFault::Work => Self::Work,
				SpecFault::Memory => Self::Memory,
				SpecFault::UnknownFeature => Self::UnknownFeature,
				SpecFault::Reputation => Self::Reputation,
				SpecFault::Price => Self::Price,
				SpecFault::Time => Self::Time,
				SpecFault::Racers => Self::RacerCount,
				SpecFault::RedundantUnits => Self::RedundantUnits,
			}
		}
	}

	impl<T> From<NoQuote> for Error<T> {
		fn from(no: NoQuote) -> Self {
			match no {
				NoQuote::TooFewOperators => Self::TooFewOperators,
				NoQuote::CannotBeSecured => Self::CannotBeSecured,
			}
		}
	}

	impl<T> From<Unmet> for Error<T> {
		fn from(unmet: Unmet) -> Self {
			match unmet {
				Unmet::Unregistered => Self::NotRegistered,
				Unmet::Inactive => Self::Inactive,
				Unmet::Suspended => Self::Suspended,
				Unmet::Retiring => Self::Retiring,
				Unmet::NoDevice => Self::NoDevice,
				Unmet::Region => Self::Region,
				Unmet::Reputation => Self::ReputationTooLow,
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Moves the base prices, and reserves what [`Hooks::on_finalize`] costs.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			Self::move_prices();
			T::WeightInfo::every_block()
		}

		/// Serves the agenda, as far as the meter allows.
		fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
			let mut own = WeightMeter::with_limit(meter.remaining().min(Self::share()));
			Self::serve_agenda(&mut own);
			meter.consume(own.consumed());
		}

		/// Lets the market clock tick, if the block had room.
		fn on_finalize(_: BlockNumberFor<T>) {
			Self::tick();
		}

		fn integrity_test() {
			assert!(
				Task::<T::AccountId>::max_encoded_len() <= 1024,
				"a task takes {} bytes",
				Task::<T::AccountId>::max_encoded_len()
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Submits a task, and puts what it costs at most in escrow.
		///
		/// Origin: signed, the client. `most` is what the client is ready to pay in all: the quote may have
		/// changed since it was asked for. Fails with what is wrong with the task. Events:
		/// [`Event::Submitted`], and what follows.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::submit().saturating_add(T::WeightInfo::close_empty()))]
		pub fn submit(origin: OriginFor<T>, spec: TaskSpec, most: Balance) -> DispatchResult {
			let client = ensure_signed(origin)?;
			let (terms, operators, quote) = Self::quote_for(&spec)?;
			ensure!(quote.most() <= most, Error::<T>::QuoteTooHigh);
			let until = Self::after(T::Windows::get().commit.get());
			let job = spec.job.hash;
			let status = Status::Bidding { until };
			let task = Task::new(client.clone(), None, spec, terms, &quote, operators, status);
			let id = Self::take_on(task, &quote)?;
			Self::put_in_escrow(&client, quote.most())?;
			Auctions::<T>::insert(id, ());
			Self::deposit_event(Event::Submitted { task: id, client, job, quote, until });
			Ok(())
		}

		/// Cancels a task.
		///
		/// Origin: signed, the client. While bids are sealed everything comes back; once somebody has the
		/// task, the provider gets a share of what is left to be paid; of a task that was found at fault the client
		/// agrees to that, and gets back at once what it would get back later. Fails while bids are being opened,
		/// which would tell the client what others ask for nothing, and once all roots are known. Event:
		/// [`Event::Ended`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::cancel(MOST_PLACES))]
		pub fn cancel(origin: OriginFor<T>, task: TaskId) -> DispatchResultWithPostInfo {
			let client = ensure_signed(origin)?;
			let found = Self::task(task)?;
			ensure!(found.client == client, Error::<T>::NotClient);
			let places = T::Attestation::places(task).min(MOST_PLACES);
			Self::cancel_task(task, found)?;
			Ok(Some(T::WeightInfo::cancel(places)).into())
		}

		/// Says that the client has the result, which pays the rest of the price.
		///
		/// Origin: signed, the client. The result can still be challenged until its window ends. Event:
		/// [`Event::DeliveryAcknowledged`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::acknowledge_delivery())]
		pub fn acknowledge_delivery(origin: OriginFor<T>, task: TaskId) -> DispatchResult {
			let client = ensure_signed(origin)?;
			let found = Self::task(task)?;
			ensure!(found.client == client, Error::<T>::NotClient);
			Self::take_delivery(task, found)
		}

		/// Opens a stream: a deposit from which batch after batch of requests is paid.
		///
		/// Origin: signed, the client. Fails with what is wrong with it. Event: [`Event::StreamOpened`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::open_stream())]
		pub fn open_stream(
			origin: OriginFor<T>,
			spec: StreamSpec,
			deposit: Balance,
		) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::begin_stream(client, spec, deposit)
		}

		/// Adds to the escrow of a stream.
		///
		/// Origin: signed, the stream's client. Event: [`Event::StreamToppedUp`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::open_stream())]
		pub fn top_up(origin: OriginFor<T>, stream: StreamId, amount: Balance) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::add_to_stream(&client, stream, amount)
		}

		/// Sends batches of requests to be raced for. What each may cost is set aside in the stream's escrow.
		///
		/// Origin: signed, the stream's client. All of them are taken, or none. Event: [`Event::BatchSent`] for
		/// each.
		#[pallet::call_index(6)]
		#[pallet::weight(
			T::WeightInfo::send().saturating_add(T::WeightInfo::close_empty())
				.saturating_mul(batches.len() as u64)
		)]
		pub fn send(
			origin: OriginFor<T>,
			stream: StreamId,
			batches: BoundedVec<Batch, ConstU32<MAX_BATCHES>>,
		) -> DispatchResult {
			let client = ensure_signed(origin)?;
			for batch in &batches {
				Self::send_batch(&client, stream, batch)?;
			}
			Ok(())
		}

		/// Has a stream take no batches for the time being, or again. Batches under way go on.
		///
		/// Origin: signed, the stream's client. Event: [`Event::StreamPaused`].
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::pause_stream())]
		pub fn pause_stream(
			origin: OriginFor<T>,
			stream: StreamId,
			paused: bool,
		) -> DispatchResult {
			let client = ensure_signed(origin)?;
			let mut found = Self::stream_of(&client, stream)?;
			found.paused = paused;
			Streams::<T>::insert(stream, found);
			Self::deposit_event(Event::StreamPaused { stream, paused });
			Ok(())
		}

		/// Closes a stream whose batches have all ended. What is left in escrow comes back.
		///
		/// Origin: signed, the stream's client. Event: [`Event::StreamClosed`].
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::open_stream())]
		pub fn close_stream(origin: OriginFor<T>, stream: StreamId) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::end_stream(&client, stream)
		}

		/// Demands a piece of 64 KiB of data that whoever has, or had, the task does not give.
		///
		/// Origin: signed; for the result, the client that has not acknowledged its delivery; for an input, a member of
		/// a panel that is still to commit, which then waits. Puts a bond in escrow, which whoever answers gets. One
		/// demand about a task at a time. Events: [`Event::Demanded`], and [`Event::Answered`] or
		/// [`Event::Unanswered`] later.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::demand())]
		pub fn demand(
			origin: OriginFor<T>,
			task: TaskId,
			demanded: Demanded,
			piece: u32,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::demand_piece(who, task, demanded, piece)
		}

		/// Does by hand what a provider's node does by itself: bids, opens, acknowledges, and so on.
		///
		/// Origin: signed, the provider. Errors and events are those of what is done.
		#[pallet::call_index(3)]
		#[pallet::weight((<Pallet<T> as Duties<T::AccountId>>::weight(done), DispatchClass::Operational))]
		pub fn act(origin: OriginFor<T>, done: Done) -> DispatchResult {
			let provider = ensure_signed(origin)?;
			<Self as Duties<T::AccountId>>::perform(&provider, done)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// What a task would cost now, or everything that is wrong with it.
		pub fn quote(spec: TaskSpec) -> Result<Quote, (Vec<SpecFault>, Option<NoQuote>)> {
			let faults = spec.faults();
			if !faults.is_empty() {
				return Err((faults, None));
			}
			let operators = T::Registry::operators(&spec.requirements);
			let quote = Self::terms_for(spec.requirements.tier).quote(&spec, operators);
			let quote = quote.map_err(|no| (Vec::new(), Some(no)))?;
			if quote.reserve < T::Charges::get().least_price.get() {
				return Err((Vec::from([SpecFault::Price]), None));
			}
			Ok(quote)
		}

		/// A live task.
		pub fn live(task: TaskId) -> Option<Task<T::AccountId>> {
			Tasks::<T>::get(task)
		}

		/// What remains of a task that has ended.
		pub fn ended(task: TaskId) -> Option<Record<T::AccountId>> {
			Records::<T>::get(task)
		}

		/// A task, live or ended, as those see it who look at the chain from outside.
		pub fn look(task: TaskId) -> Option<TaskView<T::AccountId>> {
			if let Some(found) = Tasks::<T>::get(task) {
				return Some(TaskView::Live(Box::new(Self::look_at_live(task, found))));
			}
			let Record { client, ending, provider, paid, result, .. } = Records::<T>::get(task)?;
			Some(TaskView::Ended(EndedTask { client, ending, provider, paid, result }))
		}

		/// The market clock.
		pub fn clock() -> Moment {
			Now::<T>::get()
		}

		/// The base price of a compute unit of a device tier.
		pub fn base_price(tier: DeviceTier) -> Balance {
			Self::base_price_of(tier)
		}
	}

	impl<T: Config> Pallet<T> {
		pub(super) fn task(id: TaskId) -> Result<Task<T::AccountId>, Error<T>> {
			Tasks::<T>::get(id).ok_or(Error::<T>::NoSuchTask)
		}

		/// Keeps a task, and has it looked at when its status ends.
		pub(super) fn put(id: TaskId, task: Task<T::AccountId>) {
			Self::remind(task.status.until(), Item::Task(id));
			Tasks::<T>::insert(id, task);
		}

		/// Takes a new task, once its client has locked what the quote says. Its number.
		pub(super) fn take_on(
			task: Task<T::AccountId>,
			quote: &Quote,
		) -> Result<TaskId, DispatchError> {
			let id = NextTask::<T>::get();
			T::Collateral::set_lock(&task.client, client_lock(id), quote.client_lock)?;
			NextTask::<T>::put(id.saturating_add(1));
			Self::put(id, task);
			Ok(id)
		}

		/// So many market blocks from now.
		pub(super) fn after(blocks: u32) -> Moment {
			Now::<T>::get().saturating_add(blocks)
		}

		pub(super) fn quote_for(spec: &TaskSpec) -> Result<(Terms, u32, Quote), Error<T>> {
			if let Some(fault) = spec.faults().into_iter().next() {
				return Err(fault.into());
			}
			let terms = Self::terms_for(spec.requirements.tier);
			let operators = T::Registry::operators(&spec.requirements);
			let quote = terms.quote(spec, operators)?;
			ensure!(quote.reserve >= T::Charges::get().least_price.get(), Error::<T>::Price);
			Ok((terms, operators, quote))
		}

		/// The terms on which tasks for a device tier are taken now.
		pub(super) fn terms_for(tier: DeviceTier) -> Terms {
			Terms::new(Self::base_price_of(tier), &T::Charges::get(), &T::Security::get())
		}

		pub(super) fn base_price_of(tier: DeviceTier) -> Balance {
			let index = tier as usize;
			BasePrices::<T>::get(tier as u8).unwrap_or_else(|| T::Prices::get()[index].first.get())
		}

		fn move_prices() {
			let prices = T::Prices::get();
			for (tier, price) in DeviceTier::ALL.into_iter().zip(&prices) {
				let (busy, capacity) = T::Registry::utilisation(tier);
				let before = Self::base_price_of(tier);
				let next = price.rule().next(before, busy, capacity);
				if next != before {
					BasePrices::<T>::insert(tier as u8, next);
				}
			}
		}
	}
}
