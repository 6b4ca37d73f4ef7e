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
	/// [`register`](crate::Pallet::register).
	register: 6 reads, 8 writes, 150 us;
	/// [`update`](crate::Pallet::update).
	update: 6 reads, 6 writes, 130 us;
	/// [`retire`](crate::Pallet::retire).
	retire: 5 reads, 5 writes, 40 us;
	/// [`resume`](crate::Pallet::resume).
	resume: 1 reads, 1 writes, 20 us;
	/// [`deregister`](crate::Pallet::deregister).
	deregister: 7 reads, 8 writes, 70 us;
	/// [`set_seats`](crate::Pallet::set_seats).
	set_seats: 6 reads, 5 writes, 45 us;
	/// [`invite`](crate::Pallet::invite).
	invite: 4 reads, 1 writes, 30 us;
	/// [`join`](crate::Pallet::join) and [`merge`](crate::Pallet::merge).
	join: 6 reads, 6 writes, 50 us;
	/// [`suspend`](crate::Pallet::suspend) and [`reinstate`](crate::Pallet::reinstate).
	suspend: 2 reads, 2 writes, 25 us;
	/// [`link_stash`](crate::Pallet::link_stash) and [`unlink_stash`](crate::Pallet::unlink_stash).
	link_stash: 1 reads, 1 writes, 20 us;
	/// Settling the seats of one provider, from none to the most.
	settle_seats: 40 reads, 74 writes, 250 us;
	/// Taking a heartbeat.
	heartbeat: 2 reads, 2 writes, 40 us;
}
