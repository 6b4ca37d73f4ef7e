//! What verification wants of providers, and the doing of it.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	BoundedVec, pallet_prelude::DispatchResult, traits::ConstU32, weights::Weight,
};
use ogpu_primitives::merkle::{Blake2, Hash, Hasher};
use ogpu_traits::{Clock, Duties, Moment, Node, PartOfTask, Registry};
use scale_info::TypeInfo;

use crate::{
	Case, Config, Draw, Kind, MAX_OPENED, Pallet, Panels, Said, Stage, Subject, Wanted, WeightInfo,
	draw_of, offchain::in_last_moments,
};

/// The most panels whose units are computed, or asked after, in one block.
const SLOW_DUTIES: usize = 16;
/// Market blocks after which others come first.
const SPAN: Moment = 8;

/// The most hashes that prove opened leaves: sixteen levels for each.
pub const MAX_SIBLINGS: u32 = 16 * MAX_OPENED;

/// Something that a provider has to do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Due<AccountId> {
	/// It has been drawn: it has to compute, and to commit to what it gets.
	#[codec(index = 0)]
	Commit {
		/// For which case.
		case: PartOfTask,
		/// In which panel.
		panel: u8,
		/// What that is for.
		kind: Kind,
		/// What is verified.
		of: Case<AccountId>,
		/// Its units, counted from the first of the part; none for a claim.
		units: Vec<u32>,
		/// From what they were drawn: another fork draws others.
		seed: Hash,
		/// Until when.
		until: Moment,
	},
	/// Its result is verified: it has to open leaves.
	#[codec(index = 1)]
	Open {
		/// Of which case.
		case: PartOfTask,
		/// For which panel.
		panel: u8,
		/// The units, counted from the first of the part.
		units: Vec<u32>,
		/// Until when.
		until: Moment,
	},
	/// Its result is verified: it gives those who recompute it what they start from.
	#[codec(index = 3)]
	Serve {
		/// Of which case.
		case: PartOfTask,
		/// For which panel.
		panel: u8,
		/// The keys of the endpoints of its members, each with its units of a round, counted from the first of the part.
		to: Vec<([u8; 32], Vec<u32>)>,
		/// From what they were drawn.
		seed: Hash,
	},
	/// It has to reveal what it has committed to.
	#[codec(index = 2)]
	Reveal {
		/// For which case.
		case: PartOfTask,
		/// In which panel.
		panel: u8,
		/// What the provider has opened of its units.
		opened: Vec<(u32, Hash)>,
		/// From what they were drawn.
		seed: Hash,
		/// Until when.
		until: Moment,
	},
}

/// What a provider did.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Done {
	/// It has computed its units.
	#[codec(index = 0)]
	Commit {
		/// For which case.
		case: PartOfTask,
		/// In which panel.
		panel: u8,
		/// In which draw of it.
		draw: Draw,
		/// [`ogpu_primitives::market::tally::commitment`] of what it got.
		commitment: Hash,
	},
	/// It cannot say anything.
	#[codec(index = 1)]
	Abstain {
		/// For which case.
		case: PartOfTask,
		/// In which panel.
		panel: u8,
		/// In which draw of it.
		draw: Draw,
	},
	/// It opens leaves of its result.
	#[codec(index = 2)]
	Open {
		/// Of which case.
		case: PartOfTask,
		/// For which panel.
		panel: u8,
		/// The leaves of the units that members have committed to, in ascending order of the units.
		leaves: BoundedVec<Hash, ConstU32<MAX_OPENED>>,
		/// What proves them under the root.
		siblings: BoundedVec<Hash, ConstU32<MAX_SIBLINGS>>,
	},
	/// It reveals what it has committed to.
	#[codec(index = 3)]
	Reveal {
		/// For which case.
		case: PartOfTask,
		/// In which panel.
		panel: u8,
		/// What it was sealed with.
		salt: Hash,
		/// Its leaves, where they are not those that were opened; or what it says of a claim.
		leaves: Option<BoundedVec<Hash, ConstU32<MAX_OPENED>>>,
	},
}

impl Done {
	fn about(&self) -> (PartOfTask, u8) {
		match self {
			Self::Commit { case, panel, .. }
			| Self::Abstain { case, panel, .. }
			| Self::Open { case, panel, .. }
			| Self::Reveal { case, panel, .. } => (*case, *panel),
		}
	}
}

impl<T: Config> Duties<T::AccountId> for Pallet<T> {
	type Due = Due<T::AccountId>;
	type Done = Done;

	fn due(provider: &T::AccountId, most: u32) -> Vec<Due<T::AccountId>> {
		let mut due = Self::all_due(provider);
		due.truncate(most as usize);
		due
	}

	fn attend(provider: &T::AccountId, most: u32, node: &dyn Node) -> Vec<Done> {
		Self::give_up_what_is_over(provider, node);
		let (mut quick, slow): (Vec<_>, Vec<_>) =
			Self::all_due(provider).into_iter().partition(|due| Self::is_quick(due, node));
		quick.extend(of_this_block(slow, T::Clock::now(), Self::block() as usize));
		let done = quick.into_iter().filter_map(|due| Self::attend_to(provider, due, node));
		done.take(most as usize).collect()
	}

	fn is_voluntary(_: &Done) -> bool {
		// It was drawn, or its result was.
		false
	}

	fn is_live(provider: &T::AccountId, done: &Done) -> bool {
		let (case, number) = done.about();
		if !Wanted::<T>::contains_key(provider, (case, number)) {
			return false;
		}
		let Some(panel) = Panels::<T>::get(case, number) else { return false };
		let said = panel.place_of(provider).map(|place| panel.members[place].said);
		match (done, panel.stage) {
			(Done::Commit { draw, .. } | Done::Abstain { draw, .. }, Stage::Committing { .. }) => {
				said == Some(Said::Nothing) && *draw == draw_of(&panel.seed)
			}
			(Done::Open { .. }, Stage::Opening { .. }) => said.is_none(),
			(Done::Reveal { .. }, Stage::Revealing { .. }) => {
				matches!(said, Some(Said::Committed(_)))
			}
			_ => false,
		}
	}

	fn weight(done: &Done) -> Weight {
		match done {
			Done::Commit { .. } | Done::Abstain { .. } => T::WeightInfo::commit(),
			Done::Open { .. } => T::WeightInfo::open(),
			Done::Reveal { .. } => T::WeightInfo::reveal(),
		}
	}

	fn perform(provider: &T::AccountId, done: Done) -> DispatchResult {
		match done {
			Done::Commit { case, panel, draw, commitment } => {
				let said = Said::Committed(commitment);
				Self::take_commitment(provider, case, panel, draw, said)
			}
			Done::Abstain { case, panel, draw } => {
				Self::take_commitment(provider, case, panel, draw, Said::Abstained)
			}
			Done::Open { case, panel, leaves, siblings } => {
				Self::open_leaves(provider, case, panel, leaves.into(), siblings.into())
			}
			Done::Reveal { case, panel, salt, leaves } => {
				Self::take_reveal(provider, case, panel, salt, leaves.map(Into::into))
			}
		}
	}
}

impl<AccountId> Due<AccountId> {
	/// What is quick and cannot wait comes first, and of that what ends first.
	fn urgency(&self) -> (u8, Moment) {
		match self {
			Self::Open { until, .. } => (0, *until),
			Self::Reveal { until, .. } => (1, *until),
			Self::Serve { .. } => (2, 0),
			Self::Commit { until, .. } => (3, *until),
		}
	}

	/// Of which panel it is.
	const fn panel(&self) -> (PartOfTask, u8) {
		match self {
			Self::Commit { case, panel, .. }
			| Self::Open { case, panel, .. }
			| Self::Serve { case, panel, .. }
			| Self::Reveal { case, panel, .. } => (*case, *panel),
		}
	}

	/// Whether nothing is waited for any more.
	const fn ends_soon(&self, now: Moment) -> bool {
		matches!(self, Self::Commit { until, .. } if in_last_moments(now, *until))
	}
}

/// What is attended to in a block, of what takes long: first what ends soon, of which there has to be a word in time, in
/// turn; then the rest, in an order that is the same for all members. Who has more than can be done in time does what the others
/// do as well, and some panels are complete instead of none. After some time it is another order, so that nothing waits for what
/// does not come.
fn of_this_block<A>(slow: Vec<Due<A>>, now: Moment, block: usize) -> Vec<Due<A>> {
	let (mut attended, mut rest): (Vec<_>, Vec<_>) =
		slow.into_iter().partition(|due| due.ends_soon(now));
	let turn = (block * SLOW_DUTIES).checked_rem(attended.len()).unwrap_or(0);
	attended.rotate_left(turn);
	rest.sort_by_cached_key(|due| (now / SPAN, due.panel()).using_encoded(Blake2::hash));
	attended.extend(rest);
	attended.truncate(SLOW_DUTIES);
	attended
}

impl<T: Config> Pallet<T> {
	/// Whether something is a word with the executor and no more: what was computed before, too.
	fn is_quick(due: &Due<T::AccountId>, node: &dyn Node) -> bool {
		match due {
			Due::Open { .. } | Due::Reveal { .. } => true,
			Due::Commit { case, panel, seed, .. } => Self::is_computed(*case, *panel, seed, node),
			Due::Serve { .. } => false,
		}
	}

	/// Everything that is due of somebody, most urgent first.
	fn all_due(who: &T::AccountId) -> Vec<Due<T::AccountId>> {
		let wanted = Wanted::<T>::iter_key_prefix(who);
		let mut due: Vec<_> =
			wanted.filter_map(|(case, panel)| Self::due_in(who, case, panel)).collect();
		due.sort_by_key(Due::urgency);
		due
	}

	/// What a panel wants of somebody.
	fn due_in(who: &T::AccountId, id: PartOfTask, number: u8) -> Option<Due<T::AccountId>> {
		let (case, panel) = (Self::case(id).ok()?, Self::panel(id, number).ok()?);
		let place = panel.place_of(who);
		let said = place.map(|place| panel.members[place].said);
		match (panel.stage, place) {
			(Stage::Committing { until }, Some(place)) if said == Some(Said::Nothing) => {
				let units = panel.units(&case).swap_remove(place);
				let seed = panel.seed;
				let kind = panel.kind;
				Some(Due::Commit { case: id, panel: number, kind, of: case, units, seed, until })
			}
			(Stage::Committing { .. }, None) if case.provider == *who => {
				// Whoever judges a unit begins where the job does.
				let round = panel.kind == Kind::Round;
				let mut units = if round { panel.units(&case) } else { Vec::new() }.into_iter();
				let to = panel.members.iter().filter_map(|member| {
					let units = units.next().unwrap_or_default();
					Some((T::Registry::endpoint(&member.who)?.key, units))
				});
				let to = to.collect();
				Some(Due::Serve { case: id, panel: number, to, seed: panel.seed })
			}
			(Stage::Opening { until }, None) if case.provider == *who => {
				let units = panel.to_open(&case);
				Some(Due::Open { case: id, panel: number, units, until })
			}
			(Stage::Revealing { until }, Some(place))
				if matches!(said, Some(Said::Committed(_))) =>
			{
				let units = panel.units(&case).swap_remove(place);
				let opened = match case.subject {
					Subject::Claim(_) => Vec::new(),
					Subject::Root(_) => panel.opened(&units)?,
				};
				Some(Due::Reveal { case: id, panel: number, opened, seed: panel.seed, until })
			}
			_ => None,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn wanted(tasks: impl Iterator<Item = u64>, now: Moment) -> Vec<u64> {
		let due = tasks.map(|task| {
			let case = PartOfTask { task, attempt: 0, part: 0 };
			Due::<u64>::Serve { case, panel: 0, to: Vec::new(), seed: [0; 32] }
		});
		let attended = of_this_block(due.collect(), now, now as usize);
		attended.iter().map(|due| due.panel().0.task).collect()
	}

	#[test]
	fn members_do_the_same_first_and_in_time_something_else() {
		let ours = wanted(0..200, 8);
		// Others are members of other panels, too, and have theirs in another order.
		let theirs = wanted((100..300).rev(), 8);
		let common = |of: &[u64]| -> Vec<u64> {
			of.iter().copied().filter(|task| (100..200).contains(task)).collect()
		};
		let (ours, theirs) = (common(&ours), common(&theirs));
		let shared = ours.len().min(theirs.len());
		assert!(shared > 2);
		assert_eq!(ours[..shared], theirs[..shared]);
		assert_eq!(wanted(0..200, 15), wanted(0..200, 8));
		assert_ne!(wanted(0..200, 16), wanted(0..200, 8));
	}
}
