//! The service as a process of its own, talked to over HTTP, and killed.

mod daemon;
mod errors;
mod examples;
mod killed;
mod load;
#[path = "../support/processes.rs"]
mod processes;
mod running;
