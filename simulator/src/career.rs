//! What a provider earns that delivers right results first, so that it is trusted, and false ones from then on until it is
//! convicted.
//!
//! Right results earn nothing here: they cost what they are paid for. Whatever else such a provider does between
//! false ones, it earns by these alone, each under the lock and the draws for the trust that it has then. So if a false
//! result is a loss on average however much its provider is trusted, no order of right and false ones pays.

use std::collections::{BTreeMap, btree_map::Entry};

use ogpu_primitives::{
	Balance,
	market::trust::{LEAST_CLIENTS, Trusted},
};
use rand::{SeedableRng, rngs::SmallRng};

use crate::{
	profit::{Attempt, Cheat, Earned, Setting},
	protocol::Verdict,
};

/// The most false results of one that is never convicted.
const LONGEST: u32 = 10_000;

/// What many careers came to.
#[derive(Clone, Copy, Debug)]
pub struct Career {
	/// What is locked for the first false result.
	pub lock: f64,
	/// False results that were accepted, on average.
	pub accepted: f64,
	/// What all of it has earned on average, beyond an honest provider.
	pub profit: f64,
	/// Half of the interval in which that is with a probability of 95 %.
	pub within: f64,
}

/// How often of a thousand times the tier that the client wants is drawn after so many right results in a row, for a provider
/// that has burnt as much as it may need.
fn asked_after(streak: u32) -> u16 {
	let trusted = Trusted { streak, burnt: Balance::MAX, open: 0 };
	trusted.asked(LEAST_CLIENTS, 0, 1).unwrap_or(1000)
}

/// A false result after so many right ones. Where the chain would not let it try on trust, it is not trusted.
fn attempt_after(streak: u32, cheat: &Cheat, setting: &Setting) -> Option<Attempt> {
	let with = |asked| Attempt::new(cheat, &Setting { asked, ..*setting });
	with(asked_after(streak)).or_else(|| with(1000))
}

/// Careers of providers that deliver so many right results first; `setting.asked` is what they have earned each time. `None`
/// if the chain does not let them try.
pub fn careers(cheat: &Cheat, setting: &Setting, right: u32, many: u32) -> Option<Career> {
	let lock = attempt_after(right, cheat, setting)?.lock;
	// By how often the tier is drawn: from some streak on nothing changes.
	let mut attempts = BTreeMap::new();
	let mut random = SmallRng::seed_from_u64(u64::from(right) << 32 | u64::from(cheat.bad));
	let (mut accepted, mut all) = (0u32, Earned::default());
	for _ in 0..many {
		let (mut streak, mut earned_by_all) = (right, 0.0);
		for _ in 0..LONGEST {
			let attempt = match attempts.entry(asked_after(streak)) {
				Entry::Occupied(known) => known.into_mut(),
				Entry::Vacant(new) => new.insert(attempt_after(streak, cheat, setting)?),
			};
			let (verdict, earned) = attempt.once(&mut random);
			earned_by_all += earned;
			match verdict {
				Verdict::Valid => {
					accepted += 1;
					streak += 1;
				}
				Verdict::Inconclusive => streak = 0,
				Verdict::Fraud => break,
			}
		}
		all.add(earned_by_all);
	}
	let (profit, within) = all.mean();
	Some(Career { lock, accepted: f64::from(accepted) / f64::from(many), profit, within })
}

#[cfg(test)]
mod tests {
	use ogpu_primitives::market::{
		trust::{LEAST_ASKED, LEAST_STREAK},
		verification::OWN_SLOTS,
	};

	use super::*;
	use crate::profit::{WHERE_TRUSTED, cheats};

	#[test]
	fn trust_grows_with_the_streak() {
		assert_eq!([0, LEAST_STREAK, 20].map(asked_after), [1000, 1000, 500]);
		assert_eq!([200, u32::MAX].map(asked_after), [LEAST_ASKED; 2]);
	}

	/// Also for somebody that always has the last slots.
	#[test]
	fn no_career_pays_however_long_it_is_honest() {
		for (tier, units) in WHERE_TRUSTED {
			for cheat in cheats(units) {
				for (right, own_slots) in [(0, 0), (11, 0), (50, OWN_SLOTS), (200, OWN_SLOTS)] {
					let setting =
						Setting { colluding: 19, own_slots, ..Setting::usual(tier, units) };
					let career = careers(&cheat, &setting, right, 1_000).expect("it may try");
					assert!(
						career.profit < 0.0,
						"{} after {right} right ones in {setting:?}: {career:?}",
						cheat.name
					);
				}
			}
		}
	}
}
