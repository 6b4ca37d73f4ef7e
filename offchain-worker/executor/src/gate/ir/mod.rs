//! What can be told from the LLVM IR that the gate's own compiler makes of a program.
//!
//! The IR is read as text. It comes from one pinned compiler, without optimisation, so that it has few
//! forms: whatever does not have one of them is refused.

mod builtins;
mod check;
mod module;
mod types;

pub(super) use builtins::is_opencl;
pub(super) use check::check;
pub(super) use module::Module;
