//! The token that guards everything but the status.

use std::{
	fs,
	io::{self, Read, Write},
	os::unix::fs::OpenOptionsExt,
	path::Path,
	sync::Arc,
};

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
	/// The token in a file; a new one, readable by its owner alone, if there is no such file.
	///
	/// # Errors
	///
	/// When the file cannot be read or made.
	pub fn load_or_make(path: &Path) -> io::Result<Self> {
		match fs::read_to_string(path) {
			Ok(text) if text.trim().len() >= 32 => Ok(Self(text.trim().into())),
			Ok(_) => Err(io::Error::new(
				io::ErrorKind::InvalidData,
				"it holds no token; delete it, and a new one is made",
			)),
			Err(error) if error.kind() == io::ErrorKind::NotFound => {
				let token = hex(&random()?);
				// Complete when it has its name.
				let partial = path.with_extension("partial");
				let mut file = fs::File::options()
					.write(true)
					.create(true)
					.truncate(true)
					.mode(0o600)
					.open(&partial)?;
				writeln!(file, "{token}")?;
				file.sync_all()?;
				fs::rename(partial, path)?;
				Ok(Self(token.into()))
			}
			Err(error) => Err(error),
		}
	}
}

/// 32 random bytes from the system.
///
/// # Errors
///
/// When the system gives none.
pub fn random() -> io::Result<[u8; 32]> {
	let mut bytes = [0; 32];
	fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
	Ok(bytes)
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
