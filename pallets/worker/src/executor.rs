//! The executor's HTTP interface, in SCALE, over the host's HTTP client.

use alloc::{format, string::String, vec::Vec};

use codec::{Decode, Encode};
use frame_support::BoundedVec;
use ogpu_primitives::{
	executor::{
		Checkpoint, ExecutorStatus, FetchRequest, Leaves, Peer, PublishRequest, Quote,
		QuoteRequest, RunId, RunState, ShareRequest, StateRequest, Submission, is_private,
	},
	job::BlobId,
	piece::Piece,
};
use ogpu_traits::Away;
use sp_runtime::offchain::{
	Duration,
	http::{Method, Request},
	storage::StorageValueRef,
};

/// Where the node writes [`ExecutorAddress`] in its off-chain storage.
pub const EXECUTOR_KEY: &[u8] = b"ogpu/executor";

/// How long an answer may take. The hook has a block.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// The longest answer that is read, in bytes.
const LONGEST: usize = 4 << 20;
/// The status of an answer about what is not there.
const NOT_FOUND: u16 = 404;
/// The media type of SCALE bodies.
const SCALE: &str = "application/octet-stream";

/// How the executor is reached.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct ExecutorAddress {
	/// Its URL, without a slash at the end.
	pub url: Vec<u8>,
	/// Its bearer token.
	pub token: Vec<u8>,
}

impl ExecutorAddress {
	/// Whether the token may be sent there: to this machine, or over TLS.
	pub fn is_trusted(&self) -> bool {
		core::str::from_utf8(&self.url).is_ok_and(is_private)
	}

	/// What the node has written, if it may be used.
	pub(crate) fn load() -> Option<Self> {
		let found = StorageValueRef::persistent(EXECUTOR_KEY).get::<Self>().ok()??;
		found.is_trusted().then_some(found)
	}

	fn ask(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Vec<u8>, Away> {
		let url = String::from_utf8_lossy(&self.url);
		let (url, token) = (format!("{url}{path}"), String::from_utf8_lossy(&self.token));
		let deadline = sp_io::offchain::timestamp().add(PATIENCE);
		let length = body.as_ref().map_or(0, Vec::len);
		let request = Request::<Vec<Vec<u8>>>::new(&url)
			.method(method)
			.add_header("Authorization", &format!("Bearer {token}"))
			.add_header("Accept", SCALE)
			.add_header("Content-Type", SCALE)
			// Without it the body would be sent in chunks.
			.add_header("Content-Length", &format!("{length}"))
			.body(body.into_iter().collect())
			.deadline(deadline);
		let pending = request.send().map_err(|_| Away::Unreachable)?;
		let response = pending.try_wait(deadline).map_err(|_| Away::Unreachable)?;
		let response = response.map_err(|_| Away::Unreachable)?;
		if !(200..300).contains(&response.code) {
			return Err(Away::Refused(response.code));
		}
		let mut body = response.body();
		body.deadline(Some(deadline));
		let bytes: Vec<u8> = body.by_ref().take(LONGEST).collect();
		if body.error().is_some() || bytes.len() == LONGEST {
			return Err(Away::Nonsense);
		}
		Ok(bytes)
	}

	fn get<T: Decode>(&self, path: &str) -> Result<T, Away> {
		let bytes = self.ask(Method::Get, path, None)?;
		T::decode(&mut &bytes[..]).map_err(|_| Away::Nonsense)
	}

	fn post<T: Decode>(&self, path: &str, value: &impl Encode) -> Result<T, Away> {
		let bytes = self.ask(Method::Post, path, Some(value.encode()))?;
		T::decode(&mut &bytes[..]).map_err(|_| Away::Nonsense)
	}

	pub(crate) fn status(&self) -> Result<ExecutorStatus, Away> {
		self.get("/v1/status")
	}

	pub(crate) fn quote(&self, request: &QuoteRequest) -> Result<Quote, Away> {
		self.post("/v1/quote", request)
	}

	pub(crate) fn run(&self, submission: &Submission) -> Result<RunState, Away> {
		self.post("/v1/jobs", submission)
	}

	pub(crate) fn state(&self, run: &RunId) -> Result<Option<RunState>, Away> {
		match self.get(&format!("/v1/jobs/{}", BlobId(*run))) {
			Err(Away::Refused(NOT_FOUND)) => Ok(None),
			answer => answer.map(Some),
		}
	}

	pub(crate) fn cancel(&self, run: &RunId) -> Result<(), Away> {
		self.ask(Method::Delete, &format!("/v1/jobs/{}", BlobId(*run)), None).map(|_| ())
	}

	pub(crate) fn leaves(&self, run: &RunId) -> Result<Leaves, Away> {
		self.get(&format!("/v1/jobs/{}/leaves", BlobId(*run)))
	}

	pub(crate) fn fetch(&self, blob: &BlobId, size: u64, peers: &[Peer]) -> Result<bool, Away> {
		let peers = BoundedVec::truncate_from(peers.to_vec());
		self.post(&format!("/v1/blobs/{blob}/fetch"), &FetchRequest { size, peers })
	}

	pub(crate) fn keep(&self, bytes: &[u8]) -> Result<BlobId, Away> {
		let blob = BlobId::of(bytes);
		self.ask(Method::Put, &format!("/v1/blobs/{blob}"), Some(bytes.to_vec()))?;
		Ok(blob)
	}

	pub(crate) fn share(&self, blob: &BlobId, to: &[[u8; 32]]) -> Result<(), Away> {
		let to = BoundedVec::truncate_from(to.to_vec());
		self.post(&format!("/v1/blobs/{blob}/share"), &ShareRequest { to })
	}

	pub(crate) fn publish(
		&self,
		run: &RunId,
		outputs: bool,
		segments: &[u32],
		to: &[[u8; 32]],
	) -> Result<(), Away> {
		let request = PublishRequest {
			outputs,
			checkpoints: BoundedVec::truncate_from(segments.to_vec()),
			to: BoundedVec::truncate_from(to.to_vec()),
		};
		self.post(&format!("/v1/jobs/{}/publish", BlobId(*run)), &request)
	}

	pub(crate) fn state_of_others(
		&self,
		request: &StateRequest,
	) -> Result<Option<Checkpoint>, Away> {
		self.post("/v1/states", request)
	}

	pub(crate) fn piece(&self, blob: &BlobId, piece: u32) -> Result<Piece, Away> {
		self.get(&format!("/v1/blobs/{blob}/pieces/{piece}"))
	}

	pub(crate) fn slices(&self, run: &RunId, unit: u32) -> Result<Checkpoint, Away> {
		self.get(&format!("/v1/jobs/{}/slices?unit={unit}", BlobId(*run)))
	}

	pub(crate) fn piece_of_result(
		&self,
		run: &RunId,
		unit: u32,
		slice: u8,
		piece: u32,
	) -> Result<Piece, Away> {
		let run = BlobId(*run);
		self.get(&format!("/v1/jobs/{run}/pieces/{piece}?unit={unit}&slice={slice}"))
	}

	pub(crate) fn read(&self, blob: &BlobId) -> Result<Vec<u8>, Away> {
		self.ask(Method::Get, &format!("/v1/blobs/{blob}"), None)
	}
}
