//! What `pallet_trust_lock` weighs. Written by `scripts/weights` on 2026-11-25, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_trust_lock`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_trust_lock::WeightInfo for WeightInfo<T> {
	fn bond() -> Weight {
		Weight::from_parts(57_235_000, 0)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn unbond() -> Weight {
		Weight::from_parts(25_378_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn rebond() -> Weight {
		Weight::from_parts(13_760_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(59_799_000, 0)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}
}
