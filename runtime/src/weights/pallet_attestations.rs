//! To begin with.
use core::marker::PhantomData;
use frame_support::weights::Weight;

pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_attestations::WeightInfo for WeightInfo<T> {
	fn challenge() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn commit() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn open() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn reveal() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn every_block() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn draw() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn end_stage(_: u32) -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
}
