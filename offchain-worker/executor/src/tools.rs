//! The programs that the executor starts.

use std::path::{Path, PathBuf};

use crate::gate::{Compiler, GateError};

/// A program that is missing.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
	/// One of our own.
	#[error("{0} is missing; it belongs beside {1}")]
	Missing(&'static str, PathBuf),
	/// The gate's compiler.
	#[error(transparent)]
	Compiler(#[from] GateError),
}

/// Where the programs are that the executor starts, and how strictly they are caged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
	pub(crate) cage: PathBuf,
	pub(crate) compute: PathBuf,
	pub(crate) insecure: bool,
	/// The gate's compiler.
	pub compiler: Compiler,
}

impl Tools {
	/// Finds them beside this program, or in the folder above, where Cargo puts them beside tests.
	///
	/// `insecure` goes on where the machine cannot put up every wall of the sandbox: only for one's own
	/// jobs.
	///
	/// # Errors
	///
	/// Names the program that is missing.
	pub fn find(insecure: bool) -> Result<Self, ToolError> {
		let myself = std::env::current_exe().unwrap_or_default();
		let folders: Vec<&Path> = myself.ancestors().skip(1).take(2).collect();
		let find = |name: &'static str| {
			let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
			found.ok_or_else(|| ToolError::Missing(name, myself.clone()))
		};
		let cage = find("ogpu-cage")?;
		Ok(Self {
			compute: find("ogpu-compute")?,
			insecure,
			compiler: Compiler::find(&cage, insecure)?,
			cage,
		})
	}
}
