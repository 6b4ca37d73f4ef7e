//! `ogpu`: buys GPU time on the oGPU chain.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
	cli::main()
}
