//! What the hooks of several pallets do with jobs. Off chain, on a provider's node.

use alloc::{vec, vec::Vec};

use codec::{Decode, Encode};
use ogpu_primitives::{
	executor::{Peer, RunId},
	job::{Job, Plan, Shape as JobShape},
	market::{
		TaskId,
		spec::{JobRef, TaskSpec},
		verification::Shape,
	},
	merkle::{Blake2, Hash, Hasher},
};

use crate::{Away, Node};

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

/// The run of an attempt at a task. It is bound to the job too: on another fork the number may be another's.
pub fn run_id(genesis: &Hash, task: TaskId, attempt: u8, job: &JobRef) -> RunId {
	(b"ogpu/run/1", genesis, task, attempt, job.hash).using_encoded(Blake2::hash)
}

/// Who has what a job starts from.
pub fn sources(job: &JobRef) -> Vec<Peer> {
	vec![job.source.peer()]
}

/// The job of a task, once it is here, if it is what the task says.
///
/// # Errors
///
/// When it is not here yet, or is something else.
pub fn job_of(spec: &TaskSpec, node: &dyn Node) -> Result<(Job, Plan), Trouble> {
	let JobRef { hash, blob, len, .. } = &spec.job;
	if !node.fetch(blob, u64::from(*len), &sources(&spec.job))? {
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

/// The leaves of one part, if `leaves` are those of the whole job.
pub fn leaves_of_part(spec: &TaskSpec, part: u8, leaves: &[(u32, Hash)]) -> Option<Vec<Hash>> {
	if leaves.len() as u32 != spec.units {
		return None;
	}
	let first = spec.first_unit(part) as usize;
	let of_part = leaves.get(first..first + spec.units_of(part) as usize)?;
	Some(of_part.iter().map(|(_, leaf)| *leaf).collect())
}
