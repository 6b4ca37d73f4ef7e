//! Signing and sending, and what comes of it.

use codec::Decode;
use ogpu_primitives::{
	Balance,
	market::{TaskId, stream::StreamId},
	merkle::Hash,
};
use serde_json::Value;
use subxt::{
	OnlineClientAtBlock,
	client::OnlineClientAtBlockImpl,
	config::DefaultExtrinsicParamsBuilder,
	error::{ArithmeticError, BackendError, DispatchError, ExtrinsicError, RpcError},
	events::Phase,
	ext::scale_encode::{self, EncodeAsFields, FieldIter, TypeResolver},
	rpcs::rpc_params,
	tx::{SignableTransaction, StaticPayload, SubmittableTransaction, TransactionStatus},
	utils::{H256, MultiSignature},
};

use super::{Call, Chain, ChainConfig, cause, hex::to_hex, node};
use crate::{Error, Signer};

/// Blocks in which a transaction can be included: a node that is cut off for longer does not bring it back.
const MORTALITY: u64 = 64;

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
	/// The fields of every event of this name, as far as `T` goes.
	fn events<T: Decode>(&self, pallet: &str, name: &str) -> impl Iterator<Item = T> {
		let found = self.events.iter().filter(move |(of, event, _)| of == pallet && event == name);
		found.filter_map(|(_, _, fields)| T::decode(&mut &fields[..]).ok())
	}

	/// The number of the task that was submitted.
	///
	/// # Errors
	///
	/// When none was.
	pub fn task(&self) -> Result<TaskId, Error> {
		let found = self.events("Tasks", "Submitted").next();
		found.ok_or_else(|| node("the transaction has no event of a submission"))
	}

	/// The number of the stream that was opened.
	///
	/// # Errors
	///
	/// When none was.
	pub fn stream(&self) -> Result<StreamId, Error> {
		let found = self.events("Tasks", "StreamOpened").next();
		found.ok_or_else(|| node("the transaction has no event of a stream"))
	}

	/// The number of the referendum that was begun.
	///
	/// # Errors
	///
	/// When none was.
	pub fn referendum(&self) -> Result<u32, Error> {
		let found = self.events("Referenda", "Submitted").next();
		found.ok_or_else(|| node("the transaction has no event of a referendum"))
	}

	/// The numbers of the tasks that the batches are, in their order.
	pub fn batches(&self) -> Vec<TaskId> {
		let sent = self.events::<(StreamId, TaskId)>("Tasks", "BatchSent");
		sent.map(|(_, task)| task).collect()
	}
}

/// A transaction that can be sent.
type Signed = SubmittableTransaction<ChainConfig, OnlineClientAtBlockImpl<ChainConfig>>;
/// One that is not signed yet.
type Signable<'a> = SignableTransaction<
	'a,
	ChainConfig,
	OnlineClientAtBlockImpl<ChainConfig>,
	StaticPayload<Arguments>,
>;

/// What a transaction is bound by, however often it is signed.
struct Bound {
	/// Its number: of all that have it, no more than one is executed.
	nonce: u64,
	/// The finalised block that it is for: another may be left.
	to: OnlineClientAtBlock<ChainConfig>,
}

/// What became of a transaction.
enum Sent {
	/// It is in a finalised block.
	Final(Receipt),
	/// The pool does not take it, or not any more: it is in no block, and nothing was paid.
	NotTaken(String),
}

/// By which options and commands of this program to do what a pallet's error advises.
fn advice(error: &str) -> &'static str {
	match error {
		"QuoteTooHigh" => " (--most)",
		"NotEnoughTokens" => " See `ogpu balance`.",
		_ => "",
	}
}

/// Why a call failed: the pallet's own word for it, and what that means.
fn failure(error: &DispatchError) -> Error {
	Error::Refused(match error {
		DispatchError::Module(error) => match error.details() {
			Ok(details) => {
				let (pallet, name) = (details.pallet.name(), &details.variant.name);
				let what = details.variant.docs.join(" ");
				format!("{}{} ({pallet}.{name})", what.trim(), advice(name))
			}
			Err(_) => error.details_string(),
		},
		// What Substrate's own pallets, as that for referenda, say of a deposit that is too much.
		DispatchError::Arithmetic(ArithmeticError::Underflow) => {
			"an amount is more than what is free on the account; see `ogpu balance`".into()
		}
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
	/// What a call costs as a fee, besides what it does.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn fee(&self, signer: &Signer, call: &Call) -> Result<Balance, Error> {
		let bound = self.bound(signer).await?;
		// The node gets to see it, and must not be able to send it: of a signature only the length is paid for.
		let blank = |signable: &mut Signable<'_>| {
			let blank = MultiSignature::Sr25519([0; 64]);
			signable.sign_with_account_and_signature(&signer.account(), &blank)
		};
		let signed = self.signed(signer, call, &bound, &bound.to, blank).await?;
		signed.partial_fee_estimate().await.map_err(node)
	}

	/// Signs and sends a call, and waits until it is in a finalised block. `best` is told when it is in the best block,
	/// which may still be left.
	///
	/// # Errors
	///
	/// Why the chain refuses it. Nothing is paid then but the fee.
	pub async fn send(
		&self,
		signer: &Signer,
		call: &Call,
		mut best: impl FnMut(&Receipt),
	) -> Result<Receipt, Error> {
		let bound = self.bound(signer).await?;
		let mut at = bound.to.clone();
		loop {
			let sign = |signable: &mut Signable<'_>| signable.sign(&signer.0);
			let signed = self.signed(signer, call, &bound, &at, sign).await?;
			let refused = match self.sent(&signed, &mut best).await? {
				Sent::Final(receipt) => return Ok(receipt),
				Sent::NotTaken(why) => Error::Refused(why),
			};
			let now = self.best().await?;
			if now.spec_version() == at.spec_version() {
				return Err(refused);
			}
			// The chain was upgraded meanwhile, and takes nothing that was signed for the runtime before.
			at = now;
		}
	}

	/// Sends a transaction, and waits for what becomes of it.
	async fn sent(&self, signed: &Signed, best: &mut impl FnMut(&Receipt)) -> Result<Sent, Error> {
		let sending = signed.submit_and_watch().await;
		let mut progress = match sending.map_err(|error| refusal(&error)) {
			Ok(progress) => progress,
			Err(Error::Refused(why)) => return Ok(Sent::NotTaken(why)),
			Err(error) => return Err(error),
		};
		while let Some(status) = progress.next().await {
			match status.map_err(node)? {
				TransactionStatus::InFinalizedBlock(block) => {
					return self.receipt(block.block_hash(), signed).await.map(Sent::Final);
				}
				TransactionStatus::InBestBlock(block) => {
					match self.receipt(block.block_hash(), signed).await {
						// Another block may come instead of this one, in which it does what it should.
						Err(Error::Refused(_)) => {}
						found => best(&found?),
					}
				}
				TransactionStatus::Error { message } | TransactionStatus::Invalid { message } => {
					return Ok(Sent::NotTaken(message));
				}
				// The node has given up, and it may be in a block all the same.
				TransactionStatus::Dropped { message } => {
					return Err(node(format!(
						"it does not know what became of the transaction: {message}"
					)));
				}
				TransactionStatus::Validated
				| TransactionStatus::Broadcasted
				| TransactionStatus::NoLongerInBestBlock => {}
			}
		}
		Err(node("it stopped saying what becomes of the transaction"))
	}

	/// What the next transaction of an account is bound by.
	async fn bound(&self, signer: &Signer) -> Result<Bound, Error> {
		let to = self.finalised().await?;
		let nonce = self.rpc.system_account_next_index(&signer.account()).await;
		let nonce = nonce.map_err(|error| node(cause(&error)))?;
		Ok(Bound { nonce, to })
	}

	/// Has a call signed for the runtime that the chain has at a block.
	async fn signed(
		&self,
		signer: &Signer,
		call: &Call,
		bound: &Bound,
		at: &OnlineClientAtBlock<ChainConfig>,
		sign: impl FnOnce(&mut Signable<'_>) -> Result<Signed, ExtrinsicError>,
	) -> Result<Signed, Error> {
		let account = signer.account();
		let transactions = at.transactions();
		let arguments = Arguments(call.arguments.clone());
		let payload = StaticPayload::new(call.pallet, call.name, arguments);
		let bytes = transactions.call_data(&payload).map_err(node)?;
		// These must be the arguments of such a call on this very runtime.
		transactions.from_call_data_bytes(&bytes).map_err(|error| {
			node(format!("{call} is not what this program expects ({error}); use its release"))
		})?;
		let (number, hash) = (bound.to.block_number(), bound.to.block_hash());
		let params = DefaultExtrinsicParamsBuilder::<ChainConfig>::new().nonce(bound.nonce);
		let params = params.mortal_from_unchecked(MORTALITY, number, hash).build();
		let signable = transactions.create_signable(&payload, &account, params).await;
		sign(&mut signable.map_err(|error| refusal(&error))?).map_err(node)
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
		let digits = to_hex(transaction);
		let is_it = |extrinsic: &Value| match extrinsic {
			Value::String(hex) => hex.trim_start_matches("0x") == digits.trim_start_matches("0x"),
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
