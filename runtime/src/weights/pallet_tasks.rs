//! What `pallet_tasks` weighs. Written by `scripts/weights` on 2026-11-27, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_tasks`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_tasks::WeightInfo for WeightInfo<T> {
	fn submit() -> Weight {
		Weight::from_parts(408_473_000, 0)
			.saturating_add(T::DbWeight::get().reads(124))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	// `p` was measured from 0 to 630.
	fn cancel(p: u32) -> Weight {
		Weight::from_parts(21_310_675, 0)
			// Standard error: 359_210.
			.saturating_add(Weight::from_parts(82_208_976, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(118))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(105))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
	fn acknowledge_delivery() -> Weight {
		Weight::from_parts(64_587_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn seal_bid() -> Weight {
		Weight::from_parts(122_686_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn open_bid() -> Weight {
		Weight::from_parts(77_198_000, 0)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn acknowledge() -> Weight {
		Weight::from_parts(37_585_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn decline() -> Weight {
		Weight::from_parts(388_708_000, 0)
			.saturating_add(T::DbWeight::get().reads(97))
			.saturating_add(T::DbWeight::get().writes(23))
	}
	fn claim() -> Weight {
		Weight::from_parts(73_426_000, 0)
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn commit_root() -> Weight {
		Weight::from_parts(72_973_000, 0)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn open_stream() -> Weight {
		Weight::from_parts(50_173_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn pause_stream() -> Weight {
		Weight::from_parts(13_850_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn send() -> Weight {
		Weight::from_parts(374_830_000, 0)
			.saturating_add(T::DbWeight::get().reads(122))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	fn race() -> Weight {
		Weight::from_parts(174_388_000, 0)
			.saturating_add(T::DbWeight::get().reads(27))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn show() -> Weight {
		Weight::from_parts(42_179_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn every_block() -> Weight {
		Weight::from_parts(31_131_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	// `p` was measured from 0 to 630.
	fn wake(p: u32) -> Weight {
		Weight::from_parts(745_585_000, 0)
			// Standard error: 380_317.
			.saturating_add(Weight::from_parts(80_084_486, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(120))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(107))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
	// `b` was measured from 0 to 32.
	fn close_auction(b: u32) -> Weight {
		Weight::from_parts(337_899_117, 0)
			// Standard error: 114_263.
			.saturating_add(Weight::from_parts(70_829_569, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(84))
			.saturating_add(T::DbWeight::get().reads((6_u64).saturating_mul(b.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes((6_u64).saturating_mul(b.into())))
	}
	// `r` was measured from 1 to 16.
	fn close_race(r: u32) -> Weight {
		Weight::from_parts(120_498_390, 0)
			// Standard error: 122_227.
			.saturating_add(Weight::from_parts(71_819_982, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(r.into())))
			.saturating_add(T::DbWeight::get().writes(11))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(r.into())))
	}
	fn close_empty() -> Weight {
		Weight::from_parts(251_342_000, 0)
			.saturating_add(T::DbWeight::get().reads(82))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	// `p` was measured from 0 to 200.
	fn carry_out(p: u32) -> Weight {
		Weight::from_parts(1_000_322_043, 0)
			// Standard error: 63_913.
			.saturating_add(Weight::from_parts(45_959_533, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(61))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(50))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(p.into())))
	}
	fn forget() -> Weight {
		Weight::from_parts(20_564_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn demand() -> Weight {
		Weight::from_parts(414_806_000, 0)
			.saturating_add(T::DbWeight::get().reads(47))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	fn answer() -> Weight {
		Weight::from_parts(332_297_000, 0)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	// `p` was measured from 1 to 630.
	fn unanswered(p: u32) -> Weight {
		Weight::from_parts(937_498_000, 0)
			// Standard error: 287_250.
			.saturating_add(Weight::from_parts(80_608_616, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(118))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(104))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(p.into())))
	}
}
