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

use super::on;
use crate::{AccountId, RuntimeOrigin, Tasks};

/// The bytes of all keys and values of the pallet of tasks.
fn taken() -> usize {
	let prefix = sp_io::hashing::twox_128(b"Tasks");
	let next = |key: &Vec<u8>| sp_io::storage::next_key(key);
	let keys = core::iter::successors(next(&prefix.to_vec()), next);
	keys.take_while(|key| key.starts_with(&prefix))
		.map(|key| key.len() + sp_io::storage::get(&key).map_or(0, |value| value.len()))
		.sum()
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
		pallet_tasks::Tasks::<crate::Runtime>::mutate(1, |task| {
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
		pallet_tasks::Auctions::<crate::Runtime>::remove(1);
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
