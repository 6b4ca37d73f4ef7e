//! What can go wrong, by whose fault.

use std::{error::Error, io};

use iroh::endpoint::{ConnectionError, ReadError};
use iroh_blobs::{
	get::{
		GetError,
		fsm::{AtBlobHeaderNextError, DecodeError},
	},
	protocol::{ERR_LIMIT, ERR_PERMISSION},
};
use ogpu_primitives::job::BlobId;

use crate::shelf::NoRoom;

/// Why something could not be done with a blob.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
	/// It is not here.
	#[error("the blob {0} is not here")]
	Missing(BlobId),
	/// The bytes are not those of the hash.
	#[error("these bytes are the blob {got}, not {expected}")]
	OtherBlob {
		/// What was announced.
		expected: BlobId,
		/// What it is.
		got: BlobId,
	},
	/// It is longer than a single blob may be.
	#[error("a blob may have at most {0} bytes")]
	TooLong(u64),
	/// A part was asked for that it does not have.
	#[error("the blob has {0} bytes")]
	OutOfRange(u64),
	/// Nothing can be evicted to make room.
	#[error(transparent)]
	NoRoom(#[from] NoRoom),
	/// Whoever sent it stopped half-way.
	#[error("the sender broke off: {0}")]
	Broken(io::Error),
	/// No source gave it; what each of them did.
	#[error("no source gave the blob {blob}: {}", list(.tried))]
	Unavailable {
		/// The blob.
		blob: BlobId,
		/// What became of each source, in the order of trying.
		tried: Vec<SourceFault>,
	},
	/// The disk or the store's database failed.
	#[error("the store failed: {0}")]
	Store(String),
	/// The network could not be set up.
	#[error("the blob transfer cannot be set up: {0}")]
	Network(String),
}

impl BlobError {
	pub(crate) fn store(error: impl std::fmt::Display) -> Self {
		Self::Store(error.to_string())
	}
}

fn list(tried: &[SourceFault]) -> String {
	if tried.is_empty() {
		return "none was named".into();
	}
	tried.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What a source did instead of giving a blob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
	/// Its address makes no sense.
	#[error("the source's address is invalid: {0}")]
	Invalid(String),
	/// It could not be reached.
	#[error("the source could not be reached: {0}")]
	Unreachable(String),
	/// It does not have it, or failed itself.
	#[error("the source does not have it")]
	Lacks,
	/// It does not give it to us.
	#[error("the source refused")]
	Refused,
	/// It sent other bytes.
	#[error("the source sent wrong bytes")]
	Lied,
	/// It stopped sending.
	#[error("the source stalled")]
	Stalled,
	/// The connection was lost.
	#[error("the connection was lost")]
	Lost,
}

/// Whose fault a failed transfer is.
pub(crate) enum Blame {
	Source(SourceFault),
	Ours(String),
}

/// Reads off an error of a transfer whose fault it is.
pub(crate) fn blame(error: &GetError) -> Blame {
	match error.iroh_error_code() {
		Some(code) if code == ERR_PERMISSION => return Blame::Source(SourceFault::Refused),
		// Too many ask it at once; it may have time later.
		Some(code) if code == ERR_LIMIT => return Blame::Source(SourceFault::Lost),
		// A peer that lacks the blob resets the stream with the code of an internal error.
		Some(_) => return Blame::Source(SourceFault::Lacks),
		None => {}
	}
	match error {
		GetError::Decode {
			source: DecodeError::ParentHashMismatch { .. } | DecodeError::LeafHashMismatch { .. },
			..
		} => return Blame::Source(SourceFault::Lied),
		GetError::Decode {
			source:
				DecodeError::ChunkNotFound { .. }
				| DecodeError::ParentNotFound { .. }
				| DecodeError::LeafNotFound { .. },
			..
		}
		| GetError::AtBlobHeaderNext { source: AtBlobHeaderNextError::NotFound { .. }, .. } => {
			return Blame::Source(SourceFault::Lacks);
		}
		_ => {}
	}
	if let Some(io) = error.remote_read().or(error.remote_write()).or(error.open()) {
		return Blame::Source(remote(io));
	}
	Blame::Ours(chain(error))
}

fn remote(io: &io::Error) -> SourceFault {
	let inner = io.get_ref().and_then(|inner| inner.downcast_ref::<ReadError>());
	if let Some(ReadError::ConnectionLost(ConnectionError::ApplicationClosed(closed))) = inner
		&& closed.error_code == ERR_PERMISSION
	{
		return SourceFault::Refused;
	}
	match io.kind() {
		// Only our own guard gives these two.
		io::ErrorKind::TimedOut => SourceFault::Stalled,
		io::ErrorKind::InvalidData => SourceFault::Lied,
		_ => SourceFault::Lost,
	}
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
	let mut text = error.to_string();
	let mut cause = error.source();
	while let Some(inner) = cause {
		let more = inner.to_string();
		if !text.contains(&more) {
			text = format!("{text}: {more}");
		}
		cause = inner.source();
	}
	text
}
