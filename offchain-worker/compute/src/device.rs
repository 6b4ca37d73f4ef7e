//! One OpenCL device: its context, queue and memory. All calls of the OpenCL API are here and in
//! [`crate::devices`].
//!
//! Every buffer lies between two guard zones, so that writes past its ends are seen:
//!
//! ```text
//! | guard: GUARD bytes of CANARY | data, padded with CANARY to 16 bytes | guard |
//! ```
#![allow(unsafe_code)]

use std::ffi::CString;

use ocl::core::{self, ArgVal, BufferRegion, Event, MemFlags};
use ogpu_compute::DeviceKey;

use crate::{devices, failure::Stop};

/// What memory holds that nobody should have written.
pub(crate) const CANARY: u8 = 0xa5;
/// The length of a guard zone: a multiple of every device's alignment.
const GUARD: usize = 4096;
/// How much is read back at once for checks.
const CHUNK: usize = 16 << 20;

/// A device that is open.
pub(crate) struct Open {
	context: core::Context,
	queue: core::CommandQueue,
	device: core::DeviceId,
	version: core::OpenclVersion,
	pub(crate) correctly_rounded: bool,
}

/// A buffer on the device.
pub(crate) struct Memory {
	whole: core::Mem,
	data: core::Mem,
	bytes: usize,
}

/// A read that may not have ended yet. It owns what it writes to; dropping it waits.
pub(crate) struct Reading {
	event: Option<Event>,
	data: Vec<u8>,
}

impl Reading {
	/// Waits for the end of the read.
	pub(crate) fn finish(mut self) -> Result<Vec<u8>, Stop> {
		if let Some(event) = self.event.take() {
			core::wait_for_event(&event)?;
		}
		Ok(std::mem::take(&mut self.data))
	}
}

impl Drop for Reading {
	fn drop(&mut self) {
		if let Some(event) = self.event.take() {
			// If the device is lost, it will not write any more either.
			let _ = core::wait_for_event(&event);
		}
	}
}

/// An index space: offset, size and size of a work-group.
pub(crate) struct Range {
	pub(crate) dimensions: u32,
	pub(crate) offset: [usize; 3],
	pub(crate) global: [usize; 3],
	pub(crate) local: [usize; 3],
}

impl Open {
	/// Opens the device with this key.
	pub(crate) fn new(key: &DeviceKey) -> Result<Self, Stop> {
		let (platform, device, info) = devices::find(key)?;
		if !info.usable {
			return Err(Stop::host(format!(
				"{} cannot be used: it has no compiler or is not there",
				key.name
			)));
		}
		let properties = core::ContextProperties::new().platform(platform);
		let context = core::create_context(Some(&properties), &[device], None, None)?;
		let queue = core::create_command_queue(&context, device, None)?;
		let version = device.version()?;
		Ok(Self { context, queue, device, version, correctly_rounded: info.correctly_rounded })
	}

	/// Builds a program.
	pub(crate) fn build(&self, text: &str) -> Result<core::Program, Stop> {
		let source = CString::new(text).map_err(|_| Stop::host("the program holds a zero byte"))?;
		let program = core::create_program_with_source(&self.context, &[source])?;
		let mut options = String::from("-cl-std=CL1.2");
		if self.correctly_rounded {
			options.push_str(" -cl-fp32-correctly-rounded-divide-sqrt");
		}
		let options =
			CString::new(options).map_err(|_| Stop::host("a build option holds a zero byte"))?;
		match core::build_program(&program, Some(&[self.device]), &options, None, None) {
			Ok(()) => Ok(program),
			Err(error) => {
				let log = core::get_program_build_info(
					&program,
					self.device,
					core::ProgramBuildInfo::BuildLog,
				)
				.map_or_else(|_| error.to_string(), |log| log.to_string());
				Err(Stop::host(format!(
					"the device's compiler refuses a program that the gate admitted:\n{}",
					log.trim()
				)))
			}
		}
	}

	/// A buffer of `bytes`, its guards set, its data not.
	pub(crate) fn allocate(&self, bytes: u64) -> Result<Memory, Stop> {
		let bytes = usize::try_from(bytes)
			.map_err(|_| Stop::host("a buffer is larger than this machine's addresses"))?;
		let padded = bytes.next_multiple_of(16);
		let flags = MemFlags::READ_WRITE;
		// SAFETY: no host pointer is given.
		let whole = unsafe {
			core::create_buffer::<_, u8>(&self.context, flags, GUARD + padded + GUARD, None)?
		};
		let data = core::create_sub_buffer::<u8>(&whole, flags, &BufferRegion::new(GUARD, bytes))?;
		let memory = Memory { whole, data, bytes };
		self.fill_whole(&memory, 0, GUARD, CANARY)?;
		self.fill_whole(&memory, GUARD + bytes, padded - bytes + GUARD, CANARY)?;
		Ok(memory)
	}

	/// Sets `len` bytes of the data from `offset` on to `value`.
	pub(crate) fn fill(
		&self,
		memory: &Memory,
		offset: usize,
		len: usize,
		value: u8,
	) -> Result<(), Stop> {
		assert!(offset + len <= memory.bytes, "a fill stays inside its buffer");
		self.fill_whole(memory, GUARD + offset, len, value)
	}

	fn fill_whole(
		&self,
		memory: &Memory,
		offset: usize,
		len: usize,
		value: u8,
	) -> Result<(), Stop> {
		const WIDE: usize = size_of::<u64>();
		let none = None::<&mut Event>;
		let version = Some(&self.version);
		if len == 0 {
			return Ok(());
		}
		if offset.is_multiple_of(WIDE) && len.is_multiple_of(WIDE) {
			let pattern = u64::from_ne_bytes([value; WIDE]);
			let (offset, len) = (offset / WIDE, len / WIDE);
			core::enqueue_fill_buffer(
				&self.queue,
				&memory.whole,
				pattern,
				offset,
				len,
				None::<&Event>,
				none,
				version,
			)?;
		} else {
			core::enqueue_fill_buffer(
				&self.queue,
				&memory.whole,
				value,
				offset,
				len,
				None::<&Event>,
				none,
				version,
			)?;
		}
		Ok(())
	}

	/// Writes `data` at `offset`, and waits.
	pub(crate) fn write(&self, memory: &Memory, offset: usize, data: &[u8]) -> Result<(), Stop> {
		assert!(offset + data.len() <= memory.bytes, "a write stays inside its buffer");
		// SAFETY: the call blocks, so `data` outlives it.
		unsafe {
			core::enqueue_write_buffer(
				&self.queue,
				&memory.whole,
				true,
				GUARD + offset,
				data,
				None::<&Event>,
				None::<&mut Event>,
			)?;
		}
		Ok(())
	}

	/// Starts to read `len` bytes at `offset`.
	pub(crate) fn read(&self, memory: &Memory, offset: usize, len: usize) -> Result<Reading, Stop> {
		assert!(offset + len <= memory.bytes, "a read stays inside its buffer");
		self.read_whole(memory, GUARD + offset, len)
	}

	fn read_whole(&self, memory: &Memory, offset: usize, len: usize) -> Result<Reading, Stop> {
		let mut reading = Reading { event: None, data: vec![0; len] };
		if len == 0 {
			return Ok(reading);
		}
		let mut event = Event::null();
		// SAFETY: `Reading` keeps the data where it is until the event has come.
		unsafe {
			core::enqueue_read_buffer(
				&self.queue,
				&memory.whole,
				false,
				offset,
				&mut reading.data,
				None::<&Event>,
				Some(&mut event),
			)?;
		}
		reading.event = Some(event);
		Ok(reading)
	}

	/// Whether `len` bytes of the data from `offset` on are all canaries.
	pub(crate) fn untouched(
		&self,
		memory: &Memory,
		offset: usize,
		len: usize,
	) -> Result<bool, Stop> {
		self.untouched_whole(memory, GUARD + offset, len)
	}

	/// Whether both guard zones are as they were.
	pub(crate) fn guards_hold(&self, memory: &Memory) -> Result<bool, Stop> {
		let after = GUARD + memory.bytes;
		let padding = memory.bytes.next_multiple_of(16) - memory.bytes;
		Ok(self.untouched_whole(memory, 0, GUARD)?
			&& self.untouched_whole(memory, after, padding + GUARD)?)
	}

	fn untouched_whole(&self, memory: &Memory, offset: usize, len: usize) -> Result<bool, Stop> {
		for at in (0..len).step_by(CHUNK) {
			let data = self.read_whole(memory, offset + at, CHUNK.min(len - at))?.finish()?;
			if data.iter().any(|byte| *byte != CANARY) {
				return Ok(false);
			}
		}
		Ok(true)
	}

	/// Starts a kernel.
	pub(crate) fn launch(&self, kernel: &core::Kernel, range: &Range) -> Result<(), Stop> {
		// SAFETY: the gate has admitted the kernel, its arguments were set with the types that it declares,
		// and what it does to this process stays in the sandbox.
		unsafe {
			core::enqueue_kernel(
				&self.queue,
				kernel,
				range.dimensions,
				Some(range.offset),
				&range.global,
				Some(range.local),
				None::<&Event>,
				None::<&mut Event>,
			)?;
		}
		Ok(())
	}

	/// Has the device begin what was enqueued.
	pub(crate) fn flush(&self) -> Result<(), Stop> {
		Ok(core::flush(&self.queue)?)
	}

	/// Waits for all that was enqueued.
	pub(crate) fn finish(&self) -> Result<(), Stop> {
		Ok(core::finish(&self.queue)?)
	}
}

impl Memory {
	/// Binds the data to an argument of a kernel.
	pub(crate) fn bind(&self, kernel: &core::Kernel, index: u32) -> Result<(), Stop> {
		Ok(core::set_kernel_arg(kernel, index, ArgVal::mem(&self.data))?)
	}

	/// The length of the data.
	pub(crate) fn bytes(&self) -> usize {
		self.bytes
	}
}
