//! When whoever recomputes a segment is not given the state before it.

use ogpu_primitives::market::{spec::TaskSpec, verification::Shape};
use ogpu_traits::PartOfTask;
use pallet_tasks::{Convictions, Ending};

use crate::{Cases, Event, Ground, MAX_REFUSALS, Phase, mock::*};

fn training() -> TaskSpec {
	TaskSpec { shape: Shape::Iterative, ..spec() }
}

fn bonded(who: AccountId) -> u128 {
	pallet_trust_lock::Ledgers::<Test>::get(who).bonded()
}

fn nobody_else_lost_anything(providers: u64) {
	assert!((2..=providers).all(|who| bonded(who) == BOND), "an honest one has lost something");
}

/// Why the executor was convicted.
fn ground(task: u64) -> Option<Ground> {
	let case = Cases::<Test>::get((task, 0), 0)?;
	match case.phase {
		Phase::Decided(decided) => Some(decided.ground),
		_ => None,
	}
}

/// The members of the first two rounds, with their units, as soon as they are drawn.
fn drawn(task: u64) -> Vec<(AccountId, u32)> {
	let of = PartOfTask { task, attempt: 0, part: 0 };
	let panel = |number| Attestations::panel_of(of, number).filter(|(p, _)| !p.members.is_empty());
	for _ in 0..20 {
		if let (Some(first), Some(second)) = (panel(0), panel(1)) {
			let of_panel = |(panel, units): (crate::Panel<AccountId>, Vec<Vec<u32>>)| {
				let members = panel.members.into_iter().zip(units);
				members.flat_map(|(member, units)| units.into_iter().map(move |u| (member.who, u)))
			};
			return [first, second].into_iter().flat_map(of_panel).collect();
		}
		// They do not get to speak before the test knows who they are.
		silent_block();
	}
	panic!("nobody was drawn");
}

/// A member of the first rounds among so many providers, and a unit of it. The draw does not depend on the result.
fn somebody_drawn(providers: u64) -> (AccountId, u32) {
	let mut found = None;
	market(providers, || {
		let task = assigned(training());
		compute(task);
		found = drawn(task).into_iter().find(|(_, unit)| *unit > 0);
	});
	found.expect("the first segment is one of a hundred")
}

fn withhold(unit: u32, from: impl IntoIterator<Item = AccountId>) {
	let from = from.into_iter().collect();
	Withheld::mutate(|withheld| withheld.insert(unit, from));
}

#[test]
fn one_poisoned_checkpoint_is_not_hidden_by_withholding_the_state_before_it() {
	let (who, unit) = somebody_drawn(40);
	market(40, || {
		// Only that segment is false, and whoever drew it cannot recompute it.
		Bad::set(vec![unit]);
		withhold(unit, [who]);
		let task = assigned(training());
		let id = compute(task);
		until(|| Convictions::<Test>::contains_key((task, 0)));
		let conviction = Convictions::<Test>::get((task, 0)).expect("it is convicted");
		// Judges were given the state, and computed something else.
		assert_eq!((conviction.finder, ground(task)), (Some(who), Some(Ground::Computed)));
		assert_eq!(conviction.part, id);
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert!(bonded(EXECUTOR) < BOND);
		nobody_else_lost_anything(40);
	});
}

#[test]
fn whoever_gives_a_state_to_nobody_is_convicted() {
	let (_, unit) = somebody_drawn(40);
	market(40, || {
		withhold(unit, 2..=40);
		let task = assigned(training());
		compute(task);
		until(|| Convictions::<Test>::contains_key((task, 0)));
		assert_eq!(ground(task), Some(Ground::Withheld));
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert!(bonded(EXECUTOR) < BOND);
		nobody_else_lost_anything(40);
	});
}

#[test]
fn giving_a_state_to_some_judges_only_helps_nobody() {
	let (_, unit) = somebody_drawn(40);
	for given in [0, 4, 8, 11, 16, 20, 30, 38] {
		market(40, || {
			// From the lower ones it withholds the state; the others compute.
			Bad::set(vec![unit]);
			withhold(unit, 2..=40 - given);
			let task = assigned(training());
			compute(task);
			until(|| Convictions::<Test>::contains_key((task, 0)));
			until(|| !Convictions::<Test>::contains_key((task, 0)));
			assert!(bonded(EXECUTOR) < BOND, "{given}");
			nobody_else_lost_anything(40);
		});
	}
}

#[test]
fn whoever_says_so_wrongly_is_not_paid_and_nobody_is_slashed() {
	market(40, || {
		for who in 2..=5 {
			behave(who, Behaviour::Refusing);
		}
		let mut refused = 0;
		for _ in 0..6 {
			let task = assigned(training());
			compute(task);
			until(|| ended(task).is_some());
			assert_eq!(ended(task), Some(Ending::Completed));
			refused += System::events()
				.into_iter()
				.filter(|record| {
					let challenged = |challenger| (2..=5).contains(&challenger);
					matches!(record.event, RuntimeEvent::Attestations(Event::Challenged { challenger, .. }) if challenged(challenger))
				})
				.count();
			System::reset_events();
		}
		assert!(refused > 0, "one of them was drawn");
		assert_eq!(bonded(EXECUTOR), BOND);
		nobody_else_lost_anything(40);
	});
}

#[test]
fn the_first_to_say_so_are_judged_at_the_clients_expense() {
	market(60, || {
		// All members say so, which is more than a client pays for.
		for who in 2..=60 {
			behave(who, Behaviour::Refusing);
		}
		let task = assigned(training());
		compute(task);
		let drawn = drawn(task);
		// Judges have it.
		let members: Vec<AccountId> = drawn.iter().map(|(who, _)| *who).collect();
		Players::mutate(|players| players.retain(|who, _| members.contains(who)));
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Completed));
		let challenges = System::events().into_iter().filter(|record| {
			matches!(record.event, RuntimeEvent::Attestations(Event::Challenged { .. }))
		});
		assert_eq!(challenges.count(), usize::from(MAX_REFUSALS));
		assert_eq!(bonded(EXECUTOR), BOND);
		nobody_else_lost_anything(60);
	});
}

#[test]
fn who_affirmed_a_unit_that_was_withheld_later_does_not_answer_for_it() {
	let (who, unit) = somebody_drawn(60);
	market(60, || {
		let task = assigned(training());
		let id = compute(task);
		until(|| Cases::<Test>::get((task, 0), 0).is_some_and(|case| case.was_valid));
		// Somebody says that it is false, and now the provider gives the state to nobody.
		withhold(unit, 2..=60);
		let challenge = Attestations::challenge(RuntimeOrigin::signed(WATCHTOWER), id, unit);
		frame_support::assert_ok!(challenge);
		until(|| Convictions::<Test>::contains_key((task, 0)));
		assert_eq!(ground(task), Some(Ground::Withheld));
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert!(bonded(EXECUTOR) < BOND);
		assert_eq!(bonded(who), BOND);
		nobody_else_lost_anything(60);
	});
}

#[test]
fn what_starts_from_the_job_itself_cannot_be_withheld() {
	market(60, || {
		let task = assigned(training());
		compute(task);
		let case = Cases::<Test>::get((task, 0), 0).expect("it is verified");
		assert!(!case.is_handed(0) && case.is_handed(1) && !case.starts_over());
		// That of a part after the first is handed over by whoever has computed both, and by nobody else.
		let later = crate::Case { first_unit: 50, ..case.clone() };
		assert!(later.starts_over() && !later.is_handed(0));
		let same = crate::Case { before: Some([4; 32]), ..later };
		assert!(!same.starts_over() && same.is_handed(0));
		let parallel = crate::Case { shape: Shape::Parallel, ..same };
		assert!(!parallel.starts_over() && !parallel.is_handed(1));
	});
}
