//! Accounts that keep tokens of many.

use frame_support::{
	ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::{
		fungible::Mutate,
		tokens::{Fortitude, Preservation},
	},
};
use ogpu_primitives::Balance;

/// Moves tokens into a pot: only such as their owner could pay to anybody. Fails with `too_poor` if they are not enough.
pub fn take_into_pot<Currency, AccountId: Eq>(
	pot: &AccountId,
	owner: &AccountId,
	amount: Balance,
	too_poor: impl Into<DispatchError>,
) -> DispatchResult
where
	Currency: Mutate<AccountId, Balance = Balance>,
{
	let free = Currency::reducible_balance(owner, Preservation::Preserve, Fortitude::Polite);
	ensure!(amount <= free, too_poor.into());
	Currency::transfer(owner, pot, amount, Preservation::Preserve).map(|_| ())
}
