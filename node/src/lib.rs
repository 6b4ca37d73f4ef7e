//! A node of the oGPU chain.
//!
//! - `cli`, `command`: what the operator asks for, and how it is answered.
//! - [`preflight`]: what is checked before anything starts, so that a mistake is one line.
//! - [`keys`]: which scheme each type of key has.
//! - `service`: the node itself.
//! - `rpc`: what it answers.

mod cli;
mod command;
pub mod keys;
pub mod preflight;
mod rpc;
mod service;

pub use cli::{Cli, Subcommand};
pub use command::main;
