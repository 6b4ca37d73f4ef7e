//! Every refusal, by what brings it about. (Those of specifications are tested with them; here they have to
//! arrive as errors of the call.)

use frame_support::{assert_err, assert_noop, assert_ok};
use ogpu_primitives::{
	OGPU,
	job::{MAX_UNITS, Profile},
	market::{
		Features,
		spec::{MAX_JOB_LEN, MAX_PARTS, MAX_PRICE, MAX_WORK, TaskSpec},
		verification::{Shape, Tier},
	},
	ranged::Ranged32,
};
use ogpu_traits::Claim;

use crate::{Done, Error, MAX_BIDS, Tasks as Live, mock::*};

#[test]
fn wrong_specifications_are_refused_with_a_reason() {
	type Change = fn(&mut TaskSpec);
	let cases: [(Error<Test>, Change); 17] = [
		(Error::JobLength, |spec| spec.job.len = MAX_JOB_LEN + 1),
		(Error::SourceUnreachable, |spec| spec.job.source.addresses.clear()),
		(Error::Units, |spec| spec.units = MAX_UNITS + 1),
		(Error::Parts, |spec| spec.parts = MAX_PARTS + 1),
		(Error::PartTooSmall, |spec| spec.units = 19),
		(Error::PartTooLarge, |spec| {
			spec.shape = Shape::Iterative;
			spec.units = 769;
		}),
		(Error::LightAskedFor, |spec| spec.tier = Tier::Light),
		(Error::Work, |spec| spec.work = MAX_WORK + 1),
		(Error::Memory, |spec| spec.requirements.memory = 41),
		(Error::UnknownFeature, |spec| spec.requirements.features = Features(1 << 31)),
		(Error::Reputation, |spec| spec.requirements.reputation = 1001),
		(Error::Price, |spec| spec.max_price = Some(MAX_PRICE + 1)),
		(Error::Price, |spec| spec.max_price = Some(1)),
		(Error::Time, |spec| spec.time = 0),
		(Error::RedundantUnits, |spec| spec.profile = Profile::Redundant),
		(Error::TooFewOperators, |spec| spec.requirements.memory = 39),
		(Error::CannotBeSecured, |spec| {
			// One false state of 768 is hardly ever found when nearly all collude.
			spec.shape = Shape::Iterative;
			spec.units = 768;
		}),
	];
	build_and_execute(|| {
		for (error, change) in cases {
			let mut wrong = spec();
			change(&mut wrong);
			if matches!(error, Error::CannotBeSecured) {
				MarketSecurity::mutate(|security| {
					security.colluding = Ranged32::new(500);
					security.safety = Ranged32::new(1_000);
					security.least_operators = Ranged32::new(1);
				});
				// And only one operator can be drawn.
				wrong.requirements.region = None;
				for who in 2..=PROVIDERS {
					assert_ok!(Providers::retire(RuntimeOrigin::signed(who)));
				}
				session(3);
				session(4);
				next_block();
			}
			let refused = Tasks::submit(RuntimeOrigin::signed(CLIENT), wrong, u128::MAX);
			assert_eq!(refused, Err(error.into()));
		}
	});
}

#[test]
fn clients_pay_no_more_than_they_said() {
	build_and_execute(|| {
		let quote = Tasks::quote(spec()).expect("a quote");
		let client = RuntimeOrigin::signed(CLIENT);
		assert_noop!(
			Tasks::submit(client.clone(), spec(), quote.most() - 1),
			Error::<Test>::QuoteTooHigh
		);
		assert_ok!(Tasks::submit(client, spec(), quote.most()));
		// The view tells all that is wrong at once.
		let wrong = TaskSpec { units: 0, time: 0, ..spec() };
		let (faults, _) = Tasks::quote(wrong).expect_err("much is wrong");
		assert_eq!(faults.len(), 3);
		// Whoever cannot pay has nothing on hold afterwards.
		let poor = RuntimeOrigin::signed(999);
		let refused = pallet_trust_lock::Error::<Test>::NotEnoughTokens;
		assert_err!(Tasks::submit(poor, spec(), u128::MAX), refused);
		assert_eq!(crate::Escrows::<Test>::get(999), 0);
	});
}

/// Tokens that vest, or are locked by a vote, could be paid to oneself by another name.
#[test]
fn frozen_tokens_pay_for_nothing() {
	use frame_support::traits::{LockableCurrency, WithdrawReasons};
	build_and_execute(|| {
		Balances::set_lock(*b"vote    ", &CLIENT, ENDOWMENT - OGPU, WithdrawReasons::all());
		let client = RuntimeOrigin::signed(CLIENT);
		assert_err!(Tasks::submit(client, spec(), u128::MAX), Error::<Test>::NotEnoughTokens);
		assert_eq!(crate::Escrows::<Test>::get(CLIENT), 0);
	});
}

/// One account, one bond, many bids: by leaving and coming back as another operator.
#[test]
fn nobody_bids_twice_by_another_name() {
	build_and_execute(|| {
		let task = submit(spec());
		assert_ok!(bid(task, 1, OGPU));
		let origin = RuntimeOrigin::signed(1);
		assert_ok!(Providers::set_seats(origin.clone(), 0));
		session(3);
		session(4);
		assert_ok!(Providers::retire(origin.clone()));
		assert!(Providers::deregister(origin.clone()).is_err());
		assert_ok!(Providers::resume(origin.clone()));
		assert_ok!(Providers::invite(RuntimeOrigin::signed(2), 1));
		let group = <Providers as ogpu_traits::Registry<u64>>::group(&2).expect("registered");
		assert_ok!(Providers::join(origin, group));
		assert_noop!(bid(task, 1, 2 * OGPU), Error::<Test>::OneBidPerGroup);
		// And a bid survives a change of operator.
		pass(task);
		assert_ok!(reveal(task, 1, OGPU));
	});
}

#[test]
fn what_is_not_theirs_is_refused() {
	build_and_execute(|| {
		let other = RuntimeOrigin::signed(OTHER_CLIENT);
		assert_noop!(Tasks::cancel(other.clone(), 7), Error::<Test>::NoSuchTask);
		let task = submit(spec());
		assert_noop!(Tasks::cancel(other.clone(), task), Error::<Test>::NotClient);
		assert_noop!(Tasks::acknowledge_delivery(other, task), Error::<Test>::NotClient);
		let client = RuntimeOrigin::signed(CLIENT);
		assert_noop!(Tasks::acknowledge_delivery(client, task), Error::<Test>::WrongStatus);
		auction(task, &[(1, OGPU), (2, 2 * OGPU)]);
		let acknowledge = |attempt| Done::Acknowledge { task, attempt };
		assert_noop!(act(2, acknowledge(0)), Error::<Test>::NotAssigned);
		assert_noop!(act(1, acknowledge(1)), Error::<Test>::Stale);
		let root = |attempt, part| Done::Root { task, attempt, part, root: ROOT };
		assert_noop!(act(1, root(0, 0)), Error::<Test>::WrongStatus);
		assert_ok!(act(1, acknowledge(0)));
		assert_noop!(act(1, acknowledge(0)), Error::<Test>::WrongStatus);
		assert_noop!(act(1, Done::Decline { task, attempt: 0 }), Error::<Test>::WrongStatus);
		assert_noop!(act(1, root(0, 1)), Error::<Test>::Stale);
		assert_ok!(act(1, root(0, 0)));
		let claim = Done::Claim { task, attempt: 0, claim: Claim::Rejected };
		assert_noop!(act(1, claim), Error::<Test>::WrongStatus);
	});
}

#[test]
fn bids_are_refused_with_a_reason() {
	build_and_execute(|| {
		let task = submit(spec());
		assert_noop!(bid(task + 1, 1, OGPU), Error::<Test>::NoSuchTask);
		assert_noop!(bid(task, 99, OGPU), Error::<Test>::NotRegistered);
		assert_noop!(reveal(task, 1, OGPU), Error::<Test>::WrongStatus);
		assert_ok!(Providers::suspend(RuntimeOrigin::root(), 1));
		assert_noop!(bid(task, 1, OGPU), Error::<Test>::Suspended);
		assert_ok!(Providers::reinstate(RuntimeOrigin::root(), 1));
		assert_ok!(Providers::retire(RuntimeOrigin::signed(1)));
		assert_noop!(bid(task, 1, OGPU), Error::<Test>::Retiring);
		assert_ok!(Providers::resume(RuntimeOrigin::signed(1)));

		let try_with = |change: fn(&mut TaskSpec), error: Error<Test>| {
			let mut wanted = spec();
			change(&mut wanted);
			let task = submit(wanted);
			assert_noop!(bid(task, 1, OGPU), error);
		};
		try_with(|spec| spec.requirements.region = Some(40), Error::Region);
		try_with(|spec| spec.requirements.reputation = 900, Error::ReputationTooLow);

		// One bid of an operator, none of the client's own, and not too many.
		assert_ok!(bid(task, 1, OGPU));
		assert_noop!(bid(task, 1, 2 * OGPU), Error::<Test>::OneBidPerGroup);
		assert_ok!(Providers::invite(RuntimeOrigin::signed(1), 2));
		let group = <Providers as ogpu_traits::Registry<u64>>::group(&1).expect("registered");
		assert_ok!(Providers::join(RuntimeOrigin::signed(2), group));
		assert_noop!(bid(task, 2, 2 * OGPU), Error::<Test>::OneBidPerGroup);
		let own = crate::NextTask::<Test>::get();
		assert_ok!(Tasks::submit(RuntimeOrigin::signed(1), spec(), u128::MAX));
		assert_noop!(bid(own, 1, OGPU), Error::<Test>::GroupBarred);
		assert_noop!(bid(own, 2, OGPU), Error::<Test>::GroupBarred);
		Live::<Test>::mutate(task, |found| {
			found.as_mut().expect("it is live").sealed = MAX_BIDS as u8;
		});
		assert_noop!(bid(task, 3, OGPU), Error::<Test>::TooManyBids);

		// Opening needs a bid, and what it was sealed with.
		pass(task);
		assert_noop!(bid(task, 4, OGPU), Error::<Test>::WrongStatus);
		assert_noop!(reveal(task, 4, OGPU), Error::<Test>::NoBid);
		assert_noop!(reveal(task, 2, OGPU), Error::<Test>::NoBid);
		assert_noop!(reveal(task, 99, OGPU), Error::<Test>::NoBid);
		assert_noop!(reveal(task, 1, OGPU + 1), Error::<Test>::WrongOpening);
		assert_ok!(reveal(task, 1, OGPU));
		assert_noop!(reveal(task, 1, OGPU), Error::<Test>::NoBid);
	});
}

#[test]
fn devices_and_heartbeats_count() {
	build_and_execute(|| {
		let mut wanted = spec();
		wanted.requirements.memory = 33;
		let task = submit(wanted);
		// Its only device is replaced by a smaller one.
		let mut profile =
			pallet_providers::Providers::<Test>::get(1).expect("it is registered").profile;
		profile.devices[0].memory = 32;
		assert_ok!(Providers::update(RuntimeOrigin::signed(1), profile, None));
		assert_noop!(bid(task, 1, OGPU), Error::<Test>::NoDevice);
		Session::set(9);
		assert_noop!(bid(task, 2, OGPU), Error::<Test>::Inactive);
	});
}
