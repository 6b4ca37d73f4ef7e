//! One case from its root to its verdict, with people who are honest or not.

use std::{collections::BTreeSet, iter};

use ogpu_primitives::{
	market::{
		draw::{MAX_SEEDS, PANEL_STREAM, Shuffle, most_draws, seed, units},
		tally::{FIRST_PANEL, Judgement, SECOND_PANEL, judge, majority, quorum, two_thirds},
		verification::Tier,
	},
	merkle::{Blake2, Hash},
};
use rand::{RngCore, rngs::SmallRng};

/// Blocks from what leads to a panel to its commitments: six for the draw, one to see it.
const DRAW_BLOCKS: u32 = 7;
/// Blocks of a panel after its draw in which everybody speaks at once.
const QUICK_STAGES: u32 = 5;
/// Blocks that a silent member adds: its stage waits for the deadline.
const SILENCE: u32 = 10;

const RIGHT: Hash = [1; 32];
const WRONG: Hash = [2; 32];

/// What the colluders want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plot {
	/// The provider's false result to be accepted.
	Accept,
	/// The provider's true result to be found false.
	Frame,
}

/// The people, and what is verified.
#[derive(Clone, Copy, Debug)]
pub struct World {
	/// Operators that can be drawn.
	pub operators: u32,
	/// How many of them collude, from the first on.
	pub colluding: u32,
	/// Seats of each of these; of the others everybody has one.
	pub seats: u32,
	/// How many of the others never say anything.
	pub absent: u32,
	/// How thoroughly the client wants it verified.
	pub tier: Tier,
	/// How often of a thousand times that is drawn; otherwise its provider is trusted, and it is verified lightly.
	pub asked: u32,
	/// Units of the part.
	pub units: u32,
	/// How many of them are false, spread at random.
	pub bad: u32,
	/// What the colluders want.
	pub plot: Plot,
	/// How many of the last blocks that decide the draws of rounds are in slots of the provider's own, which nobody
	/// knows of.
	pub own_slots: u32,
}

/// What a case came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
	/// Valid.
	Valid,
	/// False.
	Fraud,
	/// Nobody can say.
	Inconclusive,
}

/// A case that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
	/// How.
	pub verdict: Verdict,
	/// Units that members recomputed.
	pub recomputed: u32,
	/// Blocks from the root to the verdict, where units take less than two.
	pub blocks: u32,
	/// Challenges of units that judges found right. Their challengers pay for that.
	pub lost: u32,
}

struct Case<'a> {
	world: &'a World,
	/// How thoroughly it is verified.
	tier: Tier,
	/// What the blocks before the provider's own make of seeds, the shortest first.
	early: &'a [Hash],
	rounds: u8,
	bad: BTreeSet<u32>,
	served: BTreeSet<u32>,
	recomputed: u32,
	blocks: u32,
	lost: u32,
}

fn fresh(random: &mut SmallRng) -> Hash {
	let mut seed = [0; 32];
	random.fill_bytes(&mut seed);
	seed
}

impl World {
	fn colludes(&self, who: u32) -> bool {
		who < self.colluding
	}

	fn speaks(&self, who: u32) -> bool {
		self.colludes(who) || who >= self.colluding + self.absent
	}

	/// The operator that has a seat. Colluders have the first ones.
	fn operator(&self, seat: u32) -> u32 {
		let theirs = self.colluding * self.seats;
		match seat.checked_sub(theirs) {
			None => seat / self.seats,
			Some(seat) => self.colluding + seat,
		}
	}

	/// Operators in the order in which their seats are drawn, each once.
	fn drawn(&self, seed: &Hash) -> impl Iterator<Item = u32> {
		let all = self.colluding * self.seats + self.operators - self.colluding;
		let mut sitting = BTreeSet::new();
		let seats = Shuffle::<Blake2>::new(seed, PANEL_STREAM, all);
		seats.map(|seat| self.operator(seat)).filter(move |who| sitting.insert(*who))
	}

	/// One case.
	pub fn case(&self, random: &mut SmallRng) -> Ended {
		let first = fresh(random);
		let bad = Shuffle::<Blake2>::new(&first, 0, self.units).take(self.bad as usize).collect();
		// Each of its blocks ends a seed. It fills those slots that suit it best, the last of which decides the tier as
		// well: what comes before them is the same in all draws.
		let early: Vec<Hash> = (self.own_slots..MAX_SEEDS).map(|_| fresh(random)).collect();
		let mut best = None;
		for _ in 0..most_draws(self.own_slots) {
			let light = random.next_u32() % 1000 >= self.asked;
			let mut case = Case {
				world: self,
				tier: if light { Tier::Light } else { self.tier },
				early: &early,
				rounds: 0,
				bad: BTreeSet::clone(&bad),
				served: BTreeSet::new(),
				recomputed: 0,
				blocks: 0,
				lost: 0,
			};
			let verdict = case.decide(random);
			let Case { recomputed, blocks, lost, .. } = case;
			let ended = Ended { verdict, recomputed, blocks, lost };
			if verdict == Verdict::Valid {
				return ended;
			}
			best.get_or_insert(ended);
		}
		best.expect("there is one draw at least")
	}
}

/// A panel of judges: its size, and how many must say the same.
type PanelRule = (u32, fn(u32) -> u32);
const OF_DISPUTES: [PanelRule; 2] = [(FIRST_PANEL, two_thirds), (SECOND_PANEL, majority)];
const LAST_WORD: [PanelRule; 1] = [(SECOND_PANEL, majority)];

/// What became of a round.
struct Round {
	found: Found,
	/// Somebody was waited for in vain.
	silent: bool,
}

/// How a round ended.
enum Found {
	Clean,
	Unclean,
	/// Somebody says that this unit is false; the lowest.
	Disputed(u32),
}

impl Case<'_> {
	/// The members that a seed draws, fresh operators first, as on the chain.
	fn panel(&mut self, size: u32, seed: &Hash) -> Vec<u32> {
		let (mut fresh, mut again) = (Vec::new(), Vec::new());
		for who in self.world.drawn(seed) {
			if self.served.contains(&who) {
				again.push(who);
			} else {
				fresh.push(who);
				if fresh.len() as u32 == size {
					break;
				}
			}
		}
		fresh.extend(again);
		fresh.truncate(size as usize);
		self.served.extend(fresh.iter().copied());
		fresh
	}

	fn round(&mut self, random: &mut SmallRng) -> Round {
		let world = self.world;
		let early = self.early.iter().map(|output| seed::<Blake2>(&self.rounds, &[*output]));
		let seeds: Vec<Hash> =
			early.chain(iter::repeat_with(|| fresh(random))).take(MAX_SEEDS as usize).collect();
		self.rounds += 1;
		let members = self.panel(self.tier.members(), &seeds[seeds.len() - 1]);
		let each = self.tier.units_per_member(world.units);
		let drawn = units::<Blake2>(&seeds, members.len() as u32, world.units, each);
		let (mut agreed, mut disputed) = (0, None::<u32>);
		for (who, own) in members.iter().zip(drawn) {
			if !world.speaks(*who) {
				continue;
			}
			self.recomputed += own.len() as u32;
			let differs = match (world.colludes(*who), world.plot) {
				(true, Plot::Accept) => None,
				(true, Plot::Frame) => own.first().copied(),
				(false, _) => own.into_iter().find(|unit| self.bad.contains(unit)),
			};
			match differs {
				Some(unit) => disputed = Some(disputed.map_or(unit, |lowest| lowest.min(unit))),
				None => agreed += 1,
			}
		}
		let found = match disputed {
			Some(unit) => Found::Disputed(unit),
			None if agreed >= quorum(self.tier, members.len() as u32) => Found::Clean,
			None => Found::Unclean,
		};
		Round { found, silent: members.iter().any(|who| !world.speaks(*who)) }
	}

	/// What panels of judges say of a unit, one after the other: whether it is as the provider says; `None` if
	/// none of them can agree.
	fn judged(&mut self, unit: u32, panels: &[PanelRule], random: &mut SmallRng) -> Option<bool> {
		let provider = if self.bad.contains(&unit) { WRONG } else { RIGHT };
		for &(size, threshold) in panels {
			let members = self.panel(size, &fresh(random));
			let world = self.world;
			let says = |who: u32| match (world.colludes(who), world.plot) {
				(true, Plot::Accept) => provider,
				(true, Plot::Frame) => WRONG,
				(false, _) => RIGHT,
			};
			let said: Vec<Hash> =
				members.iter().filter(|who| world.speaks(**who)).map(|who| says(*who)).collect();
			self.recomputed += said.len() as u32;
			let silent = members.len() - said.len();
			self.blocks += DRAW_BLOCKS + QUICK_STAGES + if silent > 0 { SILENCE } else { 0 };
			if let Judgement::Agreed(leaf) = judge(&said, 0, threshold(members.len() as u32)) {
				return Some(leaf == provider);
			}
		}
		None
	}

	fn decide(&mut self, random: &mut SmallRng) -> Verdict {
		let tier = self.tier;
		let mut clean = 0;
		loop {
			let missing =
				(tier.clean_rounds() - clean).min(tier.max_rounds() - u32::from(self.rounds));
			if missing == 0 {
				break;
			}
			self.blocks += DRAW_BLOCKS + QUICK_STAGES;
			let mut disputed = Vec::new();
			// They run at the same time, and wait at the same time.
			let mut waited = false;
			for _ in 0..missing {
				let round = self.round(random);
				waited |= round.silent;
				match round.found {
					Found::Clean => clean += 1,
					Found::Unclean => {}
					Found::Disputed(unit) => disputed.push(unit),
				}
			}
			self.blocks += if waited { SILENCE } else { 0 };
			disputed.sort_unstable();
			disputed.dedup();
			for unit in &disputed {
				match self.judged(*unit, &OF_DISPUTES, random) {
					Some(true) => self.lost += 1,
					Some(false) => return Verdict::Fraud,
					None => return Verdict::Inconclusive,
				}
			}
			if !disputed.is_empty() {
				clean = 0;
			} else if clean >= tier.clean_rounds() {
				return Verdict::Valid;
			}
		}
		// The last word is a random unit's.
		let last = fresh(random);
		let unit = Shuffle::<Blake2>::new(&last, 0, self.world.units).next().unwrap_or(0);
		match self.judged(unit, &LAST_WORD, random) {
			Some(true) => Verdict::Valid,
			Some(false) => Verdict::Fraud,
			None => Verdict::Inconclusive,
		}
	}
}

/// Whether colluders are a quorum of enough rounds in a row, where nobody ever challenges, and everybody may be drawn into
/// each of them: what [`colluding_run`](crate::closed::colluding_run) computes.
pub fn lone_run(tier: Tier, operators: u32, colluding: u32, random: &mut SmallRng) -> bool {
	let mut clean = 0;
	for left in (1..=tier.max_rounds()).rev() {
		if clean + left < tier.clean_rounds() {
			return false;
		}
		let members = Shuffle::<Blake2>::new(&fresh(random), PANEL_STREAM, operators);
		let theirs = members.take(tier.members() as usize).filter(|who| *who < colluding).count();
		clean = if theirs as u32 >= tier.quorum() { clean + 1 } else { 0 };
		if clean == tier.clean_rounds() {
			return true;
		}
	}
	false
}

#[cfg(test)]
mod tests {
	use rand::SeedableRng;

	use super::*;

	fn world() -> World {
		World {
			operators: 100,
			colluding: 20,
			seats: 1,
			absent: 0,
			tier: Tier::Standard,
			asked: 1000,
			units: 100,
			bad: 0,
			plot: Plot::Accept,
			own_slots: 0,
		}
	}

	fn count(world: World, cases: u32, verdict: Verdict) -> u32 {
		let mut random = SmallRng::seed_from_u64(1);
		(0..cases).filter(|_| world.case(&mut random).verdict == verdict).count() as u32
	}

	#[test]
	fn honest_work_is_accepted_at_once() {
		let mut random = SmallRng::seed_from_u64(1);
		let ended = World { colluding: 0, ..world() }.case(&mut random);
		// Two rounds of five members with two units each, twelve blocks after the root.
		let expected = Ended { verdict: Verdict::Valid, recomputed: 20, blocks: 12, lost: 0 };
		assert_eq!(ended, expected);
	}

	#[test]
	fn what_is_false_throughout_is_found() {
		assert_eq!(count(World { bad: 100, ..world() }, 2_000, Verdict::Fraud), 2_000);
	}

	#[test]
	fn the_honest_are_not_framed() {
		let framed = World { plot: Plot::Frame, ..world() };
		assert_eq!(count(framed, 2_000, Verdict::Fraud), 0);
		// Half of all seats can do that, which nobody promises otherwise.
		assert!(count(World { colluding: 80, ..framed }, 200, Verdict::Fraud) > 100);
	}

	#[test]
	fn timing_helps_those_who_author_blocks() {
		let one = World { bad: 1, ..world() };
		let timed = World { own_slots: 3, ..one };
		assert!(count(timed, 500, Verdict::Valid) > count(one, 500, Verdict::Valid));
	}
}
