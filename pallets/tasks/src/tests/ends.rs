//! Every other way in which a task can end, and who pays for it.

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_primitives::{OGPU, market::spec::TaskSpec};
use ogpu_traits::{Claim, Collateral, Decision, Guarantor, PartOfTask, Verdict, Verdicts};
use pallet_trust_lock::Slashing;

use crate::{
	Convictions, Done, Ending, Error, Records, Status,
	mock::*,
	types::{client_lock, work_lock},
};

/// What verifiers earn in these tests.
const FEE: u128 = OGPU / 10;

fn ending(task: u64) -> Option<Ending> {
	Records::<Test>::get(task).map(|record| record.ending)
}

fn executing() -> u64 {
	let task = submit(spec());
	auction(task, &[(1, 40 * OGPU), (2, 50 * OGPU), (3, 60 * OGPU)]);
	acknowledge(task);
	task
}

#[test]
fn fraud_is_slashed_after_its_window_and_somebody_else_takes_over() {
	build_and_execute(|| {
		let task = executing();
		root(task, 0);
		let lock = TrustLock::locked(&1, work_lock(task, 0));
		decide(Verdict::Fraud { unit: 3 }, FEE);
		// The next best has it at once.
		assert_eq!(holder(task), Some(2));
		assert_eq!(live(task).progress.rooted, 0);
		// The lock stays until the window for appeals has ended.
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), lock);
		assert_noop!(
			TrustLock::unbond(RuntimeOrigin::signed(1), TrustLock::free(&1) + 1),
			pallet_trust_lock::Error::<Test>::NotEnoughFree
		);
		let (client, finder) = (Balances::balance(&CLIENT), Balances::balance(&FINDER));
		let treasury = Balances::balance(&TREASURY);
		blocks(12);
		// The finder has a tenth; the client what verifying cost and its successor may cost more.
		assert_eq!(Balances::balance(&FINDER) - finder, lock / 10);
		assert_eq!(Balances::balance(&CLIENT) - client, 10 * OGPU + FEE);
		assert_eq!(Balances::balance(&TREASURY) - treasury, lock - lock / 10 - 10 * OGPU - FEE);
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
		assert_eq!(Convictions::<Test>::iter().count(), 0);
		// Whoever stood for it when it got the task answers; the verifiers were paid by the client.
		assert_eq!(Fraudulent::get(), [(1, Guarantor { stash: 1_001, era: 7 })]);
		assert_eq!(VerifiersPaid::get(), [(VERIFIER, FEE)]);
		let provider = pallet_providers::Providers::<Test>::get(1).expect("it is registered");
		assert!(provider.reputation.verdicts.thousandths() < 10);
	});
}

#[test]
fn fraud_after_delivery_makes_the_client_whole() {
	build_and_execute(|| {
		let task = executing();
		root(task, 0);
		let part = Pending::get()[0].0.part;
		decide(Verdict::Valid, 0);
		assert_ok!(Tasks::acknowledge_delivery(RuntimeOrigin::signed(CLIENT), task));
		let before = Balances::balance(&CLIENT);
		decide_part(part, Verdict::Fraud { unit: 0 }, FEE);
		assert_eq!(ending(task), Some(Ending::Fraud));
		blocks(12);
		// What it had paid, with the fee, and what the verifiers got; and what was in escrow.
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT);
		assert!(Balances::balance(&CLIENT) > before);
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
	});
}

#[test]
fn with_slashing_off_nobody_loses_anything() {
	build_and_execute(|| {
		Switch::set(Slashing::DryRun);
		let task = executing();
		root(task, 0);
		let free = TrustLock::free(&1);
		let lock = TrustLock::locked(&1, work_lock(task, 0));
		decide(Verdict::Fraud { unit: 3 }, OGPU);
		blocks(12);
		assert_eq!(TrustLock::free(&1), free + lock);
	});
}

#[test]
fn an_inadmissible_job_costs_its_client_the_judges() {
	build_and_execute(|| {
		let task = executing();
		let (provider, verifier) = (Balances::balance(&1), Balances::balance(&VERIFIER));
		assert_ok!(act(1, Done::Claim { task, attempt: 0, claim: Claim::Rejected }));
		assert_noop!(Tasks::cancel(RuntimeOrigin::signed(CLIENT), task), Error::<Test>::TooLate);
		let gate_fee = live(task).terms.gate_fee;
		decide(Verdict::Rejected, OGPU / 100);
		assert!(matches!(live(task).status, Status::AtFault { ending: Ending::Rejected, .. }));
		pass(task);
		assert_eq!(ending(task), Some(Ending::Rejected));
		assert_eq!(Balances::balance(&1) - provider, gate_fee);
		assert_eq!(Balances::balance(&VERIFIER) - verifier, OGPU / 100);
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT - gate_fee - OGPU / 100);
		assert_eq!(TrustLock::locked(&CLIENT, client_lock(task)), 0);
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
	});
}

#[test]
fn judges_are_paid_even_when_slashing_is_off() {
	build_and_execute(|| {
		Switch::set(Slashing::DryRun);
		let task = executing();
		assert_ok!(act(1, Done::Claim { task, attempt: 0, claim: Claim::Rejected }));
		let verifier = Balances::balance(&VERIFIER);
		decide(Verdict::Rejected, OGPU / 100);
		assert_eq!(Balances::balance(&VERIFIER) - verifier, OGPU / 100);
	});
}

#[test]
fn inputs_that_cannot_be_had_can_be_claimed_before_acknowledging() {
	build_and_execute(|| {
		let task = submit(spec());
		auction(task, &[(1, 40 * OGPU)]);
		let claim = Done::Claim { task, attempt: 0, claim: Claim::Unavailable };
		assert_ok!(act(1, claim.clone()));
		// Refused: it goes on, with the time that was left.
		let left = match live(task).status {
			Status::Adjudicating { left, .. } => left,
			_ => panic!("it is being judged"),
		};
		blocks(30);
		decide(Verdict::Groundless, OGPU / 100);
		let Status::Assigned { until, .. } = live(task).status else { panic!("it goes on") };
		assert_eq!(until, crate::Now::<Test>::get() + left);
		let provider = pallet_providers::Providers::<Test>::get(1).expect("it is registered");
		assert!(provider.reputation.disputes.thousandths() < 500);
		// Once is enough.
		assert_noop!(act(1, claim), Error::<Test>::ClaimedBefore);

		let task = submit(spec());
		auction(task, &[(2, 40 * OGPU)]);
		assert_ok!(act(2, Done::Claim { task, attempt: 0, claim: Claim::Unavailable }));
		decide(Verdict::Unavailable, 0);
		// Its client agrees, and has its money back.
		assert_ok!(Tasks::cancel(RuntimeOrigin::signed(CLIENT), task));
		assert_eq!(ending(task), Some(Ending::Unavailable));

		let task = executing();
		let claim = Done::Claim { task, attempt: 0, claim: Claim::Unavailable };
		assert_noop!(
			act(holder(task).expect("somebody has it"), claim),
			Error::<Test>::WrongStatus
		);
	});
}

#[test]
fn a_claim_that_nobody_can_judge_frees_everybody() {
	build_and_execute(|| {
		let task = executing();
		assert_ok!(act(1, Done::Claim { task, attempt: 0, claim: Claim::Rejected }));
		decide(Verdict::Inconclusive, 0);
		assert_eq!(holder(task), Some(2));
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
		// The same if nobody judges at all.
		acknowledge(task);
		assert_ok!(act(2, Done::Claim { task, attempt: 1, claim: Claim::Rejected }));
		pass(task);
		assert_eq!(holder(task), Some(3));
	});
}

#[test]
fn inconclusive_work_is_half_paid() {
	build_and_execute(|| {
		let task = executing();
		root(task, 0);
		let before = Balances::balance(&1);
		decide(Verdict::Inconclusive, FEE);
		assert_eq!(Balances::balance(&1) - before, 25 * OGPU);
		assert_eq!(ending(task), Some(Ending::Inconclusive));
		let fee = OGPU / 2;
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT - 25 * OGPU - FEE - fee);
	});
}

#[test]
fn what_nobody_has_confirmed_is_not_paid() {
	build_and_execute(|| {
		let task = executing();
		root(task, 0);
		let before = Balances::balance(&1);
		let part = Pending::get()[0].0.part;
		Tasks::decided(part, Decision::bare(Verdict::Inconclusive));
		assert_eq!(ending(task), Some(Ending::Inconclusive));
		assert_eq!(Balances::balance(&1), before);
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT);
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
	});
}

/// A task of two parts, of which both are computed.
fn computed() -> (u64, PartOfTask, PartOfTask) {
	let task = submit(TaskSpec { units: 60, parts: 2, ..spec() });
	auction(task, &[(1, 40 * OGPU), (2, 50 * OGPU), (3, 60 * OGPU)]);
	acknowledge(task);
	root(task, 0);
	root(task, 1);
	let [first, second] = [0, 1].map(|part| Pending::get()[part].0.part);
	(task, first, second)
}

/// What comes before may be false yet, and what comes after rest on it.
#[test]
fn half_is_paid_of_no_part_but_the_next() {
	build_and_execute(|| {
		let (task, _, second) = computed();
		let before = Balances::balance(&1);
		decide_part(second, Verdict::Inconclusive, 0);
		assert_eq!(ending(task), Some(Ending::Inconclusive));
		assert_eq!(Balances::balance(&1), before);
	});
}

/// A task of two parts, of which the first is paid, and both are computed.
fn half_paid() -> (u64, PartOfTask, PartOfTask) {
	let both = computed();
	decide(Verdict::Valid, 0);
	both
}

#[test]
fn nothing_ends_while_a_result_of_it_is_judged() {
	build_and_execute(|| {
		let (task, first, _) = half_paid();
		// Somebody challenges the first part, and nobody can say of the second.
		Disputed::set(Some((task, 0)));
		decide(Verdict::Inconclusive, FEE);
		assert!(matches!(live(task).status, Status::Closing { .. }));
		assert_noop!(Tasks::cancel(RuntimeOrigin::signed(CLIENT), task), Error::<Test>::TooLate);
		let lock = TrustLock::locked(&1, work_lock(task, 0));
		assert!(lock > 0);
		for _ in 0..3 {
			pass(task);
			assert_eq!(ending(task), None);
		}
		let (client, paid) = (Balances::balance(&CLIENT), live(task).reserve);
		decide_part(first, Verdict::Fraud { unit: 3 }, 0);
		Disputed::set(None);
		pass(task);
		assert_eq!(ending(task), Some(Ending::Inconclusive));
		blocks(12);
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
		// The client has back what it had paid, and half of the second part.
		let price = 50 * OGPU;
		assert!(Balances::balance(&CLIENT) - client >= price / 2 + (paid - price));
	});
}

#[test]
fn a_task_that_nobody_takes_over_ends_once_its_results_are_judged() {
	build_and_execute(|| {
		MarketSecurity::mutate(|rules| rules.max_attempts = 1.try_into().expect("in range"));
		let (task, first, _) = half_paid();
		Disputed::set(Some((task, 0)));
		decide(Verdict::Fraud { unit: 31 }, 0);
		assert!(matches!(live(task).status, Status::Closing { .. }));
		pass(task);
		assert_eq!(ending(task), None);
		decide_part(first, Verdict::Fraud { unit: 3 }, 0);
		assert!(Convictions::<Test>::get((task, 0)).is_some_and(|found| found.more.is_some()));
		Disputed::set(None);
		pass(task);
		assert_eq!(ending(task), Some(Ending::NoProvider));
	});
}

#[test]
fn a_task_whose_earlier_result_is_judged_is_not_cancelled() {
	build_and_execute(|| {
		let (task, ..) = half_paid();
		decide(Verdict::Fraud { unit: 31 }, 0);
		assert!(matches!(live(task).status, Status::Assigned { .. }));
		Disputed::set(Some((task, 0)));
		let cancel = || Tasks::cancel(RuntimeOrigin::signed(CLIENT), task);
		assert_noop!(cancel(), Error::<Test>::Disputed);
		Disputed::set(None);
		assert_ok!(cancel());
	});
}

#[test]
fn whoever_is_convicted_of_one_part_answers_for_others_that_it_was_paid_for() {
	for overturned in [false, true] {
		build_and_execute(|| {
			let (task, first, second) = half_paid();
			decide(Verdict::Fraud { unit: 31 }, 0);
			assert_eq!(holder(task), Some(2));
			decide_part(first, Verdict::Fraud { unit: 3 }, 0);
			let conviction = Convictions::<Test>::get((task, 0)).expect("it is convicted");
			let more = conviction.more.expect("of more than one part");
			// Half of the price, and what the protocol took of that.
			let paid = 25 * OGPU;
			assert_eq!((more.part, more.extra), (first, paid + paid / 50));
			let client = Balances::balance(&CLIENT);
			if overturned {
				Tasks::decided(second, Decision::bare(Verdict::Overturned));
				// Of the other it is convicted still.
				let conviction = Convictions::<Test>::get((task, 0)).expect("it is convicted");
				assert_eq!((conviction.part, conviction.damage), (first, paid + paid / 50));
			}
			blocks(12);
			assert_eq!(Convictions::<Test>::iter().count(), 0);
			assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
			let more = if overturned { 0 } else { conviction.damage };
			assert_eq!(Balances::balance(&CLIENT) - client, paid + paid / 50 + more);
		});
	}
}

#[test]
fn verification_that_does_not_end_is_ended() {
	build_and_execute(|| {
		let task = executing();
		root(task, 0);
		let before = Balances::balance(&1);
		pass(task);
		assert_eq!(ending(task), Some(Ending::Unverifiable));
		assert_eq!(Balances::balance(&1) - before, 25 * OGPU);
		assert!(Pending::get().is_empty());
	});
}

#[test]
fn cancelling_is_free_until_somebody_has_it() {
	build_and_execute(|| {
		let client = RuntimeOrigin::signed(CLIENT);
		let task = submit(spec());
		assert_ok!(bid(task, 1, OGPU));
		assert_ok!(Tasks::cancel(client.clone(), task));
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT);
		assert_eq!(TrustLock::free(&1), BOND - 10 * OGPU);

		// What others ask is not told for nothing.
		let task = submit(spec());
		assert_ok!(bid(task, 1, OGPU));
		pass(task);
		assert_noop!(Tasks::cancel(client.clone(), task), Error::<Test>::BidsAreOpen);
		pass(task);
		assert_eq!(ending(task), Some(Ending::NoProvider));

		let task = executing();
		let before = Balances::balance(&1);
		assert_ok!(Tasks::cancel(client.clone(), task));
		assert_eq!(ending(task), Some(Ending::Cancelled));
		// A tenth of the price, with the protocol's fee on it.
		assert_eq!(Balances::balance(&1) - before, 5 * OGPU);
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT - 5 * OGPU - OGPU / 10);

		let task = executing();
		root(task, 0);
		assert_noop!(Tasks::cancel(client.clone(), task), Error::<Test>::TooLate);
		decide(Verdict::Valid, 0);
		assert_noop!(Tasks::cancel(client, task), Error::<Test>::TooLate);
	});
}

#[test]
fn a_successor_goes_on_after_the_last_settled_part() {
	build_and_execute(|| {
		let task = submit(TaskSpec { units: 90, parts: 3, ..spec() });
		auction(task, &[(1, 60 * OGPU), (2, 75 * OGPU), (3, 90 * OGPU)]);
		acknowledge(task);
		let first = Balances::balance(&1);
		root(task, 0);
		root(task, 1);
		decide(Verdict::Valid, 0);
		decide(Verdict::Fraud { unit: 31 }, 0);
		// It is paid for the part that was right: a third of 75.
		assert_eq!(Balances::balance(&1) - first, 25 * OGPU);
		let two = Balances::balance(&2);
		acknowledge(task);
		root(task, 1);
		root(task, 2);
		decide(Verdict::Valid, 0);
		decide(Verdict::Valid, 0);
		pass(task);
		// Two thirds of 90.
		assert_eq!(Balances::balance(&2) - two, 60 * OGPU);
		assert_eq!(Records::<Test>::get(task).map(|record| record.paid), Some(85 * OGPU));
	});
}

#[test]
fn decisions_that_nobody_waits_for_change_nothing() {
	build_and_execute(|| {
		let task = executing();
		root(task, 0);
		let part = Pending::get()[0].0.part;
		let later = ogpu_traits::PartOfTask { attempt: 1, ..part };
		decide_part(later, Verdict::Valid, OGPU);
		decide_part(ogpu_traits::PartOfTask { task: 99, ..part }, Verdict::Valid, OGPU);
		assert!(matches!(live(task).status, Status::Verifying { .. }));
		decide_part(part, Verdict::Groundless, 0);
		assert!(matches!(live(task).status, Status::Verifying { .. }));
		decide_part(part, Verdict::Valid, 0);
		// Twice is once.
		let before = Balances::balance(&1);
		decide_part(part, Verdict::Valid, OGPU);
		assert_eq!(Balances::balance(&1), before);
	});
}
