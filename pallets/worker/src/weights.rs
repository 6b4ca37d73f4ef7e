//! What the calls weigh. The runtime has it measured.

ogpu_traits::weight_info! {
	/// Taking the transaction.
	perform();
	/// Checking it, signature included.
	authorize();
}
