//! To begin with.
use core::marker::PhantomData;
use frame_support::weights::Weight;

pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_providers::WeightInfo for WeightInfo<T> {
	fn register() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn update() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn retire() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn resume() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn deregister() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn set_seats() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn invite() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn join() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn suspend() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn link_stash() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn accept_stash() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn settle_seats() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn heartbeat() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
}
