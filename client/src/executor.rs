//! Speaking with an executor: what it is, for a provider; having it keep inputs, for a client that goes away.

use std::{error::Error as _, iter::successors, path::Path};

use codec::DecodeAll;
use ogpu_primitives::{
	executor::{ExecutorStatus, is_private},
	job::BlobId,
	market::Endpoint,
};
use reqwest::{Body, RequestBuilder, Response};
use serde::{Deserialize, Serialize};

use crate::{Error, Order};

/// What a device asks for work, in oGPU.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DevicePrice {
	/// Its name.
	pub device: String,
	/// For a second of its time.
	pub per_second: String,
	/// At least, for any job.
	pub minimum: String,
}

/// What an executor asks for work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Prices {
	/// Each of its devices.
	pub devices: Vec<DevicePrice>,
}

/// Another price, in oGPU; what is not given stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PriceChange {
	/// For a second of a device's time.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub per_second: Option<String>,
	/// At least, for any job.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub minimum: Option<String>,
}

/// An executor's HTTP interface.
#[derive(Clone, Debug)]
pub struct Executor {
	http: reqwest::Client,
	url: String,
	token: Option<String>,
}

impl Executor {
	/// The executor at a URL. What changes anything there needs its token, which is in a file.
	///
	/// # Errors
	///
	/// When the file cannot be read, or its token would cross a network in clear.
	pub fn at(url: &str, token: Option<&Path>) -> Result<Self, Error> {
		if token.is_some() && !is_private(url) {
			return Err(Error::Usage(format!(
				"{url}: the executor's token would cross the network in clear; give http://127.0.0.1:PORT for an executor \
				 on this machine, a tunnel to one elsewhere (ssh -L), or a URL that begins with https://"
			)));
		}
		let token = token.map(|file| {
			std::fs::read_to_string(file)
				.map(|token| token.trim().to_owned())
				.map_err(|error| Error::Usage(format!("{}: {error}", file.display())))
		});
		let url = url.trim_end_matches('/').to_owned();
		// The HTTP client brings none. Whoever was first has it installed for all.
		let _ = rustls::crypto::ring::default_provider().install_default();
		Ok(Self { http: reqwest::Client::new(), url, token: token.transpose()? })
	}

	/// What it says of itself.
	///
	/// # Errors
	///
	/// When it does not answer, or is of another release.
	pub async fn status(&self) -> Result<ExecutorStatus, Error> {
		let asked = self.http.get(format!("{}/v1/status", self.url));
		let answer = self.ask(asked.header("accept", "application/octet-stream")).await?;
		let bytes = answer.bytes().await.map_err(|error| self.gone(&error))?;
		let status = ExecutorStatus::decode_all(&mut &bytes[..]).ok();
		status.filter(ExecutorStatus::is_of_this_release).ok_or_else(|| {
			Error::Host(format!("the executor at {} is of another release", self.url))
		})
	}

	/// What its devices ask for work; with a price, what they ask from now on.
	///
	/// # Errors
	///
	/// When it refuses, or does not answer.
	pub async fn prices(&self, change: Option<&PriceChange>) -> Result<Prices, Error> {
		let url = format!("{}/v1/prices", self.url);
		let asked = match change {
			None => self.http.get(url),
			Some(change) => {
				let change = serde_json::to_vec(change);
				let change = change.map_err(|error| Error::Host(error.to_string()))?;
				self.http.put(url).header("content-type", "application/json").body(change)
			}
		};
		let answer = self.ask(asked).await?.bytes().await.map_err(|error| self.gone(&error))?;
		serde_json::from_slice(&answer)
			.map_err(|_| Error::Host(format!("the executor at {} is of another release", self.url)))
	}

	/// Hands it a job with all that it starts from, which it serves to whoever knows the hashes until it is stopped.
	/// Where.
	///
	/// # Errors
	///
	/// When it refuses, or serves nothing to anybody.
	pub async fn keep(&self, order: &Order) -> Result<Endpoint, Error> {
		let endpoint = self.status().await?.peer.as_ref().map(Endpoint::of);
		let endpoint = endpoint.filter(Endpoint::is_reachable).ok_or_else(|| {
			Error::Host(format!(
				"the executor at {} serves blobs to nobody; its configuration says where: blobs.listen",
				self.url
			))
		})?;
		let manifest = &order.manifest;
		let job = order.job();
		let len = job.len() as u64;
		self.take(&order.batch().blob, len, job.into()).await?;
		let program = manifest.program.clone().into_bytes();
		let len = program.len() as u64;
		self.take(&manifest.job.program.source, len, program.into()).await?;
		for (id, source) in &manifest.files {
			let file = tokio::fs::File::open(&source.path).await;
			let file =
				file.map_err(|error| Error::Host(format!("{}: {error}", source.path.display())))?;
			self.take(id, source.len, file.into()).await?;
		}
		Ok(endpoint)
	}

	async fn take(&self, id: &BlobId, len: u64, bytes: Body) -> Result<(), Error> {
		let url = format!("{}/v1/blobs/{id}", self.url);
		self.ask(self.http.put(&url).header("content-length", len).body(bytes)).await?;
		self.ask(self.http.post(format!("{url}/share"))).await?;
		Ok(())
	}

	async fn ask(&self, request: RequestBuilder) -> Result<Response, Error> {
		let request = match &self.token {
			Some(token) => request.bearer_auth(token),
			None => request,
		};
		let answer = request.send().await.map_err(|error| self.gone(&error))?;
		if answer.status().is_success() {
			return Ok(answer);
		}
		let status = answer.status();
		let told = answer.text().await.unwrap_or_default();
		let told: Option<serde_json::Value> = serde_json::from_str(&told).ok();
		let why = told.as_ref().and_then(|told| told["message"].as_str());
		Err(Error::Host(format!(
			"the executor at {} refuses: {}",
			self.url,
			why.unwrap_or(status.as_str())
		)))
	}

	fn gone(&self, error: &reqwest::Error) -> Error {
		// What is underneath says more than what was tried.
		let causes = successors(error.source(), |cause| (*cause).source());
		let why = causes.last().map_or_else(|| error.to_string(), ToString::to_string);
		Error::Host(format!(
			"the executor at {} does not answer: {why}. Is ogpu-worker running?",
			self.url
		))
	}
}
