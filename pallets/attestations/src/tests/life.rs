//! Good days.

use frame_support::traits::fungible::Inspect;
use ogpu_primitives::market::{spec::FewOperators, verification::Tier};
use ogpu_traits::{Claim, Duties};
use pallet_tasks::{Ending, Status};

use crate::{Cases, Due, Panels, Phase, Served, Wanted, mock::*};

#[test]
fn an_undisputed_result_is_verified_within_twelve_blocks_of_its_root() {
	market(12, || {
		let task = assigned(spec());
		let id = compute(task);
		let blocks = until(|| matches!(live(task).status, Status::Delivered { .. }));
		assert!(blocks <= 12, "{blocks} blocks");
		// Two rounds of five: each commits and reveals, and the provider opens twice.
		assert_eq!(Messages::get(), 22);
		let case = Cases::<Test>::get((id.task, id.attempt), id.part).expect("it is kept");
		assert_eq!((case.phase, case.clean, case.running), (Phase::Valid, 2, 0));
		assert_eq!(Wanted::<Test>::iter().count(), 0);
	});
}

#[test]
fn everything_is_forgotten_when_the_window_ends() {
	market(12, || {
		let task = assigned(spec());
		compute(task);
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Completed));
		assert_eq!(Cases::<Test>::iter().count() + Panels::<Test>::iter().count(), 0);
		assert_eq!(Served::<Test>::iter().count() + Wanted::<Test>::iter().count(), 0);
	});
}

#[test]
fn members_are_paid_by_the_unit() {
	market(12, || {
		let before: Vec<u128> = (2..=12).map(|who| Balances::balance(&who)).collect();
		let task = assigned(spec());
		let fee = live(task).terms.unit_fee(&spec());
		compute(task);
		until(|| matches!(live(task).status, Status::Delivered { .. }));
		let earned: Vec<u128> =
			(2..=12).zip(before).map(|(who, before)| Balances::balance(&who) - before).collect();
		// C = 100: two units each, ten members in two rounds.
		assert_eq!(earned.iter().sum::<u128>(), 10 * 2 * fee);
		assert!(earned.iter().all(|earned| earned % (2 * fee) == 0), "{earned:?}");
	});
}

#[test]
fn every_tier_comes_to_a_verdict() {
	for (tier, units) in
		[(Tier::Standard, 20), (Tier::High, 200), (Tier::Full, 3), (Tier::Full, 64)]
	{
		market(20, || {
			let task = assigned(ogpu_primitives::market::spec::TaskSpec { tier, units, ..spec() });
			compute(task);
			until(|| matches!(live(task).status, Status::Delivered { .. }));
		});
	}
}

#[test]
fn parts_are_verified_each_by_itself() {
	market(12, || {
		let task = assigned(ogpu_primitives::market::spec::TaskSpec { parts: 4, ..spec() });
		compute(task);
		assert_eq!(Cases::<Test>::iter().count(), 4);
		until(|| matches!(live(task).status, Status::Delivered { .. }));
		assert_eq!(live(task).progress.settled, 4);
	});
}

#[test]
fn in_a_small_network_members_serve_again() {
	market(4, || {
		MarketSecurity::mutate(|rules| rules.least_operators = 2.try_into().expect("in range"));
		let task = assigned(spec());
		compute(task);
		until(|| matches!(live(task).status, Status::Delivered { .. }));
		// Three others, twice.
		assert_eq!(Messages::get(), 2 * (2 * 3 + 1));
	});
}

#[test]
fn where_nobody_is_left_to_judge_nobody_can_say() {
	market(3, || {
		MarketSecurity::mutate(|rules| rules.least_operators = 2.try_into().expect("in range"));
		let task = assigned(spec());
		let before = Balances::balance(&EXECUTOR);
		compute(task);
		until(|| {
			// Nothing else of it is judged: it ends at once.
			let status = pallet_tasks::Tasks::<Test>::get(task).map(|task| task.status);
			assert!(!matches!(status, Some(Status::Closing { .. })));
			ended(task).is_some()
		});
		assert_eq!(ended(task), Some(Ending::Inconclusive));
		// What nobody has confirmed may be made up.
		assert_eq!(Balances::balance(&EXECUTOR), before);
	});
}

#[test]
fn what_the_client_accepts_unverified_is_not_verified() {
	market(4, || {
		let task = assigned(ogpu_primitives::market::spec::TaskSpec {
			few_operators: FewOperators::Unverified,
			..spec()
		});
		compute(task);
		assert_eq!(Cases::<Test>::iter().count(), 0);
		assert!(matches!(live(task).status, Status::Delivered { .. }));
	});
}

#[test]
fn a_job_that_is_at_fault_is_rejected() {
	market(30, || {
		let task = assigned(spec());
		let (lock, gate) = (live(task).terms.unit_fee(&spec()), live(task).terms.gate_fee);
		let before = Balances::balance(&EXECUTOR);
		claim(task, Claim::Rejected);
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Rejected));
		assert_eq!(Balances::balance(&EXECUTOR) - before, gate);
		// The client pays its provider's gate run and fifteen judges.
		let paid = ENDOWMENT - Balances::balance(&CLIENT);
		assert_eq!(paid, gate + 15 * lock);
	});
}

#[test]
fn whoever_claims_what_is_not_so_pays_for_the_judges() {
	market(30, || {
		ClaimIsRight::set(false);
		let task = assigned(spec());
		let locked = live(task).status.assignment().expect("somebody has it").lock;
		claim(task, Claim::Unavailable);
		until(|| matches!(live(task).status, Status::Assigned { .. }));
		let fee = live(task).terms.unit_fee(&spec());
		let by = live(task).status.assignment().cloned().expect("somebody has it");
		assert_eq!(by.lock, locked - 15 * fee);
		// It goes on, and comes to its end.
		compute(task);
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Completed));
	});
}

#[test]
fn absent_members_cost_time_and_not_the_result() {
	market(20, || {
		behave(2, Behaviour::Absent);
		behave(3, Behaviour::Abstaining);
		behave(4, Behaviour::Secretive);
		for _ in 0..5 {
			let task = assigned(spec());
			compute(task);
			until(|| ended(task).is_some());
			assert_eq!(ended(task), Some(Ending::Completed));
		}
		// Silence costs, saying so does not.
		let lost = |who| BOND - pallet_trust_lock::Ledgers::<Test>::get(who).bonded();
		assert!(lost(2) > 0 && lost(4) > 0);
		assert_eq!((lost(3), lost(5)), (0, 0));
	});
}

#[test]
fn nothing_is_due_of_whoever_was_not_drawn() {
	market(12, || {
		let task = assigned(spec());
		compute(task);
		for _ in 0..8 {
			silent_block();
		}
		let drawn = (2..=12).filter(|who| !Attestations::due(who, 10).is_empty()).count();
		assert!((5..=10).contains(&drawn), "{drawn}");
		// Whoever has the task gives the others what they start from, and no more.
		let due = Attestations::due(&EXECUTOR, 10);
		assert!(due.iter().all(|due| matches!(due, Due::Serve { .. })) && !due.is_empty());
	});
}

#[test]
fn what_was_confirmed_once_is_worth_half_where_nobody_can_say_in_the_end() {
	market(30, || {
		let task = assigned(spec());
		let paid = live(task).status.assignment().expect("somebody has it").price;
		let before = Balances::balance(&EXECUTOR);
		let id = compute(task);
		let drawn = |number| {
			Attestations::panel_of(id, number).is_some_and(|(panel, _)| !panel.members.is_empty())
		};
		while !drawn(0) {
			silent_block();
		}
		// The members of one round recompute it; nobody else can.
		let (first, _) = Attestations::panel_of(id, 0).expect("it is drawn");
		for who in (2..=30).filter(|who| first.place_of(who).is_none()) {
			behave(who, Behaviour::Abstaining);
		}
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Inconclusive));
		assert_eq!(Balances::balance(&EXECUTOR) - before, paid / 2);
	});
}
