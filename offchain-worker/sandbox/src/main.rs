//! `ogpu-cage`: enters the cage and becomes the program it is given. Started by the executor.

use std::process::ExitCode;

use ogpu_sandbox::{Policy, become_caged, die_with_parent};

fn main() -> ExitCode {
	let (policy, program) = match Policy::parse(std::env::args_os().skip(1)) {
		Ok(parsed) => parsed,
		Err(error) => {
			eprintln!("ogpu-cage: {error}");
			return ExitCode::from(2);
		}
	};
	if let Err(error) = die_with_parent() {
		eprintln!("ogpu-cage: {error}");
		return ExitCode::from(2);
	}
	let Err(error) = become_caged(&policy, &program);
	eprintln!("ogpu-cage: {}: {error}", program[0].display());
	ExitCode::from(121)
}
