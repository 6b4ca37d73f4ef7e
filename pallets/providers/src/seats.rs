//! The seat table: who can be drawn onto panels, by dense numbers.
//!
//! Changes are asked for at any time and take effect in the session after the next: whoever changes the
//! table cannot know what will be drawn from it. Drawing, adding and removing a seat cost the same
//! however many there are.

use core::marker::PhantomData;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, defensive, traits::ConstU32};
use scale_info::TypeInfo;

use crate::{Config, Holdings, SeatCount, SeatTable};

/// The most seats of a provider.
pub const MAX_SEATS: u32 = 32;

/// The seats of one provider.
#[derive(
	Clone,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Holding {
	/// Their numbers in the table.
	pub numbers: BoundedVec<u32, ConstU32<MAX_SEATS>>,
	/// How many it wants, and will have once the change takes effect.
	pub wanted: u32,
}

impl Holding {
	/// Whether a change has been asked for that has not taken effect.
	pub fn is_pending(&self) -> bool {
		self.wanted != self.numbers.len() as u32
	}
}

/// The table, with its invariants: it has no gaps, and each seat is in its holder's list and in no other.
pub(crate) struct Seats<T>(PhantomData<T>);

impl<T: Config> Seats<T> {
	/// How many there are.
	pub(crate) fn count() -> u32 {
		SeatCount::<T>::get()
	}

	/// Who holds a seat.
	pub(crate) fn holder(number: u32) -> Option<T::AccountId> {
		SeatTable::<T>::get(number)
	}

	/// Gives a provider as many seats as it `asked` for, and no more than are `paid` for. How many it wants,
	/// which are others if it has asked again since.
	pub(crate) fn settle(who: &T::AccountId, asked: u32, paid: u32) -> u32 {
		let seats = asked.min(paid);
		let mut holding = Holdings::<T>::get(who);
		while (holding.numbers.len() as u32) < seats {
			let number = SeatCount::<T>::get();
			if holding.numbers.try_push(number).is_err() {
				break;
			}
			SeatTable::<T>::insert(number, who);
			SeatCount::<T>::put(number.saturating_add(1));
		}
		while holding.numbers.len() as u32 > seats {
			let Some(number) = holding.numbers.pop() else { break };
			Self::take_out(who, number, &mut holding);
		}
		if holding.wanted == asked {
			holding.wanted = seats;
		}
		let wanted = holding.wanted;
		if holding == Holding::default() {
			Holdings::<T>::remove(who);
		} else {
			Holdings::<T>::insert(who, holding);
		}
		wanted
	}

	/// Takes a seat out of the table; the last one moves to its place.
	fn take_out(who: &T::AccountId, number: u32, holding: &mut Holding) {
		let Some(last) = SeatCount::<T>::get().checked_sub(1) else {
			defensive!("a seat was held, but there are none");
			return;
		};
		let moved = SeatTable::<T>::take(last);
		SeatCount::<T>::put(last);
		if last == number {
			return;
		}
		let Some(moved) = moved else {
			defensive!("the last seat has no holder");
			return;
		};
		SeatTable::<T>::insert(number, &moved);
		let renumber = |numbers: &mut BoundedVec<u32, _>| {
			let place = numbers.iter_mut().find(|place| **place == last);
			place.map(|place| *place = number).is_some()
		};
		let found = if moved == *who {
			renumber(&mut holding.numbers)
		} else {
			Holdings::<T>::mutate(&moved, |other| renumber(&mut other.numbers))
		};
		if !found {
			defensive!("a seat is not in its holder's list");
		}
	}

	#[cfg(any(test, feature = "try-runtime"))]
	pub(crate) fn check() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::ensure;

		let count = Self::count();
		let mut listed = alloc::vec::Vec::new();
		for (who, holding) in Holdings::<T>::iter() {
			ensure!(holding != Holding::default(), "an empty holding is kept");
			for number in holding.numbers {
				ensure!(Self::holder(number).as_ref() == Some(&who), "a seat has another holder");
				listed.push(number);
			}
		}
		listed.sort_unstable();
		let dense: Vec<u32> = (0..count).collect();
		ensure!(listed == dense, "the table of seats has gaps");
		ensure!(SeatTable::<T>::iter().count() as u32 == count, "there are seats beyond the table");
		Ok(())
	}
}
