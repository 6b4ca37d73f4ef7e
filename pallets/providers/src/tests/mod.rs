//! Providers, by topic.

mod registry;
mod seats;

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_primitives::{OGPU, market::Features};
use ogpu_traits::{Duties, Registry, SeatTable, Unmet};
use sp_core::Pair;
use sp_runtime::DispatchError::BadOrigin;

use crate::{
	Device, Error, Event, Groups, HeartbeatDone, HeartbeatDue, Providers as Table, Status, Workers,
	mock::*,
};

#[docify::export]
#[test]
fn a_provider_comes_works_and_goes() {
	build_and_execute(|| {
		// It registers with its devices and a worker key that knows the account, and bonds collateral.
		let provider = RuntimeOrigin::signed(1);
		assert_ok!(Providers::register(provider.clone(), profile(1), proof(1, 1)));
		assert_ok!(TrustLock::bond(provider.clone(), 100 * OGPU));

		// It asks for two seats, which it has in the session after the next.
		assert_ok!(Providers::set_seats(provider.clone(), 2));
		session(1);
		assert_eq!(Providers::seats(), 0);
		session(2);
		assert_eq!(Providers::seats(), 2);

		// As long as its heartbeats come, it gets work and can be drawn.
		heartbeat(1);
		assert!(Providers::meets(&1, &anything()).is_ok());
		session(5);
		assert_eq!(Providers::meets(&1, &anything()), Err(Unmet::Inactive));
		heartbeat(1);

		// It leaves: first the seats, then the deposit.
		assert_ok!(Providers::retire(provider.clone()));
		assert!(Providers::deregister(provider.clone()).is_err());
		session(7);
		assert_ok!(Providers::deregister(provider));
		assert_eq!(Balances::balance(&1), ENDOWMENT - 100 * OGPU);
	});
}

#[test]
fn profiles_are_checked() {
	build_and_execute(|| {
		let try_with = |change: fn(&mut crate::Profile), error: Error<Test>| {
			let mut wrong = profile(1);
			change(&mut wrong);
			let proof = proof(1, 1);
			assert_noop!(Providers::register(RuntimeOrigin::signed(1), wrong, proof), error);
		};
		try_with(|profile| profile.devices.clear(), Error::NoDevice);
		try_with(|profile| profile.devices[0].memory = 41, Error::BadDevice);
		try_with(|profile| profile.devices[0].features = Features(1 << 30), Error::BadDevice);
		try_with(
			|profile| profile.devices[0].name = vec![0xFF].try_into().expect("it is short"),
			Error::BadDevice,
		);
		try_with(
			|profile| profile.devices.try_push(device(1, 20)).expect("there is room"),
			Error::DeviceTwice,
		);
		try_with(|profile| profile.endpoint.addresses.clear(), Error::Unreachable);
		try_with(|profile| profile.worker = [9; 32], Error::BadProof);
	});
}

#[test]
fn worker_keys_prove_that_they_know_the_account() {
	build_and_execute(|| {
		let origin = RuntimeOrigin::signed(1);
		// Another account's proof, another key's.
		for wrong in [proof(1, 2), proof(2, 1)] {
			assert_noop!(
				Providers::register(origin.clone(), profile(1), wrong),
				Error::<Test>::BadProof
			);
		}
		register(1);
		assert_noop!(
			Providers::register(origin, profile(1), proof(1, 1)),
			Error::<Test>::AlreadyRegistered
		);
		assert_noop!(
			Providers::register(RuntimeOrigin::signed(2), profile(1), proof(1, 2)),
			Error::<Test>::WorkerKeyTaken
		);
		assert_eq!(Balances::balance(&1), ENDOWMENT - DEPOSIT);
	});
}

#[test]
fn profiles_can_be_changed() {
	build_and_execute(|| {
		register(1);
		let origin = RuntimeOrigin::signed(1);
		assert_noop!(
			Providers::update(RuntimeOrigin::signed(2), profile(2), None),
			Error::<Test>::NotRegistered
		);
		assert_ok!(Providers::set_rating(&1, 20_000));
		let mut moved = profile(1);
		moved.region = 40;
		assert_ok!(Providers::update(origin.clone(), moved.clone(), None));
		System::assert_last_event(Event::Updated { provider: 1, rating_lost: false }.into());
		// Another driver is another device.
		moved.devices[0].fingerprint = [77; 32];
		assert_ok!(Providers::update(origin.clone(), moved.clone(), None));
		System::assert_last_event(Event::Updated { provider: 1, rating_lost: true }.into());
		assert_eq!(Table::<Test>::get(1).map(|provider| provider.rating), Some(0));
		// What was measured may be what is missing.
		let mut two = moved.clone();
		let other = Device { fingerprint: [78; 32], ..two.devices[0].clone() };
		two.devices.try_push(other).expect("there may be two");
		assert_ok!(Providers::update(origin.clone(), two, None));
		assert_ok!(Providers::set_rating(&1, 20_000));
		assert_ok!(Providers::update(origin.clone(), moved.clone(), None));
		System::assert_last_event(Event::Updated { provider: 1, rating_lost: true }.into());
		// Another key needs its proof.
		moved.worker = worker(5).public().0;
		assert_noop!(
			Providers::update(origin.clone(), moved.clone(), None),
			Error::<Test>::BadProof
		);
		assert_ok!(Providers::update(origin, moved, Some(proof(5, 1))));
		assert_eq!(Workers::<Test>::get(worker(5).public().0), Some(1));
		assert_eq!(Workers::<Test>::get(worker(1).public().0), None);
	});
}

#[test]
fn leaving_has_an_order() {
	build_and_execute(|| {
		let origin = RuntimeOrigin::signed(1);
		assert_noop!(Providers::retire(origin.clone()), Error::<Test>::NotRegistered);
		register_bonded(1);
		assert_noop!(Providers::resume(origin.clone()), Error::<Test>::NotRetiring);
		assert_noop!(Providers::deregister(origin.clone()), Error::<Test>::NotRetiring);
		assert_ok!(Providers::retire(origin.clone()));
		assert_noop!(Providers::retire(origin.clone()), Error::<Test>::Retiring);
		assert_noop!(Providers::set_seats(origin.clone(), 1), Error::<Test>::Retiring);
		assert_eq!(Providers::meets(&1, &anything()), Err(Unmet::Retiring));
		assert_ok!(Providers::resume(origin.clone()));
		Providers::occupy(&1, true);
		assert_ok!(Providers::retire(origin.clone()));
		assert_noop!(Providers::deregister(origin.clone()), Error::<Test>::Busy);
		Providers::occupy(&1, false);
		Providers::engage(&1, true);
		assert_noop!(Providers::deregister(origin.clone()), Error::<Test>::Busy);
		Providers::engage(&1, false);
		assert_ok!(Providers::deregister(origin));
		assert!(Table::<Test>::get(1).is_none() && Groups::<Test>::iter().count() == 0);
	});
}

#[test]
fn governance_can_suspend() {
	build_and_execute(|| {
		register_bonded(1);
		let root = RuntimeOrigin::root();
		assert_noop!(Providers::suspend(RuntimeOrigin::signed(1), 1), BadOrigin);
		assert_noop!(Providers::reinstate(RuntimeOrigin::signed(1), 1), BadOrigin);
		assert_noop!(Providers::suspend(root.clone(), 2), Error::<Test>::NotRegistered);
		assert_noop!(Providers::reinstate(root.clone(), 1), Error::<Test>::NotSuspended);
		assert_ok!(Providers::suspend(root.clone(), 1));
		assert_noop!(Providers::suspend(root.clone(), 1), Error::<Test>::Suspended);
		assert_eq!(Providers::meets(&1, &anything()), Err(Unmet::Suspended));
		assert_noop!(Providers::set_seats(RuntimeOrigin::signed(1), 1), Error::<Test>::Suspended);
		assert_ok!(Providers::reinstate(root, 1));
		assert_eq!(Table::<Test>::get(1).map(|provider| provider.status), Some(Status::Open));
	});
}

#[test]
fn nobody_is_tied_to_a_strangers_fate() {
	build_and_execute(|| {
		for who in 1..=3 {
			register(who);
		}
		let group = |who| Providers::group(&who).expect("it is registered");
		let first = group(1);
		assert_noop!(Providers::join(RuntimeOrigin::signed(2), first), Error::<Test>::NotInvited);
		assert_ok!(Providers::invite(RuntimeOrigin::signed(1), 2));
		// Another's invitation does not lead it astray.
		assert_ok!(Providers::invite(RuntimeOrigin::signed(3), 2));
		assert_ok!(Providers::join(RuntimeOrigin::signed(2), first));
		assert_eq!(group(2), group(1));
		assert_noop!(Providers::leave(RuntimeOrigin::signed(1)), Error::<Test>::SameGroup);
		assert_ok!(Providers::leave(RuntimeOrigin::signed(2)));
		assert_ne!(group(2), group(1));
		assert_ok!(Providers::invite(RuntimeOrigin::signed(1), 2));
		assert_ok!(Providers::join(RuntimeOrigin::signed(2), first));
		assert_eq!(group(2), group(1));
		// Only the leader invites, and only others.
		assert_noop!(Providers::invite(RuntimeOrigin::signed(2), 3), Error::<Test>::NotLeader);
		assert_noop!(Providers::invite(RuntimeOrigin::signed(1), 2), Error::<Test>::SameGroup);
		// Governance can find that two are one.
		let target = group(1);
		assert_noop!(Providers::merge(RuntimeOrigin::signed(3), 3, target), BadOrigin);
		assert_noop!(Providers::merge(RuntimeOrigin::root(), 3, 99), Error::<Test>::NoSuchGroup);
		assert_ok!(Providers::merge(RuntimeOrigin::root(), 3, target));
		assert_noop!(Providers::merge(RuntimeOrigin::root(), 3, target), Error::<Test>::SameGroup);
		assert_eq!(Groups::<Test>::get(target).map(|group| group.members), Some(3));
		// The leader goes, the group stays.
		assert_ok!(Providers::retire(RuntimeOrigin::signed(1)));
		assert_ok!(Providers::deregister(RuntimeOrigin::signed(1)));
		assert_eq!(Groups::<Test>::get(target).map(|group| group.leader), Some(None));
		assert_noop!(Providers::invite(RuntimeOrigin::signed(2), 3), Error::<Test>::NotLeader);
	});
}

#[test]
fn stashes_are_linked_when_both_want_it() {
	build_and_execute(|| {
		register(1);
		register(2);
		let link = |stash, provider| Providers::link_stash(RuntimeOrigin::signed(stash), provider);
		let accept = |who, stash| Providers::accept_stash(RuntimeOrigin::signed(who), stash);
		assert_noop!(link(STASH, 9), Error::<Test>::NotRegistered);
		assert_ok!(link(STASH, 1));
		// An offer binds nobody; it is for one provider, and for one stash.
		assert_eq!(Providers::group_of_stash(&STASH), None);
		assert_noop!(accept(2, STASH), Error::<Test>::NotOffered);
		assert_ok!(accept(1, STASH));
		assert_eq!(Providers::group_of_stash(&STASH), Providers::group(&1));
		assert_noop!(link(STASH, 2), Error::<Test>::AlreadyLinked);
		assert_ok!(link(3, 1));
		assert_noop!(accept(1, 3), Error::<Test>::AlreadyLinked);
		assert_ok!(Providers::unlink_stash(RuntimeOrigin::signed(3), 1));
		assert_eq!(Providers::group_of_stash(&STASH), Providers::group(&1));
		assert_noop!(
			Providers::unlink_stash(RuntimeOrigin::signed(2), 1),
			Error::<Test>::NotLinked
		);
		assert_ok!(Providers::unlink_stash(RuntimeOrigin::signed(1), 1));
		assert_eq!(Providers::group_of_stash(&STASH), None);
		assert_noop!(
			Providers::unlink_stash(RuntimeOrigin::signed(1), 1),
			Error::<Test>::NotLinked
		);
		// What was taken back cannot be accepted later.
		assert_noop!(accept(1, 3), Error::<Test>::NotOffered);
	});
}

#[test]
fn heartbeats_count_once_a_session() {
	build_and_execute(|| {
		register(1);
		let due = || <Providers as Duties<u64>>::due(&1, 10);
		assert_eq!(due(), []);
		session(1);
		assert_eq!(due(), [HeartbeatDue { session: 1 }]);
		let beat = |session| HeartbeatDone { session, load: 0, free_memory: 30 };
		let perform = |session| <Providers as Duties<u64>>::perform(&1, beat(session));
		let live = |session| <Providers as Duties<u64>>::is_live(&1, &beat(session));
		assert!(live(1) && !live(0) && !live(2));
		assert_noop!(perform(2), Error::<Test>::WrongSession);
		assert_ok!(perform(1));
		assert_noop!(perform(1), Error::<Test>::WrongSession);
		assert!(!live(1) && due().is_empty());
		assert_eq!(<Providers as Duties<u64>>::due(&2, 10), []);
		assert_noop!(
			<Providers as Duties<u64>>::perform(&2, beat(1)),
			Error::<Test>::NotRegistered
		);
		session(2);
		assert_ok!(Providers::heartbeat(RuntimeOrigin::signed(1), beat(2)));
		// Missed ones are held against it, and it is back at once.
		session(6);
		assert_eq!(Providers::meets(&1, &anything()), Err(Unmet::Inactive));
		assert_ok!(perform(6));
		assert!(Providers::meets(&1, &anything()).is_ok());
		let uptime = Table::<Test>::get(1).expect("it is registered").reputation.uptime;
		assert!(uptime.good < uptime.all);
	});
}
