//! What the calls weigh. The runtime has it measured.

ogpu_traits::weight_info! {
	/// [`bond`](crate::Pallet::bond).
	bond();
	/// [`unbond`](crate::Pallet::unbond).
	unbond();
	/// [`rebond`](crate::Pallet::rebond).
	rebond();
	/// [`withdraw`](crate::Pallet::withdraw).
	withdraw();
}
