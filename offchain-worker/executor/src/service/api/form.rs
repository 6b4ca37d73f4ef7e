//! What people send: a manifest as they wrote it, with its files, or the names of blobs that are here.

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use axum::{
	body::Bytes,
	extract::{FromRequest, Multipart, Request, multipart::Field},
};
use bounded_collections::BoundedVec;
use codec::Encode;
use futures::StreamExt;
use ogpu_blobs::Blobs;
use ogpu_job::{Files, Manifest, Source, UnitList};
use ogpu_primitives::{
	executor::{Care, Checkpoint, FetchRequest, Peer, StateRequest, Submission, Units},
	job::BlobId,
	merkle::{Blake2, Hasher},
};
use serde::Deserialize;

use super::{bodies::hash, error::ApiError};
use crate::service::{Refusal, Service};

/// The longest field of a form that is no file.
const FIELD: usize = 256 * 1024;
/// The most files of a form.
const FILES: usize = 256;

/// A submission in JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
	/// The text of the manifest.
	manifest: String,
	/// The hash of each file that it names.
	#[serde(default)]
	files: BTreeMap<String, String>,
	/// The id of the run; made from the rest if it is not given.
	id: Option<String>,
	#[serde(default)]
	owner: String,
	/// Such as `0,5,10-19`; all if it is not given.
	units: Option<String>,
	#[serde(default)]
	alone: bool,
	#[serde(default)]
	peers: Vec<FormPeer>,
	#[serde(default)]
	checkpoints: Vec<FormCheckpoint>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormPeer {
	key: String,
	#[serde(default)]
	addresses: Vec<String>,
	relay: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormCheckpoint {
	unit: u32,
	slices: Vec<String>,
}

/// The blobs that a form names.
struct Named<'form> {
	blobs: &'form Blobs,
	files: BTreeMap<String, BlobId>,
}

impl Named<'_> {
	fn find(&self, name: &str) -> io::Result<BlobId> {
		// A file may be sent under its bare name, though the manifest says where it lies.
		let bare = Path::new(name).file_name().and_then(|bare| bare.to_str());
		let found = self.files.get(name).or_else(|| self.files.get(bare?));
		found.copied().ok_or_else(|| {
			io::Error::new(io::ErrorKind::NotFound, "it is not among the files that were sent")
		})
	}
}

impl Files for Named<'_> {
	fn source(&self, name: &str) -> io::Result<Source> {
		let id = self.find(name)?;
		let len = self.blobs.size(&id).ok_or_else(|| {
			io::Error::new(io::ErrorKind::NotFound, format!("the blob {id} is not here"))
		})?;
		Ok(Source { path: name.into(), len, id })
	}

	fn text(&self, name: &str) -> io::Result<String> {
		let source = self.source(name)?;
		let read = async {
			let mut bytes = Vec::new();
			let pieces = self.blobs.read(&source.id, 0..source.len).map_err(io::Error::other)?;
			let mut pieces = std::pin::pin!(pieces);
			while let Some(piece) = pieces.next().await {
				bytes.extend_from_slice(&piece.map_err(io::Error::other)?);
			}
			Ok::<_, io::Error>(bytes)
		};
		let bytes =
			tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(read))?;
		String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
	}
}

fn bounded<T, S: bounded_collections::Get<u32>>(
	items: Vec<T>,
	what: &str,
) -> Result<BoundedVec<T, S>, ApiError> {
	BoundedVec::try_from(items)
		.map_err(|_| ApiError::Bad(format!("{what}: there are more than {}", S::get())))
}

/// What peers a form names.
fn read_peers<S: bounded_collections::Get<u32>>(
	peers: &[FormPeer],
) -> Result<BoundedVec<Peer, S>, ApiError> {
	let read = |peer: &FormPeer| {
		let address =
			|text: &String| bounded(text.clone().into_bytes(), "characters of an address");
		let addresses: Result<Vec<_>, _> = peer.addresses.iter().map(address).collect();
		let relay = peer.relay.clone().map(String::into_bytes);
		Ok(Peer {
			key: hash(&peer.key)?,
			addresses: bounded(addresses?, "addresses of a peer")?,
			relay: relay.map(|relay| bounded(relay, "characters of a relay")).transpose()?,
		})
	};
	bounded(peers.iter().map(read).collect::<Result<_, ApiError>>()?, "peers")
}

/// A [`FetchRequest`] in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FetchForm {
	size: u64,
	peers: Vec<FormPeer>,
}

impl FetchForm {
	/// The request that a form means.
	pub(super) fn read(&self) -> Result<FetchRequest, ApiError> {
		Ok(FetchRequest { size: self.size, peers: read_peers(&self.peers)? })
	}
}

/// A [`StateRequest`] in JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateForm {
	run: String,
	unit: u32,
	root: String,
	first: u32,
	count: u32,
	#[serde(default)]
	leaf: Option<String>,
	peers: Vec<FormPeer>,
}

impl StateForm {
	/// The request that a form means.
	pub(super) fn read(&self) -> Result<StateRequest, ApiError> {
		Ok(StateRequest {
			run: hash(&self.run)?,
			segment: self.unit,
			root: hash(&self.root)?,
			first: self.first,
			count: self.count,
			leaf: self.leaf.as_deref().map(hash).transpose()?,
			peers: read_peers(&self.peers)?,
		})
	}
}

impl Form {
	/// The submission that a form means.
	pub(super) fn read(self, service: &Service) -> Result<Submission, ApiError> {
		let mut files = BTreeMap::new();
		for (name, text) in &self.files {
			files.insert(name.clone(), BlobId(hash(text)?));
		}
		let named = Named { blobs: &service.0.blobs, files };
		let manifest = Manifest::with_files(&self.manifest, &named).map_err(|problems| {
			Refusal::Invalid(problems.to_string().lines().map(str::to_owned).collect())
		})?;
		let units = match &self.units {
			None => Units::All,
			Some(text) => {
				let UnitList(units) = UnitList::parse(text).map_err(ApiError::Bad)?;
				Units::These(bounded(units, "units")?)
			}
		};
		let mut checkpoints = Vec::new();
		for checkpoint in &self.checkpoints {
			let slices: Result<Vec<_>, _> =
				checkpoint.slices.iter().map(|slice| hash(slice).map(BlobId)).collect();
			checkpoints.push(Checkpoint {
				segment: checkpoint.unit,
				slices: bounded(slices?, "slices of a checkpoint")?,
			});
		}
		let owner = if self.owner.is_empty() { "people".to_owned() } else { self.owner };
		let mut submission = Submission {
			id: [0; 32],
			owner: bounded(owner.into_bytes(), "bytes of the owner")?,
			job: manifest.job,
			units,
			care: if self.alone { Care::Alone } else { Care::Batched },
			peers: read_peers(&self.peers)?,
			checkpoints: bounded(checkpoints, "checkpoints")?,
		};
		submission.id = match &self.id {
			Some(id) => hash(id)?,
			None => Blake2::hash(&submission.encode()),
		};
		Ok(submission)
	}

	/// A form of fields and files, as browsers and `curl -F` send it. Files go to the store at once.
	pub(super) async fn from_multipart(
		request: Request,
		service: &Service,
	) -> Result<Self, ApiError> {
		let bad = |error: &dyn std::fmt::Display| ApiError::Bad(error.to_string());
		let patience = service.0.config.limits.request.0;
		let mut form = Self::default();
		let mut parts = Multipart::from_request(request, service)
			.await
			.map_err(|rejection| bad(&rejection.body_text()))?;
		while let Some(field) =
			in_time(patience, parts.next_field()).await?.map_err(|error| bad(&error.body_text()))?
		{
			let name = field.name().unwrap_or_default().to_owned();
			match (name.as_str(), field.file_name().map(str::to_owned)) {
				("file" | "files", Some(file)) => {
					if form.files.len() >= FILES {
						return Err(ApiError::TooLong(format!(
							"a form may have at most {FILES} files"
						)));
					}
					let pieces = futures::stream::unfold(field, |mut field| async {
						let piece = field.chunk().await;
						let piece = piece.map_err(io::Error::other).transpose();
						piece.map(|piece| (piece, field))
					});
					let pieces = super::blobs::unhurried(pieces, patience);
					let id = service.0.blobs.add(Box::pin(pieces), None, None).await?;
					form.files.insert(file, id.to_string());
				}
				("manifest", _) => form.manifest = text(field, patience).await?,
				("id", _) => form.id = Some(text(field, patience).await?),
				("owner", _) => form.owner = text(field, patience).await?,
				("units", _) => form.units = Some(text(field, patience).await?),
				("alone", _) => form.alone = text(field, patience).await? == "true",
				_ => {
					return Err(ApiError::Bad(format!(
						"there is no field {name:?}; there are manifest, files, id, owner, units and alone"
					)));
				}
			}
		}
		if form.manifest.is_empty() {
			return Err(ApiError::Bad("the field `manifest` is missing".into()));
		}
		Ok(form)
	}
}

async fn in_time<T>(patience: Duration, of: impl Future<Output = T>) -> Result<T, ApiError> {
	tokio::time::timeout(patience, of).await.map_err(|_| ApiError::TooSlow(patience))
}

async fn text(mut field: Field<'_>, patience: Duration) -> Result<String, ApiError> {
	let mut bytes: Vec<u8> = Vec::new();
	loop {
		let piece: Option<Bytes> = in_time(patience, field.chunk())
			.await?
			.map_err(|error| ApiError::Bad(error.body_text()))?;
		let Some(piece) = piece else { break };
		bytes.extend_from_slice(&piece);
		if bytes.len() > FIELD {
			return Err(ApiError::TooLong(format!("a field may have at most {FIELD} bytes")));
		}
	}
	String::from_utf8(bytes).map_err(|_| ApiError::Bad("a field is not UTF-8 text".into()))
}
