//! What `pallet_trust_lock` weighs. Written by `scripts/weights` on 2026-11-27, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_trust_lock`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_trust_lock::WeightInfo for WeightInfo<T> {
	fn bond() -> Weight {
		Weight::from_parts(47_998_000, 0)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn unbond() -> Weight {
		Weight::from_parts(21_879_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn rebond() -> Weight {
		Weight::from_parts(12_073_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(48_193_000, 0)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}
}
