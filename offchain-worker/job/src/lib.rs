//! Jobs as people write them.
//!
//! A manifest is a YAML file that names a program, its buffers and the kernel launches that make up the
//! job, next to the files that it speaks of. [`Manifest::load`] reads it, hashes the files, and gives the
//! [`Job`](ogpu_primitives::job::Job) that is run and hashed. Everything that is wrong is told at once,
//! each thing with its file, line and field.
//!
//! ```no_run
//! match ogpu_job::Manifest::load("job.yaml".as_ref()) {
//!     Ok(manifest) => println!("{} units", manifest.plan.units),
//!     Err(problems) => eprint!("{problems}"),
//! }
//! ```

mod fields;
mod lower;
mod manifest;
mod problem;
mod tree;
mod units;
mod values;

pub use manifest::{Files, Manifest, Source};
pub use problem::{Position, Problem, Problems};
pub use units::UnitList;
pub use values::{bytes as parse_bytes, milliseconds as parse_milliseconds};
