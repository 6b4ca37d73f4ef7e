//! Who wins, what it is paid, and who takes over.

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_primitives::{OGPU, market::price::share};
use ogpu_traits::{Collateral, Duties, LockId, Purpose};

use crate::{
	Bids, Concerns, Done, Due, Ending, Error, Event, Records, Status,
	mock::*,
	types::{bid_lock, work_lock},
};

#[test]
fn bids_that_are_not_opened_lose_their_bond() {
	build_and_execute(|| {
		let task = submit(spec());
		assert_ok!(bid(task, 1, 40 * OGPU));
		assert_ok!(bid(task, 2, 30 * OGPU));
		let bond = share(100 * OGPU, 20_000);
		assert_eq!(TrustLock::locked(&2, bid_lock(task)), bond);
		pass(task);
		assert_ok!(reveal(task, 1, 40 * OGPU));
		assert_eq!(TrustLock::locked(&1, bid_lock(task)), 0);
		let before = Balances::balance(&TREASURY);
		pass(task);
		assert_eq!(holder(task), Some(1));
		assert_eq!(Balances::balance(&TREASURY) - before, bond);
		assert_eq!(TrustLock::locked(&2, bid_lock(task)), 0);
		assert_eq!(Bids::<Test>::iter().count(), 0);
		assert!(!Concerns::<Test>::contains_key(2, task));
	});
}

#[test]
fn a_node_seals_no_more_bids_than_it_can_open() {
	build_and_execute(|| {
		// It does two things in a block, and has so many blocks to open bids.
		let most = <Test as crate::Config>::Windows::get().reveal.get();
		let tasks: Vec<_> = (0..=2 * most).map(|_| submit(spec())).collect();
		let may_bid = |who| {
			let due = <Tasks as Duties<AccountId>>::due(&who, 2);
			let tasks = due.into_iter().filter_map(|due| match due {
				Due::Bid { task, .. } => Some(task),
				_ => None,
			});
			tasks.collect::<Vec<_>>()
		};
		for _ in 0..most {
			assert_ok!(bid(may_bid(1)[0], 1, 40 * OGPU));
		}
		assert!(may_bid(1).is_empty());
		// Another bids for what nobody has bid for.
		for _ in 0..most {
			assert_ok!(bid(may_bid(2)[0], 2, 40 * OGPU));
		}
		let bids =
			|who| tasks.iter().filter(|task| Bids::<Test>::contains_key(**task, who)).count();
		assert_eq!([bids(1), bids(2)], [most as usize; 2]);
		assert!(tasks.iter().all(|task| Bids::<Test>::iter_prefix(task).count() <= 1));
		// What is opened makes room.
		pass(tasks[0]);
		let next = submit(spec());
		assert!(may_bid(1).is_empty());
		for task in tasks.iter().filter(|task| Bids::<Test>::contains_key(**task, 1)) {
			assert_ok!(reveal(*task, 1, 40 * OGPU));
		}
		assert_eq!(may_bid(1), [next]);
	});
}

#[test]
fn without_bids_everything_comes_back() {
	build_and_execute(|| {
		let task = submit(spec());
		assert!(Balances::balance(&CLIENT) < ENDOWMENT - 100 * OGPU);
		pass(task);
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT);
		let ending = Records::<Test>::get(task).map(|record| record.ending);
		assert_eq!(ending, Some(Ending::NoProvider));
	});
}

#[test]
fn bids_above_the_reserve_are_void() {
	build_and_execute(|| {
		let task = submit(spec());
		let winner = auction(task, &[(1, 100 * OGPU + 1), (2, 100 * OGPU)]);
		assert_eq!(winner, Some(2));
		// The void bid is no second score, and costs its bond: it could have kept others out.
		assert_eq!(TrustLock::free(&1), BOND - 10 * OGPU - share(100 * OGPU, 20_000));
		let price = live(task).status.assignment().map(|by| by.price);
		assert_eq!(price, Some(100 * OGPU));
	});
}

#[test]
fn ties_are_decided_by_the_draw() {
	let winner = |draw: [u8; 32], order: [u64; 3]| {
		let mut winner = None;
		build_and_execute(|| {
			Draw::set(Some(draw));
			let task = submit(spec());
			winner = auction(task, &order.map(|who| (who, 50 * OGPU)));
		});
		winner
	};
	// Not by who comes first.
	let mut winners = std::collections::BTreeSet::new();
	for draw in 0..16 {
		let found = winner([draw; 32], [1, 2, 3]);
		assert_eq!(found, winner([draw; 32], [3, 2, 1]));
		winners.insert(found);
	}
	assert_eq!(winners.len(), 3);
}

#[test]
fn the_best_four_are_kept() {
	build_and_execute(|| {
		let task = submit(spec());
		let bids: Vec<_> = (1..=7).map(|who| (who, u128::from(who) * 10 * OGPU)).collect();
		assert_eq!(auction(task, &bids), Some(1));
		let kept: Vec<_> = live(task).bids.iter().map(|bid| bid.provider).collect();
		assert_eq!(kept, [2, 3, 4]);
		// Losers have nothing to claim, and nothing that binds them.
		for who in 5..=7 {
			assert!(!Concerns::<Test>::contains_key(who, task));
			assert_eq!(TrustLock::locked(&who, LockId::new(Purpose::Bid, task)), 0);
		}
	});
}

#[test]
fn the_next_best_takes_over_by_the_same_rule() {
	build_and_execute(|| {
		let task = submit(spec());
		let bids = [(1, 40 * OGPU), (2, 50 * OGPU), (3, 70 * OGPU)];
		assert_eq!(auction(task, &bids), Some(1));
		assert_eq!(live(task).status.assignment().map(|by| by.price), Some(50 * OGPU));
		// Declining costs nothing.
		let bond = TrustLock::free(&1);
		let lock = TrustLock::locked(&1, work_lock(task, 0));
		assert_ok!(act(1, Done::Decline { task, attempt: 0 }));
		assert_eq!(TrustLock::free(&1), bond + lock);
		assert_eq!(holder(task), Some(2));
		assert_eq!(live(task).status.assignment().map(|by| by.price), Some(70 * OGPU));
		// Nobody is left to compare the last one with.
		assert_ok!(act(2, Done::Decline { task, attempt: 0 }));
		assert_eq!(live(task).status.assignment().map(|by| by.price), Some(100 * OGPU));
		assert_ok!(act(3, Done::Decline { task, attempt: 0 }));
		let ending = Records::<Test>::get(task).map(|record| record.ending);
		assert_eq!(ending, Some(Ending::NoProvider));
	});
}

#[test]
fn whoever_misses_a_deadline_pays_what_the_successor_costs_more() {
	build_and_execute(|| {
		let task = submit(spec());
		let bids = [(1, 40 * OGPU), (2, 50 * OGPU), (3, 70 * OGPU)];
		auction(task, &bids);
		acknowledge(task);
		let (client, treasury) = (Balances::balance(&CLIENT), Balances::balance(&TREASURY));
		pass(task);
		// It was paid 50, the successor is paid 70: the client gets the difference, the treasury a tenth of the reserve.
		assert_eq!(Balances::balance(&CLIENT) - client, 20 * OGPU);
		assert_eq!(Balances::balance(&TREASURY) - treasury, 10 * OGPU);
		assert_eq!(holder(task), Some(2));
		assert_eq!(live(task).attempt, 1);
		let provider = pallet_providers::Providers::<Test>::get(1).expect("it is registered");
		assert_eq!(provider.occupation.tasks, 0);
		assert!(provider.reputation.timeliness.thousandths() < 500);
		// Its operator may not bid for this task again, and it works for nobody.
		assert!(live(task).barred.contains(&provider.group));
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
	});
}

#[test]
fn silence_after_winning_is_a_miss() {
	build_and_execute(|| {
		let task = submit(spec());
		auction(task, &[(1, 40 * OGPU), (2, 50 * OGPU)]);
		pass(task);
		assert_eq!(holder(task), Some(2));
		System::assert_has_event(Event::Missed { task, provider: 1, penalty: 10 * OGPU }.into());
	});
}

#[test]
fn rings_of_bidders_that_default_in_turn_pay_each_time_though_they_asked_for_nothing() {
	build_and_execute(|| {
		let task = submit(spec());
		auction(task, &[(1, 0), (2, 0), (3, 0)]);
		let before = Balances::balance(&TREASURY);
		for count in 1..=3 {
			acknowledge(task);
			pass(task);
			assert_eq!(Balances::balance(&TREASURY) - before, count * 10 * OGPU);
		}
		assert_eq!(live(task).barred.len(), 3);
	});
}

#[test]
fn another_auction_is_held_until_attempts_run_out() {
	build_and_execute(|| {
		let task = submit(spec());
		for (attempt, who) in (1..=4).enumerate() {
			assert_eq!(auction(task, &[(who, 40 * OGPU)]), Some(who), "{attempt}");
			assert_eq!(usize::from(live(task).attempt), attempt);
			acknowledge(task);
			if attempt > 0 {
				assert_noop!(bid(task, 1, OGPU), Error::<Test>::WrongStatus);
			}
			pass(task);
			if attempt < 3 {
				assert!(matches!(live(task).status, Status::Bidding { .. }));
				assert_noop!(bid(task, who, OGPU), Error::<Test>::GroupBarred);
			}
		}
		let ending = Records::<Test>::get(task).map(|record| record.ending);
		assert_eq!(ending, Some(Ending::NoProvider));
	});
}

#[test]
fn who_cannot_lock_enough_is_passed_over() {
	build_and_execute(|| {
		let task = submit(spec());
		assert_ok!(bid(task, 1, 40 * OGPU));
		assert_ok!(bid(task, 2, 50 * OGPU));
		pass(task);
		for (who, price) in [(1, 40), (2, 50)] {
			assert_ok!(reveal(task, who, price * OGPU));
		}
		let free = TrustLock::free(&1);
		assert_ok!(TrustLock::unbond(RuntimeOrigin::signed(1), free - OGPU));
		pass(task);
		assert_eq!(holder(task), Some(2));
		System::assert_has_event(Event::PassedOver { task, provider: 1, unmet: None }.into());
	});
}

#[test]
fn who_may_not_any_more_is_passed_over() {
	build_and_execute(|| {
		let task = submit(spec());
		for who in [1, 2] {
			assert_ok!(bid(task, who, u128::from(who) * OGPU));
		}
		pass(task);
		for who in [1, 2] {
			assert_ok!(reveal(task, who, u128::from(who) * OGPU));
			assert_ok!(Providers::retire(RuntimeOrigin::signed(who)));
		}
		pass(task);
		let ending = Records::<Test>::get(task).map(|record| record.ending);
		assert_eq!(ending, Some(Ending::NoProvider));
	});
}
