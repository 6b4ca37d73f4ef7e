//! The store over HTTP.

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, sync::Arc, time::Duration};

use axum::{
	Json,
	body::{Body, Bytes},
	extract::{Path, Request, State},
	http::{HeaderMap, StatusCode, header},
	response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt, stream, stream::BoxStream};
use ogpu_primitives::{executor::FetchRequest, job::BlobId};

use super::{
	bodies::{Answer, SCALE, hash, json, scale, sends},
	error::ApiError,
	form::{FetchForm, StateForm},
	jobs::small_body,
	view,
};
use crate::service::Service;

/// A stream that fails when nothing comes for too long.
pub(super) fn unhurried<S>(
	pieces: S,
	patience: Duration,
) -> impl Stream<Item = io::Result<Bytes>> + Send
where
	S: Stream<Item = io::Result<Bytes>> + Send,
{
	stream::unfold(Some(Box::pin(pieces)), move |pieces| async move {
		let mut pieces = pieces?;
		match tokio::time::timeout(patience, pieces.next()).await {
			Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
			Ok(Some(Err(error))) => Some((Err(error), None)),
			Ok(None) => None,
			Err(_) => {
				let message = format!("nothing came for {} s", patience.as_secs());
				Some((Err(io::Error::new(io::ErrorKind::TimedOut, message)), None))
			}
		}
	})
}

async fn take(
	service: &Service,
	request: Request,
	expected: Option<BlobId>,
) -> Result<BlobId, ApiError> {
	let len = request.headers().get(header::CONTENT_LENGTH);
	let len = len.and_then(|len| len.to_str().ok()?.parse::<u64>().ok());
	let pieces =
		request.into_body().into_data_stream().map(|piece| piece.map_err(io::Error::other));
	let pieces = unhurried(pieces, service.0.config.limits.request.0);
	Ok(service.0.blobs.add(Box::pin(pieces), len, expected).await?)
}

fn named(service: &Service, id: &BlobId) -> Json<serde_json::Value> {
	Json(serde_json::json!({ "hash": id.to_string(), "size": service.0.blobs.size(id) }))
}

pub(super) async fn add(
	State(service): State<Service>,
	request: Request,
) -> Result<Response, ApiError> {
	let id = take(&service, request, None).await?;
	Ok((StatusCode::CREATED, named(&service, &id)).into_response())
}

pub(super) async fn put(
	State(service): State<Service>,
	Path(id): Path<String>,
	request: Request,
) -> Result<Response, ApiError> {
	let id = BlobId(hash(&id)?);
	// What is here needs no room, and no second look.
	if service.0.blobs.size(&id).is_some() {
		return Ok(named(&service, &id).into_response());
	}
	take(&service, request, Some(id)).await?;
	Ok((StatusCode::CREATED, named(&service, &id)).into_response())
}

/// Whether a blob is here; if not, it is being fetched.
pub(super) async fn fetch(
	State(service): State<Service>,
	Path(id): Path<String>,
	answer: Answer,
	request: Request,
) -> Result<Response, ApiError> {
	let id = BlobId(hash(&id)?);
	let (headers, body) = small_body(request, &service).await?;
	let FetchRequest { size, peers } =
		if sends(&headers, SCALE) { scale(&body)? } else { json::<FetchForm>(&body)?.read()? };
	let here = service.want(id, size, peers.into_inner())?;
	Ok(answer.with(StatusCode::OK, &here, |here| serde_json::json!({ "here": here })))
}

/// What a state of somebody else's run is made of, once that is known.
pub(super) async fn state(
	State(service): State<Service>,
	answer: Answer,
	request: Request,
) -> Result<Response, ApiError> {
	let (headers, body) = small_body(request, &service).await?;
	let request =
		if sends(&headers, SCALE) { scale(&body)? } else { json::<StateForm>(&body)?.read()? };
	let state = service.state_of_others(request)?;
	Ok(answer.with(StatusCode::OK, &state, |state| match state {
		Some(state) => view::checkpoint(state),
		None => serde_json::Value::Null,
	}))
}

pub(super) async fn usage(State(service): State<Service>) -> Json<serde_json::Value> {
	let (bytes, count) = service.0.blobs.usage();
	Json(serde_json::json!({ "blobs": count, "bytes": bytes, "quota": service.0.blobs.quota() }))
}

pub(super) async fn get(
	State(service): State<Service>,
	Path(id): Path<String>,
	headers: HeaderMap,
) -> Result<Response, ApiError> {
	let id = BlobId(hash(&id)?);
	let missing = || ApiError::NotFound(format!("the blob {id} is not here"));
	let len = service.0.blobs.size(&id).ok_or_else(missing)?;
	let part = part(&headers, len)?;
	let pieces = service.0.blobs.read(&id, part.clone().unwrap_or(0..len))?;
	let pieces = pieces.map(|piece| piece.map_err(io::Error::other));
	Ok(send(Body::from_stream(pieces), part, len))
}

/// A piece of a blob, with what proves it.
pub(super) async fn piece(
	State(service): State<Service>,
	Path((id, wanted)): Path<(String, u32)>,
	answer: Answer,
) -> Result<Response, ApiError> {
	let piece = service.0.blobs.prove(&BlobId(hash(&id)?), wanted).await?;
	Ok(answer.with(StatusCode::OK, &piece, view::piece))
}

pub(super) async fn delete(
	State(service): State<Service>,
	Path(id): Path<String>,
) -> Result<Response, ApiError> {
	let id = BlobId(hash(&id)?);
	if service.0.blobs.remove(&id).await? {
		return Ok(StatusCode::NO_CONTENT.into_response());
	}
	match service.0.blobs.size(&id) {
		Some(_) => Err(ApiError::Conflict("a run needs it, or it is published or shared".into())),
		None => Err(ApiError::NotFound(format!("the blob {id} is not here"))),
	}
}

/// The part that a request asks for by `Range`: `bytes=A-B`, `bytes=A-` or `bytes=-N`. Any other range is
/// answered with all, as the standard allows.
pub(super) fn part(headers: &HeaderMap, len: u64) -> Result<Option<Range<u64>>, ApiError> {
	let given = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
	let Some((first, last)) = given
		.and_then(|value| value.strip_prefix("bytes="))
		.filter(|ranges| !ranges.contains(','))
		.and_then(|range| range.split_once('-'))
	else {
		return Ok(None);
	};
	let range = match (first.parse::<u64>(), last.parse::<u64>()) {
		(Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(len),
		(Ok(first), Err(_)) if last.is_empty() => first..len,
		(Err(_), Ok(count)) if first.is_empty() => len.saturating_sub(count)..len,
		_ => return Ok(None),
	};
	if range.start < range.end { Ok(Some(range)) } else { Err(ApiError::Range(len)) }
}

fn send(body: Body, part: Option<Range<u64>>, len: u64) -> Response {
	let mut headers = vec![
		(header::CONTENT_TYPE, "application/octet-stream".to_owned()),
		(header::ACCEPT_RANGES, "bytes".to_owned()),
	];
	let status = match &part {
		None => {
			headers.push((header::CONTENT_LENGTH, len.to_string()));
			StatusCode::OK
		}
		Some(part) => {
			headers.push((header::CONTENT_LENGTH, (part.end - part.start).to_string()));
			let range = format!("bytes {}-{}/{len}", part.start, part.end - 1);
			headers.push((header::CONTENT_RANGE, range));
			StatusCode::PARTIAL_CONTENT
		}
	};
	let mut response = (status, body).into_response();
	for (name, value) in headers {
		if let Ok(value) = value.parse() {
			response.headers_mut().insert(name, value);
		}
	}
	response
}

/// Bytes of a file that are read at once.
const PIECE: u64 = 256 * 1024;

/// Sends a file, or a part of it.
pub(super) fn send_file(
	file: File,
	part: Option<Range<u64>>,
	len: u64,
) -> Result<Response, ApiError> {
	let pieces = read(file, part.clone().unwrap_or(0..len));
	Ok(send(Body::from_stream(pieces), part, len))
}

/// The bytes of a part of an open file, as they are read.
pub(super) fn read(file: File, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
	let pieces = stream::try_unfold((Arc::new(file), range), |(file, range)| async move {
		if range.is_empty() {
			return Ok(None);
		}
		let next = range.end.min(range.start + PIECE);
		let (reader, at) = (file.clone(), range.start);
		let read = tokio::task::spawn_blocking(move || {
			let mut piece = vec![0; (next - at) as usize];
			reader.read_exact_at(&mut piece, at).map(|()| Bytes::from(piece))
		});
		let piece = read.await.map_err(io::Error::other)??;
		Ok(Some((piece, (file, next..range.end))))
	});
	pieces.boxed()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn parts_are_read() {
		let asked = |range: &str| {
			let mut headers = HeaderMap::new();
			headers.insert(header::RANGE, range.parse().expect("a header"));
			part(&headers, 100).map_err(|_| ())
		};
		assert_eq!(asked("bytes=0-9"), Ok(Some(0..10)));
		assert_eq!(asked("bytes=90-200"), Ok(Some(90..100)));
		assert_eq!(asked("bytes=90-"), Ok(Some(90..100)));
		assert_eq!(asked("bytes=-30"), Ok(Some(70..100)));
		assert_eq!(asked("bytes=100-"), Err(()));
		assert_eq!(asked("bytes=-0"), Err(()));
		for all in ["bytes=1-2,4-5", "lines=1-2", "bytes=9-1", "bytes=a-b", "bytes=-"] {
			assert_eq!(asked(all), Ok(None), "{all}");
		}
	}
}
