//! What calls weigh, as pallets ask for it.

/// Declares a pallet's `WeightInfo`, with what the weight of a call depends on, and `()` for tests, with which
/// everything weighs a little, so that they can run out of weight. The runtime has measured weights.
#[macro_export]
macro_rules! weight_info {
	($($(#[$doc:meta])* $name:ident($($component:ident),*);)*) => {
		/// What the calls weigh.
		pub trait WeightInfo {
			$($(#[$doc])* fn $name($($component: u32),*) -> frame_support::weights::Weight;)*
		}

		impl WeightInfo for () {
			$(fn $name($(_: ogpu_traits::component!($component)),*) -> frame_support::weights::Weight {
				frame_support::weights::Weight::from_parts(1, 0)
			})*
		}
	};
}

/// The type of what a weight depends on.
#[doc(hidden)]
#[macro_export]
macro_rules! component {
	($name:ident) => {
		u32
	};
}
