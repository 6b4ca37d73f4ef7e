//! What is wrong with a manifest, and where.

use std::{fmt, path::PathBuf};

/// A place in a text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
	/// The line.
	pub line: usize,
	/// The column, in characters.
	pub column: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
	/// Where in the manifest; nowhere if it could not be read at all.
	pub position: Option<Position>,
	/// The field, such as `buffers.x.len`; empty for the whole.
	pub field: String,
	/// What is wrong, and what to do.
	pub message: String,
}

/// Everything that is wrong with a manifest, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
	/// The manifest.
	pub file: PathBuf,
	/// What is wrong; at least one thing.
	pub all: Vec<Problem>,
}

impl fmt::Display for Problems {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		for problem in &self.all {
			write!(f, "{}:", self.file.display())?;
			if let Some(Position { line, column }) = problem.position {
				write!(f, "{line}:{column}:")?;
			}
			if !problem.field.is_empty() {
				write!(f, " {}:", problem.field)?;
			}
			writeln!(f, " {}", problem.message)?;
		}
		Ok(())
	}
}
