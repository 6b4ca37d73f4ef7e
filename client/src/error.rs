//! What can go wrong, by whose fault it is: that decides what to do, and the exit code of the command.

use ogpu_blobs::{BlobError, SourceFault};
use ogpu_primitives::market::view::Ending;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
	/// What was asked for makes no sense.
	#[error("{0}")]
	Usage(String),
	/// The manifest or a file that it names is wrong.
	#[error("{0}")]
	Job(String),
	/// This machine failed: its disk, its network.
	#[error("{0}")]
	Host(String),
	/// There is no node, or it does not answer.
	#[error(
		"the node at {url} does not answer: {why}. Start one (ogpu-node --dev --tmp), or name another with --node"
	)]
	NoNode {
		/// Where.
		url: String,
		/// Why.
		why: String,
	},
	/// The node answered with an error.
	#[error("the node failed: {0}")]
	Node(String),
	/// The chain refuses it.
	#[error("the chain refuses it: {0}")]
	Refused(String),
	/// There is no such task.
	#[error("there is no task {0}; records of tasks that have ended are forgotten after a while")]
	NoTask(u64),
	/// There is no such stream.
	#[error("there is no stream {0}; one that is closed is forgotten")]
	NoStream(u64),
	/// The task has no result that can be fetched.
	#[error("{0}")]
	NotThere(String),
	/// The task has none yet: a few blocks later it may.
	#[error("{0}")]
	NotYet(String),
	/// The task ended without a result.
	#[error("the task ended: {}", ending(.0))]
	Ended(Ending),
	/// What the provider gave, or promised, is not what it should be.
	#[error("{0}")]
	WrongResult(String),
}

impl Error {
	/// The exit code of the command.
	pub const fn code(&self) -> u8 {
		match self {
			Self::Usage(_) => 2,
			Self::Job(_) => 3,
			Self::Host(_) => 4,
			Self::Refused(_) | Self::NoTask(_) | Self::NoStream(_) => 5,
			Self::NoNode { .. } | Self::Node(_) => 6,
			Self::Ended(_) => 7,
			Self::NotThere(_) | Self::NotYet(_) | Self::WrongResult(_) => 8,
		}
	}

	/// Whether it is about how things are reached, and says nothing of them.
	pub const fn is_of_the_way(&self) -> bool {
		matches!(self, Self::NoNode { .. } | Self::Node(_) | Self::Host(_) | Self::NotYet(_))
	}
}

/// How a task ended, for people.
pub(crate) const fn ending(ending: &Ending) -> &'static str {
	match ending {
		Ending::Completed => "completed",
		Ending::CompletedUnverified => "completed, accepted unverified",
		Ending::NoProvider => {
			"nobody bid for it, raced for it, or was left to take it. Ask for less, or pay more (--max-price; a stream's --reward)"
		}
		Ending::Cancelled => "cancelled",
		Ending::Rejected => "the job was found inadmissible (ogpu-worker check says why)",
		Ending::Unavailable => {
			"providers could not get its inputs. They are served while ogpu submit or ogpu watch runs"
		}
		Ending::Inconclusive => "nobody could say whether the result was right",
		Ending::Fraud => "the result was false; you were made whole",
		Ending::Unverifiable => "verification did not come to an end in time",
		Ending::Undelivered => "the provider did not give the result; you were made whole",
	}
}

impl From<BlobError> for Error {
	fn from(error: BlobError) -> Self {
		let of_the_way = |fault: &SourceFault| {
			matches!(fault, SourceFault::Unreachable(_) | SourceFault::Stalled | SourceFault::Lost)
		};
		match &error {
			// It may be reached again.
			BlobError::Unavailable { tried, .. } if tried.iter().any(of_the_way) => {
				Self::NotYet(error.to_string())
			}
			// Whoever was to have it has not.
			BlobError::Unavailable { .. } => Self::NotThere(error.to_string()),
			_ => Self::Host(error.to_string()),
		}
	}
}
