//! Who gets what of a broken promise.

use frame_support::{assert_ok, traits::fungible::Inspect};
use ogpu_primitives::OGPU;
use ogpu_traits::{Beneficiaries, Collateral, Reason, Slashed};

use super::{CLIENTS, WORK, bonded};
use crate::{Event, Ledgers, Slashing, mock::*};

fn locked(amount: u128) {
	bonded(amount);
	assert_ok!(TrustLock::set_lock(&PROVIDER, WORK, amount));
}

fn everybody() -> Beneficiaries<AccountId> {
	Beneficiaries {
		victim: Some((CLIENT, 5 * OGPU)),
		finder: Some((FINDER, 2 * OGPU)),
		panel: vec![(FINDER, OGPU), (NOBODY, OGPU)],
	}
}

#[test]
fn the_victim_comes_first_and_the_treasury_last() {
	build_and_execute(|| {
		locked(20 * OGPU);
		let shares = TrustLock::slash(&PROVIDER, WORK, 12 * OGPU, everybody(), Reason::NoShow);
		let expected =
			Slashed { victim: 5 * OGPU, finder: 2 * OGPU, panel: 2 * OGPU, treasury: 3 * OGPU };
		assert_eq!(shares, expected);
		System::assert_last_event(
			Event::Slashed { who: PROVIDER, lock: Some(WORK), shares, why: Reason::NoShow }.into(),
		);
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT + 5 * OGPU);
		assert_eq!(Balances::balance(&FINDER), ENDOWMENT + 3 * OGPU);
		assert_eq!(Balances::balance(&NOBODY), OGPU);
		assert_eq!(Balances::balance(&TREASURY), ENDOWMENT + 3 * OGPU);
		// What was not slashed is still locked.
		assert_eq!(TrustLock::locked(&PROVIDER, WORK), 8 * OGPU);
	});
}

#[test]
fn what_does_not_suffice_goes_to_the_first() {
	build_and_execute(|| {
		locked(6 * OGPU);
		let shares = TrustLock::slash(&PROVIDER, WORK, 100 * OGPU, everybody(), Reason::NoShow);
		assert_eq!(shares, Slashed { victim: 5 * OGPU, finder: OGPU, panel: 0, treasury: 0 });
		assert!(!Ledgers::<Test>::contains_key(PROVIDER));
	});
}

#[test]
fn what_cannot_be_received_goes_to_the_treasury() {
	build_and_execute(|| {
		locked(6 * OGPU);
		// Below the existential deposit, to an account that does not exist.
		let shares = TrustLock::slash(
			&PROVIDER,
			WORK,
			OGPU,
			Beneficiaries::victim(NOBODY, 10),
			Reason::NoShow,
		);
		assert_eq!(shares, Slashed { treasury: OGPU, ..Slashed::default() });
		assert_eq!(Balances::balance(&NOBODY), 0);
	});
}

#[test]
fn a_dry_run_only_tells() {
	build_and_execute(|| {
		locked(6 * OGPU);
		Switch::set(Slashing::DryRun);
		assert_eq!(
			TrustLock::slash(&PROVIDER, WORK, OGPU, everybody(), Reason::NoShow),
			Slashed::default()
		);
		System::assert_last_event(
			Event::SlashWithheld {
				who: PROVIDER,
				lock: Some(WORK),
				amount: OGPU,
				why: Reason::NoShow,
			}
			.into(),
		);
		assert_ok!(TrustLock::set_lock(&PROVIDER, WORK, 0));
		assert_eq!(
			TrustLock::slash_liable(&PROVIDER, 2 * OGPU, everybody(), Reason::NoShow),
			Slashed::default()
		);
		System::assert_last_event(
			Event::SlashWithheld {
				who: PROVIDER,
				lock: None,
				amount: 2 * OGPU,
				why: Reason::NoShow,
			}
			.into(),
		);
		assert_eq!(TrustLock::free(&PROVIDER), 6 * OGPU);
		Switch::set(Slashing::On);
	});
}

#[test]
fn clients_can_be_slashed_too() {
	build_and_execute(|| {
		assert_ok!(TrustLock::set_lock(&CLIENT, CLIENTS, 3 * OGPU));
		let shares = TrustLock::slash(
			&CLIENT,
			CLIENTS,
			2 * OGPU,
			Beneficiaries::victim(PROVIDER, OGPU),
			Reason::NoShow,
		);
		assert_eq!(shares, Slashed { victim: OGPU, treasury: OGPU, ..Slashed::default() });
		assert_eq!(TrustLock::locked(&CLIENT, CLIENTS), OGPU);
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT - 3 * OGPU);
	});
}

#[test]
fn unbonding_does_not_escape_liability() {
	build_and_execute(|| {
		bonded(10 * OGPU);
		assert_ok!(TrustLock::set_lock(&PROVIDER, WORK, 2 * OGPU));
		assert_ok!(TrustLock::set_seats(&PROVIDER, 3 * OGPU));
		assert_ok!(TrustLock::unbond(RuntimeOrigin::signed(PROVIDER), 4 * OGPU));
		// One free, three in seats, four unbonding; the lock is for something else.
		let shares =
			TrustLock::slash_liable(&PROVIDER, 6 * OGPU, Beneficiaries::treasury(), Reason::NoShow);
		assert_eq!(shares.treasury, 6 * OGPU);
		let ledger = Ledgers::<Test>::get(PROVIDER);
		assert_eq!((ledger.free(), ledger.seats(), ledger.staked()), (0, 0, 4 * OGPU));
		let shares =
			TrustLock::slash_liable(&PROVIDER, 6 * OGPU, Beneficiaries::treasury(), Reason::NoShow);
		assert_eq!(shares.treasury, 2 * OGPU);
		assert_eq!(TrustLock::locked(&PROVIDER, WORK), 2 * OGPU);
		let shares =
			TrustLock::slash_liable(&PROVIDER, OGPU, Beneficiaries::treasury(), Reason::NoShow);
		assert_eq!(shares, Slashed::default());
	});
}
