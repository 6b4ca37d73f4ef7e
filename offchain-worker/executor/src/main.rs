//! `ogpu-worker`: checks, runs and hashes OpenCL jobs.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
	cli::main()
}
