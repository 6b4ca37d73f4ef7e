//! Results on their way from the device to files and leaves, in a thread of its own, so that the device
//! goes on meanwhile.

use std::{
	fs::{self, File},
	io,
	os::unix::fs::FileExt,
	path::{Path, PathBuf},
	sync::mpsc::{Receiver, SyncSender, sync_channel},
	thread::{Scope, ScopedJoinHandle},
};

use ogpu_compute::Report;
use ogpu_primitives::{
	job::{Job, Plan, Shape},
	merkle::{Blake2, Hash, leaf},
};

use crate::{Reports, failure::Stop, nan};

/// Batches that may wait. With the one that the device writes, this bounds the memory of the host.
const WAITING: usize = 2;

/// The result of neighbouring units: for each slice of the plan, their bytes one after another.
pub(crate) struct Batch {
	pub(crate) first: u32,
	pub(crate) count: u32,
	pub(crate) slices: Vec<Vec<u8>>,
}

impl Batch {
	/// What one unit wrote, slice by slice.
	fn unit<'batch>(
		&'batch self,
		plan: &'batch Plan,
		unit: u32,
	) -> impl Iterator<Item = &'batch [u8]> {
		let at = (unit - self.first) as usize;
		plan.result.iter().zip(&self.slices).map(move |(slice, data)| {
			let bytes = slice.bytes as usize;
			&data[at * bytes..(at + 1) * bytes]
		})
	}
}

/// Takes batches, writes them to files and reports their leaves.
pub(crate) struct Results<'scope> {
	batches: SyncSender<Batch>,
	thread: ScopedJoinHandle<'scope, io::Result<()>>,
}

impl<'scope> Results<'scope> {
	/// Starts the thread.
	pub(crate) fn start<'env>(
		scope: &'scope Scope<'scope, 'env>,
		job: &'env Job,
		plan: &'env Plan,
		reports: &Reports,
	) -> Self {
		let (batches, waiting) = sync_channel(WAITING);
		let reports = reports.clone();
		Self { batches, thread: scope.spawn(move || take(job, plan, &waiting, &reports)) }
	}

	/// Hands over a batch; waits while too many are waiting.
	pub(crate) fn send(&self, batch: Batch) -> Result<(), Stop> {
		self.batches.send(batch).map_err(|_| Stop::host("the results could not be written"))
	}

	/// Waits until all batches are written and reported.
	pub(crate) fn finish(self) -> Result<(), Stop> {
		drop(self.batches);
		match self.thread.join() {
			Ok(Ok(())) => Ok(()),
			Ok(Err(error)) => Err(Stop::host(format!("the results could not be written: {error}"))),
			Err(_) => Err(Stop::host("the thread that writes the results panicked")),
		}
	}
}

/// Where the state after a segment is kept.
pub(crate) fn state_path(segment: u32, buffer: &str) -> PathBuf {
	Path::new("state").join(segment.to_string()).join(buffer)
}

fn take(job: &Job, plan: &Plan, waiting: &Receiver<Batch>, reports: &Reports) -> io::Result<()> {
	let files = Files::open(job, plan)?;
	for mut batch in waiting {
		for (slice, data) in plan.result.iter().zip(&mut batch.slices) {
			nan::canonicalise(job.buffers[usize::from(slice.buffer)].element, data);
		}
		files.write(job, plan, &batch)?;
		reports.send(&Report::Leaves(leaves(plan, &batch)));
	}
	Ok(())
}

/// The leaves of a batch.
fn leaves(plan: &Plan, batch: &Batch) -> Vec<(u32, Hash)> {
	(batch.first..batch.first + batch.count)
		.map(|unit| (unit, leaf_of(batch.unit(plan, unit), unit)))
		.collect()
}

fn leaf_of<'data>(slices: impl Iterator<Item = &'data [u8]>, unit: u32) -> Hash {
	let hashes: Vec<Hash> = slices.map(hash).collect();
	leaf::<Blake2>(unit, &hashes)
}

/// The leaf of one unit of a batch that is as the device left it.
pub(crate) fn leaf_of_raw(job: &Job, plan: &Plan, batch: &Batch, unit: u32) -> Hash {
	let canonical = plan.result.iter().zip(batch.unit(plan, unit)).map(|(slice, data)| {
		let mut data = data.to_vec();
		nan::canonicalise(job.buffers[usize::from(slice.buffer)].element, &mut data);
		data
	});
	leaf_of(canonical.collect::<Vec<_>>().iter().map(Vec::as_slice), unit)
}

/// Data from which on one hash is worth several threads.
const PARALLEL: usize = 256 * 1024;

fn hash(data: &[u8]) -> Hash {
	if data.len() < PARALLEL {
		*blake3::hash(data).as_bytes()
	} else {
		*blake3::Hasher::new().update_rayon(data).finalize().as_bytes()
	}
}

/// The files of the result.
struct Files(Vec<File>);

impl Files {
	fn open(job: &Job, plan: &Plan) -> io::Result<Self> {
		fs::create_dir_all("out")?;
		let open = |slice: &ogpu_primitives::job::Slice| {
			let buffer = &job.buffers[usize::from(slice.buffer)];
			let file = File::options()
				.create(true)
				.truncate(false)
				.write(true)
				.open(Path::new("out").join(buffer.name.text()))?;
			file.set_len(buffer.len * buffer.element.size())?;
			Ok(file)
		};
		plan.result.iter().map(open).collect::<io::Result<_>>().map(Self)
	}

	fn write(&self, job: &Job, plan: &Plan, batch: &Batch) -> io::Result<()> {
		let sliced = matches!(job.shape, Shape::DataParallel { .. });
		for ((file, slice), data) in self.0.iter().zip(&plan.result).zip(&batch.slices) {
			file.write_all_at(data, if sliced { slice.bytes * u64::from(batch.first) } else { 0 })?;
			if !sliced {
				let path =
					state_path(batch.first, &job.buffers[usize::from(slice.buffer)].name.text());
				// Renamed when complete: a checkpoint that is there is whole.
				let partial = path.with_extension("partial");
				fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
				fs::write(&partial, data)?;
				fs::rename(partial, path)?;
			}
		}
		Ok(())
	}
}
