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

/// What stands for the leaf of a unit whose provider does not hand over the state that it starts from. No leaf is this.
pub const WITHHELD: Hash = [2; 32];
/// What stands for the leaf of a unit that comes to nothing, on any machine, from the state before it. No leaf is this.
pub const FAULTY: Hash = [3; 32];

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

/// Judges a unit by the leaves that members have of it; `opened` is its provider's. Whoever was not given the state that
/// it starts from counts with those that computed something else: a provider cannot choose to whom it gives the state so
/// that neither are enough.
pub fn judge_unit(said: &[Hash], opened: Hash, threshold: u32) -> Judgement {
	let computed: Vec<Hash> = said.iter().copied().filter(|leaf| *leaf != WITHHELD).collect();
	let judgement = judge(&computed, 0, threshold);
	if judgement != Judgement::Split {
		return judgement;
	}
	let mut counts = BTreeMap::<&Hash, u32>::new();
	for leaf in computed.iter().filter(|leaf| **leaf != opened) {
		*counts.entry(leaf).or_default() += 1;
	}
	let against = counts.into_values().max().unwrap_or(0);
	let withheld = (said.len() - computed.len()) as u32;
	match withheld > 0 && against + withheld >= threshold {
		true => Judgement::Agreed(WITHHELD),
		false => Judgement::Split,
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
	fn whom_a_state_is_given_decides_nothing() {
		let (own, truth) = ([7; 32], [8; 32]);
		// A false unit: fifteen judges, of whom three affirm whatever there is. However the rest are split, it is found.
		for given in 0..=12 {
			let mut said = alloc::vec![own; 3];
			said.extend([truth; 12].iter().take(given));
			said.resize(15, WITHHELD);
			let judged = judge_unit(&said, own, two_thirds(15));
			assert_eq!(judged, Judgement::Agreed(if given >= 10 { truth } else { WITHHELD }));
		}
		// A right one is confirmed by whoever has the state, if they are enough.
		let said = |given| {
			let mut said = alloc::vec![own; given];
			said.resize(15, WITHHELD);
			judge_unit(&said, own, two_thirds(15))
		};
		assert_eq!(said(10), Judgement::Agreed(own));
		assert_eq!(said(7), Judgement::Split);
		assert_eq!(said(5), Judgement::Agreed(WITHHELD));
		assert_eq!(judge_unit(&[own; 9], own, 10), Judgement::Split);
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
