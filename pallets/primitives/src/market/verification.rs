//! How results are verified, how likely fraud is to be found, and the collateral that follows from it.
//!
//! A panel of `k` members recomputes `m` units each, in rounds, until `β` of them are clean. If `b` of `C`
//! units are false, an honest member meets one of them with the probability
//!
//! ```text
//! h(b) = 1 − (C−b choose m) / (C choose m)
//! ```
//!
//! and a colluding one says nothing. With a share `f` of colluding seats, fraud stays unseen in all rounds
//! with probability `(f + (1−f)(1−h))^(kβ)` at most (members are drawn without replacement, which makes
//! many colluders rarer than that); whoever sees it challenges, and [`D(b)`](Plan::detection) is the
//! probability that anybody does, rounded down.
//!
//! A provider that falsifies `b` units of work worth `V` saves at most `g(b) · V`. The lock makes that a
//! loss: `L ≥ g(b) · V / D(b) − V` for every `b`. `g(b) = b / C` where units are independent: as `D` is
//! concave and 0 at 0, the worst case is `b = C`. In an iterative job one false state, such as a fixed
//! point, can make all that follow cheap: `g = 1`, and the worst case is `b = 1`.
//!
//! Whoever authors some of the blocks that decide a draw has a choice of who verifies, how thoroughly, and of some
//! of the units. Locks allow for [`OWN_SLOTS`] of these: `D(C)` is that in all draws that may be chosen from, and
//! for `D(1)` there is [`Plan::detection_if_steered`].

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::draw::{MAX_SEEDS, most_draws};
use crate::Balance;

/// How thoroughly a client wants its result verified.
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
pub enum Tier {
	/// One member, one clean round. Never asked for: earned by providers, where the client allows it.
	#[codec(index = 0)]
	Light,
	/// Five members, two clean rounds.
	#[codec(index = 1)]
	Standard,
	/// Five members, three clean rounds, more units each.
	#[codec(index = 2)]
	High,
	/// Three members recompute everything, twice.
	#[codec(index = 3)]
	Full,
}

impl Tier {
	/// k: members of a panel.
	pub const fn members(self) -> u32 {
		match self {
			Self::Light => 1,
			Self::Standard | Self::High => 5,
			Self::Full => 3,
		}
	}

	/// α: members that must agree for a round to be clean.
	pub const fn quorum(self) -> u32 {
		match self {
			Self::Light => 1,
			Self::Standard | Self::High => 4,
			Self::Full => 3,
		}
	}

	/// β: clean rounds that make a result valid.
	pub const fn clean_rounds(self) -> u32 {
		match self {
			Self::Light => 1,
			Self::Standard | Self::Full => 2,
			Self::High => 3,
		}
	}

	/// R: rounds after which the final panel decides.
	pub const fn max_rounds(self) -> u32 {
		match self {
			Self::Light => 4,
			Self::Standard => 6,
			Self::High | Self::Full => 8,
		}
	}

	/// m: distinct units that each member recomputes, of a part with so many units.
	pub fn units_per_member(self, units: u32) -> u32 {
		let wanted = match self {
			// As many as can be opened at once.
			Self::Light => units.div_ceil(64).clamp(2, 64),
			Self::Standard => units.div_ceil(64).clamp(1, 12),
			Self::High => units.div_ceil(16).clamp(1, 12),
			Self::Full => units,
		};
		wanted.min(units)
	}

	/// The most units of a part; what is more is thinned too far by the cap on m, or is too many for a
	/// proof.
	pub const fn most_units(self, shape: Shape) -> u32 {
		match (self, shape) {
			(Self::Full, _) => 64,
			(_, Shape::Parallel) => 65_536,
			(Self::High, Shape::Iterative) => 192,
			(Self::Light | Self::Standard, Shape::Iterative) => 768,
		}
	}

	/// The least units of a part: with fewer, drawing some of them proves little.
	pub const fn least_units(self) -> u32 {
		match self {
			Self::Full => 1,
			Self::Light | Self::Standard | Self::High => 20,
		}
	}

	/// The least units of a part for which the light tier may be drawn instead, if it is asked for this one: with
	/// fewer, verifying whoever is trusted most would come to more than a tenth of the work. `None` if it never is.
	pub const fn least_units_to_trust(self) -> Option<u32> {
		match self {
			Self::Standard => Some(24),
			Self::High => Some(48),
			Self::Light | Self::Full => None,
		}
	}
}

/// How the units of a job depend on one another.
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
pub enum Shape {
	/// They do not.
	#[codec(index = 0)]
	Parallel,
	/// Each starts from the state after the one before it.
	#[codec(index = 1)]
	Iterative,
}

/// 1, for probabilities.
const ONE: u128 = 1 << 60;

/// A probability with 60 fractional bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u128);

impl Chance {
	/// Certain.
	pub const ONE: Self = Self(ONE);
	/// Impossible.
	pub const ZERO: Self = Self(0);

	/// So many thousandths; 1 at most.
	pub fn from_thousandths(thousandths: u16) -> Self {
		Self(ONE * u128::from(thousandths.min(1000)) / 1000)
	}

	/// In parts of a billion, rounded down.
	pub fn parts_per_billion(self) -> u32 {
		((self.0 * 1_000_000_000) >> 60) as u32
	}

	/// Where it is so many of so many; 1 at most, rounded down.
	fn share(some: u32, of: u32) -> Self {
		Self(ONE * u128::from(some.min(of)) / u128::from(of.max(1)))
	}

	/// Both, if they are independent; rounded up.
	fn and(self, other: Self) -> Self {
		Self((self.0 * other.0).div_ceil(ONE))
	}

	/// The same, rounded down.
	fn and_at_least(self, other: Self) -> Self {
		Self((self.0 * other.0) >> 60)
	}

	/// That it does not happen.
	pub fn complement(self) -> Self {
		Self(ONE - self.0)
	}

	/// So many times one after the other; rounded up.
	fn times(self, power: u32) -> Self {
		(0..power).fold(Self::ONE, |product, _| product.and(self))
	}

	/// The same, rounded down.
	fn at_least(self, power: u32) -> Self {
		(0..power).fold(Self::ONE, |product, _| product.and_at_least(self))
	}
}

/// How one part of a task is verified, in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
	/// Units of the part, C.
	pub units: u32,
	/// Members of a panel; fewer than the tier's where there are no more.
	pub members: u32,
	/// Clean rounds, β.
	pub clean_rounds: u32,
	/// Units that each member recomputes, m.
	pub units_per_member: u32,
}

impl Plan {
	/// A part of `units` units at a tier, where `available` operators can be drawn.
	pub fn new(tier: Tier, units: u32, available: u32) -> Self {
		Self {
			units,
			members: tier.members().min(available),
			clean_rounds: tier.clean_rounds(),
			units_per_member: tier.units_per_member(units),
		}
	}

	/// The probability that an honest member meets none of `bad` false units, rounded up.
	fn misses(&self, bad: u32) -> Chance {
		let units = u128::from(self.units);
		let mut good = units.saturating_sub(bad.into());
		let mut chance = ONE;
		for drawn in 0..u128::from(self.units_per_member.min(self.units)) {
			if good == 0 {
				return Chance::ZERO;
			}
			chance = (chance * good).div_ceil(units - drawn);
			good -= 1;
		}
		Chance(chance)
	}

	/// D(b): the probability that `bad` false units are found, with a share of `colluding` seats, rounded
	/// down. 0 for none.
	pub fn detection(&self, bad: u32, colluding: Chance) -> Chance {
		if bad == 0 {
			return Chance::ZERO;
		}
		let unseen =
			Chance((colluding.0 + colluding.complement().and(self.misses(bad)).0).min(ONE));
		unseen.times(self.members * self.clean_rounds).complement()
	}

	/// The least probability that one false unit is found if the provider is also, unknown to anybody, the author of
	/// [`OWN_SLOTS`] of the blocks that decide the draw, and so has the best of [`most_draws`]: of their share in
	/// [`MAX_SEEDS`] of all units that are drawn, and of the members.
	///
	/// With `x` the probability that a round draws the unit from the other seeds, and `y` from these, `h` of `β` rounds
	/// draw it from the others with the probability `(β choose h) · x^h · (1−x)^(β−h)`. Then it stays unseen in one draw
	/// with `q(h) = f^h · (1 − (1−f)·y)^(β−h)`, and is found in all `n` that it may choose from with `(1 − q(h))^n`.
	pub fn detection_if_steered(&self, colluding: Chance) -> Chance {
		let drawn = self.members * self.units_per_member;
		let steered = (OWN_SLOTS * drawn.div_ceil(MAX_SEEDS)).min(drawn);
		let others = Chance::share(drawn - steered, self.units);
		let unseen =
			colluding.complement().and_at_least(Chance::share(steered, self.units)).complement();
		let rounds = self.clean_rounds;
		let mut ways = 1;
		let found = (0..=rounds).map(|hits| {
			let in_rest = others.complement().at_least(rounds - hits);
			let weight = Chance(ways * others.at_least(hits).and_at_least(in_rest).0);
			ways = ways * u128::from(rounds - hits) / u128::from(hits + 1);
			let found = colluding.times(hits).and(unseen.times(rounds - hits)).complement();
			weight.and_at_least(found.at_least(DRAWS)).0
		});
		Chance(found.sum())
	}
}

/// For how many of the last blocks that decide a draw locks allow, if they are of the provider's own, and nobody knows.
/// One it can have whenever it likes, and if that has a primary slot, it can leave out one or two before it.
pub const OWN_SLOTS: u32 = 2;
/// Of how many draws it has the best then.
const DRAWS: u32 = most_draws(OWN_SLOTS);

/// The most that a lock may be, in multiples of what it secures.
pub const MAX_LOCK_FACTOR: u128 = 100;

/// The probability that `bad` false units are found where a part is verified in one of several ways, each with its weight:
/// the mean of [`Plan::detection`], rounded down.
pub fn detection(plans: &[(Plan, u32)], bad: u32, colluding: Chance) -> Chance {
	mean(plans.iter().map(|(plan, weight)| (plan.detection(bad, colluding), (*weight).into())))
}

/// The same for a provider that may choose between draws, of the way as well: the mean of the worst of so many ways.
fn worst(plans: &[(Plan, u32)], found: impl Fn(&Plan) -> Chance) -> Chance {
	let ways: Vec<(Chance, u128)> =
		plans.iter().map(|(plan, weight)| (found(plan), u128::from(*weight))).collect();
	let worst = (1..DRAWS).fold(ways.clone(), |worst, _| {
		let with = |(one, weight): (Chance, u128)| {
			ways.iter().map(move |(other, of_other)| (one.min(*other), weight * of_other))
		};
		worst.into_iter().flat_map(with).collect()
	});
	mean(worst.into_iter())
}

/// The mean of some, each with its weight, rounded down; 0 of none.
fn mean(chances: impl Iterator<Item = (Chance, u128)>) -> Chance {
	let (sum, weights) = chances.fold((0, 0), |(sum, weights), (chance, weight)| {
		(sum + chance.0 * weight, weights + weight)
	});
	Chance(sum.checked_div(weights).unwrap_or(0))
}

/// What a provider must lock for unverified work of this value, so that no number of false units pays.
///
/// `plans` are the ways in which it may be verified, each with its weight (a light plan where it was
/// earned): detection is the mean of the worst of those that may be chosen from. `safety` is in hundredths. `None` when
/// fraud could not be found well enough: the lock would exceed [`MAX_LOCK_FACTOR`] times the value.
pub fn lock(
	value: Balance,
	shape: Shape,
	plans: &[(Plan, u32)],
	colluding: Chance,
	safety: u16,
) -> Option<Balance> {
	let Chance(found) = worst(plans, |plan| match shape {
		Shape::Parallel => plan.detection(plan.units, colluding).at_least(DRAWS),
		Shape::Iterative => plan.detection_if_steered(colluding),
	});
	if found == 0 {
		return None;
	}
	// (1 − D) / D, with 32 fractional bits, rounded up; then with the margin.
	let factor = ((ONE - found) << 32).div_ceil(found);
	let factor = (factor * u128::from(safety)).div_ceil(100);
	if factor > MAX_LOCK_FACTOR << 32 {
		return None;
	}
	let (high, low) = (value >> 32, value & 0xFFFF_FFFF);
	let lock = high.checked_mul(factor)?.checked_add((low * factor).div_ceil(1 << 32))?;
	Some(lock.max(value))
}

#[cfg(test)]
mod tests {
	use proptest::prelude::*;

	use super::*;
	use crate::{CAP, OGPU};

	/// The documentation's formulas in floating point, by another road: logarithms of factorials.
	fn detection_in_floats(plan: &Plan, bad: u32, f: f64) -> f64 {
		let ln_choose = |n: u32, k: u32| -> f64 {
			(0..k).map(|i| f64::from(n - i).ln() - f64::from(i + 1).ln()).sum()
		};
		let (c, m) = (plan.units, plan.units_per_member);
		let misses =
			if bad + m > c { 0.0 } else { (ln_choose(c - bad, m) - ln_choose(c, m)).exp() };
		1.0 - (f + (1.0 - f) * misses).powi((plan.members * plan.clean_rounds) as i32)
	}

	fn float(chance: Chance) -> f64 {
		chance.0 as f64 / ONE as f64
	}

	fn tiers() -> impl Strategy<Value = Tier> {
		prop_oneof![Just(Tier::Light), Just(Tier::Standard), Just(Tier::High), Just(Tier::Full)]
	}

	proptest! {
		#[test]
		fn detection_is_the_formula(tier in tiers(), units in 1u32..3000, bad in 1u32..3000, f in 0u16..900) {
			let units = if tier == Tier::Full { units % 64 + 1 } else { units };
			let plan = Plan::new(tier, units, 100);
			let bad = bad.min(units);
			let exact = detection_in_floats(&plan, bad, f64::from(f) / 1000.0);
			let fixed = float(plan.detection(bad, Chance::from_thousandths(f)));
			prop_assert!((exact - fixed).abs() < 1e-9, "{exact} {fixed}");
		}

		/// The worst case is where the documentation says, by trying every number of false units.
		#[test]
		fn the_worst_case_is_at_the_end(tier in tiers(), units in 20u32..64, f in 0u16..500) {
			let plan = Plan::new(tier, units, 100);
			let colluding = Chance::from_thousandths(f);
			let value = 1_000_000 * OGPU;
			for (shape, gain) in [
				(Shape::Parallel, &(|bad: u32| f64::from(bad) / f64::from(units)) as &dyn Fn(u32) -> f64),
				(Shape::Iterative, &|_| 1.0),
			] {
				let Some(lock) = lock(value, shape, &[(plan, 1)], colluding, 100) else { continue };
				for bad in 1..=units {
					let found = detection_in_floats(&plan, bad, f64::from(f) / 1000.0);
					let needed = value as f64 * (gain(bad) / found - 1.0);
					prop_assert!(lock as f64 >= needed * (1.0 - 1e-9), "{shape:?} {bad}: {lock} {needed}");
				}
			}
		}

		#[test]
		fn locks_grow_with_value(a in 0..CAP, b in 0..CAP, units in 20u32..768, safety in 100u16..300) {
			let plan = Plan::new(Tier::Standard, units, 100);
			let lock = |value| super::lock(value, Shape::Iterative, &[(plan, 1)], Chance::from_thousandths(200), safety);
			let (low, high) = (a.min(b), a.max(b));
			prop_assert!(lock(low) <= lock(high));
			prop_assert!(lock(low) >= Some(low));
		}
	}

	/// By the chain's own draws, of whoever has a choice of the last seeds. Of the last the members are drawn as well: each
	/// colludes or not in each draw anew.
	#[test]
	fn the_best_of_some_draws_is_found_as_often_as_stated() {
		use crate::{
			market::draw::{Numbers, units},
			merkle::Blake2,
		};
		const THROWS: u32 = 8_000;
		let mut numbers = Numbers::<Blake2>::new(&[3; 32], 0);
		let mut fresh = || -> [u8; 32] { core::array::from_fn(|_| numbers.below(256) as u8) };
		let mut dice = Numbers::<Blake2>::new(&[4; 32], 0);
		for (tier, of) in [(Tier::Standard, 20), (Tier::Standard, 100), (Tier::High, 100)] {
			let plan = Plan::new(tier, of, 100);
			let mut found = 0;
			for _ in 0..THROWS {
				let bad = dice.below(of);
				let mut in_all = [false; DRAWS as usize];
				for _ in 0..plan.clean_rounds {
					let mut seeds = [(); MAX_SEEDS as usize].map(|()| fresh());
					for found in &mut in_all {
						for own in &mut seeds[(MAX_SEEDS - OWN_SLOTS) as usize..] {
							*own = fresh();
						}
						let each = plan.units_per_member;
						let drawn = units::<Blake2>(&seeds, plan.members, of, each);
						*found |=
							drawn.iter().any(|own| own.contains(&bad) && dice.below(1000) >= 200);
					}
				}
				found += u32::from(!in_all.contains(&false));
			}
			let seen = f64::from(found) / f64::from(THROWS);
			let stated = float(plan.detection_if_steered(Chance::from_thousandths(200)));
			let deviation = (stated * (1.0 - stated) / f64::from(THROWS)).sqrt();
			assert!(seen > stated - 3.0 * deviation, "{tier:?}, {of} units: {seen} {stated}");
			// Nor is it far less, which would make locks larger than they need be.
			assert!(seen < stated * 1.5, "{tier:?}, {of} units: {seen} {stated}");
		}
	}

	#[test]
	fn figures_of_a_long_training() {
		// 768 segments at standard, a fifth of the seats colluding: one false state is found with 11.8 %, and with
		// 4.9 % if the provider has the best of three draws of some.
		let plan = Plan::new(Tier::Standard, 768, 100);
		assert_eq!(plan.units_per_member, 12);
		let found = float(plan.detection(1, Chance::from_thousandths(200)));
		assert!((found - 0.1182).abs() < 1e-4, "{found}");
		let found = float(plan.detection_if_steered(Chance::from_thousandths(200)));
		assert!((found - 0.0487).abs() < 1e-3, "{found}");
		let lock = lock(OGPU, Shape::Iterative, &[(plan, 1)], Chance::from_thousandths(200), 100);
		let factor = lock.expect("it can be found") as f64 / OGPU as f64;
		assert!((factor - (1.0 / found - 1.0)).abs() < 1e-3, "{factor}");
	}

	#[test]
	fn what_cannot_be_found_has_no_lock() {
		let plan = Plan::new(Tier::Standard, 100, 0);
		assert_eq!(lock(OGPU, Shape::Parallel, &[(plan, 1)], Chance::ZERO, 100), None);
		assert_eq!(lock(OGPU, Shape::Parallel, &[], Chance::ZERO, 100), None);
		let all_collude = Plan::new(Tier::Full, 64, 3);
		assert_eq!(lock(OGPU, Shape::Parallel, &[(all_collude, 1)], Chance::ONE, 100), None);
	}
}
