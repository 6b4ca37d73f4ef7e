//! What the node answers besides the interfaces that every node has (`system`, `chain`, `state`,
//! `author`, `chainHead_v1` and their like, which the service adds).

mod market;
mod provider;

use std::sync::Arc;

use jsonrpsee::RpcModule;
use ogpu_runtime::{Block, BlockNumber, Hash};
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_babe_rpc::{Babe, BabeApiServer};
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use sc_sync_state_rpc::{SyncState, SyncStateApiServer};
use sp_keystore::KeystorePtr;
use substrate_frame_rpc_system::{System, SystemApiServer};

use market::{Market, MarketApiServer};
use provider::{Provider, ProviderApiServer};

use crate::service::{FullBackend, FullClient, FullPool, FullSelectChain};

/// What the answers are made from.
pub(crate) struct Deps {
	pub(crate) client: Arc<FullClient>,
	pub(crate) pool: Arc<FullPool>,
	pub(crate) select_chain: FullSelectChain,
	pub(crate) chain_spec: Box<dyn sc_chain_spec::ChainSpec>,
	pub(crate) keystore: KeystorePtr,
	pub(crate) genesis: Hash,
	pub(crate) babe_worker: BabeWorkerHandle<Block>,
	pub(crate) voter_state: SharedVoterState,
	pub(crate) authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	pub(crate) justifications: GrandpaJustificationStream<Block>,
	pub(crate) finality_proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// The interfaces of this chain.
///
/// # Errors
///
/// When two interfaces claim the same method, or the chain specification lacks the extension for
/// light clients.
pub(crate) fn create(
	deps: &Deps,
	executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
	use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};

	let client = &deps.client;
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), deps.pool.clone()).into_rpc())?;
	module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
	module.merge(
		Babe::new(
			client.clone(),
			deps.babe_worker.clone(),
			deps.keystore.clone(),
			deps.select_chain.clone(),
		)
		.into_rpc(),
	)?;
	module.merge(
		Grandpa::new(
			executor,
			deps.authority_set.clone(),
			deps.voter_state.clone(),
			deps.justifications.clone(),
			deps.finality_proofs.clone(),
		)
		.into_rpc(),
	)?;
	module.merge(
		SyncState::new(
			deps.chain_spec.cloned_box(),
			client.clone(),
			deps.authority_set.clone(),
			deps.babe_worker.clone(),
		)?
		.into_rpc(),
	)?;
	module.merge(Provider::new(deps.keystore.clone(), deps.genesis).into_rpc())?;
	module.merge(Market::new(client.clone()).into_rpc())?;
	Ok(module)
}
