//! What `pallet_ratings` weighs. Guessed: `scripts/weights` replaces it.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_ratings`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_ratings::WeightInfo for WeightInfo<T> {
	fn apply() -> Weight {
		Weight::from_parts(200_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(40, 8))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(100_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(10, 8))
	}
	fn commit_root() -> Weight {
		Weight::from_parts(300_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(30, 12))
	}
	fn every_block() -> Weight {
		Weight::from_parts(20_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(4, 2))
	}
	fn begin(t: u32) -> Weight {
		(Weight::from_parts(40_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(3, 3)))
			.saturating_mul(t.into())
	}
	fn end(p: u32) -> Weight {
		Weight::from_parts(400_000_000, 0)
			.saturating_add(T::DbWeight::get().reads_writes(40, 40))
			.saturating_add(Weight::from_parts(100_000_000, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads_writes(6, 6).saturating_mul(p.into()))
	}
}
