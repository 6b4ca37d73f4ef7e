//! What a cheat earns on average, under the locks that the chain asks for.
//!
//! Amounts are in parts of the price `V`, which is also what computing costs: an honest provider earns nothing
//! beyond it. A cheat that is accepted has saved its share `g` of the cost; one that is convicted loses its lock,
//! and what it has spent on the rest; one that nobody can judge is paid nothing if somebody has challenged it.

use ogpu_primitives::market::{
	rules::{Charges, PanelRules},
	verification::{Chance, Plan, Shape, Tier, lock},
};
use rand::{SeedableRng, rngs::SmallRng};

use crate::{
	protocol::{Plot, Verdict, World},
	report::Sum,
};

/// The share of colluding seats that locks allow for, in thousandths, and their margin in hundredths: the
/// chain's defaults.
const POLICY: (u16, u16) = (200, 150);
/// Tiers with units of parts at which providers are trusted.
pub const WHERE_TRUSTED: [(Tier, u32); 3] =
	[(Tier::Standard, 24), (Tier::Standard, 100), (Tier::High, 100)];
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

impl Cheat {
	/// The same with so many units false, of so many.
	pub fn of(self, bad: u32, units: u32) -> Self {
		Self { bad, saves: f64::from(bad) / f64::from(units), ..self }
	}
}

/// Where somebody cheats.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
	/// The tier that the client wants.
	pub tier: Tier,
	/// How often of a thousand times that is drawn; otherwise the provider is trusted, and verified lightly.
	pub asked: u16,
	/// Units of the part.
	pub units: u32,
	/// Operators, with the provider's own.
	pub operators: u32,
	/// How many of them collude with it.
	pub colluding: u32,
	/// How many of the last blocks that decide a draw are in slots of its own, which nobody knows of.
	pub own_slots: u32,
}

impl Setting {
	/// A hundred operators, of whom none colludes, and a provider that is not trusted and authors nothing.
	pub const fn usual(tier: Tier, units: u32) -> Self {
		Self { tier, asked: 1000, units, operators: 100, colluding: 0, own_slots: 0 }
	}
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
	/// Half of the interval in which that is with a probability of 95 %.
	pub within: f64,
}

/// All ways of providers that are told apart, for a part of so many units.
pub fn cheats(units: u32) -> [Cheat; 5] {
	let all = Cheat { name: "all of it false", shape: Shape::Parallel, bad: units, saves: 1.0 };
	let some = |name, bad| Cheat { name, ..all }.of(bad, units);
	[
		all,
		some("half of it false", units / 2),
		some("a tenth false", (units / 10).max(1)),
		some("one unit false", 1),
		Cheat { name: "one poisoned checkpoint", shape: Shape::Iterative, bad: 1, saves: 1.0 },
	]
}

/// What a provider locks if the task is verified by one of these plans, each so often of a thousand times; `None` if the chain does
/// not let it have the task so, because fraud could not be found well enough.
fn locked(shape: Shape, plans: &[(Plan, u32)]) -> Option<f64> {
	let colluding = Chance::from_thousandths(POLICY.0);
	let locked = lock(UNIT, shape, plans, colluding, POLICY.1)?;
	Some(locked as f64 / UNIT as f64)
}

/// A cheat where it is tried.
pub(crate) struct Attempt {
	/// What the provider locks.
	pub(crate) lock: f64,
	saves: f64,
	world: World,
}

impl Attempt {
	/// `None` if the chain does not let it try.
	pub(crate) fn new(cheat: &Cheat, setting: &Setting) -> Option<Self> {
		let &Setting { tier, asked, units, operators, colluding, own_slots } = setting;
		let plan = |tier| Plan::new(tier, units, operators - 1);
		let asked = u32::from(asked);
		let plans = [(plan(tier), asked), (plan(Tier::Light), 1000 - asked)];
		let lock = locked(cheat.shape, &plans)?;
		let world = World {
			operators: operators - 1,
			colluding,
			seats: 1,
			absent: 0,
			tier,
			asked,
			units,
			bad: cheat.bad,
			plot: Plot::Accept,
			own_slots,
		};
		Some(Self { lock, saves: cheat.saves, world })
	}

	/// How it ends once, and what it has earned then.
	pub(crate) fn once(&self, random: &mut SmallRng) -> (Verdict, f64) {
		let verdict = self.world.case(random).verdict;
		let earned = match verdict {
			Verdict::Valid => self.saves,
			Verdict::Fraud => -(1.0 - self.saves) - self.lock,
			Verdict::Inconclusive => -(1.0 - self.saves),
		};
		(verdict, earned)
	}
}

/// What was earned, many times.
#[derive(Default)]
pub(crate) struct Earned {
	times: u32,
	sum: f64,
	squares: f64,
}

impl Earned {
	pub(crate) fn add(&mut self, earned: f64) {
		self.times += 1;
		self.sum += earned;
		self.squares += earned * earned;
	}

	/// The mean, and half of the interval in which it is with a probability of 95 %.
	pub(crate) fn mean(&self) -> (f64, f64) {
		let times = f64::from(self.times);
		let mean = self.sum / times;
		let variance = (self.squares / times - mean * mean).max(0.0);
		(mean, 1.96 * (variance / times).sqrt())
	}
}

/// What a cheat earns on average; `None` if the chain does not let it try.
pub fn outcome(cheat: &Cheat, setting: &Setting, cases: u32) -> Option<Outcome> {
	let attempt = Attempt::new(cheat, setting)?;
	let mut random = SmallRng::seed_from_u64(u64::from(cheat.bad));
	let (mut accepted, mut convicted, mut all) = (0u32, 0u32, Earned::default());
	for _ in 0..cases {
		let (verdict, earned) = attempt.once(&mut random);
		accepted += u32::from(verdict == Verdict::Valid);
		convicted += u32::from(verdict == Verdict::Fraud);
		all.add(earned);
	}
	let (profit, within) = all.mean();
	let of = |count: u32| f64::from(count) / f64::from(cases);
	Some(Outcome {
		lock: attempt.lock,
		accepted: of(accepted),
		convicted: of(convicted),
		profit,
		within,
	})
}

/// What a verifier gets for a unit, of so many.
fn unit_fee(units: u32) -> f64 {
	f64::from(Charges::DEFAULT.attestation.get()) / 1e3 / f64::from(units)
}

/// What those who frame honest providers earn with a task of so many units on average: the finder's share of a lock, less what
/// whoever challenges wrongly pays. Nobody else of them is counted, though judges in a minority pay as well.
///
/// # Panics
///
/// When the chain would not take such a task.
pub fn framing(seen: &Sum, tier: Tier, units: u32) -> f64 {
	let locked = locked(Shape::Parallel, &[(Plan::new(tier, units, 99), 1000)])
		.expect("the chain takes such tasks");
	let share = f64::from(Charges::DEFAULT.finder.get()) / 1e6;
	let wrong = f64::from(PanelRules::PRODUCTION.wrong_challenge.get()) * unit_fee(units);
	let each = |count: u64| count as f64 / seen.all.max(1) as f64;
	each(seen.fraud) * share * locked - each(seen.lost) * wrong
}

/// What a member earns that commits to a guess, with a task of so many units: it cannot open it, like one that is away.
pub fn guessing(tier: Tier, units: u32) -> f64 {
	let own = f64::from(tier.units_per_member(units));
	-own * f64::from(PanelRules::PRODUCTION.no_show.get()) * unit_fee(units)
}

#[cfg(test)]
mod tests {
	use ogpu_primitives::market::{trust::LEAST_ASKED, verification::OWN_SLOTS};

	use super::*;

	/// Every cheat is a loss, with nobody colluding and with as many as is stated, where the chain lets it try; if it does
	/// not, it must be one that `may_be_refused`.
	fn no_cheat_pays(
		settings: impl IntoIterator<Item = Setting>,
		cases: u32,
		may_be_refused: impl Fn(&Cheat, &Setting) -> bool,
	) {
		for setting in settings {
			for cheat in cheats(setting.units) {
				for colluding in [0, 19] {
					let setting = Setting { colluding, ..setting };
					match outcome(&cheat, &setting, cases) {
						Some(outcome) => assert!(
							outcome.profit < 0.0,
							"{} in {setting:?}: {outcome:?}",
							cheat.name
						),
						None => {
							assert!(may_be_refused(&cheat, &setting), "{cheat:?} in {setting:?}")
						}
					}
				}
			}
		}
	}

	/// Providers that are not trusted.
	fn usual() -> [Setting; 3] {
		[(Tier::Standard, 20), (Tier::Standard, 100), (Tier::High, 100)]
			.map(|(tier, units)| Setting::usual(tier, units))
	}

	#[test]
	fn farming_trust_does_not_pay() {
		// With blocks of its own that decide units, members and the tier, and without.
		let trusted = WHERE_TRUSTED
			.into_iter()
			.flat_map(|of| [0, OWN_SLOTS].map(|own_slots| (of, own_slots)))
			.map(|((tier, units), own_slots)| Setting {
				asked: LEAST_ASKED,
				own_slots,
				..Setting::usual(tier, units)
			});
		// Where one checkpoint can save all of it, nobody is trusted.
		no_cheat_pays(trusted, 20_000, |cheat, _| cheat.shape == Shape::Iterative);
	}

	#[test]
	fn framing_does_not_pay() {
		use crate::report::{Effort, many, usual};
		for tier in [Tier::Standard, Tier::High] {
			for colluding in [1, 10, 20] {
				let world = World { colluding, plot: Plot::Frame, ..usual(tier) };
				let seen = many(&world, Effort { cases: 2_000, rare: 0, seed: 3 });
				assert!(framing(&seen, tier, world.units) < 0.0, "{tier:?}, {colluding}: {seen:?}");
			}
		}
	}

	#[test]
	fn no_cheat_pays_up_to_the_stated_share_of_colluders() {
		no_cheat_pays(usual(), 2_000, |_, _| false);
	}

	/// Where the last blocks are its own, as many as locks allow for, and nobody knows that.
	#[test]
	fn no_cheat_pays_for_who_has_the_last_slots() {
		no_cheat_pays(
			usual().map(|setting| Setting { own_slots: OWN_SLOTS, ..setting }),
			20_000,
			|_, _| false,
		);
	}
}
