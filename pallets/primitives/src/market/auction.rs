//! Sealed bids: the lowest score wins and is paid by the second.
//!
//! A provider of quality `q` that bids `p` has the score `p / q`, and the lowest score wins. The winner is
//! paid `min(r, q · second)`, where `second` is the next score and `r` the reserve; alone it is paid `r`.
//! Bids above the reserve are void. What a winner is paid does not depend on its bid, so in one auction,
//! without collusion, no price serves a provider better than its cost. (With collusion it can: two who
//! agree not to compete are paid the reserve.)
//!
//! Quality has [`Quality::BITS`] fractional bits, scores have 32 more than prices and are rounded up,
//! payments are rounded down: a winner is never paid less than its bid, nor more than the reserve.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::TaskId;
use crate::{
	Balance, CAP,
	merkle::{Hash, Hasher},
};

/// How good a provider is, as the chain has measured it: a product of bounded factors.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Quality(u16);

/// Fractional bits of a score beyond those of quality.
const SCORE_BITS: u32 = 32;

impl Quality {
	/// Fractional bits.
	pub const BITS: u32 = 10;
	/// 1.
	pub const ONE: Self = Self(1 << Self::BITS);
	/// A quarter.
	pub const LEAST: Self = Self(1 << (Self::BITS - 2));
	/// 2.
	pub const MOST: Self = Self(1 << (Self::BITS + 1));

	/// The quality of a provider.
	///
	/// `reputation`, in thousandths, makes a factor from 1/4 (none) to 1 (all of it). `rating` makes one from
	/// 1 to 2, in a straight line from what the task asks for at least (or the reference device, if it asks
	/// for less) to ten times that; both are in thousandths of the reference device.
	pub fn new(reputation: u16, rating: u32, least_rating: u32) -> Self {
		let standing = 256 + u64::from(reputation.min(1000)) * 768 / 1000;
		let ratio = u64::from(rating) * 1000 / u64::from(least_rating.max(1000));
		let speed = 1024 + ratio.saturating_sub(1000).min(9000) * 1024 / 9000;
		let product = (standing * speed / 1024) as u16;
		Self(product.clamp(Self::LEAST.0, Self::MOST.0))
	}

	/// A quality from its fixed-point form; `None` when out of bounds.
	pub fn from_raw(raw: u16) -> Option<Self> {
		(Self::LEAST.0..=Self::MOST.0).contains(&raw).then_some(Self(raw))
	}

	/// Its fixed-point form.
	pub const fn raw(self) -> u16 {
		self.0
	}
}

/// Price over quality. Lower is better.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Score(u128);

/// `price · 2^(BITS + SCORE_BITS)` must fit: prices are below the cap, which has 85 bits.
const _: () = assert!(CAP < 1 << (u128::BITS - Quality::BITS - SCORE_BITS));

impl Score {
	/// The score of a bid, rounded up. A price above the cap counts as the cap.
	pub fn new(price: Balance, quality: Quality) -> Self {
		let scaled = price.min(CAP) << (Quality::BITS + SCORE_BITS);
		Self(scaled.div_ceil(u128::from(quality.0)))
	}

	/// The price that gives a provider of this quality this score, rounded down.
	pub fn price(self, quality: Quality) -> Balance {
		let bits = Quality::BITS + SCORE_BITS;
		let (high, low) = (self.0 >> bits, self.0 & ((1 << bits) - 1));
		let quality = u128::from(quality.0);
		high.saturating_mul(quality).saturating_add((low * quality) >> bits)
	}
}

/// What the winner is paid: by the second score, and never above the reserve.
pub fn payment(winner: Quality, second: Option<Score>, reserve: Balance) -> Balance {
	second.map_or(reserve, |second| second.price(winner).min(reserve))
}

/// The order between equal scores: nobody can know it before the draw.
pub fn tie_break<H: Hasher>(draw: &Hash, task: TaskId, provider: &impl Encode) -> Hash {
	(b"ogpu/tie/1", draw, task, provider).using_encoded(H::hash)
}

/// What a bidder commits to: nobody else can use it, nor can it be used in another auction or on another chain.
pub fn commitment<H: Hasher>(
	genesis: &Hash,
	task: TaskId,
	attempt: u8,
	provider: &impl Encode,
	price: Balance,
	salt: &Hash,
) -> Hash {
	(b"ogpu/bid/1", genesis, task, attempt, provider, price, salt).using_encoded(H::hash)
}

#[cfg(test)]
mod tests {
	use proptest::prelude::*;

	use super::*;
	use crate::{OGPU, merkle::Blake2};

	fn qualities() -> impl Strategy<Value = Quality> {
		(Quality::LEAST.0..=Quality::MOST.0).prop_map(Quality)
	}

	/// An auction as the module's documentation tells it, in exact fractions. Returns winner and payment.
	fn documented(bids: &[(Balance, Quality)], reserve: Balance) -> Option<(usize, Balance)> {
		let valid = bids.iter().enumerate().filter(|(_, (price, _))| *price <= reserve);
		let mut order: Vec<_> = valid.collect();
		// p / q < p' / q'  ⇔  p q' < p' q
		order.sort_by(|(_, (p, q)), (_, (r, s))| (p * u128::from(s.0)).cmp(&(r * u128::from(q.0))));
		let (winner, (_, quality)) = *order.first()?;
		let paid = order.get(1).map_or(reserve, |(_, (p, q))| {
			(p * u128::from(quality.0) / u128::from(q.0)).min(reserve)
		});
		Some((winner, paid))
	}

	fn decided(bids: &[(Balance, Quality)], reserve: Balance) -> Option<(usize, Balance)> {
		let valid = bids.iter().enumerate().filter(|(_, (price, _))| *price <= reserve);
		let mut order: Vec<_> =
			valid.map(|(who, (price, q))| (Score::new(*price, *q), who, *q)).collect();
		order.sort();
		let (_, winner, quality) = *order.first()?;
		Some((winner, payment(quality, order.get(1).map(|bid| bid.0), reserve)))
	}

	proptest! {
		#![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

		#[test]
		fn auctions_end_as_documented(
			bids in prop::collection::vec((0..100_000 * OGPU, qualities()), 0..12),
			reserve in 0..120_000 * OGPU,
		) {
			let (fraction, fixed) = (documented(&bids, reserve), decided(&bids, reserve));
			match (fraction, fixed) {
				(Some((a, paid)), Some((b, paid_fixed))) => {
					// Scores closer than 2^-42 of a unit are one.
					prop_assert!(a == b || Score::new(bids[a].0, bids[a].1) == Score::new(bids[b].0, bids[b].1));
					if a == b {
						prop_assert!(paid.abs_diff(paid_fixed) <= 1, "{paid} {paid_fixed}");
					}
				}
				(none, other) => prop_assert_eq!(none, other),
			}
		}

		#[test]
		fn winners_are_paid_at_least_their_bid(
			bids in prop::collection::vec((0..=CAP, qualities()), 1..6),
			reserve in 0..=CAP,
		) {
			if let Some((winner, paid)) = decided(&bids, reserve) {
				prop_assert!(paid >= bids[winner].0 && paid <= reserve);
			}
		}

		/// Bidding anything but one's cost never pays more: the profit of a bid is at most that of the cost.
		#[test]
		fn no_bid_beats_the_cost(
			others in prop::collection::vec((0..1_000 * OGPU, qualities()), 0..6),
			quality in qualities(),
			cost in 0..1_000 * OGPU,
			bid in 0..1_200 * OGPU,
			reserve in 0..1_200 * OGPU,
		) {
			let profit = |price: Balance| {
				let mut bids = others.clone();
				bids.push((price, quality));
				match decided(&bids, reserve) {
					Some((winner, paid)) if winner == others.len() => paid as i128 - cost as i128,
					_ => 0,
				}
			};
			// A tie at the score of the cost is worth at most the rounding of one payment.
			prop_assert!(profit(bid) <= profit(cost) + 1);
		}
	}

	#[test]
	fn quality_has_its_bounds() {
		assert_eq!(Quality::new(0, 0, 0), Quality::LEAST);
		assert_eq!(Quality::new(1000, 1000, 0), Quality::ONE);
		assert_eq!(Quality::new(1000, 10_000, 0), Quality::MOST);
		assert_eq!(Quality::new(1000, u32::MAX, 40_000), Quality::MOST);
		assert_eq!(Quality::new(u16::MAX, 40_000, 40_000), Quality::ONE);
		assert!(Quality::new(500, 1000, 0) < Quality::new(510, 1000, 0));
		assert_eq!(Quality::from_raw(0), None);
	}

	#[test]
	fn commitments_bind_all_they_name() {
		let base = commitment::<Blake2>(&[1; 32], 2, 6, &[3; 32], 4, &[5; 32]);
		for other in [
			commitment::<Blake2>(&[0; 32], 2, 6, &[3; 32], 4, &[5; 32]),
			commitment::<Blake2>(&[1; 32], 0, 6, &[3; 32], 4, &[5; 32]),
			commitment::<Blake2>(&[1; 32], 2, 0, &[3; 32], 4, &[5; 32]),
			commitment::<Blake2>(&[1; 32], 2, 6, &[0; 32], 4, &[5; 32]),
			commitment::<Blake2>(&[1; 32], 2, 6, &[3; 32], 0, &[5; 32]),
			commitment::<Blake2>(&[1; 32], 2, 6, &[3; 32], 4, &[0; 32]),
		] {
			assert_ne!(base, other);
		}
	}
}
