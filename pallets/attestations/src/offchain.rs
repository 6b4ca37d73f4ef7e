//! Verification from the side of a provider's node: what it recomputes, opens and says. Off chain.

use alloc::{vec, vec::Vec};

use codec::{Decode, Encode};
use frame_support::BoundedVec;
use ogpu_primitives::{
	executor::{Fault, Leaves, Quote, RunId, RunState, Units},
	market::{
		spec::TaskSpec,
		tally::{FAULTY, WITHHELD, commitment},
		verification::Shape,
	},
	merkle::{Blake2, Hash, Hasher},
};
use ogpu_traits::{
	Claim, Clock, Moment, Node, PartOfTask, Registry, Specs, genesis,
	offchain::{Trouble, inputs_are_here, job_of, quote, result_of, sources, state_from, state_of},
};

use crate::{Case, Config, Done, Due, Pallet, REFUSED, Subject, UPHELD};

/// For whom runs of members are: whoever computes for pay does not wait for them, nor they for it.
const LANE: &[u8] = b"verification";
/// Market blocks before the end of a stage from which on nothing is waited for any more.
const LAST_MOMENTS: Moment = 3;

/// Market blocks after which an executor is told again what to serve.
const SERVED_AGAIN: Moment = 20;

/// What a node remembers of what it has committed to.
#[derive(Encode, Decode)]
struct Remembered {
	salt: Hash,
	leaves: Vec<(u32, Hash)>,
}

/// What came of computing.
enum Outcome {
	/// These leaves, or this opinion of a claim.
	Leaves(Vec<(u32, Hash)>),
	/// Nothing yet.
	Later,
	/// Nothing yet: these units start from states that are not here.
	Lacking(Vec<u32>),
	/// Nothing that may be said: this machine's fault, or it is not known whose.
	Nothing,
}

impl From<Trouble> for Outcome {
	fn from(trouble: Trouble) -> Self {
		match trouble {
			Trouble::Later => Self::Later,
			Trouble::NotAsDeclared => Self::Nothing,
		}
	}
}

/// What is recomputed of a case, and in which run.
struct Computing<'a, AccountId> {
	id: PartOfTask,
	case: &'a Case<AccountId>,
	spec: &'a TaskSpec,
	run: RunId,
}

/// What it says in one panel. It is bound to the draw: on another fork the same panel has other units.
fn key(case: PartOfTask, panel: u8, seed: &Hash) -> Vec<u8> {
	(b"ogpu/attest", case, panel, seed).encode()
}

/// The run in which a member recomputes its units.
fn member_run(case: PartOfTask, panel: u8, seed: &Hash) -> RunId {
	(b"ogpu/verify/1", case, panel, seed).using_encoded(Blake2::hash)
}

impl<T: Config> Pallet<T> {
	/// Does one thing that is due, as far as it goes without waiting.
	pub(crate) fn attend_to(
		who: &T::AccountId,
		due: Due<T::AccountId>,
		node: &dyn Node,
	) -> Option<Done> {
		match due {
			Due::Commit { case, panel, of, units, seed, until } => {
				Self::recompute(who, (case, panel, seed), &of, &units, until, node)
			}
			Due::Serve { case, panel, to, seed } => {
				Self::serve(case, panel, &seed, &to, node);
				None
			}
			Due::Open { case, panel, units, .. } => Self::open(case, panel, &units, node),
			Due::Reveal { case, panel, opened, seed, .. } => {
				let Remembered { salt, leaves } = Self::remembered(case, panel, &seed, node)?;
				let differ = leaves != opened;
				let own = || BoundedVec::truncate_from(leaves.iter().map(|leaf| leaf.1).collect());
				Some(Done::Reveal { case, panel, salt, leaves: differ.then(own) })
			}
		}
	}

	fn remembered(case: PartOfTask, panel: u8, seed: &Hash, node: &dyn Node) -> Option<Remembered> {
		Remembered::decode(&mut &node.recall(&key(case, panel, seed))?[..]).ok()
	}

	/// Has its units recomputed, and commits to what came of it.
	fn recompute(
		who: &T::AccountId,
		(id, panel, seed): (PartOfTask, u8, Hash),
		case: &Case<T::AccountId>,
		units: &[u32],
		until: Moment,
		node: &dyn Node,
	) -> Option<Done> {
		let remembered = match Self::remembered(id, panel, &seed, node) {
			// The same as before: the first may have been lost.
			Some(remembered) => remembered,
			None => {
				let spec = T::Specs::spec(id)?;
				let late = T::Clock::now().saturating_add(LAST_MOMENTS) >= until;
				let outcome = match case.subject {
					Subject::Root(_) => {
						Self::leaves_of((id, panel, seed), case, units, &spec, until, node)
					}
					Subject::Claim(claim) => {
						let run = member_run(id, panel, &seed);
						Self::opinion_of(claim, &spec, run, late, node)
					}
				};
				match outcome {
					Outcome::Leaves(leaves) => {
						let remembered = Remembered { salt: node.secret(), leaves };
						let kept = node.remember(&key(id, panel, &seed), &remembered.encode());
						Remembered::decode(&mut &kept[..]).ok()?
					}
					Outcome::Later if !late => return None,
					Outcome::Later | Outcome::Lacking(_) | Outcome::Nothing => {
						return Some(Done::Abstain { case: id, panel });
					}
				}
			}
		};
		let Remembered { salt, leaves } = remembered;
		let commitment = commitment::<Blake2>(&genesis::<T>(), &(id, panel), who, &salt, &leaves);
		Some(Done::Commit { case: id, panel, commitment })
	}

	/// The leaves of some units of a part, recomputed.
	fn leaves_of(
		(id, panel, seed): (PartOfTask, u8, Hash),
		case: &Case<T::AccountId>,
		units: &[u32],
		spec: &TaskSpec,
		until: Moment,
		node: &dyn Node,
	) -> Outcome {
		let refused = (b"ogpu/withheld", id, panel, seed).encode();
		let kept = node.recall(&refused).unwrap_or_default();
		let withheld: Vec<u32> = Vec::decode(&mut &kept[..]).unwrap_or_default();
		let (units, withheld): (Vec<_>, Vec<_>) =
			units.iter().copied().partition(|unit| !withheld.contains(unit));
		let mut leaves: Vec<_> = withheld.iter().map(|unit| (*unit, WITHHELD)).collect();
		if units.is_empty() {
			return Outcome::Leaves(leaves);
		}
		let computing = Computing { id, case, spec, run: member_run(id, panel, &seed) };
		let computed = match Self::computed(&computing, &units, node) {
			Err(Outcome::Lacking(missing)) => {
				let work = Self::time_to_compute(case, units.len() as u32);
				let last = until.saturating_sub(work.saturating_add(LAST_MOMENTS));
				// What comes later than that comes too late. The others are computed from the next block on.
				if T::Clock::now() >= last {
					node.remember(&refused, &missing.encode());
				}
				return Outcome::Later;
			}
			Err(outcome) => return outcome,
			Ok(computed) => computed,
		};
		leaves.extend(computed);
		leaves.sort_unstable();
		Outcome::Leaves(leaves)
	}

	/// The leaves of units that are recomputed together, or if that comes to nothing by the job's own fault, each by
	/// itself.
	fn computed(
		of: &Computing<'_, T::AccountId>,
		units: &[u32],
		node: &dyn Node,
	) -> Result<Vec<(u32, Hash)>, Outcome> {
		match Self::run_of(of, of.run, units, node)? {
			RunState::Done { .. } => return Self::leaves_in(of, of.run, units, node),
			RunState::Failed { fault: Fault::Job(_), .. } => {}
			RunState::Failed { .. } | RunState::Cancelled => return Err(Outcome::Nothing),
			_ => return Err(Outcome::Later),
		}
		let mut leaves = Vec::new();
		for (at, unit) in units.iter().enumerate() {
			// With the units before it that it starts from.
			let row = units[..at].iter().rev().zip(1..);
			let row = row.take_while(|(before, back)| **before + back == *unit).count();
			let row = if of.case.shape == Shape::Parallel { 0 } else { row };
			let run = (b"ogpu/alone/1", of.run, unit).using_encoded(Blake2::hash);
			match Self::run_of(of, run, &units[at - row..=at], node)? {
				RunState::Done { .. } => leaves.extend(Self::leaves_in(of, run, &[*unit], node)?),
				RunState::Failed { fault: Fault::Job(_), .. } => {
					// Of those after it nothing needs to be known: the lowest one is named.
					leaves.extend(units[at..].iter().map(|unit| (*unit, FAULTY)));
					return Ok(leaves);
				}
				RunState::Failed { .. } | RunState::Cancelled => return Err(Outcome::Nothing),
				_ => return Err(Outcome::Later),
			}
		}
		Err(Outcome::Nothing)
	}

	/// How a run of some units stands, which is begun once all is here that they start from.
	fn run_of(
		of: &Computing<'_, T::AccountId>,
		run: RunId,
		units: &[u32],
		node: &dyn Node,
	) -> Result<RunState, Outcome> {
		let holder = T::Registry::endpoint(&of.case.provider);
		let peers = sources(&of.spec.job, holder.as_ref());
		if let Some(state) = node.state(&run).map_err(|_| Outcome::Later)? {
			return Ok(state);
		}
		// What everybody knows, nobody has to be given.
		for bytes in T::Specs::blobs(of.id) {
			node.keep(&bytes).map_err(|_| Outcome::Later)?;
		}
		let handed = Self::handed(of.id, of.case, units, of.spec, &peers, node)?;
		if !handed.missing.is_empty() {
			return Err(Outcome::Lacking(handed.missing));
		}
		let first = of.case.first_unit;
		let from_the_beginning = of.case.starts_over() && units.first() == Some(&0);
		let before = 0..if from_the_beginning { first } else { 0 };
		let units: Vec<u32> = before.chain(units.iter().map(|unit| first + unit)).collect();
		let units = BoundedVec::try_from(units).map_or(Units::All, Units::These);
		Ok(state_from(run, LANE, units, handed.states, of.spec, &peers, node)?)
	}

	/// The leaves of some units in a run that is done.
	fn leaves_in(
		of: &Computing<'_, T::AccountId>,
		run: RunId,
		units: &[u32],
		node: &dyn Node,
	) -> Result<Vec<(u32, Hash)>, Outcome> {
		let Leaves { leaves } = node.leaves(&run).map_err(|_| Outcome::Later)?;
		let leaf_of = |unit: &u32| {
			let found = leaves.iter().find(|(known, _)| *known == of.case.first_unit + unit);
			found.map(|(_, leaf)| (*unit, *leaf))
		};
		units.iter().map(leaf_of).collect::<Option<_>>().ok_or(Outcome::Nothing)
	}

	/// What this node finds of a claim.
	fn opinion_of(
		claim: Claim,
		spec: &TaskSpec,
		run: RunId,
		late: bool,
		node: &dyn Node,
	) -> Outcome {
		// What is claimed is about the client: nobody else may help it out.
		let peers = sources(&spec.job, None);
		let say = |upheld: bool| Outcome::Leaves(vec![(0, if upheld { UPHELD } else { REFUSED })]);
		if claim == Claim::Unavailable {
			// What does not come in all that time cannot be had; but this node's own trouble says nothing.
			match node.fetch(&spec.job.blob, spec.job.len.into(), &peers) {
				Ok(true) => {}
				Ok(false) if late => return say(true),
				_ => return Outcome::Later,
			}
		}
		let job = match job_of(spec, &peers, node) {
			Ok((job, _)) => job,
			Err(Trouble::NotAsDeclared) => return say(claim == Claim::Rejected),
			Err(Trouble::Later) => return Outcome::Later,
		};
		match claim {
			Claim::Unavailable => match inputs_are_here(&job, &peers, node) {
				Ok(true) => say(false),
				Ok(false) if late => say(true),
				_ => Outcome::Later,
			},
			Claim::Rejected => {
				match quote(job, &peers, node) {
					Ok(Quote::Refused { fault: Fault::Job(_), .. }) => return say(true),
					Ok(Quote::Offer { .. }) => {}
					Ok(Quote::Refused { .. }) => return Outcome::Nothing,
					_ => return Outcome::Later,
				}
				// All of it: a job may be at fault in one unit alone.
				match state_of(run, LANE, Units::All, spec, &peers, node) {
					Ok(RunState::Done { .. }) => say(false),
					Ok(RunState::Failed { fault: Fault::Job(_), .. }) => say(true),
					Ok(RunState::Failed { .. } | RunState::Cancelled) => Outcome::Nothing,
					Ok(_) | Err(Trouble::Later) => Outcome::Later,
					Err(Trouble::NotAsDeclared) => say(true),
				}
			}
		}
	}

	/// Gives the members of a panel what they start from. An executor that was started anew has forgotten it: now and
	/// then it is told again.
	fn serve(id: PartOfTask, panel: u8, seed: &Hash, to: &[(Hash, Vec<u32>)], node: &dyn Node) {
		let turn = (T::Clock::now() / SERVED_AGAIN) as u8;
		let key = (b"ogpu/served", id, panel, seed, turn).encode();
		// Nobody named would be everybody.
		if to.is_empty() || node.recall(&key).is_some() {
			return;
		}
		let (Some(spec), Ok(case)) = (T::Specs::spec(id), Self::case(id)) else { return };
		let Ok((job, _)) = job_of(&spec, &sources(&spec.job, None), node) else { return };
		let inputs = job.blobs().into_iter().map(|(blob, _)| blob);
		let keys: Vec<Hash> = to.iter().map(|(key, _)| *key).collect();
		let shared = inputs.chain([spec.job.blob]).all(|blob| node.share(&blob, &keys).is_ok());
		if shared && Self::hand_states_over(id, &case, &spec, to, node) {
			node.remember(&key, &[]);
		}
	}

	/// Opens leaves of its own result.
	fn open(id: PartOfTask, panel: u8, units: &[u32], node: &dyn Node) -> Option<Done> {
		let spec = T::Specs::spec(id)?;
		let Subject::Root(root) = Self::case(id).ok()?.subject else { return None };
		let (_, tree) = result_of::<T>(id, &root, &spec, node)?;
		let opened = units.iter().map(|unit| tree.leaf(*unit));
		let opened: Vec<Hash> = opened.collect::<Option<_>>()?;
		let proof = tree.prove(units).ok()?;
		Some(Done::Open {
			case: id,
			panel,
			leaves: opened.try_into().ok()?,
			siblings: proof.siblings.try_into().ok()?,
		})
	}
}
