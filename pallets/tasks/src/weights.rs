//! What the calls weigh. The runtime has it measured.

ogpu_traits::weight_info! {
	/// [`submit`](crate::Pallet::submit).
	submit();
	/// [`cancel`](crate::Pallet::cancel), of a task under way for which panels with `p` members are kept.
	cancel(p);
	/// [`acknowledge_delivery`](crate::Pallet::acknowledge_delivery).
	acknowledge_delivery();
	/// Sealing a bid.
	seal_bid();
	/// Opening a bid.
	open_bid();
	/// Acknowledging a task.
	acknowledge();
	/// Declining a task, with the next best bid taking over.
	decline();
	/// Claiming that a task is at fault, and a decision at once.
	claim();
	/// Committing the last root of a task, and a decision at once.
	commit_root();
	/// [`open_stream`](crate::Pallet::open_stream), [`top_up`](crate::Pallet::top_up) and
	/// [`close_stream`](crate::Pallet::close_stream).
	open_stream();
	/// [`pause_stream`](crate::Pallet::pause_stream).
	pause_stream();
	/// [`send`](crate::Pallet::send), for each batch.
	send();
	/// Sealing the root of a batch.
	race();
	/// Showing it.
	show();
	/// What happens in every block, whatever is due.
	every_block();
	/// Ending a task in its last attempt for which panels with `p` members are kept.
	wake(p);
	/// Closing an auction in which `b` bids were not opened.
	close_auction(b);
	/// Ending a race of `r` racers.
	close_race(r);
	/// Closing the sealing of bids, and ending a task that nobody bid for.
	close_empty();
	/// Carrying out a conviction of which panels with `p` members are kept.
	carry_out(p);
	/// Forgetting a record.
	forget();
	/// [`demand`](crate::Pallet::demand).
	demand();
	/// Answering a demand.
	answer();
	/// Ending a task whose result was demanded in vain, for which panels with `p` members are kept.
	unanswered(p);
}
