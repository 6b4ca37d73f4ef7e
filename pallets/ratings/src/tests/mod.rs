//! Trials, from the application to the end.

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_primitives::{
	MILLI, OGPU,
	market::{
		DeviceTier,
		rules::{Charges, Windows},
		trial::{self, LONGEST, MAX_RATING, SLOTS, WAY},
	},
};
use ogpu_traits::{Duties, Specs, Verdict};

use crate::{
	Done, Ending, Error, Event, MAX_AT_ONCE, Rung, Stage, TrialOf, Trials, mock::*, part_of,
	trial_in,
};

fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

fn root(who: AccountId, trial: u64) -> Result<(), sp_runtime::DispatchError> {
	Ratings::act(signed(who), Done { trial, root: [9; 32] })
}

fn ending(number: u64) -> Option<Ending> {
	System::events().into_iter().find_map(|record| match record.event {
		RuntimeEvent::Ratings(Event::Ended { trial, ending, .. }) if trial == number => {
			Some(ending)
		}
		_ => None,
	})
}

const BOND: u128 = 10 * OGPU;

#[test]
fn a_rating_is_proven_and_paid_for() {
	build_and_execute(|| {
		assert_eq!(Charges::DEFAULT.trial.get(), BOND);
		assert_eq!(Ratings::costs(12_000), Some((FEES, BOND)));
		let number = running(PROVIDER, 12_000);
		assert_eq!(held(PROVIDER), FEES + BOND);
		blocks(SLOTS + WAY);
		assert_ok!(root(PROVIDER, number));
		let request = Requests::get().pop().expect("it is verified");
		assert_eq!(request.requirements.tier, DeviceTier::Professional);
		assert_eq!((request.provider, request.root), (PROVIDER, Some([9; 32])));
		assert_eq!(rating(PROVIDER), 0);
		assert!(decide(number, Verdict::Valid));
		assert_eq!(rating(PROVIDER), 12_000);
		assert_eq!(Balances::balance(&VERIFIER), ENDOWMENT + 10 * MILLI);
		assert_eq!(held(PROVIDER), FEES - 10 * MILLI + BOND);
		blocks(12);
		assert_eq!(ending(number), Some(Ending::Right));
		assert_eq!((held(PROVIDER), rating(PROVIDER)), (0, 12_000));
		assert!(TrialOf::<Test>::get(PROVIDER).is_none());
	});
}

#[test]
fn whoever_takes_longer_has_proven_less() {
	build_and_execute(|| {
		let slow = running(PROVIDER, 9_000);
		blocks(LONGEST);
		assert_ok!(root(PROVIDER, slow));
		decide(slow, Verdict::Valid);
		assert_eq!(rating(PROVIDER), 7_200);
		let late = running(2, 9_000);
		blocks(LONGEST);
		assert!(matches!(trial(late).stage, Stage::Running { .. }));
		blocks(2);
		assert_eq!(ending(late), Some(Ending::TooSlow));
		assert_noop!(root(2, late), Error::<Test>::NoSuchTrial);
		assert_eq!((rating(2), held(2)), (0, 0));
		// Its place could have been another's.
		assert_eq!(Balances::balance(&2), ENDOWMENT - OGPU - BOND / 10);
	});
}

#[test]
fn all_who_apply_begin_together_with_work_of_their_own() {
	build_and_execute(|| {
		assert_ok!(Ratings::apply(signed(1), 5_000));
		blocks(3);
		assert_ok!(Ratings::apply(signed(2), 5_000));
		while Rung::<Test>::get().is_none() {
			blocks(1);
		}
		// The next one waits for the next bell.
		assert_ok!(Ratings::apply(signed(3), 5_000));
		while trial(0).stage == Stage::Waiting {
			blocks(1);
		}
		assert_eq!(trial(0).stage, trial(1).stage);
		assert_eq!(trial(2).stage, Stage::Waiting);
		let specs = [0, 1].map(|number| Ratings::spec(part_of(number)).expect("it has begun"));
		assert_ne!(specs[0].job.hash, specs[1].job.hash);
		let due = <Ratings as Duties<AccountId>>::due(&2, 10);
		assert_eq!(due.iter().map(|due| due.trial).collect::<Vec<_>>(), [1]);
		assert!(<Ratings as Duties<AccountId>>::due(&3, 10).is_empty());
		// Everybody can make the job.
		let job = trial::job(&trial_seed(0), 5_000);
		assert_eq!(Ratings::blobs(part_of(0)), trial::blobs(&job));
		blocks(20);
		assert!(matches!(trial(2).stage, Stage::Running { .. }));
	});
}

fn trial_seed(number: u64) -> [u8; 32] {
	trial(number).seed
}

#[test]
fn the_seed_is_made_after_the_bell() {
	let seed = |changed: Option<u64>| {
		let mut seed = [0; 32];
		build_and_execute(|| {
			assert_ok!(Ratings::apply(signed(1), 5_000));
			while Rung::<Test>::get().is_none() {
				blocks(1);
			}
			let bell = System::block_number();
			for after in 1..=7 {
				blocks_with(changed.filter(|changed| *changed == after));
				assert_eq!(trial(0).stage == Stage::Waiting, after < 7, "{bell} {after}");
			}
			seed = trial(0).seed;
		});
		seed
	};
	// What is known in block n is the output of block n - 1: that of the bell's own does not matter, the others do.
	assert_eq!(seed(None), seed(Some(1)));
	for after in 2..=7 {
		assert_ne!(seed(None), seed(Some(after)), "{after}");
	}
}

/// A block, with another VRF output if it is said.
fn blocks_with(changed: Option<u64>) {
	use frame_support::traits::Hooks;
	let number = System::block_number() + 1;
	System::set_block_number(number);
	let output = [changed.map_or(number as u8, |_| 255); 32];
	Vrf::set(Some(output));
	Ratings::on_initialize(number);
}

#[test]
fn a_false_trial_costs_what_was_put_up() {
	build_and_execute(|| {
		let number = running(PROVIDER, 5_000);
		assert_ok!(root(PROVIDER, number));
		decide(number, Verdict::Valid);
		assert_eq!(rating(PROVIDER), 5_000);
		// Somebody challenges it in the window.
		Disputed::set(true);
		blocks(30);
		assert!(decide(number, Verdict::Fraud { unit: 7 }));
		Disputed::set(false);
		assert_eq!(rating(PROVIDER), 0);
		Appealed::set(true);
		blocks(30);
		assert!(matches!(trial(number).stage, Stage::False { .. }));
		Appealed::set(false);
		blocks(30);
		assert_eq!(ending(number), Some(Ending::False));
		assert_eq!(CarriedOut::get(), [part_of(number)]);
		let found = BOND / 10;
		assert_eq!(Balances::balance(&FINDER), ENDOWMENT + found);
		assert_eq!(Balances::balance(&TREASURY), ENDOWMENT + BOND - found);
		assert_eq!((held(PROVIDER), rating(PROVIDER)), (0, 0));
	});
}

#[test]
fn what_is_overturned_counts_after_all() {
	build_and_execute(|| {
		let number = running(PROVIDER, 5_000);
		assert_ok!(root(PROVIDER, number));
		decide(number, Verdict::Fraud { unit: 7 });
		decide(number, Verdict::Overturned);
		assert_eq!(rating(PROVIDER), 5_000);
		blocks(12);
		assert_eq!(ending(number), Some(Ending::Right));
		assert_eq!(Balances::balance(&TREASURY), ENDOWMENT);
	});
}

#[test]
fn what_nobody_can_judge_proves_nothing() {
	build_and_execute(|| {
		let number = running(PROVIDER, 5_000);
		assert_ok!(root(PROVIDER, number));
		assert!(!decide(number, Verdict::Inconclusive));
		assert_eq!(ending(number), Some(Ending::Unverifiable));
		assert_eq!((rating(PROVIDER), held(PROVIDER)), (0, 0));
		// And what is never judged at all.
		let number = running(PROVIDER, 5_000);
		assert_ok!(root(PROVIDER, number));
		blocks(6_000);
		assert_eq!(ending(number), Some(Ending::Unverifiable));
	});
}

#[test]
fn other_devices_have_proven_nothing() {
	build_and_execute(|| {
		let number = running(PROVIDER, 5_000);
		assert_ok!(root(PROVIDER, number));
		assert_ok!(Providers::update(signed(PROVIDER), profile(PROVIDER, 2), None));
		decide(number, Verdict::Valid);
		assert_eq!(rating(PROVIDER), 0);
	});
}

#[test]
fn a_rating_counts_for_a_while() {
	let proven = |claimed| {
		let number = running(PROVIDER, claimed);
		assert_ok!(root(PROVIDER, number));
		decide(number, Verdict::Valid);
	};
	build_and_execute(|| {
		let counts = Windows::FAST.rating.get();
		assert_eq!(Ratings::rated_until(PROVIDER), None);
		proven(5_000);
		let until = Now::get() + counts;
		assert_eq!(Ratings::rated_until(PROVIDER), Some(until));
		blocks(counts - 100);
		// Proven anew, it counts from then on.
		proven(6_000);
		let until = Now::get() + counts;
		blocks(counts);
		assert_eq!((rating(PROVIDER), Ratings::rated_until(PROVIDER)), (6_000, Some(until)));
		blocks(2);
		assert_eq!((rating(PROVIDER), Ratings::rated_until(PROVIDER)), (0, None));
		System::assert_has_event(Event::Expired { provider: PROVIDER }.into());
		System::reset_events();
		// What went with the devices does not go again.
		proven(5_000);
		assert_ok!(Providers::update(signed(PROVIDER), profile(PROVIDER, 2), None));
		assert_eq!((rating(PROVIDER), Ratings::rated_until(PROVIDER)), (0, None));
		blocks(counts + 2);
		assert!(!System::events().iter().any(|record| {
			matches!(record.event, RuntimeEvent::Ratings(Event::Expired { .. }))
		}));
	});
}

#[test]
fn the_same_devices_by_other_names_are_the_same() {
	build_and_execute(|| {
		let number = running(PROVIDER, 5_000);
		assert_ok!(root(PROVIDER, number));
		decide(number, Verdict::Valid);
		let mut renamed = profile(PROVIDER, 1);
		renamed.devices[0].name = b"another name".to_vec().try_into().expect("it is short");
		assert_ok!(Providers::update(signed(PROVIDER), renamed, None));
		assert_eq!(rating(PROVIDER), 5_000);
		decide(number, Verdict::Fraud { unit: 7 });
		assert_eq!(rating(PROVIDER), 0);
	});
}

#[test]
fn time_goes_on_while_the_market_clock_stands_still() {
	build_and_execute(|| {
		let number = running(PROVIDER, 5_000);
		Slot::set(Slot::get() + u64::from(LONGEST) + 1);
		assert_ok!(root(PROVIDER, number));
		assert_eq!(ending(number), Some(Ending::TooSlow));
		assert!(Requests::get().is_empty());
	});
}

#[test]
fn where_there_are_too_few_of_a_class_those_below_verify() {
	build_and_execute(|| {
		TooHigh::set(Some(DeviceTier::DataCentre));
		assert_ok!(Ratings::apply(signed(PROVIDER), 50_000));
		assert_eq!(trial(0).verifiers, DeviceTier::Professional);
		TooHigh::set(Some(DeviceTier::Consumer));
		assert_noop!(Ratings::apply(signed(2), 5), Error::<Test>::TooFewOperators);
		assert_eq!(Ratings::costs(5), None);
	});
}

#[test]
fn an_application_can_be_withdrawn_until_the_bell() {
	build_and_execute(|| {
		assert_noop!(Ratings::withdraw(signed(PROVIDER)), Error::<Test>::NoSuchTrial);
		assert_ok!(Ratings::apply(signed(PROVIDER), 5_000));
		assert_noop!(Ratings::apply(signed(PROVIDER), 5_000), Error::<Test>::InTrial);
		// It cannot leave meanwhile.
		assert_ok!(Providers::retire(signed(PROVIDER)));
		let leaving = Providers::deregister(signed(PROVIDER));
		assert_eq!(leaving, Err(pallet_providers::Error::<Test>::Busy.into()));
		assert_ok!(Providers::resume(signed(PROVIDER)));
		assert_ok!(Ratings::withdraw(signed(PROVIDER)));
		assert_eq!((held(PROVIDER), ending(0)), (0, Some(Ending::Withdrawn)));
		assert_eq!(Balances::balance(&TREASURY), ENDOWMENT + BOND / 10);
		let number = running(PROVIDER, 5_000);
		assert_noop!(Ratings::withdraw(signed(PROVIDER)), Error::<Test>::Begun);
		assert_ok!(root(PROVIDER, number));
		assert_noop!(root(PROVIDER, number), Error::<Test>::NotRunning);
	});
}

#[test]
fn who_cannot_apply_is_told_why() {
	build_and_execute(|| {
		for rating in [0, MAX_RATING + 1] {
			assert_noop!(Ratings::apply(signed(PROVIDER), rating), Error::<Test>::Rating);
		}
		assert_noop!(Ratings::apply(signed(VERIFIER), 5), Error::<Test>::NotRegistered);
		for who in 2..2 + u64::from(MAX_AT_ONCE) {
			assert_ok!(Ratings::apply(signed(who), 5));
		}
		assert_noop!(Ratings::apply(signed(PROVIDER), 5), Error::<Test>::BellIsFull);
		Session::set(5);
		assert_noop!(Ratings::apply(signed(PROVIDER), 5), Error::<Test>::Inactive);
		heartbeat(40);
		assert_ok!(Providers::suspend(RuntimeOrigin::root(), 40));
		assert_noop!(Ratings::apply(signed(40), 5), Error::<Test>::NotOpen);
	});
}

#[test]
fn trials_and_tasks_have_other_numbers() {
	assert_eq!(trial_in(part_of(7)), Some(7));
	let task = ogpu_traits::PartOfTask { task: 7, ..part_of(7) };
	assert_eq!(trial_in(task), None);
	build_and_execute(|| {
		assert!(Ratings::spec(task).is_none() && Ratings::blobs(task).is_empty());
		assert!(Trials::<Test>::iter().next().is_none());
	});
}
