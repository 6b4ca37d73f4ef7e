//! Where the executor is: told to the hook of the runtime, which talks to it.

use std::{path::PathBuf, time::Duration};

use codec::Encode;
use futures::FutureExt;
use ogpu_runtime::{EXECUTOR_KEY, ExecutorAddress};
use sc_client_api::Backend;
use sc_service::{SpawnTaskHandle, error::Error};
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};

use super::partial::FullBackend;

/// How often the token file is looked at: the executor may come later than the node, and with another token.
const LOOK: Duration = Duration::from_secs(5);

/// An executor, as the command line names it.
#[derive(Clone, Debug)]
pub(crate) struct Executor {
	url: String,
	token_file: PathBuf,
}

impl Executor {
	/// An executor at a URL, whose token is in a file.
	///
	/// # Errors
	///
	/// When the token would cross a network in clear.
	pub(crate) fn new(url: &str, token_file: PathBuf) -> Result<Self, String> {
		let url = url.trim_end_matches('/').to_owned();
		let address = ExecutorAddress { url: url.clone().into_bytes(), token: Vec::new() };
		if address.is_trusted() {
			return Ok(Self { url, token_file });
		}
		Err(format!(
			"--executor-url {url}: the executor's token would cross the network in clear; give \
			 http://127.0.0.1:PORT for an executor on this machine, or a URL that begins with https://"
		))
	}

	/// What the hook needs, once the executor has written its token.
	async fn address(&self) -> std::io::Result<ExecutorAddress> {
		let token = tokio::fs::read_to_string(&self.token_file).await?;
		Ok(ExecutorAddress {
			url: self.url.clone().into_bytes(),
			token: token.trim().as_bytes().to_vec(),
		})
	}
}

/// Tells the hook where the executor is from now on, or that there is none.
///
/// # Errors
///
/// When the node keeps nothing for its hooks.
pub(super) fn spawn(
	executor: Option<Executor>,
	backend: &FullBackend,
	spawner: &SpawnTaskHandle,
) -> Result<(), Error> {
	let mut storage = backend
		.offchain_storage()
		.ok_or_else(|| Error::Other("the database keeps nothing for off-chain workers".into()))?;
	// One that an earlier run was told of may be another's by now.
	storage.remove(STORAGE_PREFIX, EXECUTOR_KEY);
	let Some(executor) = executor else { return Ok(()) };
	let follow = async move {
		let mut told = None;
		let mut complained = false;
		loop {
			match executor.address().await {
				Ok(address) if told.as_ref() != Some(&address) => {
					log::info!("the executor is at {}", executor.url);
					storage.set(STORAGE_PREFIX, EXECUTOR_KEY, &address.encode());
					(told, complained) = (Some(address), false);
				}
				Ok(_) => {}
				Err(error) => {
					if !complained {
						log::warn!(
							"the executor's token cannot be read from {}: {error}; is ogpu-worker running, with \
							 this data folder?",
							executor.token_file.display(),
						);
					}
					complained = true;
				}
			}
			tokio::time::sleep(LOOK).await;
		}
	};
	spawner.spawn("executor-address", Some("offchain-worker"), follow.boxed());
	Ok(())
}
