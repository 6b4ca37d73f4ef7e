//! What an operator asks of its own node.

use codec::Encode;
use jsonrpsee::{Extensions, core::RpcResult, proc_macros::rpc, types::ErrorObject};
use ogpu_runtime::{AccountId, Hash, PROOF_DOMAIN, WORKER_KEY};
use sp_core::Bytes;
use sp_keystore::KeystorePtr;

/// What an operator asks of its own node.
#[rpc(server)]
pub(super) trait ProviderApi {
	/// The worker key of this node, with its proof that it knows the account that it will sign for: what
	/// `providers.register` wants. Unsafe: it answers on the loopback address only.
	#[method(name = "provider_workerProof", with_extensions)]
	fn worker_proof(&self, account: AccountId) -> RpcResult<WorkerProof>;
}

/// A worker key and its proof.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct WorkerProof {
	/// The sr25519 public key.
	key: Bytes,
	/// Its signature over the domain of such proofs, the genesis hash and the account, in SCALE.
	proof: Bytes,
}

/// Answers from the keystore.
pub(super) struct Provider {
	keystore: KeystorePtr,
	genesis: Hash,
}

impl Provider {
	pub(super) const fn new(keystore: KeystorePtr, genesis: Hash) -> Self {
		Self { keystore, genesis }
	}
}

impl ProviderApiServer for Provider {
	fn worker_proof(&self, extensions: &Extensions, account: AccountId) -> RpcResult<WorkerProof> {
		sc_rpc_api::check_if_safe(extensions)?;
		let refuse = |why: &str| ErrorObject::owned(1, why.to_owned(), None::<()>);
		let keys = self.keystore.sr25519_public_keys(WORKER_KEY);
		let [key] = keys[..] else {
			return Err(match keys.len() {
				0 => refuse(
					"this node has no worker key; start it with --provider or --executor-url, or insert one of type ogpu",
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
