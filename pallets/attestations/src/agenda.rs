//! What is to be looked at: draws by block, deadlines by moment of the market clock.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{Weight, WeightMeter},
};
use ogpu_traits::{
	Clock, Moment, PartOfTask,
	agenda::{self, Agenda},
};
use scale_info::TypeInfo;

use crate::{
	AGENDA_SHARE, Config, Deadlines, DeadlinesFrom, Draws, DrawsFrom, MAX_LOOKS, Pallet, Panels,
	Places, Spoken, Stage, WeightInfo,
};

/// A panel of a case. Looking at it twice, or when it is gone, does nothing.
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
pub struct Item {
	/// Of which case.
	pub case: PartOfTask,
	/// Its number.
	pub panel: u8,
}

/// What a draw costs besides looking at seats, in looks.
const FIXED_LOOKS: u32 = 24;

/// Panels to be drawn.
struct ToDraw<T>(PhantomData<T>);

impl<T: Config> Agenda for ToDraw<T> {
	type Item = Item;

	fn from() -> Moment {
		DrawsFrom::<T>::get()
	}

	fn set_from(block: Moment) {
		DrawsFrom::<T>::put(block);
	}

	fn items(block: Moment) -> impl Iterator<Item = Item> {
		Draws::<T>::iter_key_prefix(block)
	}

	fn remove(block: Moment, item: &Item) {
		Draws::<T>::remove(block, item);
	}

	/// Where too few can be drawn, the case ends, and the task with it.
	fn weight(item: &Item) -> Weight {
		T::WeightInfo::draw().saturating_add(end_of::<T>(item))
	}

	fn look_at(item: Item, most: Weight) -> Weight {
		let looks = Pallet::<T>::draw(item.case, item.panel);
		let drawn =
			Panels::<T>::get(item.case, item.panel).is_some_and(|panel| panel.stage != Stage::Done);
		if !drawn {
			return most;
		}
		// A seat and its holder, and the share of what is done once for each member.
		let each = T::WeightInfo::draw() / u64::from(MAX_LOOKS);
		each.saturating_mul(looks.saturating_add(FIXED_LOOKS).into())
	}
}

/// What the end of a stage costs at most.
fn end_of<T: Config>(item: &Item) -> Weight {
	// Fraud or the like, by which a task ends, or the last part of one that is right.
	T::WeightInfo::end_stage(Places::<T>::get(item.case.task)).max(T::WeightInfo::find_valid())
}

/// Panels whose stage ends.
struct ToEnd<T>(PhantomData<T>);

impl<T: Config> Agenda for ToEnd<T> {
	type Item = Item;

	fn from() -> Moment {
		DeadlinesFrom::<T>::get()
	}

	fn set_from(moment: Moment) {
		DeadlinesFrom::<T>::put(moment);
	}

	fn items(moment: Moment) -> impl Iterator<Item = Item> {
		Deadlines::<T>::iter_key_prefix(moment)
	}

	fn remove(moment: Moment, item: &Item) {
		Deadlines::<T>::remove(moment, item);
	}

	/// Little, if the stage has ended before.
	fn weight(item: &Item) -> Weight {
		let panel = Panels::<T>::get(item.case, item.panel);
		let over =
			panel.is_some_and(|panel| panel.until().is_some_and(|until| until < T::Clock::now()));
		if over { end_of::<T>(item) } else { T::DbWeight::get().reads(2) }
	}

	fn look_at(item: Item, most: Weight) -> Weight {
		Pallet::<T>::stage_over(item.case, item.panel);
		most
	}
}

/// Panels of which everybody has spoken, all of them at one moment, which is over.
struct ToEndNow<T>(PhantomData<T>);

impl<T: Config> Agenda for ToEndNow<T> {
	type Item = Item;

	fn from() -> Moment {
		0
	}

	fn set_from(_: Moment) {}

	fn items(_: Moment) -> impl Iterator<Item = Item> {
		Spoken::<T>::iter_keys()
	}

	fn remove(_: Moment, item: &Item) {
		Spoken::<T>::remove(item);
	}

	fn weight(item: &Item) -> Weight {
		ToEnd::<T>::weight(item)
	}

	fn look_at(item: Item, most: Weight) -> Weight {
		ToEnd::<T>::look_at(item, most)
	}
}

impl<T: Config> Pallet<T> {
	/// Has a panel drawn in a block.
	pub(crate) fn remind_of_draw(block: u32, case: PartOfTask, panel: u8) {
		let block = block.max(DrawsFrom::<T>::get());
		Draws::<T>::insert(block, Item { case, panel }, ());
	}

	/// Has a panel looked at once its deadline has passed.
	pub(crate) fn remind_of_deadline(until: Moment, case: PartOfTask, panel: u8) {
		let until = until.max(DeadlinesFrom::<T>::get());
		Deadlines::<T>::insert(until, Item { case, panel }, ());
	}

	/// Has a panel looked at as soon as there is room.
	pub(crate) fn remind_of_end(case: PartOfTask, panel: u8) {
		Spoken::<T>::insert(Item { case, panel }, ());
	}

	pub(crate) fn serve_agendas(meter: &mut WeightMeter) {
		// Half for each, so that many draws cannot keep deadlines from being served. Draws are due in their
		// block, deadlines after their moment.
		let share = Self::share() / 2;
		let mut half = WeightMeter::with_limit(meter.remaining() / 2);
		// What the block before had no room for.
		let looked = Self::look_at_due::<ToEndNow<T>>(1, share, &mut half);
		// To see that there was nothing has cost a little of a block that has nothing else to do: what could never fit goes
		// first in it all the same, or it would wait for ever, and all deadlines behind it.
		let spent = if looked { Weight::zero() } else { half.consumed() };
		Self::look_at_due::<ToEnd<T>>(T::Clock::now(), share.saturating_sub(spent), &mut half);
		meter.consume(half.consumed());
		Self::look_at_due::<ToDraw<T>>(Self::block().saturating_add(1), share, meter);
	}

	/// Ends panels of which everybody has spoken.
	pub(crate) fn end_spoken(meter: &mut WeightMeter) {
		Self::look_at_due::<ToEndNow<T>>(1, Self::share(), meter);
	}

	/// Whether it has looked at anything.
	fn look_at_due<A: Agenda<Item = Item>>(
		now: Moment,
		share: Weight,
		meter: &mut WeightMeter,
	) -> bool {
		let mut own = WeightMeter::with_limit(meter.remaining());
		let step = T::DbWeight::get().reads_writes(3, 1);
		let looked = agenda::serve::<A>(now, step, share, &mut own);
		meter.consume(own.consumed());
		looked
	}

	/// What draws and deadlines together may take of a block.
	pub(crate) fn share() -> Weight {
		T::BlockWeights::get().max_block / AGENDA_SHARE
	}
}
