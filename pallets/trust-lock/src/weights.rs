//! What the calls weigh.

use frame_support::weights::Weight;

/// What the calls weigh.
pub trait WeightInfo {
	/// [`bond`](crate::Pallet::bond).
	fn bond() -> Weight;
	/// [`unbond`](crate::Pallet::unbond).
	fn unbond() -> Weight;
	/// [`rebond`](crate::Pallet::rebond).
	fn rebond() -> Weight;
	/// [`withdraw`](crate::Pallet::withdraw).
	fn withdraw() -> Weight;
}

impl WeightInfo for () {
	fn bond() -> Weight {
		Weight::zero()
	}
	fn unbond() -> Weight {
		Weight::zero()
	}
	fn rebond() -> Weight {
		Weight::zero()
	}
	fn withdraw() -> Weight {
		Weight::zero()
	}
}
