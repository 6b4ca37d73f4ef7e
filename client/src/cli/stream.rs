//! Streams of requests that providers race for.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use futures::{StreamExt, stream};
use ogpu_client::{Call, Chain, Error, Order, Store, StreamState};
use ogpu_primitives::{
	Balance,
	amount::show,
	market::{
		TaskId,
		stream::{MAX_BATCHES, StreamId},
		verification::Tier,
	},
};
use serde_json::json;

use super::{
	Common,
	buy::{Wishes, amount, work},
	say::{hex, with_out},
	send::{do_call, send},
	task,
};

/// Batches that are followed at once.
const AT_ONCE: usize = 16;

#[derive(Subcommand)]
pub(crate) enum Stream {
	/// Opens a stream: a deposit from which batch after batch is paid.
	Open(Open),
	/// Sends batches: jobs of which each unit is a request.
	Send(Batches),
	/// Follows batches that were sent before, and fetches their results.
	Results(Results),
	/// Adds to the deposit.
	Topup {
		/// The number of the stream.
		stream: StreamId,
		/// How much, in oGPU.
		#[arg(value_parser = amount)]
		amount: Balance,
	},
	/// Takes no batches for the time being.
	Pause {
		/// The number of the stream.
		stream: StreamId,
	},
	/// Takes batches again.
	Resume {
		/// The number of the stream.
		stream: StreamId,
	},
	/// Closes a stream whose batches have all ended; what is left comes back.
	Close {
		/// The number of the stream.
		stream: StreamId,
	},
	/// What is left of the deposit, and how many batches go on.
	Show {
		/// The number of the stream.
		stream: StreamId,
	},
}

#[derive(Args)]
pub(crate) struct Open {
	/// The manifest of a batch, a YAML file: the others are to need no more than it does.
	manifest: PathBuf,
	/// What a request pays, in oGPU.
	#[arg(long, value_parser = amount, value_name = "OGPU")]
	reward: Balance,
	/// The deposit, in oGPU.
	#[arg(long, value_parser = amount, value_name = "OGPU")]
	deposit: Balance,
	/// How many racers with the right result are paid: the winner, and others who get a share.
	#[arg(long, default_value_t = 2)]
	racers: u8,
	/// How much work a request is: seconds that the reference device would take.
	#[arg(long, default_value_t = 0.1, value_name = "SECONDS")]
	work: f64,
	/// Blocks in which somebody must have computed a batch, of three seconds each.
	#[arg(long, default_value_t = 40, value_name = "BLOCKS")]
	time: u32,
	#[command(flatten)]
	wishes: Wishes,
}

#[derive(Args)]
pub(crate) struct Batches {
	/// The number of the stream.
	stream: StreamId,
	/// The manifests of the batches, YAML files.
	#[arg(required = true)]
	manifests: Vec<PathBuf>,
	/// End once they are sent. Providers get the inputs only while `ogpu stream results` or `ogpu watch` runs.
	#[arg(long)]
	detach: bool,
	/// The folder for the results, with a folder for each batch [default: stream-NUMBER].
	#[arg(long, short)]
	out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Results {
	/// The numbers of the tasks that the batches are.
	#[arg(required = true)]
	tasks: Vec<TaskId>,
	/// The folder for the results, with a folder for each batch.
	#[arg(long, short, default_value = ".")]
	out: PathBuf,
}

impl Stream {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		match self {
			Self::Open(command) => command.run(common).await,
			Self::Send(command) => command.run(common).await,
			Self::Results(command) => command.run(common).await,
			Self::Topup { stream, amount } => do_call(common, Call::top_up(*stream, *amount)).await,
			Self::Pause { stream } => do_call(common, Call::pause_stream(*stream, true)).await,
			Self::Resume { stream } => do_call(common, Call::pause_stream(*stream, false)).await,
			Self::Close { stream } => do_call(common, Call::close_stream(*stream)).await,
			Self::Show { stream } => {
				let found = common.chain().await?.stream(*stream).await?;
				let paused = if found.paused { ", paused" } else { "" };
				common.say().line(
					format!(
						"stream {stream}   of {}: {} oGPU left, {} batches under way{paused}",
						found.client,
						show(found.balance),
						found.live
					),
					json!({
						"stream": stream,
						"client": found.client.to_string(),
						"balance": show(found.balance),
						"live": found.live,
						"paused": found.paused,
					}),
				);
				Ok(())
			}
		}
	}
}

impl Open {
	async fn run(&self, common: &Common) -> Result<(), Error> {
		let order = self.wishes.apply(Order::read(&self.manifest)?);
		let order = Order {
			// Short batches are recomputed whole in any case; longer ones need not be because this one is short.
			tier: if self.wishes.names_tier() { order.tier } else { Tier::Standard },
			work: work(self.work)?,
			time: self.time,
			..order
		};
		let signer = common.signer()?;
		let chain = common.chain().await?;
		let store = common.store().await?;
		let spec = order.stream(store.source()?, self.reward, self.racers);
		store.close().await;
		let call = Call::open_stream(spec, self.deposit);
		if let Some(receipt) = send(common, &chain, &signer, &call).await? {
			let stream = receipt.stream()?;
			common.say().line(
				format!("stream   {stream}"),
				json!({ "stream": stream, "block": hex(&receipt.block) }),
			);
		}
		Ok(())
	}
}

impl Batches {
	async fn run(&self, common: &Common) -> Result<(), Error> {
		let orders = self.manifests.iter().map(|manifest| Order::read(manifest));
		let orders = orders.collect::<Result<Vec<_>, _>>()?;
		if orders.len() > MAX_BATCHES as usize {
			return Err(Error::Usage(format!(
				"one transaction sends at most {MAX_BATCHES} batches: send the others with another"
			)));
		}
		let batches: Vec<_> = orders.iter().map(Order::batch).collect();
		let signer = common.signer()?;
		let chain = common.chain().await?;
		let store = common.store().await?;
		let StreamState { client, spec, balance, .. } = chain.stream(self.stream).await?;
		if client != signer.account() {
			return Err(Error::Refused(format!("stream {} is {client}'s", self.stream)));
		}
		if spec.reader != store.key()? {
			return Err(Error::Usage(format!(
				"stream {} was opened with another folder (--data): results of its batches are given to that one only",
				self.stream
			)));
		}
		let costs = chain.cost_of_batches(&spec, &batches).await?;
		let most = costs.iter().fold(0, |sum: Balance, cost| sum.saturating_add(*cost));
		common.say().line(
			format!(
				"price    at most {} oGPU of the {} that are left in the stream; what is not needed comes back to it",
				show(most),
				show(balance)
			),
			json!({
				"stream": self.stream,
				"most": show(most),
				"each": costs.into_iter().map(show).collect::<Vec<_>>(),
				"balance": show(balance),
			}),
		);
		if balance < most {
			return Err(Error::Refused(format!(
				"the stream has too little: `ogpu stream topup {} AMOUNT`",
				self.stream
			)));
		}
		if !common.dry_run {
			for order in &orders {
				store.offer(order).await?;
			}
		}
		let call = Call::send(self.stream, batches);
		let Some(receipt) = send(common, &chain, &signer, &call).await? else { return Ok(()) };
		let tasks = receipt.batches();
		let list: Vec<String> = tasks.iter().map(ToString::to_string).collect();
		let list = list.join(" ");
		common.say().line(
			format!("batches  are the tasks {list}"),
			json!({ "stream": self.stream, "tasks": tasks, "block": hex(&receipt.block) }),
		);
		let out = self.out.clone().unwrap_or_else(|| format!("stream-{}", self.stream).into());
		let later = format!("ogpu stream results {list}{}", with_out(Some(&out)));
		if self.detach {
			common.say().line(
				format!("Now run `{later}`: providers get the inputs only while it does."),
				json!({ "next": later }),
			);
			store.close().await;
			return Ok(());
		}
		results(common, &chain, &store, &tasks, &out).await
	}
}

impl Results {
	async fn run(&self, common: &Common) -> Result<(), Error> {
		let chain = common.chain().await?;
		let store = common.store().await?;
		for task in &self.tasks {
			task::serve(common, &chain, &store, *task).await?;
		}
		results(common, &chain, &store, &self.tasks, &self.out).await
	}
}

/// Waits for batches, fetches what they came to, and takes delivery. One that comes to nothing keeps none of the others.
async fn results(
	common: &Common,
	chain: &Chain,
	store: &Store,
	tasks: &[TaskId],
	out: &std::path::Path,
) -> Result<(), Error> {
	let signer = common.signer()?;
	let list: Vec<String> = tasks.iter().map(ToString::to_string).collect();
	common.say().resume_with(format!(
		"What has come is kept. Pick it up again with `ogpu stream results {}{}`.",
		list.join(" "),
		with_out(Some(out))
	));
	let mut ended: Vec<(TaskId, Result<(), Error>)> = stream::iter(tasks)
		.map(|id| async move {
			let get = async {
				task::follow(common, chain, *id).await?;
				task::get(common, chain, store, *id, Some(&out.join(format!("task-{id}")))).await
			};
			(*id, get.await)
		})
		// One that takes long keeps no other from being fetched in time.
		.buffer_unordered(AT_ONCE)
		.collect()
		.await;
	ended.sort_by_key(|(id, _)| *id);
	let mut failure = None;
	for (id, got) in ended {
		// What has not come is not acknowledged. One account's transactions go one after another.
		let taken = match got {
			Ok(()) => task::take_delivery(common, chain, &signer, id).await,
			Err(error) => Err(error),
		};
		if let Err(error) = taken {
			if tasks.len() > 1 {
				common.say().failed(id, &error);
			}
			failure.get_or_insert(error);
		}
	}
	store.close().await;
	failure.map_or(Ok(()), Err)
}
