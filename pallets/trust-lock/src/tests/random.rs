//! Random histories against a plain account of them.

use std::collections::BTreeMap;

use ogpu_traits::{Beneficiaries, Collateral, LockId, Purpose, Reason};
use proptest::prelude::*;

use crate::{Ledgers, mock::*};

#[derive(Clone, Debug)]
enum Step {
	Bond(u128),
	Unbond(u128),
	Rebond(u128),
	Withdraw,
	Lock(u8, u128),
	Seats(u128),
	Slash(u8, u128),
	Liable(u128),
	Wait(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
	let amount = 1_000u128..100_000;
	let step = prop_oneof![
		amount.clone().prop_map(Step::Bond),
		amount.clone().prop_map(Step::Unbond),
		amount.clone().prop_map(Step::Rebond),
		Just(Step::Withdraw),
		(0u8..4, prop_oneof![Just(0), amount.clone()]).prop_map(|(id, to)| Step::Lock(id, to)),
		prop_oneof![Just(0), amount.clone()].prop_map(Step::Seats),
		(0u8..4, amount.clone()).prop_map(|(id, to)| Step::Slash(id, to)),
		amount.prop_map(Step::Liable),
		(1u32..150).prop_map(Step::Wait),
	];
	prop::collection::vec(step, 1..80)
}

/// The same in the simplest way that comes to mind.
#[derive(Default)]
struct Model {
	free: u128,
	seats: u128,
	locks: BTreeMap<u8, u128>,
	leaving: Vec<(u128, u32)>,
	gone: u128,
}

impl Model {
	fn take_leaving(&mut self, mut amount: u128) -> u128 {
		let wanted = amount;
		for (left, _) in self.leaving.iter_mut().rev() {
			let taken = amount.min(*left);
			*left -= taken;
			amount -= taken;
		}
		self.leaving.retain(|(left, _)| *left > 0);
		wanted - amount
	}

	/// What a step changes; whether it is allowed.
	fn apply(&mut self, step: &Step, now: u32) -> bool {
		match *step {
			Step::Bond(amount) => {
				self.free += amount;
				true
			}
			Step::Unbond(amount) => {
				let merges = self.leaving.last().is_some_and(|last| last.1 == now + DELAY);
				let allowed = amount <= self.free && (merges || self.leaving.len() < 8);
				if allowed {
					self.free -= amount;
					match self.leaving.last_mut().filter(|_| merges) {
						Some(last) => last.0 += amount,
						None => self.leaving.push((amount, now + DELAY)),
					}
				}
				allowed
			}
			Step::Rebond(amount) => {
				let taken = self.take_leaving(amount);
				self.free += taken;
				taken > 0
			}
			Step::Withdraw => {
				let before = self.leaving.len();
				self.leaving.retain(|(_, until)| *until > now);
				before != self.leaving.len()
			}
			Step::Lock(id, to) => {
				let before = self.locks.get(&id).copied().unwrap_or(0);
				let allowed = to <= before + self.free;
				if allowed {
					self.free = self.free + before - to;
					self.locks.insert(id, to);
				}
				allowed
			}
			Step::Seats(to) => {
				let allowed = to <= self.seats + self.free;
				if allowed {
					self.free = self.free + self.seats - to;
					self.seats = to;
				}
				allowed
			}
			Step::Slash(id, amount) => {
				let lock = self.locks.entry(id).or_default();
				let taken = amount.min(*lock);
				*lock -= taken;
				self.gone += taken;
				true
			}
			Step::Liable(amount) => {
				let free = amount.min(self.free);
				let seats = (amount - free).min(self.seats);
				self.free -= free;
				self.seats -= seats;
				self.gone += free + seats + self.take_leaving(amount - free - seats);
				true
			}
			Step::Wait(_) => true,
		}
	}
}

fn perform(step: &Step) -> bool {
	let origin = RuntimeOrigin::signed(PROVIDER);
	let id = |number: u8| LockId::new(Purpose::Work, number.into());
	match *step {
		Step::Bond(amount) => TrustLock::bond(origin, amount).is_ok(),
		Step::Unbond(amount) => TrustLock::unbond(origin, amount).is_ok(),
		Step::Rebond(amount) => {
			frame_support::storage::with_storage_layer(|| TrustLock::rebond(origin, amount)).is_ok()
		}
		Step::Withdraw => TrustLock::withdraw(origin).is_ok(),
		Step::Lock(number, to) => TrustLock::set_lock(&PROVIDER, id(number), to).is_ok(),
		Step::Seats(to) => TrustLock::set_seats(&PROVIDER, to).is_ok(),
		Step::Slash(number, amount) => {
			TrustLock::slash(
				&PROVIDER,
				id(number),
				amount,
				Beneficiaries::victim(CLIENT, 500),
				Reason::NoShow,
			);
			true
		}
		Step::Liable(amount) => {
			TrustLock::slash_liable(
				&PROVIDER,
				amount,
				Beneficiaries::victim(CLIENT, 500),
				Reason::NoShow,
			);
			true
		}
		Step::Wait(blocks) => {
			Now::mutate(|now| *now += blocks);
			true
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

	#[test]
	fn every_history_is_as_the_model_says(steps in steps()) {
		Now::set(0);
		build_and_execute(|| {
			let mut model = Model::default();
			for step in &steps {
				let allowed = model.apply(step, Now::get());
				assert_eq!(perform(step), allowed, "{step:?}");
				let ledger = Ledgers::<Test>::get(PROVIDER);
				assert_eq!(ledger.free(), model.free, "{step:?}");
				assert_eq!(ledger.seats(), model.seats, "{step:?}");
				assert_eq!(ledger.locked(), model.locks.values().sum::<u128>(), "{step:?}");
				let leaving: u128 = model.leaving.iter().map(|(amount, _)| amount).sum();
				assert_eq!(ledger.staked() - ledger.bonded(), leaving, "{step:?}");
			}
			let received = Balances::free_balance(CLIENT) + Balances::free_balance(TREASURY);
			assert_eq!(received, 2 * ENDOWMENT + model.gone);
		});
		Now::set(0);
	}
}
