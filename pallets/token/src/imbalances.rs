//! Where staking's issuance passes by and is counted.

use core::marker::PhantomData;

use frame_support::traits::{
	Imbalance, OnUnbalanced,
	fungible::{Credit, Debt},
};

use crate::{Config, Pallet};

/// Staking's `Reward`: counts what `payout_stakers` issued to validators and nominators.
pub struct RewardMinted<T>(PhantomData<T>);

impl<T: Config> OnUnbalanced<Debt<T::AccountId, T::Currency>> for RewardMinted<T> {
	fn on_nonzero_unbalanced(rewards: Debt<T::AccountId, T::Currency>) {
		// Dropping the debt issues what was paid.
		Pallet::<T>::note_minted(rewards.peek());
	}
}

/// Staking's `RewardRemainder`: counts what an era issued at once, and hands it to the treasury `To`.
pub struct RemainderMinted<T, To>(PhantomData<(T, To)>);

impl<T, To> OnUnbalanced<Credit<T::AccountId, T::Currency>> for RemainderMinted<T, To>
where
	T: Config,
	To: OnUnbalanced<Credit<T::AccountId, T::Currency>>,
{
	fn on_nonzero_unbalanced(remainder: Credit<T::AccountId, T::Currency>) {
		Pallet::<T>::note_minted(remainder.peek());
		To::on_unbalanced(remainder);
	}
}
