//! What wallets and stored data rely on: indices that never change.

use codec::Encode;
use frame_support::traits::PalletsInfoAccess;
use ogpu_primitives::OGPU;
use sp_keyring::Sr25519Keyring::Bob;

use super::on;
use ogpu_runtime::{
	AllPalletsWithSystem, RuntimeCall, SessionKeys, UncheckedExtrinsic, VERSION, presets::TESTNET,
	voter_bags::THRESHOLDS,
};

#[test]
fn bags_ascend_to_the_very_top() {
	assert!(THRESHOLDS.windows(2).all(|pair| pair[0] < pair[1]));
	assert_eq!(THRESHOLDS.last(), Some(&u64::MAX));
}

#[test]
fn pallet_indices_are_for_ever() {
	let found: Vec<_> = AllPalletsWithSystem::infos()
		.into_iter()
		.map(|pallet| (pallet.index as u8, pallet.name))
		.collect();
	let expected = [
		(0, "System"),
		(1, "Timing"),
		(2, "Timestamp"),
		(3, "Babe"),
		(4, "Authorship"),
		(20, "Balances"),
		(21, "TransactionPayment"),
		(22, "Token"),
		(23, "Vesting"),
		(30, "Staking"),
		(31, "VoterList"),
		(32, "Session"),
		(33, "Historical"),
		(34, "Offences"),
		(35, "Grandpa"),
		(36, "ImOnline"),
		(37, "AuthorityDiscovery"),
		(38, "DelegatedStaking"),
		(39, "NominationPools"),
		(50, "Origins"),
		(51, "Preimage"),
		(52, "Scheduler"),
		(53, "Referenda"),
		(54, "ConvictionVoting"),
		(55, "Treasury"),
		(56, "Bounties"),
		(57, "Parameters"),
		(58, "SafeMode"),
		(70, "Utility"),
		(71, "Multisig"),
		(72, "Proxy"),
		(73, "Identity"),
		(80, "TrustLock"),
		(81, "Providers"),
		(82, "Tasks"),
		(83, "Attestations"),
		(84, "Worker"),
		(85, "Merit"),
		(86, "Ratings"),
		(255, "Sudo"),
	];
	assert_eq!(found, expected);
}

#[test]
fn a_transfer_is_encoded_as_wallets_know_it() {
	let call = RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
		dest: Bob.to_account_id().into(),
		value: OGPU,
	});
	let mut expected = vec![20, 3, 0];
	expected.extend(Bob.to_account_id().encode());
	expected.extend(codec::Compact(OGPU).encode());
	assert_eq!(call.encode(), expected);
	// A transaction without signature: length, version 5, call.
	let bare = UncheckedExtrinsic::new_bare(call.clone()).encode();
	assert!(bare.ends_with(&call.encode()));
}

#[test]
fn session_keys_come_in_the_order_that_specifications_store() {
	on(TESTNET, || {
		let keys = pallet_session::NextKeys::<ogpu_runtime::Runtime>::get(Bob.to_account_id());
		let keys: SessionKeys = keys.expect("Bob validates");
		let encoded = keys.encode();
		assert_eq!(encoded.len(), 128);
		assert_eq!(encoded[..32], keys.grandpa.encode());
		assert_eq!(encoded[32..64], keys.babe.encode());
	});
}

#[test]
fn the_name_is_ogpu() {
	assert_eq!(&*VERSION.spec_name, "ogpu");
}
