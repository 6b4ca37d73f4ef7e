//! Appeals: what was decided against somebody is judged once more, by a larger panel than before.
//!
//! Whoever is convicted, or whose task was found at fault, may appeal as long as nothing was carried out, and locks
//! what the judges cost. Twenty-one judge, of whom fourteen overturn; with fewer members two thirds of them. A panel
//! that nobody could join who has not judged before would say the same again, and is not drawn.

use alloc::vec::Vec;

use frame_support::{defensive, ensure, pallet_prelude::DispatchResult};
use ogpu_primitives::{
	Balance,
	market::{TaskId, reputation::Aspect},
};
use ogpu_traits::{
	Beneficiaries, Collateral, Decision, LockId, PartOfTask, Purpose, Reason, Registry, Verdict,
	unpaid,
};

use crate::{
	Appeal, Case, Cases, Config, Decided, Error, Event, Kind, Pallet, Phase, REFUSED, Said,
	Subject, verdicts::Tally,
};

/// The last attempt that there may be at a task.
const MAX_ATTEMPT: u8 = 32;

/// Judges for whom it changes something that a verdict is overturned.
struct JudgedBefore<AccountId> {
	/// They were paid for what is wrong.
	wrong: Vec<AccountId>,
	/// They lost something for what is right.
	right: Vec<AccountId>,
}

impl<T: Config> Pallet<T> {
	/// Whom a case may be, or was, decided against: the provider of a result, the client of a task.
	pub(crate) const fn appellant(case: &Case<T::AccountId>) -> Option<&T::AccountId> {
		match (case.phase, case.subject) {
			(Phase::Decided(_), Subject::Root(_)) => Some(&case.provider),
			(Phase::Decided(_), Subject::Claim(_)) => Some(&case.client),
			_ => None,
		}
	}

	/// What of a task somebody may appeal against.
	pub(crate) fn appealable_by(task: TaskId, who: &T::AccountId) -> Vec<PartOfTask> {
		let all = (0..=MAX_ATTEMPT).flat_map(|attempt| {
			let parts = Cases::<T>::iter_prefix((task, attempt));
			parts.map(move |(part, case)| (PartOfTask { task, attempt, part }, case))
		});
		let open = all.filter(|(_, case)| match case.phase {
			Phase::Decided(decided) => decided.judged && decided.appeal == Appeal::None,
			_ => false,
		});
		open.filter(|(_, case)| Self::appellant(case) == Some(who)).map(|(of, _)| of).collect()
	}

	/// Takes an appeal.
	pub(crate) fn take_appeal(who: T::AccountId, id: PartOfTask) -> DispatchResult {
		let mut case = Self::case(id)?;
		let Phase::Decided(decided) = case.phase else {
			return Err(Error::<T>::NotAppealable.into());
		};
		ensure!(Self::appellant(&case) == Some(&who), Error::<T>::NotConcerned);
		// Whoever has not opened what was drawn could open one of it now, and be silent about the rest.
		ensure!(decided.judged, Error::<T>::NotJudged);
		ensure!(decided.appeal == Appeal::None, Error::<T>::AppealedBefore);
		let lock = Self::lock_for_dispute(&who, &case)?;
		case.phase = Phase::Decided(Decided { appeal: Appeal::Judged { lock }, ..decided });
		Self::begin(id, &mut case, Kind::Appeal { unit: decided.unit });
		Self::keep(id, case);
		Self::deposit_event(Event::Appealed {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			appellant: who,
		});
		Ok(())
	}

	/// Releases what whoever appeals has locked.
	pub(crate) fn release_appeal(case: &Case<T::AccountId>) {
		let appeal = Self::appellant(case).zip(case.phase.appeal());
		if let Some((who, Appeal::Judged { lock })) = appeal {
			Self::release(who, lock);
		}
	}

	/// An appeal came to nothing: whoever appealed pays those who judged, if anybody did.
	pub(crate) fn appeal_lost(
		id: PartOfTask,
		mut case: Case<T::AccountId>,
		judges: Vec<(T::AccountId, Balance)>,
	) {
		let (Some(who), Phase::Decided(decided)) = (Self::appellant(&case).cloned(), case.phase)
		else {
			defensive!("only what is decided is appealed");
			return;
		};
		if let Appeal::Judged { lock } = decided.appeal {
			let lock = LockId::new(Purpose::Dispute, lock);
			let wanted = judges.iter().map(|(_, fee)| *fee).fold(0, Balance::saturating_add);
			let mut to = Beneficiaries::treasury();
			to.panel = judges;
			T::Collateral::slash(&who, lock, wanted, to, Reason::AppealLost);
		}
		Self::release_appeal(&case);
		case.phase = Phase::Decided(Decided { appeal: Appeal::Lost, ..decided });
		Self::keep(id, case);
		Self::deposit_event(Event::AppealLost {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
		});
	}

	/// An appeal was right: those who were wrong before pay, as far as they can, those who judge now, and then the judges who were
	/// contradicted for what is right, who get back what that costs with their fee. Whoever affirmed it in a round has earned its
	/// fee after all.
	pub(crate) fn overturn(
		id: PartOfTask,
		mut case: Case<T::AccountId>,
		judges: Vec<(T::AccountId, Balance)>,
	) {
		let Phase::Decided(decided) = case.phase else {
			defensive!("only what is decided is appealed");
			return;
		};
		Self::release_appeal(&case);
		case.phase = Phase::Decided(Decided { appeal: Appeal::Lost, ..decided });
		let mut unpaid_judges = judges;
		for dispute in core::mem::take(&mut case.disputes) {
			unpaid_judges = Self::challenged_wrongly(&case, &dispute, unpaid_judges);
		}
		let loss = Self::minority_loss(&case);
		let JudgedBefore { wrong, right } = Self::judged_before(id, &case, decided.unit);
		for who in &right {
			T::Registry::see(who, Aspect::Disputes, 0, 1000);
		}
		let regained = case.unit_fee.saturating_add(loss);
		let mut owed: Vec<_> = right.into_iter().map(|who| (who, regained)).collect();
		for who in wrong {
			let mut to = Beneficiaries::treasury();
			to.panel = [unpaid_judges.clone(), owed.clone()].concat();
			let paid = T::Collateral::slash_liable(&who, loss, to, Reason::Contradicted).panel;
			let of_judges = unpaid_judges.iter().map(|(_, fee)| *fee).sum::<Balance>().min(paid);
			unpaid_judges = unpaid(unpaid_judges, of_judges);
			owed = unpaid(owed, paid - of_judges);
			T::Registry::see(&who, Aspect::Disputes, 0, 0);
		}
		Self::earn_all(id, unpaid_judges);
		let fee = case.fee(Kind::Round);
		let affirmed = Self::affirmed(id, &case, decided).into_iter();
		Self::earn_all(id, affirmed.map(|who| (who, fee)).collect());
		Self::keep(id, case);
		Self::hand_over(id, Decision::bare(Verdict::Overturned));
	}

	/// What became of judges who said something before of what was overturned, of this unit.
	fn judged_before(
		id: PartOfTask,
		case: &Case<T::AccountId>,
		unit: u32,
	) -> JudgedBefore<T::AccountId> {
		let panels = Self::panels(id, case).map(|(_, panel)| panel);
		let before = panels.filter(|panel| match panel.kind {
			Kind::Dispute { unit: judged, .. } => judged == unit,
			Kind::Claim { .. } => true,
			Kind::Final => panel.opened.first().is_some_and(|(judged, _)| *judged == unit),
			Kind::Round | Kind::Appeal { .. } => false,
		});
		let mut found = JudgedBefore { wrong: Vec::new(), right: Vec::new() };
		for panel in before {
			let Tally { question, votes, agreed } = Self::tally(case, &panel);
			for (who, vote) in votes {
				let right = match case.subject {
					Subject::Root(_) => Some(vote) == question,
					Subject::Claim(_) => vote == REFUSED,
				};
				// Whoever the others contradicted has lost something; the others were paid.
				let contradicted = agreed.is_some_and(|agreed| agreed != vote);
				match (right, contradicted) {
					(false, false) => found.wrong.push(who),
					(true, true) => found.right.push(who),
					(true, false) | (false, true) => {}
				}
			}
		}
		found
	}

	/// Who affirmed in rounds the unit that was found false, and answers for that.
	pub(crate) fn affirmed(
		id: PartOfTask,
		case: &Case<T::AccountId>,
		decided: Decided,
	) -> Vec<T::AccountId> {
		if !decided.judged || !case.answers_for_units() {
			return Vec::new();
		}
		let all = Self::on_unit(id, case, decided.unit).into_iter();
		all.filter(|(_, said, affirms)| *affirms && *said == Said::Agreed)
			.map(|(who, ..)| who)
			.collect()
	}
}
