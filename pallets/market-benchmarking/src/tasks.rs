//! Benchmarks of `pallet-tasks`.

use alloc::{boxed::Box, vec, vec::Vec};
use core::marker::PhantomData;

use frame_benchmarking::v2::*;
use frame_support::{BoundedVec, traits::Hooks, weights::WeightMeter};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use ogpu_primitives::{
	Balance, OGPU,
	job::{BlobId, MAX_BUFFERS, MAX_UNITS},
	market::{
		DeviceTier, TaskId,
		auction::{self, Quality, Score},
		stream,
	},
	merkle::{Blake2, Hash, Hasher, Tree, leaf},
	piece::Piece,
};
use ogpu_traits::{Claim, Collateral, Duties, PartOfTask, Registry, Verdict, genesis};
use pallet_tasks::{
	Accomplices, Answer, Bidders, Bids, Concerns, Conviction, Delivery, Demand, Demanded, Demands,
	Done, Escrows, Item, KEPT_BIDS, MAX_BIDS, MAX_DEMANDS, MAX_RACERS, NextTask, OpenBid,
	Pallet as Tasks, Pending, Racer, Racers, Record, Records, Roots, SealedBid, Status, Wanted,
	bid_lock, race_lock, work_lock,
};

pub use crate::Config;
use crate::scene::{
	BATCH, ROUND, affirmed, agenda, assignment, bonded, change, classes, group_of, longest_job,
	member, now, number, pass, provider, providers, sent, somebody, spec, stream_spec, submitted,
	under_verification, worn,
};

/// What is benchmarked.
pub struct Pallet<T>(PhantomData<T>);

const PRICE: Balance = OGPU / 2;
const SALT: Hash = [8; 32];
/// Providers of whom each task has some.
const OTHERS: u32 = 8;

fn signed<T: Config>(who: &T::AccountId) -> T::RuntimeOrigin {
	RawOrigin::Signed(who.clone()).into()
}

fn act<T: Config>(who: &T::AccountId, done: Done) -> Result<(), BenchmarkError> {
	<Tasks<T> as Duties<T::AccountId>>::perform(who, done)?;
	Ok(())
}

fn poll<T: Config>() {
	<Tasks<T> as Hooks<BlockNumberFor<T>>>::on_poll(0u32.into(), &mut WeightMeter::new());
}

fn engage<T: Config>(who: &T::AccountId, id: TaskId) {
	Concerns::<T>::insert(who, id, ());
	<T as pallet_tasks::Config>::Registry::engage(who, true);
}

/// Bids of providers, each sealed and secured.
fn seal<T: Config>(id: TaskId, bidders: &[T::AccountId]) {
	let genesis = genesis::<T>();
	for who in bidders {
		let commitment = auction::commitment::<Blake2>(&genesis, id, 0, who, PRICE, &SALT);
		let (group, quality) = (group_of::<T>(who), Quality::new(500, 1000, 0));
		let bond = OGPU / 100;
		Bids::<T>::insert(id, who, SealedBid { group, commitment, quality, bond });
		Bidders::<T>::insert(id, group, ());
		engage::<T>(who, id);
		let locked = <T as pallet_tasks::Config>::Collateral::set_lock(who, bid_lock(id), bond);
		assert!(locked.is_ok(), "it has bonded enough");
	}
	change::<T>(id, |task| task.sealed = bidders.len() as u8);
}

/// Racers for a batch, each with a sealed root.
fn race<T: Config>(id: TaskId, racers: &[T::AccountId]) {
	let genesis = genesis::<T>();
	for (index, who) in (0u32..).zip(racers) {
		let root = number(index);
		let commitment = stream::commitment::<Blake2>(&genesis, id, 0, who, &root, &SALT);
		let (group, lock) = (group_of::<T>(who), OGPU);
		Racers::<T>::insert(
			id,
			who,
			Racer { group, commitment, lock, shown: None, guarantor: None },
		);
		engage::<T>(who, id);
		let locked = <T as pallet_tasks::Config>::Collateral::set_lock(who, race_lock(id, 0), lock);
		assert!(locked.is_ok(), "it has bonded enough");
	}
}

/// A task that somebody has, with as many bids left as are kept, all of providers that cannot take it any more.
fn assigned<T: Config>() -> (T::AccountId, T::AccountId, TaskId) {
	let others = providers::<T>(OTHERS);
	let (client, id) = submitted::<T>(64);
	let to = assignment::<T>(id, 0, &others[0]);
	let bids = others.iter().rev().take(KEPT_BIDS as usize).map(|provider| {
		engage::<T>(provider, id);
		let (quality, group) = (Quality::new(500, 1000, 0), group_of::<T>(provider));
		OpenBid { provider: provider.clone(), group, quality, score: Score::new(PRICE, quality) }
	});
	let bids = BoundedVec::truncate_from(bids.collect());
	pallet_tasks::Auctions::<T>::remove(id);
	change::<T>(id, |task| {
		task.bids = bids;
		task.status = Status::Assigned { to, until: now::<T>() + 1_000 };
	});
	(client, others[0].clone(), id)
}

/// The same, while it is computed.
fn executing<T: Config>() -> (T::AccountId, T::AccountId, TaskId) {
	let (client, provider, id) = assigned::<T>();
	let done = Done::Acknowledge { task: id, attempt: 0 };
	assert!(<Tasks<T> as Duties<T::AccountId>>::perform(&provider, done).is_ok());
	(client, provider, id)
}

/// A demand about a task, with its bond in escrow, whose time is over now.
fn demanded<T: Config>(id: TaskId, number: u32, by: T::AccountId, wanted: Wanted) {
	use frame_support::traits::{fungible::Mutate, tokens::Preservation};

	let task = pallet_tasks::Tasks::<T>::get(id).expect("it is live");
	let of = task.status.assignment().expect("somebody has it").provider.clone();
	let (attempt, bond, until) = (task.attempt, OGPU, now::<T>());
	let paid = <T as pallet_tasks::Config>::Currency::transfer(
		&by,
		&Tasks::<T>::pot(),
		bond,
		Preservation::Preserve,
	);
	assert!(paid.is_ok(), "it has enough");
	Escrows::<T>::mutate(&by, |sum| *sum += bond);
	let demand = Demand { by, of, attempt, wanted, piece: 0, bond, until };
	Pending::<T>::mutate(&demand.of, |waiting| *waiting += 1);
	Demands::<T>::insert(id, number, demand);
}

/// So many live tasks that take bids, and as many records. One of the tasks.
fn history<T: Config>(count: u32) -> TaskId {
	let (client, id) = submitted::<T>(64);
	let task = pallet_tasks::Tasks::<T>::get(id).expect("it was just submitted");
	let until = task.status.until();
	for id in 1..=TaskId::from(count) {
		pallet_tasks::Tasks::<T>::insert(id, &task);
		pallet_tasks::Auctions::<T>::insert(id, ());
		pallet_tasks::Agenda::<T>::insert(until, Item::Task(id), ());
		let record = Record {
			ending: pallet_tasks::Ending::Completed,
			client: client.clone(),
			provider: None,
			paid: OGPU,
			result: Some([1; 32]),
			until,
		};
		Records::<T>::insert(TaskId::from(u32::MAX) + id, record);
	}
	NextTask::<T>::put(TaskId::from(count) + 1);
	id
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// Of a task in 64 parts, with operators of many classes to count.
	#[benchmark]
	fn submit() -> Result<(), BenchmarkError> {
		classes::<T>(&DeviceTier::ALL);
		let client = bonded::<T>("client", 0);
		#[block]
		{
			Tasks::<T>::submit(signed::<T>(&client), spec(64), Balance::MAX)?;
		}
		assert_eq!(NextTask::<T>::get(), 1);
		Ok(())
	}

	/// While it is computed for the last time: providers that had it before are let go of, and verifiers paid.
	#[benchmark]
	fn cancel(p: Linear<0, 630>) -> Result<(), BenchmarkError> {
		let others = providers::<T>(OTHERS);
		let (client, id) = worn::<T>(&others);
		change::<T>(id, |task| {
			let by = task.status.assignment().expect("somebody has it").clone();
			task.status = Status::Executing { by, until: now::<T>() + 1_000 };
		});
		under_verification::<T>(id, p);
		#[block]
		{
			Tasks::<T>::cancel(signed::<T>(&client), id).map_err(|error| error.error)?;
		}
		assert!(Records::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn acknowledge_delivery() -> Result<(), BenchmarkError> {
		let (client, provider, id) = executing::<T>();
		let by = assignment::<T>(id, 0, &provider);
		change::<T>(id, |task| {
			task.owed = OGPU / 10;
			let (verdict, delivery) = (Verdict::Valid, Delivery::Awaited);
			task.status = Status::Delivered { by, verdict, delivery, until: now::<T>() + 100 };
		});
		#[block]
		{
			Tasks::<T>::acknowledge_delivery(signed::<T>(&client), id)?;
		}
		Ok(())
	}

	#[benchmark]
	fn seal_bid() -> Result<(), BenchmarkError> {
		let others = providers::<T>(MAX_BIDS);
		let (_, id) = submitted::<T>(64);
		let (who, others) = others.split_first().expect("there are some");
		seal::<T>(id, others);
		let done = Done::Bid { task: id, commitment: [1; 32] };
		#[block]
		{
			act::<T>(who, done)?;
		}
		Ok(())
	}

	/// Which drops another one.
	#[benchmark]
	fn open_bid() -> Result<(), BenchmarkError> {
		let (_, _, id) = assigned::<T>();
		let who = provider::<T>(OTHERS);
		seal::<T>(id, core::slice::from_ref(&who));
		change::<T>(id, |task| {
			let quality = Quality::new(500, 1000, 0);
			for bid in task.bids.iter_mut() {
				bid.score = Score::new(OGPU, quality);
			}
			task.status = Status::Revealing { until: now::<T>() + 10, draw: [7; 32] };
		});
		let done = Done::Reveal { task: id, price: PRICE, salt: SALT };
		#[block]
		{
			act::<T>(&who, done)?;
		}
		Ok(())
	}

	#[benchmark]
	fn acknowledge() -> Result<(), BenchmarkError> {
		let (_, provider, id) = assigned::<T>();
		let done = Done::Acknowledge { task: id, attempt: 0 };
		#[block]
		{
			act::<T>(&provider, done)?;
		}
		Ok(())
	}

	/// When nobody else can take it any more, which ends it.
	#[benchmark]
	fn decline() -> Result<(), BenchmarkError> {
		let (_, provider, id) = assigned::<T>();
		for bid in &pallet_tasks::Tasks::<T>::get(id).expect("it is live").bids {
			pallet_providers::Providers::<T>::mutate(&bid.provider, |found| {
				found.as_mut().expect("it is registered").status =
					pallet_providers::Status::Suspended;
			});
		}
		let done = Done::Decline { task: id, attempt: 0 };
		#[block]
		{
			act::<T>(&provider, done)?;
		}
		assert!(Records::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn claim() -> Result<(), BenchmarkError> {
		let (_, provider, id) = executing::<T>();
		let done = Done::Claim { task: id, attempt: 0, claim: Claim::Rejected };
		#[block]
		{
			act::<T>(&provider, done)?;
		}
		Ok(())
	}

	/// The last of a task.
	#[benchmark]
	fn commit_root() -> Result<(), BenchmarkError> {
		let (_, provider, id) = executing::<T>();
		change::<T>(id, |task| task.progress.rooted = 63);
		let done = Done::Root { task: id, attempt: 0, part: 63, root: [1; 32] };
		#[block]
		{
			act::<T>(&provider, done)?;
		}
		Ok(())
	}

	#[benchmark]
	fn open_stream() -> Result<(), BenchmarkError> {
		let client = somebody::<T>("client", 0);
		#[block]
		{
			Tasks::<T>::open_stream(signed::<T>(&client), stream_spec(), 100 * OGPU)?;
		}
		Ok(())
	}

	#[benchmark]
	fn pause_stream() -> Result<(), BenchmarkError> {
		let client = somebody::<T>("client", 0);
		Tasks::<T>::open_stream(signed::<T>(&client), stream_spec(), 100 * OGPU)?;
		#[block]
		{
			Tasks::<T>::pause_stream(signed::<T>(&client), 0, true)?;
		}
		Ok(())
	}

	/// One batch, with operators of many classes to count.
	#[benchmark]
	fn send() -> Result<(), BenchmarkError> {
		classes::<T>(&DeviceTier::ALL);
		let client = bonded::<T>("client", 0);
		Tasks::<T>::open_stream(signed::<T>(&client), stream_spec(), 10_000 * OGPU)?;
		let batches = BoundedVec::truncate_from(alloc::vec![BATCH]);
		#[block]
		{
			Tasks::<T>::send(signed::<T>(&client), 0, batches)?;
		}
		Ok(())
	}

	/// As the last who may.
	#[benchmark]
	fn race() -> Result<(), BenchmarkError> {
		let others = providers::<T>(MAX_RACERS);
		let id = sent::<T>();
		let (who, others) = others.split_first().expect("there are some");
		super::race::<T>(id, others);
		let done = Done::Race { task: id, commitment: [1; 32] };
		#[block]
		{
			act::<T>(who, done)?;
		}
		Ok(())
	}

	/// As the last of all that may race.
	#[benchmark]
	fn show() -> Result<(), BenchmarkError> {
		let others = providers::<T>(MAX_RACERS);
		let who = others[0].clone();
		let id = sent::<T>();
		super::race::<T>(id, &others);
		for other in &others[1..] {
			Racers::<T>::mutate(id, other, |racer| {
				racer.as_mut().expect("it races").shown = Some([1; 32]);
			});
		}
		change::<T>(id, |task| {
			task.status = Status::Racing { first: now::<T>(), bound_in: 1, until: 1_000 }
		});
		pass::<T>(2);
		let done = Done::Show { task: id, root: number(0), salt: SALT };
		#[block]
		{
			act::<T>(&who, done)?;
		}
		Ok(())
	}

	/// Before anything is due.
	#[benchmark]
	fn every_block() {
		providers::<T>(1);
		pass::<T>(1);
		#[block]
		{
			<Tasks<T> as Hooks<BlockNumberFor<T>>>::on_initialize(1u32.into());
			<Tasks<T> as Hooks<BlockNumberFor<T>>>::on_finalize(1u32.into());
		}
	}

	/// In its last attempt, before any part was found valid: providers that had it before are let go of, and
	/// verifiers paid.
	#[benchmark]
	fn wake(p: Linear<0, 630>) {
		let others = providers::<T>(OTHERS);
		let (_, id) = worn::<T>(&others);
		under_verification::<T>(id, p);
		agenda::<T>(Item::Task(id));
		#[block]
		{
			poll::<T>();
		}
		assert!(Records::<T>::contains_key(id));
	}

	/// Whose bonds are lost.
	#[benchmark]
	fn close_auction(b: Linear<0, 32>) {
		let others = providers::<T>(MAX_BIDS);
		let (_, id) = submitted::<T>(64);
		seal::<T>(id, &others[..b as usize]);
		change::<T>(id, |task| {
			task.status = Status::Revealing { until: now::<T>(), draw: [7; 32] }
		});
		agenda::<T>(Item::Task(id));
		#[block]
		{
			poll::<T>();
		}
		assert!(Records::<T>::contains_key(id));
	}

	/// Who have shown nothing, except one, whose root is handed over.
	#[benchmark]
	fn close_race(r: Linear<1, 16>) {
		let others = providers::<T>(MAX_RACERS);
		let id = sent::<T>();
		super::race::<T>(id, &others[..r as usize]);
		Racers::<T>::mutate(id, &others[0], |racer| {
			racer.as_mut().expect("it races").shown = Some([1; 32]);
		});
		let (first, until) = (now::<T>(), now::<T>());
		change::<T>(id, |task| task.status = Status::Racing { first, bound_in: 1, until });
		agenda::<T>(Item::Task(id));
		#[block]
		{
			poll::<T>();
		}
		let task = pallet_tasks::Tasks::<T>::get(id).expect("it is live");
		assert!(matches!(task.status, Status::Verifying { .. }));
	}

	/// A task that nobody bid for.
	#[benchmark]
	fn close_empty() {
		let (_, id) = submitted::<T>(64);
		change::<T>(id, |task| task.status = Status::Bidding { until: now::<T>() });
		agenda::<T>(Item::Task(id));
		#[block]
		{
			poll::<T>();
		}
		assert!(Records::<T>::contains_key(id));
	}

	/// With somebody who found it, racers that came to the same, and members who have all affirmed what is false.
	#[benchmark]
	fn carry_out(p: Linear<0, 200>) {
		let others = providers::<T>(MAX_RACERS.max(p) + 1);
		let (provider, others) = others.split_first().expect("there are some");
		let (client, id) = submitted::<T>(64);
		assignment::<T>(id, 0, provider);
		affirmed::<T>(id, provider, &others[..p as usize]);
		for who in &others[..MAX_RACERS as usize] {
			let lock = race_lock(id, 0);
			let locked = <T as pallet_tasks::Config>::Collateral::set_lock(who, lock, OGPU);
			assert!(locked.is_ok(), "it has bonded enough");
			Accomplices::<T>::insert((id, 0), who, 0);
		}
		let conviction = Conviction {
			proven: true,
			more: None,
			part: PartOfTask { task: id, attempt: 0, part: 0 },
			provider: provider.clone(),
			client,
			damage: OGPU,
			finder: Some(somebody::<T>("finder", 0)),
			guarantor: None,
			until: now::<T>(),
			spec: spec(64),
			due: 0,
			weight: 0,
			paid: None,
		};
		pallet_tasks::Convictions::<T>::insert((id, 0), conviction);
		agenda::<T>(Item::Conviction(id, 0));
		#[block]
		{
			poll::<T>();
		}
		let lock = work_lock(id, 0);
		assert_eq!(<T as pallet_tasks::Config>::Collateral::locked(provider, lock), 0);
	}

	#[benchmark]
	fn forget() {
		let client = somebody::<T>("client", 0);
		let record = Record {
			ending: pallet_tasks::Ending::Completed,
			client: client.clone(),
			provider: Some(client),
			paid: OGPU,
			result: Some([1; 32]),
			until: now::<T>(),
		};
		Records::<T>::insert(7, record);
		agenda::<T>(Item::Record(7));
		#[block]
		{
			poll::<T>();
		}
		assert!(!Records::<T>::contains_key(7));
	}

	/// By a member of a panel, of an input of the longest job, while as many others wait as may.
	#[benchmark]
	fn demand() -> Result<(), BenchmarkError> {
		let others = providers::<T>(OTHERS);
		let (_, id) = worn::<T>(&others);
		under_verification::<T>(id, ROUND);
		let (job, blob) = longest_job();
		change::<T>(id, |task| task.spec.job.hash = Blake2::hash(&job));
		for other in 1..MAX_DEMANDS {
			demanded::<T>(
				id,
				other,
				somebody::<T>("other", other),
				Wanted::Output { part: 0, unit: 0, slice: 0 },
			);
		}
		let attempt = pallet_tasks::Tasks::<T>::get(id).expect("it is live").attempt;
		let job = BoundedVec::truncate_from(job);
		let wanted = Demanded::Input { attempt, part: 1, panel: 0, job, blob };
		let member = member::<T>();
		#[block]
		{
			Tasks::<T>::demand(signed::<T>(&member), id, wanted, 0)?;
		}
		assert_eq!(Demands::<T>::iter_prefix(id).count() as u32, MAX_DEMANDS);
		Ok(())
	}

	/// With a piece of a result of as many buffers and units as there may be.
	#[benchmark]
	fn answer() -> Result<(), BenchmarkError> {
		let (client, provider, id) = executing::<T>();
		let units = MAX_UNITS;
		change::<T>(id, |task| (task.spec.units, task.spec.parts) = (units, 1));
		let blob = vec![7; 1 << 24];
		let slices = vec![BlobId(*blake3::hash(&blob).as_bytes()); MAX_BUFFERS as usize];
		let leaf = leaf::<Blake2>(0, &slices.iter().map(|slice| slice.0).collect::<Vec<_>>());
		let tree =
			Tree::new::<Blake2>(vec![leaf; units as usize]).map_err(|_| "there are leaves")?;
		Roots::<T>::insert(id, 0, (0, tree.root()));
		let wanted = Wanted::Output { part: 0, unit: 0, slice: 0 };
		demanded::<T>(id, 0, client, wanted);
		Demands::<T>::mutate(id, 0, |made| {
			made.as_mut().expect("it was just made").of = provider.clone();
		});
		let siblings = tree.prove(&[0]).map_err(|_| "the unit is in the tree")?.siblings;
		let given = Answer {
			slices: BoundedVec::truncate_from(slices),
			siblings: BoundedVec::truncate_from(siblings),
			piece: Some(Piece::of(&blob, 0)),
		};
		let done = Done::Answer { task: id, demand: 0, answer: Box::new(given) };
		#[block]
		{
			act::<T>(&provider, done)?;
		}
		assert!(!Demands::<T>::contains_key(id, 0));
		Ok(())
	}

	/// By whoever has a task in its last attempt, which ends it.
	#[benchmark]
	fn unanswered(p: Linear<1, 630>) {
		let others = providers::<T>(OTHERS);
		let (_, id) = worn::<T>(&others);
		under_verification::<T>(id, p);
		let wanted = Wanted::Input { part: 1, panel: 0, blob: BlobId([2; 32]) };
		demanded::<T>(id, 0, member::<T>(), wanted);
		agenda::<T>(Item::Demand(id, 0));
		#[block]
		{
			poll::<T>();
		}
		assert!(Records::<T>::contains_key(id));
	}

	/// Whether cost grows with history: the same as `submit`, among so many live tasks and as many records.
	#[benchmark(extra)]
	fn submit_among(n: Linear<10, 100_000>) -> Result<(), BenchmarkError> {
		history::<T>(n);
		let client = bonded::<T>("client", 1);
		let next = NextTask::<T>::get();
		#[block]
		{
			Tasks::<T>::submit(signed::<T>(&client), spec(64), Balance::MAX)?;
		}
		assert_eq!(NextTask::<T>::get(), next + 1);
		Ok(())
	}

	/// The same as `seal_bid`, among so many.
	#[benchmark(extra)]
	fn seal_bid_among(n: Linear<10, 100_000>) -> Result<(), BenchmarkError> {
		let who = provider::<T>(0);
		let id = history::<T>(n);
		let done = Done::Bid { task: id, commitment: [1; 32] };
		#[block]
		{
			act::<T>(&who, done)?;
		}
		Ok(())
	}

	/// The same as `close_empty`, among so many.
	#[benchmark(extra)]
	fn close_empty_among(n: Linear<10, 100_000>) {
		let id = history::<T>(n);
		change::<T>(id, |task| task.status = Status::Bidding { until: now::<T>() });
		agenda::<T>(Item::Task(id));
		#[block]
		{
			poll::<T>();
		}
		assert!(Records::<T>::contains_key(id));
	}

	/// What a node's hook asks in every block: what is due of a provider, among so many.
	#[benchmark(extra)]
	fn due_among(n: Linear<10, 100_000>) {
		let who = provider::<T>(0);
		history::<T>(n);
		let due;
		#[block]
		{
			due = <Tasks<T> as Duties<T::AccountId>>::due(&who, 64).len();
		}
		assert!(due > 0);
	}
}
