//! A run on a device, from its turn in the queue to its end.

use std::{
	collections::BTreeMap,
	sync::{Arc, atomic::Ordering},
	time::{Duration, Instant},
};

use ogpu_compute as compute;
use ogpu_primitives::{
	executor::{Care, Fault, JobFault, RunId, RunState, Units, text},
	merkle::{Blake2, Hash, Tree},
};

use super::{Core, Standing, journal::Write, now_ms, pool::Offered, prepare::Prepared};
use crate::{
	run::{Cancel, Request, RunError, run},
	selftest::hex,
};

/// How often finished leaves are written to the journal.
const NOTE: Duration = Duration::from_secs(1);

/// Has a run that is ready wait for a device.
pub(super) fn queue(core: &Arc<Core>, id: RunId, prepared: Prepared) {
	let known = core.runs().get(&id).and_then(|entry| {
		entry
			.live
			.as_ref()
			.map(|live| (live.cancel.clone(), entry.owner.clone(), entry.standing.clone()))
	});
	// Unless it was cancelled.
	let Some((cancel, owner, standing)) = known else { return };
	let device = match core.pool.pick(&prepared.submission.job) {
		Ok(device) => device,
		Err(why) => {
			let message = text(&format!("no device here can run it: {why}"));
			return end(
				core,
				&id,
				standing,
				RunState::Failed { fault: Fault::Host, message },
				vec![],
			);
		}
	};
	core.runs().update(&id, Standing { state: RunState::Queued, since_ms: now_ms(), ..standing });
	let (mine, seen) = (core.clone(), cancel.clone());
	let offered = core.pool.devices[device].clone();
	let pushed = offered.queue.push(&owner, cancel, move || {
		execute(&mine, &id, prepared, device, &seen);
	});
	if let Err(full) = pushed {
		core.fail(&format!("a queue that has room for all runs is full: {full}"));
	}
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

fn execute(core: &Arc<Core>, id: &RunId, prepared: Prepared, device: usize, cancel: &Cancel) {
	let Prepared { submission, plan, admitted, inputs, permit } = prepared;
	drop(permit);
	let offered = core.pool.devices[device].clone();
	let job = &submission.job;
	let wanted: Vec<u32> = match &submission.units {
		Units::All => (0..plan.units).collect(),
		Units::These(units) => units.to_vec(),
	};
	let of = wanted.len() as u32;
	let Some(mut standing) = core.runs().get(id).map(|entry| entry.standing.clone()) else {
		return;
	};
	standing.attempts += 1;
	let folder = core.folder(id);
	let journaled = match core.journal.leaves(id) {
		Ok(journaled) => journaled,
		Err(error) => return core.fail(&error.to_string()),
	};
	let kept = folder.kept(job, &plan, &wanted, &journaled);
	let remaining: Vec<u32> =
		wanted.iter().copied().filter(|unit| !kept.contains_key(unit)).collect();
	standing.state = RunState::Running { done: kept.len() as u32, of };
	standing.since_ms = now_ms();
	if let Err(error) = core.journal.write_blocking(Write::Stands(*id, standing.clone(), vec![])) {
		return core.fail(&error.to_string());
	}
	core.runs().update(id, standing.clone());
	tracing::info!(
		target: "ogpu-worker",
		run = hex(id),
		device = offered.device.key.name,
		attempt = standing.attempts,
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
	let fail = |standing: Standing, fault: Fault, message: &str| {
		end(core, id, standing, RunState::Failed { fault, message: text(message) }, Vec::new());
	};
	match error {
		RunError::Job(fault) => {
			fail(standing, Fault::Job(fault_of(&fault)), &fault.to_string());
		}
		RunError::TooSlow(why) => fail(standing, Fault::Host, &why),
		RunError::Cancelled if core.draining.load(Ordering::Relaxed) => {
			tracing::info!(target: "ogpu-worker", run = hex(id), "goes on at the next start");
		}
		RunError::Cancelled => end(core, id, standing, RunState::Cancelled, Vec::new()),
		RunError::Host(why) => {
			tracing::warn!(target: "ogpu-worker", run = hex(id), "this machine failed: {why}");
			if offered.failed() {
				tracing::warn!(target: "ogpu-worker", device = offered.device.key.name, "quarantined");
				core.pool.retest(device, &core.runtime);
			}
			if standing.attempts < core.config.limits.attempts {
				let owner = core.runs().get(id).map(|entry| entry.owner.clone());
				core.runs().update(id, Standing { state: RunState::Fetching, ..standing });
				core.wait_to_prepare(&owner.unwrap_or_default(), *id);
			} else {
				fail(standing, Fault::Host, &why);
			}
		}
	}
}
