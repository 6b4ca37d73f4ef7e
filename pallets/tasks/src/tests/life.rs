//! Good days.

use frame_support::{assert_ok, traits::fungible::Inspect};
use ogpu_primitives::{
	OGPU,
	market::{
		price::share,
		spec::{FewOperators, TaskSpec},
	},
};
use ogpu_traits::{Collateral, Verdict};

use crate::{
	Ending, Error, Records, Status, client_lock,
	mock::*,
	types::{Delivery, work_lock},
};

#[docify::export]
#[test]
fn a_task_is_bid_for_computed_verified_and_paid() {
	build_and_execute(|| {
		// The client is ready to pay 100 oGPU; three providers bid.
		let task = submit(spec());
		let winner = auction(task, &[(1, 60 * OGPU), (2, 40 * OGPU), (3, 50 * OGPU)]);

		// The lowest bid wins, is paid by the second, and locks what the quote said.
		assert_eq!(winner, Some(2));
		let by = live(task).status.assignment().cloned().expect("somebody has it");
		assert_eq!(by.price, 50 * OGPU);
		assert_eq!(TrustLock::locked(&2, work_lock(task, 0)), by.lock);

		// It fetches the inputs, computes, and commits the root, which is found valid.
		let before = Balances::balance(&2);
		acknowledge(task);
		root(task, 0);
		decide(Verdict::Valid, OGPU / 10);

		// Nine tenths are paid at once, the rest when the client has the result.
		assert_eq!(Balances::balance(&2) - before, 45 * OGPU);
		assert_ok!(Tasks::acknowledge_delivery(RuntimeOrigin::signed(CLIENT), task));
		assert_eq!(Balances::balance(&2) - before, 50 * OGPU);

		// When the window ends, everything that was held is free again.
		pass(task);
		let record = Records::<Test>::get(task).expect("it has ended");
		assert_eq!(
			(record.ending, record.paid, record.result),
			(Ending::Completed, 50 * OGPU, Some(ROOT))
		);
		let fee = share(50 * OGPU, 20_000);
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT - 50 * OGPU - fee - OGPU / 10);
		assert_eq!(TrustLock::locked(&2, work_lock(task, 0)), 0);
		assert_eq!(TrustLock::locked(&CLIENT, client_lock(task)), 0);
	});
}

#[test]
fn silence_is_acceptance() {
	build_and_execute(|| {
		let task = submit(spec());
		auction(task, &[(1, 40 * OGPU)]);
		let before = Balances::balance(&1);
		acknowledge(task);
		root(task, 0);
		decide(Verdict::Valid, 0);
		pass(task);
		// Alone, it is paid the reserve.
		assert_eq!(Balances::balance(&1) - before, 100 * OGPU);
		assert_eq!(Records::<Test>::get(task).map(|record| record.ending), Some(Ending::Completed));
	});
}

#[test]
fn large_payments_wait_for_the_window() {
	build_and_execute(|| {
		let task = submit(TaskSpec { max_price: Some(2_000 * OGPU), ..spec() });
		auction(task, &[(1, 1_500 * OGPU), (2, 1_600 * OGPU)]);
		let before = Balances::balance(&1);
		acknowledge(task);
		root(task, 0);
		decide(Verdict::Valid, 0);
		assert_eq!(Balances::balance(&1), before);
		pass(task);
		assert_eq!(Balances::balance(&1) - before, 1_600 * OGPU);
	});
}

#[test]
fn long_jobs_are_paid_part_by_part() {
	build_and_execute(|| {
		let task = submit(TaskSpec { units: 90, parts: 4, ..spec() });
		auction(task, &[(1, 90 * OGPU), (2, 90 * OGPU)]);
		let who = holder(task).expect("somebody has it");
		let before = Balances::balance(&who);
		acknowledge(task);
		for part in 0..4 {
			root(task, part);
		}
		assert!(matches!(live(task).status, Status::Verifying { .. }));
		// The second part's verdict comes first; it is paid once the first is valid, too.
		let parts: Vec<_> = Pending::take().into_iter().map(|(request, _)| request.part).collect();
		decide_part(parts[1], Verdict::Valid, 0);
		assert_eq!(Balances::balance(&who), before);
		decide_part(parts[0], Verdict::Valid, 0);
		// 23 + 23 of 90 units, less a tenth.
		assert_eq!(Balances::balance(&who) - before, 46 * OGPU * 9 / 10);
		decide_part(parts[2], Verdict::Valid, 0);
		decide_part(parts[3], Verdict::Valid, 0);
		let Status::Delivered { delivery: Delivery::Awaited, .. } = live(task).status else {
			panic!("all parts are valid");
		};
		pass(task);
		assert_eq!(Balances::balance(&who) - before, 90 * OGPU);
		// Each part burnt half of its fee, and was credited by that.
		let burnt: u128 = Credited::get().iter().map(|(_, burnt)| burnt).sum();
		assert_eq!(burnt, share(90 * OGPU, 20_000) / 2);
	});
}

#[test]
fn few_operators_are_told_before_anything_is_paid() {
	build_and_execute(|| {
		let rare = |few_operators| {
			let mut spec = TaskSpec { few_operators, ..spec() };
			// Nobody has so much memory.
			spec.requirements.memory = 34;
			spec
		};
		frame_support::assert_noop!(
			Tasks::submit(RuntimeOrigin::signed(CLIENT), rare(FewOperators::Refuse), u128::MAX),
			Error::<Test>::TooFewOperators
		);
		// There are enough; but unverified is what was agreed, if there are not.
		MarketSecurity::mutate(|security| {
			security.least_operators = ogpu_primitives::ranged::Ranged32::new(9);
		});
		let task = submit(TaskSpec { few_operators: FewOperators::Unverified, ..spec() });
		assert_eq!(live(task).escrow.verification, 0);
		auction(task, &[(1, 40 * OGPU)]);
		acknowledge(task);
		root(task, 0);
		pass(task);
		let ending = Records::<Test>::get(task).map(|record| record.ending);
		assert_eq!(ending, Some(Ending::CompletedUnverified));
		// Unverified work is paid, but earns nothing beyond.
		assert!(Credited::get().is_empty());
	});
}

#[test]
fn records_are_forgotten() {
	build_and_execute(|| {
		let task = submit(spec());
		pass(task);
		assert!(Records::<Test>::contains_key(task));
		let until = Records::<Test>::get(task).map_or(0, |record| record.until);
		blocks(until + 2 - crate::Now::<Test>::get());
		assert!(!Records::<Test>::contains_key(task));
		assert_eq!(crate::Agenda::<Test>::iter().count(), 0);
	});
}
