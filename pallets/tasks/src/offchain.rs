//! The market from the side of a provider's node: what it bids, fetches, runs and says. Off chain.

use alloc::{boxed::Box, vec, vec::Vec};

use codec::{Decode, Encode};
use frame_support::BoundedVec;
use ogpu_primitives::{
	Balance,
	executor::{Fault, Leaves, Quote, RunState, Units},
	market::{TaskId, auction::commitment, spec::TaskSpec, stream},
	merkle::{Blake2, Hash, Tree},
};
use ogpu_traits::{
	Claim, Moment, Node, PartOfTask, begun, genesis,
	offchain::{
		Trouble, inputs_are_here, job_of, leaves_of_part, quote, result_of, run, sources, state_of,
	},
};

use crate::{
	Answer, Clock, Concerns, Config, Convictions, Delivery, Done, Due, Pallet, Roots, Status, Task,
	Tasks, Wanted,
};

/// For whom runs of won tasks and races are.
const LANE: &[u8] = b"market";
/// Milliseconds of a block. What is promised in market blocks must be done in their time.
const BLOCK_MS: u64 = 3_000;

/// The most results that are handed over in a block.
const HANDED_OVER: usize = 4;

/// Under this a node remembers what it has begun to compute.
const BEGUN: &[u8] = b"ogpu/begun/tasks";

/// What a node remembers of its bid.
#[derive(Encode, Decode)]
struct Remembered {
	price: Balance,
	salt: Hash,
}

/// What a run is for.
#[derive(Encode, Decode)]
enum Computed {
	/// The result of an attempt.
	#[codec(index = 0)]
	Attempt(TaskId, u8),
	/// What would be sealed in a race.
	#[codec(index = 1)]
	Race(TaskId, u8),
}

/// What a node remembers of a race.
#[derive(Encode, Decode)]
struct Sealed {
	root: Hash,
	salt: Hash,
}

fn race_key(task: TaskId, race: u8, spec: &TaskSpec) -> Vec<u8> {
	(b"ogpu/race", task, race, spec.job.hash).encode()
}

/// Every auction has its own: what was opened in one must not be guessed in the next.
fn bid_key(task: TaskId, attempt: u8, spec: &TaskSpec) -> Vec<u8> {
	(b"ogpu/bid", task, attempt, spec.job.hash).encode()
}

/// The root over the leaves of a part, if all of them are there.
fn root_of(spec: &TaskSpec, part: u8, leaves: &[(u32, Hash)]) -> Option<Hash> {
	let of_part = leaves_of_part(spec, part, leaves)?;
	Some(Tree::new::<Blake2>(of_part).ok()?.root())
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
			Due::Reveal { task, attempt, spec, .. } => Self::remembered(task, attempt, &spec, node)
				.map(|Remembered { price, salt }| Done::Reveal { task, price, salt })
				.into_iter()
				.collect(),
			Due::Acknowledge { task, attempt, spec, until } => {
				Self::gather(task, attempt, &spec, until, node).into_iter().collect()
			}
			Due::Execute { task, attempt, part, spec, .. } => {
				Self::compute(task, attempt, part, &spec, node)
			}
			Due::Race { task, race, spec, prize } => {
				Self::think_of_a_race(provider, (task, race), &spec, prize, node)
					.into_iter()
					.collect()
			}
			Due::Answer { task, demand, attempt, spec, wanted, piece, .. } => {
				let answer = Self::answer_to((task, attempt), &spec, &wanted, piece, node);
				let done = |answer| Done::Answer { task, demand, answer: Box::new(answer) };
				answer.map(done).into_iter().collect()
			}
			Due::Show { task, race, spec, .. } => Self::sealed(task, race, &spec, node)
				.map(|Sealed { root, salt }| Done::Show { task, root, salt })
				.into_iter()
				.collect(),
		}
	}

	fn remembered(
		task: TaskId,
		attempt: u8,
		spec: &TaskSpec,
		node: &dyn Node,
	) -> Option<Remembered> {
		Remembered::decode(&mut &node.recall(&bid_key(task, attempt, spec))?[..]).ok()
	}

	/// A bid at what the operator's price policy says, if the job can run here in time and for the money.
	fn think_of_a_bid(
		provider: &T::AccountId,
		(task, attempt): (TaskId, u8),
		spec: &TaskSpec,
		reserve: Balance,
		node: &dyn Node,
	) -> Option<Done> {
		let bid = match Self::remembered(task, attempt, spec, node) {
			// The same as before: the first may have been lost.
			Some(bid) => bid,
			None => {
				let peers = sources(&spec.job, None);
				let (job, _) = job_of(spec, &peers, node).ok()?;
				let Ok(Quote::Offer { price, run_ms, wait_ms, .. }) = quote(job, &peers, node)
				else {
					return None;
				};
				let in_time = run_ms.saturating_add(wait_ms) <= u64::from(spec.time) * BLOCK_MS / 2;
				if price > reserve || !in_time {
					return None;
				}
				let bid = Remembered { price, salt: node.secret() };
				let kept = node.remember(&bid_key(task, attempt, spec), &bid.encode());
				Remembered::decode(&mut &kept[..]).ok()?
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
		let peers = sources(&spec.job, None);
		let here =
			job_of(spec, &peers, node).and_then(|(job, _)| inputs_are_here(&job, &peers, node));
		match here {
			Ok(true) => Some(Done::Acknowledge { task, attempt }),
			Err(Trouble::NotAsDeclared) => {
				Some(Done::Claim { task, attempt, claim: Claim::Rejected })
			}
			// The last moments are for saying so.
			Ok(false) | Err(Trouble::Later) => {
				(<Self as Clock>::now() + 3 >= until).then_some(Done::Decline { task, attempt })
			}
		}
	}

	fn sealed(task: TaskId, race: u8, spec: &TaskSpec, node: &dyn Node) -> Option<Sealed> {
		Sealed::decode(&mut &node.recall(&race_key(task, race, spec))?[..]).ok()
	}

	/// Computes a batch whose prize is worth it, and seals the root.
	fn think_of_a_race(
		provider: &T::AccountId,
		(task, race): (TaskId, u8),
		spec: &TaskSpec,
		prize: Balance,
		node: &dyn Node,
	) -> Option<Done> {
		let genesis = genesis::<T>();
		let sealed = match Self::sealed(task, race, spec, node) {
			// The same as before: the first may have been lost.
			Some(sealed) => sealed,
			None => {
				// Members that verify another's root of the same batch need a run of their own; so does each race.
				let id = spec.job.run(&genesis, task, race);
				let state = match node.state(&id) {
					Ok(Some(state)) => state,
					Ok(None) => {
						let peers = sources(&spec.job, None);
						let (job, _) = job_of(spec, &peers, node).ok()?;
						match quote(job.clone(), &peers, node) {
							Ok(Quote::Offer { price, .. }) if price <= prize => {}
							_ => return None,
						}
						run(id, LANE, job, Units::All, Vec::new(), &peers, node).ok()?
					}
					Err(_) => return None,
				};
				if !state.is_final() {
					begun::note(BEGUN, Computed::Race(task, race), id, node);
				}
				match state {
					RunState::Done { .. } => {}
					RunState::Cancelled => {
						// It was given up, and is wanted after all: forgotten, it begins anew.
						let _ = node.cancel(&id);
						return None;
					}
					_ => return None,
				}
				let leaves = node.leaves(&id).ok()?;
				let root = root_of(spec, 0, &leaves.leaves)?;
				let sealed = Sealed { root, salt: node.secret() };
				let kept = node.remember(&race_key(task, race, spec), &sealed.encode());
				Sealed::decode(&mut &kept[..]).ok()?
			}
		};
		let Sealed { root, salt } = sealed;
		let commitment = stream::commitment::<Blake2>(&genesis, task, race, provider, &root, &salt);
		Some(Done::Race { task, commitment })
	}

	/// Serves the outputs of tasks to their clients, each once, a few in a block.
	pub(crate) fn hand_over_results(provider: &T::AccountId, node: &dyn Node) {
		let waiting = Concerns::<T>::iter_key_prefix(provider).filter_map(|id| {
			let task = Tasks::<T>::get(id)?;
			let Status::Delivered { by, delivery: Delivery::Awaited, .. } = &task.status else {
				return None;
			};
			let key = (b"ogpu/handed-over", id, task.attempt, task.spec.job.hash).encode();
			let mine = by.provider == *provider;
			(mine && node.recall(&key).is_none()).then_some((id, task, key))
		});
		for (id, Task { attempt, spec, .. }, key) in waiting.take(HANDED_OVER) {
			let Some((_, root)) = Roots::<T>::get(id, 0) else { continue };
			let of = PartOfTask { task: id, attempt, part: 0 };
			let Some((run, _)) = result_of::<T>(of, &root, &spec, node) else { continue };
			if node.publish(&run, &[spec.job.reader]).is_ok() {
				node.remember(&key, &[]);
			}
		}
	}

	/// Gives up runs of no use: of tasks that have ended before they were done, for one because they were cancelled, and of
	/// races that others have won.
	pub(crate) fn give_up_what_is_over(node: &dyn Node) {
		let is_over = |of: &Computed| match *of {
			// Whoever was convicted may still appeal, and judges ask it for what they start from.
			Computed::Attempt(task, attempt) => {
				!Tasks::<T>::contains_key(task) && !Convictions::<T>::contains_key((task, attempt))
			}
			// What was not sealed in time is worth nothing.
			Computed::Race(task, race) => Tasks::<T>::get(task).is_none_or(|task| {
				let raced = matches!(task.status, Status::Open { .. } | Status::Racing { .. });
				!raced || task.race != race
			}),
		};
		begun::give_up(BEGUN, <Self as Clock>::now(), is_over, node);
	}

	/// What is demanded, with what proves it.
	fn answer_to(
		(task, attempt): (TaskId, u8),
		spec: &TaskSpec,
		wanted: &Wanted,
		piece: u32,
		node: &dyn Node,
	) -> Option<Answer> {
		match *wanted {
			Wanted::Input { blob, .. } => Some(Answer {
				slices: BoundedVec::new(),
				siblings: BoundedVec::new(),
				piece: Some(node.piece(&blob, piece).ok()?),
			}),
			Wanted::Output { part, unit, slice } => {
				let (_, root) = Roots::<T>::get(task, part)?;
				let of = PartOfTask { task, attempt, part };
				let (run, tree) = result_of::<T>(of, &root, spec, node)?;
				let of_job = spec.first_unit(part).saturating_add(unit);
				let slices = node.slices(&run, of_job).ok()?.slices;
				let piece = match slices.get(usize::from(slice)) {
					Some(_) => Some(node.piece_of_result(&run, of_job, slice, piece).ok()?),
					None => None,
				};
				let siblings = tree.prove(&[unit]).ok()?.siblings.try_into().ok()?;
				Some(Answer { slices, siblings, piece })
			}
		}
	}

	/// Has the job run, and gives the roots of all parts that are still wanted and computed, while others are not yet: what
	/// is verified is paid, and can be taken over from.
	fn compute(task: TaskId, attempt: u8, part: u8, spec: &TaskSpec, node: &dyn Node) -> Vec<Done> {
		let id = spec.job.run(&genesis::<T>(), task, attempt);
		let state = state_of(id, LANE, Units::All, spec, &sources(&spec.job, None), node);
		if state.as_ref().is_ok_and(|state| !state.is_final()) {
			begun::note(BEGUN, Computed::Attempt(task, attempt), id, node);
		}
		let done = match state {
			Ok(RunState::Done { .. }) => spec.units,
			Ok(RunState::Running { done, .. }) => done,
			// Any machine would come to the same: this may be said.
			Ok(RunState::Failed { fault: Fault::Job(_), .. }) => {
				return vec![Done::Claim { task, attempt, claim: Claim::Rejected }];
			}
			// It was asked what it costs, and said that it has the time: others look whether the job ends elsewhere.
			Ok(RunState::Failed { fault: Fault::Unfinished, .. }) => {
				return vec![Done::Claim { task, attempt, claim: Claim::Endless }];
			}
			Ok(RunState::Cancelled) => {
				// It was given up, and is wanted after all: forgotten, it begins anew.
				let _ = node.cancel(&id);
				return Vec::new();
			}
			_ => return Vec::new(),
		};
		// All leaves are much to ask for in every block.
		if done < spec.first_unit(part).saturating_add(spec.units_of(part)) {
			return Vec::new();
		}
		let Ok(Leaves { leaves }) = node.leaves(&id) else { return Vec::new() };
		let wanted = (part..spec.parts).map_while(|part| {
			let root = root_of(spec, part, &leaves)?;
			Some(Done::Root { task, attempt, part, root })
		});
		wanted.collect()
	}
}
