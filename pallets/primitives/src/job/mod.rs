//! The job format: what a client wants computed, as every party reads it.
//!
//! People write a job as a YAML manifest; its SCALE form here is what is hashed, sent and run. The
//! BLAKE2b-256 hash of that form is the job hash. A job names a program by its hash, the buffers it
//! works on, and the kernel launches (steps) that make it up.
//!
//! A job has one of two [`Shape`]s, by which it falls into *units*, the smallest parts that can be
//! recomputed alone:
//!
//! - data parallel: a unit is a range of work-groups along the last dimension, of every step; it writes
//!   its own slice of each output;
//! - iterative: the steps are repeated; a unit is a segment of `checkpoint_every` iterations, and its
//!   result is the whole state after it.
//!
//! [`Job::plan`] checks a job and computes its units, slices, memory and launches.

mod check;
mod plan;

pub use check::{Fault, Invalid, Place};
pub use plan::{Plan, Slice};

use alloc::string::String;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::merkle::{Blake2, Hash, Hasher};

/// The version of the format described here.
pub const VERSION: u16 = 1;
/// The longest program source, in bytes.
pub const MAX_SOURCE: u32 = 256 * 1024;
/// The longest name of a job, a buffer or a kernel, in bytes.
pub const MAX_NAME: u32 = 64;
/// The most buffers of a job.
pub const MAX_BUFFERS: u32 = 32;
/// The most steps of a job.
pub const MAX_STEPS: u32 = 32;
/// The most arguments of a kernel.
pub const MAX_ARGS: u32 = 32;
/// The most units of a job.
pub const MAX_UNITS: u32 = 65_536;
/// The most kernel launches of a whole job.
pub const MAX_LAUNCHES: u64 = 1 << 24;
/// The most work-items of a step.
pub const MAX_WORK_ITEMS: u64 = 1 << 40;
/// The most work-items of a work-group: what every OpenCL device in the field can run.
pub const MAX_GROUP: u32 = 256;
/// The most local memory of a work-group, in bytes, arguments and declared arrays together.
pub const MAX_LOCAL_MEMORY: u32 = 32 * 1024;
/// The most memory that a job may declare, in bytes.
pub const MAX_MEMORY: u64 = 1 << 40;
/// The longest time a build may take, in milliseconds.
pub const MAX_BUILD_MS: u32 = 60_000;
/// The longest time one step of one unit may take, in milliseconds.
pub const MAX_STEP_MS: u32 = 60_000;
/// The longest time a job may take, in milliseconds: seven days.
pub const MAX_TOTAL_MS: u32 = 7 * 24 * 60 * 60 * 1000;

/// The BLAKE3 hash of some bytes, by which they are stored and fetched.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct BlobId(pub Hash);

impl BlobId {
	/// The name of these bytes.
	pub fn of(bytes: &[u8]) -> Self {
		Self(*blake3::hash(bytes).as_bytes())
	}
}

impl core::fmt::Display for BlobId {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
	}
}

impl core::fmt::Debug for BlobId {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		write!(f, "{self}")
	}
}

/// A name: 1 to 64 bytes, a letter or `_` first, then letters, digits and `_`. (The name of a job may
/// also hold `-` and `.`.)
#[derive(Clone, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Name(BoundedVec<u8, ConstU32<MAX_NAME>>);

impl Name {
	/// A name, if `text` is not too long for one; [`Job::plan`] checks its characters.
	pub fn new(text: &str) -> Option<Self> {
		BoundedVec::try_from(text.as_bytes().to_vec()).ok().map(Self)
	}

	/// The name as text; bytes that are not UTF-8 are replaced.
	pub fn text(&self) -> String {
		String::from_utf8_lossy(&self.0).into_owned()
	}

	/// The bytes of the name.
	pub fn bytes(&self) -> &[u8] {
		&self.0
	}
}

impl core::fmt::Debug for Name {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		write!(f, "{:?}", self.text())
	}
}

/// What arithmetic a job may use, and so how its result is verified.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Profile {
	/// Integers only. Exact on every device.
	#[codec(index = 0)]
	ExactInt,
	/// Floating point by the operations that IEEE 754 rounds correctly: `+ - * /`, `fma`, `sqrt`.
	#[codec(index = 1)]
	FmaF32,
	/// As `FmaF32`, with the functions of a published prelude.
	#[codec(index = 2)]
	PreludeF32,
	/// Anything OpenCL offers; whole results are compared, and no claim is made about bits.
	#[codec(index = 3)]
	Redundant,
}

/// A published library of functions that give the same bits everywhere. It never changes.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Prelude {
	/// `dm-1`: deterministic mathematics, version 1.
	#[codec(index = 0)]
	Dm1,
}

impl Prelude {
	/// All that a job may ask for.
	pub const ALL: [Self; 1] = [Self::Dm1];
}

/// The program of a job.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Program {
	/// The OpenCL C source, before preprocessing.
	pub source: BlobId,
	/// Its length in bytes, at most [`MAX_SOURCE`].
	pub source_len: u32,
	/// The prelude that it is compiled with.
	pub prelude: Option<Prelude>,
}

/// The type of a buffer's elements, little endian in files.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Element {
	/// `char`
	#[codec(index = 0)]
	I8,
	/// `uchar`
	#[codec(index = 1)]
	U8,
	/// `short`
	#[codec(index = 2)]
	I16,
	/// `ushort`
	#[codec(index = 3)]
	U16,
	/// `int`
	#[codec(index = 4)]
	I32,
	/// `uint`
	#[codec(index = 5)]
	U32,
	/// `long`
	#[codec(index = 6)]
	I64,
	/// `ulong`
	#[codec(index = 7)]
	U64,
	/// `float`
	#[codec(index = 8)]
	F32,
	/// `double`
	#[codec(index = 9)]
	F64,
}

impl Element {
	/// Every element type with its name in manifests and in OpenCL C.
	pub const ALL: [(Self, &'static str, &'static str); 10] = [
		(Self::I8, "i8", "char"),
		(Self::U8, "u8", "uchar"),
		(Self::I16, "i16", "short"),
		(Self::U16, "u16", "ushort"),
		(Self::I32, "i32", "int"),
		(Self::U32, "u32", "uint"),
		(Self::I64, "i64", "long"),
		(Self::U64, "u64", "ulong"),
		(Self::F32, "f32", "float"),
		(Self::F64, "f64", "double"),
	];

	/// Its size in bytes.
	pub const fn size(self) -> u64 {
		match self {
			Self::I8 | Self::U8 => 1,
			Self::I16 | Self::U16 => 2,
			Self::I32 | Self::U32 | Self::F32 => 4,
			Self::I64 | Self::U64 | Self::F64 => 8,
		}
	}

	/// Whether it is a floating-point type.
	pub const fn is_float(self) -> bool {
		matches!(self, Self::F32 | Self::F64)
	}

	/// Its name in manifests.
	pub fn name(self) -> &'static str {
		Self::ALL[self as usize].1
	}

	/// Its name in OpenCL C.
	pub fn opencl(self) -> &'static str {
		Self::ALL[self as usize].2
	}
}

/// What a buffer is for.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Role {
	/// Read only; filled before the first step.
	#[codec(index = 0)]
	Input,
	/// The result. Zero at the start of each unit, which in a data-parallel job owns one slice of it.
	#[codec(index = 1)]
	Output,
	/// Carried from one segment of an iterative job to the next; its result, and its checkpoint.
	#[codec(index = 2)]
	State,
	/// Scratch. Zero at the start of each unit, never part of a result, sliced as an output is.
	#[codec(index = 3)]
	Temp,
}

/// What is in a buffer at the start.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Init {
	/// Zeros.
	#[codec(index = 0)]
	Zero,
	/// The bytes of a blob, which has exactly the buffer's length.
	#[codec(index = 1)]
	Blob(BlobId),
}

/// One buffer in global memory.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Buffer {
	/// Its name, by which people and output files call it.
	pub name: Name,
	/// What it is for.
	pub role: Role,
	/// The type of its elements.
	pub element: Element,
	/// How many elements it has.
	pub len: u64,
	/// What is in it at the start.
	pub init: Init,
}

/// A scalar argument. Floating-point numbers are held as their bits.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Scalar {
	/// `int`
	#[codec(index = 0)]
	I32(i32),
	/// `uint`
	#[codec(index = 1)]
	U32(u32),
	/// `long`
	#[codec(index = 2)]
	I64(i64),
	/// `ulong`
	#[codec(index = 3)]
	U64(u64),
	/// `float`, as its bits
	#[codec(index = 4)]
	F32(u32),
	/// `double`, as its bits
	#[codec(index = 5)]
	F64(u64),
}

impl Scalar {
	/// The type of the scalar.
	pub const fn element(self) -> Element {
		match self {
			Self::I32(_) => Element::I32,
			Self::U32(_) => Element::U32,
			Self::I64(_) => Element::I64,
			Self::U64(_) => Element::U64,
			Self::F32(_) => Element::F32,
			Self::F64(_) => Element::F64,
		}
	}
}

/// One argument of a kernel.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Arg {
	/// The buffer with this index.
	#[codec(index = 0)]
	Buffer(u8),
	/// A number.
	#[codec(index = 1)]
	Scalar(Scalar),
	/// Local memory for this many elements, zero at the start of nothing: kernels initialise it.
	#[codec(index = 2)]
	Local {
		/// The type of its elements.
		element: Element,
		/// How many elements it has.
		len: u32,
	},
	/// The index of the iteration, from 0, as a `uint` (iterative jobs only).
	#[codec(index = 3)]
	Iteration,
}

/// A list of up to three sizes, one for each dimension of an index space.
pub type Sizes = BoundedVec<u32, ConstU32<3>>;

/// One kernel launch.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Step {
	/// The kernel's name.
	pub kernel: Name,
	/// Its arguments, in order.
	pub args: BoundedVec<Arg, ConstU32<MAX_ARGS>>,
	/// Work-items in each dimension.
	pub global: Sizes,
	/// Work-items of a work-group in each dimension.
	pub local: Sizes,
}

/// How a job falls into units.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Shape {
	/// A unit is `groups` work-groups along the last dimension of every step.
	#[codec(index = 0)]
	DataParallel {
		/// Work-groups of a unit along the last dimension.
		groups: u32,
	},
	/// All steps are repeated; a unit is `checkpoint_every` repetitions.
	#[codec(index = 1)]
	Iterative {
		/// Repetitions in all.
		count: u32,
		/// Repetitions in a segment; divides `count`.
		checkpoint_every: u32,
	},
}

/// What a job needs of a device.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Resources {
	/// Global memory in bytes; at least what the buffers take.
	pub memory: u64,
	/// Whether double precision is needed.
	pub fp64: bool,
}

/// Bounds in time, in milliseconds. They protect an operator and are evidence of nothing.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Timeouts {
	/// For building the program.
	pub build_ms: u32,
	/// For one step of one unit.
	pub step_ms: u32,
	/// For the job.
	pub total_ms: u32,
}

/// A job, whole.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Job {
	/// The version of this format, [`VERSION`].
	pub version: u16,
	/// What people call the job.
	pub name: Name,
	/// What arithmetic it uses.
	pub profile: Profile,
	/// Its program.
	pub program: Program,
	/// Its buffers.
	pub buffers: BoundedVec<Buffer, ConstU32<MAX_BUFFERS>>,
	/// Its kernel launches, in order.
	pub steps: BoundedVec<Step, ConstU32<MAX_STEPS>>,
	/// How it falls into units.
	pub shape: Shape,
	/// What it needs.
	pub resources: Resources,
	/// How long it may take.
	pub timeouts: Timeouts,
}

impl Job {
	/// The job hash: BLAKE2b-256 of the SCALE form.
	pub fn hash(&self) -> Hash {
		self.using_encoded(Blake2::hash)
	}
}
