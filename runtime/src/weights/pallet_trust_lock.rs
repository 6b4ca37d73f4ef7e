//! To begin with.
use core::marker::PhantomData;
use frame_support::weights::Weight;

pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_trust_lock::WeightInfo for WeightInfo<T> {
	fn bond() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn unbond() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn rebond() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn withdraw() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
}
