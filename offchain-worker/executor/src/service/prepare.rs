//! Making a run ready: its blobs are fetched, its program passes the gate, its files are laid out.

use std::{
	collections::BTreeMap,
	path::PathBuf,
	sync::{Arc, PoisonError},
	time::Duration,
};

use ogpu_blobs::{BlobError, Fetch};
use ogpu_primitives::{
	executor::{Fault, JobFault, RunId, RunState, Submission, text},
	job::{BlobId, Init, Job, Plan},
};
use tokio::sync::OwnedSemaphorePermit;

use super::{Core, LATER, VERDICTS, inputs::Input, needed, work};
use crate::gate::{Admitted, GateError, admit};

/// How long a source of blobs may send nothing.
pub(super) const STALL: Duration = Duration::from_secs(20);

/// A run that a device can take.
pub(super) struct Prepared {
	pub(super) submission: Submission,
	pub(super) plan: Plan,
	pub(super) admitted: Arc<Admitted>,
	/// The file of each buffer that starts with a blob. Held until the run has ended.
	pub(super) inputs: BTreeMap<u8, Arc<Input>>,
	/// Given back when the device takes the run.
	pub(super) permit: OwnedSemaphorePermit,
}

/// Why a run is not begun.
pub(super) enum End {
	/// It ends here.
	Fault(Fault, String),
	/// This machine failed it, and may do better another time.
	Failed(String),
	/// It has to wait for room, or for a device.
	Later(String),
	/// The service cannot go on.
	Broken(String),
}

impl End {
	pub(super) fn host(message: impl ToString) -> Self {
		Self::Failed(message.to_string())
	}
}

impl From<BlobError> for End {
	fn from(error: BlobError) -> Self {
		let message = error.to_string();
		match error {
			BlobError::Unavailable { blob, .. } => Self::Fault(Fault::Unavailable(blob), message),
			BlobError::TooLong(_) => Self::Fault(Fault::Host, message),
			BlobError::NoRoom(_) => Self::Later(message),
			BlobError::Store(_) => Self::Broken(message),
			_ => Self::Failed(message),
		}
	}
}

/// One of the runs of its owner that are being made ready.
struct Turn<'core> {
	core: &'core Core,
	owner: String,
}

impl<'core> Turn<'core> {
	/// The next run that waits, if its owner may have another turn.
	fn next(core: &'core Core) -> Option<(RunId, u64, Self)> {
		let most = core.config.limits.fetching_per_owner;
		let mut waiting = core.waiting.lock().unwrap_or_else(PoisonError::into_inner);
		let mut turns = core.fetching.lock().unwrap_or_else(PoisonError::into_inner);
		let may = |owner: &String| turns.get(owner).is_none_or(|turns| *turns < most);
		let (owner, (id, order)) = waiting.pop_of(may)?;
		*turns.entry(owner.clone()).or_default() += 1;
		// One call may have been for several runs.
		if !waiting.is_empty() {
			core.wake.notify_one();
		}
		Some((id, order, Self { core, owner }))
	}
}

impl Drop for Turn<'_> {
	fn drop(&mut self) {
		let mut turns = self.core.fetching.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some(count) = turns.get_mut(&self.owner) {
			*count -= 1;
			if *count == 0 {
				turns.remove(&self.owner);
			}
		}
		self.core.wake.notify_one();
	}
}

/// Makes one run after another ready, as long as the service goes on.
pub(super) async fn keep_preparing(core: Arc<Core>) {
	loop {
		let (id, order, _turn) = loop {
			let notified = core.wake.notified();
			match Turn::next(&core) {
				Some(next) => break next,
				None => notified.await,
			}
		};
		let live =
			core.runs().live_entry(&id, order).map(|(_, live)| (live.state.subscribe(), live.told));
		// It may have been cancelled while it waited, or just as a device gave it up.
		let Some((mut state, told)) = live else { continue };
		if told {
			// The journal's trouble has been told.
			let _ = core.end(&id, order, RunState::Cancelled).await;
			continue;
		}
		let prepared = tokio::select! {
			prepared = prepare(&core, &id) => prepared,
			// Cancelled meanwhile. What was fetched stays in the store.
			_ = state.wait_for(RunState::is_final) => continue,
		};
		let queued = prepared.and_then(|prepared| work::queue(&core, id, order, prepared));
		match queued {
			Ok(()) => {}
			Err(End::Broken(why)) => {
				// The next start goes on with it.
				core.fail(&why);
				return;
			}
			Err(End::Later(why)) => {
				tracing::info!(target: "ogpu-worker", run = crate::selftest::hex(&id), "waits: {why}");
				let core = core.clone();
				tokio::spawn(async move {
					tokio::time::sleep(LATER).await;
					work::again(&core, &id, order);
				});
			}
			Err(End::Failed(why)) => {
				tracing::warn!(target: "ogpu-worker", run = crate::selftest::hex(&id), "this machine failed: {why}");
				if !work::count_failure(&core, &id, order) {
					let state = RunState::Failed { fault: Fault::Host, message: text(&why) };
					// The journal's trouble has been told.
					let _ = core.end(&id, order, state).await;
				}
			}
			Err(End::Fault(fault, why)) => {
				let state = RunState::Failed { fault, message: text(&why) };
				let _ = core.end(&id, order, state).await;
			}
		}
	}
}

async fn prepare(core: &Arc<Core>, id: &RunId) -> Result<Prepared, End> {
	let submission = core.journal.submission(id).map_err(End::host)?;
	let submission = submission.ok_or_else(|| End::host("it is not in the journal"))?;
	let plan = submission.job.plan().map_err(|_| {
		End::Fault(Fault::Job(JobFault::Invalid), "its description is invalid".into())
	})?;
	// Slow sources keep nobody waiting but their own run.
	fetch(core, id, &submission, &plan).await?;
	let permit = core.ready.clone().acquire_owned().await.map_err(End::host)?;
	let _checking = core.checking.acquire().await.map_err(End::host)?;
	let admitted = judge(core, &submission.job).await?;
	let inputs = lay_out(core, id, &submission, &plan).await?;
	Ok(Prepared { submission, plan, admitted, inputs, permit })
}

async fn fetch(core: &Core, id: &RunId, submission: &Submission, plan: &Plan) -> Result<(), End> {
	let pin = super::pin_of(id);
	let all = async {
		for (blob, size) in needed(submission, plan) {
			if core.blobs.size(&blob).is_none() {
				let want = Fetch { id: blob, size, peers: &submission.peers, stall: STALL };
				let fetched = core.blobs.fetch(&want, |_| {}).await?;
				core.metrics.fetched(fetched.received);
			}
			match core.blobs.size(&blob) {
				Some(found) if found == size && core.blobs.pin(&blob, &pin) => {}
				Some(found) if found != size => {
					return Err(End::Fault(
						Fault::Job(JobFault::Invalid),
						format!("the blob {blob} has {found} bytes, the job says {size}"),
					));
				}
				_ => return Err(End::Later(format!("the blob {blob} was evicted at once"))),
			}
		}
		Ok(())
	};
	match tokio::time::timeout(core.config.limits.fetch.0, all).await {
		Ok(result) => result,
		Err(_) => Err(End::Fault(
			Fault::Host,
			format!("its blobs did not come within {} s", core.config.limits.fetch.0.as_secs()),
		)),
	}
}

/// All bytes of a small blob.
async fn read(core: &Core, blob: &BlobId) -> Result<Vec<u8>, BlobError> {
	use futures::StreamExt;
	let size = core.blobs.size(blob).ok_or(BlobError::Missing(*blob))?;
	let mut bytes = Vec::with_capacity(size as usize);
	let mut pieces = std::pin::pin!(core.blobs.read(blob, 0..size)?);
	while let Some(piece) = pieces.next().await {
		bytes.extend_from_slice(&piece?);
	}
	Ok(bytes)
}

/// The verdict of the gate, which depends on the job alone and so is remembered.
async fn judge(core: &Arc<Core>, job: &Job) -> Result<Arc<Admitted>, End> {
	let hash = job.hash();
	let verdicts = || core.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
	let known = verdicts().iter().find(|(known, _)| *known == hash).map(|(_, found)| found.clone());
	if let Some(admitted) = known {
		return Ok(admitted);
	}
	let source = read(core, &job.program.source).await?;
	let inadmissible = |message: String| End::Fault(Fault::Job(JobFault::Inadmissible), message);
	let source = String::from_utf8(source)
		.map_err(|_| inadmissible("the program is not UTF-8 text".into()))?;
	let admitted = tokio::task::spawn_blocking({
		let (core, job) = (core.clone(), job.clone());
		move || admit(&core.tools.compiler, &job, &source)
	});
	let admitted = match admitted.await.map_err(End::host)? {
		Ok(admitted) => Arc::new(admitted),
		Err(GateError::Refused(refusals)) => {
			let lines: Vec<_> = refusals.iter().map(ToString::to_string).collect();
			return Err(inadmissible(lines.join("\n")));
		}
		Err(GateError::Host(why)) => return Err(End::host(why)),
	};
	let mut verdicts = verdicts();
	if verdicts.len() >= VERDICTS {
		verdicts.remove(0);
	}
	verdicts.push((hash, admitted.clone()));
	Ok(admitted)
}

/// Writes inputs, and the states that segments start from, to files.
async fn lay_out(
	core: &Core,
	id: &RunId,
	submission: &Submission,
	plan: &Plan,
) -> Result<BTreeMap<u8, Arc<Input>>, End> {
	let job = &submission.job;
	let mut inputs = BTreeMap::new();
	for (index, buffer) in (0u8..).zip(&job.buffers) {
		if let Init::Blob(blob) = buffer.init {
			inputs.insert(index, core.inputs.get(&core.blobs, &blob).await?);
		}
	}
	let folder = core.folder(id);
	for checkpoint in &submission.checkpoints {
		for (blob, slice) in checkpoint.slices.iter().zip(&plan.result) {
			let name = job.buffers[usize::from(slice.buffer)].name.text();
			folder.make_state(checkpoint.segment).map_err(End::host)?;
			let path: PathBuf = folder.state_path(checkpoint.segment, &name);
			core.blobs.export(blob, &path).await?;
		}
	}
	Ok(inputs)
}
