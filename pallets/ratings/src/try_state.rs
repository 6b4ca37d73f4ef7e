//! The invariants that the pallet's documentation names.

use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::TryRuntimeError;

use crate::{
	Agenda, AgendaFrom, Config, HoldReason, Item, Pallet, Ratings, Rung, Stage, TrialOf, Trials,
	Waiting,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		let due =
			|until: u32, item| Agenda::<T>::contains_key(until.max(AgendaFrom::<T>::get()), item);
		let mut count = 0;
		let waiting = Waiting::<T>::get();
		let rung = Rung::<T>::get().map(|bell| bell.trials).unwrap_or_default();
		for (number, trial) in Trials::<T>::iter() {
			count += 1;
			ensure!(TrialOf::<T>::get(&trial.provider) == Some(number), "a trial is nobody's");
			let held = T::Currency::balance_on_hold(&HoldReason::Trial.into(), &trial.provider);
			ensure!(held >= trial.fees.saturating_add(trial.bond), "a trial is not secured");
			match trial.stage.until() {
				None => ensure!(
					waiting.contains(&number) || rung.contains(&number),
					"a trial waits for nothing"
				),
				Some(until) => ensure!(due(until, Item::Trial(number)), "a trial has no end"),
			}
		}
		ensure!(TrialOf::<T>::iter().count() == count, "somebody is in a trial that has ended");
		for (whose, rated) in Ratings::<T>::iter() {
			ensure!(due(rated.until, Item::Rating(whose)), "a rating has no end");
		}
		for number in waiting.iter().chain(&rung) {
			let waits = Trials::<T>::get(number).is_some_and(|trial| trial.stage == Stage::Waiting);
			ensure!(waits, "a trial waits that has begun or ended");
		}
		Ok(())
	}
}
