//! The executor as a service: what a node's hook, and people, talk to.
//!
//! ```text
//! submit ──► journal ──► make ready ──► a device's queue ──► run ──► journal ──► who asks
//!                        fetch, gate                         leaves
//! ```
//!
//! A run is known by an id that whoever submits it chooses; submitting it again changes nothing. What was
//! accepted is in the journal before anybody hears of it, so that a killed executor goes on with every run
//! at its next start, from the units that it had finished.

pub mod api;
pub mod config;
mod inputs;
mod journal;
mod listen;
mod metrics;
mod pool;
mod prepare;
mod prices;
mod quote;
mod results;
mod runs;
mod states;
mod work;

pub use config::{Config, ConfigError};
pub use journal::JournalError;
pub use listen::serve;
pub use ogpu_blobs::secret;
pub use runs::Refusal;

use std::{
	collections::{HashMap, HashSet},
	io,
	os::unix::fs::FileExt,
	path::PathBuf,
	sync::{
		Arc, Mutex, MutexGuard, PoisonError,
		atomic::{AtomicBool, Ordering},
	},
	time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bounded_collections::BoundedVec;
use codec::Encode;
use ogpu_blobs::{
	Answers, Audience, BlobError, Blobs, Fetch, NodeOptions, Options, Question, free_space,
};
use ogpu_compute::Device;
use ogpu_primitives::{
	executor::{Health, Peer, RunId, RunState, Submission, Units},
	job::{BlobId, Job, Plan, Shape, Slice},
	merkle::{Blake2, Hash, Hasher, Tree, lowest},
	piece::{Hashes, PIECE, Piece, length},
};
use tokio::sync::{Notify, OnceCell, Semaphore, watch};

use crate::{
	Tools,
	gate::Admitted,
	queue::{Bounds, Lanes},
	run::{Limits, RunError, devices},
	selftest::hex,
};
use inputs::Inputs;
use journal::{Journal, Part, Published, Standing, Write};
use metrics::Metrics;
use pool::{Pool, Unfit};
use results::{Folder, pieces_of};
use runs::Runs;

/// Runs that may be ready for each device before it has taken them: enough to keep it busy.
const READY: usize = 16;
/// How long killed runs may take to be gone.
const KILLED: Duration = Duration::from_secs(30);
/// Bytes of the disk that are left alone.
const RESERVE: u64 = 1 << 30;
/// How long a run waits for room, or for a device, before it is looked at again.
const LATER: Duration = Duration::from_secs(2);
/// How long a blob that nobody gave is not asked for again.
const FAILED: Duration = Duration::from_secs(10);
/// Results the hashes of whose pieces are remembered.
const PROVEN: usize = 64;
/// Programs whose verdict is remembered.
const VERDICTS: usize = 64;

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
	/// A file or folder.
	#[error("{path}: {source}")]
	Io {
		/// Which.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// The journal.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The store of blobs.
	#[error(transparent)]
	Blobs(#[from] BlobError),
	/// The devices.
	#[error("the devices cannot be listed: {0}")]
	Devices(#[from] RunError),
	/// There is nothing to offer.
	#[error(
		"no device is offered. Install a driver (pocl-opencl-icd for processors, your vendor's for GPUs), or see \
		 [[device]] in the configuration; `ogpu-worker devices` lists what there is"
	)]
	NoDevice,
}

/// The service. Clones are the same one.
#[derive(Clone)]
pub struct Service(Arc<Core>);

struct Core {
	config: Config,
	tools: Tools,
	limits: Limits,
	journal: Journal,
	blobs: Blobs,
	pool: Pool,
	inputs: Inputs,
	runs_folder: PathBuf,
	runs: Mutex<Runs>,
	/// Runs by id and order.
	waiting: Mutex<Lanes<(RunId, u64)>>,
	wake: Notify,
	/// How many runs of each owner are being made ready.
	fetching: Mutex<HashMap<String, usize>>,
	/// Blobs that are being fetched for whoever asked, or since when that has failed.
	wanted: Mutex<HashMap<BlobId, Option<Instant>>>,
	/// States of others' runs that somebody has asked for.
	states: Mutex<states::States>,
	/// Programs that are checked at once.
	checking: Semaphore,
	/// Runs that wait for devices, ready.
	ready: Arc<Semaphore>,
	verdicts: Mutex<Vec<(Hash, Arc<Admitted>)>>,
	/// The hashes of pieces of results that somebody has asked for.
	pieces: Mutex<HashMap<(RunId, u32, u8), Arc<OnceCell<Arc<Hashes>>>>>,
	/// Held while the price is changed.
	pricing: tokio::sync::Mutex<()>,
	/// Held while what a run serves is changed.
	publishing: tokio::sync::Mutex<()>,
	metrics: Metrics,
	draining: AtomicBool,
	/// Held while runs enter the table and the journal, so that both have the same order.
	accepting: tokio::sync::Mutex<()>,
	preparers: Mutex<Vec<tokio::task::JoinHandle<()>>>,
	failed: watch::Sender<Option<String>>,
	started: Instant,
	runtime: tokio::runtime::Handle,
}

/// The owner of blobs that are served to anybody.
const SHARED: &str = "shared";

fn now_ms() -> u64 {
	SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// The owner of the pins of a run.
fn pin_of(id: &RunId) -> String {
	format!("run/{}", hex(id))
}

/// The audience that the journal notes as keys, or as none for anybody.
fn audience_of(keys: Option<Vec<[u8; 32]>>) -> Audience {
	keys.map_or(Audience::Anyone, |keys| Audience::Only(keys.into_iter().collect()))
}

/// All blobs that a run needs, with their sizes in bytes.
fn needed(submission: &Submission, plan: &Plan) -> Vec<(BlobId, u64)> {
	let mut needed = submission.job.blobs();
	for checkpoint in &submission.checkpoints {
		needed.extend(
			checkpoint.slices.iter().zip(&plan.result).map(|(id, slice)| (*id, slice.bytes)),
		);
	}
	let mut seen = HashSet::new();
	needed.retain(|blob| seen.insert(*blob));
	needed
}

/// Bytes on disk that the results of a run take.
fn result_bytes(submission: &Submission, plan: &Plan) -> u64 {
	let whole = plan.result_bytes(&submission.job);
	let units = match &submission.units {
		Units::All => plan.units,
		Units::These(units) => units.len() as u32,
	};
	match submission.job.shape {
		Shape::DataParallel { .. } => whole,
		Shape::Iterative { .. } => {
			let states = u64::from(units) + submission.checkpoints.len() as u64;
			whole.saturating_add(plan.unit_bytes().saturating_mul(states))
		}
	}
}

/// Everything that is wrong with a submission; its plan if nothing is.
fn check(submission: &Submission) -> Result<Plan, Refusal> {
	let plan = submission.job.plan().map_err(|faults| {
		Refusal::Invalid(faults.iter().map(|invalid| format!("{invalid}")).collect())
	})?;
	let mut faults = Vec::new();
	if let Units::These(units) = &submission.units {
		if units.is_empty() {
			faults.push("no units are named".to_owned());
		}
		if !units.windows(2).all(|pair| pair[0] < pair[1]) {
			faults.push("the units are not in ascending order, each once".to_owned());
		}
		if let Some(unit) = units.iter().find(|unit| **unit >= plan.units) {
			faults.push(format!("there is no unit {unit}; the job has {}, from 0", plan.units));
		}
	}
	if !submission.checkpoints.is_empty()
		&& matches!(submission.job.shape, Shape::DataParallel { .. })
	{
		faults.push("a data-parallel job has no checkpoints".to_owned());
	}
	for checkpoint in &submission.checkpoints {
		if checkpoint.segment >= plan.units || checkpoint.slices.len() != plan.result.len() {
			faults.push(format!(
				"the checkpoint {} has {} slices; segments are 0 to {}, with {} each",
				checkpoint.segment,
				checkpoint.slices.len(),
				plan.units - 1,
				plan.result.len()
			));
		}
	}
	if let (Units::These(units), Shape::Iterative { .. }) =
		(&submission.units, submission.job.shape)
	{
		let there = |segment: u32| {
			units.contains(&segment)
				|| submission.checkpoints.iter().any(|checkpoint| checkpoint.segment == segment)
		};
		let missing =
			units.iter().filter_map(|unit| unit.checked_sub(1)).find(|unit| !there(*unit));
		if let Some(segment) = missing {
			faults.push(format!(
				"the segment {} starts from the state after {segment}: add that checkpoint, or that segment",
				segment + 1
			));
		}
	}
	if std::str::from_utf8(&submission.owner).is_err() {
		faults.push("the owner is not UTF-8 text".to_owned());
	}
	if faults.is_empty() { Ok(plan) } else { Err(Refusal::Invalid(faults)) }
}

impl Service {
	/// Starts the service: opens its folder, tests its devices, and goes on with what was not finished.
	///
	/// # Errors
	///
	/// What is missing, and what to do about it.
	pub async fn start(config: Config, tools: Tools, seed: [u8; 32]) -> Result<Self, StartError> {
		let given = config.data.clone();
		// Children have other working folders.
		let data =
			std::path::absolute(&given).map_err(|source| StartError::Io { path: given, source })?;
		let at = |path: &PathBuf| {
			let path = path.clone();
			move |source| StartError::Io { path, source }
		};
		let (runs_folder, inputs_folder) = (data.join("runs"), data.join("inputs"));
		std::fs::create_dir_all(&runs_folder).map_err(at(&runs_folder))?;
		let runs_folder = runs_folder.canonicalize().map_err(at(&runs_folder))?;
		let journal = Journal::open(&data.join("journal.redb"))?;
		let inputs = Inputs::new(inputs_folder.clone()).map_err(at(&inputs_folder))?;
		let limits = Limits {
			threads: config.compute.threads.unwrap_or(Limits::default().threads),
			nice: config.compute.nice,
		};
		let pool = tokio::task::spawn_blocking({
			let (tools, config, data) = (tools.clone(), config.clone(), data.clone());
			move || -> Result<Pool, RunError> {
				let found: Vec<Device> = devices(&tools)?;
				Ok(Pool::new(tools, &config, limits, found, &data))
			}
		});
		let pool = pool.await.map_err(|error| RunError::Host(error.to_string()))??;
		if pool.devices.is_empty() {
			return Err(StartError::NoDevice);
		}
		let blobs = Blobs::open(Options {
			quota: config.blobs.quota.0,
			largest: config.blobs.largest.0,
			..Options::new(data.join("blobs"))
		})
		.await?;
		blobs
			.join(NodeOptions {
				seed,
				listen: config.blobs.listen,
				announce: config.blobs.announce.clone(),
				relay: config.blobs.relay.clone(),
				connections: config.blobs.connections,
			})
			.await?;
		let bounds = Bounds { total: usize::MAX, per_owner: usize::MAX };
		let ready = READY * pool.devices.len();
		let core = Arc::new(Core {
			tools,
			limits,
			journal,
			blobs,
			pool,
			inputs,
			runs_folder,
			runs: Mutex::default(),
			waiting: Mutex::new(Lanes::new(bounds)),
			wake: Notify::new(),
			fetching: Mutex::default(),
			wanted: Mutex::default(),
			states: Mutex::default(),
			checking: Semaphore::new(config.limits.preparing),
			ready: Arc::new(Semaphore::new(ready)),
			verdicts: Mutex::default(),
			pieces: Mutex::default(),
			pricing: tokio::sync::Mutex::default(),
			publishing: tokio::sync::Mutex::default(),
			metrics: Metrics::new(),
			draining: AtomicBool::new(false),
			accepting: tokio::sync::Mutex::default(),
			preparers: Mutex::default(),
			failed: watch::Sender::new(None),
			started: Instant::now(),
			runtime: tokio::runtime::Handle::current(),
			config,
		});
		core.blobs
			.answer_with(Arc::new(Told { core: Arc::downgrade(&core), last: Default::default() }));
		core.go_on().map_err(StartError::Journal)?;
		let preparers = (0..core.config.limits.fetching)
			.map(|_| tokio::spawn(prepare::keep_preparing(core.clone())));
		*core.preparers.lock().unwrap_or_else(PoisonError::into_inner) = preparers.collect();
		for (device, offered) in core.pool.devices.iter().enumerate() {
			if offered.health() != Health::Good {
				core.pool.retest(device, &core.runtime);
			}
		}
		tokio::spawn(forget_old(Arc::downgrade(&core)));
		Ok(Self(core))
	}

	/// Takes a run. Taking it again is the same as asking how it stands.
	///
	/// # Errors
	///
	/// Why it is not taken. Nothing is kept then.
	pub async fn submit(&self, submission: Submission) -> Result<(Taken, RunState), Refusal> {
		let core = &self.0;
		let id = submission.id;
		let plan = check(&submission)?;
		let digest = Blake2::hash(&submission.encode());
		let bytes = result_bytes(&submission, &plan);
		let owner = String::from_utf8_lossy(&submission.owner).into_owned();
		if let Some(taken) = self.taken_before(&id, &digest).await? {
			return Ok(taken);
		}
		if let Err(Unfit::Never(why)) = core.pool.pick(&submission.job) {
			return Err(Refusal::Misfit(why));
		}
		// In a task of its own: a client that hangs up does not stop it half-way.
		let service = self.clone();
		let taking = async move { service.take(submission, &plan, digest, owner, bytes).await };
		tokio::spawn(taking).await.map_err(|error| Refusal::Failed(error.to_string()))?
	}

	async fn taken_before(
		&self,
		id: &RunId,
		digest: &Hash,
	) -> Result<Option<(Taken, RunState)>, Refusal> {
		let core = &self.0;
		let known = core.runs().get(id).map(|entry| entry.digest);
		match known {
			None => return Ok(None),
			Some(known) if known != *digest => return Err(Refusal::Conflict),
			Some(_) => {}
		}
		// Whoever submitted it first may still be waiting for the journal; this is written after that.
		core.journal_write(Write::Leaves(*id, Vec::new())).await?;
		let state = self.state(id);
		state.map(|state| Some((Taken::Before, state))).ok_or_else(|| {
			Refusal::Failed("it was submitted before, and could not be noted; try again".into())
		})
	}

	async fn take(
		&self,
		submission: Submission,
		plan: &Plan,
		digest: Hash,
		owner: String,
		bytes: u64,
	) -> Result<(Taken, RunState), Refusal> {
		let core = &self.0;
		let id = submission.id;
		let accepting = core.accepting.lock().await;
		if let Some(taken) = self.taken_before(&id, &digest).await? {
			return Ok(taken);
		}
		let standing = {
			let mut runs = core.runs();
			if core.draining.load(Ordering::Relaxed) {
				return Err(Refusal::Draining);
			}
			if runs.live() >= core.config.limits.runs {
				return Err(Refusal::Busy { waiting: runs.live() });
			}
			let waiting = runs.live_of(&owner);
			if waiting >= core.config.limits.runs_per_owner {
				return Err(Refusal::OwnerBusy { owner, waiting });
			}
			let allowed = core.config.limits.results.0.saturating_sub(runs.bytes());
			let free = free_space(&core.runs_folder).saturating_sub(RESERVE).min(allowed);
			if bytes > free {
				return Err(Refusal::NoRoom { needed: bytes, free });
			}
			let standing = Standing {
				order: runs.next_order(),
				state: RunState::Fetching,
				since_ms: now_ms(),
				attempts: 0,
				run_us: 0,
			};
			runs.insert(id, owner.clone(), digest, bytes, standing.clone());
			standing
		};
		let pin = pin_of(&id);
		for (blob, _) in needed(&submission, plan) {
			core.blobs.pin(&blob, &pin);
		}
		let sent = core.journal.send(Write::Accept(Box::new(submission), standing.clone())).await;
		drop(accepting);
		let written = match sent {
			Ok(sent) => sent.wait().await,
			Err(error) => Err(error),
		};
		if let Err(error) = written {
			core.fail(&error.to_string());
			core.runs().remove(&id);
			return Err(Refusal::Failed(error.to_string()));
		}
		core.metrics.accepted();
		core.wait_to_prepare(&owner, id, standing.order);
		Ok((Taken::Now, standing.state))
	}

	/// Whether a blob is here. If not, it is fetched from these peers, unless that is going on already or has
	/// just failed.
	///
	/// # Errors
	///
	/// When too many are being fetched.
	pub fn want(&self, blob: BlobId, size: u64, peers: Vec<Peer>) -> Result<bool, Refusal> {
		let core = self.0.clone();
		if core.blobs.size(&blob).is_some() {
			return Ok(true);
		}
		{
			let mut wanted = core.wanted();
			wanted.retain(|_, failed| failed.is_none_or(|failed| failed.elapsed() < FAILED));
			if wanted.contains_key(&blob) {
				return Ok(false);
			}
			if wanted.len() >= core.config.limits.fetching {
				return Err(Refusal::Busy { waiting: wanted.len() });
			}
			wanted.insert(blob, None);
		}
		tokio::spawn(async move {
			let want = Fetch { id: blob, size, peers: &peers, stall: prepare::STALL };
			let fetching = core.blobs.fetch(&want, |_| {});
			let fetched = tokio::time::timeout(core.config.limits.fetch.0, fetching).await;
			let mut wanted = core.wanted();
			match fetched {
				Ok(Ok(fetched)) => {
					core.metrics.fetched(fetched.received);
					wanted.remove(&blob);
				}
				Ok(Err(error)) => {
					tracing::info!(target: "ogpu-worker", %blob, "not fetched: {error}");
					wanted.insert(blob, Some(Instant::now()));
				}
				Err(_) => {
					tracing::info!(target: "ogpu-worker", %blob, "not fetched in time");
					wanted.insert(blob, Some(Instant::now()));
				}
			}
		});
		Ok(false)
	}

	/// Piece `wanted` of what a unit of a finished run wrote to one buffer, or the last one if it has fewer.
	async fn piece_of_result(
		&self,
		run: RunId,
		unit: u32,
		slice: u8,
		wanted: u32,
	) -> io::Result<Option<Piece>> {
		let Some((job, plan)) = job_of(&self.0, &run).map_err(io::Error::other)? else {
			return Ok(None);
		};
		let Some(of) = plan.result.get(usize::from(slice)) else { return Ok(None) };
		let (file, offset) = self.0.folder(&run).slice(&job, of, unit)?;
		let (index, siblings) = self.pieces_of_slice(run, &job, of, unit).await?.prove(wanted);
		let mut bytes = vec![0; length(of.bytes, index).unwrap_or(0) as usize];
		file.read_exact_at(&mut bytes, offset + u64::from(index) * u64::from(PIECE))?;
		Ok(Some(Piece {
			size: of.bytes,
			index,
			bytes: BoundedVec::truncate_from(bytes),
			siblings: BoundedVec::truncate_from(siblings),
		}))
	}

	/// The hashes of the pieces of what a unit wrote to one buffer. They are found out once: a state may be large, and
	/// whoever asks may not wait for so long and ask again.
	async fn pieces_of_slice(
		&self,
		run: RunId,
		job: &Job,
		of: &Slice,
		unit: u32,
	) -> io::Result<Arc<Hashes>> {
		let (file, offset) = self.0.folder(&run).slice(job, of, unit)?;
		let (len, key) = (of.bytes, (run, unit, of.buffer));
		let cell = {
			let mut pieces = self.0.pieces.lock().unwrap_or_else(PoisonError::into_inner);
			if pieces.len() >= PROVEN && !pieces.contains_key(&key) {
				let known = pieces.iter().find(|(_, cell)| cell.initialized());
				if let Some(known) = known.map(|(key, _)| *key) {
					pieces.remove(&known);
				}
			}
			pieces.entry(key).or_default().clone()
		};
		let finding = async move {
			let hashes = cell.get_or_try_init(async || {
				let hashing = tokio::task::spawn_blocking(move || pieces_of(&file, offset, len));
				hashing.await?.map(Arc::new)
			});
			hashes.await.cloned()
		};
		tokio::spawn(finding).await.map_err(io::Error::other)?
	}

	/// The hash of each slice that a unit wrote: what its leaf is made of.
	async fn slices(
		&self,
		run: RunId,
		job: &Job,
		plan: &Plan,
		unit: u32,
	) -> io::Result<Vec<BlobId>> {
		let mut slices = Vec::new();
		for of in &plan.result {
			slices.push(self.pieces_of_slice(run, job, of, unit).await?.blob());
		}
		Ok(slices)
	}

	/// How a run stands; `None` if there is none.
	pub fn state(&self, id: &RunId) -> Option<RunState> {
		let runs = self.0.runs();
		let entry = runs.get(id)?;
		Some(match &entry.live {
			Some(live) => live.state.borrow().clone(),
			None => entry.standing.state.clone(),
		})
	}

	/// Follows a run that has not ended.
	pub fn watch(&self, id: &RunId) -> Option<watch::Receiver<RunState>> {
		self.0.runs().get(id)?.live.as_ref().map(|live| live.state.subscribe())
	}

	/// Cancels a run, or forgets one that has ended, with its results.
	///
	/// # Errors
	///
	/// When the journal fails.
	pub async fn delete(&self, id: &RunId) -> Result<Deleted, Refusal> {
		let (service, id) = (self.clone(), *id);
		// In a task of its own: a client that hangs up does not stop it half-way.
		let deleting = tokio::spawn(async move { service.0.delete(&id).await });
		deleting.await.map_err(|error| Refusal::Failed(error.to_string()))?
	}

	/// Resolves when the service cannot go on, with the reason. A new start goes on with all runs.
	pub async fn failed(&self) -> String {
		let mut failed = self.0.failed.subscribe();
		let reason = failed.wait_for(Option::is_some).await;
		reason.ok().and_then(|reason| reason.clone()).unwrap_or_default()
	}

	/// Takes nothing new, gives what runs the time that the configuration allows, and closes everything.
	/// What is not finished goes on at the next start.
	pub async fn drain(&self) {
		let core = &self.0;
		core.draining.store(true, Ordering::Relaxed);
		// Nothing that is made ready now would be begun; what was interrupted is taken up at the next start.
		let preparers =
			std::mem::take(&mut *core.preparers.lock().unwrap_or_else(PoisonError::into_inner));
		for preparer in &preparers {
			preparer.abort();
		}
		for preparer in preparers {
			// Its end is what we want.
			let _ = preparer.await;
		}
		let busy = || core.pool.devices.iter().any(|offered| offered.queue.is_busy());
		let wait = async |longest: Duration| {
			let until = Instant::now() + longest;
			while busy() && Instant::now() < until {
				tokio::time::sleep(Duration::from_millis(20)).await;
			}
		};
		wait(core.config.limits.drain.0).await;
		for (_, entry) in core.runs().iter() {
			if let Some(live) = &entry.live {
				live.cancel.cancel();
			}
		}
		wait(KILLED).await;
		core.blobs.close().await;
	}
}

/// Whether a run was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
	/// It was.
	Now,
	/// It was taken before.
	Before,
}

/// What became of a run that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
	/// It ends, or has ended, without a result.
	Cancelled,
	/// It had ended, and is forgotten.
	Forgotten,
	/// There is none.
	Unknown,
}

impl Core {
	fn runs(&self) -> MutexGuard<'_, Runs> {
		// The table is whole after every method, a panic elsewhere does not change that.
		self.runs.lock().unwrap_or_else(PoisonError::into_inner)
	}

	fn wanted(&self) -> MutexGuard<'_, HashMap<BlobId, Option<Instant>>> {
		self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
	}

	fn folder(&self, id: &RunId) -> Folder {
		Folder::of(&self.runs_folder, id)
	}

	/// Notes that the service cannot go on.
	fn fail(&self, why: &str) {
		tracing::error!(target: "ogpu-worker", "{why}");
		self.failed.send_if_modified(|failed| {
			let first = failed.is_none();
			failed.get_or_insert_with(|| why.to_owned());
			first
		});
	}

	async fn journal_write(&self, write: Write) -> Result<(), Refusal> {
		self.journal.write(write).await.map_err(|error| {
			self.fail(&error.to_string());
			Refusal::Failed(error.to_string())
		})
	}

	fn wait_to_prepare(&self, owner: &str, id: RunId, order: u64) {
		let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
		// Without bounds of its own: all runs together are bounded.
		if waiting.push(owner, (id, order)).is_ok() {
			self.wake.notify_one();
		}
	}

	/// Takes up all runs of the journal, and removes folders that belong to none.
	fn go_on(&self) -> Result<(), JournalError> {
		for (blob, _) in self.journal.shared()? {
			if self.blobs.pin(&blob, SHARED) {
				self.blobs.share(blob, Audience::Anyone);
			}
		}
		let mut unfinished = 0;
		for (id, mut standing) in self.journal.standings()? {
			let Some(submission) = self.journal.submission(&id)? else { continue };
			let Ok(plan) = submission.job.plan() else { continue };
			let owner = String::from_utf8_lossy(&submission.owner).into_owned();
			let digest = Blake2::hash(&submission.encode());
			let ended = standing.state.is_final();
			let done = matches!(standing.state, RunState::Done { .. });
			if !ended {
				standing.state = RunState::Fetching;
			}
			if !ended || done {
				let pin = pin_of(&id);
				for (blob, _) in needed(&submission, &plan) {
					self.blobs.pin(&blob, &pin);
				}
			}
			let bytes = if done || !ended { result_bytes(&submission, &plan) } else { 0 };
			let order = standing.order;
			self.runs().insert(id, owner.clone(), digest, bytes, standing);
			let folder = self.folder(&id);
			if !ended || done {
				self.serve_again(&id)?;
			}
			if !ended {
				unfinished += 1;
				self.wait_to_prepare(&owner, id, order);
			} else if done {
				folder.tidy();
			} else {
				// Results that are none, of a run that ended as the service did.
				let _ = folder.remove();
			}
		}
		let known: HashSet<String> = self.runs().iter().map(|(id, _)| hex(id)).collect();
		for entry in std::fs::read_dir(&self.runs_folder).into_iter().flatten().flatten() {
			if !entry.file_name().to_str().is_some_and(|name| known.contains(name)) {
				// Left by a run that was being forgotten.
				let _ = std::fs::remove_dir_all(entry.path());
			}
		}
		if unfinished > 0 {
			tracing::info!(target: "ogpu-worker", "going on with {unfinished} runs");
		}
		Ok(())
	}

	/// Serves a blob. What is for anybody is held, and served after another start as well, for as long as finished runs are
	/// kept. Whether it is here.
	async fn share(&self, blob: BlobId, audience: Audience) -> Result<bool, Refusal> {
		let for_all = matches!(audience, Audience::Anyone);
		let here = match for_all {
			true => self.blobs.pin(&blob, SHARED),
			false => self.blobs.size(&blob).is_some(),
		};
		if !here {
			return Ok(false);
		}
		if for_all && let Err(refusal) = self.journal_write(Write::Share(blob, now_ms())).await {
			self.blobs.unpin(&blob, SHARED);
			return Err(refusal);
		}
		self.blobs.share(blob, audience);
		Ok(true)
	}

	/// Serves a blob no longer.
	async fn unshare(&self, blob: &BlobId) -> Result<(), Refusal> {
		self.journal_write(Write::Unshare(*blob)).await?;
		self.blobs.unshare(blob);
		self.blobs.unpin(blob, SHARED);
		Ok(())
	}

	/// Holds and serves what was published of a run.
	fn serve_again(&self, id: &RunId) -> Result<(), JournalError> {
		let pin = pin_of(id);
		for Published { blob, to, .. } in self.journal.published(id)? {
			if self.blobs.pin(&blob, &pin) {
				self.blobs.share(blob, audience_of(to));
			}
		}
		Ok(())
	}

	/// Notes the end of a run, which the journal has already. What it leaves is cleared away before anybody
	/// hears of it.
	fn ended(&self, id: &RunId, standing: Standing) {
		let known = self.runs().get(id).map(|entry| (entry.standing.order, entry.live.is_some()));
		if known != Some((standing.order, true)) {
			return;
		}
		let folder = self.folder(id);
		folder.tidy();
		// What a result was computed from is kept with it: whoever verifies it may ask for it.
		if !matches!(standing.state, RunState::Done { .. }) {
			self.unpin_inputs(id);
			self.unpublish(id, &self.journal.published(id).unwrap_or_default());
			// Results that are none.
			let _ = folder.remove();
		}
		tracing::info!(target: "ogpu-worker", run = hex(id), state = ?standing.state, "ended");
		self.metrics.ended(&standing);
		self.runs().update(id, standing);
	}

	/// Ends a run that no device works on, unless somebody else does: in the journal first.
	async fn end(&self, id: &RunId, order: u64, state: RunState) -> Result<(), Refusal> {
		let claimed = self.runs().claim(id, order);
		if let Some(standing) = claimed {
			let standing = Standing { state, since_ms: now_ms(), ..standing };
			self.journal_write(Write::Stands(*id, standing.clone(), Vec::new())).await?;
			self.ended(id, standing);
		}
		Ok(())
	}

	async fn delete(&self, id: &RunId) -> Result<Deleted, Refusal> {
		let told = {
			let mut runs = self.runs();
			match runs.tell(id) {
				Some(told) => Some(told),
				None if runs.get(id).is_some() => None,
				None => return Ok(Deleted::Unknown),
			}
		};
		match told {
			None => {
				self.forget(id).await?;
				Ok(Deleted::Forgotten)
			}
			// It ends by itself, now that its process is killed.
			Some((_, true)) => Ok(Deleted::Cancelled),
			Some((order, false)) => {
				self.end(id, order, RunState::Cancelled).await?;
				Ok(Deleted::Cancelled)
			}
		}
	}

	/// Lets go of what a run was computed from.
	fn unpin_inputs(&self, id: &RunId) {
		if let Ok(Some(submission)) = self.journal.submission(id)
			&& let Ok(plan) = submission.job.plan()
		{
			let pin = pin_of(id);
			for (blob, _) in needed(&submission, &plan) {
				self.blobs.unpin(&blob, &pin);
			}
		}
	}

	/// Serves nothing more of what was published of a run.
	fn unpublish(&self, id: &RunId, published: &[Published]) {
		let pin = pin_of(id);
		for Published { blob, .. } in published {
			self.blobs.unshare(blob);
			self.blobs.unpin(blob, &pin);
		}
	}

	/// Forgets a run that has ended.
	async fn forget(&self, id: &RunId) -> Result<(), Refusal> {
		// Before the journal has forgotten it too.
		let published =
			self.journal.published(id).map_err(|error| Refusal::Failed(error.to_string()))?;
		let folder = self.folder(id);
		let removed = tokio::task::spawn_blocking(move || folder.remove()).await;
		removed
			.map_err(|error| Refusal::Failed(error.to_string()))?
			.map_err(|error| Refusal::Failed(error.to_string()))?;
		self.unpin_inputs(id);
		self.journal_write(Write::Forget(*id)).await?;
		self.unpublish(id, &published);
		self.runs().remove(id);
		Ok(())
	}
}

/// Tells others what runs came to: the hashes of outputs and states to those to whom they were published, and what leads
/// from a unit to the root to anybody.
struct Told {
	core: std::sync::Weak<Core>,
	/// The tree that was asked about last: whoever asks about one unit asks about the next.
	last: Mutex<Option<LastTree>>,
}

/// A tree over some units of a run, from the first on.
type LastTree = ((RunId, u32, u32), Arc<Tree>);

impl Told {
	/// The tree over `count` units of a run, if they are finished.
	fn tree(&self, core: &Core, run: &RunId, first: u32, count: u32) -> Option<Arc<Tree>> {
		let of = (*run, first, count);
		let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some((_, tree)) = last.as_ref().filter(|(known, _)| *known == of) {
			return Some(tree.clone());
		}
		let leaves = core.journal.leaves(run).ok()?;
		let leaves = leaves.range(first..first.checked_add(count)?);
		let leaves: Vec<Hash> = leaves.map(|(_, leaf)| *leaf).collect();
		let whole = leaves.len() == count as usize;
		let tree = Arc::new(whole.then(|| Tree::new::<Blake2>(leaves).ok()).flatten()?);
		*last = Some((of, tree.clone()));
		Some(tree)
	}
}

impl Answers for Told {
	fn answer(&self, peer: &[u8; 32], question: Question) -> Option<Vec<Hash>> {
		let core = self.core.upgrade()?;
		let run = match question {
			Question::Outputs(run) | Question::State(run, _) => run,
			Question::Path { run, unit, first, count } => {
				let tree = self.tree(&core, &run, first, count)?;
				let unit = unit.checked_sub(first)?;
				let siblings = tree.prove(&[unit]).ok()?.siblings;
				let own = lowest::<Blake2>(&tree.leaf(unit)?);
				return Some(std::iter::once(own).chain(siblings).collect());
			}
		};
		let (_, plan) = job_of(&core, &run).ok()??;
		let mut published = core.journal.published(&run).ok()?;
		published.retain(|part| part.to.as_ref().is_none_or(|keys| keys.contains(peer)));
		let blob_of = |what: Part| {
			let found = published.iter().find(|published| published.what == what);
			found.map(|published| published.blob.0)
		};
		let buffers = 0..plan.result.len() as u8;
		let part = |index| match question {
			Question::State(_, segment) => Part::State(segment, index),
			Question::Outputs(_) | Question::Path { .. } => Part::Output(index),
		};
		buffers.map(|index| blob_of(part(index))).collect()
	}
}

/// Forgets runs that ended long ago, and what was shared long ago, now and then.
async fn forget_old(core: std::sync::Weak<Core>) {
	loop {
		tokio::time::sleep(Duration::from_secs(60)).await;
		let Some(core) = core.upgrade() else { return };
		let keep = core.config.limits.keep_finished.0.as_millis() as u64;
		let before = now_ms().saturating_sub(keep);
		let old: Vec<RunId> = {
			let runs = core.runs();
			let ended = runs.iter().filter(|(_, entry)| entry.live.is_none());
			let mut ended: Vec<_> =
				ended.map(|(id, entry)| (entry.standing.since_ms, *id)).collect();
			ended.sort_unstable();
			let surplus = ended.len().saturating_sub(core.config.limits.finished);
			let old = ended
				.iter()
				.enumerate()
				.take_while(|(index, (since_ms, _))| *index < surplus || *since_ms < before);
			old.map(|(_, (_, id))| *id).collect()
		};
		for id in old {
			if let Err(refusal) = core.forget(&id).await {
				tracing::warn!(target: "ogpu-worker", run = hex(&id), "{refusal}");
			}
		}
		for (blob, since_ms) in core.journal.shared().unwrap_or_default() {
			if since_ms < before
				&& let Err(refusal) = core.unshare(&blob).await
			{
				tracing::warn!(target: "ogpu-worker", %blob, "{refusal}");
			}
		}
	}
}

/// The job and plan of a run that is known.
fn job_of(core: &Core, id: &RunId) -> Result<Option<(Job, Plan)>, JournalError> {
	let Some(submission) = core.journal.submission(id)? else { return Ok(None) };
	Ok(submission.job.plan().ok().map(|plan| (submission.job, plan)))
}
