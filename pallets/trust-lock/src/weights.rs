//! What the calls weigh.
//!
//! Counted by hand: the storage accesses of the costliest case, and a generous time for the rest. Measured
//! weights replace them.

ogpu_traits::counted_weights! {
	/// [`bond`](crate::Pallet::bond).
	bond: 3 reads, 3 writes, 40 us;
	/// [`unbond`](crate::Pallet::unbond).
	unbond: 2 reads, 1 writes, 25 us;
	/// [`rebond`](crate::Pallet::rebond).
	rebond: 1 reads, 1 writes, 25 us;
	/// [`withdraw`](crate::Pallet::withdraw).
	withdraw: 4 reads, 3 writes, 45 us;
}
