//! Data-parallel jobs: units, each by itself or many in one launch.
//!
//! A unit sees zeros in its own slices and canaries in those of others, whichever way it is run: the
//! slices are set to zero right before the launch and to canaries right after their bytes were read. So
//! what a unit writes to a slice of another is either wiped out before that one runs, or found at the
//! end, and no leaf depends on it. Only units of one launch can disturb each other; therefore units that
//! take long get a launch of their own, and where launches were shared, some units are run again alone.

use std::{
	collections::BTreeMap,
	hash::{BuildHasher, RandomState},
	time::{Duration, Instant},
};

use ogpu_compute::{Care, JobFault};
use ogpu_primitives::{job::Slice, merkle::Hash};

use crate::{
	device::{CANARY, Reading},
	failure::Stop,
	results::{Batch, leaf_of_raw},
	run::Work,
};

/// How long a launch should take: long against the cost of launching, short against a step's limit.
const TARGET: Duration = Duration::from_millis(50);
/// How many bytes of results a launch may have, which bounds the host's memory.
const MOST_BYTES: u64 = 64 << 20;
/// One in so many units is run again alone where launches were shared, but at most [`MOST_AGAIN`].
const AGAIN: u32 = 64;
const MOST_AGAIN: u32 = 4;

/// Units that the device works on.
struct InFlight {
	first: u32,
	count: u32,
	reads: Vec<Reading>,
}

/// Runs `units`, in ascending order; returns the number of launches.
pub(crate) fn run(work: &Work<'_>, groups: u32, units: &[u32], care: Care) -> Result<u64, Stop> {
	let run = Parallel { work, groups };
	run.hide_all()?;
	let mut remembered = BTreeMap::new();
	let again = run.pick_again(units);
	let mut launches = 0;
	let mut shared = false;
	let mut size = 1;
	let most = u32::try_from(MOST_BYTES / work.plan.unit_bytes().max(1)).unwrap_or(u32::MAX).max(1);
	let mut in_flight: Option<InFlight> = None;
	let mut since = Instant::now();
	let mut rest = units;
	loop {
		let next = match run_of(rest, size) {
			0 => None,
			count => {
				let (now, later) = rest.split_at(count);
				rest = later;
				shared |= count > 1;
				launches += work.steps.len() as u64;
				Some(run.launch(now[0], count as u32)?)
			}
		};
		let idle = next.is_none();
		if let Some(done) = std::mem::replace(&mut in_flight, next) {
			let batch = run.collect(done)?;
			for unit in
				again.iter().filter(|unit| (batch.first..batch.first + batch.count).contains(unit))
			{
				remembered.insert(*unit, leaf_of_raw(work.buffers.job, work.plan, &batch, *unit));
			}
			work.results.send(batch)?;
			let took = std::mem::replace(&mut since, Instant::now()).elapsed();
			if care == Care::Batched && took < TARGET / 2 {
				size = size.saturating_mul(2).min(most);
			} else if took > TARGET * 2 {
				size = (size / 2).max(1);
			}
		} else if idle {
			break;
		}
	}
	run.check_untouched((units.len() == 1).then(|| units[0]))?;
	if shared {
		launches += run.alone_again(&remembered)?;
	}
	Ok(launches)
}

/// How many of the units from the first on are neighbours, at most `most`.
fn run_of(units: &[u32], most: u32) -> usize {
	let neighbours = units
		.iter()
		.zip(units.first().copied().unwrap_or(0)..)
		.take_while(|(unit, expected)| *unit == expected);
	neighbours.take(most as usize).count()
}

struct Parallel<'run> {
	work: &'run Work<'run>,
	groups: u32,
}

impl Parallel<'_> {
	fn sliced(&self) -> impl Iterator<Item = &Slice> {
		self.work.plan.result.iter().chain(&self.work.plan.temps)
	}

	fn fill(&self, slice: &Slice, first: u32, count: u32, value: u8) -> Result<(), Stop> {
		let buffers = self.work.buffers;
		let bytes = slice.bytes as usize;
		let memory = &buffers.memories[usize::from(slice.buffer)];
		buffers.device.fill(memory, bytes * first as usize, bytes * count as usize, value)
	}

	/// Sets every slice of every unit to canaries.
	fn hide_all(&self) -> Result<(), Stop> {
		self.sliced().try_for_each(|slice| self.fill(slice, 0, self.work.plan.units, CANARY))
	}

	fn launch(&self, first: u32, count: u32) -> Result<InFlight, Stop> {
		let device = self.work.buffers.device;
		self.work.began_steps(self.work.steps.len() as u64 * u64::from(count));
		for slice in self.sliced() {
			self.fill(slice, first, count, 0)?;
		}
		for step in self.work.steps {
			step.units(self.work.buffers, self.groups, first, count)?;
		}
		let read = |slice: &Slice| {
			let bytes = slice.bytes as usize;
			let memory = &self.work.buffers.memories[usize::from(slice.buffer)];
			device.read(memory, bytes * first as usize, bytes * count as usize)
		};
		let reads = self.work.plan.result.iter().map(read).collect::<Result<Vec<_>, _>>()?;
		for slice in self.sliced() {
			self.fill(slice, first, count, CANARY)?;
		}
		device.flush()?;
		Ok(InFlight { first, count, reads })
	}

	fn collect(&self, done: InFlight) -> Result<Batch, Stop> {
		let slices = done.reads.into_iter().map(Reading::finish).collect::<Result<Vec<_>, _>>()?;
		Ok(Batch { first: done.first, count: done.count, slices })
	}

	/// Sees that no slice was written but by its own unit.
	fn check_untouched(&self, unit: Option<u32>) -> Result<(), Stop> {
		let buffers = self.work.buffers;
		for slice in self.sliced() {
			let memory = &buffers.memories[usize::from(slice.buffer)];
			if !buffers.device.untouched(memory, 0, memory.bytes())? {
				let buffer = buffers.job.buffers[usize::from(slice.buffer)].name.text();
				return Err(JobFault::OutOfUnit { buffer, unit }.into());
			}
		}
		Ok(())
	}

	/// Units to be run again alone, picked so that nobody can foresee them.
	fn pick_again(&self, units: &[u32]) -> Vec<u32> {
		let count = (units.len() as u32 / AGAIN).clamp(1, MOST_AGAIN);
		let random = RandomState::new();
		let pick = |at: u32| units[(random.hash_one(at) % units.len() as u64) as usize];
		(0..count).map(pick).collect()
	}

	/// Runs the remembered units alone and compares their leaves; returns the number of launches.
	fn alone_again(&self, remembered: &BTreeMap<u32, Hash>) -> Result<u64, Stop> {
		for (unit, expected) in remembered {
			let batch = self.collect(self.launch(*unit, 1)?)?;
			if leaf_of_raw(self.work.buffers.job, self.work.plan, &batch, *unit) != *expected {
				return Err(JobFault::NotIndependent(*unit).into());
			}
			self.check_untouched(Some(*unit))?;
		}
		Ok(remembered.len() as u64 * self.work.steps.len() as u64)
	}
}
