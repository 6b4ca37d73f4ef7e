//! What `pallet_attestations` weighs. Written by `scripts/weights` on 2026-11-25, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_attestations`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_attestations::WeightInfo for WeightInfo<T> {
	fn challenge() -> Weight {
		Weight::from_parts(99_899_000, 0)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn appeal() -> Weight {
		Weight::from_parts(99_899_000, 0)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn commit() -> Weight {
		Weight::from_parts(44_987_000, 0)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn open() -> Weight {
		Weight::from_parts(741_363_000, 0)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn reveal() -> Weight {
		Weight::from_parts(91_837_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn every_block() -> Weight {
		Weight::from_parts(9_284_000, 0)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn draw() -> Weight {
		Weight::from_parts(6_838_273_000, 0)
			.saturating_add(T::DbWeight::get().reads(1049))
			.saturating_add(T::DbWeight::get().writes(48))
	}
	// `p` was measured from 0 to 630.
	fn end_stage(p: u32) -> Weight {
		Weight::from_parts(1_949_466_843, 0)
			// Standard error: 286_173.
			.saturating_add(Weight::from_parts(71_497_080, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(222))
			.saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(205))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
}
