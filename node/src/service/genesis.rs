//! The database must be of the chain that was asked for.

use std::sync::Arc;

use ogpu_runtime::Block;
use sc_chain_spec::{
	GenesisBlockBuilder, construct_genesis_block, resolve_state_version_from_wasm,
};
use sc_client_api::{Backend, BlockImportOperation};
use sc_service::{Configuration, error::Error};
use sp_blockchain::HeaderBackend;
use sp_runtime::traits::{Block as BlockT, HashingFor};

use super::partial::{Executor, FullBackend};

/// Builds the genesis block of the chain specification.
///
/// A database is found by the id of its chain alone. Two networks may share an id by mistake, and a
/// node would go on silently with the chain it finds; so the genesis blocks are compared here.
///
/// # Errors
///
/// When the database holds another chain, or the genesis cannot be built.
pub(super) fn builder(
	config: &Configuration,
	backend: &Arc<FullBackend>,
	executor: &Executor,
) -> Result<GenesisBlockBuilder<Block, FullBackend, Executor>, Error> {
	let storage = config
		.chain_spec
		.as_storage_builder()
		.build_storage()
		.map_err(sp_blockchain::Error::Storage)?;

	if let Some(found) = backend.blockchain().hash(0)? {
		let version = resolve_state_version_from_wasm::<_, HashingFor<Block>>(&storage, executor)?;
		// Not committed: only the root is wanted.
		let root = backend.begin_operation()?.set_genesis_state(storage.clone(), false, version)?;
		let asked = construct_genesis_block::<Block>(root, version).hash();
		if asked != found {
			return Err(Error::Other(format!(
				"the database in {} belongs to another chain: its genesis is {found:?}, that of the \
				 specification '{}' is {asked:?}; give another --base-path, or remove the old chain \
				 with `ogpu-node purge-chain`",
				config.base_path.path().display(),
				config.chain_spec.name(),
			)));
		}
	}
	Ok(GenesisBlockBuilder::new_with_storage(
		storage,
		!config.no_genesis(),
		backend.clone(),
		executor.clone(),
	)?)
}
