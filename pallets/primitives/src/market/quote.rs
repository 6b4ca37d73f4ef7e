//! What a task costs at most, before anything is signed.
//!
//! | part | who gets it | how much |
//! | --- | --- | --- |
//! | price | provider | at most the reserve: the client's maximum, or the base price of the work |
//! | protocol fee | burnt, treasury | a share of what the provider is paid, on top |
//! | verification | panels | for each attempt `k · m · R` unit fees a part, 21 for a final panel, 36 for a dispute |
//! | client lock | adjudicators, provider | comes back, unless the job was at fault: 36 unit fees and a gate run |
//!
//! What is charged never exceeds price, fee and verification as quoted; what was not needed comes back.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::{
	price::{cost, share},
	spec::{FewOperators, TaskSpec},
	tally::{FIRST_PANEL, SECOND_PANEL},
	trust::LEAST_ASKED,
	verification::{Chance, Plan, Tier, detection, lock},
};
use crate::Balance;

/// Adjudicators of a dispute.
pub const ADJUDICATORS: u32 = FIRST_PANEL + SECOND_PANEL;

/// The terms on which tasks are taken.
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
pub struct Terms {
	/// The base price of a compute unit, of the task's device tier.
	pub per_unit: Balance,
	/// What a verifier gets for recomputing a unit, in thousandths of its base price.
	pub attestation: u16,
	/// What a verifier gets for a unit at least.
	pub least_unit_fee: Balance,
	/// The protocol fee, in parts per million of the price.
	pub protocol_fee: u32,
	/// What a provider gets for finding that a job is inadmissible.
	pub gate_fee: Balance,
	/// How often a task is given to a provider at most.
	pub max_attempts: u8,
	/// Operators that must be eligible; fewer count as none.
	pub least_operators: u32,
	/// The share of colluding seats that locks allow for, in thousandths.
	pub colluding: u16,
	/// The margin of locks, in hundredths.
	pub safety: u16,
	/// The finder's share of a slash, in parts per million.
	pub finder: u32,
}

/// What a task costs, and how well it is verified.
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
pub struct Quote {
	/// The most that is paid for the work.
	pub reserve: Balance,
	/// The most that is charged on top, as protocol fee.
	pub protocol_fee: Balance,
	/// The most that is paid for verification.
	pub verification: Balance,
	/// What a verifier gets for a unit.
	pub unit_fee: Balance,
	/// What the client locks besides, and gets back unless its job is at fault.
	pub client_lock: Balance,
	/// What the provider locks for all of the reserve.
	pub provider_lock: Balance,
	/// Members of a panel; 0 if the work is accepted unverified.
	pub members: u32,
	/// The probability that a result that is false throughout is found, in parts of a billion.
	pub detection_all: u32,
	/// The probability that one false unit of a part is found, in parts of a billion.
	pub detection_one: u32,
	/// The same as `detection_all`, with the most trusted provider. No less where the client trusts nobody.
	pub trusted_all: u32,
	/// The same as `detection_one`, with the most trusted provider.
	pub trusted_one: u32,
}

impl Quote {
	/// The most that is charged in all.
	pub fn most(&self) -> Balance {
		self.reserve.saturating_add(self.protocol_fee).saturating_add(self.verification)
	}
}

/// Why there is no quote.
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
pub enum NoQuote {
	/// Fewer operators than a panel needs could be drawn.
	TooFewOperators,
	/// At this tier, fraud could not be found well enough for any lock to deter it.
	CannotBeSecured,
}

impl Terms {
	/// What a verifier gets for recomputing a unit of a task.
	pub fn unit_fee(&self, spec: &TaskSpec) -> Balance {
		let price = cost(spec.unit_work(), self.per_unit);
		share(price, u32::from(self.attestation) * 1000).max(self.least_unit_fee)
	}

	/// What a client locks for a task: judges and a gate run, should its job be at fault.
	pub fn client_lock(&self, spec: &TaskSpec) -> Balance {
		self.unit_fee(spec).saturating_mul(ADJUDICATORS.into()).saturating_add(self.gate_fee)
	}

	/// How a part of a task is verified when there are so many operators; `None` if it is not. One of them
	/// computes it.
	pub fn plan(&self, spec: &TaskSpec, tier: Tier, part: u8, operators: u32) -> Option<Plan> {
		(operators >= self.least_operators)
			.then(|| Plan::new(tier, spec.units_of(part), operators.saturating_sub(1)))
	}

	/// The ways in which a part of a task may be verified, each with its weight, where the tier that was asked for is
	/// drawn so often of a thousand times; `None` if it is not verified.
	fn plans(
		&self,
		spec: &TaskSpec,
		part: u8,
		operators: u32,
		asked: Option<u16>,
	) -> Option<Vec<(Plan, u32)>> {
		let of_tier = |tier| self.plan(spec, tier, part, operators);
		let asked = asked.map_or(1000, u32::from);
		let mut plans = alloc::vec![(of_tier(spec.tier)?, asked)];
		if asked < 1000 {
			plans.push((of_tier(Tier::Light)?, 1000 - asked));
		}
		Some(plans)
	}

	/// What a provider must lock for all of a task at this price: enough to deter, and at least so much that
	/// the client can be made whole (price, fee and verification without disputes) and the finder paid.
	/// Whoever is trusted has the tier that was `asked` for drawn so often of a thousand times, and locks more.
	/// `None` when fraud could not be found well enough.
	pub fn provider_lock(
		&self,
		spec: &TaskSpec,
		price: Balance,
		operators: u32,
		asked: Option<u16>,
	) -> Option<Balance> {
		let units: u64 = (0..spec.parts)
			.filter_map(|part| self.plan(spec, spec.tier, part, operators))
			.map(|plan| {
				u64::from(plan.members * plan.clean_rounds) * u64::from(plan.units_per_member)
			})
			.sum();
		let value = price
			.saturating_add(share(price, self.protocol_fee))
			.saturating_add(self.unit_fee(spec).saturating_mul(units.into()));
		let whole = value.saturating_add(share(value, self.finder));
		// The last part has the fewest units, so the fewest draws.
		let parts = [0, spec.parts.saturating_sub(1)];
		let locks = parts.into_iter().map(|part| match self.plans(spec, part, operators, asked) {
			None => Some(whole),
			Some(plans) => lock(
				value,
				spec.shape,
				&plans,
				Chance::from_thousandths(self.colluding),
				self.safety,
			),
		});
		let locks = locks.collect::<Option<Vec<_>>>()?;
		locks.into_iter().max().map(|lock| lock.max(whole))
	}

	/// What a task costs.
	///
	/// # Errors
	///
	/// Why it cannot be had on these terms.
	pub fn quote(&self, spec: &TaskSpec, operators: u32) -> Result<Quote, NoQuote> {
		let plan = self.plan(spec, spec.tier, 0, operators);
		if plan.is_none() && spec.few_operators == FewOperators::Refuse {
			return Err(NoQuote::TooFewOperators);
		}
		let reserve = spec.max_price.unwrap_or_else(|| cost(spec.work, self.per_unit)).max(1);
		let unit_fee = self.unit_fee(spec);
		let colluding = Chance::from_thousandths(self.colluding);
		let chance = |bad, asked| {
			let plans = self.plans(spec, 0, operators, asked);
			plans.map_or(0, |plans| detection(&plans, bad, colluding).parts_per_billion())
		};
		let trusted = spec.may_be_trusted().then_some(LEAST_ASKED);
		let provider_lock =
			self.provider_lock(spec, reserve, operators, None).ok_or(NoQuote::CannotBeSecured)?;
		let fees = self.attempt_fees(spec, operators);
		let verification =
			unit_fee.saturating_mul(fees.into()).saturating_mul(self.max_attempts.into());
		Ok(Quote {
			reserve,
			protocol_fee: share(reserve, self.protocol_fee),
			verification,
			unit_fee,
			client_lock: self.client_lock(spec),
			provider_lock,
			members: plan.map_or(0, |plan| plan.members),
			detection_all: chance(spec.units_of(0), None),
			detection_one: chance(1, None),
			trusted_all: chance(spec.units_of(0), trusted),
			trusted_one: chance(1, trusted),
		})
	}

	/// Unit fees that one attempt may cost at most.
	fn attempt_fees(&self, spec: &TaskSpec, operators: u32) -> u64 {
		let rounds: u64 = (0..spec.parts)
			.filter_map(|part| self.plan(spec, spec.tier, part, operators))
			.map(|plan| u64::from(plan.members) * u64::from(plan.units_per_member))
			.map(|units| units * u64::from(spec.tier.max_rounds()))
			.sum();
		if rounds == 0 { 0 } else { rounds + u64::from(SECOND_PANEL + ADJUDICATORS) }
	}
}

#[cfg(test)]
mod tests {
	use proptest::prelude::*;

	use super::*;
	use crate::{CAP, MICRO, MILLI, OGPU, market::spec::tests::spec};

	const TERMS: Terms = Terms {
		per_unit: MILLI,
		attestation: 1100,
		least_unit_fee: MICRO,
		protocol_fee: 20_000,
		gate_fee: 10 * MILLI,
		max_attempts: 4,
		least_operators: 7,
		colluding: 200,
		safety: 150,
		finder: 100_000,
	};

	#[test]
	fn a_quote_is_the_table() {
		// 100 units of one compute unit each, at 1 milli-oGPU: k = 5, m = 2, R = 6.
		let quote = TERMS.quote(&spec(), 100).expect("a quote");
		let unit_fee = MILLI * 11 / 10;
		assert_eq!(quote.reserve, 100 * MILLI);
		assert_eq!(quote.protocol_fee, 2 * MILLI);
		assert_eq!(quote.unit_fee, unit_fee);
		assert_eq!(quote.verification, 4 * (5 * 2 * 6 + 21 + 36) * unit_fee);
		assert_eq!(quote.client_lock, 36 * unit_fee + 10 * MILLI);
		// Price, fee, 20 units of verification, and the finder's tenth of that.
		assert_eq!(quote.provider_lock, (102 * MILLI + 20 * unit_fee) * 11 / 10);
		assert_eq!(quote.members, 5);
		assert!(quote.detection_all > 999_999_000 && quote.detection_one < 150_000_000);
	}

	#[test]
	fn long_trainings_lock_more() {
		let training =
			TaskSpec { shape: crate::market::verification::Shape::Iterative, units: 768, ..spec() };
		let quote = TERMS.quote(&training, 100).expect("a quote");
		// 12 units of 768, by 5 members in 2 rounds.
		let value = 102 * MILLI + 120 * quote.unit_fee;
		let factor = quote.provider_lock / (value / 100);
		assert!((2931..=2933).contains(&factor), "{factor}");
	}

	#[test]
	fn few_operators_are_none() {
		assert_eq!(TERMS.quote(&spec(), 6), Err(NoQuote::TooFewOperators));
		let unverified = TaskSpec { few_operators: FewOperators::Unverified, ..spec() };
		let quote = TERMS.quote(&unverified, 6).expect("a quote");
		assert_eq!((quote.members, quote.verification, quote.detection_all), (0, 0, 0));
		assert_eq!(quote.provider_lock, 102 * MILLI * 11 / 10);
	}

	#[test]
	fn what_no_lock_deters_has_no_quote() {
		let all_collude = Terms { colluding: 1000, ..TERMS };
		assert_eq!(all_collude.quote(&spec(), 100), Err(NoQuote::CannotBeSecured));
	}

	proptest! {
		/// No sum of terms and specs overflows, and every part of a quote is at most a bound of its own.
		#[test]
		fn quotes_never_overflow(units in 20u32..=65_536, parts in 1u8..=64, work: u64, per_unit in 0..CAP, price in 1..CAP / 64) {
			let spec = TaskSpec { units, parts, work: work % super::super::spec::MAX_WORK, max_price: Some(price), ..spec() };
			let terms = Terms { per_unit, ..TERMS };
			if let Ok(quote) = terms.quote(&spec, 100) {
				prop_assert!(quote.reserve == price && quote.most() >= price);
				prop_assert!(quote.provider_lock >= price);
			}
		}
	}

	#[test]
	fn fees_are_exact() {
		assert_eq!(share(OGPU, TERMS.protocol_fee), OGPU / 50);
	}
}
