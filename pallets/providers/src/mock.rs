//! Providers over real balances and collateral, with sessions that tests set.

use codec::Encode;
use frame_support::{PalletId, assert_ok, derive_impl, parameter_types, weights::WeightMeter};
use ogpu_primitives::{
	Balance, OGPU,
	market::{Address, Endpoint, Features, spec::Requirements},
};
use ogpu_traits::Duties;
use pallet_trust_lock::Slashing;
use sp_core::{Pair, sr25519};
use sp_runtime::BuildStorage;

use crate::{self as pallet_providers, Device, HeartbeatDone, PROOF_DOMAIN, Profile};

pub(crate) type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Test>;

pub(crate) const TREASURY: AccountId = 200;
pub(crate) const STASH: AccountId = 201;
pub(crate) const ENDOWMENT: Balance = 1_000 * OGPU;
pub(crate) const BOND: Balance = 500 * OGPU;
pub(crate) const DEPOSIT: Balance = OGPU;
pub(crate) const SEAT: Balance = 10 * OGPU;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		TrustLock: pallet_trust_lock,
		Providers: pallet_providers,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = frame_support::traits::ConstU128<1_000>;
	type AccountStore = System;
	type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
	pub const CollateralPot: PalletId = PalletId(*b"ogp/coll");
	pub const TreasuryAccount: AccountId = TREASURY;
	pub static Session: u32 = 0;
	pub const Switch: Slashing = Slashing::On;
}

impl pallet_trust_lock::Config for Test {
	type Currency = Balances;
	type PotId = CollateralPot;
	type Clock = ();
	type UnbondingDelay = frame_support::traits::ConstU32<100>;
	type Slashing = Switch;
	type Treasury = TreasuryAccount;
	type WeightInfo = ();
}

impl pallet_providers::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Collateral = TrustLock;
	type Session = Session;
	type Deposit = frame_support::traits::ConstU128<DEPOSIT>;
	type SeatPrice = frame_support::traits::ConstU128<SEAT>;
	type AdminOrigin = frame_system::EnsureRoot<AccountId>;
	type WeightInfo = ();
}

pub(crate) fn worker(who: AccountId) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[who as u8; 32])
}

pub(crate) fn device(fingerprint: u8, memory: u8) -> Device {
	Device {
		name: b"a device".to_vec().try_into().expect("it is short"),
		memory,
		features: Features::EXACT_F32,
		fingerprint: [fingerprint; 32],
	}
}

pub(crate) fn profile(who: AccountId) -> Profile {
	Profile {
		worker: worker(who).public().0,
		endpoint: Endpoint {
			key: [1; 32],
			addresses: vec![Address::V4([127, 0, 0, 1], 4433)].try_into().expect("one fits"),
			relay: None,
		},
		encryption: [2; 32],
		region: 276,
		devices: vec![device(who as u8, 33)].try_into().expect("one fits"),
	}
}

/// The proof that the worker key of `key` knows the account `who`.
pub(crate) fn proof(key: AccountId, who: AccountId) -> sr25519::Signature {
	let message = (PROOF_DOMAIN, ogpu_traits::genesis::<Test>(), who).encode();
	worker(key).sign(&message)
}

pub(crate) fn register(who: AccountId) {
	assert_ok!(Providers::register(RuntimeOrigin::signed(who), profile(who), proof(who, who)));
}

/// Registers a provider and bonds its collateral.
pub(crate) fn register_bonded(who: AccountId) {
	register(who);
	assert_ok!(TrustLock::bond(RuntimeOrigin::signed(who), BOND));
}

pub(crate) fn heartbeat(who: AccountId) {
	let done = HeartbeatDone { session: Session::get(), load: 100, free_memory: 33 };
	assert_ok!(<Providers as Duties<AccountId>>::perform(&who, done));
}

/// Begins a session, and settles the seats whose time has come.
pub(crate) fn session(number: u32) {
	Session::set(number);
	Providers::settle_seats(&mut WeightMeter::new());
}

pub(crate) fn anything() -> Requirements {
	Requirements::NONE
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let mut balances: Vec<_> = (1..=40).map(|who| (who, ENDOWMENT)).collect();
	balances.extend([(TREASURY, ENDOWMENT), (STASH, ENDOWMENT), (TrustLock::pot(), 1_000)]);
	let storage = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	}
	.build_storage()
	.expect("the genesis is well formed; qed");
	storage.into()
}

/// Runs `test`, and checks the invariants after it.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		System::set_block_number(1);
		Session::set(0);
		test();
		Providers::do_try_state().expect("the invariants hold");
	});
}
