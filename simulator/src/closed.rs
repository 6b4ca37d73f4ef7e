//! What can be computed: panels drawn without replacement, and runs of rounds.

use ogpu_primitives::market::verification::Tier;

/// The logarithm of `n` over `k`.
fn ln_choose(n: u32, k: u32) -> f64 {
	(0..k).map(|i| f64::from(n - i).ln() - f64::from(i + 1).ln()).sum()
}

/// The probability that at least `least` of `drawn` are marked, of `all` of which `marked` are.
pub fn at_least(all: u32, marked: u32, drawn: u32, least: u32) -> f64 {
	(least..=drawn.min(marked))
		.filter(|count| drawn - count <= all - marked)
		.map(|count| {
			let ways = ln_choose(marked, count) + ln_choose(all - marked, drawn - count);
			(ways - ln_choose(all, drawn)).exp()
		})
		// The sum of nothing would be a negative zero.
		.fold(0.0, |sum, each| sum + each)
}

/// The probability of a run of `wanted` in at most `tries`, each of probability `each`.
pub fn run(each: f64, wanted: u32, tries: u32) -> f64 {
	// By the length of the run so far.
	let mut state = vec![0.0; wanted as usize];
	state[0] = 1.0;
	let mut done = 0.0;
	for _ in 0..tries {
		let mut next = vec![0.0; wanted as usize];
		for (length, probability) in state.iter().enumerate() {
			next[0] += probability * (1.0 - each);
			match next.get_mut(length + 1) {
				Some(longer) => *longer += probability * each,
				None => done += probability * each,
			}
		}
		state = next;
	}
	done
}

/// The probability that colluders alone make a false result valid, if honest members never challenge: a run
/// of rounds in which they are a quorum.
pub fn colluding_run(tier: Tier, operators: u32, colluding: u32) -> f64 {
	let each = at_least(operators, colluding, tier.members(), tier.quorum());
	run(each, tier.clean_rounds(), tier.max_rounds())
}

#[cfg(test)]
mod tests {
	use super::*;

	fn close(a: f64, b: f64) -> bool {
		(a / b - 1.0).abs() < 0.02
	}

	#[test]
	fn the_closed_forms_are_those_of_the_specification() {
		assert!(close(colluding_run(Tier::Standard, 100, 20), 1.43e-4));
		assert!(close(colluding_run(Tier::High, 100, 20), 9.2e-7));
		// Judges err as often as the specification says.
		assert!(close(at_least(100, 20, 15, 10), 1.9e-5));
		assert!(close(at_least(100, 20, 21, 11), 1.5e-4));
		assert!(close(at_least(100, 20, 21, 14), 6.26e-8));
	}

	#[test]
	fn probabilities_are_whole() {
		assert!((at_least(100, 20, 5, 0) - 1.0).abs() < 1e-12);
		assert_eq!(run(1.0, 3, 3), 1.0);
		assert_eq!(run(0.5, 2, 1), 0.0);
		assert!((run(0.5, 1, 2) - 0.75).abs() < 1e-12);
	}
}
