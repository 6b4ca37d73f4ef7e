//! The numbers of the market that governance tunes, each within bounds.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::{
	price::PriceRule,
	quote::{ADJUDICATORS, Terms},
	tally::{FIRST_PANEL, SECOND_PANEL},
};
use crate::{
	Balance, MICRO, MILLI, OGPU,
	ranged::{Ranged32, Ranged128},
};

/// Market blocks of a day, at three seconds a block.
const DAY: u32 = 28_800;

/// What is on hold as long as a provider is registered, unless governance has decided otherwise.
pub const REGISTRATION: Balance = OGPU;

/// How long everything may take, in market blocks.
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
pub struct Windows {
	/// In which bids are sealed.
	pub commit: Ranged32<2, DAY>,
	/// In which they are opened.
	pub reveal: Ranged32<2, DAY>,
	/// In which the winner says that it has the inputs.
	pub acknowledge: Ranged32<2, DAY>,
	/// In which verification must come to an end.
	pub verification: Ranged32<{ DAY / 48 }, { 30 * DAY }>,
	/// After a verdict: for challenges, appeals and delivery.
	pub delivery: Ranged32<10, { 30 * DAY }>,
	/// In which demanded data must be posted.
	pub demand: Ranged32<10, DAY>,
	/// From one bell, at which trials begin, to the next.
	pub bell: Ranged32<20, DAY>,
	/// For which a rating counts from its proof on.
	pub rating: Ranged32<100, { 365 * DAY }>,
	/// For which the record of a task that has ended is kept.
	pub retention: Ranged32<10, { 365 * DAY }>,
}

impl Windows {
	/// Ten minutes for bids and openings, an hour for delivery, thirty days of record and for ratings.
	pub const PRODUCTION: Self = Self {
		commit: Ranged32::new(200),
		reveal: Ranged32::new(100),
		acknowledge: Ranged32::new(200),
		verification: Ranged32::new(2 * DAY),
		delivery: Ranged32::new(1_200),
		demand: Ranged32::new(40),
		bell: Ranged32::new(600),
		rating: Ranged32::new(30 * DAY),
		retention: Ranged32::new(30 * DAY),
	};

	/// For local networks: a task can end within a few minutes.
	pub const FAST: Self = Self {
		commit: Ranged32::new(10),
		reveal: Ranged32::new(4),
		acknowledge: Ranged32::new(20),
		verification: Ranged32::new(600),
		delivery: Ranged32::new(10),
		demand: Ranged32::new(10),
		bell: Ranged32::new(20),
		rating: Ranged32::new(1_000),
		retention: Ranged32::new(1_000),
	};
}

/// Who pays what. Shares are in parts per million.
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
pub struct Charges {
	/// The least price of a task.
	pub least_price: Ranged128<MICRO, OGPU>,
	/// What a verifier gets for recomputing a unit, in thousandths of the unit's base price.
	pub attestation: Ranged32<100, 5_000>,
	/// What a verifier gets for a unit at least.
	pub least_unit_fee: Ranged128<MICRO, OGPU>,
	/// The protocol fee, of what the provider is paid.
	pub protocol_fee: Ranged32<0, 200_000>,
	/// The part of the protocol fee that is burnt; the treasury gets the rest.
	pub burnt: Ranged32<0, 1_000_000>,
	/// What a provider gets for finding that a job is inadmissible.
	pub gate_fee: Ranged128<0, OGPU>,
	/// What bids lock until they are opened, of the reserve.
	pub bid_bond: Ranged32<1_000, 200_000>,
	/// What a client pays the provider for cancelling work under way, of the price that is left.
	pub cancellation: Ranged32<0, 500_000>,
	/// What a provider pays for missing a deadline, of what is left of the reserve: whatever it has asked for.
	pub default: Ranged32<10_000, 1_000_000>,
	/// What is paid only on delivery, of the price.
	pub held_back: Ranged32<0, 500_000>,
	/// What a racer with the right result is paid that did not win, of the prize.
	pub runner_up: Ranged32<0, 500_000>,
	/// Prices above this are paid at the end of the delivery window.
	pub large_payment: Ranged128<OGPU, { 1_000_000 * OGPU }>,
	/// The finder's share of a slash.
	pub finder: Ranged32<0, 500_000>,
	/// What whoever demands data puts up, for whoever posts it.
	pub demand: Ranged128<MILLI, { 10 * OGPU }>,
	/// What a provider loses whose trial is false.
	pub trial: Ranged128<MILLI, { 10_000 * OGPU }>,
	/// Rewards below this are little: fewer blocks draw who verifies what they are paid for, unless one unit may be
	/// worth all of it.
	pub small_reward: Ranged128<0, { 100 * OGPU }>,
}

impl Charges {
	/// What is charged unless governance says otherwise.
	pub const DEFAULT: Self = Self {
		least_price: Ranged128::new(MILLI),
		attestation: Ranged32::new(1_200),
		least_unit_fee: Ranged128::new(100 * MICRO),
		protocol_fee: Ranged32::new(20_000),
		burnt: Ranged32::new(500_000),
		gate_fee: Ranged128::new(5 * MILLI),
		bid_bond: Ranged32::new(20_000),
		cancellation: Ranged32::new(100_000),
		default: Ranged32::new(100_000),
		held_back: Ranged32::new(100_000),
		runner_up: Ranged32::new(250_000),
		large_payment: Ranged128::new(1_000 * OGPU),
		finder: Ranged32::new(100_000),
		demand: Ranged128::new(50 * MILLI),
		trial: Ranged128::new(10 * OGPU),
		small_reward: Ranged128::new(100 * MILLI),
	};
}

/// What the market protects itself against.
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
pub struct Security {
	/// How often a task is given to a provider.
	pub max_attempts: Ranged32<1, 8>,
	/// Operators that must be eligible to verify; fewer count as none.
	pub least_operators: Ranged32<1, 100>,
	/// The share of colluding seats that locks allow for, in thousandths.
	pub colluding: Ranged32<0, 500>,
	/// The margin of locks, in hundredths.
	pub safety: Ranged32<100, 1_000>,
	/// What a provider may have under way on trust, in multiples of what its right tasks have burnt in fees.
	pub leverage: Ranged32<0, 1_000>,
}

impl Security {
	/// For networks of strangers.
	pub const PRODUCTION: Self = Self {
		max_attempts: Ranged32::new(4),
		least_operators: Ranged32::new(7),
		colluding: Ranged32::new(200),
		safety: Ranged32::new(150),
		leverage: Ranged32::new(20),
	};

	/// For networks of a few nodes: two can verify a third.
	pub const FAST: Self = Self { least_operators: Ranged32::new(3), ..Self::PRODUCTION };
}

/// How panels work. Times are in market blocks; amounts are multiples of what a verifier gets for a unit.
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
pub struct PanelRules {
	/// In which members commit, besides the time that computing takes.
	pub commit: Ranged32<4, DAY>,
	/// In which the provider opens what was drawn; it is at fault then.
	pub open: Ranged32<10, DAY>,
	/// In which members reveal.
	pub reveal: Ranged32<4, DAY>,
	/// Members without whom nothing is decided.
	pub least: Ranged32<1, 15>,
	/// What whoever challenges rightly computed units loses. It pays the judges.
	pub wrong_challenge: Ranged32<{ FIRST_PANEL + SECOND_PANEL }, 1_000>,
	/// What a member that says nothing loses, for each unit that it should have computed.
	pub no_show: Ranged32<0, 100>,
	/// What a judge loses whom the others contradict.
	pub minority: Ranged32<0, 1_000>,
	/// What a member loses that affirmed a unit which is found false.
	pub affirmed: Ranged32<0, 10_000>,
}

impl PanelRules {
	/// For networks of strangers.
	pub const PRODUCTION: Self = Self {
		commit: Ranged32::new(10),
		open: Ranged32::new(12),
		reveal: Ranged32::new(6),
		least: Ranged32::new(3),
		wrong_challenge: Ranged32::new(54),
		no_show: Ranged32::new(1),
		minority: Ranged32::new(4),
		affirmed: Ranged32::new(100),
	};

	/// For networks of a few nodes.
	pub const FAST: Self = Self { least: Ranged32::new(2), ..Self::PRODUCTION };

	/// What whoever challenges wrongly loses where a unit is verified for this fee: at least what all judges cost.
	pub fn price_of_wrong_challenge(&self, unit_fee: Balance) -> Balance {
		let fees = self.wrong_challenge.get().max(ADJUDICATORS);
		unit_fee.saturating_mul(fees.into())
	}
}

/// What work means to those who secure the chain, beyond its price. Shares are in parts per million.
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
pub struct MeritRules {
	/// What a provider is credited of the emission for verified work, of what the task burnt in fees. Never all of it:
	/// trading with oneself has to cost something.
	pub credited: Ranged32<0, 900_000>,
	/// Operators that could verify a task; with fewer nothing is credited for it.
	pub operators: Ranged32<3, 1_000>,
	/// The fees for verifying that are worth a point.
	pub per_point: Ranged128<{ 10 * MICRO }, { 1_000 * OGPU }>,
	/// The most points for verifying that a validator earns in an era, of those for its blocks.
	pub points: Ranged32<0, 100_000>,
	/// What a validator loses of its stake when the provider that it is linked to is convicted.
	pub stake: Ranged32<0, 100_000>,
	/// How many validators are reported for that in an era at most.
	pub reports: Ranged32<0, 10>,
}

impl MeritRules {
	/// For networks of strangers.
	pub const PRODUCTION: Self = Self {
		credited: Ranged32::new(500_000),
		operators: Ranged32::new(20),
		per_point: Ranged128::new(10 * MILLI),
		points: Ranged32::new(100_000),
		stake: Ranged32::new(10_000),
		reports: Ranged32::new(5),
	};

	/// For networks of a few nodes.
	pub const FAST: Self = Self { operators: Ranged32::new(3), ..Self::PRODUCTION };
}

/// How the base price of a device tier begins, and moves.
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
pub struct TierPrice {
	/// The price of a compute unit at the beginning.
	pub first: Ranged128<1, OGPU>,
	/// The lowest.
	pub least: Ranged128<1, OGPU>,
	/// The highest.
	pub most: Ranged128<1, { 1_000 * OGPU }>,
	/// The share of capacity that should be busy, in thousandths.
	pub target: Ranged32<50, 950>,
	/// The largest step in a block, in parts per million.
	pub step: Ranged32<0, 50_000>,
}

impl TierPrice {
	const fn of(first: Balance) -> Self {
		Self {
			first: Ranged128::new(first),
			least: Ranged128::new(first / 1_000),
			most: Ranged128::new(first * 1_000),
			target: Ranged32::new(700),
			step: Ranged32::new(100),
		}
	}

	/// Of the device tiers, lowest first. Dearer hardware costs more for the same work.
	pub const DEFAULT: [Self; 3] =
		[Self::of(MILLI), Self::of(MILLI * 5 / 4), Self::of(MILLI * 3 / 2)];

	/// The rule by which it moves.
	pub fn rule(&self) -> PriceRule {
		PriceRule {
			target: self.target.get() as u16,
			step: self.step.get(),
			least: self.least.get(),
			most: self.most.get(),
		}
	}
}

impl Terms {
	/// The terms at a base price.
	pub fn new(per_unit: Balance, charges: &Charges, security: &Security) -> Self {
		Self {
			per_unit,
			attestation: charges.attestation.get() as u16,
			least_unit_fee: charges.least_unit_fee.get(),
			protocol_fee: charges.protocol_fee.get(),
			gate_fee: charges.gate_fee.get(),
			max_attempts: security.max_attempts.get() as u8,
			least_operators: security.least_operators.get(),
			colluding: security.colluding.get() as u16,
			safety: security.safety.get() as u16,
			finder: charges.finder.get(),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// A value out of bounds does not decode, whichever it is.
	#[test]
	fn no_rule_can_be_set_past_its_bounds() {
		let mut encoded = Windows::PRODUCTION.encode();
		assert_eq!(Windows::decode(&mut &encoded[..]), Ok(Windows::PRODUCTION));
		encoded[..4].copy_from_slice(&1u32.encode());
		assert!(Windows::decode(&mut &encoded[..]).is_err());
		let mut encoded = Charges::DEFAULT.encode();
		assert_eq!(Charges::decode(&mut &encoded[..]), Ok(Charges::DEFAULT));
		encoded[..16].copy_from_slice(&0u128.encode());
		assert!(Charges::decode(&mut &encoded[..]).is_err());
	}
}
