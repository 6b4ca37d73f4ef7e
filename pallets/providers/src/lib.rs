//! # Providers: who sells GPU time, with what, and how good they have been
//!
//! A provider is an account with at least one OpenCL device and a worker key. This pallet knows its devices,
//! where it can be reached, whether it is there, how fast it has proven to be, what the chain has seen of
//! it, and which seats it holds. Others ask it who may take a task ([`Registry`]), and panels are drawn from
//! its seat table.
//!
//! ## Key terms
//!
//! - **Worker key**: an sr25519 key in the node's keystore that signs everything the node says for its
//!   provider. It holds no funds, and proves at registration that it knows the account.
//! - **Group**: all providers of one operator, counted once wherever operators are counted. A provider
//!   starts as a group of its own, joins another only when that one's leader has invited it, and may leave it:
//!   nobody can be tied to a stranger's fate. Governance can merge groups that it finds to be one.
//! - **Rating**: proven speed, in thousandths of the reference device. A device with another driver is
//!   another device: a changed fingerprint takes the rating away.
//! - **Heartbeat**: sent each session by the node. After [`MISSES`] sessions without one a provider gets no
//!   work and cannot be drawn; nothing is slashed.
//! - **Reputation**: what was seen of it, in four components that fade
//!   ([`ogpu_primitives::market::reputation`]).
//! - **Seat**: a fixed slice of collateral that buys one chance to be drawn. Changes take effect in the
//!   session after the next, so that nobody can change the table once it is known what is drawn for.
//!
//! ## Life of a provider
//!
//! [`register`](Pallet::register) → [`set_seats`](Pallet::set_seats), heartbeats, work →
//! [`retire`](Pallet::retire) → [`deregister`](Pallet::deregister), which returns the deposit.
//!
//! ## Invariants
//!
//! Checked by `try_state`, and after every test:
//!
//! - worker keys and providers belong together one to one;
//! - a group has as many members as providers name it, and its leader, if any, is one of them;
//! - the seat table has no gaps, and what a provider's seats cost is bound in its bond;
//! - operators are counted in the class of their leader, and only while the leader has seats;
//! - the busy capacity of a tier is the sum of what its busy providers were counted with.
//!
//! ## Example
#![doc = docify::embed!("src/tests/mod.rs", a_provider_comes_works_and_goes)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod impls;
#[cfg(test)]
mod mock;
mod seats;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

pub use impls::{HeartbeatDone, HeartbeatDue};
pub use ogpu_traits::Registry;
pub use pallet::*;
pub use seats::{Holding, MAX_SEATS};
pub use types::*;
pub use weights::WeightInfo;

/// What a worker key signs to prove that it knows the account whose words it will sign: SCALE of this tag,
/// the genesis hash and the account.
pub const PROOF_DOMAIN: &[u8; 13] = b"ogpu/worker/1";

/// The most providers that are looked at for one page of a listing.
pub const MAX_LISTED: u32 = 256;

/// The part of a block that settling seats may take: one in so many.
pub const SETTLING_SHARE: u64 = 20;

#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet {
	use alloc::vec::Vec;
	use codec::Encode;
	use frame_support::{
		dispatch::DispatchClass,
		pallet_prelude::*,
		traits::{
			fungible::{Inspect, MutateHold},
			tokens::Precision,
		},
		weights::WeightMeter,
	};
	use frame_system::pallet_prelude::*;
	use ogpu_primitives::{
		Balance,
		market::{GroupId, spec::Requirements},
	};
	use ogpu_traits::{Collateral, Duties, genesis};
	use sp_core::sr25519;

	use super::*;
	use crate::{seats::Seats, types::ProfileFault};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// What the pallet asks of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The oGPU balances.
		type Currency: Inspect<Self::AccountId, Balance = Balance>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;

		/// Where seats are bound.
		type Collateral: Collateral<Self::AccountId>;

		/// The number of the running session.
		type Session: Get<SessionIndex>;

		/// What is on hold as long as a provider is registered.
		type Deposit: Get<Balance>;

		/// What a seat binds.
		type SeatPrice: Get<Balance>;

		/// May suspend and reinstate providers, and merge groups.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Why tokens are on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A provider is registered.
		#[codec(index = 0)]
		Registration,
	}

	/// An operator.
	#[derive(
		Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
	)]
	pub struct Group<AccountId> {
		/// Who may invite others; `None` once it has left.
		pub leader: Option<AccountId>,
		/// How many providers it has.
		pub members: u32,
	}

	/// The capacity of a device tier, as heartbeats tell it.
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
	pub struct Capacity {
		/// The session in which it was counted last.
		pub session: SessionIndex,
		/// Who sent a heartbeat in the session before.
		pub before: u64,
		/// Who has sent one in this session.
		pub counted: u64,
		/// Who is busy.
		pub busy: u64,
	}

	/// All providers.
	#[pallet::storage]
	pub type Providers<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Provider<T::AccountId>>;

	/// Whose words a worker key signs.
	#[pallet::storage]
	pub type Workers<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 32], T::AccountId>;

	/// Operators. The keys are counted by the chain.
	#[pallet::storage]
	pub type Groups<T: Config> = StorageMap<_, Twox64Concat, GroupId, Group<T::AccountId>>;

	/// The number of the next group.
	#[pallet::storage]
	pub type NextGroup<T> = StorageValue<_, GroupId, ValueQuery>;

	/// The groups that a provider is invited to.
	#[pallet::storage]
	pub type Invitations<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, GroupId, ()>;

	/// The seats of each provider that has or wants any.
	#[pallet::storage]
	pub type Holdings<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Holding, ValueQuery>;

	/// The seat table: its keys are 0 to [`SeatCount`], without gaps.
	#[pallet::storage]
	pub type SeatTable<T: Config> = StorageMap<_, Twox64Concat, u32, T::AccountId>;

	/// How many seats there are.
	#[pallet::storage]
	pub type SeatCount<T> = StorageValue<_, u32, ValueQuery>;

	/// Validators' stashes that offer to be linked to a provider.
	#[pallet::storage]
	pub type StashOffers<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, T::AccountId, ()>;

	/// To which provider a validator's stash is linked.
	#[pallet::storage]
	pub type Stashes<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, T::AccountId>;

	/// Changes of seats in the order in which they were asked for: the session in which it takes effect,
	/// whose, and how many.
	#[pallet::storage]
	pub type SeatChanges<T: Config> =
		StorageMap<_, Twox64Concat, u64, (SessionIndex, T::AccountId, u32)>;

	/// The first of [`SeatChanges`], and the one after the last.
	#[pallet::storage]
	pub type SeatQueue<T> = StorageValue<_, (u64, u64), ValueQuery>;

	/// How many operators with seats there are of each class. The keys are few: tiers × features × memory.
	#[pallet::storage]
	pub type Operators<T> =
		StorageDoubleMap<_, Twox64Concat, (u8, u32), Twox64Concat, u8, u32, ValueQuery>;

	/// In which class the operator of a leader is counted.
	#[pallet::storage]
	pub type CountedAs<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Class>;

	/// How much providers are trusted that have done something right.
	#[pallet::storage]
	pub type Trusts<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Trust<T::AccountId>, ValueQuery>;

	/// The capacity of each device tier.
	#[pallet::storage]
	pub type Capacities<T> = StorageMap<_, Twox64Concat, u8, Capacity, ValueQuery>;

	/// Events of the pallet.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A provider was registered.
		Registered {
			/// Who.
			provider: T::AccountId,
			/// As which operator.
			group: GroupId,
		},
		/// A provider changed what it says of itself.
		Updated {
			/// Who.
			provider: T::AccountId,
			/// Its devices are others than before: its rating is gone.
			rating_lost: bool,
		},
		/// A provider takes nothing new any more.
		Retired {
			/// Who.
			provider: T::AccountId,
		},
		/// A provider takes work again.
		Resumed {
			/// Who.
			provider: T::AccountId,
		},
		/// A provider is gone, and has its deposit back.
		Deregistered {
			/// Who.
			provider: T::AccountId,
		},
		/// A provider was suspended.
		Suspended {
			/// Who.
			provider: T::AccountId,
		},
		/// A provider was reinstated.
		Reinstated {
			/// Who.
			provider: T::AccountId,
		},
		/// A provider was invited to a group.
		Invited {
			/// Who.
			provider: T::AccountId,
			/// To which.
			group: GroupId,
		},
		/// A provider belongs to another group now.
		Joined {
			/// Who.
			provider: T::AccountId,
			/// Which.
			group: GroupId,
		},
		/// A provider wants another number of seats.
		SeatsAsked {
			/// Who.
			provider: T::AccountId,
			/// How many.
			seats: u32,
			/// From which session on.
			session: SessionIndex,
		},
		/// A change of seats took effect.
		SeatsSettled {
			/// Whose.
			provider: T::AccountId,
			/// How many it has.
			seats: u32,
		},
		/// A validator's stash offers to be linked to a provider.
		StashOffered {
			/// To whom.
			provider: T::AccountId,
			/// Which.
			stash: T::AccountId,
		},
		/// A validator's stash does not offer that any more.
		StashOfferWithdrawn {
			/// To whom.
			provider: T::AccountId,
			/// Which.
			stash: T::AccountId,
		},
		/// A validator's stash was linked to a provider, or unlinked.
		StashLinked {
			/// To whom.
			provider: T::AccountId,
			/// Which.
			stash: Option<T::AccountId>,
		},
		/// A provider said that it is there.
		Heartbeat {
			/// Who.
			provider: T::AccountId,
			/// How busy it is, in thousandths.
			load: u16,
			/// Its free device memory in bytes, as a power of two.
			free_memory: u8,
		},
		/// A rating was proven.
		Rated {
			/// Whose.
			provider: T::AccountId,
			/// In thousandths of the reference device.
			rating: u32,
		},
	}

	/// Errors of the pallet.
	#[pallet::error]
	pub enum Error<T> {
		/// The account is no provider.
		NotRegistered,
		/// The account is a provider already.
		AlreadyRegistered,
		/// Another provider has this worker key.
		WorkerKeyTaken,
		/// The proof is not the worker key's signature over domain, genesis hash and account.
		BadProof,
		/// A provider needs at least one device.
		NoDevice,
		/// A device claims a feature that does not exist or too much memory, or its name is not UTF-8.
		BadDevice,
		/// Two devices have the same fingerprint.
		DeviceTwice,
		/// The endpoint has neither an address nor a relay.
		Unreachable,
		/// The provider is suspended.
		Suspended,
		/// The provider is not suspended.
		NotSuspended,
		/// The provider must retire first.
		NotRetiring,
		/// The provider is retiring.
		Retiring,
		/// The provider still has work under way.
		Busy,
		/// The provider still has seats; they end in the session after the next.
		HasSeats,
		/// These are more seats than a provider may have.
		TooManySeats,
		/// An earlier change of seats has not taken effect yet.
		ChangePending,
		/// The seats are what they were.
		NothingChanges,
		/// Only the leader of a group may invite to it.
		NotLeader,
		/// The provider was not invited.
		NotInvited,
		/// The provider is in this group already.
		SameGroup,
		/// The group does not exist.
		NoSuchGroup,
		/// Only the linked stash may end the link.
		NotLinked,
		/// The stash or the provider is linked already.
		AlreadyLinked,
		/// The stash has not offered to be linked.
		NotOffered,
		/// The heartbeat is for another session.
		WrongSession,
	}

	impl<T> From<ProfileFault> for Error<T> {
		fn from(fault: ProfileFault) -> Self {
			match fault {
				ProfileFault::NoDevice => Self::NoDevice,
				ProfileFault::BadDevice => Self::BadDevice,
				ProfileFault::DeviceTwice => Self::DeviceTwice,
				ProfileFault::Unreachable => Self::Unreachable,
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Settles changes of seats whose session has come.
		fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
			// The rest of the block belongs to those who pay for it.
			let most = T::BlockWeights::get().max_block / SETTLING_SHARE;
			let mut own = WeightMeter::with_limit(meter.remaining().min(most));
			Self::settle_seats(&mut own);
			meter.consume(own.consumed());
		}

		fn integrity_test() {
			assert!(T::SeatPrice::get() > 0, "seats must cost something");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers the sender as a provider.
		///
		/// Origin: signed. `proof` is the worker key's signature over [`PROOF_DOMAIN`], the genesis hash and
		/// the account, in SCALE. Holds [`Config::Deposit`]. Fails when anything about the profile is
		/// wrong, or the key is another's. Event: [`Event::Registered`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(
			origin: OriginFor<T>,
			profile: Profile,
			proof: sr25519::Signature,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			ensure!(!Providers::<T>::contains_key(&who), Error::<T>::AlreadyRegistered);
			Self::check(&who, &profile, Some(&proof))?;
			T::Currency::hold(&HoldReason::Registration.into(), &who, T::Deposit::get())?;
			Workers::<T>::insert(profile.worker, &who);
			let group = Self::found_group(&who);
			let provider = Provider {
				profile,
				group,
				stash: None,
				status: Status::Open,
				last_heartbeat: T::Session::get(),
				rating: 0,
				reputation: Default::default(),
				occupation: Occupation::default(),
				engagements: 0,
				before: None,
			};
			Providers::<T>::insert(&who, provider);
			Self::deposit_event(Event::Registered { provider: who, group });
			Ok(())
		}

		/// Changes what the sender says of itself.
		///
		/// Origin: signed, a provider. A new worker key needs its `proof`. If its devices are not the same
		/// any more, by their fingerprints, the rating is gone until it is proven again. Event: [`Event::Updated`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::update())]
		pub fn update(
			origin: OriginFor<T>,
			profile: Profile,
			proof: Option<sr25519::Signature>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let mut provider = Self::provider(&who)?;
			let same_key = profile.worker == provider.profile.worker;
			ensure!(same_key || proof.is_some(), Error::<T>::BadProof);
			Self::check(&who, &profile, proof.as_ref().filter(|_| !same_key))?;
			if !same_key {
				Workers::<T>::remove(provider.profile.worker);
				Workers::<T>::insert(profile.worker, &who);
			}
			// What is left could be without the one that was measured.
			let same_devices = profile.fingerprints() == provider.profile.fingerprints();
			let rating_lost = provider.rating > 0 && !same_devices;
			if rating_lost {
				provider.rating = 0;
			}
			provider.profile = profile;
			Self::count_operator(&who, &provider);
			Providers::<T>::insert(&who, provider);
			Self::deposit_event(Event::Updated { provider: who, rating_lost });
			Ok(())
		}

		/// Takes nothing new any more.
		///
		/// Origin: signed, a provider that is open. Its seats end in the session after the next. Event:
		/// [`Event::Retired`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::retire())]
		pub fn retire(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let mut provider = Self::open_provider(&who)?;
			provider.status = Status::Retiring;
			Providers::<T>::insert(&who, provider);
			// One change at a time: a pending one finds the provider retiring, and comes to nothing.
			let holding = Holdings::<T>::get(&who);
			if holding.wanted > 0 && !holding.is_pending() {
				Self::ask_for_seats(&who, 0);
			}
			Self::deposit_event(Event::Retired { provider: who });
			Ok(())
		}

		/// Takes work again.
		///
		/// Origin: signed, a provider that is retiring. Event: [`Event::Resumed`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::resume())]
		pub fn resume(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let mut provider = Self::provider(&who)?;
			ensure!(provider.status == Status::Retiring, Error::<T>::NotRetiring);
			provider.status = Status::Open;
			Providers::<T>::insert(&who, provider);
			Self::deposit_event(Event::Resumed { provider: who });
			Ok(())
		}

		/// Leaves, with the deposit.
		///
		/// Origin: signed, a provider that is retiring, without work under way and without seats. Collateral
		/// is another matter: it stays bonded. Event: [`Event::Deregistered`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::deregister())]
		pub fn deregister(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let provider = Self::provider(&who)?;
			ensure!(provider.status == Status::Retiring, Error::<T>::NotRetiring);
			let busy = provider.occupation.tasks > 0 || provider.engagements > 0;
			ensure!(!busy, Error::<T>::Busy);
			let seats = Holdings::<T>::contains_key(&who) || T::Collateral::in_seats(&who) > 0;
			ensure!(!seats, Error::<T>::HasSeats);
			let reason = HoldReason::Registration.into();
			T::Currency::release_all(&reason, &who, Precision::BestEffort)?;
			Workers::<T>::remove(provider.profile.worker);
			if let Some(stash) = provider.stash {
				Stashes::<T>::remove(stash);
			}
			Self::leave_group(&who, provider.group);
			Providers::<T>::remove(&who);
			Trusts::<T>::remove(&who);
			Self::deposit_event(Event::Deregistered { provider: who });
			Ok(())
		}

		/// Asks for so many seats, from the session after the next on.
		///
		/// Origin: signed, a provider that is open. More seats bind their price at once, fewer free it when
		/// the change takes effect. Fails when less collateral is free, or an earlier change is pending.
		/// Event: [`Event::SeatsAsked`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::set_seats())]
		pub fn set_seats(origin: OriginFor<T>, seats: u32) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::open_provider(&who)?;
			ensure!(seats <= MAX_SEATS, Error::<T>::TooManySeats);
			let holding = Holdings::<T>::get(&who);
			ensure!(!holding.is_pending(), Error::<T>::ChangePending);
			ensure!(seats != holding.wanted, Error::<T>::NothingChanges);
			if seats > holding.wanted {
				T::Collateral::set_seats(&who, Self::price_of(seats))?;
			}
			Self::ask_for_seats(&who, seats);
			Ok(())
		}

		/// Invites a provider to the sender's group.
		///
		/// Origin: signed, the leader of a group. Event: [`Event::Invited`].
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::invite())]
		pub fn invite(origin: OriginFor<T>, provider: T::AccountId) -> DispatchResult {
			let leader = ensure_signed(origin)?;
			let group = Self::provider(&leader)?.group;
			let leads = Groups::<T>::get(group).is_some_and(|g| g.leader.as_ref() == Some(&leader));
			ensure!(leads, Error::<T>::NotLeader);
			ensure!(Self::provider(&provider)?.group != group, Error::<T>::SameGroup);
			Invitations::<T>::insert(&provider, group, ());
			Self::deposit_event(Event::Invited { provider, group });
			Ok(())
		}

		/// Joins a group that the sender was invited to.
		///
		/// Origin: signed, a provider. Event: [`Event::Joined`].
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::join())]
		pub fn join(origin: OriginFor<T>, group: GroupId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let provider = Self::provider(&who)?;
			Invitations::<T>::take(&who, group).ok_or(Error::<T>::NotInvited)?;
			Self::move_to(who, provider, group)
		}

		/// Leaves a group for one of the sender's own.
		///
		/// Origin: signed, a provider that does not lead its group. Event: [`Event::Joined`].
		#[pallet::call_index(14)]
		#[pallet::weight(T::WeightInfo::join())]
		pub fn leave(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let mut provider = Self::provider(&who)?;
			let leads = Groups::<T>::get(provider.group)
				.is_some_and(|group| group.leader.as_ref() == Some(&who));
			ensure!(!leads, Error::<T>::SameGroup);
			Self::leave_group(&who, provider.group);
			let group = Self::found_group(&who);
			provider.group = group;
			Self::count_operator(&who, &provider);
			Providers::<T>::insert(&who, provider);
			Self::deposit_event(Event::Joined { provider: who, group });
			Ok(())
		}

		/// Moves a provider to a group that it was found to belong to.
		///
		/// Origin: [`Config::AdminOrigin`]. Event: [`Event::Joined`].
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::join())]
		pub fn merge(
			origin: OriginFor<T>,
			provider: T::AccountId,
			group: GroupId,
		) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			let found = Self::provider(&provider)?;
			Self::move_to(provider, found, group)
		}

		/// Has a provider get no new work.
		///
		/// Origin: [`Config::AdminOrigin`]. Event: [`Event::Suspended`].
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::suspend())]
		pub fn suspend(origin: OriginFor<T>, provider: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			let mut found = Self::provider(&provider)?;
			ensure!(found.status != Status::Suspended, Error::<T>::Suspended);
			found.status = Status::Suspended;
			Providers::<T>::insert(&provider, found);
			Self::deposit_event(Event::Suspended { provider });
			Ok(())
		}

		/// Lets a suspended provider get work again.
		///
		/// Origin: [`Config::AdminOrigin`]. Event: [`Event::Reinstated`].
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::suspend())]
		pub fn reinstate(origin: OriginFor<T>, provider: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			let mut found = Self::provider(&provider)?;
			ensure!(found.status == Status::Suspended, Error::<T>::NotSuspended);
			found.status = Status::Open;
			Providers::<T>::insert(&provider, found);
			Self::deposit_event(Event::Reinstated { provider });
			Ok(())
		}

		/// Offers to link the sender, a validator's stash, to a provider: what the provider verifies earns the stash era
		/// points, both count as one operator, and the stash and its nominators answer for fraud of the provider in all
		/// that it took on while they were linked, also when they are linked no longer.
		///
		/// Origin: signed, the stash. The provider [accepts](Self::accept_stash). Event:
		/// [`Event::StashOffered`].
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::link_stash())]
		pub fn link_stash(origin: OriginFor<T>, provider: T::AccountId) -> DispatchResult {
			let stash = ensure_signed(origin)?;
			Self::provider(&provider)?;
			ensure!(!Stashes::<T>::contains_key(&stash), Error::<T>::AlreadyLinked);
			StashOffers::<T>::insert(&provider, &stash, ());
			Self::deposit_event(Event::StashOffered { provider, stash });
			Ok(())
		}

		/// Accepts the offer of a validator's stash to be linked.
		///
		/// Origin: signed, the provider. Fails when either is linked already. Event: [`Event::StashLinked`].
		#[pallet::call_index(15)]
		#[pallet::weight(T::WeightInfo::accept_stash())]
		pub fn accept_stash(origin: OriginFor<T>, stash: T::AccountId) -> DispatchResult {
			let provider = ensure_signed(origin)?;
			let mut found = Self::provider(&provider)?;
			let linked = found.stash.is_some() || Stashes::<T>::contains_key(&stash);
			ensure!(!linked, Error::<T>::AlreadyLinked);
			StashOffers::<T>::take(&provider, &stash).ok_or(Error::<T>::NotOffered)?;
			found.stash = Some(stash.clone());
			Stashes::<T>::insert(&stash, &provider);
			Providers::<T>::insert(&provider, found);
			Self::deposit_event(Event::StashLinked { provider, stash: Some(stash) });
			Ok(())
		}

		/// Ends the link of a stash to a provider, or takes back the offer of one.
		///
		/// Origin: signed, the stash or the provider. Event: [`Event::StashLinked`], or
		/// [`Event::StashOfferWithdrawn`].
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::link_stash().saturating_add(T::DbWeight::get().reads_writes(1, 1)))]
		pub fn unlink_stash(origin: OriginFor<T>, provider: T::AccountId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			if StashOffers::<T>::take(&provider, &who).is_some() {
				Self::deposit_event(Event::StashOfferWithdrawn { provider, stash: who });
				return Ok(());
			}
			let mut found = Self::provider(&provider)?;
			let concerned =
				found.stash.as_ref().is_some_and(|stash| who == *stash || who == provider);
			ensure!(concerned, Error::<T>::NotLinked);
			if let Some(stash) = found.stash.take() {
				Stashes::<T>::remove(stash);
			}
			Providers::<T>::insert(&provider, found);
			Self::deposit_event(Event::StashLinked { provider, stash: None });
			Ok(())
		}

		/// Says by hand what a provider's node says by itself: that it is there.
		///
		/// Origin: signed, a provider. Once a session. Event: [`Event::Heartbeat`].
		#[pallet::call_index(13)]
		#[pallet::weight((T::WeightInfo::heartbeat(), DispatchClass::Operational))]
		pub fn heartbeat(origin: OriginFor<T>, done: HeartbeatDone) -> DispatchResult {
			let who = ensure_signed(origin)?;
			<Self as Duties<T::AccountId>>::perform(&who, done)
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A provider, whether its heartbeats come, and how many seats it has.
		pub fn get(who: T::AccountId) -> Option<(Provider<T::AccountId>, bool, u32)> {
			let provider = Providers::<T>::get(&who)?;
			let active = provider.is_active(T::Session::get());
			let seats = Holdings::<T>::get(&who).numbers.len() as u32;
			Some((provider, active, seats))
		}

		/// Providers that meet the requirements, after one in the order of the table: a page of those found
		/// among the next [`MAX_LISTED`], and whom to ask on from, if there are more.
		pub fn list(
			requirements: Requirements,
			after: Option<T::AccountId>,
		) -> (Vec<T::AccountId>, Option<T::AccountId>) {
			let session = T::Session::get();
			let mut providers = match after {
				None => Providers::<T>::iter(),
				Some(after) => Providers::<T>::iter_from(Providers::<T>::hashed_key_for(after)),
			};
			let mut found = Vec::new();
			let mut last = None;
			for (who, provider) in providers.by_ref().take(MAX_LISTED as usize) {
				if provider.meets(&requirements, session).is_ok() {
					found.push(who.clone());
				}
				last = Some(who);
			}
			let more = providers.next().is_some();
			(found, last.filter(|_| more))
		}
	}

	impl<T: Config> Pallet<T> {
		/// A provider of which something is to change.
		pub(super) fn provider(who: &T::AccountId) -> Result<Provider<T::AccountId>, Error<T>> {
			let mut provider = Providers::<T>::get(who).ok_or(Error::<T>::NotRegistered)?;
			provider.remember(T::Session::get());
			Ok(provider)
		}

		fn open_provider(who: &T::AccountId) -> Result<Provider<T::AccountId>, Error<T>> {
			let provider = Self::provider(who)?;
			match provider.status {
				Status::Open => Ok(provider),
				Status::Suspended => Err(Error::<T>::Suspended),
				Status::Retiring => Err(Error::<T>::Retiring),
			}
		}

		/// Checks what a provider says of itself, and the proof of a key that is new.
		fn check(
			who: &T::AccountId,
			profile: &Profile,
			proof: Option<&sr25519::Signature>,
		) -> Result<(), Error<T>> {
			if let Some(fault) = profile.fault() {
				return Err(fault.into());
			}
			let Some(proof) = proof else { return Ok(()) };
			ensure!(!Workers::<T>::contains_key(profile.worker), Error::<T>::WorkerKeyTaken);
			let message = (PROOF_DOMAIN, genesis::<T>(), who).encode();
			let key = sr25519::Public::from_raw(profile.worker);
			let proven = sp_io::crypto::sr25519_verify(proof, &message, &key);
			ensure!(proven, Error::<T>::BadProof);
			Ok(())
		}

		fn found_group(leader: &T::AccountId) -> GroupId {
			let group = NextGroup::<T>::get();
			NextGroup::<T>::put(group.wrapping_add(1));
			Groups::<T>::insert(group, Group { leader: Some(leader.clone()), members: 1 });
			group
		}

		fn leave_group(who: &T::AccountId, group: GroupId) {
			Self::uncount_operator(who);
			Groups::<T>::mutate_exists(group, |slot| {
				let Some(found) = slot else { return };
				found.members = found.members.saturating_sub(1);
				if found.leader.as_ref() == Some(who) {
					found.leader = None;
				}
				if found.members == 0 {
					*slot = None;
				}
			});
		}

		fn move_to(
			who: T::AccountId,
			mut provider: Provider<T::AccountId>,
			group: GroupId,
		) -> DispatchResult {
			ensure!(provider.group != group, Error::<T>::SameGroup);
			ensure!(Groups::<T>::contains_key(group), Error::<T>::NoSuchGroup);
			Self::leave_group(&who, provider.group);
			Groups::<T>::mutate(group, |found| {
				if let Some(found) = found {
					found.members = found.members.saturating_add(1);
				}
			});
			provider.group = group;
			Providers::<T>::insert(&who, provider);
			Self::deposit_event(Event::Joined { provider: who, group });
			Ok(())
		}

		pub(super) fn price_of(seats: u32) -> Balance {
			T::SeatPrice::get().saturating_mul(seats.into())
		}

		/// Notes that a provider wants so many seats from the session after the next on.
		fn ask_for_seats(who: &T::AccountId, seats: u32) {
			let session = T::Session::get().saturating_add(2);
			Holdings::<T>::mutate(who, |holding| holding.wanted = seats);
			let (first, next) = SeatQueue::<T>::get();
			SeatChanges::<T>::insert(next, (session, who, seats));
			SeatQueue::<T>::put((first, next.saturating_add(1)));
			let provider = who.clone();
			Self::deposit_event(Event::SeatsAsked { provider, seats, session });
		}

		/// Settles changes of seats whose session has come, as far as the meter allows.
		pub(super) fn settle_seats(meter: &mut WeightMeter) {
			if meter.try_consume(T::DbWeight::get().reads(1)).is_err() {
				return;
			}
			let (mut first, next) = SeatQueue::<T>::get();
			let begun = first;
			while first < next && meter.try_consume(T::WeightInfo::settle_seats()).is_ok() {
				match SeatChanges::<T>::get(first) {
					Some((session, ..)) if session > T::Session::get() => break,
					Some((_, who, seats)) => Self::settle(&who, seats),
					None => {}
				}
				SeatChanges::<T>::remove(first);
				first += 1;
			}
			if first != begun {
				SeatQueue::<T>::put((first, next));
			}
		}

		/// Settles the seats of one provider: those that its collateral pays for, however slashed it was.
		fn settle(who: &T::AccountId, seats: u32) {
			let paid = T::Collateral::in_seats(who) / T::SeatPrice::get().max(1);
			let open =
				Providers::<T>::get(who).is_some_and(|found| found.status != Status::Retiring);
			let paid = if open { u32::try_from(paid).unwrap_or(u32::MAX) } else { 0 };
			let wanted = Seats::<T>::settle(who, seats, paid);
			let seats = seats.min(paid);
			// What a later change wants stays bound. It only gets less: that cannot fail.
			let bound = Self::price_of(wanted.max(seats)).min(T::Collateral::in_seats(who));
			if T::Collateral::set_seats(who, bound).is_err() {
				frame_support::defensive!("seats could not be freed");
			}
			if let Some(provider) = Providers::<T>::get(who) {
				Self::count_operator(who, &provider);
			}
			Self::deposit_event(Event::SeatsSettled { provider: who.clone(), seats });
		}

		/// Counts the operator of a provider anew, if the provider is its leader and has seats.
		pub(super) fn count_operator(who: &T::AccountId, provider: &Provider<T::AccountId>) {
			Self::uncount_operator(who);
			let leads = Groups::<T>::get(provider.group)
				.is_some_and(|group| group.leader.as_ref() == Some(who));
			if leads && !Holdings::<T>::get(who).numbers.is_empty() {
				let class = provider.class();
				let key = (class.tier as u8, class.features.0);
				Operators::<T>::mutate(key, class.memory, |count| *count = count.saturating_add(1));
				CountedAs::<T>::insert(who, class);
			}
		}

		fn uncount_operator(who: &T::AccountId) {
			if let Some(class) = CountedAs::<T>::take(who) {
				let key = (class.tier as u8, class.features.0);
				Operators::<T>::mutate_exists(key, class.memory, |count| {
					*count = count.unwrap_or(0).checked_sub(1).filter(|count| *count > 0);
				});
			}
		}

		/// Notes a rating that was proven.
		pub fn set_rating(who: &T::AccountId, rating: u32) -> DispatchResult {
			let mut provider = Self::provider(who)?;
			provider.rating = rating;
			Self::count_operator(who, &provider);
			Providers::<T>::insert(who, provider);
			Self::deposit_event(Event::Rated { provider: who.clone(), rating });
			Ok(())
		}

		/// The invariants that the pallet's documentation names.
		#[cfg(any(test, feature = "try-runtime"))]
		pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
			use alloc::collections::BTreeMap;

			let mut members = BTreeMap::<GroupId, u32>::new();
			let mut busy = BTreeMap::<u8, u64>::new();
			let mut workers = 0;
			for (who, provider) in Providers::<T>::iter() {
				ensure!(
					Workers::<T>::get(provider.profile.worker).as_ref() == Some(&who),
					"a worker key belongs to another"
				);
				workers += 1;
				if let Some(stash) = &provider.stash {
					let linked = Stashes::<T>::get(stash).as_ref() == Some(&who);
					ensure!(linked, "a stash is linked to another");
				}
				*members.entry(provider.group).or_default() += 1;
				ensure!(provider.profile.fault().is_none(), "a profile is wrong");
				let Occupation { tasks, counted, tier } = provider.occupation;
				ensure!((tasks == 0) == (counted == 0), "an occupation is half noted");
				*busy.entry(tier).or_default() += counted;
				let seats = Holdings::<T>::get(&who);
				let some = seats != Holding::default() || SeatChanges::<T>::iter().count() > 0;
				ensure!(
					some || T::Collateral::in_seats(&who) == 0,
					"collateral is bound for nothing"
				);
			}
			ensure!(Workers::<T>::iter().count() == workers, "there are worker keys of nobody");
			for (number, group) in Groups::<T>::iter() {
				ensure!(members.remove(&number) == Some(group.members), "a group is miscounted");
				if let Some(leader) = group.leader {
					let of = Providers::<T>::get(&leader).map(|leader| leader.group);
					ensure!(of == Some(number), "a leader is not in its group");
				}
			}
			ensure!(members.is_empty(), "there are providers without a group");
			for tier in ogpu_primitives::market::DeviceTier::ALL {
				let found = Capacities::<T>::get(tier as u8).busy;
				ensure!(found == busy.remove(&(tier as u8)).unwrap_or(0), "capacity is miscounted");
			}
			let mut operators = BTreeMap::new();
			for (who, class) in CountedAs::<T>::iter() {
				let provider = Self::provider(&who)?;
				ensure!(provider.class() == class, "an operator is counted in another class");
				ensure!(
					!Holdings::<T>::get(&who).numbers.is_empty(),
					"it is counted without seats"
				);
				*operators
					.entry((class.tier as u8, class.features.0, class.memory))
					.or_insert(0) += 1;
			}
			for (key, memory, count) in Operators::<T>::iter() {
				ensure!(
					operators.remove(&(key.0, key.1, memory)) == Some(count),
					"operators are miscounted"
				);
			}
			ensure!(operators.is_empty(), "there are operators that nobody counted");
			Seats::<T>::check()
		}
	}
}
