//! The states that segments of iterative jobs start from: whose result is verified hands them over, each to the member
//! that recomputes what follows and to nobody else. Off chain.
//!
//! They are a help and no more. A member that is given what its units start from, and comes to what the provider has, is
//! done. One that is not, or comes to something else, recomputes from the beginning of the job: whether a unit is right
//! never depends on what a provider gives to whom.

use alloc::{vec, vec::Vec};

use codec::Encode;
use frame_support::BoundedVec;
use ogpu_primitives::{
	executor::{Checkpoint, Peer, RunId, RunState, StateRequest, Units},
	job::Plan,
	merkle::Hash,
};
use ogpu_traits::{
	Node, PartOfTask, Registry, Specs, genesis,
	offchain::{Trouble, job_of, state_from},
};

use crate::{
	Case, Config, Pallet, Subject,
	offchain::{Computing, LANE, SERVED_AGAIN, handed_run},
};

/// The units that start from a state which whoever has them is given, rather than from a unit before them that is its own.
/// It is not shown a state that it is to compute.
fn starts<AccountId>(case: &Case<AccountId>, units: &[u32]) -> Vec<u32> {
	let own = |unit: u32| unit.checked_sub(1).is_some_and(|before| units.contains(&before));
	let from_state = |unit: u32| case.first_unit + unit > 0;
	units.iter().copied().filter(|unit| from_state(*unit) && !own(*unit)).collect()
}

impl<T: Config> Pallet<T> {
	/// Gives each member of a panel the states that its units start from. An executor that was started anew has
	/// forgotten it: now and then it is told again.
	pub(crate) fn hand_states_over(
		(id, panel, seed): (PartOfTask, u8, &Hash),
		case: &Case<T::AccountId>,
		run: &RunId,
		to: &[(Hash, Vec<u32>)],
		node: &dyn Node,
	) {
		let turn = Self::turn(SERVED_AGAIN);
		for (member, units) in to {
			let key = (b"ogpu/handed", id, panel, seed, turn, member).encode();
			let starts = starts(case, units).into_iter();
			let segments: Vec<u32> = starts.map(|unit| case.first_unit + unit - 1).collect();
			let nothing = segments.is_empty() || node.recall(&key).is_some();
			if !nothing && node.publish_states(run, &segments, &[*member]).is_ok() {
				node.remember(&key, &[]);
			}
		}
	}

	/// The leaves of units that were recomputed from their provider's states and are what that has, once all of that is
	/// known; `None` as long as it is not, or if it is otherwise.
	///
	/// # Errors
	///
	/// When the executor is away, or the job is not here.
	pub(crate) fn leaves_from_states(
		of: &Computing<'_, T::AccountId>,
		units: &[u32],
		peers: &[Peer],
		node: &dyn Node,
	) -> Result<Option<Vec<(u32, Hash)>>, Trouble> {
		let run = handed_run(&of.run);
		let state = match node.state(&run)? {
			Some(state) => state,
			None => {
				let (_, plan) = job_of(of.spec, peers, node)?;
				let Some(states) = Self::states_before(of, units, &plan, node)? else {
					return Ok(None);
				};
				let units: Vec<u32> = units.iter().map(|unit| of.case.first_unit + unit).collect();
				let Ok(units) = BoundedVec::try_from(units) else { return Ok(None) };
				state_from(run, LANE, Units::These(units), states, of.spec, peers, node)?
			}
		};
		if !matches!(state, RunState::Done { .. }) {
			return Ok(None);
		}
		let Some(leaves) = Self::leaves_in(of, &run, units, node)? else { return Ok(None) };
		let mut right = true;
		for (unit, leaf) in &leaves {
			let segment = of.case.first_unit + unit;
			let Some(request) = Self::request(of, segment, Some(*leaf)) else { return Ok(None) };
			// All of them are asked for at once, not one after the other.
			right &= node.state_of_others(&request)?.is_some();
		}
		Ok(right.then_some(leaves))
	}

	/// The states that units start from, once all of them are here.
	fn states_before(
		of: &Computing<'_, T::AccountId>,
		units: &[u32],
		plan: &Plan,
		node: &dyn Node,
	) -> Result<Option<Vec<Checkpoint>>, Trouble> {
		let mut states = Vec::new();
		let mut all_here = true;
		for unit in starts(of.case, units) {
			let segment = of.case.first_unit + unit - 1;
			let Some(request) = Self::request(of, segment, None) else { return Ok(None) };
			let state = node.state_of_others(&request)?;
			let Some(state) = state.filter(|state| state.slices.len() == plan.result.len()) else {
				all_here = false;
				continue;
			};
			for (blob, slice) in state.slices.iter().zip(&plan.result) {
				all_here &= node.fetch(blob, slice.bytes, &request.peers)?;
			}
			states.push(state);
		}
		Ok(all_here.then_some(states))
	}

	/// Asks for the state after a segment of the job, as far as its root is known: in the part that is verified, or at the
	/// end of the one before.
	fn request(
		of: &Computing<'_, T::AccountId>,
		segment: u32,
		leaf: Option<Hash>,
	) -> Option<StateRequest> {
		let (part, root) = if segment < of.case.first_unit {
			let part = of.id.part.checked_sub(1)?;
			(part, T::Specs::root(PartOfTask { part, ..of.id })?)
		} else {
			let Subject::Root(root) = of.case.subject else { return None };
			(of.id.part, root)
		};
		let holder = T::Registry::endpoint(&of.case.provider)?;
		Some(StateRequest {
			run: of.spec.job.run(&genesis::<T>(), of.id.task, of.id.attempt),
			segment,
			root,
			first: of.spec.first_unit(part),
			count: of.spec.units_of(part),
			leaf,
			peers: BoundedVec::truncate_from(vec![holder.peer()]),
		})
	}
}
