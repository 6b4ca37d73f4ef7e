//! Who and what benchmarks need: providers with seats, clients, tasks at any point of their lives. What people can
//! say is as long as it may be.

use alloc::{vec, vec::Vec};

use codec::Encode;
use frame_benchmarking::account;
use frame_support::{
	BoundedVec,
	traits::{Get, fungible::Mutate},
};
use frame_system::RawOrigin;
use ogpu_primitives::{
	Balance, OGPU,
	job::{
		Arg, BlobId, Buffer, Element, Init, Job, MAX_ARGS, MAX_BUFFERS, MAX_STEPS, Name,
		Profile as Arithmetic, Program, Resources, Role, Shape as JobShape, Step, Timeouts,
		VERSION,
	},
	market::{
		Address, DeviceTier, Endpoint, Features, GroupId, MAX_ADDRESSES, MAX_RELAY, TaskId,
		auction::{Quality, Score},
		draw::MAX_SEEDS,
		spec::{FewOperators, JobRef, MAX_JOB_LEN, Requirements, TaskSpec, Trust},
		stream::{Batch, StreamSpec},
		verification::{Shape, Tier},
	},
	merkle::Hash,
};
use ogpu_traits::{Moment, PartOfTask, genesis};
use pallet_attestations::{Case, Kind, Member, Panel, Phase, Said, Service, Stage, Subject};
use pallet_providers::{
	Device, Group, Holding, MAX_DEVICE_NAME, MAX_DEVICES, PROOF_DOMAIN, Profile, Provider,
};
use pallet_tasks::{
	Assignment, Departed, KEPT_BIDS, MAX_ATTEMPTS, OpenBid, Progress, Status, Task, work_lock,
};
use sp_core::{crypto::KeyTypeId, sr25519};

use crate::Config;

/// What everybody has.
const WEALTH: Balance = 100_000 * OGPU;
/// What everybody bonds.
const BOND: Balance = 50_000 * OGPU;
/// The device memory that tasks ask for, as a power of two.
const MEMORY: u8 = 33;
/// The units of each part of a task.
const UNITS: u32 = 20;
/// The type of the keys that sign.
const KEYS: KeyTypeId = KeyTypeId(*b"bnch");
/// The number of the first provider that verifies something, beside those of other scenes.
const MEMBERS: u32 = 1_000;
/// What each of them has earned.
pub const FEE: Balance = OGPU / 50;
/// Operators that could verify a task.
const OPERATORS: u32 = 1_000;
/// The members of a round.
pub const ROUND: u32 = 5;
/// The rounds of a part that are kept when nobody disputes it.
const ROUNDS: u32 = 2;

/// Somebody with tokens.
pub fn somebody<T: Config>(name: &'static str, index: u32) -> T::AccountId {
	let who = account(name, index, 0);
	let minted = <T as pallet_tasks::Config>::Currency::mint_into(&who, WEALTH);
	assert!(minted.is_ok(), "tokens can be minted");
	who
}

/// Somebody with collateral.
pub fn bonded<T: Config>(name: &'static str, index: u32) -> T::AccountId {
	let who = somebody::<T>(name, index);
	let bonded = pallet_trust_lock::Pallet::<T>::bond(RawOrigin::Signed(who.clone()).into(), BOND);
	assert!(bonded.is_ok(), "it has enough");
	who
}

/// Where something is served, said as long as it can be said.
fn endpoint() -> Endpoint {
	Endpoint {
		key: [3; 32],
		addresses: BoundedVec::truncate_from(vec![
			Address::V6([7; 16], 4000);
			MAX_ADDRESSES as usize
		]),
		relay: Some(BoundedVec::truncate_from(vec![b'r'; MAX_RELAY as usize])),
	}
}

/// What a provider says of itself, with as many devices as it may have.
pub fn profile(worker: [u8; 32], first_fingerprint: u32) -> Profile {
	let device = |index: u32| Device {
		name: BoundedVec::truncate_from(vec![b'd'; MAX_DEVICE_NAME as usize]),
		memory: MEMORY,
		features: Features::KNOWN,
		fingerprint: number(first_fingerprint + index),
	};
	Profile {
		worker,
		endpoint: endpoint(),
		encryption: [4; 32],
		region: 276,
		devices: BoundedVec::truncate_from((0..MAX_DEVICES).map(device).collect()),
	}
}

/// A hash like no other of another number.
pub fn number(number: u32) -> Hash {
	let mut hash = [0; 32];
	hash[..4].copy_from_slice(&number.to_le_bytes());
	hash[31] = 1;
	hash
}

/// A new worker key.
pub fn key() -> sr25519::Public {
	sp_io::crypto::sr25519_generate(KEYS, None)
}

/// A signature by a key that [`key`] made.
pub fn sign(key: &sr25519::Public, message: &[u8]) -> sr25519::Signature {
	sp_io::crypto::sr25519_sign(KEYS, key, message).expect("the key was just made")
}

/// A worker key's proof that it knows its account.
pub fn proof<T: Config>(key: &sr25519::Public, who: &T::AccountId) -> sr25519::Signature {
	sign(key, &(PROOF_DOMAIN, genesis::<T>(), who).encode())
}

/// A provider with collateral and one seat, which is counted as an operator.
pub fn provider<T: Config>(index: u32) -> T::AccountId {
	provider_with_key::<T>(index, number(index))
}

/// The same, with a worker key that can sign.
pub fn provider_with_key<T: Config>(index: u32, worker: [u8; 32]) -> T::AccountId {
	use ogpu_traits::Collateral;
	use pallet_providers::{
		CountedAs, Groups, Holdings, NextGroup, Operators, Pallet, Providers, SeatCount, SeatTable,
		Workers,
	};

	let who = bonded::<T>("provider", index);
	let group = NextGroup::<T>::mutate(|next| {
		*next += 1;
		*next - 1
	});
	Groups::<T>::insert(group, Group { leader: Some(who.clone()), members: 1 });
	let stash: T::AccountId = account("validator", index, 0);
	T::validates(&stash);
	pallet_providers::Stashes::<T>::insert(&stash, &who);
	let provider = Provider {
		profile: profile(worker, index * MAX_DEVICES),
		group,
		stash: Some(stash),
		status: pallet_providers::Status::Open,
		last_heartbeat: <T as pallet_providers::Config>::Session::get(),
		rating: 0,
		reputation: Default::default(),
		occupation: Default::default(),
		engagements: 0,
		before: None,
	};
	Workers::<T>::insert(worker, &who);
	let class = provider.class();
	Operators::<T>::mutate((class.tier as u8, class.features.0), class.memory, |count| *count += 1);
	CountedAs::<T>::insert(&who, class);
	Providers::<T>::insert(&who, provider);
	let seat = SeatCount::<T>::get();
	SeatTable::<T>::insert(seat, &who);
	SeatCount::<T>::put(seat + 1);
	Holdings::<T>::insert(
		&who,
		Holding { numbers: BoundedVec::truncate_from(vec![seat]), wanted: 1 },
	);
	let price = <T as pallet_providers::Config>::SeatPrice::get();
	let bound = <T as pallet_providers::Config>::Collateral::set_seats(&who, price);
	assert!(bound.is_ok(), "it has bonded enough");
	// The group is what it was founded as.
	assert!(Pallet::<T>::get(who.clone()).is_some_and(|(_, active, seats)| active && seats == 1));
	who
}

/// So many providers.
pub fn providers<T: Config>(count: u32) -> Vec<T::AccountId> {
	(0..count).map(provider::<T>).collect()
}

/// Operators of many classes, over which the chain has to look when it counts those that could verify something:
/// of these tiers and all features, with memories from 8 GiB to 1 TiB.
pub fn classes<T: Config>(tiers: &[DeviceTier]) {
	for &tier in tiers {
		for features in 0..=Features::KNOWN.0 {
			for memory in MEMORY..=40 {
				pallet_providers::Operators::<T>::mutate((tier as u8, features), memory, |count| {
					*count += 1;
				});
			}
		}
	}
}

fn requirements() -> Requirements {
	Requirements {
		tier: DeviceTier::Consumer,
		memory: MEMORY,
		features: Features::DM_1,
		region: Some(276),
		reputation: 0,
	}
}

/// What a client wants, in so many parts.
pub fn spec(parts: u8) -> TaskSpec {
	TaskSpec {
		job: JobRef {
			hash: [1; 32],
			blob: BlobId([2; 32]),
			len: MAX_JOB_LEN,
			source: endpoint(),
			reader: [8; 32],
		},
		shape: Shape::Parallel,
		profile: Arithmetic::ExactInt,
		units: UNITS * u32::from(parts),
		parts,
		work: 1_000_000,
		requirements: requirements(),
		tier: Tier::Standard,
		trust: Trust::Earned,
		few_operators: FewOperators::Unverified,
		max_price: Some(OGPU),
		time: 1_000,
	}
}

/// The SCALE form of a job with as many buffers and steps as there may be, made as long as it may be, and one of its
/// inputs.
pub fn longest_job() -> (Vec<u8>, BlobId) {
	let name = || Name::new("n").expect("it is short");
	let input = |index| Buffer {
		name: name(),
		role: Role::Input,
		element: Element::U8,
		len: 1,
		init: Init::Blob(BlobId(number(index))),
	};
	let step = Step {
		kernel: name(),
		args: BoundedVec::truncate_from(vec![Arg::Buffer(0); MAX_ARGS as usize]),
		global: BoundedVec::truncate_from(vec![64; 3]),
		local: BoundedVec::truncate_from(vec![1; 3]),
	};
	let job = Job {
		version: VERSION,
		name: name(),
		profile: Arithmetic::ExactInt,
		program: Program { source: BlobId([5; 32]), source_len: 100, prelude: None },
		buffers: BoundedVec::truncate_from((0..MAX_BUFFERS).map(input).collect()),
		steps: BoundedVec::truncate_from(vec![step; MAX_STEPS as usize]),
		shape: JobShape::DataParallel { groups: 1 },
		resources: Resources { memory: 1 << 20, fp64: false },
		timeouts: Timeouts { build_ms: 1_000, step_ms: 1_000, total_ms: 10_000 },
	};
	let mut encoded = job.encode();
	encoded.resize(MAX_JOB_LEN as usize, 0);
	(encoded, BlobId(number(MAX_BUFFERS - 1)))
}

/// What all batches of a stream have in common.
pub fn stream_spec() -> StreamSpec {
	StreamSpec {
		source: endpoint(),
		reader: [8; 32],
		profile: Arithmetic::ExactInt,
		requirements: requirements(),
		tier: Tier::Standard,
		few_operators: FewOperators::Unverified,
		reward: OGPU / 100,
		racers: 4,
		work: 10_000,
		time: 1_000,
	}
}

/// A batch of requests.
pub const BATCH: Batch =
	Batch { hash: [1; 32], blob: BlobId([2; 32]), len: MAX_JOB_LEN, requests: 64 };

/// A task that takes bids.
pub fn submitted<T: Config>(parts: u8) -> (T::AccountId, TaskId) {
	let client = bonded::<T>("client", 0);
	let origin = RawOrigin::Signed(client.clone()).into();
	let submitted = pallet_tasks::Pallet::<T>::submit(origin, spec(parts), Balance::MAX);
	assert!(submitted.is_ok(), "nothing is wrong with it");
	let id = pallet_tasks::NextTask::<T>::get() - 1;
	// So many that work on it means something to validators.
	change::<T>(id, |task| task.operators = OPERATORS);
	(client, id)
}

/// A batch that can be raced for.
pub fn sent<T: Config>() -> TaskId {
	let client = bonded::<T>("client", 0);
	let origin = || RawOrigin::Signed(client.clone()).into();
	let opened = pallet_tasks::Pallet::<T>::open_stream(origin(), stream_spec(), 10_000 * OGPU);
	assert!(opened.is_ok(), "nothing is wrong with it");
	let stream = pallet_tasks::NextStream::<T>::get() - 1;
	let batches = BoundedVec::truncate_from(vec![BATCH]);
	let sent = pallet_tasks::Pallet::<T>::send(origin(), stream, batches);
	assert!(sent.is_ok(), "there is enough in it");
	let id = pallet_tasks::NextTask::<T>::get() - 1;
	change::<T>(id, |task| task.operators = OPERATORS);
	id
}

/// Changes a task.
pub fn change<T: Config>(id: TaskId, change: impl FnOnce(&mut Task<T::AccountId>)) {
	pallet_tasks::Tasks::<T>::mutate(id, |task| change(task.as_mut().expect("it is live")));
}

/// The operator of a provider.
pub fn group_of<T: Config>(who: &T::AccountId) -> GroupId {
	pallet_providers::Providers::<T>::get(who).expect("it is registered").group
}

/// Locks what a provider has to lock for an attempt at a task, which is its from now on.
pub fn assignment<T: Config>(
	id: TaskId,
	attempt: u8,
	provider: &T::AccountId,
) -> Assignment<T::AccountId> {
	use ogpu_traits::{Collateral, Registry};
	let lock = 10 * OGPU;
	let locked =
		<T as pallet_tasks::Config>::Collateral::set_lock(provider, work_lock(id, attempt), lock);
	assert!(locked.is_ok(), "it has bonded enough");
	pallet_tasks::Concerns::<T>::insert(provider, id, ());
	<T as pallet_tasks::Config>::Registry::engage(provider, true);
	Assignment {
		provider: provider.clone(),
		group: group_of::<T>(provider),
		price: OGPU,
		lock,
		first_part: 0,
		guarantor: None,
		asked: Some(500),
	}
}

/// A task in its last attempt whose roots are all known and which nobody has verified: others had it before and were
/// paid for parts, and as many bids are left as are kept. The first four of `others` have to do with it.
pub fn worn<T: Config>(others: &[T::AccountId]) -> (T::AccountId, TaskId) {
	use ogpu_traits::Registry;
	use pallet_tasks::{Concerns, Departures, Roots};

	let (client, id) = submitted::<T>(ogpu_primitives::market::spec::MAX_PARTS);
	let task = pallet_tasks::Tasks::<T>::get(id).expect("it was just submitted");
	let last = task.terms.max_attempts.min(MAX_ATTEMPTS as u8) - 1;
	for attempt in 0..last {
		let by = assignment::<T>(id, attempt, &others[usize::from(attempt) % others.len()]);
		let departed = Departed { by, to_part: 1, verified: 0, refunded: false };
		Departures::<T>::insert((id, attempt), departed);
	}
	for part in 0..task.spec.parts {
		Roots::<T>::insert(id, part, (last, number(part.into())));
	}
	let by = assignment::<T>(id, last, &others[usize::from(last) % others.len()]);
	let bids = others.iter().rev().take(KEPT_BIDS as usize).map(|provider| {
		Concerns::<T>::insert(provider, id, ());
		<T as pallet_tasks::Config>::Registry::engage(provider, true);
		let quality = Quality::new(1000, 1000, 0);
		let group = group_of::<T>(provider);
		OpenBid { provider: provider.clone(), group, quality, score: Score::new(OGPU, quality) }
	});
	let bids = BoundedVec::truncate_from(bids.collect());
	pallet_tasks::Auctions::<T>::remove(id);
	change::<T>(id, |task| {
		task.attempt = last;
		task.bids = bids;
		task.owed = OGPU / 100;
		task.progress = Progress { settled: 0, rooted: task.spec.parts, ahead: 0 };
		task.status = Status::Verifying { by, until: now::<T>() };
	});
	(client, id)
}

/// The market clock.
pub fn now<T: Config>() -> Moment {
	pallet_tasks::Now::<T>::get()
}

/// Has the market clock go on.
pub fn pass<T: Config>(blocks: u32) {
	pallet_tasks::Now::<T>::mutate(|now| *now += blocks);
}

/// A result under verification.
pub fn case<T: Config>(id: TaskId, part: u8, provider: T::AccountId) -> Case<T::AccountId> {
	let task = pallet_tasks::Tasks::<T>::get(id).expect("it is live");
	Case {
		provider,
		client: task.client,
		barred: BoundedVec::new(),
		racers: BoundedVec::new(),
		requirements: task.spec.requirements,
		tier: task.spec.tier,
		shape: task.spec.shape,
		first_unit: task.spec.first_unit(part),
		units: task.spec.units_of(part),
		subject: Subject::Root(number(part.into())),
		unit_fee: OGPU / 1_000_000,
		time: task.spec.time,
		small: false,
		asked: None,
		phase: Phase::Counting,
		was_valid: false,
		clean: 0,
		rounds: ROUNDS as u8,
		running: ROUNDS as u8,
		next_panel: ROUNDS as u8,
		disputes: BoundedVec::new(),
	}
}

/// Has panels with `places` members verify the parts of a task from the second on, and not be done: what they have
/// earned is to be paid when it ends.
pub fn under_verification<T: Config>(id: TaskId, places: u32) {
	use pallet_attestations::{Cases, Earned, Panels, Places, Served, Wanted};

	let task = pallet_tasks::Tasks::<T>::get(id).expect("it is live");
	let by = task.status.assignment().expect("somebody has it").clone();
	let mut left = places;
	let mut part = 1;
	while left > 0 {
		let of = PartOfTask { task: id, attempt: task.attempt, part };
		Cases::<T>::insert((id, task.attempt), part, case::<T>(id, part, by.provider.clone()));
		for panel in 0..ROUNDS as u8 {
			let members = left.min(ROUND);
			let mut found = panel_of::<T>(Kind::Round, Stage::Committing { until: now::<T>() });
			for member in left - members..left {
				// Each is linked to a validator, which earns points with its fee.
				let who = provider::<T>(MEMBERS + member);
				Wanted::<T>::insert(&who, (of, panel), ());
				Served::<T>::insert(of, member, Service { judged: None });
				Earned::<T>::insert(of, &who, FEE);
				let _ = found.members.try_push(Member { who, said: Said::Nothing });
			}
			left -= members;
			Panels::<T>::insert(of, panel, found);
		}
		part += 1;
	}
	Places::<T>::mutate(id, |kept| *kept += places);
	// So much in escrow that all of them are paid.
	let fees = FEE * Balance::from(places);
	let pot = pallet_tasks::Pallet::<T>::pot();
	let minted = <T as pallet_tasks::Config>::Currency::mint_into(&pot, fees);
	assert!(minted.is_ok(), "tokens can be minted");
	pallet_tasks::Escrows::<T>::mutate(&task.client, |sum| *sum += fees);
	change::<T>(id, |task| task.escrow.verification += fees);
}

/// A member of the first panel [under verification](under_verification), with tokens.
pub fn member<T: Config>() -> T::AccountId {
	somebody::<T>("provider", MEMBERS)
}

/// Has the first part of a task be a decided fraud that all of these, in rounds, have affirmed.
pub fn affirmed<T: Config>(id: TaskId, provider: &T::AccountId, members: &[T::AccountId]) {
	use pallet_attestations::{Appeal, Cases, Decided, Panels, Places, Served};

	let of = PartOfTask { task: id, attempt: 0, part: 0 };
	let rounds = members.chunks(ROUND as usize);
	let mut found = case::<T>(id, 0, provider.clone());
	found.tier = Tier::Full;
	found.phase = Phase::Decided(Decided { unit: 0, judged: true, appeal: Appeal::Lost });
	(found.running, found.next_panel) = (0, rounds.len() as u8);
	Cases::<T>::insert((id, 0), 0, found);
	for (number, round) in rounds.enumerate() {
		let mut found = panel_of::<T>(Kind::Round, Stage::Done);
		for who in round {
			Served::<T>::insert(of, group_of::<T>(who), Service { judged: None });
			let member = Member { who: who.clone(), said: Said::Agreed };
			let _ = found.members.try_push(member);
		}
		Panels::<T>::insert(of, number as u8, found);
	}
	Places::<T>::mutate(id, |kept| *kept += members.len() as u32);
}

/// A panel without members.
pub fn panel_of<T: Config>(kind: Kind, stage: Stage) -> Panel<T::AccountId> {
	let mut panel = Panel::new(kind, 1);
	panel.seed = [9; 32];
	panel.earlier = BoundedVec::truncate_from(vec![[8; 32]; MAX_SEEDS as usize - 1]);
	panel.stage = stage;
	panel
}

/// Has only this on the agenda of tasks.
pub fn agenda<T: Config>(item: pallet_tasks::Item) {
	let _ = pallet_tasks::Agenda::<T>::clear(u32::MAX, None);
	pallet_tasks::AgendaFrom::<T>::put(now::<T>());
	pallet_tasks::Agenda::<T>::insert(now::<T>(), item, ());
	pass::<T>(1);
}
