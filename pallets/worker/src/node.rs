//! The node that the hook runs on: its executor, its memory, its secrets.

use alloc::vec::Vec;

use ogpu_primitives::{
	executor::{
		Checkpoint, ExecutorStatus, Leaves, Peer, Quote, QuoteRequest, RunId, RunState,
		StateRequest, Submission,
	},
	job::BlobId,
	merkle::Hash,
	piece::Piece,
};
use ogpu_traits::{Away, Node};
use sp_runtime::offchain::storage::StorageValueRef;

use crate::executor::ExecutorAddress;

/// What is remembered lies under this prefix in the node's off-chain storage.
const MEMORY: &[u8] = b"ogpu/memory/";

/// This node.
pub(crate) struct LocalNode(Option<ExecutorAddress>);

impl LocalNode {
	/// With the executor whose address the node has written.
	pub(crate) fn new() -> Self {
		Self(ExecutorAddress::load())
	}

	fn executor(&self) -> Result<&ExecutorAddress, Away> {
		self.0.as_ref().ok_or(Away::Unreachable)
	}
}

fn key(of: &[u8]) -> Vec<u8> {
	[MEMORY, of].concat()
}

impl Node for LocalNode {
	fn status(&self) -> Result<ExecutorStatus, Away> {
		self.executor()?.status()
	}

	fn quote(&self, request: &QuoteRequest) -> Result<Quote, Away> {
		self.executor()?.quote(request)
	}

	fn run(&self, submission: &Submission) -> Result<RunState, Away> {
		self.executor()?.run(submission)
	}

	fn state(&self, run: &RunId) -> Result<Option<RunState>, Away> {
		self.executor()?.state(run)
	}

	fn cancel(&self, run: &RunId) -> Result<(), Away> {
		self.executor()?.cancel(run)
	}

	fn leaves(&self, run: &RunId) -> Result<Leaves, Away> {
		self.executor()?.leaves(run)
	}

	fn fetch(&self, blob: &BlobId, size: u64, peers: &[Peer]) -> Result<bool, Away> {
		self.executor()?.fetch(blob, size, peers)
	}

	fn read(&self, blob: &BlobId) -> Result<Vec<u8>, Away> {
		self.executor()?.read(blob)
	}

	fn keep(&self, bytes: &[u8]) -> Result<BlobId, Away> {
		self.executor()?.keep(bytes)
	}

	fn share(&self, blob: &BlobId, to: &[[u8; 32]]) -> Result<(), Away> {
		self.executor()?.share(blob, to)
	}

	fn publish(&self, run: &RunId, to: &[[u8; 32]]) -> Result<(), Away> {
		self.executor()?.publish(run, true, &[], to)
	}

	fn publish_states(&self, run: &RunId, segments: &[u32], to: &[[u8; 32]]) -> Result<(), Away> {
		self.executor()?.publish(run, false, segments, to)
	}

	fn state_of_others(&self, request: &StateRequest) -> Result<Option<Checkpoint>, Away> {
		self.executor()?.state_of_others(request)
	}

	fn piece(&self, blob: &BlobId, piece: u32) -> Result<Piece, Away> {
		self.executor()?.piece(blob, piece)
	}

	fn slices(&self, run: &RunId, unit: u32) -> Result<Checkpoint, Away> {
		self.executor()?.slices(run, unit)
	}

	fn piece_of_result(
		&self,
		run: &RunId,
		unit: u32,
		slice: u8,
		piece: u32,
	) -> Result<Piece, Away> {
		self.executor()?.piece_of_result(run, unit, slice, piece)
	}

	fn recall(&self, of: &[u8]) -> Option<Vec<u8>> {
		StorageValueRef::persistent(&key(of)).get::<Vec<u8>>().ok()?
	}

	fn remember(&self, of: &[u8], value: &[u8]) -> Vec<u8> {
		let key = key(of);
		let kept =
			StorageValueRef::persistent(&key).mutate(
				|found: Result<Option<Vec<u8>>, _>| match found {
					Ok(Some(before)) => Ok::<_, ()>(before),
					_ => Ok(value.to_vec()),
				},
			);
		match kept {
			Ok(kept) => kept,
			// Another hook was quicker.
			Err(_) => self.recall(of).unwrap_or_else(|| value.to_vec()),
		}
	}

	fn note(&self, of: &[u8], value: &[u8]) {
		StorageValueRef::persistent(&key(of)).set(&value.to_vec());
	}

	fn secret(&self) -> Hash {
		sp_io::offchain::random_seed()
	}
}
