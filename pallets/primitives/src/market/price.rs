//! What computing costs: a base price for each device tier, which moves with demand.
//!
//! One *compute unit* is what the reference device does in one second; work is counted in thousandths of
//! it. Each block the base price of a tier moves towards the one at which a target share of its capacity
//! is busy:
//!
//! ```text
//! price' = price · (1 + s · clamp((u − t) / t, −1, 1))
//! ```
//!
//! where `u` is the busy share, `t` the target and `s` the largest step. Within bounds, always.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::Balance;

/// Work, in thousandths of a compute unit.
pub type Work = u64;

/// How the base price of a tier moves.
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
pub struct PriceRule {
	/// The share of capacity that should be busy, in thousandths.
	pub target: u16,
	/// The largest step in a block, in parts per million.
	pub step: u32,
	/// The lowest price of a compute unit.
	pub least: Balance,
	/// The highest price of a compute unit.
	pub most: Balance,
}

impl PriceRule {
	/// The price after a block in which `busy` of `capacity` was used (in any unit). Without any capacity
	/// it stays.
	pub fn next(&self, price: Balance, busy: u64, capacity: u64) -> Balance {
		let price = price.clamp(self.least, self.most.max(self.least));
		if capacity == 0 || self.target == 0 {
			return price;
		}
		let target = i128::from(self.target);
		let used = i128::from(busy.min(capacity)) * 1000 / i128::from(capacity);
		// In parts per million, within one step either way.
		let change = (used - target).clamp(-target, target) * i128::from(self.step) / target;
		let moved = price as i128 + (price as i128 / 1_000_000).saturating_mul(change);
		Balance::try_from(moved).unwrap_or(0).clamp(self.least, self.most.max(self.least))
	}
}

/// The price of so much work, rounded up.
pub fn cost(work: Work, per_unit: Balance) -> Balance {
	per_unit.saturating_mul(work.into()).div_ceil(1000)
}

/// So many parts per million of an amount, rounded up.
pub fn share(amount: Balance, parts_per_million: u32) -> Balance {
	let (high, low) = (amount / 1_000_000, amount % 1_000_000);
	let parts = Balance::from(parts_per_million);
	high.saturating_mul(parts).saturating_add((low * parts).div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
	use proptest::prelude::*;

	use super::*;
	use crate::{CAP, MICRO, MILLI, OGPU};

	const RULE: PriceRule = PriceRule { target: 500, step: 10_000, least: MICRO, most: OGPU };

	#[test]
	fn it_moves_towards_the_target() {
		assert_eq!(RULE.next(MILLI, 500, 1000), MILLI);
		assert_eq!(RULE.next(MILLI, 1000, 1000), MILLI + MILLI / 100);
		assert_eq!(RULE.next(MILLI, 0, 1000), MILLI - MILLI / 100);
		assert_eq!(RULE.next(MILLI, 750, 1000), MILLI + MILLI / 200);
		assert_eq!(RULE.next(MILLI, 5000, 1000), MILLI + MILLI / 100);
		assert_eq!(RULE.next(MILLI, 7, 0), MILLI);
	}

	proptest! {
		#[test]
		fn it_stays_within_bounds(price in 0..=CAP, busy: u64, capacity: u64) {
			let next = RULE.next(price, busy, capacity);
			prop_assert!((RULE.least..=RULE.most).contains(&next));
			let from = price.clamp(RULE.least, RULE.most);
			prop_assert!(next.abs_diff(from) <= from / 100);
		}

		#[test]
		fn shares_round_up(amount in 0..=CAP, parts in 0u32..=1_000_000) {
			let exact = amount * u128::from(parts);
			prop_assert_eq!(share(amount, parts), exact.div_ceil(1_000_000));
		}
	}

	#[test]
	fn work_has_its_price() {
		assert_eq!(cost(1, 1), 1);
		assert_eq!(cost(1000, OGPU), OGPU);
		assert_eq!(cost(1500, 10), 15);
	}
}
