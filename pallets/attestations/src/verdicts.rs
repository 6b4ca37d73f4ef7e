//! What panels come to, and what follows: another round, a judgement, a verdict.

use alloc::vec::Vec;

use frame_support::{
	defensive, ensure,
	pallet_prelude::{DispatchError, DispatchResult},
	traits::Get,
};
use ogpu_primitives::{
	Balance,
	market::{
		reputation::Aspect,
		tally::{Judgement, judge},
	},
	merkle::Hash,
};
use ogpu_traits::{
	Beneficiaries, Claim, Collateral, Decision, LockId, PartOfTask, Purpose, Reason, Registry,
	Verdict, Verdicts, unpaid,
};

use crate::{
	Appeal, Case, Cases, Config, Decided, Dispute, Earned, Error, Event, Kind, NextDispute, Pallet,
	Panel, Panels, Phase, Places, REFUSED, Said, Served, Stage, Subject, UPHELD,
};

/// The most challenges from outside that wait at a time.
const MAX_OUTSIDE: u32 = 8;
/// The panels of a case after which nobody can say: far more than rounds and disputes need.
const MOST_PANELS: u8 = 200;

/// What a panel of judges comes to.
pub(crate) struct Tally<AccountId> {
	/// What they judge: the leaf that was opened, if one was, or that a claim is upheld.
	pub question: Option<Hash>,
	/// Who has voted, and for what.
	pub votes: Vec<(AccountId, Hash)>,
	/// What enough of them voted for.
	pub agreed: Option<Hash>,
}

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
	pub(crate) fn go_on(id: PartOfTask, case: Case<T::AccountId>) {
		Self::go_on_after(Self::block(), id, case);
	}

	/// The same, where rounds that begin now are drawn by the blocks after `trigger`.
	pub(crate) fn go_on_after(trigger: u32, id: PartOfTask, mut case: Case<T::AccountId>) {
		if matches!(case.phase, Phase::Judging | Phase::Decided(_)) {
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
		let wanted = case.clean_rounds();
		if case.clean >= wanted {
			return Self::found_valid(id, case);
		}
		// As many as are missing go on at the same time.
		while case.clean.saturating_add(case.running) < wanted
			&& u32::from(case.rounds) < case.tier.max_rounds()
		{
			Self::begin_after(trigger, id, &mut case, Kind::Round);
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
		let Tally { question: opened, votes, agreed } = Self::tally(&case, &panel);
		let Some(agreed) = agreed else {
			// They have done what they could.
			let judges: Vec<_> = votes.into_iter().map(|(who, _)| (who, case.unit_fee)).collect();
			if matches!(panel.kind, Kind::Appeal { .. }) {
				return Self::appeal_lost(id, case, judges);
			}
			Self::earn_all(id, judges);
			return Self::split(id, case, panel.kind);
		};
		let mut judges = Vec::new();
		for (who, vote) in votes {
			let right = vote == agreed;
			T::Registry::see(&who, Aspect::Disputes, 0, if right { 1000 } else { 0 });
			if right {
				judges.push((who, case.unit_fee));
			} else {
				Self::penalise(&who, Self::minority_loss(&case), Reason::Contradicted);
			}
		}
		match (panel.kind, case.subject) {
			(Kind::Appeal { .. }, subject) => {
				let right = match subject {
					Subject::Root(_) => opened == Some(agreed),
					Subject::Claim(_) => agreed == REFUSED,
				};
				match right {
					true => Self::overturn(id, case, judges),
					false => Self::appeal_lost(id, case, judges),
				}
			}
			(_, Subject::Claim(claim)) => {
				Self::earn_all(id, judges);
				let verdict = match (agreed == REFUSED, claim) {
					(true, _) => Verdict::Groundless,
					(false, Claim::Rejected | Claim::Endless) => Verdict::Rejected,
					(false, Claim::Unavailable) => Verdict::Unavailable,
				};
				Self::decide(id, case, verdict, true);
			}
			(Kind::Dispute { unit, .. }, _) if Some(agreed) == opened => {
				Self::unit_is_right(id, &mut case, unit, judges);
				case.phase = Phase::Counting;
				case.clean = 0;
				Self::go_on(id, case);
			}
			(Kind::Dispute { unit, .. }, _) => {
				Self::earn_all(id, judges);
				// Whoever looks at it again is told as well.
				for dispute in case.disputes.iter_mut().filter(|dispute| dispute.unit == unit) {
					dispute.opened = opened;
				}
				Self::unit_is_false(id, case, unit);
			}
			(_, Subject::Root(_)) => {
				Self::earn_all(id, judges);
				if Some(agreed) == opened {
					Self::found_valid(id, case);
				} else {
					let unit = panel.opened.first().map_or(0, |(unit, _)| *unit);
					Self::unit_is_false(id, case, unit);
				}
			}
		}
	}

	/// Counts what judges have said.
	pub(crate) fn tally(
		case: &Case<T::AccountId>,
		panel: &Panel<T::AccountId>,
	) -> Tally<T::AccountId> {
		let question = match case.subject {
			Subject::Root(_) => panel.opened.first().map(|(_, leaf)| *leaf),
			Subject::Claim(_) => Some(UPHELD),
		};
		let vote = |said: Said| match said {
			Said::Agreed => question,
			Said::Differed(leaf) => Some(leaf),
			_ => None,
		};
		let voted = panel.members.iter();
		let votes: Vec<_> =
			voted.filter_map(|member| Some((member.who.clone(), vote(member.said)?))).collect();
		let leaves: Vec<_> = votes.iter().map(|(_, vote)| *vote).collect();
		let threshold = panel.kind.threshold(case.tier, panel.members.len() as u32);
		let agreed = match judge(&leaves, 0, threshold) {
			Judgement::Agreed(agreed) => Some(agreed),
			_ => None,
		};
		Tally { question, votes, agreed }
	}

	/// What a judge loses that the others contradict.
	pub(crate) fn minority_loss(case: &Case<T::AccountId>) -> Balance {
		case.unit_fee.saturating_mul(T::Rules::get().minority.get().into())
	}

	/// Enough rounds were clean, or a final panel confirmed a unit.
	fn found_valid(id: PartOfTask, mut case: Case<T::AccountId>) {
		case.phase = Phase::Valid;
		case.was_valid = true;
		Self::keep(id, case);
		Self::hand_over(id, Decision::bare(Verdict::Valid));
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
		match case.phase {
			Phase::Decided(_) => Self::appeal_lost(id, case, Vec::new()),
			_ => Self::nobody_can_say(id, case),
		}
	}

	/// Ends a case without an answer; one that was valid stays so.
	fn nobody_can_say(id: PartOfTask, mut case: Case<T::AccountId>) {
		let disputes = core::mem::take(&mut case.disputes);
		Self::release_disputes(&disputes);
		case.phase = if case.was_valid { Phase::Valid } else { Phase::Judging };
		let (valid, was_clean) = (case.was_valid, case.clean > 0);
		Self::keep(id, case);
		if !valid {
			let decision = Decision {
				// A result that nobody could recompute may be made up.
				confirmed: was_clean && disputes.is_empty(),
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
		let (wrong, open): (Vec<_>, Vec<_>) = core::mem::take(&mut case.disputes)
			.into_iter()
			.partition(|dispute| dispute.unit == unit);
		case.disputes = open.try_into().unwrap_or_default();
		// Slashing may be switched off, or too little left; nobody works for nothing.
		let unpaid = wrong
			.iter()
			.fold(judges, |fees, dispute| Self::challenged_wrongly(case, dispute, fees));
		Self::earn_all(id, unpaid);
	}

	/// Whoever challenged a unit that is right pays these judges. What they were not paid.
	pub(crate) fn challenged_wrongly(
		case: &Case<T::AccountId>,
		dispute: &Dispute<T::AccountId>,
		fees: Vec<(T::AccountId, Balance)>,
	) -> Vec<(T::AccountId, Balance)> {
		let (loss, why) = (Self::price_of_wrong_challenge(case), Reason::ChallengeLost);
		let mut to = Beneficiaries::treasury();
		to.panel.clone_from(&fees);
		let slashed = match dispute.lock {
			Some(number) => {
				let lock = LockId::new(Purpose::Dispute, number);
				T::Collateral::slash(&dispute.challenger, lock, loss, to, why)
			}
			None => T::Collateral::slash_liable(&dispute.challenger, loss, to, why),
		};
		Self::release_disputes(core::slice::from_ref(dispute));
		T::Registry::see(&dispute.challenger, Aspect::Disputes, 0, 0);
		unpaid(fees, slashed.panel)
	}

	/// A unit is proven false: that is fraud. Whoever said so first is the finder; whoever did answers for it as long as
	/// that may be appealed.
	fn unit_is_false(id: PartOfTask, mut case: Case<T::AccountId>, unit: u32) {
		let (right, open): (Vec<_>, Vec<_>) = core::mem::take(&mut case.disputes)
			.into_iter()
			.partition(|dispute| dispute.unit == unit);
		Self::release_disputes(&open);
		for dispute in &right {
			T::Registry::see(&dispute.challenger, Aspect::Disputes, 0, 1000);
		}
		case.disputes = right.try_into().unwrap_or_default();
		let fee = case.fee(Kind::Round);
		for (who, said, affirms) in Self::on_unit(id, &case, unit) {
			match said {
				Said::Agreed if affirms && case.answers_for_units() => {
					Earned::<T>::remove(id, &who);
				}
				// Whatever unit it found: the result is false.
				Said::Differed(_) => Self::earn(id, &who, fee),
				_ => {}
			}
		}
		Self::decide(id, case, Verdict::Fraud { unit }, true);
	}

	/// The panels of a case, with their numbers.
	pub(crate) fn panels(
		id: PartOfTask,
		case: &Case<T::AccountId>,
	) -> impl Iterator<Item = (u8, Panel<T::AccountId>)> + use<T> {
		let numbers = 0..case.next_panel;
		numbers.filter_map(move |number| Panels::<T>::get(id, number).map(|panel| (number, panel)))
	}

	/// What members of rounds have said, and whether this unit was among theirs.
	pub(crate) fn on_unit(
		id: PartOfTask,
		case: &Case<T::AccountId>,
		unit: u32,
	) -> Vec<(T::AccountId, Said, bool)> {
		let rounds = Self::panels(id, case).filter(|(_, panel)| panel.kind == Kind::Round);
		let all = rounds.flat_map(|(_, panel)| {
			let units = panel.units(case);
			let members = panel.members.into_iter().zip(units);
			members
				.map(|(member, units)| (member.who, member.said, units.contains(&unit)))
				.collect::<Vec<_>>()
		});
		all.collect()
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
		let ready = panel.members.iter().filter(|member| matches!(member.said, Said::Committed(_)));
		let fees: Vec<_> = ready.map(|member| (member.who.clone(), fee)).collect();
		let unit = panel.to_open(&case).first().copied().unwrap_or(0);
		Panels::<T>::insert(id, number, panel);
		Self::deposit_event(Event::NotOpened {
			task: id.task,
			attempt: id.attempt,
			part: id.part,
			panel: number,
		});
		if let Phase::Decided(_) = case.phase {
			return Self::appeal_lost(id, case, fees);
		}
		Self::earn_all(id, fees);
		Self::release_disputes(&core::mem::take(&mut case.disputes));
		Self::decide(id, case, Verdict::Fraud { unit }, false);
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
		let decided = matches!(case.phase, Phase::Decided(_));
		ensure!(root && case.was_valid && !decided, Error::<T>::NotChallengeable);
		ensure!(unit < case.units, Error::<T>::NoSuchUnit);
		ensure!(case.provider != who, Error::<T>::OwnResult);
		let again = case.disputes.iter().any(|dispute| dispute.challenger == who);
		ensure!(!again, Error::<T>::ChallengedBefore);
		// Few at a time: many on units that are right could keep the one from being judged that is not.
		let waiting = case.disputes.iter().filter(|dispute| dispute.lock.is_some()).count();
		ensure!((waiting as u32) < MAX_OUTSIDE, Error::<T>::TooManyDisputes);
		let number = Self::lock_for_dispute(&who, &case)?;
		let dispute = Dispute { challenger: who, unit, opened: None, lock: Some(number) };
		Self::add_dispute(id, &mut case, dispute)?;
		Self::go_on(id, case);
		Ok(())
	}

	/// Locks what somebody loses that is wrong. The number of the lock.
	pub(crate) fn lock_for_dispute(
		who: &T::AccountId,
		case: &Case<T::AccountId>,
	) -> Result<u64, DispatchError> {
		let number = NextDispute::<T>::get();
		let lock = LockId::new(Purpose::Dispute, number);
		T::Collateral::set_lock(who, lock, Self::price_of_wrong_challenge(case))?;
		NextDispute::<T>::put(number.saturating_add(1));
		Ok(number)
	}

	pub(crate) fn price_of_wrong_challenge(case: &Case<T::AccountId>) -> Balance {
		T::Rules::get().price_of_wrong_challenge(case.unit_fee)
	}

	/// Releases what challengers have locked.
	fn release_disputes(disputes: &[Dispute<T::AccountId>]) {
		for dispute in disputes {
			if let Some(number) = dispute.lock {
				Self::release(&dispute.challenger, number);
			}
		}
	}

	/// Releases what somebody has locked under a number.
	pub(crate) fn release(who: &T::AccountId, number: u64) {
		if T::Collateral::set_lock(who, LockId::new(Purpose::Dispute, number), 0).is_err() {
			defensive!("a lock can always be released");
		}
	}

	/// Takes something from a member that did not do what it has a seat for.
	pub(crate) fn penalise(who: &T::AccountId, amount: Balance, why: Reason) {
		T::Collateral::slash_liable(who, amount, Beneficiaries::treasury(), why);
	}

	pub(crate) fn penalise_absence(who: &T::AccountId, case: &Case<T::AccountId>, kind: Kind) {
		let loss = case.fee(kind).saturating_mul(T::Rules::get().no_show.get().into());
		Self::penalise(who, loss, Reason::NoShow);
		T::Registry::see(who, Aspect::Timeliness, 0, 0);
	}

	fn earn(id: PartOfTask, who: &T::AccountId, fee: Balance) {
		Earned::<T>::mutate(id, who, |sum| *sum = sum.saturating_add(fee));
	}

	pub(crate) fn earn_all(id: PartOfTask, fees: Vec<(T::AccountId, Balance)>) {
		for (who, fee) in fees {
			Self::earn(id, &who, fee);
		}
	}

	/// Decides a case for good, but for an appeal. `judged` says whether a panel came to it.
	fn decide(id: PartOfTask, mut case: Case<T::AccountId>, verdict: Verdict, judged: bool) {
		let finder = case.disputes.first().map(|dispute| dispute.challenger.clone());
		if verdict.is_against_somebody() {
			let unit = if let Verdict::Fraud { unit } = verdict { unit } else { 0 };
			case.phase = Phase::Decided(Decided { unit, judged, appeal: Appeal::None });
			Self::stop_panels(id, &mut case);
		}
		Self::keep(id, case);
		Self::hand_over(id, Decision { finder, proven: judged, ..Decision::bare(verdict) });
	}

	/// Ends the panels of a case that is decided without them.
	fn stop_panels(id: PartOfTask, case: &mut Case<T::AccountId>) {
		for (number, mut panel) in Self::panels(id, case) {
			if panel.stage != Stage::Done {
				Self::release_members(id, number, case, &panel);
				panel.stage = Stage::Done;
				Panels::<T>::insert(id, number, panel);
			}
		}
		case.running = 0;
	}

	/// Hands a decision over, with what members have earned. What is decided for good is forgotten; a valid result
	/// can still be challenged, and a decision against somebody appealed.
	pub(crate) fn hand_over(id: PartOfTask, mut decision: Decision<T::AccountId>) {
		let verdict = decision.verdict;
		decision.fees = Earned::<T>::drain_prefix(id).collect();
		let against_somebody = verdict.is_against_somebody();
		if verdict != Verdict::Valid && !against_somebody {
			// Before anybody asks whether it is being judged.
			Self::forget(id);
		}
		let stays = T::Verdicts::decided(id, decision);
		if against_somebody && !stays {
			Self::forget(id);
		}
	}

	/// Forgets a case; what verifiers have earned and were not paid.
	pub(crate) fn forget(id: PartOfTask) -> Vec<(T::AccountId, Balance)> {
		let Some(case) = Cases::<T>::take((id.task, id.attempt), id.part) else {
			return Vec::new();
		};
		Self::release_disputes(&case.disputes);
		Self::release_appeal(&case);
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
