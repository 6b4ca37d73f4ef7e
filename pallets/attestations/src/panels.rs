//! Drawing panels from the seats.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};

use frame_support::traits::Get;
use ogpu_primitives::{
	market::{
		GroupId,
		draw::{PANEL_STREAM, Shuffle, seed},
	},
	merkle::{Blake2, Hash},
};
use ogpu_traits::{Clock, PartOfTask, SeatTable};

use crate::{
	Case, Cases, Config, Event, Kind, Member, Pallet, Panel, Panels, Said, Served, Service, Stage,
	Wanted, vrf::BLOCKS,
};

/// The most seats that are looked at for one panel.
pub const MAX_LOOKS: usize = 256;

/// How members have served in a case before they are drawn; lower ones are taken first.
const IS_FRESH: u8 = 0;
const HAS_SERVED: u8 = 1;
const HAS_JUDGED: u8 = 2;

impl<T: Config> Pallet<T> {
	/// Begins a panel: it is drawn by the blocks after this one.
	pub(crate) fn begin(id: PartOfTask, case: &mut Case<T::AccountId>, kind: Kind) {
		let number = case.next_panel;
		case.next_panel = number.saturating_add(1);
		if kind == Kind::Round {
			case.rounds = case.rounds.saturating_add(1);
			case.running = case.running.saturating_add(1);
		}
		let trigger = Self::block();
		Panels::<T>::insert(id, number, Panel::new(kind, trigger));
		// The output of the last block is known in the one after it.
		Self::remind_of_draw(trigger.saturating_add(BLOCKS + 1), id, number);
	}

	/// Draws a panel, if the blocks since its trigger are enough. At how many seats it has looked.
	pub(crate) fn draw(id: PartOfTask, number: u8) -> u32 {
		let (Some(case), Some(mut panel)) =
			(Cases::<T>::get((id.task, id.attempt), id.part), Panels::<T>::get(id, number))
		else {
			return 0;
		};
		if panel.stage != Stage::Drawing {
			return 0;
		}
		// Its own operator comes first among those that are barred.
		let own = case.barred.first().copied();
		let Some(vrfs) = Self::vrfs_since(panel.trigger, own.as_slice()) else {
			Self::remind_of_draw(Self::block().saturating_add(1), id, number);
			return 0;
		};
		panel.seed = seed::<Blake2>(&(id, number), &vrfs);
		let size = panel.kind.size(case.tier);
		let (members, looks) = Self::seats_drawn(id, &case, panel.kind, &panel.seed, size);
		let fresh = members.iter().any(|(_, _, rank)| *rank < HAS_JUDGED);
		let too_few = (members.len() as u32) < T::Rules::get().least.get();
		let second =
			matches!(panel.kind, Kind::Dispute { second: true, .. } | Kind::Claim { second: true });
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
					Kind::Dispute { unit, .. } => service.judged = Some(unit),
					Kind::Claim { .. } | Kind::Final => service.judged = Some(u32::MAX),
				}
			});
			Wanted::<T>::insert(&who, (id, number), ());
			let added = panel.members.try_push(Member { who, said: Said::Nothing });
			frame_support::defensive_assert!(added.is_ok(), "no panel is larger than the largest");
		}
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
	fn time_to_commit(case: &Case<T::AccountId>, kind: Kind) -> u32 {
		use ogpu_primitives::market::verification::Shape;
		let each = match kind {
			Kind::Round => case.tier.units_per_member(case.units),
			Kind::Dispute { .. } | Kind::Final | Kind::Claim { .. } => 1,
		};
		let work = match case.shape {
			Shape::Parallel => {
				u64::from(case.time).saturating_mul(each.into()).div_ceil(case.units.max(1).into())
			}
			// Members begin at the first state.
			Shape::Iterative => case.time.into(),
		};
		T::Rules::get().commit.get().saturating_add(u32::try_from(work).unwrap_or(u32::MAX))
	}

	/// Members for a panel with their operators, of which each has one, in the order of the draw. Where there
	/// are too few others, those come after them who have served in this case before, and last those who
	/// [have judged the same](HAS_JUDGED). And at how many seats it has looked.
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
			.filter_map(|dispute| T::Seats::verifier(&dispute.challenger, &case.requirements))
			.collect();
		let same = |judged: u32| match kind {
			Kind::Dispute { unit, .. } => judged == unit,
			Kind::Round => false,
			Kind::Claim { .. } | Kind::Final => true,
		};
		let mut groups = BTreeSet::new();
		let mut looks = 0;
		let mut found = BTreeMap::<u8, Vec<_>>::new();
		for seat in Shuffle::<Blake2>::new(seed, PANEL_STREAM, T::Seats::seats()).take(MAX_LOOKS) {
			looks += 1;
			let Some(who) = T::Seats::holder(seat) else { continue };
			let Some(group) = T::Seats::verifier(&who, &case.requirements) else { continue };
			let barred = case.barred.contains(&group) || challengers.contains(&group);
			if barred || !groups.insert(group) {
				continue;
			}
			let rank = match Served::<T>::get(id, group) {
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
