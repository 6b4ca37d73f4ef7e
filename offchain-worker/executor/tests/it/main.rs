//! The executor against a real OpenCL device. There is always one: PoCL, where there is no GPU.

mod algorithms;
mod case;
mod examples;
mod gate;
mod golden;
mod hostile;
mod invariance;
mod prelude;
#[path = "../support/processes.rs"]
mod processes;
mod queue;
