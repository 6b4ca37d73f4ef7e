//! Sealed bids: sealing, opening, and giving the task to whoever won.

use frame_support::{defensive, ensure, pallet_prelude::DispatchResult, traits::Get};
use ogpu_primitives::{
	Balance,
	market::{
		TaskId,
		auction::{Quality, Score, commitment, tie_break},
		price::share,
	},
	merkle::{Blake2, Hash},
};
use ogpu_traits::{Beneficiaries, Collateral, Registry};

use codec::Encode;

use crate::{
	Assignment, Auctions, Bids, Concerns, Config, Ending, Error, Event, MAX_BIDS, OpenBid, Pallet,
	SealedBid, Status, Task, bid_lock, work_lock,
};

impl<T: Config> Pallet<T> {
	/// Takes a sealed bid.
	pub(crate) fn seal_bid(
		provider: &T::AccountId,
		id: TaskId,
		commitment: Hash,
	) -> DispatchResult {
		let mut task = Self::task(id)?;
		ensure!(matches!(task.status, Status::Bidding { .. }), Error::<T>::WrongStatus);
		ensure!(u32::from(task.sealed) < MAX_BIDS, Error::<T>::TooManyBids);
		let requirements = task.spec.requirements;
		let standing = T::Registry::meets(provider, &requirements).map_err(Error::<T>::from)?;
		let clients = T::Registry::group(&task.client) == Some(standing.group);
		ensure!(
			!clients && task.client != *provider && !task.barred.contains(&standing.group),
			Error::<T>::GroupBarred
		);
		ensure!(!Bids::<T>::contains_key(id, standing.group), Error::<T>::OneBidPerGroup);
		let bond = share(task.reserve, T::Charges::get().bid_bond.get());
		T::Collateral::set_lock(provider, bid_lock(id), bond)?;
		let least = requirements.tier.least_rating();
		let quality = Quality::new(standing.reputation, standing.rating, least);
		let bid = SealedBid { provider: provider.clone(), commitment, quality, bond };
		Bids::<T>::insert(id, standing.group, bid);
		Concerns::<T>::insert(provider, id, ());
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
		let group = T::Registry::group(provider).ok_or(Error::<T>::NoBid)?;
		let bid = Bids::<T>::get(id, group).filter(|bid| bid.provider == *provider);
		let bid = bid.ok_or(Error::<T>::NoBid)?;
		let account = provider.encode();
		let sealed = commitment::<Blake2>(&Self::genesis(), id, &account, price, &salt);
		ensure!(sealed == bid.commitment, Error::<T>::WrongOpening);
		Bids::<T>::remove(id, group);
		T::Collateral::set_lock(provider, bid_lock(id), 0)?;
		Self::deposit_event(Event::BidOpened { task: id, provider: provider.clone(), price });
		let mut kept = false;
		if price <= task.reserve {
			let score = Score::new(price, bid.quality);
			let open = OpenBid { provider: provider.clone(), group, quality: bid.quality, score };
			kept = Self::keep_bid(&mut task, id, open, &draw);
		}
		if !kept {
			Concerns::<T>::remove(provider, id);
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
		let rank = |bid: &OpenBid<T::AccountId>| {
			(bid.score, tie_break::<Blake2>(draw, id, &bid.provider.encode()))
		};
		let mine = rank(&bid);
		let place = task.bids.iter().position(|other| mine < rank(other));
		let place = place.unwrap_or(task.bids.len());
		match task.bids.force_insert_keep_left(place, bid) {
			Ok(dropped) => {
				if let Some(dropped) = dropped {
					Concerns::<T>::remove(&dropped.provider, id);
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
		let draw = T::Randomness::get().unwrap_or_else(|| {
			let parent = frame_system::Pallet::<T>::parent_hash();
			parent.using_encoded(<Blake2 as ogpu_primitives::merkle::Hasher>::hash)
		});
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
		for (_, bid) in Bids::<T>::drain_prefix(id) {
			let provider = bid.provider;
			T::Collateral::slash(&provider, bid_lock(id), bid.bond, Beneficiaries::treasury());
			Self::release(&provider, bid_lock(id));
			Concerns::<T>::remove(&provider, id);
			Self::deposit_event(Event::BidWithheld { task: id, provider });
		}
		task.sealed = 0;
	}

	/// Releases the bonds of bids that nobody will ask for any more.
	pub(crate) fn return_bids(id: TaskId, task: &mut Task<T::AccountId>) {
		for (_, bid) in Bids::<T>::drain_prefix(id) {
			Self::release(&bid.provider, bid_lock(id));
			Concerns::<T>::remove(&bid.provider, id);
		}
		task.sealed = 0;
		for bid in core::mem::take(&mut task.bids) {
			Concerns::<T>::remove(&bid.provider, id);
		}
	}

	/// Has somebody else take over what is not settled: the best bid that is left, or a new auction.
	pub(crate) fn succeed(id: TaskId, mut task: Task<T::AccountId>) {
		task.attempt = task.attempt.saturating_add(1);
		task.progress.restart();
		if let Some(task) = Self::assign_next(id, task) {
			Self::auction_again(id, task);
		}
	}

	fn auction_again(id: TaskId, mut task: Task<T::AccountId>) {
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
			let lock = task.terms.provider_lock(&task.spec, price, task.operators);
			let unmet = match (standing, lock) {
				(Some(Ok(_)), Some(lock)) => {
					let lock_id = work_lock(id, task.attempt);
					if T::Collateral::set_lock(&bid.provider, lock_id, lock).is_ok() {
						Self::assign(id, task, bid, price, lock);
						return None;
					}
					None
				}
				(Some(Err(unmet)), _) => Some(unmet),
				(None, _) | (_, None) => None,
			};
			Concerns::<T>::remove(&bid.provider, id);
			Self::deposit_event(Event::PassedOver { task: id, provider: bid.provider, unmet });
		}
		Some(task)
	}

	fn assign(
		id: TaskId,
		mut task: Task<T::AccountId>,
		bid: OpenBid<T::AccountId>,
		price: Balance,
		lock: Balance,
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
		task.status = Status::Assigned { to: Assignment { provider, group, price, lock }, until };
		Self::put(id, task);
	}

	/// Releases a lock.
	pub(crate) fn release(who: &T::AccountId, lock: ogpu_traits::LockId) {
		if T::Collateral::set_lock(who, lock, 0).is_err() {
			defensive!("a lock can always be released");
		}
	}

	/// The hash of the genesis block.
	pub(crate) fn genesis() -> Hash {
		use frame_system::pallet_prelude::BlockNumberFor;
		let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::default());
		let mut genesis = [0; 32];
		let len = hash.as_ref().len().min(32);
		genesis[..len].copy_from_slice(&hash.as_ref()[..len]);
		genesis
	}
}
