//! What `pallet_ratings` weighs. Not measured yet: set by hand from what was measured of the like in `pallet_tasks` and
//! `pallet_attestations`, rounded up. `scripts/weights pallet_ratings` replaces this file.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_ratings`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_ratings::WeightInfo for WeightInfo<T> {
	fn apply() -> Weight {
		// As `pallet_tasks::submit`, with three tiers to look at instead of one.
		Weight::from_parts(1_600_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(370))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(150_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn commit_root() -> Weight {
		// As `pallet_tasks::commit_root`, and what handing a result over to be verified writes.
		Weight::from_parts(200_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(25))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn every_block() -> Weight {
		Weight::from_parts(30_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn begin(t: u32) -> Weight {
		Weight::from_parts(40_000_000, 0)
			.saturating_mul(t.into())
			.saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(t.into())))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(t.into())))
	}
	fn expire() -> Weight {
		Weight::from_parts(150_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn end(p: u32) -> Weight {
		// As `pallet_tasks::carry_out` and `wake` together.
		Weight::from_parts(1_600_000_000, 0)
			.saturating_add(Weight::from_parts(170_000_000, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(120))
			.saturating_add(T::DbWeight::get().reads((10_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(110))
			.saturating_add(T::DbWeight::get().writes((7_u64).saturating_mul(p.into())))
	}
}
