//! What a checked job comes to: units, slices, memory, launches.

use alloc::vec::Vec;

use super::{BlobId, Init, Job, Role, Shape, check::Invalid};

/// What one unit owns of a sliced buffer, or a segment of a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
	/// The buffer's index in the job.
	pub buffer: u8,
	/// Bytes that one unit owns: a slice in a data-parallel job, the whole buffer in an iterative one.
	pub bytes: u64,
}

/// The arithmetic of a valid job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
	/// How many units there are, the number of leaves.
	pub units: u32,
	/// What makes up a leaf, in the order of the job's buffers: outputs and states.
	pub result: Vec<Slice>,
	/// Scratch buffers, sliced as outputs are.
	pub temps: Vec<Slice>,
	/// Bytes of global memory that the buffers take.
	pub memory: u64,
	/// Bytes of all inputs.
	pub input_bytes: u64,
	/// Kernel launches when every unit is run by itself.
	pub launches: u64,
	/// Work-items of the whole job.
	pub work_items: u64,
}

impl Plan {
	/// Bytes that one unit adds to the result.
	pub fn unit_bytes(&self) -> u64 {
		self.result.iter().map(|slice| slice.bytes).sum()
	}

	/// Bytes of the result as a client fetches it: all slices, or the last state.
	pub fn result_bytes(&self, job: &Job) -> u64 {
		match job.shape {
			Shape::DataParallel { .. } => self.unit_bytes().saturating_mul(self.units.into()),
			Shape::Iterative { .. } => self.unit_bytes(),
		}
	}
}

impl Job {
	/// Checks the whole job and computes its plan.
	///
	/// # Errors
	///
	/// Everything that is wrong with the job, not only the first.
	pub fn plan(&self) -> Result<Plan, Vec<Invalid>> {
		let faults = super::check::check(self);
		if faults.is_empty() { Ok(self.plan_checked()) } else { Err(faults) }
	}

	/// The number of units, or 0 if the shape and the steps do not fit each other.
	pub(super) fn count_units(&self) -> u32 {
		match self.shape {
			Shape::Iterative { count, checkpoint_every } => {
				count.checked_div(checkpoint_every).unwrap_or(0)
			}
			Shape::DataParallel { groups } => self
				.steps
				.first()
				.and_then(|step| Some((step.global.last()?, step.local.last()?)))
				.and_then(|(global, local)| global.checked_div(*local)?.checked_div(groups))
				.unwrap_or(0),
		}
	}

	/// The blobs that a run starts from, with their sizes in bytes: the source, then what buffers are filled
	/// with. One may come more than once.
	pub fn blobs(&self) -> Vec<(BlobId, u64)> {
		let source = (self.program.source, u64::from(self.program.source_len));
		let buffers = self.buffers.iter().filter_map(|buffer| match buffer.init {
			Init::Blob(blob) => Some((blob, buffer.len.saturating_mul(buffer.element.size()))),
			Init::Zero => None,
		});
		core::iter::once(source).chain(buffers).collect()
	}

	fn plan_checked(&self) -> Plan {
		let units = self.count_units();
		let sliced = matches!(self.shape, Shape::DataParallel { .. });
		let slices = |roles: &[Role]| {
			(0u8..)
				.zip(&self.buffers)
				.filter(|(_, buffer)| roles.contains(&buffer.role))
				.map(|(index, buffer)| {
					let bytes = buffer.len * buffer.element.size();
					Slice {
						buffer: index,
						bytes: if sliced { bytes / u64::from(units) } else { bytes },
					}
				})
				.collect()
		};
		let bytes = |role: Option<Role>| {
			self.buffers
				.iter()
				.filter(|buffer| role.is_none_or(|role| buffer.role == role))
				.map(|buffer| buffer.len * buffer.element.size())
				.sum()
		};
		let repeats = match self.shape {
			Shape::DataParallel { .. } => 1,
			Shape::Iterative { count, .. } => u64::from(count),
		};
		let per_pass: u64 = self
			.steps
			.iter()
			.map(|step| step.global.iter().map(|size| u64::from(*size)).product::<u64>())
			.sum();
		Plan {
			units,
			result: slices(&[Role::Output, Role::State]),
			temps: slices(&[Role::Temp]),
			memory: bytes(None),
			input_bytes: bytes(Some(Role::Input)),
			launches: self.launches(),
			work_items: per_pass.saturating_mul(repeats),
		}
	}

	pub(super) fn launches(&self) -> u64 {
		let steps = self.steps.len() as u64;
		match self.shape {
			Shape::DataParallel { .. } => steps * u64::from(self.count_units()),
			Shape::Iterative { count, .. } => steps * u64::from(count),
		}
	}
}
