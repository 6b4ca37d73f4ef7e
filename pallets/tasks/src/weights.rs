//! What the calls weigh.
//!
//! Counted by hand: the storage accesses of the costliest case, and a generous time for the rest. Measured
//! weights replace them.

ogpu_traits::counted_weights! {
	/// [`submit`](crate::Pallet::submit).
	submit: 24 reads, 9 writes, 150 us;
	/// [`cancel`](crate::Pallet::cancel), of a task under way.
	cancel: 180 reads, 210 writes, 400 us;
	/// [`acknowledge_delivery`](crate::Pallet::acknowledge_delivery).
	acknowledge_delivery: 8 reads, 7 writes, 90 us;
	/// Sealing a bid.
	seal_bid: 8 reads, 6 writes, 70 us;
	/// Opening a bid.
	open_bid: 7 reads, 8 writes, 90 us;
	/// Acknowledging a task.
	acknowledge: 4 reads, 5 writes, 50 us;
	/// Declining a task, with the next best bid taking over.
	decline: 100 reads, 100 writes, 200 us;
	/// Claiming that a task is at fault, and a decision at once.
	claim: 180 reads, 210 writes, 400 us;
	/// Committing the last root of a task, and a decision at once.
	commit_root: 120 reads, 120 writes, 300 us;
	/// [`open_stream`](crate::Pallet::open_stream), [`top_up`](crate::Pallet::top_up) and
	/// [`close_stream`](crate::Pallet::close_stream).
	open_stream: 6 reads, 6 writes, 70 us;
	/// [`pause_stream`](crate::Pallet::pause_stream).
	pause_stream: 1 reads, 1 writes, 20 us;
	/// [`send`](crate::Pallet::send), for each batch.
	send: 26 reads, 10 writes, 160 us;
	/// Sealing the root of a batch.
	race: 24 reads, 8 writes, 90 us;
	/// Showing it.
	show: 5 reads, 3 writes, 60 us;
	/// What happens in every block, whatever is due.
	every_block: 16 reads, 6 writes, 40 us;
	/// Looking at a task whose status ends: the costliest end of any.
	wake: 280 reads, 290 writes, 1200 us;
	/// Closing the sealing of bids, and ending a task that nobody bid for.
	close_empty: 26 reads, 16 writes, 120 us;
	/// Carrying out a conviction.
	carry_out: 8 reads, 9 writes, 120 us;
	/// Forgetting a record.
	forget: 2 reads, 2 writes, 15 us;
}
