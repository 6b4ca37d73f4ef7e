//! The steps of a job as kernels with their arguments bound.

use ocl::core::{self, ArgVal, Kernel, Program};
use ogpu_primitives::job::{Arg, Element, Scalar, Step};

use crate::{buffers::Buffers, device::Range, failure::Stop};

/// One step, ready to be launched. Each has a kernel object of its own, so that arguments stay bound.
pub(crate) struct Launch {
	kernel: Kernel,
	dimensions: usize,
	global: [usize; 3],
	local: [usize; 3],
	/// The arguments that take the index of the iteration.
	iteration: Vec<u32>,
}

fn sizes(sizes: &[u32]) -> [usize; 3] {
	let mut all = [1; 3];
	for (to, from) in all.iter_mut().zip(sizes) {
		*to = *from as usize;
	}
	all
}

fn bind_local(kernel: &Kernel, index: u32, element: Element, len: u32) -> Result<(), Stop> {
	let bytes = (u64::from(len) * element.size()) as usize;
	Ok(core::set_kernel_arg(kernel, index, ArgVal::local::<u8>(&bytes))?)
}

fn bind_scalar(kernel: &Kernel, index: u32, scalar: Scalar) -> Result<(), Stop> {
	let set = |value: ArgVal<'_>| core::set_kernel_arg(kernel, index, value);
	Ok(match scalar {
		Scalar::I32(value) => set(ArgVal::scalar(&value)),
		Scalar::U32(value) => set(ArgVal::scalar(&value)),
		Scalar::I64(value) => set(ArgVal::scalar(&value)),
		Scalar::U64(value) => set(ArgVal::scalar(&value)),
		Scalar::F32(bits) => set(ArgVal::scalar(&f32::from_bits(bits))),
		Scalar::F64(bits) => set(ArgVal::scalar(&f64::from_bits(bits))),
	}?)
}

impl Launch {
	/// Binds the arguments of a step.
	pub(crate) fn new(program: &Program, step: &Step, buffers: &Buffers<'_>) -> Result<Self, Stop> {
		let kernel = core::create_kernel(program, step.kernel.text())?;
		let mut iteration = Vec::new();
		for (index, arg) in (0u32..).zip(&step.args) {
			match *arg {
				Arg::Buffer(buffer) => {
					buffers.memories[usize::from(buffer)].bind(&kernel, index)?
				}
				Arg::Scalar(scalar) => bind_scalar(&kernel, index, scalar)?,
				Arg::Local { element, len } => bind_local(&kernel, index, element, len)?,
				Arg::Iteration => {
					bind_scalar(&kernel, index, Scalar::U32(0))?;
					iteration.push(index);
				}
			}
		}
		Ok(Self {
			kernel,
			dimensions: step.global.len(),
			global: sizes(&step.global),
			local: sizes(&step.local),
			iteration,
		})
	}

	/// Enqueues the whole step for one iteration.
	pub(crate) fn whole(&self, buffers: &Buffers<'_>, iteration: u32) -> Result<(), Stop> {
		for index in &self.iteration {
			bind_scalar(&self.kernel, *index, Scalar::U32(iteration))?;
		}
		self.enqueue(buffers, [0; 3], self.global)
	}

	/// Enqueues the work-groups of `count` units from `first` on, of `groups` work-groups each.
	pub(crate) fn units(
		&self,
		buffers: &Buffers<'_>,
		groups: u32,
		first: u32,
		count: u32,
	) -> Result<(), Stop> {
		let last = self.dimensions - 1;
		let unit = self.local[last] * groups as usize;
		let (mut offset, mut global) = ([0; 3], self.global);
		offset[last] = unit * first as usize;
		global[last] = unit * count as usize;
		self.enqueue(buffers, offset, global)
	}

	fn enqueue(
		&self,
		buffers: &Buffers<'_>,
		offset: [usize; 3],
		global: [usize; 3],
	) -> Result<(), Stop> {
		let range = Range { dimensions: self.dimensions as u32, offset, global, local: self.local };
		buffers.device.launch(&self.kernel, &range)
	}
}
