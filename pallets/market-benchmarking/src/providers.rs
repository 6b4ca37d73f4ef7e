//! Benchmarks of `pallet-providers`.

use alloc::vec::Vec;
use core::marker::PhantomData;

use frame_benchmarking::v2::*;
use frame_support::{BoundedVec, traits::Hooks, weights::WeightMeter};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use ogpu_traits::Duties;
use pallet_providers::{
	HeartbeatDone, Holdings, MAX_DEVICES, MAX_SEATS, Pallet as Providers, SeatChanges, SeatCount,
	SeatQueue, SeatTable, Status,
};

pub use crate::Config;
use crate::scene::{key, profile, proof, provider, somebody};

/// What is benchmarked.
pub struct Pallet<T>(PhantomData<T>);

fn signed<T: Config>(who: &T::AccountId) -> T::RuntimeOrigin {
	RawOrigin::Signed(who.clone()).into()
}

fn change<T: Config>(
	who: &T::AccountId,
	change: impl FnOnce(&mut pallet_providers::Provider<T::AccountId>),
) {
	pallet_providers::Providers::<T>::mutate(who, |found| {
		change(found.as_mut().expect("it is registered"));
	});
}

/// A provider without a validator.
fn unlinked<T: Config>() -> T::AccountId {
	let who = provider::<T>(0);
	change::<T>(&who, |found| {
		if let Some(stash) = found.stash.take() {
			pallet_providers::Stashes::<T>::remove(stash);
		}
	});
	who
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// With all that can be said, and a key to verify.
	#[benchmark]
	fn register() -> Result<(), BenchmarkError> {
		let who = somebody::<T>("provider", 0);
		let key = key();
		let proof = proof::<T>(&key, &who);
		let profile = profile(key.0, 0);
		#[block]
		{
			Providers::<T>::register(signed::<T>(&who), profile, proof)?;
		}
		Ok(())
	}

	/// With a new key and new devices, which cost it its rating.
	#[benchmark]
	fn update() -> Result<(), BenchmarkError> {
		let who = provider::<T>(0);
		Providers::<T>::set_rating(&who, 50_000)?;
		let key = key();
		let proof = proof::<T>(&key, &who);
		let profile = profile(key.0, MAX_DEVICES);
		#[block]
		{
			Providers::<T>::update(signed::<T>(&who), profile, Some(proof))?;
		}
		Ok(())
	}

	/// With seats.
	#[benchmark]
	fn retire() -> Result<(), BenchmarkError> {
		let who = provider::<T>(0);
		#[block]
		{
			Providers::<T>::retire(signed::<T>(&who))?;
		}
		Ok(())
	}

	#[benchmark]
	fn resume() -> Result<(), BenchmarkError> {
		let who = provider::<T>(0);
		change::<T>(&who, |found| found.status = Status::Retiring);
		#[block]
		{
			Providers::<T>::resume(signed::<T>(&who))?;
		}
		Ok(())
	}

	/// With a deposit, a stash, and a group that ends with it.
	#[benchmark]
	fn deregister() -> Result<(), BenchmarkError> {
		let key = key();
		let who = crate::scene::bonded::<T>("provider", 0);
		let proof = proof::<T>(&key, &who);
		Providers::<T>::register(signed::<T>(&who), profile(key.0, 0), proof)?;
		let stash = somebody::<T>("stash", 0);
		pallet_providers::Stashes::<T>::insert(&stash, &who);
		change::<T>(&who, |found| {
			found.status = Status::Retiring;
			found.stash = Some(stash);
		});
		#[block]
		{
			Providers::<T>::deregister(signed::<T>(&who))?;
		}
		assert!(!pallet_providers::Providers::<T>::contains_key(&who));
		Ok(())
	}

	/// More, which bind collateral at once.
	#[benchmark]
	fn set_seats() -> Result<(), BenchmarkError> {
		let who = provider::<T>(0);
		#[block]
		{
			Providers::<T>::set_seats(signed::<T>(&who), MAX_SEATS)?;
		}
		Ok(())
	}

	#[benchmark]
	fn invite() -> Result<(), BenchmarkError> {
		let (leader, who) = (provider::<T>(0), provider::<T>(1));
		#[block]
		{
			Providers::<T>::invite(signed::<T>(&leader), who)?;
		}
		Ok(())
	}

	/// The leader of a group that ends with that, which was counted as an operator.
	#[benchmark]
	fn join() -> Result<(), BenchmarkError> {
		let (leader, who) = (provider::<T>(0), provider::<T>(1));
		Providers::<T>::invite(signed::<T>(&leader), who.clone())?;
		let group = crate::scene::group_of::<T>(&leader);
		#[block]
		{
			Providers::<T>::join(signed::<T>(&who), group)?;
		}
		Ok(())
	}

	#[benchmark]
	fn suspend() -> Result<(), BenchmarkError> {
		let who = provider::<T>(0);
		#[block]
		{
			Providers::<T>::suspend(RawOrigin::Root.into(), who)?;
		}
		Ok(())
	}

	/// Ending a link, which writes more than offering one.
	#[benchmark]
	fn link_stash() -> Result<(), BenchmarkError> {
		let who = unlinked::<T>();
		let stash = somebody::<T>("stash", 0);
		Providers::<T>::link_stash(signed::<T>(&stash), who.clone())?;
		Providers::<T>::accept_stash(signed::<T>(&who), stash.clone())?;
		#[block]
		{
			Providers::<T>::unlink_stash(signed::<T>(&stash), who)?;
		}
		Ok(())
	}

	#[benchmark]
	fn accept_stash() -> Result<(), BenchmarkError> {
		let who = unlinked::<T>();
		let stash = somebody::<T>("stash", 0);
		Providers::<T>::link_stash(signed::<T>(&stash), who.clone())?;
		#[block]
		{
			Providers::<T>::accept_stash(signed::<T>(&who), stash)?;
		}
		Ok(())
	}

	/// Giving up the most seats, into the place of each of which another provider's moves.
	#[benchmark]
	fn settle_seats() {
		let who = provider::<T>(0);
		for seat in 1..MAX_SEATS {
			SeatTable::<T>::insert(seat, &who);
		}
		SeatCount::<T>::put(MAX_SEATS);
		let numbers: Vec<u32> = (0..MAX_SEATS).collect();
		let holding =
			pallet_providers::Holding { numbers: BoundedVec::truncate_from(numbers), wanted: 0 };
		Holdings::<T>::insert(&who, holding);
		for index in 1..=MAX_SEATS {
			provider::<T>(index);
		}
		SeatChanges::<T>::insert(0, (0, who.clone(), 0));
		SeatQueue::<T>::put((0, 1));
		let mut meter = WeightMeter::new();
		#[block]
		{
			<Providers<T> as Hooks<BlockNumberFor<T>>>::on_poll(0u32.into(), &mut meter);
		}
		assert_eq!(SeatCount::<T>::get(), MAX_SEATS);
		assert!(!Holdings::<T>::contains_key(&who));
	}

	/// After as many missed as are counted.
	#[benchmark]
	fn heartbeat() -> Result<(), BenchmarkError> {
		let who = provider::<T>(0);
		T::set_session(20);
		let done = HeartbeatDone { session: 20, load: 500, free_memory: 30 };
		#[block]
		{
			<Providers<T> as Duties<T::AccountId>>::perform(&who, done)?;
		}
		Ok(())
	}
}
