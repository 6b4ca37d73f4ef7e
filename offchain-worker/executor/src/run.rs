//! Running units of an admitted job on one device, in a process of its own.

use std::{
	collections::{BTreeMap, BTreeSet},
	ffi::OsStr,
	io,
	path::{Path, PathBuf},
	sync::{
		Arc,
		atomic::{AtomicBool, Ordering},
		mpsc::{self, RecvTimeoutError},
	},
	thread,
	time::{Duration, Instant},
};

use ogpu_compute::{
	Assignment, Care, Device, DeviceKey, DeviceKind, Failure, FrameError, JobFault, Phase, Report,
	Stats, Units, read_frame, write_frame,
};
use ogpu_primitives::{
	job::{Init, Job, Plan},
	merkle::{Hash, MerkleError, Tree},
};
use ogpu_sandbox::{Cage, CageError, Ended, Policy};

use crate::tools::Tools;

/// Time for a phase beyond its own limit: starting, opening the device, telling.
const GRACE: Duration = Duration::from_secs(10);
/// How often a run looks whether it is cancelled.
const TICK: Duration = Duration::from_millis(50);
/// Address space for drivers, compilers and data on its way, beside a job's buffers.
const OVERHEAD: u64 = 6 << 30;

/// Units of a job, for one device.
#[derive(Clone, Debug)]
pub struct Request {
	/// The job. It has been admitted.
	pub job: Job,
	/// The text that the gate admitted.
	pub text: String,
	/// The file of each buffer that starts with a blob, by the buffer's index.
	pub inputs: BTreeMap<u8, PathBuf>,
	/// Where results and checkpoints go, and where those of earlier runs are. Created if missing.
	pub folder: PathBuf,
	/// The device.
	pub device: DeviceKey,
	/// What kind of device it is.
	pub kind: DeviceKind,
	/// Which units.
	pub units: Units,
	/// How carefully.
	pub care: Care,
	/// What it may take of the host.
	pub limits: Limits,
}

impl Request {
	/// The units that are asked for.
	pub fn wanted(&self, plan: &Plan) -> BTreeSet<u32> {
		match &self.units {
			Units::All => (0..plan.units).collect(),
			Units::These(units) => units.iter().copied().collect(),
		}
	}
}

/// What a run may take of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
	/// Threads of a CPU device and for hashing.
	pub threads: u32,
	/// What is added to the niceness, 0 to 19.
	pub nice: u8,
}

impl Default for Limits {
	fn default() -> Self {
		let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
		Self { threads: u32::try_from(threads).unwrap_or(1), nice: 10 }
	}
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
	/// The leaf of each unit that was run.
	pub leaves: BTreeMap<u32, Hash>,
	/// Where the time went.
	pub stats: Stats,
}

impl Done {
	/// The tree over the leaves, when all units of the job were run.
	///
	/// # Errors
	///
	/// [`MerkleError::OutOfRange`] when some were not.
	pub fn tree(&self, plan: &Plan) -> Result<Tree, MerkleError> {
		if self.leaves.len() != plan.units as usize {
			return Err(MerkleError::OutOfRange);
		}
		Tree::new::<ogpu_primitives::merkle::Blake2>(self.leaves.values().copied().collect())
	}
}

/// Why a run failed, by whose fault it is. Only what is the job's fault may ever be said on chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
	/// The job's own fault.
	#[error("{0}")]
	Job(JobFault),
	/// This machine's fault, or nobody's: lost devices, full disks, time limits, crashes.
	#[error("{0}")]
	Host(String),
	/// It took too long on this machine, which proves nothing. Another try would take as long.
	#[error("{0}")]
	TooSlow(String),
	/// It was cancelled.
	#[error("cancelled")]
	Cancelled,
}

impl From<CageError> for RunError {
	fn from(error: CageError) -> Self {
		Self::Host(error.to_string())
	}
}

/// Cancels a run from another thread.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
	/// Has the run end soon. Its process is killed.
	pub fn cancel(&self) {
		self.0.store(true, Ordering::Relaxed);
	}

	/// Whether it was cancelled.
	pub fn is_cancelled(&self) -> bool {
		self.0.load(Ordering::Relaxed)
	}
}

/// Runs the units of a request. Blocks; `finished` is called with leaves as units are finished. What it is
/// given is in the folder already.
///
/// # Errors
///
/// When the job fails, this machine does, or the run is cancelled. Leaves reported before are lost, files
/// and checkpoints stay.
pub fn run(
	tools: &Tools,
	request: &Request,
	cancel: &Cancel,
	mut finished: impl FnMut(&[(u32, Hash)]),
) -> Result<Done, RunError> {
	let plan = request.job.plan().map_err(|faults| {
		RunError::Host(format!(
			"an invalid job was admitted: {}",
			faults.first().map(ToString::to_string).unwrap_or_default()
		))
	})?;
	let wanted = request.wanted(&plan);
	let assignment = Assignment::Run(Box::new(ogpu_compute::Run {
		job: request.job.clone(),
		text: request.text.clone(),
		device: request.device.clone(),
		inputs: request
			.inputs
			.iter()
			.map(|(buffer, path)| (*buffer, path.display().to_string()))
			.collect(),
		units: request.units.clone(),
		care: request.care,
	}));
	let mut leaves = BTreeMap::new();
	let stats =
		talk(tools, &policy(tools, request, &plan)?, request, &assignment, cancel, |report| {
			if let Report::Leaves(more) = report {
				// A kernel on a CPU device may speak for its process: only what was asked for counts, once.
				let known = more.iter().all(|(unit, _)| wanted.contains(unit));
				if !known || more.iter().any(|(unit, _)| leaves.contains_key(unit)) {
					return Err(RunError::Host(
						"the child speaks of units it was not given".into(),
					));
				}
				finished(&more);
				leaves.extend(more);
			}
			Ok(())
		})?;
	match stats {
		Report::Done(stats) if leaves.keys().eq(&wanted) => Ok(Done { leaves, stats }),
		other => Err(RunError::Host(format!("the child ended without its results: {other:?}"))),
	}
}

fn policy(tools: &Tools, request: &Request, plan: &Plan) -> Result<Policy, RunError> {
	let job = &request.job;
	let fail = |error: io::Error| RunError::Host(format!("{}: {error}", request.folder.display()));
	std::fs::create_dir_all(&request.folder).map_err(fail)?;
	let largest = job
		.buffers
		.iter()
		.map(|buffer| buffer.len.saturating_mul(buffer.element.size()))
		.max()
		.unwrap_or(0);
	Ok(Policy {
		folder: request.folder.canonicalize().map_err(fail)?,
		read: request.inputs.values().cloned().collect(),
		gpu: request.kind != DeviceKind::Cpu,
		memory: plan.memory.saturating_mul(2).saturating_add(OVERHEAD),
		cpu_seconds: u64::from(job.timeouts.total_ms / 1000 + 120)
			.saturating_mul(u64::from(request.limits.threads) + 1),
		file_size: largest.max(256 << 20),
		nice: request.limits.nice,
		insecure: tools.insecure,
	})
}

/// The devices of this machine, as a child sees them.
///
/// # Errors
///
/// When the child cannot be started or fails.
pub fn devices(tools: &Tools) -> Result<Vec<Device>, RunError> {
	let folder = tempfile::Builder::new().prefix("ogpu-devices-").tempdir();
	let folder = folder.map_err(|error| RunError::Host(error.to_string()))?;
	let policy = Policy {
		folder: folder.path().to_owned(),
		gpu: true,
		insecure: tools.insecure,
		..Policy::default()
	};
	let mut said = None;
	let watch = Watch { total: Duration::from_secs(60), threads: 1 };
	converse(tools, &policy, watch, &Assignment::Devices, &Cancel::default(), |report| {
		said = Some(report);
		Ok(())
	})?;
	match said {
		Some(Report::Devices(devices)) => Ok(devices),
		other => Err(RunError::Host(format!("the child did not name its devices: {other:?}"))),
	}
}

fn talk(
	tools: &Tools,
	policy: &Policy,
	request: &Request,
	assignment: &Assignment,
	cancel: &Cancel,
	mut each: impl FnMut(Report) -> Result<(), RunError>,
) -> Result<Report, RunError> {
	let total = Duration::from_millis(request.job.timeouts.total_ms.into());
	let watch = Watch { total, threads: request.limits.threads };
	let mut last = None;
	converse(tools, policy, watch, assignment, cancel, |report| match report {
		Report::Done(_) => {
			last = Some(report);
			Ok(())
		}
		other => each(other),
	})?;
	last.ok_or_else(|| RunError::Host("the child ended without saying why".into()))
}

/// What bounds a conversation.
#[derive(Clone, Copy)]
struct Watch {
	total: Duration,
	threads: u32,
}

/// Starts the child, gives it its assignment, and hears its reports until it ends.
fn converse(
	tools: &Tools,
	policy: &Policy,
	watch: Watch,
	assignment: &Assignment,
	cancel: &Cancel,
	mut each: impl FnMut(Report) -> Result<(), RunError>,
) -> Result<(), RunError> {
	let threads = watch.threads.to_string();
	let here = OsStr::new(".");
	let env = [
		// A CPU device links what it compiles with the system's linker.
		("PATH", OsStr::new("/usr/bin:/bin")),
		("HOME", here),
		("TMPDIR", here),
		("XDG_CACHE_HOME", here),
		// What a driver compiles for one job is never seen by another.
		("POCL_CACHE_DIR", OsStr::new("cache")),
		("CUDA_CACHE_PATH", OsStr::new("cache")),
		("POCL_MAX_PTHREAD_COUNT", OsStr::new(&threads)),
		("RAYON_NUM_THREADS", OsStr::new(&threads)),
		("LC_ALL", OsStr::new("C")),
	];
	let mut cage = Cage::start(&tools.cage, policy, &tools.compute, &[], &env)?;
	let (mut stdin, mut stdout) = cage
		.stdin()
		.zip(cage.stdout())
		.ok_or_else(|| RunError::Host("the child has no pipes".into()))?;
	// A child that ends at once closes the pipe; its end tells more than the broken pipe does.
	let _ = write_frame(&mut stdin, assignment);
	drop(stdin);
	// Bounded: a child that says more than we hear has to wait.
	let (to_us, reports) = mpsc::sync_channel(64);
	let reader = thread::spawn(move || {
		loop {
			match read_frame::<Report>(&mut stdout) {
				Ok(None) => break,
				Ok(Some(report)) => {
					// Nobody listens any more when the run has been given up.
					if to_us.send(Ok(report)).is_err() {
						break;
					}
				}
				Err(error) => {
					let _ = to_us.send(Err(error));
					break;
				}
			}
		}
	});
	let heard = hear(&reports, watch, cancel, &mut each);
	if heard.is_err() {
		cage.kill();
	}
	drop(reports);
	let (ended, stderr) = cage.wait()?;
	// The pipe is closed with the child, so the reader has ended or ends now.
	let _ = reader.join();
	heard?;
	match ended {
		Ended::Exited(0) => Ok(()),
		Ended::Exited(code) => {
			Err(RunError::Host(format!("the child ended with code {code}: {}", tail(&stderr))))
		}
		Ended::Signalled(signal) => Err(RunError::Host(format!(
			"the child was ended by signal {signal}{}: {}",
			signal_hint(signal),
			tail(&stderr)
		))),
		Ended::Killed => Err(RunError::Host("the child was killed".into())),
	}
}

fn hear(
	reports: &mpsc::Receiver<Result<Report, FrameError>>,
	watch: Watch,
	cancel: &Cancel,
	each: &mut impl FnMut(Report) -> Result<(), RunError>,
) -> Result<(), RunError> {
	let started = Instant::now();
	let mut phase = ("starting", started, GRACE);
	loop {
		if cancel.is_cancelled() {
			return Err(RunError::Cancelled);
		}
		let now = Instant::now();
		if now - started > watch.total + GRACE {
			return Err(RunError::TooSlow(format!(
				"the job took longer than {} s in all",
				watch.total.as_secs_f32()
			)));
		}
		let (what, since, limit) = phase;
		if now - since > limit {
			return Err(RunError::TooSlow(format!(
				"{what} took longer than {} s",
				limit.as_secs_f32()
			)));
		}
		match reports.recv_timeout(TICK) {
			Ok(Ok(Report::Failed(Failure::Job(fault)))) => return Err(RunError::Job(fault)),
			Ok(Ok(Report::Failed(Failure::Host(why)))) => return Err(RunError::Host(why)),
			Ok(Ok(Report::Began { phase: began, limit_ms })) => {
				let what = match began {
					Phase::Build => "building the program",
					Phase::Step => "a kernel launch",
					Phase::Data => "moving data",
				};
				phase = (
					what,
					Instant::now(),
					Duration::from_millis(limit_ms.into()).saturating_add(GRACE),
				);
			}
			Ok(Ok(report)) => {
				phase.1 = Instant::now();
				each(report)?;
			}
			Ok(Err(error)) => {
				return Err(RunError::Host(format!("the child speaks nonsense: {error}")));
			}
			Err(RecvTimeoutError::Timeout) => {}
			Err(RecvTimeoutError::Disconnected) => return Ok(()),
		}
	}
}

/// What a signal usually means here. None of it is evidence of anything.
fn signal_hint(signal: i32) -> &'static str {
	match signal {
		4 => " (illegal instruction)",
		6 => " (abort: heap damage, or a driver that gave up)",
		7 | 11 => " (invalid memory access: a kernel out of bounds, or a broken driver)",
		8 => " (arithmetic: most likely an integer division by zero in a kernel)",
		9 => " (out of memory, or killed)",
		24 => " (processor time over)",
		25 => " (file too long)",
		31 => " (a refused system call)",
		_ => "",
	}
}

fn tail(stderr: &str) -> String {
	let lines: Vec<_> = stderr.trim().lines().collect();
	lines[lines.len().saturating_sub(8)..].join("\n")
}

/// The inputs of a job, from the files that hold its blobs.
///
/// # Errors
///
/// The name of the first buffer whose blob is not among `files`.
pub fn inputs(
	job: &Job,
	file_of: impl Fn(&ogpu_primitives::job::BlobId) -> Option<PathBuf>,
) -> Result<BTreeMap<u8, PathBuf>, String> {
	let mut inputs = BTreeMap::new();
	for (index, buffer) in (0u8..).zip(&job.buffers) {
		if let Init::Blob(id) = buffer.init {
			let path = file_of(&id).ok_or_else(|| buffer.name.text())?;
			inputs.insert(index, absolute(&path));
		}
	}
	Ok(inputs)
}

fn absolute(path: &Path) -> PathBuf {
	path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
