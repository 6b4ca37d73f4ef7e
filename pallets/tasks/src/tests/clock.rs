//! The market clock and the agenda: nobody is punished for blocks that had no room, and nothing is lost.

use frame_support::{
	assert_ok,
	dispatch::DispatchClass,
	traits::{Get, Hooks},
	weights::Weight,
};
use ogpu_primitives::OGPU;

use crate::{Agenda, AgendaFrom, Now, Records, Status, mock::*};

#[test]
fn a_pause_stops_the_clock() {
	build_and_execute(|| {
		let before = Now::<Test>::get();
		Paused::set(true);
		blocks(5);
		assert_eq!(Now::<Test>::get(), before);
		Paused::set(false);
		blocks(5);
		assert_eq!(Now::<Test>::get(), before + 5);
	});
}

#[test]
fn stuffed_blocks_stop_the_clock() {
	build_and_execute(|| {
		let before = Now::<Test>::get();
		let weights: frame_system::limits::BlockWeights =
			<Test as frame_system::Config>::BlockWeights::get();
		// Ordinary transactions may fill their part of the block: duties still have theirs.
		let normal = weights.get(DispatchClass::Normal).max_total.expect("it is bounded");
		System::set_block_consumed_resources(normal, 0);
		Tasks::on_finalize(1);
		assert_eq!(Now::<Test>::get(), before + 1);
		System::set_block_consumed_resources(weights.max_block, 0);
		Tasks::on_finalize(1);
		assert_eq!(Now::<Test>::get(), before + 1);
		System::set_block_consumed_resources(Weight::zero(), u32::MAX as usize);
		Tasks::on_finalize(1);
		assert_eq!(Now::<Test>::get(), before + 1);
		System::set_block_consumed_resources(Weight::zero(), 0);
		Tasks::on_finalize(1);
		assert_eq!(Now::<Test>::get(), before + 2);
	});
}

#[test]
fn what_has_no_room_is_carried_on() {
	build_and_execute(|| {
		let tasks: Vec<_> = (0..10).map(|_| submit(spec())).collect();
		let until = live(tasks[0]).status.until();
		// Without any weight, nothing is served, and nothing forgotten.
		while Now::<Test>::get() <= until + 3 {
			let number = System::block_number() + 1;
			System::set_block_number(number);
			serve(Weight::zero());
			Tasks::on_finalize(number);
		}
		assert!(tasks.iter().all(|task| matches!(live(*task).status, Status::Bidding { .. })));
		assert!(AgendaFrom::<Test>::get() <= until);
		serve(Weight::MAX);
		assert!(tasks.iter().all(Records::<Test>::contains_key));
	});
}

#[test]
fn the_agenda_forgets_what_it_has_served() {
	build_and_execute(|| {
		let task = submit(spec());
		auction(task, &[(1, OGPU), (2, OGPU)]);
		acknowledge(task);
		assert_ok!(Tasks::cancel(RuntimeOrigin::signed(CLIENT), task));
		blocks(1_100);
		assert_eq!(Agenda::<Test>::iter().count(), 0);
		assert_eq!(AgendaFrom::<Test>::get() + 1, Now::<Test>::get());
	});
}

#[test]
fn prices_follow_demand() {
	build_and_execute(|| {
		use ogpu_primitives::market::DeviceTier::Consumer;
		let first = Tasks::base_price(Consumer);
		// Nobody is busy.
		blocks(10);
		let low = Tasks::base_price(Consumer);
		assert!(low < first);
		// All are.
		for who in 1..=PROVIDERS {
			<Providers as ogpu_traits::Registry<_>>::occupy(&who, true);
		}
		blocks(30);
		assert!(Tasks::base_price(Consumer) > low);
		for who in 1..=PROVIDERS {
			<Providers as ogpu_traits::Registry<_>>::occupy(&who, false);
		}
	});
}
