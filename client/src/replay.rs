//! Recomputing units of anybody's task on this machine, and seeing whether they are what was promised.

use std::{
	collections::BTreeMap,
	path::{Path, PathBuf},
	process::{Output, Stdio},
};

use codec::Encode;
use ogpu_blobs::Question;
use ogpu_job::UnitList;
use ogpu_primitives::{
	executor::Peer,
	job::{Job, Profile, Shape},
	market::{
		TaskId,
		view::{LiveTask, TaskView},
	},
	merkle::{Blake2, Hash, Multiproof, Tree, lowest, verify_lowest},
};
use serde_json::Value;

use crate::{AccountId, Chain, Error, Store};

/// What became of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
	/// It leads to the root on chain.
	Right,
	/// Another does.
	Wrong,
	/// Its part is false, and the provider does not show what of this unit leads to the root.
	OfFalsePart,
	/// The provider does not show what leads to the root. All units of its part would tell.
	Unproven,
}

/// A unit that was recomputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
	/// The unit, counted from the first of the job.
	pub unit: u32,
	/// Its part.
	pub part: u8,
	/// What this machine came to.
	pub leaf: Hash,
	/// What that says.
	pub verdict: Verdict,
}

/// A task whose units can be recomputed here.
pub struct Replay {
	task: Box<LiveTask<AccountId>>,
	job: Job,
	runs: Vec<[u8; 32]>,
	provider: Option<Peer>,
	folder: PathBuf,
}

impl Replay {
	/// Gets the job of a task and what it starts from, from whoever serves it, into a folder.
	///
	/// # Errors
	///
	/// When nothing was promised yet, or nobody gives what is needed.
	pub async fn prepare(
		chain: &Chain,
		store: &Store,
		id: TaskId,
		folder: &Path,
	) -> Result<Self, Error> {
		let (TaskView::Live(task), _) = chain.task(id).await? else {
			return Err(Error::NotThere(
				"the task has ended, and what was promised is forgotten".into(),
			));
		};
		if task.roots.is_empty() {
			return Err(Error::NotThere(
				"there is nothing to verify yet: no root is on chain".into(),
			));
		}
		let provider = task.holder.as_ref().and_then(|holder| holder.endpoint.as_ref());
		let provider = provider.map(|endpoint| endpoint.peer());
		let peers: Vec<Peer> =
			std::iter::once(task.spec.job.source.peer()).chain(provider.clone()).collect();
		let reference = &task.spec.job;
		let job = store.job_of(reference, &peers).await?;
		let at =
			|error: &dyn std::fmt::Display| Error::Host(format!("{}: {error}", folder.display()));
		let blobs = folder.join("blobs");
		std::fs::create_dir_all(&blobs).map_err(|error| at(&error))?;
		for (blob, size) in job.blobs() {
			store.fetch_from(blob, size, &peers).await?;
			let path = blobs.join(blob.to_string());
			if !path.exists() {
				// All of it, or nothing: whoever interrupts this starts it again.
				let part = blobs.join(format!("{blob}.part"));
				store.blobs.export(&blob, &part).await?;
				std::fs::rename(&part, &path).map_err(|error| at(&error))?;
			}
		}
		std::fs::write(folder.join("job.scale"), job.encode()).map_err(|error| at(&error))?;
		let genesis = chain.genesis();
		let runs = task.roots.iter().map(|(attempt, _)| reference.run(&genesis, id, *attempt));
		Ok(Self { runs: runs.collect(), job, provider, folder: folder.to_owned(), task })
	}

	/// Whether the job must come to the same bits on every device.
	pub fn promises_bits(&self) -> bool {
		self.job.profile != Profile::Redundant
	}

	/// Has the executor's program see whether this machine computes rightly: whoever challenges because of a device that does
	/// not, loses.
	///
	/// # Errors
	///
	/// When it does not.
	pub async fn selftest(worker: &Path) -> Result<(), Error> {
		let output = run(tokio::process::Command::new(worker).arg("selftest")).await?;
		if output.status.success() {
			return Ok(());
		}
		let said = String::from_utf8_lossy(&output.stdout).trim().replace('\n', "; ");
		Err(Error::Host(format!(
			"this machine fails the self-test, and challenges nothing: {said}"
		)))
	}

	/// The units whose roots are on chain: what can be replayed.
	pub fn units(&self) -> u32 {
		let parts = self.task.roots.len() as u8;
		(0..parts).map(|part| self.task.spec.units_of(part)).sum()
	}

	/// The attempt whose root is on chain for a part.
	pub fn attempt(&self, part: u8) -> Option<u8> {
		self.task.roots.get(usize::from(part)).map(|(attempt, _)| *attempt)
	}

	/// The number of a unit within its part, and the part.
	pub fn place(&self, unit: u32) -> (u8, u32) {
		let spec = &self.task.spec;
		let part = (0..spec.parts).rev().find(|part| spec.first_unit(*part) <= unit).unwrap_or(0);
		(part, unit - spec.first_unit(part))
	}

	/// Recomputes units, in ascending order, with the executor's program, and compares them with what is on chain.
	///
	/// # Errors
	///
	/// When this machine cannot run them, or the job is at fault.
	pub async fn run(
		&self,
		store: &Store,
		worker: &Path,
		device: usize,
		units: &[u32],
	) -> Result<Vec<Replayed>, Error> {
		let leaves = self.leaves(worker, device, units).await?;
		let mut replayed = Vec::new();
		for part in 0..self.task.roots.len() as u8 {
			let (first, count) = (self.task.spec.first_unit(part), self.task.spec.units_of(part));
			let of_part: Vec<(u32, Hash)> =
				leaves.range(first..first + count).map(|(unit, leaf)| (*unit, *leaf)).collect();
			let root = self.task.roots[usize::from(part)].1;
			let whole = of_part.len() == count as usize;
			let tree = whole.then(|| of_part.iter().map(|(_, leaf)| *leaf).collect());
			let tree = tree.and_then(|leaves: Vec<Hash>| Tree::new::<Blake2>(leaves).ok());
			for (unit, leaf) in of_part {
				// Of a part that is known whole nothing has to be asked, but which of its units are false.
				let verdict = match &tree {
					Some(tree) if tree.root() == root => Verdict::Right,
					tree => match self.ask(store, part, unit, leaf).await {
						Verdict::Unproven if tree.is_some() => Verdict::OfFalsePart,
						verdict => verdict,
					},
				};
				replayed.push(Replayed { unit, part, leaf, verdict });
			}
		}
		Ok(replayed)
	}

	/// Whether a leaf leads to the root of its part, by what its provider shows: whether it is this one, or another. What
	/// leads nowhere says nothing, and would lure whoever believes it into a challenge that is lost.
	async fn ask(&self, store: &Store, part: u8, unit: u32, leaf: Hash) -> Verdict {
		let Some(provider) = &self.provider else { return Verdict::Unproven };
		let (first, count) = (self.task.spec.first_unit(part), self.task.spec.units_of(part));
		let run = self.runs[usize::from(part)];
		let question = Question::Path { run, unit, first, count };
		let Ok(Some(path)) = store.blobs.ask(provider, question).await else {
			return Verdict::Unproven;
		};
		let Some((node, siblings)) = path.split_first() else { return Verdict::Unproven };
		let root = &self.task.roots[usize::from(part)].1;
		let proof = Multiproof { siblings: siblings.to_vec() };
		match verify_lowest::<Blake2>(root, count, vec![(unit - first, *node)], &proof) {
			Ok(()) if *node == lowest::<Blake2>(&leaf) => Verdict::Right,
			Ok(()) => Verdict::Wrong,
			Err(_) => Verdict::Unproven,
		}
	}

	/// The leaves of units, and of those before them that an iterative job needs.
	async fn leaves(
		&self,
		worker: &Path,
		device: usize,
		units: &[u32],
	) -> Result<BTreeMap<u32, Hash>, Error> {
		// Whoever has no state begins with the first.
		let needed: Vec<u32> = match self.job.shape {
			Shape::DataParallel { .. } => units.to_vec(),
			Shape::Iterative { .. } => (0..=units.iter().copied().max().unwrap_or(0)).collect(),
		};
		let list = UnitList(needed).to_string();
		let mut command = tokio::process::Command::new(worker);
		command
			.arg("run")
			.arg("--scale")
			.arg(self.folder.join("job.scale"))
			.arg("--blobs")
			.arg(self.folder.join("blobs"))
			.arg("--out")
			.arg(self.folder.join("out"))
			.args(["--units", &list, "--device", &device.to_string()])
			.args(["--alone", "--json"]);
		let output = run(&mut command).await?;
		if !output.status.success() {
			let why = String::from_utf8_lossy(&output.stderr);
			let why = why.trim().lines().last().unwrap_or("it said nothing").to_owned();
			// As the executor's program has it: 3 for what any machine would come to.
			return Err(match output.status.code() {
				Some(3) => Error::Job(why),
				_ => Error::Host(why),
			});
		}
		let strange = || Error::Host("ogpu-worker is of another release".into());
		let answer: Value = serde_json::from_slice(&output.stdout).map_err(|_| strange())?;
		let leaves = answer["leaves"].as_array().ok_or_else(strange)?.iter().map(|pair| {
			let unit = u32::try_from(pair[0].as_u64()?).ok()?;
			Some((unit, ogpu_blobs::from_hex(pair[1].as_str()?)?))
		});
		let leaves: Option<BTreeMap<u32, Hash>> = leaves.collect();
		let mut leaves = leaves.ok_or_else(strange)?;
		leaves.retain(|unit, _| units.contains(unit));
		Ok(leaves)
	}
}

/// Runs the executor's program.
async fn run(command: &mut tokio::process::Command) -> Result<Output, Error> {
	let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
	output.map_err(|error| {
		let program = command.as_std().get_program().display();
		Error::Host(format!("{program}: {error}. It comes with ogpu; name it with --worker"))
	})
}
