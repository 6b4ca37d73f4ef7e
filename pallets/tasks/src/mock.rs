//! A market of a few accounts: real collateral, real providers, and verifiers that tests speak for.

use codec::Encode;
use frame_support::{
	PalletId, assert_ok, derive_impl, parameter_types,
	traits::Hooks,
	weights::{Weight, WeightMeter},
};
use ogpu_primitives::{
	Balance, OGPU,
	job::{BlobId, Profile},
	market::{
		Address, DeviceTier, Endpoint, Features, TaskId,
		auction::commitment,
		rules::{Charges, Security, TierPrice, Windows},
		spec::{FewOperators, JobRef, Requirements, TaskSpec, Trust},
		verification::{Shape, Tier},
	},
	merkle::{Blake2, Hash},
};
use ogpu_traits::{
	Attestation, Claim, Deal, Decision, Duties, Guarantor, Merit, Moment, PartOfTask, Requested,
	Verdict, Verdicts,
};
use pallet_providers::{Device, PROOF_DOMAIN, Profile as ProviderProfile};
use pallet_trust_lock::Slashing;
use sp_core::{Pair, sr25519};
use sp_runtime::{BuildStorage, DispatchResult};

use crate::{self as pallet_tasks, Done, Now, Status, Task, Tasks as Live};

pub(crate) type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Test>;

pub(crate) const CLIENT: AccountId = 100;
pub(crate) const OTHER_CLIENT: AccountId = 101;
pub(crate) const TREASURY: AccountId = 200;
pub(crate) const VERIFIER: AccountId = 201;
pub(crate) const FINDER: AccountId = 202;
pub(crate) const ENDOWMENT: Balance = 1_000_000 * OGPU;
pub(crate) const BOND: Balance = 10_000 * OGPU;
/// Providers that are registered, bonded and seated in every test: 1 to this.
pub(crate) const PROVIDERS: AccountId = 8;
pub(crate) const ROOT: Hash = [7; 32];

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		TrustLock: pallet_trust_lock,
		Providers: pallet_providers,
		Tasks: pallet_tasks,
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
	pub const EscrowPot: PalletId = PalletId(*b"escr/ogp");
	pub const TreasuryAccount: AccountId = TREASURY;
	pub static Switch: Slashing = Slashing::On;
	pub static Session: u32 = 0;
	pub static Paused: bool = false;
	pub static MarketWindows: Windows = Windows::FAST;
	pub static MarketCharges: Charges = Charges::DEFAULT;
	pub static MarketSecurity: Security = Security::PRODUCTION;
	pub static Draw: Option<Hash> = Some([9; 32]);
	/// What was handed over to be verified, and waits for a decision.
	pub static Pending: Vec<(Requested<AccountId>, Option<Claim>)> = Vec::new();
	/// The attempt at a task of which a result is being judged.
	pub static Disputed: Option<(TaskId, u8)> = None;
	/// The decision that is being looked at again.
	pub static Appealed: Option<PartOfTask> = None;
	/// Frauds that cannot be appealed any more.
	pub static CarriedOut: Vec<PartOfTask> = Vec::new();
	/// Members of panels that are still to commit.
	pub static OnPanel: Vec<(PartOfTask, u8, AccountId)> = Vec::new();
	/// The panel that was held up last, and until when.
	pub static HeldUp: Option<(PartOfTask, u8, Moment)> = None;
	/// What verified work was credited for: provider and what was burnt.
	pub static Credited: Vec<(AccountId, Balance)> = Vec::new();
	/// What verifiers were paid by clients.
	pub static VerifiersPaid: Vec<(AccountId, Balance)> = Vec::new();
	/// Providers whose conviction was carried out, and who answers for them.
	pub static Fraudulent: Vec<(AccountId, Guarantor<AccountId>)> = Vec::new();
	pub const Prices: [TierPrice; 3] = TierPrice::DEFAULT;
}

impl pallet_trust_lock::Config for Test {
	type Currency = Balances;
	type PotId = CollateralPot;
	type Clock = Tasks;
	type UnbondingDelay = frame_support::traits::ConstU32<1_000>;
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
	type SeatPrice = frame_support::traits::ConstU128<{ 10 * OGPU }>;
	type AdminOrigin = frame_system::EnsureRoot<AccountId>;
	type WeightInfo = ();
}

/// Decides nothing by itself: tests do.
#[allow(unreachable_pub, reason = "the configuration of a public mock names it")]
pub struct Verifiers;
impl Attestation<AccountId> for Verifiers {
	fn verify(request: Requested<AccountId>) -> Option<Decision<AccountId>> {
		Pending::mutate(|pending| pending.push((request, None)));
		None
	}

	fn judge(request: Requested<AccountId>, claim: Claim) -> Option<Decision<AccountId>> {
		Pending::mutate(|pending| pending.push((request, Some(claim))));
		None
	}

	fn is_disputed(task: TaskId, attempt: u8) -> bool {
		Disputed::get() == Some((task, attempt))
	}

	fn hold_up(part: PartOfTask, panel: u8, member: &AccountId, until: Moment) -> bool {
		let waits = OnPanel::get().contains(&(part, panel, *member));
		if waits {
			HeldUp::set(Some((part, panel, until)));
		}
		waits
	}

	fn withheld(part: PartOfTask, panel: u8) {
		if OnPanel::get().iter().any(|(of, number, _)| (*of, *number) == (part, panel)) {
			decide_part(part, Verdict::Fraud { unit: 0 }, 0);
		}
	}

	fn places(_: TaskId) -> u32 {
		0
	}

	fn drop_from(from: PartOfTask) -> Vec<(AccountId, Balance)> {
		Pending::mutate(|pending| {
			pending.retain(|(request, _)| {
				let part = request.part;
				(part.task, part.attempt) != (from.task, from.attempt) || part.part < from.part
			})
		});
		Vec::new()
	}

	fn is_appealed(part: PartOfTask) -> bool {
		Appealed::get() == Some(part)
	}

	fn carry_out(part: PartOfTask) {
		CarriedOut::mutate(|parts| parts.push(part));
	}
}

#[allow(unreachable_pub, reason = "the configuration of a public mock names it")]
pub struct Credits;
impl Merit<AccountId> for Credits {
	fn guarantor(provider: &AccountId) -> Option<Guarantor<AccountId>> {
		Some(Guarantor { stash: provider + 1_000, era: 7 })
	}

	fn worked(provider: &AccountId, _: Deal<'_, AccountId>, burnt: Balance) -> Balance {
		Credited::mutate(|credited| credited.push((*provider, burnt)));
		0
	}

	fn verified(_: Deal<'_, AccountId>, fees: &[(AccountId, Balance)]) {
		VerifiersPaid::mutate(|paid| paid.extend_from_slice(fees));
	}

	fn convicted(provider: &AccountId, guarantor: &Guarantor<AccountId>) {
		Fraudulent::mutate(|fraudulent| fraudulent.push((*provider, guarantor.clone())));
	}

	fn weight_of_conviction(_: &Guarantor<AccountId>) -> Weight {
		Weight::zero()
	}
}

impl pallet_tasks::Config for Test {
	type Currency = Balances;
	type PotId = EscrowPot;
	type Collateral = TrustLock;
	type Registry = Providers;
	type Attestation = Verifiers;
	type Merit = Credits;
	type Treasury = TreasuryAccount;
	type Windows = MarketWindows;
	type Charges = MarketCharges;
	type Security = MarketSecurity;
	type Prices = Prices;
	type Randomness = Draw;
	type Paused = Paused;
	type WeightInfo = ();
}

pub(crate) fn worker(who: AccountId) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[who as u8; 32])
}

fn endpoint() -> Endpoint {
	Endpoint {
		key: [1; 32],
		addresses: vec![Address::V4([127, 0, 0, 1], 4433)].try_into().expect("one fits"),
		relay: None,
	}
}

pub(crate) fn register(who: AccountId) {
	let device = Device {
		name: b"a device".to_vec().try_into().expect("it is short"),
		memory: 33,
		features: Features::KNOWN,
		fingerprint: [who as u8; 32],
	};
	let profile = ProviderProfile {
		worker: worker(who).public().0,
		endpoint: endpoint(),
		encryption: [2; 32],
		region: 276,
		devices: vec![device].try_into().expect("one fits"),
	};
	let message = (PROOF_DOMAIN, ogpu_traits::genesis::<Test>(), who).encode();
	let origin = RuntimeOrigin::signed(who);
	assert_ok!(Providers::register(origin.clone(), profile, worker(who).sign(&message)));
	assert_ok!(TrustLock::bond(origin, BOND));
}

pub(crate) fn next_block() {
	let number = System::block_number();
	System::set_block_number(number + 1);
	Tasks::on_initialize(number + 1);
	let mut meter = WeightMeter::new();
	Providers::on_poll(number + 1, &mut meter);
	Tasks::on_poll(number + 1, &mut meter);
	Tasks::on_finalize(number + 1);
	Tasks::do_try_state().expect("the invariants hold");
}

pub(crate) fn blocks(count: u32) {
	for _ in 0..count {
		next_block();
	}
}

/// Goes on to the session, with a heartbeat of everybody.
pub(crate) fn session(number: u32) {
	Session::set(number);
	for who in 1..=PROVIDERS {
		let beat = pallet_providers::HeartbeatDone { session: number, load: 0, free_memory: 33 };
		assert_ok!(<Providers as Duties<AccountId>>::perform(&who, beat));
	}
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
	let mut balances: Vec<_> = (1..=PROVIDERS + 4).map(|who| (who, ENDOWMENT)).collect();
	for who in [CLIENT, OTHER_CLIENT, TREASURY, VERIFIER, FINDER] {
		balances.push((who, ENDOWMENT));
	}
	balances.extend([(TrustLock::pot(), 1_000), (Tasks::pot(), 1_000)]);
	let storage = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	}
	.build_storage()
	.expect("the genesis is well formed; qed");
	let mut externalities = sp_io::TestExternalities::from(storage);
	externalities.execute_with(|| {
		Switch::set(Slashing::On);
		Session::set(0);
		Paused::set(false);
		MarketWindows::set(Windows::FAST);
		MarketCharges::set(Charges::DEFAULT);
		MarketSecurity::set(Security::PRODUCTION);
		Draw::set(Some([9; 32]));
		Pending::set(Vec::new());
		Disputed::set(None);
		Appealed::set(None);
		CarriedOut::set(Vec::new());
		OnPanel::set(Vec::new());
		HeldUp::set(None);
		Credited::set(Vec::new());
		VerifiersPaid::set(Vec::new());
		Fraudulent::set(Vec::new());
		System::set_block_number(1);
		for who in 1..=PROVIDERS {
			register(who);
			assert_ok!(Providers::set_seats(RuntimeOrigin::signed(who), 1));
		}
		session(1);
		session(2);
		next_block();
	});
	externalities
}

/// Runs `test`, and checks the invariants after it. Nothing is made; what is lost was burnt as a fee.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		let issued = Balances::total_issuance();
		test();
		Tasks::do_try_state().expect("the invariants hold");
		assert!(Balances::total_issuance() <= issued, "tokens were made");
	});
}

pub(crate) fn spec() -> TaskSpec {
	TaskSpec {
		job: JobRef {
			hash: [1; 32],
			blob: BlobId([2; 32]),
			len: 1000,
			source: endpoint(),
			reader: [8; 32],
		},
		shape: Shape::Parallel,
		profile: Profile::ExactInt,
		units: 100,
		parts: 1,
		work: 100_000,
		requirements: Requirements {
			tier: DeviceTier::Consumer,
			memory: 30,
			features: Features::EXACT_F32,
			region: None,
			reputation: 0,
		},
		tier: Tier::Standard,
		trust: Trust::Never,
		few_operators: FewOperators::Refuse,
		max_price: Some(100 * OGPU),
		time: 50,
	}
}

pub(crate) fn submit(spec: TaskSpec) -> TaskId {
	let id = crate::NextTask::<Test>::get();
	assert_ok!(Tasks::submit(RuntimeOrigin::signed(CLIENT), spec, Balance::MAX));
	id
}

pub(crate) fn act(who: AccountId, done: Done) -> DispatchResult {
	Tasks::act(RuntimeOrigin::signed(who), done)
}

pub(crate) fn salt(who: AccountId) -> Hash {
	[who as u8; 32]
}

pub(crate) fn bid(task: TaskId, who: AccountId, price: Balance) -> DispatchResult {
	let genesis = ogpu_traits::genesis::<Test>();
	let attempt = Live::<Test>::get(task).map_or(0, |task| task.attempt);
	let commitment = commitment::<Blake2>(&genesis, task, attempt, &who, price, &salt(who));
	act(who, Done::Bid { task, commitment })
}

pub(crate) fn reveal(task: TaskId, who: AccountId, price: Balance) -> DispatchResult {
	act(who, Done::Reveal { task, price, salt: salt(who) })
}

pub(crate) fn live(task: TaskId) -> Task<AccountId> {
	Live::<Test>::get(task).expect("the task is live")
}

/// Goes on until the status of a task has ended.
pub(crate) fn pass(task: TaskId) {
	let until = live(task).status.until();
	while Live::<Test>::get(task).is_some_and(|task| task.status.until() == until)
		&& Now::<Test>::get() <= until + 2
	{
		next_block();
	}
}

/// Holds the auction of a task with these bids; who has it then.
pub(crate) fn auction(task: TaskId, bids: &[(AccountId, Balance)]) -> Option<AccountId> {
	for (who, price) in bids {
		assert_ok!(bid(task, *who, *price));
	}
	pass(task);
	for (who, price) in bids {
		assert_ok!(reveal(task, *who, *price));
	}
	pass(task);
	holder(task)
}

pub(crate) fn holder(task: TaskId) -> Option<AccountId> {
	Live::<Test>::get(task)?.status.assignment().map(|by| by.provider)
}

pub(crate) fn acknowledge(task: TaskId) {
	let (who, attempt) = (holder(task).expect("somebody has it"), live(task).attempt);
	assert_ok!(act(who, Done::Acknowledge { task, attempt }));
	assert!(matches!(live(task).status, Status::Executing { .. }));
}

pub(crate) fn root(task: TaskId, part: u8) {
	let (who, attempt) = (holder(task).expect("somebody has it"), live(task).attempt);
	assert_ok!(act(who, Done::Root { task, attempt, part, root: ROOT }));
}

/// Has the verifiers decide the first thing that waits for it.
pub(crate) fn decide(verdict: Verdict, fee: Balance) {
	let (request, _) = Pending::mutate(|pending| pending.remove(0));
	decide_part(request.part, verdict, fee);
}

pub(crate) fn decide_part(part: PartOfTask, verdict: Verdict, fee: Balance) {
	let finder = matches!(verdict, Verdict::Fraud { .. }).then_some(FINDER);
	Tasks::decided(
		part,
		Decision {
			fees: vec![(VERIFIER, fee)],
			finder,
			confirmed: true,
			proven: true,
			..Decision::bare(verdict)
		},
	);
}

/// Serves the agenda with no more than this.
pub(crate) fn serve(weight: Weight) {
	Tasks::serve_agenda(&mut WeightMeter::with_limit(weight));
}
