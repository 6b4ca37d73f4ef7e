//! What is to be looked at, by moment.

use frame_support::{
	traits::Get,
	weights::{Weight, WeightMeter},
};
use ogpu_traits::{Attestation, Clock, Moment, agenda};

use crate::{
	AGENDA_SHARE, Agenda, AgendaFrom, Config, Item, Pallet, Trial, TrialId, Trials, WeightInfo,
	part_of,
};

impl<T: Config> Pallet<T> {
	/// Keeps a trial, and has it looked at when its stage is over.
	pub(crate) fn put(number: TrialId, trial: Trial<T::AccountId>) {
		if let Some(until) = trial.stage.until() {
			Self::remind(until, Item::Trial(number));
		}
		Trials::<T>::insert(number, trial);
	}

	/// Has something looked at after a moment.
	pub(crate) fn remind(after: Moment, of: Item<T::AccountId>) {
		Agenda::<T>::insert(after.max(AgendaFrom::<T>::get()), of, ());
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
	type Item = Item<T::AccountId>;

	fn from() -> Moment {
		AgendaFrom::<T>::get()
	}

	fn set_from(moment: Moment) {
		AgendaFrom::<T>::put(moment);
	}

	fn items(moment: Moment) -> impl Iterator<Item = Item<T::AccountId>> {
		Agenda::<T>::iter_key_prefix(moment)
	}

	fn remove(moment: Moment, item: &Item<T::AccountId>) {
		Agenda::<T>::remove(moment, item);
	}

	/// Little, if it has changed meanwhile.
	fn weight(item: &Item<T::AccountId>) -> Weight {
		let number = match item {
			Item::Trial(number) => *number,
			Item::Rating(_) => return T::WeightInfo::expire(),
		};
		match Trials::<T>::get(number) {
			Some(trial) if trial.stage.until().is_some_and(|until| until < T::Clock::now()) => {
				T::WeightInfo::end(T::Attestation::places(part_of(number).task))
			}
			_ => T::DbWeight::get().reads(2),
		}
	}

	fn look_at(item: Item<T::AccountId>, most: Weight) -> Weight {
		match item {
			Item::Trial(number) => Self::wake(number),
			Item::Rating(whose) => Self::expire(&whose),
		}
		most
	}
}
