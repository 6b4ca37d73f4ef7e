//! Which pallets are benchmarked. Pallets whose benchmarks need crates of their own (session,
//! offences, nomination pools) use the weights that come with them.

use alloc::{string::String, vec::Vec};

use frame_benchmarking::{
	BenchmarkBatch, BenchmarkConfig, BenchmarkList, Benchmarking, add_benchmark, define_benchmarks,
	list_benchmark,
};
use frame_support::traits::{StorageInfo, StorageInfoTrait, WhitelistedStorageKeys};
use frame_system_benchmarking::{
	Pallet as SystemBench, extensions::Pallet as SystemExtensionsBench,
};

use crate::{
	AllPalletsWithSystem, Babe, Balances, Bounties, ConvictionVoting, Grandpa, Identity, ImOnline,
	Multisig, Parameters, Preimage, Proxy, Referenda, Runtime, SafeMode, Scheduler, Staking, Sudo,
	Timestamp, TransactionPayment, Treasury, TrustLock, Utility, Vesting, VoterList,
};

impl frame_system_benchmarking::Config for Runtime {}

define_benchmarks!(
	[frame_system, SystemBench::<Runtime>]
	[frame_system_extensions, SystemExtensionsBench::<Runtime>]
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
	[pallet_proxy, Proxy]
	[pallet_referenda, Referenda]
	[pallet_safe_mode, SafeMode]
	[pallet_scheduler, Scheduler]
	[pallet_staking, Staking]
	[pallet_sudo, Sudo]
	[pallet_timestamp, Timestamp]
	[pallet_transaction_payment, TransactionPayment]
	[pallet_treasury, Treasury]
	[pallet_trust_lock, TrustLock]
	[pallet_utility, Utility]
	[pallet_vesting, Vesting]
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
