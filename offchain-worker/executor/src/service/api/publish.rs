//! Serving what a run came to.

use std::collections::BTreeSet;

use axum::{
	Json,
	extract::{Path, Request, State},
	http::StatusCode,
	response::{IntoResponse, Response},
};
use ogpu_blobs::Audience;
use ogpu_primitives::{
	executor::RunState,
	job::{BlobId, Shape},
};
use serde::Deserialize;

use super::{
	bodies::{hash, json},
	error::ApiError,
	jobs::{slices_of, small_body},
};
use crate::service::{Service, audience_of, job_of, journal::Write, pin_of};

/// What is to be served, and to whom.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Publication {
	/// The results, each as one blob.
	#[serde(default)]
	outputs: bool,
	/// The state after each of these segments.
	#[serde(default)]
	checkpoints: Vec<u32>,
	/// Keys of endpoints; anybody if none are named.
	#[serde(default)]
	to: Vec<String>,
}

/// To whom a blob is to be served.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sharing {
	/// Keys of endpoints; anybody if none are named.
	#[serde(default)]
	to: Vec<String>,
}

fn audience(keys: &[String]) -> Result<Audience, ApiError> {
	let keys: BTreeSet<[u8; 32]> = keys.iter().map(|key| hash(key)).collect::<Result<_, _>>()?;
	Ok(if keys.is_empty() { Audience::Anyone } else { Audience::Only(keys) })
}

/// Serves a blob, until the service ends.
pub(super) async fn share(
	State(service): State<Service>,
	Path(blob): Path<String>,
	request: Request,
) -> Result<StatusCode, ApiError> {
	let blob = BlobId(hash(&blob)?);
	let (_, body) = small_body(request, &service).await?;
	let sharing: Sharing = if body.is_empty() { Sharing::default() } else { json(&body)? };
	if service.0.blobs.size(&blob).is_none() {
		return Err(ApiError::NotFound(format!("the blob {blob} is not here")));
	}
	service.0.blobs.share(blob, audience(&sharing.to)?);
	Ok(StatusCode::NO_CONTENT)
}

/// Serves a blob no longer.
pub(super) async fn unshare(
	State(service): State<Service>,
	Path(blob): Path<String>,
) -> Result<StatusCode, ApiError> {
	service.0.blobs.unshare(&BlobId(hash(&blob)?));
	Ok(StatusCode::NO_CONTENT)
}

/// Takes results or checkpoints into the store and serves them. They stay until the run is forgotten.
pub(super) async fn publish(
	State(service): State<Service>,
	Path(id): Path<String>,
	request: Request,
) -> Result<Response, ApiError> {
	let id = hash(&id)?;
	let (_, body) = small_body(request, &service).await?;
	let wanted: Publication = json(&body)?;
	let audience = audience(&wanted.to)?;
	let unknown = || ApiError::NotFound("there is no such run".into());
	let (job, plan) = job_of(&service.0, &id)?.ok_or_else(unknown)?;
	let Some(RunState::Done { root, .. }) = service.state(&id) else {
		return Err(ApiError::Conflict("it is not done; there is no result".into()));
	};
	if wanted.outputs && root.is_none() {
		return Err(ApiError::Conflict(
			"only some of its units were run; its outputs are not whole".into(),
		));
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
	let mut published = service.0.journal.published(&id)?;
	let mut share = |blob: BlobId| {
		service.0.blobs.pin(&blob, &pin_of(&id));
		service.0.blobs.share(blob, audience.clone());
		let before = published.iter().position(|(known, _)| *known == blob);
		let before = before.map(|index| audience_of(published.swap_remove(index).1));
		let keys = match before.map_or(audience.clone(), |before| before.and(audience.clone())) {
			Audience::Anyone => None,
			Audience::Only(keys) => Some(keys.into_iter().collect()),
		};
		published.push((blob, keys));
		blob.to_string()
	};
	let mut outputs = serde_json::Map::new();
	if wanted.outputs {
		for name in &names {
			// Opened first, so that no link is followed.
			folder.output(name).map_err(|error| ApiError::Internal(error.to_string()))?;
			let blob = service.0.blobs.add_file(&folder.path().join("out").join(name)).await?;
			outputs.insert(name.clone(), share(blob).into());
		}
	}
	let mut checkpoints = serde_json::Map::new();
	for segment in wanted.checkpoints {
		slices_of(&service, id, segment).await?;
		let mut slices = Vec::new();
		for name in &names {
			slices.push(share(service.0.blobs.add_file(&folder.state_path(segment, name)).await?));
		}
		checkpoints.insert(segment.to_string(), slices.into());
	}
	service.0.journal_write(Write::Publish(id, published)).await?;
	Ok(Json(serde_json::json!({ "outputs": outputs, "checkpoints": checkpoints })).into_response())
}
