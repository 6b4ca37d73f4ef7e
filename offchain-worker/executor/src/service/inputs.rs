//! Inputs as files, for the processes that read them. Runs with the same input share one file.

use std::{
	collections::HashMap,
	io,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, PoisonError, Weak},
};

use ogpu_blobs::{BlobError, Blobs};
use ogpu_primitives::job::BlobId;
use tokio::sync::OnceCell;

/// A file with a blob, removed when nobody needs it any more.
#[derive(Debug)]
pub(super) struct Input {
	path: PathBuf,
	written: OnceCell<()>,
}

impl Input {
	/// Where it is.
	pub(super) fn path(&self) -> &Path {
		&self.path
	}
}

impl Drop for Input {
	fn drop(&mut self) {
		// It may never have been written.
		let _ = std::fs::remove_file(&self.path);
	}
}

/// The folder of all of them.
#[derive(Debug)]
pub(super) struct Inputs {
	folder: PathBuf,
	files: Mutex<(u64, HashMap<BlobId, Weak<Input>>)>,
}

impl Inputs {
	/// An empty folder; what an earlier process left in it is removed.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
		match std::fs::remove_dir_all(&folder) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
			_ => std::fs::create_dir_all(&folder)?,
		}
		Ok(Self { folder, files: Mutex::default() })
	}

	/// A file with a blob that is in the store.
	///
	/// # Errors
	///
	/// When it is not in the store, or does not fit the disk.
	pub(super) async fn get(&self, blobs: &Blobs, id: &BlobId) -> Result<Arc<Input>, BlobError> {
		let input = {
			let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
			match files.1.get(id).and_then(Weak::upgrade) {
				Some(input) => input,
				None => {
					// Numbered, so that the removal of an old file never meets a new one.
					files.0 += 1;
					let path = self.folder.join(format!("{}-{id}", files.0));
					let input = Arc::new(Input { path, written: OnceCell::new() });
					files.1.retain(|_, input| input.strong_count() > 0);
					files.1.insert(*id, Arc::downgrade(&input));
					input
				}
			}
		};
		input.written.get_or_try_init(|| blobs.export(id, &input.path)).await?;
		Ok(input)
	}
}
