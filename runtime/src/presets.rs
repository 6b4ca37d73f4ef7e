//! The genesis of the networks that this repository knows.
//!
//! | preset | clock | validators | sudo |
//! | --- | --- | --- | --- |
//! | [`DEV`] | fast | Alice | Alice |
//! | [`LOCAL`] | fast | Alice, Bob, Charlie, Dave | none |
//! | [`TESTNET`] | production | Alice, Bob, Charlie, Dave | none |
//!
//! The keys of all three are the development keys that everybody knows. A public network takes
//! [`genesis`] with validators of its own; `ogpu-chain-spec build --network FILE` does so.

use alloc::{vec, vec::Vec};

use frame_support::build_struct_json_patch;
use ogpu_primitives::{Balance, OGPU};
use pallet_staking::StakerStatus;
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::{Perbill, traits::AccountIdConversion};

use crate::{
	AccountId, BABE_GENESIS_EPOCH_CONFIG, BabeConfig, BalancesConfig, NominationPoolsConfig,
	RuntimeGenesisConfig, SessionConfig, SessionKeys, StakingConfig, SudoConfig, TimingConfig,
	configs::{CollateralPot, EscrowPot, MAX_CANDIDATES, TreasuryPalletId},
	fees,
	timing::Profile,
};

/// One validator, fast clock, sudo: for working on the chain.
pub const DEV: &str = "dev";
/// Four validators, fast clock: for trying the network on one machine.
pub const LOCAL: &str = "local";
/// Four validators, production clock: the rehearsal of a public network.
pub const TESTNET: &str = "testnet";

/// What a well-known account owns at genesis.
pub const ENDOWMENT: Balance = 250_000 * OGPU;
/// What the treasury owns at genesis.
pub const TREASURY_ENDOWMENT: Balance = 100_000 * OGPU;
/// What a genesis validator has bonded.
pub const GENESIS_BOND: Balance = 100_000 * OGPU;
/// Least bond of a validator.
pub const MIN_VALIDATOR_BOND: Balance = 1_000 * OGPU;
/// Least bond of a nominator, and of a new pool.
pub const MIN_NOMINATOR_BOND: Balance = 10 * OGPU;
/// Least bond of a pool's member.
pub const MIN_POOL_BOND: Balance = OGPU;

/// What makes one network's genesis differ from another's.
pub struct Network {
	/// The clock it runs by.
	pub profile: Profile,
	/// The first validators, each bonded with [`GENESIS_BOND`] out of its allocation.
	pub validators: Vec<(AccountId, SessionKeys)>,
	/// Who owns how much, validators included and the treasury not.
	pub allocations: Vec<(AccountId, Balance)>,
	/// How many validators the first elections look for.
	pub validator_count: u32,
	/// Who may do anything.
	pub sudo: Option<AccountId>,
}

/// The genesis of `network`, as a patch of the runtime's default one.
pub fn genesis(network: Network) -> serde_json::Value {
	let Network { profile, validators, mut allocations, validator_count, sudo } = network;
	allocations.push((TreasuryPalletId::get().into_account_truncating(), TREASURY_ENDOWMENT));
	// The market's pots never fall below what keeps an account alive.
	for pot in [CollateralPot::get(), EscrowPot::get()] {
		allocations.push((pot.into_account_truncating(), fees::EXISTENTIAL_DEPOSIT));
	}

	build_struct_json_patch!(RuntimeGenesisConfig {
		timing: TimingConfig { profile },
		balances: BalancesConfig { balances: allocations },
		babe: BabeConfig { epoch_config: BABE_GENESIS_EPOCH_CONFIG },
		session: SessionConfig {
			keys: validators
				.iter()
				.map(|(who, keys)| (who.clone(), who.clone(), keys.clone()))
				.collect::<Vec<_>>(),
		},
		staking: StakingConfig {
			validator_count,
			minimum_validator_count: 1,
			stakers: validators
				.into_iter()
				.map(|(who, _)| {
					let status = StakerStatus::<AccountId>::Validator;
					(who.clone(), who, GENESIS_BOND, status)
				})
				.collect::<Vec<_>>(),
			slash_reward_fraction: Perbill::from_percent(10),
			min_validator_bond: MIN_VALIDATOR_BOND,
			min_nominator_bond: MIN_NOMINATOR_BOND,
			max_validator_count: Some(MAX_CANDIDATES),
		},
		nomination_pools: NominationPoolsConfig {
			min_create_bond: MIN_NOMINATOR_BOND,
			min_join_bond: MIN_POOL_BOND,
			max_pools: Some(1_024),
			max_members: Some(262_144),
			max_members_per_pool: Some(65_536),
			global_max_commission: Some(Perbill::from_percent(25)),
		},
		sudo: SudoConfig { key: sudo },
	})
}

/// The session keys that the development tools derive for this account.
fn well_known_keys(who: Sr25519Keyring) -> SessionKeys {
	let sr25519 = who.public();
	let ed25519 = match who {
		Sr25519Keyring::Alice => Ed25519Keyring::Alice,
		Sr25519Keyring::Bob => Ed25519Keyring::Bob,
		Sr25519Keyring::Charlie => Ed25519Keyring::Charlie,
		_ => Ed25519Keyring::Dave,
	};
	SessionKeys {
		grandpa: ed25519.public().into(),
		babe: sr25519.into(),
		im_online: sr25519.into(),
		authority_discovery: sr25519.into(),
	}
}

/// A network whose validators and owners are the well-known accounts.
fn well_known(profile: Profile, validators: &[Sr25519Keyring], sudo: Option<AccountId>) -> Network {
	use Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve, Ferdie, One, Two};
	Network {
		profile,
		validators: validators
			.iter()
			.map(|who| (who.to_account_id(), well_known_keys(*who)))
			.collect(),
		allocations: [Alice, Bob, Charlie, Dave, Eve, Ferdie, One, Two]
			.map(|who| (who.to_account_id(), ENDOWMENT))
			.to_vec(),
		// Room for one more than start, so that a newcomer is elected.
		validator_count: validators.len() as u32 + 1,
		sudo,
	}
}

/// The genesis of the preset called `name`, or `None` if there is none of that name.
pub fn preset(name: &str) -> Option<serde_json::Value> {
	use Sr25519Keyring::{Alice, Bob, Charlie, Dave};
	let four = [Alice, Bob, Charlie, Dave];
	let network = match name {
		DEV => well_known(Profile::Fast, &four[..1], Some(Alice.to_account_id())),
		LOCAL => well_known(Profile::Fast, &four, None),
		TESTNET => well_known(Profile::Production, &four, None),
		_ => return None,
	};
	Some(genesis(network))
}

/// [`preset`] as the genesis builder wants it: JSON text.
pub(crate) fn get(id: &PresetId) -> Option<Vec<u8>> {
	// A `Value` always serialises.
	serde_json::to_vec(&preset(id.as_ref())?).ok()
}

/// The names of the presets.
pub fn names() -> Vec<PresetId> {
	vec![PresetId::from(DEV), PresetId::from(LOCAL), PresetId::from(TESTNET)]
}
