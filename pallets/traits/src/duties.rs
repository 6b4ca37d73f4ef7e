//! What a provider's hook has to do, and the doing of it.

use alloc::vec::Vec;

use frame_support::{pallet_prelude::DispatchResult, weights::Weight};
use ogpu_primitives::{
	executor::{
		Checkpoint, ExecutorStatus, Leaves, Peer, Quote, QuoteRequest, RunId, RunState,
		StateRequest, Submission,
	},
	job::BlobId,
	merkle::Hash,
	piece::Piece,
};

/// What one pallet wants of providers. The hook has it attended to off chain, and sends what was done in a
/// block together.
pub trait Duties<AccountId> {
	/// Something that is due, with all that is needed to do it.
	type Due;
	/// What was done.
	type Done;

	/// What is due of a provider now, most urgent first. At most `most`.
	fn due(provider: &AccountId, most: u32) -> Vec<Self::Due>;

	/// Does what is due, as far as it goes without waiting: off chain, on the provider's node. It may be called
	/// again for the same, or never, or on a fork.
	fn attend(provider: &AccountId, most: u32, node: &dyn Node) -> Vec<Self::Done>;

	/// Whether something that was done still counts. Cheap: asked before anything is checked.
	fn is_live(provider: &AccountId, done: &Self::Done) -> bool;

	/// The most that taking it may weigh.
	fn weight(done: &Self::Done) -> Weight;

	/// Whether the provider may do it whenever it likes. What the chain has asked it for is no spam, and must not
	/// fail because of what it has done before.
	fn is_voluntary(done: &Self::Done) -> bool;

	/// Takes it.
	///
	/// # Errors
	///
	/// Why it is refused. Nothing changes then.
	fn perform(provider: &AccountId, done: Self::Done) -> DispatchResult;
}

/// Why the executor gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
	/// It is not configured, or did not answer in time.
	Unreachable,
	/// It answered with this HTTP status.
	Refused(u16),
	/// What it answered is not what was asked.
	Nonsense,
}

/// What the hook of a provider's node can use: its executor, and a memory that survives restarts.
pub trait Node {
	/// What the executor says of itself.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn status(&self) -> Result<ExecutorStatus, Away>;

	/// What a job would cost.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn quote(&self, request: &QuoteRequest) -> Result<Quote, Away>;

	/// Has a job run, or asks how it stands if it was submitted before.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn run(&self, submission: &Submission) -> Result<RunState, Away>;

	/// How a run stands; `None` if it was never submitted, or is forgotten.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn state(&self, run: &RunId) -> Result<Option<RunState>, Away>;

	/// Gives a run up, which nobody waits for any more, and frees its device. One that has ended is forgotten.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn cancel(&self, run: &RunId) -> Result<(), Away>;

	/// The leaves of a finished run.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn leaves(&self, run: &RunId) -> Result<Leaves, Away>;

	/// Has a blob fetched from whoever has it. Whether it is here.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn fetch(&self, blob: &BlobId, size: u64, peers: &[Peer]) -> Result<bool, Away>;

	/// The bytes of a small blob that is here.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn read(&self, blob: &BlobId) -> Result<Vec<u8>, Away>;

	/// Keeps some bytes. The blob that they are.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn keep(&self, bytes: &[u8]) -> Result<BlobId, Away>;

	/// Serves a blob that is here to the endpoints with these keys.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn share(&self, blob: &BlobId, to: &[[u8; 32]]) -> Result<(), Away>;

	/// Serves the outputs of a finished run to the endpoints with these keys.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn publish(&self, run: &RunId, to: &[[u8; 32]]) -> Result<(), Away>;

	/// Serves the states after segments of a finished run to the endpoints with these keys.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn publish_states(&self, run: &RunId, segments: &[u32], to: &[[u8; 32]]) -> Result<(), Away>;

	/// What a state is made of that somebody else's run came to, once that is known, and known to lead to the root.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn state_of_others(&self, request: &StateRequest) -> Result<Option<Checkpoint>, Away>;

	/// A piece of a blob that is here, or the last one if it has fewer.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn piece(&self, blob: &BlobId, piece: u32) -> Result<Piece, Away>;

	/// What the leaf of a finished run's unit is made of.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn slices(&self, run: &RunId, unit: u32) -> Result<Checkpoint, Away>;

	/// A piece of one of these slices, or the last one if it has fewer.
	///
	/// # Errors
	///
	/// Why there is no answer.
	fn piece_of_result(&self, run: &RunId, unit: u32, slice: u8, piece: u32)
	-> Result<Piece, Away>;

	/// What was remembered under a key.
	fn recall(&self, key: &[u8]) -> Option<Vec<u8>>;

	/// Remembers something, unless something else is remembered under the key already: hooks may run side by side.
	/// What is remembered from now on.
	fn remember(&self, key: &[u8], value: &[u8]) -> Vec<u8>;

	/// Remembers something in place of what was remembered under the key. Of hooks side by side the last one does.
	fn note(&self, key: &[u8], value: &[u8]);

	/// 32 bytes that nobody else can know.
	fn secret(&self) -> Hash;
}
