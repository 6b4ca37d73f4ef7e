//! A provider with a worker key, and duties that tests make up.

use std::sync::Arc;

use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{derive_impl, parameter_types, weights::Weight};
use frame_system::AuthorizeCall;
use ogpu_traits::{Duties, Node};
use parking_lot::RwLock;
use scale_info::TypeInfo;
use sp_core::{
	Pair,
	offchain::{
		OffchainDbExt, OffchainWorkerExt, TransactionPoolExt,
		testing::{OffchainState, PoolState, TestOffchainExt, TestTransactionPoolExt},
	},
	sr25519,
};
use sp_runtime::{DispatchError, DispatchResult, traits::BlakeTwo256};

use crate::{self as pallet_worker, WORKER_KEY, WorkerKeys};

pub(crate) type AccountId = u64;
pub(crate) type Extrinsic = sp_runtime::testing::TestXt<RuntimeCall, AuthorizeCall<Test>>;
type Block = sp_runtime::generic::Block<sp_runtime::generic::Header<u64, BlakeTwo256>, Extrinsic>;

pub(crate) const PROVIDER: AccountId = 1;
pub(crate) const SEED: &str = "//Provider//worker";

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Worker: pallet_worker,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
}

/// A duty of tests.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum TestDone {
	/// It counts, once.
	Good(u32),
	/// It counts, once, and the chain has asked for it.
	Asked(u32),
	/// It is refused, after it has changed something.
	Bad(u32),
	/// It does not count any more.
	Old,
}

parameter_types! {
	pub static Session: u32 = 0;
	pub static Largest: Weight = Weight::from_parts(1_000, 0);
	pub static Quota: Weight = Weight::from_parts(10, 0);
	/// What is due.
	pub static Due: Vec<TestDone> = Vec::new();
	/// Whose words the worker key signs.
	pub static Registered: bool = true;
}

/// What was done, on chain: so that it can be undone.
pub(crate) fn performed() -> Vec<u32> {
	frame_support::storage::unhashed::get_or_default(b"performed")
}

#[allow(unreachable_pub, reason = "the configuration of a public mock names it")]
pub struct TestDuties;
impl Duties<AccountId> for TestDuties {
	type Due = TestDone;
	type Done = TestDone;

	fn due(_: &AccountId, most: u32) -> Vec<TestDone> {
		Due::get().into_iter().take(most as usize).collect()
	}

	fn attend(provider: &AccountId, most: u32, node: &dyn Node) -> Vec<TestDone> {
		// What needs the executor is done if it answers.
		if node.status().is_ok() { Self::due(provider, most) } else { Vec::new() }
	}

	fn is_live(_: &AccountId, done: &TestDone) -> bool {
		match done {
			TestDone::Good(number) | TestDone::Asked(number) => !performed().contains(number),
			TestDone::Bad(_) => true,
			TestDone::Old => false,
		}
	}

	fn weight(_: &TestDone) -> Weight {
		Weight::from_parts(1, 0)
	}

	fn is_voluntary(done: &TestDone) -> bool {
		!matches!(done, TestDone::Asked(_))
	}

	fn perform(_: &AccountId, done: TestDone) -> DispatchResult {
		let mut all = performed();
		let (number, result) = match done {
			TestDone::Good(number) | TestDone::Asked(number) => (number, Ok(())),
			TestDone::Bad(number) => (number, Err(DispatchError::Other("it is bad"))),
			TestDone::Old => return Err(DispatchError::Other("nobody asks for it")),
		};
		all.push(number);
		frame_support::storage::unhashed::put(b"performed", &all);
		result
	}
}

#[allow(unreachable_pub, reason = "the configuration of a public mock names it")]
pub struct TestKeys;
impl WorkerKeys<AccountId> for TestKeys {
	fn provider_of(key: &[u8; 32]) -> Option<AccountId> {
		(Self::key_of(&PROVIDER) == Some(*key)).then_some(PROVIDER)
	}

	fn key_of(provider: &AccountId) -> Option<[u8; 32]> {
		(*provider == PROVIDER && Registered::get()).then(|| key().public().0)
	}
}

impl pallet_worker::Config for Test {
	type Done = TestDone;
	type Duties = TestDuties;
	type Workers = TestKeys;
	type Session = Session;
	type Quota = Quota;
	type Largest = Largest;
	type WeightInfo = ();
}

impl<LocalCall> frame_system::offchain::CreateTransactionBase<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	type Extrinsic = Extrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<LocalCall> frame_system::offchain::CreateTransaction<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	type Extension = AuthorizeCall<Test>;

	fn create_transaction(call: RuntimeCall, extension: AuthorizeCall<Test>) -> Extrinsic {
		Extrinsic::new_transaction(call, extension)
	}
}

impl<LocalCall> frame_system::offchain::CreateAuthorizedTransaction<LocalCall> for Test
where
	RuntimeCall: From<LocalCall>,
{
	fn create_extension() -> AuthorizeCall<Test> {
		AuthorizeCall::new()
	}
}

pub(crate) fn key() -> sr25519::Pair {
	sr25519::Pair::from_string(SEED, None).expect("it is a seed")
}

/// A chain, and what surrounds the hook: requests to expect, the pool.
pub(crate) struct Surroundings {
	pub(crate) chain: sp_io::TestExternalities,
	pub(crate) offchain: Arc<RwLock<OffchainState>>,
	pub(crate) pool: Arc<RwLock<PoolState>>,
}

pub(crate) fn surroundings() -> Surroundings {
	let mut chain = sp_io::TestExternalities::default();
	let (offchain, state) = TestOffchainExt::new();
	let (pool, pool_state) = TestTransactionPoolExt::new();
	let keystore = sp_keystore::testing::MemoryKeystore::new();
	sp_keystore::Keystore::sr25519_generate_new(&keystore, WORKER_KEY, Some(SEED))
		.expect("the memory takes keys");
	chain.register_extension(OffchainDbExt::new(offchain.clone()));
	chain.register_extension(OffchainWorkerExt::new(offchain));
	chain.register_extension(TransactionPoolExt::new(pool));
	chain.register_extension(sp_keystore::KeystoreExt::new(keystore));
	chain.execute_with(|| {
		System::set_block_number(1);
		Session::set(0);
		Quota::set(Weight::from_parts(10, 0));
		Largest::set(Weight::from_parts(1_000, 0));
		Registered::set(true);
		Due::set(Vec::new());
	});
	Surroundings { chain, offchain: state, pool: pool_state }
}
