//! Tasks, streams and prices, as the chain tells them.

use codec::Decode;
use ogpu_primitives::{
	Balance,
	market::{
		DeviceTier, TaskId,
		quote::{NoQuote, Quote},
		spec::{Requirements, SpecFault, TaskSpec},
		stream::{StreamId, StreamSpec},
		view::TaskView,
	},
};
use subxt::{
	dynamic::Value,
	ext::scale_decode::DecodeAsType,
	rpcs::{client::RpcSubscription, rpc_params},
	utils::Static,
};

use super::{AccountId, Chain, PATIENCE, cause, hex::from_hex, node};
use crate::Error;

/// A task at a moment of the market clock.
type Seen = (TaskView<AccountId>, u32);

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct StreamFields {
	client: AccountId,
	spec: Static<StreamSpec>,
	balance: Balance,
	paused: bool,
	live: u32,
}

/// A stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
	/// Who pays.
	pub client: AccountId,
	/// What all its batches have in common.
	pub spec: StreamSpec,
	/// What is in escrow and not set aside for a batch.
	pub balance: Balance,
	/// Whether it takes no batches for the time being.
	pub paused: bool,
	/// Batches that go on.
	pub live: u32,
}

/// What was decided of a task against somebody: of a result, or of a claim that the task is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Decided {
	/// The task.
	pub task: TaskId,
	/// The attempt.
	pub attempt: u8,
	/// The part; 255 for a claim.
	pub part: u8,
}

/// What happens to a task, one change after another.
pub struct Changes {
	chain: Chain,
	task: TaskId,
	/// `None` with nodes that do not tell by themselves: they are asked after each block.
	told: Option<RpcSubscription<String>>,
	first: bool,
}

impl Changes {
	/// The task as it is now the first time, then after each change, and every few blocks.
	///
	/// # Errors
	///
	/// When there is no such task, or the node goes away.
	pub async fn next(&mut self) -> Result<Seen, Error> {
		let Some(told) = &mut self.told else {
			if !std::mem::replace(&mut self.first, false) {
				self.chain.next_block().await?;
			}
			return self.chain.task(self.task).await;
		};
		// Where few blocks come, little is told: then it is asked.
		let Ok(next) = tokio::time::timeout(2 * PATIENCE, told.next()).await else {
			return self.chain.task(self.task).await;
		};
		let next = next.ok_or_else(|| node("it ended the connection"))?;
		let next = next.map_err(|error| node(cause(&error)))?;
		let seen = from_hex(&next).and_then(|bytes| Decode::decode(&mut &bytes[..]).ok());
		let seen: (Option<TaskView<AccountId>>, u32) = seen.ok_or_else(|| {
			node("what it tells of a task is not what this program expects; use its release")
		})?;
		found(self.task, seen)
	}
}

fn found(task: TaskId, (view, now): (Option<TaskView<AccountId>>, u32)) -> Result<Seen, Error> {
	view.map(|view| (view, now)).ok_or(Error::NoTask(task))
}

impl Chain {
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

	/// A task, and what the market clock says, in the best block.
	///
	/// # Errors
	///
	/// When there is no such task, or the node fails.
	pub async fn task(&self, task: TaskId) -> Result<Seen, Error> {
		found(task, self.ask("MarketApi_task", &task).await?)
	}

	/// A task as it is in the last final block, if it is there.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn final_task(&self, task: TaskId) -> Result<Option<TaskView<AccountId>>, Error> {
		let block = self.finalised().await?;
		let seen: (Option<TaskView<AccountId>>, u32) =
			self.ask_at(&block, "MarketApi_task", &task).await?;
		Ok(seen.0)
	}

	/// What was decided of a task against an account, and can still be appealed.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn appealable(&self, task: TaskId, who: &AccountId) -> Result<Vec<Decided>, Error> {
		self.view("Attestations", "appealable", (task, *who)).await
	}

	/// Follows a task.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn changes(&self, task: TaskId) -> Result<Changes, Error> {
		let (of, end) = ("market_subscribeTask", "market_unsubscribeTask");
		let told = match self.raw.subscribe(of, rpc_params![task], end).await {
			Ok(told) => Some(told),
			Err(subxt::rpcs::Error::User(_)) => None,
			Err(error) => return Err(node(cause(&error))),
		};
		Ok(Changes { chain: self.clone(), task, told, first: true })
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

	/// How many tasks there have been.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn tasks(&self) -> Result<TaskId, Error> {
		Ok(self.stored("Tasks", "NextTask", ()).await?.unwrap_or(0))
	}

	/// What a second of the reference device costs on devices of a tier, in the token's smallest unit.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn base_price(&self, tier: DeviceTier) -> Result<Balance, Error> {
		let tier = Value::unnamed_variant(format!("{tier:?}"), []);
		self.view("Tasks", "base_price", (tier,)).await
	}

	/// A stream.
	///
	/// # Errors
	///
	/// When there is no such stream, or the node fails.
	pub async fn stream(&self, stream: StreamId) -> Result<StreamState, Error> {
		let found: Option<StreamFields> = self.stored("Tasks", "Streams", (stream,)).await?;
		let StreamFields { client, spec: Static(spec), balance, paused, live } =
			found.ok_or(Error::NoStream(stream))?;
		Ok(StreamState { client, spec, balance, paused, live })
	}
}
