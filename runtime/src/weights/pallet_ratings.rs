//! What `pallet_ratings` weighs. Written by `scripts/weights` on 2026-11-26, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_ratings`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_ratings::WeightInfo for WeightInfo<T> {
	fn apply() -> Weight {
		Weight::from_parts(1_016_598_000, 0)
			.saturating_add(T::DbWeight::get().reads(102))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(232_178_000, 0)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn commit_root() -> Weight {
		Weight::from_parts(154_278_000, 0)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn every_block() -> Weight {
		Weight::from_parts(23_102_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	// `t` was measured from 1 to 32.
	fn begin(t: u32) -> Weight {
		Weight::from_parts(48_324_806, 0)
			// Standard error: 102_620.
			.saturating_add(Weight::from_parts(15_925_898, 0).saturating_mul(t.into()))
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(t.into())))
			.saturating_add(T::DbWeight::get().writes(1))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(t.into())))
	}
	fn expire() -> Weight {
		Weight::from_parts(161_253_000, 0)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	// `p` was measured from 0 to 300.
	fn end(p: u32) -> Weight {
		Weight::from_parts(297_005_000, 0)
			// Standard error: 794_656.
			.saturating_add(Weight::from_parts(147_562_342, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(20))
			.saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(p.into())))
	}
}
