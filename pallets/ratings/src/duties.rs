//! What a trial wants of its provider's node, and the doing of it.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::DispatchResult, weights::Weight};
use ogpu_primitives::{
	executor::{RunState, Units},
	merkle::Hash,
};
use ogpu_traits::{
	Duties, Moment, Node, Specs, genesis,
	offchain::{keep_known, state_of},
};
use scale_info::TypeInfo;

use crate::{Config, Pallet, Stage, TrialId, TrialOf, Trials, WeightInfo, part_of};

/// For whom runs of trials are: they do not wait for others.
const LANE: &[u8] = b"trials";

/// A trial that is to be computed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Due {
	/// Which.
	pub trial: TrialId,
	/// Until when its root counts.
	pub until: Moment,
}

/// A trial that was computed.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Done {
	/// Which.
	pub trial: TrialId,
	/// The root of its result.
	pub root: Hash,
}

impl<T: Config> Duties<T::AccountId> for Pallet<T> {
	type Due = Due;
	type Done = Done;

	fn due(provider: &T::AccountId, most: u32) -> Vec<Due> {
		let running = |trial: TrialId| match Trials::<T>::get(trial)?.stage {
			Stage::Running { until, .. } => Some(Due { trial, until }),
			_ => None,
		};
		let due = TrialOf::<T>::get(provider).and_then(running);
		due.into_iter().take(most as usize).collect()
	}

	fn attend(provider: &T::AccountId, most: u32, node: &dyn Node) -> Vec<Done> {
		let due = Self::due(provider, most).into_iter();
		due.filter_map(|due| Self::compute(due.trial, node)).collect()
	}

	fn is_live(provider: &T::AccountId, done: &Done) -> bool {
		let trial = Self::trial_for(provider, done.trial);
		trial.is_ok_and(|trial| matches!(trial.stage, Stage::Running { .. }))
	}

	fn weight(_: &Done) -> Weight {
		T::WeightInfo::commit_root()
	}

	fn is_voluntary(_: &Done) -> bool {
		// It has paid for it.
		false
	}

	fn perform(provider: &T::AccountId, done: Done) -> DispatchResult {
		Ok(Self::take_root(provider, done.trial, done.root)?)
	}
}

impl<T: Config> Pallet<T> {
	/// Has a trial computed, and says what it came to once that is known.
	fn compute(trial: TrialId, node: &dyn Node) -> Option<Done> {
		let part = part_of(trial);
		let spec = Self::spec(part)?;
		let run = spec.job.run(&genesis::<T>(), part.task, part.attempt);
		keep_known(&run, &Self::blobs(part), node).ok()?;
		match state_of(run, LANE, Units::All, &spec, &[], node).ok()? {
			RunState::Done { root: Some(root), .. } => Some(Done { trial, root }),
			_ => None,
		}
	}
}
