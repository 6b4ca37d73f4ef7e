//! The command line.

mod check;
mod device;
mod picture;
mod run;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use ogpu_worker::{Tools, run::Limits};
use tracing_subscriber::EnvFilter;

/// Exit codes, the same for every command.
pub(crate) mod code {
	/// The command line, or a file that it names, is wrong.
	pub(crate) const USAGE: u8 = 2;
	/// The job is at fault.
	pub(crate) const JOB: u8 = 3;
	/// This machine is at fault.
	pub(crate) const HOST: u8 = 4;
}

/// Checks, runs and hashes OpenCL jobs in a sandbox.
#[derive(Parser)]
#[command(name = "ogpu-worker", version, arg_required_else_help = true)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Shows what a manifest would run, and everything that is wrong with it.
	Check(check::Check),
	/// Runs a job on this machine and writes its results to a folder.
	Run(run::Run),
	/// Lists the OpenCL devices of this machine and what they can do.
	Devices(device::Devices),
	/// Sees whether each device computes what it must.
	Selftest(device::Selftest),
	/// Serves the HTTP interface until it is told to end.
	Serve(serve::Serve),
	/// Writes a result as a picture in PNG.
	Picture(picture::Picture),
	/// Rates each device in integers, fused multiply-adds and memory.
	Bench(device::Bench),
}

/// What every command that runs something takes.
#[derive(Args, Clone)]
pub(crate) struct Common {
	/// Run even where this machine cannot put up every wall of the sandbox. For jobs of your own only.
	#[arg(long)]
	insecure: bool,
	/// Threads for CPU devices and for hashing [default: all].
	#[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
	compute_threads: Option<u32>,
	/// How far to stand back behind other programs, 0 to 19.
	#[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=19))]
	nice: u8,
}

impl Common {
	pub(crate) fn tools(&self) -> Result<Tools, Trouble> {
		Tools::find(self.insecure).map_err(|error| Trouble::host(error.to_string()))
	}

	pub(crate) fn limits(&self) -> Limits {
		let default = Limits::default();
		Limits { threads: self.compute_threads.unwrap_or(default.threads), nice: self.nice }
	}
}

/// What ends a command: an exit code and what to say.
pub(crate) struct Trouble {
	code: u8,
	message: String,
}

impl Trouble {
	pub(crate) fn job(message: impl Into<String>) -> Self {
		Self { code: code::JOB, message: message.into() }
	}

	pub(crate) fn usage(message: impl Into<String>) -> Self {
		Self { code: code::USAGE, message: message.into() }
	}

	pub(crate) fn host(message: impl Into<String>) -> Self {
		Self { code: code::HOST, message: message.into() }
	}
}

/// A path of a manifest, as every command names it.
pub(crate) type ManifestPath = PathBuf;

pub(crate) fn main() -> ExitCode {
	let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
	tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
	let done = match Cli::parse().command {
		Command::Check(check) => check.run(),
		Command::Run(run) => run.run(),
		Command::Devices(devices) => devices.run(),
		Command::Selftest(selftest) => selftest.run(),
		Command::Bench(bench) => bench.run(),
		Command::Serve(serve) => serve.run(),
		Command::Picture(picture) => picture.run(),
	};
	match done {
		Ok(()) => ExitCode::SUCCESS,
		Err(trouble) => {
			eprintln!("{}", trouble.message.trim_end());
			ExitCode::from(trouble.code)
		}
	}
}
