//! Pieces of blobs, proven to whoever knows no more of a blob than its hash.
//!
//! A blob's id is its BLAKE3 hash: the root of a binary tree over its bytes, of which a piece of 64 KiB is a subtree.
//! In a tree over several pieces the left side has the largest power of two of them that is less than all. What
//! proves a piece are the hashes beside its way to the root. A piece is hashed with its place, so that none can
//! pass for another, and the last one proves how long the blob is.
//!
//! ```
//! use ogpu_primitives::{job::BlobId, piece::Piece};
//!
//! let data = vec![7; 200_000];
//! let blob = BlobId(*blake3::hash(&data).as_bytes());
//! let piece = Piece::of(&data, 2);
//! assert_eq!(piece.verify(&blob), Ok(()));
//! assert_eq!(piece.bytes[..], data[131_072..196_608]);
//! ```

use alloc::vec::Vec;

use blake3::{
	Hasher,
	hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root},
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{job::BlobId, merkle::Hash};

/// The length of a piece, in bytes. The last one of a blob may be shorter.
pub const PIECE: u32 = 64 * 1024;
/// The most hashes beside the way of a piece to the root: for 2^32 pieces.
pub const MAX_LEVELS: u32 = 32;

/// A piece of a blob, with what proves it.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Piece {
	/// The size of the blob, in bytes.
	pub size: u64,
	/// Which piece it is, from 0.
	pub index: u32,
	/// Its bytes.
	pub bytes: BoundedVec<u8, ConstU32<PIECE>>,
	/// The hashes beside its way to the root, from the piece up.
	pub siblings: BoundedVec<Hash, ConstU32<MAX_LEVELS>>,
}

/// Why a piece is none of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum PieceError {
	/// A blob of this size has no such piece.
	OutOfRange,
	/// It has too few or too many bytes or hashes.
	WrongLength,
	/// It does not lead to the hash.
	WrongHash,
}

impl core::fmt::Display for PieceError {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		f.write_str(match self {
			Self::OutOfRange => "a blob of this size has no such piece",
			Self::WrongLength => "the piece has a wrong number of bytes or hashes",
			Self::WrongHash => "the piece does not lead to the hash of the blob",
		})
	}
}

impl core::error::Error for PieceError {}

/// How many pieces a blob of so many bytes has: an empty one has one, which is empty.
pub const fn pieces(size: u64) -> u64 {
	let full = size.div_ceil(PIECE as u64);
	if full == 0 { 1 } else { full }
}

/// How long a piece of a blob of so many bytes is, if it has it.
pub fn length(size: u64, index: u32) -> Option<u32> {
	let before = u64::from(index) * u64::from(PIECE);
	let exists = u64::from(index) < pieces(size);
	exists.then(|| (size - before).min(PIECE.into()) as u32)
}

/// How many of so many pieces, of which there is more than one, are on the left side.
fn left_side(count: u64) -> u64 {
	count.next_power_of_two() / 2
}

/// On which side of each node it passes the way to a piece leads, from the root down: true for the right one.
pub fn way(mut count: u64, index: u32) -> Vec<bool> {
	let mut index = u64::from(index);
	let mut way = Vec::new();
	while count > 1 {
		let left = left_side(count);
		let right = index >= left;
		way.push(right);
		(count, index) = if right { (count - left, index - left) } else { (left, index) };
	}
	way
}

/// The hash of a piece of a blob that has more than one.
fn subtree(index: u32, bytes: &[u8]) -> Hash {
	let offset = u64::from(index) * u64::from(PIECE);
	Hasher::new().set_input_offset(offset).update(bytes).finalize_non_root()
}

fn merged(hashes: &[Hash]) -> Hash {
	match hashes {
		[] => [0; 32],
		[one] => *one,
		_ => {
			let (left, right) = hashes.split_at(left_side(hashes.len() as u64) as usize);
			merge_subtrees_non_root(&merged(left), &merged(right), Mode::Hash)
		}
	}
}

impl Piece {
	/// Piece `wanted` of a blob that is at hand; its last one if it has fewer.
	pub fn of(blob: &[u8], wanted: u32) -> Self {
		let mut hashes = Hashes::default();
		for piece in blob.chunks(PIECE as usize) {
			hashes.push(piece);
		}
		let (index, siblings) = hashes.prove(wanted);
		let bytes = blob.chunks(PIECE as usize).nth(index as usize).unwrap_or_default();
		Self {
			size: blob.len() as u64,
			index,
			bytes: BoundedVec::truncate_from(bytes.to_vec()),
			siblings: BoundedVec::truncate_from(siblings),
		}
	}

	/// Checks that it is a piece of a blob.
	///
	/// # Errors
	///
	/// Says what does not fit; see [`PieceError`].
	pub fn verify(&self, blob: &BlobId) -> Result<(), PieceError> {
		let length = length(self.size, self.index).ok_or(PieceError::OutOfRange)?;
		let way = way(pieces(self.size), self.index);
		if self.bytes.len() as u32 != length || self.siblings.len() != way.len() {
			return Err(PieceError::WrongLength);
		}
		let root = if way.is_empty() {
			*blake3::hash(&self.bytes).as_bytes()
		} else {
			let mut hash = subtree(self.index, &self.bytes);
			let mut above = way.len();
			for (right, sibling) in way.iter().rev().zip(&self.siblings) {
				let (left, right) = if *right { (sibling, &hash) } else { (&hash, sibling) };
				above -= 1;
				hash = match above {
					0 => *merge_subtrees_root(left, right, Mode::Hash).as_bytes(),
					_ => merge_subtrees_non_root(left, right, Mode::Hash),
				};
			}
			hash
		};
		if root == blob.0 { Ok(()) } else { Err(PieceError::WrongHash) }
	}

	/// Whether it settles a demand for piece `wanted`: it is that one, or the last one of a blob that has fewer.
	pub fn settles(&self, wanted: u32) -> bool {
		let last = u64::from(self.index) + 1 == pieces(self.size);
		self.index == wanted || last && self.index < wanted
	}
}

/// The hashes of all pieces of a blob, from which each can be proven. 32 bytes for each piece.
#[derive(Clone, Debug)]
pub struct Hashes {
	pieces: Vec<Hash>,
	/// The hash of a blob that is no longer than its first piece.
	short: Hash,
}

impl Default for Hashes {
	/// Those of an empty blob.
	fn default() -> Self {
		Self { pieces: Vec::new(), short: *blake3::hash(&[]).as_bytes() }
	}
}

impl Hashes {
	/// Takes the next piece: of [`PIECE`] bytes, unless it is the last.
	pub fn push(&mut self, piece: &[u8]) {
		let index = self.pieces.len() as u32;
		if index == 0 {
			self.short = *blake3::hash(piece).as_bytes();
		}
		self.pieces.push(subtree(index, piece));
	}

	/// The blob's id.
	pub fn blob(&self) -> BlobId {
		BlobId(match self.pieces.len() {
			0 | 1 => self.short,
			count => {
				let (left, right) = self.pieces.split_at(left_side(count as u64) as usize);
				*merge_subtrees_root(&merged(left), &merged(right), Mode::Hash).as_bytes()
			}
		})
	}

	/// Which piece settles a demand for `wanted`, and the hashes beside its way to the root.
	pub fn prove(&self, wanted: u32) -> (u32, Vec<Hash>) {
		let index = (wanted as usize).min(self.pieces.len().saturating_sub(1));
		let mut siblings = Vec::new();
		let (mut hashes, mut at) = (&self.pieces[..], index);
		while hashes.len() > 1 {
			let (left, right) = hashes.split_at(left_side(hashes.len() as u64) as usize);
			let beside = if at < left.len() { right } else { left };
			siblings.push(merged(beside));
			(hashes, at) = if at < left.len() { (left, at) } else { (right, at - left.len()) };
		}
		siblings.reverse();
		(index as u32, siblings)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const LENGTH: usize = PIECE as usize;

	fn data(len: usize) -> Vec<u8> {
		(0..len).map(|at| (at * 31 + at / 251) as u8).collect()
	}

	fn id(data: &[u8]) -> BlobId {
		BlobId(*blake3::hash(data).as_bytes())
	}

	#[test]
	fn every_piece_of_every_shape_of_tree_is_proven() {
		for count in 0..20 {
			for less in [0, 1, LENGTH - 1] {
				let data = data((count * LENGTH).saturating_sub(less));
				let pieces = pieces(data.len() as u64) as u32;
				let mut hashes = Hashes::default();
				data.chunks(LENGTH).for_each(|piece| hashes.push(piece));
				assert_eq!(hashes.blob(), id(&data));
				for index in 0..pieces {
					let piece = Piece::of(&data, index);
					assert_eq!(piece.verify(&id(&data)), Ok(()), "{} {index}", data.len());
					let start = index as usize * LENGTH;
					assert_eq!(piece.bytes[..], data[start..data.len().min(start + LENGTH)]);
					assert!(piece.settles(index) && (index == 0 || !piece.settles(index - 1)));
					assert_eq!(piece.settles(index + 1), index + 1 == pieces);
				}
			}
		}
	}

	#[test]
	fn a_blob_cannot_be_said_to_be_shorter() {
		// What is beyond the end is settled by the last piece, and by no other in its stead.
		let data = data(5 * LENGTH + 9);
		let last = Piece::of(&data, 77);
		assert_eq!((last.index, last.verify(&id(&data))), (5, Ok(())));
		assert!(last.settles(77));
		for index in 0..5 {
			for size in 1..=5 {
				let mut early = Piece::of(&data, index);
				early.size = size * u64::from(PIECE);
				let levels = way(pieces(early.size), index.min(size as u32 - 1)).len();
				early.siblings.truncate(levels);
				assert!(early.verify(&id(&data)).is_err() || !early.settles(77), "{index} {size}");
			}
		}
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(64))]
		#[test]
		fn nothing_else_is_a_piece(
			len in 0usize..9 * LENGTH,
			pick in any::<prop::sample::Index>(),
			spoil in any::<prop::sample::Index>(),
			other in 0u32..12,
			size in 0u64..10 * u64::from(PIECE),
		) {
			let data = data(len);
			let blob = id(&data);
			let index = pick.index(pieces(len as u64) as usize) as u32;
			let piece = Piece::of(&data, index);
			prop_assert_eq!(piece.verify(&blob), Ok(()));
			prop_assert_eq!(piece.verify(&BlobId([3; 32])), Err(PieceError::WrongHash));
			if !piece.bytes.is_empty() {
				let mut wrong = piece.clone();
				wrong.bytes[spoil.index(piece.bytes.len())] ^= 1;
				prop_assert_eq!(wrong.verify(&blob), Err(PieceError::WrongHash));
			}
			if !piece.siblings.is_empty() {
				let mut wrong = piece.clone();
				wrong.siblings[spoil.index(piece.siblings.len())][7] ^= 1;
				prop_assert_eq!(wrong.verify(&blob), Err(PieceError::WrongHash));
				wrong.siblings.pop();
				prop_assert_eq!(wrong.verify(&blob), Err(PieceError::WrongLength));
			}
			let mut long = piece.clone();
			if long.siblings.try_push([0; 32]).is_ok() {
				prop_assert_eq!(long.verify(&blob), Err(PieceError::WrongLength));
			}
			// Another place or size may fit by chance of shape, but never with other bytes in that place.
			let moved = Piece { index: other, size, ..piece.clone() };
			if moved.verify(&blob).is_ok() {
				prop_assert_eq!(other, index);
			}
		}
	}
}
