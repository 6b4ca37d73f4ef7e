//! A manifest with its files.

use std::{
	collections::BTreeMap,
	fs, io,
	path::{Path, PathBuf},
};

use codec::DecodeAll;
use ogpu_primitives::job::{BlobId, Job, Plan};

use crate::{
	fields::Notes,
	lower::Lowered,
	problem::{Problem, Problems},
	tree,
};

/// A file that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
	/// Where it is.
	pub path: PathBuf,
	/// Its length in bytes.
	pub len: u64,
	/// Its hash.
	pub id: BlobId,
}

impl Source {
	/// Hashes a file.
	///
	/// # Errors
	///
	/// When it cannot be read.
	pub fn read(path: &Path) -> io::Result<Self> {
		if fs::metadata(path)?.is_dir() {
			return Err(io::ErrorKind::IsADirectory.into());
		}
		let mut hasher = blake3::Hasher::new();
		hasher.update_reader(fs::File::open(path)?)?;
		let id = BlobId(*hasher.finalize().as_bytes());
		Ok(Self { path: path.to_owned(), len: hasher.count(), id })
	}
}

/// A manifest that is right, with all that it names.
#[derive(Clone, Debug)]
pub struct Manifest {
	/// The job.
	pub job: Job,
	/// Its units, slices and memory.
	pub plan: Plan,
	/// The program's source.
	pub program: String,
	/// The files of inputs and initial states.
	pub files: BTreeMap<BlobId, Source>,
}

/// Where the files that a manifest names come from.
pub trait Files {
	/// The length and hash of a file.
	///
	/// # Errors
	///
	/// When there is none, or it cannot be read.
	fn source(&self, name: &str) -> io::Result<Source>;
	/// The text of a file.
	///
	/// # Errors
	///
	/// When there is none, or it is no text.
	fn text(&self, name: &str) -> io::Result<String>;
}

/// Files in a folder.
struct Folder<'path>(&'path Path);

impl Files for Folder<'_> {
	fn source(&self, name: &str) -> io::Result<Source> {
		Source::read(&self.0.join(name))
	}

	fn text(&self, name: &str) -> io::Result<String> {
		fs::read_to_string(self.0.join(name))
	}
}

/// Files that are part of a program.
struct Embedded<'data>(&'data [(&'data str, &'data str)]);

impl Embedded<'_> {
	fn find(&self, name: &str) -> io::Result<&str> {
		let found = self.0.iter().find(|(there, _)| *there == name);
		found.map(|(_, text)| *text).ok_or_else(|| io::ErrorKind::NotFound.into())
	}
}

impl Files for Embedded<'_> {
	fn source(&self, name: &str) -> io::Result<Source> {
		let bytes = self.find(name)?.as_bytes();
		Ok(Source {
			path: name.into(),
			len: bytes.len() as u64,
			id: BlobId(*blake3::hash(bytes).as_bytes()),
		})
	}

	fn text(&self, name: &str) -> io::Result<String> {
		self.find(name).map(str::to_owned)
	}
}

impl Manifest {
	/// Reads a manifest and the files that it names, relative to its folder.
	///
	/// # Errors
	///
	/// Everything that is wrong with it.
	pub fn load(path: &Path) -> Result<Self, Problems> {
		let folder = path.parent().unwrap_or(Path::new(""));
		let failed = |problem| Problems { file: path.to_owned(), all: vec![problem] };
		let text =
			fs::read(path).map_err(|error| failed(whole(format!("it cannot be read: {error}"))))?;
		let text = String::from_utf8(text).map_err(|_| failed(whole("it is not UTF-8 text")))?;
		Self::parse(&text, &Folder(folder)).map_err(|all| Problems { file: path.to_owned(), all })
	}

	/// Reads a manifest from its text, with the texts of the files that it names.
	///
	/// # Errors
	///
	/// Everything that is wrong with it.
	pub fn embedded(text: &str, files: &[(&str, &str)]) -> Result<Self, Problems> {
		Self::with_files(text, &Embedded(files))
	}

	/// Reads a manifest from its text, with files from anywhere.
	///
	/// # Errors
	///
	/// Everything that is wrong with it.
	pub fn with_files(text: &str, files: &dyn Files) -> Result<Self, Problems> {
		Self::parse(text, files).map_err(|all| Problems { file: "manifest".into(), all })
	}

	/// Reads a job from its SCALE form, with the program and inputs that it names in a folder, each in a file named by
	/// its hash.
	///
	/// # Errors
	///
	/// When a file is not there, or is not what its name says; and everything that is wrong with the job.
	pub fn unpacked(scale: &Path, blobs: &Path) -> Result<Self, Problems> {
		let failed =
			|message: String| Problems { file: scale.to_owned(), all: vec![whole(message)] };
		let unread = |path: &Path, error: &dyn std::fmt::Display| {
			failed(format!("{} cannot be read: {error}", path.display()))
		};
		let bytes = fs::read(scale).map_err(|error| unread(scale, &error))?;
		let job = Job::decode_all(&mut &bytes[..])
			.map_err(|error| failed(format!("it is no job in SCALE: {error}")))?;
		let plan = job.plan().map_err(|faults| Problems {
			file: scale.to_owned(),
			all: faults.iter().map(|invalid| whole(invalid.fault.to_string())).collect(),
		})?;
		let mut files = BTreeMap::new();
		for (id, _) in job.blobs() {
			let path = blobs.join(id.to_string());
			let source = Source::read(&path).map_err(|error| unread(&path, &error))?;
			if source.id != id {
				return Err(failed(format!("{} is not what its name says", path.display())));
			}
			files.insert(id, source);
		}
		let path = blobs.join(job.program.source.to_string());
		let program = fs::read_to_string(&path).map_err(|error| unread(&path, &error))?;
		Ok(Self { job, plan, program, files })
	}

	fn parse(text: &str, files: &dyn Files) -> Result<Self, Vec<Problem>> {
		let tree = tree::parse(text).map_err(|problem| vec![problem])?;
		let mut notes = Notes::default();
		let lowered = Lowered::read(&tree, &mut notes, files);
		let planned =
			lowered.filter(|_| notes.problems.is_empty()).and_then(|lowered| {
				match lowered.job.plan() {
					Ok(plan) => Some((lowered, plan)),
					Err(faults) => {
						for invalid in faults {
							let field = lowered.field_of(invalid.place);
							let position = notes.position_of(&field);
							notes.problems.push(Problem {
								position,
								field,
								message: invalid.fault.to_string(),
							});
						}
						None
					}
				}
			});
		notes.problems.sort();
		match planned {
			Some((lowered, plan)) if notes.problems.is_empty() => {
				Ok(Self { job: lowered.job, plan, program: lowered.program, files: lowered.files })
			}
			_ => Err(notes.problems),
		}
	}
}

fn whole(message: impl Into<String>) -> Problem {
	Problem { position: None, field: String::new(), message: message.into() }
}
