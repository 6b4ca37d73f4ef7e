//! When members and the provider do not agree.

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_primitives::market::{
	rules::{PanelRules, Security},
	spec::TaskSpec,
	verification::Tier,
};
use ogpu_traits::PartOfTask;
use pallet_tasks::{Convictions, Ending, Status};

use crate::{Cases, Error, Phase, mock::*};

fn bonded(who: AccountId) -> u128 {
	pallet_trust_lock::Ledgers::<Test>::get(who).bonded()
}

/// Whoever is drawn looks away from what is false in these units.
fn everybody_looks_away(bad: &[u32]) {
	Bad::set(bad.to_vec());
	for who in 2..=60 {
		behave(who, Behaviour::Colluding);
	}
}

/// A result that is false in these units and was found valid all the same; nobody looks away any more.
fn falsely_valid(bad: &[u32]) -> (u64, PartOfTask) {
	everybody_looks_away(bad);
	let task = assigned(spec());
	let id = compute(task);
	until(|| matches!(live(task).status, Status::Delivered { .. }));
	Players::set(Default::default());
	(task, id)
}

/// A task of two parts, of which the first is settled and nothing is known of the second.
fn half_done() -> (u64, PartOfTask) {
	let task = assigned(TaskSpec { parts: 2, ..spec() });
	let done = pallet_tasks::Done::Acknowledge { task, attempt: 0 };
	assert_ok!(Tasks::act(RuntimeOrigin::signed(EXECUTOR), done));
	commit_root(task, 0);
	until(|| live(task).progress.settled == 1);
	(task, PartOfTask { task, attempt: 0, part: 0 })
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
		// It cannot open one unit later, and be silent about the others.
		let of = PartOfTask { task, attempt: 0, part: 0 };
		let appeal = Attestations::appeal(RuntimeOrigin::signed(EXECUTOR), of);
		assert_eq!(appeal, Err(Error::<Test>::NotJudged.into()));
	});
}

#[test]
fn anybody_can_challenge_what_was_found_valid() {
	market(60, || {
		let (task, id) = falsely_valid(&[7]);
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
		everybody_looks_away(&[7]);
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
		// Once it cannot be appealed any more.
		assert!(guilty.iter().zip(&before).all(|(who, before)| bonded(*who) == *before));
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		for (who, before) in guilty.iter().zip(before) {
			assert!(bonded(*who) < before, "{who} affirmed it and lost nothing");
		}
	});
}

#[test]
fn what_was_paid_to_somebody_who_left_can_still_be_challenged() {
	market(60, || {
		everybody_looks_away(&[3]);
		let (task, id) = half_done();
		// It misses its deadline with the second part, and loses the task.
		Players::set(Default::default());
		until(|| live(task).attempt == 1);
		assert_ok!(Attestations::challenge(RuntimeOrigin::signed(WATCHTOWER), id, 3));
		until(|| Convictions::<Test>::contains_key((task, 0)));
		let before = bonded(EXECUTOR);
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert!(bonded(EXECUTOR) < before);
	});
}

/// Everything that is bonded, locked or owned by anybody, the treasury included; what was burnt as fees apart.
fn all_tokens(providers: u64) -> u128 {
	let others = [CLIENT, WATCHTOWER, TREASURY, TrustLock::pot(), Tasks::pot()];
	(1..=providers).chain(others).map(|who| Balances::balance(&who)).sum()
}

#[test]
fn what_is_false_throughout_is_convicted_in_networks_of_every_size() {
	for (rules, security, sizes) in [
		(PanelRules::FAST, Security::FAST, 3..=8),
		(PanelRules::PRODUCTION, Security::PRODUCTION, 7..=26),
	] {
		for providers in sizes {
			for tier in [Tier::Standard, Tier::High, Tier::Full] {
				market(providers, || {
					Rules::set(rules);
					MarketSecurity::set(security);
					let units = if tier == Tier::Full { 30 } else { 100 };
					Bad::set((0..units).collect());
					let before = all_tokens(providers);
					let paid = Balances::balance(&EXECUTOR);
					let task = assigned(TaskSpec { tier, units, ..spec() });
					compute(task);
					until(|| Convictions::<Test>::contains_key((task, 0)) || ended(task).is_some());
					let convicted = Convictions::<Test>::contains_key((task, 0));
					assert!(convicted, "{providers} providers, {tier:?}: {:?}", ended(task));
					until(|| !Convictions::<Test>::contains_key((task, 0)));
					assert!(bonded(EXECUTOR) < BOND && Balances::balance(&EXECUTOR) == paid);
					assert!((2..=providers).all(|who| bonded(who) == BOND), "{providers} {tier:?}");
					assert_eq!(
						all_tokens(providers),
						before,
						"no fee was burnt, so nothing is lost"
					);
				});
			}
		}
	}
}

#[test]
fn everybody_who_found_it_is_paid() {
	market(40, || {
		Bad::set((0..100).collect());
		let before: Vec<u128> = (2..=40).map(|who| Balances::balance(&who)).collect();
		let task = assigned(spec());
		compute(task);
		until(|| Convictions::<Test>::contains_key((task, 0)));
		let paid = (2..=40).zip(before).filter(|(who, before)| Balances::balance(who) > *before);
		// Ten members of two rounds, whichever unit they named, and fifteen judges.
		assert!(paid.count() >= 20);
	});
}

#[test]
fn a_challenge_in_the_last_block_of_the_window_is_judged() {
	market(60, || {
		let (task, id) = falsely_valid(&[7]);
		let last = live(task).status.until();
		until(|| pallet_tasks::Now::<Test>::get() == last);
		assert_ok!(Attestations::challenge(RuntimeOrigin::signed(WATCHTOWER), id, 7));
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Fraud));
	});
}

#[test]
fn nobody_gets_away_while_its_result_is_being_judged() {
	market(60, || {
		everybody_looks_away(&[3]);
		let (task, id) = half_done();
		Players::set(Default::default());
		assert_ok!(Attestations::challenge(RuntimeOrigin::signed(WATCHTOWER), id, 3));
		// Neither by a claim, nor with the client's help, nor by missing its deadline.
		let claim =
			pallet_tasks::Done::Claim { task, attempt: 0, claim: ogpu_traits::Claim::Rejected };
		let disputed = pallet_tasks::Error::<Test>::Disputed;
		assert_noop!(Tasks::act(RuntimeOrigin::signed(EXECUTOR), claim), disputed);
		let disputed = pallet_tasks::Error::<Test>::Disputed;
		assert_noop!(Tasks::cancel(RuntimeOrigin::signed(CLIENT), task), disputed);
		let price = live(task).status.assignment().expect("somebody has it").price;
		until(|| Convictions::<Test>::contains_key((task, 0)));
		// The client is made whole for the part that it has paid for.
		let damage = Convictions::<Test>::get((task, 0)).expect("it is convicted").damage;
		assert!(damage >= price / 2 * 9 / 10);
		let before = Balances::balance(&EXECUTOR);
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert_eq!(Balances::balance(&EXECUTOR), before);
	});
}

#[test]
fn whoever_left_its_task_stays_to_answer() {
	market(60, || {
		let (task, _) = half_done();
		until(|| live(task).attempt == 1);
		let retire = || Providers::retire(RuntimeOrigin::signed(EXECUTOR));
		assert_ok!(retire());
		assert_noop!(
			Providers::deregister(RuntimeOrigin::signed(EXECUTOR)),
			pallet_providers::Error::<Test>::Busy
		);
		until(|| ended(task).is_some());
		let engaged = pallet_providers::Providers::<Test>::get(EXECUTOR).map(|p| p.engagements);
		assert_eq!(engaged, Some(0));
	});
}

#[test]
fn where_a_challenge_cannot_be_judged_nobody_is_paid_for_the_result() {
	market(4, || {
		Rules::set(PanelRules::FAST);
		MarketSecurity::set(Security::FAST);
		// One says that it is false, two that it is right, and none of them can judge.
		behave(2, Behaviour::Framing);
		let task = assigned(spec());
		let before = Balances::balance(&EXECUTOR);
		compute(task);
		until(|| Cases::<Test>::iter_values().any(|case| !case.disputes.is_empty()));
		behave(3, Behaviour::Abstaining);
		behave(4, Behaviour::Abstaining);
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Inconclusive));
		assert_eq!(Balances::balance(&EXECUTOR), before);
	});
}

#[test]
fn seats_that_were_slashed_away_are_drawn_no_longer() {
	market(12, || {
		use ogpu_traits::{Beneficiaries, Collateral, Reason, SeatTable};
		let seat = (0..Providers::seats()).find(|seat| Providers::holder(*seat) == Some(2));
		let seat = seat.expect("it has one");
		// A little may be missing.
		let lose = |amount| {
			TrustLock::slash_liable(&2, amount, Beneficiaries::treasury(), Reason::NoShow);
		};
		lose(BOND - SEAT + 1);
		assert_eq!(TrustLock::in_seats(&2), SEAT - 1);
		assert_eq!(Providers::holder(seat), Some(2));
		lose(SEAT / 2);
		assert_eq!(TrustLock::in_seats(&2), SEAT / 2 - 1);
		assert_eq!(Providers::holder(seat), None);
	});
}
