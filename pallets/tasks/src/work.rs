//! Whoever has a task: acknowledging, declining, claiming, committing roots, missing deadlines.

use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use ogpu_primitives::{
	market::{TaskId, price::share, reputation::Aspect, verification::Shape},
	merkle::Hash,
};
use ogpu_traits::{
	Attestation, Beneficiaries, Claim, Collateral, Decision, Moment, PROLONGED, PartOfTask, Reason,
	Registry, Requested, Verdict,
};

use crate::{
	Assignment, Config, Delivery, Ending, Error, Event, Now, Pallet, Racers, Roots, Status, Task,
	Tasks, work_lock,
};

/// How often members may take as long as the provider itself, until verification is given up.
const STAGES: Moment = 12;

impl<T: Config> Pallet<T> {
	/// When verification of a task is given up at the latest: panels have their own deadlines, which come before.
	pub(crate) fn last_verdict(task: &Task<T::AccountId>) -> Moment {
		let panels = task.spec.time.saturating_mul(STAGES);
		Self::after(T::Windows::get().verification.get().saturating_add(panels))
	}

	/// The task, if this provider has it in this attempt.
	fn task_of(
		provider: &T::AccountId,
		id: TaskId,
		attempt: u8,
	) -> Result<Task<T::AccountId>, Error<T>> {
		let task = Self::task(id)?;
		let has = task.status.assignment().is_some_and(|by| by.provider == *provider);
		ensure!(has, Error::<T>::NotAssigned);
		ensure!(task.attempt == attempt, Error::<T>::Stale);
		Ok(task)
	}

	/// Notes that a provider has all inputs and begins.
	pub(crate) fn acknowledge(provider: &T::AccountId, id: TaskId, attempt: u8) -> DispatchResult {
		let mut task = Self::task_of(provider, id, attempt)?;
		let Status::Assigned { to: by, .. } = task.status else {
			return Err(Error::<T>::WrongStatus.into());
		};
		let until = Self::after(task.spec.time);
		T::Registry::occupy(provider, true);
		task.begun = true;
		Self::deposit_event(Event::Acknowledged { task: id, provider: provider.clone(), until });
		task.status = Status::Executing { by, until };
		Self::put(id, task);
		Ok(())
	}

	/// Takes a task away from a provider that won it and does not want it.
	pub(crate) fn decline(provider: &T::AccountId, id: TaskId, attempt: u8) -> DispatchResult {
		let mut task = Self::task_of(provider, id, attempt)?;
		ensure!(matches!(task.status, Status::Assigned { .. }), Error::<T>::WrongStatus);
		Self::release(provider, work_lock(id, attempt));
		Self::no_trust_needed(&mut task);
		Self::unconcern(provider, id);
		Self::deposit_event(Event::Declined { task: id, provider: provider.clone() });
		if task.claimed {
			// What was said of its claim must not be said of the next one's.
			task.attempt = task.attempt.saturating_add(1);
		}
		if let Some(mut task) = Self::assign_next(id, task) {
			// Everybody who wanted it has been asked.
			task.attempt = task.attempt.saturating_add(1);
			Self::auction_again(id, task);
		}
		Ok(())
	}

	/// Hands a claim that the task is at fault over to be judged.
	pub(crate) fn claim(
		provider: &T::AccountId,
		id: TaskId,
		attempt: u8,
		claim: Claim,
	) -> DispatchResult {
		let mut task = Self::task_of(provider, id, attempt)?;
		ensure!(!task.claimed, Error::<T>::ClaimedBefore);
		ensure!(!T::Attestation::is_disputed(id, attempt), Error::<T>::Disputed);
		task.claimed = true;
		let now = Now::<T>::get();
		let (by, left) = match (task.status.clone(), claim) {
			(Status::Assigned { to, until }, Claim::Rejected | Claim::Unavailable) => {
				(to, until.saturating_sub(now))
			}
			(Status::Executing { by, until }, Claim::Rejected | Claim::Endless) => {
				(by, until.saturating_sub(now))
			}
			_ => return Err(Error::<T>::WrongStatus.into()),
		};
		let part = Self::claim_on(id, attempt);
		let request = Self::request(&task, &by, part, None);
		let verified = task.is_verified();
		let until = Self::last_verdict(&task);
		task.status = Status::Adjudicating { by, claim, left, until };
		Self::put(id, task);
		Self::deposit_event(Event::Claimed { task: id, provider: provider.clone(), claim });
		let decision = match verified {
			true => T::Attestation::judge(request, claim),
			// Nobody can be drawn to judge it.
			false => Some(Decision::bare(Verdict::Groundless)),
		};
		if let Some(decision) = decision {
			Self::decide(part, decision);
		}
		Ok(())
	}

	/// Takes the root of the next part, and hands it over to be verified.
	pub(crate) fn commit_root(
		provider: &T::AccountId,
		id: TaskId,
		attempt: u8,
		part: u8,
		root: Hash,
	) -> DispatchResult {
		let mut task = Self::task_of(provider, id, attempt)?;
		let Status::Executing { by, .. } = &task.status else {
			return Err(Error::<T>::WrongStatus.into());
		};
		ensure!(part == task.progress.rooted && part < task.spec.parts, Error::<T>::Stale);
		let by = by.clone();
		let of = PartOfTask { task: id, attempt, part };
		let request = Self::request(&task, &by, of, Some(root));
		let verified = task.is_verified();
		Roots::<T>::insert(id, part, (attempt, root));
		task.progress.rooted += 1;
		Self::deposit_event(Event::Rooted { task: id, attempt, part, root });
		if task.progress.rooted == task.spec.parts {
			let until = Self::last_verdict(&task);
			task.status = Status::Verifying { by, until };
			Self::put(id, task);
		} else {
			Tasks::<T>::insert(id, task);
		}
		Self::have_verified(request, verified);
		Ok(())
	}

	/// Hands a root over to be verified, or accepts it as the client agreed.
	pub(crate) fn have_verified(request: Requested<T::AccountId>, verified: bool) {
		let of = request.part;
		let decision = match verified {
			true => T::Attestation::verify(request),
			false => Some(Decision::bare(Verdict::Unverified)),
		};
		if let Some(decision) = decision {
			Self::decide(of, decision);
		}
	}

	pub(crate) fn request(
		task: &Task<T::AccountId>,
		by: &Assignment<T::AccountId>,
		part: PartOfTask,
		root: Option<Hash>,
	) -> Requested<T::AccountId> {
		let (first_unit, units) = match part.part {
			PartOfTask::CLAIM => (0, task.spec.units),
			part => (task.spec.first_unit(part), task.spec.units_of(part)),
		};
		Requested {
			part,
			provider: by.provider.clone(),
			client: task.client.clone(),
			requirements: task.spec.requirements,
			tier: task.spec.tier,
			shape: task.spec.shape,
			first_unit,
			units,
			root,
			unit_fee: task.terms.unit_fee(&task.spec),
			time: task.spec.time,
			barred: task.barred.to_vec(),
			racers: Racers::<T>::iter_prefix_values(part.task).map(|racer| racer.group).collect(),
			bound_in: None,
			asked: by.asked,
			// Of an iterative job one unit may be worth all of it.
			small: task.spec.shape == Shape::Parallel
				&& (task.stream.is_some() || by.price < T::Charges::get().small_reward.get()),
		}
	}

	/// The claim about a task in an attempt.
	const fn claim_on(task: TaskId, attempt: u8) -> PartOfTask {
		PartOfTask { task, attempt, part: PartOfTask::CLAIM }
	}

	/// Looks at a task whose status may have ended.
	pub(crate) fn wake(id: TaskId) {
		let Some(mut task) = Tasks::<T>::get(id) else { return };
		if task.status.until() >= Now::<T>::get() {
			return;
		}
		let was_held = task.attempt > 0 || task.status.assignment().is_some();
		let disputed = || Self::is_disputed(id, &task);
		let awaited = matches!(task.status, Status::Delivered { delivery: Delivery::Awaited, .. });
		let demanded = awaited && Self::has_demands(id);
		let appealed = || {
			let at_fault = matches!(task.status, Status::AtFault { .. });
			at_fault && T::Attestation::is_appealed(Self::claim_on(id, task.attempt))
		};
		if demanded || was_held && disputed() || appealed() {
			// What secures a disputed result, or one that is not given, stays until that is settled.
			task.status.prolong(Self::after(PROLONGED));
			return Self::put(id, task);
		}
		match task.status.clone() {
			Status::Bidding { .. } => Self::close_bids(id, task),
			Status::Revealing { .. } => Self::close_auction(id, task),
			Status::Assigned { to: by, .. } | Status::Executing { by, .. } => {
				Self::miss(id, task, by);
			}
			Status::Adjudicating { .. } => {
				let claim = Self::claim_on(id, task.attempt);
				Self::decide(claim, Decision::bare(Verdict::Inconclusive));
			}
			Status::Verifying { by, .. } => {
				Self::pay_ahead(id, &mut task, &by);
				Self::halve(id, &mut task, &by);
				Self::end(id, task, Ending::Unverifiable);
			}
			Status::Open { .. } => Self::end(id, task, Ending::NoProvider),
			Status::Racing { .. } => Self::close_race(id, task),
			Status::AtFault { ending, .. } | Status::Closing { ending, .. } => {
				Self::end(id, task, ending);
			}
			Status::Delivered { delivery: Delivery::Refused, .. } => {
				Self::end(id, task, Ending::Undelivered);
			}
			Status::Delivered { verdict: Verdict::Unverified, .. } => {
				Self::end(id, task, Ending::CompletedUnverified);
			}
			Status::Delivered { .. } => Self::end(id, task, Ending::Completed),
		}
	}

	/// Whether a result of any attempt is being judged. Nothing must end meanwhile that secures it.
	pub(crate) fn is_disputed(id: TaskId, task: &Task<T::AccountId>) -> bool {
		(0..=task.attempt).any(|attempt| T::Attestation::is_disputed(id, attempt))
	}

	/// A deadline was missed: whoever had the task pays for it, and somebody else takes over.
	fn miss(id: TaskId, mut task: Task<T::AccountId>, by: Assignment<T::AccountId>) {
		let lock = work_lock(id, task.attempt);
		let left = task.share_left(by.price);
		// By the reserve, not by the price: whoever bids nothing, and others of a ring with it, would risk nothing.
		let at_stake = task.share_left(task.reserve);
		let penalty = share(at_stake, T::Charges::get().default.get()).min(by.lock);
		Self::deposit_event(Event::Missed { task: id, provider: by.provider.clone(), penalty });
		T::Registry::see(&by.provider, Aspect::Timeliness, Self::weight_of(&task, left), 0);
		T::Registry::found_false(&by.provider);
		let more = task.successor_costs_more(by.price);
		let to = Beneficiaries::victim(task.client.clone(), more);
		let wanted = penalty.saturating_add(more);
		T::Collateral::slash(&by.provider, lock, wanted, to, Reason::DeadlineMissed);
		Self::dismiss(id, &mut task, &by);
		Self::depart(id, &task, by);
		Self::succeed(id, task);
	}

	/// Cancels a task for its client.
	pub(crate) fn cancel_task(id: TaskId, mut task: Task<T::AccountId>) -> DispatchResult {
		match task.status.clone() {
			Status::Bidding { .. } | Status::Open { .. } => {
				ensure!(!Self::is_disputed(id, &task), Error::<T>::Disputed);
			}
			Status::Revealing { .. } => return Err(Error::<T>::BidsAreOpen.into()),
			Status::Assigned { to: by, .. } | Status::Executing { by, .. } => {
				ensure!(!Self::is_disputed(id, &task), Error::<T>::Disputed);
				let left = task.share_left(by.price);
				let fee = share(left, T::Charges::get().cancellation.get());
				Self::pay_provider(id, &mut task, &by, fee);
			}
			Status::AtFault { ending, .. } => {
				let claim = Self::claim_on(id, task.attempt);
				ensure!(!T::Attestation::is_appealed(claim), Error::<T>::Disputed);
				Self::end(id, task, ending);
				return Ok(());
			}
			Status::Adjudicating { .. }
			| Status::Racing { .. }
			| Status::Verifying { .. }
			| Status::Closing { .. }
			| Status::Delivered { .. } => {
				return Err(Error::<T>::TooLate.into());
			}
		}
		Self::end(id, task, Ending::Cancelled);
		Ok(())
	}

	/// Takes the client's word that it has the result.
	pub(crate) fn take_delivery(id: TaskId, mut task: Task<T::AccountId>) -> DispatchResult {
		let Status::Delivered { by, verdict, delivery: Delivery::Awaited, until } =
			task.status.clone()
		else {
			return Err(Error::<T>::WrongStatus.into());
		};
		Self::pay_owed(id, &mut task, &by);
		task.status = Status::Delivered { by, verdict, delivery: Delivery::Acknowledged, until };
		Tasks::<T>::insert(id, task);
		Self::deposit_event(Event::DeliveryAcknowledged { task: id });
		Ok(())
	}

	/// The moment at which what was left of a deadline has passed.
	pub(crate) fn resumed(left: Moment) -> Moment {
		Self::after(left.max(1))
	}
}
