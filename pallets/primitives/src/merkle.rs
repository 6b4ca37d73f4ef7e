//! The tree over the leaves of a result, its root, and proofs of any of its leaves.
//!
//! A result of `n` units has `n` leaves. Each is hashed once more; neighbours are then hashed together level by
//! level; a node without a neighbour moves up unchanged. The root binds the number of leaves as well, so that the
//! shape of the tree is fixed and no inner node can pass for a leaf:
//!
//! ```text
//! lowest node = H(0 ‖ leaf)    node = H(1 ‖ left ‖ right)    root = H(2 ‖ n as u32, little endian ‖ top)
//! ```
//!
//! So what proves one leaf tells no other: whoever is shown it still has to compute its own.
//!
//! A [`Multiproof`] proves several leaves at once and repeats no hash. The chain verifies with the
//! code the executor proves with; the hash function is a parameter, so that the chain can use the one
//! its host provides.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// A 32-byte hash.
pub type Hash = [u8; 32];

/// A 256-bit hash function.
pub trait Hasher {
	/// The hash of `data`.
	fn hash(data: &[u8]) -> Hash;
}

/// BLAKE2b with 256 bits of output, Substrate's `blake2_256`.
#[derive(Clone, Copy, Debug)]
pub enum Blake2 {}

impl Hasher for Blake2 {
	fn hash(data: &[u8]) -> Hash {
		let mut out = [0; 32];
		out.copy_from_slice(blake2b_simd::Params::new().hash_length(32).hash(data).as_bytes());
		out
	}
}

/// The hash of one unit's output: `H("ogpu/leaf/1" ‖ unit as u32, little endian ‖ slices)`, where each
/// slice is the BLAKE3 hash of what the unit wrote to one buffer, in the order of the job's buffers.
pub fn leaf<H: Hasher>(unit: u32, slices: &[Hash]) -> Hash {
	let mut data = Vec::with_capacity(15 + 32 * slices.len());
	data.extend_from_slice(b"ogpu/leaf/1");
	data.extend_from_slice(&unit.to_le_bytes());
	for slice in slices {
		data.extend_from_slice(slice);
	}
	H::hash(&data)
}

/// The lowest node of the tree above a leaf. It tells nobody the leaf, and anybody who has one whether it is that.
pub fn lowest<H: Hasher>(leaf: &Hash) -> Hash {
	let mut data = [0; 33];
	data[1..].copy_from_slice(leaf);
	H::hash(&data)
}

fn node<H: Hasher>(left: &Hash, right: &Hash) -> Hash {
	let mut data = [1; 65];
	data[1..33].copy_from_slice(left);
	data[33..].copy_from_slice(right);
	H::hash(&data)
}

fn seal<H: Hasher>(count: u32, top: &Hash) -> Hash {
	let mut data = [2; 37];
	data[1..5].copy_from_slice(&count.to_le_bytes());
	data[5..].copy_from_slice(top);
	H::hash(&data)
}

/// The hashes that lead from some leaves to the root, level by level from the leaves up, from left to
/// right within a level; those that can be computed are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Multiproof {
	/// The siblings that the verifier cannot compute.
	pub siblings: Vec<Hash>,
}

/// Why leaves, a proof and a root do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum MerkleError {
	/// No leaves were given.
	Empty,
	/// The units are not in ascending order, or one is named twice.
	Unsorted,
	/// A unit is not below the number of leaves.
	OutOfRange,
	/// The proof has fewer or more hashes than these leaves need.
	WrongLength,
	/// The leaves lead to another root.
	WrongRoot,
}

impl core::fmt::Display for MerkleError {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		f.write_str(match self {
			Self::Empty => "no leaves were given",
			Self::Unsorted => "the units are not in ascending order, each once",
			Self::OutOfRange => "a unit is not below the number of leaves",
			Self::WrongLength => "the proof has another number of hashes than these leaves need",
			Self::WrongRoot => "the leaves lead to another root",
		})
	}
}

impl core::error::Error for MerkleError {}

fn check_units(units: impl Iterator<Item = u32>, count: u32) -> Result<(), MerkleError> {
	let mut last = None;
	for unit in units {
		if last.is_some_and(|last| unit <= last) {
			return Err(MerkleError::Unsorted);
		}
		if unit >= count {
			return Err(MerkleError::OutOfRange);
		}
		last = Some(unit);
	}
	last.map(|_| ()).ok_or(MerkleError::Empty)
}

/// A tree, for proving. 96 bytes per leaf.
#[derive(Clone, Debug)]
pub struct Tree {
	leaves: Vec<Hash>,
	/// From the lowest nodes up, without the top.
	levels: Vec<Vec<Hash>>,
	root: Hash,
}

impl Tree {
	/// The tree over `leaves`, in the order of their units.
	///
	/// # Errors
	///
	/// [`MerkleError::Empty`] without leaves, [`MerkleError::OutOfRange`] with more than `u32::MAX`.
	pub fn new<H: Hasher>(leaves: Vec<Hash>) -> Result<Self, MerkleError> {
		let count = u32::try_from(leaves.len()).map_err(|_| MerkleError::OutOfRange)?;
		let mut levels = Vec::new();
		let mut level: Vec<Hash> = leaves.iter().map(lowest::<H>).collect();
		while level.len() > 1 {
			let above = level
				.chunks(2)
				.map(|pair| match pair {
					[left, right] => node::<H>(left, right),
					alone => alone[0],
				})
				.collect();
			levels.push(core::mem::replace(&mut level, above));
		}
		let top = *level.first().ok_or(MerkleError::Empty)?;
		let root = seal::<H>(count, &top);
		Ok(Self { leaves, levels, root })
	}

	/// The leaf of a unit.
	pub fn leaf(&self, unit: u32) -> Option<Hash> {
		self.leaves.get(unit as usize).copied()
	}

	/// The root, which binds the number of leaves.
	pub fn root(&self) -> Hash {
		self.root
	}

	/// What proves the leaves of `units`, which are in ascending order.
	///
	/// # Errors
	///
	/// When `units` is empty, unsorted or out of range.
	pub fn prove(&self, units: &[u32]) -> Result<Multiproof, MerkleError> {
		check_units(units.iter().copied(), self.leaves.len() as u32)?;
		let mut known: Vec<usize> = units.iter().map(|unit| *unit as usize).collect();
		let mut siblings = Vec::new();
		for level in &self.levels {
			let mut above = Vec::with_capacity(known.len());
			let mut at = 0;
			while at < known.len() {
				let index = known[at];
				let sibling = index ^ 1;
				if known.get(at + 1) == Some(&sibling) {
					at += 1;
				} else if let Some(hash) = level.get(sibling) {
					siblings.push(*hash);
				}
				above.push(index / 2);
				at += 1;
			}
			known = above;
		}
		Ok(Multiproof { siblings })
	}
}

/// Checks that `leaves` (unit and leaf, in ascending order of units) are among the `count` leaves under
/// `root`. At most `leaves.len() · (⌈log2 count⌉ + 1) + 1` hashes are computed.
///
/// # Errors
///
/// Says what does not fit; see [`MerkleError`].
pub fn verify<H: Hasher>(
	root: &Hash,
	count: u32,
	leaves: &[(u32, Hash)],
	proof: &Multiproof,
) -> Result<(), MerkleError> {
	let lowest = leaves.iter().map(|(unit, leaf)| (*unit, lowest::<H>(leaf))).collect();
	verify_lowest::<H>(root, count, lowest, proof)
}

/// The same of lowest nodes, whose leaves need not be known.
///
/// # Errors
///
/// Says what does not fit; see [`MerkleError`].
pub fn verify_lowest<H: Hasher>(
	root: &Hash,
	count: u32,
	nodes: Vec<(u32, Hash)>,
	proof: &Multiproof,
) -> Result<(), MerkleError> {
	check_units(nodes.iter().map(|(unit, _)| *unit), count)?;
	let mut siblings = proof.siblings.iter();
	let mut known = nodes;
	let mut width = count;
	while width > 1 {
		let mut above = Vec::with_capacity(known.len());
		let mut at = 0;
		while at < known.len() {
			let (index, hash) = known[at];
			let sibling = index ^ 1;
			let parent = match known.get(at + 1) {
				Some((next, right)) if *next == sibling => {
					at += 1;
					node::<H>(&hash, right)
				}
				_ if sibling >= width => hash,
				_ => {
					let other = siblings.next().ok_or(MerkleError::WrongLength)?;
					if index & 1 == 0 { node::<H>(&hash, other) } else { node::<H>(other, &hash) }
				}
			};
			above.push((index / 2, parent));
			at += 1;
		}
		known = above;
		width = width.div_ceil(2);
	}
	if siblings.next().is_some() {
		return Err(MerkleError::WrongLength);
	}
	match known.first() {
		Some((_, top)) if seal::<H>(count, top) == *root => Ok(()),
		_ => Err(MerkleError::WrongRoot),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn leaves(count: u32) -> Vec<Hash> {
		(0..count).map(|unit| leaf::<Blake2>(unit, &[[7; 32]])).collect()
	}

	#[test]
	fn the_hash_is_substrates_blake2_256() {
		// BLAKE2b-256 of nothing, from the reference implementation.
		let empty = Blake2::hash(b"");
		assert_eq!(empty[..4], [0x0e, 0x57, 0x51, 0xc0]);
		assert_eq!(empty[28..], [0xf1, 0x2f, 0xe3, 0xa8][..]);
	}

	#[test]
	fn a_root_binds_the_number_of_leaves() {
		// Five leaves and the same with the last one doubled share every inner node but the shape.
		let mut doubled = leaves(5);
		doubled.push(doubled[4]);
		let five = Tree::new::<Blake2>(leaves(5)).map(|tree| tree.root());
		assert_ne!(five, Tree::new::<Blake2>(doubled).map(|tree| tree.root()));
		assert_eq!(Tree::new::<Blake2>(vec![]).map(|tree| tree.root()), Err(MerkleError::Empty));
	}

	#[test]
	fn what_proves_a_leaf_tells_no_other() {
		let all = leaves(7);
		let tree = Tree::new::<Blake2>(all.clone()).expect("seven leaves");
		for unit in 0..7 {
			let proof = tree.prove(&[unit]).expect("a unit");
			assert!(proof.siblings.iter().all(|sibling| !all.contains(sibling)));
		}
	}

	#[test]
	fn an_inner_node_is_no_leaf() {
		let all: Vec<Hash> = leaves(4).iter().map(lowest::<Blake2>).collect();
		let tree = Tree::new::<Blake2>(leaves(4)).expect("four leaves");
		let left = node::<Blake2>(&all[0], &all[1]);
		let right = node::<Blake2>(&all[2], &all[3]);
		let proof = Multiproof { siblings: vec![right] };
		assert_eq!(
			verify::<Blake2>(&tree.root(), 2, &[(0, left)], &proof),
			Err(MerkleError::WrongRoot)
		);
	}

	proptest! {
		#[test]
		fn what_is_proved_verifies_and_nothing_else(
			count in 1u32..200,
			picks in proptest::collection::vec(any::<prop::sample::Index>(), 1..20),
			spoil in any::<prop::sample::Index>(),
		) {
			let all = leaves(count);
			let tree = Tree::new::<Blake2>(all.clone()).expect("leaves");
			let units: alloc::collections::BTreeSet<u32> =
				picks.iter().map(|pick| pick.index(count as usize) as u32).collect();
			let units: Vec<u32> = units.into_iter().collect();
			let proof = tree.prove(&units).expect("units in range");
			let opened: Vec<_> = units.iter().map(|unit| (*unit, all[*unit as usize])).collect();
			prop_assert_eq!(verify::<Blake2>(&tree.root(), count, &opened, &proof), Ok(()));

			let mut wrong = opened.clone();
			wrong[spoil.index(opened.len())].1[0] ^= 1;
			prop_assert_eq!(
				verify::<Blake2>(&tree.root(), count, &wrong, &proof),
				Err(MerkleError::WrongRoot)
			);
			let mut long = proof.clone();
			long.siblings.push([0; 32]);
			prop_assert_eq!(
				verify::<Blake2>(&tree.root(), count, &opened, &long),
				Err(MerkleError::WrongLength)
			);
			if !proof.siblings.is_empty() {
				let mut short = proof.clone();
				short.siblings.pop();
				prop_assert_eq!(
					verify::<Blake2>(&tree.root(), count, &opened, &short),
					Err(MerkleError::WrongLength)
				);
				let mut spoilt = proof.clone();
				spoilt.siblings[0][31] ^= 1;
				prop_assert_eq!(
					verify::<Blake2>(&tree.root(), count, &opened, &spoilt),
					Err(MerkleError::WrongRoot)
				);
			}
		}

		#[test]
		fn malformed_openings_are_refused(
			units in proptest::collection::vec(0u32..40, 0..6),
			siblings in proptest::collection::vec(any::<[u8; 32]>(), 0..6),
			count in 1u32..32,
		) {
			let opened: Vec<_> = units.iter().map(|unit| (*unit, [1; 32])).collect();
			let proof = Multiproof { siblings };
			prop_assert!(verify::<Blake2>(&[0; 32], count, &opened, &proof).is_err());
		}
	}
}
