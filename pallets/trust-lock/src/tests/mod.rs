//! What collateral does, from bond to withdrawal.

mod random;
mod slashing;

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_primitives::OGPU;
use ogpu_traits::{Collateral, LockId, Purpose};

use crate::{Error, Event, Ledgers, MAX_UNBONDING, mock::*};

pub(super) const WORK: LockId = LockId::new(Purpose::Work, 7);
pub(super) const CLIENTS: LockId = LockId::new(Purpose::Client, 7);

pub(super) fn bonded(amount: u128) {
	assert_ok!(TrustLock::bond(RuntimeOrigin::signed(PROVIDER), amount));
}

#[docify::export]
#[test]
fn a_bond_secures_one_promise_after_another() {
	build_and_execute(|| {
		let provider = RuntimeOrigin::signed(PROVIDER);
		assert_ok!(TrustLock::bond(provider.clone(), 100 * OGPU));

		// Work on task 7 takes most of it; there is not enough left for task 8.
		let (seven, eight) = (LockId::new(Purpose::Work, 7), LockId::new(Purpose::Work, 8));
		assert_ok!(TrustLock::set_lock(&PROVIDER, seven, 80 * OGPU));
		assert!(TrustLock::set_lock(&PROVIDER, eight, 30 * OGPU).is_err());
		assert!(TrustLock::unbond(provider.clone(), 30 * OGPU).is_err());

		// Task 7 ends well.
		assert_ok!(TrustLock::set_lock(&PROVIDER, seven, 0));
		assert_ok!(TrustLock::set_lock(&PROVIDER, eight, 30 * OGPU));

		// The rest may leave, after the delay.
		assert_ok!(TrustLock::unbond(provider.clone(), 70 * OGPU));
		assert!(TrustLock::withdraw(provider.clone()).is_err());
		Now::set(DELAY);
		assert_ok!(TrustLock::withdraw(provider));
		assert_eq!(Balances::balance(&PROVIDER), ENDOWMENT - 30 * OGPU);
	});
}

#[test]
fn bonding_needs_a_balance() {
	build_and_execute(|| {
		let provider = RuntimeOrigin::signed(PROVIDER);
		assert_noop!(TrustLock::bond(provider.clone(), 0), Error::<Test>::ZeroAmount);
		let more = TrustLock::bond(provider.clone(), ENDOWMENT + 1);
		assert_noop!(more, Error::<Test>::NotEnoughTokens);
		assert_ok!(TrustLock::bond(provider, 5 * OGPU));
		System::assert_last_event(Event::Bonded { who: PROVIDER, amount: 5 * OGPU }.into());
	});
}

/// Tokens that vest, or are locked by a vote, could leave through somebody else's slash.
#[test]
fn frozen_tokens_are_no_collateral() {
	use frame_support::traits::{LockableCurrency, WithdrawReasons};
	build_and_execute(|| {
		Balances::set_lock(*b"vote    ", &PROVIDER, ENDOWMENT - 10 * OGPU, WithdrawReasons::all());
		let provider = RuntimeOrigin::signed(PROVIDER);
		let more = TrustLock::bond(provider.clone(), 11 * OGPU);
		assert_noop!(more, Error::<Test>::NotEnoughTokens);
		assert_ok!(TrustLock::bond(provider.clone(), 10 * OGPU));
		// What was bonded does not thaw the rest.
		assert!(TrustLock::bond(provider, OGPU).is_err());
		assert!(TrustLock::set_lock(&PROVIDER, CLIENTS, OGPU).is_err());
	});
}

#[test]
fn what_is_bound_cannot_leave() {
	build_and_execute(|| {
		bonded(10 * OGPU);
		assert_ok!(TrustLock::set_lock(&PROVIDER, WORK, 4 * OGPU));
		assert_ok!(TrustLock::set_seats(&PROVIDER, 5 * OGPU));
		let provider = RuntimeOrigin::signed(PROVIDER);
		assert_noop!(TrustLock::unbond(provider.clone(), OGPU + 1), Error::<Test>::NotEnoughFree);
		assert_noop!(TrustLock::set_seats(&PROVIDER, 6 * OGPU + 1), Error::<Test>::NotEnoughFree);
		assert_noop!(
			TrustLock::set_lock(&PROVIDER, LockId::new(Purpose::Bid, 7), OGPU + 1),
			Error::<Test>::NotEnoughFree
		);
		assert_ok!(TrustLock::unbond(provider, OGPU));
		assert_eq!(TrustLock::free(&PROVIDER), 0);
	});
}

#[test]
fn withdrawals_wait_and_merge() {
	build_and_execute(|| {
		bonded(100 * OGPU);
		let provider = RuntimeOrigin::signed(PROVIDER);
		assert_noop!(TrustLock::unbond(provider.clone(), 0), Error::<Test>::ZeroAmount);
		assert_noop!(TrustLock::rebond(provider.clone(), 0), Error::<Test>::ZeroAmount);
		assert_noop!(TrustLock::rebond(provider.clone(), 1), Error::<Test>::NothingUnbonding);
		assert_noop!(TrustLock::withdraw(provider.clone()), Error::<Test>::NothingDue);
		for moment in 0..MAX_UNBONDING {
			Now::set(moment);
			// Two in one block are one.
			assert_ok!(TrustLock::unbond(provider.clone(), OGPU));
			assert_ok!(TrustLock::unbond(provider.clone(), OGPU));
		}
		Now::set(MAX_UNBONDING);
		assert_noop!(TrustLock::unbond(provider.clone(), OGPU), Error::<Test>::TooManyUnbonding);
		// The latest comes back first.
		assert_ok!(TrustLock::rebond(provider.clone(), 3 * OGPU));
		System::assert_last_event(Event::Rebonded { who: PROVIDER, amount: 3 * OGPU }.into());
		Now::set(DELAY + 2);
		assert_ok!(TrustLock::withdraw(provider.clone()));
		System::assert_last_event(Event::Withdrawn { who: PROVIDER, amount: 6 * OGPU }.into());
		// More than there is: all of it.
		assert_ok!(TrustLock::rebond(provider, u128::MAX));
		let ledger = Ledgers::<Test>::get(PROVIDER);
		assert_eq!((ledger.bonded(), ledger.unbonding().len()), (94 * OGPU, 0));
	});
}

#[test]
fn clients_lock_what_they_have() {
	build_and_execute(|| {
		assert_ok!(TrustLock::set_lock(&CLIENT, CLIENTS, 10 * OGPU));
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT - 10 * OGPU);
		assert_ok!(TrustLock::set_lock(&CLIENT, CLIENTS, 4 * OGPU));
		assert_eq!(TrustLock::locked(&CLIENT, CLIENTS), 4 * OGPU);
		assert!(TrustLock::set_lock(&CLIENT, CLIENTS, 2 * ENDOWMENT).is_err());
		assert_ok!(TrustLock::set_lock(&CLIENT, CLIENTS, 0));
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT);
		assert!(!Ledgers::<Test>::contains_key(CLIENT));
	});
}
