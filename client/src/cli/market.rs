//! What there is on the market: `tasks` and `providers`.

use clap::Args;
use futures::{StreamExt, stream};
use ogpu_client::{Error, ProviderState};
use ogpu_primitives::{
	amount::show,
	market::{DeviceTier, Features, spec::Requirements, view::TaskView},
};
use serde_json::json;

use super::{
	Common,
	provider::reputation,
	task::{describe, describe_ended},
};

/// Tasks that are asked about at once.
const AT_ONCE: usize = 16;
/// Behind so many that are forgotten, in a row, none is looked for.
const FORGOTTEN: u32 = 1_000;

#[derive(Args)]
pub(crate) struct Tasks {
	/// How many of those that are remembered.
	#[arg(long, default_value_t = 10)]
	last: u64,
	/// Only yours.
	#[arg(long)]
	mine: bool,
}

impl Tasks {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let chain = common.chain().await?;
		let mine = if self.mine { Some(common.signer()?.account()) } else { None };
		let next = chain.tasks().await?;
		let looks = stream::iter((0..next).rev())
			.map(|id| {
				let chain = &chain;
				async move { (id, chain.task(id).await) }
			})
			.buffered(AT_ONCE);
		let mut looks = std::pin::pin!(looks);
		let (mut found, mut forgotten) = (Vec::new(), 0);
		while (found.len() as u64) < self.last
			&& forgotten < FORGOTTEN
			&& let Some((id, look)) = looks.next().await
		{
			forgotten += 1;
			let (view, now) = match look {
				Err(Error::NoTask(_)) => continue,
				look => look?,
			};
			forgotten = 0;
			let client = match &view {
				TaskView::Live(task) => &task.client,
				TaskView::Ended(task) => &task.client,
			};
			if mine.as_ref().is_none_or(|mine| mine == client) {
				found.push((id, view, now));
			}
		}
		for (id, view, now) in found.into_iter().rev() {
			match view {
				TaskView::Live(task) => {
					let (sentence, value) = describe(id, &task, now);
					common.say().line(sentence, value);
				}
				TaskView::Ended(task) => {
					let (sentence, value) = describe_ended(id, task);
					common.say().line(sentence, value);
				}
			}
		}
		Ok(())
	}
}

#[derive(Args)]
pub(crate) struct Providers {
	/// Device memory that they must have, as a power of two in bytes.
	#[arg(long, default_value_t = 0, value_name = "POWER")]
	memory: u8,
}

impl Providers {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let chain = common.chain().await?;
		let requirements = Requirements {
			tier: DeviceTier::Consumer,
			memory: self.memory,
			features: Features(0),
			region: None,
			reputation: 0,
		};
		let mut after = None;
		loop {
			let (page, next) = chain.providers(&requirements, after).await?;
			for account in page {
				let found = match chain.provider(&account).await {
					// It has just left.
					Err(Error::Refused(_)) => continue,
					found => found?,
				};
				let ProviderState { devices, rating, region, seats, tasks, .. } = found;
				let [verdicts, timeliness, uptime, disputes] = found.reputation;
				common.say().line(
					format!(
						"{account}   {}; rating {rating}, region {region}, {tasks} tasks, {seats} seats, reputation {verdicts} \
						 {timeliness} {uptime} {disputes}",
						devices.join(", ")
					),
					json!({
						"provider": account.to_string(),
						"devices": devices,
						"rating": rating,
						"region": region,
						"tasks": tasks,
						"seats": seats,
						"reputation": reputation(found.reputation),
					}),
				);
			}
			match next {
				Some(next) => after = Some(next),
				None => return Ok(()),
			}
		}
	}
}

#[derive(Args)]
pub(crate) struct Price;

impl Price {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let chain = common.chain().await?;
		for tier in DeviceTier::ALL {
			let name = match tier {
				DeviceTier::Consumer => "consumer",
				DeviceTier::Professional => "professional",
				DeviceTier::DataCentre => "data-centre",
			};
			let price = show(chain.base_price(tier).await?);
			common.say().line(
				format!("{name:<12} {price} oGPU for a second of the reference device"),
				json!({ "devices": name, "price": price }),
			);
		}
		Ok(())
	}
}
