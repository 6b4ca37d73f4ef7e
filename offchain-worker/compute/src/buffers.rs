//! The buffers of a job on a device: filling them, and seeing that nothing was written where nothing
//! should be.

use std::{
	fs::File,
	io::{self, Read},
	path::Path,
};

use ogpu_compute::JobFault;
use ogpu_primitives::job::{Buffer, Init, Job, Role};

use crate::{
	device::{Memory, Open},
	failure::Stop,
};

const CHUNK: usize = 16 << 20;

/// All buffers of a job, in its order.
pub(crate) struct Buffers<'run> {
	pub(crate) device: &'run Open,
	pub(crate) job: &'run Job,
	pub(crate) memories: Vec<Memory>,
	inputs: &'run [(u8, String)],
}

fn file_fault(path: &Path, error: &io::Error) -> Stop {
	Stop::host(format!("{}: {error}", path.display()))
}

/// Calls `each` with one piece of the file after another; the file must have exactly `bytes` bytes.
fn pieces(
	path: &Path,
	bytes: usize,
	mut each: impl FnMut(usize, &[u8]) -> Result<(), Stop>,
) -> Result<(), Stop> {
	let mut file = File::open(path).map_err(|error| file_fault(path, &error))?;
	let mut piece = vec![0; CHUNK.min(bytes)];
	for at in (0..bytes).step_by(CHUNK) {
		let piece = &mut piece[..CHUNK.min(bytes - at)];
		file.read_exact(piece).map_err(|error| file_fault(path, &error))?;
		each(at, piece)?;
	}
	if file.read(&mut [0]).map_err(|error| file_fault(path, &error))? > 0 {
		return Err(Stop::host(format!("{}: longer than its buffer", path.display())));
	}
	Ok(())
}

impl<'run> Buffers<'run> {
	/// Allocates all buffers and fills the inputs.
	pub(crate) fn new(
		device: &'run Open,
		job: &'run Job,
		inputs: &'run [(u8, String)],
	) -> Result<Self, Stop> {
		let allocate = |buffer: &Buffer| device.allocate(buffer.len * buffer.element.size());
		let memories = job.buffers.iter().map(allocate).collect::<Result<Vec<_>, _>>()?;
		let buffers = Self { device, job, memories, inputs };
		for (index, buffer) in job.buffers.iter().enumerate() {
			if buffer.role == Role::Input {
				buffers.load(index, buffers.input_path(index)?)?;
			}
		}
		Ok(buffers)
	}

	/// The file that a buffer starts with.
	fn input_path(&self, index: usize) -> Result<&'run Path, Stop> {
		let named = self.inputs.iter().find(|(buffer, _)| usize::from(*buffer) == index);
		named
			.map(|(_, path)| Path::new(path))
			.ok_or_else(|| Stop::host(format!("no file was given for buffer {index}")))
	}

	/// Fills a buffer from a file of exactly its length.
	pub(crate) fn load(&self, index: usize, path: &Path) -> Result<(), Stop> {
		let memory = &self.memories[index];
		pieces(path, memory.bytes(), |at, piece| self.device.write(memory, at, piece))
	}

	/// Sets a whole buffer to zero.
	pub(crate) fn clear(&self, index: usize) -> Result<(), Stop> {
		let memory = &self.memories[index];
		self.device.fill(memory, 0, memory.bytes(), 0)
	}

	/// Sets a state to what it is before the first segment.
	pub(crate) fn load_initial_state(&self, index: usize) -> Result<(), Stop> {
		match self.job.buffers[index].init {
			Init::Zero => self.clear(index),
			Init::Blob(_) => self.load(index, self.input_path(index)?),
		}
	}

	/// Sees that all guards hold and that no input has changed.
	pub(crate) fn check_bounds_and_inputs(&self) -> Result<(), Stop> {
		for (index, (buffer, memory)) in self.job.buffers.iter().zip(&self.memories).enumerate() {
			if !self.device.guards_hold(memory)? {
				return Err(JobFault::OutOfBounds(buffer.name.text()).into());
			}
			if buffer.role == Role::Input {
				pieces(self.input_path(index)?, memory.bytes(), |at, piece| {
					if self.device.read(memory, at, piece.len())?.finish()? == piece {
						Ok(())
					} else {
						Err(JobFault::InputWritten(buffer.name.text()).into())
					}
				})?;
			}
		}
		Ok(())
	}
}
