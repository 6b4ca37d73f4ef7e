//! What `pallet_worker` weighs. Written by `scripts/weights` on 2026-11-27, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_worker`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_worker::WeightInfo for WeightInfo<T> {
	fn perform() -> Weight {
		Weight::from_parts(99_415_000, 0)
			.saturating_add(T::DbWeight::get().reads(19))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn authorize() -> Weight {
		Weight::from_parts(101_804_000, 0).saturating_add(T::DbWeight::get().reads(20))
	}
}
