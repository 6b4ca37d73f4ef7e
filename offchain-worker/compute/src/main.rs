//! `ogpu-compute`: runs one job, or a part of one, on one OpenCL device, and ends.
//!
//! It is started by the executor in a sandbox; see the library of this crate for what they say.

mod buffers;
mod device;
mod devices;
mod failure;
mod iterative;
mod kernels;
mod nan;
mod parallel;
mod results;
mod run;

use std::{
	fs::File,
	io::{self, stdin},
	os::fd::AsFd,
	process::ExitCode,
	sync::{Arc, Mutex},
};

use ogpu_compute::{Assignment, Failure, Report, read_frame, write_frame};

/// Where reports go. Threads share it.
#[derive(Clone)]
pub(crate) struct Reports(Arc<Mutex<File>>);

impl Reports {
	/// Takes standard output for reports, and leaves standard error to drivers that print.
	fn take_stdout() -> io::Result<Self> {
		Ok(Self(Arc::new(Mutex::new(File::from(io::stdout().as_fd().try_clone_to_owned()?)))))
	}

	/// Sends one report. When nobody reads any more, nothing is left to be done, and the process ends.
	pub(crate) fn send(&self, report: &Report) {
		let sent = self.0.lock().is_ok_and(|mut pipe| write_frame(&mut *pipe, report).is_ok());
		if !sent {
			std::process::exit(1);
		}
	}
}

fn main() -> ExitCode {
	let reports = match Reports::take_stdout() {
		Ok(reports) => reports,
		Err(error) => {
			eprintln!("ogpu-compute: no standard output: {error}");
			return ExitCode::from(2);
		}
	};
	let result = match read_frame(&mut stdin().lock()) {
		Ok(Some(Assignment::Devices)) => devices::list().map(Report::Devices),
		Ok(Some(Assignment::Run(run))) => run::run(&run, &reports).map(Report::Done),
		Ok(None) => Err(failure::Stop::host("no assignment")),
		Err(error) => Err(failure::Stop::host(format!("the assignment: {error}"))),
	};
	match result {
		Ok(report) => reports.send(&report),
		Err(failure::Stop(failure)) => {
			let code = if matches!(failure, Failure::Job(_)) { 3 } else { 4 };
			reports.send(&Report::Failed(failure));
			return ExitCode::from(code);
		}
	}
	ExitCode::SUCCESS
}
