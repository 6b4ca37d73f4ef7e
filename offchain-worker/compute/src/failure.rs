//! Why a run stops.

use ogpu_compute::{Failure, JobFault};

/// What ends a run early.
#[derive(Debug)]
pub(crate) struct Stop(pub(crate) Failure);

impl Stop {
	pub(crate) fn host(why: impl Into<String>) -> Self {
		Self(Failure::Host(why.into()))
	}
}

impl From<JobFault> for Stop {
	fn from(fault: JobFault) -> Self {
		Self(Failure::Job(fault))
	}
}

impl From<ocl::core::Error> for Stop {
	fn from(error: ocl::core::Error) -> Self {
		// The text is a box of several lines with a link in it.
		let text = error.to_string();
		let said = text.lines().map(str::trim).filter(|line| {
			!(line.is_empty()
				|| line.starts_with('#')
				|| line.starts_with("Please visit")
				|| line.starts_with("http"))
		});
		Self::host(format!("OpenCL: {}", said.collect::<Vec<_>>().join(" ")))
	}
}
