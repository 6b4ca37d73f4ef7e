//! Getting a result, and seeing that it is what was verified.

use std::{
	fs::{self, File},
	io,
	os::unix::fs::FileExt,
	path::{Path, PathBuf},
	slice,
};

use ogpu_blobs::Question;
use ogpu_primitives::{
	executor::{Peer, RunId},
	job::{BlobId, Job, Plan, Shape},
	market::{
		TaskId,
		spec::TaskSpec,
		view::{LiveTask, TaskView},
	},
	merkle::{Blake2, Hash, Multiproof, Tree, leaf, verify},
};

use crate::{AccountId, Chain, Error, Store};

/// Bytes of a result that are hashed at once.
const PIECE: usize = 1 << 20;

/// One output of a task.
#[derive(Clone, Debug)]
pub struct Output {
	/// The name of its buffer.
	pub name: String,
	/// Its size in bytes.
	pub size: u64,
	/// Its hash.
	blob: BlobId,
}

/// A result that waits to be fetched: what is known of it on chain, and from whom it comes.
pub struct Delivery {
	id: TaskId,
	job: Job,
	plan: Plan,
	spec: TaskSpec,
	roots: Vec<Hash>,
	peer: Peer,
	run: RunId,
	/// Its outputs, in the order of the job's buffers.
	pub outputs: Vec<Output>,
}

/// A result that is what the roots are of, and not where it is to be yet. It is thrown away unless it is kept.
pub struct Checked {
	folder: PathBuf,
	held: PathBuf,
	names: Vec<String>,
}

impl Checked {
	/// Puts the outputs into the folder. Where they are.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub fn keep(self) -> Result<Vec<PathBuf>, Error> {
		let moved = self.names.iter().map(|name| {
			let path = self.folder.join(name);
			fs::rename(self.held.join(name), &path)
				.map_err(|error| Error::Host(format!("{}: {error}", path.display())))?;
			Ok(path)
		});
		moved.collect()
	}
}

impl Drop for Checked {
	fn drop(&mut self) {
		let _ = fs::remove_dir_all(&self.held);
	}
}

/// The roots of a task whose result is there.
fn roots_of(task: &LiveTask<AccountId>) -> Option<Vec<Hash>> {
	let all = task.roots.len() == usize::from(task.spec.parts);
	(task.stage.has_result() && all).then(|| task.roots.iter().map(|(_, root)| *root).collect())
}

impl Delivery {
	/// Asks whoever has a task for its result.
	///
	/// # Errors
	///
	/// When there is none (yet), or the provider does not say what it is.
	pub async fn of(chain: &Chain, store: &Store, id: TaskId) -> Result<Self, Error> {
		let task = match chain.task(id).await?.0 {
			TaskView::Live(task) => task,
			TaskView::Ended(ended) => {
				return Err(Error::NotThere(format!(
					"the task has ended ({}); its provider does not have to keep the result any longer",
					crate::error::ending(&ended.ending)
				)));
			}
		};
		let Some(roots) = roots_of(&task) else {
			return Err(Error::NotYet(format!(
				"there is no result yet; follow it with `ogpu watch {id}`"
			)));
		};
		if store.key()? != task.spec.job.reader {
			return Err(Error::NotThere(
				"its result is given to another folder than this: fetch it where the task was submitted from (--data)"
					.into(),
			));
		}
		let holder = task.holder.as_ref().and_then(|holder| holder.endpoint.as_ref());
		let peer = holder.map(|endpoint| endpoint.peer()).ok_or_else(|| {
			Error::NotThere(format!(
				"the provider does not say where it serves results; `ogpu demand {id}` makes it post a piece of them on \
				 chain, or pay you back"
			))
		})?;
		// It may have had to make room here since.
		let job = store.job_of(&task.spec.job, slice::from_ref(&peer)).await.map_err(|error| {
			Error::NotThere(format!(
				"the job is not in this folder any more: `ogpu offer` with its manifest brings it back ({error})"
			))
		})?;
		let plan = job.plan().map_err(|_| Error::Job("the job is invalid".into()))?;
		// A batch is computed once for its race, in which it may come to be looked at only later.
		let genesis = chain.genesis();
		for attempt in (0..=task.attempt).rev() {
			let run = task.spec.job.run(&genesis, id, attempt);
			let told = store.blobs.ask(&peer, Question::Outputs(run)).await;
			let Some(hashes) = told.map_err(|error| {
				Error::NotYet(format!(
					"the provider does not answer ({error}); try again later: `ogpu demand {id}` makes it post a piece of \
					 the result on chain, or pay you back"
				))
			})?
			else {
				continue;
			};
			if hashes.len() != plan.result.len() {
				continue;
			}
			let outputs = plan.result.iter().zip(hashes).map(|(slice, hash)| {
				let buffer = &job.buffers[usize::from(slice.buffer)];
				Output {
					name: buffer.name.text(),
					size: buffer.len * buffer.element.size(),
					blob: BlobId(hash),
				}
			});
			let outputs = outputs.collect();
			return Ok(Self { id, outputs, job, plan, spec: task.spec, roots, peer, run });
		}
		Err(Error::NotYet(format!(
			"the provider does not give the result to this key yet; try again in a few blocks: `ogpu demand {id}` makes \
			 it post a piece of it on chain, or pay you back"
		)))
	}

	/// Fetches an output. What came before an interruption is kept.
	///
	/// # Errors
	///
	/// When the provider does not give it, or the disk fails.
	pub async fn fetch(
		&self,
		store: &Store,
		output: &Output,
		progress: impl FnMut(u64),
	) -> Result<(), Error> {
		let fetched = store.fetch(output.blob, output.size, &self.peer, progress).await;
		fetched.map_err(|error| match error {
			Error::NotThere(why) => Error::NotThere(format!(
				"{why}. What has come is kept; `ogpu demand {}` makes the provider post a piece of the rest on chain, or \
				 pay you back",
				self.id
			)),
			error => error,
		})
	}

	/// Whether what it is checked against is final.
	///
	/// # Errors
	///
	/// When something else is, or the node fails.
	pub async fn is_final(&self, chain: &Chain) -> Result<bool, Error> {
		match chain.final_task(self.id).await? {
			Some(TaskView::Live(task)) => match roots_of(&task) {
				Some(roots) if roots != self.roots => Err(Error::WrongResult(
					"another result became final than the one that was fetched: fetch it again"
						.into(),
				)),
				roots => Ok(roots.is_some()),
			},
			// What ended well had these roots: a block that comes after it has no others.
			Some(TaskView::Ended(ended)) if ended.ending.has_result() => Ok(true),
			Some(TaskView::Ended(ended)) => Err(Error::Ended(ended.ending)),
			None => Ok(false),
		}
	}

	/// Takes the outputs, which have been fetched, to a folder, and sees that each byte of them leads to the roots that were
	/// verified.
	///
	/// # Errors
	///
	/// When they do not: nothing is left in the folder then.
	pub async fn checked(&self, store: &Store, folder: &Path) -> Result<Checked, Error> {
		let at =
			|error: &dyn std::fmt::Display| Error::Host(format!("{}: {error}", folder.display()));
		fs::create_dir_all(folder).map_err(|error| at(&error))?;
		let held = folder.join(".unchecked");
		let _ = fs::remove_dir_all(&held);
		fs::create_dir(&held).map_err(|error| at(&error))?;
		let names = self.outputs.iter().map(|output| output.name.clone()).collect();
		let checked = Checked { folder: folder.to_owned(), held, names };
		let mut files = Vec::new();
		for output in &self.outputs {
			let path = checked.held.join(&output.name);
			store.blobs.export(&output.blob, &path).await?;
			files.push(File::open(&path).map_err(|error| at(&error))?);
		}
		let siblings = self.siblings(store).await?;
		if !self.check(&files, &siblings).map_err(|error| at(&error))? {
			return Err(Error::WrongResult(
				"what the provider gave is not what was verified; nothing of it was kept. `ogpu demand` makes it post a \
				 piece of the right one on chain, or pay you back"
					.into(),
			));
		}
		Ok(checked)
	}

	/// What leads from the last state of an iterative job to the root of its last part. Of other jobs every leaf can be
	/// computed.
	async fn siblings(&self, store: &Store) -> Result<Vec<Hash>, Error> {
		if matches!(self.job.shape, Shape::DataParallel { .. }) {
			return Ok(Vec::new());
		}
		let last = self.spec.parts - 1;
		let question = Question::Path {
			run: self.run,
			unit: self.plan.units - 1,
			first: self.spec.first_unit(last),
			count: self.spec.units_of(last),
		};
		let told = store.blobs.ask(&self.peer, question).await?;
		// The first is what is known.
		let siblings = told.and_then(|path| Some(path.split_first()?.1.to_vec()));
		siblings.ok_or_else(|| Error::NotThere("the provider does not prove the result".into()))
	}

	/// Whether the files are what the roots are of.
	fn check(&self, files: &[File], siblings: &[Hash]) -> io::Result<bool> {
		match self.job.shape {
			Shape::DataParallel { .. } => {
				for (part, root) in (0u8..).zip(&self.roots) {
					let first = self.spec.first_unit(part);
					let units = first..first + self.spec.units_of(part);
					let leaves = units.map(|unit| self.leaf(files, unit, unit));
					let leaves = leaves.collect::<io::Result<Vec<_>>>()?;
					if Tree::new::<Blake2>(leaves).map(|tree| tree.root()) != Ok(*root) {
						return Ok(false);
					}
				}
				Ok(true)
			}
			Shape::Iterative { .. } => {
				let part = self.spec.parts - 1;
				let unit = self.plan.units - 1;
				let own = (unit - self.spec.first_unit(part), self.leaf(files, unit, 0)?);
				let proof = Multiproof { siblings: siblings.to_vec() };
				let Some(root) = self.roots.last() else { return Ok(false) };
				Ok(verify::<Blake2>(root, self.spec.units_of(part), &[own], &proof).is_ok())
			}
		}
	}

	/// The leaf of a unit, whose slices are the ones at `place` of the files.
	fn leaf(&self, files: &[File], unit: u32, place: u32) -> io::Result<Hash> {
		let slices = self.plan.result.iter().zip(files).map(|(slice, file)| {
			let mut hasher = blake3::Hasher::new();
			let mut piece = vec![0; PIECE.min(slice.bytes as usize)];
			let start = slice.bytes * u64::from(place);
			for at in (0..slice.bytes).step_by(PIECE) {
				let piece = &mut piece[..(slice.bytes - at).min(PIECE as u64) as usize];
				file.read_exact_at(piece, start + at)?;
				hasher.update_rayon(piece);
			}
			Ok(*hasher.finalize().as_bytes())
		});
		Ok(leaf::<Blake2>(unit, &slices.collect::<io::Result<Vec<Hash>>>()?))
	}
}
