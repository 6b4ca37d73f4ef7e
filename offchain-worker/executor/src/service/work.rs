//! A run on a device, from its turn in the queue to its end.

use std::{
	collections::BTreeMap,
	sync::{Arc, atomic::Ordering},
	time::{Duration, Instant},
};

use ogpu_compute as compute;
use ogpu_primitives::{
	executor::{Care, Fault, Health, JobFault, RunId, RunState, Units, text},
	merkle::{Blake2, Hash, Tree},
};

use super::{
	Core, Standing,
	journal::Write,
	now_ms,
	pool::{Offered, Unfit},
	prepare::{End, Prepared},
};
use crate::{
	run::{Cancel, Request, RunError, run},
	selftest::hex,
};

/// How often finished leaves are written to the journal.
const NOTE: Duration = Duration::from_secs(1);

/// Has a run that is ready wait for a device.
///
/// # Errors
///
/// Why no device takes it.
pub(super) fn queue(
	core: &Arc<Core>,
	id: RunId,
	order: u64,
	prepared: Prepared,
) -> Result<(), End> {
	let known = core
		.runs()
		.live_entry(&id, order)
		.map(|(entry, live)| (live.cancel.clone(), entry.owner.clone(), entry.standing.clone()));
	// Unless it was cancelled.
	let Some((cancel, owner, standing)) = known else { return Ok(()) };
	let device = core.pool.pick(&prepared.submission.job).map_err(|unfit| match unfit {
		Unfit::Never(why) => End::Fault(Fault::Host, format!("no device here can run it: {why}")),
		Unfit::Now(why) => End::Later(why),
	})?;
	core.runs().update(&id, Standing { state: RunState::Queued, since_ms: now_ms(), ..standing });
	let (mine, seen) = (core.clone(), cancel.clone());
	let offered = core.pool.devices[device].clone();
	let pushed = offered.queue.push(&owner, cancel, move || {
		let watched = Watched(&mine);
		execute(&mine, &id, order, prepared, device, &seen);
		std::mem::forget(watched);
	});
	pushed.map_err(End::host)
}

/// Ends the service when a run panics: its state is not known any more, but the journal is right.
struct Watched<'core>(&'core Core);

impl Drop for Watched<'_> {
	fn drop(&mut self) {
		self.0.fail("a thread of a device panicked; this is a fault of the executor");
	}
}

/// Has a run made ready again.
pub(super) fn again(core: &Core, id: &RunId, order: u64) {
	let owner = {
		let mut runs = core.runs();
		let Some((entry, _)) = runs.live_entry(id, order) else { return };
		let (owner, standing) = (entry.owner.clone(), entry.standing.clone());
		runs.update(id, Standing { state: RunState::Fetching, since_ms: now_ms(), ..standing });
		owner
	};
	core.wait_to_prepare(&owner, *id, order);
}

/// Counts that this machine failed a run, and has it tried again. Not if it has been tried often enough.
pub(super) fn count_failure(core: &Core, id: &RunId, order: u64) -> bool {
	let standing = {
		let runs = core.runs();
		let Some((entry, _)) = runs.live_entry(id, order) else { return true };
		Standing { attempts: entry.standing.attempts + 1, ..entry.standing.clone() }
	};
	let tried_again = standing.attempts < core.config.limits.attempts;
	core.runs().update(id, standing);
	if tried_again {
		again(core, id, order);
	}
	tried_again
}

fn fault_of(fault: &compute::JobFault) -> JobFault {
	match fault {
		compute::JobFault::OutOfBounds(_) => JobFault::OutOfBounds,
		compute::JobFault::OutOfUnit { .. } => JobFault::OutOfUnit,
		compute::JobFault::InputWritten(_) => JobFault::InputWritten,
		compute::JobFault::NotIndependent(_) => JobFault::NotIndependent,
	}
}

/// Notes the end of a run, in the journal first.
fn end(core: &Core, id: &RunId, standing: Standing, state: RunState, leaves: Vec<(u32, Hash)>) {
	let standing = Standing { state, since_ms: now_ms(), ..standing };
	match core.journal.write_blocking(Write::Stands(*id, standing.clone(), leaves)) {
		Ok(()) => core.ended(id, standing),
		// The next start goes on with it.
		Err(error) => core.fail(&error.to_string()),
	}
}

fn execute(
	core: &Arc<Core>,
	id: &RunId,
	order: u64,
	prepared: Prepared,
	device: usize,
	cancel: &Cancel,
) {
	let Prepared { submission, plan, admitted, inputs, permit } = prepared;
	drop(permit);
	if core.draining.load(Ordering::Relaxed) {
		// The next start goes on with it.
		return;
	}
	let offered = core.pool.devices[device].clone();
	if offered.health() != Health::Good {
		// Another device may take it, or this one once it has passed its test.
		return again(core, id, order);
	}
	let job = &submission.job;
	let wanted: Vec<u32> = match &submission.units {
		Units::All => (0..plan.units).collect(),
		Units::These(units) => units.to_vec(),
	};
	let of = wanted.len() as u32;
	// From here on the end of this run is ours alone.
	let begun = {
		let mut runs = core.runs();
		runs.live_entry(id, order).map(|(entry, _)| entry.standing.clone()).map(|standing| {
			let state = RunState::Running { done: 0, of };
			let standing = Standing { state, since_ms: now_ms(), ..standing };
			runs.update(id, standing.clone());
			standing
		})
	};
	let Some(mut standing) = begun else { return };
	let folder = core.folder(id);
	let journaled = match core.journal.leaves(id) {
		Ok(journaled) => journaled,
		Err(error) => return core.fail(&error.to_string()),
	};
	let kept = folder.kept(job, &plan, &wanted, &journaled);
	let remaining: Vec<u32> =
		wanted.iter().copied().filter(|unit| !kept.contains_key(unit)).collect();
	standing.state = RunState::Running { done: kept.len() as u32, of };
	if let Err(error) = core.journal.write_blocking(Write::Stands(*id, standing.clone(), vec![])) {
		return core.fail(&error.to_string());
	}
	core.runs().update(id, standing.clone());
	tracing::info!(
		target: "ogpu-worker",
		run = hex(id),
		device = offered.device.key.name,
		failures = standing.attempts,
		kept = kept.len(),
		of,
		"started"
	);
	let began = Instant::now();
	let outcome = if remaining.is_empty() {
		Ok(BTreeMap::new())
	} else {
		let request = Request {
			job: job.clone(),
			text: admitted.text.clone(),
			inputs: inputs.iter().map(|(at, input)| (*at, input.path().to_owned())).collect(),
			folder: folder.path().to_owned(),
			device: offered.device.key.clone(),
			kind: offered.device.kind,
			units: if remaining.len() as u32 == plan.units {
				compute::Units::All
			} else {
				compute::Units::These(remaining)
			},
			care: match submission.care {
				Care::Batched => compute::Care::Batched,
				Care::Alone => compute::Care::Alone,
			},
			limits: core.limits,
		};
		follow(core, id, &request, cancel, &mut standing, kept.len() as u32, of)
	};
	core.metrics.worked(&offered.device.key.name, began.elapsed());
	match outcome {
		Ok(new) => {
			offered.succeeded(began.elapsed());
			let mut leaves = kept;
			leaves.extend(&new);
			let whole = (leaves.len() as u32 == plan.units && submission.units == Units::All)
				.then(|| Tree::new::<Blake2>(leaves.values().copied().collect()).ok())
				.flatten();
			let root = whole.map(|tree| tree.root());
			let run_ms = standing.run_us / 1000;
			end(core, id, standing, RunState::Done { root, run_ms }, new.into_iter().collect());
		}
		Err(error) => failed(core, id, standing, &offered, device, error),
	}
}

/// Runs, noting leaves in the journal and progress for those who watch.
fn follow(
	core: &Arc<Core>,
	id: &RunId,
	request: &Request,
	cancel: &Cancel,
	standing: &mut Standing,
	kept: u32,
	of: u32,
) -> Result<BTreeMap<u32, Hash>, RunError> {
	let mut done = kept;
	let mut unwritten = Vec::new();
	let mut noted = Instant::now();
	let finished = run(&core.tools, request, cancel, |leaves| {
		done += leaves.len() as u32;
		core.metrics.units(leaves.len() as u64);
		unwritten.extend_from_slice(leaves);
		if noted.elapsed() > NOTE {
			noted = Instant::now();
			let leaves = std::mem::take(&mut unwritten);
			if let Err(error) = core.journal.write_blocking(Write::Leaves(*id, leaves)) {
				core.fail(&error.to_string());
			}
		}
		let state = RunState::Running { done, of };
		core.runs().update(id, Standing { state, ..standing.clone() });
	});
	if finished.is_err()
		&& !unwritten.is_empty()
		&& let Err(error) = core.journal.write_blocking(Write::Leaves(*id, unwritten))
	{
		core.fail(&error.to_string());
	}
	let finished = finished?;
	standing.run_us += finished.stats.run_us;
	Ok(finished.leaves)
}

fn failed(
	core: &Arc<Core>,
	id: &RunId,
	standing: Standing,
	offered: &Offered,
	device: usize,
	error: RunError,
) {
	let told = {
		let runs = core.runs();
		runs.live_entry(id, standing.order).is_some_and(|(_, live)| live.told)
	};
	let draining = core.draining.load(Ordering::Relaxed);
	let order = standing.order;
	let fail = |standing: Standing, fault: Fault, message: &str| {
		end(core, id, standing, RunState::Failed { fault, message: text(message) }, Vec::new());
	};
	match error {
		RunError::Job(fault) => {
			fail(standing, Fault::Job(fault_of(&fault)), &fault.to_string());
		}
		_ if told => end(core, id, standing, RunState::Cancelled, Vec::new()),
		_ if draining => {
			tracing::info!(target: "ogpu-worker", run = hex(id), "goes on at the next start");
		}
		RunError::Cancelled => end(core, id, standing, RunState::Cancelled, Vec::new()),
		RunError::TooSlow(why) => fail(standing, Fault::Unfinished, &why),
		RunError::Host(why) => {
			tracing::warn!(target: "ogpu-worker", run = hex(id), "this machine failed: {why}");
			if offered.failed(id) {
				tracing::warn!(target: "ogpu-worker", device = offered.device.key.name, "quarantined");
				core.pool.retest(device, &core.runtime);
			}
			if !count_failure(core, id, order) {
				fail(standing, Fault::Host, &why);
			}
		}
	}
}
