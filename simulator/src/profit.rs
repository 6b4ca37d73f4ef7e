//! What a cheat earns on average, under the locks that the chain asks for.
//!
//! Amounts are in parts of the price `V`, which is also what computing costs: an honest provider earns nothing
//! beyond it. A cheat that is accepted has saved its share `g` of the cost; one that is convicted loses its lock,
//! and what it has spent on the rest; one that nobody can judge is paid nothing if somebody has challenged it.

use ogpu_primitives::market::verification::{Chance, Plan, Shape, Tier, lock};
use rand::{RngCore, SeedableRng, rngs::SmallRng};

use crate::protocol::{Plot, Verdict, World};

/// The share of colluding seats that locks allow for, in thousandths, and their margin in hundredths: the
/// chain's defaults.
const POLICY: (u16, u16) = (200, 150);
/// An amount that is large enough for the rounding of locks not to matter.
const UNIT: u128 = 1 << 60;

/// A way to cheat.
#[derive(Clone, Copy, Debug)]
pub struct Cheat {
	/// What it is called.
	pub name: &'static str,
	/// How units depend on one another.
	pub shape: Shape,
	/// False units.
	pub bad: u32,
	/// The share of the cost that they save.
	pub saves: f64,
}

/// What a way to cheat comes to.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
	/// What the provider locks.
	pub lock: f64,
	/// How often it is accepted.
	pub accepted: f64,
	/// How often it is convicted.
	pub convicted: f64,
	/// What it earns on average, beyond an honest provider.
	pub profit: f64,
}

/// All ways of providers that are told apart, for a part of so many units.
pub fn cheats(units: u32) -> [Cheat; 5] {
	let share = |bad: u32| f64::from(bad) / f64::from(units);
	let tenth = (units / 10).max(1);
	[
		Cheat { name: "all of it false", shape: Shape::Parallel, bad: units, saves: 1.0 },
		Cheat {
			name: "half of it false",
			shape: Shape::Parallel,
			bad: units / 2,
			saves: share(units / 2),
		},
		Cheat { name: "a tenth false", shape: Shape::Parallel, bad: tenth, saves: share(tenth) },
		Cheat { name: "one unit false", shape: Shape::Parallel, bad: 1, saves: share(1) },
		Cheat { name: "one poisoned checkpoint", shape: Shape::Iterative, bad: 1, saves: 1.0 },
	]
}

/// What a cheat earns among so many operators, of whom so many collude with it. Whoever is trusted has the tier drawn so
/// often of a thousand times, and is verified lightly otherwise.
///
/// # Panics
///
/// When the chain would not take such a task, because fraud could not be found well enough.
pub fn outcome(
	cheat: &Cheat,
	tier: Tier,
	asked: u16,
	units: u32,
	operators: u32,
	colluding: u32,
	cases: u32,
) -> Outcome {
	let plan = |tier| Plan::new(tier, units, operators - 1);
	let asked = u32::from(asked);
	let plans = [(plan(tier), asked), (plan(Tier::Light), 1000 - asked)];
	let locked = lock(UNIT, cheat.shape, &plans, Chance::from_thousandths(POLICY.0), POLICY.1)
		.expect("the chain takes it");
	let lock = locked as f64 / UNIT as f64;
	let world = |tier| World {
		operators: operators - 1,
		colluding,
		absent: 0,
		tier,
		units,
		bad: cheat.bad,
		plot: Plot::Accept,
		own_slots: 0,
	};
	let mut random = SmallRng::seed_from_u64(u64::from(cheat.bad));
	let (mut accepted, mut convicted, mut sum) = (0u32, 0u32, 0.0);
	for _ in 0..cases {
		let light = asked < 1000 && random.next_u32() % 1000 >= asked;
		let drawn = if light { Tier::Light } else { tier };
		sum += match world(drawn).case(&mut random).verdict {
			Verdict::Valid => {
				accepted += 1;
				cheat.saves
			}
			Verdict::Fraud => {
				convicted += 1;
				-(1.0 - cheat.saves) - lock
			}
			Verdict::Inconclusive => -(1.0 - cheat.saves),
		};
	}
	let of = |count: u32| f64::from(count) / f64::from(cases);
	Outcome {
		lock,
		accepted: of(accepted),
		convicted: of(convicted),
		profit: sum / f64::from(cases),
	}
}

#[cfg(test)]
mod tests {
	use ogpu_primitives::market::trust::LEAST_ASKED;

	use super::*;

	#[test]
	fn farming_trust_does_not_pay() {
		for (tier, units) in [(Tier::Standard, 24), (Tier::Standard, 100), (Tier::High, 100)] {
			for cheat in cheats(units) {
				for colluding in [0, 19] {
					let outcome = outcome(&cheat, tier, LEAST_ASKED, units, 100, colluding, 20_000);
					assert!(
						outcome.profit < 0.0,
						"{} at {tier:?}, {units} units, {colluding} colluders: {outcome:?}",
						cheat.name
					);
				}
			}
		}
	}

	#[test]
	fn no_cheat_pays_up_to_the_stated_share_of_colluders() {
		for (tier, units) in [(Tier::Standard, 20), (Tier::Standard, 100), (Tier::High, 100)] {
			for cheat in cheats(units) {
				for colluding in [0, 19] {
					let outcome = outcome(&cheat, tier, 1000, units, 100, colluding, 2_000);
					assert!(
						outcome.profit < 0.0,
						"{} at {tier:?}, {units} units, {colluding} colluders: {outcome:?}",
						cheat.name
					);
				}
			}
		}
	}
}
