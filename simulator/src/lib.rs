//! How often verification is wrong, what it costs, and whether cheating pays; and what auctions come to.
//!
//! The protocol is simulated with the chain's own draws, quorums and tallies
//! ([`ogpu_primitives::market`]); only people are made up. Beside it stands the idealised closed form, in
//! which honest members never challenge, to check the simulation against.
//!
//! - [`closed`]: probabilities that can be computed;
//! - [`protocol`]: one case from its root to its verdict;
//! - [`profit`]: what a cheat earns on average under the chain's locks;
//! - [`career`]: what it earns that is honest first, to be trusted;
//! - [`auction`]: what sealed bids come to when not everybody bids its cost;
//! - [`plots`]: how figures look;
//! - [`report`]: the tables of `docs/simulation.md` and `docs/auctions.md`.
#![forbid(unsafe_code)]

pub mod auction;
pub mod career;
pub mod closed;
pub mod plots;
pub mod profit;
pub mod protocol;
pub mod report;

/// The number of `hits` in `tries`, as a frequency with a 99 % interval (Wilson).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frequency {
	/// How often it happened.
	pub hits: u64,
	/// How often it could have.
	pub tries: u64,
}

impl Frequency {
	/// What was seen.
	pub fn value(self) -> f64 {
		self.hits as f64 / self.tries.max(1) as f64
	}

	/// Between what the probability lies, in 99 of 100 cases.
	pub fn interval(self) -> (f64, f64) {
		const Z: f64 = 2.576;
		let (n, p) = (self.tries.max(1) as f64, self.value());
		let centre = p + Z * Z / (2.0 * n);
		let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
		let scale = 1.0 + Z * Z / n;
		(((centre - spread) / scale).max(0.0), (centre + spread) / scale)
	}

	/// Whether a probability is compatible with what was seen.
	pub fn allows(self, probability: f64) -> bool {
		let (low, high) = self.interval();
		(low..=high).contains(&probability)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn intervals_hold_what_was_seen() {
		let seen = Frequency { hits: 100, tries: 10_000 };
		let (low, high) = seen.interval();
		assert!(low < 0.01 && 0.01 < high && high - low < 0.006);
		assert!(seen.allows(0.01) && !seen.allows(0.02));
		let never = Frequency { hits: 0, tries: 1_000_000 };
		assert_eq!(never.interval().0, 0.0);
		assert!(never.interval().1 < 1e-5);
	}
}
