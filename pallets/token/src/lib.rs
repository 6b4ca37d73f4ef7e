//! # The oGPU token
//!
//! oGPU itself lives in `pallet-balances`. This pallet decides how much of it may come into being:
//! never more than 21,000,000 oGPU, genesis included, by a schedule that decays with a half-life of
//! four years (see [`ogpu_primitives::emission`] for the formula and its error bound).
//!
//! ## Key terms
//!
//! - **Scheduled**: what the schedule has released so far, genesis allocations included. Only this
//!   counts against the cap. Burning tokens, or leaving a reward unclaimed until it expires, does
//!   not lower it, so neither reopens the cap.
//! - **Minted**: what was really issued of that. It lags behind: staking issues the validators'
//!   share when somebody calls `payout_stakers`, and the providers' share is issued only for work.
//! - **Provider budget**: the part of what is scheduled that providers may still earn. The market
//!   draws on it with [`Pallet::credit_work`]; what it does not draw is never issued.
//! - **Split**: how an era's emission is divided between validators, providers and treasury; a
//!   parameter of governance, bounded by its type ([`EmissionSplit`]).
//!
//! ## Life of an era's emission
//!
//! 1. At the end of an era staking asks [`sp_staking::EraPayout`] (implemented by [`Pallet`]). The
//!    era's duration is clamped to [`MAX_ERA_STRETCH`] intended eras, so a chain that was halted
//!    does not print a year at once. The amount becomes *scheduled* in this moment.
//! 2. The treasury's share is issued at once by staking and arrives through [`RemainderMinted`].
//! 3. The validators' share is issued by `payout_stakers`, counted by [`RewardMinted`].
//! 4. The providers' share waits in [`ProviderBudget`].
//!
//! ## Invariants
//!
//! Checked by `try_state`, and after every test:
//!
//! - scheduled ≤ cap;
//! - minted + provider budget ≤ scheduled;
//! - total issuance ≤ minted.
//!
//! ## What it asks of the runtime
//!
//! Staking's `EraPayout`, `Reward` and `RewardRemainder` must be this pallet's, and nothing else may
//! issue tokens. The pallet has no calls, so nobody can add to the schedule. One door is Substrate's:
//! Root, which means a referendum on the root track, may set balances at will
//! (`balances.force_set_balance`), as it may replace the whole runtime. `try_state` notices that.
//!
//! ## Example
#![doc = docify::embed!("src/tests/mod.rs", an_era_is_scheduled_split_and_issued)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod imbalances;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use imbalances::{RemainderMinted, RewardMinted};
pub use ogpu_primitives::emission::{EmissionSplit, Shares, YearOfEmission};
pub use pallet::*;

/// An era counts as at most this many intended eras.
pub const MAX_ERA_STRETCH: u64 = 2;

/// [`Pallet::schedule`] answers for at most this many years.
pub const MAX_SCHEDULE_YEARS: u32 = 100;

#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet {
	use alloc::vec::Vec;

	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{Balanced, Inspect, Mutate},
			tokens::{Fortitude, Precision, Preservation},
		},
	};
	use frame_system::pallet_prelude::*;
	use ogpu_primitives::{Balance, CAP, emission};
	use sp_staking::EraPayout;

	use super::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// What the pallet asks of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The oGPU balances.
		type Currency: Inspect<Self::AccountId, Balance = Balance>
			+ Mutate<Self::AccountId>
			+ Balanced<Self::AccountId>;

		/// How an era's emission is divided. A parameter of governance.
		type Split: Get<EmissionSplit>;

		/// The duration that an era is meant to have, in milliseconds.
		type EraDuration: Get<u64>;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// All that was ever scheduled, genesis included. At most the cap; never falls.
	#[pallet::storage]
	pub type Scheduled<T> = StorageValue<_, Balance, ValueQuery>;

	/// All that was ever issued, genesis included. Never falls: burning does not lower it.
	#[pallet::storage]
	pub type Minted<T> = StorageValue<_, Balance, ValueQuery>;

	/// Scheduled for providers, and neither earned nor issued yet.
	#[pallet::storage]
	pub type ProviderBudget<T> = StorageValue<_, Balance, ValueQuery>;

	/// Events of the pallet. Amounts are in the token's smallest unit.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An era ended, and its emission was scheduled.
		EraScheduled {
			/// The duration that counted, in milliseconds: the era's own, or the clamp.
			duration_ms: u64,
			/// Scheduled for validators and nominators.
			validators: Balance,
			/// Added to the provider budget.
			providers: Balance,
			/// Issued to the treasury.
			treasury: Balance,
		},
		/// A provider was credited for verified work, out of the provider budget.
		WorkCredited {
			/// Who got it.
			provider: T::AccountId,
			/// How much was issued.
			amount: Balance,
		},
	}

	/// Errors of the pallet.
	#[pallet::error]
	pub enum Error<T> {
		/// The provider budget holds less than this credit.
		ProviderBudgetExceeded,
	}

	/// Genesis takes its figures from the balances; there is nothing to configure.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		#[serde(skip)]
		_config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let allocated = T::Currency::total_issuance();
			assert!(
				allocated <= CAP,
				"the genesis allocations add up to {allocated}, more than the cap of {CAP}; lower them",
			);
			Scheduled::<T>::put(allocated);
			Minted::<T>::put(allocated);
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::EraDuration::get() > 0, "an era must have a duration");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The most that may ever be scheduled, in the smallest unit.
		pub fn cap() -> Balance {
			CAP
		}

		/// What was scheduled so far, genesis included, in the smallest unit.
		pub fn scheduled() -> Balance {
			Scheduled::<T>::get()
		}

		/// What was issued so far, genesis and what was burnt since included, in the smallest unit.
		pub fn minted() -> Balance {
			Minted::<T>::get()
		}

		/// What the running era will schedule if it lasts as long as intended: for validators, for
		/// providers, for the treasury, in the smallest unit.
		pub fn next_payout() -> (Balance, Balance, Balance) {
			let total = emission::era_payout(Scheduled::<T>::get(), T::EraDuration::get());
			let Shares { validators, providers, treasury } = T::Split::get().divide(total);
			(validators, providers, treasury)
		}

		/// The schedule of the next `years` years, at most [`MAX_SCHEDULE_YEARS`].
		pub fn schedule(years: u32) -> Vec<YearOfEmission> {
			emission::schedule(Scheduled::<T>::get(), years.min(MAX_SCHEDULE_YEARS)).collect()
		}
	}

	impl<T: Config> Pallet<T> {
		/// Issues `amount` to `provider` for verified work, out of the provider budget.
		///
		/// The market calls this under its own rule of how much a task may earn.
		///
		/// # Errors
		///
		/// [`Error::ProviderBudgetExceeded`], or the currency's refusal (an amount below the
		/// existential deposit for an account that does not exist). Nothing changes then.
		pub fn credit_work(provider: &T::AccountId, amount: Balance) -> DispatchResult {
			let left = ProviderBudget::<T>::get()
				.checked_sub(amount)
				.ok_or(Error::<T>::ProviderBudgetExceeded)?;
			T::Currency::mint_into(provider, amount)?;
			ProviderBudget::<T>::put(left);
			Self::note_minted(amount);
			Self::deposit_event(Event::WorkCredited { provider: provider.clone(), amount });
			Ok(())
		}

		/// Burns `amount` of `who`'s free balance. The cap stays where it is.
		///
		/// # Errors
		///
		/// The currency's refusal when `who` has less that it may spend.
		pub fn burn(who: &T::AccountId, amount: Balance) -> DispatchResult {
			T::Currency::burn_from(
				who,
				amount,
				Preservation::Expendable,
				Precision::Exact,
				Fortitude::Polite,
			)?;
			Ok(())
		}

		/// Counts what was issued under the schedule.
		pub(super) fn note_minted(amount: Balance) {
			Minted::<T>::mutate(|minted| *minted = minted.saturating_add(amount));
		}

		/// The invariants that the pallet's documentation names.
		#[cfg(any(test, feature = "try-runtime"))]
		pub(crate) fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
			let (scheduled, minted) = (Scheduled::<T>::get(), Minted::<T>::get());
			let promised = minted.saturating_add(ProviderBudget::<T>::get());
			ensure!(scheduled <= CAP, "more is scheduled than the cap");
			ensure!(promised <= scheduled, "more is minted or promised than scheduled");
			ensure!(T::Currency::total_issuance() <= minted, "more is issued than was minted");
			Ok(())
		}
	}

	impl<T: Config> EraPayout<Balance> for Pallet<T> {
		/// Schedules the era's emission and returns what staking hands out: the validators' share
		/// and, as its remainder, the treasury's.
		fn era_payout(
			_staked: Balance,
			_issuance: Balance,
			duration_ms: u64,
		) -> (Balance, Balance) {
			let duration_ms =
				duration_ms.min(T::EraDuration::get().saturating_mul(MAX_ERA_STRETCH));
			let scheduled = Scheduled::<T>::get();
			let total = emission::era_payout(scheduled, duration_ms);
			let Shares { validators, providers, treasury } = T::Split::get().divide(total);

			Scheduled::<T>::put(scheduled.saturating_add(total));
			ProviderBudget::<T>::mutate(|budget| *budget = budget.saturating_add(providers));
			Self::deposit_event(Event::EraScheduled {
				duration_ms,
				validators,
				providers,
				treasury,
			});
			(validators, treasury)
		}
	}
}
