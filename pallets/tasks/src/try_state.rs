//! The invariants that the pallet's documentation names.

use alloc::collections::BTreeMap;

use frame_support::{ensure, traits::fungible::Inspect};
use ogpu_traits::Collateral;
use sp_runtime::TryRuntimeError;

use crate::{
	Accomplices, Agenda, AgendaFrom, Auctions, Bidders, Bids, Config, Convictions, Demands,
	Departures, Escrows, Item, Pallet, Pending, Racers, Records, Roots, Status, Streams, Tasks,
	bid_lock, client_lock, race_lock, work_lock,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut escrows = BTreeMap::new();
		let mut batches = BTreeMap::new();
		let from = AgendaFrom::<T>::get();
		for (id, task) in Tasks::<T>::iter() {
			let sum = escrows.entry(task.client.clone()).or_insert(0);
			*sum += task.escrow.total();
			ensure!(task.owed <= task.escrow.price, "more is owed than is in escrow");
			ensure!(!Records::<T>::contains_key(id), "a live task has a record");
			let until = task.status.until().max(from);
			ensure!(Agenda::<T>::contains_key(until, Item::Task(id)), "a task is in no agenda");
			let bidding = matches!(task.status, Status::Bidding { .. });
			ensure!(Auctions::<T>::contains_key(id) == bidding, "an auction is not listed");
			// Judges of a claim may have got all of it.
			let judged = task.attempt > 0 || matches!(task.status, Status::AtFault { .. });
			let locked = T::Collateral::locked(&task.client, client_lock(id));
			ensure!(judged || locked > 0, "a client locks nothing");
			// Of a task that ends it may have been slashed already.
			let closing = matches!(task.status, Status::Closing { .. });
			if let Some(by) = task.status.assignment().filter(|_| !closing) {
				let locked = T::Collateral::locked(&by.provider, work_lock(id, task.attempt));
				ensure!(locked == by.lock, "a provider has locked something else");
			}
			ensure!(
				task.progress.settled <= task.progress.rooted,
				"a part is settled without a root"
			);
			ensure!(task.progress.rooted <= task.spec.parts, "there are more roots than parts");
			if let Some(stream) = task.stream {
				*batches.entry(stream).or_insert(0) += 1;
			}
			for (provider, racer) in Racers::<T>::iter_prefix(id) {
				let locked = T::Collateral::locked(&provider, race_lock(id, task.race));
				ensure!(locked == racer.lock, "a racer has locked something else");
			}
			let mut sealed = 0;
			for (provider, bid) in Bids::<T>::iter_prefix(id) {
				let locked = T::Collateral::locked(&provider, bid_lock(id));
				ensure!(locked == bid.bond, "the bond of a bid is not locked");
				ensure!(Bidders::<T>::contains_key(id, bid.group), "a bidder is not noted");
				sealed += 1;
			}
			let taken = bidding || matches!(task.status, Status::Revealing { .. });
			ensure!(taken || sealed == 0, "there are sealed bids that nobody takes");
			ensure!(sealed <= u32::from(task.sealed), "there are more bids than were sealed");
		}
		let mut waiting = BTreeMap::new();
		for (id, number, demand) in Demands::<T>::iter() {
			*waiting.entry(demand.of.clone()).or_insert(0) += 1;
			*escrows.entry(demand.by).or_insert(0) += demand.bond;
			let until = demand.until.max(from);
			let listed = Agenda::<T>::contains_key(until, Item::Demand(id, number));
			ensure!(listed, "a demand is in no agenda");
		}
		ensure!(waiting == Pending::<T>::iter().collect(), "demands are miscounted");
		for (id, stream) in Streams::<T>::iter() {
			let sum = escrows.entry(stream.client).or_insert(0);
			*sum += stream.balance;
			let live = batches.remove(&id).unwrap_or(0);
			ensure!(stream.live == live, "the batches of a stream are miscounted");
		}
		ensure!(batches.is_empty(), "there is a batch without a stream");
		for (id, ..) in Racers::<T>::iter() {
			ensure!(Tasks::<T>::contains_key(id), "somebody races for no batch");
		}
		for (id, ..) in Bids::<T>::iter() {
			ensure!(Tasks::<T>::contains_key(id), "there is a bid without a task");
		}
		for (id, ..) in Roots::<T>::iter() {
			ensure!(Tasks::<T>::contains_key(id), "there is a root without a task");
		}
		for ((id, attempt), departed) in Departures::<T>::iter() {
			let task = Tasks::<T>::get(id).ok_or("somebody left a task that is not there")?;
			ensure!(attempt < task.attempt, "somebody has left who still has the task");
			ensure!(
				departed.to_part > departed.by.first_part,
				"somebody left who was paid nothing"
			);
		}
		for ((id, attempt), conviction) in Convictions::<T>::iter() {
			let until = conviction.until.max(from);
			let item = Item::Conviction(id, attempt);
			ensure!(Agenda::<T>::contains_key(until, item), "a conviction is in no agenda");
		}
		for (of, ..) in Accomplices::<T>::iter() {
			ensure!(Convictions::<T>::contains_key(of), "somebody is accused of no fraud");
		}
		let mut all = T::Currency::minimum_balance();
		for (client, sum) in Escrows::<T>::iter() {
			all += sum;
			ensure!(escrows.remove(&client) == Some(sum), "an escrow belongs to no task");
		}
		ensure!(T::Currency::balance(&Self::pot()) >= all, "the pot has too little");
		ensure!(escrows.values().all(|sum| *sum == 0), "a task has nothing in escrow");
		Ok(())
	}
}
