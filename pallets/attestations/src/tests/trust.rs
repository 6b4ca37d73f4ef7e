//! Whoever has earned it is verified lightly, and nobody knows when.

use ogpu_primitives::{
	OGPU,
	market::{
		spec::{TaskSpec, Trust},
		trust::Trusted,
		verification::{Shape, Tier},
	},
};
use pallet_providers::Trusts;
use pallet_tasks::{Convictions, Ending, Status};

use crate::{Cases, mock::*};

fn on_trust() -> TaskSpec {
	TaskSpec { trust: Trust::Earned, ..spec() }
}

/// Has the executor have done so many tasks right, which burnt so much, for several clients.
pub(super) fn trusted(streak: u32, burnt: u128) {
	Trusts::<Test>::insert(
		EXECUTOR,
		pallet_providers::Trust {
			earned: Trusted { streak, burnt, open: 0 },
			clients: vec![CLIENT, WATCHTOWER, 7].try_into().expect("they fit"),
		},
	);
}

fn earned() -> Trusted {
	Trusts::<Test>::get(EXECUTOR).earned
}

/// The tier by which the task is verified, once that is drawn.
fn drawn(task: u64) -> Tier {
	until(|| Cases::<Test>::get((task, 0), 0).is_some_and(|case| case.asked.is_none()));
	Cases::<Test>::get((task, 0), 0).expect("it is verified").tier
}

#[test]
fn the_light_tier_is_drawn_for_whoever_is_trusted() {
	market(30, || {
		trusted(20, 1_000_000 * OGPU);
		let mut light = 0;
		for _ in 0..40 {
			let task = assigned(on_trust());
			// It is on trust from the moment at which it has the task until that has ended.
			assert_eq!(earned().open, 100 * OGPU);
			compute(task);
			light += u32::from(drawn(task) == Tier::Light);
			until(|| ended(task).is_some());
			assert_eq!(ended(task), Some(Ending::Completed));
			assert_eq!(earned().open, 0);
		}
		// With 20 to 60 right ones in a row, half to a sixth are verified as the client asks.
		assert!((20..=38).contains(&light), "{light}");
		assert_eq!(earned().streak, 60);
	});
}

#[test]
fn verifying_whoever_is_trusted_costs_a_tenth_of_the_work() {
	market(30, || {
		trusted(1_000, 1_000_000 * OGPU);
		let mut paid = 0;
		for _ in 0..40 {
			let task = assigned(on_trust());
			compute(task);
			until(|| matches!(live(task).status, Status::Delivered { .. }));
			paid += live(task).verified / live(task).terms.unit_fee(&on_trust());
			until(|| ended(task).is_some());
		}
		// In units, of the hundred that each task has.
		assert!(paid <= 40 * 100 / 10, "{paid} units were recomputed");
	});
}

#[test]
fn nobody_is_trusted_whose_client_does_not_agree_or_whose_lock_is_too_small() {
	market(30, || {
		let asked = |spec: TaskSpec| {
			let task = assigned(spec);
			let by = live(task).status.assignment().cloned().expect("somebody has it");
			// Whoever misses a deadline is trusted no longer.
			frame_support::assert_ok!(Tasks::cancel(RuntimeOrigin::signed(CLIENT), task));
			by.asked
		};
		trusted(100, 1_000_000 * OGPU);
		assert_eq!(asked(spec()), None);
		assert_eq!(asked(TaskSpec { units: 23, ..on_trust() }), None);
		assert_eq!(asked(TaskSpec { units: 60, tier: Tier::Full, ..on_trust() }), None);
		assert_eq!(asked(TaskSpec { units: 47, tier: Tier::High, ..on_trust() }), None);
		assert_eq!(asked(TaskSpec { units: 48, tier: Tier::High, ..on_trust() }), Some(100));
		assert_eq!(asked(on_trust()), Some(100));
		// One false state of a training is hardly found by two units, least if somebody can choose between draws: no lock
		// that is allowed makes up for that.
		for units in [24, 100] {
			assert_eq!(asked(TaskSpec { shape: Shape::Iterative, units, ..on_trust() }), None);
		}
	});
}

#[test]
fn ten_small_tasks_for_trust_then_one_large_fraud() {
	market(30, || {
		// What small tasks have burnt makes room for others as small, and no large one.
		trusted(12, 10 * OGPU / 100);
		let asked = |task: u64| live(task).status.assignment().expect("somebody has it").asked;
		let small = assigned(TaskSpec { max_price: Some(OGPU), ..on_trust() });
		assert!(asked(small).is_some());
		let large = assigned(on_trust());
		assert_eq!(asked(large), None);
		// And a fraud ends it: in the half that is verified as asked, or by the one who looks.
		Bad::set((0..100).collect());
		compute(large);
		until(|| Convictions::<Test>::contains_key((large, 0)));
		until(|| !Convictions::<Test>::contains_key((large, 0)));
		assert_eq!((earned().streak, earned().burnt), (0, 0));
	});
}

#[test]
fn self_dealing_for_trust() {
	market(30, || {
		// One client, however many its tasks, is not enough; nor are others of the same operator.
		for _ in 0..11 {
			let task = assigned(on_trust());
			compute(task);
			until(|| ended(task).is_some());
		}
		let of = Trusts::<Test>::get(EXECUTOR);
		assert_eq!((of.earned.streak, of.clients.len()), (11, 1));
		use ogpu_traits::Registry;
		for own in [EXECUTOR, CLIENT] {
			Providers::found_right(&EXECUTOR, &own, OGPU, true);
			assert_eq!(Trusts::<Test>::get(EXECUTOR).clients.len(), 1);
		}
		let group = pallet_providers::Providers::<Test>::get(2).expect("a provider").group;
		frame_support::assert_ok!(Providers::merge(RuntimeOrigin::root(), 3, group));
		for client in [2, 3] {
			Providers::found_right(&EXECUTOR, &client, OGPU, true);
			assert_eq!(Trusts::<Test>::get(EXECUTOR).clients.len(), 2);
		}
		assert_eq!(Providers::trust(&EXECUTOR, 1, 20), None);
		Providers::found_right(&EXECUTOR, &WATCHTOWER, OGPU, true);
		assert!(Providers::trust(&EXECUTOR, 1, 20).is_some());
	});
}
