//! What a transaction costs, and where the money goes. `docs/economics.md` explains the figures.

use frame_support::{
	parameter_types,
	traits::{
		Imbalance, OnUnbalanced,
		fungible::{Balanced, Credit},
		tokens::imbalance::ResolveTo,
	},
	weights::{Weight, WeightToFee as WeightToFeeT, constants::ExtrinsicBaseWeight},
};
use ogpu_primitives::{Balance, MICRO, MILLI};
use pallet_transaction_payment::{Multiplier, TargetedFeeAdjustment};
use sp_runtime::{FixedPointNumber, Perquintill, traits::Bounded};

use crate::{AccountId, Authorship, Balances, Runtime, configs::TreasuryAccount};

/// Smallest balance that keeps an account alive.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLI;

/// Fee for one byte of a transaction.
pub const FEE_PER_BYTE: Balance = MICRO;

/// Fee for the weight that every transaction has.
pub const BASE_FEE: Balance = 100 * MICRO;

/// Deposit for keeping `items` storage entries of `bytes` bytes in all, returned when they go.
///
/// A chain's state is replicated on every node for as long as it exists, so it is priced well above
/// the passing cost of a transaction.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
	items as Balance * 20 * MILLI + bytes as Balance * 100 * MICRO
}

/// Weight to fee, linear in time: [`BASE_FEE`] buys the base weight of a transaction. The chain
/// proves nothing to anybody outside, so the proof size of a weight costs nothing.
pub struct WeightToFee;

impl WeightToFeeT for WeightToFee {
	type Balance = Balance;

	fn weight_to_fee(weight: &Weight) -> Balance {
		let base = Balance::from(ExtrinsicBaseWeight::get().ref_time());
		BASE_FEE.saturating_mul(weight.ref_time().into()) / base
	}
}

parameter_types! {
	/// Blocks a quarter full leave the fee as it is.
	pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
	/// How fast the multiplier follows.
	pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
	/// Fees fall no lower than a tenth of the base.
	pub MinimumMultiplier: Multiplier = Multiplier::saturating_from_rational(1, 10);
	/// No bound above: a stuffed chain gets dearer until stuffing it ends.
	pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

/// The base fee's slow answer to how full blocks are.
pub type FeeMultiplier = TargetedFeeAdjustment<
	Runtime,
	TargetBlockFullness,
	AdjustmentVariable,
	MinimumMultiplier,
	MaximumMultiplier,
>;

/// Half of each fee to the treasury, half to the block's author; tips to the author alone.
pub struct ToTreasuryAndAuthor;

impl OnUnbalanced<Credit<AccountId, Balances>> for ToTreasuryAndAuthor {
	fn on_unbalanceds(mut credits: impl Iterator<Item = Credit<AccountId, Balances>>) {
		if let Some(fee) = credits.next() {
			let (treasury, mut author) = fee.ration(50, 50);
			if let Some(tip) = credits.next() {
				tip.merge_into(&mut author);
			}
			ResolveTo::<TreasuryAccount, Balances>::on_unbalanced(treasury);
			to_author(author);
		}
	}
}

/// Pays the author of the block, or, where it has none or cannot take it, the treasury.
fn to_author(credit: Credit<AccountId, Balances>) {
	let unpaid = match Authorship::author() {
		Some(author) => Balances::resolve(&author, credit).err(),
		None => Some(credit),
	};
	if let Some(credit) = unpaid {
		ResolveTo::<TreasuryAccount, Balances>::on_unbalanced(credit);
	}
}
