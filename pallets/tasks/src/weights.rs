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
	/// [`submit`](crate::Pallet::submit).
	submit
	/// [`cancel`](crate::Pallet::cancel), of a task under way.
	cancel
	/// [`acknowledge_delivery`](crate::Pallet::acknowledge_delivery).
	acknowledge_delivery
	/// Sealing a bid.
	seal_bid
	/// Opening a bid.
	open_bid
	/// Acknowledging a task.
	acknowledge
	/// Declining a task, with the next best bid taking over.
	decline
	/// Claiming that a task is at fault, and a decision at once.
	claim
	/// Committing the last root of a task, and a decision at once.
	commit_root
	/// What happens in every block, whatever is due.
	every_block
	/// Looking at a task whose status ends: the costliest end of any.
	wake
	/// Carrying out a conviction.
	carry_out
	/// Forgetting a record.
	forget
}
