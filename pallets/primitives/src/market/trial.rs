//! Trials: how fast a provider is, proven by a job that it could not know before.
//!
//! The reference device does [`REFERENCE`] integer operations a second, each a 32-bit addition, multiplication, shift,
//! rotation or exclusive or. A provider says how many thousandths of that it does. Its trial is as much work as that is in
//! [`SECONDS`], drawn from a seed. If it takes little longer, the rating is little less; if it takes longer, there is none.

use alloc::vec::Vec;

use bounded_collections::BoundedVec;
use codec::Encode;

use super::{
	DeviceTier, Endpoint, TaskId,
	price::Work,
	spec::{FewOperators, JobRef, Requirements, TaskSpec, Trust},
	verification::{Shape, Tier},
};
use crate::{
	job::{
		Arg, BlobId, Buffer, Element, Init, Job, Name, Profile, Program, Resources, Role, Scalar,
		Shape as JobShape, Step, Timeouts, VERSION,
	},
	merkle::{Blake2, Hash, Hasher},
};

/// The program of every trial.
pub const PROGRAM: &str = include_str!("trial.cl");
/// Integer operations of the reference device in a second.
pub const REFERENCE: u64 = 250_000_000_000;
/// How long a trial takes if what its provider says is right, in seconds.
pub const SECONDS: u32 = 60;
/// The same in slots, of three seconds.
pub const SLOTS: u32 = SECONDS / 3;
/// Slots for the way to the chain and back, in which nothing is computed.
pub const WAY: u32 = 3;
/// Slots after which a trial has proven nothing: a quarter more than it should have taken. Where somebody could be paid for
/// half of what it says, one device could stand for several.
pub const LONGEST: u32 = SLOTS + SLOTS / 4 + WAY;
/// The largest rating that can be proven.
pub const MAX_RATING: u32 = 200_000;
/// Operations in a repetition of the program's loop.
pub const OPERATIONS: u64 = 12;

/// Trials are verified under numbers that tasks never have: with this bit.
pub const TRIALS: TaskId = 1 << 63;

/// Units of a trial.
const UNITS: u32 = 4_096;
/// The fewest work-groups of a unit.
const LEAST_GROUPS: u32 = 4;
/// Work-items of a work-group.
const GROUP: u32 = 64;
/// The most repetitions of a work-item: more work is more of them at a time, which large devices need.
const MOST_ROUNDS: u32 = 1_500_000;
/// What is asked of a device's memory at least, as a power of two.
const LEAST_MEMORY: u32 = 25;
/// What a provider of the lowest class is taken to do at least when it verifies.
const SLOWEST: u32 = 20;

/// How large a trial is.
struct Size {
	/// Work-groups of a unit.
	groups: u32,
	/// Repetitions of a work-item.
	rounds: u32,
}

impl Size {
	/// For this rating.
	fn of(rating: u32) -> Self {
		let operations = REFERENCE * u64::from(SECONDS) / 1000 * u64::from(rating);
		let of_group = OPERATIONS * u64::from(UNITS * GROUP);
		let groups = operations.div_ceil(of_group * u64::from(MOST_ROUNDS));
		let groups = u32::try_from(groups).unwrap_or(u32::MAX).max(LEAST_GROUPS);
		let rounds = operations / (of_group * u64::from(groups));
		Self { groups, rounds: u32::try_from(rounds).unwrap_or(MOST_ROUNDS).max(1) }
	}

	fn items(&self) -> u32 {
		UNITS * GROUP * self.groups
	}

	/// Device memory, as a power of two.
	fn memory(&self) -> u32 {
		(u64::from(self.items()) * 8).next_power_of_two().ilog2().max(LEAST_MEMORY)
	}
}

/// The rating of whoever took so many slots for a trial of this rating: at most that, and none if it took too long.
pub fn rating(claimed: u32, took: u64) -> u32 {
	if took > u64::from(LONGEST) {
		return 0;
	}
	let worked = took.saturating_sub(WAY.into()).max(SLOTS.into());
	(u64::from(claimed) * u64::from(SLOTS) / worked) as u32
}

fn name(text: &str) -> Name {
	Name::new(text).expect("it is short; qed")
}

/// The job of a trial.
pub fn job(seed: &Hash, rating: u32) -> Job {
	let word = |at: usize| {
		let bytes = [seed[at], seed[at + 1], seed[at + 2], seed[at + 3]];
		Arg::Scalar(Scalar::U32(u32::from_le_bytes(bytes)))
	};
	let size = Size::of(rating);
	let rounds = Arg::Scalar(Scalar::U32(size.rounds));
	let args = alloc::vec![Arg::Buffer(0), word(0), word(4), word(8), word(12), rounds];
	let out = Buffer {
		name: name("out"),
		role: Role::Output,
		element: Element::U32,
		len: u64::from(size.items()),
		init: Init::Zero,
	};
	let step = Step {
		kernel: name("trial"),
		args: BoundedVec::truncate_from(args),
		global: BoundedVec::truncate_from(alloc::vec![size.items()]),
		local: BoundedVec::truncate_from(alloc::vec![GROUP]),
	};
	Job {
		version: VERSION,
		name: name("trial"),
		profile: Profile::ExactInt,
		program: Program {
			source: BlobId::of(PROGRAM.as_bytes()),
			source_len: PROGRAM.len() as u32,
			prelude: None,
		},
		buffers: BoundedVec::truncate_from(alloc::vec![out]),
		steps: BoundedVec::truncate_from(alloc::vec![step]),
		shape: JobShape::DataParallel { groups: size.groups },
		resources: Resources { memory: 1 << size.memory(), fp64: false },
		timeouts: Timeouts { build_ms: 20_000, step_ms: 60_000, total_ms: 1_000 * 10 * SECONDS },
	}
}

/// What everybody can make of a trial, and nobody has to be given: its job and its program.
pub fn blobs(job: &Job) -> [Vec<u8>; 2] {
	[job.encode(), PROGRAM.as_bytes().to_vec()]
}

/// What a trial wants of those who verify it. `provider` is where its result is.
pub fn spec(seed: &Hash, rating: u32, verifiers: DeviceTier, provider: Endpoint) -> TaskSpec {
	let job = job(seed, rating).encode();
	// Members have as long for their units as the slowest of them may take.
	let slowest = verifiers.least_rating().max(SLOWEST);
	TaskSpec {
		job: JobRef {
			hash: Blake2::hash(&job),
			blob: BlobId::of(&job),
			len: job.len() as u32,
			reader: provider.key,
			source: provider,
		},
		shape: Shape::Parallel,
		profile: Profile::ExactInt,
		units: UNITS,
		parts: 1,
		work: Work::from(rating) * Work::from(SECONDS),
		requirements: Requirements {
			tier: verifiers,
			memory: Size::of(rating).memory() as u8,
			..Requirements::NONE
		},
		tier: Tier::Standard,
		trust: Trust::Never,
		few_operators: FewOperators::Refuse,
		max_price: None,
		time: LONGEST.saturating_add(SLOTS.saturating_mul(rating) / slowest),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::market::Address;

	fn endpoint() -> Endpoint {
		Endpoint {
			key: [7; 32],
			addresses: BoundedVec::truncate_from(alloc::vec![Address::V4([192, 0, 2, 1], 4433)]),
			relay: None,
		}
	}

	#[test]
	fn a_trial_is_a_job_like_any_other() {
		for rating in [1, 1_000, MAX_RATING] {
			let plan = job(&[9; 32], rating).plan().expect("it is a valid job");
			let spec = spec(&[9; 32], rating, DeviceTier::Consumer, endpoint());
			assert_eq!(spec.faults(), []);
			assert_eq!(plan.units, spec.units);
			let memory = job(&[9; 32], rating).resources.memory;
			assert!(memory <= 1 << spec.requirements.memory, "{rating}");
		}
		assert_ne!(job(&[9; 32], 5).hash(), job(&[8; 32], 5).hash());
		assert_ne!(job(&[9; 32], 5).hash(), job(&[9; 32], 6).hash());
	}

	#[test]
	fn the_reference_device_takes_a_minute() {
		for rating in [1, 20, 1_000, 12_000, MAX_RATING] {
			let job = job(&[9; 32], rating);
			let Arg::Scalar(Scalar::U32(rounds)) = job.steps[0].args[5] else { panic!("rounds") };
			// As its program has them: two of `^ * +`, one of `^ rotate +`, one of `+ ^ >>`.
			let operations = 12.0 * f64::from(rounds) * f64::from(job.steps[0].global[0]);
			let seconds = operations / (250e9 * f64::from(rating) / 1000.0);
			assert!((seconds - 60.0).abs() < 0.1, "{rating}: {seconds}");
			// No work-item takes long by itself.
			assert!(rounds <= MOST_ROUNDS);
		}
		// As many thousandths of a compute unit as it says.
		assert_eq!(spec(&[0; 32], 1_000, DeviceTier::Consumer, endpoint()).work, 60_000);
	}

	#[test]
	fn members_have_time_for_their_units() {
		use crate::market::verification::Tier;
		for (rating, verifiers) in [
			(20, DeviceTier::Consumer),
			(9_999, DeviceTier::Consumer),
			(39_999, DeviceTier::Professional),
			(MAX_RATING, DeviceTier::DataCentre),
		] {
			let spec = spec(&[0; 32], rating, verifiers, endpoint());
			let units = f64::from(Tier::Standard.units_per_member(spec.units));
			let share = units / f64::from(spec.units);
			let slowest = f64::from(verifiers.least_rating().max(SLOWEST));
			let needed = 60.0 * f64::from(rating) / slowest * share;
			assert!(f64::from(spec.time) * share * 3.0 >= needed, "{rating}: {needed} s");
		}
	}

	#[test]
	fn whoever_takes_longer_is_slower_and_after_a_while_has_proven_nothing() {
		assert_eq!(rating(1_000, 0), 1_000);
		assert_eq!(rating(1_000, (SLOTS + WAY).into()), 1_000);
		assert_eq!(rating(1_000, LONGEST.into()), 800);
		assert_eq!(rating(1_000, u64::from(LONGEST) + 1), 0);
		assert_eq!(rating(u32::MAX, 0), u32::MAX);
	}
}
