//! The agenda: what is to be looked at, by moment. What a block has no room for is carried on.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::Get,
	weights::{Weight, WeightMeter},
};
use ogpu_primitives::market::TaskId;
use ogpu_traits::{Attestation, Merit, Moment, agenda};
use scale_info::TypeInfo;

use crate::{
	AGENDA_SHARE, Agenda, AgendaFrom, Config, Convictions, Demands, MAX_RACERS, Now, Pallet,
	Records, Status, Task, Tasks, WeightInfo,
};

/// Something to look at. Looking twice, or at what is gone, does nothing.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Item {
	/// A task whose status ends.
	#[codec(index = 0)]
	Task(TaskId),
	/// A conviction of an attempt at a task whose window ends.
	#[codec(index = 1)]
	Conviction(TaskId, u8),
	/// A record that is kept no longer.
	#[codec(index = 2)]
	Record(TaskId),
	/// A demand about a task that may be unanswered.
	#[codec(index = 3)]
	Demand(TaskId, u32),
}

impl<T: Config> Pallet<T> {
	/// Has something looked at once its moment has passed.
	pub(crate) fn remind(moment: Moment, item: Item) {
		// What is past is looked at next.
		let moment = moment.max(AgendaFrom::<T>::get());
		Agenda::<T>::insert(moment, item, ());
	}

	/// Looks at what is due, moment by moment.
	pub(crate) fn serve_agenda(meter: &mut WeightMeter) {
		let step = T::DbWeight::get().reads_writes(3, 1);
		agenda::serve::<Self>(Now::<T>::get(), step, Self::share(), meter);
	}

	/// What the agenda may take of a block: the rest belongs to those who pay for it.
	pub(crate) fn share() -> Weight {
		T::BlockWeights::get().max_block / AGENDA_SHARE
	}
}

impl<T: Config> Pallet<T> {
	/// What looking at a task costs whose status ends.
	fn weight_of_end(id: TaskId, task: &Task<T::AccountId>) -> Weight {
		match task.status {
			Status::Bidding { .. } => T::WeightInfo::close_empty(),
			Status::Revealing { .. } => T::WeightInfo::close_auction(task.sealed.into())
				.saturating_add(T::WeightInfo::wake(0)),
			_ => {
				let end = T::WeightInfo::wake(T::Attestation::places(id));
				match task.stream {
					Some(_) => end.saturating_add(T::WeightInfo::close_race(MAX_RACERS)),
					None => end,
				}
			}
		}
	}
}

impl<T: Config> agenda::Agenda for Pallet<T> {
	type Item = Item;

	fn from() -> Moment {
		AgendaFrom::<T>::get()
	}

	fn set_from(moment: Moment) {
		AgendaFrom::<T>::put(moment);
	}

	fn items(moment: Moment) -> impl Iterator<Item = Item> {
		Agenda::<T>::iter_key_prefix(moment)
	}

	fn remove(moment: Moment, item: &Item) {
		Agenda::<T>::remove(moment, item);
	}

	/// Little, if it has changed meanwhile.
	fn weight(item: &Item) -> Weight {
		match item {
			Item::Task(id) => match Tasks::<T>::get(id) {
				Some(task) if task.status.until() < Now::<T>::get() => {
					Self::weight_of_end(*id, &task)
				}
				_ => T::DbWeight::get().reads(2),
			},
			Item::Conviction(task, attempt) => {
				let conviction = Convictions::<T>::get((*task, *attempt));
				let guarantor = conviction.and_then(|conviction| conviction.guarantor);
				let noted = guarantor.map(|guarantor| T::Merit::weight_of_conviction(&guarantor));
				T::WeightInfo::carry_out(T::Attestation::places(*task))
					.saturating_add(noted.unwrap_or_default())
			}
			Item::Record(_) => T::WeightInfo::forget(),
			Item::Demand(id, number) => match Demands::<T>::get(id, number) {
				// Of a batch it may end the race.
				Some(_) => T::WeightInfo::unanswered(T::Attestation::places(*id))
					.saturating_add(T::WeightInfo::close_race(MAX_RACERS)),
				None => T::DbWeight::get().reads(1),
			},
		}
	}

	fn look_at(item: Item, most: Weight) -> Weight {
		match item {
			Item::Task(task) => Self::wake(task),
			Item::Conviction(task, attempt) => Self::carry_out(task, attempt),
			Item::Demand(task, number) => Self::demand_over(task, number),
			Item::Record(task) => {
				let over =
					Records::<T>::get(task).is_some_and(|record| record.until < Now::<T>::get());
				if over {
					Records::<T>::remove(task);
				}
			}
		}
		most
	}
}
