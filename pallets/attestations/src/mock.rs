//! The whole market of a few accounts, and players who do what is due of them: honestly or otherwise.

use std::collections::BTreeMap;

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
		auction::commitment as bid_commitment,
		rules::{Charges, PanelRules, Security, TierPrice, Windows},
		spec::{FewOperators, JobRef, Requirements, TaskSpec, Trust},
		tally::commitment,
		verification::{Shape, Tier},
	},
	merkle::{Blake2, Hash, Hasher, Tree},
};
use ogpu_traits::{Duties, PartOfTask};
use pallet_providers::{Device, PROOF_DOMAIN, Profile as ProviderProfile};
use pallet_tasks::{Done as Work, Ending, Status};
use pallet_trust_lock::Slashing;
use sp_core::{Pair, sr25519};
use sp_runtime::{BuildStorage, DispatchResult};

use crate::{self as pallet_attestations, Done, Due, REFUSED, Subject, UPHELD, draw_of};

pub(crate) type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Test>;

pub(crate) const CLIENT: AccountId = 100;
pub(crate) const WATCHTOWER: AccountId = 101;
pub(crate) const TREASURY: AccountId = 200;
pub(crate) const ENDOWMENT: Balance = 1_000_000 * OGPU;
pub(crate) const BOND: Balance = 20_000 * OGPU;
pub(crate) const SEAT: Balance = 100 * OGPU;
/// Who computes in every test; the others verify.
pub(crate) const EXECUTOR: AccountId = 1;
/// Validators that author blocks in turn.
const VALIDATORS: u64 = 5;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		TrustLock: pallet_trust_lock,
		Providers: pallet_providers,
		Tasks: pallet_tasks,
		Attestations: pallet_attestations,
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

/// What a player does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(unreachable_pub, reason = "a parameter of the mock names it")]
pub enum Behaviour {
	/// What is right, in time.
	Honest,
	/// Nothing.
	Absent,
	/// Says that it cannot.
	Abstaining,
	/// Commits, and does not reveal.
	Secretive,
	/// Affirms whatever the executor has, without computing.
	Colluding,
	/// Says of what is right that it is false.
	Framing,
	/// What its device adds up otherwise than others do.
	Deviating,
	/// Anything, without computing; and then that it had the same as the provider.
	Lazy,
	/// What another member has committed to.
	Copying,
	/// What is right, with a node that is down for a third of the time.
	Crashing,
}

parameter_types! {
	pub const CollateralPot: PalletId = PalletId(*b"ogp/coll");
	pub const EscrowPot: PalletId = PalletId(*b"escr/ogp");
	pub const TreasuryAccount: AccountId = TREASURY;
	pub static Switch: Slashing = Slashing::On;
	pub static Session: u32 = 0;
	pub static MarketSecurity: Security = Security::PRODUCTION;
	pub static Rules: PanelRules = PanelRules::PRODUCTION;
	pub static Vrf: Option<Hash> = None;
	pub static Author: Option<AccountId> = None;
	pub const Prices: [TierPrice; 3] = TierPrice::DEFAULT;
	pub const MarketWindows: Windows = Windows::FAST;
	pub const MarketCharges: Charges = Charges::DEFAULT;
	/// What players do; the honest are not named.
	pub static Players: BTreeMap<AccountId, Behaviour> = BTreeMap::new();
	/// The units that the executor computed falsely.
	pub static Bad: Vec<u32> = Vec::new();
	/// Whether claims are right.
	pub static ClaimIsRight: bool = true;
	/// Messages of verification so far.
	pub static Messages: u32 = 0;
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
	type SeatPrice = frame_support::traits::ConstU128<SEAT>;
	type AdminOrigin = frame_system::EnsureRoot<AccountId>;
	type WeightInfo = ();
}

impl pallet_tasks::Config for Test {
	type Currency = Balances;
	type PotId = EscrowPot;
	type Collateral = TrustLock;
	type Registry = Providers;
	type Attestation = Attestations;
	type Merit = ();
	type Treasury = TreasuryAccount;
	type Windows = MarketWindows;
	type Charges = MarketCharges;
	type Security = MarketSecurity;
	type Prices = Prices;
	type Randomness = Vrf;
	type Paused = ();
	type WeightInfo = ();
}

impl pallet_attestations::Config for Test {
	type Clock = Tasks;
	type Collateral = TrustLock;
	type Registry = Providers;
	type Seats = Providers;
	type Specs = Tasks;
	type Verdicts = Tasks;
	type Rules = Rules;
	type Vrf = Vrf;
	type Author = Author;
	type Validators = frame_support::traits::ConstU32<{ VALIDATORS as u32 }>;
	type WeightInfo = ();
}

fn endpoint() -> Endpoint {
	Endpoint {
		key: [1; 32],
		addresses: vec![Address::V4([127, 0, 0, 1], 4433)].try_into().expect("one fits"),
		relay: None,
	}
}

fn register(who: AccountId) {
	let worker = sr25519::Pair::from_seed(&[who as u8; 32]);
	let device = Device {
		name: b"a device".to_vec().try_into().expect("it is short"),
		memory: 33,
		features: Features::KNOWN,
		fingerprint: [who as u8; 32],
	};
	let profile = ProviderProfile {
		worker: worker.public().0,
		endpoint: endpoint(),
		encryption: [2; 32],
		region: 276,
		devices: vec![device].try_into().expect("one fits"),
	};
	let message = (PROOF_DOMAIN, ogpu_traits::genesis::<Test>(), who).encode();
	let origin = RuntimeOrigin::signed(who);
	assert_ok!(Providers::register(origin.clone(), profile, worker.sign(&message)));
	assert_ok!(TrustLock::bond(origin.clone(), BOND));
	assert_ok!(Providers::set_seats(origin, 1));
}

/// Begins a session, in which so many providers say that they are there. What they are counts in draws from here on.
pub(crate) fn session(number: u32, providers: u64) {
	Session::set(number);
	for who in 1..=providers {
		let beat = pallet_providers::HeartbeatDone { session: number, load: 0, free_memory: 33 };
		assert_ok!(<Providers as Duties<AccountId>>::perform(&who, beat));
	}
}

/// Ends a block in which things were said.
pub(crate) fn idle() {
	Attestations::on_idle(System::block_number(), Weight::MAX);
}

/// A block in which nobody says anything, after what the one before was left to do.
pub(crate) fn silent_block() {
	idle();
	let number = System::block_number() + 1;
	System::set_block_number(number);
	// The output of the block before, and whose turn it is.
	Vrf::set(Some(number.using_encoded(Blake2::hash)));
	Author::set(Some(300 + number % VALIDATORS));
	Tasks::on_initialize(number);
	Attestations::on_initialize(number);
	let mut meter = WeightMeter::new();
	Providers::on_poll(number, &mut meter);
	Tasks::on_poll(number, &mut meter);
	Attestations::on_poll(number, &mut meter);
	Tasks::on_finalize(number);
	Attestations::do_try_state().expect("the invariants hold");
}

/// A block in which everybody does what it does.
pub(crate) fn next_block() {
	silent_block();
	play();
	Attestations::do_try_state().expect("the invariants hold");
}

/// A market of so many providers, all with a seat.
pub(crate) fn market(providers: u64, test: impl FnOnce()) {
	let mut balances: Vec<_> = (1..=providers).map(|who| (who, ENDOWMENT)).collect();
	balances.extend([CLIENT, WATCHTOWER, TREASURY].map(|who| (who, ENDOWMENT)));
	balances.extend([(TrustLock::pot(), 1_000), (Tasks::pot(), 1_000)]);
	let storage = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		..Default::default()
	}
	.build_storage()
	.expect("the genesis is well formed; qed");
	sp_io::TestExternalities::from(storage).execute_with(|| {
		Switch::set(Slashing::On);
		Session::set(0);
		MarketSecurity::set(Security::PRODUCTION);
		Rules::set(PanelRules::PRODUCTION);
		Players::set(BTreeMap::new());
		Bad::set(Vec::new());
		ClaimIsRight::set(true);
		Messages::set(0);
		System::set_block_number(1);
		for who in 1..=providers {
			register(who);
		}
		session(1, providers);
		session(2, providers);
		for _ in 0..providers / 8 + 10 {
			silent_block();
		}
		let issued = Balances::total_issuance();
		test();
		Attestations::do_try_state().expect("the invariants hold");
		assert!(Balances::total_issuance() <= issued, "tokens were made");
	});
}

pub(crate) fn behave(who: AccountId, behaviour: Behaviour) {
	Players::mutate(|players| players.insert(who, behaviour));
}

pub(crate) fn behaviour(who: AccountId) -> Behaviour {
	Players::get().get(&who).copied().unwrap_or(Behaviour::Honest)
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

/// What a unit of a task really comes to, by its number in the job.
pub(crate) fn truth(task: TaskId, unit: u32) -> Hash {
	(b"truth", task, unit).using_encoded(Blake2::hash)
}

/// What framers agree on.
pub(crate) fn framed(task: TaskId, unit: u32) -> Hash {
	(b"framed", task, unit).using_encoded(Blake2::hash)
}

/// What a device comes to that adds up otherwise than others do.
pub(crate) fn deviating(who: AccountId, task: TaskId, unit: u32) -> Hash {
	(b"its own", who, task, unit).using_encoded(Blake2::hash)
}

/// What the executor says that it comes to.
pub(crate) fn claimed(task: TaskId, unit: u32) -> Hash {
	match Bad::get().contains(&unit) {
		true => (b"false", task, unit).using_encoded(Blake2::hash),
		false => truth(task, unit),
	}
}

fn tree(task: TaskId, first: u32, units: u32) -> Tree {
	let leaves = (first..first + units).map(|unit| claimed(task, unit)).collect();
	Tree::new::<Blake2>(leaves).expect("there are leaves")
}

pub(crate) fn live(task: TaskId) -> pallet_tasks::Task<AccountId> {
	pallet_tasks::Tasks::<Test>::get(task).expect("the task is live")
}

pub(crate) fn ended(task: TaskId) -> Option<Ending> {
	pallet_tasks::Records::<Test>::get(task).map(|record| record.ending)
}

fn work(who: AccountId, done: Work) -> DispatchResult {
	Tasks::act(RuntimeOrigin::signed(who), done)
}

pub(crate) fn act(who: AccountId, done: Done) -> DispatchResult {
	Attestations::act(RuntimeOrigin::signed(who), done)
}

/// Submits a task that the executor wins for half of what the client would pay.
pub(crate) fn assigned(spec: TaskSpec) -> TaskId {
	let task = pallet_tasks::NextTask::<Test>::get();
	assert_ok!(Tasks::submit(RuntimeOrigin::signed(CLIENT), spec, Balance::MAX));
	give(task, EXECUTOR);
	task
}

/// Has somebody win the auction of a task.
pub(crate) fn give(task: TaskId, who: AccountId) {
	let price = live(task).reserve / 2;
	let (genesis, attempt) = (ogpu_traits::genesis::<Test>(), live(task).attempt);
	let commitment = bid_commitment::<Blake2>(&genesis, task, attempt, &who, price, &[3; 32]);
	assert_ok!(work(who, Work::Bid { task, commitment }));
	until(|| matches!(live(task).status, Status::Revealing { .. }));
	assert_ok!(work(who, Work::Reveal { task, price, salt: [3; 32] }));
	until(|| matches!(live(task).status, Status::Assigned { .. }));
}

/// Has whoever has a task acknowledge it and commit the root of every part.
pub(crate) fn compute(task: TaskId) -> PartOfTask {
	let (who, attempt) = (holder(task), live(task).attempt);
	assert_ok!(work(who, Work::Acknowledge { task, attempt }));
	for part in live(task).progress.settled..live(task).spec.parts {
		commit_root(task, part);
	}
	PartOfTask { task, attempt, part: 0 }
}

pub(crate) fn holder(task: TaskId) -> AccountId {
	live(task).status.assignment().expect("somebody has it").provider
}

pub(crate) fn commit_root(task: TaskId, part: u8) {
	let (found, who) = (live(task), holder(task));
	let spec = &found.spec;
	let root = tree(task, spec.first_unit(part), spec.units_of(part)).root();
	assert_ok!(work(who, Work::Root { task, attempt: found.attempt, part, root }));
}

pub(crate) fn claim(task: TaskId, claim: ogpu_traits::Claim) {
	let (who, attempt) = (holder(task), live(task).attempt);
	assert_ok!(work(who, Work::Claim { task, attempt, claim }));
}

/// Goes on until something is so. In how many blocks it was.
pub(crate) fn until(mut so: impl FnMut() -> bool) -> u32 {
	for blocks in 0..2_000 {
		if so() {
			return blocks;
		}
		next_block();
	}
	panic!("it never came to that");
}

fn salt(who: AccountId) -> Hash {
	[who as u8; 32]
}

/// What somebody says that its units come to: its own opinion, by its behaviour.
fn leaves_of(who: AccountId, task: TaskId, first: u32, units: &[u32]) -> Vec<(u32, Hash)> {
	let leaf = |unit: u32| match behaviour(who) {
		Behaviour::Colluding => claimed(task, first + unit),
		Behaviour::Framing => framed(task, first + unit),
		Behaviour::Deviating | Behaviour::Lazy => deviating(who, task, first + unit),
		_ => truth(task, first + unit),
	};
	units.iter().map(|unit| (*unit, leaf(*unit))).collect()
}

/// Everybody does what it does.
pub(crate) fn play() {
	let players: Vec<AccountId> = pallet_providers::Providers::<Test>::iter_keys().collect();
	for who in players {
		for due in <Attestations as Duties<AccountId>>::due(&who, 100) {
			if let Some(done) = answer(who, due) {
				Messages::mutate(|messages| *messages += 1);
				let taken = act(who, done.clone());
				// What was not computed cannot be opened.
				let hollow = matches!(behaviour(who), Behaviour::Lazy | Behaviour::Copying)
					&& matches!(done, Done::Reveal { .. });
				match hollow {
					true => assert_eq!(taken, Err(crate::Error::<Test>::WrongOpening.into())),
					false => assert_eq!(taken, Ok(())),
				}
			}
		}
	}
}

/// What somebody does about what is due.
pub(crate) fn answer(who: AccountId, due: Due<AccountId>) -> Option<Done> {
	match (due, behaviour(who)) {
		(_, Behaviour::Absent)
		| (Due::Serve { .. }, _)
		| (Due::Reveal { .. }, Behaviour::Secretive) => None,
		// For three blocks of nine.
		(_, Behaviour::Crashing) if (System::block_number() / 3 + who).is_multiple_of(3) => None,
		(Due::Commit { case, panel, seed, .. }, Behaviour::Abstaining) => {
			Some(Done::Abstain { case, panel, draw: draw_of(&seed) })
		}
		(Due::Commit { case, panel, seed, .. }, Behaviour::Copying) => {
			let (found, _) = Attestations::panel_of(case, panel)?;
			let commitment = found.members.iter().find_map(|member| match member.said {
				crate::Said::Committed(commitment) => Some(commitment),
				_ => None,
			})?;
			Some(Done::Commit { case, panel, draw: draw_of(&seed), commitment })
		}
		(Due::Commit { case, panel, of, units, seed, .. }, behaviour) => {
			let leaves = match of.subject {
				Subject::Root(_) => leaves_of(who, case.task, of.first_unit, &units),
				Subject::Claim(_) => vec![(0, opinion(behaviour))],
			};
			let genesis = ogpu_traits::genesis::<Test>();
			let commitment =
				commitment::<Blake2>(&genesis, &(case, panel), &who, &salt(who), &leaves);
			Some(Done::Commit { case, panel, draw: draw_of(&seed), commitment })
		}
		(Due::Open { case, panel, units, .. }, _) => {
			let of = Attestations::standing(case).expect("it is verified");
			let tree = tree(case.task, of.first_unit, of.units);
			let leaves: Vec<Hash> =
				units.iter().map(|unit| claimed(case.task, of.first_unit + unit)).collect();
			let siblings = tree.prove(&units).expect("they are there").siblings;
			Some(Done::Open {
				case,
				panel,
				leaves: leaves.try_into().expect("they are few"),
				siblings: siblings.try_into().expect("they are few"),
			})
		}
		(Due::Reveal { case, panel, opened, .. }, behaviour) => {
			let of = Attestations::standing(case).expect("it is verified");
			let leaves = match of.subject {
				Subject::Claim(_) => Some(vec![opinion(behaviour)]),
				Subject::Root(_) => {
					let units: Vec<u32> = opened.iter().map(|(unit, _)| *unit).collect();
					let own = leaves_of(who, case.task, of.first_unit, &units);
					let hollow = matches!(behaviour, Behaviour::Lazy | Behaviour::Copying);
					(own != opened && !hollow)
						.then(|| own.into_iter().map(|(_, leaf)| leaf).collect())
				}
			};
			let leaves = leaves.map(|leaves| leaves.try_into().expect("they are few"));
			Some(Done::Reveal { case, panel, salt: salt(who), leaves })
		}
	}
}

fn opinion(behaviour: Behaviour) -> Hash {
	let right = ClaimIsRight::get() != (behaviour == Behaviour::Framing);
	if right { UPHELD } else { REFUSED }
}
