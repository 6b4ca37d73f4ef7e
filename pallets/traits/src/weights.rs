//! Weights that are counted by hand, until measured ones replace them.

/// Declares a pallet's `WeightInfo`, the storage accesses and microseconds of each call's costliest case,
/// and what follows from them: `CountedWeight`, on a chain with the database weights of its parameter, and
/// for tests `()`, with which everything weighs a little, so that they can run out of weight.
#[macro_export]
macro_rules! counted_weights {
	($($(#[$doc:meta])* $name:ident: $reads:literal reads, $writes:literal writes, $micros:literal us;)*) => {
		/// What the calls weigh.
		pub trait WeightInfo {
			$($(#[$doc])* fn $name() -> frame_support::weights::Weight;)*
		}

		/// On a chain with the database weights of `T`.
		pub struct CountedWeight<T>(core::marker::PhantomData<T>);

		impl<T: frame_system::Config> WeightInfo for CountedWeight<T> {
			$(fn $name() -> frame_support::weights::Weight {
				use frame_support::traits::Get;
				frame_support::weights::Weight::from_parts($micros * 1_000_000, 0)
					.saturating_add(T::DbWeight::get().reads_writes($reads, $writes))
			})*
		}

		impl WeightInfo for () {
			$(fn $name() -> frame_support::weights::Weight {
				frame_support::weights::Weight::from_parts(1, 0)
			})*
		}
	};
}
