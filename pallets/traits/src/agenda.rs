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

/// Looks at what is due before `now`, moment by moment. `step` is what finding one item costs.
pub fn serve<A: Agenda>(now: Moment, step: Weight, meter: &mut WeightMeter) {
	if meter.try_consume(step).is_err() {
		return;
	}
	let begun = A::from();
	let mut moment = begun;
	while moment < now {
		// What it reminds of meanwhile is not lost: nothing goes before this moment.
		A::set_from(moment);
		// One walk over the keys, which does not begin anew with each: what was removed in this block would
		// be passed over again and again.
		let mut items = A::items(moment);
		let mut any = false;
		loop {
			if meter.try_consume(step).is_err() {
				return;
			}
			let Some(item) = items.next() else { break };
			let most = A::weight(&item);
			if !meter.can_consume(most) {
				return;
			}
			A::remove(moment, &item);
			meter.consume(A::look_at(item, most).min(most));
			any = true;
		}
		// Something may have been added behind the walk.
		if !any {
			moment += 1;
		}
	}
	if moment != begun {
		A::set_from(moment);
	}
}
