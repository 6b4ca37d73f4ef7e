//! Random histories of honest, colluding, framing, absent, abstaining and secretive members, with honest providers
//! and cheats, with challenges from outside that are right or wrong, and appeals: what must hold in all of them.
//!
//! `OGPU_HISTORIES=50000 cargo test --release -p pallet-attestations histories` runs more of them.

use frame_support::traits::fungible::Inspect;
use ogpu_primitives::market::{spec::TaskSpec, verification::Tier};
use ogpu_traits::PartOfTask;
use pallet_tasks::{Convictions, Ending, Status};
use rand::{Rng, SeedableRng, rngs::SmallRng, seq::SliceRandom};

use crate::{Cases, Earned, Event, Panels, Served, Wanted, mock::*};

/// What one history is made of.
#[derive(Debug)]
struct History {
	providers: u64,
	tier: Tier,
	units: u32,
	parts: u8,
	/// Fewer than a fifth of the seats.
	colluding: Vec<AccountId>,
	framing: Vec<AccountId>,
	absent: Vec<AccountId>,
	abstaining: Vec<AccountId>,
	secretive: Vec<AccountId>,
	bad: Vec<u32>,
	/// A unit of the first part that somebody challenges from outside.
	challenged: Option<u32>,
	/// Whether the provider appeals when it is convicted.
	appeals: bool,
}

impl History {
	fn new(random: &mut SmallRng) -> Self {
		let providers = random.random_range(12..=36);
		let tier = [Tier::Standard, Tier::High, Tier::Full][random.random_range(0..3)];
		let parts = random.random_range(1..=3);
		let units = match tier {
			Tier::Full => random.random_range(20..=64) * u32::from(parts),
			_ => random.random_range(20..=120) * u32::from(parts),
		};
		let mut others: Vec<AccountId> = (2..=providers).collect();
		others.shuffle(random);
		// Three quarters are honest and there: of fewer, two thirds may not come together to judge.
		let mut left = (providers as usize - 1) / 4;
		let mut some = |random: &mut SmallRng, most: usize| {
			let count = random.random_range(0..=most.min(left));
			left -= count;
			others.split_off(others.len() - count)
		};
		let most = providers as usize / 6;
		// The stated share holds for all who lie together.
		let (colluding, framing) = match random.random_range(0..2) {
			0 => (some(random, most), Vec::new()),
			_ => (Vec::new(), some(random, most)),
		};
		let absent = some(random, most / 2);
		let abstaining = some(random, most / 2);
		let secretive = some(random, 1);
		let bad = match random.random_range(0..5) {
			0 => (0..units).collect(),
			1 => vec![random.random_range(0..units)],
			2 => (0..units).filter(|_| random.random_range(0..8) == 0).collect(),
			_ => Vec::new(),
		};
		let challenged = match random.random_range(0..3) {
			0 => Some(random.random_range(0..units / u32::from(parts))),
			_ => None,
		};
		Self {
			providers,
			tier,
			units,
			parts,
			colluding,
			framing,
			absent,
			abstaining,
			secretive,
			bad,
			challenged,
			appeals: random.random(),
		}
	}

	fn behaviours(&self) {
		for (who, behaviour) in [
			(&self.colluding, Behaviour::Colluding),
			(&self.framing, Behaviour::Framing),
			(&self.absent, Behaviour::Absent),
			(&self.abstaining, Behaviour::Abstaining),
			(&self.secretive, Behaviour::Secretive),
		] {
			for who in who {
				behave(*who, behaviour);
			}
		}
	}

	/// Runs it. How the task ended.
	fn run(&self) -> Ending {
		let mut found = None;
		market(self.providers, || {
			self.behaviours();
			Bad::set(self.bad.clone());
			let issued = Balances::total_issuance();
			let (tier, units, parts) = (self.tier, self.units, self.parts);
			let task = assigned(TaskSpec { tier, units, parts, time: 200, ..spec() });
			compute(task);
			let mut challenged = self.challenged;
			let mut appeals = self.appeals;
			let mut appeal = move || {
				let found = Convictions::<Test>::get((task, 0));
				if let Some(conviction) = found.filter(|_| appeals) {
					let origin = RuntimeOrigin::signed(EXECUTOR);
					Attestations::appeal(origin, conviction.part).expect("it can be appealed");
					appeals = false;
				}
			};
			until(|| {
				appeal();
				let delivered = pallet_tasks::Tasks::<Test>::get(task)
					.is_some_and(|task| matches!(task.status, Status::Delivered { .. }));
				if delivered && let Some(unit) = challenged.take() {
					let part = PartOfTask { task, attempt: 0, part: 0 };
					let origin = RuntimeOrigin::signed(WATCHTOWER);
					Attestations::challenge(origin, part, unit).expect("it can be challenged");
				}
				ended(task).is_some()
			});
			until(|| Convictions::<Test>::iter_keys().next().is_none());
			self.check(task, issued);
			found = ended(task);
		});
		found.expect("every task ends")
	}

	fn check(&self, task: u64, issued: u128) {
		let liars = |who: &AccountId| behaviour(*who) != Behaviour::Honest;
		let bonded = |who| pallet_trust_lock::Ledgers::<Test>::get(who).bonded();
		// No honest party that keeps its deadlines is ever slashed.
		for who in (2..=self.providers).filter(|who| !liars(who)) {
			assert_eq!(bonded(who), BOND, "{who} is honest, in {self:?}");
		}
		if self.bad.is_empty() {
			assert_eq!(bonded(EXECUTOR), BOND, "the provider is honest, in {self:?}");
		}
		// Every fraud that an honest member has met is punished.
		let first = |part: u8| {
			let units = TaskSpec { units: self.units, parts: self.parts, ..spec() };
			units.first_unit(part)
		};
		let met = System::events().into_iter().any(|record| match record.event {
			RuntimeEvent::Attestations(Event::Challenged { part, unit, challenger, .. }) => {
				let truly = self.bad.contains(&(first(part) + unit));
				truly && (challenger == WATCHTOWER || !liars(&challenger))
			}
			_ => false,
		});
		if met {
			assert!(bonded(EXECUTOR) < BOND, "it was found, in {self:?}");
		}
		// Nothing is made, and nothing is left behind.
		let burnt = issued - Balances::total_issuance();
		let others = [CLIENT, WATCHTOWER, TREASURY, TrustLock::pot(), Tasks::pot()];
		let all: u128 =
			(1..=self.providers).chain(others).map(|who| Balances::total_balance(&who)).sum();
		assert_eq!(all + burnt, issued, "{self:?}");
		assert_eq!(Balances::balance(&Tasks::pot()), 1_000, "{self:?}");
		assert_eq!(pallet_trust_lock::Locks::<Test>::iter().count(), 0, "{self:?}");
		let kept = Cases::<Test>::iter().count() + Panels::<Test>::iter().count();
		let kept = kept + Served::<Test>::iter().count() + Wanted::<Test>::iter().count();
		assert_eq!(kept + Earned::<Test>::iter().count(), 0, "{self:?}");
		let engaged: u32 =
			pallet_providers::Providers::<Test>::iter_values().map(|p| p.engagements).sum();
		assert_eq!(engaged, 0, "task {task} concerns somebody still, in {self:?}");
	}
}

#[test]
fn every_history_ends_rightly() {
	let count: u32 =
		std::env::var("OGPU_HISTORIES").map_or(150, |count| count.parse().expect("a number"));
	let mut random = SmallRng::seed_from_u64(1);
	let mut endings = std::collections::BTreeMap::<String, u32>::new();
	for _ in 0..count {
		let ending = History::new(&mut random).run();
		*endings.entry(format!("{ending:?}")).or_default() += 1;
	}
	println!("{count} histories: {endings:?}");
	// Some are convicted, and nobody takes over.
	assert!(["Completed", "NoProvider"].iter().all(|ending| endings.contains_key(*ending)));
}
