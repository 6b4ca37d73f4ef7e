//! Getting blobs from others, who may be slow, gone, or liars.

use std::{
	io,
	ops::Range,
	pin::pin,
	time::{Duration, Instant},
};

use bytes::Bytes;
use futures::StreamExt;
use iroh::endpoint::{Connection, RecvStream, VarInt};
use iroh_blobs::{
	api::remote::GetProgressItem,
	get::StreamPair,
	protocol::{ChunkRanges, ChunkRangesExt, GetRequest},
	util::RecvStream as BlobStream,
};
use ogpu_primitives::{executor::Peer, job::BlobId};
use tokio::time::timeout;

use crate::{
	error::{Blame, BlobError, SourceFault, blame},
	node::Node,
	store::{Blobs, hash_of},
};

/// How often all sources are tried in a row without any of them giving anything.
const ROUNDS: u32 = 3;
/// The pause before they are tried again; doubled each time.
const PAUSE: Duration = Duration::from_millis(250);
/// Parts are fetched in whole groups, which can be kept and proved.
const GROUP: u64 = 16 * 1024;

/// A blob that is wanted.
#[derive(Clone, Debug)]
pub struct Fetch<'want> {
	/// The blob.
	pub id: BlobId,
	/// Its size, which must be known: a source's word is not taken for it.
	pub size: u64,
	/// Who may have it, in the order of trying.
	pub peers: &'want [Peer],
	/// How long a source may send nothing.
	pub stall: Duration,
}

/// How a blob was got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
	/// Bytes that came over the network.
	pub received: u64,
	/// What sources did that failed before another gave the rest.
	pub faults: Vec<SourceFault>,
}

/// Bytes that must pass in the time in which a transfer may not stall.
pub(crate) const LEAST: u64 = 64 * 1024;

/// Bytes from a source, under guard: it must keep going, and must say the right size.
struct Guarded {
	stream: RecvStream,
	stall: Duration,
	/// Since when, and how many bytes since then. A byte now and then is no progress.
	pace: (Instant, u64),
	size: u64,
	size_seen: bool,
}

fn stalled<E>(_: E) -> io::Error {
	io::Error::new(io::ErrorKind::TimedOut, "the source stalled")
}

impl Guarded {
	fn count(&mut self, bytes: usize) -> io::Result<()> {
		let (since, sum) = &mut self.pace;
		*sum += bytes as u64;
		if *sum >= LEAST {
			self.pace = (Instant::now(), 0);
		} else if since.elapsed() > self.stall {
			return Err(stalled(()));
		}
		Ok(())
	}
}

impl BlobStream for Guarded {
	async fn recv_bytes(&mut self, len: usize) -> io::Result<Bytes> {
		let bytes = BlobStream::recv_bytes(&mut self.stream, len);
		let bytes = timeout(self.stall, bytes).await.map_err(stalled)??;
		self.count(bytes.len())?;
		Ok(bytes)
	}

	async fn recv_bytes_exact(&mut self, len: usize) -> io::Result<Bytes> {
		let bytes = BlobStream::recv_bytes_exact(&mut self.stream, len);
		let bytes = timeout(self.stall, bytes).await.map_err(stalled)??;
		self.count(bytes.len())?;
		Ok(bytes)
	}

	async fn recv_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
		let bytes = BlobStream::recv_exact(&mut self.stream, buffer);
		timeout(self.stall, bytes).await.map_err(stalled)??;
		self.count(buffer.len())?;
		// A reply begins with the size of the blob. A false one would have hashes written to wrong places.
		if !self.size_seen {
			self.size_seen = true;
			if <[u8; 8]>::try_from(&*buffer).map(u64::from_le_bytes).ok() != Some(self.size) {
				return Err(io::Error::new(io::ErrorKind::InvalidData, "another size"));
			}
		}
		Ok(())
	}

	fn stop(&mut self, code: VarInt) -> io::Result<()> {
		BlobStream::stop(&mut self.stream, code)
	}

	fn id(&self) -> u64 {
		BlobStream::id(&self.stream)
	}
}

impl Blobs {
	/// Fetches a blob, or what is missing of it. `progress` is called with the number of bytes that have
	/// come over the network. Dropping the future ends the transfer; what came is kept.
	///
	/// # Errors
	///
	/// [`BlobError::Unavailable`] when no source gave it, with what each did; or our own trouble.
	pub async fn fetch(
		&self,
		want: &Fetch<'_>,
		progress: impl FnMut(u64),
	) -> Result<Fetched, BlobError> {
		if self.size(&want.id).is_some() {
			return Ok(Fetched { received: 0, faults: Vec::new() });
		}
		let transfer = self.ask_peers(want, ChunkRanges::all(), progress);
		self.receive(&want.id, want.size, transfer).await
	}

	/// Fetches a part of a blob and no more, and returns its bytes.
	///
	/// # Errors
	///
	/// As [`Self::fetch`]; and when the blob has no such part.
	pub async fn fetch_range(
		&self,
		want: &Fetch<'_>,
		range: Range<u64>,
	) -> Result<Vec<u8>, BlobError> {
		if range.start >= range.end || range.end > want.size {
			return Err(BlobError::OutOfRange(want.size));
		}
		if self.size(&want.id).is_none() {
			let groups =
				range.start / GROUP * GROUP..range.end.next_multiple_of(GROUP).min(want.size);
			let transfer = self.ask_peers(want, ChunkRanges::bytes(groups), |_| {});
			self.receive(&want.id, want.size, transfer).await?;
		}
		let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
		let mut pieces = pin!(self.read_present(&want.id, range));
		while let Some(piece) = pieces.next().await {
			bytes.extend_from_slice(&piece?);
		}
		Ok(bytes)
	}

	async fn ask_peers(
		&self,
		want: &Fetch<'_>,
		ranges: ChunkRanges,
		mut progress: impl FnMut(u64),
	) -> Result<Fetched, BlobError> {
		let node =
			self.node().get().ok_or_else(|| BlobError::Network("it has not been joined".into()))?;
		let mut faults = Vec::new();
		let mut received = 0;
		let mut idle_rounds = 0;
		// Whoever lied or refused is not asked again.
		let mut willing: Vec<&Peer> = want.peers.iter().collect();
		while !willing.is_empty() && idle_rounds < ROUNDS {
			let before = received;
			let mut still_willing = Vec::new();
			for peer in willing {
				let mut count = |bytes: u64| progress(received + bytes);
				let (bytes, outcome) = self.ask_peer(node, peer, want, &ranges, &mut count).await;
				received += bytes;
				match outcome {
					Ok(()) => return Ok(Fetched { received, faults }),
					Err(Blame::Ours(why)) => return Err(BlobError::Store(why)),
					Err(Blame::Source(fault)) => {
						tracing::debug!(target: "ogpu-blobs", blob = %want.id, "{fault}");
						if !matches!(
							fault,
							SourceFault::Lied | SourceFault::Refused | SourceFault::Invalid(_)
						) {
							still_willing.push(peer);
						}
						if faults.len() < 64 {
							faults.push(fault);
						}
					}
				}
			}
			willing = still_willing;
			if received == before {
				tokio::time::sleep(PAUSE * 2u32.pow(idle_rounds)).await;
				idle_rounds += 1;
			} else {
				idle_rounds = 0;
			}
		}
		Err(BlobError::Unavailable { blob: want.id, tried: faults })
	}

	/// Fetches what is missing from one peer; the bytes that came, and how it ended.
	async fn ask_peer(
		&self,
		node: &Node,
		peer: &Peer,
		want: &Fetch<'_>,
		ranges: &ChunkRanges,
		progress: &mut impl FnMut(u64),
	) -> (u64, Result<(), Blame>) {
		let mut received = 0;
		let outcome = async {
			let connection = node.connect(peer, iroh_blobs::ALPN).await.map_err(Blame::Source)?;
			let request = GetRequest::blob_ranges(hash_of(&want.id), ranges.clone());
			let local = self.store().remote().local_for_request(request).await;
			let local = local.map_err(|error| Blame::Ours(error.to_string()))?;
			if local.is_complete() {
				return Ok(());
			}
			let pair = open(&connection, want).await.map_err(Blame::Source)?;
			let transfer = self.store().remote().execute_get(pair, local.missing());
			let mut items = pin!(transfer.stream());
			while let Some(item) = items.next().await {
				match item {
					GetProgressItem::Progress(bytes) => {
						received = bytes;
						progress(bytes);
					}
					GetProgressItem::Done(_) => return Ok(()),
					GetProgressItem::Error(error) => return Err(blame(&error)),
				}
			}
			Err(Blame::Source(SourceFault::Lost))
		}
		.await;
		(received, outcome)
	}
}

async fn open(
	connection: &Connection,
	want: &Fetch<'_>,
) -> Result<StreamPair<Guarded, iroh::endpoint::SendStream>, SourceFault> {
	let opened = timeout(want.stall, connection.open_bi()).await;
	let (send, stream) =
		opened.map_err(|_| SourceFault::Stalled)?.map_err(|_| SourceFault::Lost)?;
	let guarded = Guarded {
		stream,
		stall: want.stall,
		pace: (Instant::now(), 0),
		size: want.size,
		size_seen: false,
	};
	Ok(StreamPair::new(connection.stable_id() as u64, guarded, send))
}
