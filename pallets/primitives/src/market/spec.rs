//! What a client asks for, and everything that can be wrong with it.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use super::{
	DeviceTier, Endpoint, Features, TaskId,
	price::Work,
	verification::{Shape, Tier},
};
use crate::{
	Balance, CAP,
	executor::RunId,
	job::{BlobId, MAX_UNITS, Profile},
	merkle::{Blake2, Hash, Hasher},
};

/// The most parts of a task.
pub const MAX_PARTS: u8 = 64;
/// The longest SCALE form of a job, in bytes.
pub const MAX_JOB_LEN: u32 = 64 * 1024;
/// The least work of a task: a thousandth of a compute unit.
pub const MIN_WORK: Work = 1;
/// The most work of a task: the reference device for 30 years.
pub const MAX_WORK: Work = 1_000_000_000_000;
/// The largest price that may be named.
pub const MAX_PRICE: Balance = CAP / 64;
/// The longest time to compute a task in, in market blocks: thirty days.
pub const MAX_TIME: u32 = 30 * 28_800;
/// The largest memory of a device that may be asked for: 2^40 bytes.
pub const MAX_MEMORY: u8 = 40;

/// The job, which is not on chain: its SCALE form is fetched by its hash.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct JobRef {
	/// The job hash: BLAKE2b-256 of the SCALE form of the job.
	pub hash: Hash,
	/// The BLAKE3 hash of the same bytes, by which they are fetched.
	pub blob: BlobId,
	/// Their number.
	pub len: u32,
	/// Who serves it, and the inputs that it names.
	pub source: Endpoint,
	/// The key of the endpoint that the result is given to: the client's own, whoever serves what it starts from.
	pub reader: [u8; 32],
}

impl JobRef {
	/// The run of an attempt at a task on its provider's executor. It is bound to the job too: on another fork the
	/// number may be another's.
	pub fn run(&self, genesis: &Hash, task: TaskId, attempt: u8) -> RunId {
		(b"ogpu/run/1", genesis, task, attempt, self.hash).using_encoded(Blake2::hash)
	}
}

/// What a device must have to run the job, and its provider to be considered.
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
pub struct Requirements {
	/// The lowest class of device.
	pub tier: DeviceTier,
	/// Device memory, as a power of two in bytes.
	pub memory: u8,
	/// What the device must be able to do.
	pub features: Features,
	/// Where the provider must be, if that matters: an ISO 3166-1 numeric code.
	pub region: Option<u16>,
	/// The least reputation, in thousandths.
	pub reputation: u16,
}

impl Requirements {
	/// Whatever device, wherever, whoever's.
	pub const NONE: Self = Self {
		tier: DeviceTier::Consumer,
		memory: 0,
		features: Features(0),
		region: None,
		reputation: 0,
	};
}

/// Whether a provider's record may stand in for some of the verification.
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
pub enum Trust {
	/// Always the tier that was asked for.
	#[codec(index = 0)]
	Never,
	/// Sometimes the light tier, for providers that have earned it; what is saved comes back.
	#[codec(index = 1)]
	Earned,
}

/// What to do while fewer operators than a panel needs can be drawn.
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
pub enum FewOperators {
	/// The submission is refused.
	#[codec(index = 0)]
	Refuse,
	/// The work is accepted unverified.
	#[codec(index = 1)]
	Unverified,
}

/// A batch or training task, as it is put up for auction.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TaskSpec {
	/// The job.
	pub job: JobRef,
	/// How its units depend on one another.
	pub shape: Shape,
	/// What arithmetic it uses.
	pub profile: Profile,
	/// How many units it has.
	pub units: u32,
	/// In how many parts it is verified and paid: equal runs of units, the last ones one shorter.
	pub parts: u8,
	/// How much work all of it is. Providers see for themselves; who says too little gets no bids.
	pub work: Work,
	/// What it needs.
	pub requirements: Requirements,
	/// How thoroughly it is verified.
	pub tier: Tier,
	/// Whether less will do for providers of good record.
	pub trust: Trust,
	/// What to do when there are too few operators to verify it.
	pub few_operators: FewOperators,
	/// The most the client pays for the work; what the quote says if not given.
	pub max_price: Option<Balance>,
	/// Market blocks in which it is to be computed, from the acknowledgement on.
	pub time: u32,
}

/// What is wrong with a [`TaskSpec`].
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
pub enum SpecFault {
	/// The job is empty or longer than [`MAX_JOB_LEN`].
	JobLength,
	/// Its source has neither an address nor a relay.
	SourceUnreachable,
	/// There are no units, or more than [`MAX_UNITS`].
	Units,
	/// There are no parts, more than [`MAX_PARTS`], or more than units.
	Parts,
	/// A part has fewer units than the tier draws from; ask for fewer parts, or the tier `Full`.
	PartTooSmall,
	/// A part has more units than the tier can cover; ask for more parts.
	PartTooLarge,
	/// The tier `Light` is earned by providers, not asked for.
	LightAskedFor,
	/// The work is below [`MIN_WORK`] or above [`MAX_WORK`].
	Work,
	/// The memory is above [`MAX_MEMORY`].
	Memory,
	/// A feature is asked for that does not exist.
	UnknownFeature,
	/// The reputation is above 1,000 thousandths.
	Reputation,
	/// The largest price is 0 or above [`MAX_PRICE`].
	Price,
	/// There is no time to compute it in, or more than [`MAX_TIME`].
	Time,
	/// A stream pays no racer, or more than [`MAX_PAID`](super::stream::MAX_PAID).
	Racers,
	/// A job of the profile `redundant` has results that are only compared whole: one unit, tier `Full`.
	RedundantUnits,
}

impl core::fmt::Display for SpecFault {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		f.write_str(match self {
			Self::JobLength => "the job is empty or too long",
			Self::SourceUnreachable => "the source of the job has neither an address nor a relay",
			Self::Units => "there are no units, or too many",
			Self::Parts => "there are no parts, too many, or more than units",
			Self::PartTooSmall => {
				"a part has fewer units than the tier draws from; use fewer parts, or the tier `full`"
			}
			Self::PartTooLarge => "a part has more units than the tier can cover; use more parts",
			Self::LightAskedFor => "the tier `light` is earned by providers, not asked for",
			Self::Work => "the work is zero or too much",
			Self::Memory => "there are no devices with so much memory",
			Self::UnknownFeature => "a feature is asked for that does not exist",
			Self::Reputation => "the reputation is above 1,000 thousandths",
			Self::Price => {
				"the largest price is less than the chain takes (0.001 oGPU unless governance says otherwise), or too high"
			}
			Self::Time => "there is no time to compute it in, or more than thirty days",
			Self::Racers => "a stream pays one to four racers",
			Self::RedundantUnits => {
				"results of the profile `redundant` are compared whole: one unit, tier `full`"
			}
		})
	}
}

impl TaskSpec {
	/// Everything that is wrong with it.
	pub fn faults(&self) -> Vec<SpecFault> {
		let mut faults = Vec::new();
		let mut unless = |right: bool, fault| {
			if !right {
				faults.push(fault);
			}
		};
		unless((1..=MAX_JOB_LEN).contains(&self.job.len), SpecFault::JobLength);
		unless(self.job.source.is_reachable(), SpecFault::SourceUnreachable);
		let units = (1..=MAX_UNITS).contains(&self.units);
		unless(units, SpecFault::Units);
		let parts = (1..=MAX_PARTS).contains(&self.parts) && u32::from(self.parts) <= self.units;
		unless(parts, SpecFault::Parts);
		unless(self.tier != Tier::Light, SpecFault::LightAskedFor);
		if self.profile == Profile::Redundant {
			unless(self.units == 1 && self.tier == Tier::Full, SpecFault::RedundantUnits);
		} else if units && parts {
			let (least, most) = (self.units / u32::from(self.parts), self.units_of(0));
			// A short job may be verified whole; several short parts may not.
			let least_units = match self.parts {
				1 => self.tier.least_units(),
				_ => self.tier.least_units().max(20),
			};
			unless(least >= least_units, SpecFault::PartTooSmall);
			unless(most <= self.tier.most_units(self.shape), SpecFault::PartTooLarge);
		}
		unless((MIN_WORK..=MAX_WORK).contains(&self.work), SpecFault::Work);
		unless(self.requirements.memory <= MAX_MEMORY, SpecFault::Memory);
		unless(Features::KNOWN.contain(self.requirements.features), SpecFault::UnknownFeature);
		unless(self.requirements.reputation <= 1000, SpecFault::Reputation);
		unless(
			self.max_price.is_none_or(|price| (1..=MAX_PRICE).contains(&price)),
			SpecFault::Price,
		);
		unless((1..=MAX_TIME).contains(&self.time), SpecFault::Time);
		faults
	}

	/// Whether less may do for a provider that has earned it: the client agrees, and each part has enough units to draw a
	/// few from.
	pub fn may_be_trusted(&self) -> bool {
		let least = self.units / u32::from(self.parts.max(1));
		let enough = self.tier.least_units_to_trust().is_some_and(|enough| least >= enough);
		self.trust == Trust::Earned && enough
	}

	/// How many units a part has. The first parts have one more where they do not come out even.
	pub fn units_of(&self, part: u8) -> u32 {
		let parts = u32::from(self.parts).max(1);
		self.units / parts + u32::from(u32::from(part) < self.units % parts)
	}

	/// The first unit of a part.
	pub fn first_unit(&self, part: u8) -> u32 {
		let parts = u32::from(self.parts).max(1);
		let part = u32::from(part);
		part * (self.units / parts) + part.min(self.units % parts)
	}

	/// The share of an amount that belongs to a part, by its units. All parts together have it all.
	pub fn share_of(&self, amount: Balance, part: u8) -> Balance {
		let units = Balance::from(self.units.max(1));
		let up_to = |unit: u32| {
			let unit = Balance::from(unit);
			amount / units * unit + amount % units * unit / units
		};
		let first = self.first_unit(part);
		up_to(first + self.units_of(part)) - up_to(first)
	}

	/// The work of recomputing one unit.
	pub fn unit_work(&self) -> Work {
		self.work.div_ceil(u64::from(self.units.max(1)))
	}
}

#[cfg(test)]
pub(super) mod tests {
	use bounded_collections::BoundedVec;
	use proptest::prelude::*;

	use super::*;
	use crate::{OGPU, market::Address};

	pub(in crate::market) fn spec() -> TaskSpec {
		TaskSpec {
			job: JobRef {
				hash: [1; 32],
				blob: BlobId([2; 32]),
				len: 1000,
				source: Endpoint {
					key: [3; 32],
					addresses: BoundedVec::truncate_from(vec![Address::V4([127, 0, 0, 1], 1)]),
					relay: None,
				},
				reader: [3; 32],
			},
			shape: Shape::Parallel,
			profile: Profile::ExactInt,
			units: 100,
			parts: 1,
			work: 100_000,
			requirements: Requirements {
				tier: DeviceTier::Consumer,
				memory: 30,
				features: Features::default(),
				region: None,
				reputation: 0,
			},
			tier: Tier::Standard,
			trust: Trust::Never,
			few_operators: FewOperators::Refuse,
			max_price: None,
			time: 100,
		}
	}

	/// Each fault, by what brings it about.
	#[test]
	fn every_fault_is_found() {
		type Change = fn(&mut TaskSpec);
		let cases: [(SpecFault, Change); 17] = [
			(SpecFault::JobLength, |spec| spec.job.len = 0),
			(SpecFault::JobLength, |spec| spec.job.len = MAX_JOB_LEN + 1),
			(SpecFault::SourceUnreachable, |spec| spec.job.source.addresses = BoundedVec::new()),
			(SpecFault::Units, |spec| spec.units = MAX_UNITS + 1),
			(SpecFault::Parts, |spec| spec.parts = MAX_PARTS + 1),
			(SpecFault::PartTooSmall, |spec| spec.units = 19),
			(SpecFault::PartTooSmall, |spec| spec.parts = 6),
			(SpecFault::PartTooLarge, |spec| {
				spec.shape = Shape::Iterative;
				spec.units = 769;
			}),
			(SpecFault::LightAskedFor, |spec| spec.tier = Tier::Light),
			(SpecFault::Work, |spec| spec.work = 0),
			(SpecFault::Work, |spec| spec.work = MAX_WORK + 1),
			(SpecFault::Memory, |spec| spec.requirements.memory = 41),
			(SpecFault::UnknownFeature, |spec| spec.requirements.features = Features(1 << 31)),
			(SpecFault::Reputation, |spec| spec.requirements.reputation = 1001),
			(SpecFault::Price, |spec| spec.max_price = Some(0)),
			(SpecFault::Time, |spec| spec.time = 0),
			(SpecFault::RedundantUnits, |spec| spec.profile = Profile::Redundant),
		];
		assert_eq!(spec().faults(), []);
		for (fault, change) in cases {
			let mut wrong = spec();
			change(&mut wrong);
			assert_eq!(wrong.faults(), [fault], "{fault}");
		}
	}

	#[test]
	fn small_jobs_are_verified_whole() {
		let small = TaskSpec { units: 3, tier: Tier::Full, ..spec() };
		assert_eq!(small.faults(), []);
		let parts = TaskSpec { units: 30, parts: 2, tier: Tier::Full, ..spec() };
		assert_eq!(parts.faults(), [SpecFault::PartTooSmall]);
	}

	proptest! {
		#[test]
		fn parts_cover_the_whole(units in 1u32..=MAX_UNITS, parts in 1u8..=MAX_PARTS, amount in 0..1_000_000 * OGPU) {
			let spec = TaskSpec { units, parts, ..spec() };
			prop_assume!(u32::from(parts) <= units);
			let mut next = 0;
			let mut sum = 0;
			for part in 0..parts {
				prop_assert_eq!(spec.first_unit(part), next);
				next += spec.units_of(part);
				sum += spec.share_of(amount, part);
			}
			prop_assert_eq!(next, units);
			prop_assert_eq!(sum, amount);
		}
	}

	/// The part of a task's state that the client chooses.
	#[test]
	fn a_spec_is_small() {
		assert!(TaskSpec::max_encoded_len() <= 352, "{}", TaskSpec::max_encoded_len());
	}
}
