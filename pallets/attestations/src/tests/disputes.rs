//! When members and the provider do not agree.

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_primitives::market::spec::TaskSpec;
use ogpu_traits::PartOfTask;
use pallet_tasks::{Convictions, Ending, Status};

use crate::{Cases, Error, Phase, mock::*};

fn bonded(who: AccountId) -> u128 {
	pallet_trust_lock::Ledgers::<Test>::get(who).bonded()
}

#[test]
fn a_false_result_is_found_and_punished() {
	market(40, || {
		Bad::set((0..100).collect());
		let task = assigned(spec());
		let price = live(task).status.assignment().expect("somebody has it").price;
		compute(task);
		until(|| Convictions::<Test>::contains_key((task, 0)));
		let conviction = Convictions::<Test>::get((task, 0)).expect("it is convicted");
		assert_eq!((conviction.provider, conviction.client), (EXECUTOR, CLIENT));
		let finder = conviction.finder.expect("somebody found it");
		let (client, before) = (Balances::balance(&CLIENT), Balances::balance(&finder));
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert!(bonded(EXECUTOR) < BOND - price);
		assert!(Balances::balance(&finder) > before && Balances::balance(&CLIENT) > client);
		// Nobody else has lost anything.
		assert!((2..=40).all(|who| bonded(who) == BOND));
	});
}

#[test]
fn whoever_is_honest_takes_over() {
	market(40, || {
		Bad::set((0..100).collect());
		let task = assigned(spec());
		compute(task);
		until(|| matches!(live(task).status, Status::Bidding { .. }));
		assert_eq!(live(task).attempt, 1);
		Bad::set(Vec::new());
		give(task, 2);
		compute(task);
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Completed));
	});
}

#[test]
fn a_framed_provider_is_confirmed_and_the_framer_pays() {
	market(60, || {
		for who in 2..=7 {
			behave(who, Behaviour::Framing);
		}
		for _ in 0..6 {
			let task = assigned(spec());
			compute(task);
			until(|| ended(task).is_some());
			assert_eq!(ended(task), Some(Ending::Completed));
		}
		assert_eq!(bonded(EXECUTOR), BOND);
		let framers_lost: u128 = (2..=7).map(|who| BOND - bonded(who)).sum();
		assert!(framers_lost > 0);
		assert!((8..=60).all(|who| bonded(who) == BOND), "an honest one has lost something");
	});
}

#[test]
fn a_provider_that_does_not_open_is_convicted() {
	market(12, || {
		behave(EXECUTOR, Behaviour::Absent);
		let task = assigned(spec());
		compute(task);
		until(|| Convictions::<Test>::contains_key((task, 0)));
		let conviction = Convictions::<Test>::get((task, 0)).expect("it is convicted");
		assert_eq!(conviction.finder, None);
		assert_eq!(live(task).attempt, 1);
	});
}

#[test]
fn anybody_can_challenge_what_was_found_valid() {
	market(60, || {
		// Everybody who is drawn looks away; then nobody does any more.
		Bad::set(vec![7]);
		for who in 2..=60 {
			behave(who, Behaviour::Colluding);
		}
		let task = assigned(spec());
		let id = compute(task);
		until(|| matches!(live(task).status, Status::Delivered { .. }));
		Players::set(Default::default());
		let challenge =
			|who, id, unit| Attestations::challenge(RuntimeOrigin::signed(who), id, unit);
		assert_noop!(challenge(WATCHTOWER, id, 100), Error::<Test>::NoSuchUnit);
		assert_noop!(challenge(EXECUTOR, id, 7), Error::<Test>::OwnResult);
		assert_ok!(challenge(WATCHTOWER, id, 7));
		assert_noop!(challenge(WATCHTOWER, id, 8), Error::<Test>::ChallengedBefore);
		until(|| Convictions::<Test>::contains_key((task, 0)));
		assert_eq!(ended(task), Some(Ending::Fraud));
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert!(Balances::balance(&WATCHTOWER) > ENDOWMENT);
		// The client has everything back that it has paid.
		assert!(Balances::balance(&CLIENT) >= ENDOWMENT);
	});
}

#[test]
fn a_wrong_challenge_pays_the_judges() {
	market(60, || {
		let task = assigned(spec());
		let id = compute(task);
		until(|| matches!(live(task).status, Status::Delivered { .. }));
		let fee = live(task).terms.unit_fee(&spec());
		assert_ok!(Attestations::challenge(RuntimeOrigin::signed(WATCHTOWER), id, 7));
		let standing = || Cases::<Test>::get((id.task, id.attempt), id.part);
		assert_eq!(standing().map(|case| case.phase), Some(Phase::Judging));
		until(|| standing().is_none_or(|case| case.phase == Phase::Valid));
		assert_eq!(ENDOWMENT - Balances::balance(&WATCHTOWER), 54 * fee);
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Completed));
	});
}

#[test]
fn members_answer_for_what_they_affirmed() {
	market(60, || {
		Bad::set(vec![7]);
		for who in 2..=60 {
			behave(who, Behaviour::Colluding);
		}
		// Until somebody was drawn onto the false unit.
		let (task, id, guilty) = loop {
			let task = assigned(spec());
			let id = compute(task);
			until(|| matches!(live(task).status, Status::Delivered { .. }));
			let guilty: Vec<AccountId> = (0..2)
				.filter_map(|panel| Attestations::panel_of(id, panel))
				.flat_map(|(panel, units)| panel.members.into_iter().zip(units))
				.filter(|(_, units)| units.contains(&7))
				.map(|(member, _)| member.who)
				.collect();
			if !guilty.is_empty() {
				break (task, id, guilty);
			}
			until(|| ended(task).is_some());
		};
		Players::set(Default::default());
		let before: Vec<u128> = guilty.iter().map(|who| bonded(*who)).collect();
		assert_ok!(Attestations::challenge(RuntimeOrigin::signed(WATCHTOWER), id, 7));
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Fraud));
		for (who, before) in guilty.iter().zip(before) {
			assert!(bonded(*who) < before, "{who} affirmed it and lost nothing");
		}
	});
}

#[test]
fn what_was_paid_to_somebody_who_left_can_still_be_challenged() {
	market(60, || {
		Bad::set(vec![3]);
		for who in 2..=60 {
			behave(who, Behaviour::Colluding);
		}
		let task = assigned(TaskSpec { parts: 2, ..spec() });
		let attempt = live(task).attempt;
		let done = pallet_tasks::Done::Acknowledge { task, attempt };
		assert_ok!(Tasks::act(RuntimeOrigin::signed(EXECUTOR), done));
		commit_root(task, 0);
		until(|| live(task).progress.settled == 1);
		// It misses its deadline with the second part, and loses the task.
		Players::set(Default::default());
		until(|| live(task).attempt == 1);
		let id = PartOfTask { task, attempt: 0, part: 0 };
		assert_ok!(Attestations::challenge(RuntimeOrigin::signed(WATCHTOWER), id, 3));
		until(|| Convictions::<Test>::contains_key((task, 0)));
		let before = bonded(EXECUTOR);
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert!(bonded(EXECUTOR) < before);
	});
}
