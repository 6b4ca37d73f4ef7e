//! What the calls weigh.

use frame_support::weights::Weight;

macro_rules! weights {
	($($(#[$doc:meta])* $name:ident)*) => {
		/// What the calls weigh.
		pub trait WeightInfo {
			$($(#[$doc])* fn $name() -> Weight;)*
		}

		/// For tests: everything weighs a little, so that they can run out of weight.
		impl WeightInfo for () {
			$(fn $name() -> Weight { Weight::from_parts(1, 0) })*
		}
	};
}

weights! {
	/// [`register`](crate::Pallet::register).
	register
	/// [`update`](crate::Pallet::update).
	update
	/// [`retire`](crate::Pallet::retire).
	retire
	/// [`resume`](crate::Pallet::resume).
	resume
	/// [`deregister`](crate::Pallet::deregister).
	deregister
	/// [`set_seats`](crate::Pallet::set_seats).
	set_seats
	/// [`invite`](crate::Pallet::invite).
	invite
	/// [`join`](crate::Pallet::join) and [`merge`](crate::Pallet::merge).
	join
	/// [`suspend`](crate::Pallet::suspend) and [`reinstate`](crate::Pallet::reinstate).
	suspend
	/// [`link_stash`](crate::Pallet::link_stash) and [`unlink_stash`](crate::Pallet::unlink_stash).
	link_stash
	/// Settling the seats of one provider, from none to the most.
	settle_seats
	/// Taking a heartbeat.
	heartbeat
}
