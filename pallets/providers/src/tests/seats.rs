//! The seat table.

use frame_support::{
	assert_noop, assert_ok,
	weights::{Weight, WeightMeter},
};
use ogpu_primitives::market::{DeviceTier, Features, spec::Requirements};
use ogpu_traits::{Beneficiaries, Collateral, Reason, Registry, SeatTable};
use proptest::prelude::*;

use crate::{Error, Holdings, MAX_SEATS, SeatChanges, mock::*};

fn ask(who: u64, seats: u32) {
	assert_ok!(Providers::set_seats(RuntimeOrigin::signed(who), seats));
}

#[test]
fn changes_take_effect_in_the_session_after_the_next() {
	build_and_execute(|| {
		register_bonded(1);
		ask(1, 3);
		// What they cost is bound at once.
		assert_eq!(TrustLock::free(&1), BOND - 3 * SEAT);
		assert_noop!(
			Providers::set_seats(RuntimeOrigin::signed(1), 2),
			Error::<Test>::ChangePending
		);
		session(1);
		assert_eq!(Providers::seats(), 0);
		session(2);
		assert_eq!(Providers::seats(), 3);
		assert_eq!((Providers::holder(0), Providers::holder(3)), (Some(1), None));
		ask(1, 1);
		// What they cost is free only when they are gone.
		assert_eq!(TrustLock::free(&1), BOND - 3 * SEAT);
		session(4);
		assert_eq!(TrustLock::free(&1), BOND - SEAT);
		assert_eq!(Providers::seats(), 1);
	});
}

#[test]
fn whoever_knows_what_is_drawn_cannot_change_who_can_be() {
	build_and_execute(|| {
		for who in 1..=3 {
			register_bonded(who);
			ask(who, 1);
		}
		session(2);
		(1..=3).for_each(heartbeat);
		let group = |who: u64| Providers::verifier(&who, &anything());
		let before: Vec<_> = (1..=3).map(group).collect();
		assert!(before.iter().all(Option::is_some));
		// It leaves, comes back with a lesser device, and joins another operator.
		let origin = RuntimeOrigin::signed(1);
		assert_ok!(Providers::retire(origin.clone()));
		assert_eq!(group(1), before[0]);
		assert_ok!(Providers::resume(origin.clone()));
		let mut lesser = profile(1);
		lesser.devices = vec![device(9, 20)].try_into().expect("one fits");
		assert_ok!(Providers::update(origin, lesser, None));
		let of_two = before[1].expect("it has one");
		assert_ok!(Providers::merge(RuntimeOrigin::root(), 1, of_two));
		let large = Requirements { memory: 30, ..anything() };
		assert_eq!(Providers::verifier(&1, &large), before[0]);
		assert_ok!(Providers::suspend(RuntimeOrigin::root(), 3));
		assert_eq!(group(3), before[2]);
		// From the next session on it counts as what it is.
		session(3);
		assert_eq!((group(1), Providers::verifier(&1, &large)), (before[1], None));
		assert_eq!(group(3), None);
		// Whoever was away and comes back is drawn from the session after that on.
		session(8);
		assert_eq!(group(2), None);
		heartbeat(2);
		assert_eq!(group(2), None);
		session(9);
		assert_eq!(group(2), before[1]);
	});
}

#[test]
fn few_among_many_seats_count_as_what_a_draw_meets_of_them() {
	build_and_execute(|| {
		for who in 1..=4 {
			register_bonded(who);
			ask(who, 1);
		}
		session(2);
		let could = || Providers::operators(&anything());
		assert_eq!(could(), 4);
		// Somebody else has a great many seats.
		crate::SeatCount::<Test>::put(512);
		assert_eq!(could(), 2);
		crate::SeatCount::<Test>::put(4);
		assert_eq!(could(), 4);
	});
}

#[test]
fn seats_have_their_price_and_bound() {
	build_and_execute(|| {
		register(1);
		let origin = RuntimeOrigin::signed(1);
		assert!(Providers::set_seats(origin.clone(), 1).is_err());
		assert_ok!(TrustLock::bond(origin.clone(), BOND));
		assert_noop!(
			Providers::set_seats(origin.clone(), MAX_SEATS + 1),
			Error::<Test>::TooManySeats
		);
		assert_noop!(Providers::set_seats(origin.clone(), 0), Error::<Test>::NothingChanges);
		ask(1, 2);
		session(2);
		assert_ok!(Providers::retire(origin.clone()));
		assert_noop!(Providers::deregister(origin), Error::<Test>::HasSeats);
	});
}

#[test]
fn changes_of_mind_do_not_pile_up() {
	build_and_execute(|| {
		register_bonded(1);
		let origin = RuntimeOrigin::signed(1);
		ask(1, 1);
		for _ in 0..10 {
			assert_ok!(Providers::retire(origin.clone()));
			assert_ok!(Providers::resume(origin.clone()));
			let again = Providers::set_seats(origin.clone(), 1);
			assert_eq!(again, Err(Error::<Test>::ChangePending.into()));
		}
		assert_eq!(SeatChanges::<Test>::iter().count(), 1);
		// Whoever retires with seats on their way gets none, and cannot leave before that is settled.
		assert_ok!(Providers::retire(origin.clone()));
		assert_noop!(Providers::deregister(origin.clone()), Error::<Test>::HasSeats);
		session(2);
		assert_eq!((Providers::seats(), TrustLock::in_seats(&1)), (0, 0));
		assert_ok!(Providers::deregister(origin));
	});
}

#[test]
fn slashed_seats_are_lost() {
	build_and_execute(|| {
		register_bonded(1);
		ask(1, 5);
		session(2);
		// All but what two and a half seats cost.
		let taken = BOND - 25 * SEAT / 10;
		TrustLock::slash_liable(&1, taken, Beneficiaries::treasury(), Reason::NoShow);
		assert_eq!(TrustLock::in_seats(&1), 25 * SEAT / 10);
		ask(1, 4);
		session(4);
		assert_eq!(Providers::seats(), 2);
		assert_eq!(TrustLock::in_seats(&1), 2 * SEAT);
	});
}

#[test]
fn operators_are_counted_once_by_their_leader() {
	build_and_execute(|| {
		for who in 1..=3 {
			register_bonded(who);
		}
		assert_ok!(Providers::invite(RuntimeOrigin::signed(1), 2));
		let group = Providers::group(&1).expect("it is registered");
		assert_ok!(Providers::join(RuntimeOrigin::signed(2), group));
		let count = |memory| Providers::operators(&Requirements { memory, ..anything() });
		assert_eq!(count(0), 0);
		for who in 1..=3 {
			ask(who, 1);
		}
		session(2);
		assert_eq!((count(0), count(33), count(34)), (2, 2, 0));
		let fp64 = Requirements { features: Features::FP64, ..anything() };
		assert_eq!(Providers::operators(&fp64), 0);
		assert_ok!(Providers::set_rating(&1, 50_000));
		let fast = Requirements { tier: DeviceTier::DataCentre, ..anything() };
		assert_eq!((Providers::operators(&fast), count(0)), (1, 2));
		// Whoever retires verifies nothing any more.
		assert_ok!(Providers::retire(RuntimeOrigin::signed(1)));
		session(4);
		assert_eq!(count(0), 1);
	});
}

#[test]
fn what_has_no_room_is_settled_later() {
	build_and_execute(|| {
		for who in 1..=4 {
			register_bonded(who);
			ask(who, 1);
		}
		crate::mock::Session::set(2);
		Providers::settle_seats(&mut WeightMeter::with_limit(Weight::zero()));
		assert_eq!(SeatChanges::<Test>::iter().count(), 4);
		Providers::settle_seats(&mut WeightMeter::new());
		assert_eq!((SeatChanges::<Test>::iter().count(), Providers::seats()), (0, 4));
	});
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

	/// Whatever is asked for, the table is dense, and everybody has what was asked for.
	#[test]
	fn the_table_is_dense(asked in prop::collection::vec((1u64..=6, 0u32..=8), 1..60)) {
		build_and_execute(|| {
			for who in 1..=6 {
				register_bonded(who);
			}
			let mut now = 0;
			for (who, seats) in asked {
				let had = Holdings::<Test>::get(who).wanted;
				let asked = Providers::set_seats(RuntimeOrigin::signed(who), seats).is_ok();
				assert_eq!(asked, seats != had);
				now += 2;
				session(now);
				assert_eq!(Holdings::<Test>::get(who).numbers.len() as u32, seats);
				Providers::do_try_state().expect("the invariants hold");
			}
		});
	}
}
