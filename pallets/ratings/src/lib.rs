//! # Ratings: how fast providers are, proven
//!
//! A provider says how fast its devices are, and proves it in a **trial**: a benchmark job that nobody could know before, of
//! so much work as it says it does in a minute ([`ogpu_primitives::market::trial`]). What its root took to come is its
//! rating, once random members of a panel have recomputed parts of it like those of any other result. Device tiers, and
//! so what tasks a provider may take, follow from ratings.
//!
//! ## Key terms
//!
//! - **Trial**: one proof of one provider ([`Trial`]). It has one at a time.
//! - **Bell**: the block in which the trials of all begin that have applied since the last one. One device cannot be in
//!   two trials at once, whoever's they are.
//! - **Seed**: what a trial's job is made from: the VRF outputs of the blocks after the bell, and the number of the trial, so
//!   that no two have the same work.
//!
//! ## Life of a trial
//!
//! ```text
//! apply ─► Waiting ── bell, six blocks ─► Running ── root ─► Verifying ── valid ─► Proven ── window ─► ended
//!             │                              │                    │                  │
//!          withdraw                    too slow: ended            └── false ─────────┴─► False ── window ─► ended
//! ```
//!
//! The applicant puts up what verifying costs, of which the rest comes back, and a bond that it loses if its result was
//! false, and a tenth of it if nothing comes: places at a bell are few. A rating counts from the verdict on. It can be challenged and appealed like other results, and is
//! gone when it was false, or when the devices change. After a while ([`Windows::rating`]) it has to be proven anew: who owned
//! a device then need not own it now.
//!
//! [`Windows::rating`]: ogpu_primitives::market::rules::Windows::rating
//!
//! ## Invariants
//!
//! Checked by `try_state`, and after every test:
//!
//! - every trial belongs to one provider, which has put up what it says;
//! - every trial that began is in the agenda, every other one waits for the bell or its seed;
//! - every rating that counts is in the agenda.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod agenda;
mod bell;
mod duties;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
mod verdicts;
pub mod weights;

pub use duties::{Done, Due};
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

/// The part of a block that the agenda may take: one in so many.
pub const AGENDA_SHARE: u64 = 24;

#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet {
	use frame_support::{
		dispatch::DispatchClass,
		pallet_prelude::*,
		traits::fungible::{Inspect, MutateHold},
		weights::WeightMeter,
	};
	use frame_system::pallet_prelude::*;
	use ogpu_primitives::{
		Balance,
		market::{
			rules::{Charges, Windows},
			trial::MAX_RATING,
		},
		merkle::Hash,
	};
	use ogpu_traits::{Attestation, Clock, Duties, Moment, Registry, Unmet, Verifying};

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// What the pallet asks of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The oGPU balances.
		type Currency: Inspect<Self::AccountId, Balance = Balance>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// Why something is on hold.
		type RuntimeHoldReason: From<HoldReason>;

		/// The market clock, by which deadlines run.
		type Clock: Clock;

		/// The slot of this block. Trials are timed by it: it goes on while the market clock stands still.
		type Slot: Get<u64>;

		/// Who the providers are.
		type Registry: Registry<Self::AccountId>;

		/// Who verifies trials.
		type Attestation: Attestation<Self::AccountId>;

		/// What verifying costs.
		type Verifying: Verifying;

		/// The VRF output of the block before this one.
		type Randomness: Get<Option<Hash>>;

		/// Gets what is lost by false trials.
		type Treasury: Get<Self::AccountId>;

		/// How long everything may take. A parameter of governance.
		type Windows: Get<Windows>;

		/// Who pays what. A parameter of governance.
		type Charges: Get<Charges>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Why something is on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// For a trial: what verifying it costs, and what is lost if it is false.
		#[codec(index = 0)]
		Trial,
	}

	/// The number of the next trial.
	#[pallet::storage]
	pub type NextTrial<T> = StorageValue<_, TrialId, ValueQuery>;

	/// Trials that have not ended. The keys are counted by the chain.
	#[pallet::storage]
	pub type Trials<T: Config> = StorageMap<_, Twox64Concat, TrialId, Trial<T::AccountId>>;

	/// The trial of each provider that is in one.
	#[pallet::storage]
	pub type TrialOf<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, TrialId>;

	/// Trials that begin with the next bell.
	#[pallet::storage]
	pub type Waiting<T> = StorageValue<_, BoundedVec<TrialId, ConstU32<MAX_AT_ONCE>>, ValueQuery>;

	/// A bell that has rung, and the seed that is being made.
	#[pallet::storage]
	pub type Rung<T> = StorageValue<_, Bell>;

	/// The ratings that count, by whose they are.
	#[pallet::storage]
	pub type Ratings<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Rated>;

	/// What is to be looked at, by moment.
	#[pallet::storage]
	pub type Agenda<T: Config> =
		StorageDoubleMap<_, Twox64Concat, Moment, Blake2_128Concat, Item<T::AccountId>, ()>;

	/// The first moment of the agenda that is not done with.
	#[pallet::storage]
	pub type AgendaFrom<T> = StorageValue<_, Moment, ValueQuery>;

	/// Events of the pallet.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A provider wants to prove how fast it is.
		Applied {
			/// The number of its trial.
			trial: TrialId,
			/// Who.
			provider: T::AccountId,
			/// What it says, in thousandths of the reference device.
			rating: u32,
			/// What it has put up.
			held: Balance,
		},
		/// Trials begin once the seed is known.
		BellRung {
			/// How many.
			trials: u32,
		},
		/// A trial has begun.
		Begun {
			/// Which.
			trial: TrialId,
			/// What its job is made from.
			seed: Hash,
			/// Until when its root counts.
			until: Moment,
		},
		/// A provider has computed its trial.
		Rooted {
			/// Which.
			trial: TrialId,
			/// The root of the result.
			root: Hash,
			/// Slots that it took.
			took: u64,
			/// What that proves, if it is right.
			rating: u32,
		},
		/// A rating was proven.
		Proven {
			/// By which trial.
			trial: TrialId,
			/// Whose.
			provider: T::AccountId,
			/// In thousandths of the reference device.
			rating: u32,
			/// The last moment in which it counts, unless it is proven anew.
			until: Moment,
		},
		/// A rating does not count any more. Another trial proves it anew.
		Expired {
			/// Whose.
			provider: T::AccountId,
		},
		/// A trial is false. What its provider has put up is lost unless an appeal is right.
		FoundFalse {
			/// Which.
			trial: TrialId,
			/// Until when it may appeal.
			until: Moment,
		},
		/// A trial has ended.
		Ended {
			/// Which.
			trial: TrialId,
			/// Why.
			ending: Ending,
			/// What the provider got back.
			released: Balance,
		},
	}

	/// Errors of the pallet.
	#[pallet::error]
	pub enum Error<T> {
		/// Ratings are thousandths of the reference device, from 1 to 200,000.
		Rating,
		/// Only registered providers have ratings.
		NotRegistered,
		/// Its heartbeats do not come. Start its node.
		Inactive,
		/// It was suspended, or is retiring.
		NotOpen,
		/// It has a trial already. Wait for its end.
		InTrial,
		/// As many trials as there may be begin with the next bell. Apply again after it.
		BellIsFull,
		/// Too few operators could verify it now.
		TooFewOperators,
		/// There is no such trial, or it is somebody else's.
		NoSuchTrial,
		/// It has begun, or the bell has rung.
		Begun,
		/// It is not being computed: it has not begun, is over, or its root is known.
		NotRunning,
	}

	impl<T> From<Unmet> for Error<T> {
		fn from(unmet: Unmet) -> Self {
			match unmet {
				Unmet::Unregistered => Self::NotRegistered,
				Unmet::Inactive => Self::Inactive,
				Unmet::Suspended | Unmet::Retiring => Self::NotOpen,
				// Nothing is asked of its devices, its region or its reputation.
				Unmet::NoDevice | Unmet::Region | Unmet::Reputation => Self::NotOpen,
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Rings the bell, and makes the seed.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			Self::mind_the_bell()
		}

		/// Ends what is over, as far as the meter allows.
		fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
			let mut own = WeightMeter::with_limit(meter.remaining().min(Self::share()));
			Self::serve_agenda(&mut own);
			meter.consume(own.consumed());
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Applies for a trial with the next bell, to prove a rating of so many thousandths of the reference device.
		///
		/// Origin: signed, a provider. Holds what verifying it costs, and what is lost if it is false, a tenth of it if nothing
		/// comes. Say what you can do: who says more than a quarter too much proves nothing, and who says less gets no more
		/// than it says. Event: [`Event::Applied`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::apply())]
		pub fn apply(origin: OriginFor<T>, rating: u32) -> DispatchResult {
			let who = ensure_signed(origin)?;
			ensure!((1..=MAX_RATING).contains(&rating), Error::<T>::Rating);
			Self::take_application(who, rating)
		}

		/// Takes an application back, until the bell has rung.
		///
		/// Origin: signed, whose trial it is. Costs as much as one of which nothing comes: somebody else could have had its
		/// place. Event: [`Event::Ended`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::withdraw_application(&who)
		}

		/// Does by hand what a provider's node does by itself: says what its trial came to.
		///
		/// Origin: signed, the provider. Event: [`Event::Rooted`].
		#[pallet::call_index(2)]
		#[pallet::weight((<Pallet<T> as Duties<T::AccountId>>::weight(done), DispatchClass::Operational))]
		pub fn act(origin: OriginFor<T>, done: Done) -> DispatchResult {
			let provider = ensure_signed(origin)?;
			<Self as Duties<T::AccountId>>::perform(&provider, done)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The trial that a provider is in.
		pub fn trial_of(who: T::AccountId) -> Option<(TrialId, Trial<T::AccountId>)> {
			let number = TrialOf::<T>::get(&who)?;
			Some((number, Trials::<T>::get(number)?))
		}

		/// The last moment in which a provider's rating counts.
		pub fn rated_until(who: T::AccountId) -> Option<Moment> {
			Some(Self::rated(&who)?.until)
		}

		/// What a trial for a rating costs at most now, and what is lost if it is false; `None` if nobody could verify it.
		pub fn costs(rating: u32) -> Option<(Balance, Balance)> {
			let (_, verification) = Self::verifiers(rating)?;
			Some((verification.most, T::Charges::get().trial.get()))
		}
	}
}
