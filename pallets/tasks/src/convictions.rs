//! Convictions: a fraud is slashed when it is too late to appeal, unless it was overturned.

use alloc::vec::Vec;

use frame_support::traits::{
	Get,
	fungible::{Inspect, Mutate},
	tokens::{Fortitude, Preservation},
};
use ogpu_primitives::{
	Balance,
	market::{TaskId, price::share, reputation::Aspect},
};
use ogpu_traits::{
	Attestation, Beneficiaries, Collateral, Decision, Merit, PROLONGED, PartOfTask, Reason,
	Registry, Verdict,
};

use crate::{
	Accomplices, Assignment, Config, Conviction, Convictions, Departed, Departures, Ending, Event,
	Item, More, Pallet, Records, Status, Task, Tasks, client_lock, race_lock, work_lock,
};

/// What a false result costs, and whom.
pub(crate) struct Losses {
	/// What its client is to be made whole by.
	pub(crate) damage: Balance,
	/// What its provider is not paid.
	pub(crate) due: Balance,
}

impl core::ops::AddAssign for Losses {
	fn add_assign(&mut self, other: Self) {
		self.damage = self.damage.saturating_add(other.damage);
		self.due = self.due.saturating_add(other.due);
	}
}

impl<AccountId: Clone> Task<AccountId> {
	/// Takes what is held back from somebody whose parts up to one are false, and tells what it costs its client besides.
	pub(crate) fn take_back(
		&mut self,
		by: &Assignment<AccountId>,
		to_part: u8,
		verified: Balance,
	) -> Losses {
		let cost = self.cost_of_parts(by, to_part, verified);
		let due = core::mem::take(&mut self.owed);
		Losses { damage: cost.saturating_sub(due), due }
	}
}

/// What somebody was paid for in the attempt at a task that it has now, if anything.
pub(crate) fn paid_so_far<AccountId: Clone>(
	task: &Task<AccountId>,
	by: &Assignment<AccountId>,
	verified: Balance,
) -> Option<Departed<AccountId>> {
	let to_part = task.progress.settled;
	let paid = to_part > by.first_part && task.is_verified();
	paid.then(|| Departed { by: by.clone(), to_part, verified, refunded: false })
}

impl<T: Config> Pallet<T> {
	/// Has a provider slashed once the window for appeals has ended. Its lock stays until then.
	pub(crate) fn convict(
		task: &Task<T::AccountId>,
		by: &Assignment<T::AccountId>,
		part: PartOfTask,
		unit: u32,
		losses: Losses,
		paid: Option<Departed<T::AccountId>>,
		decision: &Decision<T::AccountId>,
	) {
		let until = Self::after(T::Windows::get().delivery.get());
		let provider = by.provider.clone();
		let weight = Self::weight_of(task, by.price);
		T::Registry::see(&provider, Aspect::Verdicts, weight, 0);
		Self::deposit_event(Event::Convicted {
			task: part.task,
			provider: provider.clone(),
			unit,
			until,
		});
		let (client, spec) = (task.client.clone(), task.spec.clone());
		let Losses { damage, due } = losses;
		let conviction = Conviction {
			part,
			provider,
			client,
			damage,
			finder: decision.finder.clone(),
			proven: decision.proven,
			more: None,
			guarantor: by.guarantor.clone().filter(|_| decision.proven),
			until,
			spec,
			due,
			weight,
			paid,
		};
		Convictions::<T>::insert((part.task, part.attempt), conviction);
		Self::remind(until, Item::Conviction(part.task, part.attempt));
	}

	/// Carries out a conviction whose window has ended. While an appeal is judged, or another result that its lock secures, it is put
	/// off.
	pub(crate) fn carry_out(id: TaskId, attempt: u8) {
		let Some(mut conviction) = Convictions::<T>::get((id, attempt)) else { return };
		if conviction.until >= crate::Now::<T>::get() {
			return;
		}
		let judged = T::Attestation::is_appealed(conviction.part)
			|| T::Attestation::is_disputed(id, attempt);
		if judged {
			conviction.until = Self::after(PROLONGED);
			Self::remind(conviction.until, Item::Conviction(id, attempt));
			return Convictions::<T>::insert((id, attempt), conviction);
		}
		Convictions::<T>::remove((id, attempt));
		let Conviction { part, provider, client, damage, finder, proven, more, guarantor, .. } =
			conviction;
		let damage = damage.saturating_add(more.map_or(0, |more| more.extra));
		let lock = work_lock(id, attempt);
		let amount = T::Collateral::locked(&provider, lock);
		let bounty = share(amount, T::Charges::get().finder.get());
		let why = if proven { Reason::FalseResult } else { Reason::ResultWithheld };
		let to = Beneficiaries {
			victim: Some((client, damage)),
			finder: finder.map(|finder| (finder, bounty)),
			panel: Vec::new(),
		};
		T::Collateral::slash(&provider, lock, amount, to, why);
		Self::release(&provider, lock);
		for (who, race) in Accomplices::<T>::drain_prefix((id, attempt)) {
			let lock = race_lock(id, race);
			let amount = T::Collateral::locked(&who, lock);
			let to = Beneficiaries::treasury();
			T::Collateral::slash(&who, lock, amount, to, Reason::FalseRace);
			Self::release(&who, lock);
		}
		T::Attestation::carry_out(part);
		T::Registry::found_false(&provider);
		if let Some(guarantor) = guarantor {
			T::Merit::convicted(&provider, &guarantor);
		}
	}

	/// A larger panel says that what was decided before was wrong.
	pub(crate) fn overturn(part: PartOfTask, decision: Decision<T::AccountId>) {
		let PartOfTask { task: id, attempt, part: number } = part;
		let verdict = Verdict::Overturned;
		if number != PartOfTask::CLAIM {
			let Some(mut conviction) = Convictions::<T>::take((id, attempt)) else { return };
			Self::deposit_event(Event::Decided { task: id, attempt, part: number, verdict });
			if let Some(more) = conviction.more.take() {
				return Self::convicted_of_more(part, more, conviction, decision);
			}
			return Self::acquit(part, conviction, decision);
		}
		let Some(task) = Tasks::<T>::get(id).filter(|task| task.attempt == attempt) else { return };
		let Status::AtFault { by, .. } = task.status.clone() else { return };
		Self::deposit_event(Event::Decided { task: id, attempt, part: number, verdict });
		Self::claim_was_false(id, task, by, decision);
	}

	/// Another part of what somebody was convicted for, and was paid for, is false as well: that is slashed with the first, or
	/// instead of it.
	pub(crate) fn convict_of_more(
		task: &Task<T::AccountId>,
		part: PartOfTask,
		decision: &Decision<T::AccountId>,
	) {
		Convictions::<T>::mutate((part.task, part.attempt), |conviction| {
			let Some(conviction) = conviction else { return };
			let Some(departed) = conviction.paid.take() else { return };
			let damage = task.paid_to(&departed);
			// Whoever is convicted of a part that it was paid for pays back all of them.
			let extra = if conviction.part.part < departed.to_part { 0 } else { damage };
			let (finder, proven) = (decision.finder.clone(), decision.proven);
			conviction.more = Some(More { part, damage, extra, finder, proven });
		});
	}

	/// Somebody was convicted of two parts, and of the first of them wrongly.
	fn convicted_of_more(
		part: PartOfTask,
		more: More<T::AccountId>,
		conviction: Conviction<T::AccountId>,
		decision: Decision<T::AccountId>,
	) {
		for (who, fee) in decision.fees {
			Self::pay_from_treasury(&who, fee);
		}
		let More { part: other, damage, finder, proven, .. } = more;
		let conviction = Conviction { part: other, damage, finder, proven, ..conviction };
		Convictions::<T>::insert((part.task, part.attempt), conviction);
	}

	/// Somebody was convicted wrongly: nothing is taken from it, nor from racers that came to the same, and the treasury,
	/// which gets what those pay who were wrong, pays it what it was not paid.
	fn acquit(
		part: PartOfTask,
		conviction: Conviction<T::AccountId>,
		decision: Decision<T::AccountId>,
	) {
		let PartOfTask { task: id, attempt, .. } = part;
		let Conviction { provider, due, weight, paid, .. } = conviction;
		match paid.filter(|_| Tasks::<T>::contains_key(id)) {
			// Its lock stays for what it was paid for before.
			Some(departed) => {
				Self::concern(&provider, id);
				Departures::<T>::insert((id, attempt), departed);
			}
			None => Self::release(&provider, work_lock(id, attempt)),
		}
		for (who, race) in Accomplices::<T>::drain_prefix((id, attempt)) {
			Self::release(&who, race_lock(id, race));
		}
		for (who, fee) in decision.fees {
			Self::pay_from_treasury(&who, fee);
		}
		let amount = Self::pay_from_treasury(&provider, due);
		T::Registry::see(&provider, Aspect::Verdicts, weight, 1000);
		Records::<T>::mutate(id, |record| {
			let ended_so = record.as_mut().filter(|record| {
				record.ending == Ending::Fraud && record.provider.as_ref() == Some(&provider)
			});
			if let Some(record) = ended_so {
				record.ending = Ending::Completed;
				record.paid = record.paid.saturating_add(amount);
			}
		});
		Self::deposit_event(Event::Acquitted { task: id, provider, amount });
	}

	/// A job was found at fault, and is not: whoever said so pays the client what that has cost it, and a penalty as for a
	/// missed deadline. Somebody else takes over.
	fn claim_was_false(
		id: TaskId,
		mut task: Task<T::AccountId>,
		by: Assignment<T::AccountId>,
		decision: Decision<T::AccountId>,
	) {
		Self::pay_verifiers(&mut task, &decision.fees);
		let of_client = client_lock(id);
		let whole = task.terms.client_lock(&task.spec);
		let cost = whole.saturating_sub(T::Collateral::locked(&task.client, of_client));
		let penalty = share(task.share_left(task.reserve), T::Charges::get().default.get());
		let to = Beneficiaries::victim(task.client.clone(), cost);
		let lock = work_lock(id, task.attempt);
		let wanted = cost.saturating_add(penalty);
		T::Collateral::slash(&by.provider, lock, wanted, to, Reason::GroundlessClaim);
		// With what it just got. Whoever has spent it at once has no less locked than before.
		let _ = T::Collateral::set_lock(&task.client, of_client, whole);
		let weight = Self::weight_of(&task, by.price);
		T::Registry::see(&by.provider, Aspect::Disputes, weight, 0);
		Self::dismiss(id, &mut task, &by);
		Self::depart(id, &task, by);
		Self::succeed(id, task);
	}

	/// Pays somebody out of the treasury, as far as it has it. What it was paid.
	fn pay_from_treasury(to: &T::AccountId, amount: Balance) -> Balance {
		let treasury = T::Treasury::get();
		let (preserve, polite) = (Preservation::Preserve, Fortitude::Polite);
		let amount = amount.min(T::Currency::reducible_balance(&treasury, preserve, polite));
		let paid = amount > 0 && T::Currency::transfer(&treasury, to, amount, preserve).is_ok();
		if paid { amount } else { 0 }
	}
}
