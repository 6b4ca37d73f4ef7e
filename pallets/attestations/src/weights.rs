//! What the calls weigh. The runtime has it measured.

ogpu_traits::weight_info! {
	/// [`challenge`](crate::Pallet::challenge).
	challenge();
	/// [`appeal`](crate::Pallet::appeal).
	appeal();
	/// Committing, as the last of a panel.
	commit();
	/// Opening the leaves of a round, proof included.
	open();
	/// Revealing.
	reveal();
	/// What happens in every block, whatever is due.
	every_block();
	/// Drawing a panel: every seat that may be looked at.
	draw();
	/// Looking at a round by which all parts of a task are settled.
	find_valid();
	/// Looking at a panel whose stage ends: what follows may be a verdict, and the end of a task for which panels with
	/// `p` members are kept.
	end_stage(p);
}
