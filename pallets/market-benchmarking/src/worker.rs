//! Benchmarks of `pallet-worker`.

use alloc::vec::Vec;
use core::marker::PhantomData;

use frame_benchmarking::v2::*;
use frame_support::{BoundedVec, traits::Authorize};
use frame_system::RawOrigin;
use pallet_worker::{Call, MAX_DUTIES, Pallet as Worker, Words};
use sp_runtime::transaction_validity::TransactionSource;

pub use crate::Config;
use crate::scene::{key, provider_with_key, sign};

/// What is benchmarked.
pub struct Pallet<T>(PhantomData<T>);

/// A transaction of a provider with as many duties as it may have, of which only the last still counts.
fn transaction<T: Config>() -> (T::AccountId, Call<T>) {
	const SESSION: u32 = 20;
	let key = key();
	let provider = provider_with_key::<T>(0, key.0);
	T::set_session(SESSION);
	let stale = (1..MAX_DUTIES).map(|task| T::about(task.into()));
	let duties: Vec<_> = stale.chain([T::heartbeat(SESSION)]).collect();
	let signature = sign(&key, &Worker::<T>::payload(&provider, 0, &duties));
	let duties = BoundedVec::truncate_from(duties);
	(provider.clone(), Call::perform { provider, sequence: 0, duties, signature })
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// With one duty that costs anything.
	#[benchmark]
	fn perform() -> Result<(), BenchmarkError> {
		let (provider, call) = transaction::<T>();
		let Call::perform { sequence, duties, signature, .. } = call;
		let who = provider.clone();
		#[block]
		{
			Worker::<T>::perform(RawOrigin::Authorized.into(), who, sequence, duties, signature)?;
		}
		assert_eq!(Words::<T>::get(&provider).sequence, 1);
		Ok(())
	}

	/// With a signature over all of that to verify.
	#[benchmark]
	fn authorize() {
		let (_, call) = transaction::<T>();
		let valid;
		#[block]
		{
			valid = call.authorize(TransactionSource::External);
		}
		assert!(matches!(valid, Some(Ok(_))));
	}
}
