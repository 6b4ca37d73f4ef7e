//! Counting what a panel said.

use alloc::{collections::BTreeMap, vec::Vec};

use codec::Encode;

use super::verification::Tier;
use crate::merkle::{Hash, Hasher};

/// What members commit to begins with this.
pub const DOMAIN: &[u8; 13] = b"ogpu/attest/1";

/// Members of the first panel that judges a dispute.
pub const FIRST_PANEL: u32 = 15;
/// Members of the panel that judges where the first could not, or nothing else came to an end.
pub const SECOND_PANEL: u32 = 21;

/// What a member commits to before anybody can know what others computed: the leaves of its units, for this
/// round of this part of this task on this chain, and a salt.
pub fn commitment<H: Hasher>(
	genesis: &Hash,
	round: &impl Encode,
	member: &impl Encode,
	salt: &Hash,
	leaves: &[(u32, Hash)],
) -> Hash {
	(DOMAIN, genesis, round, member, salt, leaves).using_encoded(H::hash)
}

/// How many of a round's members must agree, where there are fewer than the tier wants: `⌈n · α / k⌉`.
pub fn quorum(tier: Tier, members: u32) -> u32 {
	(members * tier.quorum()).div_ceil(tier.members()).max(1)
}

/// How many members of a first panel must say the same: two thirds, rounded up.
pub fn two_thirds(members: u32) -> u32 {
	(2 * members).div_ceil(3).max(1)
}

/// How many members of a second panel must say the same: more than half.
pub fn majority(members: u32) -> u32 {
	members / 2 + 1
}

/// What members that judge one thing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
	/// So many say this that it counts.
	Agreed(Hash),
	/// Nobody can reach the threshold any more.
	Split,
	/// Whoever has not spoken yet can still decide it.
	Open,
}

/// Judges what was said, where `silent` may still speak.
pub fn judge(said: &[Hash], silent: u32, threshold: u32) -> Judgement {
	let mut counts = BTreeMap::<&Hash, u32>::new();
	for each in said {
		*counts.entry(each).or_default() += 1;
	}
	let most = counts.iter().max_by_key(|(_, count)| **count);
	match most {
		Some((each, count)) if *count >= threshold => Judgement::Agreed(**each),
		most => {
			let count = most.map_or(0, |(_, count)| *count);
			if count + silent < threshold { Judgement::Split } else { Judgement::Open }
		}
	}
}

/// Which leaves differ, by unit; both lists name the same units in the same order.
pub fn disputed(opened: &[(u32, Hash)], own: &[(u32, Hash)]) -> Vec<u32> {
	let pairs = opened.iter().zip(own);
	pairs.filter(|(theirs, own)| theirs.1 != own.1).map(|(theirs, _)| theirs.0).collect()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn small_panels_have_small_quorums() {
		let quorums: Vec<_> = (1..=5).map(|n| quorum(Tier::Standard, n)).collect();
		assert_eq!(quorums, [1, 2, 3, 4, 4]);
		assert_eq!((1..=3).map(|n| quorum(Tier::Full, n)).collect::<Vec<_>>(), [1, 2, 3]);
		assert_eq!(quorum(Tier::Light, 1), 1);
		assert_eq!((two_thirds(15), two_thirds(3), two_thirds(2)), (10, 2, 2));
		assert_eq!((majority(21), majority(3), majority(2)), (11, 2, 2));
	}

	#[test]
	fn a_judgement_needs_its_threshold() {
		let (a, b) = ([1; 32], [2; 32]);
		assert_eq!(judge(&[a, a, b], 0, 2), Judgement::Agreed(a));
		assert_eq!(judge(&[a, b], 1, 2), Judgement::Open);
		assert_eq!(judge(&[a, b], 0, 2), Judgement::Split);
		assert_eq!(judge(&[], 15, 10), Judgement::Open);
		assert_eq!(judge(&[], 9, 10), Judgement::Split);
	}

	#[test]
	fn two_cannot_both_reach_it() {
		for members in 1..=40 {
			assert!(2 * two_thirds(members) > members && 2 * majority(members) > members);
		}
	}

	#[test]
	fn what_differs_is_named() {
		let opened = [(3, [1; 32]), (5, [2; 32]), (9, [3; 32])];
		let own = [(3, [1; 32]), (5, [0; 32]), (9, [0; 32])];
		assert_eq!(disputed(&opened, &own), [5, 9]);
	}
}
