//! What the calls weigh.
//!
//! Counted by hand: the storage accesses of the costliest case, and a generous time for the rest. Measured
//! weights replace them.

ogpu_traits::counted_weights! {
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
	link_stash: 2 reads, 2 writes, 25 us;
	/// [`accept_stash`](crate::Pallet::accept_stash).
	accept_stash: 3 reads, 3 writes, 30 us;
	/// Settling the seats of one provider, from none to the most.
	settle_seats: 40 reads, 74 writes, 250 us;
	/// Taking a heartbeat.
	heartbeat: 2 reads, 2 writes, 40 us;
}
