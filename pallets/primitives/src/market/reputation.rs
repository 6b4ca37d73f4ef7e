//! What the chain has seen of a provider, in figures that fade.
//!
//! Each component is a weighted mean of what was seen, in which an older event counts [`DECAY`] times
//! what the next one does:
//!
//! ```text
//! good' = λ · good + w · x        all' = λ · all + w        component = (good + P / 2) / (all + P)
//! ```
//!
//! with `x` from 0 to 1, and `w` the protocol fee that the task burnt, so that work for oneself costs what
//! it gains. The prior `P` has everybody begin in the middle.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{Balance, MICRO, MILLI};

/// λ, in thousandths.
pub const DECAY: u128 = 980;

/// P: what must be burnt before what was seen weighs as much as what is assumed.
pub const PRIOR: Balance = 10 * MILLI;

/// The weight of what burns nothing, such as a heartbeat.
pub const TOKEN_WEIGHT: Balance = MICRO;

/// One component.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Component {
	/// Weight of what was good.
	pub good: Balance,
	/// Weight of everything.
	pub all: Balance,
}

impl Component {
	/// Takes in an event of this weight, good to so many thousandths.
	pub fn see(&mut self, weight: Balance, thousandths: u16) {
		let fade = |sum: Balance| sum / 1000 * DECAY + sum % 1000 * DECAY / 1000;
		let good = weight / 1000 * u128::from(thousandths.min(1000));
		self.good = fade(self.good).saturating_add(good);
		self.all = fade(self.all).saturating_add(weight).max(self.good);
	}

	/// Its value, in thousandths.
	pub fn thousandths(&self) -> u16 {
		let good = self.good.saturating_add(PRIOR / 2);
		let all = self.all.saturating_add(PRIOR);
		// Scaled down first: 2^128 / 1000 is more than anybody burns, but not more than the type holds.
		(good / 1024 * 1000 / (all / 1024).max(1)).min(1000) as u16
	}
}

/// What is seen.
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
pub enum Aspect {
	/// Whether results were right.
	#[codec(index = 0)]
	Verdicts,
	/// Whether deadlines were kept.
	#[codec(index = 1)]
	Timeliness,
	/// Whether it was there each session.
	#[codec(index = 2)]
	Uptime,
	/// Whether it was right when it disputed, or judged.
	#[codec(index = 3)]
	Disputes,
}

/// A provider's reputation.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Reputation {
	/// Whether results were right; half of the whole.
	pub verdicts: Component,
	/// Whether deadlines were kept; a fifth.
	pub timeliness: Component,
	/// Whether it was there each session; a fifth.
	pub uptime: Component,
	/// Whether it was right when it disputed, or judged; a tenth.
	pub disputes: Component,
}

impl Reputation {
	/// Takes in an event.
	pub fn see(&mut self, aspect: Aspect, weight: Balance, thousandths: u16) {
		let component = match aspect {
			Aspect::Verdicts => &mut self.verdicts,
			Aspect::Timeliness => &mut self.timeliness,
			Aspect::Uptime => &mut self.uptime,
			Aspect::Disputes => &mut self.disputes,
		};
		component.see(weight.max(TOKEN_WEIGHT), thousandths);
	}

	/// The whole, in thousandths.
	pub fn thousandths(&self) -> u16 {
		let parts =
			[(&self.verdicts, 5), (&self.timeliness, 2), (&self.uptime, 2), (&self.disputes, 1)];
		let sum: u32 =
			parts.iter().map(|(part, weight)| u32::from(part.thousandths()) * weight).sum();
		(sum / 10) as u16
	}
}

#[cfg(test)]
mod tests {
	use proptest::prelude::*;

	use super::*;
	use crate::{CAP, OGPU};

	#[test]
	fn newcomers_stand_in_the_middle() {
		assert_eq!(Reputation::default().thousandths(), 500);
	}

	#[test]
	fn what_burns_nothing_moves_little() {
		let mut idle = Reputation::default();
		for _ in 0..10_000 {
			idle.see(Aspect::Uptime, 0, 1000);
		}
		// λ bounds the sum at 50 weights: 50 micro against a prior of 10 milli.
		assert!((500..=501).contains(&idle.thousandths()), "{}", idle.thousandths());
	}

	#[test]
	fn one_fraud_outweighs_small_successes() {
		let mut provider = Reputation::default();
		for _ in 0..10 {
			provider.see(Aspect::Verdicts, MILLI, 1000);
		}
		let trusted = provider.verdicts.thousandths();
		provider.see(Aspect::Verdicts, OGPU, 0);
		assert!(trusted > 700 && provider.verdicts.thousandths() < 30);
	}

	proptest! {
		#[test]
		fn it_stays_between_none_and_all(events in prop::collection::vec((0..=CAP, 0u16..=1000), 0..200)) {
			let mut component = Component::default();
			for (weight, good) in events {
				component.see(weight, good);
				prop_assert!(component.good <= component.all && component.thousandths() <= 1000);
			}
		}

		#[test]
		fn better_is_better(before in prop::collection::vec((0..OGPU, 0u16..=1000), 0..20), weight in MILLI..OGPU, a in 0u16..=1000, b in 0u16..=1000) {
			let mut one = Component::default();
			for (weight, good) in before {
				one.see(weight, good);
			}
			let mut two = one;
			one.see(weight, a.min(b));
			two.see(weight, a.max(b));
			prop_assert!(one.thousandths() <= two.thousandths());
		}
	}
}
