//! A chain of balances and token alone, with one-hour eras.

use frame_support::{
	derive_impl, parameter_types,
	traits::{
		OnUnbalanced,
		fungible::{Balanced, Credit, Mutate},
	},
};
use ogpu_primitives::{Balance, OGPU, emission::EmissionSplit};
use sp_runtime::BuildStorage;

use crate as pallet_token;

pub(crate) type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Test>;

pub(crate) const ALICE: AccountId = 1;
pub(crate) const PROVIDER: AccountId = 2;
pub(crate) const TREASURY: AccountId = 3;
pub(crate) const GENESIS: Balance = 4_200_000 * OGPU;
pub(crate) const ERA_MS: u64 = 3_600_000;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Token: pallet_token,
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
	type AccountStore = System;
}

parameter_types! {
	pub static Split: EmissionSplit = EmissionSplit::default();
}

impl pallet_token::Config for Test {
	type Currency = Balances;
	type Split = Split;
	type EraDuration = frame_support::traits::ConstU64<ERA_MS>;
}

/// Puts a credit into the treasury's account.
#[allow(unreachable_pub, reason = "the configuration of a public mock names it")]
pub struct ToTreasury;
impl OnUnbalanced<Credit<AccountId, Balances>> for ToTreasury {
	fn on_nonzero_unbalanced(credit: Credit<AccountId, Balances>) {
		Balances::resolve(&TREASURY, credit).expect("the treasury account exists; qed");
	}
}

/// What staking does with an era's remainder: issue it and hand it over.
pub(crate) fn issue_remainder(amount: Balance) {
	crate::RemainderMinted::<Test, ToTreasury>::on_unbalanced(Balances::issue(amount));
}

/// What `payout_stakers` does: deposit a reward and hand over the debt.
pub(crate) fn pay_staker(who: AccountId, amount: Balance) {
	let debt = Balances::deposit(&who, amount, frame_support::traits::tokens::Precision::Exact)
		.expect("the account exists; qed");
	crate::RewardMinted::<Test>::on_unbalanced(debt);
}

/// A chain with these balances at genesis.
pub(crate) fn storage(balances: Vec<(AccountId, Balance)>) -> sp_runtime::Storage {
	RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	}
	.build_storage()
	.expect("the genesis is well formed; qed")
}

/// Runs `test` on a chain with [`GENESIS`] allocated, and checks the invariants after it.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	let endowed = vec![(ALICE, GENESIS - 2 * OGPU), (PROVIDER, OGPU), (TREASURY, OGPU)];
	sp_io::TestExternalities::from(storage(endowed)).execute_with(|| {
		System::set_block_number(1);
		test();
		Token::do_try_state().expect("the invariants hold");
	});
}

/// Burns tokens as a market fee would.
pub(crate) fn burn(who: AccountId, amount: Balance) {
	Token::burn(&who, amount).expect("the caller asks for no more than there is; qed");
}

/// Gives `who` tokens out of nothing, which no part of the real chain can do.
pub(crate) fn forge(who: AccountId, amount: Balance) {
	Balances::mint_into(&who, amount).expect("the account exists; qed");
}
