//! What is known of a provider.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use ogpu_primitives::{
	market::{
		DeviceTier, Endpoint, Features, GroupId,
		reputation::Reputation,
		spec::Requirements,
		trust::{LEAST_CLIENTS, Trusted},
	},
	merkle::Hash,
};
use ogpu_traits::{Standing, Unmet};
use scale_info::TypeInfo;

/// The most devices of a provider.
pub const MAX_DEVICES: u32 = 16;
/// The longest name of a device, in bytes.
pub const MAX_DEVICE_NAME: u32 = 64;
/// Sessions that a provider may miss before it counts as inactive.
pub const MISSES: SessionIndex = 2;

/// The number of a session.
pub type SessionIndex = u32;

/// One OpenCL device.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Device {
	/// What its driver calls it, in UTF-8.
	pub name: BoundedVec<u8, ConstU32<MAX_DEVICE_NAME>>,
	/// Its memory in bytes, as a power of two, rounded down.
	pub memory: u8,
	/// What it can do.
	pub features: Features,
	/// Identifies device and driver: if it changes, the self-test and the rating are due again.
	pub fingerprint: Hash,
}

/// What a provider says of itself.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Profile {
	/// Its sr25519 worker key, which signs what its node says. It holds no funds.
	pub worker: [u8; 32],
	/// Where its blobs are served.
	pub endpoint: Endpoint,
	/// Its x25519 key, to which inputs can be encrypted.
	pub encryption: [u8; 32],
	/// Where it is: an ISO 3166-1 numeric code.
	pub region: u16,
	/// Its devices.
	pub devices: BoundedVec<Device, ConstU32<MAX_DEVICES>>,
}

/// How much a provider is trusted, and by whose tasks.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Trust<AccountId> {
	/// What it has earned, and what is under way.
	pub earned: Trusted,
	/// The first clients of its right tasks, none of the operator of another or of its own.
	pub clients: BoundedVec<AccountId, ConstU32<LEAST_CLIENTS>>,
}

impl<AccountId> Default for Trust<AccountId> {
	fn default() -> Self {
		Self { earned: Trusted::default(), clients: BoundedVec::new() }
	}
}

/// Whether a provider gets new work.
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
pub enum Status {
	/// It does, while its heartbeats come. Left by [`retire`](crate::Pallet::retire) and
	/// [`suspend`](crate::Pallet::suspend).
	#[codec(index = 0)]
	Open,
	/// It does not, until governance [reinstates](crate::Pallet::reinstate) it.
	#[codec(index = 1)]
	Suspended,
	/// It does not: it finishes what it has, then [deregisters](crate::Pallet::deregister), or
	/// [comes back](crate::Pallet::resume).
	#[codec(index = 2)]
	Retiring,
}

/// Work under way, as it counts for utilisation.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Occupation {
	/// Tasks under way.
	pub tasks: u32,
	/// What was added to the busy capacity of [`Self::tier`] when the first of them began.
	pub counted: u64,
	/// The tier it was added to.
	pub tier: u8,
}

/// What a provider counts as where panels are drawn.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Candidate {
	/// Its operator.
	pub group: GroupId,
	/// Whether it gets new work.
	pub status: Status,
	/// The session of its last heartbeat.
	pub last_heartbeat: SessionIndex,
	/// Its proven rating, in thousandths of the reference device.
	pub rating: u32,
	/// Memory in bytes, as a power of two, and features of each of its devices.
	pub devices: BoundedVec<(u8, Features), ConstU32<MAX_DEVICES>>,
}

impl Candidate {
	/// Sees whether it is there, and has a device for something.
	///
	/// # Errors
	///
	/// The first requirement that it does not meet.
	pub fn meets(&self, requirements: &Requirements, session: SessionIndex) -> Result<(), Unmet> {
		may_work(self.status, self.last_heartbeat, session)?;
		can_do(requirements, self.rating, self.devices.iter().copied())
	}
}

/// Whether heartbeats come, by the session of the last.
const fn heartbeats_come(last: SessionIndex, session: SessionIndex) -> bool {
	session <= last.saturating_add(MISSES)
}

/// Sees whether somebody gets new work.
fn may_work(
	status: Status,
	last_heartbeat: SessionIndex,
	session: SessionIndex,
) -> Result<(), Unmet> {
	match status {
		Status::Open if heartbeats_come(last_heartbeat, session) => Ok(()),
		Status::Open => Err(Unmet::Inactive),
		Status::Suspended => Err(Unmet::Suspended),
		Status::Retiring => Err(Unmet::Retiring),
	}
}

/// Sees whether one of some devices, each by its memory and features, is fit for something.
fn can_do(
	requirements: &Requirements,
	rating: u32,
	mut devices: impl Iterator<Item = (u8, Features)>,
) -> Result<(), Unmet> {
	let fits = |(memory, features): (u8, Features)| {
		memory >= requirements.memory && features.contain(requirements.features)
	};
	let fast_enough = DeviceTier::of_rating(rating) >= requirements.tier;
	if fast_enough && devices.any(fits) { Ok(()) } else { Err(Unmet::NoDevice) }
}

/// A provider.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(skip_type_params(AccountId))]
pub struct Provider<AccountId> {
	/// What it says of itself.
	pub profile: Profile,
	/// Its operator.
	pub group: GroupId,
	/// The validator's stash that is linked to it.
	pub stash: Option<AccountId>,
	/// Whether it gets new work.
	pub status: Status,
	/// The session of its last heartbeat.
	pub last_heartbeat: SessionIndex,
	/// Its proven rating, in thousandths of the reference device; 0 until it is proven.
	pub rating: u32,
	/// What the chain has seen of it.
	pub reputation: Reputation,
	/// What it is busy with.
	pub occupation: Occupation,
	/// How many tasks concern it: bids and work. It cannot leave meanwhile.
	pub engagements: u32,
	/// What it counted as in draws when a session began, if that has changed in the session: whoever knows what is about to be
	/// drawn must not be able to change it.
	pub before: Option<(SessionIndex, Candidate)>,
}

/// By what operators are counted: those with the same can verify the same.
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
pub struct Class {
	/// The tier of its rating.
	pub tier: DeviceTier,
	/// What its largest device can do.
	pub features: Features,
	/// The memory of its largest device, as a power of two in bytes.
	pub memory: u8,
}

impl Class {
	/// Whether operators of the class can verify a task.
	pub fn meets(&self, requirements: &Requirements) -> bool {
		self.tier >= requirements.tier
			&& self.memory >= requirements.memory
			&& self.features.contain(requirements.features)
	}
}

/// What is wrong with a [`Profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileFault {
	/// There is no device.
	NoDevice,
	/// A device claims a feature that does not exist, or too much memory.
	BadDevice,
	/// Two devices have the same fingerprint.
	DeviceTwice,
	/// Nobody could reach it.
	Unreachable,
}

impl Profile {
	/// Its devices by what they are: what they are called, and what their drivers say of them, may change.
	pub fn fingerprints(&self) -> Vec<Hash> {
		let mut all: Vec<_> = self.devices.iter().map(|device| device.fingerprint).collect();
		all.sort_unstable();
		all
	}

	/// The first thing that is wrong with it.
	pub fn fault(&self) -> Option<ProfileFault> {
		use ogpu_primitives::market::spec::MAX_MEMORY;
		let bad = |device: &Device| {
			device.memory > MAX_MEMORY
				|| !Features::KNOWN.contain(device.features)
				|| core::str::from_utf8(&device.name).is_err()
		};
		let twice = |(index, device): (usize, &Device)| {
			self.devices.iter().take(index).any(|other| other.fingerprint == device.fingerprint)
		};
		if self.devices.is_empty() {
			Some(ProfileFault::NoDevice)
		} else if self.devices.iter().any(bad) {
			Some(ProfileFault::BadDevice)
		} else if self.devices.iter().enumerate().any(twice) {
			Some(ProfileFault::DeviceTwice)
		} else if !self.endpoint.is_reachable() {
			Some(ProfileFault::Unreachable)
		} else {
			None
		}
	}
}

impl<AccountId> Provider<AccountId> {
	/// Whether its heartbeats come.
	pub fn is_active(&self, session: SessionIndex) -> bool {
		heartbeats_come(self.last_heartbeat, session)
	}

	/// Memory and features of each of its devices.
	fn devices(&self) -> impl Iterator<Item = (u8, Features)> {
		self.profile.devices.iter().map(|device| (device.memory, device.features))
	}

	/// What it would count as in draws, as it is now.
	fn now(&self) -> Candidate {
		Candidate {
			group: self.group,
			status: self.status,
			last_heartbeat: self.last_heartbeat,
			rating: self.rating,
			devices: BoundedVec::truncate_from(self.devices().collect()),
		}
	}

	/// What it counts as in draws: what it was when the session began.
	pub fn candidate(&self, session: SessionIndex) -> Candidate {
		match &self.before {
			Some((at, before)) if *at == session => before.clone(),
			_ => self.now(),
		}
	}

	/// Notes what it counts as in draws, before something of that changes.
	pub fn remember(&mut self, session: SessionIndex) {
		if self.before.as_ref().is_none_or(|(at, _)| *at != session) {
			self.before = Some((session, self.now()));
		}
	}

	/// By what its operator is counted.
	pub fn class(&self) -> Class {
		let largest = self.profile.devices.iter().max_by_key(|device| device.memory);
		Class {
			tier: DeviceTier::of_rating(self.rating),
			features: largest.map_or(Features::default(), |device| device.features),
			memory: largest.map_or(0, |device| device.memory),
		}
	}

	/// What it adds to the capacity of its tier; whoever is not rated yet counts as the reference device.
	pub fn capacity(&self) -> u64 {
		u64::from(if self.rating == 0 { 1000 } else { self.rating })
	}

	/// How it stands, if it meets the requirements.
	///
	/// # Errors
	///
	/// The first that it does not meet.
	pub fn meets(
		&self,
		requirements: &Requirements,
		session: SessionIndex,
	) -> Result<Standing, Unmet> {
		may_work(self.status, self.last_heartbeat, session)?;
		can_do(requirements, self.rating, self.devices())?;
		if requirements.region.is_some_and(|region| region != self.profile.region) {
			return Err(Unmet::Region);
		}
		let reputation = self.reputation.thousandths();
		if reputation < requirements.reputation {
			return Err(Unmet::Reputation);
		}
		Ok(Standing { group: self.group, rating: self.rating, reputation })
	}
}
