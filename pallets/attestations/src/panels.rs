//! Drawing panels from the seats.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};

use frame_support::{BoundedVec, traits::Get};
use ogpu_primitives::{
	market::{
		GroupId,
		draw::{PANEL_STREAM, Shuffle},
		verification::{Shape, Tier},
	},
	merkle::{Blake2, Hash},
};
use ogpu_traits::{Claim, Clock, MAX_LOOKS, PartOfTask, Registry, SeatTable};

use crate::{
	Case, Config, Event, Kind, Member, Pallet, Panel, Panels, Places, Said, Served, Service, Stage,
	Subject, Wanted,
};

/// How members have to do with a case before they are drawn; lower ones are taken first.
const IS_FRESH: u8 = 0;
const HAS_SERVED: u8 = 1;
const HAS_RACED: u8 = 2;
const HAS_JUDGED: u8 = 3;
/// It says itself that the unit is false. Where nobody else is left, what it has computed counts all the same.
const HAS_CHALLENGED: u8 = 4;

/// Market blocks for the states from which segments start, which their provider hands over.
const HANDING: u32 = 10;
/// And one more for so many bytes of memory that the job may use, as a power of two: 16 MiB.
const HANDED_IN_BLOCK: u32 = 24;

/// Stages of claims about inputs that cannot be had last so many times as long: fetching takes its time.
const FETCHING: u32 = 20;

impl<T: Config> Pallet<T> {
	/// Begins a panel: it is drawn by the blocks after this one.
	pub(crate) fn begin(id: PartOfTask, case: &mut Case<T::AccountId>, kind: Kind) {
		Self::begin_after(Self::block(), id, case, kind);
	}

	/// Begins a panel that is drawn by the blocks after `trigger`.
	pub(crate) fn begin_after(
		trigger: u32,
		id: PartOfTask,
		case: &mut Case<T::AccountId>,
		kind: Kind,
	) {
		let number = case.next_panel;
		case.next_panel = number.saturating_add(1);
		if kind == Kind::Round {
			case.rounds = case.rounds.saturating_add(1);
			case.running = case.running.saturating_add(1);
		}
		Panels::<T>::insert(id, number, Panel::new(kind, trigger));
		// The output of the last block is known in the one after it. What is due in this one is being served.
		let due = trigger.saturating_add(case.enough(kind).blocks + 1);
		Self::remind_of_draw(due.max(Self::block().saturating_add(1)), id, number);
	}

	/// Draws a panel, if the blocks since its trigger are enough. At how many seats it has looked.
	pub(crate) fn draw(id: PartOfTask, number: u8) -> u32 {
		let (Ok(mut case), Ok(mut panel)) = (Self::case(id), Self::panel(id, number)) else {
			return 0;
		};
		if panel.stage != Stage::Drawing {
			return 0;
		}
		// Its own operator comes first among those that are barred.
		let own = case.barred.first().copied();
		let enough = case.enough(panel.kind);
		let found = Self::seeds((id, number), panel.trigger, enough, own.as_slice());
		let Some((seed, earlier)) = found.as_deref().and_then(<[Hash]>::split_last) else {
			Self::remind_of_draw(Self::block().saturating_add(1), id, number);
			return 0;
		};
		panel.seed = *seed;
		if panel.kind == Kind::Round {
			panel.earlier = BoundedVec::truncate_from(earlier.to_vec());
			if case.asked.is_some() {
				if case.is_light(&panel.seed) {
					case.tier = Tier::Light;
				}
				case.asked = None;
				// The other rounds of a tier that was asked for begin now.
				Self::go_on_after(panel.trigger, id, case);
				let Ok(found) = Self::case(id) else { return 0 };
				case = found;
			}
		}
		let size = panel.kind.size(case.tier);
		let (members, looks) = Self::seats_drawn(id, &case, panel.kind, &panel.seed, size);
		let fresh = members.iter().any(|(_, _, rank)| *rank < HAS_JUDGED);
		let too_few = (members.len() as u32) < T::Rules::get().least.get().min(size);
		let second = matches!(
			panel.kind,
			Kind::Dispute { second: true, .. } | Kind::Claim { second: true } | Kind::Appeal { .. }
		);
		if too_few || second && !fresh {
			panel.stage = Stage::Done;
			Panels::<T>::insert(id, number, panel);
			Self::cannot_be_judged(id, case, number);
			return looks;
		}
		for (who, group, _) in members {
			Served::<T>::mutate(id, group, |service| {
				let service = service.get_or_insert(Service { judged: None });
				match panel.kind {
					Kind::Round => {}
					Kind::Dispute { unit, .. } | Kind::Appeal { unit } => {
						service.judged = Some(unit)
					}
					Kind::Claim { .. } | Kind::Final => service.judged = Some(u32::MAX),
				}
			});
			Wanted::<T>::insert(&who, (id, number), ());
			let added = panel.members.try_push(Member { who, said: Said::Nothing });
			frame_support::defensive_assert!(added.is_ok(), "no panel is larger than the largest");
		}
		if matches!(case.subject, Subject::Root(_)) {
			// It gives them what they recompute with, and opens what they are drawn for.
			Wanted::<T>::insert(&case.provider, (id, number), ());
		}
		let places = panel.members.len() as u32;
		Places::<T>::mutate(id.task, |kept| *kept = kept.saturating_add(places));
		let until = T::Clock::now().saturating_add(Self::time_to_commit(&case, panel.kind));
		Self::deposit_event(Event::Drawn {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			panel: number,
			members: panel.members.iter().map(|member| member.who.clone()).collect(),
			until,
		});
		Self::enter(id, number, &mut panel, Stage::Committing { until });
		Panels::<T>::insert(id, number, panel);
		looks
	}

	/// Market blocks in which members compute and commit: as long as the provider may take for as much, and
	/// some for the way.
	pub(crate) fn time_to_commit(case: &Case<T::AccountId>, kind: Kind) -> u32 {
		let own = T::Rules::get().commit.get();
		let each = u64::from(kind.units_each(case.tier, case.units));
		let units = u64::from(case.time).saturating_mul(each).div_ceil(case.units.max(1).into());
		let units = u32::try_from(units).unwrap_or(u32::MAX);
		let work = match (case.subject, case.shape) {
			(Subject::Claim(Claim::Unavailable), _) => return own.saturating_mul(FETCHING),
			// A job may be at fault in one unit alone: judges run all of it.
			(Subject::Claim(Claim::Rejected | Claim::Endless), _) => case.time,
			// Units may start from states that the provider hands over. Who is not given them, or doubts them, has
			// as long as from the beginning of the job.
			(Subject::Root(_), Shape::Iterative) if kind == Kind::Round => {
				let memory = u32::from(case.requirements.memory).saturating_sub(HANDED_IN_BLOCK);
				let handing = HANDING.saturating_add(1u32.checked_shl(memory).unwrap_or(u32::MAX));
				handing.saturating_add(units).saturating_add(case.time)
			}
			(Subject::Root(_), Shape::Iterative) => case.time,
			(Subject::Root(_), Shape::Parallel) => units,
		};
		own.saturating_add(work)
	}

	/// Members for a panel with their operators, of which each has one, in the order of the draw. Where there
	/// are too few others, those come after them who have to do with the case, in the order of the constants above.
	/// And at how many seats it has looked.
	fn seats_drawn(
		id: PartOfTask,
		case: &Case<T::AccountId>,
		kind: Kind,
		seed: &Hash,
		size: u32,
	) -> (Vec<(T::AccountId, GroupId, u8)>, u32) {
		let challengers: BTreeSet<GroupId> = case
			.disputes
			.iter()
			.filter(|dispute| kind.unit() == Some(dispute.unit))
			.filter_map(|dispute| T::Registry::group(&dispute.challenger))
			.collect();
		let same = |judged: u32| match kind {
			Kind::Dispute { unit, .. } => judged == unit,
			// Whoever judged a claim, or sat in a final panel, judged what is appealed.
			Kind::Appeal { unit } => judged == unit || judged == u32::MAX,
			Kind::Round => false,
			Kind::Claim { .. } | Kind::Final => true,
		};
		let mut groups = BTreeSet::new();
		let mut looks = 0;
		let mut found = BTreeMap::<u8, Vec<_>>::new();
		for seat in
			Shuffle::<Blake2>::new(seed, PANEL_STREAM, T::Seats::seats()).take(MAX_LOOKS as usize)
		{
			looks += 1;
			let Some(who) = T::Seats::holder(seat) else { continue };
			let Some(group) = T::Seats::verifier(&who, &case.requirements) else { continue };
			let own = who == case.provider || who == case.client;
			if own || case.barred.contains(&group) || !groups.insert(group) {
				continue;
			}
			let rank = match Served::<T>::get(id, group) {
				_ if challengers.contains(&group) => HAS_CHALLENGED,
				None if case.racers.contains(&group) => HAS_RACED,
				None => IS_FRESH,
				Some(Service { judged: Some(judged) }) if same(judged) => HAS_JUDGED,
				Some(_) => HAS_SERVED,
			};
			let of_rank = found.entry(rank).or_default();
			of_rank.push((who, group, rank));
			if rank == IS_FRESH && of_rank.len() as u32 == size {
				break;
			}
		}
		(found.into_values().flatten().take(size as usize).collect(), looks)
	}
}
