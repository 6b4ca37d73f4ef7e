//! Sealed bids: sealing, opening, and giving the task to whoever won.

use frame_support::{defensive, ensure, pallet_prelude::DispatchResult, traits::Get};
use ogpu_primitives::{
	Balance,
	market::{
		TaskId,
		auction::{Quality, Score, commitment, tie_break},
		price::share,
	},
	merkle::{Blake2, Hash, Hasher},
};
use ogpu_traits::{Beneficiaries, Collateral, Merit, Reason, Registry, Standing, genesis};

use codec::Encode;

use crate::{
	Assignment, Auctions, Bidders, Bids, Concerns, Config, Ending, Error, Event, MAX_BIDS, OpenBid,
	Pallet, SealedBid, Status, Task, bid_lock, work_lock,
};

impl<T: Config> Pallet<T> {
	/// How a provider stands that may bid or race for a task.
	pub(crate) fn admitted(
		provider: &T::AccountId,
		task: &Task<T::AccountId>,
	) -> Result<Standing, Error<T>> {
		let standing = T::Registry::meets(provider, &task.spec.requirements)?;
		let clients = T::Registry::group(&task.client) == Some(standing.group);
		ensure!(
			!clients && task.client != *provider && !task.barred.contains(&standing.group),
			Error::<T>::GroupBarred
		);
		Ok(standing)
	}

	/// What decides between equals. Nobody knew it a block ago.
	pub(crate) fn fresh_draw() -> Hash {
		let parent = || frame_system::Pallet::<T>::parent_hash().using_encoded(Blake2::hash);
		T::Randomness::get().unwrap_or_else(parent)
	}

	/// Takes a sealed bid.
	pub(crate) fn seal_bid(
		provider: &T::AccountId,
		id: TaskId,
		commitment: Hash,
	) -> DispatchResult {
		let mut task = Self::task(id)?;
		ensure!(matches!(task.status, Status::Bidding { .. }), Error::<T>::WrongStatus);
		ensure!(u32::from(task.sealed) < MAX_BIDS, Error::<T>::TooManyBids);
		let standing = Self::admitted(provider, &task)?;
		let again =
			Bids::<T>::contains_key(id, provider) || Bidders::<T>::contains_key(id, standing.group);
		ensure!(!again, Error::<T>::OneBidPerGroup);
		let bond = share(task.reserve, T::Charges::get().bid_bond.get());
		T::Collateral::set_lock(provider, bid_lock(id), bond)?;
		let least = task.spec.requirements.tier.least_rating();
		let quality = Quality::new(standing.reputation, standing.rating, least);
		let bid = SealedBid { group: standing.group, commitment, quality, bond };
		Bids::<T>::insert(id, provider, bid);
		Bidders::<T>::insert(id, standing.group, ());
		Self::concern(provider, id);
		task.sealed += 1;
		crate::Tasks::<T>::insert(id, task);
		Self::deposit_event(Event::BidSealed { task: id, provider: provider.clone() });
		Ok(())
	}

	/// Opens a bid.
	pub(crate) fn open_bid(
		provider: &T::AccountId,
		id: TaskId,
		price: Balance,
		salt: Hash,
	) -> DispatchResult {
		let mut task = Self::task(id)?;
		let Status::Revealing { draw, .. } = task.status else {
			return Err(Error::<T>::WrongStatus.into());
		};
		let bid = Bids::<T>::get(id, provider).ok_or(Error::<T>::NoBid)?;
		let genesis = genesis::<T>();
		let sealed = commitment::<Blake2>(&genesis, id, task.attempt, provider, price, &salt);
		ensure!(sealed == bid.commitment, Error::<T>::WrongOpening);
		Bids::<T>::remove(id, provider);
		Self::deposit_event(Event::BidOpened { task: id, provider: provider.clone(), price });
		let mut kept = false;
		if price <= task.reserve {
			Self::release(provider, bid_lock(id));
			let score = Score::new(price, bid.quality);
			let (provider, group) = (provider.clone(), bid.group);
			let open = OpenBid { provider, group, quality: bid.quality, score };
			kept = Self::keep_bid(&mut task, id, open, &draw);
		} else {
			// Void bids would keep others out for nothing.
			Self::forfeit(provider, id, bid.bond);
		}
		if !kept {
			Self::unconcern(provider, id);
		}
		crate::Tasks::<T>::insert(id, task);
		Ok(())
	}

	/// Keeps a bid if it is among the best. Whether it is.
	fn keep_bid(
		task: &mut Task<T::AccountId>,
		id: TaskId,
		bid: OpenBid<T::AccountId>,
		draw: &Hash,
	) -> bool {
		let rank =
			|bid: &OpenBid<T::AccountId>| (bid.score, tie_break::<Blake2>(draw, id, &bid.provider));
		let mine = rank(&bid);
		let place = task.bids.iter().position(|other| mine < rank(other));
		let place = place.unwrap_or(task.bids.len());
		match task.bids.force_insert_keep_left(place, bid) {
			Ok(dropped) => {
				if let Some(dropped) = dropped {
					Self::unconcern(&dropped.provider, id);
				}
				true
			}
			Err(_) => false,
		}
	}

	/// Ends the sealing of bids.
	pub(crate) fn close_bids(id: TaskId, mut task: Task<T::AccountId>) {
		Auctions::<T>::remove(id);
		if task.sealed == 0 {
			return Self::end(id, task, Ending::NoProvider);
		}
		let until = Self::after(T::Windows::get().reveal.get());
		let draw = Self::fresh_draw();
		task.status = Status::Revealing { until, draw };
		Self::deposit_event(Event::BidsClosed { task: id, bids: task.sealed, until });
		Self::put(id, task);
	}

	/// Ends the opening of bids, and gives the task to whoever won.
	pub(crate) fn close_auction(id: TaskId, mut task: Task<T::AccountId>) {
		Self::forfeit_bids(id, &mut task);
		if let Some(mut task) = Self::assign_next(id, task) {
			// Every auction counts as an attempt, or bids that are passed over could keep a task for ever.
			task.attempt = task.attempt.saturating_add(1);
			Self::auction_again(id, task);
		}
	}

	/// Takes the bonds of bids that were not opened.
	fn forfeit_bids(id: TaskId, task: &mut Task<T::AccountId>) {
		for (provider, bid) in Bids::<T>::drain_prefix(id) {
			Self::forfeit(&provider, id, bid.bond);
			Self::unconcern(&provider, id);
			Self::deposit_event(Event::BidWithheld { task: id, provider });
		}
		Self::forget_bidders(id);
		task.sealed = 0;
	}

	/// Takes the bond of a bid.
	fn forfeit(provider: &T::AccountId, id: TaskId, bond: Balance) {
		let to = Beneficiaries::treasury();
		T::Collateral::slash(provider, bid_lock(id), bond, to, Reason::BidNotOpened);
		Self::release(provider, bid_lock(id));
	}

	fn forget_bidders(id: TaskId) {
		for _ in Bidders::<T>::drain_prefix(id) {}
	}

	/// Notes that a task concerns a provider: it cannot leave the registry meanwhile.
	pub(crate) fn concern(provider: &T::AccountId, id: TaskId) {
		if !Concerns::<T>::contains_key(provider, id) {
			Concerns::<T>::insert(provider, id, ());
			T::Registry::engage(provider, true);
		}
	}

	/// Notes that a task does not concern a provider any more.
	pub(crate) fn unconcern(provider: &T::AccountId, id: TaskId) {
		if Concerns::<T>::take(provider, id).is_some() {
			T::Registry::engage(provider, false);
		}
	}

	/// Releases the bonds of bids that nobody will ask for any more.
	pub(crate) fn return_bids(id: TaskId, task: &mut Task<T::AccountId>) {
		for (provider, _) in Bids::<T>::drain_prefix(id) {
			Self::release(&provider, bid_lock(id));
			Self::unconcern(&provider, id);
		}
		Self::forget_bidders(id);
		task.sealed = 0;
		for bid in core::mem::take(&mut task.bids) {
			Self::unconcern(&bid.provider, id);
		}
	}

	/// Has somebody else take over what is not settled: the best bid that is left, or a new auction.
	pub(crate) fn succeed(id: TaskId, mut task: Task<T::AccountId>) {
		task.attempt = task.attempt.saturating_add(1);
		task.progress.restart();
		task.verified = 0;
		if task.stream.is_some() {
			return Self::next_candidate(id, task, None);
		}
		if let Some(task) = Self::assign_next(id, task) {
			Self::auction_again(id, task);
		}
	}

	pub(crate) fn auction_again(id: TaskId, mut task: Task<T::AccountId>) {
		// Whoever asked for a task that nobody ever had gets an answer, not another auction.
		if task.attempt < 2 && task.barred.is_empty() || task.attempt >= task.terms.max_attempts {
			return Self::end(id, task, Ending::NoProvider);
		}
		let until = Self::after(T::Windows::get().commit.get());
		task.status = Status::Bidding { until };
		Auctions::<T>::insert(id, ());
		Self::put(id, task);
	}

	/// Gives the task to the best bid that is left. The task, if there is none.
	pub(crate) fn assign_next(
		id: TaskId,
		mut task: Task<T::AccountId>,
	) -> Option<Task<T::AccountId>> {
		let requirements = task.spec.requirements;
		while task.attempt < task.terms.max_attempts {
			let Some((bid, price)) = task.next_bid() else { break };
			let standing = match task.barred.contains(&bid.group) {
				true => None,
				false => Some(T::Registry::meets(&bid.provider, &requirements)),
			};
			let unmet = match standing {
				Some(Ok(_)) => match Self::secure(id, &task, &bid.provider) {
					Some((lock, asked)) => {
						Self::assign(id, task, bid, price, (lock, asked));
						return None;
					}
					None => None,
				},
				Some(Err(unmet)) => Some(unmet),
				None => None,
			};
			Self::unconcern(&bid.provider, id);
			Self::deposit_event(Event::PassedOver { task: id, provider: bid.provider, unmet });
		}
		Some(task)
	}

	/// Has a provider lock what its work on a task is secured by: on trust, if it has earned that and has as much to lock,
	/// or else as anybody. What it locks, and how often of a thousand times the tier that was asked for is drawn.
	fn secure(
		id: TaskId,
		task: &Task<T::AccountId>,
		provider: &T::AccountId,
	) -> Option<(Balance, Option<u16>)> {
		let may_be = task.spec.may_be_trusted() && task.is_verified();
		let leverage = T::Security::get().leverage.get();
		let trusted = || T::Registry::trust(provider, task.reserve, leverage);
		let asked = may_be.then(trusted).flatten();
		let ways = asked.map(Some).into_iter().chain([None]);
		let lock_id = work_lock(id, task.attempt);
		ways.into_iter().find_map(|asked| {
			// By the reserve, not by the price: whoever bids nothing would risk nothing.
			let lock = task.terms.provider_lock(&task.spec, task.reserve, task.operators, asked)?;
			T::Collateral::set_lock(provider, lock_id, lock).is_ok().then_some((lock, asked))
		})
	}

	fn assign(
		id: TaskId,
		mut task: Task<T::AccountId>,
		bid: OpenBid<T::AccountId>,
		price: Balance,
		(lock, asked): (Balance, Option<u16>),
	) {
		let until = Self::after(T::Windows::get().acknowledge.get());
		let OpenBid { provider, group, .. } = bid;
		Self::deposit_event(Event::Assigned {
			task: id,
			attempt: task.attempt,
			provider: provider.clone(),
			price,
			lock,
		});
		task.claimed = false;
		let first_part = task.progress.settled;
		let guarantor = T::Merit::guarantor(&provider);
		if asked.is_some() {
			T::Registry::entrust(&provider, task.reserve, true);
		}
		let to = Assignment { provider, group, price, lock, first_part, guarantor, asked };
		task.status = Status::Assigned { to, until };
		Self::put(id, task);
	}

	/// Releases a lock.
	pub(crate) fn release(who: &T::AccountId, lock: ogpu_traits::LockId) {
		if T::Collateral::set_lock(who, lock, 0).is_err() {
			defensive!("a lock can always be released");
		}
	}
}
