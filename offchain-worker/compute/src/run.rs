//! A run from its assignment to its statistics.

use std::{thread, time::Instant};

use ogpu_compute::{Phase, Report, Run, Stats, Units};
use ogpu_primitives::job::{Plan, Shape};

use crate::{
	Reports, buffers::Buffers, device::Open, failure::Stop, iterative, kernels::Launch, parallel,
	results::Results,
};

/// How long moving all data of a job may take: a device that is slower than 20 MB/s is broken.
fn data_limit_ms(plan: &Plan) -> u32 {
	let ms = 60_000 + plan.memory / 20_000;
	u32::try_from(ms).unwrap_or(u32::MAX)
}

fn micros(since: Instant) -> u64 {
	u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The units of a run, in order.
fn wanted(units: &Units, plan: &Plan) -> Result<Vec<u32>, Stop> {
	match units {
		Units::All => Ok((0..plan.units).collect()),
		Units::These(units) => {
			let sorted = units.is_sorted_by(|a, b| a < b);
			if units.is_empty() || !sorted || units.last().is_some_and(|last| *last >= plan.units) {
				return Err(Stop::host("the units are empty, out of order or out of range"));
			}
			Ok(units.clone())
		}
	}
}

/// Runs the units of an assignment.
pub(crate) fn run(run: &Run, reports: &Reports) -> Result<Stats, Stop> {
	let plan = run.job.plan().map_err(|faults| {
		let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
		Stop::host(format!("the job is not valid: {}", faults.join("; ")))
	})?;
	let units = wanted(&run.units, &plan)?;
	let began = |phase, limit_ms| reports.send(&Report::Began { phase, limit_ms });
	let mut stats = Stats::default();

	let since = Instant::now();
	began(Phase::Build, run.job.timeouts.build_ms);
	let device = Open::new(&run.device)?;
	stats.open_us = micros(since);
	let since = Instant::now();
	let program = device.build(&run.text)?;
	stats.build_us = micros(since);

	let since = Instant::now();
	began(Phase::Data, data_limit_ms(&plan));
	let buffers = Buffers::new(&device, &run.job, &run.inputs)?;
	device.finish()?;
	stats.upload_us = micros(since);
	let steps = run
		.job
		.steps
		.iter()
		.map(|step| Launch::new(&program, step, &buffers))
		.collect::<Result<Vec<_>, _>>()?;

	let since = Instant::now();
	thread::scope(|scope| {
		let results = Results::start(scope, &run.job, &plan, reports);
		let work =
			Work { buffers: &buffers, plan: &plan, steps: &steps, reports, results: &results };
		let launched = match run.job.shape {
			Shape::DataParallel { groups } => parallel::run(&work, groups, &units, run.care),
			Shape::Iterative { checkpoint_every, .. } => {
				iterative::run(&work, checkpoint_every, &units)
			}
		};
		began(Phase::Data, data_limit_ms(&plan));
		// A result that cannot be written ends the launches as well, and is the better reason.
		results.finish()?;
		stats.launches = launched?;
		Ok::<_, Stop>(())
	})?;
	buffers.check_bounds_and_inputs()?;
	stats.run_us = micros(since);
	Ok(stats)
}

/// What both shapes of jobs work with.
pub(crate) struct Work<'run> {
	pub(crate) buffers: &'run Buffers<'run>,
	pub(crate) plan: &'run Plan,
	pub(crate) steps: &'run [Launch],
	pub(crate) reports: &'run Reports,
	pub(crate) results: &'run Results<'run>,
}

impl Work<'_> {
	/// Says that launches begin, so many of one unit's steps.
	pub(crate) fn began_steps(&self, steps: u64) {
		let limit = u64::from(self.buffers.job.timeouts.step_ms).saturating_mul(steps);
		let limit_ms = u32::try_from(limit).unwrap_or(u32::MAX);
		self.reports.send(&Report::Began { phase: Phase::Step, limit_ms });
	}
}
