//! Trials: how fast a provider is, proven by a job that it could not know before.
//!
//! The reference device does [`REFERENCE`] integer operations a second, each a 32-bit addition, multiplication, shift,
//! rotation or exclusive or. A provider says how many thousandths of that it does. Its trial is as much work as that is in
//! [`SECONDS`], drawn from a seed; what it takes on chain, beyond what the way to the chain takes, says how many it really
//! does.

use alloc::vec::Vec;

use bounded_collections::BoundedVec;
use codec::Encode;

use super::{
	DeviceTier, Endpoint, Features,
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
/// The same in market blocks, of three seconds.
pub const BLOCKS: u32 = SECONDS / 3;
/// Market blocks for the way to the chain and back, in which nothing is computed.
pub const WAY: u32 = 4;
/// Market blocks after which a trial is over: whoever is slower than a third of what it says has proven nothing.
pub const LONGEST: u32 = 3 * BLOCKS + WAY;
/// The largest rating that can be proven.
pub const MAX_RATING: u32 = 500_000;

/// Units of a trial, each a few work-groups.
const UNITS: u32 = 4_096;
const GROUPS: u32 = 4;
const GROUP: u32 = 64;
/// Work-items of a trial.
const ITEMS: u32 = UNITS * GROUPS * GROUP;
/// Operations in a repetition of the program's loop.
const OPERATIONS: u64 = 10;
/// Device memory of a trial, as a power of two.
const MEMORY: u8 = 25;

/// Repetitions of a trial for this rating.
fn rounds(rating: u32) -> u32 {
	let operations = u128::from(REFERENCE) * u128::from(SECONDS) * u128::from(rating) / 1000;
	let rounds = operations / (u128::from(OPERATIONS) * u128::from(ITEMS));
	u32::try_from(rounds).unwrap_or(u32::MAX).max(1)
}

/// The rating of whoever took so many market blocks for a trial of this rating: at most that.
pub fn rating(claimed: u32, took: u32) -> u32 {
	let worked = took.saturating_sub(WAY).max(BLOCKS);
	(u64::from(claimed) * u64::from(BLOCKS) / u64::from(worked)) as u32
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
	let rounds = Arg::Scalar(Scalar::U32(rounds(rating)));
	let args = alloc::vec![Arg::Buffer(0), word(0), word(4), word(8), word(12), rounds];
	let out = Buffer {
		name: name("out"),
		role: Role::Output,
		element: Element::U32,
		len: u64::from(ITEMS),
		init: Init::Zero,
	};
	let step = Step {
		kernel: name("trial"),
		args: BoundedVec::truncate_from(args),
		global: BoundedVec::truncate_from(alloc::vec![ITEMS]),
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
		shape: JobShape::DataParallel { groups: GROUPS },
		resources: Resources { memory: 1 << MEMORY, fp64: false },
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
			memory: MEMORY,
			features: Features::default(),
			region: None,
			reputation: 0,
		},
		tier: Tier::Standard,
		trust: Trust::Never,
		few_operators: FewOperators::Refuse,
		max_price: None,
		time: LONGEST,
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
			assert!(memory <= 1 << spec.requirements.memory);
		}
		assert_ne!(job(&[9; 32], 5).hash(), job(&[8; 32], 5).hash());
		assert_ne!(job(&[9; 32], 5).hash(), job(&[9; 32], 6).hash());
	}

	#[test]
	fn the_reference_device_takes_a_minute() {
		let operations = u64::from(rounds(1_000)) * OPERATIONS * u64::from(ITEMS);
		let seconds = operations as f64 / REFERENCE as f64;
		assert!((seconds - f64::from(SECONDS)).abs() < 0.01, "{seconds}");
		// As many thousandths of a compute unit as it says.
		assert_eq!(spec(&[0; 32], 1_000, DeviceTier::Consumer, endpoint()).work, 60_000);
		assert!(u64::from(rounds(MAX_RATING)) < u64::from(u32::MAX));
	}

	#[test]
	fn whoever_takes_longer_is_slower() {
		assert_eq!(rating(1_000, 0), 1_000);
		assert_eq!(rating(1_000, BLOCKS + WAY), 1_000);
		assert_eq!(rating(1_000, 2 * BLOCKS + WAY), 500);
		assert_eq!(rating(1_000, LONGEST), 333);
		assert_eq!(rating(u32::MAX, BLOCKS + WAY), u32::MAX);
	}
}
