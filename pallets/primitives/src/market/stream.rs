//! Streams of requests: what a client asks again and again, and providers race for.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::{
	Endpoint, TaskId,
	price::{Work, share},
	spec::{
		FewOperators, JobRef, MAX_PRICE, MAX_WORK, MIN_WORK, Requirements, SpecFault, TaskSpec,
		Trust,
	},
	verification::{Shape, Tier},
};
use crate::{
	Balance,
	job::{BlobId, Profile},
	merkle::{Hash, Hasher},
};

/// Names a stream. Counted from 0, never used again.
pub type StreamId = u64;

/// The most batches that are sent at once.
pub const MAX_BATCHES: u32 = 16;
/// The most requests of a batch.
pub const MAX_REQUESTS: u32 = 1024;
/// The most racers of a batch that are paid.
pub const MAX_PAID: u8 = 4;
/// Batches with fewer requests than this are recomputed whole: drawing some of them would prove little.
pub const SHORT_BATCH: u32 = 20;

/// What all batches of a stream have in common.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct StreamSpec {
	/// Who serves the jobs, and the inputs that they name.
	pub source: Endpoint,
	/// The key of the endpoint that results are given to.
	pub reader: [u8; 32],
	/// What arithmetic they use.
	pub profile: Profile,
	/// What they need.
	pub requirements: Requirements,
	/// How thoroughly they are verified; short batches are recomputed whole in any case.
	pub tier: Tier,
	/// What to do while there are too few operators to verify them.
	pub few_operators: FewOperators,
	/// What whoever wins a race is paid for a request.
	pub reward: Balance,
	/// How many racers with the right result are paid: the winner, and others who get a share.
	pub racers: u8,
	/// How much work a request is.
	pub work: Work,
	/// Market blocks in which somebody must have computed a batch.
	pub time: u32,
}

/// Requests that are computed together: a job of which each unit is one request.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Batch {
	/// The job hash.
	pub hash: Hash,
	/// The BLAKE3 hash of the job's SCALE form.
	pub blob: BlobId,
	/// Its length in bytes.
	pub len: u32,
	/// How many requests it has.
	pub requests: u32,
}

/// What a racer commits to begins with this.
pub const DOMAIN: &[u8; 11] = b"ogpu/race/1";

/// What a racer commits to: the root of a batch, with a salt, so that nobody can take its answer for their own.
pub fn commitment<H: Hasher>(
	genesis: &Hash,
	task: TaskId,
	attempt: u8,
	provider: &impl Encode,
	root: &Hash,
	salt: &Hash,
) -> Hash {
	(DOMAIN, genesis, task, attempt, provider, root, salt).using_encoded(H::hash)
}

impl StreamSpec {
	/// What whoever wins a batch is paid.
	pub fn prize(&self, batch: &Batch) -> Balance {
		self.reward.saturating_mul(batch.requests.into())
	}

	/// What another racer with the right result is paid, at so many parts per million of the prize.
	pub fn runner_up(&self, batch: &Batch, runner_up: u32) -> Balance {
		share(self.prize(batch), runner_up)
	}

	/// The task that a batch is. It pays winner and runners-up at most.
	pub fn task(&self, batch: &Batch, runner_up: u32) -> TaskSpec {
		let others = Balance::from(self.racers.saturating_sub(1));
		let prize = self.prize(batch);
		let most = prize.saturating_add(self.runner_up(batch, runner_up).saturating_mul(others));
		TaskSpec {
			job: JobRef {
				hash: batch.hash,
				blob: batch.blob,
				len: batch.len,
				source: self.source.clone(),
				reader: self.reader,
			},
			shape: Shape::Parallel,
			profile: self.profile,
			units: batch.requests,
			parts: 1,
			work: self.work.saturating_mul(batch.requests.into()),
			requirements: self.requirements,
			tier: if batch.requests < SHORT_BATCH { Tier::Full } else { self.tier },
			trust: Trust::Never,
			few_operators: self.few_operators,
			max_price: Some(most),
			time: self.time,
		}
	}

	/// Everything that is wrong with it, whatever its batches are.
	pub fn faults(&self) -> Vec<SpecFault> {
		let mut faults = self.task(&SOME_BATCH, 1_000_000).faults();
		let mut unless = |right: bool, fault| {
			if !right && !faults.contains(&fault) {
				faults.push(fault);
			}
		};
		unless((1..=MAX_PRICE).contains(&self.reward), SpecFault::Price);
		unless((MIN_WORK..=MAX_WORK).contains(&self.work), SpecFault::Work);
		unless((1..=MAX_PAID).contains(&self.racers), SpecFault::Racers);
		faults
	}
}

/// A batch with which nothing is wrong at any tier.
const SOME_BATCH: Batch = Batch { hash: [0; 32], blob: BlobId([0; 32]), len: 1, requests: 32 };

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		OGPU,
		market::{Address, DeviceTier, Features},
		merkle::Blake2,
	};

	fn stream() -> StreamSpec {
		StreamSpec {
			source: Endpoint {
				key: [1; 32],
				addresses: vec![Address::V4([127, 0, 0, 1], 4433)].try_into().expect("one fits"),
				relay: None,
			},
			reader: [1; 32],
			profile: Profile::ExactInt,
			requirements: Requirements {
				tier: DeviceTier::Consumer,
				memory: 30,
				features: Features::EXACT_F32,
				region: None,
				reputation: 0,
			},
			tier: Tier::Standard,
			few_operators: FewOperators::Refuse,
			reward: OGPU,
			racers: 3,
			work: 10,
			time: 20,
		}
	}

	#[test]
	fn a_batch_is_a_task() {
		let batch = Batch { requests: 50, ..SOME_BATCH };
		let task = stream().task(&batch, 250_000);
		assert!(task.faults().is_empty(), "{:?}", task.faults());
		assert_eq!((task.units, task.work, task.tier), (50, 500, Tier::Standard));
		// The winner, and two others with a quarter each.
		assert_eq!(task.max_price, Some(75 * OGPU));
		let short = stream().task(&Batch { requests: 19, ..SOME_BATCH }, 0);
		assert_eq!(short.tier, Tier::Full);
	}

	#[test]
	fn what_is_wrong_is_told_at_once() {
		assert_eq!(stream().faults(), []);
		let wrong = StreamSpec { reward: 0, racers: 0, work: 0, time: 0, ..stream() };
		let faults = wrong.faults();
		for fault in [SpecFault::Price, SpecFault::Racers, SpecFault::Work, SpecFault::Time] {
			assert!(faults.contains(&fault), "{fault:?} is not in {faults:?}");
		}
		let many = StreamSpec { racers: MAX_PAID + 1, ..stream() };
		assert_eq!(many.faults(), [SpecFault::Racers]);
		assert_eq!(
			StreamSpec { tier: Tier::Light, ..stream() }.faults(),
			[SpecFault::LightAskedFor]
		);
	}

	#[test]
	fn commitments_bind_all_they_name() {
		let base = commitment::<Blake2>(&[1; 32], 2, 6, &[3; 32], &[4; 32], &[5; 32]);
		for other in [
			commitment::<Blake2>(&[0; 32], 2, 6, &[3; 32], &[4; 32], &[5; 32]),
			commitment::<Blake2>(&[1; 32], 0, 6, &[3; 32], &[4; 32], &[5; 32]),
			commitment::<Blake2>(&[1; 32], 2, 0, &[3; 32], &[4; 32], &[5; 32]),
			commitment::<Blake2>(&[1; 32], 2, 6, &[0; 32], &[4; 32], &[5; 32]),
			commitment::<Blake2>(&[1; 32], 2, 6, &[3; 32], &[0; 32], &[5; 32]),
			commitment::<Blake2>(&[1; 32], 2, 6, &[3; 32], &[4; 32], &[0; 32]),
		] {
			assert_ne!(base, other);
		}
	}
}
