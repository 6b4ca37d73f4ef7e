//! Blobs: programs, inputs, states and results, on disk by their BLAKE3 hashes, and their way between the
//! machines of people who do not trust each other.
//!
//! ```text
//!            add, read, pin                     fetch: verified, resumed, ranges
//! executor ─────────────────► Blobs (disk) ◄─────────────────────────────────── peers
//!                               │   quota: what nobody needs is evicted           ▲
//!                               └── serves what was shared, to whom it was shared ┘
//! ```
//!
//! Storage and transfer are iroh-blobs: connections are encrypted and authenticated by ed25519 keys, every
//! 16 KiB are checked against the hash before they reach the disk, and what was fetched before an
//! interruption is kept. On top of it stands what an executor needs: a quota with eviction, pins, sharing
//! with some and not with others, and a fetch that gives up on sources that stall or lie and takes the
//! next one.

mod error;
mod fetch;
mod node;
mod results;
mod secret;
mod shelf;
mod store;

pub use error::{BlobError, SourceFault};
pub use fetch::{Fetch, Fetched};
pub use node::{Audience, NodeOptions};
pub use results::{Answers, Question};
pub use secret::{from_hex, secret};
pub use shelf::NoRoom;
pub use store::{Blobs, Options, free_space};
