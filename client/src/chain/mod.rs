//! Speaking with a node.
//!
//! - [`call`]: what can be asked for in a transaction;
//! - [`transaction`]: signing, sending, and what comes of it;
//! - [`costs`]: what it takes;
//! - [`market`], [`provider`], [`governance`]: what can be read.

mod call;
mod costs;
mod governance;
mod hex;
mod market;
mod provider;
mod transaction;

pub use call::{Call, Conviction, Device, Profile, Vote};
pub use costs::Funds;
pub use governance::{Proposed, Referendum, Standing, Track};
pub use market::{Changes, Decided, StreamState};
pub use provider::{Collateral, ProviderState, Status as ProviderStatus, Trial, WorkerProof};
pub use transaction::Receipt;

use std::{sync::Arc, time::Duration};

use codec::{Decode, Encode};
use ogpu_primitives::merkle::Hash;
use subxt::{
	ArcMetadata, OnlineClient, OnlineClientAtBlock, SubstrateConfig,
	backend::LegacyBackend,
	config::{
		Config, DefaultTransactionExtensions, RpcConfigFor,
		substrate::{BlakeTwo256, SubstrateHeader},
	},
	ext::{
		frame_decode::storage::{IntoDecodableValues, IntoEncodableValues},
		scale_decode::DecodeAsType,
	},
	rpcs::{LegacyRpcMethods, RpcClient},
	utils::{AccountId32, H256, MultiAddress, MultiSignature},
};

use crate::Error;

/// An account.
pub type AccountId = AccountId32;

/// How long a node may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that name a view function.
const VIEW_FUNCTION_ID: usize = 32;

/// What the chain is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChainConfig(SubstrateConfig);

impl Config for ChainConfig {
	type AccountId = AccountId32;
	type Address = MultiAddress<AccountId32, ()>;
	type Signature = MultiSignature;
	type Hasher = BlakeTwo256;
	type Header = SubstrateHeader<H256>;
	type TransactionExtensions = DefaultTransactionExtensions<Self>;
	type AssetId = u32;

	fn metadata_for_spec_version(&self, version: u32) -> Option<ArcMetadata> {
		self.0.metadata_for_spec_version(version)
	}

	fn set_metadata_for_spec_version(&self, version: u32, metadata: ArcMetadata) {
		self.0.set_metadata_for_spec_version(version, metadata);
	}
}

/// A chain, through one of its nodes.
#[derive(Clone)]
pub struct Chain {
	client: OnlineClient<ChainConfig>,
	rpc: LegacyRpcMethods<RpcConfigFor<ChainConfig>>,
	raw: RpcClient,
	url: String,
}

/// What is behind the frames that libraries put around it.
fn cause(error: &subxt::rpcs::Error) -> String {
	match error {
		subxt::rpcs::Error::Client(inner) => match inner.downcast_ref::<subxt::rpcs::Error>() {
			Some(error) => cause(error),
			None => inner.to_string(),
		},
		subxt::rpcs::Error::User(error) => match &error.data {
			Some(data) => format!("{}: {}", error.message, data.get().trim_matches('"')),
			None => error.message.clone(),
		},
		error => error.to_string(),
	}
}

fn node(error: impl std::fmt::Display) -> Error {
	Error::Node(error.to_string())
}

impl Chain {
	/// Connects to a node, by the URL of its WebSocket.
	///
	/// # Errors
	///
	/// When there is none, or it is none of Substrate.
	pub async fn connect(url: &str) -> Result<Self, Error> {
		let gone = |why: String| Error::NoNode { url: url.to_owned(), why };
		let connecting = tokio::time::timeout(PATIENCE, RpcClient::from_insecure_url(url)).await;
		let rpc = connecting
			.map_err(|_| gone("it took too long".into()))?
			.map_err(|error| gone(cause(&error)))?;
		let backend = LegacyBackend::<ChainConfig>::builder().build(rpc.clone());
		let client =
			OnlineClient::from_backend_with_config(ChainConfig::default(), Arc::new(backend))
				.await
				.map_err(|error| gone(error.to_string()))?;
		let raw = rpc.clone();
		Ok(Self { client, rpc: LegacyRpcMethods::new(rpc), raw, url: url.to_owned() })
	}

	/// The hash of the genesis block.
	pub fn genesis(&self) -> Hash {
		self.client.genesis_hash().0
	}

	/// The chain at its best block.
	async fn best(&self) -> Result<OnlineClientAtBlock<ChainConfig>, Error> {
		let hash = self
			.rpc
			.chain_get_block_hash(None)
			.await
			.map_err(|error| Error::NoNode { url: self.url.clone(), why: cause(&error) })?;
		let hash = hash.ok_or_else(|| node("it has no block"))?;
		self.client.at_block(hash).await.map_err(node)
	}

	/// The chain at its last finalised block.
	async fn finalised(&self) -> Result<OnlineClientAtBlock<ChainConfig>, Error> {
		self.client.at_current_block().await.map_err(node)
	}

	/// Asks an interface of the runtime, at the best block.
	async fn ask<R: Decode>(&self, method: &str, arguments: &impl Encode) -> Result<R, Error> {
		self.ask_at(&self.best().await?, method, arguments).await
	}

	async fn ask_at<R: Decode>(
		&self,
		block: &OnlineClientAtBlock<ChainConfig>,
		method: &str,
		arguments: &impl Encode,
	) -> Result<R, Error> {
		let arguments = arguments.encode();
		let asking = async {
			let answer = block.runtime_apis().call_raw(method, Some(&arguments)).await;
			let answer = answer.map_err(node)?;
			R::decode(&mut &answer[..]).map_err(|error| {
				node(format!(
					"{method} is not what this program expects ({error}); use its release"
				))
			})
		};
		let answer = tokio::time::timeout(PATIENCE, asking).await;
		answer.map_err(|_| node(format!("{method} took too long")))?
	}

	/// Asks a view function of a pallet, at the best block. What it answers is read by the names of its fields.
	async fn view<R: DecodeAsType>(
		&self,
		pallet: &str,
		function: &str,
		arguments: impl IntoEncodableValues,
	) -> Result<R, Error> {
		let strange = |what: &dyn std::fmt::Display| {
			node(format!(
				"{pallet}.{function} is not what this program expects ({what}); use its release"
			))
		};
		let best = self.best().await?;
		let functions = best.view_functions();
		let payload = subxt::view_functions::dynamic::<_, R>(pallet, function, arguments);
		let question = functions.encode_args(payload).map_err(|error| strange(&error))?;
		// subxt 0.51 leaves out that the arguments are a list of bytes to the runtime, and so is what it returns.
		let (id, arguments) = question.split_at(VIEW_FUNCTION_ID);
		let question = [id, &arguments.encode()].concat();
		let asking = functions.call_raw(Some(&question));
		let answer = tokio::time::timeout(PATIENCE, asking).await;
		let answer = answer
			.map_err(|_| node(format!("{pallet}.{function} took too long")))?
			.map_err(node)?;
		// What it is refused with says nothing that could be done about it.
		let Some((0, answer)) = answer.split_first() else { return Err(strange(&"refused")) };
		let answer = Vec::<u8>::decode(&mut &*answer).map_err(|error| strange(&error))?;
		let metadata = best.metadata();
		let of_pallet = metadata.pallet_by_name(pallet);
		let asked = of_pallet.and_then(|pallet| pallet.view_function_by_name(function));
		let output = asked.ok_or_else(|| strange(&"there is none"))?.output_ty();
		R::decode_as_type(&mut &answer[..], output, metadata.types())
			.map_err(|error| strange(&error))
	}

	/// What a pallet stores under a key, at the best block.
	async fn stored<K, V>(&self, pallet: &str, entry: &str, key: K) -> Result<Option<V>, Error>
	where
		K: IntoEncodableValues + IntoDecodableValues,
		V: DecodeAsType,
	{
		let best = self.best().await?;
		let storage = best.storage();
		let entry = storage.entry(subxt::dynamic::storage::<K, V>(pallet, entry)).map_err(node)?;
		let found = entry.try_fetch(key).await.map_err(node)?;
		found.map(|found| found.decode().map_err(node)).transpose()
	}

	/// Waits for the next block.
	///
	/// # Errors
	///
	/// When the node goes away.
	pub async fn next_block(&self) -> Result<(), Error> {
		let mut blocks = self.client.stream_best_blocks().await.map_err(node)?;
		// The first is the one that is there.
		for _ in 0..2 {
			let next = tokio::time::timeout(2 * PATIENCE, blocks.next()).await;
			next.map_err(|_| node("no block came in a minute"))?
				.ok_or_else(|| node("it ended the connection"))?
				.map_err(node)?;
		}
		Ok(())
	}
}
