//! # Trust lock: collateral of clients and providers
//!
//! Whoever promises something on the market puts tokens behind it. This pallet keeps them: it knows what
//! is bonded, what of it secures which promise, and to whom it goes when a promise is broken. What a
//! promise is, and whether it was kept, others decide; they use [`Collateral`], which this pallet
//! implements.
//!
//! ## Key terms
//!
//! - **Pot**: the account that keeps all collateral. What is in it may be paid to others, so it must not be what
//!   its owner could not have paid: tokens that vest or are locked by votes cannot become collateral, which
//!   holds on the owner's account would not prevent.
//! - **Bond**: tokens that a provider has put in as collateral, for as many promises as it covers.
//! - **Lock**: the part of a bond that secures one promise ([`LockId`]): work on a task, a bid, a race. It
//!   can neither secure another nor be unbonded.
//! - **Seats**: the part of a bond that buys chances to be drawn onto panels.
//! - **Free**: what neither locks nor seats bind. `locked + seats ≤ bonded`, always.
//! - **Unbonding**: collateral on its way out. It waits for [`Config::UnbondingDelay`], which is longer
//!   than any window in which a fault can come to light, and can be slashed as long as it waits.
//! - Clients and challengers bond nothing: their locks take their free balance
//!   directly ([`Purpose::funding`](ogpu_traits::Purpose::funding)).
//!
//! ## Life of collateral
//!
//! [`bond`](Pallet::bond) → locked and released, many times → [`unbond`](Pallet::unbond) → wait →
//! [`withdraw`](Pallet::withdraw), or [`rebond`](Pallet::rebond) instead.
//!
//! ## Slashing
//!
//! A slash pays the victim first, then the finder, then the panel; the treasury gets the rest, and whatever
//! a beneficiary cannot receive. Slashing is behind a switch of governance ([`Config::Slashing`]): while
//! it is off, a slash moves nothing and says in an event what it would have moved.
//!
//! ## Invariants
//!
//! Checked by `try_state`, and after every test:
//!
//! - the pot has what all ledgers add up to, and at least the existential deposit besides;
//! - for every account: `locked + seats ≤ bonded`;
//! - its locks add up to what the ledger says, and none holds nothing.
//!
//! ## Example
#![doc = docify::embed!("src/tests/mod.rs", a_bond_secures_one_promise_after_another)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
mod ledger;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

pub use ledger::{Ledger, MAX_UNBONDING, Unbonding};
pub use ogpu_traits::{Collateral, LockId};
pub use pallet::*;
pub use weights::WeightInfo;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Whether slashes take anything.
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
pub enum Slashing {
	/// They only say what they would take.
	#[codec(index = 0)]
	DryRun,
	/// They do.
	#[codec(index = 1)]
	On,
}

#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet {
	use frame_support::{
		PalletId,
		pallet_prelude::*,
		traits::{
			fungible::{Inspect, Mutate},
			tokens::Preservation,
		},
	};
	use frame_system::pallet_prelude::*;
	use ogpu_primitives::Balance;
	use ogpu_traits::{Clock, LockId, Moment, Reason, Slashed, take_into_pot};
	use sp_runtime::traits::AccountIdConversion;

	use super::*;
	use crate::ledger::Refused;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// What the pallet asks of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The oGPU balances.
		type Currency: Inspect<Self::AccountId, Balance = Balance> + Mutate<Self::AccountId>;

		/// Derives the account of the pot, which genesis gives the existential deposit.
		type PotId: Get<PalletId>;

		/// The market clock.
		type Clock: Clock;

		/// Market blocks from unbonding to withdrawal: longer than any window in which a fault can come to
		/// light.
		type UnbondingDelay: Get<Moment>;

		/// Whether slashes take anything.
		type Slashing: Get<Slashing>;

		/// Gets what no beneficiary does.
		type Treasury: Get<Self::AccountId>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// The collateral of each account that has any.
	#[pallet::storage]
	pub type Ledgers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Ledger, ValueQuery>;

	/// What each lock holds. The second key is small and chosen by the chain, not by users.
	#[pallet::storage]
	pub type Locks<T: Config> = StorageDoubleMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		Twox64Concat,
		LockId,
		Balance,
		ValueQuery,
	>;

	/// Events of the pallet. Amounts are in the token's smallest unit.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Tokens were bonded.
		Bonded {
			/// By whom.
			who: T::AccountId,
			/// How much was added.
			amount: Balance,
		},
		/// Collateral is on its way out.
		Unbonded {
			/// Whose.
			who: T::AccountId,
			/// How much.
			amount: Balance,
			/// From when on it can be withdrawn, on the market clock.
			until: Moment,
		},
		/// Collateral on its way out was bonded again.
		Rebonded {
			/// Whose.
			who: T::AccountId,
			/// How much.
			amount: Balance,
		},
		/// Collateral left.
		Withdrawn {
			/// Whose.
			who: T::AccountId,
			/// How much.
			amount: Balance,
		},
		/// A lock was made, changed, or, at zero, released.
		LockSet {
			/// Whose.
			who: T::AccountId,
			/// Which.
			lock: LockId,
			/// What it holds now.
			amount: Balance,
		},
		/// A promise was broken and paid for.
		Slashed {
			/// By whom.
			who: T::AccountId,
			/// The lock that secured it; `None` for a liability without one.
			lock: Option<LockId>,
			/// Who got what.
			shares: Slashed,
			/// Why.
			why: Reason,
		},
		/// A promise was broken, but slashing is switched off.
		SlashWithheld {
			/// By whom.
			who: T::AccountId,
			/// The lock that secures it.
			lock: Option<LockId>,
			/// What would have been taken.
			amount: Balance,
			/// Why.
			why: Reason,
		},
	}

	/// Errors of the pallet.
	#[pallet::error]
	pub enum Error<T> {
		/// Zero is not an amount.
		ZeroAmount,
		/// Less collateral is free; the rest is bound in locks or seats. Bond more, or wait for them to end.
		NotEnoughFree,
		/// Too many withdrawals are under way. Withdraw what is due first, or rebond.
		TooManyUnbonding,
		/// Nothing is unbonding.
		NothingUnbonding,
		/// Nothing can be withdrawn yet.
		NothingDue,
		/// The account has fewer free tokens: what is locked, or has to stay on it, does not count.
		NotEnoughTokens,
	}

	impl<T> From<Refused> for Error<T> {
		fn from(refused: Refused) -> Self {
			match refused {
				Refused::NotEnoughFree => Self::NotEnoughFree,
				Refused::TooManyUnbonding => Self::TooManyUnbonding,
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Bonds `amount` of the sender's free balance, on top of what it has bonded.
		///
		/// Origin: signed. Fails when the balance is too low. Event: [`Event::Bonded`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::bond())]
		pub fn bond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			ensure!(amount > 0, Error::<T>::ZeroAmount);
			Self::take_in(&who, amount)?;
			Ledgers::<T>::mutate(&who, |ledger| ledger.bond(amount));
			Self::deposit_event(Event::Bonded { who, amount });
			Ok(())
		}

		/// Starts to take out `amount` of the sender's free collateral.
		///
		/// Origin: signed. It can be withdrawn after [`Config::UnbondingDelay`] market blocks, and slashed
		/// until then. Fails when less is free, or [`MAX_UNBONDING`] withdrawals are under way. Event:
		/// [`Event::Unbonded`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::unbond())]
		pub fn unbond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			ensure!(amount > 0, Error::<T>::ZeroAmount);
			let until = T::Clock::now().saturating_add(T::UnbondingDelay::get());
			Ledgers::<T>::try_mutate(&who, |ledger| ledger.unbond(amount, until))
				.map_err(Error::<T>::from)?;
			Self::deposit_event(Event::Unbonded { who, amount, until });
			Ok(())
		}

		/// Bonds up to `amount` of what is on its way out again, latest first.
		///
		/// Origin: signed. Fails when nothing is unbonding. Event: [`Event::Rebonded`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::rebond())]
		pub fn rebond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			ensure!(amount > 0, Error::<T>::ZeroAmount);
			let amount = Ledgers::<T>::mutate(&who, |ledger| ledger.rebond(amount));
			ensure!(amount > 0, Error::<T>::NothingUnbonding);
			Self::deposit_event(Event::Rebonded { who, amount });
			Ok(())
		}

		/// Takes out all collateral whose time has come.
		///
		/// Origin: signed. Fails when there is none yet. Event: [`Event::Withdrawn`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			let mut ledger = Ledgers::<T>::get(&who);
			let amount = ledger.withdraw(T::Clock::now());
			ensure!(amount > 0, Error::<T>::NothingDue);
			Self::give_back(&who, amount)?;
			Self::put(&who, ledger);
			Self::deposit_event(Event::Withdrawn { who, amount });
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The collateral of an account, and what of it is free.
		pub fn collateral(who: T::AccountId) -> (Ledger, Balance) {
			let ledger = Ledgers::<T>::get(who);
			let free = ledger.free();
			(ledger, free)
		}
	}

	impl<T: Config> Pallet<T> {
		/// The account that keeps all collateral.
		pub fn pot() -> T::AccountId {
			T::PotId::get().into_account_truncating()
		}

		/// Takes tokens into the pot: only such as their owner could pay to anybody.
		pub(super) fn take_in(who: &T::AccountId, amount: Balance) -> DispatchResult {
			take_into_pot::<T::Currency, _>(&Self::pot(), who, amount, Error::<T>::NotEnoughTokens)
		}

		/// Gives tokens out of the pot.
		pub(super) fn give_back(who: &T::AccountId, amount: Balance) -> DispatchResult {
			T::Currency::transfer(&Self::pot(), who, amount, Preservation::Preserve).map(|_| ())
		}

		/// Keeps a ledger, unless there is nothing in it.
		pub(super) fn put(who: &T::AccountId, ledger: Ledger) {
			if ledger.is_empty() {
				Ledgers::<T>::remove(who);
			} else {
				Ledgers::<T>::insert(who, ledger);
			}
		}

		/// The invariants that the pallet's documentation names.
		#[cfg(any(test, feature = "try-runtime"))]
		pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
			use ogpu_traits::Funding;

			let mut all: Balance = 0;
			for (_, ledger) in Ledgers::<T>::iter() {
				ensure!(!ledger.is_empty(), "an empty ledger is kept");
				ensure!(
					ledger.locked().saturating_add(ledger.seats()) <= ledger.bonded(),
					"more is bound than bonded"
				);
				all = all.saturating_add(ledger.total());
			}
			let mut sums = alloc::collections::BTreeMap::<_, (Balance, Balance)>::new();
			for (who, lock, amount) in Locks::<T>::iter() {
				ensure!(amount > 0, "a lock holds nothing");
				let (locked, held) = sums.entry(who).or_default();
				match lock.purpose.funding() {
					Funding::Bond => *locked += amount,
					Funding::Balance => *held += amount,
				}
			}
			for (who, ledger) in Ledgers::<T>::iter() {
				let sum = sums.remove(&who).unwrap_or_default();
				ensure!(sum == (ledger.locked(), ledger.held()), "locks do not add up");
			}
			ensure!(sums.is_empty(), "there are locks without a ledger");
			let needed = all.saturating_add(T::Currency::minimum_balance());
			ensure!(T::Currency::balance(&Self::pot()) >= needed, "the pot has too little");
			Ok(())
		}
	}
}
