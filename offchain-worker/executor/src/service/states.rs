//! States that others' runs came to: what they are made of is asked of whoever computed them, and must lead to a root that
//! whoever wants it knows from elsewhere. So must a leaf of one's own, if it is the same as theirs.

use std::{
	collections::HashMap,
	sync::{Arc, MutexGuard, PoisonError},
	time::Instant,
};

use bounded_collections::BoundedVec;
use codec::Encode;
use ogpu_blobs::{BlobError, Question};
use ogpu_primitives::{
	executor::{Checkpoint, Peer, StateRequest},
	job::BlobId,
	merkle::{Blake2, Hash, Hasher, Multiproof, lowest, verify_lowest},
};

use super::{Core, FAILED, Refusal, Service};

/// How many are remembered.
const MOST: usize = 1024;

/// How far asking for one is.
pub(super) enum State {
	/// It is being asked for.
	Asking,
	/// Nobody gave it, at that time.
	Refused(Instant),
	/// It is known, and leads to the root.
	Known(Checkpoint),
}

/// States by the hash of what was asked, without whom.
pub(super) type States = HashMap<Hash, State>;

impl Core {
	fn states(&self) -> MutexGuard<'_, States> {
		self.states.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Service {
	/// What a state is made of that somebody else's run came to, once that is known. If it is not, it is asked of these
	/// peers, unless that is going on already or has just failed.
	///
	/// # Errors
	///
	/// When too many are being asked for.
	pub fn state_of_others(&self, request: StateRequest) -> Result<Option<Checkpoint>, Refusal> {
		let core = self.0.clone();
		let StateRequest { run, segment, root, first, count, leaf, .. } = request;
		let key = (run, segment, root, first, count, leaf).using_encoded(Blake2::hash);
		{
			let mut states = core.states();
			match states.get(&key) {
				Some(State::Known(found)) => return Ok(Some(found.clone())),
				Some(State::Asking) => return Ok(None),
				Some(State::Refused(since)) if since.elapsed() < FAILED => return Ok(None),
				Some(State::Refused(_)) | None => {}
			}
			let asking = states.values().filter(|state| matches!(state, State::Asking)).count();
			if asking >= core.config.limits.fetching {
				return Err(Refusal::Busy { waiting: asking });
			}
			if states.len() >= MOST {
				states.retain(|_, state| matches!(state, State::Asking));
			}
			states.insert(key, State::Asking);
		}
		tokio::spawn(async move {
			let mut found = None;
			for peer in &request.peers {
				match asked(&core, peer, &request).await {
					Ok(Some(state)) => {
						found = Some(state);
						break;
					}
					Ok(None) => {}
					Err(error) => {
						tracing::info!(target: "ogpu-worker", segment, "no state: {error}");
					}
				}
			}
			let state = found.map_or_else(|| State::Refused(Instant::now()), State::Known);
			core.states().insert(key, state);
		});
		Ok(None)
	}
}

/// The state as a peer tells it; `None` if it does not, or tells something that does not lead to the root.
async fn asked(
	core: &Arc<Core>,
	peer: &Peer,
	request: &StateRequest,
) -> Result<Option<Checkpoint>, BlobError> {
	let StateRequest { run, segment, root, first, count, leaf, .. } = *request;
	let Some(unit) = segment.checked_sub(first) else { return Ok(None) };
	let slices = match leaf {
		Some(_) => Vec::new(),
		None => match core.blobs.ask(peer, Question::State(run, segment)).await? {
			Some(slices) => slices,
			None => return Ok(None),
		},
	};
	let question = Question::Path { run, unit: segment, first, count };
	let Some(path) = core.blobs.ask(peer, question).await? else { return Ok(None) };
	let Some((_, siblings)) = path.split_first() else { return Ok(None) };
	let Ok(slices) = BoundedVec::try_from(slices.into_iter().map(BlobId).collect::<Vec<_>>())
	else {
		return Ok(None);
	};
	let state = Checkpoint { segment, slices };
	let node = lowest::<Blake2>(&leaf.unwrap_or_else(|| state.leaf::<Blake2>()));
	let proof = Multiproof { siblings: siblings.to_vec() };
	let leads = verify_lowest::<Blake2>(&root, count, vec![(unit, node)], &proof).is_ok();
	Ok(leads.then_some(state))
}
