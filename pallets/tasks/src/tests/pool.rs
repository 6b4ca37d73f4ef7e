//! Streams, batches and races.

use frame_support::{BoundedVec, assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_primitives::{
	Balance, OGPU,
	job::{BlobId, Profile},
	market::{
		price::share,
		spec::FewOperators,
		stream::{Batch, MAX_REQUESTS, StreamSpec, commitment},
		verification::Tier,
	},
	merkle::{Blake2, Hash},
};
use ogpu_traits::{Collateral, Duties, Verdict, Verdicts};

use crate::{
	Convictions, Done, Due, Ending, Error, Escrows, MAX_RACERS, Racers, Races, Records, Roots,
	Status, Streams, mock::*, race_lock, types::work_lock,
};

const STREAM: u64 = 0;
const DEPOSIT: Balance = 1_000 * OGPU;
const FALSE_ROOT: Hash = [8; 32];

pub(super) fn stream() -> StreamSpec {
	let task = spec();
	StreamSpec {
		source: task.job.source,
		reader: task.job.reader,
		profile: Profile::ExactInt,
		requirements: task.requirements,
		tier: Tier::Standard,
		few_operators: FewOperators::Refuse,
		reward: OGPU,
		racers: 2,
		work: 1_000,
		time: 20,
	}
}

pub(super) fn batch(requests: u32) -> Batch {
	Batch { hash: [1; 32], blob: BlobId([2; 32]), len: 1000, requests }
}

fn client() -> RuntimeOrigin {
	RuntimeOrigin::signed(CLIENT)
}

fn open() {
	assert_ok!(Tasks::open_stream(client(), stream(), DEPOSIT));
}

fn try_send(requests: u32) -> sp_runtime::DispatchResult {
	Tasks::send(client(), STREAM, BoundedVec::truncate_from(vec![batch(requests)]))
}

/// Sends a batch of 40 requests; its task.
fn send() -> u64 {
	let task = crate::NextTask::<Test>::get();
	assert_ok!(try_send(40));
	task
}

pub(super) fn try_race(task: u64, who: AccountId, root: Hash) -> sp_runtime::DispatchResult {
	let genesis = ogpu_traits::genesis::<Test>();
	let race = live(task).race;
	let commitment = commitment::<Blake2>(&genesis, task, race, &who, &root, &salt(who));
	act(who, Done::Race { task, commitment })
}

fn race(task: u64, who: AccountId, root: Hash) {
	assert_ok!(try_race(task, who, root));
}

pub(super) fn show(task: u64, who: AccountId, root: Hash) -> sp_runtime::DispatchResult {
	act(who, Done::Show { task, root, salt: salt(who) })
}

/// Has a race held between these, and ended.
fn hold_race(task: u64, racers: &[(AccountId, Hash)]) {
	for (who, root) in racers {
		race(task, *who, *root);
	}
	blocks(2);
	for (who, root) in racers {
		assert_ok!(show(task, *who, *root));
	}
	pass(task);
}

fn bonded(who: AccountId) -> Balance {
	pallet_trust_lock::Ledgers::<Test>::get(who).bonded()
}

#[test]
fn a_stream_is_opened_used_and_closed() {
	build_and_execute(|| {
		open();
		assert_eq!(Escrows::<Test>::get(CLIENT), DEPOSIT);
		let task = send();
		let quoted = Streams::<Test>::get(STREAM).expect("it is open");
		assert_eq!(quoted.live, 1);
		// Winner, one runner-up with a quarter, protocol fee, verification.
		let set_aside = DEPOSIT - quoted.balance;
		assert_eq!(set_aside, live(task).escrow.total());
		assert_eq!(live(task).reserve, 50 * OGPU);

		let before: Vec<_> = (1..=3).map(|who| Balances::balance(&who)).collect();
		hold_race(task, &[(1, ROOT), (2, ROOT), (3, ROOT)]);
		let winner = holder(task).expect("somebody has won");
		decide(Verdict::Valid, OGPU / 10);
		// What is right is paid: the winner, and as many others as the stream pays.
		assert_ok!(Tasks::acknowledge_delivery(client(), task));
		let mut earned: Vec<_> =
			(1..=3).zip(before).map(|(who, before)| Balances::balance(&who) - before).collect();
		assert_eq!(earned[winner as usize - 1], 40 * OGPU);
		earned.sort_unstable();
		assert_eq!(earned, [0, 10 * OGPU, 40 * OGPU]);
		// Losers are free at once, the winner when the window ends.
		assert_eq!(Racers::<Test>::iter_prefix(task).count(), 0);
		assert!(TrustLock::locked(&winner, work_lock(task, 0)) > 0);
		pass(task);
		assert_eq!(TrustLock::locked(&winner, work_lock(task, 0)), 0);
		assert_eq!(Records::<Test>::get(task).map(|record| record.ending), Some(Ending::Completed));

		// What was not needed is the stream's again, and the client's when it closes.
		let fee = share(50 * OGPU, 20_000);
		let left = DEPOSIT - 50 * OGPU - fee - OGPU / 10;
		assert_eq!(Streams::<Test>::get(STREAM).map(|stream| stream.balance), Some(left));
		assert_ok!(Tasks::top_up(client(), STREAM, OGPU));
		assert_ok!(Tasks::close_stream(client(), STREAM));
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT - DEPOSIT + left);
		assert_eq!((Escrows::<Test>::get(CLIENT), Streams::<Test>::iter().count()), (0, 0));
	});
}

#[test]
fn the_root_of_most_operators_is_looked_at_first() {
	build_and_execute(|| {
		open();
		let task = send();
		hold_race(task, &[(1, FALSE_ROOT), (2, ROOT), (3, ROOT)]);
		assert_eq!(Roots::<Test>::get(task, 0), Some((0, ROOT)));
		assert!([Some(2), Some(3)].contains(&holder(task)));
	});
}

#[test]
fn whoever_has_its_root_shown_alone_gains_nothing() {
	build_and_execute(|| {
		open();
		let mut won = 0;
		for race_of in 0..16 {
			let task = send();
			for who in [1, 2] {
				race(task, who, ROOT);
			}
			blocks(2);
			// The author of this block leaves out the other.
			assert_ok!(show(task, 2, ROOT));
			next_block();
			assert_ok!(show(task, 1, ROOT));
			Draw::set(Some([race_of; 32]));
			pass(task);
			won += u32::from(holder(task) == Some(2));
			decide(Verdict::Valid, 0);
			pass(task);
		}
		assert!((3..=13).contains(&won), "it has won {won} of 16 races");
	});
}

#[test]
fn the_next_root_is_verified_when_one_is_false() {
	build_and_execute(|| {
		open();
		let task = send();
		hold_race(task, &[(1, FALSE_ROOT), (2, FALSE_ROOT), (3, ROOT)]);
		let first = holder(task).expect("somebody has won");
		let other = 3 - first;
		let locked = Racers::<Test>::get(task, other).expect("it still races").lock;
		decide(Verdict::Fraud { unit: 0 }, 0);
		assert_eq!((bonded(other), TrustLock::locked(&other, race_lock(task, 0))), (BOND, locked));
		assert_eq!((holder(task), Roots::<Test>::get(task, 0)), (Some(3), Some((1, ROOT))));
		decide(Verdict::Valid, 0);
		pass(task);
		assert_eq!(Records::<Test>::get(task).map(|record| record.ending), Some(Ending::Completed));
		blocks(20);
		// Whoever came to the same false root loses as much.
		assert_eq!(bonded(other), BOND - locked);
		assert!(bonded(first) < BOND && bonded(3) == BOND);
	});
}

#[test]
fn whoever_verifies_is_drawn_by_the_blocks_after_the_last_seal() {
	build_and_execute(|| {
		open();
		let task = send();
		let sealed = System::block_number() as u32;
		race(task, 1, ROOT);
		next_block();
		race(task, 2, ROOT);
		next_block();
		for who in [1, 2] {
			assert_ok!(show(task, who, ROOT));
		}
		assert!(Pending::get().is_empty());
		// Everybody has shown: it goes on all the same once the time for that has passed.
		blocks(3);
		let (request, _) = Pending::get().remove(0);
		assert_eq!((request.bound_in, request.small), (Some(sealed + 1), true));
	});
}

#[test]
fn racers_that_came_to_the_same_are_acquitted_with_the_winner() {
	build_and_execute(|| {
		open();
		let task = send();
		hold_race(task, &[(1, ROOT), (2, ROOT), (3, FALSE_ROOT)]);
		let part = Pending::get()[0].0.part;
		let winner = holder(task).expect("somebody has won");
		decide(Verdict::Fraud { unit: 0 }, 0);
		assert_eq!(Pending::get()[0].0.bound_in, None);
		let before = Balances::balance(&winner);
		decide_part(part, Verdict::Overturned, 0);
		// The treasury pays what was not paid.
		assert_eq!(Balances::balance(&winner) - before, 40 * OGPU);
		blocks(20);
		assert_eq!((bonded(1), bonded(2)), (BOND, BOND));
		assert_eq!(TrustLock::free(&winner), TrustLock::free(&(3 - winner)));
	});
}

#[test]
fn a_batch_without_a_right_root_is_raced_for_again() {
	build_and_execute(|| {
		open();
		let task = send();
		hold_race(task, &[(1, FALSE_ROOT)]);
		decide(Verdict::Fraud { unit: 0 }, 0);
		assert!(matches!(live(task).status, Status::Open { .. }));
		// Not by whoever failed, and not with what was sealed before.
		assert_noop!(try_race(task, 1, ROOT), Error::<Test>::GroupBarred);
		hold_race(task, &[(2, ROOT)]);
		decide(Verdict::Valid, 0);
		pass(task);
		assert_eq!(Records::<Test>::get(task).map(|record| record.ending), Some(Ending::Completed));
	});
}

#[test]
fn whoever_does_not_show_pays_for_it() {
	build_and_execute(|| {
		open();
		let task = send();
		race(task, 1, ROOT);
		race(task, 2, ROOT);
		blocks(2);
		assert_ok!(show(task, 1, ROOT));
		pass(task);
		assert_eq!(bonded(2), BOND - share(50 * OGPU, 20_000));
		assert_eq!(TrustLock::locked(&2, race_lock(task, 0)), 0);
		assert_eq!((bonded(1), holder(task)), (BOND, Some(1)));
	});
}

#[test]
fn nobody_races_and_everything_comes_back() {
	build_and_execute(|| {
		open();
		let task = send();
		pass(task);
		assert_eq!(
			Records::<Test>::get(task).map(|record| record.ending),
			Some(Ending::NoProvider)
		);
		assert_eq!(Streams::<Test>::get(STREAM).map(|s| (s.balance, s.live)), Some((DEPOSIT, 0)));
		assert_eq!(Races::<Test>::iter().count(), 0);
	});
}

#[test]
fn front_running_a_pool_win() {
	build_and_execute(|| {
		open();
		let task = send();
		race(task, 1, ROOT);
		blocks(2);
		assert_ok!(show(task, 1, ROOT));
		// Whoever sees the root now is too late to seal it, and what it would show was never sealed.
		assert_noop!(try_race(task, 2, ROOT), Error::<Test>::WrongStatus);
		assert_noop!(show(task, 2, ROOT), Error::<Test>::NotRacing);
		pass(task);
		assert_eq!(holder(task), Some(1));
	});
}

#[test]
fn a_batch_that_is_raced_for_cannot_be_cancelled() {
	build_and_execute(|| {
		open();
		let (open_batch, raced) = (send(), send());
		race(raced, 1, ROOT);
		assert_ok!(Tasks::cancel(client(), open_batch));
		assert_noop!(Tasks::cancel(client(), raced), Error::<Test>::TooLate);
	});
}

#[test]
fn streams_are_refused_with_a_reason() {
	build_and_execute(|| {
		let wrong = StreamSpec { racers: 9, ..stream() };
		assert_noop!(Tasks::open_stream(client(), wrong, DEPOSIT), Error::<Test>::RacerCount);
		assert_noop!(try_send(40), Error::<Test>::NoSuchStream);
		open();
		let other = RuntimeOrigin::signed(OTHER_CLIENT);
		assert_noop!(Tasks::top_up(other, STREAM, 1), Error::<Test>::NotClient);
		assert_noop!(try_send(0), Error::<Test>::Requests);
		assert_noop!(try_send(MAX_REQUESTS + 1), Error::<Test>::Requests);
		assert_noop!(try_send(MAX_REQUESTS), Error::<Test>::StreamTooPoor);
		assert_ok!(Tasks::pause_stream(client(), STREAM, true));
		assert_noop!(try_send(40), Error::<Test>::StreamPaused);
		assert_ok!(Tasks::pause_stream(client(), STREAM, false));
		send();
		assert_noop!(Tasks::close_stream(client(), STREAM), Error::<Test>::StreamBusy);
	});
}

#[test]
fn racers_are_refused_with_a_reason() {
	build_and_execute(|| {
		open();
		let task = send();
		race(task, 1, ROOT);
		assert_noop!(try_race(task, 1, ROOT), Error::<Test>::OneRacerPerGroup);
		assert_noop!(try_race(task, 99, ROOT), Error::<Test>::NotRegistered);
		assert_noop!(show(task, 1, ROOT), Error::<Test>::WrongStatus);
		blocks(2);
		assert_noop!(show(task, 1, FALSE_ROOT), Error::<Test>::WrongOpening);
		assert_ok!(show(task, 1, ROOT));
		assert_noop!(show(task, 1, ROOT), Error::<Test>::NotRacing);
		let full = send();
		for who in 0..u64::from(MAX_RACERS) {
			let racer = Racers::<Test>::get(task, 1).expect("it races");
			let group = 1_000 + who as u32;
			Racers::<Test>::insert(full, 1_000 + who, crate::Racer { group, lock: 0, ..racer });
		}
		assert_noop!(try_race(full, 2, ROOT), Error::<Test>::TooManyRacers);
		let _ = Racers::<Test>::clear_prefix(full, 100, None);
	});
}

#[test]
fn hooks_see_what_they_can_race_for_and_have_to_show() {
	build_and_execute(|| {
		open();
		let task = send();
		let due = |who| <Tasks as Duties<AccountId>>::due(&who, 10);
		let prize = 40 * OGPU;
		assert!(
			matches!(due(1)[..], [Due::Race { task: of, prize: p, .. }] if of == task && p == prize)
		);
		race(task, 1, ROOT);
		assert_eq!(due(1), []);
		assert_eq!(due(2).len(), 1);
		blocks(2);
		assert!(matches!(due(1)[..], [Due::Show { task: of, .. }] if of == task));
		assert_eq!(due(2), []);
		let done = Done::Show { task, root: ROOT, salt: salt(1) };
		assert!(Tasks::is_live(&1, &done) && !Tasks::is_live(&2, &done));
	});
}

#[test]
fn fraud_after_delivery_makes_the_client_whole() {
	build_and_execute(|| {
		open();
		let task = send();
		// Somebody is paid for the same result, and let go.
		hold_race(task, &[(1, ROOT), (2, ROOT)]);
		decide(Verdict::Valid, OGPU / 10);
		let part = ogpu_traits::PartOfTask { task, attempt: 0, part: 0 };
		let paid = 50 * OGPU + share(50 * OGPU, 20_000) + OGPU / 10;
		let owed = live(task).owed;
		assert_eq!(owed, 4 * OGPU);
		decide_part(part, Verdict::Fraud { unit: 3 }, 0);
		assert_eq!(Convictions::<Test>::get((task, 0)).map(|it| it.damage), Some(paid - owed));
		assert_eq!(Records::<Test>::get(task).map(|record| record.ending), Some(Ending::Fraud));
		blocks(20);
		assert_ok!(Tasks::close_stream(client(), STREAM));
		assert!(Balances::balance(&CLIENT) >= ENDOWMENT);
		// A verdict about what is over changes nothing.
		Tasks::decided(part, ogpu_traits::Decision::bare(Verdict::Valid));
	});
}
