//! Following a task without asking again and again.

use std::sync::Arc;

use codec::Encode;
use futures::StreamExt;
use jsonrpsee::{
	PendingSubscriptionSink, SubscriptionMessage,
	core::{SubscriptionResult, async_trait},
	proc_macros::rpc,
};
use ogpu_primitives::market::view::TaskView;
use ogpu_runtime::market_api::MarketApi as _;
use sc_client_api::BlockchainEvents;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_core::Bytes;

use crate::service::FullClient;

/// Best blocks after which a task is told again although nothing has changed, so that whoever listens knows that the
/// node is there.
const SILENCE: u32 = 10;

/// Following tasks.
#[rpc(server)]
pub(super) trait MarketApi {
	/// A task at the best block, as `MarketApi_task` of the runtime tells it, in SCALE: at once, after every block that
	/// changes it, and every few blocks. Ends once the task has.
	#[subscription(name = "market_subscribeTask" => "market_task", unsubscribe = "market_unsubscribeTask", item = Bytes)]
	async fn subscribe_task(&self, task: u64) -> SubscriptionResult;
}

/// Answers from the best block.
pub(super) struct Market {
	client: Arc<FullClient>,
}

impl Market {
	pub(super) const fn new(client: Arc<FullClient>) -> Self {
		Self { client }
	}
}

#[async_trait]
impl MarketApiServer for Market {
	async fn subscribe_task(
		&self,
		pending: PendingSubscriptionSink,
		task: u64,
	) -> SubscriptionResult {
		let client = self.client.clone();
		// Listened to first, so that no block is missed.
		let blocks = client.import_notification_stream();
		let mut blocks = blocks
			.filter_map(|block| async move { block.is_new_best.then_some(block.hash) })
			.boxed();
		let sink = pending.accept().await?;
		let mut at = client.info().best_hash;
		let (mut told, mut silent) = (None, 0);
		loop {
			let (view, now) = client.runtime_api().task(at, task)?;
			let is_over = !matches!(view, Some(TaskView::Live(_)));
			silent += 1;
			if told.as_ref() != Some(&view) || silent >= SILENCE {
				let bytes = Bytes((&view, now).encode());
				sink.send(SubscriptionMessage::from_json(&bytes)?).await?;
				(told, silent) = (Some(view), 0);
			}
			if is_over {
				return Ok(());
			}
			tokio::select! {
				() = sink.closed() => return Ok(()),
				next = blocks.next() => match next {
					Some(next) => at = next,
					None => return Ok(()),
				},
			}
		}
	}
}
