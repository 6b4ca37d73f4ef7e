//! What panels come to, and what follows: another round, a judgement, a verdict.

use alloc::vec::Vec;

use frame_support::{defensive, ensure, pallet_prelude::DispatchResult, traits::Get};
use ogpu_primitives::{
	Balance,
	market::{
		quote::ADJUDICATORS,
		reputation::Aspect,
		tally::{Judgement, judge},
	},
	merkle::Hash,
};
use ogpu_traits::{
	Beneficiaries, Claim, Collateral, Decision, LockId, PartOfTask, Purpose, Registry, Verdict,
	Verdicts, unpaid,
};

use crate::{
	Case, Cases, Config, Dispute, Earned, Error, Event, Kind, NextDispute, Pallet, Panel, Panels,
	Phase, Places, REFUSED, Said, Served, Stage, Subject, UPHELD,
};

/// The most challenges from outside that wait at a time.
const MAX_OUTSIDE: u32 = 8;
/// The panels of a case after which nobody can say: far more than rounds and disputes need.
const MOST_PANELS: u8 = 200;

impl<T: Config> Pallet<T> {
	/// Counts a round that has ended.
	pub(crate) fn count_round(
		id: PartOfTask,
		mut case: Case<T::AccountId>,
		panel: Panel<T::AccountId>,
	) {
		case.running = case.running.saturating_sub(1);
		let fee = case.fee(panel.kind);
		let mut agreed = 0;
		// Whoever differs is paid when it is proven right.
		for member in panel.members.iter().filter(|member| member.said == Said::Agreed) {
			Self::earn(id, &member.who, fee);
			agreed += 1;
		}
		let threshold = panel.kind.threshold(case.tier, panel.members.len() as u32);
		let clean = agreed >= threshold;
		if clean && case.phase == Phase::Counting {
			case.clean = case.clean.saturating_add(1);
		}
		Self::deposit_event(Event::RoundEnded {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			clean,
			agreed,
		});
		Self::go_on(id, case);
	}

	/// Does what comes next in a case: judges what is disputed, or counts on.
	pub(crate) fn go_on(id: PartOfTask, mut case: Case<T::AccountId>) {
		if case.phase == Phase::Judging {
			return Self::keep(id, case);
		}
		if case.next_panel >= MOST_PANELS {
			return Self::nobody_can_say(id, case);
		}
		if let Some(unit) = case.disputes.iter().map(|dispute| dispute.unit).min() {
			case.phase = Phase::Judging;
			Self::begin(id, &mut case, Kind::Dispute { unit, second: false });
			return Self::keep(id, case);
		}
		if case.was_valid {
			case.phase = Phase::Valid;
			return Self::keep(id, case);
		}
		let wanted = case.tier.clean_rounds() as u8;
		if case.clean >= wanted {
			case.phase = Phase::Valid;
			case.was_valid = true;
			Self::keep(id, case);
			return Self::decide(id, Verdict::Valid, None);
		}
		// As many as are missing go on at the same time.
		while case.clean.saturating_add(case.running) < wanted
			&& u32::from(case.rounds) < case.tier.max_rounds()
		{
			Self::begin(id, &mut case, Kind::Round);
		}
		if case.running == 0 {
			case.phase = Phase::Judging;
			Self::begin(id, &mut case, Kind::Final);
		}
		Self::keep(id, case);
	}

	/// Counts what judges said.
	pub(crate) fn count_votes(
		id: PartOfTask,
		mut case: Case<T::AccountId>,
		panel: Panel<T::AccountId>,
	) {
		let members = panel.members.len() as u32;
		let opened = match case.subject {
			Subject::Root(_) => panel.opened.first().map(|(_, leaf)| *leaf),
			Subject::Claim(_) => Some(UPHELD),
		};
		let vote = |said: Said| match said {
			Said::Agreed => opened,
			Said::Differed(leaf) => Some(leaf),
			_ => None,
		};
		let votes: Vec<Hash> =
			panel.members.iter().filter_map(|member| vote(member.said)).collect();
		let threshold = panel.kind.threshold(case.tier, members);
		let Judgement::Agreed(agreed) = judge(&votes, 0, threshold) else {
			// They have done what they could.
			for member in panel.members.iter().filter(|member| vote(member.said).is_some()) {
				Self::earn(id, &member.who, case.unit_fee);
			}
			return Self::split(id, case, panel.kind);
		};
		let mut judges = Vec::new();
		for member in &panel.members {
			match vote(member.said) {
				Some(leaf) if leaf == agreed => {
					judges.push((member.who.clone(), case.unit_fee));
					T::Registry::see(&member.who, Aspect::Disputes, 0, 1000);
				}
				Some(_) => {
					let loss = T::Rules::get().minority.get();
					Self::penalise(&member.who, case.unit_fee.saturating_mul(loss.into()));
					T::Registry::see(&member.who, Aspect::Disputes, 0, 0);
				}
				None => {}
			}
		}
		match (panel.kind, case.subject) {
			(_, Subject::Claim(claim)) => {
				Self::earn_all(id, judges);
				Self::keep(id, case);
				let verdict = match (agreed == REFUSED, claim) {
					(true, _) => Verdict::Groundless,
					(false, Claim::Rejected) => Verdict::Rejected,
					(false, Claim::Unavailable) => Verdict::Unavailable,
				};
				Self::decide(id, verdict, None);
			}
			(Kind::Dispute { unit, .. }, _) if Some(agreed) == opened => {
				Self::unit_is_right(id, &mut case, unit, judges);
				case.phase = Phase::Counting;
				case.clean = 0;
				Self::go_on(id, case);
			}
			(Kind::Dispute { unit, .. }, _) => {
				Self::earn_all(id, judges);
				Self::unit_is_false(id, case, unit);
			}
			(_, Subject::Root(_)) => {
				Self::earn_all(id, judges);
				if Some(agreed) == opened {
					case.phase = Phase::Valid;
					case.was_valid = true;
					Self::keep(id, case);
					Self::decide(id, Verdict::Valid, None);
				} else {
					let unit = panel.opened.first().map_or(0, |(unit, _)| *unit);
					Self::unit_is_false(id, case, unit);
				}
			}
		}
	}

	/// A panel did not come to anything: a larger one judges, or nobody can say.
	fn split(id: PartOfTask, mut case: Case<T::AccountId>, kind: Kind) {
		let next = match kind {
			Kind::Dispute { unit, second: false } => Kind::Dispute { unit, second: true },
			Kind::Claim { second: false } => Kind::Claim { second: true },
			_ => return Self::nobody_can_say(id, case),
		};
		Self::begin(id, &mut case, next);
		Self::keep(id, case);
	}

	/// There were too few to draw a panel from.
	pub(crate) fn cannot_be_judged(id: PartOfTask, case: Case<T::AccountId>, number: u8) {
		Self::deposit_event(Event::TooFew {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			panel: number,
		});
		Self::nobody_can_say(id, case);
	}

	/// Ends a case without an answer; one that was valid stays so.
	fn nobody_can_say(id: PartOfTask, mut case: Case<T::AccountId>) {
		let disputes = core::mem::take(&mut case.disputes);
		for dispute in &disputes {
			Self::release_dispute(dispute);
		}
		case.phase = if case.was_valid { Phase::Valid } else { Phase::Judging };
		let valid = case.was_valid;
		Self::keep(id, case);
		if !valid {
			let decision = Decision {
				challenged: !disputes.is_empty(),
				..Decision::bare(Verdict::Inconclusive)
			};
			Self::hand_over(id, decision);
		}
	}

	/// The judges confirmed a unit: whoever challenged it pays them.
	fn unit_is_right(
		id: PartOfTask,
		case: &mut Case<T::AccountId>,
		unit: u32,
		judges: Vec<(T::AccountId, Balance)>,
	) {
		let loss = Self::price_of_wrong_challenge(case);
		let mut judges = Some(judges);
		let (wrong, open): (Vec<_>, Vec<_>) = core::mem::take(&mut case.disputes)
			.into_iter()
			.partition(|dispute| dispute.unit == unit);
		for dispute in &wrong {
			let mut to = Beneficiaries::treasury();
			let fees = judges.take().unwrap_or_default();
			to.panel.clone_from(&fees);
			let slashed = match dispute.lock {
				Some(number) => {
					let lock = LockId::new(Purpose::Dispute, number);
					T::Collateral::slash(&dispute.challenger, lock, loss, to)
				}
				None => T::Collateral::slash_liable(&dispute.challenger, loss, to),
			};
			Self::release_dispute(dispute);
			T::Registry::see(&dispute.challenger, Aspect::Disputes, 0, 0);
			// Slashing may be switched off, or too little left; nobody works for nothing.
			Self::earn_all(id, unpaid(fees, slashed.panel));
		}
		Self::earn_all(id, judges.unwrap_or_default());
		case.disputes = open.try_into().unwrap_or_default();
	}

	/// A unit is proven false: that is fraud. Whoever said so first is the finder; whoever affirmed it answers
	/// for that.
	fn unit_is_false(id: PartOfTask, mut case: Case<T::AccountId>, unit: u32) {
		let fee = case.fee(Kind::Round);
		let mut finder = None;
		for dispute in core::mem::take(&mut case.disputes) {
			Self::release_dispute(&dispute);
			if dispute.unit == unit {
				T::Registry::see(&dispute.challenger, Aspect::Disputes, 0, 1000);
				finder.get_or_insert(dispute.challenger);
			}
		}
		let loss = case.unit_fee.saturating_mul(T::Rules::get().affirmed.get().into());
		for number in 0..case.next_panel {
			let Some(panel) = Panels::<T>::get(id, number) else { continue };
			if panel.kind != Kind::Round {
				continue;
			}
			for (member, units) in panel.members.iter().zip(panel.units(&case)) {
				match member.said {
					Said::Agreed if units.contains(&unit) => {
						Earned::<T>::remove(id, &member.who);
						Self::penalise(&member.who, loss);
					}
					// Whatever unit it found: the result is false.
					Said::Differed(_) => Self::earn(id, &member.who, fee),
					_ => {}
				}
			}
		}
		Self::keep(id, case);
		Self::decide(id, Verdict::Fraud { unit }, finder);
	}

	/// The provider did not open what was drawn.
	pub(crate) fn not_opened(
		id: PartOfTask,
		number: u8,
		mut case: Case<T::AccountId>,
		mut panel: Panel<T::AccountId>,
	) {
		panel.stage = Stage::Done;
		Self::release_members(id, number, &case, &panel);
		let fee = case.fee(panel.kind);
		for member in &panel.members {
			if matches!(member.said, Said::Committed(_)) {
				Self::earn(id, &member.who, fee);
			}
		}
		let unit = panel.to_open(&case).first().copied().unwrap_or(0);
		Panels::<T>::insert(id, number, panel);
		for dispute in core::mem::take(&mut case.disputes) {
			Self::release_dispute(&dispute);
		}
		Self::keep(id, case);
		Self::deposit_event(Event::NotOpened {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			panel: number,
		});
		Self::decide(id, Verdict::Fraud { unit }, None);
	}

	/// Adds a challenge to those that wait.
	pub(crate) fn add_dispute(
		id: PartOfTask,
		case: &mut Case<T::AccountId>,
		dispute: Dispute<T::AccountId>,
	) -> DispatchResult {
		Self::deposit_event(Event::Challenged {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			unit: dispute.unit,
			challenger: dispute.challenger.clone(),
		});
		case.disputes.try_push(dispute).map_err(|_| Error::<T>::TooManyDisputes)?;
		Ok(())
	}

	/// Takes the challenge of somebody who was not drawn, of a result that was found valid.
	pub(crate) fn challenge_from_outside(
		who: T::AccountId,
		id: PartOfTask,
		unit: u32,
	) -> DispatchResult {
		let mut case = Self::case(id)?;
		let root = matches!(case.subject, Subject::Root(_));
		ensure!(root && case.was_valid, Error::<T>::NotChallengeable);
		ensure!(unit < case.units, Error::<T>::NoSuchUnit);
		ensure!(case.provider != who, Error::<T>::OwnResult);
		let again = case.disputes.iter().any(|dispute| dispute.challenger == who);
		ensure!(!again, Error::<T>::ChallengedBefore);
		// Few at a time: many on units that are right could keep the one from being judged that is not.
		let waiting = case.disputes.iter().filter(|dispute| dispute.lock.is_some()).count();
		ensure!((waiting as u32) < MAX_OUTSIDE, Error::<T>::TooManyDisputes);
		let number = NextDispute::<T>::get();
		let lock = LockId::new(Purpose::Dispute, number);
		T::Collateral::set_lock(&who, lock, Self::price_of_wrong_challenge(&case))?;
		NextDispute::<T>::put(number.saturating_add(1));
		let dispute = Dispute { challenger: who, unit, lock: Some(number) };
		Self::add_dispute(id, &mut case, dispute)?;
		Self::go_on(id, case);
		Ok(())
	}

	fn price_of_wrong_challenge(case: &Case<T::AccountId>) -> Balance {
		let fees = T::Rules::get().wrong_challenge.get().max(ADJUDICATORS);
		case.unit_fee.saturating_mul(fees.into())
	}

	pub(crate) fn release_dispute(dispute: &Dispute<T::AccountId>) {
		let Some(number) = dispute.lock else { return };
		let lock = LockId::new(Purpose::Dispute, number);
		if T::Collateral::set_lock(&dispute.challenger, lock, 0).is_err() {
			defensive!("a lock can always be released");
		}
	}

	/// Takes something from a member that did not do what it has a seat for.
	fn penalise(who: &T::AccountId, amount: Balance) {
		T::Collateral::slash_liable(who, amount, Beneficiaries::treasury());
	}

	pub(crate) fn penalise_absence(who: &T::AccountId, case: &Case<T::AccountId>, kind: Kind) {
		Self::penalise(who, case.fee(kind).saturating_mul(T::Rules::get().no_show.get().into()));
		T::Registry::see(who, Aspect::Timeliness, 0, 0);
	}

	fn earn(id: PartOfTask, who: &T::AccountId, fee: Balance) {
		Earned::<T>::mutate(id, who, |sum| *sum = sum.saturating_add(fee));
	}

	fn earn_all(id: PartOfTask, fees: Vec<(T::AccountId, Balance)>) {
		for (who, fee) in fees {
			Self::earn(id, &who, fee);
		}
	}

	fn decide(id: PartOfTask, verdict: Verdict, finder: Option<T::AccountId>) {
		Self::hand_over(id, Decision { finder, ..Decision::bare(verdict) });
	}

	/// Hands a decision over, with what members have earned. What is decided for good is forgotten; a valid result
	/// can still be challenged.
	fn hand_over(id: PartOfTask, mut decision: Decision<T::AccountId>) {
		let verdict = decision.verdict;
		decision.fees = Earned::<T>::drain_prefix(id).collect();
		T::Verdicts::decided(id, decision);
		if verdict != Verdict::Valid {
			Self::forget(id);
		}
	}

	/// Forgets a case; what verifiers have earned and were not paid.
	pub(crate) fn forget(id: PartOfTask) -> Vec<(T::AccountId, Balance)> {
		let Some(case) = Cases::<T>::take((id.task, id.attempt), id.part) else {
			return Vec::new();
		};
		for dispute in &case.disputes {
			Self::release_dispute(dispute);
		}
		let mut places = 0;
		for (number, panel) in Panels::<T>::drain_prefix(id) {
			places += panel.members.len() as u32;
			if panel.stage != Stage::Done {
				Self::release_members(id, number, &case, &panel);
			}
		}
		Places::<T>::mutate_exists(id.task, |kept| {
			*kept = kept.unwrap_or(0).checked_sub(places).filter(|kept| *kept > 0);
		});
		for _ in Served::<T>::drain_prefix(id) {}
		Earned::<T>::drain_prefix(id).collect()
	}
}
