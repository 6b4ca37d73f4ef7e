//! The gate: what a program must be before any device sees it.
//!
//! The source is preprocessed and compiled by one pinned compiler, in a sandbox, to unoptimised LLVM IR
//! for an abstract device. The preprocessed text and the IR are checked against the [`Rule`]s; what is
//! admitted is that text, and only that text reaches a device's compiler. A verdict depends on nothing
//! but the job, so that every machine comes to the same one.

mod compiler;
mod ir;
mod rules;
mod text;

pub use compiler::Compiler;
pub use rules::{Refusal, Rule};

use std::collections::{BTreeMap, BTreeSet};

use ogpu_primitives::job::{Job, Profile};

use crate::prelude;

/// A program that devices may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
	/// The text for the device's compiler.
	pub text: String,
	/// Instructions, before optimisation.
	pub instructions: usize,
	/// For each kernel that a step names: private bytes of a work-item, local bytes of a work-group.
	pub kernels: BTreeMap<String, (u64, u64)>,
}

/// Why a program was not admitted.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
	/// It breaks rules: the job's own fault.
	#[error("{}", list(.0))]
	Refused(Vec<Refusal>),
	/// The gate could not do its work: this machine's fault.
	#[error("the program could not be checked: {0}")]
	Host(String),
}

fn list(refusals: &[Refusal]) -> String {
	refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Checks the program `source` of a valid `job`.
///
/// # Errors
///
/// Every rule that it breaks, with lines; or that this machine could not tell.
pub fn admit(compiler: &Compiler, job: &Job, source: &str) -> Result<Admitted, GateError> {
	let before = prelude::before(job);
	let preprocessed = compiler.preprocess(&before, source)?;
	let text = text::read(&preprocessed, floats(job));
	if !text.refusals.is_empty() {
		return Err(GateError::Refused(text.refusals));
	}
	let head = format!("{}{}", head(job), text.undefine);
	let ir = compiler.compile(&format!("{head}{}", text.marked))?;
	let host: BTreeSet<String> = functions_of(&before);
	let facts = ir::check(job, &ir::Module::read(&ir), &host).map_err(GateError::Refused)?;
	Ok(Admitted {
		text: format!("{head}{}", text.plain),
		instructions: facts.instructions,
		kernels: facts.kernels,
	})
}

/// Pragmas before the text: no contraction, and double precision where it was declared.
fn head(job: &Job) -> String {
	let mut head = String::new();
	if job.profile != Profile::ExactInt {
		head.push_str("#pragma OPENCL FP_CONTRACT OFF\n");
	}
	if job.resources.fp64 {
		head.push_str("#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n");
	}
	head
}

/// What floating point the program of a job may spell out.
fn floats(job: &Job) -> text::Floats {
	match job.profile {
		Profile::ExactInt => text::Floats::None,
		_ if job.resources.fp64 => text::Floats::Double,
		_ => text::Floats::Single,
	}
}

/// The functions that our own text defines. They are all `static`, at the start of a line.
fn functions_of(before: &str) -> BTreeSet<String> {
	let definitions = before.lines().filter(|line| line.starts_with("static "));
	definitions
		.filter_map(|line| line.split('(').next()?.split_whitespace().next_back())
		.map(str::to_owned)
		.collect()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn our_functions_are_known() {
		let ours = functions_of(prelude::text(ogpu_primitives::job::Prelude::Dm1));
		for name in ["dm_exp", "dm_reduce_angle", "dm_softmax", "dm_pow"] {
			assert!(ours.contains(name), "{name}");
		}
		assert!(functions_of(prelude::FRAME).contains("ogpu_get_group_id"));
	}
}
