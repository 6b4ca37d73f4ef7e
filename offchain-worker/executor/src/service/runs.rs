//! All runs that the executor knows, and who watches them. Bookkeeping only.

use std::collections::HashMap;

use ogpu_primitives::{
	executor::{RunId, RunState},
	merkle::Hash,
};
use tokio::sync::watch;

use super::journal::Standing;
use crate::run::Cancel;

/// Why a run is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
	/// Something is wrong with what was submitted; every fault.
	#[error("{}", .0.join("; "))]
	Invalid(Vec<String>),
	/// The same id stands for something else.
	#[error("another job was submitted under this id; choose a new one")]
	Conflict,
	/// Too many runs wait.
	#[error(
		"{waiting} runs wait or go on already, the most that this executor takes; try again later"
	)]
	Busy {
		/// How many.
		waiting: usize,
	},
	/// Too many runs of one owner wait.
	#[error("{waiting} runs of {owner:?} wait or go on already; try again when some are done")]
	OwnerBusy {
		/// Who asks.
		owner: String,
		/// How many.
		waiting: usize,
	},
	/// There is no disk for the results.
	#[error(
		"its results take {needed} bytes, {free} are left; delete finished runs, or raise limits.results"
	)]
	NoRoom {
		/// Bytes that the results take.
		needed: u64,
		/// Bytes that are left.
		free: u64,
	},
	/// No device here can run it.
	#[error("no device here can run it: {0}")]
	Misfit(String),
	/// The executor is about to end.
	#[error("the executor is being shut down; try again later, or elsewhere")]
	Draining,
	/// The executor failed.
	#[error("{0}")]
	Failed(String),
}

/// Whoever can follow and cancel a run that has not ended.
#[derive(Debug)]
pub(super) struct Live {
	/// How it stands, for those who watch.
	pub(super) state: watch::Sender<RunState>,
	/// Ends it.
	pub(super) cancel: Cancel,
	/// Its owner has told it to end.
	pub(super) told: bool,
	/// Somebody sees to its end; nobody else may.
	claimed: bool,
}

impl Live {
	fn new(state: RunState) -> Self {
		Self {
			state: watch::Sender::new(state),
			cancel: Cancel::default(),
			told: false,
			claimed: false,
		}
	}
}

/// A run.
#[derive(Debug)]
pub(super) struct Entry {
	/// Who asked for it.
	pub(super) owner: String,
	/// The hash of what was submitted.
	pub(super) digest: Hash,
	/// Bytes that its results take, or will.
	pub(super) bytes: u64,
	/// How it stands.
	pub(super) standing: Standing,
	/// Set until it ends.
	pub(super) live: Option<Live>,
}

/// All runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
	all: HashMap<RunId, Entry>,
	next_order: u64,
	bytes: u64,
	live: usize,
	live_of: HashMap<String, usize>,
}

impl Runs {
	/// A run.
	pub(super) fn get(&self, id: &RunId) -> Option<&Entry> {
		self.all.get(id)
	}

	/// All of them, in no order.
	pub(super) fn iter(&self) -> impl Iterator<Item = (&RunId, &Entry)> {
		self.all.iter()
	}

	/// Runs that have not ended.
	pub(super) fn live(&self) -> usize {
		self.live
	}

	/// Runs of an owner that have not ended.
	pub(super) fn live_of(&self, owner: &str) -> usize {
		self.live_of.get(owner).copied().unwrap_or(0)
	}

	/// Bytes that all results take, or will.
	pub(super) fn bytes(&self) -> u64 {
		self.bytes
	}

	/// The place of the next run in the order of acceptance.
	pub(super) fn next_order(&mut self) -> u64 {
		self.next_order += 1;
		self.next_order
	}

	/// Adds a run.
	pub(super) fn insert(
		&mut self,
		id: RunId,
		owner: String,
		digest: Hash,
		bytes: u64,
		standing: Standing,
	) {
		self.next_order = self.next_order.max(standing.order);
		self.bytes = self.bytes.saturating_add(bytes);
		let live = (!standing.state.is_final()).then(|| Live::new(standing.state.clone()));
		if live.is_some() {
			self.live += 1;
			*self.live_of.entry(owner.clone()).or_default() += 1;
		}
		self.all.insert(id, Entry { owner, digest, bytes, standing, live });
	}

	/// A run that has not ended, if it is still the one of that order: an id may have been forgotten and used
	/// again.
	pub(super) fn live_entry(&self, id: &RunId, order: u64) -> Option<(&Entry, &Live)> {
		let entry = self.all.get(id).filter(|entry| entry.standing.order == order)?;
		entry.live.as_ref().filter(|live| !live.claimed).map(|live| (entry, live))
	}

	/// Takes on the end of a run; nobody else can after that. How it stood.
	pub(super) fn claim(&mut self, id: &RunId, order: u64) -> Option<Standing> {
		let entry = self.all.get_mut(id).filter(|entry| entry.standing.order == order)?;
		let live = entry.live.as_mut().filter(|live| !live.claimed)?;
		live.claimed = true;
		Some(entry.standing.clone())
	}

	/// Tells a run to end. Its order, and whether a device works on it and so sees to its end.
	pub(super) fn tell(&mut self, id: &RunId) -> Option<(u64, bool)> {
		let entry = self.all.get_mut(id)?;
		let live = entry.live.as_mut()?;
		live.told = true;
		live.cancel.cancel();
		let running = matches!(*live.state.borrow(), RunState::Running { .. });
		Some((entry.standing.order, running))
	}

	/// Notes how a run stands and tells those who watch. Runs that have ended are left as they are, and so is
	/// another run of the same id.
	pub(super) fn update(&mut self, id: &RunId, standing: Standing) {
		let Some(entry) = self.all.get_mut(id) else { return };
		if entry.standing.order != standing.order {
			return;
		}
		let Some(live) = &entry.live else { return };
		live.state.send_replace(standing.state.clone());
		if standing.state.is_final() {
			entry.live = None;
			self.live -= 1;
			if !matches!(standing.state, RunState::Done { .. }) {
				// Its results are none, and are removed.
				self.bytes -= std::mem::take(&mut entry.bytes);
			}
			if let Some(count) = self.live_of.get_mut(&entry.owner) {
				*count -= 1;
				if *count == 0 {
					self.live_of.remove(&entry.owner);
				}
			}
		}
		entry.standing = standing;
	}

	/// Forgets a run.
	pub(super) fn remove(&mut self, id: &RunId) -> Option<Entry> {
		let entry = self.all.remove(id)?;
		self.bytes -= entry.bytes;
		if entry.live.is_some() {
			self.live -= 1;
			if let Some(count) = self.live_of.get_mut(&entry.owner) {
				*count -= 1;
			}
			self.live_of.retain(|_, count| *count > 0);
		}
		Some(entry)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn standing(state: RunState) -> Standing {
		Standing { order: 1, state, since_ms: 0, attempts: 0, run_us: 0 }
	}

	#[test]
	fn numbers_follow_the_runs() {
		let mut runs = Runs::default();
		for number in 0..4u8 {
			let owner = if number < 3 { "a" } else { "b" };
			runs.insert([number; 32], owner.into(), [0; 32], 10, standing(RunState::Queued));
		}
		assert_eq!((runs.live(), runs.live_of("a"), runs.bytes()), (4, 3, 40));
		let watched = runs.get(&[0; 32]).and_then(|entry| entry.live.as_ref()).expect("live");
		let seen = watched.state.subscribe();
		runs.update(&[0; 32], standing(RunState::Cancelled));
		assert_eq!(*seen.borrow(), RunState::Cancelled);
		// What has ended stays so.
		runs.update(&[0; 32], standing(RunState::Queued));
		assert_eq!(runs.get(&[0; 32]).expect("known").standing.state, RunState::Cancelled);
		assert_eq!((runs.live(), runs.live_of("a"), runs.bytes()), (3, 2, 30));
		runs.remove(&[0; 32]);
		runs.remove(&[3; 32]);
		assert_eq!((runs.live(), runs.live_of("b"), runs.bytes()), (2, 0, 20));
		// One that is told to end is ended by one alone, and never in the place of another.
		assert_eq!(runs.tell(&[1; 32]), Some((1, false)));
		assert!(runs.live_entry(&[1; 32], 2).is_none() && runs.claim(&[1; 32], 2).is_none());
		assert!(runs.claim(&[1; 32], 1).is_some() && runs.claim(&[1; 32], 1).is_none());
		assert!(runs.live_entry(&[1; 32], 1).is_none());
	}
}
