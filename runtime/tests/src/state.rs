//! How much state the market takes.

use codec::{Encode, MaxEncodedLen};
use frame_support::{BoundedVec, assert_ok};
use ogpu_primitives::{
	Balance, OGPU,
	job::{BlobId, Profile},
	market::{
		Address, DeviceTier, Endpoint, Features, MAX_ADDRESSES, MAX_RELAY,
		auction::{Quality, Score},
		spec::{FewOperators, JobRef, MAX_JOB_LEN, Requirements, TaskSpec, Trust},
		verification::{Shape, Tier},
	},
};
use ogpu_traits::Guarantor;
use pallet_tasks::{Assignment, KEPT_BIDS, MAX_ATTEMPTS, OpenBid, Status, Task};
use sp_keyring::Sr25519Keyring::{Alice, Bob};

use super::{
	market::{EXECUTOR, Market, account_key, ended, is_convicted, market, spec},
	on,
};
use ogpu_runtime::{AccountId, Runtime, RuntimeOrigin, System, Tasks};

/// The bytes of all keys and values of a pallet.
fn taken_by(pallet: &str) -> usize {
	let prefix = sp_io::hashing::twox_128(pallet.as_bytes());
	let next = |key: &Vec<u8>| sp_io::storage::next_key(key);
	let keys = core::iter::successors(next(&prefix.to_vec()), next);
	keys.take_while(|key| key.starts_with(&prefix))
		.map(|key| key.len() + sp_io::storage::get(&key).map_or(0, |value| value.len()))
		.sum()
}

/// Of that of tasks.
fn taken() -> usize {
	taken_by("Tasks")
}

/// A task of which everything that is said is as long as it can be.
fn longest() -> TaskSpec {
	let addresses = vec![Address::V6([7; 16], 4000); MAX_ADDRESSES as usize];
	TaskSpec {
		job: JobRef {
			hash: [1; 32],
			blob: BlobId([2; 32]),
			len: MAX_JOB_LEN,
			source: Endpoint {
				key: [3; 32],
				addresses: BoundedVec::truncate_from(addresses),
				relay: Some(BoundedVec::truncate_from(vec![b'r'; MAX_RELAY as usize])),
			},
			reader: [3; 32],
		},
		shape: Shape::Parallel,
		profile: Profile::ExactInt,
		units: 64 * 20,
		parts: 64,
		work: 1_000_000,
		requirements: Requirements {
			tier: DeviceTier::Consumer,
			memory: 33,
			features: Features::DM_1,
			region: Some(276),
			reputation: 0,
		},
		tier: Tier::Standard,
		trust: Trust::Never,
		few_operators: FewOperators::Unverified,
		max_price: Some(OGPU),
		time: 1_000,
	}
}

#[test]
fn a_live_task_takes_at_most_a_kibibyte() {
	on("dev", || {
		let origin = || RuntimeOrigin::signed(Alice.to_account_id());
		// What is kept once for a client, and for all tasks, is there already.
		assert_ok!(Tasks::submit(origin(), longest(), Balance::MAX));
		let before = taken();
		assert_ok!(Tasks::submit(origin(), longest(), Balance::MAX));
		let bidding = taken() - before;
		pallet_tasks::Tasks::<ogpu_runtime::Runtime>::mutate(1, |task| {
			let task = task.as_mut().expect("it was just submitted");
			let (provider, group, quality) = (Bob.to_account_id(), 7, Quality::ONE);
			let bid = OpenBid {
				provider: provider.clone(),
				group,
				quality,
				score: Score::new(OGPU, quality),
			};
			task.bids = BoundedVec::truncate_from(vec![bid; KEPT_BIDS as usize]);
			task.barred = BoundedVec::truncate_from(vec![group; MAX_ATTEMPTS as usize]);
			let asked = Some(500);
			let guarantor = Some(Guarantor { stash: Bob.to_account_id(), era: 1 });
			let by = Assignment {
				provider,
				group,
				price: OGPU,
				lock: OGPU,
				first_part: 0,
				guarantor,
				asked,
			};
			task.status = Status::Executing { by, until: 1_000 };
		});
		// Nobody bids for what somebody has.
		pallet_tasks::Auctions::<ogpu_runtime::Runtime>::remove(1);
		let executing = taken() - before;
		let largest = Task::<AccountId>::max_encoded_len();
		println!("a task takes {bidding} bytes while it is bid for, {executing} at its largest");
		println!("of which the task itself is {} of {largest}", live().encoded_size());
		assert!(bidding <= 1024 && executing <= 1024, "{bidding} {executing}");
	});
}

fn live() -> Task<AccountId> {
	Tasks::live(1).expect("it is live")
}

/// What verifying one result takes, by tier: state at its largest, transactions and their bytes.
fn verified(tier: Tier, units: u32) -> (usize, usize, usize) {
	let mut found = (0, 0, 0);
	market(40, |market| {
		let task = market.assigned(TaskSpec { tier, units, ..spec() });
		let (words, state) = (market.words, taken_by("Attestations"));
		market.compute(task);
		let mut most = 0;
		while ended(task).is_none() {
			market.block();
			most = most.max(taken_by("Attestations").saturating_sub(state));
		}
		// What was drawn for it is gone, as is all that was said, and in the end what would have reminded of it.
		market.blocks(250);
		assert!(taken_by("Attestations") <= state + 64);
		found = (most, market.words.0 - words.0, market.words.1 - words.1);
	});
	found
}

#[test]
fn a_round_takes_a_few_kibibytes() {
	// Rounds, and the bytes that one of them may take in the state, and on the chain.
	for (tier, units, rounds, in_state, on_chain) in [
		(Tier::Standard, 100, 2, 2_304, 5_120),
		(Tier::High, 100, 3, 3_072, 12_288),
		(Tier::Full, 64, 2, 4_096, 8_192),
		// The largest part: sixty leaves, each with sixteen hashes above it.
		(Tier::Standard, 65_536, 2, 6_144, 34_816),
	] {
		let (state, transactions, bytes) = verified(tier, units);
		println!(
			"{tier:?}, {units} units: {state} bytes of state, {transactions} transactions of {bytes} bytes, for {rounds} rounds"
		);
		assert!(state <= rounds * in_state, "{tier:?}: {state}");
		assert!(bytes <= rounds * on_chain, "{tier:?}: {bytes}");
	}
}

#[test]
fn a_dispute_and_an_appeal_take_as_much_as_rounds() {
	market(40, |market| {
		market.bad = [7].into();
		let task = market.assigned(TaskSpec { tier: Tier::Full, units: 20, ..spec() });
		let (words, state) = (market.words, taken_by("Attestations"));
		let of = market.compute(task);
		let mut most = 0;
		let mut until = |market: &mut Market, so: &dyn Fn() -> bool| {
			while !so() {
				market.block();
				most = most.max(taken_by("Attestations").saturating_sub(state));
			}
			(most, market.words.0 - words.0, market.words.1 - words.1)
		};
		let convicted = until(market, &|| is_convicted(of));
		let appeal = pallet_attestations::Call::<Runtime>::appeal { part: of };
		market.send(&account_key(EXECUTOR), appeal);
		let is_lost = || {
			System::events().iter().any(|record| {
				let lost =
					pallet_attestations::Event::<Runtime>::AppealLost { task, attempt: 0, part: 0 };
				record.event == lost.into()
			})
		};
		let appealed = until(market, &is_lost);
		for (what, (state, transactions, bytes)) in
			[("convicted", convicted), ("appealed", appealed)]
		{
			println!(
				"{what}: {state} bytes of state, {transactions} transactions of {bytes} bytes"
			);
		}
		// Two rounds and a dispute, then an appeal: judges speak twice each, and nobody opens anything more for them.
		assert!(convicted.0 <= 3 * 4_096 && convicted.2 <= 3 * 8_192, "{convicted:?}");
		assert!(appealed.0 <= 4 * 4_096 && appealed.2 <= 4 * 8_192, "{appealed:?}");
		market.until(|_| ended(task).is_some());
		market.blocks(250);
		assert!(taken_by("Attestations") <= state + 64);
	});
}

#[test]
fn a_case_and_a_panel_have_a_largest_size() {
	let case = pallet_attestations::Case::<AccountId>::max_encoded_len();
	let panel = pallet_attestations::Panel::<AccountId>::max_encoded_len();
	println!("a case is {case} bytes at most, a panel {panel}");
	assert!(case <= 6_144 && panel <= 4_096, "{case} {panel}");
}
