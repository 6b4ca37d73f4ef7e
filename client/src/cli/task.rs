//! What becomes of a task: `watch`, `fetch`, `cancel`, `demand`, `appeal`.

use std::path::{Path, PathBuf};

use clap::Args;
use ogpu_client::{Call, Chain, Decided, Delivery, Error, Signer, Store};
use ogpu_primitives::{
	amount::show,
	market::{
		TaskId,
		view::{EndedTask, LiveTask, Stage, TaskView},
	},
};
use serde_json::json;

use super::{
	Common,
	say::{count, hex, with_out},
	send::send,
};

/// Seconds of a block.
const BLOCK: u32 = 3;
/// How often a provider is asked for a result that it was to hand over a moment ago.
const TRIES: u32 = 20;
/// Blocks in which what is in the best one should have become final.
const PATIENCE: u32 = 100;

/// What a stage is called.
pub(super) const fn word(stage: Stage) -> &'static str {
	match stage {
		Stage::Bidding => "bidding",
		Stage::Revealing => "opening bids",
		Stage::Assigned => "assigned",
		Stage::Executing => "computing",
		Stage::Verifying => "verifying",
		Stage::Adjudicating => "judged: the provider says that the job is at fault",
		Stage::Delivered => "delivered",
		Stage::Taken => "delivery taken",
		Stage::Open => "open",
		Stage::Racing => "raced for",
		Stage::AtFault => "found at fault",
		Stage::Closing => "ends, once a result of it is judged",
	}
}

/// A live task in one line.
pub(super) fn describe<A: std::fmt::Display>(
	id: TaskId,
	task: &LiveTask<A>,
	now: u32,
) -> (String, serde_json::Value) {
	let left = task.until.saturating_sub(now);
	let holder = task.holder.as_ref();
	let mut sentence = format!("task {id}   {}", word(task.stage));
	if let Some(holder) = holder {
		sentence += &format!(", {} for {} oGPU", holder.provider, show(holder.price));
	}
	match task.stage {
		Stage::Bidding | Stage::Revealing => {
			sentence += &format!(", {}", count(task.bids, "bid"));
		}
		Stage::Executing | Stage::Verifying => {
			sentence += &format!(
				", {} of {} computed, {} verified",
				task.roots.len(),
				count(task.spec.parts, "part"),
				task.settled
			);
		}
		_ => {}
	}
	sentence += &format!("; at most {} (about {} s)", count(left, "block"), left * BLOCK);
	if task.stage == Stage::AtFault {
		sentence += &format!(
			". `ogpu appeal {id}` has others judge it again; `ogpu cancel {id}` gives your money back now"
		);
	}
	let value = json!({
		"task": id,
		"stage": word(task.stage),
		"blocks_left": left,
		"attempt": task.attempt,
		"bids": task.bids,
		"provider": holder.map(|holder| holder.provider.to_string()),
		"price": holder.map(|holder| show(holder.price)),
		"roots": task.roots.iter().map(|(_, root)| hex(root)).collect::<Vec<_>>(),
		"settled": task.settled,
		"escrow": show(task.escrow),
	});
	(sentence, value)
}

/// A task that has ended in one line.
pub(super) fn describe_ended<A: std::fmt::Display>(
	id: TaskId,
	task: EndedTask<A>,
) -> (String, serde_json::Value) {
	let ending = format!("{:?}", task.ending);
	let paid = show(task.paid);
	let value = json!({
		"task": id,
		"ended": ending,
		"paid": paid,
		"provider": task.provider.map(|provider| provider.to_string()),
	});
	(format!("task {id}   ended: {ending}, {paid} oGPU paid"), value)
}

/// What is told of a task whenever it changes; `None` once it has ended.
fn progress<A>(task: &TaskView<A>) -> Option<(Stage, u8, u8, usize, u8)> {
	match task {
		TaskView::Live(task) => {
			Some((task.stage, task.attempt, task.bids, task.roots.len(), task.settled))
		}
		TaskView::Ended(_) => None,
	}
}

/// Follows a task until its result is there, in the best block. What is in no final block yet is said to be so.
pub(super) async fn follow(common: &Common, chain: &Chain, id: TaskId) -> Result<(), Error> {
	let mut said = None;
	let mut changes = chain.changes(id).await?;
	loop {
		let (task, now) = changes.next().await?;
		let state = progress(&task);
		let there = match &task {
			TaskView::Live(task) => task.stage.has_result(),
			TaskView::Ended(_) => true,
		};
		if said != Some(state) {
			let last = chain.final_task(id).await?;
			let is_final = last.is_some_and(|last| progress(&last) == state);
			let (mut sentence, mut value) = match task {
				TaskView::Live(task) => describe(id, &task, now),
				TaskView::Ended(ended) if ended.ending.has_result() => describe_ended(id, ended),
				TaskView::Ended(ended) => return Err(Error::Ended(ended.ending)),
			};
			if !is_final {
				sentence += "; not final yet";
			}
			value["final"] = is_final.into();
			common.say().line(sentence, value);
			said = Some(state);
		}
		if there {
			return Ok(());
		}
	}
}

/// Waits until what a task is now in the best block, with its result, is in a final one.
async fn finality(common: &Common, chain: &Chain, id: TaskId) -> Result<(), Error> {
	for _ in 0..PATIENCE {
		let said = match chain.final_task(id).await? {
			Some(TaskView::Live(task)) if task.stage.has_result() => {
				format!("final    its result is on chain for good: `ogpu fetch {id}`")
			}
			Some(TaskView::Ended(ended)) if !ended.ending.has_result() => {
				return Err(Error::Ended(ended.ending));
			}
			Some(TaskView::Ended(_)) => "final    it has ended for good".to_owned(),
			Some(TaskView::Live(_)) | None => {
				chain.next_block().await?;
				continue;
			}
		};
		common.say().line(said, json!({ "task": id, "final": true }));
		return Ok(());
	}
	Err(Error::NotYet(format!(
		"the block with the result of task {id} is not final for a long time; try again later"
	)))
}

/// Fetches the result of a task into a folder: `task-NUMBER` if none is named.
pub(super) async fn get(
	common: &Common,
	chain: &Chain,
	store: &Store,
	id: TaskId,
	out: Option<&Path>,
) -> Result<(), Error> {
	let out = out.map_or_else(|| format!("task-{id}").into(), Path::to_path_buf);
	let mut tries = 0;
	let delivery = loop {
		match Delivery::of(chain, store, id).await {
			// Its node hands it over in the blocks after the verdict.
			Err(Error::NotYet(_) | Error::Host(_)) if tries < TRIES => {
				if tries == 0 {
					common.say().line(
						format!("asking   the provider for the result of task {id}"),
						json!({ "task": id, "asking": true }),
					);
				}
				tries += 1;
				chain.next_block().await?;
			}
			other => break other?,
		}
	};
	for output in &delivery.outputs {
		let mut seen = 0;
		// What came before the way broke is kept.
		while let Err(error) = delivery.fetch(store, output, |bytes| seen = bytes).await {
			if !error.is_of_the_way() || tries >= TRIES {
				return Err(error);
			}
			tries += 1;
			chain.next_block().await?;
		}
		let sentence =
			format!("fetched  {}: {} bytes ({seen} over the network)", output.name, output.size);
		common.say().line(sentence, json!({ "fetched": output.name, "bytes": output.size }));
	}
	let checked = delivery.checked(store, &out).await?;
	// The block that it is checked against may still be left.
	let mut waited = 0;
	while !delivery.is_final(chain).await? {
		if waited == 0 {
			let sentence = "waiting  for the block with its roots to be final";
			common.say().line(sentence, json!({ "task": id, "waiting": "final" }));
		}
		if waited >= PATIENCE {
			return Err(Error::NotYet(
				"the block with the roots of the result is not final for a long time; what has come is kept".into(),
			));
		}
		waited += 1;
		chain.next_block().await?;
	}
	let kept = checked.keep()?;
	let files: Vec<String> = kept.iter().map(|path| path.display().to_string()).collect();
	let sentence = format!("result   {}: every byte leads to the root on chain", files.join(", "));
	common.say().line(sentence, json!({ "files": files }));
	Ok(())
}

/// Says on chain that the result is here, unless that was said before.
pub(super) async fn take_delivery(
	common: &Common,
	chain: &Chain,
	signer: &Signer,
	id: TaskId,
) -> Result<(), Error> {
	match chain.task(id).await? {
		(TaskView::Live(task), _) if task.stage == Stage::Delivered => {}
		_ => return Ok(()),
	}
	let receipt = match send(common, chain, signer, &Call::acknowledge(id)).await {
		Ok(Some(receipt)) => receipt,
		Ok(None) => return Ok(()),
		// Its window may have ended meanwhile: silence is acceptance.
		Err(error @ Error::Refused(_)) => {
			return match chain.task(id).await? {
				(TaskView::Ended(_), _) => Ok(()),
				_ => Err(error),
			};
		}
		Err(error) => return Err(error),
	};
	common.say().line(
		"taken    the rest of the price is paid",
		json!({ "task": id, "taken": true, "block": hex(&receipt.block) }),
	);
	Ok(())
}

#[derive(Args)]
pub(crate) struct Watch {
	/// The number of the task.
	task: TaskId,
}

/// Serves the inputs of a task again, as far as they are here.
pub(super) async fn serve(
	common: &Common,
	chain: &Chain,
	store: &Store,
	id: TaskId,
) -> Result<(), Error> {
	if let (TaskView::Live(task), _) = chain.task(id).await?
		&& !store.offer_again(&task.spec.job.blob).await?
	{
		common.say().line(
			"note     the inputs are not in this folder: providers must have them from elsewhere",
			json!({ "task": id, "serving": false }),
		);
	}
	Ok(())
}

impl Watch {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let chain = common.chain().await?;
		let store = common.store().await?;
		serve(common, &chain, &store, self.task).await?;
		common.say().resume_with(format!("Pick it up again with `ogpu watch {}`.", self.task));
		follow(common, &chain, self.task).await?;
		finality(common, &chain, self.task).await?;
		store.close().await;
		Ok(())
	}
}

#[derive(Args)]
pub(crate) struct Fetch {
	/// The number of the task.
	task: TaskId,
	/// The folder for the result [default: task-NUMBER].
	#[arg(long, short)]
	out: Option<PathBuf>,
	/// Do not say on chain that the result is here: what is held back is paid at the end of the window.
	#[arg(long)]
	keep_open: bool,
}

impl Fetch {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let signer = common.key.as_ref().map(|_| common.signer()).transpose()?;
		let chain = common.chain().await?;
		let store = common.store().await?;
		let out = with_out(self.out.as_deref());
		let how =
			format!("What has come is kept: `ogpu fetch {}{out}` goes on from there.", self.task);
		common.say().resume_with(how);
		if let (TaskView::Live(task), _) = chain.task(self.task).await?
			&& !task.stage.has_result()
		{
			return Err(Error::NotThere(format!(
				"task {} has no result yet: it is {}. Follow it with `ogpu watch {0}`",
				self.task,
				word(task.stage)
			)));
		}
		get(common, &chain, &store, self.task, self.out.as_deref()).await?;
		if !self.keep_open {
			match &signer {
				Some(signer) => take_delivery(common, &chain, signer, self.task).await?,
				None => common.say().line(
					"note     without --key nobody is told that you have it; saying nothing is the same, later",
					json!({ "taken": false }),
				),
			}
		}
		store.close().await;
		Ok(())
	}
}

#[derive(Args)]
pub(crate) struct Cancel {
	/// The number of the task.
	task: TaskId,
}

impl Cancel {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let signer = common.signer()?;
		let chain = common.chain().await?;
		if let (TaskView::Live(task), _) = chain.task(self.task).await?
			&& let (Stage::Assigned | Stage::Executing, Some(holder)) = (task.stage, task.holder)
		{
			let most = show(chain.cost_of_cancelling(holder.price).await?);
			common.say().line(
				format!(
					"price    at most {most} oGPU for its provider, which has begun; the rest comes back"
				),
				json!({ "task": self.task, "most": most }),
			);
		}
		if let Some(receipt) = send(common, &chain, &signer, &Call::cancel(self.task)).await? {
			let block = hex(&receipt.block);
			common
				.say()
				.line("cancelled", json!({ "task": self.task, "cancelled": true, "block": block }));
		}
		Ok(())
	}
}

#[derive(Args)]
pub(crate) struct Demand {
	/// The number of the task.
	task: TaskId,
	/// The part.
	#[arg(long, default_value_t = 0)]
	part: u8,
	/// The unit, counted from the first of the part.
	#[arg(long, default_value_t = 0)]
	unit: u32,
	/// Which of the buffers that make up the unit's result, in their order in the job.
	#[arg(long, default_value_t = 0)]
	slice: u8,
	/// Which piece of it, of 64 KiB.
	#[arg(long, default_value_t = 0)]
	piece: u32,
}

impl Demand {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let signer = common.signer()?;
		let chain = common.chain().await?;
		let bond = show(chain.charges().await?.demand.get());
		common.say().line(
			format!(
				"bond     {bond} oGPU, which the provider gets for posting it, and else come back"
			),
			json!({ "task": self.task, "bond": bond }),
		);
		let of = (self.part, self.unit, self.slice);
		let call = Call::demand_output(self.task, of, self.piece);
		if let Some(receipt) = send(common, &chain, &signer, &call).await? {
			let block = hex(&receipt.block);
			common.say().line(
				"demanded. The provider posts it, or pays you back when its time is over",
				json!({ "task": self.task, "demanded": true, "block": block }),
			);
		}
		Ok(())
	}
}

/// Says what a challenge or an appeal locks.
pub(super) async fn tell_stake(
	common: &Common,
	chain: &Chain,
	(task, attempt, part): (TaskId, u8, u8),
) -> Result<(), Error> {
	let stake = show(chain.price_of_dispute(task, attempt, part).await?);
	common.say().line(
		format!(
			"locked   {stake} oGPU of your collateral, which the judges cost you if they do not agree"
		),
		json!({ "task": task, "locked": stake }),
	);
	Ok(())
}

#[derive(Args)]
pub(crate) struct Appeal {
	/// The number of the task.
	task: TaskId,
}

impl Appeal {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let signer = common.signer()?;
		let chain = common.chain().await?;
		let open = chain.appealable(self.task, &signer.account()).await?;
		let Some(decided) = open.first() else {
			return Err(Error::Refused(format!(
				"nothing was decided against {} in task {} that can be appealed: not at all, too long ago, or it was \
				 appealed before",
				signer.account(),
				self.task
			)));
		};
		let Decided { task, attempt, part } = *decided;
		tell_stake(common, &chain, (task, attempt, part)).await?;
		if let Some(receipt) = send(common, &chain, &signer, &Call::appeal(decided)).await? {
			let block = hex(&receipt.block);
			common.say().line(
				"appealed: up to 21 others judge it again. What they cost is locked until then",
				json!({ "task": self.task, "appealed": true, "block": block }),
			);
		}
		Ok(())
	}
}
