//! The market from the side of a provider's node: what it bids, fetches, runs and says. Off chain.

use alloc::{vec, vec::Vec};

use codec::{Decode, Encode};
use ogpu_primitives::{
	Balance,
	executor::{Care, Fault, Peer, Quote, QuoteRequest, RunId, RunState, Submission, Units},
	job::{Job, Plan, Shape as JobShape},
	market::{
		TaskId,
		auction::commitment,
		spec::{JobRef, TaskSpec},
		verification::Shape,
	},
	merkle::{Blake2, Hash, Hasher, Tree},
};
use ogpu_traits::{Away, Claim, Moment, Node, genesis};

use crate::{Clock, Config, Done, Due, Pallet};

/// Milliseconds of a block. What is promised in market blocks must be done in their time.
const BLOCK_MS: u64 = 3_000;

/// What a node remembers of its bid.
#[derive(Encode, Decode)]
struct Remembered {
	price: Balance,
	salt: Hash,
}

/// Why a job does not come to anything.
enum Trouble {
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

/// Every auction has its own: what was opened in one must not be guessed in the next.
fn bid_key(task: TaskId, attempt: u8) -> Vec<u8> {
	(b"ogpu/bid", task, attempt).encode()
}

/// The run of an attempt at a task.
fn run_id(genesis: &Hash, task: TaskId, attempt: u8) -> RunId {
	(b"ogpu/run/1", genesis, task, attempt).using_encoded(Blake2::hash)
}

fn peers(job: &JobRef) -> Vec<Peer> {
	vec![job.source.peer()]
}

/// The job of a task, once it is here, if it is what the task says.
fn job_of(spec: &TaskSpec, node: &dyn Node) -> Result<(Job, Plan), Trouble> {
	let JobRef { hash, blob, len, .. } = &spec.job;
	if !node.fetch(blob, u64::from(*len), &peers(&spec.job))? {
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

/// The root over the leaves of each part.
fn roots(spec: &TaskSpec, leaves: &[(u32, Hash)]) -> Option<Vec<Hash>> {
	if leaves.len() as u32 != spec.units {
		return None;
	}
	let root = |part| {
		let first = spec.first_unit(part) as usize;
		let of_part = leaves.get(first..first + spec.units_of(part) as usize)?;
		let tree = Tree::new::<Blake2>(of_part.iter().map(|(_, leaf)| *leaf).collect()).ok()?;
		Some(tree.root())
	};
	(0..spec.parts).map(root).collect()
}

impl<T: Config> Pallet<T> {
	/// Does one thing that is due, as far as it goes without waiting.
	pub(crate) fn attend_to(provider: &T::AccountId, due: Due, node: &dyn Node) -> Vec<Done> {
		match due {
			Due::Bid { task, attempt, spec, reserve, .. } => {
				Self::think_of_a_bid(provider, (task, attempt), &spec, reserve, node)
					.into_iter()
					.collect()
			}
			Due::Reveal { task, attempt, .. } => Self::remembered(task, attempt, node)
				.map(|Remembered { price, salt }| Done::Reveal { task, price, salt })
				.into_iter()
				.collect(),
			Due::Acknowledge { task, attempt, spec, until } => {
				Self::gather(task, attempt, &spec, until, node).into_iter().collect()
			}
			Due::Execute { task, attempt, part, spec, .. } => {
				Self::compute(task, attempt, part, &spec, node)
			}
		}
	}

	fn remembered(task: TaskId, attempt: u8, node: &dyn Node) -> Option<Remembered> {
		Remembered::decode(&mut &node.recall(&bid_key(task, attempt))?[..]).ok()
	}

	/// A bid at what the operator's price policy says, if the job can run here in time and for the money.
	fn think_of_a_bid(
		provider: &T::AccountId,
		(task, attempt): (TaskId, u8),
		spec: &TaskSpec,
		reserve: Balance,
		node: &dyn Node,
	) -> Option<Done> {
		let bid = match Self::remembered(task, attempt, node) {
			// The same as before: the first may have been lost.
			Some(bid) => bid,
			None => {
				let (job, _) = job_of(spec, node).ok()?;
				let request = QuoteRequest {
					job,
					peers: frame_support::BoundedVec::truncate_from(peers(&spec.job)),
				};
				let Ok(Quote::Offer { price, run_ms, wait_ms, .. }) = node.quote(&request) else {
					return None;
				};
				let in_time = run_ms.saturating_add(wait_ms) <= u64::from(spec.time) * BLOCK_MS / 2;
				if price > reserve || !in_time {
					return None;
				}
				let bid = Remembered { price, salt: node.secret() };
				node.remember(&bid_key(task, attempt), &bid.encode());
				bid
			}
		};
		let genesis = genesis::<T>();
		let commitment =
			commitment::<Blake2>(&genesis, task, attempt, provider, bid.price, &bid.salt);
		Some(Done::Bid { task, commitment })
	}

	/// Fetches the job and its inputs, and says so when they are here. What cannot be had in time is declined,
	/// which costs nothing.
	fn gather(
		task: TaskId,
		attempt: u8,
		spec: &TaskSpec,
		until: Moment,
		node: &dyn Node,
	) -> Option<Done> {
		let here = job_of(spec, node).and_then(|(job, _)| {
			let mut here = true;
			let peers = peers(&spec.job);
			for (blob, size) in job.blobs() {
				// All are asked for at once, not one after the other.
				here &= node.fetch(&blob, size, &peers)?;
			}
			if here { Ok(()) } else { Err(Trouble::Later) }
		});
		match here {
			Ok(()) => Some(Done::Acknowledge { task, attempt }),
			Err(Trouble::NotAsDeclared) => {
				Some(Done::Claim { task, attempt, claim: Claim::Rejected })
			}
			// The last moments are for saying so.
			Err(Trouble::Later) => {
				(<Self as Clock>::now() + 3 >= until).then_some(Done::Decline { task, attempt })
			}
		}
	}

	/// Has the job run, and gives the roots of all parts that are still wanted once it is done.
	fn compute(task: TaskId, attempt: u8, part: u8, spec: &TaskSpec, node: &dyn Node) -> Vec<Done> {
		let id = run_id(&genesis::<T>(), task, attempt);
		// A job is read and sent once, not in every block.
		let state = match node.state(&id) {
			Ok(Some(state)) => Ok(state),
			Ok(None) => {
				let Ok((job, _)) = job_of(spec, node) else { return Vec::new() };
				node.run(&Submission {
					id,
					owner: frame_support::BoundedVec::truncate_from(b"market".to_vec()),
					job,
					units: Units::All,
					care: Care::Batched,
					peers: frame_support::BoundedVec::truncate_from(peers(&spec.job)),
					checkpoints: Default::default(),
				})
			}
			Err(away) => Err(away),
		};
		match state {
			Ok(RunState::Done { .. }) => {
				let leaves = node.leaves(&id).ok();
				let roots = leaves.and_then(|leaves| roots(spec, &leaves.leaves));
				let wanted = (0..spec.parts).zip(roots.unwrap_or_default());
				wanted
					.filter(|(of, _)| *of >= part)
					.map(|(part, root)| Done::Root { task, attempt, part, root })
					.collect()
			}
			// Any machine would come to the same: this may be said.
			Ok(RunState::Failed { fault: Fault::Job(_), .. }) => {
				vec![Done::Claim { task, attempt, claim: Claim::Rejected }]
			}
			_ => Vec::new(),
		}
	}
}
