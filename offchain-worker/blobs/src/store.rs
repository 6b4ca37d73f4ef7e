//! Blobs on disk.

use std::{
	io,
	ops::Range,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
	time::Duration,
};

use bao_tree::io::{EncodeError, Parent};
use bounded_collections::BoundedVec;
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, future, stream};
use iroh_blobs::{
	Hash, HashAndFormat,
	api::{TempTag, blobs::BlobStatus, blobs::EncodedItem},
	protocol::{ChunkRanges, ChunkRangesExt},
	store::{
		GcConfig,
		fs::{
			FsStore,
			options::{InlineOptions, Options as StoreOptions},
		},
	},
};
use ogpu_primitives::{
	job::BlobId,
	piece::{PIECE, Piece, length, pieces, way},
};
use tokio::{io::AsyncWriteExt, sync::mpsc};

use crate::{
	error::BlobError,
	node::{Node, Shares},
	results::Knows,
	shelf::{NoRoom, Shelf},
};

/// Where and how blobs are kept.
#[derive(Clone, Debug)]
pub struct Options {
	/// The folder of the store, for nobody else.
	pub folder: PathBuf,
	/// Bytes that all blobs may take.
	pub quota: u64,
	/// Bytes that one blob may have.
	pub largest: u64,
	/// Bytes of the disk that are left alone.
	pub reserve: u64,
	/// How often what was evicted or deleted is taken off the disk.
	pub sweep: Duration,
}

impl Options {
	/// A store with the usual bounds: 20 GiB in all, 16 GiB for one blob, 1 GiB of the disk left alone.
	pub fn new(folder: impl Into<PathBuf>) -> Self {
		Self {
			folder: folder.into(),
			quota: 20 << 30,
			largest: 16 << 30,
			reserve: 1 << 30,
			sweep: Duration::from_secs(60),
		}
	}
}

/// A store of blobs. Clones are the same store.
#[derive(Clone)]
pub struct Blobs(Arc<Inner>);

struct Inner {
	store: FsStore,
	options: Options,
	shelf: Mutex<Shelf>,
	shares: Arc<Mutex<Shares>>,
	node: OnceLock<Node>,
	knows: Knows,
	/// Held while the shelf and the tags change together.
	naming: tokio::sync::Mutex<()>,
}

/// Names of tags: a tag keeps its blob from being swept off the disk.
fn whole_tag(id: &BlobId) -> String {
	format!("whole/{id}")
}

fn part_tag(id: &BlobId, size: u64) -> String {
	format!("part/{id}/{size}")
}

pub(crate) fn hash_of(id: &BlobId) -> Hash {
	Hash::from_bytes(id.0)
}

fn id_of(hash: &Hash) -> BlobId {
	BlobId(*hash.as_bytes())
}

/// Room that was promised to something on its way.
struct Promise<'blobs> {
	blobs: &'blobs Blobs,
	bytes: u64,
}

impl Promise<'_> {
	async fn grow(&mut self, bytes: u64) -> Result<(), BlobError> {
		let free = free_space(&self.blobs.0.options.folder);
		let reserve = self.blobs.0.options.reserve;
		// What is on its way will be written, too.
		let coming = self.blobs.shelf().promised().saturating_add(bytes);
		if free < coming.saturating_add(reserve) {
			return Err(NoRoom::Disk { needed: coming, free, reserve }.into());
		}
		let evicted = self.blobs.shelf().promise(bytes)?;
		self.bytes += bytes;
		self.blobs.drop_tags(&evicted).await
	}
}

impl Drop for Promise<'_> {
	fn drop(&mut self) {
		self.blobs.shelf().settle(self.bytes);
	}
}

/// A blob on its way, which is not evicted meanwhile.
struct Coming<'blobs>(&'blobs Blobs, BlobId);

/// How long to wait for a blob that too many read.
const BUSY: Duration = Duration::from_millis(20);
/// How often.
const BUSY_TRIES: u32 = 1500;

/// Who holds blobs that are on their way.
const TRANSFER: &str = "transfer";

impl<'blobs> Coming<'blobs> {
	fn new(blobs: &'blobs Blobs, id: BlobId) -> Self {
		blobs.shelf().pin(&id, TRANSFER);
		Self(blobs, id)
	}
}

impl Drop for Coming<'_> {
	fn drop(&mut self) {
		self.0.shelf().unpin(&self.1, TRANSFER);
	}
}

/// Bytes that the disk of a folder has left.
pub fn free_space(folder: &Path) -> u64 {
	nix::sys::statvfs::statvfs(folder)
		.map_or(u64::MAX, |stat| stat.blocks_available() * stat.fragment_size())
}

impl Blobs {
	/// Opens the store in a folder, or makes one. What a crash left half-written is removed; what is left of
	/// interrupted transfers is kept.
	///
	/// # Errors
	///
	/// When the folder cannot be used, or another process uses it.
	pub async fn open(options: Options) -> Result<Self, BlobError> {
		let temp = options.folder.join("temp");
		let fail = |error: io::Error| BlobError::Store(format!("{}: {error}", temp.display()));
		match tokio::fs::remove_dir_all(&temp).await {
			Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
			_ => tokio::fs::create_dir_all(&temp).await.map_err(fail)?,
		}
		let mut store_options = StoreOptions::new(&options.folder);
		// Outboards outside the database are removed with their blobs.
		store_options.inline =
			InlineOptions { max_outboard_inlined: 0, ..InlineOptions::default() };
		store_options.gc = Some(GcConfig { interval: options.sweep, add_protected: None });
		let store =
			FsStore::load_with_opts(options.folder.join("blobs.db"), store_options).await.map_err(
				|error| BlobError::Store(format!("{}: {}", options.folder.display(), error)),
			)?;
		let blobs = Self(Arc::new(Inner {
			store,
			shelf: Mutex::new(Shelf::new(options.quota)),
			options,
			shares: Arc::default(),
			node: OnceLock::new(),
			knows: Knows::default(),
			naming: tokio::sync::Mutex::default(),
		}));
		blobs.take_stock().await?;
		blobs.remove_orphans().await?;
		Ok(blobs)
	}

	/// Removes files that a crash left before the database knew of them.
	async fn remove_orphans(&self) -> Result<(), BlobError> {
		let folder = self.0.options.folder.join("data");
		let fail = |error: io::Error| BlobError::Store(format!("{}: {error}", folder.display()));
		let mut entries = match tokio::fs::read_dir(&folder).await {
			Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
			entries => entries.map_err(fail)?,
		};
		while let Some(entry) = entries.next_entry().await.map_err(fail)? {
			let name = entry.file_name();
			let hash = name.to_str().and_then(|name| name.split('.').next()?.parse::<Hash>().ok());
			let Some(hash) = hash else { continue };
			let status = self.0.store.status(hash).await.map_err(BlobError::store)?;
			if matches!(status, BlobStatus::NotFound) {
				tokio::fs::remove_file(entry.path()).await.map_err(fail)?;
			}
		}
		Ok(())
	}

	/// Puts on the shelf what the tags say is there.
	async fn take_stock(&self) -> Result<(), BlobError> {
		let tags = self.0.store.tags().list().await.map_err(BlobError::store)?;
		let tags: Vec<_> = tags.try_collect().await.map_err(BlobError::store)?;
		for tag in tags {
			let id = id_of(&tag.hash);
			let name = String::from_utf8_lossy(&tag.name.0).into_owned();
			let status = self.0.store.status(tag.hash).await.map_err(BlobError::store)?;
			let part = name.rsplit_once('/').and_then(|(_, size)| size.parse::<u64>().ok());
			match (name.split('/').next(), status, part) {
				(Some("whole"), BlobStatus::Complete { size }, _) => {
					self.shelf().put(id, size, true)
				}
				(Some("part"), BlobStatus::Partial { .. }, Some(size)) => {
					self.shelf().put(id, size, false)
				}
				// The last byte had come, but not the word that it had.
				(Some("part"), BlobStatus::Complete { size }, _) => {
					let tags = self.0.store.tags();
					tags.set(whole_tag(&id), tag.hash_and_format())
						.await
						.map_err(BlobError::store)?;
					tags.delete(&name).await.map_err(BlobError::store)?;
					self.shelf().put(id, size, true)
				}
				_ => drop(self.0.store.tags().delete(&name).await.map_err(BlobError::store)?),
			}
		}
		Ok(())
	}

	pub(crate) fn store(&self) -> &FsStore {
		&self.0.store
	}

	pub(crate) fn shares(&self) -> &Arc<Mutex<Shares>> {
		&self.0.shares
	}

	pub(crate) fn knows(&self) -> &Knows {
		&self.0.knows
	}

	pub(crate) fn node(&self) -> &OnceLock<Node> {
		&self.0.node
	}

	fn shelf(&self) -> MutexGuard<'_, Shelf> {
		// The shelf is whole after every method, a panic elsewhere does not change that.
		self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
	}

	async fn drop_tags(&self, ids: &[BlobId]) -> Result<(), BlobError> {
		if ids.is_empty() {
			return Ok(());
		}
		let _naming = self.0.naming.lock().await;
		for id in ids {
			// It came back meanwhile.
			if self.shelf().contains(id) {
				continue;
			}
			let tags = self.0.store.tags();
			tags.delete(whole_tag(id)).await.map_err(BlobError::store)?;
			tags.delete_prefix(format!("part/{id}/")).await.map_err(BlobError::store)?;
		}
		Ok(())
	}

	/// The size of a blob that is here, in bytes.
	pub fn size(&self, id: &BlobId) -> Option<u64> {
		self.shelf().size(id)
	}

	/// Bytes that the blobs take, and how many blobs there are.
	pub fn usage(&self) -> (u64, usize) {
		let shelf = self.shelf();
		(shelf.used(), shelf.len())
	}

	/// Bytes that the blobs may take.
	pub fn quota(&self) -> u64 {
		self.0.options.quota
	}

	/// Keeps a blob until `owner` lets go of it. Whether it is here.
	pub fn pin(&self, id: &BlobId, owner: &str) -> bool {
		self.shelf().pin(id, owner)
	}

	/// Lets go of a blob.
	pub fn unpin(&self, id: &BlobId, owner: &str) {
		self.shelf().unpin(id, owner);
	}

	/// Deletes a blob, unless somebody holds it. Whether it was here.
	///
	/// # Errors
	///
	/// When the store fails.
	pub async fn remove(&self, id: &BlobId) -> Result<bool, BlobError> {
		let removed = {
			let mut shelf = self.shelf();
			!shelf.is_pinned(id) && shelf.remove(id)
		};
		if removed {
			self.drop_tags(&[*id]).await?;
		}
		Ok(removed)
	}

	/// Takes in bytes as they come; `len` is their number, where it is known. Nothing is kept unless all is
	/// well.
	///
	/// # Errors
	///
	/// When they are not the blob that was `expected`, too many, there is no room, or the sender breaks off.
	pub async fn add<S>(
		&self,
		mut bytes: S,
		len: Option<u64>,
		expected: Option<BlobId>,
	) -> Result<BlobId, BlobError>
	where
		S: Stream<Item = io::Result<Bytes>> + Send + Unpin,
	{
		let largest = self.0.options.largest;
		if len.is_some_and(|len| len > largest) {
			return Err(BlobError::TooLong(largest));
		}
		let mut promise = Promise { blobs: self, bytes: 0 };
		promise.grow(len.unwrap_or(0)).await?;
		let (to_store, mut from_us) = mpsc::channel::<io::Result<Bytes>>(4);
		let pump = async {
			// Dropped at the end, whatever the end is: the store waits for it.
			let to_store = to_store;
			let mut taken = 0u64;
			while let Some(more) = bytes.next().await {
				let more = match self.admit(more, &mut taken, &mut promise).await {
					Ok(more) => more,
					Err(error) => {
						// Has the store throw away what it has.
						let _ = to_store.send(Err(io::ErrorKind::BrokenPipe.into())).await;
						return Err(error);
					}
				};
				if to_store.send(Ok(more)).await.is_err() {
					// The store says why.
					break;
				}
			}
			Ok(taken)
		};
		let chunks = stream::poll_fn(move |context| from_us.poll_recv(context));
		let adding = async {
			self.0.store.add_stream(chunks).await.temp_tag().await.map_err(BlobError::store)
		};
		let (pumped, added) = future::join(pump, adding).await;
		let (size, tag) = (pumped?, added?);
		let id = id_of(&tag.hash());
		if let Some(expected) = expected.filter(|expected| *expected != id) {
			return Err(BlobError::OtherBlob { expected, got: id });
		}
		self.keep(tag, size).await?;
		Ok(id)
	}

	/// Sees whether more bytes of a blob may come, and promises room for them.
	async fn admit(
		&self,
		more: io::Result<Bytes>,
		taken: &mut u64,
		promise: &mut Promise<'_>,
	) -> Result<Bytes, BlobError> {
		let largest = self.0.options.largest;
		let more = more.map_err(BlobError::Broken)?;
		*taken += more.len() as u64;
		if *taken > largest {
			return Err(BlobError::TooLong(largest));
		}
		if *taken > promise.bytes {
			// In steps, so that the bookkeeping is not done for every packet; in small ones near the quota.
			let least = *taken - promise.bytes;
			let step = least.max(16 << 20).min(largest - promise.bytes);
			match promise.grow(step).await {
				Err(BlobError::NoRoom(_)) if step > least => promise.grow(least).await?,
				grown => grown?,
			}
		}
		Ok(more)
	}

	/// Takes in a file, which is copied.
	///
	/// # Errors
	///
	/// As [`Self::add`].
	pub async fn add_file(&self, path: &Path) -> Result<BlobId, BlobError> {
		let fail = |error: io::Error| BlobError::Store(format!("{}: {error}", path.display()));
		let path = tokio::fs::canonicalize(path).await.map_err(fail)?;
		let size = tokio::fs::metadata(&path).await.map_err(fail)?.len();
		if size > self.0.options.largest {
			return Err(BlobError::TooLong(self.0.options.largest));
		}
		let mut promise = Promise { blobs: self, bytes: 0 };
		promise.grow(size).await?;
		let tag = self.0.store.add_path(&path).temp_tag().await.map_err(BlobError::store)?;
		let id = id_of(&tag.hash());
		self.keep(tag, size).await?;
		Ok(id)
	}

	/// Keeps a blob that is complete.
	async fn keep(&self, tag: TempTag, size: u64) -> Result<(), BlobError> {
		let id = id_of(&tag.hash());
		let content = HashAndFormat::raw(tag.hash());
		let _naming = self.0.naming.lock().await;
		self.0.store.tags().set(whole_tag(&id), content).await.map_err(BlobError::store)?;
		self.0.store.sync_db().await.map_err(BlobError::store)?;
		self.shelf().put(id, size, true);
		Ok(())
	}

	/// Makes room for a blob that is fetched, and calls `transfer` with it. What arrives is kept, and counted,
	/// even if the transfer fails or is dropped.
	pub(crate) async fn receive<T>(
		&self,
		id: &BlobId,
		size: u64,
		transfer: impl Future<Output = Result<T, BlobError>>,
	) -> Result<T, BlobError> {
		if size > self.0.options.largest {
			return Err(BlobError::TooLong(self.0.options.largest));
		}
		let content = HashAndFormat::raw(hash_of(id));
		let tags = self.0.store.tags();
		let coming = if self.shelf().contains(id) {
			// What an earlier transfer left is counted with all that was to come.
			Coming::new(self, *id)
		} else {
			let mut promise = Promise { blobs: self, bytes: 0 };
			promise.grow(size).await?;
			let _naming = self.0.naming.lock().await;
			tags.set(part_tag(id, size), content).await.map_err(BlobError::store)?;
			drop(promise);
			self.shelf().put(*id, size, false);
			Coming::new(self, *id)
		};
		let result = transfer.await;
		let status = self.0.store.status(content.hash).await.map_err(BlobError::store)?;
		drop(coming);
		match status {
			BlobStatus::Complete { size } => {
				let _naming = self.0.naming.lock().await;
				tags.set(whole_tag(id), content).await.map_err(BlobError::store)?;
				tags.delete_prefix(format!("part/{id}/")).await.map_err(BlobError::store)?;
				self.0.store.sync_db().await.map_err(BlobError::store)?;
				self.shelf().put(*id, size, true);
			}
			BlobStatus::Partial { .. } => {}
			BlobStatus::NotFound => {
				self.shelf().remove(id);
				self.drop_tags(&[*id]).await?;
			}
		}
		result
	}

	/// The bytes of a part of a blob, each piece checked against the hash as it comes off the disk.
	///
	/// # Errors
	///
	/// When it is not here or has no such part; the stream ends with an error when the disk fails.
	pub fn read(
		&self,
		id: &BlobId,
		range: Range<u64>,
	) -> Result<impl Stream<Item = Result<Bytes, BlobError>> + Send + use<>, BlobError> {
		let size = self.size(id).ok_or(BlobError::Missing(*id))?;
		if range.start > range.end || range.end > size {
			return Err(BlobError::OutOfRange(size));
		}
		self.shelf().touch(id);
		Ok(self.read_present(id, range))
	}

	/// As [`Self::read`], of a blob that may be here in part.
	pub(crate) fn read_present(
		&self,
		id: &BlobId,
		range: Range<u64>,
	) -> impl Stream<Item = Result<Bytes, BlobError>> + Send + use<> {
		let ranges =
			if range.is_empty() { ChunkRanges::empty() } else { ChunkRanges::bytes(range.clone()) };
		let (store, hash) = (self.0.store.clone(), hash_of(id));
		// A blob can be read by some at once; more are told that it is busy, and wait.
		let items = stream::once(async move {
			let mut tries = 0;
			loop {
				let mut items = Box::pin(store.export_bao(hash, ranges.clone()).stream());
				match items.next().await {
					Some(EncodedItem::Error(EncodeError::Io(error)))
						if error.kind() == io::ErrorKind::ResourceBusy && tries < BUSY_TRIES =>
					{
						tries += 1;
						tokio::time::sleep(BUSY).await;
					}
					first => return stream::iter(first).chain(items),
				}
			}
		})
		.flatten();
		let missing = *id;
		items.filter_map(move |item| {
			let range = range.clone();
			future::ready(match item {
				EncodedItem::Leaf(leaf) => {
					let end = leaf.offset + leaf.data.len() as u64;
					let (from, to) = (range.start.max(leaf.offset), range.end.min(end));
					(from < to).then(|| {
						let within = (from - leaf.offset) as usize..(to - leaf.offset) as usize;
						Ok(leaf.data.slice(within))
					})
				}
				EncodedItem::Error(EncodeError::Io(error))
					if error.kind() == io::ErrorKind::NotFound =>
				{
					Some(Err(BlobError::Missing(missing)))
				}
				EncodedItem::Error(error) => Some(Err(BlobError::store(error))),
				EncodedItem::Size(_) | EncodedItem::Parent(_) | EncodedItem::Done => None,
			})
		})
	}

	/// Copies a blob to a new file, checked on the way. A file of that name is replaced.
	///
	/// # Errors
	///
	/// When it is not here, or the disk fails.
	pub async fn export(&self, id: &BlobId, path: &Path) -> Result<(), BlobError> {
		let size = self.size(id).ok_or(BlobError::Missing(*id))?;
		let free = free_space(path.parent().unwrap_or(path));
		let reserve = self.0.options.reserve;
		if free < size.saturating_add(reserve) {
			return Err(NoRoom::Disk { needed: size, free, reserve }.into());
		}
		let fail = |error: io::Error| BlobError::Store(format!("{}: {error}", path.display()));
		// Whatever has that name, a link too, is replaced and not written to.
		match tokio::fs::remove_file(path).await {
			Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
			_ => {}
		}
		let file = tokio::fs::File::options().write(true).create_new(true).open(path).await;
		let mut file = file.map_err(fail)?;
		let mut bytes = std::pin::pin!(self.read(id, 0..size)?);
		while let Some(more) = bytes.next().await {
			file.write_all(&more?).await.map_err(fail)?;
		}
		file.flush().await.map_err(fail)
	}

	/// Piece `wanted` of a blob, or the last one if it has fewer, with what proves it to whoever knows the hash.
	///
	/// # Errors
	///
	/// When the blob is not here, or the disk fails.
	pub async fn prove(&self, id: &BlobId, wanted: u32) -> Result<Piece, BlobError> {
		let size = self.size(id).ok_or(BlobError::Missing(*id))?;
		let last = pieces(size).saturating_sub(1).min(u32::MAX.into()) as u32;
		let index = wanted.min(last);
		let start = u64::from(index) * u64::from(PIECE);
		let length = u64::from(length(size, index).unwrap_or(0));
		let way = way(pieces(size), index);
		// From the root down come the hashes of both sides of each node on the way, then the piece.
		let ranges = ChunkRanges::bytes(start..(start + length).max(1));
		let mut items = Box::pin(self.0.store.export_bao(hash_of(id), ranges).stream());
		let (mut siblings, mut bytes) = (Vec::new(), Vec::new());
		while let Some(item) = items.next().await {
			match item {
				EncodedItem::Parent(Parent { pair: (left, right), .. }) => {
					if let Some(to_the_right) = way.get(siblings.len()) {
						siblings.push(if *to_the_right { left.into() } else { right.into() });
					}
				}
				EncodedItem::Leaf(leaf) => bytes.extend_from_slice(&leaf.data),
				EncodedItem::Error(error) => return Err(BlobError::store(error)),
				EncodedItem::Size(_) | EncodedItem::Done => {}
			}
		}
		siblings.reverse();
		Ok(Piece {
			size,
			index,
			bytes: BoundedVec::truncate_from(bytes),
			siblings: BoundedVec::truncate_from(siblings),
		})
	}

	/// Closes connections and the database.
	pub async fn close(&self) {
		if let Some(node) = self.0.node.get() {
			node.close().await;
		}
		if let Err(error) = self.0.store.shutdown().await {
			tracing::warn!(target: "ogpu-blobs", "the store did not close cleanly: {error}");
		}
	}
}
