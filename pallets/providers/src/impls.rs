//! What the other pallets see of the providers, and the heartbeat that nodes send.

use alloc::{vec, vec::Vec};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	defensive, ensure, pallet_prelude::DispatchResult, traits::Get, weights::Weight,
};
use ogpu_primitives::{
	Balance,
	executor::Health,
	market::{
		DeviceTier, Endpoint, Features, GroupId,
		reputation::{Aspect, TOKEN_WEIGHT},
		spec::{MAX_MEMORY, Requirements},
		trust::{LEAST_CLIENTS, Trusted},
	},
	merkle::{Blake2, Hash, Hasher},
};
use ogpu_traits::{Collateral, Duties, MAX_LOOKS, Node, Registry, SeatTable, Standing, Unmet};
use scale_info::TypeInfo;

use crate::{
	Capacities, Capacity, Class, Config, Error, Event, Holdings, Occupation, Operators, Pallet,
	Providers, SessionIndex, Stashes, Trust, Trusts, WeightInfo, seats::Seats,
};

/// The most missed sessions that one heartbeat is held against.
const MOST_MISSED: SessionIndex = 8;

impl<T: Config> Registry<T::AccountId> for Pallet<T> {
	fn meets(who: &T::AccountId, requirements: &Requirements) -> Result<Standing, Unmet> {
		let provider = Providers::<T>::get(who).ok_or(Unmet::Unregistered)?;
		provider.meets(requirements, T::Session::get())
	}

	fn group(who: &T::AccountId) -> Option<GroupId> {
		Providers::<T>::get(who).map(|provider| provider.group)
	}

	fn operator(who: &T::AccountId) -> Option<GroupId> {
		Self::group(who).or_else(|| Self::group_of_stash(who))
	}

	fn endpoint(who: &T::AccountId) -> Option<Endpoint> {
		Providers::<T>::get(who).map(|provider| provider.profile.endpoint)
	}

	fn devices(who: &T::AccountId) -> Option<Hash> {
		let fingerprints = Providers::<T>::get(who)?.profile.fingerprints();
		Some(fingerprints.using_encoded(Blake2::hash))
	}

	fn rate(who: &T::AccountId, rating: u32) {
		// It may have left.
		let _ = Self::set_rating(who, rating);
	}

	fn operators(requirements: &Requirements) -> u32 {
		let mut sum = 0u32;
		for tier in DeviceTier::ALL.into_iter().filter(|tier| *tier >= requirements.tier) {
			for features in 0..=Features::KNOWN.0 {
				let class = Class { tier, features: Features(features), memory: MAX_MEMORY };
				if !class.meets(&Requirements { memory: 0, ..*requirements }) {
					continue;
				}
				for (memory, count) in Operators::<T>::iter_prefix((tier as u8, features)) {
					if memory >= requirements.memory {
						sum = sum.saturating_add(count);
					}
				}
			}
		}
		// Each has one seat at least, and of so many seats no more are looked at: few among many are hardly ever met.
		let seats = Seats::<T>::count().max(MAX_LOOKS);
		(u64::from(sum) * u64::from(MAX_LOOKS) / u64::from(seats)) as u32
	}

	fn see(who: &T::AccountId, aspect: Aspect, weight: Balance, thousandths: u16) {
		Providers::<T>::mutate(who, |provider| {
			// It may have left.
			if let Some(provider) = provider {
				provider.reputation.see(aspect, weight, thousandths);
			}
		});
	}

	fn trust(who: &T::AccountId, price: Balance, leverage: u32) -> Option<u16> {
		let Trust { earned, clients } = Trusts::<T>::get(who);
		earned.asked(clients.len() as u32, price, leverage)
	}

	fn entrust(who: &T::AccountId, price: Balance, begins: bool) {
		Trusts::<T>::mutate(who, |trust| {
			let open = &mut trust.earned.open;
			*open = if begins { open.saturating_add(price) } else { open.saturating_sub(price) };
		});
	}

	fn found_right(who: &T::AccountId, client: &T::AccountId, burnt: Balance, whole: bool) {
		let mut trust = Trusts::<T>::get(who);
		if Self::is_new_client(who, client, &trust.clients) {
			let _ = trust.clients.try_push(client.clone());
		}
		trust.earned.burnt = trust.earned.burnt.saturating_add(burnt);
		trust.earned.streak = trust.earned.streak.saturating_add(u32::from(whole));
		Trusts::<T>::insert(who, trust);
	}

	fn found_false(who: &T::AccountId) {
		Trusts::<T>::mutate(who, |trust| {
			let open = trust.earned.open;
			*trust = Trust { earned: Trusted { open, ..Trusted::default() }, ..Trust::default() };
		});
	}

	fn engage(who: &T::AccountId, engaged: bool) {
		Providers::<T>::mutate(who, |provider| {
			let Some(provider) = provider else {
				defensive!("whom tasks concern is registered");
				return;
			};
			let count = &mut provider.engagements;
			*count = if engaged { count.saturating_add(1) } else { count.saturating_sub(1) };
		});
	}

	fn occupy(who: &T::AccountId, busy: bool) {
		Providers::<T>::mutate(who, |provider| {
			let Some(provider) = provider else {
				defensive!("whoever works is registered");
				return;
			};
			let capacity = provider.capacity();
			let tier = DeviceTier::of_rating(provider.rating) as u8;
			let occupation = &mut provider.occupation;
			if busy {
				if occupation.tasks == 0 {
					(occupation.counted, occupation.tier) = (capacity, tier);
					Capacities::<T>::mutate(tier, |found| {
						found.busy = found.busy.saturating_add(capacity);
					});
				}
				occupation.tasks = occupation.tasks.saturating_add(1);
			} else if occupation.tasks > 1 {
				occupation.tasks -= 1;
			} else {
				let Occupation { counted, tier, .. } = core::mem::take(occupation);
				Capacities::<T>::mutate(tier, |found| {
					found.busy = found.busy.saturating_sub(counted);
				});
			}
		});
	}

	fn utilisation(tier: DeviceTier) -> (u64, u64) {
		let found = Capacities::<T>::get(tier as u8).at(T::Session::get());
		(found.busy, found.before.max(found.counted))
	}
}

impl<T: Config> SeatTable<T::AccountId> for Pallet<T> {
	fn seats() -> u32 {
		Seats::<T>::count()
	}

	fn holder(seat: u32) -> Option<T::AccountId> {
		let who = Seats::<T>::holder(seat)?;
		// What was slashed away is drawn no longer, though it is in the table until that is settled. Up to half of a seat may be
		// missing: a small loss, or a price that has risen a little, ends nothing.
		let place = Holdings::<T>::get(&who).numbers.iter().position(|number| *number == seat)?;
		let price = T::SeatPrice::get().max(1);
		let paid = T::Collateral::in_seats(&who).saturating_add(price / 2) / price;
		((place as Balance) < paid).then_some(who)
	}

	fn verifier(who: &T::AccountId, requirements: &Requirements) -> Option<GroupId> {
		let provider = Providers::<T>::get(who)?;
		// Where it is, and how it has done so far, does not matter for judging.
		let session = T::Session::get();
		let candidate = provider.candidate(session);
		candidate.meets(requirements, session).ok().map(|()| candidate.group)
	}

	fn group_of_stash(stash: &T::AccountId) -> Option<GroupId> {
		Self::group(&Stashes::<T>::get(stash)?)
	}
}

impl<T: Config> Pallet<T> {
	/// Whether a client is another than these, and neither of an operator of theirs nor of the provider's own.
	fn is_new_client(who: &T::AccountId, client: &T::AccountId, clients: &[T::AccountId]) -> bool {
		if clients.len() as u32 >= LEAST_CLIENTS {
			return false;
		}
		let operator = Self::operator(client);
		let mut others = clients.iter().chain([who]);
		others.all(|other| {
			other != client && (operator.is_none() || Self::operator(other) != operator)
		})
	}
}

impl Capacity {
	/// The same as it stands in a session.
	fn at(self, session: SessionIndex) -> Self {
		match session.saturating_sub(self.session) {
			0 => self,
			1 => Self { session, before: self.counted, counted: 0, ..self },
			_ => Self { session, before: 0, counted: 0, ..self },
		}
	}
}

/// A heartbeat is due.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct HeartbeatDue {
	/// Of this session.
	pub session: SessionIndex,
}

/// A provider is there.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct HeartbeatDone {
	/// In this session.
	pub session: SessionIndex,
	/// How busy it is, in thousandths.
	pub load: u16,
	/// Its free device memory in bytes, as a power of two.
	pub free_memory: u8,
}

impl<T: Config> Duties<T::AccountId> for Pallet<T> {
	type Due = HeartbeatDue;
	type Done = HeartbeatDone;

	fn due(provider: &T::AccountId, most: u32) -> Vec<HeartbeatDue> {
		let session = T::Session::get();
		let due = Providers::<T>::get(provider)
			.is_some_and(|provider| most > 0 && provider.last_heartbeat < session);
		if due { vec![HeartbeatDue { session }] } else { Vec::new() }
	}

	fn attend(provider: &T::AccountId, most: u32, node: &dyn Node) -> Vec<HeartbeatDone> {
		let Some(HeartbeatDue { session }) = Self::due(provider, most).pop() else {
			return Vec::new();
		};
		// Without an executor there is nothing to offer, and nobody to say so.
		let Ok(status) = node.status() else { return Vec::new() };
		let good = || status.devices.iter().filter(|device| device.health == Health::Good);
		// The node says so where its operator sees it.
		if !status.is_of_this_release() || status.draining || good().next().is_none() {
			return Vec::new();
		}
		let busy = good().filter(|device| device.busy).count();
		let load = (busy * 1000 / good().count()) as u16;
		let free = good().filter(|device| !device.busy).map(|device| device.memory).max();
		let free_memory = free.and_then(u64::checked_ilog2).unwrap_or(0) as u8;
		vec![HeartbeatDone { session, load, free_memory }]
	}

	fn is_live(provider: &T::AccountId, done: &HeartbeatDone) -> bool {
		let session = T::Session::get();
		done.session == session
			&& Providers::<T>::get(provider)
				.is_some_and(|provider| provider.last_heartbeat < session)
	}

	fn weight(_: &HeartbeatDone) -> Weight {
		T::WeightInfo::heartbeat()
	}

	fn is_voluntary(_: &HeartbeatDone) -> bool {
		// Once a session, and asked for.
		false
	}

	fn perform(who: &T::AccountId, done: HeartbeatDone) -> DispatchResult {
		let mut provider = Self::provider(who)?;
		let session = T::Session::get();
		let HeartbeatDone { load, free_memory, .. } = done;
		ensure!(done.session == session, Error::<T>::WrongSession);
		ensure!(provider.last_heartbeat < session, Error::<T>::WrongSession);
		let missed = session.saturating_sub(provider.last_heartbeat).saturating_sub(1);
		for _ in 0..missed.min(MOST_MISSED) {
			provider.reputation.see(Aspect::Uptime, TOKEN_WEIGHT, 0);
		}
		provider.reputation.see(Aspect::Uptime, TOKEN_WEIGHT, 1000);
		provider.last_heartbeat = session;
		let tier = DeviceTier::of_rating(provider.rating) as u8;
		Capacities::<T>::mutate(tier, |found| {
			*found = found.at(session);
			found.counted = found.counted.saturating_add(provider.capacity());
		});
		Providers::<T>::insert(who, provider);
		Self::deposit_event(Event::Heartbeat { provider: who.clone(), load, free_memory });
		Ok(())
	}
}
