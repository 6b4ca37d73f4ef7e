//! What the calls cost, with the most withdrawals under way.

use frame_benchmarking::v2::*;
use frame_support::traits::fungible::Mutate;
use frame_system::RawOrigin;
use ogpu_primitives::{Balance, OGPU};

use super::*;

fn provider<T: Config>() -> T::AccountId
where
	T::Currency: Mutate<T::AccountId>,
{
	let who: T::AccountId = whitelisted_caller();
	T::Currency::set_balance(&who, 1_000 * OGPU);
	Pallet::<T>::bond(RawOrigin::Signed(who.clone()).into(), 100 * OGPU).expect("it has enough");
	who
}

/// Has withdrawals under way, as many as there may be less one, all due at different times.
fn unbonding<T: Config>(who: &T::AccountId) {
	Ledgers::<T>::mutate(who, |ledger| {
		for chunk in 0..MAX_UNBONDING - 1 {
			ledger.unbond(OGPU, chunk).expect("there is enough");
		}
	});
}

#[benchmarks(where T::Currency: Mutate<T::AccountId>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn bond() {
		let who = provider::<T>();
		unbonding::<T>(&who);
		#[extrinsic_call]
		_(RawOrigin::Signed(who), OGPU as Balance);
	}

	#[benchmark]
	fn unbond() {
		let who = provider::<T>();
		unbonding::<T>(&who);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), OGPU as Balance);
		assert_eq!(Ledgers::<T>::get(&who).unbonding().len() as u32, MAX_UNBONDING);
	}

	#[benchmark]
	fn rebond() {
		let who = provider::<T>();
		unbonding::<T>(&who);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), Balance::MAX);
		assert!(Ledgers::<T>::get(&who).unbonding().is_empty());
	}

	#[benchmark]
	fn withdraw() {
		let who = provider::<T>();
		Ledgers::<T>::mutate(&who, |ledger| ledger.unbond(100 * OGPU, 0)).expect("all is free");
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(!Ledgers::<T>::contains_key(&who));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
