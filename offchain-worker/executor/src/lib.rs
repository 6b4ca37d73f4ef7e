//! The executor: checks, runs and hashes OpenCL jobs. It knows nothing of the chain.
//!
//! ```text
//! job ──► gate ──────────► text ──► ogpu-compute ──► leaves ──► root
//!         clang, caged              OpenCL, caged
//! ```
//!
//! - [`gate`] decides from the job alone whether a device may see its program;
//! - [`prelude`] is what stands before every program;
//! - [`run`] runs units of an admitted job on one device, in a process of its own;
//! - [`queue`] keeps every device busy, with bounds, and fair to all who ask;
//! - [`service`] is all this as a daemon with an HTTP interface;
//! - [`selftest`] and [`mod@bench`] say what a device is good for.

pub mod bench;
pub mod devices;
pub mod gate;
pub mod prelude;
pub mod queue;
pub mod run;
pub mod selftest;
pub mod service;
mod tools;

pub use tools::{ToolError, Tools};
