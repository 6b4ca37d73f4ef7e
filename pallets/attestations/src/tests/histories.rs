//! Random histories of members that are honest, crash, collude, frame, copy, are lazy, absent, abstain, do not reveal, or have a
//! device that deviates, with providers that are honest, cheat or withhold, with challenges from outside that are right or
//! wrong, and appeals: what the [model](super::model) says, and what must hold in all of them.
//!
//! Jobs are parallel or iterative, and some providers are trusted and verified lightly.
//!
//! `OGPU_HISTORIES=50000 cargo test --release -p pallet-attestations histories` runs more of them.

use std::{
	collections::BTreeMap,
	sync::atomic::{AtomicU32, Ordering},
	thread,
};

use frame_support::traits::fungible::Inspect;
use ogpu_primitives::{
	OGPU,
	market::{
		spec::{TaskSpec, Trust},
		verification::{Shape, Tier},
	},
};
use ogpu_traits::{PartOfTask, Reason};
use pallet_tasks::{Convictions, Ending, Status};
use rand::{Rng, SeedableRng, rngs::SmallRng, seq::SliceRandom};

use super::{
	model::{Model, Outcome, Part},
	trust::trusted,
};
use crate::{Cases, Decided, Earned, Event, Panels, Phase, Served, Wanted, mock::*};

/// What has happened since it was asked last.
fn news() -> Vec<RuntimeEvent> {
	let events = System::events().into_iter().map(|record| record.event).collect();
	// The longer the list, the longer it takes to read.
	System::reset_events();
	events
}

/// What one history is made of.
#[derive(Debug)]
struct History {
	providers: u64,
	tier: Tier,
	units: u32,
	parts: u8,
	shape: Shape,
	/// How many tasks in a row its provider has had right before, if its client trusts it for that.
	trusted: Option<u32>,
	/// A fifth of the seats at most that lie together, and others.
	players: Vec<(AccountId, Behaviour)>,
	/// What the provider is like, who opens its results.
	provider: Behaviour,
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
		let lie = [Behaviour::Colluding, Behaviour::Framing][random.random_range(0..2)];
		let mut players: Vec<(AccountId, Behaviour)> = Vec::new();
		for (behaviour, most) in [
			(lie, (providers as usize - 1) / 5),
			(Behaviour::Absent, most / 2),
			(Behaviour::Abstaining, most / 2),
			(Behaviour::Secretive, 1),
			(Behaviour::Lazy, 1),
			(Behaviour::Copying, 1),
			(Behaviour::Deviating, 1),
		] {
			players.extend(some(random, most).into_iter().map(|who| (who, behaviour)));
		}
		// They do what they must, in time.
		let crashing = random.random_range(0..=others.len() / 3);
		let crashing = others.split_off(others.len() - crashing);
		players.extend(crashing.into_iter().map(|who| (who, Behaviour::Crashing)));
		let provider = match random.random_range(0..8) {
			0 => Behaviour::Absent,
			1 | 2 => Behaviour::Crashing,
			_ => Behaviour::Honest,
		};
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
		let shape = [Shape::Parallel, Shape::Iterative][random.random_range(0..2)];
		let could_be = tier != Tier::Full && units / u32::from(parts) >= 24;
		let trusted = (could_be && random.random()).then(|| random.random_range(11..=200));
		Self {
			providers,
			tier,
			units,
			parts,
			shape,
			trusted,
			players,
			provider,
			bad,
			challenged,
			// Whoever has not opened has nothing to appeal.
			appeals: random.random() && provider != Behaviour::Absent,
		}
	}

	fn behaviours(&self) {
		for (who, behaviour) in &self.players {
			behave(*who, *behaviour);
		}
		behave(EXECUTOR, self.provider);
	}

	/// Runs it. How the task ended.
	fn run(&self) -> Ending {
		let mut found = None;
		market(self.providers, || {
			self.behaviours();
			Bad::set(self.bad.clone());
			let issued = Balances::total_issuance();
			let (tier, units, parts, shape) = (self.tier, self.units, self.parts, self.shape);
			let trust = self.trusted.map_or(Trust::Never, |streak| {
				trusted(streak, 1_000_000 * OGPU);
				Trust::Earned
			});
			let task = assigned(TaskSpec { tier, units, parts, shape, trust, time: 50, ..spec() });
			compute(task);
			let mut model = Model::new(task);
			// All that has happened, from here on.
			let mut story = Vec::new();
			news();
			let withholds = self.provider == Behaviour::Absent;
			let (mut challenged, mut appeals) = (self.challenged, self.appeals);
			for blocks in 0.. {
				assert!(blocks < 20_000, "it does not end: {self:?}");
				let conviction = Convictions::<Test>::get((task, 0)).filter(|_| appeals);
				if let Some(conviction) = conviction {
					let origin = RuntimeOrigin::signed(EXECUTOR);
					Attestations::appeal(origin, conviction.part).expect("it can be appealed");
					let case = Attestations::standing(conviction.part).expect("it is kept");
					let Phase::Decided(Decided { unit, .. }) = case.phase else { unreachable!() };
					model.appealed(conviction.part.part, unit);
					appeals = false;
				}
				let delivered = pallet_tasks::Tasks::<Test>::get(task)
					.is_some_and(|task| matches!(task.status, Status::Delivered { .. }));
				if delivered && let Some(unit) = challenged.take() {
					let part = PartOfTask { task, attempt: 0, part: 0 };
					let origin = RuntimeOrigin::signed(WATCHTOWER);
					Attestations::challenge(origin, part, unit).expect("it can be challenged");
					model.challenged(0, WATCHTOWER, unit);
				}
				if ended(task).is_some() && Convictions::<Test>::iter_keys().next().is_none() {
					break;
				}
				silent_block();
				let begun = news();
				model.begun(&begun, withholds);
				play();
				let spoken = news();
				model.spoken(&spoken);
				story.extend(begun.into_iter().chain(spoken));
			}
			self.agrees(task, &model, &story);
			self.check(task, issued, &story, &model);
			found = ended(task);
		});
		found.expect("every task ends")
	}

	/// Verdicts are those of the model.
	fn agrees(&self, task: u64, model: &Model, story: &[RuntimeEvent]) {
		let valid = |part: &Part| part.outcome == Outcome::Valid;
		let all = model.parts.values().all(valid);
		assert_eq!(all, ended(task) == Some(Ending::Completed), "{model:?}, in {self:?}");
		let fraud = model.parts.values().any(|part| part.outcome == Outcome::Fraud);
		let convicted = story.iter().any(|event| {
			matches!(event, RuntimeEvent::Tasks(pallet_tasks::Event::Convicted { .. }))
		});
		assert_eq!(fraud, convicted, "{model:?}, in {self:?}");
	}

	/// Whoever is slashed has done what it is slashed for.
	fn reasons(&self, story: &[RuntimeEvent]) {
		for event in story {
			let RuntimeEvent::TrustLock(pallet_trust_lock::Event::Slashed { who, why, .. }) = event
			else {
				continue;
			};
			let (who, how) = (*who, behaviour(*who));
			let deserved = match why {
				Reason::NoShow => matches!(
					how,
					Behaviour::Absent | Behaviour::Secretive | Behaviour::Lazy | Behaviour::Copying
				),
				Reason::ChallengeLost => {
					who == WATCHTOWER || matches!(how, Behaviour::Framing | Behaviour::Deviating)
				}
				Reason::Contradicted => {
					matches!(how, Behaviour::Framing | Behaviour::Deviating | Behaviour::Colluding)
				}
				Reason::FalseAffirmed => how == Behaviour::Colluding,
				Reason::FalseResult => who == EXECUTOR && !self.bad.is_empty(),
				Reason::ResultWithheld => who == EXECUTOR && self.provider == Behaviour::Absent,
				Reason::AppealLost => who == EXECUTOR,
				_ => false,
			};
			assert!(deserved, "{who} is slashed for {why:?}, in {self:?}");
		}
	}

	fn check(&self, task: u64, issued: u128, story: &[RuntimeEvent], model: &Model) {
		self.reasons(story);
		let liars =
			|who: &AccountId| !matches!(behaviour(*who), Behaviour::Honest | Behaviour::Crashing);
		let bonded = |who| pallet_trust_lock::Ledgers::<Test>::get(who).bonded();
		// No honest party that keeps its deadlines is ever slashed.
		for who in (2..=self.providers).filter(|who| !liars(who)) {
			assert_eq!(bonded(who), BOND, "{who} is honest, in {self:?}");
		}
		if self.bad.is_empty() && self.provider != Behaviour::Absent {
			assert_eq!(bonded(EXECUTOR), BOND, "the provider is honest, in {self:?}");
		}
		// Every fraud that an honest member has met is punished: that it was drawn for, and that it has named.
		// Only if the task ended because nobody can judge some of it, it may not have come to say so.
		let drawn = model.parts.values().any(|part| part.has_met(&self.bad));
		let open = matches!(ended(task), Some(Ending::Inconclusive | Ending::Unverifiable));
		if drawn && !open {
			assert!(bonded(EXECUTOR) < BOND, "an honest member had a false unit, in {self:?}");
		}
		let first = |part: u8| {
			let units = TaskSpec { units: self.units, parts: self.parts, ..spec() };
			units.first_unit(part)
		};
		let met = story.iter().any(|event| match event {
			RuntimeEvent::Attestations(Event::Challenged { part, unit, challenger, .. }) => {
				let truly = self.bad.contains(&(first(*part) + unit));
				truly && (*challenger == WATCHTOWER || !liars(challenger))
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

/// How often histories of one piece ended in which way.
fn piece(seed: u64, count: u32) -> BTreeMap<String, u32> {
	let mut random = SmallRng::seed_from_u64(seed);
	let mut endings = BTreeMap::new();
	for _ in 0..count {
		let ending = History::new(&mut random).run();
		*endings.entry(format!("{ending:?}")).or_default() += 1;
	}
	endings
}

#[test]
fn every_history_ends_rightly() {
	const PIECES: u32 = 16;
	let count: u32 =
		std::env::var("OGPU_HISTORIES").map_or(160, |count| count.parse().expect("a number"));
	// On all processors; the same histories on any number of them.
	let next = AtomicU32::new(0);
	let work = || {
		let pieces = std::iter::from_fn(|| {
			let number = next.fetch_add(1, Ordering::Relaxed);
			(number < PIECES)
				.then(|| piece(number.into(), count / PIECES + u32::from(number < count % PIECES)))
		});
		pieces.collect::<Vec<_>>()
	};
	let processors = thread::available_parallelism().map_or(1, usize::from);
	let pieces: Vec<_> = thread::scope(|scope| {
		let threads: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
		let done = threads.into_iter().map(|thread| thread.join());
		done.flat_map(|pieces| pieces.expect("a history has failed")).collect()
	});
	let mut endings = BTreeMap::<String, u32>::new();
	for (ending, times) in pieces.into_iter().flatten() {
		*endings.entry(ending).or_default() += times;
	}
	println!("{count} histories: {endings:?}");
	// Some are convicted, and nobody takes over.
	assert!(["Completed", "NoProvider"].iter().all(|ending| endings.contains_key(*ending)));
}
