//! What runs came to, asked of whoever ran them: the hashes of outputs and states, by which they are then fetched, are
//! told to those to whom the blobs are served; what leads from a leaf to the root, to anybody who has that leaf. Whoever
//! asks believes nothing: it has a root that the answer must lead to.

use std::{
	sync::{Arc, OnceLock},
	time::Duration,
};

use codec::{Decode, Encode};
use iroh::{
	endpoint::Connection,
	protocol::{AcceptError, ProtocolHandler},
};
use iroh_blobs::protocol::ERR_LIMIT;
use ogpu_primitives::{
	executor::{Peer, RunId},
	job::MAX_BUFFERS,
	merkle::Hash,
};
use tokio::time::timeout;

use crate::{
	error::{BlobError, SourceFault},
	node::Places,
	store::Blobs,
};

/// The name of the protocol: one question and one answer on each stream, both in SCALE.
pub(crate) const ALPN: &[u8] = b"ogpu/results/1";
/// The longest question, in bytes.
const LONGEST_QUESTION: usize = 64;
/// The longest answer, in bytes: a hash for each buffer, or for each level of a tree and one more.
const LONGEST_ANSWER: usize = 8 + 32 * MAX_BUFFERS as usize;
/// How long one question may take, and a connection may ask nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Question {
	/// The hash of each output, in the order of the job's buffers.
	#[codec(index = 0)]
	Outputs(RunId),
	/// The hash of each buffer of the state after a segment.
	#[codec(index = 1)]
	State(RunId, u32),
	/// The lowest node of the tree above the leaf of a unit, and the hashes that lead from there to the root over some of
	/// the run's units, of which it is one. Told to anybody: it tells no leaf.
	#[codec(index = 2)]
	Path {
		/// The run.
		run: RunId,
		/// The unit.
		unit: u32,
		/// The first unit under the root.
		first: u32,
		/// How many there are.
		count: u32,
	},
}

/// Knows what runs came to.
pub trait Answers: Send + Sync + 'static {
	/// What the endpoint with this key is told; `None` if that is nothing.
	fn answer(&self, peer: &[u8; 32], question: Question) -> Option<Vec<Hash>>;
}

/// Whoever knows what runs came to, once it is known who that is.
pub(crate) type Knows = Arc<OnceLock<Arc<dyn Answers>>>;

/// Answers questions.
#[derive(Clone)]
pub(crate) struct Teller {
	pub(crate) knows: Knows,
	pub(crate) places: Arc<Places>,
}

impl std::fmt::Debug for Teller {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Teller").finish_non_exhaustive()
	}
}

impl Teller {
	/// Answers one question. Whether there may be another.
	async fn answer(&self, connection: &Connection) -> bool {
		let Ok((mut reply, mut ask)) = connection.accept_bi().await else { return false };
		let Ok(bytes) = ask.read_to_end(LONGEST_QUESTION).await else { return false };
		let Ok(question) = Question::decode(&mut &bytes[..]) else { return false };
		let (knows, peer) = (self.knows.clone(), *connection.remote_id().as_bytes());
		// It reads a journal on disk.
		let told = tokio::task::spawn_blocking(move || knows.get()?.answer(&peer, question)).await;
		let Ok(told) = told else { return false };
		reply.write_all(&told.encode()).await.is_ok() && reply.finish().is_ok()
	}
}

impl ProtocolHandler for Teller {
	async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
		let Some(_place) = self.places.take(connection.remote_id()) else {
			connection.close(ERR_LIMIT, b"too many connections");
			return Ok(());
		};
		while timeout(PATIENCE, self.answer(&connection)).await == Ok(true) {}
		Ok(())
	}
}

impl Blobs {
	/// Answers questions about results from now on, once.
	pub fn answer_with(&self, answers: Arc<dyn Answers>) {
		// Nobody knows better than the first.
		let _ = self.knows().set(answers);
	}

	/// Asks a peer about a run of it: the hashes, or `None` if it does not know the run or does not tell us.
	///
	/// # Errors
	///
	/// When it could not be reached, or answers nonsense.
	pub async fn ask(
		&self,
		peer: &Peer,
		question: Question,
	) -> Result<Option<Vec<Hash>>, BlobError> {
		let node =
			self.node().get().ok_or_else(|| BlobError::Network("it has not been joined".into()))?;
		let failed = |fault| BlobError::Network(format!("asking for results: {fault}"));
		let connection = node.connect(peer, ALPN).await.map_err(failed)?;
		let asking = async {
			let (mut ask, mut reply) = connection.open_bi().await.map_err(|_| SourceFault::Lost)?;
			let sent = ask.write_all(&question.encode()).await;
			sent.map_err(|_| SourceFault::Lost)?;
			ask.finish().map_err(|_| SourceFault::Lost)?;
			let bytes = reply.read_to_end(LONGEST_ANSWER).await.map_err(|_| SourceFault::Lost)?;
			Option::<Vec<Hash>>::decode(&mut &bytes[..]).map_err(|_| SourceFault::Lied)
		};
		let told = timeout(PATIENCE, asking).await.unwrap_or(Err(SourceFault::Stalled));
		connection.close(0u8.into(), b"done");
		told.map_err(failed)
	}
}
