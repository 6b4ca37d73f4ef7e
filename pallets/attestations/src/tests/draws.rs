//! Who is drawn, and that nobody can know before.

use std::collections::BTreeSet;

use codec::Encode;
use frame_support::{assert_ok, traits::Hooks, weights::WeightMeter};
use ogpu_primitives::{
	market::{
		draw::{MAX_SEEDS, most_draws},
		spec::TaskSpec,
		verification::Shape,
	},
	merkle::{Blake2, Hash, Hasher},
};
use ogpu_traits::PartOfTask;

use crate::{
	Kind, Panels, Stage,
	mock::*,
	vrf::{BLOCKS, BLOCKS_OF_OTHERS, SHORTEST},
};

fn members(id: PartOfTask, panel: u8) -> Vec<AccountId> {
	let panel = Panels::<Test>::get(id, panel).expect("it was begun");
	panel.members.iter().map(|member| member.who).collect()
}

/// The next block, of this author, in which the output of the one before is known.
fn block_of(author: AccountId, output: Hash) {
	let number = System::block_number() + 1;
	System::set_block_number(number);
	Vrf::set(Some(output));
	Author::set(Some(author));
	Attestations::on_initialize(number);
	Attestations::on_poll(number, &mut WeightMeter::new());
}

/// Its seeds, the shortest first.
fn seeds(id: PartOfTask, panel: u8) -> Vec<Hash> {
	Panels::<Test>::get(id, panel).expect("it was begun").seeds()
}

/// The seeds of the first panel of a root after which others fill so many slots, and then somebody who has `own`
/// slots in a row fills some of them, by the bits of `filled`; after those others again. And whether that ends with a
/// slot of its own, so that it knew what came of it.
fn seeds_by(others: u32, own: u32, filled: u32) -> (Vec<Hash>, bool) {
	let mut found = None;
	market(12, || {
		let id = compute(assigned(spec()));
		let slots = (0..own).filter(|slot| filled & (1 << slot) != 0);
		let outputs = (0..others)
			.map(|slot| (b"before", slot).using_encoded(Blake2::hash))
			.chain(slots.map(|slot| (b"own", slot).using_encoded(Blake2::hash)))
			.chain((0..BLOCKS).map(|slot| (b"after", slot).using_encoded(Blake2::hash)));
		// A block's output is kept in the block after it.
		block_of(301, [0; 32]);
		for (count, output) in (1u32..).zip(outputs) {
			block_of(301, output);
			let panel = Panels::<Test>::get(id, 0).expect("it was begun");
			if panel.stage != Stage::Drawing {
				assert_eq!(count, BLOCKS);
				let known = others + filled.count_ones() >= BLOCKS;
				found = Some((seeds(id, 0), known));
				break;
			}
		}
	});
	found.expect("so many blocks make a seed")
}

#[test]
fn an_author_that_nobody_knows_of_has_no_more_draws_than_stated() {
	let ways = |of: u32, some: u32| (0..some).fold(1, |ways, one| ways * (of - one) / (one + 1));
	for own in 1..=4 {
		for wanted in 1..=own {
			let others = BLOCKS - wanted;
			let all: Vec<_> = (0..1 << own).map(|filled| seeds_by(others, own, filled)).collect();
			let known: BTreeSet<Option<&Hash>> =
				all.iter().filter(|(_, known)| *known).map(|(seeds, _)| seeds.last()).collect();
			assert_eq!(known.len() as u32, ways(own, wanted), "{wanted} of {own}");
			// Leaving it to whoever comes next is one draw more, and not two: it is made once.
			assert!(all.iter().any(|(_, known)| !known));
			assert!((known.len() as u32) < most_draws(own));
			// It has no choice of the units whose seeds end before its slots: with one, of four fifths.
			let before = (others + 1).saturating_sub(SHORTEST) as usize;
			assert_eq!(before as u32, MAX_SEEDS - wanted);
			assert!(all.iter().all(|(seeds, _)| seeds[..before] == all[0].0[..before]));
			assert!(all.iter().all(|(seeds, _)| seeds.len() as u32 == MAX_SEEDS));
		}
	}
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
			assert_ok!(Providers::merge(root, who, group));
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
		assert_ok!(Providers::link_stash(RuntimeOrigin::signed(300), EXECUTOR));
		assert_ok!(Providers::accept_stash(RuntimeOrigin::signed(EXECUTOR), 300));
		let id = compute(assigned(spec()));
		let block = |author: u64| block_of(author, [System::block_number() as u8 + 1; 32]);
		for _ in 0..10 {
			block(300);
		}
		assert_eq!(Panels::<Test>::get(id, 0).map(|panel| panel.stage), Some(Stage::Drawing));
		for author in [301, 302, 303, 304] {
			block(author);
		}
		assert_eq!(members(id, 0).len(), 5);
		// Each ends with a block of somebody else: it has waited for three.
		assert_eq!(seeds(id, 0).len() as u32, BLOCKS_OF_OTHERS);
	});
}

#[test]
fn iterative_jobs_wait_until_no_block_decides_more_than_its_share() {
	for (shape, blocks, seeds_drawn) in
		[(Shape::Parallel, BLOCKS, MAX_SEEDS - 1), (Shape::Iterative, BLOCKS + 1, MAX_SEEDS)]
	{
		market(12, || {
			assert_ok!(Providers::link_stash(RuntimeOrigin::signed(300), EXECUTOR));
			assert_ok!(Providers::accept_stash(RuntimeOrigin::signed(EXECUTOR), 300));
			let id = compute(assigned(TaskSpec { shape, ..spec() }));
			// The fifth block after the root is its own, and ends no seed. Its output is known in the one after.
			let authors = [301, 302, 303, 304, 300, 301, 302, 303];
			for (count, author) in (0..=blocks).zip(authors) {
				let stage = Panels::<Test>::get(id, 0).map(|panel| panel.stage);
				assert_eq!(stage, Some(Stage::Drawing), "after {count} blocks");
				block_of(author, [count as u8; 32]);
			}
			assert_eq!(seeds(id, 0).len() as u32, seeds_drawn, "{shape:?}");
		});
	}
}

#[test]
fn it_does_not_wait_for_ever() {
	market(12, || {
		assert_ok!(Providers::link_stash(RuntimeOrigin::signed(300), EXECUTOR));
		assert_ok!(Providers::accept_stash(RuntimeOrigin::signed(EXECUTOR), 300));
		let id = compute(assigned(spec()));
		let mut blocks = 0;
		while members(id, 0).is_empty() {
			block_of(300, [System::block_number() as u8 + 1; 32]);
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
