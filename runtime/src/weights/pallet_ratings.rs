//! What `pallet_ratings` weighs. Written by `scripts/weights` on 2026-11-27, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_ratings`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_ratings::WeightInfo for WeightInfo<T> {
	fn apply() -> Weight {
		Weight::from_parts(497_438_000, 0)
			.saturating_add(T::DbWeight::get().reads(103))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(122_679_000, 0)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn commit_root() -> Weight {
		Weight::from_parts(81_279_000, 0)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn every_block() -> Weight {
		Weight::from_parts(13_376_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	// `t` was measured from 1 to 32.
	fn begin(t: u32) -> Weight {
		Weight::from_parts(27_468_001, 0)
			// Standard error: 6_788.
			.saturating_add(Weight::from_parts(9_941_639, 0).saturating_mul(t.into()))
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(t.into())))
			.saturating_add(T::DbWeight::get().writes(1))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(t.into())))
	}
	fn expire() -> Weight {
		Weight::from_parts(104_627_000, 0)
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	// `p` was measured from 0 to 300.
	fn end(p: u32) -> Weight {
		Weight::from_parts(155_784_598, 0)
			// Standard error: 93_015.
			.saturating_add(Weight::from_parts(88_001_448, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(p.into())))
	}
}
