//! The tables of `docs/simulation.md` and `docs/auctions.md`.

mod auctions;
mod verification;

use std::{
	fmt::Write,
	sync::atomic::{AtomicU32, Ordering},
	thread,
};

use ogpu_primitives::market::verification::Tier;
use rand::{SeedableRng, rngs::SmallRng};

pub use auctions::auctions;
pub use verification::{lone_runs, verification};

use crate::{
	Frequency,
	protocol::{Ended, Plot, Verdict, World},
};

/// How often something is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
	/// Cases for each figure.
	pub cases: u32,
	/// Cases for figures of what hardly ever happens.
	pub rare: u32,
	/// From what all chance follows.
	pub seed: u64,
}

/// What became of many cases in one world.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
	/// Cases that ended valid.
	pub valid: u64,
	/// Cases that ended as fraud.
	pub fraud: u64,
	/// All cases.
	pub all: u64,
	/// Units that were recomputed.
	pub recomputed: u64,
	/// Blocks to the verdict.
	pub blocks: u64,
	/// Challenges that were lost.
	pub lost: u64,
}

impl Sum {
	fn add(&mut self, ended: Ended) {
		self.all += 1;
		self.valid += u64::from(ended.verdict == Verdict::Valid);
		self.fraud += u64::from(ended.verdict == Verdict::Fraud);
		self.recomputed += u64::from(ended.recomputed);
		self.blocks += u64::from(ended.blocks);
		self.lost += u64::from(ended.lost);
	}

	/// How often something was on average in a case.
	fn each(&self, sum: u64) -> f64 {
		sum as f64 / self.all.max(1) as f64
	}

	/// How often cases ended valid.
	pub fn accepted(&self) -> Frequency {
		Frequency { hits: self.valid, tries: self.all }
	}

	/// How often they ended as fraud.
	pub fn convicted(&self) -> Frequency {
		Frequency { hits: self.fraud, tries: self.all }
	}
}

/// Many cases in one world.
pub fn many(world: &World, effort: Effort) -> Sum {
	let sums =
		repeated(effort.cases, effort.seed, |random, sum: &mut Sum| sum.add(world.case(random)));
	sums.into_iter().fold(Sum::default(), |one, other| Sum {
		valid: one.valid + other.valid,
		fraud: one.fraud + other.fraud,
		all: one.all + other.all,
		recomputed: one.recomputed + other.recomputed,
		blocks: one.blocks + other.blocks,
		lost: one.lost + other.lost,
	})
}

/// Does something so many times, on all processors; the same whatever their number.
fn repeated<S: Default + Send>(
	times: u32,
	seed: u64,
	each: impl Fn(&mut SmallRng, &mut S) + Sync,
) -> Vec<S> {
	const PIECES: u32 = 64;
	let next = AtomicU32::new(0);
	let work = || {
		let mut done = Vec::new();
		loop {
			let piece = next.fetch_add(1, Ordering::Relaxed);
			if piece >= PIECES {
				return done;
			}
			let mut random = SmallRng::seed_from_u64(seed << 8 | u64::from(piece));
			let mut sum = S::default();
			let share = times / PIECES + u32::from(piece < times % PIECES);
			(0..share).for_each(|_| each(&mut random, &mut sum));
			done.push(sum);
		}
	};
	let processors = thread::available_parallelism().map_or(1, usize::from);
	thread::scope(|scope| {
		let threads: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
		let done = threads.into_iter().map(|thread| thread.join().expect("it does not panic"));
		done.flatten().collect()
	})
}

/// A hundred operators, a part of a hundred units.
pub fn usual(tier: Tier) -> World {
	let units = if tier == Tier::Full { 64 } else { 100 };
	World {
		operators: 99,
		colluding: 20,
		seats: 1,
		absent: 0,
		tier,
		asked: 1000,
		units,
		bad: 0,
		plot: Plot::Accept,
		own_slots: 0,
	}
}

fn name(tier: Tier) -> String {
	format!("{tier:?}").to_lowercase()
}

/// What was seen, or the most that it may be.
fn shown(frequency: Frequency) -> String {
	let (_, high) = frequency.interval();
	match frequency.hits {
		0 => format!("0 (< {high:.1e})"),
		_ => format!("{:.2e}", frequency.value()),
	}
}

fn percent(frequency: Frequency) -> String {
	format!("{:.2} %", 100.0 * frequency.value())
}

fn line(page: &mut String, cells: &[String]) {
	// Writing to a string does not fail.
	let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn head(page: &mut String, title: &str, words: &str, cells: &[&str]) {
	let _ = writeln!(page, "## {title}\n\n{words}\n");
	line(page, &cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
	line(page, &vec!["---:".to_owned(); cells.len()]);
}
