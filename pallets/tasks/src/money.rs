//! What happens to a client's escrow. Nothing else in the pallet moves tokens.

use frame_support::{
	pallet_prelude::DispatchResult,
	traits::{
		Get, Imbalance, OnUnbalanced,
		fungible::{Balanced, BalancedHold, MutateHold},
		tokens::Precision,
	},
};
use ogpu_primitives::{Balance, market::price::share};

use crate::{Config, Escrow, Escrows, HoldReason, Pallet, Task};

/// Which of the three parts of an escrow pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purse {
	/// What is for the provider.
	Price,
	/// What is for verifiers.
	Verification,
}

impl Escrow {
	fn purse(&mut self, purse: Purse) -> &mut Balance {
		match purse {
			Purse::Price => &mut self.price,
			Purse::Verification => &mut self.verification,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Puts tokens of a client in escrow.
	pub(crate) fn put_in_escrow(client: &T::AccountId, amount: Balance) -> DispatchResult {
		T::Currency::hold(&HoldReason::Escrow.into(), client, amount)?;
		Escrows::<T>::mutate(client, |sum| *sum = sum.saturating_add(amount));
		Ok(())
	}

	fn note_out(client: &T::AccountId, amount: Balance) {
		Escrows::<T>::mutate_exists(client, |sum| {
			*sum = sum.unwrap_or(0).checked_sub(amount).filter(|left| *left > 0);
		});
	}

	/// Pays up to `amount` out of a task's escrow; what is paid. Who cannot receive it leaves it to the
	/// treasury.
	pub(crate) fn pay(
		task: &mut Task<T::AccountId>,
		purse: Purse,
		to: &T::AccountId,
		amount: Balance,
	) -> Balance {
		let left = task.escrow.purse(purse);
		let amount = amount.min(*left);
		if amount == 0 {
			return 0;
		}
		*left -= amount;
		Self::note_out(&task.client, amount);
		let (credit, _) = T::Currency::slash(&HoldReason::Escrow.into(), &task.client, amount);
		if let Err(credit) = T::Currency::resolve(to, credit) {
			T::Treasury::on_unbalanced(credit);
		}
		amount
	}

	/// Takes the protocol fee on a payment: some is burnt, the treasury gets the rest. What was taken, and
	/// what of it was burnt.
	pub(crate) fn take_fee(task: &mut Task<T::AccountId>, paid: Balance) -> (Balance, Balance) {
		let fee = share(paid, task.terms.protocol_fee).min(task.escrow.fee);
		if fee == 0 {
			return (0, 0);
		}
		task.escrow.fee -= fee;
		Self::note_out(&task.client, fee);
		let (mut credit, _) = T::Currency::slash(&HoldReason::Escrow.into(), &task.client, fee);
		// Dropping it is what burns it.
		let burnt = credit.extract(share(fee, T::Charges::get().burnt.get()).min(fee)).peek();
		T::Treasury::on_unbalanced(credit);
		(fee, burnt)
	}

	/// Gives the client back all that is left. What that is.
	pub(crate) fn refund(task: &mut Task<T::AccountId>) -> Balance {
		let amount = task.escrow.total();
		task.escrow = Escrow::default();
		if amount > 0 {
			Self::note_out(&task.client, amount);
			let reason = HoldReason::Escrow.into();
			let released =
				T::Currency::release(&reason, &task.client, amount, Precision::BestEffort);
			if released.is_err() {
				frame_support::defensive!("what is in escrow is on hold");
			}
		}
		amount
	}
}
