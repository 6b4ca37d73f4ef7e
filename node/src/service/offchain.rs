//! The off-chain workers: hooks of the runtime that run beside a block, with HTTP.

use std::sync::Arc;

use futures::FutureExt;
use sc_client_api::Backend;
use sc_network::service::traits::NetworkService;
use sc_service::{SpawnTaskHandle, error::Error};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_keystore::KeystorePtr;

use super::partial::{FullBackend, FullClient, FullPool};

/// What the hooks may use.
pub(super) struct Params<'a> {
	pub(super) client: Arc<FullClient>,
	pub(super) backend: &'a FullBackend,
	pub(super) keystore: KeystorePtr,
	pub(super) pool: Arc<FullPool>,
	pub(super) network: Arc<dyn NetworkService>,
	pub(super) is_validator: bool,
	pub(super) spawner: &'a SpawnTaskHandle,
}

/// Starts the runner of the hooks.
///
/// # Errors
///
/// When the HTTP client cannot start: it needs certificate roots, even for plain HTTP.
pub(super) fn spawn(params: Params<'_>) -> Result<(), Error> {
	let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
		runtime_api_provider: params.client.clone(),
		keystore: Some(params.keystore),
		offchain_db: params.backend.offchain_storage(),
		transaction_pool: Some(OffchainTransactionPoolFactory::new(params.pool)),
		network_provider: Arc::new(params.network),
		is_validator: params.is_validator,
		enable_http_requests: true,
		custom_extensions: |_| Vec::new(),
	})
	.map_err(|error| {
		Error::Other(format!(
			"the off-chain workers' HTTP client did not start: {error}; install the system's \
			 certificate roots (on Debian: apt-get install ca-certificates)"
		))
	})?;
	params.spawner.spawn(
		"offchain-workers",
		Some("offchain-worker"),
		workers.run(params.client, params.spawner.clone()).boxed(),
	);
	Ok(())
}
