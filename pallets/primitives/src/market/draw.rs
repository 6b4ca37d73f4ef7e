//! Drawing: who verifies, and which units.
//!
//! ```text
//! seed = H("ogpu/draw/1" ‖ what it is for ‖ VRF outputs of the K blocks after the trigger)
//! ```
//!
//! What it is for names the task, attempt, part and stage, and nothing that anybody chose: whoever computed the
//! result cannot try one root after another until the draw suits it. All draws follow from the seed, so that
//! everybody comes to the same ones.
//!
//! The author of the last of these blocks can leave it out, and so has the better of two draws. So units are
//! drawn from several seeds, of which each ends with another block: whoever has one of these blocks has a choice
//! of its units only.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use core::marker::PhantomData;

use codec::Encode;

use crate::merkle::{Hash, Hasher};

/// What a seed is made of begins with this.
pub const DOMAIN: &[u8; 11] = b"ogpu/draw/1";

/// The seed for something, from the VRF outputs of blocks after its trigger.
pub fn seed<H: Hasher>(about: &impl Encode, vrfs: &[Hash]) -> Hash {
	(DOMAIN, about, vrfs).using_encoded(H::hash)
}

/// Of how many draws somebody has the best at most whose own slots are the last so many, in a row, in which a
/// seed can end. It fills those that suit it best, for which there are as many ways as to fill half of them; or so
/// few that the seed ends with somebody else's block, which it does not know.
pub const fn most_draws(slots: u32) -> u32 {
	let (mut ways, mut filled) = (1, 0);
	while filled < slots / 2 {
		ways = ways * (slots - filled) / (filled + 1);
		filled += 1;
	}
	if slots == 0 { 1 } else { ways + 1 }
}

/// Numbers that follow from a seed.
pub struct Numbers<H> {
	seed: Hash,
	counter: u32,
	words: [u32; 8],
	used: usize,
	hasher: PhantomData<H>,
}

impl<H: Hasher> Numbers<H> {
	/// The numbers of a seed, in one of many streams.
	pub fn new(seed: &Hash, stream: u32) -> Self {
		let seed = (seed, stream).using_encoded(H::hash);
		Self { seed, counter: 0, words: [0; 8], used: 8, hasher: PhantomData }
	}

	fn next(&mut self) -> u32 {
		if self.used == 8 {
			let block = (self.seed, self.counter).using_encoded(H::hash);
			for (word, bytes) in self.words.iter_mut().zip(block.chunks_exact(4)) {
				*word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
			}
			self.counter = self.counter.wrapping_add(1);
			self.used = 0;
		}
		self.used += 1;
		self.words[self.used - 1]
	}

	/// A number below `bound`, each as likely as any other; 0 if there is none.
	pub fn below(&mut self, bound: u32) -> u32 {
		if bound < 2 {
			return 0;
		}
		// The largest multiple of the bound: what is beyond it would make low numbers likelier.
		let range = u64::from(u32::MAX) + 1;
		let fair = range - range % u64::from(bound);
		loop {
			let number = self.next();
			if u64::from(number) < fair {
				return number % bound;
			}
		}
	}
}

/// The numbers below a bound in the order of a draw without replacement. Only as much is computed as is
/// asked for.
pub struct Shuffle<H> {
	numbers: Numbers<H>,
	moved: BTreeMap<u32, u32>,
	next: u32,
	of: u32,
}

impl<H: Hasher> Shuffle<H> {
	/// All numbers below `of`, shuffled by a seed.
	pub fn new(seed: &Hash, stream: u32, of: u32) -> Self {
		Self { numbers: Numbers::new(seed, stream), moved: BTreeMap::new(), next: 0, of }
	}
}

impl<H: Hasher> Iterator for Shuffle<H> {
	type Item = u32;

	fn next(&mut self) -> Option<u32> {
		let left = self.of.checked_sub(self.next).filter(|left| *left > 0)?;
		let place = self.next + self.numbers.below(left);
		let drawn = self.moved.get(&place).copied().unwrap_or(place);
		let first = self.moved.remove(&self.next).unwrap_or(self.next);
		if place != self.next {
			self.moved.insert(place, first);
		}
		self.next += 1;
		Some(drawn)
	}
}

/// The most seeds from which the units of a panel are drawn.
pub const MAX_SEEDS: u32 = 5;

/// The stream of [`Numbers`] from which a panel is drawn; members' units come from the streams 0, 1, ….
pub const PANEL_STREAM: u32 = u32::MAX;

/// How many draws are looked at for a better one.
const LOOKS: usize = 16;

/// The units that each of `members` recomputes, in ascending order: `each` of a part with `units`.
///
/// They are drawn from `seeds` in turn: unit `j` of member `i`, which is the place `i · each + j`, from the seed
/// of that number, modulo how many there are. So each draws as many as the others, or one more. What a seed draws
/// depends on those before it, and on none after it.
///
/// A member's units are distinct. Where enough remain, no two members get the same, and none gets neighbours:
/// so more is covered, and in an iterative job no false state hides behind the next one.
pub fn units<H: Hasher>(seeds: &[Hash], members: u32, units: u32, each: u32) -> Vec<Vec<u32>> {
	let each = each.min(units);
	let mut drawn =
		Drawn { taken: BTreeSet::new(), of: alloc::vec![BTreeSet::new(); members as usize] };
	for (turn, seed) in seeds.iter().enumerate() {
		for member in 0..members {
			let places = member * each..(member + 1) * each;
			let in_turn = places.filter(|place| *place as usize % seeds.len() == turn).count();
			if in_turn == 0 {
				continue;
			}
			let mut order = Shuffle::<H>::new(seed, member, units);
			let mut passed = Vec::new();
			for _ in 0..in_turn {
				drawn.one_more(member as usize, &mut order, &mut passed);
			}
		}
	}
	drawn.of.into_iter().map(|own| own.into_iter().collect()).collect()
}

/// What has been drawn.
struct Drawn {
	/// By anybody.
	taken: BTreeSet<u32>,
	/// By each member.
	of: Vec<BTreeSet<u32>>,
}

impl Drawn {
	/// A unit more for a member, if there is one that it does not have. `passed` is what was passed over before, in
	/// the order of the draw.
	fn one_more<H: Hasher>(
		&mut self,
		member: usize,
		order: &mut Shuffle<H>,
		passed: &mut Vec<u32>,
	) {
		let Self { taken, of } = self;
		let own = &mut of[member];
		let apart = |unit: &u32| {
			let near = [unit.checked_sub(1), Some(*unit), unit.checked_add(1)];
			!near.into_iter().flatten().any(|near| taken.contains(&near))
		};
		let best = order.take(LOOKS).find(|unit| {
			let good = apart(unit);
			if !good {
				passed.push(*unit);
			}
			good
		});
		// What nobody has goes before what others have.
		let unit = best.or_else(|| {
			let free = passed.iter().position(|unit| !taken.contains(unit));
			let place = free.or_else(|| passed.iter().position(|unit| !own.contains(unit)));
			place
				.map(|place| passed.remove(place))
				.or_else(|| order.find(|unit| !own.contains(unit)))
		});
		own.extend(unit);
		taken.extend(unit);
	}
}

#[cfg(test)]
mod tests {
	use proptest::prelude::*;

	use super::*;
	use crate::merkle::Blake2;

	#[test]
	fn seeds_bind_what_they_are_for() {
		let vrfs = [[1; 32], [2; 32]];
		let base = seed::<Blake2>(&(1u64, 0u8), &vrfs);
		assert_ne!(base, seed::<Blake2>(&(2u64, 0u8), &vrfs));
		assert_ne!(base, seed::<Blake2>(&(1u64, 1u8), &vrfs));
		assert_ne!(base, seed::<Blake2>(&(1u64, 0u8), &[[1; 32], [3; 32]]));
		assert_ne!(base, seed::<Blake2>(&(1u64, 0u8), &vrfs[..1]));
	}

	#[test]
	fn numbers_are_fair() {
		// 60,000 throws of a die: 10,000 each, with a standard deviation of 91.
		let mut numbers = Numbers::<Blake2>::new(&[7; 32], 0);
		let mut counts = [0u32; 6];
		for _ in 0..60_000 {
			counts[numbers.below(6) as usize] += 1;
		}
		assert!(counts.iter().all(|count| count.abs_diff(10_000) < 400), "{counts:?}");
		assert_eq!((numbers.below(0), numbers.below(1)), (0, 0));
	}

	#[test]
	fn every_seat_is_as_likely_to_be_first() {
		let mut counts = [0u32; 10];
		for draw in 0u32..20_000 {
			let seed = draw.using_encoded(Blake2::hash);
			counts[Shuffle::<Blake2>::new(&seed, 0, 10).next().expect("there are ten") as usize] +=
				1;
		}
		assert!(counts.iter().all(|count| count.abs_diff(2_000) < 200), "{counts:?}");
	}

	#[test]
	fn panels_cover_what_they_can() {
		// Five members with one unit each of twenty: no two the same, no neighbours.
		for draw in 0u32..200 {
			let seed = draw.using_encoded(Blake2::hash);
			let drawn: Vec<u32> = units::<Blake2>(&[seed], 5, 20, 1).concat();
			let distinct: BTreeSet<_> = drawn.iter().collect();
			assert_eq!(distinct.len(), 5, "{drawn:?}");
			let near = |unit: &u32| drawn.contains(&(unit + 1));
			assert!(!drawn.iter().any(near), "{drawn:?}");
		}
	}

	proptest! {
		#[test]
		fn a_shuffle_has_each_once(draw: [u8; 32], of in 0u32..200) {
			let mut all: Vec<u32> = Shuffle::<Blake2>::new(&draw, 3, of).collect();
			all.sort_unstable();
			prop_assert_eq!(all, (0..of).collect::<Vec<_>>());
		}

		#[test]
		fn members_get_as_many_units_as_they_should(
			draw: [[u8; 32]; MAX_SEEDS as usize], seeds in 1..=MAX_SEEDS as usize, members in 1u32..22, units in 1u32..500, each in 1u32..70,
		) {
			for own in super::units::<Blake2>(&draw[..seeds], members, units, each) {
				prop_assert_eq!(own.len() as u32, each.min(units));
				prop_assert!(own.windows(2).all(|pair| pair[0] < pair[1]));
				prop_assert!(own.iter().all(|unit| *unit < units));
			}
		}

		/// Whoever chooses a seed has no choice of what those before it draw; and if it is the last, of no more than its
		/// share of all.
		#[test]
		fn a_seed_changes_nothing_that_those_before_it_draw(
			draw: [[u8; 32]; MAX_SEEDS as usize], other: [u8; 32], chosen in 0..MAX_SEEDS,
			members in 1u32..6, units in 20u32..500, each in 1u32..12,
		) {
			let mut steered = draw;
			steered[chosen as usize] = other;
			let of = |seeds: &[Hash]| super::units::<Blake2>(seeds, members, units, each);
			let mut changed = 0;
			for (member, (own, others)) in (0..).zip(of(&draw).iter().zip(of(&steered))) {
				let places = member * each..(member + 1) * each;
				let before = places.filter(|place| place % MAX_SEEDS < chosen).count();
				let kept = own.iter().filter(|unit| others.contains(unit)).count();
				prop_assert!(kept >= before, "member {member} keeps {kept} of {before}");
				changed += (own.len() - kept) as u32;
			}
			if chosen == MAX_SEEDS - 1 {
				prop_assert!(changed <= (members * each).div_ceil(MAX_SEEDS), "{changed} are others");
			}
		}
	}
}
