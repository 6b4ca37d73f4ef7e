//! A chain of balances and collateral alone, with a clock that tests set.

use frame_support::{PalletId, derive_impl, parameter_types};
use ogpu_primitives::{Balance, OGPU};
use ogpu_traits::{Clock, Moment};
use sp_runtime::BuildStorage;

use crate::{self as pallet_trust_lock, Slashing};

pub(crate) type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Test>;

pub(crate) const PROVIDER: AccountId = 1;
pub(crate) const CLIENT: AccountId = 2;
pub(crate) const FINDER: AccountId = 3;
pub(crate) const TREASURY: AccountId = 4;
/// Has nothing, and cannot receive less than the existential deposit.
pub(crate) const NOBODY: AccountId = 9;
pub(crate) const ENDOWMENT: Balance = 1_000 * OGPU;
pub(crate) const DELAY: Moment = 100;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		TrustLock: pallet_trust_lock,
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
	pub static Switch: Slashing = Slashing::On;
	pub static Now: Moment = 0;
}

#[allow(unreachable_pub, reason = "the configuration of a public mock names it")]
pub struct TestClock;
impl Clock for TestClock {
	fn now() -> Moment {
		Now::get()
	}
}

impl pallet_trust_lock::Config for Test {
	type Currency = Balances;
	type PotId = CollateralPot;
	type Clock = TestClock;
	type UnbondingDelay = frame_support::traits::ConstU32<DELAY>;
	type Slashing = Switch;
	type Treasury = TreasuryAccount;
	type WeightInfo = ();
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let mut balances = [PROVIDER, CLIENT, FINDER, TREASURY].map(|who| (who, ENDOWMENT)).to_vec();
	balances.push((TrustLock::pot(), 1_000));
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
		let issued = Balances::total_issuance();
		test();
		TrustLock::do_try_state().expect("the invariants hold");
		assert_eq!(Balances::total_issuance(), issued, "nothing is made or lost");
	});
}
