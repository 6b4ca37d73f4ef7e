//! What `pallet_attestations` weighs. Written by `scripts/weights` on 2026-11-30, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_attestations`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_attestations::WeightInfo for WeightInfo<T> {
	fn challenge() -> Weight {
		Weight::from_parts(131_249_000, 0)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn appeal() -> Weight {
		Weight::from_parts(128_549_000, 0)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn commit() -> Weight {
		Weight::from_parts(65_144_000, 0)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn open() -> Weight {
		Weight::from_parts(501_834_000, 0)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn reveal() -> Weight {
		Weight::from_parts(146_575_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn every_block() -> Weight {
		Weight::from_parts(11_483_000, 0)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn draw() -> Weight {
		Weight::from_parts(8_139_517_000, 0)
			.saturating_add(T::DbWeight::get().reads(1068))
			.saturating_add(T::DbWeight::get().writes(48))
	}
	fn find_valid() -> Weight {
		Weight::from_parts(11_223_466_000, 0)
			.saturating_add(T::DbWeight::get().reads(58))
			.saturating_add(T::DbWeight::get().writes(31))
	}
	// `p` was measured from 0 to 630.
	fn end_stage(p: u32) -> Weight {
		Weight::from_parts(2_032_992_078, 0)
			// Standard error: 453_711.
			.saturating_add(Weight::from_parts(117_542_569, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(247))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(186))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
}
