//! What `pallet_tasks` weighs. Written by `scripts/weights` on 2026-11-25, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_tasks`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_tasks::WeightInfo for WeightInfo<T> {
	fn submit() -> Weight {
		Weight::from_parts(504_550_000, 0)
			.saturating_add(T::DbWeight::get().reads(123))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	// `p` was measured from 0 to 630.
	fn cancel(p: u32) -> Weight {
		Weight::from_parts(922_913_000, 0)
			// Standard error: 305_940.
			.saturating_add(Weight::from_parts(74_861_662, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(114))
			.saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(104))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
	fn acknowledge_delivery() -> Weight {
		Weight::from_parts(75_763_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn seal_bid() -> Weight {
		Weight::from_parts(148_671_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn open_bid() -> Weight {
		Weight::from_parts(82_793_000, 0)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn acknowledge() -> Weight {
		Weight::from_parts(40_740_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn decline() -> Weight {
		Weight::from_parts(477_040_000, 0)
			.saturating_add(T::DbWeight::get().reads(96))
			.saturating_add(T::DbWeight::get().writes(22))
	}
	fn claim() -> Weight {
		Weight::from_parts(74_161_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn commit_root() -> Weight {
		Weight::from_parts(76_784_000, 0)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn open_stream() -> Weight {
		Weight::from_parts(60_831_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn pause_stream() -> Weight {
		Weight::from_parts(15_213_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn send() -> Weight {
		Weight::from_parts(466_314_000, 0)
			.saturating_add(T::DbWeight::get().reads(121))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	fn race() -> Weight {
		Weight::from_parts(168_470_000, 0)
			.saturating_add(T::DbWeight::get().reads(25))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn show() -> Weight {
		Weight::from_parts(30_455_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn every_block() -> Weight {
		Weight::from_parts(36_274_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	// `p` was measured from 0 to 630.
	fn wake(p: u32) -> Weight {
		Weight::from_parts(390_264_638, 0)
			// Standard error: 219_144.
			.saturating_add(Weight::from_parts(71_378_537, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(116))
			.saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(106))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
	// `b` was measured from 0 to 32.
	fn close_auction(b: u32) -> Weight {
		Weight::from_parts(379_758_079, 0)
			// Standard error: 88_217.
			.saturating_add(Weight::from_parts(89_927_324, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(84))
			.saturating_add(T::DbWeight::get().reads((6_u64).saturating_mul(b.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes((6_u64).saturating_mul(b.into())))
	}
	// `r` was measured from 1 to 16.
	fn close_race(r: u32) -> Weight {
		Weight::from_parts(105_051_772, 0)
			// Standard error: 100_115.
			.saturating_add(Weight::from_parts(91_137_591, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(r.into())))
			.saturating_add(T::DbWeight::get().writes(11))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(r.into())))
	}
	fn close_empty() -> Weight {
		Weight::from_parts(320_046_000, 0)
			.saturating_add(T::DbWeight::get().reads(82))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn carry_out(p: u32) -> Weight {
		Weight::from_parts(1_190_734_000, 0)
			.saturating_add(Weight::from_parts(120_000_000, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(80))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(70))
			.saturating_add(T::DbWeight::get().writes((7_u64).saturating_mul(p.into())))
	}
	fn forget() -> Weight {
		Weight::from_parts(24_006_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn demand() -> Weight {
		Weight::from_parts(792_699_000, 0)
			.saturating_add(T::DbWeight::get().reads(47))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	fn answer() -> Weight {
		Weight::from_parts(486_974_000, 0)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	// `p` was measured from 1 to 630.
	fn unanswered(p: u32) -> Weight {
		Weight::from_parts(261_306_090, 0)
			// Standard error: 369_868.
			.saturating_add(Weight::from_parts(71_757_957, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(121))
			.saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(110))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(p.into())))
	}
}
