//! What `pallet_tasks` weighs. Written by `scripts/weights` on 2026-11-26, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_tasks`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_tasks::WeightInfo for WeightInfo<T> {
	fn submit() -> Weight {
		Weight::from_parts(687_047_000, 0)
			.saturating_add(T::DbWeight::get().reads(123))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	// `p` was measured from 0 to 630.
	fn cancel(p: u32) -> Weight {
		Weight::from_parts(3_436_423_290, 0)
			// Standard error: 4_463_161.
			.saturating_add(Weight::from_parts(129_297_619, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(118))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(105))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
	fn acknowledge_delivery() -> Weight {
		Weight::from_parts(168_941_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn seal_bid() -> Weight {
		Weight::from_parts(225_300_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn open_bid() -> Weight {
		Weight::from_parts(125_805_000, 0)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn acknowledge() -> Weight {
		Weight::from_parts(68_533_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn decline() -> Weight {
		Weight::from_parts(707_021_000, 0)
			.saturating_add(T::DbWeight::get().reads(97))
			.saturating_add(T::DbWeight::get().writes(23))
	}
	fn claim() -> Weight {
		Weight::from_parts(112_730_000, 0)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn commit_root() -> Weight {
		Weight::from_parts(109_790_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn open_stream() -> Weight {
		Weight::from_parts(81_403_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn pause_stream() -> Weight {
		Weight::from_parts(40_679_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn send() -> Weight {
		Weight::from_parts(639_536_000, 0)
			.saturating_add(T::DbWeight::get().reads(121))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	fn race() -> Weight {
		Weight::from_parts(275_340_000, 0)
			.saturating_add(T::DbWeight::get().reads(27))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn show() -> Weight {
		Weight::from_parts(177_923_000, 0)
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn every_block() -> Weight {
		Weight::from_parts(50_925_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	// `p` was measured from 0 to 630.
	fn wake(p: u32) -> Weight {
		Weight::from_parts(1_150_758_000, 0)
			// Standard error: 4_554_629.
			.saturating_add(Weight::from_parts(147_839_677, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(121))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(107))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
	// `b` was measured from 0 to 32.
	fn close_auction(b: u32) -> Weight {
		Weight::from_parts(683_248_221, 0)
			// Standard error: 1_369_819.
			.saturating_add(Weight::from_parts(106_925_437, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(84))
			.saturating_add(T::DbWeight::get().reads((6_u64).saturating_mul(b.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes((6_u64).saturating_mul(b.into())))
	}
	// `r` was measured from 1 to 16.
	fn close_race(r: u32) -> Weight {
		Weight::from_parts(206_067_344, 0)
			// Standard error: 430_931.
			.saturating_add(Weight::from_parts(114_963_269, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(r.into())))
			.saturating_add(T::DbWeight::get().writes(11))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(r.into())))
	}
	fn close_empty() -> Weight {
		Weight::from_parts(411_229_000, 0)
			.saturating_add(T::DbWeight::get().reads(82))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	// `p` was measured from 0 to 200.
	fn carry_out(p: u32) -> Weight {
		Weight::from_parts(1_497_744_370, 0)
			// Standard error: 643_326.
			.saturating_add(Weight::from_parts(75_829_256, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(60))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(50))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(p.into())))
	}
	fn forget() -> Weight {
		Weight::from_parts(36_245_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn demand() -> Weight {
		Weight::from_parts(774_879_000, 0)
			.saturating_add(T::DbWeight::get().reads(47))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	fn answer() -> Weight {
		Weight::from_parts(495_123_000, 0)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	// `p` was measured from 1 to 630.
	fn unanswered(p: u32) -> Weight {
		Weight::from_parts(2_254_746_125, 0)
			// Standard error: 1_595_823.
			.saturating_add(Weight::from_parts(130_341_058, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(118))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(104))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(p.into())))
	}
}
