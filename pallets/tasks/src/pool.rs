//! Streams and their batches: sending, racing, and what the races come to.

use alloc::vec::Vec;

use frame_support::{defensive, ensure, pallet_prelude::DispatchResult, traits::Get};
use ogpu_primitives::{
	Balance,
	market::{
		TaskId,
		auction::tie_break,
		price::share,
		stream::{Batch, MAX_REQUESTS, StreamId, StreamSpec, commitment},
	},
	merkle::{Blake2, Hash},
};
use ogpu_traits::{
	Beneficiaries, Collateral, Merit, Moment, PartOfTask, Reason, Requested, genesis,
};
use sp_runtime::SaturatedConversion;

use crate::{
	Accomplices, Assignment, Config, Ending, Error, Event, MAX_RACERS, NextStream, Now, Pallet,
	Racer, Racers, Races, Roots, Status, Stream, Streams, Task, money::Purse, race_lock, work_lock,
};

/// Moments in which roots are sealed, from the first seal on: whoever is not slower than a block is as good.
const SEALING: Moment = 2;
/// Moments in which they are shown.
const SHOWING: Moment = 2;

/// Blocks after the one in which roots are bound, in which they must have been shown for those blocks to draw who
/// verifies them.
const BLOCKS_TO_SHOW: u32 = 4;

/// A root that was shown for a batch, and by whom.
struct Candidate<AccountId> {
	root: Hash,
	agreeing: u32,
	winner: AccountId,
}

impl<T: Config> Pallet<T> {
	/// The stream, if it is this client's.
	pub(crate) fn stream_of(
		client: &T::AccountId,
		id: StreamId,
	) -> Result<Stream<T::AccountId>, Error<T>> {
		let stream = Streams::<T>::get(id).ok_or(Error::<T>::NoSuchStream)?;
		ensure!(stream.client == *client, Error::<T>::NotClient);
		Ok(stream)
	}

	pub(crate) fn begin_stream(
		client: T::AccountId,
		spec: StreamSpec,
		deposit: Balance,
	) -> DispatchResult {
		if let Some(fault) = spec.faults().into_iter().next() {
			return Err(Error::<T>::from(fault).into());
		}
		Self::put_in_escrow(&client, deposit)?;
		let id = NextStream::<T>::get();
		NextStream::<T>::put(id.saturating_add(1));
		let stream =
			Stream { client: client.clone(), spec, balance: deposit, paused: false, live: 0 };
		Streams::<T>::insert(id, stream);
		Self::deposit_event(Event::StreamOpened { stream: id, client, deposit });
		Ok(())
	}

	pub(crate) fn add_to_stream(
		client: &T::AccountId,
		id: StreamId,
		amount: Balance,
	) -> DispatchResult {
		let mut stream = Self::stream_of(client, id)?;
		Self::put_in_escrow(client, amount)?;
		stream.balance = stream.balance.saturating_add(amount);
		Streams::<T>::insert(id, stream);
		Self::deposit_event(Event::StreamToppedUp { stream: id, amount });
		Ok(())
	}

	pub(crate) fn end_stream(client: &T::AccountId, id: StreamId) -> DispatchResult {
		let stream = Self::stream_of(client, id)?;
		ensure!(stream.live == 0, Error::<T>::StreamBusy);
		Streams::<T>::remove(id);
		Self::give_back(client, stream.balance);
		Self::deposit_event(Event::StreamClosed { stream: id, refund: stream.balance });
		Ok(())
	}

	/// Sets aside what a batch may cost, and has it raced for.
	pub(crate) fn send_batch(client: &T::AccountId, id: StreamId, batch: &Batch) -> DispatchResult {
		let mut stream = Self::stream_of(client, id)?;
		ensure!(!stream.paused, Error::<T>::StreamPaused);
		ensure!((1..=MAX_REQUESTS).contains(&batch.requests), Error::<T>::Requests);
		let spec = stream.spec.task(batch, T::Charges::get().runner_up.get());
		let (terms, operators, quote) = Self::quote_for(&spec)?;
		let left = stream.balance.checked_sub(quote.most()).ok_or(Error::<T>::StreamTooPoor)?;
		stream.balance = left;
		stream.live = stream.live.saturating_add(1);
		Streams::<T>::insert(id, stream);
		let status = Status::Open { until: Self::after(spec.time) };
		let found = Task::new(client.clone(), Some(id), spec, terms, &quote, operators, status);
		let task = Self::take_on(found, &quote)?;
		Races::<T>::insert(task, ());
		let job = batch.hash;
		Self::deposit_event(Event::BatchSent { stream: id, task, job, quote });
		Ok(())
	}

	/// Whether roots of a batch can be sealed now.
	pub(crate) fn may_race(status: &Status<T::AccountId>) -> bool {
		match status {
			Status::Open { .. } => true,
			Status::Racing { first, .. } => Now::<T>::get() < first.saturating_add(SEALING),
			_ => false,
		}
	}

	/// A racer that can show the root that it has sealed now.
	pub(crate) fn to_show(
		first: Moment,
		id: TaskId,
		provider: &T::AccountId,
	) -> Result<Racer<T::AccountId>, Error<T>> {
		ensure!(Now::<T>::get() >= first.saturating_add(SEALING), Error::<T>::WrongStatus);
		let racer = Racers::<T>::get(id, provider).filter(|racer| racer.shown.is_none());
		racer.ok_or(Error::<T>::NotRacing)
	}

	/// Takes a sealed root.
	pub(crate) fn race(provider: &T::AccountId, id: TaskId, commitment: Hash) -> DispatchResult {
		let mut task = Self::task(id)?;
		let now = Now::<T>::get();
		ensure!(Self::may_race(&task.status), Error::<T>::WrongStatus);
		let standing = Self::admitted(provider, &task)?;
		let mut racers = 0;
		for (other, racer) in Racers::<T>::iter_prefix(id) {
			let again = other == *provider || racer.group == standing.group;
			ensure!(!again, Error::<T>::OneRacerPerGroup);
			racers += 1;
		}
		ensure!(racers < MAX_RACERS, Error::<T>::TooManyRacers);
		let lock = task.terms.provider_lock(&task.spec, task.reserve, task.operators, None);
		let lock = lock.ok_or(Error::<T>::CannotBeSecured)?;
		T::Collateral::set_lock(provider, race_lock(id, task.race), lock)?;
		let guarantor = T::Merit::guarantor(provider);
		let racer = Racer { group: standing.group, commitment, lock, shown: None, guarantor };
		Racers::<T>::insert(id, provider, racer);
		Self::concern(provider, id);
		let block = frame_system::Pallet::<T>::block_number().saturated_into::<u32>();
		let (first, bound_in) = match task.status {
			Status::Racing { first, bound_in, .. } => (first, bound_in.max(block)),
			_ => (now, block.saturating_add(1)),
		};
		let until = first.saturating_add(SEALING + SHOWING - 1);
		task.status = Status::Racing { first, bound_in, until };
		Self::put(id, task);
		Self::deposit_event(Event::Raced { task: id, provider: provider.clone() });
		Ok(())
	}

	/// Takes the root that was sealed.
	pub(crate) fn show(
		provider: &T::AccountId,
		id: TaskId,
		root: Hash,
		salt: Hash,
	) -> DispatchResult {
		let task = Self::task(id)?;
		let Status::Racing { first, .. } = task.status else {
			return Err(Error::<T>::WrongStatus.into());
		};
		let mut racer = Self::to_show(first, id, provider)?;
		let sealed = commitment::<Blake2>(&genesis::<T>(), id, task.race, provider, &root, &salt);
		ensure!(sealed == racer.commitment, Error::<T>::WrongOpening);
		racer.shown = Some(root);
		Racers::<T>::insert(id, provider, racer);
		// The race does not end sooner when all have shown theirs: the last of them could choose the block that draws between them.
		Self::deposit_event(Event::Shown { task: id, provider: provider.clone(), root });
		Ok(())
	}

	/// Ends a race: whoever has shown nothing pays for it, and the first root is verified.
	pub(crate) fn close_race(id: TaskId, task: Task<T::AccountId>) {
		Races::<T>::remove(id);
		let loss = share(task.reserve, T::Charges::get().bid_bond.get());
		let racers: Vec<_> = Racers::<T>::iter_prefix(id).collect();
		for (provider, racer) in racers {
			if racer.shown.is_none() {
				Self::expel(id, task.race, &provider, loss);
			}
		}
		let block = frame_system::Pallet::<T>::block_number().saturated_into::<u32>();
		let bound_in = match task.status {
			// Not if the market clock stood still: whoever showed its root could know the draw by then.
			Status::Racing { bound_in, .. } if block <= bound_in.saturating_add(BLOCKS_TO_SHOW) => {
				Some(bound_in)
			}
			_ => None,
		};
		Self::next_candidate(id, task, bound_in);
	}

	/// Has the best root verified that is left; without any, the batch is raced for again, or ends. Whoever
	/// verifies it is drawn by the blocks after `bound_in`, or else by those after this one.
	pub(crate) fn next_candidate(id: TaskId, mut task: Task<T::AccountId>, bound_in: Option<u32>) {
		if task.attempt >= task.terms.max_attempts {
			return Self::end(id, task, Ending::NoProvider);
		}
		let Some(best) = Self::best_candidate(id) else {
			return Self::race_again(id, task);
		};
		let Candidate { root, agreeing, winner, .. } = best;
		let Some(racer) = Racers::<T>::take(id, &winner) else {
			defensive!("whoever wins has raced");
			return Self::race_again(id, task);
		};
		// What it has locked as a racer secures its work from now on.
		Self::release(&winner, race_lock(id, task.race));
		if T::Collateral::set_lock(&winner, work_lock(id, task.attempt), racer.lock).is_err() {
			// It was slashed for something else meanwhile.
			Self::unconcern(&winner, id);
			return Self::next_candidate(id, task, bound_in);
		}
		let by = Assignment {
			provider: winner.clone(),
			group: racer.group,
			price: Self::prize(&task),
			lock: racer.lock,
			first_part: 0,
			guarantor: racer.guarantor,
			// Whoever races is verified as its client asks.
			asked: None,
		};
		let attempt = task.attempt;
		let part = PartOfTask { task: id, attempt, part: 0 };
		let request = Requested { bound_in, ..Self::request(&task, &by, part, Some(root)) };
		let verified = task.is_verified();
		Roots::<T>::insert(id, 0, (attempt, root));
		task.progress.rooted = 1;
		Self::deposit_event(Event::RaceWon { task: id, provider: winner, root, agreeing });
		let until = Self::last_verdict(&task);
		task.status = Status::Verifying { by, until };
		Self::put(id, task);
		Self::have_verified(request, verified);
	}

	/// Who has shown which root, in the order of the draw. When they have shown it does not matter: whoever makes the first block for
	/// that could have it shown alone.
	fn ranked(id: TaskId) -> Vec<(T::AccountId, Hash)> {
		let draw = Self::fresh_draw();
		let racers = Racers::<T>::iter_prefix(id);
		let mut shown: Vec<_> =
			racers.filter_map(|(who, racer)| Some((who, racer.shown?))).collect();
		shown.sort_by_cached_key(|(who, _)| tie_break::<Blake2>(&draw, id, who));
		shown
	}

	/// The root that most operators have shown, and the first of those; between equals, the one whose first comes first.
	fn best_candidate(id: TaskId) -> Option<Candidate<T::AccountId>> {
		let mut candidates = Vec::<Candidate<T::AccountId>>::new();
		for (winner, root) in Self::ranked(id) {
			match candidates.iter_mut().find(|candidate| candidate.root == root) {
				Some(same) => same.agreeing += 1,
				None => candidates.push(Candidate { root, agreeing: 1, winner }),
			}
		}
		// The first of those that are equal.
		candidates.into_iter().min_by_key(|candidate| u32::MAX - candidate.agreeing)
	}

	/// The root of a batch that is verified; none for other tasks.
	pub(crate) fn root_of_batch(id: TaskId, task: &Task<T::AccountId>) -> Option<Hash> {
		task.stream.and_then(|_| Roots::<T>::get(id, 0)).map(|(_, root)| root)
	}

	/// What whoever wins a batch is paid.
	pub(crate) fn prize(task: &Task<T::AccountId>) -> Balance {
		let stream = task.stream.and_then(Streams::<T>::get);
		let prize = stream.map(|stream| stream.spec.reward.saturating_mul(task.spec.units.into()));
		prize.unwrap_or(task.reserve).min(task.reserve)
	}

	/// A batch for which no root is left: others may race for it, if there may be another attempt.
	fn race_again(id: TaskId, mut task: Task<T::AccountId>) {
		task.attempt = task.attempt.saturating_add(1);
		if task.attempt >= task.terms.max_attempts {
			return Self::end(id, task, Ending::NoProvider);
		}
		task.race = task.attempt;
		task.status = Status::Open { until: Self::after(task.spec.time) };
		Races::<T>::insert(id, ());
		Self::put(id, task);
	}

	/// A root was found false: whoever came to the same has computed as falsely, and answers for it with what it has
	/// locked once that cannot be appealed any more.
	pub(crate) fn accuse_same_root(id: TaskId, task: &Task<T::AccountId>, root: Hash) {
		let same: Vec<_> = Racers::<T>::iter_prefix(id)
			.filter(|(_, racer)| racer.shown == Some(root))
			.map(|(who, _)| who)
			.collect();
		for provider in same {
			Racers::<T>::remove(id, &provider);
			Self::unconcern(&provider, id);
			Accomplices::<T>::insert((id, task.attempt), provider, task.race);
		}
	}

	/// Pays those who came to the right root and did not win, as many as the stream pays; the draw decides which.
	pub(crate) fn pay_runners_up(id: TaskId, task: &mut Task<T::AccountId>, root: Hash) {
		let Some(stream) = task.stream.and_then(Streams::<T>::get) else { return };
		let amount = share(Self::prize(task), T::Charges::get().runner_up.get());
		let right = Self::ranked(id).into_iter().filter(|(_, shown)| *shown == root);
		let paid = usize::from(stream.spec.racers.saturating_sub(1));
		for (provider, _) in right.take(paid) {
			// What the winner gets on delivery is not theirs, should their part have grown meanwhile.
			let amount = amount.min(task.escrow.price.saturating_sub(task.owed));
			let amount = Self::pay(task, Purse::Price, &provider, amount);
			let (fee, _) = Self::take_fee(task, amount);
			Self::deposit_event(Event::Paid { task: id, provider, amount, fee });
		}
	}

	/// Lets go of all who still race.
	pub(crate) fn end_race(id: TaskId, task: &Task<T::AccountId>) {
		Races::<T>::remove(id);
		let left: Vec<_> = Racers::<T>::iter_key_prefix(id).collect();
		for provider in left {
			Self::leave_race(id, task.race, &provider);
		}
	}

	/// Takes so much from a racer, and lets go of it.
	fn expel(id: TaskId, race: u8, provider: &T::AccountId, loss: Balance) {
		let (lock, to) = (race_lock(id, race), Beneficiaries::treasury());
		T::Collateral::slash(provider, lock, loss, to, Reason::RaceNotShown);
		Self::leave_race(id, race, provider);
	}

	fn leave_race(id: TaskId, race: u8, provider: &T::AccountId) {
		Racers::<T>::remove(id, provider);
		Self::release(provider, race_lock(id, race));
		Self::unconcern(provider, id);
	}

	/// What is left of a batch's escrow goes back to its stream.
	pub(crate) fn refund_to_stream(id: StreamId, amount: Balance) {
		Streams::<T>::mutate(id, |stream| match stream {
			Some(stream) => {
				stream.balance = stream.balance.saturating_add(amount);
				stream.live = stream.live.saturating_sub(1);
			}
			None => {
				defensive!("a stream outlives its batches");
			}
		});
	}
}
