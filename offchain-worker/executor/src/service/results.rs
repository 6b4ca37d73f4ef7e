//! The folder of a run: its results, its checkpoints, and what they prove.
//!
//! A kernel on a CPU device is native code that can write to this folder, so nothing in it is trusted:
//! no link is followed, and what an earlier process left is used only if it hashes to the leaves that the
//! journal has.

use std::{
	collections::BTreeMap,
	fs::File,
	io::{self, Read, Seek, SeekFrom},
	os::{fd::AsFd, unix::fs::FileExt},
	path::{Path, PathBuf},
};

use nix::{
	fcntl::{OFlag, OpenHow, ResolveFlag, openat2},
	sys::stat::Mode,
};
use ogpu_primitives::{
	job::{BlobId, Job, Plan, Shape, Slice},
	merkle::{Blake2, Hash, leaf},
	piece::{Hashes, PIECE},
};

/// The folder of one run.
#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
	/// The folder of a run, below `runs`.
	pub(super) fn of(runs: &Path, id: &[u8; 32]) -> Self {
		Self(runs.join(crate::selftest::hex(id)))
	}

	/// Its path.
	pub(super) fn path(&self) -> &Path {
		&self.0
	}

	/// Opens a file in it, following no link.
	fn open(&self, name: &Path) -> io::Result<File> {
		let folder = File::open(&self.0)?;
		let how = OpenHow::new()
			.flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
			.mode(Mode::empty())
			.resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
		let file = File::from(openat2(folder.as_fd(), name, how)?);
		if file.metadata()?.is_file() {
			Ok(file)
		} else {
			Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a plain file"))
		}
	}

	/// The file of a result.
	///
	/// # Errors
	///
	/// When it is not there, or is no plain file.
	pub(super) fn output(&self, buffer: &str) -> io::Result<File> {
		self.open(&Path::new("out").join(buffer))
	}

	/// The path of a buffer in the checkpoint after a segment.
	pub(super) fn state_path(&self, segment: u32, buffer: &str) -> PathBuf {
		self.0.join("state").join(segment.to_string()).join(buffer)
	}

	/// Sees to it that the folder of a checkpoint is a folder, whatever an earlier process left there. No
	/// process of the run may be going on.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub(super) fn make_state(&self, segment: u32) -> io::Result<()> {
		let state = self.0.join("state");
		for folder in [self.0.clone(), state.clone(), state.join(segment.to_string())] {
			match std::fs::symlink_metadata(&folder) {
				Ok(found) if found.is_dir() => continue,
				Ok(_) => std::fs::remove_file(&folder)?,
				Err(error) if error.kind() == io::ErrorKind::NotFound => {}
				Err(error) => return Err(error),
			}
			std::fs::create_dir(&folder)?;
		}
		Ok(())
	}

	/// The hash of each slice that a unit wrote: what its leaf is made of.
	///
	/// # Errors
	///
	/// When a file is missing or too short.
	pub(super) fn slices(&self, job: &Job, plan: &Plan, unit: u32) -> io::Result<Vec<BlobId>> {
		let hashes = plan.result.iter().map(|slice| {
			let (file, offset) = self.slice(job, slice, unit)?;
			hash(file, offset, slice.bytes)
		});
		hashes.collect()
	}

	/// The file that has what a unit wrote to one buffer, and where in it that begins.
	///
	/// # Errors
	///
	/// When it is missing.
	pub(super) fn slice(&self, job: &Job, slice: &Slice, unit: u32) -> io::Result<(File, u64)> {
		let name = job.buffers[usize::from(slice.buffer)].name.text();
		match job.shape {
			Shape::DataParallel { .. } => Ok((self.output(&name)?, slice.bytes * u64::from(unit))),
			Shape::Iterative { .. } => {
				Ok((self.open(&Path::new("state").join(unit.to_string()).join(&name))?, 0))
			}
		}
	}

	/// Of the leaves that the journal has of the units `wanted`, those from which a run can go on: what is in
	/// the folder still gives them. Of an iterative job it is an unbroken row from the first unit on.
	pub(super) fn kept(
		&self,
		job: &Job,
		plan: &Plan,
		wanted: &[u32],
		leaves: &BTreeMap<u32, Hash>,
	) -> BTreeMap<u32, Hash> {
		let mut kept = BTreeMap::new();
		for unit in wanted {
			let expected = leaves.get(unit);
			let found = expected.and_then(|_| self.slices(job, plan, *unit).ok()).map(|slices| {
				leaf::<Blake2>(*unit, &slices.iter().map(|slice| slice.0).collect::<Vec<_>>())
			});
			match (expected, found) {
				(Some(expected), Some(found)) if *expected == found => {
					kept.insert(*unit, found);
				}
				_ if matches!(job.shape, Shape::Iterative { .. }) => break,
				_ => {}
			}
		}
		kept
	}

	/// Removes what is of no use once a run has ended.
	pub(super) fn tidy(&self) {
		for name in ["cache", ".cache", "tmp"] {
			// Most are not there.
			let _ = std::fs::remove_dir_all(self.0.join(name));
		}
	}

	/// Removes all of it.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub(super) fn remove(&self) -> io::Result<()> {
		match std::fs::remove_dir_all(&self.0) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
			_ => Ok(()),
		}
	}
}

/// The hashes of all pieces of `len` bytes of a file.
///
/// # Errors
///
/// When it is too short.
pub(super) fn pieces_of(file: &File, offset: u64, len: u64) -> io::Result<Hashes> {
	let mut hashes = Hashes::default();
	let mut piece = vec![0; PIECE as usize];
	for at in (0..len).step_by(PIECE as usize) {
		let piece = &mut piece[..(len - at).min(PIECE.into()) as usize];
		file.read_exact_at(piece, offset + at)?;
		hashes.push(piece);
	}
	Ok(hashes)
}

fn hash(mut file: File, offset: u64, len: u64) -> io::Result<BlobId> {
	file.seek(SeekFrom::Start(offset))?;
	let mut hasher = blake3::Hasher::new();
	hasher.update_reader(file.take(len))?;
	if hasher.count() != len {
		return Err(io::ErrorKind::UnexpectedEof.into());
	}
	Ok(BlobId(*hasher.finalize().as_bytes()))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn links_are_not_followed() {
		let base = tempfile::tempdir().expect("a folder");
		std::fs::write(base.path().join("secret"), "secret").expect("a file");
		let folder = Folder(base.path().join("run"));
		std::fs::create_dir_all(folder.path().join("out")).expect("a folder");
		std::fs::write(folder.path().join("out/plain"), "result").expect("a file");
		assert!(folder.output("plain").is_ok());
		let link = |to: &str, name: &str| {
			std::os::unix::fs::symlink(to, folder.path().join(name)).expect("a link");
		};
		link("../../secret", "out/link");
		link("plain", "out/inner");
		link("..", "state");
		// What is written goes into the folder, not to where a link leads.
		folder.make_state(2).expect("a folder");
		assert!(std::fs::symlink_metadata(folder.path().join("state")).expect("there").is_dir());
		assert!(!base.path().join("2").exists());
		nix::unistd::mkfifo(&folder.path().join("out/pipe"), Mode::S_IRUSR).expect("a pipe");
		for name in ["link", "inner", "../../secret", "../state/secret", "pipe", "."] {
			assert!(folder.output(name).is_err(), "{name}");
		}
	}
}
