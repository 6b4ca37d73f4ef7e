//! What happens to a client's escrow. Nothing else in the pallet moves tokens.

use frame_support::{
	defensive,
	pallet_prelude::DispatchResult,
	traits::{
		Get,
		fungible::Mutate,
		tokens::{Fortitude, Precision, Preservation},
	},
};
use ogpu_primitives::{Balance, market::price::share};
use ogpu_traits::take_into_pot;
use sp_runtime::traits::AccountIdConversion;

use crate::{Config, Error, Escrow, Escrows, Pallet, Task};

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
	/// The account that keeps all escrows.
	pub fn pot() -> T::AccountId {
		T::PotId::get().into_account_truncating()
	}

	/// Puts tokens of a client in escrow: only such as it could pay to anybody.
	pub(crate) fn put_in_escrow(client: &T::AccountId, amount: Balance) -> DispatchResult {
		take_into_pot::<T::Currency, _>(&Self::pot(), client, amount, Error::<T>::NotEnoughTokens)?;
		Escrows::<T>::mutate(client, |sum| *sum = sum.saturating_add(amount));
		Ok(())
	}

	pub(crate) fn note_out(client: &T::AccountId, amount: Balance) {
		Escrows::<T>::mutate_exists(client, |sum| {
			*sum = sum.unwrap_or(0).checked_sub(amount).filter(|left| *left > 0);
		});
	}

	/// Gives tokens out of the pot. Who cannot receive them leaves them to the treasury.
	pub(crate) fn give(to: &T::AccountId, amount: Balance) {
		if amount == 0 {
			return;
		}
		let pot = Self::pot();
		let given = T::Currency::transfer(&pot, to, amount, Preservation::Preserve).or_else(|_| {
			T::Currency::transfer(&pot, &T::Treasury::get(), amount, Preservation::Preserve)
		});
		if given.is_err() {
			defensive!("what is in escrow is in the pot");
		}
	}

	/// Pays up to `amount` out of a task's escrow; what is paid.
	pub(crate) fn pay(
		task: &mut Task<T::AccountId>,
		purse: Purse,
		to: &T::AccountId,
		amount: Balance,
	) -> Balance {
		let left = task.escrow.purse(purse);
		let amount = amount.min(*left);
		if amount > 0 {
			*left -= amount;
			Self::note_out(&task.client, amount);
			Self::give(to, amount);
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
		let to_burn = share(fee, T::Charges::get().burnt.get()).min(fee);
		let burnt = T::Currency::burn_from(
			&Self::pot(),
			to_burn,
			Preservation::Preserve,
			Precision::Exact,
			Fortitude::Polite,
		);
		let burnt = burnt.unwrap_or(0);
		Self::give(&T::Treasury::get(), fee - burnt);
		(fee, burnt)
	}

	/// Gives the client, or the stream of a batch, back all that is left. What that is.
	pub(crate) fn refund(task: &mut Task<T::AccountId>) -> Balance {
		let amount = task.escrow.total();
		task.escrow = Escrow::default();
		match task.stream {
			Some(stream) => Self::refund_to_stream(stream, amount),
			None => Self::give_back(&task.client, amount),
		}
		amount
	}

	/// Gives a client tokens back.
	pub(crate) fn give_back(client: &T::AccountId, amount: Balance) {
		if amount > 0 {
			Self::note_out(client, amount);
			Self::give(client, amount);
		}
	}
}
