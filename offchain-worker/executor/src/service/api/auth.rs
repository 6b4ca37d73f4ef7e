//! The token that guards everything but the status.

use std::sync::Arc;

use axum::{
	extract::{Request, State},
	http::header,
	middleware::Next,
	response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq;

use super::error::ApiError;
use crate::selftest::hex;

/// A secret that whoever may use the executor knows.
#[derive(Clone)]
pub struct Token(Arc<str>);

impl Token {
	/// The token that a secret makes: its hexadecimal digits.
	pub fn new(secret: &[u8; 32]) -> Self {
		Self(hex(secret).into())
	}
}

pub(super) async fn check(State(token): State<Token>, request: Request, next: Next) -> Response {
	let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
	let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
	if bool::from(given.as_bytes().ct_eq(token.0.as_bytes())) {
		next.run(request).await
	} else {
		ApiError::Unauthorised.into_response()
	}
}
