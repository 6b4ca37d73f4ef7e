//! What sealed bids come to when not everybody bids its cost: by the chain's own scores and payments.
//!
//! Amounts are in parts of the usual cost. Costs are log-normal around it, with a spread of 0.3; reputations lie between
//! 0.7 and 1, speeds between that of the reference device and three times that; the reserve is twice the usual cost.

use ogpu_primitives::market::auction::{Quality, Score, payment};
use rand::{Rng, SeedableRng, rngs::SmallRng};

/// The usual cost, large enough for rounding not to matter.
const USUAL: f64 = 1e18;
/// The most that is paid, in parts of the usual cost.
pub const RESERVE: f64 = 2.0;
/// How far costs lie apart.
const SPREAD: f64 = 0.3;

/// Somebody who could do the work.
#[derive(Clone, Copy, Debug)]
pub struct Bidder {
	/// What the work costs it.
	pub cost: f64,
	/// What its price is weighed with.
	pub quality: Quality,
}

impl Bidder {
	/// One like others.
	pub fn usual(random: &mut SmallRng) -> Self {
		// Box and Muller's transform of two uniform numbers into a normal one.
		let (u, v): (f64, f64) = (random.random_range(f64::EPSILON..1.0), random.random());
		let normal = (-2.0 * u.ln()).sqrt() * (core::f64::consts::TAU * v).cos();
		let reputation = random.random_range(700..=1000);
		let rating = random.random_range(1000..=3000);
		Self { cost: (SPREAD * normal).exp(), quality: Quality::new(reputation, rating, 0) }
	}
}

/// What was asked, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Bid {
	/// The price.
	pub price: f64,
	/// What it is weighed with.
	pub quality: Quality,
}

/// Who wins, and what it is paid; nobody, if nobody asks at most the reserve.
pub fn decide(bids: &[Bid]) -> Option<(usize, f64)> {
	let score = |bid: &Bid| Score::new((bid.price * USUAL) as u128, bid.quality);
	let valid = bids.iter().enumerate().filter(|(_, bid)| bid.price <= RESERVE);
	let mut order: Vec<_> = valid.map(|(who, bid)| (score(bid), who)).collect();
	order.sort();
	let (_, winner) = *order.first()?;
	let second = order.get(1).map(|(score, _)| *score);
	let paid = payment(bids[winner].quality, second, (RESERVE * USUAL) as u128);
	Some((winner, paid as f64 / USUAL))
}

fn honest(bidders: &[Bidder]) -> Vec<Bid> {
	bidders.iter().map(|one| Bid { price: one.cost, quality: one.quality }).collect()
}

fn crowd(random: &mut SmallRng, count: usize) -> Vec<Bidder> {
	(0..count).map(|_| Bidder::usual(random)).collect()
}

/// What somebody earns on average who bids so many times its cost among others who bid theirs.
pub fn profit_of(factor: f64, others: usize, auctions: u32, seed: u64) -> f64 {
	let mut random = SmallRng::seed_from_u64(seed);
	let mut sum = 0.0;
	for _ in 0..auctions {
		let bidders = crowd(&mut random, others + 1);
		let mut bids = honest(&bidders);
		bids[0].price *= factor;
		if let Some((0, paid)) = decide(&bids) {
			sum += paid - bidders[0].cost;
		}
	}
	sum / f64::from(auctions)
}

/// What a plan comes to on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
	/// What is paid when everybody bids its cost.
	pub honest: f64,
	/// What is paid under the plan.
	pub paid: f64,
	/// How often those with the plan win.
	pub wins: f64,
}

/// A client has somebody bid for its own task at so many times the usual cost, who declines if it wins: then the others
/// are paid as if it had not been there.
pub fn shill(price: f64, bidders: usize, auctions: u32, seed: u64) -> Plan {
	let mut random = SmallRng::seed_from_u64(seed);
	let mut plan = Plan { honest: 0.0, paid: 0.0, wins: 0.0 };
	for _ in 0..auctions {
		let mut bids = honest(&crowd(&mut random, bidders));
		let Some((_, without)) = decide(&bids) else { continue };
		bids.push(Bid { price, quality: Bidder::usual(&mut random).quality });
		plan.honest += without;
		match decide(&bids) {
			Some((winner, _)) if winner == bidders => {
				plan.wins += 1.0;
				plan.paid += without;
			}
			Some((_, paid)) => plan.paid += paid,
			None => {}
		}
	}
	plan.of(auctions)
}

/// Some bidders agree that only the best of them bids.
pub fn ring(members: usize, bidders: usize, auctions: u32, seed: u64) -> Plan {
	let mut random = SmallRng::seed_from_u64(seed);
	let mut plan = Plan { honest: 0.0, paid: 0.0, wins: 0.0 };
	for _ in 0..auctions {
		let bids = honest(&crowd(&mut random, bidders));
		let Some((_, without)) = decide(&bids) else { continue };
		// Their best is who would win if there were only they.
		let Some((best, _)) = decide(&bids[..members]) else { continue };
		let mut left = vec![bids[best]];
		left.extend_from_slice(&bids[members..]);
		let Some((winner, paid)) = decide(&left) else { continue };
		plan.honest += without;
		plan.paid += paid;
		plan.wins += if winner == 0 { 1.0 } else { 0.0 };
	}
	plan.of(auctions)
}

impl Plan {
	fn of(self, auctions: u32) -> Self {
		let all = f64::from(auctions);
		Self { honest: self.honest / all, paid: self.paid / all, wins: self.wins / all }
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn no_factor_beats_bidding_ones_cost() {
		for others in [1, 4, 9] {
			let honest = profit_of(1.0, others, 4_000, 3);
			for factor in [0.5, 0.8, 0.95, 1.05, 1.25, 2.0] {
				// The same auctions: each by itself is worth at most as much, so the sum is.
				assert!(profit_of(factor, others, 4_000, 3) <= honest, "{factor}, {others}");
			}
		}
	}

	#[test]
	fn who_is_alone_is_paid_the_reserve() {
		let alone = [Bid { price: 0.1, quality: Quality::ONE }];
		let (winner, paid) = decide(&alone).expect("there is a bid");
		assert_eq!(winner, 0);
		assert!((paid - RESERVE).abs() < 1e-9);
		assert_eq!(decide(&[Bid { price: 2.1, quality: Quality::ONE }]), None);
	}

	#[test]
	fn shills_can_only_lower_and_rings_only_raise_what_is_paid() {
		for bidders in [2, 5, 10] {
			let shilled = shill(0.8, bidders, 2_000, 5);
			assert!(shilled.paid <= shilled.honest);
			let colluding = ring(2, bidders, 2_000, 5);
			assert!(colluding.paid >= colluding.honest);
		}
		// A ring of all is paid as who is alone.
		assert!(ring(5, 5, 500, 5).paid > 0.99 * RESERVE);
	}
}
