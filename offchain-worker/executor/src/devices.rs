//! What a device is, told to people.

use std::fmt;

use ogpu_compute::{Device, DeviceKind};
use ogpu_primitives::job::{Job, MAX_LOCAL_MEMORY, Profile};

/// A device as people call it: a short name, and its position among those of this machine.
pub struct Shown<'device>(pub usize, pub &'device Device);

impl fmt::Display for Shown<'_> {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Shown(index, device) = self;
		let kind = match device.kind {
			DeviceKind::Cpu => "CPU",
			DeviceKind::Gpu => "GPU",
			DeviceKind::Accelerator => "accelerator",
		};
		writeln!(f, "{index}: {} ({kind}, {})", device.key.name, device.key.platform)?;
		writeln!(
			f,
			"   driver {}, {}, {} compute units",
			device.driver, device.version, device.compute_units
		)?;
		writeln!(
			f,
			"   {:.1} GiB, largest buffer {:.1} GiB, {} KiB local, groups of {}",
			gib(device.memory),
			gib(device.max_buffer),
			device.local_memory / 1024,
			device.max_group
		)?;
		write!(
			f,
			"   exact-int {}, fma-f32 and prelude-f32 {}, fp64 {}",
			yes(device.usable),
			yes(device.usable && device.exact_f32()),
			yes(device.usable && device.fp64)
		)
	}
}

fn gib(bytes: u64) -> f64 {
	bytes as f64 / (1u64 << 30) as f64
}

fn yes(it: bool) -> &'static str {
	if it { "yes" } else { "no" }
}

/// Why a job cannot run on a device; `None` if it can.
pub fn misfit(device: &Device, job: &Job) -> Option<String> {
	let memory: u64 = job.resources.memory;
	let largest = job
		.buffers
		.iter()
		.map(|buffer| buffer.len.saturating_mul(buffer.element.size()))
		.max()
		.unwrap_or(0);
	let group = job
		.steps
		.iter()
		.map(|step| step.local.iter().map(|size| u64::from(*size)).product::<u64>())
		.max();
	if !device.usable {
		Some("it has no compiler, is big endian, or is not there".into())
	} else if job.profile != Profile::ExactInt
		&& job.profile != Profile::Redundant
		&& !device.exact_f32()
	{
		Some(
			"it does not round division and square root correctly, or loses subnormal numbers"
				.into(),
		)
	} else if job.resources.fp64 && !device.fp64 {
		Some("it has no double precision".into())
	} else if memory > device.memory {
		Some(format!("the job needs {memory} bytes of memory, it has {}", device.memory))
	} else if largest > device.max_buffer {
		Some(format!("a buffer has {largest} bytes, its largest {}", device.max_buffer))
	} else if group.is_some_and(|group| group > device.max_group) {
		Some(format!("its work-groups have at most {} work-items", device.max_group))
	} else if device.local_memory < MAX_LOCAL_MEMORY.into() {
		Some(format!("it has {} bytes of local memory", device.local_memory))
	} else {
		None
	}
}
