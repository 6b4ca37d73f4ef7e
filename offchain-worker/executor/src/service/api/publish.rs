//! Serving what a run came to.

use std::{collections::BTreeSet, fs::File};

use axum::{
	extract::{Path, Request, State},
	http::StatusCode,
	response::Response,
};
use bounded_collections::BoundedVec;
use ogpu_blobs::Audience;
use ogpu_primitives::{
	executor::{PublishRequest, RunId, RunState, ShareRequest},
	job::{BlobId, Job, Plan, Shape},
	merkle::Blake2,
};
use serde::Deserialize;

use super::{
	blobs::read,
	bodies::{Answer, SCALE, hash, json, scale, sends},
	error::ApiError,
	jobs::{slices_of, small_body},
};
use crate::service::{
	Service, audience_of, job_of,
	journal::{Part, Published, Write},
	pin_of,
};

/// The most states of a run that are served at a time: more than the panels that go on want.
const MOST_STATES: usize = 256;

/// [`PublishRequest`] in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Publication {
	#[serde(default)]
	outputs: bool,
	#[serde(default)]
	checkpoints: Vec<u32>,
	#[serde(default)]
	to: Vec<String>,
}

/// [`ShareRequest`] in JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sharing {
	#[serde(default)]
	to: Vec<String>,
}

fn bounded<T, const MOST: u32>(
	items: Vec<T>,
	what: &str,
) -> Result<BoundedVec<T, bounded_collections::ConstU32<MOST>>, ApiError> {
	let too_many = |_| ApiError::Bad(format!("at most {MOST} {what} at once"));
	BoundedVec::try_from(items).map_err(too_many)
}

fn keys<const MOST: u32>(
	to: &[String],
) -> Result<BoundedVec<[u8; 32], bounded_collections::ConstU32<MOST>>, ApiError> {
	bounded(to.iter().map(|key| hash(key)).collect::<Result<_, _>>()?, "keys")
}

fn audience(keys: &[[u8; 32]]) -> Audience {
	if keys.is_empty() {
		Audience::Anyone
	} else {
		Audience::Only(keys.iter().copied().collect::<BTreeSet<_>>())
	}
}

/// Serves a blob: to anybody for as long as finished runs are kept, to some until the service ends.
pub(super) async fn share(
	State(service): State<Service>,
	Path(blob): Path<String>,
	request: Request,
) -> Result<StatusCode, ApiError> {
	let blob = BlobId(hash(&blob)?);
	let (headers, body) = small_body(request, &service).await?;
	let ShareRequest { to } = if body.is_empty() {
		ShareRequest::default()
	} else if sends(&headers, SCALE) {
		scale(&body)?
	} else {
		ShareRequest { to: keys(&json::<Sharing>(&body)?.to)? }
	};
	if !service.0.share(blob, audience(&to)).await? {
		return Err(ApiError::NotFound(format!("the blob {blob} is not here")));
	}
	Ok(StatusCode::NO_CONTENT)
}

/// Serves a blob no longer.
pub(super) async fn unshare(
	State(service): State<Service>,
	Path(blob): Path<String>,
) -> Result<StatusCode, ApiError> {
	service.0.unshare(&BlobId(hash(&blob)?)).await?;
	Ok(StatusCode::NO_CONTENT)
}

/// Takes results or checkpoints into the store and serves them. They stay until the run is forgotten.
pub(super) async fn publish(
	State(service): State<Service>,
	Path(id): Path<String>,
	answer: Answer,
	request: Request,
) -> Result<Response, ApiError> {
	let id = hash(&id)?;
	let (headers, body) = small_body(request, &service).await?;
	let wanted = if sends(&headers, SCALE) {
		scale(&body)?
	} else {
		let Publication { outputs, checkpoints, to } = json(&body)?;
		let checkpoints = bounded(checkpoints, "checkpoints")?;
		PublishRequest { outputs, checkpoints, to: keys(&to)? }
	};
	// In a task of its own: much takes long to copy, and whoever asks may not wait for it and ask again.
	let publishing = tokio::spawn(async move { take(&service, id, wanted).await });
	let published = publishing.await.map_err(|error| ApiError::Internal(error.to_string()))??;
	Ok(answer.with(StatusCode::OK, &(), |()| published))
}

/// Takes and serves what is wanted; what it is, in JSON.
async fn take(
	service: &Service,
	id: RunId,
	wanted: PublishRequest,
) -> Result<serde_json::Value, ApiError> {
	let unknown = || ApiError::NotFound("there is no such run".into());
	let (job, plan) = job_of(&service.0, &id)?.ok_or_else(unknown)?;
	match service.state(&id) {
		Some(RunState::Done { root: None, .. }) if wanted.outputs => {
			return Err(ApiError::Conflict(
				"only some of its units were run; its outputs are not whole".into(),
			));
		}
		Some(RunState::Done { .. }) => {}
		// A state is whole once its segment is, while others are being computed.
		Some(state) if !wanted.outputs && !state.is_final() => {}
		_ => return Err(ApiError::Conflict("it is not done; there is no result".into())),
	}
	if !wanted.checkpoints.is_empty() && matches!(job.shape, Shape::DataParallel { .. }) {
		return Err(ApiError::Bad("a data-parallel job has no checkpoints".into()));
	}
	let folder = service.0.folder(&id);
	let names: Vec<String> = plan
		.result
		.iter()
		.map(|slice| job.buffers[usize::from(slice.buffer)].name.text())
		.collect();
	// One after another, so that none forgets what another notes.
	let _publishing = service.0.publishing.lock().await;
	let mut published = service.0.journal.published(&id)?;
	let before = published.clone();
	let known = |what: Part| {
		let found = before.iter().find(|published| published.what == what);
		found.map(|published| published.blob)
	};
	let mut share = |what: Part, blob: BlobId| {
		service.0.blobs.pin(&blob, &pin_of(&id));
		let mut to = audience(&wanted.to);
		if let Some(at) = published.iter().position(|published| published.what == what) {
			to = to.and(audience_of(published.remove(at).to));
		}
		service.0.blobs.share(blob, to.clone());
		let to = match to {
			Audience::Anyone => None,
			Audience::Only(keys) => Some(keys.into_iter().collect()),
		};
		published.push(Published { what, blob, to });
		blob.to_string()
	};
	let mut outputs = serde_json::Map::new();
	if wanted.outputs {
		for (index, name) in (0u8..).zip(&names) {
			let what = Part::Output(index);
			let blob = match known(what) {
				Some(blob) => blob,
				None => {
					let file = folder.output(name);
					let file = file.map_err(|error| ApiError::Internal(error.to_string()))?;
					stored(service, file, None).await?
				}
			};
			outputs.insert(name.clone(), share(what, blob).into());
		}
	}
	let mut checkpoints = serde_json::Map::new();
	for segment in wanted.checkpoints {
		let parts = || (0u8..).take(plan.result.len()).map(|index| Part::State(segment, index));
		let blobs = match parts().map(known).collect::<Option<Vec<_>>>() {
			Some(blobs) => blobs,
			None => state_stored(service, id, &job, &plan, segment).await?,
		};
		let slices: Vec<_> = parts().zip(blobs).map(|(what, blob)| share(what, blob)).collect();
		checkpoints.insert(segment.to_string(), slices.into());
	}
	// What was published first is needed least: its panels are done.
	let mut states: Vec<u32> = Vec::new();
	for Published { what, .. } in published.iter().rev() {
		if let Part::State(segment, _) = what
			&& !states.contains(segment)
		{
			states.push(*segment);
		}
	}
	let dropped = states.get(MOST_STATES..).unwrap_or_default();
	published.retain(|Published { what, blob, .. }| match what {
		Part::State(segment, _) if dropped.contains(segment) => {
			service.0.blobs.unshare(blob);
			service.0.blobs.unpin(blob, &pin_of(&id));
			false
		}
		_ => true,
	});
	if published != before {
		service.0.journal_write(Write::Publish(id, published)).await?;
	}
	Ok(serde_json::json!({ "outputs": outputs, "checkpoints": checkpoints }))
}

/// Takes the state after a segment into the store, if it is what the run came to.
async fn state_stored(
	service: &Service,
	id: RunId,
	job: &Job,
	plan: &Plan,
	segment: u32,
) -> Result<Vec<BlobId>, ApiError> {
	let state = slices_of(service, id, segment).await?;
	let whole = service.0.journal.leaves(&id)?.get(&segment).copied();
	if whole != Some(state.leaf::<Blake2>()) {
		return Err(ApiError::Conflict(format!(
			"the state after the segment {segment} is not what the run came to"
		)));
	}
	let folder = service.0.folder(&id);
	let mut blobs = Vec::new();
	for (of, expected) in plan.result.iter().zip(&state.slices) {
		let file = folder.slice(job, of, segment);
		let (file, _) = file.map_err(|error| ApiError::Internal(error.to_string()))?;
		blobs.push(stored(service, file, Some(*expected)).await?);
	}
	Ok(blobs)
}

/// Takes an open file into the store. A process of the run may be going on that puts another in its place, or a link, and
/// what it has written may not be what was expected any more.
async fn stored(
	service: &Service,
	file: File,
	expected: Option<BlobId>,
) -> Result<BlobId, ApiError> {
	let len = file.metadata().map_err(|error| ApiError::Internal(error.to_string()))?.len();
	Ok(service.0.blobs.add(read(file, 0..len), Some(len), expected).await?)
}
