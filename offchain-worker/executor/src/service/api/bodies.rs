//! Bodies in two languages.

use axum::{
	body::Bytes,
	extract::{FromRequest, FromRequestParts, Query, Request},
	http::{HeaderMap, StatusCode, header, request::Parts},
	response::{IntoResponse, Response},
};
use codec::{Decode, Encode};

use super::error::ApiError;
use ogpu_blobs::from_hex;

/// The media type of SCALE bodies.
pub(super) const SCALE: &str = "application/octet-stream";

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
	Scale,
	Json,
}

fn names(headers: &HeaderMap, header: header::HeaderName, media: &str) -> bool {
	headers.get(header).and_then(|value| value.to_str().ok()).is_some_and(|value| {
		value
			.split(',')
			.any(|one| one.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media))
	})
}

pub(super) fn sends(headers: &HeaderMap, media: &str) -> bool {
	names(headers, header::CONTENT_TYPE, media)
}

/// What an answer is to be written in: SCALE where `Accept` names it.
pub(super) struct Answer(pub(super) Language);

impl<S: Sync> FromRequestParts<S> for Answer {
	type Rejection = ApiError;

	async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
		let scale = names(&parts.headers, header::ACCEPT, SCALE);
		Ok(Self(if scale { Language::Scale } else { Language::Json }))
	}
}

impl Answer {
	/// An answer in the language that was asked for.
	pub(super) fn with<T: Encode>(
		&self,
		status: StatusCode,
		value: &T,
		json: impl FnOnce(&T) -> serde_json::Value,
	) -> Response {
		match self.0 {
			Language::Scale => {
				(status, [(header::CONTENT_TYPE, SCALE)], value.encode()).into_response()
			}
			Language::Json => (status, axum::Json(json(value))).into_response(),
		}
	}
}

/// What the part of a path behind `?` asks for.
pub(super) struct Asked<T>(pub(super) T);

impl<T: serde::de::DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
	type Rejection = ApiError;

	async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
		let asked = Query::try_from_uri(&parts.uri);
		asked.map(|Query(asked)| Self(asked)).map_err(|error| ApiError::Bad(error.body_text()))
	}
}

/// The whole body of a request that has a bound.
pub(super) async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
	Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
		StatusCode::PAYLOAD_TOO_LARGE => {
			ApiError::TooLong("the body is too long; large data goes to /v1/blobs".into())
		}
		_ => ApiError::Bad(rejection.body_text()),
	})
}

/// A value from its SCALE form, which must end with it.
pub(super) fn scale<T: Decode>(bytes: &[u8]) -> Result<T, ApiError> {
	let mut rest = bytes;
	let value = T::decode(&mut rest)
		.map_err(|error| ApiError::Bad(format!("the body is not what this call takes: {error}")))?;
	if rest.is_empty() {
		Ok(value)
	} else {
		Err(ApiError::Bad(format!("{} bytes follow the value", rest.len())))
	}
}

/// A value from JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
	serde_json::from_slice(bytes)
		.map_err(|error| ApiError::Bad(format!("the JSON is wrong: {error}")))
}

/// A 32-byte hash or id from its 64 hexadecimal digits.
pub(super) fn hash(text: &str) -> Result<[u8; 32], ApiError> {
	from_hex(text.strip_prefix("0x").unwrap_or(text))
		.ok_or_else(|| ApiError::Bad(format!("{text:?} is not 64 hexadecimal digits")))
}
