//! What is to be looked at, by moment: served in each block as far as its weight allows, carried on in the
//! next.

use frame_support::weights::{Weight, WeightMeter};

use crate::Moment;

/// A pallet's agenda. Looking at something twice, or at what is gone, must do nothing.
pub trait Agenda {
	/// Something to look at.
	type Item;

	/// The first moment that is not done with. Nothing may be added before it.
	fn from() -> Moment;

	/// Notes the first moment that is not done with.
	fn set_from(moment: Moment);

	/// What a moment has.
	fn items(moment: Moment) -> impl Iterator<Item = Self::Item>;

	/// Takes something off the agenda.
	fn remove(moment: Moment, item: &Self::Item);

	/// What looking at it costs at most now.
	fn weight(item: &Self::Item) -> Weight;

	/// Looks at it. What that has cost, of `most`, which is its [`weight`](Self::weight).
	fn look_at(item: Self::Item, most: Weight) -> Weight;
}

/// Looks at what is due before `now`, moment by moment. `step` is what finding one item costs, `share` what an agenda
/// gets of a block that has nothing else to do. What could never fit into that goes first in such a block: it must not
/// keep everything behind it waiting for ever. Whether it has looked at anything.
pub fn serve<A: Agenda>(now: Moment, step: Weight, share: Weight, meter: &mut WeightMeter) -> bool {
	if meter.try_consume(step).is_err() {
		return false;
	}
	let begun = A::from();
	let mut moment = begun;
	let whole = meter.limit().all_gte(share);
	let mut looked = false;
	while moment < now {
		// What it reminds of meanwhile is not lost: nothing goes before this moment.
		A::set_from(moment);
		// One walk over the keys, which does not begin anew with each: what was removed in this block would
		// be passed over again and again.
		let mut items = A::items(moment);
		let mut any = false;
		loop {
			if meter.try_consume(step).is_err() {
				return looked;
			}
			let Some(item) = items.next() else { break };
			let most = A::weight(&item);
			let alone = whole && !looked && most.any_gt(share);
			if !meter.can_consume(most) && !alone {
				return looked;
			}
			A::remove(moment, &item);
			meter.consume(A::look_at(item, most).min(most).min(meter.remaining()));
			(any, looked) = (true, true);
		}
		// Something may have been added behind the walk.
		if !any {
			moment += 1;
		}
	}
	if moment != begun {
		A::set_from(moment);
	}
	looked
}

#[cfg(test)]
mod tests {
	use core::cell::RefCell;
	use std::collections::BTreeMap;

	use super::*;

	std::thread_local! {
		static FROM: RefCell<Moment> = const { RefCell::new(0) };
		/// By moment and number, what each item weighs.
		static ITEMS: RefCell<BTreeMap<(Moment, u32), u64>> = const { RefCell::new(BTreeMap::new()) };
	}

	struct Listed;

	impl Agenda for Listed {
		type Item = (u32, u64);

		fn from() -> Moment {
			FROM.with_borrow(|from| *from)
		}

		fn set_from(moment: Moment) {
			FROM.set(moment);
		}

		fn items(moment: Moment) -> impl Iterator<Item = Self::Item> {
			let items: Vec<_> = ITEMS.with_borrow(|items| {
				let due = items.range((moment, 0)..(moment + 1, 0));
				due.map(|((_, number), weight)| (*number, *weight)).collect()
			});
			items.into_iter()
		}

		fn remove(moment: Moment, (number, _): &Self::Item) {
			ITEMS.with_borrow_mut(|items| items.remove(&(moment, *number)));
		}

		fn weight((_, weight): &Self::Item) -> Weight {
			Weight::from_parts(*weight, 0)
		}

		fn look_at(_: Self::Item, most: Weight) -> Weight {
			most
		}
	}

	/// Serves what is due before 10 in a block with so much left of an agenda's share of 100. How many items are left.
	fn serve_with(left: u64) -> usize {
		let weight = |time| Weight::from_parts(time, 0);
		let mut meter = WeightMeter::with_limit(weight(left));
		let before = ITEMS.with_borrow(BTreeMap::len);
		let looked = serve::<Listed>(10, weight(1), weight(100), &mut meter);
		assert!(meter.consumed().all_lte(weight(left)));
		let after = ITEMS.with_borrow(BTreeMap::len);
		assert_eq!(looked, after < before);
		after
	}

	fn list(weights: &[u64]) {
		let items = (0..).zip(weights).map(|(number, weight)| ((3, number), *weight));
		ITEMS.set(items.collect());
		FROM.set(0);
	}

	#[test]
	fn what_does_not_fit_is_carried_on() {
		list(&[40, 40, 40]);
		assert_eq!(serve_with(100), 1);
		assert_eq!(serve_with(0), 1);
		assert_eq!(serve_with(100), 0);
	}

	#[test]
	fn what_can_never_fit_goes_alone_in_a_block_that_has_nothing_else_to_do() {
		list(&[300, 20]);
		assert_eq!(serve_with(99), 2);
		assert_eq!(serve_with(100), 1);
		assert_eq!(serve_with(100), 0);
		// Behind something else it waits for the next block.
		list(&[20, 300]);
		assert_eq!(serve_with(100), 1);
		assert_eq!(serve_with(100), 0);
	}
}
