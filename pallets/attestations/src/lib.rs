//! # Attestations: results proven by random partial recomputation
//!
//! A provider commits to its result before anybody knows who will verify it. Then random members of a panel
//! recompute random units and commit to what they get; the provider opens its leaves of the same units; the
//! members reveal. Rounds like this are repeated until enough of them are clean. Who finds
//! something else says so, and a larger panel judges that one unit. So a false result is found with a
//! probability that the client chose, and whoever is wrong pays: the provider with its lock, a challenger,
//! judge or member with its seats.
//!
//! This pallet only judges. It is handed results and claims ([`Attestation`]), and hands back verdicts
//! ([`ogpu_traits::Verdicts`]); what follows for money and collateral of the task, others decide.
//!
//! ## Key terms
//!
//! - **Case**: a part of a task with its root, or a claim that a task is at fault ([`Case`]).
//! - **Panel**: members that are drawn from the seats, one of an operator ([`Panel`]), and what they do.
//! - **Round**: a panel of `k` members, each with `m` units of its own. Clean when a quorum agrees with the
//!   provider and nobody differs. `β` clean rounds make a result valid.
//! - **Dispute**: a unit that somebody says is false. Fifteen judge it, and twenty-one if they cannot agree.
//! - **Draw**: panels and units follow from the VRF outputs of the blocks *after* what led to them
//!   ([`vrf`]). Nobody knows them before the root is on chain.
//!
//! ## Life of a panel
//!
//! ```text
//! begun ─ 4 or 6 blocks ─► Drawing ─► Committing ─► Opening ─► Revealing ─► Done
//!                                      k members     provider    k members
//! ```
//!
//! A stage ends when everybody has spoken, or at its deadline: silence costs a member something, and a
//! provider that does not open is convicted.
//!
//! ## Life of a case
//!
//! ```text
//!            ┌──── not enough clean rounds yet ───┐
//!            ▼                                    │
//! begun ─► Counting ── clean rounds ─► Valid ── challenge ─┐
//!            │   ▲                                         │
//!            │   └────── unit is right ─────────────┐      ▼
//!            ├── somebody differs ───────────────► Judging ─► Fraud
//!            └── rounds came to no end: final ──────┘  └────► Inconclusive
//! ```
//!
//! What is decided against somebody, fraud or that a task is at fault, is kept until the market carries it out. Whoever
//! it is against may [appeal](Pallet::appeal) until then.
//!
//! ## Invariants
//!
//! Checked by `try_state`, and after every test:
//!
//! - every panel that goes on is in an agenda, and belongs to a case;
//! - a case counts as many running rounds as go on;
//! - whoever is wanted has something to do in a panel that goes on;
//! - whoever challenged from outside has locked what it may lose.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod agenda;
mod appeals;
mod cases;
mod duties;
#[cfg(test)]
mod mock;
mod offchain;
mod panels;
mod rounds;
mod states;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
mod verdicts;
pub mod vrf;
pub mod weights;

pub use agenda::Item;
pub use duties::{Done, Due, MAX_SIBLINGS};
pub use ogpu_traits::{Attestation, MAX_LOOKS};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// The part of a block that draws and deadlines may take: one in so many.
pub const AGENDA_SHARE: u64 = 6;

#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet {
	use alloc::vec::Vec;
	use frame_support::{dispatch::DispatchClass, pallet_prelude::*, weights::WeightMeter};
	use frame_system::pallet_prelude::*;
	use ogpu_primitives::{
		Balance,
		market::{GroupId, TaskId, rules::PanelRules},
		merkle::Hash,
	};
	use ogpu_traits::{
		Clock, Collateral, Duties, Moment, PartOfTask, Registry, SeatTable, Specs, Verdicts,
	};

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// What the pallet asks of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The market clock, by which members and providers have their deadlines.
		type Clock: Clock;

		/// Where members, and those who challenge, answer for what they say.
		type Collateral: Collateral<Self::AccountId>;

		/// Who the providers are.
		type Registry: Registry<Self::AccountId>;

		/// From what panels are drawn.
		type Seats: SeatTable<Self::AccountId>;

		/// What tasks want.
		type Specs: Specs;

		/// Who acts on verdicts.
		type Verdicts: Verdicts<Self::AccountId>;

		/// How panels work. A parameter of governance.
		type Rules: Get<PanelRules>;

		/// The VRF output of the block before this one.
		type Vrf: Get<Option<Hash>>;

		/// Who authors this block.
		type Author: Get<Option<Self::AccountId>>;

		/// How many validators author blocks.
		type Validators: Get<u32>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// How an operator has served in a case.
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
	pub struct Service {
		/// The unit that it judged last; the largest number for a claim or a final panel.
		pub judged: Option<u32>,
	}

	/// The VRF outputs of recent blocks, by their number modulo [`vrf::KEPT`].
	#[pallet::storage]
	pub type Vrfs<T> = StorageMap<_, Twox64Concat, u32, Vrf>;

	/// The operator that this block's author is linked to.
	#[pallet::storage]
	pub type Author<T> = StorageValue<_, Option<GroupId>>;

	/// What is verified: by task and attempt, and part.
	#[pallet::storage]
	pub type Cases<T: Config> =
		StorageDoubleMap<_, Twox64Concat, (TaskId, u8), Twox64Concat, u8, Case<T::AccountId>>;

	/// The panels of each case.
	#[pallet::storage]
	pub type Panels<T: Config> =
		StorageDoubleMap<_, Twox64Concat, PartOfTask, Twox64Concat, u8, Panel<T::AccountId>>;

	/// Operators that have served in a case.
	#[pallet::storage]
	pub type Served<T> =
		StorageDoubleMap<_, Twox64Concat, PartOfTask, Twox64Concat, GroupId, Service>;

	/// What members of a case's panels have earned.
	#[pallet::storage]
	pub type Earned<T: Config> = StorageDoubleMap<
		_,
		Twox64Concat,
		PartOfTask,
		Blake2_128Concat,
		T::AccountId,
		Balance,
		ValueQuery,
	>;

	/// The panels that wait for a provider to do something.
	#[pallet::storage]
	pub type Wanted<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, (PartOfTask, u8), ()>;

	/// How many members the panels have that are kept for a task. The keys are counted by the chain.
	#[pallet::storage]
	pub type Places<T> = StorageMap<_, Twox64Concat, TaskId, u32, ValueQuery>;

	/// The number of the next challenge from outside.
	#[pallet::storage]
	pub type NextDispute<T> = StorageValue<_, u64, ValueQuery>;

	/// Panels to be drawn, by block.
	#[pallet::storage]
	pub type Draws<T> = StorageDoubleMap<_, Twox64Concat, u32, Twox64Concat, Item, ()>;

	/// The first block whose draws are not done with.
	#[pallet::storage]
	pub type DrawsFrom<T> = StorageValue<_, u32, ValueQuery>;

	/// Panels whose stage ends, by moment of the market clock.
	#[pallet::storage]
	pub type Deadlines<T> = StorageDoubleMap<_, Twox64Concat, Moment, Twox64Concat, Item, ()>;

	/// The first moment whose deadlines are not done with.
	#[pallet::storage]
	pub type DeadlinesFrom<T> = StorageValue<_, Moment, ValueQuery>;

	/// Panels of which everybody has spoken. They end with the block, or when one has room for that.
	#[pallet::storage]
	pub type Spoken<T> = StorageMap<_, Twox64Concat, Item, ()>;

	/// Events of the pallet.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Verification of a part, or of a claim, has begun.
		Begun {
			/// Of which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part; 255 for a claim.
			part: u8,
		},
		/// A panel was drawn.
		Drawn {
			/// For which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part; 255 for a claim.
			part: u8,
			/// The number of the panel.
			panel: u8,
			/// Who is in it.
			members: Vec<T::AccountId>,
			/// Until when they commit.
			until: Moment,
		},
		/// A member has committed to what it computed, or said that it cannot.
		Committed {
			/// For which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part.
			part: u8,
			/// In which panel.
			panel: u8,
			/// Who.
			member: T::AccountId,
			/// Whether it cannot say anything.
			abstains: bool,
		},
		/// The provider has opened the leaves that were drawn.
		Opened {
			/// Of which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part.
			part: u8,
			/// For which panel.
			panel: u8,
		},
		/// The provider did not open the leaves that were drawn.
		NotOpened {
			/// Of which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part.
			part: u8,
			/// For which panel.
			panel: u8,
		},
		/// A member has revealed what it computed.
		Revealed {
			/// For which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part.
			part: u8,
			/// In which panel.
			panel: u8,
			/// Who.
			member: T::AccountId,
			/// Whether it is what the provider has, or claims.
			agrees: bool,
		},
		/// A round has ended.
		RoundEnded {
			/// Of which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part.
			part: u8,
			/// Whether enough agreed.
			clean: bool,
			/// How many did.
			agreed: u32,
		},
		/// Somebody says that a unit is false.
		Challenged {
			/// Of which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part.
			part: u8,
			/// The unit, counted from the first of the part.
			unit: u32,
			/// Who.
			challenger: T::AccountId,
		},
		/// Somebody appeals against what was decided.
		Appealed {
			/// Of which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part; 255 for a claim.
			part: u8,
			/// Who.
			appellant: T::AccountId,
		},
		/// An appeal came to nothing. What was decided stands.
		AppealLost {
			/// Of which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part; 255 for a claim.
			part: u8,
		},
		/// There were too few operators to draw a panel from.
		TooFew {
			/// For which task.
			task: TaskId,
			/// In which attempt.
			attempt: u8,
			/// Which part; 255 for a claim.
			part: u8,
			/// Which panel.
			panel: u8,
		},
	}

	/// Errors of the pallet.
	#[pallet::error]
	pub enum Error<T> {
		/// Nothing like this is verified, or no longer.
		NoSuchCase,
		/// There is no such panel.
		NoSuchPanel,
		/// The panel is not at the stage that this is for.
		WrongStage,
		/// Only members of the panel may do this.
		NotMember,
		/// Only the provider of the result may do this.
		NotProvider,
		/// The member has said something else before.
		SaidBefore,
		/// The leaves are not those of the drawn units under the root.
		WrongLeaves,
		/// Salt and leaves are not what the member has committed to.
		WrongOpening,
		/// Too many challenges wait already.
		TooManyDisputes,
		/// Only a result that was found valid can be challenged from outside, until its window ends.
		NotChallengeable,
		/// The part has no such unit.
		NoSuchUnit,
		/// Nobody challenges its own result.
		OwnResult,
		/// The account has a challenge waiting already.
		ChallengedBefore,
		/// Nothing was decided of it that could be appealed, or it is too late.
		NotAppealable,
		/// Only the provider of a false result, or the client of a task at fault, may appeal.
		NotConcerned,
		/// Its appeal is being judged, or was. There is one.
		AppealedBefore,
		/// Nobody has judged it: the provider has not opened, or given, what it had to.
		NotJudged,
		/// It was computed for another draw of the panel, on a branch that was left.
		OtherDraw,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Keeps the VRF output of the block before.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			Self::keep_vrf();
			T::WeightInfo::every_block()
		}

		/// Draws panels and ends stages, as far as the meter allows.
		fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
			let mut own = WeightMeter::with_limit(meter.remaining().min(Self::share()));
			Self::serve_agendas(&mut own);
			meter.consume(own.consumed());
		}

		/// Ends the panels of which everybody has spoken in this block, as far as there is room.
		fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut own = WeightMeter::with_limit(remaining.min(Self::share()));
			Self::end_spoken(&mut own);
			own.consumed()
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Says that a unit of a result that was found valid is false.
		///
		/// Origin: signed, anybody but its provider. `unit` is counted from the first of the part. Locks what
		/// the judges cost, which is lost if they confirm the unit; whoever is right gets a share of the
		/// provider's lock. Possible until the window of the task ends. Event: [`Event::Challenged`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::challenge())]
		pub fn challenge(origin: OriginFor<T>, part: PartOfTask, unit: u32) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::challenge_from_outside(who, part, unit)
		}

		/// Does by hand what a provider's node does by itself: commits, opens, reveals.
		///
		/// Origin: signed, the provider. Errors and events are those of what is done.
		#[pallet::call_index(1)]
		#[pallet::weight((<Pallet<T> as Duties<T::AccountId>>::weight(done), DispatchClass::Operational))]
		pub fn act(origin: OriginFor<T>, done: Done) -> DispatchResult {
			let provider = ensure_signed(origin)?;
			<Self as Duties<T::AccountId>>::perform(&provider, done)
		}

		/// Appeals against a fraud, or against the finding that a task is at fault: a larger panel judges it once more.
		///
		/// Origin: signed; of a fraud its provider, of a claim (part 255) the client of the task. Locks what the judges
		/// cost, which pays them unless they overturn what was decided. Possible once, until that is carried out.
		/// Events: [`Event::Appealed`], and [`Event::AppealLost`] or what the market says of an overturned verdict later.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::appeal())]
		pub fn appeal(origin: OriginFor<T>, part: PartOfTask) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::take_appeal(who, part)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// How the verification of a part stands.
		pub fn standing(part: PartOfTask) -> Option<Case<T::AccountId>> {
			Cases::<T>::get((part.task, part.attempt), part.part)
		}

		/// What whoever challenges or appeals a part locks, and loses if the judges do not agree.
		pub fn price_of_dispute(part: PartOfTask) -> Option<Balance> {
			let case = Self::standing(part)?;
			Some(Self::price_of_wrong_challenge(&case))
		}

		/// What was decided of a task against somebody, and can still be appealed by it.
		pub fn appealable(task: TaskId, who: T::AccountId) -> Vec<PartOfTask> {
			Self::appealable_by(task, &who)
		}

		/// A panel, and the units of each of its members, counted from the first of the part.
		pub fn panel_of(
			part: PartOfTask,
			panel: u8,
		) -> Option<(Panel<T::AccountId>, Vec<Vec<u32>>)> {
			let case = Cases::<T>::get((part.task, part.attempt), part.part)?;
			let panel = Panels::<T>::get(part, panel)?;
			let units = panel.units(&case);
			Some((panel, units))
		}
	}
}
