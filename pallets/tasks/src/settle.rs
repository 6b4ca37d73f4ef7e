//! Decisions, and what follows from them: payment, conviction, the end.

use alloc::vec::Vec;

use frame_support::{defensive, traits::Get};
use ogpu_primitives::{
	Balance,
	market::{TaskId, price::share, reputation::Aspect, spec::TaskSpec},
	merkle::{Blake2, Hash, Hasher},
};
use ogpu_traits::{
	Attestation, Beneficiaries, Collateral, Decision, Merit, PROLONGED, PartOfTask, Reason,
	Registry, Specs, Verdict, Verdicts, Verification, Verifying, unpaid,
};

use codec::Encode;

use crate::{
	Assignment, Auctions, Config, Convictions, Delivery, Departed, Departures, Ending, Event, Item,
	Pallet, Record, Records, Roots, Status, Task, Tasks, client_lock,
	convictions::{Losses, paid_so_far},
	money::Purse,
	work_lock,
};

impl<T: Config> Verdicts<T::AccountId> for Pallet<T> {
	fn decided(part: PartOfTask, decision: Decision<T::AccountId>) -> bool {
		let verdict = decision.verdict;
		Self::decide(part, decision);
		match verdict {
			Verdict::Fraud { .. } => Convictions::<T>::get((part.task, part.attempt))
				.is_some_and(|conviction| conviction.part == part),
			verdict if verdict.is_against_somebody() => Tasks::<T>::get(part.task)
				.is_some_and(|task| matches!(task.status, Status::AtFault { .. })),
			_ => false,
		}
	}
}

impl<T: Config> Specs for Pallet<T> {
	fn spec(part: PartOfTask) -> Option<TaskSpec> {
		let of_conviction =
			|| Convictions::<T>::get((part.task, part.attempt)).map(|conviction| conviction.spec);
		Tasks::<T>::get(part.task).map(|task| task.spec).or_else(of_conviction)
	}

	fn root(part: PartOfTask) -> Option<Hash> {
		Roots::<T>::get(part.task, part.part).map(|(_, root)| root)
	}
}

impl<T: Config> Verifying for Pallet<T> {
	fn verification(spec: &TaskSpec) -> Option<Verification> {
		let terms = Self::terms_for(spec.requirements.tier);
		let operators = T::Registry::operators(&spec.requirements);
		let quote = terms.quote(spec, operators).ok()?;
		let most = quote.verification / Balance::from(terms.max_attempts.max(1));
		Some(Verification { most, unit_fee: quote.unit_fee })
	}
}

impl<T: Config> Pallet<T> {
	/// Acts on a decision. One about what nobody waits for any more changes nothing.
	pub(crate) fn decide(part: PartOfTask, decision: Decision<T::AccountId>) {
		let PartOfTask { task: id, attempt, part: number } = part;
		if decision.verdict == Verdict::Overturned {
			return Self::overturn(part, decision);
		}
		let Some(task) = Tasks::<T>::get(id) else { return };
		if task.attempt != attempt {
			return Self::decide_on_departed(task, part, decision);
		}
		let Some(by) = task.status.assignment().cloned() else { return };
		let verdict = decision.verdict;
		let known = number == PartOfTask::CLAIM || number < task.progress.rooted;
		if !known {
			defensive!("a decision about a part that was never handed over");
			return;
		}
		Self::deposit_event(Event::Decided { task: id, attempt, part: number, verdict });
		match (&task.status, verdict) {
			(Status::Delivered { .. }, Verdict::Fraud { unit }) => {
				Self::undo(id, task, by, part, unit, decision);
			}
			(Status::Delivered { .. } | Status::Assigned { .. }, _) => {}
			(Status::Closing { .. }, verdict) => Self::closing(task, by, part, verdict, decision),
			// Whoever verified a part of it meanwhile has worked. A cheat's word about the job is worth nothing.
			(Status::AtFault { .. }, verdict) if !matches!(verdict, Verdict::Fraud { .. }) => {
				let mut task = task;
				Self::pay_verifiers(&mut task, &decision.fees);
				Tasks::<T>::insert(id, task);
			}
			(Status::Adjudicating { left, .. }, _) if number == PartOfTask::CLAIM => {
				let left = *left;
				Self::claim_decided(id, task, by, left, decision);
			}
			(_, Verdict::Valid | Verdict::Unverified) => {
				Self::part_is_valid(id, task, by, number, decision);
			}
			(_, Verdict::Fraud { unit }) => Self::part_is_false(id, task, by, part, unit, decision),
			(_, Verdict::Rejected) => {
				Self::job_is_at_fault(id, task, by, Ending::Rejected, decision)
			}
			(_, Verdict::Unavailable) => {
				Self::job_is_at_fault(id, task, by, Ending::Unavailable, decision);
			}
			(_, Verdict::Inconclusive) => {
				let mut task = task;
				Self::pay_verifiers(&mut task, &decision.fees);
				Self::pay_ahead(id, &mut task, &by);
				T::Registry::found_false(&by.provider);
				// What nobody has confirmed may be made up. A part before it may be false yet.
				if decision.confirmed && number == task.progress.settled {
					Self::halve(id, &mut task, &by);
				}
				Self::end(id, task, Ending::Inconclusive);
			}
			(_, Verdict::Groundless | Verdict::Overturned) => {}
		}
	}

	/// Acts on a decision about what somebody was paid for who does not have the task any more.
	fn decide_on_departed(
		mut task: Task<T::AccountId>,
		part: PartOfTask,
		decision: Decision<T::AccountId>,
	) {
		let PartOfTask { task: id, attempt, part: number } = part;
		let of_attempt = task.verified;
		let spent = Self::pay_verifiers(&mut task, &decision.fees);
		task.verified = of_attempt;
		let Some(departed) = Departures::<T>::get((id, attempt)) else {
			// Convicted for another part.
			if let Verdict::Fraud { .. } = decision.verdict {
				Self::convict_of_more(&task, part, &decision);
			}
			return Tasks::<T>::insert(id, task);
		};
		let damage = task.paid_to(&departed).saturating_add(spent);
		let Departed { by, .. } = departed;
		let verdict = decision.verdict;
		Self::deposit_event(Event::Decided { task: id, attempt, part: number, verdict });
		if let Verdict::Fraud { unit } = verdict {
			Departures::<T>::remove((id, attempt));
			Self::unconcern(&by.provider, id);
			// It was paid for all of it.
			let losses = Losses { damage, due: 0 };
			Self::convict(&task, &by, part, unit, losses, None, &decision);
		}
		Tasks::<T>::insert(id, task);
	}

	fn part_is_valid(
		id: TaskId,
		mut task: Task<T::AccountId>,
		by: Assignment<T::AccountId>,
		part: u8,
		decision: Decision<T::AccountId>,
	) {
		if part < task.progress.settled {
			return;
		}
		Self::pay_verifiers(&mut task, &decision.fees);
		let first = task.progress.settled;
		let settled = task.progress.valid(part);
		for part in first..first + settled {
			let price = task.spec.share_of(by.price, part);
			let (_, burnt) = Self::pay_provider(id, &mut task, &by, price);
			if decision.verdict == Verdict::Valid {
				let whole = part + 1 == task.spec.parts;
				T::Registry::found_right(&by.provider, &task.client, burnt, whole);
				T::Registry::see(&by.provider, Aspect::Verdicts, burnt, 1000);
				T::Registry::see(&by.provider, Aspect::Timeliness, burnt, 1000);
				T::Merit::worked(&by.provider, task.deal(), burnt);
			}
		}
		if task.progress.settled < task.spec.parts {
			return Tasks::<T>::insert(id, task);
		}
		if let Some(root) = Self::root_of_batch(id, &task) {
			Self::pay_runners_up(id, &mut task, root);
			Self::end_race(id, &task);
		}
		Self::free(&mut task, &by);
		let until = Self::after(T::Windows::get().delivery.get());
		let verdict = decision.verdict;
		task.status = Status::Delivered { by, verdict, delivery: Delivery::Awaited, until };
		Self::put(id, task);
		Self::deposit_event(Event::Delivered { task: id, until });
	}

	/// A false result before delivery: its provider is convicted, and somebody else takes over.
	fn part_is_false(
		id: TaskId,
		mut task: Task<T::AccountId>,
		by: Assignment<T::AccountId>,
		part: PartOfTask,
		unit: u32,
		decision: Decision<T::AccountId>,
	) {
		let before = task.verified;
		// What nobody has verified is not paid, however the rest is judged.
		let ahead = task.progress.valid_ahead(task.spec.parts).into_iter();
		let right = ahead.filter(|other| *other != part.part).chain([part.part]);
		let unpaid = right.filter(|part| *part >= task.progress.settled);
		let due = unpaid.map(|part| task.spec.share_of(by.price, part)).sum::<Balance>();
		let spent = Self::pay_verifiers(&mut task, &decision.fees);
		let damage = spent.saturating_add(task.successor_costs_more(by.price));
		let mut losses = Losses { damage, due };
		if part.part < task.progress.settled {
			// It was paid for, and what came after it may rest on it. What was held back of that it is not paid.
			losses += task.take_back(&by, task.progress.settled, before);
		}
		let paid = paid_so_far(&task, &by, before);
		Self::convict(&task, &by, part, unit, losses, paid, &decision);
		if let Some(root) = Self::root_of_batch(id, &task) {
			Self::accuse_same_root(id, &task, root);
		}
		Self::dismiss(id, &mut task, &by);
		Self::succeed(id, task);
	}

	/// A false result that was delivered: the client is made whole, and that is the end.
	fn undo(
		id: TaskId,
		mut task: Task<T::AccountId>,
		by: Assignment<T::AccountId>,
		part: PartOfTask,
		unit: u32,
		decision: Decision<T::AccountId>,
	) {
		Self::pay_verifiers(&mut task, &decision.fees);
		let (parts, verified) = (task.spec.parts, task.verified);
		let mut losses = task.take_back(&by, parts, verified);
		if matches!(task.status, Status::Delivered { delivery: Delivery::Refused, .. }) {
			losses.damage = 0;
		}
		Self::convict(&task, &by, part, unit, losses, None, &decision);
		Self::end(id, task, Ending::Fraud);
	}

	/// A decision on a part of a task that ends: a false one is convicted all the same.
	fn closing(
		mut task: Task<T::AccountId>,
		by: Assignment<T::AccountId>,
		part: PartOfTask,
		verdict: Verdict,
		decision: Decision<T::AccountId>,
	) {
		let before = task.verified;
		let spent = Self::pay_verifiers(&mut task, &decision.fees);
		let convicted = Convictions::<T>::contains_key((part.task, part.attempt));
		match verdict {
			Verdict::Fraud { .. } if convicted => Self::convict_of_more(&task, part, &decision),
			Verdict::Fraud { unit } => {
				let mut losses = Losses { damage: spent, due: 0 };
				if part.part < task.progress.settled {
					losses += task.take_back(&by, task.progress.settled, before);
				}
				Self::convict(&task, &by, part, unit, losses, None, &decision);
			}
			_ => {}
		}
		Tasks::<T>::insert(part.task, task);
	}

	/// Lets go of somebody who does not have a task any more. Whoever was paid for a part answers for it, with
	/// its lock, until the task ends.
	pub(crate) fn depart(id: TaskId, task: &Task<T::AccountId>, by: Assignment<T::AccountId>) {
		if let Some(departed) = paid_so_far(task, &by, task.verified) {
			// It has to be there when its result is challenged.
			Self::concern(&departed.by.provider, id);
			Departures::<T>::insert((id, task.attempt), departed);
		} else {
			Self::release(&by.provider, work_lock(id, task.attempt));
		}
	}

	fn claim_decided(
		id: TaskId,
		mut task: Task<T::AccountId>,
		by: Assignment<T::AccountId>,
		left: u32,
		decision: Decision<T::AccountId>,
	) {
		match decision.verdict {
			Verdict::Rejected => Self::job_is_at_fault(id, task, by, Ending::Rejected, decision),
			Verdict::Unavailable => {
				Self::job_is_at_fault(id, task, by, Ending::Unavailable, decision);
			}
			Verdict::Groundless => {
				// Whoever claims what is not so pays for the judges.
				let lock = work_lock(id, task.attempt);
				let wanted =
					decision.fees.iter().map(|(_, fee)| *fee).fold(0, Balance::saturating_add);
				let mut to = Beneficiaries::treasury();
				to.panel.clone_from(&decision.fees);
				let paid =
					T::Collateral::slash(&by.provider, lock, wanted, to, Reason::GroundlessClaim);
				Self::pay_verifiers(&mut task, &unpaid(decision.fees, paid.panel));
				let by = Assignment { lock: T::Collateral::locked(&by.provider, lock), ..by };
				let weight = Self::weight_of(&task, by.price);
				T::Registry::see(&by.provider, Aspect::Disputes, weight, 0);
				let until = Self::resumed(left);
				task.status = if task.begun {
					Status::Executing { by, until }
				} else {
					Status::Assigned { to: by, until }
				};
				Self::put(id, task);
			}
			// Nobody can say: it is free to go, and so is the client.
			_ => {
				Self::pay_verifiers(&mut task, &decision.fees);
				Self::dismiss(id, &mut task, &by);
				Self::depart(id, &task, by);
				Self::succeed(id, task);
			}
		}
	}

	/// The job is the client's fault: judges and provider are paid from its lock. The price goes back when it is too late
	/// to appeal.
	fn job_is_at_fault(
		id: TaskId,
		mut task: Task<T::AccountId>,
		by: Assignment<T::AccountId>,
		ending: Ending,
		decision: Decision<T::AccountId>,
	) {
		let lock = client_lock(id);
		let gate_fee = task.terms.gate_fee;
		let wanted =
			decision.fees.iter().map(|(_, fee)| *fee).fold(gate_fee, Balance::saturating_add);
		let to = Beneficiaries {
			victim: Some((by.provider.clone(), gate_fee)),
			finder: None,
			panel: decision.fees.clone(),
		};
		let slashed = T::Collateral::slash(&task.client, lock, wanted, to, Reason::JobAtFault);
		// Slashing may be switched off, or the lock too small, but nobody works for nothing.
		Self::pay_verifiers(&mut task, &unpaid(decision.fees, slashed.panel));
		Self::free(&mut task, &by);
		let until = Self::after(T::Windows::get().delivery.get());
		task.status = Status::AtFault { by, ending, until };
		Self::put(id, task);
		Self::deposit_event(Event::FoundAtFault { task: id, ending, until });
	}

	/// Pays verifiers out of what is in escrow for them. What they got.
	pub(crate) fn pay_verifiers(
		task: &mut Task<T::AccountId>,
		fees: &[(T::AccountId, Balance)],
	) -> Balance {
		if fees.is_empty() {
			return 0;
		}
		let paid = fees.iter().map(|(who, fee)| {
			let paid = Self::pay(task, Purse::Verification, who, *fee);
			(who.clone(), paid)
		});
		let paid: Vec<_> = paid.collect();
		T::Merit::verified(task.deal(), &paid);
		let paid = paid.iter().map(|(_, paid)| *paid).fold(0, Balance::saturating_add);
		task.verified = task.verified.saturating_add(paid);
		paid
	}

	/// Pays for work: what is held back until delivery waits, the protocol takes its fee. What the protocol
	/// took, and what of it was burnt.
	pub(crate) fn pay_provider(
		id: TaskId,
		task: &mut Task<T::AccountId>,
		by: &Assignment<T::AccountId>,
		amount: Balance,
	) -> (Balance, Balance) {
		let charges = T::Charges::get();
		let amount = amount.min(task.escrow.price.saturating_sub(task.owed));
		let later = if by.price > charges.large_payment.get() {
			amount
		} else {
			share(amount, charges.held_back.get()).min(amount)
		};
		task.owed = task.owed.saturating_add(later);
		let paid = Self::pay(task, Purse::Price, &by.provider, amount - later);
		let (fee, burnt) = Self::take_fee(task, amount);
		Self::deposit_event(Event::Paid {
			task: id,
			provider: by.provider.clone(),
			amount: paid,
			fee,
		});
		(fee, burnt)
	}

	/// Pays what was held back.
	pub(crate) fn pay_owed(
		id: TaskId,
		task: &mut Task<T::AccountId>,
		by: &Assignment<T::AccountId>,
	) {
		let owed = core::mem::take(&mut task.owed);
		let amount = Self::pay(task, Purse::Price, &by.provider, owed);
		if amount > 0 {
			let provider = by.provider.clone();
			Self::deposit_event(Event::Paid { task: id, provider, amount, fee: 0 });
		}
	}

	/// Pays for parts that are valid, though one before them was never decided.
	pub(crate) fn pay_ahead(
		id: TaskId,
		task: &mut Task<T::AccountId>,
		by: &Assignment<T::AccountId>,
	) {
		for part in task.progress.valid_ahead(task.spec.parts) {
			let price = task.spec.share_of(by.price, part);
			Self::pay_provider(id, task, by, price);
		}
	}

	/// Pays half of the next part, whose result nobody could judge.
	pub(crate) fn halve(id: TaskId, task: &mut Task<T::AccountId>, by: &Assignment<T::AccountId>) {
		let part = task.progress.settled;
		let half = task.spec.share_of(by.price, part) / 2;
		Self::pay_provider(id, task, by, half);
	}

	/// What a task of this price burns, by which reputation is weighed.
	pub(crate) fn weight_of(task: &Task<T::AccountId>, price: Balance) -> Balance {
		share(share(price, task.terms.protocol_fee), T::Charges::get().burnt.get())
	}

	/// Notes that a provider has nothing of the task under way on trust any more.
	pub(crate) fn no_trust_needed(task: &mut Task<T::AccountId>) {
		let Some(by) = task.status.assignment_mut() else { return };
		// Once: the status may stay what it is for a while.
		if by.asked.take().is_some() {
			T::Registry::entrust(&by.provider, task.reserve, false);
		}
	}

	/// Notes that a provider is not busy with the task any more.
	fn free(task: &mut Task<T::AccountId>, by: &Assignment<T::AccountId>) {
		if core::mem::take(&mut task.begun) {
			T::Registry::occupy(&by.provider, false);
		}
	}

	/// Takes the task from a provider, who gets what it has earned so far.
	pub(crate) fn dismiss(
		id: TaskId,
		task: &mut Task<T::AccountId>,
		by: &Assignment<T::AccountId>,
	) {
		Self::pay_owed(id, task, by);
		Self::free(task, by);
		Self::no_trust_needed(task);
		Self::unconcern(&by.provider, id);
		let part = task.progress.settled;
		let earned =
			T::Attestation::drop_from(PartOfTask { task: id, attempt: task.attempt, part });
		Self::pay_verifiers(task, &earned);
		// As many may fail as there are attempts, and so many can be barred.
		if task.barred.try_push(by.group).is_err() {
			defensive!("more operators failed than there are attempts");
		}
	}

	/// Ends a task: everything that is held for it is given back, and a record remains. While a result of it is judged that
	/// is put off, and nothing else happens with it.
	pub(crate) fn end(id: TaskId, mut task: Task<T::AccountId>, ending: Ending) {
		let provider = task.status.assignment().cloned();
		if Self::is_disputed(id, &task) {
			Self::return_bids(id, &mut task);
			Auctions::<T>::remove(id);
			let until = Self::after(PROLONGED);
			task.status = Status::Closing { by: provider, ending, until };
			return Self::put(id, task);
		}
		if let Some(by) = &provider {
			Self::pay_owed(id, &mut task, by);
			Self::free(&mut task, by);
			Self::no_trust_needed(&mut task);
			if !Convictions::<T>::contains_key((id, task.attempt)) {
				Self::release(&by.provider, work_lock(id, task.attempt));
			}
			Self::unconcern(&by.provider, id);
		}
		Self::return_bids(id, &mut task);
		Auctions::<T>::remove(id);
		if task.stream.is_some() {
			Self::end_race(id, &task);
		}
		Self::release(&task.client, client_lock(id));
		for attempt in 0..=task.attempt {
			let earned = T::Attestation::drop_from(PartOfTask { task: id, attempt, part: 0 });
			Self::pay_verifiers(&mut task, &earned);
			if let Some(Departed { by, .. }) = Departures::<T>::take((id, attempt)) {
				Self::release(&by.provider, work_lock(id, attempt));
				Self::unconcern(&by.provider, id);
			}
		}
		let paid = task.reserve.saturating_sub(task.escrow.price);
		let refund = Self::refund(&mut task);
		let result = Self::take_result(id, task.spec.parts);
		let until = Self::after(T::Windows::get().retention.get());
		let record = Record {
			ending,
			client: task.client,
			provider: provider.map(|by| by.provider),
			paid,
			result,
			until,
		};
		Records::<T>::insert(id, record);
		Self::remind(until, Item::Record(id));
		Tasks::<T>::remove(id);
		Self::deposit_event(Event::Ended { task: id, ending, refund });
	}

	/// Forgets the roots of a task. The hash of all of them, if all are known.
	fn take_result(id: TaskId, parts: u8) -> Option<Hash> {
		let roots: Vec<Option<Hash>> =
			(0..parts).map(|part| Roots::<T>::take(id, part).map(|(_, root)| root)).collect();
		let roots = roots.into_iter().collect::<Option<Vec<Hash>>>()?;
		match roots.as_slice() {
			[root] => Some(*root),
			roots => Some(Blake2::hash(&roots.encode())),
		}
	}
}
