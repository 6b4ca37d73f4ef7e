//! The protocol is as safe as its specification says, on a fixed seed.

use ogpu_primitives::market::{trust::LEAST_ASKED, verification::Tier};
use ogpu_simulator::{
	Frequency,
	closed::{at_least, colluding_run},
	protocol::{Plot, World},
	report::{Effort, lone_runs, many, usual},
};

const EFFORT: Effort = Effort { cases: 10_000, rare: 400_000, seed: 7 };

fn valid(world: &World) -> Frequency {
	many(world, EFFORT).accepted()
}

#[test]
fn false_roots_are_not_accepted() {
	for tier in [Tier::Standard, Tier::High] {
		let world = usual(tier);
		let accepted = valid(&World { bad: world.units, ..world });
		assert_eq!(accepted.hits, 0, "{tier:?}");
	}
	// At `full` there are but six members in two rounds: all of them must collude.
	let world = usual(Tier::Full);
	let accepted = valid(&World { bad: world.units, ..world });
	let all_collude = at_least(world.operators, world.colluding, 6, 6);
	assert!(accepted.allows(all_collude), "{accepted:?} {all_collude:e}");
}

#[test]
fn runs_of_colluders_are_as_frequent_as_computed() {
	for (tier, colluding) in [(Tier::Standard, 20), (Tier::High, 30)] {
		let seen = lone_runs(tier, colluding, Effort { cases: EFFORT.rare, ..EFFORT });
		assert!(
			seen.hits > 10 && seen.allows(colluding_run(tier, 100, colluding)),
			"{tier:?}: {seen:?}"
		);
	}
}

#[test]
fn the_fewer_hands_hold_seats_the_less_they_are_worth() {
	let accepted = |colluding, seats| {
		let world = World { operators: 80 + colluding, colluding, seats, ..usual(Tier::Standard) };
		valid(&World { bad: 10, ..world }).value()
	};
	// A fifth of the seats each time; of one operator's twenty, one is drawn at most.
	assert!(accepted(20, 1) > accepted(4, 5) && accepted(4, 5) > accepted(1, 20));
}

#[test]
fn absent_members_do_not_spoil_honest_work() {
	for tier in [Tier::Standard, Tier::High, Tier::Full] {
		let world = World { colluding: 0, absent: 10, ..usual(tier) };
		assert!(valid(&world).value() >= 0.99, "{tier:?}: {}", valid(&world).value());
	}
}

#[test]
fn the_simulation_agrees_with_what_can_be_computed() {
	// One false unit, nobody colludes, no dispute is ever lost: it is accepted if no member of two rounds meets it.
	// No two members of a round have the same unit, so a round misses it with 1 − 10/100.
	let world = World { bad: 1, colluding: 0, ..usual(Tier::Standard) };
	assert!(valid(&world).allows(0.9 * 0.9), "{:?}", valid(&world).interval());
	// Framers reach a verdict of fraud only as judges; with 45 % that is likely enough to be seen.
	let framed = World { plot: Plot::Frame, colluding: 45, ..usual(Tier::Standard) };
	assert!(many(&framed, EFFORT).convicted().value() > at_least(99, 45, 15, 10) / 2.0);
}

#[test]
fn verification_costs_what_it_may() {
	// Units recomputed for one that was computed.
	let cost = |tier, units| {
		let world = World { units, colluding: 0, ..usual(tier) };
		let sum = many(&world, Effort { cases: 100, rare: 0, seed: 1 });
		assert_eq!(sum.blocks, 12 * sum.all);
		sum.recomputed as f64 / sum.all as f64 / f64::from(units)
	};
	for units in [20, 64, 100, 640, 4096] {
		assert!(cost(Tier::Standard, units) <= 0.6, "{units} units");
	}
	// The most trusted providers.
	let asked = f64::from(LEAST_ASKED) / 1000.0;
	for tier in [Tier::Standard, Tier::High] {
		let least = tier.least_units_to_trust().expect("it may be drawn");
		for units in [least, 100, 640, 4096] {
			let lightly = cost(Tier::Light, units);
			let each = lightly + asked * (cost(tier, units) - lightly);
			assert!(each <= 0.1, "{tier:?}, {units} units: {each}");
		}
	}
}
