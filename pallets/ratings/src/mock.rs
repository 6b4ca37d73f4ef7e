//! Trials over real balances, collateral and providers; tests say what verification comes to.

use codec::Encode;
use frame_support::{
	PalletId, assert_ok, derive_impl, parameter_types, traits::Hooks, weights::WeightMeter,
};
use ogpu_primitives::{
	Balance, MILLI, OGPU,
	market::{
		Address, DeviceTier, Endpoint, Features, TaskId,
		rules::{Charges, Windows},
		spec::TaskSpec,
	},
	merkle::{Blake2, Hash, Hasher},
};
use ogpu_traits::{
	Attestation, Claim, Clock, Decision, Duties, Moment, PartOfTask, Requested, Verdict, Verdicts,
	Verification, Verifying,
};
use pallet_providers::{Device, HeartbeatDone, PROOF_DOMAIN, Profile};
use pallet_trust_lock::Slashing;
use sp_core::{Pair, sr25519};
use sp_runtime::BuildStorage;

use crate::{self as pallet_ratings, Trial, TrialId, part_of};

pub(crate) type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Test>;

pub(crate) const PROVIDER: AccountId = 1;
pub(crate) const VERIFIER: AccountId = 50;
pub(crate) const FINDER: AccountId = 51;
pub(crate) const TREASURY: AccountId = 200;
pub(crate) const ENDOWMENT: Balance = 1_000 * OGPU;
pub(crate) const FEES: Balance = 417 * MILLI;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		TrustLock: pallet_trust_lock,
		Providers: pallet_providers,
		Ratings: pallet_ratings,
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
	pub static Now: Moment = 0;
	pub static Slot: u64 = 0;
	pub static Vrf: Option<Hash> = None;
	pub const MarketWindows: Windows = Windows::FAST;
	pub const MarketCharges: Charges = Charges::DEFAULT;
	/// From which tier on there are too few to verify anything.
	pub static TooHigh: Option<DeviceTier> = None;
	pub static Requests: Vec<Requested<AccountId>> = Vec::new();
	pub static Disputed: bool = false;
	pub static Appealed: bool = false;
	pub static CarriedOut: Vec<PartOfTask> = Vec::new();
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
	type Deposit = frame_support::traits::ConstU128<OGPU>;
	type SeatPrice = frame_support::traits::ConstU128<OGPU>;
	type AdminOrigin = frame_system::EnsureRoot<AccountId>;
	type WeightInfo = ();
}

/// Decides nothing by itself: tests do.
#[allow(unreachable_pub, reason = "the configuration of a public mock names it")]
pub struct Verifiers;
impl Attestation<AccountId> for Verifiers {
	fn verify(request: Requested<AccountId>) -> Option<Decision<AccountId>> {
		Requests::mutate(|requests| requests.push(request));
		None
	}

	fn judge(_: Requested<AccountId>, _: Claim) -> Option<Decision<AccountId>> {
		None
	}

	fn is_disputed(_: TaskId, _: u8) -> bool {
		Disputed::get()
	}

	fn hold_up(_: PartOfTask, _: u8, _: &AccountId, _: Moment) -> bool {
		false
	}

	fn withheld(_: PartOfTask, _: u8) {}

	fn places(_: TaskId) -> u32 {
		0
	}

	fn drop_from(from: PartOfTask) -> Vec<(AccountId, Balance)> {
		Requests::mutate(|requests| requests.retain(|request| request.part.task != from.task));
		Vec::new()
	}

	fn is_appealed(_: PartOfTask) -> bool {
		Appealed::get()
	}

	fn carry_out(part: PartOfTask) {
		CarriedOut::mutate(|parts| parts.push(part));
	}
}

#[allow(unreachable_pub, reason = "the configuration of a public mock names it")]
pub struct Prices;
impl Verifying for Prices {
	fn verification(spec: &TaskSpec) -> Option<Verification> {
		let tier = spec.requirements.tier;
		let enough = TooHigh::get().is_none_or(|too_high| tier < too_high);
		enough.then_some(Verification { most: FEES, unit_fee: MILLI })
	}
}

impl pallet_ratings::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Clock = TestClock;
	type Slot = Slot;
	type Registry = Providers;
	type Attestation = Verifiers;
	type Verifying = Prices;
	type Randomness = Vrf;
	type Treasury = TreasuryAccount;
	type Windows = MarketWindows;
	type Charges = MarketCharges;
	type WeightInfo = ();
}

pub(crate) fn profile(who: AccountId, fingerprint: u8) -> Profile {
	let device = Device {
		name: b"a device".to_vec().try_into().expect("it is short"),
		memory: 33,
		features: Features::EXACT_F32,
		fingerprint: [fingerprint; 32],
	};
	Profile {
		worker: worker(who).public().0,
		endpoint: Endpoint {
			key: [1; 32],
			addresses: vec![Address::V4([127, 0, 0, 1], 4433)].try_into().expect("one fits"),
			relay: None,
		},
		encryption: [2; 32],
		region: 276,
		devices: vec![device].try_into().expect("one fits"),
	}
}

fn worker(who: AccountId) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[who as u8; 32])
}

pub(crate) fn register(who: AccountId) {
	let message = (PROOF_DOMAIN, ogpu_traits::genesis::<Test>(), who).encode();
	let proof = worker(who).sign(&message);
	assert_ok!(Providers::register(RuntimeOrigin::signed(who), profile(who, 1), proof));
}

/// Says that somebody is there in this session.
pub(crate) fn heartbeat(who: AccountId) {
	let done = HeartbeatDone { session: Session::get(), load: 100, free_memory: 33 };
	assert_ok!(<Providers as Duties<AccountId>>::perform(&who, done));
}

pub(crate) fn rating(who: AccountId) -> u32 {
	pallet_providers::Providers::<Test>::get(who).expect("it is registered").rating
}

pub(crate) fn trial(number: TrialId) -> Trial<AccountId> {
	pallet_ratings::Trials::<Test>::get(number).expect("it has not ended")
}

pub(crate) fn held(who: AccountId) -> Balance {
	use frame_support::traits::fungible::InspectHold;
	let reason = RuntimeHoldReason::Ratings(pallet_ratings::HoldReason::Trial);
	Balances::balance_on_hold(&reason, &who)
}

/// Blocks in which nobody says anything.
pub(crate) fn blocks(count: u32) {
	for _ in 0..count {
		let number = System::block_number() + 1;
		System::set_block_number(number);
		Now::set(Now::get() + 1);
		Slot::set(Slot::get() + 1);
		// The output of the block before.
		Vrf::set(Some((number - 1).using_encoded(Blake2::hash)));
		Ratings::on_initialize(number);
		Ratings::on_poll(number, &mut WeightMeter::new());
		Ratings::do_try_state().expect("the invariants hold");
	}
}

/// Has somebody apply, and waits until its trial has begun.
pub(crate) fn running(who: AccountId, rating: u32) -> TrialId {
	assert_ok!(Ratings::apply(RuntimeOrigin::signed(who), rating));
	let number = pallet_ratings::TrialOf::<Test>::get(who).expect("it has applied");
	while trial(number).stage == crate::Stage::Waiting {
		blocks(1);
	}
	number
}

pub(crate) fn decide(number: TrialId, verdict: Verdict) -> bool {
	let fees = vec![(VERIFIER, 10 * MILLI)];
	let finder = matches!(verdict, Verdict::Fraud { .. }).then_some(FINDER);
	Ratings::decided(part_of(number), Decision { fees, finder, ..Decision::bare(verdict) })
}

pub(crate) fn build_and_execute(test: impl FnOnce()) {
	let mut balances: Vec<_> = (1..=60).map(|who| (who, ENDOWMENT)).collect();
	balances.extend([(TREASURY, ENDOWMENT), (TrustLock::pot(), 1_000)]);
	let storage = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	}
	.build_storage()
	.expect("the genesis is well formed; qed");
	sp_io::TestExternalities::from(storage).execute_with(|| {
		System::set_block_number(1);
		Session::set(1);
		Now::set(1);
		Slot::set(1);
		Vrf::set(None);
		TooHigh::set(None);
		Requests::set(Vec::new());
		CarriedOut::set(Vec::new());
		Disputed::set(false);
		Appealed::set(false);
		for who in 1..=40 {
			register(who);
		}
		let issued = Balances::total_issuance();
		test();
		assert_eq!(Balances::total_issuance(), issued);
		Ratings::do_try_state().expect("the invariants hold");
	});
}
