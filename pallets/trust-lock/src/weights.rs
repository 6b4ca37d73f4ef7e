//! What the calls weigh.
//!
//! Counted by hand: the storage accesses of the costliest case, and a generous time for the rest. Measured
//! weights replace them.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

macro_rules! weights {
	($($(#[$doc:meta])* $name:ident: $reads:literal reads, $writes:literal writes, $micros:literal us;)*) => {
		/// What the calls weigh.
		pub trait WeightInfo {
			$($(#[$doc])* fn $name() -> Weight;)*
		}

		/// On a chain with the database weights of `T`.
		pub struct CountedWeight<T>(PhantomData<T>);

		impl<T: frame_system::Config> WeightInfo for CountedWeight<T> {
			$(fn $name() -> Weight {
				Weight::from_parts($micros * 1_000_000, 0)
					.saturating_add(T::DbWeight::get().reads_writes($reads, $writes))
			})*
		}

		/// For tests: everything weighs a little, so that they can run out of weight.
		impl WeightInfo for () {
			$(fn $name() -> Weight { Weight::from_parts(1, 0) })*
		}
	};
}

weights! {
	/// [`bond`](crate::Pallet::bond).
	bond: 3 reads, 3 writes, 40 us;
	/// [`unbond`](crate::Pallet::unbond).
	unbond: 2 reads, 1 writes, 25 us;
	/// [`rebond`](crate::Pallet::rebond).
	rebond: 1 reads, 1 writes, 25 us;
	/// [`withdraw`](crate::Pallet::withdraw).
	withdraw: 4 reads, 3 writes, 45 us;
}
