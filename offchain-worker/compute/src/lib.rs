//! What the executor and its child say to one another.
//!
//! The program `ogpu-compute` runs one job, or a part of one, on one OpenCL device and ends. It is the
//! only program of the project that links OpenCL, and it is started in a sandbox, with the job's folder
//! as its working directory. It reads one [`Assignment`] from its standard input and writes [`Report`]s
//! to its standard output, each as its SCALE encoding after its length (`u32`, little endian).
//!
//! ```text
//! job folder    state/<segment>/<buffer>   checkpoints: the state after that segment
//!               out/<buffer>               the result; a data-parallel slice at its place
//! ```
//!
//! This library holds the messages only and does not link OpenCL.

mod frame;

pub use frame::{FrameError, read_frame, write_frame};

use codec::{Decode, Encode};
use ogpu_primitives::{job::Job, merkle::Hash};

/// What the child is to do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Assignment {
	/// Report the devices there are.
	Devices,
	/// Run units of a job.
	Run(Box<Run>),
}

/// Units of a job, to be run on one device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Run {
	/// The job, which has been checked.
	pub job: Job,
	/// The program as the device's compiler gets it.
	pub text: String,
	/// The device.
	pub device: DeviceKey,
	/// The file of each buffer that starts with a blob: the buffer's index and an absolute path. It has
	/// exactly the buffer's length.
	pub inputs: Vec<(u8, String)>,
	/// Which units.
	pub units: Units,
	/// How much of the job to check along the way.
	pub care: Care,
}

/// Which units of a job to run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Units {
	/// All of them. An iterative job starts at the beginning.
	All,
	/// These, in ascending order. A segment of an iterative job starts from the checkpoint before it,
	/// which is in the folder, unless the segment before it has just been run.
	These(Vec<u32>),
}

/// How units of a data-parallel job are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Care {
	/// Many units in one launch, and a few again by themselves to see that they do not depend on it.
	Batched,
	/// Each unit by itself.
	Alone,
}

/// A device, as one process names it to another on the same machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct DeviceKey {
	/// The name of its platform.
	pub platform: String,
	/// Its name.
	pub name: String,
	/// Which of the devices of that platform and name.
	pub ordinal: u32,
}

/// What kind of device it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum DeviceKind {
	/// The host's processors.
	Cpu,
	/// A graphics processor.
	Gpu,
	/// Something else.
	Accelerator,
}

/// A device and what it can do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Device {
	/// Its name to us.
	pub key: DeviceKey,
	/// What kind it is.
	pub kind: DeviceKind,
	/// Its vendor, as it says itself.
	pub vendor: String,
	/// The version of its driver.
	pub driver: String,
	/// The OpenCL version that it claims.
	pub version: String,
	/// Global memory, in bytes. Some drivers say something else each time.
	pub memory: u64,
	/// The largest single buffer, in bytes.
	pub max_buffer: u64,
	/// Local memory of a work-group, in bytes.
	pub local_memory: u64,
	/// The largest work-group.
	pub max_group: u64,
	/// Compute units.
	pub compute_units: u32,
	/// Double precision, with fused multiply-add and subnormal numbers.
	pub fp64: bool,
	/// Division and square root can be rounded correctly.
	pub correctly_rounded: bool,
	/// Subnormal numbers are kept.
	pub denormals: bool,
	/// Single-precision infinities and quiet NaNs are kept.
	pub inf_nan: bool,
	/// It can compile, is little endian, and is there.
	pub usable: bool,
}

impl Device {
	/// Whether the floating-point profiles can run on it.
	pub fn exact_f32(&self) -> bool {
		self.correctly_rounded && self.denormals && self.inf_nan
	}
}

/// What the child reports.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Report {
	/// The devices there are.
	Devices(Vec<Device>),
	/// Something began that may take this long, in milliseconds, and no longer.
	Began {
		/// What.
		phase: Phase,
		/// How long it may take.
		limit_ms: u32,
	},
	/// Units are finished: each unit with its leaf.
	Leaves(Vec<(u32, Hash)>),
	/// All is done.
	Done(Stats),
	/// The job ends here.
	Failed(Failure),
}

/// A part of a run that has a time limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Phase {
	/// Building the program.
	Build,
	/// A kernel launch.
	Step,
	/// Moving or hashing data.
	Data,
}

/// Where the time of a run went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Stats {
	/// Opening the device.
	pub open_us: u64,
	/// Building the program.
	pub build_us: u64,
	/// Filling the buffers.
	pub upload_us: u64,
	/// From the first launch to the last result.
	pub run_us: u64,
	/// Kernel launches.
	pub launches: u64,
}

/// Why a run failed, by whose fault it is. Only what is the job's fault may ever be said on chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Failure {
	/// The job's own fault: it would fail on every machine.
	Job(JobFault),
	/// The machine's fault: another one may do better.
	Host(String),
}

/// What is wrong with a job, found while running it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum JobFault {
	/// Something was written before or after a buffer.
	OutOfBounds(String),
	/// Something was written to a slice of another unit.
	OutOfUnit {
		/// The buffer.
		buffer: String,
		/// The unit that was run, where only one was.
		unit: Option<u32>,
	},
	/// Something was written to an input.
	InputWritten(String),
	/// A unit gives one result with others in a launch and another by itself.
	NotIndependent(u32),
}

impl std::fmt::Display for JobFault {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		match self {
			Self::OutOfBounds(buffer) => {
				write!(f, "a kernel writes past an end of the buffer {buffer}")
			}
			Self::OutOfUnit { buffer, unit: Some(unit) } => {
				write!(
					f,
					"unit {unit} writes to a part of the buffer {buffer} that another unit owns"
				)
			}
			Self::OutOfUnit { buffer, unit: None } => {
				write!(f, "a unit writes to a part of the buffer {buffer} that another unit owns")
			}
			Self::InputWritten(buffer) => write!(f, "a kernel writes to the input {buffer}"),
			Self::NotIndependent(unit) => write!(
				f,
				"unit {unit} gives one result together with other units and another by itself: units must not share \
				 data, and every element must be written by one work-item"
			),
		}
	}
}
