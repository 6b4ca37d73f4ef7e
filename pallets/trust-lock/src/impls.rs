//! [`Collateral`]: what the market does with what was bonded.

use frame_support::{defensive, pallet_prelude::DispatchResult, traits::Get};
use ogpu_primitives::Balance;
use ogpu_traits::{Beneficiaries, Collateral, Funding, LockId, Reason, Slashed};

use crate::{Config, Error, Event, Ledgers, Locks, Pallet, Slashing};

impl<T: Config> Collateral<T::AccountId> for Pallet<T> {
	fn free(who: &T::AccountId) -> Balance {
		Ledgers::<T>::get(who).free()
	}

	fn locked(who: &T::AccountId, lock: LockId) -> Balance {
		Locks::<T>::get(who, lock)
	}

	fn set_lock(who: &T::AccountId, lock: LockId, amount: Balance) -> DispatchResult {
		let before = Locks::<T>::get(who, lock);
		if before == amount {
			return Ok(());
		}
		let mut ledger = Ledgers::<T>::get(who);
		match lock.purpose.funding() {
			Funding::Bond => ledger.relock(before, amount).map_err(Error::<T>::from)?,
			Funding::Balance => {
				if amount > before {
					Self::take_in(who, amount - before)?;
				} else {
					Self::give_back(who, before - amount)?;
				}
				ledger.rehold(before, amount);
			}
		}
		Self::put(who, ledger);
		Self::put_lock(who, lock, amount);
		Self::deposit_event(Event::LockSet { who: who.clone(), lock, amount });
		Ok(())
	}

	fn slash(
		who: &T::AccountId,
		lock: LockId,
		amount: Balance,
		to: Beneficiaries<T::AccountId>,
		why: Reason,
	) -> Slashed {
		let before = Locks::<T>::get(who, lock);
		let amount = amount.min(before);
		if amount == 0 || Self::withheld(who, Some(lock), amount, why) {
			return Slashed::default();
		}
		let mut ledger = Ledgers::<T>::get(who);
		match lock.purpose.funding() {
			Funding::Bond => ledger.slash_locked(amount),
			Funding::Balance => ledger.rehold(before, before - amount),
		}
		Self::put(who, ledger);
		Self::put_lock(who, lock, before - amount);
		Self::pay_out(who, Some(lock), amount, to, why)
	}

	fn slash_liable(
		who: &T::AccountId,
		amount: Balance,
		to: Beneficiaries<T::AccountId>,
		why: Reason,
	) -> Slashed {
		let mut ledger = Ledgers::<T>::get(who);
		let amount = ledger.slash_liable(amount);
		if amount == 0 || Self::withheld(who, None, amount, why) {
			return Slashed::default();
		}
		Self::put(who, ledger);
		Self::pay_out(who, None, amount, to, why)
	}

	fn in_seats(who: &T::AccountId) -> Balance {
		Ledgers::<T>::get(who).seats()
	}

	fn set_seats(who: &T::AccountId, amount: Balance) -> DispatchResult {
		let mut ledger = Ledgers::<T>::get(who);
		ledger.set_seats(amount).map_err(Error::<T>::from)?;
		Self::put(who, ledger);
		Ok(())
	}
}

impl<T: Config> Pallet<T> {
	fn put_lock(who: &T::AccountId, lock: LockId, amount: Balance) {
		if amount == 0 {
			Locks::<T>::remove(who, lock);
		} else {
			Locks::<T>::insert(who, lock, amount);
		}
	}

	/// Says what a slash would take, if none is to take anything.
	fn withheld(who: &T::AccountId, lock: Option<LockId>, amount: Balance, why: Reason) -> bool {
		let withheld = T::Slashing::get() == Slashing::DryRun;
		if withheld {
			Self::deposit_event(Event::SlashWithheld { who: who.clone(), lock, amount, why });
		}
		withheld
	}

	/// Hands out what was slashed.
	fn pay_out(
		who: &T::AccountId,
		lock: Option<LockId>,
		amount: Balance,
		to: Beneficiaries<T::AccountId>,
		why: Reason,
	) -> Slashed {
		let mut left = amount;
		let mut shares = Slashed::default();
		if let Some((victim, wanted)) = to.victim {
			shares.victim = Self::pay(&mut left, &victim, wanted);
		}
		if let Some((finder, wanted)) = to.finder {
			shares.finder = Self::pay(&mut left, &finder, wanted);
		}
		for (member, wanted) in to.panel {
			shares.panel = shares.panel.saturating_add(Self::pay(&mut left, &member, wanted));
		}
		shares.treasury = left;
		if left > 0 && Self::give_back(&T::Treasury::get(), left).is_err() {
			defensive!("the treasury can always receive");
		}
		Self::deposit_event(Event::Slashed { who: who.clone(), lock, shares, why });
		shares
	}

	/// Pays up to `wanted` out of `left`. An account that cannot receive it gets nothing, and `left` keeps it.
	fn pay(left: &mut Balance, who: &T::AccountId, wanted: Balance) -> Balance {
		let share = wanted.min(*left);
		if share == 0 || Self::give_back(who, share).is_err() {
			return 0;
		}
		*left -= share;
		share
	}
}
