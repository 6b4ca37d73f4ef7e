//! Attacks, a test each.

use frame_support::assert_noop;
use ogpu_traits::Duties;
use pallet_tasks::{Convictions, Ending};

use crate::{Done, Due, Error, mock::*, vrf::BLOCKS};

fn bonded(who: AccountId) -> u128 {
	pallet_trust_lock::Ledgers::<Test>::get(who).bonded()
}

#[test]
fn copying_anothers_answer() {
	market(12, || {
		compute(assigned(spec()));
		for _ in 0..=BLOCKS {
			silent_block();
		}
		// One member commits to the very hash that another has committed to.
		let drawn: Vec<_> = (2..=12)
			.flat_map(|who| Attestations::due(&who, 10).into_iter().map(move |due| (who, due)))
			.collect();
		let (honest, due) = drawn[0].clone();
		let done = answer(honest, due).expect("it commits");
		let Done::Commit { case, panel, draw, commitment } = done.clone() else { unreachable!() };
		let (copier, _) = drawn
			.iter()
			.find(|(who, due)| {
				*who != honest && matches!(due, Due::Commit { panel: of, .. } if *of == panel)
			})
			.expect("there are five");
		act(honest, done).expect("it may");
		act(*copier, Done::Commit { case, panel, draw, commitment }).expect("it may");
		play();
		until(|| Attestations::due(copier, 10).iter().any(|due| matches!(due, Due::Reveal { .. })));
		// What it copied is bound to somebody else: it cannot be opened by the copier.
		for salt in [[honest as u8; 32], [*copier as u8; 32]] {
			let reveal = Done::Reveal { case, panel, salt, leaves: None };
			assert_noop!(act(*copier, reveal), Error::<Test>::WrongOpening);
		}
		let before = bonded(*copier);
		behave(*copier, Behaviour::Absent);
		until(|| ended(case.task).is_some());
		assert!(bonded(*copier) < before);
	});
}

#[test]
fn no_show_to_stall_a_round() {
	market(30, || {
		// A fifth of the seats never says anything.
		for who in 2..=7 {
			behave(who, Behaviour::Absent);
		}
		for _ in 0..10 {
			let task = assigned(spec());
			compute(task);
			until(|| ended(task).is_some());
			assert_eq!(ended(task), Some(Ending::Completed));
		}
		assert!((2..=7).map(|who| BOND - bonded(who)).sum::<u128>() > 0);
	});
}

#[test]
fn framing_an_honest_provider_by_two_colluding_verifiers() {
	market(40, || {
		behave(2, Behaviour::Framing);
		behave(3, Behaviour::Framing);
		for _ in 0..20 {
			let task = assigned(spec());
			compute(task);
			until(|| ended(task).is_some());
			assert_eq!(ended(task), Some(Ending::Completed));
		}
		assert_eq!(bonded(EXECUTOR), BOND);
	});
}

#[test]
fn replay_on_another_task() {
	market(7, || {
		let tasks = [assigned(spec()), assigned(spec())];
		let ids = tasks.map(compute);
		for _ in 0..=BLOCKS {
			silent_block();
		}
		// Somebody who sits in the first panel of both.
		let sits = |who: &AccountId| {
			ids.iter().all(|id| {
				Attestations::panel_of(*id, 0)
					.is_some_and(|(panel, _)| panel.place_of(who).is_some())
			})
		};
		let both = (2..=7).find(sits).expect("of six, five are drawn twice");
		// It sends to the second what it has said in the first, salt and all.
		let said = |id: ogpu_traits::PartOfTask| {
			let due = Attestations::due(&both, 10);
			due.into_iter()
				.find(|due| matches!(due, Due::Commit { case, panel: 0, .. } if *case == id))
		};
		let Some(Done::Commit { commitment, .. }) = answer(both, said(ids[0]).expect("it is due"))
		else {
			panic!("it commits");
		};
		let (second, _) = Attestations::panel_of(ids[1], 0).expect("it is drawn");
		let draw = crate::draw_of(&second.seed);
		act(both, Done::Commit { case: ids[1], panel: 0, draw, commitment })
			.expect("nobody can tell yet");
		behave(both, Behaviour::Secretive);
		let before = bonded(both);
		until(|| {
			Attestations::panel_of(ids[1], 0)
				.is_some_and(|(panel, _)| matches!(panel.stage, crate::Stage::Revealing { .. }))
		});
		let reveal = Done::Reveal { case: ids[1], panel: 0, salt: [both as u8; 32], leaves: None };
		assert_noop!(act(both, reveal), Error::<Test>::WrongOpening);
		until(|| ended(ids[1].task).is_some());
		assert!(bonded(both) < before);
	});
}

#[test]
fn many_identities_for_one_operator() {
	market(40, || {
		// Twenty accounts of one operator have a seat each, and all of them collude.
		let group = pallet_providers::Providers::<Test>::get(2).expect("a provider").group;
		for who in 3..=21 {
			frame_support::assert_ok!(Providers::merge(RuntimeOrigin::root(), who, group));
		}
		session(3, 40);
		for who in 2..=21 {
			behave(who, Behaviour::Colluding);
		}
		Bad::set((0..100).collect());
		let task = assigned(spec());
		compute(task);
		until(|| Convictions::<Test>::contains_key((task, 0)) || ended(task).is_some());
		assert!(Convictions::<Test>::contains_key((task, 0)));
	});
}

#[test]
fn a_fifth_of_the_seats_colludes() {
	// Results that are false throughout are convicted, however the panels fall out.
	for first in 2..12 {
		market(40, || {
			for who in first..first + 8 {
				behave(who, Behaviour::Colluding);
			}
			Bad::set((0..100).collect());
			let task = assigned(spec());
			compute(task);
			until(|| Convictions::<Test>::contains_key((task, 0)) || ended(task).is_some());
			assert!(Convictions::<Test>::contains_key((task, 0)), "{:?}", ended(task));
		});
	}
}

#[test]
fn one_false_unit_among_many_is_found_as_often_as_the_quote_says() {
	// High tier, C = 100: seven units each, three rounds of five honest members; D(1) is 1 − (1 − 0.07)^15.
	let mut found = 0;
	let tries = 60;
	for unit in 0..tries {
		market(40, || {
			Bad::set(vec![unit]);
			let task = assigned(ogpu_primitives::market::spec::TaskSpec {
				tier: ogpu_primitives::market::verification::Tier::High,
				..spec()
			});
			compute(task);
			until(|| Convictions::<Test>::contains_key((task, 0)) || ended(task).is_some());
			found += u32::from(Convictions::<Test>::contains_key((task, 0)));
		});
	}
	// 0.66 at least, since no two members of a panel get the same unit; four standard deviations below.
	assert!(found * 100 >= tries * 42, "{found} of {tries}");
}
