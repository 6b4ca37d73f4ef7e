//! Where the executor is: told to the hook of the runtime, which talks to it. It may be a program that this node
//! starts itself.

mod health;
mod own;

use std::path::PathBuf;

use codec::Encode;
use futures::FutureExt;
use ogpu_runtime::{EXECUTOR_KEY, ExecutorAddress, WORKER_KEY};
use sc_client_api::Backend;
use sc_service::{SpawnTaskHandle, error::Error};
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};
use sp_keystore::KeystorePtr;

use super::partial::FullBackend;
use health::{LOOK, Watch};
use own::Own;

/// What runs a provider's jobs, as the command line names it.
#[derive(Clone, Debug)]
pub(crate) enum Executor {
	/// Somebody else starts it.
	Elsewhere(Elsewhere),
	/// This node does.
	Own(Own),
}

/// An executor at a URL, whose token is in a file.
#[derive(Clone, Debug)]
pub(crate) struct Elsewhere {
	url: String,
	token_file: PathBuf,
}

impl Executor {
	/// An executor at a URL, whose token is in a file.
	///
	/// # Errors
	///
	/// When the token would cross a network in clear.
	pub(crate) fn elsewhere(url: &str, token_file: PathBuf) -> Result<Self, String> {
		let url = url.trim_end_matches('/').to_owned();
		let address = ExecutorAddress { url: url.clone().into_bytes(), token: Vec::new() };
		if address.is_trusted() {
			return Ok(Self::Elsewhere(Elsewhere { url, token_file }));
		}
		Err(format!(
			"--executor-url {url}: the executor's token would cross the network in clear; give \
			 http://127.0.0.1:PORT for an executor on this machine, or a URL that begins with https://"
		))
	}

	/// An executor that this node starts, and starts again.
	///
	/// # Errors
	///
	/// When there is no such program, or its configuration is wrong.
	pub(crate) fn own(
		program: Option<PathBuf>,
		config: Option<PathBuf>,
		data: PathBuf,
	) -> Result<Self, String> {
		Own::new(program, config, data).map(Self::Own)
	}
}

impl Elsewhere {
	/// What the hook needs, once the executor has written its token.
	async fn address(&self) -> std::io::Result<ExecutorAddress> {
		address(&self.url, &self.token_file).await
	}
}

async fn address(url: &str, token_file: &std::path::Path) -> std::io::Result<ExecutorAddress> {
	let token = tokio::fs::read_to_string(token_file).await?;
	Ok(ExecutorAddress { url: url.as_bytes().to_vec(), token: token.trim().as_bytes().to_vec() })
}

/// Where the hook reads where the executor is.
pub(super) struct Told<S>(S);

impl<S: OffchainStorage> Told<S> {
	/// It is there.
	fn at(&mut self, address: &ExecutorAddress) {
		log::info!("the executor is at {}", String::from_utf8_lossy(&address.url));
		self.0.set(STORAGE_PREFIX, EXECUTOR_KEY, &address.encode());
	}

	/// There is none.
	fn nowhere(&mut self) {
		self.0.remove(STORAGE_PREFIX, EXECUTOR_KEY);
	}
}

/// Tells the hook where the executor is from now on, or that there is none.
///
/// # Errors
///
/// When the node keeps nothing for its hooks, or its keystore cannot be written.
pub(super) fn spawn(
	executor: Option<Executor>,
	backend: &FullBackend,
	keystore: &KeystorePtr,
	spawner: &SpawnTaskHandle,
) -> Result<(), Error> {
	let storage = backend
		.offchain_storage()
		.ok_or_else(|| Error::Other("the database keeps nothing for off-chain workers".into()))?;
	let mut told = Told(storage);
	// One that an earlier run was told of may be another's by now.
	told.nowhere();
	let Some(executor) = executor else { return Ok(()) };
	worker_key(keystore)?;
	let follow = match executor {
		Executor::Elsewhere(executor) => executor.follow(told).boxed(),
		Executor::Own(executor) => executor.supervise(told).boxed(),
	};
	spawner.spawn("executor", Some("offchain-worker"), follow);
	Ok(())
}

/// Makes a worker key, unless there is one.
fn worker_key(keystore: &KeystorePtr) -> Result<(), Error> {
	if !keystore.sr25519_public_keys(WORKER_KEY).is_empty() {
		return Ok(());
	}
	let key = keystore
		.sr25519_generate_new(WORKER_KEY, None)
		.map_err(|error| Error::Other(format!("no worker key could be made: {error}")))?;
	let key = sp_core::hexdisplay::HexDisplay::from(&key.0);
	log::info!("made a worker key, 0x{key}; register it with your account, see docs/providers.md");
	Ok(())
}

impl Elsewhere {
	/// Looks again and again where it is: it may come later than this node, and with another token.
	async fn follow<S: OffchainStorage>(self, mut hook: Told<S>) {
		let mut told: Option<(ExecutorAddress, Watch)> = None;
		let mut complained = false;
		loop {
			match self.address().await {
				Ok(address) if told.as_ref().is_none_or(|(known, _)| *known != address) => {
					hook.at(&address);
					(told, complained) = (Some((address, Watch::new())), false);
				}
				Ok(_) => {}
				Err(error) => {
					if !complained {
						log::warn!(
							"the executor's token cannot be read from {}: {error}; is ogpu-worker running, with \
							 this data folder?",
							self.token_file.display(),
						);
					}
					complained = true;
				}
			}
			if let Some((address, watch)) = &mut told {
				watch.look(address).await;
			}
			tokio::time::sleep(LOOK).await;
		}
	}
}
