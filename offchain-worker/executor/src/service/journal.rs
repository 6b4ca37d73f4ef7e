//! What must not be forgotten: runs, how they stand, and the leaves of what is finished.
//!
//! Everything is on disk before anybody hears of it. One thread writes; what waits meanwhile is written
//! together, so that many small writes cost one flush.

use std::{collections::BTreeMap, path::Path, sync::Arc, thread};

use codec::{Decode, Encode};
use ogpu_primitives::{
	executor::{RunId, RunState, Submission},
	job::BlobId,
	merkle::Hash,
};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::sync::{mpsc, oneshot};

const SUBMISSIONS: TableDefinition<'_, RunId, &[u8]> = TableDefinition::new("submissions/1");
const STANDINGS: TableDefinition<'_, RunId, &[u8]> = TableDefinition::new("standings/1");
const PUBLISHED: TableDefinition<'_, RunId, &[u8]> = TableDefinition::new("published/2");
const LEAVES: TableDefinition<'_, (RunId, u32), Hash> = TableDefinition::new("leaves/1");
const SHARED: TableDefinition<'_, Hash, u64> = TableDefinition::new("shared/1");

/// Memory for pages of the journal, in bytes.
const CACHE: usize = 32 << 20;
/// Writes that may wait.
const WAITING: usize = 1024;
/// Writes that are written together.
const TOGETHER: usize = 256;

/// The journal could not be read or written. What it acknowledged before is kept.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the journal failed: {0}")]
pub struct JournalError(String);

impl JournalError {
	fn new(error: impl std::fmt::Display) -> Self {
		Self(error.to_string())
	}
}

/// How a run stands, with what only its executor needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Standing {
	/// The run's place in the order of acceptance.
	pub(super) order: u64,
	/// How it stands.
	pub(super) state: RunState,
	/// When it came to stand so, in milliseconds since 1970.
	pub(super) since_ms: u64,
	/// How often this machine failed it.
	pub(super) attempts: u32,
	/// How long devices worked on it, in microseconds.
	pub(super) run_us: u64,
}

/// A blob of a run's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) enum Part {
	/// An output, by its place among them.
	Output(u8),
	/// A buffer of the state after a segment.
	State(u32, u8),
}

/// A blob of a run's results that is served.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Published {
	/// What it is.
	pub(super) what: Part,
	/// The blob.
	pub(super) blob: BlobId,
	/// The keys of the endpoints that it is served to; anybody if there are none.
	pub(super) to: Option<Vec<[u8; 32]>>,
}

/// Something to be written.
#[derive(Debug)]
pub(super) enum Write {
	/// A new run.
	Accept(Box<Submission>, Standing),
	/// How a run stands now, and leaves that are finished.
	Stands(RunId, Standing, Vec<(u32, Hash)>),
	/// Leaves that are finished.
	Leaves(RunId, Vec<(u32, Hash)>),
	/// What of a run's results is served, and to whom.
	Publish(RunId, Vec<Published>),
	/// All about a run is forgotten.
	Forget(RunId),
	/// A blob is served to anybody, since then, in milliseconds since 1970.
	Share(BlobId, u64),
	/// It is served no longer.
	Unshare(BlobId),
}

type Acknowledge = oneshot::Sender<Result<(), JournalError>>;

/// The journal of an executor.
pub(super) struct Journal {
	database: Arc<Database>,
	writes: Option<mpsc::Sender<(Write, Acknowledge)>>,
	thread: Option<thread::JoinHandle<()>>,
}

impl Journal {
	/// Opens a journal, or makes one.
	///
	/// # Errors
	///
	/// When the file cannot be used, or another process uses it.
	pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
		let fail =
			|error: &dyn std::fmt::Display| JournalError(format!("{}: {error}", path.display()));
		let database = Arc::new(
			Database::builder().set_cache_size(CACHE).create(path).map_err(|error| fail(&error))?,
		);
		// All tables are there from now on.
		apply(&database, &[]).map_err(|error| fail(&error))?;
		let (writes, waiting) = mpsc::channel(WAITING);
		let thread = thread::spawn({
			let database = database.clone();
			move || write(&database, waiting)
		});
		Ok(Self { database, writes: Some(writes), thread: Some(thread) })
	}

	/// Writes, and returns when it is on disk.
	///
	/// # Errors
	///
	/// When the disk is full or fails.
	pub(super) async fn write(&self, write: Write) -> Result<(), JournalError> {
		self.send(write).await?.wait().await
	}

	/// Has something written after all that was sent before; [`Sent::wait`] returns when it is on disk.
	///
	/// # Errors
	///
	/// When the journal has ended.
	pub(super) async fn send(&self, write: Write) -> Result<Sent, JournalError> {
		let (acknowledge, acknowledged) = oneshot::channel();
		let writes = self.writes.as_ref().ok_or_else(gone)?;
		writes.send((write, acknowledge)).await.map_err(|_| gone())?;
		Ok(Sent(acknowledged))
	}

	/// As [`Self::write`], from a thread that may wait.
	///
	/// # Errors
	///
	/// As there.
	pub(super) fn write_blocking(&self, write: Write) -> Result<(), JournalError> {
		let (acknowledge, acknowledged) = oneshot::channel();
		let writes = self.writes.as_ref().ok_or_else(gone)?;
		writes.blocking_send((write, acknowledge)).map_err(|_| gone())?;
		acknowledged.blocking_recv().map_err(|_| gone())?
	}

	/// What was submitted as a run.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub(super) fn submission(&self, id: &RunId) -> Result<Option<Submission>, JournalError> {
		let read = self.database.begin_read().map_err(JournalError::new)?;
		let table = read.open_table(SUBMISSIONS).map_err(JournalError::new)?;
		let found = table.get(id).map_err(JournalError::new)?;
		found.map(|bytes| decode(bytes.value())).transpose()
	}

	/// How all runs stand, in the order of their acceptance.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub(super) fn standings(&self) -> Result<Vec<(RunId, Standing)>, JournalError> {
		let read = self.database.begin_read().map_err(JournalError::new)?;
		let table = read.open_table(STANDINGS).map_err(JournalError::new)?;
		let mut all = Vec::new();
		for entry in table.iter().map_err(JournalError::new)? {
			let (id, bytes) = entry.map_err(JournalError::new)?;
			all.push((id.value(), decode::<Standing>(bytes.value())?));
		}
		all.sort_by_key(|(_, standing)| standing.order);
		Ok(all)
	}

	/// What of a run's results is served.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub(super) fn published(&self, id: &RunId) -> Result<Vec<Published>, JournalError> {
		let read = self.database.begin_read().map_err(JournalError::new)?;
		let table = read.open_table(PUBLISHED).map_err(JournalError::new)?;
		let found = table.get(id).map_err(JournalError::new)?;
		found.map_or(Ok(Vec::new()), |bytes| decode(bytes.value()))
	}

	/// The blobs that are served to anybody, and since when, in milliseconds since 1970.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub(super) fn shared(&self) -> Result<Vec<(BlobId, u64)>, JournalError> {
		let read = self.database.begin_read().map_err(JournalError::new)?;
		let table = read.open_table(SHARED).map_err(JournalError::new)?;
		let all = table.iter().map_err(JournalError::new)?.map(|entry| {
			let (blob, since_ms) = entry.map_err(JournalError::new)?;
			Ok((BlobId(blob.value()), since_ms.value()))
		});
		all.collect()
	}

	/// The leaves of a run that are finished.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub(super) fn leaves(&self, id: &RunId) -> Result<BTreeMap<u32, Hash>, JournalError> {
		let read = self.database.begin_read().map_err(JournalError::new)?;
		let table = read.open_table(LEAVES).map_err(JournalError::new)?;
		let mut leaves = BTreeMap::new();
		for entry in table.range((*id, 0)..=(*id, u32::MAX)).map_err(JournalError::new)? {
			let (key, leaf) = entry.map_err(JournalError::new)?;
			leaves.insert(key.value().1, leaf.value());
		}
		Ok(leaves)
	}
}

/// Something that the journal will write.
pub(super) struct Sent(oneshot::Receiver<Result<(), JournalError>>);

impl Sent {
	/// Waits until it is on disk.
	///
	/// # Errors
	///
	/// When the disk is full or fails.
	pub(super) async fn wait(self) -> Result<(), JournalError> {
		self.0.await.map_err(|_| gone())?
	}
}

fn gone() -> JournalError {
	JournalError("its thread has ended".into())
}

impl Drop for Journal {
	fn drop(&mut self) {
		drop(self.writes.take());
		if let Some(thread) = self.thread.take() {
			// Its panic has been printed.
			let _ = thread.join();
		}
	}
}

fn decode<T: Decode>(mut bytes: &[u8]) -> Result<T, JournalError> {
	T::decode(&mut bytes).map_err(|_| {
		JournalError(
			"an entry cannot be read: another version wrote it, or the file is damaged".into(),
		)
	})
}

fn write(database: &Database, mut waiting: mpsc::Receiver<(Write, Acknowledge)>) {
	while let Some(first) = waiting.blocking_recv() {
		let (mut writes, mut acknowledges) = (vec![first.0], vec![first.1]);
		while writes.len() < TOGETHER {
			let Ok((write, acknowledge)) = waiting.try_recv() else { break };
			writes.push(write);
			acknowledges.push(acknowledge);
		}
		let result = apply(database, &writes);
		for acknowledge in acknowledges {
			// Whoever asked may have gone.
			let _ = acknowledge.send(result.clone());
		}
	}
}

fn apply(database: &Database, writes: &[Write]) -> Result<(), JournalError> {
	let transaction = database.begin_write().map_err(JournalError::new)?;
	{
		let open = |error: redb::TableError| JournalError::new(error);
		let mut submissions = transaction.open_table(SUBMISSIONS).map_err(open)?;
		let mut standings = transaction.open_table(STANDINGS).map_err(open)?;
		let mut published = transaction.open_table(PUBLISHED).map_err(open)?;
		let mut leaves = transaction.open_table(LEAVES).map_err(open)?;
		let mut shared = transaction.open_table(SHARED).map_err(open)?;
		let fail = |error: redb::StorageError| JournalError::new(error);
		for write in writes {
			match write {
				Write::Accept(submission, standing) => {
					let bytes = submission.encode();
					submissions.insert(submission.id, bytes.as_slice()).map_err(fail)?;
					standings.insert(submission.id, standing.encode().as_slice()).map_err(fail)?;
				}
				Write::Stands(id, standing, more) => {
					// Unless it was forgotten meanwhile.
					if submissions.get(id).map_err(fail)?.is_some() {
						standings.insert(id, standing.encode().as_slice()).map_err(fail)?;
						for (unit, leaf) in more {
							leaves.insert((*id, *unit), leaf).map_err(fail)?;
						}
					}
				}
				Write::Leaves(id, more) => {
					if submissions.get(id).map_err(fail)?.is_some() {
						for (unit, leaf) in more {
							leaves.insert((*id, *unit), leaf).map_err(fail)?;
						}
					}
				}
				Write::Publish(id, blobs) => {
					if submissions.get(id).map_err(fail)?.is_some() {
						published.insert(id, blobs.encode().as_slice()).map_err(fail)?;
					}
				}
				Write::Forget(id) => {
					published.remove(id).map_err(fail)?;
					submissions.remove(id).map_err(fail)?;
					standings.remove(id).map_err(fail)?;
					leaves.retain_in((*id, 0)..=(*id, u32::MAX), |_, _| false).map_err(fail)?;
				}
				Write::Share(blob, since_ms) => {
					shared.insert(blob.0, since_ms).map_err(fail)?;
				}
				Write::Unshare(blob) => {
					shared.remove(blob.0).map_err(fail)?;
				}
			}
		}
	}
	transaction.commit().map_err(JournalError::new)
}
