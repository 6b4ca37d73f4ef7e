//! What is answered when something is not as it should be.

use std::time::Duration;

use axum::{
	Json,
	http::{HeaderValue, StatusCode, header},
	response::{IntoResponse, Response},
};
use ogpu_blobs::{BlobError, NoRoom};

use crate::service::{Refusal, journal::JournalError};

/// Why a request is not answered with what it asks for.
#[derive(Debug)]
pub(super) enum ApiError {
	Unauthorised,
	NotFound(String),
	Method,
	/// The request itself is wrong.
	Bad(String),
	/// It is understood, but cannot be done as things stand.
	Conflict(String),
	TooLong(String),
	Range(u64),
	TooSlow(Duration),
	Refused(Refusal),
	Blob(BlobError),
	Internal(String),
}

impl From<Refusal> for ApiError {
	fn from(refusal: Refusal) -> Self {
		Self::Refused(refusal)
	}
}

impl From<BlobError> for ApiError {
	fn from(error: BlobError) -> Self {
		Self::Blob(error)
	}
}

impl From<JournalError> for ApiError {
	fn from(error: JournalError) -> Self {
		Self::Internal(error.to_string())
	}
}

impl ApiError {
	/// The status, a word for programs, and a sentence for people.
	fn parts(&self) -> (StatusCode, &'static str, String) {
		match self {
			Self::Unauthorised => (
				StatusCode::UNAUTHORIZED,
				"unauthorised",
				"send the header `Authorization: Bearer TOKEN`; the token is in the file `token` of the data folder"
					.into(),
			),
			Self::NotFound(what) => (StatusCode::NOT_FOUND, "not_found", what.clone()),
			Self::Method => (
				StatusCode::METHOD_NOT_ALLOWED,
				"method_not_allowed",
				"this path has other methods".into(),
			),
			Self::Bad(what) => (StatusCode::BAD_REQUEST, "bad_request", what.clone()),
			Self::Conflict(what) => (StatusCode::CONFLICT, "conflict", what.clone()),
			Self::TooLong(what) => (StatusCode::PAYLOAD_TOO_LARGE, "too_long", what.clone()),
			Self::Range(len) => (
				StatusCode::RANGE_NOT_SATISFIABLE,
				"range",
				format!("there are {len} bytes, counted from 0"),
			),
			Self::TooSlow(patience) => (
				StatusCode::REQUEST_TIMEOUT,
				"too_slow",
				format!("the request did not come within {} s", patience.as_secs()),
			),
			Self::Refused(refusal) => {
				let (status, word) = match refusal {
					Refusal::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
					Refusal::Conflict => (StatusCode::CONFLICT, "conflict"),
					Refusal::Busy { .. } | Refusal::OwnerBusy { .. } => {
						(StatusCode::TOO_MANY_REQUESTS, "busy")
					}
					Refusal::NoRoom { .. } => (StatusCode::INSUFFICIENT_STORAGE, "no_room"),
					Refusal::Misfit(_) => (StatusCode::UNPROCESSABLE_ENTITY, "misfit"),
					Refusal::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
					Refusal::Failed(_) => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
				};
				(status, word, refusal.to_string())
			}
			Self::Blob(error) => {
				let (status, word) = match error {
					BlobError::Missing(_) => (StatusCode::NOT_FOUND, "not_found"),
					BlobError::OtherBlob { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "other_blob"),
					BlobError::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_long"),
					BlobError::OutOfRange(_) => (StatusCode::RANGE_NOT_SATISFIABLE, "range"),
					BlobError::NoRoom(NoRoom::Quota { .. } | NoRoom::Disk { .. }) => {
						(StatusCode::INSUFFICIENT_STORAGE, "no_room")
					}
					BlobError::Broken(_) => (StatusCode::BAD_REQUEST, "bad_request"),
					BlobError::Unavailable { .. } => (StatusCode::BAD_GATEWAY, "unavailable"),
					BlobError::Store(_) | BlobError::Network(_) => {
						(StatusCode::INTERNAL_SERVER_ERROR, "failed")
					}
				};
				(status, word, error.to_string())
			}
			Self::Internal(why) => {
				(StatusCode::INTERNAL_SERVER_ERROR, "failed", format!("the executor failed: {why}"))
			}
		}
	}
}

impl IntoResponse for ApiError {
	fn into_response(self) -> Response {
		let (status, word, message) = self.parts();
		let faults = match &self {
			Self::Refused(Refusal::Invalid(faults)) => faults.clone(),
			_ => Vec::new(),
		};
		let mut body = serde_json::json!({ "error": word, "message": message });
		if !faults.is_empty() {
			body["faults"] = faults.into();
		}
		let mut response = (status, Json(body)).into_response();
		let headers = response.headers_mut();
		match status {
			StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
				headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
			}
			StatusCode::UNAUTHORIZED => {
				headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
			}
			StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
				// The rest of the body is not read.
				headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
			}
			_ => {}
		}
		response
	}
}
