//! What a provider's hook has to do, and the doing of it.

use alloc::vec::Vec;

use codec::Encode;
use frame_support::{pallet_prelude::DispatchResult, weights::Weight};

/// What one pallet wants of providers. The hook gathers what is due, has it done off chain, and sends the
/// answers of a block together.
pub trait Duties<AccountId> {
	/// Something that is due, with all that the hook needs to do it.
	type Due: Encode;
	/// What was done.
	type Done;

	/// What is due of a provider now. At most `most`.
	fn due(provider: &AccountId, most: u32) -> Vec<Self::Due>;

	/// Whether an answer still counts. Cheap: asked before anything is checked.
	fn is_live(provider: &AccountId, done: &Self::Done) -> bool;

	/// The most that taking an answer may weigh.
	fn weight(done: &Self::Done) -> Weight;

	/// Takes an answer.
	///
	/// # Errors
	///
	/// Why it is refused. Nothing changes then.
	fn perform(provider: &AccountId, done: Self::Done) -> DispatchResult;
}
