//! What the call weighs besides its duties. Counted by hand; measured weights replace it.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// What the call weighs besides its duties.
pub trait WeightInfo {
	/// Taking the transaction.
	fn perform() -> Weight;
	/// Checking it, signature included.
	fn authorize() -> Weight;
}

/// On a chain with the database weights of `T`.
pub struct CountedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for CountedWeight<T> {
	fn perform() -> Weight {
		Weight::from_parts(30_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(2, 1))
	}
	fn authorize() -> Weight {
		Weight::from_parts(120_000_000, 0).saturating_add(T::DbWeight::get().reads_writes(20, 0))
	}
}

/// For tests: everything weighs a little.
impl WeightInfo for () {
	fn perform() -> Weight {
		Weight::from_parts(1, 0)
	}
	fn authorize() -> Weight {
		Weight::from_parts(1, 0)
	}
}
