//! The market clock.

use frame_support::{dispatch::DispatchClass, traits::Get};
use ogpu_traits::{Clock, Moment};

use crate::{Config, Now, Pallet};

/// The part of what is reserved for operational transactions that must be free for a block to count: one
/// in so many.
const FREE: u64 = 4;

impl<T: Config> Clock for Pallet<T> {
	fn now() -> Moment {
		Now::<T>::get()
	}
}

impl<T: Config> Pallet<T> {
	/// Counts this block, if whoever had a deadline to keep could have kept it: the chain was not paused, and
	/// a quarter of what is reserved for operational transactions, which duties are, was left.
	pub(crate) fn tick() {
		if !T::Paused::get() && Self::had_room() {
			Now::<T>::mutate(|now| *now = now.saturating_add(1));
		}
	}

	fn had_room() -> bool {
		let weights = T::BlockWeights::get();
		let whole = weights.max_block;
		let normal = weights.get(DispatchClass::Normal).max_total.unwrap_or(whole);
		let used = frame_system::Pallet::<T>::block_weight().total();
		let needed = whole.saturating_sub(normal).ref_time() / FREE;
		let time = whole.ref_time().saturating_sub(used.ref_time()) >= needed;
		let lengths = T::BlockLength::get();
		let longest = *lengths.max.get(DispatchClass::Operational);
		let reserved = longest.saturating_sub(*lengths.max.get(DispatchClass::Normal));
		let length = frame_system::Pallet::<T>::block_size();
		time && u64::from(longest.saturating_sub(length)) >= u64::from(reserved) / FREE
	}
}
