//! Runs over HTTP.

use std::{convert::Infallible, time::Duration};

use axum::{
	Json,
	extract::{Path, Request, State},
	http::{HeaderMap, StatusCode, header},
	response::{
		IntoResponse, Response,
		sse::{Event, KeepAlive, Sse},
	},
};
use bounded_collections::BoundedVec;
use futures::{Stream, stream};
use ogpu_job::UnitList;
use ogpu_primitives::{
	executor::{Checkpoint, Leaves, Proof, RunId, RunState, Submission},
	merkle::{Blake2, Tree},
};
use serde::Deserialize;

use super::{
	blobs::{part, send_file},
	bodies::{Answer, Asked, SCALE, hash, json, scale, sends, whole},
	error::ApiError,
	form::Form,
	view,
};
use crate::{
	selftest::hex,
	service::{Deleted, Service, Taken, job_of},
};

/// The longest that an answer is held back.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The most runs in one list.
const PAGE: usize = 1000;

fn unknown(id: &RunId) -> ApiError {
	ApiError::NotFound(format!("there is no run {}", hex(id)))
}

pub(super) async fn submit(
	State(service): State<Service>,
	answer: Answer,
	request: Request,
) -> Result<Response, ApiError> {
	let submission = if sends(request.headers(), "multipart/form-data") {
		Form::from_multipart(request, &service).await?.read(&service)?
	} else {
		body_of(request, &service).await?
	};
	let id = submission.id;
	let (taken, state) = service.submit(submission).await?;
	let status = match taken {
		Taken::Now => StatusCode::CREATED,
		Taken::Before => StatusCode::OK,
	};
	Ok(answer.with(status, &state, |state| view::run(&id, state)))
}

/// A submission from a body of bounded length, in either language.
async fn body_of(request: Request, service: &Service) -> Result<Submission, ApiError> {
	let headers = request.headers().clone();
	let most = service.0.config.limits.body.0;
	let long = headers
		.get(header::CONTENT_LENGTH)
		.and_then(|len| len.to_str().ok()?.parse::<u64>().ok())
		.is_some_and(|len| len > most);
	let too_long = || ApiError::TooLong(format!("a body may have at most {most} bytes"));
	if long {
		return Err(too_long());
	}
	let patience = service.0.config.limits.request.0;
	let body = axum::body::to_bytes(request.into_body(), most as usize);
	let body = tokio::time::timeout(patience, body).await;
	let body = body.map_err(|_| ApiError::TooSlow(patience))?.map_err(|error| {
		let text = error.to_string();
		if text.contains("length limit") { too_long() } else { ApiError::Bad(text) }
	})?;
	if sends(&headers, SCALE) {
		scale(&body)
	} else if sends(&headers, "application/json") {
		json::<Form>(&body)?.read(service)
	} else {
		Err(ApiError::Bad(format!(
			"send a Content-Type: {SCALE} (SCALE), application/json, or multipart/form-data (curl -F)"
		)))
	}
}

#[derive(Deserialize)]
pub(super) struct Listing {
	owner: Option<String>,
	state: Option<String>,
	#[serde(default)]
	after: u64,
}

/// Runs in the order of their acceptance, a page at a time.
pub(super) async fn list(
	State(service): State<Service>,
	Asked(listing): Asked<Listing>,
) -> Json<serde_json::Value> {
	let mut found: Vec<_> = {
		let runs = service.0.runs();
		let wanted = runs.iter().filter(|(_, entry)| {
			let state = match &entry.live {
				Some(live) => view::word(&live.state.borrow()),
				None => view::word(&entry.standing.state),
			};
			entry.standing.order > listing.after
				&& listing.owner.as_ref().is_none_or(|owner| *owner == entry.owner)
				&& listing.state.as_ref().is_none_or(|wanted| wanted == state)
		});
		wanted.map(|(id, entry)| (entry.standing.order, *id, entry.owner.clone())).collect()
	};
	found.sort_unstable_by_key(|(order, ..)| *order);
	let more = found.len() > PAGE;
	found.truncate(PAGE);
	let runs: Vec<_> = found
		.iter()
		.filter_map(|(order, id, owner)| {
			let mut value = view::run(id, &service.state(id)?);
			value["owner"] = owner.clone().into();
			value["order"] = (*order).into();
			Some(value)
		})
		.collect();
	let next = found.last().filter(|_| more).map(|(order, ..)| *order);
	Json(serde_json::json!({ "runs": runs, "next": next }))
}

#[derive(Deserialize)]
pub(super) struct Wait {
	/// Milliseconds until the answer at the latest; it comes at once when the run has ended.
	#[serde(default)]
	wait: u64,
}

pub(super) async fn get(
	State(service): State<Service>,
	Path(id): Path<String>,
	Asked(wait): Asked<Wait>,
	answer: Answer,
) -> Result<Response, ApiError> {
	let id = hash(&id)?;
	if let Some(mut watched) = service.watch(&id)
		&& wait.wait > 0
	{
		let wait = Duration::from_millis(wait.wait).min(LONGEST_WAIT);
		// It may end, or not; either way the state is read afterwards.
		let _ = tokio::time::timeout(wait, watched.wait_for(RunState::is_final)).await;
	}
	let state = service.state(&id).ok_or_else(|| unknown(&id))?;
	Ok(answer.with(StatusCode::OK, &state, |state| view::run(&id, state)))
}

pub(super) async fn delete(
	State(service): State<Service>,
	Path(id): Path<String>,
) -> Result<Response, ApiError> {
	let id = hash(&id)?;
	match service.delete(&id).await? {
		Deleted::Unknown => Err(unknown(&id)),
		Deleted::Forgotten => Ok(StatusCode::NO_CONTENT.into_response()),
		Deleted::Cancelled => Ok(StatusCode::ACCEPTED.into_response()),
	}
}

pub(super) async fn events(
	State(service): State<Service>,
	Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
	let id = hash(&id)?;
	let watched = service.watch(&id);
	let first = service.state(&id).ok_or_else(|| unknown(&id))?;
	let event = move |state: &RunState| {
		Ok(Event::default().event(view::word(state)).data(view::run(&id, state).to_string()))
	};
	// The state at first, then every change that there is time to tell, and the end.
	let changes = stream::unfold((Some(first), watched), move |(next, watched)| async move {
		let state = next?;
		let told = event(&state);
		let next = match watched {
			Some(mut watched) if !state.is_final() => {
				// Nobody sends any more when the service ends.
				if watched.changed().await.is_err() && !watched.borrow().is_final() {
					return Some((told, (None, None)));
				}
				let state = watched.borrow_and_update().clone();
				(Some(state), Some(watched))
			}
			_ => (None, None),
		};
		Some((told, next))
	});
	Ok(Sse::new(changes).keep_alive(KeepAlive::default()))
}

/// The leaves of a run: of one that goes on, or came to nothing, those of the units that are finished. They stay as long as
/// the run is known: whoever has committed to them must be able to open them.
fn leaves_of(service: &Service, id: &RunId) -> Result<Vec<(u32, [u8; 32])>, ApiError> {
	service.state(id).ok_or_else(|| unknown(id))?;
	Ok(service.0.journal.leaves(id)?.into_iter().collect())
}

/// Fails unless a run is done.
fn must_be_done(service: &Service, id: &RunId) -> Result<(), ApiError> {
	match service.state(id).ok_or_else(|| unknown(id))? {
		RunState::Done { .. } => Ok(()),
		state => {
			Err(ApiError::Conflict(format!("it is {}; there is no result", view::word(&state))))
		}
	}
}

pub(super) async fn leaves(
	State(service): State<Service>,
	Path(id): Path<String>,
	answer: Answer,
) -> Result<Response, ApiError> {
	let leaves = Leaves { leaves: BoundedVec::truncate_from(leaves_of(&service, &hash(&id)?)?) };
	Ok(answer.with(StatusCode::OK, &leaves, view::leaves))
}

#[derive(Deserialize)]
pub(super) struct Listed {
	units: String,
}

pub(super) async fn proof(
	State(service): State<Service>,
	Path(id): Path<String>,
	Asked(listed): Asked<Listed>,
	answer: Answer,
) -> Result<Response, ApiError> {
	let id = hash(&id)?;
	must_be_done(&service, &id)?;
	let leaves = leaves_of(&service, &id)?;
	let UnitList(units) = UnitList::parse(&listed.units).map_err(ApiError::Bad)?;
	let Some(RunState::Done { root: Some(_), .. }) = service.state(&id) else {
		return Err(ApiError::Conflict("only some of its units were run; there is no root".into()));
	};
	let tree = Tree::new::<Blake2>(leaves.iter().map(|(_, leaf)| *leaf).collect())
		.map_err(|error| ApiError::Internal(error.to_string()))?;
	let proof = tree.prove(&units).map_err(|error| ApiError::Bad(error.to_string()))?;
	let proven: Vec<_> = units.iter().map(|unit| leaves[*unit as usize]).collect();
	let proven = BoundedVec::try_from(proven)
		.map_err(|_| ApiError::Bad("these are too many units for one proof".into()))?;
	Ok(answer.with(StatusCode::OK, &Proof { leaves: proven, proof }, view::proof))
}

#[derive(Deserialize)]
pub(super) struct One {
	unit: u32,
}

pub(super) async fn slices(
	State(service): State<Service>,
	Path(id): Path<String>,
	Asked(one): Asked<One>,
	answer: Answer,
) -> Result<Response, ApiError> {
	let id = hash(&id)?;
	let checkpoint = slices_of(&service, id, one.unit).await?;
	Ok(answer.with(StatusCode::OK, &checkpoint, view::checkpoint))
}

/// What the leaf of a unit is made of.
pub(super) async fn slices_of(
	service: &Service,
	id: RunId,
	unit: u32,
) -> Result<Checkpoint, ApiError> {
	if !leaves_of(service, &id)?.iter().any(|(known, _)| *known == unit) {
		return Err(ApiError::NotFound(format!("the run has no unit {unit}, or not yet")));
	}
	let (job, plan) = job_of(&service.0, &id)?.ok_or_else(|| unknown(&id))?;
	let slices = service.slices(id, &job, &plan, unit).await;
	let slices = slices.map_err(|error| ApiError::Internal(error.to_string()))?;
	Ok(Checkpoint { segment: unit, slices: BoundedVec::truncate_from(slices) })
}

/// Which buffer of a unit's result.
#[derive(Deserialize)]
pub(super) struct OfResult {
	unit: u32,
	slice: u8,
}

/// A piece of what a unit wrote to one buffer, with what proves it.
pub(super) async fn piece(
	State(service): State<Service>,
	Path((id, wanted)): Path<(String, u32)>,
	Asked(of): Asked<OfResult>,
	answer: Answer,
) -> Result<Response, ApiError> {
	let id = hash(&id)?;
	if !leaves_of(&service, &id)?.iter().any(|(known, _)| *known == of.unit) {
		return Err(ApiError::NotFound(format!("the run has no unit {}", of.unit)));
	}
	let piece = service.piece_of_result(id, of.unit, of.slice, wanted).await;
	let piece = piece.map_err(|error| ApiError::Internal(error.to_string()))?;
	let missing = || ApiError::NotFound(format!("a unit has no slice {}", of.slice));
	Ok(answer.with(StatusCode::OK, &piece.ok_or_else(missing)?, view::piece))
}

pub(super) async fn output(
	State(service): State<Service>,
	Path((id, buffer)): Path<(String, String)>,
	headers: HeaderMap,
) -> Result<Response, ApiError> {
	let id = hash(&id)?;
	must_be_done(&service, &id)?;
	let (job, plan) = job_of(&service.0, &id)?.ok_or_else(|| unknown(&id))?;
	let results =
		plan.result.iter().map(|slice| job.buffers[usize::from(slice.buffer)].name.text());
	let names: Vec<String> = results.collect();
	if !names.contains(&buffer) {
		let message = format!("there is no result {buffer:?}; there are {}", names.join(", "));
		return Err(ApiError::NotFound(message));
	}
	let file = service.0.folder(&id).output(&buffer);
	let file = file.map_err(|error| ApiError::Internal(format!("{buffer}: {error}")))?;
	let len = file.metadata().map_err(|error| ApiError::Internal(error.to_string()))?.len();
	let part = part(&headers, len)?;
	send_file(file, part, len)
}

/// The body of a small request, for the calls that take one.
pub(super) async fn small_body(
	request: Request,
	service: &Service,
) -> Result<(HeaderMap, Vec<u8>), ApiError> {
	let headers = request.headers().clone();
	Ok((headers, whole(request, service).await?.to_vec()))
}
