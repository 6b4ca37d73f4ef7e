//! The states that segments of iterative jobs start from: whose result is verified hands them over, each to the member
//! that recomputes what follows and to nobody else. Off chain.

use alloc::{vec, vec::Vec};

use frame_support::BoundedVec;
use ogpu_primitives::{
	executor::{Checkpoint, Peer, StateRequest},
	job::Plan,
	market::spec::TaskSpec,
	merkle::Hash,
};
use ogpu_traits::{
	Node, PartOfTask, Registry, genesis,
	offchain::{Trouble, job_of},
};

use crate::{Case, Config, Pallet, Subject};

/// What somebody that recomputes units was given.
pub(crate) struct Handed {
	/// The states that are here.
	pub(crate) states: Vec<Checkpoint>,
	/// The units that cannot be recomputed without others, in ascending order.
	pub(crate) missing: Vec<u32>,
}

/// The units that start from a state which whoever has them must be given, rather than from a unit before them that is
/// its own. It is not shown a state that it is to compute.
fn starts<AccountId>(case: &Case<AccountId>, units: &[u32]) -> Vec<u32> {
	let own = |unit: u32| unit.checked_sub(1).is_some_and(|before| units.contains(&before));
	units.iter().copied().filter(|unit| case.is_handed(*unit) && !own(*unit)).collect()
}

impl<T: Config> Pallet<T> {
	/// Gives each member of a panel the states that its units start from. Whether all of them are served.
	pub(crate) fn hand_states_over(
		id: PartOfTask,
		case: &Case<T::AccountId>,
		spec: &TaskSpec,
		to: &[(Hash, Vec<u32>)],
		node: &dyn Node,
	) -> bool {
		let run = spec.job.run(&genesis::<T>(), id.task, id.attempt);
		to.iter().all(|(key, units)| {
			let starts = starts(case, units).into_iter();
			let segments: Vec<u32> = starts.map(|unit| case.first_unit + unit - 1).collect();
			segments.is_empty() || node.publish_states(&run, &segments, &[*key]).is_ok()
		})
	}

	/// The states that units start from, as their provider has committed to them. What a segment comes to is judged by the
	/// state before it, whether that is right or not: that is another segment's matter.
	///
	/// # Errors
	///
	/// When the executor is away, or the job is not here.
	pub(crate) fn handed(
		id: PartOfTask,
		case: &Case<T::AccountId>,
		units: &[u32],
		spec: &TaskSpec,
		peers: &[Peer],
		node: &dyn Node,
	) -> Result<Handed, Trouble> {
		let mut handed = Handed { states: Vec::new(), missing: Vec::new() };
		let starts = starts(case, units);
		if starts.is_empty() {
			return Ok(handed);
		}
		let (_, plan) = job_of(spec, peers, node)?;
		for unit in units {
			let follows = unit.checked_sub(1).is_some_and(|before| handed.missing.contains(&before));
			let state = match starts.contains(unit) {
				true => Self::state_before(id, case, *unit, spec, &plan, node)?,
				false if follows => None,
				false => continue,
			};
			match state {
				Some(state) => handed.states.push(state),
				// All of them are asked for at once, not one after the other.
				None => handed.missing.push(*unit),
			}
		}
		Ok(handed)
	}

	/// The state before a unit, once all of it is here.
	fn state_before(
		id: PartOfTask,
		case: &Case<T::AccountId>,
		unit: u32,
		spec: &TaskSpec,
		plan: &Plan,
		node: &dyn Node,
	) -> Result<Option<Checkpoint>, Trouble> {
		let Some(holder) = T::Registry::endpoint(&case.provider) else { return Ok(None) };
		let (part, root) = match (unit, case.subject) {
			(0, _) => (id.part.saturating_sub(1), case.before),
			(_, Subject::Root(root)) => (id.part, Some(root)),
			(_, Subject::Claim(_)) => (id.part, None),
		};
		let Some(root) = root else { return Ok(None) };
		let peers = BoundedVec::truncate_from(vec![holder.peer()]);
		let state = node.state_of_others(&StateRequest {
			run: spec.job.run(&genesis::<T>(), id.task, id.attempt),
			segment: (case.first_unit + unit).saturating_sub(1),
			root,
			first: spec.first_unit(part),
			count: spec.units_of(part),
			peers: peers.clone(),
		})?;
		// A leaf that is made of something else leads nowhere, as does one of which there are only the hashes.
		let Some(state) = state.filter(|state| state.slices.len() == plan.result.len()) else {
			return Ok(None);
		};
		let mut here = true;
		for (blob, slice) in state.slices.iter().zip(&plan.result) {
			here &= node.fetch(blob, slice.bytes, &peers)?;
		}
		Ok(here.then_some(state))
	}
}
