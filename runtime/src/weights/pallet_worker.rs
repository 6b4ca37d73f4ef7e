//! To begin with.
use core::marker::PhantomData;
use frame_support::weights::Weight;

pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_worker::WeightInfo for WeightInfo<T> {
	fn perform() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn authorize() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
}
