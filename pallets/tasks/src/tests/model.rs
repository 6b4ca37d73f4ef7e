//! Long random histories against an account of them that is kept in memory, in the simplest way.
//!
//! `OGPU_MODEL_STEPS` sets another number of steps than the gate's 10,000.

use std::collections::{BTreeMap, BTreeSet};

use codec::Encode;
use frame_support::traits::fungible::Inspect;
use ogpu_primitives::{
	OGPU,
	job::BlobId,
	market::{
		auction::{Quality, Score, payment, tie_break},
		price::share,
		quote::Terms,
		rules::{Charges, Windows},
		spec::TaskSpec,
		stream::{Batch, StreamSpec},
	},
	merkle::{Blake2, Hash},
	piece::Piece,
	ranged::{Ranged32, Ranged128},
};
use ogpu_traits::{Claim, Collateral, Decision, PartOfTask, Verdict, Verdicts};
use pallet_trust_lock::Slashing;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::pool::{batch, show, stream, try_race};
use crate::{
	Answer, Bids, Convictions, Demanded, Demands, Departures, Done, Ending, Escrows, Item,
	NextDemand, NextStream, Now, Races, Records, Roots, Status, Streams, Tasks as Live,
	mock::{Tasks, *},
	types::{bid_lock, client_lock, race_lock, work_lock},
};

const CLIENTS: [u64; 2] = [CLIENT, OTHER_CLIENT];
/// What stands for a bid, and added to the number of a race, among the attempts of locks.
const BID: u8 = 255;
const RACE: u8 = 100;
/// The bytes of every job.
const JOB: &[u8] = b"a job";
/// What racers may come to.
const RACED: [Hash; 2] = [ROOT, [8; 32]];

#[derive(Clone, Debug, PartialEq)]
struct Holder {
	provider: u64,
	price: u128,
	lock: u128,
	/// The first part that is its.
	first: u8,
}

#[derive(Clone, Debug)]
struct StreamModel {
	client: u64,
	spec: StreamSpec,
	balance: u128,
	paused: bool,
	live: u32,
}

#[derive(Clone, Debug)]
struct RacerModel {
	root: Hash,
	/// Whether it has shown its root.
	shown: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
	Bidding,
	Revealing,
	Open,
	/// Since when.
	Racing(u32),
	Assigned(Holder),
	Executing(Holder),
	Verifying(Holder),
	Adjudicating(Holder, u32),
	AtFault(Holder, Ending),
	Delivered(Holder),
}

#[derive(Clone, Debug)]
struct Bid {
	provider: u64,
	quality: Quality,
	score: Score,
}

#[derive(Clone, Debug)]
struct TaskModel {
	client: u64,
	stream: Option<u64>,
	race: u8,
	racers: BTreeMap<u64, RacerModel>,
	/// The root that is verified, of a batch.
	root: Hash,
	spec: TaskSpec,
	terms: Terms,
	reserve: u128,
	operators: u32,
	client_lock: u128,
	price_left: u128,
	/// What was paid for work, or is owed for it.
	given: u128,
	fee_left: u128,
	verification_left: u128,
	owed: u128,
	verified: u128,
	attempt: u8,
	begun: bool,
	claimed: bool,
	/// Price and bond of each sealed bid.
	sealed: BTreeMap<u64, (u128, u128)>,
	any_sealed: bool,
	best: Vec<Bid>,
	barred: BTreeSet<u64>,
	settled: u8,
	rooted: u8,
	valid: BTreeSet<u8>,
	/// Whether the client has the result.
	taken: bool,
	/// Whether it was not given to it.
	refused: bool,
	demands: u8,
	state: State,
	until: u32,
}

#[derive(Clone, Debug)]
struct DemandModel {
	by: u64,
	of: u64,
	/// Which part of which attempt it is about.
	part: PartOfTask,
	/// Whether the client demands the result.
	of_client: bool,
	bond: u128,
	until: u32,
}

#[derive(Clone)]
struct Sentence {
	/// The part that is false.
	part: u8,
	provider: u64,
	client: u64,
	damage: u128,
	/// What the provider is not paid.
	due: u128,
	/// What the provider answers for all the same: its task, the part after the last that it was paid for, and what
	/// verifying has cost.
	paid: Option<(Holder, u8, u128)>,
	/// Another part that is false: which, its client's damage by that alone, and what that adds to the damage by the first.
	more: Option<(u8, u128, u128)>,
	/// Whether the task ended by it.
	ended: bool,
	/// Racers that came to the same, and their race.
	accomplices: Vec<(u64, u8)>,
	until: u32,
}

#[derive(Default)]
struct Model {
	free: BTreeMap<u64, u128>,
	/// Bonded collateral that no lock holds.
	collateral: BTreeMap<u64, u128>,
	leaving: BTreeMap<u64, u128>,
	/// Locks of providers: task, attempt ([`BID`] for a bid, from [`RACE`] on for races), provider.
	locks: BTreeMap<(u64, u8, u64), u128>,
	tasks: BTreeMap<u64, TaskModel>,
	streams: BTreeMap<u64, StreamModel>,
	sentences: BTreeMap<(u64, u8), Sentence>,
	demands: BTreeMap<(u64, u32), DemandModel>,
	/// Who left a task, the part after the last that it was paid for, and what verifying has cost.
	departed: BTreeMap<(u64, u8), (Holder, u8, u128)>,
	/// Those of them that have paid that back.
	refunded: BTreeSet<(u64, u8)>,
	ended: BTreeMap<u64, Ending>,
	burnt: u128,
}

fn claim_on(task: u64, attempt: u8) -> PartOfTask {
	PartOfTask { task, attempt, part: PartOfTask::CLAIM }
}

fn holder_of(state: &State) -> Option<&Holder> {
	match state {
		State::Bidding | State::Revealing | State::Open | State::Racing(_) => None,
		State::Assigned(by)
		| State::Executing(by)
		| State::Verifying(by)
		| State::Adjudicating(by, _)
		| State::AtFault(by, _)
		| State::Delivered(by) => Some(by),
	}
}

impl Model {
	fn give(&mut self, who: u64, amount: u128) {
		*self.free.entry(who).or_default() += amount;
	}

	fn lock(&mut self, key: (u64, u8, u64), amount: u128) -> bool {
		let free = self.collateral.get_mut(&key.2).expect("a provider");
		if *free < amount {
			return false;
		}
		*free -= amount;
		self.locks.insert(key, amount);
		true
	}

	fn unlock(&mut self, key: (u64, u8, u64)) {
		let amount = self.locks.remove(&key).unwrap_or(0);
		*self.collateral.get_mut(&key.2).expect("a provider") += amount;
	}

	/// Takes up to `amount` from a lock: so much for each of these, the rest for the treasury.
	fn slash(&mut self, key: (u64, u8, u64), amount: u128, shares: &[(u64, u128)]) {
		if Switch::get() == Slashing::DryRun {
			return;
		}
		let lock = self.locks.entry(key).or_default();
		let mut left = amount.min(*lock);
		*lock -= left;
		for (who, wanted) in shares {
			let paid = left.min(*wanted);
			left -= paid;
			self.give(*who, paid);
		}
		self.give(TREASURY, left);
	}

	fn pay(&mut self, task: &mut TaskModel, to: u64, amount: u128) -> u128 {
		let amount = amount.min(task.price_left);
		task.price_left -= amount;
		self.give(to, amount);
		amount
	}

	fn pay_verifier(&mut self, task: &mut TaskModel, fee: u128) -> u128 {
		let fee = fee.min(task.verification_left);
		task.verification_left -= fee;
		task.verified += fee;
		self.give(VERIFIER, fee);
		fee
	}

	fn pay_work(&mut self, task: &mut TaskModel, by: &Holder, amount: u128) {
		let charges = MarketCharges::get();
		let amount = amount.min(task.price_left - task.owed);
		let later = match by.price > charges.large_payment.get() {
			true => amount,
			false => share(amount, charges.held_back.get()).min(amount),
		};
		task.owed += later;
		task.given += amount;
		self.pay(task, by.provider, amount - later);
		self.take_fee(task, amount);
	}

	fn take_fee(&mut self, task: &mut TaskModel, amount: u128) {
		let fee = share(amount, task.terms.protocol_fee).min(task.fee_left);
		task.fee_left -= fee;
		let burnt = share(fee, MarketCharges::get().burnt.get()).min(fee);
		self.burnt += burnt;
		self.give(TREASURY, fee - burnt);
	}

	/// What whoever wins a batch is paid.
	fn prize(&self, task: &TaskModel) -> u128 {
		let stream = &self.streams[&task.stream.expect("it is a batch")];
		(stream.spec.reward * u128::from(task.spec.units)).min(task.reserve)
	}

	/// Lets go of whoever races.
	fn end_race(&mut self, id: u64, task: &mut TaskModel) {
		for who in std::mem::take(&mut task.racers).into_keys() {
			self.unlock((id, RACE + task.race, who));
		}
	}

	/// The root that most have shown is verified next; between equals, and those who have it, the draw decides.
	fn next_candidate(&mut self, id: u64, mut task: TaskModel, now: u32) {
		if task.attempt >= task.terms.max_attempts {
			return self.end(id, task, Ending::NoProvider);
		}
		let draw = Draw::get().expect("there is a draw");
		let best = RACED.into_iter().filter_map(|root| {
			let mut same: Vec<_> = task
				.racers
				.iter()
				.filter(|(_, racer)| racer.root == root && racer.shown)
				.map(|(who, _)| (tie_break::<Blake2>(&draw, id, who), *who))
				.collect();
			same.sort_unstable();
			let (rank, who) = *same.first()?;
			Some((u32::MAX - same.len() as u32, rank, who, root))
		});
		let Some((.., who, root)) = best.min() else {
			task.attempt += 1;
			if task.attempt >= task.terms.max_attempts {
				return self.end(id, task, Ending::NoProvider);
			}
			task.race = task.attempt;
			task.state = State::Open;
			task.until = now + task.spec.time;
			self.tasks.insert(id, task);
			return;
		};
		task.racers.remove(&who);
		let race = (id, RACE + task.race, who);
		let lock = self.locks[&race];
		self.unlock(race);
		assert!(self.lock((id, task.attempt, who), lock), "it was free a moment ago");
		let price = self.prize(&task);
		task.root = root;
		task.rooted = 1;
		task.until = last_verdict(&task, now);
		task.state = State::Verifying(Holder { provider: who, price, lock, first: 0 });
		self.tasks.insert(id, task);
	}

	/// A race is over: whoever has shown nothing pays for it.
	fn close_race(&mut self, id: u64, mut task: TaskModel, now: u32) {
		let loss = share(task.reserve, MarketCharges::get().bid_bond.get());
		self.expel(id, &mut task, loss, |racer| !racer.shown);
		self.next_candidate(id, task, now);
	}

	fn expel(
		&mut self,
		id: u64,
		task: &mut TaskModel,
		loss: u128,
		whom: impl Fn(&RacerModel) -> bool,
	) {
		let (out, left) = std::mem::take(&mut task.racers)
			.into_iter()
			.partition::<BTreeMap<_, _>, _>(|(_, racer)| whom(racer));
		task.racers = left;
		for who in out.into_keys() {
			let key = (id, RACE + task.race, who);
			self.slash(key, loss, &[]);
			self.unlock(key);
		}
	}

	/// Others with the right root are paid too, as many as the stream pays.
	fn pay_runners_up(&mut self, id: u64, task: &mut TaskModel) {
		let Some(stream) = task.stream else { return };
		let paid = usize::from(self.streams[&stream].spec.racers - 1);
		let amount = share(self.prize(task), MarketCharges::get().runner_up.get());
		let draw = Draw::get().expect("there is a draw");
		let mut right: Vec<_> = task
			.racers
			.iter()
			.filter(|(_, racer)| racer.root == task.root && racer.shown)
			.map(|(who, _)| (tie_break::<Blake2>(&draw, id, who), *who))
			.collect();
		right.sort_unstable();
		for (_, who) in right.into_iter().take(paid) {
			let amount = amount.min(task.price_left - task.owed);
			let amount = self.pay(task, who, amount);
			task.given += amount;
			self.take_fee(task, amount);
		}
		self.end_race(id, task);
	}

	/// Parts that are valid are paid, though one before them was never decided.
	fn pay_ahead(&mut self, task: &mut TaskModel, by: &Holder) {
		for part in task.valid.clone().range(task.settled..) {
			let price = task.spec.share_of(by.price, *part);
			self.pay_work(task, by, price);
		}
	}

	fn pay_owed(&mut self, task: &mut TaskModel, by: &Holder) {
		let owed = std::mem::take(&mut task.owed);
		self.pay(task, by.provider, owed);
	}

	fn left(task: &TaskModel, price: u128) -> u128 {
		(task.settled..task.spec.parts).map(|part| task.spec.share_of(price, part)).sum()
	}

	/// What whoever comes next is paid more for what is left.
	fn more(task: &TaskModel, price: u128) -> u128 {
		let next = match task.best.first() {
			None => price,
			Some(best) => {
				payment(best.quality, task.best.get(1).map(|bid| bid.score), task.reserve)
			}
		};
		let left = Self::left(task, price);
		Self::left(task, next).saturating_sub(left).min(left)
	}

	fn end(&mut self, id: u64, mut task: TaskModel, ending: Ending) {
		if let Some(by) = holder_of(&task.state).cloned() {
			self.pay_owed(&mut task, &by);
			if !self.sentences.contains_key(&(id, task.attempt)) {
				self.unlock((id, task.attempt, by.provider));
			}
		}
		for (provider, _) in std::mem::take(&mut task.sealed) {
			self.unlock((id, BID, provider));
		}
		self.end_race(id, &mut task);
		for attempt in 0..=task.attempt {
			if let Some((by, ..)) = self.departed.remove(&(id, attempt)) {
				self.unlock((id, attempt, by.provider));
			}
		}
		self.give(task.client, task.client_lock);
		let left = task.price_left + task.fee_left + task.verification_left;
		match task.stream {
			None => self.give(task.client, left),
			Some(stream) => {
				let stream = self.streams.get_mut(&stream).expect("it outlives its batches");
				stream.balance += left;
				stream.live -= 1;
			}
		}
		self.ended.insert(id, ending);
		self.tasks.remove(&id);
	}

	fn auction_again(&mut self, id: u64, mut task: TaskModel, now: u32) {
		if task.attempt >= task.terms.max_attempts || task.attempt < 2 && task.barred.is_empty() {
			return self.end(id, task, Ending::NoProvider);
		}
		task.state = State::Bidding;
		task.any_sealed = false;
		task.until = now + MarketWindows::get().commit.get();
		self.tasks.insert(id, task);
	}

	fn assign_next(&mut self, id: u64, mut task: TaskModel, now: u32) -> Option<TaskModel> {
		while task.attempt < task.terms.max_attempts && !task.best.is_empty() {
			let bid = task.best.remove(0);
			let second = task.best.first().map(|bid| bid.score);
			let price = payment(bid.quality, second, task.reserve);
			let lock = task.terms.provider_lock(&task.spec, task.reserve, task.operators, None);
			let lock = lock.expect("it was quoted");
			if !task.barred.contains(&bid.provider)
				&& self.lock((id, task.attempt, bid.provider), lock)
			{
				task.claimed = false;
				let (provider, first) = (bid.provider, task.settled);
				task.state = State::Assigned(Holder { provider, price, lock, first });
				task.until = now + MarketWindows::get().acknowledge.get();
				self.tasks.insert(id, task);
				return None;
			}
		}
		Some(task)
	}

	fn succeed(&mut self, id: u64, mut task: TaskModel, now: u32) {
		task.attempt += 1;
		task.rooted = task.settled;
		task.verified = 0;
		task.valid.clear();
		if task.stream.is_some() {
			return self.next_candidate(id, task, now);
		}
		if let Some(task) = self.assign_next(id, task, now) {
			self.auction_again(id, task, now);
		}
	}

	fn dismiss(&mut self, task: &mut TaskModel, by: &Holder) {
		self.pay_owed(task, by);
		task.begun = false;
		task.barred.insert(by.provider);
	}

	/// What happens to a task whose time is over.
	fn wake(&mut self, id: u64, now: u32) {
		let Some(mut task) = self.tasks.get(&id).cloned() else { return };
		if task.until >= now {
			return;
		}
		let demanded = self.demands.keys().any(|(task, _)| *task == id);
		let awaited = matches!(task.state, State::Delivered(_)) && !task.taken && !task.refused;
		if demanded && awaited {
			task.until = now + 20;
			self.tasks.insert(id, task);
			return;
		}
		match task.state.clone() {
			State::Bidding if !task.any_sealed => self.end(id, task, Ending::NoProvider),
			State::Bidding => {
				task.state = State::Revealing;
				task.until = now + MarketWindows::get().reveal.get();
				self.tasks.insert(id, task);
			}
			State::Revealing => {
				for (provider, (_, bond)) in std::mem::take(&mut task.sealed) {
					self.slash((id, BID, provider), bond, &[]);
					self.unlock((id, BID, provider));
				}
				if let Some(mut task) = self.assign_next(id, task, now) {
					task.attempt += 1;
					self.auction_again(id, task, now);
				}
			}
			State::Open => self.end(id, task, Ending::NoProvider),
			State::Racing(_) => self.close_race(id, task, now),
			State::Assigned(by) | State::Executing(by) => {
				let at_stake = Self::left(&task, task.reserve);
				let penalty = share(at_stake, MarketCharges::get().default.get()).min(by.lock);
				let more = Self::more(&task, by.price);
				let key = (id, task.attempt, by.provider);
				self.slash(key, penalty + more, &[(task.client, more)]);
				self.dismiss(&mut task, &by);
				self.depart(id, &task, by);
				self.succeed(id, task, now);
			}
			State::Verifying(by) => {
				self.pay_ahead(&mut task, &by);
				let half = task.spec.share_of(by.price, task.settled) / 2;
				self.pay_work(&mut task, &by, half);
				self.end(id, task, Ending::Unverifiable);
			}
			State::Adjudicating(..) => self.claim_is_open(id, task, 0, now),
			State::AtFault(..) if Appealed::get() == Some(claim_on(id, task.attempt)) => {
				task.until = now + 20;
				self.tasks.insert(id, task);
			}
			State::AtFault(_, ending) => self.end(id, task, ending),
			State::Delivered(_) if task.refused => self.end(id, task, Ending::Undelivered),
			State::Delivered(_) => self.end(id, task, Ending::Completed),
		}
	}

	fn claim_is_open(&mut self, id: u64, mut task: TaskModel, fee: u128, now: u32) {
		let by = holder_of(&task.state).cloned().expect("somebody claims");
		self.pay_verifier(&mut task, fee);
		self.dismiss(&mut task, &by);
		self.depart(id, &task, by);
		self.succeed(id, task, now);
	}

	/// Whoever was paid for a part answers for it until the task ends.
	fn depart(&mut self, id: u64, task: &TaskModel, by: Holder) {
		if task.settled > by.first {
			self.departed.insert((id, task.attempt), (by, task.settled, task.verified));
		} else {
			self.unlock((id, task.attempt, by.provider));
		}
	}

	fn decide_on_departed(&mut self, part: PartOfTask, verdict: Verdict, fee: u128, now: u32) {
		let key = (part.task, part.attempt);
		let mut task = self.tasks[&part.task].clone();
		let of_attempt = task.verified;
		let spent = self.pay_verifier(&mut task, fee);
		task.verified = of_attempt;
		let Some((by, to, verified)) = self.departed.get(&key).cloned() else {
			if let Verdict::Fraud { .. } = verdict {
				self.convict_of_more(part, &task);
			}
			self.tasks.insert(part.task, task);
			return;
		};
		if let Verdict::Fraud { .. } = verdict {
			self.departed.remove(&key);
			let paid: u128 = (by.first..to).map(|part| task.spec.share_of(by.price, part)).sum();
			let damage = match self.refunded.contains(&key) {
				true => spent,
				false => paid + share(paid, task.terms.protocol_fee) + verified + spent,
			};
			self.sentence(part, &task, &by, (damage, 0), now);
		}
		self.tasks.insert(part.task, task);
	}

	/// Somebody is convicted already, and was paid for another part that is false, too.
	fn convict_of_more(&mut self, part: PartOfTask, task: &TaskModel) {
		let Some(sentence) = self.sentences.get_mut(&(part.task, part.attempt)) else { return };
		let Some((by, to, verified)) = sentence.paid.take() else { return };
		let price = Self::price_paid(task, &by, to);
		let damage = price + share(price, task.terms.protocol_fee) + verified;
		let extra = if sentence.part < to { 0 } else { damage };
		sentence.more = Some((part.part, damage, extra));
	}

	fn at_fault(&mut self, id: u64, mut task: TaskModel, fee: u128, ending: Ending, now: u32) {
		let by = holder_of(&task.state).cloned().expect("somebody has it");
		if Switch::get() == Slashing::DryRun {
			self.pay_verifier(&mut task, fee);
		} else {
			let covered = (task.terms.gate_fee + fee).min(task.client_lock);
			task.client_lock -= covered;
			let gate = covered.min(task.terms.gate_fee);
			self.give(by.provider, gate);
			self.give(VERIFIER, covered - gate);
			// What the lock does not cover comes out of the hold for verification.
			self.pay_verifier(&mut task, fee - (covered - gate));
		}
		task.begun = false;
		task.state = State::AtFault(by, ending);
		task.until = now + MarketWindows::get().delivery.get();
		self.tasks.insert(id, task);
	}

	/// A job was found at fault that is not: whoever said so pays what that has cost the client, and a penalty.
	fn claim_was_false(&mut self, id: u64, fee: u128, now: u32) {
		let mut task = self.tasks[&id].clone();
		let by = holder_of(&task.state).cloned().expect("somebody said so");
		self.pay_verifier(&mut task, fee);
		let whole = task.terms.client_lock(&task.spec);
		let cost = whole - task.client_lock;
		let penalty = share(Self::left(&task, task.reserve), MarketCharges::get().default.get());
		let key = (id, task.attempt, by.provider);
		self.slash(key, cost + penalty, &[(task.client, cost)]);
		let free = self.free.get_mut(&task.client).expect("a client");
		if *free >= cost + 1_000 {
			*free -= cost;
			task.client_lock = whole;
		}
		self.dismiss(&mut task, &by);
		self.depart(id, &task, by);
		self.succeed(id, task, now);
	}

	/// A fraud was none: nothing is taken, and the treasury pays what was not paid.
	fn acquit(&mut self, key: (u64, u8), fee: u128) {
		let Some(mut sentence) = self.sentences.remove(&key) else { return };
		if let Some((part, damage, _)) = sentence.more.take() {
			// What is left is the other part.
			self.pay_from_treasury(VERIFIER, fee);
			self.sentences.insert(key, Sentence { part, damage, ..sentence });
			return;
		}
		match sentence.paid.filter(|_| self.tasks.contains_key(&key.0)) {
			Some(paid) => {
				self.departed.insert(key, paid);
			}
			None => self.unlock((key.0, key.1, sentence.provider)),
		}
		for (who, race) in sentence.accomplices {
			self.unlock((key.0, RACE + race, who));
		}
		for (who, amount) in [(VERIFIER, fee), (sentence.provider, sentence.due)] {
			self.pay_from_treasury(who, amount);
		}
		if sentence.ended {
			self.ended.insert(key.0, Ending::Completed);
		}
	}

	fn pay_from_treasury(&mut self, who: u64, amount: u128) {
		let treasury = self.free.get_mut(&TREASURY).expect("there is one");
		let amount = amount.min(treasury.saturating_sub(1_000));
		*treasury -= amount;
		self.give(who, amount);
	}

	/// Of what its client is to be made whole by, and what its provider is not paid.
	fn sentence(
		&mut self,
		part: PartOfTask,
		task: &TaskModel,
		by: &Holder,
		(damage, due): (u128, u128),
		now: u32,
	) {
		let until = now + MarketWindows::get().delivery.get();
		let sentence = Sentence {
			part: part.part,
			provider: by.provider,
			client: task.client,
			damage,
			due,
			paid: None,
			more: None,
			ended: false,
			accomplices: Vec::new(),
			until,
		};
		self.sentences.insert((part.task, part.attempt), sentence);
	}

	fn carry_out(&mut self, key: (u64, u8), now: u32) {
		let Some(sentence) = self.sentences.get_mut(&key).filter(|sentence| sentence.until < now)
		else {
			return;
		};
		let part = PartOfTask { task: key.0, attempt: key.1, part: sentence.part };
		if Appealed::get() == Some(part) {
			sentence.until = now + 20;
			return;
		}
		let Sentence { provider, client, damage, more, accomplices, .. } = sentence.clone();
		let damage = damage + more.map_or(0, |(_, _, extra)| extra);
		self.sentences.remove(&key);
		let lock = (key.0, key.1, provider);
		let amount = self.locks.get(&lock).copied().unwrap_or(0);
		let bounty = share(amount, MarketCharges::get().finder.get());
		self.slash(lock, amount, &[(client, damage), (FINDER, bounty)]);
		self.unlock(lock);
		for (who, race) in accomplices {
			let lock = (key.0, RACE + race, who);
			self.slash(lock, u128::MAX, &[]);
			self.unlock(lock);
		}
	}

	/// What was paid, or is owed, for the parts of somebody up to one: of a batch, to runners-up as well.
	fn price_paid(task: &TaskModel, by: &Holder, to: u8) -> u128 {
		match task.stream {
			None => (by.first..to).map(|part| task.spec.share_of(by.price, part)).sum(),
			Some(_) => task.given,
		}
	}

	/// Nobody has posted what was demanded.
	fn demand_over(&mut self, key: (u64, u32), now: u32) {
		if self.demands.get(&key).is_none_or(|demand| demand.until >= now) {
			return;
		}
		let Some(demand) = self.demands.remove(&key) else { return };
		self.give(demand.by, demand.bond);
		if demand.of_client {
			self.not_delivered(key.0, demand.part.attempt);
		} else {
			self.decide(demand.part, Verdict::Fraud { unit: 0 }, 0, now);
		}
	}

	fn not_delivered(&mut self, id: u64, attempt: u8) {
		let Some(mut task) = self.tasks.get(&id).cloned() else { return };
		let State::Delivered(by) = task.state.clone() else { return };
		if task.taken || task.refused {
			return;
		}
		let current = attempt == task.attempt;
		let (by, to, verified) = match current {
			true => (by, task.spec.parts, task.verified),
			false => match self.departed.get(&(id, attempt)).cloned() {
				Some(departed) if self.refunded.insert((id, attempt)) => departed,
				_ => return,
			},
		};
		let price = Self::price_paid(&task, &by, to);
		let owed = if current { std::mem::take(&mut task.owed) } else { 0 };
		let damage = price.saturating_sub(owed) + share(price, task.terms.protocol_fee) + verified;
		let at_stake: u128 =
			(by.first..to).map(|part| task.spec.share_of(task.reserve, part)).sum();
		let penalty = share(at_stake, MarketCharges::get().default.get());
		let key = (id, attempt, by.provider);
		self.slash(key, damage + penalty, &[(task.client, damage)]);
		if current {
			task.refused = true;
			task.state = State::Delivered(Holder { lock: self.locks[&key], ..by });
		}
		self.tasks.insert(id, task);
	}

	/// What a decision changes.
	fn decide(&mut self, part: PartOfTask, verdict: Verdict, fee: u128, now: u32) {
		let id = part.task;
		let Some(mut task) = self.tasks.get(&id).cloned() else { return };
		if task.attempt != part.attempt {
			return self.decide_on_departed(part, verdict, fee, now);
		}
		let Some(by) = holder_of(&task.state).cloned() else { return };
		let claim = part.part == PartOfTask::CLAIM;
		match (task.state.clone(), verdict) {
			(State::Delivered(_), Verdict::Fraud { .. }) => {
				self.pay_verifier(&mut task, fee);
				let price = Self::price_paid(&task, &by, task.spec.parts);
				let paid = price.saturating_sub(task.owed);
				let damage = match task.refused {
					true => 0,
					false => paid + share(price, task.terms.protocol_fee) + task.verified,
				};
				let due = std::mem::take(&mut task.owed);
				self.sentence(part, &task, &by, (damage, due), now);
				let sentence = self.sentences.get_mut(&(id, part.attempt));
				sentence.expect("it was just made").ended = true;
				self.end(id, task, Ending::Fraud);
			}
			(State::AtFault(..), verdict) if !matches!(verdict, Verdict::Fraud { .. }) => {
				self.pay_verifier(&mut task, fee);
				self.tasks.insert(id, task);
			}
			(State::Delivered(_) | State::Assigned(_), _) => {}
			(State::Adjudicating(by, left), verdict) if claim => match verdict {
				Verdict::Rejected => self.at_fault(id, task, fee, Ending::Rejected, now),
				Verdict::Unavailable => self.at_fault(id, task, fee, Ending::Unavailable, now),
				Verdict::Groundless => {
					let key = (id, task.attempt, by.provider);
					let covered = match Switch::get() {
						Slashing::DryRun => 0,
						Slashing::On => fee.min(self.locks[&key]),
					};
					self.slash(key, fee, &[(VERIFIER, fee)]);
					self.pay_verifier(&mut task, fee - covered);
					let by = Holder { lock: self.locks[&key], ..by };
					task.state =
						if task.begun { State::Executing(by) } else { State::Assigned(by) };
					task.until = now + left.max(1);
					self.tasks.insert(id, task);
				}
				_ => self.claim_is_open(id, task, fee, now),
			},
			(_, Verdict::Valid | Verdict::Unverified) => {
				if part.part < task.settled {
					return;
				}
				self.pay_verifier(&mut task, fee);
				task.valid.insert(part.part);
				while task.valid.contains(&task.settled) {
					let price = task.spec.share_of(by.price, task.settled);
					self.pay_work(&mut task, &by, price);
					task.settled += 1;
				}
				if task.settled == task.spec.parts {
					self.pay_runners_up(id, &mut task);
					task.begun = false;
					task.state = State::Delivered(by);
					task.until = now + MarketWindows::get().delivery.get();
				}
				self.tasks.insert(id, task);
			}
			(_, Verdict::Fraud { .. }) => {
				let before = task.verified;
				let spent = self.pay_verifier(&mut task, fee);
				let mut damage = spent + Self::more(&task, by.price);
				let ahead = task.valid.range(task.settled..).copied();
				let right: BTreeSet<u8> = ahead.chain([part.part]).collect();
				let unpaid = right.into_iter().filter(|part| *part >= task.settled);
				let mut due: u128 = unpaid.map(|part| task.spec.share_of(by.price, part)).sum();
				let paid = (task.settled > by.first).then(|| (by.clone(), task.settled, before));
				if part.part < task.settled {
					let parts = by.first..task.settled;
					let paid: u128 = parts.map(|part| task.spec.share_of(by.price, part)).sum();
					damage += paid.saturating_sub(task.owed)
						+ share(paid, task.terms.protocol_fee)
						+ before;
					due += std::mem::take(&mut task.owed);
				}
				self.sentence(part, &task, &by, (damage, due), now);
				// Whoever came to the same has computed as falsely.
				let (root, race) = (task.root, task.race);
				let (same, left) = std::mem::take(&mut task.racers)
					.into_iter()
					.partition::<BTreeMap<_, _>, _>(|(_, racer)| racer.shown && racer.root == root);
				task.racers = left;
				let sentence = self.sentences.get_mut(&(id, part.attempt));
				let sentence = sentence.expect("it was just made");
				sentence.accomplices = same.into_keys().map(|who| (who, race)).collect();
				sentence.paid = paid;
				self.dismiss(&mut task, &by);
				self.succeed(id, task, now);
			}
			(_, Verdict::Rejected) => self.at_fault(id, task, fee, Ending::Rejected, now),
			(_, Verdict::Unavailable) => self.at_fault(id, task, fee, Ending::Unavailable, now),
			(_, Verdict::Inconclusive) => {
				self.pay_verifier(&mut task, fee);
				self.pay_ahead(&mut task, &by);
				if part.part == task.settled {
					let half = task.spec.share_of(by.price, task.settled) / 2;
					self.pay_work(&mut task, &by, half);
				}
				self.end(id, task, Ending::Inconclusive);
			}
			(_, Verdict::Groundless | Verdict::Overturned) => {}
		}
	}

	/// A block of the model: what is due, in the order in which the chain happens to look at it.
	fn block(&mut self, now: u32) {
		let mut due: Vec<(u32, Item)> =
			self.tasks.iter().map(|(id, task)| (task.until, Item::Task(*id))).collect();
		due.extend(
			self.sentences
				.iter()
				.map(|((id, attempt), sentence)| (sentence.until, Item::Conviction(*id, *attempt))),
		);
		due.extend(
			self.demands
				.iter()
				.map(|((id, number), demand)| (demand.until, Item::Demand(*id, *number))),
		);
		due.retain(|(until, _)| *until < now);
		due.sort_by_key(|(until, item)| (*until, sp_io::hashing::twox_64(&item.encode())));
		for (_, item) in due {
			match item {
				Item::Task(id) => self.wake(id, now),
				Item::Conviction(id, attempt) => self.carry_out((id, attempt), now),
				Item::Demand(id, number) => self.demand_over((id, number), now),
				Item::Record(_) => {}
			}
		}
	}

	fn bonds_of(&self, who: u64) -> u128 {
		self.demands.values().filter(|demand| demand.by == who).map(|demand| demand.bond).sum()
	}

	/// Everything that can be seen is as the model says.
	fn compare(&self) {
		for (who, free) in &self.free {
			assert_eq!(Balances::balance(who), *free, "what {who} has");
		}
		for (who, collateral) in &self.collateral {
			assert_eq!(TrustLock::free(who), *collateral, "the free collateral of {who}");
		}
		for ((id, attempt, who), amount) in &self.locks {
			let lock = match *attempt {
				BID => bid_lock(*id),
				race if race >= RACE => race_lock(*id, race - RACE),
				attempt => work_lock(*id, attempt),
			};
			assert_eq!(TrustLock::locked(who, lock), *amount, "{lock:?} of {who}");
		}
		for client in CLIENTS {
			let mine = || self.tasks.iter().filter(|(_, task)| task.client == client);
			let escrow: u128 = mine()
				.map(|(_, task)| task.price_left + task.fee_left + task.verification_left)
				.sum();
			let streams: u128 = self
				.streams
				.values()
				.filter(|stream| stream.client == client)
				.map(|stream| stream.balance)
				.sum();
			let held = Escrows::<Test>::get(client);
			let bonds = self.bonds_of(client);
			assert_eq!(held, escrow + streams + bonds, "the escrow of {client}");
			for (id, task) in mine() {
				let locked = TrustLock::locked(&client, client_lock(*id));
				assert_eq!(locked, task.client_lock, "the lock of {client}");
			}
		}
		assert_eq!(Escrows::<Test>::get(VERIFIER), self.bonds_of(VERIFIER));
		assert_eq!(Demands::<Test>::iter_keys().count(), self.demands.len());
		assert_eq!(Live::<Test>::iter_keys().count(), self.tasks.len());
		for (id, task) in &self.tasks {
			let found = live(*id);
			let same = match (&found.status, &task.state) {
				(Status::Bidding { .. }, State::Bidding)
				| (Status::Revealing { .. }, State::Revealing)
				| (Status::Open { .. }, State::Open) => true,
				(Status::Racing { first, .. }, State::Racing(since)) => first == since,
				(Status::Assigned { to: by, .. }, State::Assigned(holder))
				| (Status::Executing { by, .. }, State::Executing(holder))
				| (Status::Verifying { by, .. }, State::Verifying(holder))
				| (Status::Adjudicating { by, .. }, State::Adjudicating(holder, _))
				| (Status::AtFault { by, .. }, State::AtFault(holder, _))
				| (Status::Delivered { by, .. }, State::Delivered(holder)) => {
					(by.provider, by.price, by.lock) == (holder.provider, holder.price, holder.lock)
				}
				_ => false,
			};
			assert!(same, "task {id}: {:?} is not {:?}", found.status, task.state);
			assert_eq!(found.status.until(), task.until, "task {id}");
			// Nothing is stuck past its last deadline.
			assert!(task.until + 1 >= Now::<Test>::get(), "task {id} is stuck");
		}
		assert_eq!(Convictions::<Test>::iter_keys().count(), self.sentences.len());
		assert_eq!(Departures::<Test>::iter_keys().count(), self.departed.len());
		assert_eq!(Streams::<Test>::iter_keys().count(), self.streams.len());
		for (id, stream) in &self.streams {
			let found = Streams::<Test>::get(id).expect("it is open");
			let said = (stream.balance, stream.paused, stream.live);
			assert_eq!((found.balance, found.paused, found.live), said, "stream {id}");
		}
	}
}

impl TaskModel {
	/// A task that was just taken.
	fn new(id: u64, state: State, until: u32) -> Self {
		let found = live(id);
		let quote = found.terms.quote(&found.spec, found.operators).expect("it was quoted");
		Self {
			client: found.client,
			stream: found.stream,
			race: 0,
			racers: BTreeMap::new(),
			root: ROOT,
			spec: found.spec,
			terms: found.terms,
			reserve: quote.reserve,
			operators: found.operators,
			client_lock: quote.client_lock,
			price_left: quote.reserve,
			given: 0,
			fee_left: quote.protocol_fee,
			verification_left: quote.verification,
			owed: 0,
			verified: 0,
			attempt: 0,
			begun: false,
			claimed: false,
			sealed: BTreeMap::new(),
			any_sealed: false,
			best: Vec::new(),
			barred: BTreeSet::new(),
			settled: 0,
			rooted: 0,
			valid: BTreeSet::new(),
			taken: false,
			refused: false,
			demands: 0,
			state,
			until,
		}
	}
}

fn last_verdict(task: &TaskModel, now: u32) -> u32 {
	now + MarketWindows::get().verification.get() + 12 * task.spec.time
}

struct History {
	model: Model,
	random: SmallRng,
	issued: u128,
}

impl History {
	fn new(seed: u64) -> Self {
		let mut model = Model::default();
		for who in (1..=PROVIDERS).chain([CLIENT, OTHER_CLIENT, TREASURY, VERIFIER, FINDER]) {
			model.free.insert(who, Balances::balance(&who));
		}
		for who in 1..=PROVIDERS {
			model.collateral.insert(who, TrustLock::free(&who));
		}
		let issued = Balances::total_issuance();
		Self { model, random: SmallRng::seed_from_u64(seed), issued }
	}

	fn one_of<T: Clone>(&mut self, of: &[T]) -> Option<T> {
		(!of.is_empty()).then(|| of[self.random.random_range(0..of.len())].clone())
	}

	fn tasks(&self, wanted: impl Fn(&TaskModel) -> bool) -> Vec<u64> {
		let found = self.model.tasks.iter().filter(|(_, task)| wanted(task));
		found.map(|(id, _)| *id).collect()
	}

	fn submit(&mut self) {
		if self.model.tasks.len() >= 12 {
			return;
		}
		let client = CLIENTS[self.random.random_range(0..2)];
		let parts = self.random.random_range(1..=4);
		let mut spec = TaskSpec {
			units: self.random.random_range(u32::from(parts) * 20..=200),
			parts,
			max_price: Some(self.random.random_range(OGPU..2_500 * OGPU)),
			time: self.random.random_range(1..40),
			..spec()
		};
		spec.job.blob = BlobId(*blake3::hash(JOB).as_bytes());
		let id = crate::NextTask::<Test>::get();
		let quote = Tasks::quote(spec.clone()).expect("a quote");
		let submitted = Tasks::submit(RuntimeOrigin::signed(client), spec, quote.most());
		let needed = quote.most() + quote.client_lock;
		let balance = self.model.free[&client];
		assert_eq!(submitted.is_ok(), balance >= needed + 1_000, "{submitted:?}");
		if submitted.is_err() {
			return;
		}
		*self.model.free.get_mut(&client).expect("a client") -= needed;
		let until = Now::<Test>::get() + MarketWindows::get().commit.get();
		self.model.tasks.insert(id, TaskModel::new(id, State::Bidding, until));
	}

	/// Opens, tops up, pauses, closes a stream, or sends a batch.
	fn stream(&mut self) {
		let known: Vec<u64> = self.model.streams.keys().copied().collect();
		let Some(id) = self.one_of(&known).filter(|_| self.random.random_range(0..10) > 0) else {
			return self.open_stream();
		};
		let found = self.model.streams[&id].clone();
		let (client, origin) = (found.client, RuntimeOrigin::signed(found.client));
		let stream = self.model.streams.get_mut(&id).expect("it is open");
		match self.random.random_range(0..20) {
			0 => {
				let amount = self.random.random_range(1..200) * OGPU;
				let added = Tasks::top_up(origin, id, amount);
				assert_eq!(added.is_ok(), self.model.free[&client] >= amount + 1_000);
				if added.is_ok() {
					stream.balance += amount;
					*self.model.free.get_mut(&client).expect("a client") -= amount;
				}
			}
			1 => {
				stream.paused = !stream.paused;
				Tasks::pause_stream(origin, id, stream.paused).expect("it may");
			}
			2 => {
				let closed = Tasks::close_stream(origin, id);
				assert_eq!(closed.is_ok(), found.live == 0);
				if closed.is_ok() {
					self.model.streams.remove(&id);
					self.model.give(client, found.balance);
				}
			}
			_ if self.model.tasks.len() < 16 => self.send(id),
			_ => {}
		}
	}

	fn open_stream(&mut self) {
		if self.model.streams.len() >= 3 {
			return;
		}
		let client = CLIENTS[self.random.random_range(0..2)];
		let spec = StreamSpec {
			reward: self.random.random_range(OGPU / 100..OGPU),
			racers: self.random.random_range(1..=4),
			time: self.random.random_range(2..20),
			..stream()
		};
		let deposit = self.random.random_range(1..500) * OGPU;
		let id = NextStream::<Test>::get();
		let opened = Tasks::open_stream(RuntimeOrigin::signed(client), spec.clone(), deposit);
		assert_eq!(opened.is_ok(), self.model.free[&client] >= deposit + 1_000);
		if opened.is_ok() {
			*self.model.free.get_mut(&client).expect("a client") -= deposit;
			let stream = StreamModel { client, spec, balance: deposit, paused: false, live: 0 };
			self.model.streams.insert(id, stream);
		}
	}

	fn send(&mut self, id: u64) {
		let stream = self.model.streams[&id].clone();
		let blob = BlobId(*blake3::hash(JOB).as_bytes());
		let requests = Batch { blob, ..batch(self.random.random_range(1..60)) };
		let task = crate::NextTask::<Test>::get();
		let runner_up = MarketCharges::get().runner_up.get();
		let quote = Tasks::quote(stream.spec.task(&requests, runner_up)).expect("a quote");
		let sent = Tasks::send(
			RuntimeOrigin::signed(stream.client),
			id,
			vec![requests].try_into().expect("it is one"),
		);
		let free = self.model.free.get_mut(&stream.client).expect("a client");
		let allowed =
			!stream.paused && stream.balance >= quote.most() && *free >= quote.client_lock + 1_000;
		assert_eq!(sent.is_ok(), allowed, "{sent:?}");
		if allowed {
			*free -= quote.client_lock;
			let stream = self.model.streams.get_mut(&id).expect("it is open");
			stream.balance -= quote.most();
			stream.live += 1;
			let until = Now::<Test>::get() + stream.spec.time;
			self.model.tasks.insert(task, TaskModel::new(task, State::Open, until));
		}
	}

	/// Seals the root of a batch, or shows it.
	fn race(&mut self) {
		let now = Now::<Test>::get();
		let open = self.tasks(|task| matches!(task.state, State::Open | State::Racing(_)));
		let Some(id) = self.one_of(&open) else { return };
		let who = self.random.random_range(1..=PROVIDERS);
		let task = self.model.tasks[&id].clone();
		let racer = task.racers.get(&who).cloned();
		let since = match task.state {
			State::Racing(first) => Some(now - first),
			_ => None,
		};
		if since.is_some_and(|since| since >= 2) {
			let root = racer.as_ref().map_or(ROOT, |racer| racer.root);
			let shown = show(id, who, root);
			assert_eq!(shown.is_ok(), racer.is_some_and(|racer| !racer.shown));
			if shown.is_ok() {
				let task = self.model.tasks.get_mut(&id).expect("it is live");
				task.racers.get_mut(&who).expect("it races").shown = true;
			}
			return;
		}
		let root = RACED[usize::from(self.random.random_range(0..4) == 0)];
		let lock = task.terms.provider_lock(&task.spec, task.reserve, task.operators, None);
		let lock = lock.expect("it was quoted");
		let allowed =
			racer.is_none() && !task.barred.contains(&who) && self.model.collateral[&who] >= lock;
		let raced = try_race(id, who, root);
		assert_eq!(raced.is_ok(), allowed, "{raced:?}");
		if allowed {
			assert!(self.model.lock((id, RACE + task.race, who), lock));
			let task = self.model.tasks.get_mut(&id).expect("it is live");
			task.racers.insert(who, RacerModel { root, shown: false });
			if task.state == State::Open {
				task.state = State::Racing(now);
				task.until = now + 3;
			}
		}
	}

	fn seal(&mut self) {
		let open = self.tasks(|task| task.state == State::Bidding);
		let Some(id) = self.one_of(&open) else { return };
		let who = self.random.random_range(1..=PROVIDERS);
		let reserve = self.model.tasks[&id].reserve;
		let price = self.random.random_range(0..=reserve + reserve / 10);
		let bond = share(reserve, MarketCharges::get().bid_bond.get());
		let task = &self.model.tasks[&id];
		let allowed = !task.sealed.contains_key(&who)
			&& !task.barred.contains(&who)
			&& self.model.collateral[&who] >= bond;
		let sealed = bid(id, who, price);
		assert_eq!(sealed.is_ok(), allowed, "{sealed:?}");
		if allowed {
			assert!(self.model.lock((id, BID, who), bond));
			let task = self.model.tasks.get_mut(&id).expect("it is live");
			task.sealed.insert(who, (price, bond));
			task.any_sealed = true;
		}
	}

	fn open(&mut self) {
		let open = self.tasks(|task| task.state == State::Revealing && !task.sealed.is_empty());
		let Some(id) = self.one_of(&open) else { return };
		let sealed: Vec<_> =
			self.model.tasks[&id].sealed.iter().map(|(who, (price, _))| (*who, *price)).collect();
		let Some((who, price)) = self.one_of(&sealed) else { return };
		let quality = Bids::<Test>::get(id, who).expect("a bid").quality;
		reveal(id, who, price).expect("it can be opened");
		let void = price > self.model.tasks[&id].reserve;
		if void {
			let bond = self.model.locks[&(id, BID, who)];
			self.model.slash((id, BID, who), bond, &[]);
		}
		self.model.unlock((id, BID, who));
		let task = self.model.tasks.get_mut(&id).expect("it is live");
		task.sealed.remove(&who);
		if price <= task.reserve {
			task.best.push(Bid { provider: who, quality, score: Score::new(price, quality) });
			let draw = Draw::get().expect("there is a draw");
			task.best.sort_by_key(|bid| (bid.score, tie_break::<Blake2>(&draw, id, &bid.provider)));
			task.best.truncate(4);
		}
	}

	fn work(&mut self) {
		let held =
			self.tasks(|task| matches!(task.state, State::Assigned(_) | State::Executing(_)));
		let Some(id) = self.one_of(&held) else { return };
		let now = Now::<Test>::get();
		let mut task = self.model.tasks[&id].clone();
		let by = holder_of(&task.state).cloned().expect("somebody has it");
		let attempt = task.attempt;
		let executing = matches!(task.state, State::Executing(_));
		let claims = [Claim::Rejected, Claim::Unavailable, Claim::Endless];
		match self.random.random_range(0..10) {
			0 if !executing => {
				act(by.provider, Done::Decline { task: id, attempt }).expect("it may");
				self.model.unlock((id, attempt, by.provider));
				task.attempt += u8::from(task.claimed);
				if let Some(mut task) = self.model.assign_next(id, task, now) {
					task.state = State::Bidding;
					task.attempt += 1;
					self.model.auction_again(id, task, now);
				}
			}
			1 => {
				let claim = claims[self.random.random_range(0..3)];
				let timely = match claim {
					Claim::Rejected => true,
					Claim::Unavailable => !executing,
					Claim::Endless => executing,
				};
				let allowed = !task.claimed && timely;
				let claimed = act(by.provider, Done::Claim { task: id, attempt, claim });
				assert_eq!(claimed.is_ok(), allowed);
				if allowed {
					task.claimed = true;
					let left = task.until.saturating_sub(now);
					task.state = State::Adjudicating(by, left);
					task.until = last_verdict(&task, now);
					self.model.tasks.insert(id, task);
				}
			}
			_ if !executing => {
				act(by.provider, Done::Acknowledge { task: id, attempt }).expect("it may");
				task.begun = true;
				task.until = now + task.spec.time;
				task.state = State::Executing(by);
				self.model.tasks.insert(id, task);
			}
			_ => {
				let part = task.rooted;
				act(by.provider, Done::Root { task: id, attempt, part, root: ROOT })
					.expect("it may");
				task.rooted += 1;
				if task.rooted == task.spec.parts {
					task.until = last_verdict(&task, now);
					task.state = State::Verifying(by);
				}
				self.model.tasks.insert(id, task);
			}
		}
	}

	fn verdict(&mut self) {
		let mut pending: Vec<_> = Pending::get().iter().map(|(request, _)| request.part).collect();
		// Fraud may come to light as long as the window is open.
		for (id, task) in &self.model.tasks {
			if matches!(task.state, State::Delivered(_)) && self.random.random_range(0..20) == 0 {
				pending.push(PartOfTask { task: *id, attempt: task.attempt, part: 0 });
			}
		}
		for (id, task) in &self.model.tasks {
			let going_on = matches!(task.state, State::Executing(_) | State::Verifying(_));
			let settled =
				task.settled > 0 && holder_of(&task.state).is_some_and(|by| by.first == 0);
			if going_on && settled && self.random.random_range(0..20) == 0 {
				pending.push(PartOfTask { task: *id, attempt: task.attempt, part: 0 });
			}
		}
		for (task, attempt) in self.model.departed.keys() {
			if self.random.random_range(0..10) == 0 {
				pending.push(PartOfTask { task: *task, attempt: *attempt, part: 0 });
			}
		}
		let Some(part) = self.one_of(&pending) else { return };
		Pending::mutate(|all| all.retain(|(request, _)| request.part != part));
		let claim = part.part == PartOfTask::CLAIM;
		let verdict = match self.random.random_range(0..20) {
			0 | 1 => Verdict::Fraud { unit: 0 },
			2 => Verdict::Inconclusive,
			3 => Verdict::Rejected,
			4 => Verdict::Unavailable,
			_ if claim => Verdict::Groundless,
			_ => Verdict::Valid,
		};
		let fee = self.random.random_range(0..OGPU / 20);
		let finder = Some(FINDER);
		Tasks::decided(
			part,
			Decision {
				fees: vec![(VERIFIER, fee)],
				finder,
				confirmed: true,
				..Decision::bare(verdict)
			},
		);
		self.model.decide(part, verdict, fee, Now::<Test>::get());
	}

	fn client(&mut self) {
		let mine = self.tasks(|_| true);
		let Some(id) = self.one_of(&mine) else { return };
		let mut task = self.model.tasks[&id].clone();
		let origin = RuntimeOrigin::signed(task.client);
		if let State::Delivered(by) = task.state.clone() {
			// Whoever waits for the result has not got it.
			let waits = self.model.demands.keys().any(|(of, _)| *of == id);
			if waits && self.random.random_range(0..10) > 0 {
				return;
			}
			let accepted = Tasks::acknowledge_delivery(origin, id);
			if accepted.is_ok() {
				task.taken = true;
				self.model.pay_owed(&mut task, &by);
				self.model.tasks.insert(id, task);
			}
			return;
		}
		if self.random.random_range(0..4) > 0 {
			return;
		}
		let cancelled = Tasks::cancel(origin, id);
		match task.state.clone() {
			State::Revealing => assert!(cancelled.is_err()),
			State::Bidding | State::Open => {
				cancelled.expect("it may");
				self.model.end(id, task, Ending::Cancelled);
			}
			State::Assigned(by) | State::Executing(by) => {
				cancelled.expect("it may");
				let left = Model::left(&task, by.price);
				let fee = share(left, MarketCharges::get().cancellation.get());
				self.model.pay_work(&mut task, &by, fee);
				self.model.end(id, task, Ending::Cancelled);
			}
			State::AtFault(_, ending) if Appealed::get() != Some(claim_on(id, task.attempt)) => {
				cancelled.expect("it may");
				self.model.end(id, task, ending);
			}
			_ => assert!(cancelled.is_err()),
		}
	}

	/// Somebody appeals, or a larger panel finds that what was decided is wrong.
	fn appeal(&mut self) {
		let sentences = self.model.sentences.iter();
		let mut open: Vec<PartOfTask> = sentences
			.map(|((task, attempt), sentence)| PartOfTask {
				task: *task,
				attempt: *attempt,
				part: sentence.part,
			})
			.collect();
		for (id, task) in &self.model.tasks {
			if matches!(task.state, State::AtFault(..)) {
				open.push(claim_on(*id, task.attempt));
			}
		}
		let Some(part) = self.one_of(&open) else { return };
		match self.random.random_range(0..3) {
			0 => Appealed::set(Some(part)),
			1 => Appealed::set(None),
			_ => {
				let fee = self.random.random_range(0..OGPU / 20);
				let fees = vec![(VERIFIER, fee)];
				Appealed::set(None);
				Tasks::decided(part, Decision { fees, ..Decision::bare(Verdict::Overturned) });
				match part.part {
					PartOfTask::CLAIM => {
						self.model.claim_was_false(part.task, fee, Now::<Test>::get());
					}
					_ => self.model.acquit((part.task, part.attempt), fee),
				}
			}
		}
	}

	/// Demands data of whoever has, or had, a task; or posts what was demanded.
	fn demand(&mut self) {
		let now = Now::<Test>::get();
		let waiting: Vec<(u64, u32)> = self.model.demands.keys().copied().collect();
		if self.random.random_range(0..3) == 0 {
			let Some((task, number)) = self.one_of(&waiting) else { return };
			let found = self.model.demands[&(task, number)].clone();
			let answer = Answer {
				slices: Default::default(),
				siblings: Default::default(),
				piece: Some(Piece::of(JOB, 0)),
			};
			let answer = Box::new(answer);
			let posted = act(found.of, Done::Answer { task, demand: number, answer });
			// Roots are made up here: nobody can prove a result.
			assert_eq!(posted.is_ok(), !found.of_client);
			if posted.is_ok() {
				self.model.demands.remove(&(task, number));
				self.model.give(found.of, found.bond);
			}
			return;
		}
		let held = self.tasks(|task| {
			let held = matches!(task.state, State::Verifying(_) | State::Delivered(_));
			held || matches!(task.state, State::Executing(_))
		});
		let Some(id) = self.one_of(&held) else { return };
		let task = self.model.tasks[&id].clone();
		let part = self.random.random_range(0..task.spec.parts);
		let Some((attempt, _)) = Roots::<Test>::get(id, part) else { return };
		let of_client = matches!(task.state, State::Delivered(_)) && self.random.random();
		let (by, of_part) = match of_client {
			true => (task.client, Demanded::Output { part, unit: 0, slice: 0 }),
			false => {
				let of = PartOfTask { task: id, attempt, part };
				OnPanel::mutate(|members| members.push((of, 0, VERIFIER)));
				let (job, blob) = (Default::default(), task.spec.job.blob);
				(VERIFIER, Demanded::Input { attempt, part, panel: 0, job, blob })
			}
		};
		let of = match attempt == task.attempt {
			true => holder_of(&task.state).map(|by| by.provider),
			false if self.model.refunded.contains(&(id, attempt)) => None,
			false => self.model.departed.get(&(id, attempt)).map(|(by, ..)| by.provider),
		};
		let bond = MarketCharges::get().demand.get();
		let again =
			self.model.demands.iter().any(|((task, _), demand)| *task == id && demand.by == by);
		let allowed = of.is_some()
			&& !again && !(of_client
			&& (task.taken || task.refused || task.demands >= 64))
			&& self.model.free[&by] >= bond + 1_000;
		let number = NextDemand::<Test>::get();
		let demanded = Tasks::demand(RuntimeOrigin::signed(by), id, of_part, 0);
		assert_eq!(demanded.is_ok(), allowed, "{demanded:?}");
		if let (true, Some(of)) = (allowed, of) {
			let done = matches!(task.state, State::Delivered(_)) || attempt != task.attempt;
			let times = if done { 20 } else { 1 };
			let waiting =
				self.model.demands.values().filter(|demand| demand.of == of).count() as u32;
			let until = now + MarketWindows::get().demand.get() * times + waiting;
			*self.model.free.get_mut(&by).expect("it is known") -= bond;
			let part = PartOfTask { task: id, attempt, part };
			let demand = DemandModel { by, of, part, of_client, bond, until };
			self.model.demands.insert((id, number), demand);
			if of_client {
				let task = self.model.tasks.get_mut(&id).expect("it is live");
				task.demands += 1;
			}
		}
	}

	fn collateral(&mut self) {
		let who = self.random.random_range(1..=PROVIDERS);
		let amount = self.random.random_range(1..2_000) * OGPU;
		let origin = RuntimeOrigin::signed(who);
		// Slashes would leave nobody able to work, sooner or later.
		if self.model.collateral[&who] < 2_000 * OGPU {
			let more = 10_000 * OGPU;
			if self.model.free[&who] > more + OGPU {
				TrustLock::bond(origin, more).expect("it has enough");
				*self.model.free.get_mut(&who).expect("a provider") -= more;
				*self.model.collateral.get_mut(&who).expect("a provider") += more;
			}
			return;
		}
		if self.random.random_range(0..2) == 0 {
			let allowed = self.model.collateral[&who] >= amount;
			let unbonded = TrustLock::unbond(origin, amount);
			let full = unbonded == Err(pallet_trust_lock::Error::<Test>::TooManyUnbonding.into());
			assert!(full || unbonded.is_ok() == allowed);
			if unbonded.is_ok() {
				*self.model.collateral.get_mut(&who).expect("a provider") -= amount;
				*self.model.leaving.entry(who).or_default() += amount;
			}
		} else {
			let leaving = self.model.leaving.remove(&who).unwrap_or(0);
			let rebonded = TrustLock::rebond(origin, u128::MAX);
			assert_eq!(rebonded.is_ok(), leaving > 0);
			*self.model.collateral.get_mut(&who).expect("a provider") += leaving;
		}
	}

	fn parameters(&mut self) {
		match self.random.random_range(0..4) {
			0 => Switch::set(Slashing::DryRun),
			1 => Switch::set(Slashing::On),
			2 => MarketCharges::set(Charges {
				held_back: Ranged32::new(self.random.random_range(0..=500_000)),
				burnt: Ranged32::new(self.random.random_range(0..=1_000_000)),
				cancellation: Ranged32::new(self.random.random_range(0..=500_000)),
				default: Ranged32::new(self.random.random_range(10_000..=1_000_000)),
				finder: Ranged32::new(self.random.random_range(0..=500_000)),
				bid_bond: Ranged32::new(self.random.random_range(1_000..=200_000)),
				runner_up: Ranged32::new(self.random.random_range(0..=500_000)),
				demand: Ranged128::new(self.random.random_range(OGPU / 1_000..=OGPU)),
				protocol_fee: Ranged32::new(self.random.random_range(0..=200_000)),
				large_payment: Ranged128::new(self.random.random_range(OGPU..=3_000 * OGPU)),
				..Charges::DEFAULT
			}),
			_ => MarketWindows::set(Windows {
				commit: Ranged32::new(self.random.random_range(2..8)),
				reveal: Ranged32::new(self.random.random_range(2..6)),
				acknowledge: Ranged32::new(self.random.random_range(2..20)),
				delivery: Ranged32::new(self.random.random_range(10..20)),
				demand: Ranged32::new(self.random.random_range(10..15)),
				..Windows::FAST
			}),
		}
	}

	fn step(&mut self) {
		match self.random.random_range(0..100) {
			0..7 => self.submit(),
			7..27 => self.seal(),
			27..42 => self.open(),
			42..46 => self.stream(),
			46..60 => self.race(),
			60..70 => self.work(),
			70..80 => self.verdict(),
			80..83 => self.client(),
			83..85 => self.demand(),
			85..88 => self.collateral(),
			88 => self.parameters(),
			89 => self.appeal(),
			_ => {
				let now = Now::<Test>::get();
				next_block();
				self.model.block(now);
			}
		}
		self.model.compare();
		assert_eq!(Balances::total_issuance() + self.model.burnt, self.issued);
	}
}

#[test]
fn every_history_is_as_the_model_says() {
	let steps: u32 =
		std::env::var("OGPU_MODEL_STEPS").map_or(10_000, |steps| steps.parse().expect("a number"));
	new_test_ext().execute_with(|| {
		let mut history = History::new(1);
		for _ in 0..steps {
			history.step();
		}
		let mut endings = BTreeMap::<String, u32>::new();
		for (id, ending) in &history.model.ended {
			if let Some(record) = Records::<Test>::get(id) {
				assert_eq!(record.ending, *ending, "task {id}");
			}
			*endings.entry(format!("{ending:?}")).or_default() += 1;
		}
		Appealed::set(None);
		println!("{steps} steps, {} tasks: {endings:?}", history.model.ended.len());
		// Left to itself, every task ends, and nothing is held any more.
		for _ in 0..10_000 {
			let model = &history.model;
			if model.tasks.is_empty() && model.sentences.is_empty() && model.demands.is_empty() {
				break;
			}
			let now = Now::<Test>::get();
			next_block();
			history.model.block(now);
			history.model.compare();
		}
		assert!(history.model.tasks.is_empty() && history.model.sentences.is_empty());
		// What was sent has ended: streams can be closed.
		for (id, stream) in &history.model.streams {
			assert_eq!(stream.live, 0);
			Tasks::close_stream(RuntimeOrigin::signed(stream.client), *id).expect("it may");
		}
		assert_eq!(Races::<Test>::iter_keys().count(), 0);
		for client in CLIENTS {
			assert_eq!(Escrows::<Test>::get(client), 0);
			assert!(!pallet_trust_lock::Ledgers::<Test>::contains_key(client));
		}
		assert!(history.model.locks.values().all(|amount| *amount == 0));
		let reached = endings.len();
		assert!(reached >= 8, "only {endings:?}");
	});
}
