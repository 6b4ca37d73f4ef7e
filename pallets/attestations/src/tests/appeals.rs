//! What was decided against somebody is judged once more.

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_traits::{Claim, PartOfTask};
use pallet_tasks::{Convictions, Ending, Status};

use crate::{Appeal, Cases, Error, Event, Phase, mock::*};

fn bonded(who: AccountId) -> u128 {
	pallet_trust_lock::Ledgers::<Test>::get(who).bonded()
}

fn appeal(who: AccountId, of: PartOfTask) -> sp_runtime::DispatchResult {
	Attestations::appeal(RuntimeOrigin::signed(who), of)
}

fn appeal_is_lost() -> bool {
	System::events()
		.iter()
		.any(|record| matches!(record.event, RuntimeEvent::Attestations(Event::AppealLost { .. })))
}

/// A right result of the executor that everybody else says is false, and what it would be paid.
fn wrongly_convicted(providers: u64) -> (u64, PartOfTask, u128) {
	for who in 2..=providers {
		behave(who, Behaviour::Framing);
	}
	let task = assigned(spec());
	let price = live(task).status.assignment().expect("somebody has it").price;
	let of = compute(task);
	until(|| Convictions::<Test>::contains_key((task, 0)));
	Players::set(Default::default());
	(task, of, price)
}

#[test]
fn a_wrong_conviction_is_overturned() {
	market(60, || {
		let (task, of, price) = wrongly_convicted(60);
		assert_noop!(appeal(CLIENT, of), Error::<Test>::NotConcerned);
		let before = Balances::balance(&EXECUTOR);
		assert_ok!(appeal(EXECUTOR, of));
		assert_noop!(appeal(EXECUTOR, of), Error::<Test>::AppealedBefore);
		// Nothing is carried out meanwhile.
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert_eq!(bonded(EXECUTOR), BOND);
		assert_eq!(Balances::balance(&EXECUTOR) - before, price);
		until(|| ended(task).is_some());
		// Challengers and judges who were wrong pay, and nobody else does.
		let losers = (2..=60).filter(|who| bonded(*who) < BOND).count();
		assert!((15..=25).contains(&losers), "{losers}");
		assert_eq!(pallet_trust_lock::Locks::<Test>::iter_prefix(EXECUTOR).count(), 0);
		assert_eq!(Cases::<Test>::iter().count(), 0);
	});
}

#[test]
fn judges_who_were_right_get_back_what_they_lost() {
	market(60, || {
		let before: Vec<_> = (51..=60).map(|who| (who, Balances::balance(&who))).collect();
		let (task, of, _) = wrongly_convicted(50);
		let contradicted = before.into_iter().filter(|(who, _)| bonded(*who) < BOND);
		let contradicted: Vec<_> = contradicted.collect();
		assert!(!contradicted.is_empty(), "every judge was wrong");
		let fee = Cases::<Test>::get((task, 0), 0).expect("it is kept").unit_fee;
		assert_ok!(appeal(EXECUTOR, of));
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		for (who, before) in contradicted {
			let lost = BOND - bonded(who);
			assert_eq!(Balances::balance(&who) - before, lost + fee);
		}
	});
}

#[test]
fn a_cheat_appeals_in_vain_and_pays_for_it() {
	market(60, || {
		Bad::set((0..100).collect());
		let task = assigned(spec());
		let of = compute(task);
		until(|| Convictions::<Test>::contains_key((task, 0)));
		let before = Balances::balance(&EXECUTOR);
		assert_ok!(appeal(EXECUTOR, of));
		until(appeal_is_lost);
		let fee = Cases::<Test>::get((task, 0), 0).expect("it is kept").unit_fee;
		assert_eq!(before - Balances::balance(&EXECUTOR), 21 * fee);
		assert_noop!(appeal(EXECUTOR, of), Error::<Test>::AppealedBefore);
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert!(bonded(EXECUTOR) < BOND);
		assert!((2..=60).all(|who| bonded(who) == BOND), "somebody honest has lost something");
		assert_noop!(appeal(EXECUTOR, of), Error::<Test>::NoSuchCase);
		assert_eq!(Cases::<Test>::iter().count(), 0);
	});
}

#[test]
fn an_appeal_is_judged_though_whoever_appeals_is_away() {
	market(60, || {
		let (task, of, _) = wrongly_convicted(60);
		assert_ok!(appeal(EXECUTOR, of));
		// What it has for the unit was opened before.
		behave(EXECUTOR, Behaviour::Absent);
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert_eq!(bonded(EXECUTOR), BOND);
	});
}

#[test]
fn nobody_judges_twice_in_the_same_matter() {
	market(12, || {
		let (task, of, _) = wrongly_convicted(12);
		let before = Balances::balance(&EXECUTOR);
		assert_ok!(appeal(EXECUTOR, of));
		until(appeal_is_lost);
		// There is nobody else: nobody has judged, and nobody is paid.
		assert_eq!(Balances::balance(&EXECUTOR), before);
		until(|| !Convictions::<Test>::contains_key((task, 0)));
		assert!(bonded(EXECUTOR) < BOND);
	});
}

/// A task whose job is right, and was found at fault.
fn wrongly_at_fault() -> (u64, PartOfTask) {
	ClaimIsRight::set(false);
	for who in 2..=60 {
		behave(who, Behaviour::Framing);
	}
	let task = assigned(spec());
	claim(task, Claim::Rejected);
	until(|| matches!(live(task).status, Status::AtFault { .. }));
	Players::set(Default::default());
	(task, PartOfTask { task, attempt: 0, part: PartOfTask::CLAIM })
}

#[test]
fn a_client_appeals_against_a_false_claim() {
	market(60, || {
		let (task, of) = wrongly_at_fault();
		assert_noop!(appeal(EXECUTOR, of), Error::<Test>::NotConcerned);
		assert_ok!(appeal(CLIENT, of));
		let disputed = pallet_tasks::Error::<Test>::Disputed;
		assert_noop!(Tasks::cancel(RuntimeOrigin::signed(CLIENT), task), disputed);
		until(|| !matches!(live(task).status, Status::AtFault { .. }));
		// Others bid for it, and its client has lost nothing.
		assert_eq!(live(task).attempt, 1);
		assert!(bonded(EXECUTOR) < BOND);
		until(|| ended(task).is_some());
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT);
		assert_eq!(Cases::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_client_whose_job_is_at_fault_appeals_in_vain() {
	market(60, || {
		let task = assigned(spec());
		let gate = live(task).terms.gate_fee;
		claim(task, Claim::Rejected);
		until(|| matches!(live(task).status, Status::AtFault { .. }));
		let of = PartOfTask { task, attempt: 0, part: PartOfTask::CLAIM };
		assert_ok!(appeal(CLIENT, of));
		let case = Cases::<Test>::get((task, 0), PartOfTask::CLAIM).expect("it is judged");
		assert!(matches!(
			case.phase,
			Phase::Decided(decided) if matches!(decided.appeal, Appeal::Judged { .. })
		));
		until(|| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Rejected));
		// It pays fifteen judges of the claim, and twenty-one of the appeal.
		let paid = ENDOWMENT - Balances::balance(&CLIENT);
		assert_eq!(paid, gate + 36 * case.unit_fee);
		assert_eq!(pallet_trust_lock::Locks::<Test>::iter().count(), 0);
	});
}

#[test]
fn only_what_was_decided_can_be_appealed() {
	market(30, || {
		let task = assigned(spec());
		let of = compute(task);
		assert_noop!(appeal(EXECUTOR, of), Error::<Test>::NotAppealable);
		until(|| matches!(live(task).status, Status::Delivered { .. }));
		assert_noop!(appeal(CLIENT, of), Error::<Test>::NotAppealable);
	});
}
