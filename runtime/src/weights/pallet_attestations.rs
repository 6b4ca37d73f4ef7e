//! What `pallet_attestations` weighs. Written by `scripts/weights` on 2026-11-27, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_attestations`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_attestations::WeightInfo for WeightInfo<T> {
	fn challenge() -> Weight {
		Weight::from_parts(86_811_000, 0)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn appeal() -> Weight {
		Weight::from_parts(86_553_000, 0)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn commit() -> Weight {
		Weight::from_parts(49_085_000, 0)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn open() -> Weight {
		Weight::from_parts(338_039_000, 0)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn reveal() -> Weight {
		Weight::from_parts(78_664_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn every_block() -> Weight {
		Weight::from_parts(7_829_000, 0)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn draw() -> Weight {
		Weight::from_parts(5_768_949_000, 0)
			.saturating_add(T::DbWeight::get().reads(1049))
			.saturating_add(T::DbWeight::get().writes(48))
	}
	fn find_valid() -> Weight {
		Weight::from_parts(7_722_127_000, 0)
			.saturating_add(T::DbWeight::get().reads(57))
			.saturating_add(T::DbWeight::get().writes(31))
	}
	// `p` was measured from 0 to 630.
	fn end_stage(p: u32) -> Weight {
		Weight::from_parts(1_475_510_509, 0)
			// Standard error: 419_436.
			.saturating_add(Weight::from_parts(78_068_563, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(246))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(186))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
}
