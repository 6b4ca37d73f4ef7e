//! Results and claims as they come in, and go.

use alloc::vec::Vec;

use frame_support::{BoundedVec, traits::Get};
use ogpu_primitives::{
	Balance,
	market::{GroupId, TaskId},
};
use ogpu_traits::{
	Attestation, Claim, Decision, Moment, PartOfTask, Reason, Registry, Requested, Verdict,
};

use crate::{
	Appeal, Case, Cases, Config, Event, Kind, Pallet, Panels, Phase, Places, Said, Stage, Subject,
};

impl<T: Config> Attestation<T::AccountId> for Pallet<T> {
	fn verify(request: Requested<T::AccountId>) -> Option<Decision<T::AccountId>> {
		let Some(root) = request.root else {
			frame_support::defensive!("a result comes with its root");
			return Some(Decision::bare(Verdict::Inconclusive));
		};
		let id = request.part;
		let bound_in = request.bound_in.unwrap_or_else(Self::block);
		let case = Self::open_case(request, Subject::Root(root));
		Self::go_on_after(bound_in, id, case);
		None
	}

	fn judge(request: Requested<T::AccountId>, claim: Claim) -> Option<Decision<T::AccountId>> {
		let id = request.part;
		let mut case = Self::open_case(request, Subject::Claim(claim));
		case.phase = Phase::Judging;
		Self::begin(id, &mut case, Kind::Claim { second: false });
		Self::keep(id, case);
		None
	}

	fn is_disputed(task: TaskId, attempt: u8) -> bool {
		Cases::<T>::iter_prefix_values((task, attempt)).any(|case| {
			let root = matches!(case.subject, Subject::Root(_));
			let open = case.phase == Phase::Judging || !case.disputes.is_empty();
			root && open && !case.is_decided_fraud()
		})
	}

	fn hold_up(id: PartOfTask, number: u8, member: &T::AccountId, until: Moment) -> bool {
		let (Ok(case), Ok(mut panel)) = (Self::case(id), Self::panel(id, number)) else {
			return false;
		};
		let Stage::Committing { until: before } = panel.stage else { return false };
		let place = panel.place_of(member);
		let waits = place.is_some_and(|place| panel.members[place].said == Said::Nothing);
		if !waits || !matches!(case.subject, Subject::Root(_)) {
			return false;
		}
		// A member that demands one piece after another cannot keep it from coming to an end.
		if !core::mem::replace(&mut panel.held_up, true) {
			let until = until.saturating_add(Self::time_to_commit(&case, panel.kind)).max(before);
			Self::enter(id, number, &mut panel, Stage::Committing { until });
			Panels::<T>::insert(id, number, panel);
		}
		true
	}

	fn withheld(id: PartOfTask, number: u8) {
		let (Ok(case), Ok(panel)) = (Self::case(id), Self::panel(id, number)) else { return };
		// What the panel has come to meanwhile, without the data, stands.
		if matches!(panel.stage, Stage::Committing { .. }) {
			Self::not_opened(id, number, case, panel);
		}
	}

	fn places(task: TaskId) -> u32 {
		Places::<T>::get(task)
	}

	fn drop_from(from: PartOfTask) -> Vec<(T::AccountId, Balance)> {
		let of_attempt = Cases::<T>::iter_prefix((from.task, from.attempt));
		let parts: Vec<u8> = of_attempt
			.filter(|(part, case)| *part >= from.part && !case.is_decided_fraud())
			.map(|(part, _)| part)
			.collect();
		parts.into_iter().flat_map(|part| Self::forget(PartOfTask { part, ..from })).collect()
	}

	fn is_appealed(part: PartOfTask) -> bool {
		Self::case(part)
			.is_ok_and(|case| matches!(case.phase.appeal(), Some(Appeal::Judged { .. })))
	}

	/// Whoever affirmed the false unit answers for it.
	fn carry_out(part: PartOfTask) {
		let Ok(case) = Self::case(part) else { return };
		let (true, Phase::Decided(decided)) = (case.is_decided_fraud(), case.phase) else { return };
		let loss = case.unit_fee.saturating_mul(T::Rules::get().affirmed.get().into());
		for who in Self::affirmed(part, &case, decided) {
			Self::penalise(&who, loss, Reason::FalseAffirmed);
		}
		Self::forget(part);
	}
}

impl<T: Config> Pallet<T> {
	fn open_case(request: Requested<T::AccountId>, subject: Subject) -> Case<T::AccountId> {
		let PartOfTask { task, attempt, part } = request.part;
		Self::deposit_event(Event::Begun { task, attempt, part });
		// The provider's own operator first: draws look at it.
		let own = T::Registry::group(&request.provider);
		let clients = T::Registry::operator(&request.client);
		let barred: Vec<GroupId> =
			own.into_iter().chain(clients).chain(request.barred.iter().copied()).collect();
		Case {
			provider: request.provider,
			client: request.client,
			barred: BoundedVec::truncate_from(barred),
			racers: BoundedVec::truncate_from(request.racers),
			requirements: request.requirements,
			tier: request.tier,
			shape: request.shape,
			first_unit: request.first_unit,
			units: request.units,
			subject,
			unit_fee: request.unit_fee,
			time: request.time,
			asked: request.asked,
			small: request.small,
			phase: Phase::Counting,
			was_valid: false,
			clean: 0,
			rounds: 0,
			running: 0,
			next_panel: 0,
			disputes: BoundedVec::new(),
		}
	}
}
