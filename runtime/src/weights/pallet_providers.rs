//! What `pallet_providers` weighs. Written by `scripts/weights` on 2026-11-25, with 10 steps and 10
//! repetitions. No proof sizes: nobody validates this chain by proofs of its state.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_providers`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_providers::WeightInfo for WeightInfo<T> {
	fn register() -> Weight {
		Weight::from_parts(139_297_000, 0)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn update() -> Weight {
		Weight::from_parts(113_799_000, 0)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn retire() -> Weight {
		Weight::from_parts(40_320_000, 0)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn resume() -> Weight {
		Weight::from_parts(23_625_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn deregister() -> Weight {
		Weight::from_parts(93_499_000, 0)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn set_seats() -> Weight {
		Weight::from_parts(47_721_000, 0)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn invite() -> Weight {
		Weight::from_parts(39_379_000, 0)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn join() -> Weight {
		Weight::from_parts(54_601_000, 0)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn suspend() -> Weight {
		Weight::from_parts(23_736_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn link_stash() -> Weight {
		Weight::from_parts(30_325_000, 0)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn accept_stash() -> Weight {
		Weight::from_parts(34_962_000, 0)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn settle_seats() -> Weight {
		Weight::from_parts(462_908_000, 0)
			.saturating_add(T::DbWeight::get().reads(75))
			.saturating_add(T::DbWeight::get().writes(103))
	}
	fn heartbeat() -> Weight {
		Weight::from_parts(27_561_000, 0)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}
}
