//! What the calls weigh. The runtime has it measured.

ogpu_traits::weight_info! {
	/// [`apply`](crate::Pallet::apply).
	apply();
	/// [`withdraw`](crate::Pallet::withdraw).
	withdraw();
	/// Saying what a trial came to.
	commit_root();
	/// What every block does.
	every_block();
	/// Beginning `t` trials.
	begin(t);
	/// The end of a rating.
	expire();
	/// The end of a trial for which panels with `p` members are kept.
	end(p);
}
