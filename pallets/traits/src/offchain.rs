//! What the hooks of several pallets do with jobs. Off chain, on a provider's node.

use alloc::vec::Vec;

use codec::Decode;
use frame_support::BoundedVec;
use ogpu_primitives::{
	executor::{Care, Checkpoint, Peer, Quote, QuoteRequest, RunId, RunState, Submission, Units},
	job::{Job, Plan, Shape as JobShape},
	market::{
		Endpoint,
		spec::{JobRef, TaskSpec},
		verification::Shape,
	},
	merkle::{Blake2, Hash, Hasher, Tree},
};

use crate::{Away, Node, PartOfTask, genesis};

/// Why a job does not come to anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
	/// It is not here yet, or the executor is away: later.
	Later,
	/// It is not what the task says.
	NotAsDeclared,
}

impl From<Away> for Trouble {
	fn from(_: Away) -> Self {
		Self::Later
	}
}

/// Who has what a job starts from: its client; and whoever has the task, for those who verify it.
pub fn sources(job: &JobRef, holder: Option<&Endpoint>) -> Vec<Peer> {
	core::iter::once(&job.source).chain(holder).map(Endpoint::peer).collect()
}

/// The job of a task, once it is here, if it is what the task says.
///
/// # Errors
///
/// When it is not here yet, or is something else.
pub fn job_of(spec: &TaskSpec, peers: &[Peer], node: &dyn Node) -> Result<(Job, Plan), Trouble> {
	let JobRef { hash, blob, len, .. } = &spec.job;
	if !node.fetch(blob, u64::from(*len), peers)? {
		return Err(Trouble::Later);
	}
	let bytes = node.read(blob)?;
	let job = (Blake2::hash(&bytes) == *hash).then(|| Job::decode(&mut &bytes[..]).ok()).flatten();
	let job = job.ok_or(Trouble::NotAsDeclared)?;
	let plan = job.plan().map_err(|_| Trouble::NotAsDeclared)?;
	let shape = match job.shape {
		JobShape::DataParallel { .. } => Shape::Parallel,
		JobShape::Iterative { .. } => Shape::Iterative,
	};
	let memory = job.resources.memory.next_power_of_two().ilog2();
	let as_declared = plan.units == spec.units
		&& shape == spec.shape
		&& job.profile == spec.profile
		&& memory <= u32::from(spec.requirements.memory);
	if as_declared { Ok((job, plan)) } else { Err(Trouble::NotAsDeclared) }
}

/// Whether everything that a job starts from is here. What is not is being fetched, all of it at once and not one
/// after the other.
///
/// # Errors
///
/// When the executor is away.
pub fn inputs_are_here(job: &Job, peers: &[Peer], node: &dyn Node) -> Result<bool, Trouble> {
	let mut here = true;
	for (blob, size) in job.blobs() {
		here &= node.fetch(&blob, size, peers)?;
	}
	Ok(here)
}

/// What a task's job would cost on this node.
///
/// # Errors
///
/// When the executor is away.
pub fn quote(job: Job, peers: &[Peer], node: &dyn Node) -> Result<Quote, Away> {
	node.quote(&QuoteRequest { job, peers: BoundedVec::truncate_from(peers.to_vec()) })
}

/// Has units of a task's job run, for one of the lanes in which an executor serves whoever asks.
///
/// # Errors
///
/// When the executor is away.
pub fn run(
	id: RunId,
	lane: &[u8],
	job: Job,
	units: Units,
	checkpoints: Vec<Checkpoint>,
	peers: &[Peer],
	node: &dyn Node,
) -> Result<RunState, Away> {
	node.run(&Submission {
		id,
		owner: BoundedVec::truncate_from(lane.to_vec()),
		job,
		units,
		care: Care::Batched,
		peers: BoundedVec::truncate_from(peers.to_vec()),
		checkpoints: BoundedVec::truncate_from(checkpoints),
	})
}

/// Keeps what everybody knows of a job, and nobody has to be given, before its run begins.
///
/// # Errors
///
/// When the executor is away.
pub fn keep_known(run: &RunId, known: &[Vec<u8>], node: &dyn Node) -> Result<(), Away> {
	if !known.is_empty() && node.state(run)?.is_none() {
		for bytes in known {
			node.keep(bytes)?;
		}
	}
	Ok(())
}

/// How a run stands; it is begun if it never was. A job is read and sent once, not in every block.
///
/// # Errors
///
/// When the job is not here yet, or is something else.
pub fn state_of(
	id: RunId,
	lane: &[u8],
	units: Units,
	spec: &TaskSpec,
	peers: &[Peer],
	node: &dyn Node,
) -> Result<RunState, Trouble> {
	state_from(id, lane, units, Vec::new(), spec, peers, node)
}

/// The same of a run whose segments start from these states.
///
/// # Errors
///
/// When the job is not here yet, or is something else.
pub fn state_from(
	id: RunId,
	lane: &[u8],
	units: Units,
	states: Vec<Checkpoint>,
	spec: &TaskSpec,
	peers: &[Peer],
	node: &dyn Node,
) -> Result<RunState, Trouble> {
	if let Some(state) = node.state(&id)? {
		return Ok(state);
	}
	let (job, _) = job_of(spec, peers, node)?;
	Ok(run(id, lane, job, units, states, peers, node)?)
}

/// A result of this node's own: the run that came to this root of a part, and the tree over its leaves. A batch is
/// computed once for its race, in which it may come to be looked at only later.
pub fn result_of<T: frame_system::Config>(
	of: PartOfTask,
	root: &Hash,
	spec: &TaskSpec,
	node: &dyn Node,
) -> Option<(RunId, Tree)> {
	let genesis = genesis::<T>();
	(0..=of.attempt).rev().find_map(|attempt| {
		let run = spec.job.run(&genesis, of.task, attempt);
		let leaves = node.leaves(&run).ok()?;
		let tree = Tree::new::<Blake2>(leaves_of_part(spec, of.part, &leaves.leaves)?).ok()?;
		(tree.root() == *root).then_some((run, tree))
	})
}

/// The leaves of one part, if all of them are among `leaves`, which are in ascending order of their units.
pub fn leaves_of_part(spec: &TaskSpec, part: u8, leaves: &[(u32, Hash)]) -> Option<Vec<Hash>> {
	let units = spec.first_unit(part)..spec.first_unit(part) + spec.units_of(part);
	let of_part = leaves.iter().filter(|(unit, _)| units.contains(unit));
	let of_part: Vec<Hash> = of_part.map(|(_, leaf)| *leaf).collect();
	(of_part.len() == units.len()).then_some(of_part)
}
