//! To begin with.
use core::marker::PhantomData;
use frame_support::weights::Weight;

pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_tasks::WeightInfo for WeightInfo<T> {
	fn submit() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn cancel(_: u32) -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn acknowledge_delivery() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn seal_bid() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn open_bid() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn acknowledge() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn decline() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn claim() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn commit_root() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn open_stream() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn pause_stream() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn send() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn race() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn show() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn every_block() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn wake(_: u32) -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn close_auction(_: u32) -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn close_race(_: u32) -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn demand() -> Weight {
		Weight::from_parts(1_000_000_000, 0)
	}
	fn answer() -> Weight {
		Weight::from_parts(1_000_000_000, 0)
	}
	fn unanswered(_: u32) -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn close_empty() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn carry_out() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
	fn forget() -> Weight {
		Weight::from_parts(100_000_000, 0)
	}
}
