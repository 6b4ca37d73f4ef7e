//! Verification from the side of a provider's node: what it recomputes, opens and says. Off chain.

use alloc::{vec, vec::Vec};

use codec::{Decode, Encode};
use frame_support::BoundedVec;
use ogpu_primitives::{
	executor::{Fault, Leaves, Quote, RunId, RunState, Units},
	market::{spec::TaskSpec, tally::commitment, verification::Shape},
	merkle::{Blake2, Hash, Hasher},
};
use ogpu_traits::{
	Claim, Clock, Moment, Node, PartOfTask, Registry, Specs, begun, genesis,
	offchain::{Trouble, inputs_are_here, job_of, keep_known, quote, result_of, sources, state_of},
};

use crate::{Case, Config, Done, Due, Kind, Pallet, REFUSED, Subject, UPHELD, Wanted, draw_of};

/// For whom runs of members are: whoever computes for pay does not wait for them, nor they for it.
pub(crate) const LANE: &[u8] = b"verification";
/// Market blocks before the end of a stage from which on nothing is waited for any more.
const LAST_MOMENTS: Moment = 3;

/// Market blocks after which an executor is told again what to serve.
pub(crate) const SERVED_AGAIN: Moment = 20;

/// Under this a node remembers what it has begun to recompute.
const BEGUN: &[u8] = b"ogpu/begun/attestations";

/// What a node remembers of what it has committed to.
#[derive(Encode, Decode)]
struct Remembered {
	salt: Hash,
	leaves: Vec<(u32, Hash)>,
}

/// What a run of a member is for.
#[derive(Encode, Decode)]
struct Computed {
	case: PartOfTask,
	panel: u8,
	seed: Hash,
}

/// What came of computing.
enum Outcome {
	/// These leaves, or this opinion of a claim.
	Leaves(Vec<(u32, Hash)>),
	/// Nothing yet.
	Later,
	/// Nothing that may be said: this machine's fault, or it is not known whose.
	Nothing,
}

/// What is recomputed of a case, and in which run.
pub(crate) struct Computing<'a, AccountId> {
	pub(crate) id: PartOfTask,
	pub(crate) case: &'a Case<AccountId>,
	pub(crate) spec: &'a TaskSpec,
	pub(crate) run: RunId,
}

/// Whether a stage ends so soon that nothing is waited for any more.
pub(crate) const fn in_last_moments(now: Moment, until: Moment) -> bool {
	now.saturating_add(LAST_MOMENTS) >= until
}

/// What it says in one panel. It is bound to the draw: on another fork the same panel has other units.
fn key(case: PartOfTask, panel: u8, seed: &Hash) -> Vec<u8> {
	(b"ogpu/attest", case, panel, seed).encode()
}

/// The run in which a member recomputes its units.
fn member_run(case: PartOfTask, panel: u8, seed: &Hash) -> RunId {
	(b"ogpu/verify/1", case, panel, seed).using_encoded(Blake2::hash)
}

/// The run in which it recomputes them from the states that it was given.
pub(crate) fn handed_run(run: &RunId) -> RunId {
	(b"ogpu/handed/1", run).using_encoded(Blake2::hash)
}

impl<T: Config> Pallet<T> {
	/// Gives up runs for panels that want nothing of this provider any more: they have ended without it, or another fork
	/// has drawn another one.
	pub(crate) fn give_up_what_is_over(who: &T::AccountId, node: &dyn Node) {
		let is_over = |of: &Computed| {
			let Computed { case, panel, seed } = *of;
			!Wanted::<T>::contains_key(who, (case, panel))
				|| Self::panel(case, panel).map_or(true, |panel| panel.seed != seed)
		};
		begun::give_up(BEGUN, T::Clock::now(), is_over, node);
	}

	/// Does one thing that is due, as far as it goes without waiting.
	pub(crate) fn attend_to(
		who: &T::AccountId,
		due: Due<T::AccountId>,
		node: &dyn Node,
	) -> Option<Done> {
		match due {
			Due::Commit { case, panel, kind, of, units, seed, until } => {
				Self::recompute(who, (case, panel, seed), kind, &of, &units, until, node)
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

	/// Whether this node has computed its units, and need not ask its executor any more.
	pub(crate) fn is_computed(case: PartOfTask, panel: u8, seed: &Hash, node: &dyn Node) -> bool {
		Self::remembered(case, panel, seed, node).is_some()
	}

	/// Has its units recomputed, and commits to what came of it.
	fn recompute(
		who: &T::AccountId,
		(id, panel, seed): (PartOfTask, u8, Hash),
		kind: Kind,
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
				let late = in_last_moments(T::Clock::now(), until);
				let run = member_run(id, panel, &seed);
				keep_known(&run, &T::Specs::blobs(id), node).ok()?;
				let outcome = match case.subject {
					// What was not begun would not come in time.
					Subject::Root(_)
						if late
							&& case.shape == Shape::Parallel
							&& node.state(&run) == Ok(None) =>
					{
						Outcome::Nothing
					}
					Subject::Root(_) => {
						let of = Computing { id, case, spec: &spec, run };
						Self::leaves_of(&of, kind, units, until, node)
					}
					Subject::Claim(claim) => Self::opinion_of(claim, &spec, run, late, node),
				};
				match outcome {
					Outcome::Leaves(leaves) => {
						let remembered = Remembered { salt: node.secret(), leaves };
						let kept = node.remember(&key(id, panel, &seed), &remembered.encode());
						Remembered::decode(&mut &kept[..]).ok()?
					}
					Outcome::Later if !late => {
						for run in [run, handed_run(&run)] {
							begun::note(BEGUN, Computed { case: id, panel, seed }, run, node);
						}
						return None;
					}
					outcome => {
						// A device that has more to do than it can would otherwise do for nothing what is too late, and what
						// is not would come too late as well.
						if matches!(outcome, Outcome::Later) {
							let _ = node.cancel(&run);
						}
						let draw = draw_of(&seed);
						return Some(Done::Abstain { case: id, panel, draw });
					}
				}
			}
		};
		let Remembered { salt, leaves } = remembered;
		let commitment = commitment::<Blake2>(&genesis::<T>(), &(id, panel), who, &salt, &leaves);
		Some(Done::Commit { case: id, panel, draw: draw_of(&seed), commitment })
	}

	/// The leaves of some units of a part, recomputed: from the states that its provider hands over, if they are a member's
	/// of a round, and else from the beginning of the job.
	fn leaves_of(
		of: &Computing<'_, T::AccountId>,
		kind: Kind,
		units: &[u32],
		until: Moment,
		node: &dyn Node,
	) -> Outcome {
		let holder = T::Registry::endpoint(&of.case.provider);
		let peers = sources(&of.spec.job, holder.as_ref());
		let iterative = of.case.shape == Shape::Iterative;
		if iterative && kind == Kind::Round {
			match Self::leaves_from_states(of, units, &peers, node) {
				Ok(Some(leaves)) => return Outcome::Leaves(leaves),
				Err(Trouble::NotAsDeclared) => return Outcome::Nothing,
				// As long as there is time for all of it afterwards.
				Ok(None) | Err(Trouble::Later) => {
					let needed = of.case.time.saturating_add(LAST_MOMENTS);
					if T::Clock::now().saturating_add(needed) < until {
						return Outcome::Later;
					}
				}
			}
		}
		let of_job = units.iter().map(|unit| of.case.first_unit + unit);
		let to_run: Vec<u32> = match iterative {
			false => of_job.collect(),
			// Each segment starts from the one before it.
			true => (0..=of_job.max().unwrap_or(0)).collect(),
		};
		let to_run = BoundedVec::try_from(to_run).map_or(Units::All, Units::These);
		match state_of(of.run, LANE, to_run, of.spec, &peers, node) {
			Ok(RunState::Done { .. }) => match Self::leaves_in(of, &of.run, units, node) {
				Ok(leaves) => leaves.map_or(Outcome::Nothing, Outcome::Leaves),
				Err(_) => Outcome::Later,
			},
			Ok(RunState::Failed { .. } | RunState::Cancelled) => Outcome::Nothing,
			Ok(_) | Err(Trouble::Later) => Outcome::Later,
			Err(Trouble::NotAsDeclared) => Outcome::Nothing,
		}
	}

	/// The leaves of some units in a run that is done; `None` if it has not all of them.
	pub(crate) fn leaves_in(
		of: &Computing<'_, T::AccountId>,
		run: &RunId,
		units: &[u32],
		node: &dyn Node,
	) -> Result<Option<Vec<(u32, Hash)>>, Trouble> {
		let Leaves { leaves } = node.leaves(run)?;
		let leaf_of = |unit: &u32| {
			let found = leaves.iter().find(|(known, _)| *known == of.case.first_unit + unit);
			found.map(|(_, leaf)| (*unit, *leaf))
		};
		Ok(units.iter().map(leaf_of).collect())
	}

	/// Which of the spans of so many market blocks this is, for what is done once in each.
	pub(crate) fn turn(span: Moment) -> u8 {
		(T::Clock::now() / span) as u8
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
			Err(Trouble::NotAsDeclared) => return say(claim != Claim::Unavailable),
			Err(Trouble::Later) => return Outcome::Later,
		};
		match claim {
			Claim::Unavailable => {
				return match inputs_are_here(&job, &peers, node) {
					Ok(true) => say(false),
					Ok(false) if late => say(true),
					_ => Outcome::Later,
				};
			}
			Claim::Rejected => match quote(job, &peers, node) {
				Ok(Quote::Refused { fault: Fault::Job(_), .. }) => return say(true),
				Ok(Quote::Offer { .. }) => {}
				Ok(Quote::Refused { .. }) => return Outcome::Nothing,
				_ => return Outcome::Later,
			},
			// How long it takes is not to be found out twice.
			Claim::Endless => {}
		}
		let endless = claim == Claim::Endless;
		// All of it: a job may be at fault in one unit alone.
		match state_of(run, LANE, Units::All, spec, &peers, node) {
			Ok(RunState::Done { .. }) => say(false),
			Ok(RunState::Failed { fault: Fault::Job(_), .. }) => say(true),
			Ok(RunState::Failed { fault: Fault::Unfinished, .. }) if endless => say(true),
			// It had all the time that whoever computes it has.
			Ok(RunState::Running { .. }) if endless && late => {
				let _ = node.cancel(&run);
				say(true)
			}
			Ok(RunState::Failed { .. } | RunState::Cancelled) => Outcome::Nothing,
			Ok(_) | Err(Trouble::Later) => Outcome::Later,
			Err(Trouble::NotAsDeclared) => say(true),
		}
	}

	/// Gives the members of a panel what they start from. An executor that was started anew has forgotten it: now and
	/// then it is told again.
	fn serve(id: PartOfTask, panel: u8, seed: &Hash, to: &[(Hash, Vec<u32>)], node: &dyn Node) {
		let (Some(spec), Ok(case)) = (T::Specs::spec(id), Self::case(id)) else { return };
		if case.shape == Shape::Iterative {
			let run = spec.job.run(&genesis::<T>(), id.task, id.attempt);
			Self::hand_states_over((id, panel, seed), &case, &run, to, node);
		}
		let key = (b"ogpu/served", id, panel, seed, Self::turn(SERVED_AGAIN)).encode();
		// Nobody named would be everybody.
		if to.is_empty() || node.recall(&key).is_some() {
			return;
		}
		let Ok((job, _)) = job_of(&spec, &sources(&spec.job, None), node) else { return };
		let inputs = job.blobs().into_iter().map(|(blob, _)| blob);
		let keys: Vec<Hash> = to.iter().map(|(key, _)| *key).collect();
		if inputs.chain([spec.job.blob]).all(|blob| node.share(&blob, &keys).is_ok()) {
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
