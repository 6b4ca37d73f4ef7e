//! What the call weighs besides its duties. Counted by hand; measured weights replace it.

ogpu_traits::counted_weights! {
	/// Taking the transaction.
	perform: 2 reads, 1 writes, 30 us;
	/// Checking it, signature included.
	authorize: 20 reads, 0 writes, 120 us;
}
