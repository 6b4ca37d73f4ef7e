//! What the calls weigh. The runtime has it measured.

ogpu_traits::weight_info! {
	/// [`register`](crate::Pallet::register).
	register();
	/// [`update`](crate::Pallet::update).
	update();
	/// [`retire`](crate::Pallet::retire).
	retire();
	/// [`resume`](crate::Pallet::resume).
	resume();
	/// [`deregister`](crate::Pallet::deregister).
	deregister();
	/// [`set_seats`](crate::Pallet::set_seats).
	set_seats();
	/// [`invite`](crate::Pallet::invite).
	invite();
	/// [`join`](crate::Pallet::join) and [`merge`](crate::Pallet::merge).
	join();
	/// [`suspend`](crate::Pallet::suspend) and [`reinstate`](crate::Pallet::reinstate).
	suspend();
	/// [`link_stash`](crate::Pallet::link_stash) and [`unlink_stash`](crate::Pallet::unlink_stash).
	link_stash();
	/// [`accept_stash`](crate::Pallet::accept_stash).
	accept_stash();
	/// Settling the seats of one provider, from none to the most.
	settle_seats();
	/// Taking a heartbeat.
	heartbeat();
}
