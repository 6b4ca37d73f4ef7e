//! Serving what a run came to.

use std::collections::BTreeSet;

use axum::{
	Json,
	extract::{Path, Request, State},
	response::{IntoResponse, Response},
};
use ogpu_blobs::Audience;
use ogpu_primitives::job::BlobId;
use serde::Deserialize;

use super::{
	bodies::{hash, json},
	error::ApiError,
	jobs::{slices_of, small_body},
};
use crate::service::{Service, job_of, pin_of};

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

/// Takes results or checkpoints into the store and serves them. They stay until the run is forgotten.
pub(super) async fn publish(
	State(service): State<Service>,
	Path(id): Path<String>,
	request: Request,
) -> Result<Response, ApiError> {
	let id = hash(&id)?;
	let (_, body) = small_body(request, &service).await?;
	let wanted: Publication = json(&body)?;
	let keys: Result<BTreeSet<_>, _> = wanted.to.iter().map(|key| hash(key)).collect();
	let keys = keys?;
	let audience = if keys.is_empty() { Audience::Anyone } else { Audience::Only(keys) };
	// Sees to it that there is a result.
	let first = slices_of(&service, id, wanted.checkpoints.first().copied().unwrap_or(0)).await;
	let unknown = || ApiError::NotFound("there is no such run".into());
	let (job, plan) = job_of(&service.0, &id)?.ok_or_else(unknown)?;
	first?;
	let folder = service.0.folder(&id);
	let names: Vec<String> = plan
		.result
		.iter()
		.map(|slice| job.buffers[usize::from(slice.buffer)].name.text())
		.collect();
	let share = |blob: BlobId| {
		service.0.blobs.pin(&blob, &pin_of(&id));
		service.0.blobs.share(blob, audience.clone());
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
	Ok(Json(serde_json::json!({ "outputs": outputs, "checkpoints": checkpoints })).into_response())
}
