//! Proofs that some bytes stand at some place of a blob, for whoever knows only its hash.

use std::io;

use bao_tree::{
	BaoTree, BlockSize, ChunkNum, ChunkRanges,
	io::{BaoContentItem, DecodeError, sync::DecodeResponseIter},
};
use ogpu_primitives::job::BlobId;

/// The longest piece that a proof is made for, in bytes; pieces start at multiples of it.
pub const CHUNK: u64 = 64 * 1024;

/// Groups of 16 KiB have one leaf of the hash tree, as in the store.
const GROUPS: BlockSize = BlockSize::from_chunk_log(4);

/// A proof that does not prove.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
	/// Its bytes do not lead to the hash.
	#[error("the proof does not lead to the blob's hash")]
	Wrong,
	/// It is cut short, or has more than it should.
	#[error("the proof has a wrong length")]
	Length,
	/// The blob ends before the piece.
	#[error("the blob has no such piece")]
	OutOfRange,
}

impl From<DecodeError> for ProofError {
	fn from(error: DecodeError) -> Self {
		match error {
			DecodeError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Length,
			_ => Self::Wrong,
		}
	}
}

/// The bytes of piece number `piece` of a blob, which has the length `size`, out of a proof made by
/// [`Blobs::prove`](crate::Blobs::prove).
///
/// # Errors
///
/// When the proof is not one of this piece of this blob.
pub fn verify(blob: &BlobId, size: u64, piece: u64, proof: &[u8]) -> Result<Vec<u8>, ProofError> {
	let start = piece.checked_mul(CHUNK).filter(|start| *start < size || (size, piece) == (0, 0));
	let start = start.ok_or(ProofError::OutOfRange)?;
	let end = size.min(start + CHUNK);
	let Some((claimed, mut body)) = proof.split_first_chunk::<8>() else {
		return Err(ProofError::Length);
	};
	if u64::from_le_bytes(*claimed) != size {
		return Err(ProofError::Wrong);
	}
	let tree = BaoTree::new(size, GROUPS);
	let ranges = ChunkRanges::from(ChunkNum::full_chunks(start)..ChunkNum::chunks(end.max(1)));
	let mut bytes = Vec::with_capacity((end - start) as usize);
	for item in DecodeResponseIter::new(blob.0.into(), tree, &mut body, &ranges) {
		if let BaoContentItem::Leaf(leaf) = item? {
			bytes.extend_from_slice(&leaf.data);
		}
	}
	if !body.is_empty() || bytes.len() as u64 != end - start {
		return Err(ProofError::Length);
	}
	Ok(bytes)
}
