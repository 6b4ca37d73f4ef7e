//! What members and the provider say, and what ends a panel: everybody has spoken, or time is over.

use alloc::vec::Vec;

use frame_support::{BoundedVec, ensure, pallet_prelude::DispatchResult, traits::Get};
use ogpu_primitives::{
	market::tally::{commitment, disputed},
	merkle::{Blake2, Hash, Multiproof, verify},
};
use ogpu_traits::{Clock, PartOfTask, genesis};

use crate::{
	Case, Cases, Config, Dispute, Draw, Error, Event, Kind, Pallet, Panel, Panels, REFUSED, Said,
	Stage, Subject, UPHELD, Wanted, draw_of,
};

/// How many times as long a provider has for opening a result that was found valid before.
const LATE_OPENING: u32 = 20;

impl<T: Config> Pallet<T> {
	pub(crate) fn case(id: PartOfTask) -> Result<Case<T::AccountId>, Error<T>> {
		Cases::<T>::get((id.task, id.attempt), id.part).ok_or(Error::<T>::NoSuchCase)
	}

	pub(crate) fn panel(id: PartOfTask, number: u8) -> Result<Panel<T::AccountId>, Error<T>> {
		Panels::<T>::get(id, number).ok_or(Error::<T>::NoSuchPanel)
	}

	/// Has a panel enter a stage, which is left at its deadline at the latest.
	pub(crate) fn enter(id: PartOfTask, number: u8, panel: &mut Panel<T::AccountId>, stage: Stage) {
		panel.stage = stage;
		if let Some(until) = panel.until() {
			Self::remind_of_deadline(until, id, number);
		}
	}

	/// Takes a member's word that is not to be known yet, or that it cannot say anything.
	pub(crate) fn take_commitment(
		who: &T::AccountId,
		id: PartOfTask,
		number: u8,
		draw: Draw,
		said: Said,
	) -> DispatchResult {
		let case = Self::case(id)?;
		let mut panel = Self::panel(id, number)?;
		ensure!(matches!(panel.stage, Stage::Committing { .. }), Error::<T>::WrongStage);
		let place = panel.place_of(who).ok_or(Error::<T>::NotMember)?;
		ensure!(panel.members[place].said == Said::Nothing, Error::<T>::SaidBefore);
		ensure!(draw == draw_of(&panel.seed), Error::<T>::OtherDraw);
		panel.members[place].said = said;
		if said == Said::Abstained {
			Wanted::<T>::remove(who, (id, number));
		}
		Self::deposit_event(Event::Committed {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			panel: number,
			member: who.clone(),
			abstains: said == Said::Abstained,
		});
		if panel.members.iter().all(|member| member.said != Said::Nothing) {
			if panel.has_commitments() {
				Self::end_commitments(id, number, case, panel);
				return Ok(());
			}
			Self::end_soon(id, number, &mut panel);
		}
		Panels::<T>::insert(id, number, panel);
		Ok(())
	}

	/// Goes on when all have committed, or time is over for those who have not.
	fn end_commitments(
		id: PartOfTask,
		number: u8,
		case: Case<T::AccountId>,
		mut panel: Panel<T::AccountId>,
	) {
		for member in &mut panel.members {
			if member.said == Said::Nothing {
				member.said = Said::Absent;
				Self::penalise_absence(&member.who, &case, panel.kind);
				Wanted::<T>::remove(&member.who, (id, number));
			}
		}
		if !panel.has_commitments() {
			return Self::finish(id, number, case, panel);
		}
		let now = T::Clock::now();
		let rules = T::Rules::get();
		let known = panel.kind.unit().and_then(|unit| {
			let mut of_unit = case.disputes.iter().filter(|dispute| dispute.unit == unit);
			of_unit.find_map(|dispute| dispute.opened).map(|leaf| (unit, leaf))
		});
		let asks = matches!(case.subject, Subject::Root(_)) && known.is_none();
		if let Some(known) = known {
			panel.opened = BoundedVec::truncate_from(alloc::vec![known]);
			Wanted::<T>::remove(&case.provider, (id, number));
		}
		if asks {
			// Who thought that it was done gets time to come back.
			let times = if case.was_valid { LATE_OPENING } else { 1 };
			let until = now.saturating_add(rules.open.get().saturating_mul(times));
			Self::enter(id, number, &mut panel, Stage::Opening { until });
		} else {
			let until = now.saturating_add(rules.reveal.get());
			Self::enter(id, number, &mut panel, Stage::Revealing { until });
		}
		Panels::<T>::insert(id, number, panel);
	}

	/// Takes the leaves that the provider opens: of all units that members have committed to, in ascending
	/// order, and what proves them under the root.
	pub(crate) fn open_leaves(
		who: &T::AccountId,
		id: PartOfTask,
		number: u8,
		leaves: Vec<Hash>,
		siblings: Vec<Hash>,
	) -> DispatchResult {
		let case = Self::case(id)?;
		ensure!(case.provider == *who, Error::<T>::NotProvider);
		let mut panel = Self::panel(id, number)?;
		ensure!(matches!(panel.stage, Stage::Opening { .. }), Error::<T>::WrongStage);
		let Subject::Root(root) = case.subject else { return Err(Error::<T>::WrongStage.into()) };
		let units = panel.to_open(&case);
		ensure!(units.len() == leaves.len(), Error::<T>::WrongLeaves);
		let opened: Vec<(u32, Hash)> = units.into_iter().zip(leaves).collect();
		verify::<Blake2>(&root, case.units, &opened, &Multiproof { siblings })
			.map_err(|_| Error::<T>::WrongLeaves)?;
		panel.opened = opened.try_into().map_err(|_| Error::<T>::WrongLeaves)?;
		Wanted::<T>::remove(&case.provider, (id, number));
		Self::deposit_event(Event::Opened {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			panel: number,
		});
		let until = T::Clock::now().saturating_add(T::Rules::get().reveal.get());
		Self::enter(id, number, &mut panel, Stage::Revealing { until });
		Panels::<T>::insert(id, number, panel);
		Ok(())
	}

	/// Takes what a member has computed: `own` leaves, or the opened ones if it gives none.
	pub(crate) fn take_reveal(
		who: &T::AccountId,
		id: PartOfTask,
		number: u8,
		salt: Hash,
		own: Option<Vec<Hash>>,
	) -> DispatchResult {
		let mut case = Self::case(id)?;
		let mut panel = Self::panel(id, number)?;
		ensure!(matches!(panel.stage, Stage::Revealing { .. }), Error::<T>::WrongStage);
		let place = panel.place_of(who).ok_or(Error::<T>::NotMember)?;
		let Said::Committed(committed) = panel.members[place].said else {
			return Err(Error::<T>::SaidBefore.into());
		};
		let units = panel.units(&case).swap_remove(place);
		let matches = |leaves: &[(u32, Hash)]| {
			commitment::<Blake2>(&genesis::<T>(), &(id, number), who, &salt, leaves) == committed
		};
		let said = match (case.subject, own) {
			(Subject::Claim(_), own) => {
				let vote =
					own.and_then(|own| own.first().copied()).ok_or(Error::<T>::WrongLeaves)?;
				ensure!([UPHELD, REFUSED].contains(&vote), Error::<T>::WrongLeaves);
				ensure!(matches(&[(0, vote)]), Error::<T>::WrongOpening);
				if vote == UPHELD { Said::Agreed } else { Said::Differed(vote) }
			}
			(Subject::Root(_), own) => {
				let opened = panel.opened(&units).ok_or(Error::<T>::WrongStage)?;
				let own = match own {
					None => opened.clone(),
					Some(own) => {
						ensure!(own.len() == units.len(), Error::<T>::WrongLeaves);
						units.into_iter().zip(own).collect()
					}
				};
				ensure!(matches(&own), Error::<T>::WrongOpening);
				match disputed(&opened, &own).first() {
					None => Said::Agreed,
					Some(unit) => {
						if panel.kind == Kind::Round {
							let opened = opened.iter().find(|(of, _)| of == unit);
							let opened = opened.map(|(_, leaf)| *leaf);
							let challenger = who.clone();
							let dispute = Dispute { challenger, unit: *unit, opened, lock: None };
							Self::add_dispute(id, &mut case, dispute)?;
						}
						let own = own.iter().find(|(of, _)| of == unit);
						Said::Differed(own.map_or([0; 32], |(_, leaf)| *leaf))
					}
				}
			}
		};
		panel.members[place].said = said;
		Wanted::<T>::remove(who, (id, number));
		Self::deposit_event(Event::Revealed {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			panel: number,
			member: who.clone(),
			agrees: said == Said::Agreed,
		});
		if !panel.has_commitments() {
			Self::end_soon(id, number, &mut panel);
		}
		Panels::<T>::insert(id, number, panel);
		Self::keep(id, case);
		Ok(())
	}

	/// Has a stage end in which everybody has spoken. What follows may be the end of a task: the agenda has the
	/// weight for that, at the end of the block if it has room.
	fn end_soon(id: PartOfTask, number: u8, panel: &mut Panel<T::AccountId>) {
		let until = T::Clock::now().saturating_sub(1);
		panel.stage = match panel.stage {
			Stage::Committing { .. } => Stage::Committing { until },
			Stage::Revealing { .. } => Stage::Revealing { until },
			other => other,
		};
		Self::remind_of_end(id, number);
	}

	/// Looks at a panel whose stage may have ended.
	pub(crate) fn stage_over(id: PartOfTask, number: u8) {
		let (Ok(case), Ok(mut panel)) = (Self::case(id), Self::panel(id, number)) else { return };
		if panel.until().is_none_or(|until| until >= T::Clock::now()) {
			return;
		}
		match panel.stage {
			Stage::Committing { .. } => Self::end_commitments(id, number, case, panel),
			Stage::Opening { .. } => Self::not_opened(id, number, case, panel),
			Stage::Revealing { .. } => {
				for member in &mut panel.members {
					if matches!(member.said, Said::Committed(_)) {
						member.said = Said::Absent;
						Self::penalise_absence(&member.who, &case, panel.kind);
					}
				}
				Self::finish(id, number, case, panel);
			}
			Stage::Drawing | Stage::Done => {}
		}
	}

	/// Keeps a case.
	pub(crate) fn keep(id: PartOfTask, case: Case<T::AccountId>) {
		Cases::<T>::insert((id.task, id.attempt), id.part, case);
	}

	/// Ends a panel: its members are wanted no longer, and what they came to counts.
	pub(crate) fn finish(
		id: PartOfTask,
		number: u8,
		case: Case<T::AccountId>,
		mut panel: Panel<T::AccountId>,
	) {
		panel.stage = Stage::Done;
		Self::release_members(id, number, &case, &panel);
		Panels::<T>::insert(id, number, &panel);
		match panel.kind {
			Kind::Round => Self::count_round(id, case, panel),
			Kind::Dispute { .. } | Kind::Claim { .. } | Kind::Final | Kind::Appeal { .. } => {
				Self::count_votes(id, case, panel);
			}
		}
	}

	/// Notes that nobody of a panel is waited for any more.
	pub(crate) fn release_members(
		id: PartOfTask,
		number: u8,
		case: &Case<T::AccountId>,
		panel: &Panel<T::AccountId>,
	) {
		for member in &panel.members {
			Wanted::<T>::remove(&member.who, (id, number));
		}
		Wanted::<T>::remove(&case.provider, (id, number));
	}
}
