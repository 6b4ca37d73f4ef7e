//! What is to be looked at, by moment.

use frame_support::{
	traits::Get,
	weights::{Weight, WeightMeter},
};
use ogpu_traits::{Attestation, Clock, Moment, agenda};

use crate::{
	AGENDA_SHARE, Agenda, AgendaFrom, Config, Pallet, Trial, TrialId, Trials, WeightInfo, part_of,
};

impl<T: Config> Pallet<T> {
	/// Keeps a trial, and has it looked at when its stage is over.
	pub(crate) fn put(number: TrialId, trial: Trial<T::AccountId>) {
		if let Some(until) = trial.stage.until() {
			Agenda::<T>::insert(until.max(AgendaFrom::<T>::get()), number, ());
		}
		Trials::<T>::insert(number, trial);
	}

	/// Looks at what is due, moment by moment.
	pub(crate) fn serve_agenda(meter: &mut WeightMeter) {
		let step = T::DbWeight::get().reads_writes(3, 1);
		agenda::serve::<Self>(T::Clock::now(), step, Self::share(), meter);
	}

	/// What the agenda may take of a block.
	pub(crate) fn share() -> Weight {
		T::BlockWeights::get().max_block / AGENDA_SHARE
	}
}

impl<T: Config> agenda::Agenda for Pallet<T> {
	type Item = TrialId;

	fn from() -> Moment {
		AgendaFrom::<T>::get()
	}

	fn set_from(moment: Moment) {
		AgendaFrom::<T>::put(moment);
	}

	fn items(moment: Moment) -> impl Iterator<Item = TrialId> {
		Agenda::<T>::iter_key_prefix(moment)
	}

	fn remove(moment: Moment, item: &TrialId) {
		Agenda::<T>::remove(moment, item);
	}

	/// Little, if it has changed meanwhile.
	fn weight(item: &TrialId) -> Weight {
		match Trials::<T>::get(item) {
			Some(trial) if trial.stage.until().is_some_and(|until| until < T::Clock::now()) => {
				T::WeightInfo::end(T::Attestation::places(part_of(*item).task))
			}
			_ => T::DbWeight::get().reads(2),
		}
	}

	fn look_at(item: TrialId, most: Weight) -> Weight {
		Self::wake(item);
		most
	}
}
