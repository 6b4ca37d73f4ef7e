//! What the calls weigh.
//!
//! Counted by hand: the storage accesses of the costliest case, and a generous time for the rest. Measured
//! weights replace them.

ogpu_traits::counted_weights! {
	/// [`challenge`](crate::Pallet::challenge).
	challenge: 10 reads, 9 writes, 100 us;
	/// Committing, as the last of a panel.
	commit: 12 reads, 8 writes, 120 us;
	/// Opening the leaves of a round, proof included.
	open: 6 reads, 5 writes, 900 us;
	/// Revealing.
	reveal: 10 reads, 7 writes, 120 us;
	/// What happens in every block, whatever is due.
	every_block: 8 reads, 6 writes, 30 us;
	/// Drawing a panel: every seat that may be looked at.
	draw: 1100 reads, 50 writes, 2000 us;
	/// Looking at a panel whose stage ends: what follows may be a verdict, and the end of a task.
	end_stage: 320 reads, 320 writes, 1500 us;
}
