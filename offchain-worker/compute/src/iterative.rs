//! Iterative jobs: segment after segment, with a checkpoint after each.

use std::time::{Duration, Instant};

use ogpu_primitives::job::Role;

use crate::{
	failure::Stop,
	nan,
	results::{Batch, state_path},
	run::Work,
};

/// How long the device works between two signs of life.
const TARGET: Duration = Duration::from_millis(100);

/// Runs the segments `units`, in ascending order; returns the number of launches.
pub(crate) fn run(work: &Work<'_>, checkpoint_every: u32, units: &[u32]) -> Result<u64, Stop> {
	let mut launches = 0;
	let mut together = 1;
	let mut before = None;
	for &segment in units {
		prepare(work, segment, before)?;
		let first = segment * checkpoint_every;
		let mut at = first;
		while at < first + checkpoint_every {
			let count = together.min(first + checkpoint_every - at);
			work.began_steps(u64::from(count) * work.steps.len() as u64);
			let since = Instant::now();
			for iteration in at..at + count {
				for step in work.steps {
					step.whole(work.buffers, iteration)?;
				}
			}
			work.buffers.device.finish()?;
			launches += u64::from(count) * work.steps.len() as u64;
			at += count;
			if since.elapsed() < TARGET / 2 {
				together = together.saturating_mul(2);
			} else if since.elapsed() > TARGET * 2 {
				together = (together / 2).max(1);
			}
		}
		work.results.send(collect(work, segment)?)?;
		before = Some(segment);
	}
	Ok(launches)
}

/// Brings all buffers to where they are before `segment`.
fn prepare(work: &Work<'_>, segment: u32, before: Option<u32>) -> Result<(), Stop> {
	for (index, buffer) in work.buffers.job.buffers.iter().enumerate() {
		match buffer.role {
			Role::Input => {}
			Role::Output | Role::Temp => work.buffers.clear(index)?,
			// The state of the segment before is still on the device.
			Role::State if segment.checked_sub(1) == before && before.is_some() => {}
			Role::State => match segment.checked_sub(1) {
				None => work.buffers.load_initial_state(index)?,
				Some(checkpoint) => {
					work.buffers.load(index, &state_path(checkpoint, &buffer.name.text()))?
				}
			},
		}
	}
	Ok(())
}

/// Reads the result of a segment. The device goes on with the same canonical NaNs that a checkpoint has.
fn collect(work: &Work<'_>, segment: u32) -> Result<Batch, Stop> {
	let device = work.buffers.device;
	let mut slices = Vec::with_capacity(work.plan.result.len());
	for slice in &work.plan.result {
		let index = usize::from(slice.buffer);
		let (buffer, memory) = (&work.buffers.job.buffers[index], &work.buffers.memories[index]);
		let mut data = device.read(memory, 0, memory.bytes())?.finish()?;
		if nan::canonicalise(buffer.element, &mut data) && buffer.role == Role::State {
			device.write(memory, 0, &data)?;
		}
		slices.push(data);
	}
	Ok(Batch { first: segment, count: 1, slices })
}
