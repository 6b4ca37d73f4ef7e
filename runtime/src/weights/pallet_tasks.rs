//! What `pallet_tasks` weighs. Written by `scripts/weights` on 2026-11-25, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_tasks`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_tasks::WeightInfo for WeightInfo<T> {
	fn submit() -> Weight {
		Weight::from_parts(513_093_000, 0)
			.saturating_add(T::DbWeight::get().reads(123))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	// `p` was measured from 0 to 630.
	fn cancel(p: u32) -> Weight {
		Weight::from_parts(251_389_627, 0)
			// The slope is that of `pallet_attestations::end_stage`, which lets go of as many members and pays them.
			// Standard error: 205_759.
			.saturating_add(Weight::from_parts(104_205_057, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(116))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(105))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
	fn acknowledge_delivery() -> Weight {
		Weight::from_parts(77_225_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn seal_bid() -> Weight {
		Weight::from_parts(144_144_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn open_bid() -> Weight {
		Weight::from_parts(86_058_000, 0)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn acknowledge() -> Weight {
		Weight::from_parts(43_425_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn decline() -> Weight {
		Weight::from_parts(491_742_000, 0)
			.saturating_add(T::DbWeight::get().reads(97))
			.saturating_add(T::DbWeight::get().writes(23))
	}
	fn claim() -> Weight {
		Weight::from_parts(80_209_000, 0)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn commit_root() -> Weight {
		Weight::from_parts(77_295_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn open_stream() -> Weight {
		Weight::from_parts(60_911_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn pause_stream() -> Weight {
		Weight::from_parts(15_533_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn send() -> Weight {
		Weight::from_parts(471_762_000, 0)
			.saturating_add(T::DbWeight::get().reads(121))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	fn race() -> Weight {
		Weight::from_parts(190_484_000, 0)
			.saturating_add(T::DbWeight::get().reads(27))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn show() -> Weight {
		Weight::from_parts(44_737_000, 0)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn every_block() -> Weight {
		Weight::from_parts(37_456_000, 0)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	// `p` was measured from 0 to 630.
	fn wake(p: u32) -> Weight {
		Weight::from_parts(363_432_501, 0)
			// The slope is that of `pallet_attestations::end_stage`, which lets go of as many members and pays them.
			// Standard error: 213_480.
			.saturating_add(Weight::from_parts(104_205_057, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(119))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(107))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(p.into())))
	}
	// `b` was measured from 0 to 32.
	fn close_auction(b: u32) -> Weight {
		Weight::from_parts(397_248_694, 0)
			// Standard error: 188_424.
			.saturating_add(Weight::from_parts(93_118_068, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(84))
			.saturating_add(T::DbWeight::get().reads((6_u64).saturating_mul(b.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes((6_u64).saturating_mul(b.into())))
	}
	// `r` was measured from 1 to 16.
	fn close_race(r: u32) -> Weight {
		Weight::from_parts(110_134_096, 0)
			// Standard error: 98_917.
			.saturating_add(Weight::from_parts(91_520_466, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().reads((5_u64).saturating_mul(r.into())))
			.saturating_add(T::DbWeight::get().writes(11))
			.saturating_add(T::DbWeight::get().writes((5_u64).saturating_mul(r.into())))
	}
	fn close_empty() -> Weight {
		Weight::from_parts(322_279_000, 0)
			.saturating_add(T::DbWeight::get().reads(82))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	// `p` was measured from 0 to 200.
	fn carry_out(p: u32) -> Weight {
		Weight::from_parts(1_233_717_290, 0)
			// Standard error: 94_189.
			.saturating_add(Weight::from_parts(64_717_961, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(59))
			.saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(49))
			.saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(p.into())))
	}
	fn forget() -> Weight {
		Weight::from_parts(24_367_000, 0)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn demand() -> Weight {
		Weight::from_parts(815_192_000, 0)
			.saturating_add(T::DbWeight::get().reads(47))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	fn answer() -> Weight {
		Weight::from_parts(397_952_000, 0)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	// `p` was measured from 1 to 630.
	fn unanswered(p: u32) -> Weight {
		Weight::from_parts(251_240_835, 0)
			// The slope is that of `pallet_attestations::end_stage`, which lets go of as many members and pays them.
			// Standard error: 287_234.
			.saturating_add(Weight::from_parts(104_205_057, 0).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(115))
			.saturating_add(T::DbWeight::get().reads((8_u64).saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(103))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(p.into())))
	}
}
