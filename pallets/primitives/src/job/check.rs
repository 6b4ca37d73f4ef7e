//! Everything that can be wrong with a job.

use alloc::vec::Vec;
use core::fmt;

use super::*;

/// Where in a job something is wrong. Indices count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
	/// `version`
	Version,
	/// `metadata.name`
	JobName,
	/// `profile`
	Profile,
	/// `program.source`
	Source,
	/// `program.prelude`
	Prelude,
	/// `buffers`
	Buffers,
	/// A buffer as such
	Buffer(u8),
	/// A field of a buffer
	BufferField(u8, &'static str),
	/// `steps`
	Steps,
	/// A step as such
	Step(u8),
	/// A field of a step
	StepField(u8, &'static str),
	/// An argument of a step
	Arg(u8, u8),
	/// `unit.groups`
	UnitGroups,
	/// A field of `iterations`
	Iterations(&'static str),
	/// `resources.memory`
	Memory,
	/// `resources.fp64`
	Fp64,
	/// A field of `timeouts`
	Timeouts(&'static str),
}

impl fmt::Display for Place {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Version => f.write_str("version"),
			Self::JobName => f.write_str("metadata.name"),
			Self::Profile => f.write_str("profile"),
			Self::Source => f.write_str("program.source"),
			Self::Prelude => f.write_str("program.prelude"),
			Self::Buffers => f.write_str("buffers"),
			Self::Buffer(buffer) => write!(f, "buffers[{buffer}]"),
			Self::BufferField(buffer, field) => write!(f, "buffers[{buffer}].{field}"),
			Self::Steps => f.write_str("steps"),
			Self::Step(step) => write!(f, "steps[{step}]"),
			Self::StepField(step, field) => write!(f, "steps[{step}].{field}"),
			Self::Arg(step, arg) => write!(f, "steps[{step}].args[{arg}]"),
			Self::UnitGroups => f.write_str("unit.groups"),
			Self::Iterations(field) => write!(f, "iterations.{field}"),
			Self::Memory => f.write_str("resources.memory"),
			Self::Fp64 => f.write_str("resources.fp64"),
			Self::Timeouts(field) => write!(f, "timeouts.{field}"),
		}
	}
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
	/// Another version of the format.
	UnknownVersion(u16),
	/// A name with other characters than names have.
	BadName,
	/// Two buffers of one name.
	NameTaken,
	/// Less or more than is allowed.
	OutOfRange {
		/// What was given.
		given: u64,
		/// The least that is allowed.
		least: u64,
		/// The most that is allowed.
		most: u64,
	},
	/// The profile `prelude-f32` without a prelude.
	PreludeMissing,
	/// A prelude with a profile that has none.
	PreludeUnused,
	/// Floating point in an integer job.
	FloatInExactInt,
	/// `f64` without `resources.fp64`.
	Fp64NotDeclared,
	/// No output and no state.
	NoResult,
	/// No step.
	NoSteps,
	/// A state in a data-parallel job.
	StateNeedsIterations,
	/// An iterative job without a state.
	IterationsNeedState,
	/// An initial value for a buffer that starts with zeros.
	InitNotAllowed,
	/// An input without a source.
	InputNeedsSource,
	/// A buffer that no step uses.
	UnusedBuffer,
	/// An argument that names no buffer.
	NoSuchBuffer(u8),
	/// A written buffer that is bound twice in one step.
	BoundTwice,
	/// An iteration index outside an iterative job.
	NoIterations,
	/// `global` and `local` of different length.
	DimensionsDiffer,
	/// `global` is not a multiple of `local`.
	NotAMultiple {
		/// The size in work-items.
		global: u32,
		/// The size of a work-group.
		local: u32,
	},
	/// The work-groups along the last dimension do not fall into units.
	GroupsNotWhole {
		/// Work-groups along the last dimension.
		groups: u32,
		/// Work-groups of a unit.
		unit: u32,
	},
	/// A step that falls into another number of units than the first.
	OtherUnits {
		/// Units of this step.
		here: u32,
		/// Units of the first step.
		first: u32,
	},
	/// A buffer whose length does not divide by the number of units.
	LengthNotWhole {
		/// Elements of the buffer.
		len: u64,
		/// Units of the job.
		units: u32,
	},
	/// `checkpoint_every` does not divide `count`.
	CheckpointsNotWhole,
	/// More memory is used than declared.
	MemoryTooSmall {
		/// What the buffers take, in bytes.
		needed: u64,
	},
}

impl fmt::Display for Fault {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::UnknownVersion(version) => {
				write!(f, "version {version} is not known; this is version {VERSION}")
			}
			Self::BadName => {
				f.write_str("names have 1 to 64 letters, digits and _, and start with no digit")
			}
			Self::NameTaken => f.write_str("another buffer has this name"),
			Self::OutOfRange { given, least, most } if given < least => {
				write!(f, "{given} is too small; the least is {least} and the most {most}")
			}
			Self::OutOfRange { given, least, most } => {
				write!(f, "{given} is too large; the least is {least} and the most {most}")
			}
			Self::PreludeMissing => {
				f.write_str("the profile prelude-f32 needs a prelude, such as dm-1")
			}
			Self::PreludeUnused => {
				f.write_str("a prelude goes with the profiles prelude-f32 and redundant only")
			}
			Self::FloatInExactInt => f.write_str("the profile exact-int has no floating point"),
			Self::Fp64NotDeclared => f.write_str("f64 is used; say so with resources.fp64: true"),
			Self::NoResult => f.write_str("a job needs a buffer with the role output or state"),
			Self::NoSteps => f.write_str("a job needs at least one step"),
			Self::StateNeedsIterations => {
				f.write_str("a state belongs to an iterative job; add iterations")
			}
			Self::IterationsNeedState => {
				f.write_str("an iterative job needs a buffer with the role state")
			}
			Self::InitNotAllowed => f.write_str("outputs and temporary buffers start with zeros"),
			Self::InputNeedsSource => f.write_str("an input needs a source"),
			Self::UnusedBuffer => f.write_str("no step uses this buffer"),
			Self::NoSuchBuffer(buffer) => write!(f, "there is no buffer {buffer}"),
			Self::BoundTwice => {
				f.write_str("a buffer that may be written is bound twice in this step")
			}
			Self::NoIterations => f.write_str("there is no iteration index in a data-parallel job"),
			Self::DimensionsDiffer => {
				f.write_str("global and local have different numbers of dimensions")
			}
			Self::NotAMultiple { global, local } => {
				write!(f, "global size {global} is no multiple of local size {local}")
			}
			Self::GroupsNotWhole { groups, unit } => {
				write!(
					f,
					"{groups} work-groups along the last dimension do not fall into units of {unit}"
				)
			}
			Self::OtherUnits { here, first } => {
				write!(f, "this step falls into {here} units, the first one into {first}")
			}
			Self::LengthNotWhole { len, units } => {
				write!(f, "{len} elements do not divide among {units} units")
			}
			Self::CheckpointsNotWhole => f.write_str("checkpoint_every does not divide count"),
			Self::MemoryTooSmall { needed } => write!(f, "the buffers take {needed} bytes"),
		}
	}
}

/// One thing that is wrong with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
	/// Where.
	pub place: Place,
	/// What.
	pub fault: Fault,
}

impl fmt::Display for Invalid {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}: {}", self.place, self.fault)
	}
}

impl core::error::Error for Invalid {}

#[derive(Default)]
struct Faults(Vec<Invalid>);

impl Faults {
	fn add(&mut self, place: Place, fault: Fault) {
		self.0.push(Invalid { place, fault });
	}

	fn require(&mut self, holds: bool, place: Place, fault: Fault) {
		if !holds {
			self.add(place, fault);
		}
	}

	/// Adds a fault, and returns false, if `given` is out of range.
	fn within(&mut self, place: Place, given: u64, least: u64, most: u64) -> bool {
		let holds = (least..=most).contains(&given);
		self.require(holds, place, Fault::OutOfRange { given, least, most });
		holds
	}
}

fn is_identifier(name: &[u8]) -> bool {
	name.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
		&& name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn is_job_name(name: &[u8]) -> bool {
	!name.is_empty()
		&& name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
}

pub(super) fn check(job: &Job) -> Vec<Invalid> {
	let mut faults = Faults::default();
	head(job, &mut faults);
	let steps_sound = steps(job, &mut faults);
	let shape_sound = shape(job, steps_sound, &mut faults);
	buffers(job, shape_sound, &mut faults);
	faults.0.sort_by_key(|invalid| invalid.place);
	faults.0
}

fn head(job: &Job, faults: &mut Faults) {
	faults.require(job.version == VERSION, Place::Version, Fault::UnknownVersion(job.version));
	faults.require(is_job_name(job.name.bytes()), Place::JobName, Fault::BadName);
	faults.within(Place::Source, job.program.source_len.into(), 1, MAX_SOURCE.into());
	match (job.profile, job.program.prelude) {
		(Profile::PreludeF32, None) => faults.add(Place::Prelude, Fault::PreludeMissing),
		(Profile::ExactInt | Profile::FmaF32, Some(_)) => {
			faults.add(Place::Prelude, Fault::PreludeUnused)
		}
		_ => {}
	}
	faults.within(Place::Memory, job.resources.memory, 1, MAX_MEMORY);
	if job.profile == Profile::ExactInt && job.resources.fp64 {
		faults.add(Place::Fp64, Fault::FloatInExactInt);
	}
	let Timeouts { build_ms, step_ms, total_ms } = job.timeouts;
	faults.within(Place::Timeouts("build"), build_ms.into(), 1, MAX_BUILD_MS.into());
	faults.within(Place::Timeouts("step"), step_ms.into(), 1, MAX_STEP_MS.into());
	faults.within(Place::Timeouts("total"), total_ms.into(), 1, MAX_TOTAL_MS.into());
}

fn element(job: &Job, element: Element, place: Place, faults: &mut Faults) {
	if job.profile == Profile::ExactInt && element.is_float() {
		faults.add(place, Fault::FloatInExactInt);
	} else if element == Element::F64 && !job.resources.fp64 {
		faults.add(place, Fault::Fp64NotDeclared);
	}
}

/// Checks the steps; true if their index spaces are sound.
fn steps(job: &Job, faults: &mut Faults) -> bool {
	faults.require(!job.steps.is_empty(), Place::Steps, Fault::NoSteps);
	let mut sound = !job.steps.is_empty();
	for (at, step) in (0u8..).zip(&job.steps) {
		faults.require(
			is_identifier(step.kernel.bytes()),
			Place::StepField(at, "kernel"),
			Fault::BadName,
		);
		sound &= index_space(at, step, faults);
		args(job, at, step, faults);
	}
	sound
}

fn index_space(at: u8, step: &Step, faults: &mut Faults) -> bool {
	let global = Place::StepField(at, "global");
	let local = Place::StepField(at, "local");
	let before = faults.0.len();
	if faults.within(global, step.global.len() as u64, 1, 3)
		&& step.global.len() != step.local.len()
	{
		faults.add(local, Fault::DimensionsDiffer);
	}
	for (items, group) in step.global.iter().zip(&step.local) {
		let sound = faults.within(local, (*group).into(), 1, MAX_GROUP.into())
			&& faults.within(global, (*items).into(), 1, 1 << 31);
		if sound && items % group != 0 {
			faults.add(global, Fault::NotAMultiple { global: *items, local: *group });
		}
	}
	if faults.0.len() == before {
		let volume = |sizes: &Sizes| {
			sizes.iter().fold(1u64, |volume, size| volume.saturating_mul((*size).into()))
		};
		faults.within(global, volume(&step.global), 1, MAX_WORK_ITEMS);
		faults.within(local, volume(&step.local), 1, MAX_GROUP.into());
	}
	faults.0.len() == before
}

fn args(job: &Job, at: u8, step: &Step, faults: &mut Faults) {
	let mut local_memory = 0u64;
	for (index, arg) in (0u8..).zip(&step.args) {
		let place = Place::Arg(at, index);
		match arg {
			Arg::Buffer(buffer) => match job.buffers.get(usize::from(*buffer)) {
				None => faults.add(place, Fault::NoSuchBuffer(*buffer)),
				Some(bound) => {
					let again = step.args.iter().take(index.into()).any(|earlier| earlier == arg);
					faults.require(!again || bound.role == Role::Input, place, Fault::BoundTwice);
				}
			},
			Arg::Scalar(scalar) => element(job, scalar.element(), place, faults),
			Arg::Local { element: of, len } => {
				element(job, *of, place, faults);
				faults.within(place, (*len).into(), 1, MAX_LOCAL_MEMORY.into());
				local_memory += u64::from(*len) * of.size();
			}
			Arg::Iteration => {
				let iterative = matches!(job.shape, Shape::Iterative { .. });
				faults.require(iterative, place, Fault::NoIterations);
			}
		}
	}
	faults.within(Place::StepField(at, "args"), local_memory, 0, MAX_LOCAL_MEMORY.into());
}

/// Checks how the job falls into units; true if the number of units can be relied on.
fn shape(job: &Job, steps_sound: bool, faults: &mut Faults) -> bool {
	let before = faults.0.len();
	match job.shape {
		Shape::Iterative { count, checkpoint_every } => {
			if faults.within(Place::Iterations("count"), count.into(), 1, u32::MAX.into())
				&& faults.within(
					Place::Iterations("checkpoint_every"),
					checkpoint_every.into(),
					1,
					count.into(),
				) {
				let whole = count % checkpoint_every == 0;
				faults.require(
					whole,
					Place::Iterations("checkpoint_every"),
					Fault::CheckpointsNotWhole,
				);
				let units = u64::from(count / checkpoint_every);
				faults.within(Place::Iterations("checkpoint_every"), units, 1, MAX_UNITS.into());
			}
		}
		Shape::DataParallel { groups: unit } => {
			faults.within(Place::UnitGroups, unit.into(), 1, u32::MAX.into());
			if !steps_sound || unit == 0 {
				return false;
			}
			let first = job.count_units();
			for (at, step) in (0u8..).zip(&job.steps) {
				let groups = step
					.global
					.last()
					.zip(step.local.last())
					.map_or(0, |(global, local)| global / local);
				if groups % unit != 0 {
					faults.add(
						Place::StepField(at, "global"),
						Fault::GroupsNotWhole { groups, unit },
					);
				} else if groups / unit != first {
					let here = groups / unit;
					faults.add(Place::StepField(at, "global"), Fault::OtherUnits { here, first });
				}
			}
			faults.within(Place::UnitGroups, first.into(), 1, MAX_UNITS.into());
		}
	}
	if faults.0.len() == before {
		faults.within(Place::Steps, job.launches(), 1, MAX_LAUNCHES);
	}
	faults.0.len() == before
}

fn buffers(job: &Job, shape_sound: bool, faults: &mut Faults) {
	let iterative = matches!(job.shape, Shape::Iterative { .. });
	let has = |role| job.buffers.iter().any(|buffer| buffer.role == role);
	faults.require(has(Role::Output) || has(Role::State), Place::Buffers, Fault::NoResult);
	faults.require(!iterative || has(Role::State), Place::Buffers, Fault::IterationsNeedState);
	let units = job.count_units();
	let mut memory = 0u64;
	for (at, buffer) in (0u8..).zip(&job.buffers) {
		let field = |name| Place::BufferField(at, name);
		faults.require(is_identifier(buffer.name.bytes()), field("name"), Fault::BadName);
		let taken = job.buffers.iter().take(at.into()).any(|earlier| earlier.name == buffer.name);
		faults.require(!taken, field("name"), Fault::NameTaken);
		element(job, buffer.element, field("type"), faults);
		let most = MAX_MEMORY / buffer.element.size();
		if faults.within(field("len"), buffer.len, 1, most) {
			memory = memory.saturating_add(buffer.len * buffer.element.size());
			let sliced = !iterative && matches!(buffer.role, Role::Output | Role::Temp);
			if sliced && shape_sound && buffer.len % u64::from(units) != 0 {
				faults.add(field("len"), Fault::LengthNotWhole { len: buffer.len, units });
			}
		}
		match (buffer.role, buffer.init) {
			(Role::Input, Init::Zero) => faults.add(field("source"), Fault::InputNeedsSource),
			(Role::Output | Role::Temp, Init::Blob(_)) => {
				faults.add(field("source"), Fault::InitNotAllowed)
			}
			_ => {}
		}
		faults.require(
			buffer.role != Role::State || iterative,
			field("role"),
			Fault::StateNeedsIterations,
		);
		let used = job.steps.iter().any(|step| step.args.contains(&Arg::Buffer(at)));
		faults.require(used, Place::Buffer(at), Fault::UnusedBuffer);
	}
	faults.require(
		memory <= job.resources.memory,
		Place::Memory,
		Fault::MemoryTooSmall { needed: memory },
	);
}
