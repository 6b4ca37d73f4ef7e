//! Who is drawn, and that nobody can know before.

use std::collections::BTreeSet;

use ogpu_traits::PartOfTask;

use crate::{Kind, Panels, Stage, mock::*, vrf::BLOCKS};

fn members(id: PartOfTask, panel: u8) -> Vec<AccountId> {
	let panel = Panels::<Test>::get(id, panel).expect("it was begun");
	panel.members.iter().map(|member| member.who).collect()
}

#[test]
fn nobody_is_drawn_before_the_blocks_after_the_root() {
	market(12, || {
		let id = compute(assigned(spec()));
		let root = System::block_number();
		for _ in 0..BLOCKS {
			silent_block();
			assert_eq!(Panels::<Test>::get(id, 0).map(|panel| panel.stage), Some(Stage::Drawing));
		}
		silent_block();
		assert_eq!(System::block_number(), root + u64::from(BLOCKS) + 1);
		assert_eq!((members(id, 0).len(), members(id, 1).len()), (5, 5));
	});
}

#[test]
fn neither_provider_nor_client_nor_anybody_twice_is_drawn() {
	market(16, || {
		for _ in 0..10 {
			let task = assigned(spec());
			let id = compute(task);
			for _ in 0..=BLOCKS {
				silent_block();
			}
			let drawn = [members(id, 0), members(id, 1)].concat();
			assert!(!drawn.contains(&EXECUTOR));
			// Concurrent rounds have other members where there are enough.
			assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 10, "{drawn:?}");
			until(|| ended(task).is_some());
		}
	});
}

#[test]
fn an_operator_sits_once_however_many_seats_it_has() {
	market(12, || {
		// 2 to 6 are one operator.
		let group = pallet_providers::Providers::<Test>::get(2).expect("a provider").group;
		for who in 3..=6 {
			let root = RuntimeOrigin::root();
			frame_support::assert_ok!(Providers::merge(root, who, group));
		}
		session(3, 12);
		for _ in 0..10 {
			let task = assigned(spec());
			let id = compute(task);
			for _ in 0..=BLOCKS {
				silent_block();
			}
			let of_group = |panel| members(id, panel).iter().filter(|who| **who <= 6).count();
			assert!(of_group(0) <= 1 && of_group(1) <= 1);
			until(|| ended(task).is_some());
		}
	});
}

#[test]
fn a_provider_that_authors_blocks_waits_for_those_of_others() {
	market(12, || {
		// The stash that authors every block is the executor's own.
		frame_support::assert_ok!(Providers::link_stash(RuntimeOrigin::signed(300), EXECUTOR));
		frame_support::assert_ok!(Providers::accept_stash(RuntimeOrigin::signed(EXECUTOR), 300));
		let id = compute(assigned(spec()));
		let block = |author: u64| {
			let number = System::block_number() + 1;
			System::set_block_number(number);
			Vrf::set(Some([number as u8; 32]));
			Author::set(Some(author));
			use frame_support::traits::Hooks;
			Attestations::on_initialize(number);
			Attestations::on_poll(number, &mut frame_support::weights::WeightMeter::new());
		};
		for _ in 0..10 {
			block(300);
		}
		assert_eq!(Panels::<Test>::get(id, 0).map(|panel| panel.stage), Some(Stage::Drawing));
		for author in [301, 302, 303, 304] {
			block(author);
		}
		assert_eq!(members(id, 0).len(), 5);
	});
}

#[test]
fn it_does_not_wait_for_ever() {
	market(12, || {
		frame_support::assert_ok!(Providers::link_stash(RuntimeOrigin::signed(300), EXECUTOR));
		frame_support::assert_ok!(Providers::accept_stash(RuntimeOrigin::signed(EXECUTOR), 300));
		let id = compute(assigned(spec()));
		use frame_support::traits::Hooks;
		let mut blocks = 0;
		while members(id, 0).is_empty() {
			let number = System::block_number() + 1;
			System::set_block_number(number);
			Vrf::set(Some([number as u8; 32]));
			Author::set(Some(300));
			Attestations::on_initialize(number);
			Attestations::on_poll(number, &mut frame_support::weights::WeightMeter::new());
			blocks += 1;
			assert!(blocks <= crate::vrf::LONGEST_WAIT * BLOCKS + 2);
		}
		assert!(blocks > crate::vrf::LONGEST_WAIT * BLOCKS);
	});
}

#[test]
fn other_roots_do_not_make_other_draws() {
	let drawn = |bad: Vec<u32>| {
		let mut found = Vec::new();
		market(40, || {
			Bad::set(bad);
			let id = compute(assigned(spec()));
			for _ in 0..=BLOCKS {
				silent_block();
			}
			let panel = Panels::<Test>::get(id, 0).expect("it was begun");
			assert_eq!(panel.kind, Kind::Round);
			found = panel.members.iter().map(|member| member.who).collect();
		});
		found
	};
	assert_eq!(drawn(vec![]), drawn(vec![1, 2, 3]));
}
