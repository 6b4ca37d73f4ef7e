//! A node of the oGPU chain.
//!
//! - `cli`, `command`: what the operator asks for, and how it is answered.
//! - `preflight`: what is checked before anything starts, so that a mistake is one line.
//! - `service`: the node itself.
//! - `rpc`: what it answers.

mod cli;
mod command;
mod keys;
mod preflight;
mod rpc;
mod service;

fn main() -> std::process::ExitCode {
	command::main()
}
