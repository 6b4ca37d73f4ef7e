use frame_support::traits::Get;
use ogpu_primitives::CAP;
use sp_genesis_builder::runtime_decl_for_genesis_builder::GenesisBuilder;
use sp_keyring::Sr25519Keyring::{Alice, Eve};
use sp_staking::EraIndex;

use super::on;
use ogpu_runtime::{
	Balances, Runtime, Session, Staking, Token, Treasury,
	presets::{DEV, GENESIS_BOND, LOCAL, TESTNET},
	timing::{self, Profile},
};

#[test]
fn every_preset_builds_under_the_cap() {
	for (name, validators) in [(DEV, 1), (LOCAL, 4), (TESTNET, 4)] {
		on(name, || {
			assert_eq!(Session::validators().len(), validators, "{name}");
			assert_eq!(Token::scheduled(), Balances::total_issuance());
			assert_eq!(Token::minted(), Balances::total_issuance());
			assert!(Balances::total_issuance() < CAP);
			assert_eq!(
				pallet_staking::MaxValidatorsCount::<Runtime>::get(),
				Some(ogpu_runtime::configs::MAX_CANDIDATES)
			);
			assert!(Treasury::pot() > 0, "{name}: the treasury's account must exist");
			let bonded = Staking::ledger(Alice.to_account_id().into()).map(|ledger| ledger.active);
			assert_eq!(bonded, Ok(GENESIS_BOND));
			assert!(Staking::ledger(Eve.to_account_id().into()).is_err());
		});
	}
}

#[test]
fn names_and_presets_agree() {
	for name in Runtime::preset_names() {
		assert!(Runtime::get_preset(&Some(name.clone())).is_some(), "{name}");
	}
	assert!(Runtime::get_preset(&Some("lcoal".into())).is_none());
}

#[test]
fn only_dev_has_sudo() {
	for (name, expected) in [(DEV, true), (LOCAL, false), (TESTNET, false)] {
		on(name, || assert_eq!(pallet_sudo::Key::<Runtime>::exists(), expected, "{name}"));
	}
}

#[test]
fn the_profile_is_genesis_s_choice() {
	for (name, profile, epoch, bonding) in [
		(DEV, Profile::Fast, 10, 3),
		(LOCAL, Profile::Fast, 10, 3),
		(TESTNET, Profile::Production, 1_200, 28),
	] {
		on(name, || {
			assert_eq!(timing::profile(), profile);
			assert_eq!(<timing::EpochDuration as Get<u64>>::get(), epoch);
			assert_eq!(<timing::BondingDuration as Get<EraIndex>>::get(), bonding);
		});
	}
	// Without a state, as in generated integrity tests, production counts.
	assert_eq!(timing::profile(), Profile::Production);
}

#[test]
fn the_clocks_fit_one_another() {
	for name in [LOCAL, TESTNET] {
		on(name, || {
			let epoch: u64 = timing::EpochDuration::get_typed().into();
			let sessions = u64::from(timing::SessionsPerEra::get_typed());
			let bonding = u64::from(timing::BondingDuration::get_typed());
			assert_eq!(timing::EraDuration::get_typed(), timing::SLOT_MS * epoch * sessions);
			assert_eq!(timing::ReportLongevity::get_typed(), epoch * sessions * bonding);
			assert!(u64::from(timing::SlashDeferDuration::get_typed()) < bonding);
		});
	}
}
