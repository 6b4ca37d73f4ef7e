//! Which pallets are benchmarked. Pallets whose benchmarks need crates of their own (session,
//! offences, nomination pools) use the weights that come with them.

use alloc::{string::String, vec::Vec};

use frame_benchmarking::{
	BenchmarkBatch, BenchmarkConfig, BenchmarkList, account, define_benchmarks,
};
use frame_support::traits::{
	Get, RewardsReporter, StorageInfo, StorageInfoTrait, WhitelistedStorageKeys,
};
use frame_system_benchmarking::{
	Pallet as SystemBench, extensions::Pallet as SystemExtensionsBench,
};

use ogpu_primitives::{OGPU, market::TaskId};
use pallet_market_benchmarking::{
	attestations::Pallet as AttestationsBench, providers::Pallet as ProvidersBench,
	ratings::Pallet as RatingsBench, tasks::Pallet as TasksBench, worker::Pallet as WorkerBench,
};
use pallet_providers::HeartbeatDone;
use pallet_staking::ActiveEraInfo;

use crate::{
	AccountId, AllPalletsWithSystem, Babe, Balances, Bounties, ConvictionVoting, Grandpa, Identity,
	ImOnline, Multisig, Parameters, Preimage, Proxy, Referenda, Runtime, SafeMode, Scheduler,
	Staking, Sudo, Timestamp, TransactionPayment, Treasury, TrustLock, Utility, Vesting, VoterList,
	configs::duties::Done,
};

impl frame_system_benchmarking::Config for Runtime {}

impl pallet_transaction_payment::BenchmarkConfig for Runtime {}

impl pallet_market_benchmarking::Config for Runtime {
	fn about(task: TaskId) -> Done {
		Done::Tasks(pallet_tasks::Done::Bid { task, commitment: [1; 32] })
	}

	fn heartbeat(session: u32) -> Done {
		Done::Providers(HeartbeatDone { session, load: 500, free_memory: 33 })
	}

	fn set_session(session: u32) {
		pallet_session::CurrentIndex::<Runtime>::put(session);
	}

	fn know_output() {
		pallet_babe::AuthorVrfRandomness::<Runtime>::put(Some([7; 32]));
	}

	fn validates(stash: &AccountId) {
		const ERA: u32 = 1;
		let overview = sp_staking::PagedExposureMetadata {
			total: OGPU,
			own: OGPU,
			nominator_count: 0,
			page_count: 0,
		};
		pallet_staking::ErasStakersOverview::<Runtime>::insert(ERA, stash, overview);
		if pallet_staking::ActiveEra::<Runtime>::get().is_some_and(|era| era.index == ERA) {
			return;
		}
		pallet_staking::ActiveEra::<Runtime>::put(ActiveEraInfo { index: ERA, start: None });
		let most = <<Runtime as pallet_babe::Config>::MaxAuthorities as Get<u32>>::get();
		let validators = (0..most).map(|index| account("validator", index, 0));
		Staking::reward_by_ids(validators.map(|stash| (stash, 1_000_000)).collect::<Vec<_>>());
		pallet_token::ProviderBudget::<Runtime>::put(OGPU);
	}
}

define_benchmarks!(
	[frame_system, SystemBench::<Runtime>]
	[frame_system_extensions, SystemExtensionsBench::<Runtime>]
	[pallet_attestations, AttestationsBench::<Runtime>]
	[pallet_babe, Babe]
	[pallet_bags_list, VoterList]
	[pallet_balances, Balances]
	[pallet_bounties, Bounties]
	[pallet_conviction_voting, ConvictionVoting]
	[pallet_grandpa, Grandpa]
	[pallet_identity, Identity]
	[pallet_im_online, ImOnline]
	[pallet_multisig, Multisig]
	[pallet_parameters, Parameters]
	[pallet_preimage, Preimage]
	[pallet_providers, ProvidersBench::<Runtime>]
	[pallet_proxy, Proxy]
	[pallet_ratings, RatingsBench::<Runtime>]
	[pallet_referenda, Referenda]
	[pallet_safe_mode, SafeMode]
	[pallet_scheduler, Scheduler]
	[pallet_staking, Staking]
	[pallet_sudo, Sudo]
	[pallet_tasks, TasksBench::<Runtime>]
	[pallet_timestamp, Timestamp]
	[pallet_transaction_payment, TransactionPayment]
	[pallet_treasury, Treasury]
	[pallet_trust_lock, TrustLock]
	[pallet_utility, Utility]
	[pallet_vesting, Vesting]
	[pallet_worker, WorkerBench::<Runtime>]
);

/// Lists the benchmarks.
pub(crate) fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
	let mut list = Vec::<BenchmarkList>::new();
	list_benchmarks!(list, extra);
	(list, AllPalletsWithSystem::storage_info())
}

/// Runs the ones that `config` names.
pub(crate) fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
	let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
	let mut batches = Vec::<BenchmarkBatch>::new();
	let params = (&config, &whitelist);
	add_benchmarks!(params, batches);
	Ok(batches)
}
