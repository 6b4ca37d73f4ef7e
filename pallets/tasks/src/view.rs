//! A live task as those see it who look at the chain from outside.

use ogpu_primitives::market::{
	TaskId,
	view::{Holder, LiveTask, Stage},
};
use ogpu_traits::Registry;

use crate::{Config, Delivery, Pallet, Roots, Status, Task};

impl<T: Config> Pallet<T> {
	pub(crate) fn look_at_live(id: TaskId, task: Task<T::AccountId>) -> LiveTask<T::AccountId> {
		let holder = task.status.assignment().map(|by| Holder {
			provider: by.provider.clone(),
			price: by.price,
			endpoint: T::Registry::endpoint(&by.provider),
		});
		LiveTask {
			stage: stage_of(&task.status),
			until: task.status.until(),
			attempt: task.attempt,
			bids: task.sealed,
			holder,
			settled: task.progress.settled,
			roots: (0..task.progress.rooted).filter_map(|part| Roots::<T>::get(id, part)).collect(),
			escrow: task.escrow.total(),
			client: task.client,
			spec: task.spec,
		}
	}
}

const fn stage_of<AccountId>(status: &Status<AccountId>) -> Stage {
	match status {
		Status::Bidding { .. } => Stage::Bidding,
		Status::Revealing { .. } => Stage::Revealing,
		Status::Assigned { .. } => Stage::Assigned,
		Status::Executing { .. } => Stage::Executing,
		Status::Verifying { .. } => Stage::Verifying,
		Status::Adjudicating { .. } => Stage::Adjudicating,
		Status::AtFault { .. } => Stage::AtFault,
		Status::Closing { .. } => Stage::Closing,
		Status::Open { .. } => Stage::Open,
		Status::Racing { .. } => Stage::Racing,
		Status::Delivered { delivery: Delivery::Awaited, .. } => Stage::Delivered,
		Status::Delivered { delivery: Delivery::Acknowledged | Delivery::Refused, .. } => {
			Stage::Taken
		}
	}
}
