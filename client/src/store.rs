//! What a client has to give and gets: program and inputs, served while this is open; outputs on their way.

use std::{
	io::{Error as IoError, ErrorKind},
	net::{SocketAddr, UdpSocket},
	path::Path,
	time::Duration,
};

use codec::Decode;
use futures::{TryStreamExt, stream};
use ogpu_blobs::{Audience, Blobs, Fetch, NodeOptions, Options, secret};
use ogpu_primitives::{
	executor::Peer,
	job::{BlobId, Job},
	market::{Endpoint, spec::JobRef},
};

use crate::{Error, Order};

/// Who asks for a client's blobs at once, at most.
const CONNECTIONS: usize = 64;
/// How long a source may send nothing.
const STALL: Duration = Duration::from_secs(20);

/// How others reach this machine.
#[derive(Clone, Debug)]
pub struct Network {
	/// Where to listen. Port 0 is a free one, the same at each time: the chain keeps the address of a stream.
	pub listen: SocketAddr,
	/// Addresses under which others reach it, where they differ.
	pub announce: Vec<SocketAddr>,
	/// The URL of a relay, for machines that cannot be reached directly.
	pub relay: Option<String>,
}

impl Default for Network {
	/// A free port, on all addresses.
	fn default() -> Self {
		Self { listen: SocketAddr::from(([0, 0, 0, 0], 0)), announce: Vec::new(), relay: None }
	}
}

/// A folder of blobs, and its place in the network. One program at a time has it open.
#[derive(Clone)]
pub struct Store {
	pub(crate) blobs: Blobs,
}

impl Store {
	/// Opens a folder, which is made if there is none, and joins the network.
	///
	/// # Errors
	///
	/// When another program has it open or uses its port, or the disk or network fails.
	pub async fn open(folder: &Path, network: &Network) -> Result<Self, Error> {
		let at = |error: &dyn std::fmt::Display| {
			Error::Host(format!("{}: {error}. Another --data is another folder", folder.display()))
		};
		std::fs::create_dir_all(folder).map_err(|error| at(&error))?;
		let seed = secret(&folder.join("transfer.key")).map_err(|error| at(&error))?;
		let blobs = Blobs::open(Options::new(folder.join("blobs")))
			.await
			.map_err(|error| at(&format!("{error} (is another ogpu at work in it?)")))?;
		let listen = match network.listen.port() {
			0 => same_port(network.listen, &folder.join("port")).map_err(|error| at(&error))?,
			_ => network.listen,
		};
		blobs
			.join(NodeOptions {
				seed,
				listen: Some(listen),
				announce: network.announce.clone(),
				relay: network.relay.clone(),
				connections: CONNECTIONS,
			})
			.await?;
		Ok(Self { blobs })
	}

	/// The key by which others know this machine.
	///
	/// # Errors
	///
	/// When it is not in the network.
	pub fn key(&self) -> Result<[u8; 32], Error> {
		let peer = self.blobs.peer().map(|peer| peer.key);
		peer.ok_or_else(|| Error::Host("this machine has not joined the network".into()))
	}

	/// Where this store serves what it offers.
	///
	/// # Errors
	///
	/// When nobody can reach it.
	pub fn source(&self) -> Result<Endpoint, Error> {
		let peer = self.blobs.peer().map(Endpoint::of).filter(Endpoint::is_reachable);
		peer.ok_or_else(|| {
			Error::Host(
				"this machine has no address that others could reach; give --announce".into(),
			)
		})
	}

	/// Takes in a job with all that it starts from, and serves it to whoever knows the hashes, which the chain tells.
	///
	/// # Errors
	///
	/// When a file has changed since it was read, or the disk fails.
	pub async fn offer(&self, order: &Order) -> Result<(), Error> {
		let manifest = &order.manifest;
		let mut offered = vec![self.take(order.job()).await?];
		offered.push(self.take(manifest.program.clone().into_bytes()).await?);
		for source in manifest.files.values() {
			let id = self.blobs.add_file(&source.path).await?;
			if id != source.id {
				let path = source.path.display();
				return Err(Error::Job(format!("{path} has changed since it was read; try again")));
			}
			offered.push(id);
		}
		self.serve(offered);
		Ok(())
	}

	/// Keeps blobs, and gives them to anybody.
	fn serve(&self, blobs: Vec<BlobId>) {
		for blob in blobs {
			self.blobs.pin(&blob, "offered");
			self.blobs.share(blob, Audience::Anyone);
		}
	}

	/// Serves again what a job starts from, if all of it is here. Whether it is.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub async fn offer_again(&self, job: &BlobId) -> Result<bool, Error> {
		let Some(found) = self.job(job).await? else { return Ok(false) };
		let blobs: Vec<BlobId> =
			found.blobs().into_iter().map(|(blob, _)| blob).chain([*job]).collect();
		let here = blobs.iter().all(|blob| self.blobs.size(blob).is_some());
		if here {
			self.serve(blobs);
		}
		Ok(here)
	}

	async fn take(&self, bytes: Vec<u8>) -> Result<BlobId, Error> {
		let len = bytes.len() as u64;
		Ok(self.blobs.add(stream::iter([Ok(bytes.into())]), Some(len), None).await?)
	}

	/// A job that was offered here.
	///
	/// # Errors
	///
	/// When the disk fails.
	pub async fn job(&self, id: &BlobId) -> Result<Option<Job>, Error> {
		let Some(size) = self.blobs.size(id) else { return Ok(None) };
		let pieces: Vec<_> = self.blobs.read(id, 0..size)?.try_collect().await?;
		Ok(Job::decode(&mut &pieces.concat()[..]).ok())
	}

	/// Gets a blob from a peer, and says how many bytes have come. What came before an interruption is kept.
	pub(crate) async fn fetch(
		&self,
		id: BlobId,
		size: u64,
		peer: &Peer,
		progress: impl FnMut(u64),
	) -> Result<(), Error> {
		let peers = [peer.clone()];
		let want = Fetch { id, size, peers: &peers, stall: STALL };
		self.blobs.fetch(&want, progress).await?;
		Ok(())
	}

	/// Gets a blob, unless it is here, from the first peer that gives it.
	pub(crate) async fn fetch_from(
		&self,
		blob: BlobId,
		size: u64,
		peers: &[Peer],
	) -> Result<(), Error> {
		if self.blobs.size(&blob).is_some() {
			return Ok(());
		}
		let mut last = None;
		for peer in peers {
			match self.fetch(blob, size, peer, |_| {}).await {
				Ok(()) => return Ok(()),
				Err(error) => last = Some(error),
			}
		}
		Err(Error::NotThere(format!(
			"neither the client nor the provider gives {blob}: {}",
			last.map_or_else(|| "nobody is named".into(), |error| error.to_string())
		)))
	}

	/// The job of a task, which is fetched from whoever serves it unless it is here.
	pub(crate) async fn job_of(&self, named: &JobRef, peers: &[Peer]) -> Result<Job, Error> {
		self.fetch_from(named.blob, named.len.into(), peers).await?;
		let job = self.job(&named.blob).await?.filter(|job| job.hash() == named.hash);
		job.ok_or_else(|| {
			Error::Job("what the client serves as the job is not what the task names".into())
		})
	}

	/// Closes it, so that another program can open it.
	pub async fn close(&self) {
		self.blobs.close().await;
	}
}

/// An address with a port that was free the first time, and is in a file from then on.
fn same_port(mut listen: SocketAddr, file: &Path) -> Result<SocketAddr, IoError> {
	let port = match std::fs::read_to_string(file) {
		Ok(text) => text.trim().parse().map_err(|_| {
			let path = file.display();
			IoError::new(ErrorKind::InvalidData, format!("{path} has no port in it; remove it"))
		})?,
		Err(error) if error.kind() == ErrorKind::NotFound => {
			let port = UdpSocket::bind(listen)?.local_addr()?.port();
			std::fs::write(file, format!("{port}\n"))?;
			port
		}
		Err(error) => return Err(error),
	};
	listen.set_port(port);
	Ok(listen)
}
