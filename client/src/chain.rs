//! Speaking with a node.

use std::{sync::Arc, time::Duration};

use codec::{Decode, Encode};
use ogpu_primitives::{
	Balance,
	market::{
		TaskId,
		quote::{NoQuote, Quote},
		spec::{Requirements, SpecFault, TaskSpec},
		view::TaskView,
	},
	merkle::Hash,
};
use serde_json::Value;
use subxt::{
	ArcMetadata, OnlineClient, OnlineClientAtBlock, SubstrateConfig,
	backend::LegacyBackend,
	client::OnlineClientAtBlockImpl,
	config::{
		Config, DefaultExtrinsicParamsBuilder, DefaultTransactionExtensions, RpcConfigFor,
		substrate::{BlakeTwo256, SubstrateHeader},
	},
	error::{BackendError, DispatchError, ExtrinsicError, RpcError},
	events::Phase,
	ext::scale_encode::{self, EncodeAsFields, FieldIter, TypeResolver},
	rpcs::{LegacyRpcMethods, RpcClient, rpc_params},
	tx::{StaticPayload, SubmittableTransaction, TransactionStatus},
	utils::{AccountId32, H256, MultiAddress, MultiSignature},
};

use crate::{Error, Signer};

/// An account.
pub type AccountId = AccountId32;

/// How long a node may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

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

/// The arguments of a call in SCALE: they are types of ours, which the chain decodes as they are.
struct Arguments(Vec<u8>);

impl EncodeAsFields for Arguments {
	fn encode_as_fields_to<R: TypeResolver>(
		&self,
		_: &mut dyn FieldIter<'_, R::TypeId>,
		_: &R,
		out: &mut Vec<u8>,
	) -> Result<(), scale_encode::Error> {
		out.extend_from_slice(&self.0);
		Ok(())
	}
}

/// A transaction that did what it should.
#[derive(Clone, Debug)]
pub struct Receipt {
	/// The hash of the block that it is in.
	pub block: Hash,
	/// Its own hash.
	pub transaction: Hash,
	/// Its events: pallet, name, and fields in SCALE.
	events: Vec<(String, String, Vec<u8>)>,
}

impl Receipt {
	/// The fields of the first event of this name, as far as `T` goes.
	fn event<T: Decode>(&self, pallet: &str, name: &str) -> Option<T> {
		let found = self.events.iter().find(|(of, event, _)| of == pallet && event == name)?;
		T::decode(&mut &found.2[..]).ok()
	}
}

/// A task that was submitted.
#[derive(Clone, Debug)]
pub struct Submitted {
	/// Its number.
	pub task: TaskId,
	/// The transaction.
	pub receipt: Receipt,
}

/// A transaction that can be sent.
type Signed = SubmittableTransaction<ChainConfig, OnlineClientAtBlockImpl<ChainConfig>>;

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

/// Why a call failed: the pallet's own word for it, and what that means.
fn failure(error: &DispatchError) -> Error {
	Error::Refused(match error {
		DispatchError::Module(error) => match error.details() {
			Ok(details) => format!(
				"{} ({}.{})",
				details.variant.docs.join(" ").trim(),
				details.pallet.name(),
				details.variant.name
			),
			Err(_) => error.details_string(),
		},
		error => error.to_string(),
	})
}

/// Why the pool did not take a transaction.
fn refusal(error: &ExtrinsicError) -> Error {
	match error {
		ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(
			error @ subxt::rpcs::Error::User(_),
		))) => Error::Refused(cause(error)),
		error => node(error),
	}
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

	/// Asks the runtime at the best block.
	async fn ask<R: Decode>(&self, method: &str, arguments: &impl Encode) -> Result<R, Error> {
		let best = self.best().await?;
		let arguments = arguments.encode();
		let asking = async {
			let answer = best.runtime_apis().call_raw(method, Some(&arguments)).await;
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

	/// What a task would cost now.
	///
	/// # Errors
	///
	/// Everything that is wrong with it, or why there is no quote.
	pub async fn quote(&self, spec: &TaskSpec) -> Result<Quote, Error> {
		type Answer = Result<Quote, (Vec<SpecFault>, Option<NoQuote>)>;
		let answer: Answer = self.ask("MarketApi_quote", spec).await?;
		answer.map_err(|(faults, no)| {
			let mut why: Vec<String> = faults.iter().map(ToString::to_string).collect();
			why.extend(no.map(|no| match no {
				NoQuote::TooFewOperators => {
					"too few operators could verify it. Wait, ask for less of a device, or accept it unverified \
					 (--unverified)"
						.to_owned()
				}
				NoQuote::CannotBeSecured => {
					"at this tier fraud could not be found well enough for any lock to deter it; choose a higher tier \
					 (--tier), or more parts"
						.to_owned()
				}
			}));
			Error::Refused(why.join("; "))
		})
	}

	/// A task, and what the market clock says.
	///
	/// # Errors
	///
	/// When there is no such task, or the node fails.
	pub async fn task(&self, task: TaskId) -> Result<(TaskView<AccountId>, u32), Error> {
		match self.ask("MarketApi_task", &task).await? {
			(Some(view), now) => Ok((view, now)),
			(None, _) => Err(Error::NoTask(task)),
		}
	}

	/// A page of the providers that meet the requirements, and whom to ask on from if there are more.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn providers(
		&self,
		requirements: &Requirements,
		after: Option<AccountId>,
	) -> Result<(Vec<AccountId>, Option<AccountId>), Error> {
		self.ask("MarketApi_providers", &(requirements, after)).await
	}

	/// What an account has: free, and of that on hold or reserved.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn balance(&self, who: &AccountId) -> Result<(Balance, Balance), Error> {
		/// Nonce and references, then what is free, reserved, frozen, and flags.
		type Account = ([u32; 4], [Balance; 4]);
		let best = self.best().await?;
		let storage = best.storage();
		let entry = storage
			.entry(subxt::dynamic::storage::<(AccountId,), subxt::utils::Static<Account>>(
				"System", "Account",
			))
			.map_err(node)?;
		let found = entry.try_fetch((*who,)).await.map_err(node)?;
		let Some(found) = found else { return Ok((0, 0)) };
		let ([..], [free, reserved, ..]) = found.decode().map_err(node)?.0;
		Ok((free, reserved))
	}

	/// How many tasks there have been.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn tasks(&self) -> Result<TaskId, Error> {
		let best = self.best().await?;
		let storage = best.storage();
		let entry = storage
			.entry(subxt::dynamic::storage::<(), TaskId>("Tasks", "NextTask"))
			.map_err(node)?;
		let found = entry.try_fetch(()).await.map_err(node)?;
		found.map_or(Ok(0), |found| found.decode().map_err(node))
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

	/// Submits a task, which may cost `most` at most.
	///
	/// # Errors
	///
	/// Why the chain refuses it. Nothing is paid then but the fee.
	pub async fn submit(
		&self,
		signer: &Signer,
		spec: TaskSpec,
		most: Balance,
	) -> Result<Submitted, Error> {
		let receipt = self.send(signer, "Tasks", "submit", &(spec, most)).await?;
		let task = receipt.event::<TaskId>("Tasks", "Submitted");
		let task = task.ok_or_else(|| node("the transaction has no event of a submission"))?;
		Ok(Submitted { task, receipt })
	}

	/// What submitting a task costs as a fee, besides the quote.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn fee_of_submitting(
		&self,
		signer: &Signer,
		spec: TaskSpec,
		most: Balance,
	) -> Result<Balance, Error> {
		let signed = self.signed(signer, "Tasks", "submit", &(spec, most)).await?;
		signed.partial_fee_estimate().await.map_err(node)
	}

	/// Cancels a task.
	///
	/// # Errors
	///
	/// Why the chain refuses it.
	pub async fn cancel(&self, signer: &Signer, task: TaskId) -> Result<Receipt, Error> {
		self.send(signer, "Tasks", "cancel", &task).await
	}

	/// Says that the client has the result.
	///
	/// # Errors
	///
	/// Why the chain refuses it.
	pub async fn acknowledge(&self, signer: &Signer, task: TaskId) -> Result<Receipt, Error> {
		self.send(signer, "Tasks", "acknowledge_delivery", &task).await
	}

	/// Demands a piece of a delivered result on chain.
	///
	/// # Errors
	///
	/// Why the chain refuses it.
	pub async fn demand_output(
		&self,
		signer: &Signer,
		task: TaskId,
		(part, unit, slice): (u8, u32, u8),
		piece: u32,
	) -> Result<Receipt, Error> {
		// The variant `Output` of what can be demanded.
		const OUTPUT: u8 = 1;
		self.send(signer, "Tasks", "demand", &(task, OUTPUT, part, unit, slice, piece)).await
	}

	async fn signed(
		&self,
		signer: &Signer,
		pallet: &str,
		call: &str,
		arguments: &impl Encode,
	) -> Result<Signed, Error> {
		let account = signer.account();
		let at = self.client.at_current_block().await.map_err(node)?;
		let transactions = at.transactions();
		let payload = StaticPayload::new(pallet, call, Arguments(arguments.encode()));
		let bytes = transactions.call_data(&payload).map_err(node)?;
		// These must be the arguments of such a call on this very runtime.
		transactions.from_call_data_bytes(&bytes).map_err(|error| {
			node(format!(
				"{pallet}.{call} is not what this program expects ({error}); use its release"
			))
		})?;
		let nonce = self.rpc.system_account_next_index(&account).await;
		let nonce = nonce.map_err(|error| node(cause(&error)))?;
		let params =
			DefaultExtrinsicParamsBuilder::<ChainConfig>::new().nonce(nonce).mortal(64).build();
		let signable = transactions.create_signable(&payload, &account, params).await;
		let mut signable = signable.map_err(|error| refusal(&error))?;
		signable.sign(&signer.0).map_err(node)
	}

	/// Signs and sends a call, and waits until it is in a finalised block.
	async fn send(
		&self,
		signer: &Signer,
		pallet: &str,
		call: &str,
		arguments: &impl Encode,
	) -> Result<Receipt, Error> {
		let signed = self.signed(signer, pallet, call, arguments).await?;
		let mut progress = signed.submit_and_watch().await.map_err(|error| refusal(&error))?;
		while let Some(status) = progress.next().await {
			match status.map_err(node)? {
				TransactionStatus::InFinalizedBlock(block) => {
					return self.receipt(block.block_hash(), &signed).await;
				}
				// What fails in the best block need not be waited for.
				TransactionStatus::InBestBlock(block) => {
					self.receipt(block.block_hash(), &signed).await?;
				}
				TransactionStatus::Error { message }
				| TransactionStatus::Invalid { message }
				| TransactionStatus::Dropped { message } => return Err(Error::Refused(message)),
				TransactionStatus::Validated
				| TransactionStatus::Broadcasted
				| TransactionStatus::NoLongerInBestBlock => {}
			}
		}
		Err(node("it stopped saying what becomes of the transaction"))
	}

	/// What a transaction did in a block.
	async fn receipt(&self, block: H256, signed: &Signed) -> Result<Receipt, Error> {
		let index = self.place_of(block, signed.encoded()).await?;
		let at = self.client.at_block(block).await.map_err(node)?;
		let mut events = Vec::new();
		for event in at.events().fetch().await.map_err(node)?.iter() {
			let event = event.map_err(node)?;
			if !matches!(event.phase(), Phase::ApplyExtrinsic(of) if of == index) {
				continue;
			}
			let (pallet, name) = (event.pallet_name(), event.event_name());
			if (pallet, name) == ("System", "ExtrinsicFailed") {
				let error = DispatchError::decode_from(event.field_bytes(), at.metadata());
				return Err(failure(&error.map_err(node)?));
			}
			events.push((pallet.to_owned(), name.to_owned(), event.field_bytes().to_vec()));
		}
		Ok(Receipt { block: block.0, transaction: signed.hash().0, events })
	}

	/// The place of a transaction in a block. Nodes write its bytes as a list of numbers, or in hexadecimal digits.
	async fn place_of(&self, block: H256, transaction: &[u8]) -> Result<u32, Error> {
		let found = self.raw.request("chain_getBlock", rpc_params![block]).await;
		let found: Value = found.map_err(|error| node(cause(&error)))?;
		let digits: String = transaction.iter().map(|byte| format!("{byte:02x}")).collect();
		let is_it = |extrinsic: &Value| match extrinsic {
			Value::String(hex) => hex.trim_start_matches("0x") == digits,
			Value::Array(bytes) => bytes
				.iter()
				.map(Value::as_u64)
				.eq(transaction.iter().map(|byte| Some((*byte).into()))),
			_ => false,
		};
		let place =
			found["block"]["extrinsics"].as_array().and_then(|all| all.iter().position(is_it));
		place
			.map(|place| place as u32)
			.ok_or_else(|| node("a block lacks what is said to be in it"))
	}
}
