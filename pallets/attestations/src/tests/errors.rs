//! What is refused.

use frame_support::{assert_noop, assert_ok};
use ogpu_traits::{Duties, PartOfTask};

use crate::{Done, Due, Error, draw_of, mock::*, vrf::BLOCKS};

/// A result whose first panel has just been drawn.
fn drawn() -> PartOfTask {
	let id = compute(assigned(spec()));
	for _ in 0..=BLOCKS {
		silent_block();
	}
	id
}

fn first_due(who: impl Fn(&Due<AccountId>) -> bool) -> (AccountId, Due<AccountId>) {
	let all =
		(1..=12).flat_map(|of| Attestations::due(&of, 10).into_iter().map(move |due| (of, due)));
	all.into_iter().find(|(_, due)| who(due)).expect("something is due")
}

#[test]
fn only_members_commit_and_only_once() {
	market(12, || {
		let id = drawn();
		let (member, due) = first_due(|due| matches!(due, Due::Commit { .. }));
		let Due::Commit { panel, seed, .. } = due else { unreachable!() };
		let draw = draw_of(&seed);
		let commit = |panel| Done::Commit { case: id, panel, draw, commitment: [1; 32] };
		assert_noop!(act(EXECUTOR, commit(panel)), Error::<Test>::NotMember);
		assert_noop!(act(member, commit(9)), Error::<Test>::NoSuchPanel);
		let nowhere = PartOfTask { task: 99, ..id };
		let done = Done::Commit { case: nowhere, panel, draw, commitment: [1; 32] };
		assert_noop!(act(member, done), Error::<Test>::NoSuchCase);
		let elsewhere = Done::Abstain { case: id, panel, draw: draw_of(&[9; 32]) };
		assert_noop!(act(member, elsewhere), Error::<Test>::OtherDraw);
		assert_ok!(act(member, commit(panel)));
		assert_noop!(act(member, commit(panel)), Error::<Test>::SaidBefore);
		let abstain = Done::Abstain { case: id, panel, draw };
		assert_noop!(act(member, abstain), Error::<Test>::SaidBefore);
		let reveal = Done::Reveal { case: id, panel, salt: [0; 32], leaves: None };
		assert_noop!(act(member, reveal), Error::<Test>::WrongStage);
	});
}

#[test]
fn only_the_provider_opens_and_only_what_was_drawn() {
	market(12, || {
		drawn();
		play();
		let (who, due) = first_due(|due| matches!(due, Due::Open { .. }));
		assert_eq!(who, EXECUTOR);
		let Some(Done::Open { case, panel, leaves, siblings }) = answer(EXECUTOR, due) else {
			panic!("it opens");
		};
		let open = |leaves: Vec<[u8; 32]>| Done::Open {
			case,
			panel,
			leaves: leaves.try_into().expect("they are few"),
			siblings: siblings.clone(),
		};
		assert_noop!(act(2, open(leaves.to_vec())), Error::<Test>::NotProvider);
		assert_noop!(act(EXECUTOR, open(leaves[1..].to_vec())), Error::<Test>::WrongLeaves);
		let mut others = leaves.to_vec();
		others[0] = [0; 32];
		assert_noop!(act(EXECUTOR, open(others)), Error::<Test>::WrongLeaves);
		assert_ok!(act(EXECUTOR, open(leaves.to_vec())));
		assert_noop!(act(EXECUTOR, open(leaves.to_vec())), Error::<Test>::WrongStage);
	});
}

#[test]
fn nobody_reveals_what_it_has_not_committed_to() {
	market(12, || {
		drawn();
		play();
		let (_, due) = first_due(|due| matches!(due, Due::Open { .. }));
		let open = answer(EXECUTOR, due).expect("it opens");
		assert_ok!(act(EXECUTOR, open));
		let (member, due) = first_due(|due| matches!(due, Due::Reveal { .. }));
		let Some(Done::Reveal { case, panel, salt, .. }) = answer(member, due.clone()) else {
			panic!("it reveals");
		};
		let reveal = |salt, leaves: Option<Vec<[u8; 32]>>| {
			let leaves = leaves.map(|leaves| leaves.try_into().expect("they are few"));
			act(member, Done::Reveal { case, panel, salt, leaves })
		};
		assert_noop!(reveal([0; 32], None), Error::<Test>::WrongOpening);
		assert_noop!(reveal(salt, Some(vec![[0; 32]; 2])), Error::<Test>::WrongOpening);
		assert_noop!(reveal(salt, Some(vec![[0; 32]])), Error::<Test>::WrongLeaves);
		assert_ok!(reveal(salt, None));
		assert_noop!(reveal(salt, None), Error::<Test>::SaidBefore);
	});
}

#[test]
fn only_what_was_found_valid_is_challenged_from_outside() {
	market(12, || {
		let id = drawn();
		let challenge =
			|id, unit| Attestations::challenge(RuntimeOrigin::signed(WATCHTOWER), id, unit);
		assert_noop!(challenge(id, 0), Error::<Test>::NotChallengeable);
		assert_noop!(challenge(PartOfTask { part: 9, ..id }, 0), Error::<Test>::NoSuchCase);
	});
}
