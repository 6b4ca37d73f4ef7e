//! What a node, or a person's tool, says to an executor and hears from it.
//!
//! The SCALE forms of these types are the bodies of the executor's HTTP API. The hook of a node's
//! off-chain worker speaks them from inside the runtime, so they are bounded and need no allocation
//! beyond their bounds.

use alloc::{string::String, vec::Vec};
use core::net::{Ipv4Addr, Ipv6Addr};

use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

use crate::{
	Balance,
	job::{self, BlobId, Job, MAX_BUFFERS, MAX_UNITS, Prelude},
	merkle::{Hash, Hasher, Multiproof, leaf},
};

/// The version of this API. Both sides must speak the same.
pub const API_VERSION: u16 = 3;

/// Whether nobody else reads what is sent to a URL, such as an executor's token: it goes to this machine, or over TLS.
/// Of an `http` URL no more is understood than `http://HOST:PORT/PATH`.
pub fn is_private(url: &str) -> bool {
	let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
	let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
	let (host, port) = match authority.rsplit_once(':') {
		// The colon is one of an IPv6 address.
		Some(_) if authority.ends_with(']') => (authority, None),
		Some((host, port)) => (host, Some(port)),
		None => (authority, None),
	};
	if port.is_some_and(|port| port.parse::<u16>().is_err()) {
		return false;
	}
	match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
		Some(host) => host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback()),
		None => host == "localhost" || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()),
	}
}

/// Identifies a run of a job on one executor. Whoever submits chooses it; submitting the same again
/// changes nothing.
pub type RunId = [u8; 32];

/// Some text for people: a message, an address. At most 1,024 bytes.
pub type Text = BoundedVec<u8, ConstU32<1024>>;

/// `text`, cut to what fits.
pub fn text(text: &str) -> Text {
	let mut end = text.len().min(1024);
	while !text.is_char_boundary(end) {
		end -= 1;
	}
	BoundedVec::truncate_from(text.as_bytes()[..end].to_vec())
}

/// `text` as a string.
pub fn string(text: &Text) -> String {
	String::from_utf8_lossy(text).into_owned()
}

/// The most units that a submission may name one by one.
pub const MAX_LISTED_UNITS: u32 = 4096;
/// The most checkpoints that a submission may start from.
pub const MAX_CHECKPOINTS: u32 = 64;
/// The most peers that a submission may name.
pub const MAX_PEERS: u32 = 8;

/// Which units of a job to run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Units {
	/// All of them.
	#[codec(index = 0)]
	All,
	/// These, in ascending order.
	#[codec(index = 1)]
	These(BoundedVec<u32, ConstU32<MAX_LISTED_UNITS>>),
}

/// How units of a data-parallel job are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Care {
	/// Many units in one launch: fast. A few are run again by themselves.
	#[codec(index = 0)]
	Batched,
	/// Each unit by itself, as verifiers run it.
	#[codec(index = 1)]
	Alone,
}

/// Somebody who serves blobs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Peer {
	/// The ed25519 key of its endpoint.
	pub key: [u8; 32],
	/// Where it can be reached, each as `IP:port`.
	pub addresses: BoundedVec<BoundedVec<u8, ConstU32<64>>, ConstU32<8>>,
	/// The URL of a relay that knows it.
	pub relay: Option<BoundedVec<u8, ConstU32<256>>>,
}

/// The state after a segment of an iterative job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Checkpoint {
	/// The segment.
	pub segment: u32,
	/// The BLAKE3 hash of each buffer of the result, in the order of the job's buffers: what the leaf of
	/// the segment is made of.
	pub slices: BoundedVec<BlobId, ConstU32<MAX_BUFFERS>>,
}

impl Checkpoint {
	/// The leaf of the segment.
	pub fn leaf<H: Hasher>(&self) -> Hash {
		let slices: Vec<Hash> = self.slices.iter().map(|slice| slice.0).collect();
		leaf::<H>(self.segment, &slices)
	}
}

/// Asks an executor to run units of a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Submission {
	/// The run.
	pub id: RunId,
	/// Who asks. Those who ask are served in turn.
	pub owner: BoundedVec<u8, ConstU32<64>>,
	/// What to run.
	pub job: Job,
	/// Which of its units.
	pub units: Units,
	/// How.
	pub care: Care,
	/// Who has the blobs that this executor does not have.
	pub peers: BoundedVec<Peer, ConstU32<MAX_PEERS>>,
	/// States that segments may start from.
	pub checkpoints: BoundedVec<Checkpoint, ConstU32<MAX_CHECKPOINTS>>,
}

/// Why a job is at fault. Any machine would come to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum JobFault {
	/// Its description is invalid.
	#[codec(index = 0)]
	Invalid,
	/// The gate does not admit its program.
	#[codec(index = 1)]
	Inadmissible,
	/// A kernel writes past an end of a buffer.
	#[codec(index = 2)]
	OutOfBounds,
	/// A unit writes to what belongs to another.
	#[codec(index = 3)]
	OutOfUnit,
	/// A kernel writes to an input.
	#[codec(index = 4)]
	InputWritten,
	/// A unit gives another result by itself than among others.
	#[codec(index = 5)]
	NotIndependent,
}

/// Whose fault it is that a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Fault {
	/// The job's. This may be said on chain.
	#[codec(index = 0)]
	Job(JobFault),
	/// A blob could not be had from anybody who was named. Whose fault that is, others must say.
	#[codec(index = 1)]
	Unavailable(BlobId),
	/// This machine's. Never said on chain: another machine may do better.
	#[codec(index = 2)]
	Host,
	/// It took longer than the job gives a step, or all of it. Another machine may be faster: whose fault that is, others
	/// must say.
	#[codec(index = 3)]
	Unfinished,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum RunState {
	/// Its blobs are being fetched.
	#[codec(index = 0)]
	Fetching,
	/// It waits for a device.
	#[codec(index = 1)]
	Queued,
	/// A device works on it.
	#[codec(index = 2)]
	Running {
		/// Units that are finished.
		done: u32,
		/// Units that were asked for.
		of: u32,
	},
	/// It is finished.
	#[codec(index = 3)]
	Done {
		/// The root, where all units were asked for.
		root: Option<Hash>,
		/// How long the device worked, in milliseconds.
		run_ms: u64,
	},
	/// It ended without a result.
	#[codec(index = 4)]
	Failed {
		/// Whose fault it is.
		fault: Fault,
		/// What happened, for people.
		message: Text,
	},
	/// It was cancelled.
	#[codec(index = 5)]
	Cancelled,
}

impl RunState {
	/// Whether it will never change again.
	pub const fn is_final(&self) -> bool {
		matches!(self, Self::Done { .. } | Self::Failed { .. } | Self::Cancelled)
	}
}

/// The leaves of a finished run: units in ascending order, each with its leaf.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Leaves {
	/// The units with their leaves.
	pub leaves: BoundedVec<(u32, Hash), ConstU32<MAX_UNITS>>,
}

/// Proves leaves of a finished run to whoever knows its root.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Proof {
	/// The units with their leaves, in ascending order.
	pub leaves: BoundedVec<(u32, Hash), ConstU32<MAX_LISTED_UNITS>>,
	/// The way from these leaves to the root.
	pub proof: Multiproof,
}

/// Asks what a job would cost here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct QuoteRequest {
	/// The job.
	pub job: Job,
	/// Who has its blobs.
	pub peers: BoundedVec<Peer, ConstU32<MAX_PEERS>>,
}

/// Asks an executor to get a blob from others. It answers whether the blob is here; if not, it is being
/// fetched.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct FetchRequest {
	/// The size of the blob, in bytes.
	pub size: u64,
	/// Who has it.
	pub peers: BoundedVec<Peer, ConstU32<MAX_PEERS>>,
}

/// Asks an executor to find out what a state is made of that somebody else's run came to, and to see to it that it leads to
/// a root. It answers with the state once it has it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct StateRequest {
	/// The run of whoever computed it.
	pub run: RunId,
	/// The segment after which it is.
	pub segment: u32,
	/// The root that its leaf leads to.
	pub root: Hash,
	/// The first unit under the root.
	pub first: u32,
	/// How many units there are.
	pub count: u32,
	/// The leaf of the segment, if whoever asks has computed that itself. Then only whether it leads to the root is found
	/// out, and the state that is answered is made of nothing.
	pub leaf: Option<Hash>,
	/// Who computed it.
	pub peers: BoundedVec<Peer, ConstU32<MAX_PEERS>>,
}

/// The most endpoints that something is served to at once.
pub const MAX_AUDIENCE: u32 = 64;

/// Serves a blob to others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ShareRequest {
	/// Keys of endpoints; anybody if none are named.
	pub to: BoundedVec<[u8; 32], ConstU32<MAX_AUDIENCE>>,
}

/// Takes results of a finished run into the store and serves them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct PublishRequest {
	/// The outputs, each as one blob.
	pub outputs: bool,
	/// The state after each of these segments.
	pub checkpoints: BoundedVec<u32, ConstU32<MAX_CHECKPOINTS>>,
	/// Keys of endpoints; anybody if none are named.
	pub to: BoundedVec<[u8; 32], ConstU32<MAX_AUDIENCE>>,
}

/// What a job would cost here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Quote {
	/// It is being found out; ask again.
	#[codec(index = 0)]
	Pending,
	/// It cannot run here.
	#[codec(index = 1)]
	Refused {
		/// Whose fault it is.
		fault: Fault,
		/// Why, for people.
		message: Text,
	},
	/// It can.
	#[codec(index = 2)]
	Offer {
		/// The price, in the token's smallest unit, by the operator's policy.
		price: Balance,
		/// How long it would take once it runs, in milliseconds.
		run_ms: u64,
		/// How long it would wait for what is queued before it, in milliseconds.
		wait_ms: u64,
		/// The device, by its position in the status.
		device: u32,
	},
}

/// A device that an executor offers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct DeviceStatus {
	/// Its name.
	pub name: BoundedVec<u8, ConstU32<128>>,
	/// Identifies the device and its driver, as long as neither changes.
	pub fingerprint: Hash,
	/// Memory, in bytes, rounded down to a power of two.
	pub memory: u64,
	/// It computes the floating-point profiles.
	pub exact_f32: bool,
	/// It computes in double precision.
	pub fp64: bool,
	/// Runs that wait for it.
	pub waiting: u32,
	/// Whether it works on something.
	pub busy: bool,
	/// How it stands.
	pub health: Health,
}

/// Whether a device can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Health {
	/// It has passed the self-test.
	#[codec(index = 0)]
	Good,
	/// It failed the self-test, and gets no work.
	#[codec(index = 1)]
	Failed,
	/// It failed several runs in a row, and gets no work until it passes the self-test again.
	#[codec(index = 2)]
	Quarantined,
}

/// What an executor says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ExecutorStatus {
	/// The version of this API.
	pub api: u16,
	/// The version of the job format.
	pub job_format: u16,
	/// Preludes that it has.
	pub preludes: BoundedVec<Prelude, ConstU32<16>>,
	/// Its devices.
	pub devices: BoundedVec<DeviceStatus, ConstU32<64>>,
	/// Where its blobs can be fetched.
	pub peer: Option<Peer>,
	/// It takes no new work.
	pub draining: bool,
}

impl ExecutorStatus {
	/// Whether it is of this very release: it speaks this API, reads these jobs, and has all preludes. Another would be
	/// asked in vain, by the client that waits for its work too.
	pub fn is_of_this_release(&self) -> bool {
		(self.api, self.job_format) == (API_VERSION, job::VERSION)
			&& Prelude::ALL.iter().all(|prelude| self.preludes.contains(prelude))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn what_goes_to_this_machine_or_over_tls_is_private() {
		for url in [
			"http://127.0.0.1:9960",
			"http://127.0.0.2",
			"http://[::1]:9960/",
			"http://[::1]",
			"http://localhost:9960/v1",
			"https://friend.example",
		] {
			assert!(is_private(url), "{url}");
		}
		for url in [
			"http://192.168.1.7:9960",
			"http://friend.example",
			"http://localhost.friend.example",
			"http://[2001:db8::1]:9960",
			"http://127.0.0.1:9960@friend.example",
			"http://127.0.0.1@friend.example",
			"http://localhost:9960\\@friend.example",
			"http://localhost?@friend.example",
			"ftp://127.0.0.1",
			"127.0.0.1:9960",
			"http://",
			"",
		] {
			assert!(!is_private(url), "{url}");
		}
	}
}
