//! What a node has begun to compute, and gives up where it is of no use any more: its devices are there for others. Off
//! chain.

use alloc::vec::Vec;

use codec::{Codec, Decode, Encode};
use ogpu_primitives::executor::RunId;

use crate::{Moment, Node};

/// How many runs are remembered under a key, at most.
const MOST: usize = 1_024;
/// Market blocks for which a run goes on when it is of no use any more: that may be so in a block that is left for
/// another.
const LEFT_ALONE: Moment = 20;
/// The most runs that are given up in a block.
const GIVEN_UP: usize = 4;

/// A run that a node has begun.
#[derive(Encode, Decode)]
struct Begun<Of> {
	/// What it is for.
	of: Of,
	run: RunId,
	/// When it was first seen that it is of no use any more.
	over: Option<Moment>,
}

fn recalled<Of: Codec>(key: &[u8], node: &dyn Node) -> Vec<Begun<Of>> {
	let kept = node.recall(key).unwrap_or_default();
	Vec::decode(&mut &kept[..]).unwrap_or_default()
}

/// Remembers under a key that a run has been begun, and what for.
pub fn note<Of: Codec>(key: &[u8], of: Of, run: RunId, node: &dyn Node) {
	let mut begun = recalled(key, node);
	if begun.iter().all(|known: &Begun<Of>| known.run != run) {
		if begun.len() >= MOST {
			begun.remove(0);
		}
		begun.push(Begun { of, run, over: None });
		node.note(key, &begun.encode());
	}
}

/// Gives up the runs under a key that are not done, and of which nobody has wanted anything for a while.
pub fn give_up<Of: Codec>(key: &[u8], now: Moment, is_over: impl Fn(&Of) -> bool, node: &dyn Node) {
	let mut begun: Vec<Begun<Of>> = recalled(key, node);
	let mut changed = false;
	for Begun { of, over, .. } in &mut begun {
		let is_over = is_over(of);
		if is_over != over.is_some() {
			*over = is_over.then_some(now);
			changed = true;
		}
	}
	let long_over = |begun: &&Begun<Of>| {
		begun.over.is_some_and(|since| since.saturating_add(LEFT_ALONE) <= now)
	};
	let to_give_up = begun.iter().filter(long_over).map(|begun| begun.run).take(GIVEN_UP);
	let to_give_up: Vec<RunId> = to_give_up.collect();
	for run in to_give_up {
		let answer = match node.state(&run) {
			Ok(Some(state)) if !state.is_final() => node.cancel(&run),
			answer => answer.map(|_| ()),
		};
		if answer.is_err() {
			// It is asked again in the next block, and nothing else is: each answer may take long.
			break;
		}
		begun.retain(|begun| begun.run != run);
		changed = true;
	}
	if changed {
		node.note(key, &begun.encode());
	}
}
