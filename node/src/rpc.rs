//! What the node answers besides the interfaces that every node has (`system`, `chain`, `state`,
//! `author`, `chainHead_v1` and their like, which the service adds).

use std::sync::Arc;

use codec::Encode;
use jsonrpsee::{Extensions, RpcModule, core::RpcResult, proc_macros::rpc, types::ErrorObject};
use ogpu_runtime::{AccountId, Block, BlockNumber, Hash, PROOF_DOMAIN, WORKER_KEY};
use sc_consensus_babe::BabeWorkerHandle;
use sc_consensus_babe_rpc::{Babe, BabeApiServer};
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use sc_sync_state_rpc::{SyncState, SyncStateApiServer};
use sp_core::Bytes;
use sp_keystore::KeystorePtr;
use substrate_frame_rpc_system::{System, SystemApiServer};

use crate::service::{FullBackend, FullClient, FullPool, FullSelectChain};

/// What an operator asks of its own node.
#[rpc(server)]
pub(crate) trait ProviderApi {
	/// The worker key of this node, with its proof that it knows the account that it will sign for: what
	/// `providers.register` wants. Unsafe: it answers on the loopback address only.
	#[method(name = "provider_workerProof", with_extensions)]
	fn worker_proof(&self, account: AccountId) -> RpcResult<WorkerProof>;
}

/// A worker key and its proof.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct WorkerProof {
	/// The sr25519 public key.
	key: Bytes,
	/// Its signature over the domain of such proofs, the genesis hash and the account, in SCALE.
	proof: Bytes,
}

struct Provider {
	keystore: KeystorePtr,
	genesis: Hash,
}

impl ProviderApiServer for Provider {
	fn worker_proof(&self, extensions: &Extensions, account: AccountId) -> RpcResult<WorkerProof> {
		sc_rpc_api::check_if_safe(extensions)?;
		let refuse = |why: &str| ErrorObject::owned(1, why.to_owned(), None::<()>);
		let keys = self.keystore.sr25519_public_keys(WORKER_KEY);
		let [key] = keys[..] else {
			return Err(match keys.len() {
				0 => refuse(
					"this node has no worker key; start it with --provider, or insert one of type ogpu",
				),
				_ => refuse("this node has several worker keys; leave one in its keystore"),
			});
		};
		let message = (PROOF_DOMAIN, self.genesis, account).encode();
		match self.keystore.sr25519_sign(WORKER_KEY, &key, &message) {
			Ok(Some(proof)) => {
				Ok(WorkerProof { key: Bytes(key.0.to_vec()), proof: Bytes(proof.0.to_vec()) })
			}
			_ => Err(refuse("the worker key cannot be read from the keystore")),
		}
	}
}

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
	let provider = Provider { keystore: deps.keystore.clone(), genesis: deps.genesis };
	module.merge(provider.into_rpc())?;
	Ok(module)
}
