//! What stands before every program, and the published preludes.
//!
//! Text that is published never changes: results of old jobs must stay reproducible. A test holds the
//! hash of each.

pub mod reference;

use std::fmt::Write;

use ogpu_primitives::job::{Job, Prelude, Shape};

/// Ids and conversions, before every program.
pub(crate) const FRAME: &str = include_str!("../../prelude/frame-1.cl");

/// The text of a prelude.
pub const fn text(prelude: Prelude) -> &'static str {
	match prelude {
		Prelude::Dm1 => include_str!("../../prelude/dm-1.cl"),
	}
}

/// The name of a prelude.
pub const fn name(prelude: Prelude) -> &'static str {
	match prelude {
		Prelude::Dm1 => "dm-1",
	}
}

/// All that stands before the program of `job`.
///
/// A launch of a data-parallel job may hold only some of its units; then the sizes of the whole are
/// constants, if all steps have the same. If they differ, the gate refuses to be asked for them.
pub(crate) fn before(job: &Job) -> String {
	let mut all = FRAME.to_owned();
	let same = job
		.steps
		.iter()
		.all(|step| step.global == job.steps[0].global && step.local == job.steps[0].local);
	if matches!(job.shape, Shape::DataParallel { .. }) && same {
		let sizes = |name: &str, size: &dyn Fn(usize) -> u32| {
			format!(
				"static size_t ogpu_{name}(uint d) {{ return d == 0u ? {}u : d == 1u ? {}u : d == 2u ? {}u : 1u; }}\n\
				 #define {name}(dimension) ogpu_{name}(dimension)\n",
				size(0),
				size(1),
				size(2),
			)
		};
		let step = &job.steps[0];
		let global = |dimension: usize| step.global.get(dimension).copied().unwrap_or(1);
		let groups =
			|dimension: usize| global(dimension) / step.local.get(dimension).copied().unwrap_or(1);
		let _ = write!(
			all,
			"{}{}",
			sizes("get_global_size", &global),
			sizes("get_num_groups", &groups)
		);
	}
	if let Some(prelude) = job.program.prelude {
		all.push_str(text(prelude));
	}
	all
}

#[cfg(test)]
mod tests {
	use super::*;

	/// If this fails, a published text was changed. Publish a new version instead.
	#[test]
	fn published_texts_never_change() {
		let hash = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
		assert_eq!(hash(FRAME), "3bced24b6a893d7661e817f17e428123d3956e25cde51489de1a201cf0e0fa0e");
		assert_eq!(
			hash(text(Prelude::Dm1)),
			"aeee83948443dda719cd5c3a94e88e95e50bbce28b2b7ff8963130d1a21ef147"
		);
	}
}
