//! The market, bound together: no pallet of it knows another.

use alloc::vec::Vec;

use frame_support::{
	PalletId, parameter_types,
	traits::{Get, Randomness},
	weights::{Weight, constants::WEIGHT_REF_TIME_PER_SECOND},
};
use frame_system::EnsureRoot;
use ogpu_primitives::{Balance, market::spec::TaskSpec, merkle::Hash};
use ogpu_traits::{Decision, Moment, PartOfTask, Specs, Verdicts};
use pallet_babe::ParentBlockRandomness;
use pallet_ratings::trial_in;
use pallet_worker::WorkerKeys;

use crate::{
	AccountId, Attestations, Authorship, Balances, Merit, Providers, Ratings, Runtime,
	RuntimeHoldReason, SafeMode, Tasks, TrustLock,
	configs::{
		MAXIMUM_BLOCK_WEIGHT, TreasuryAccount,
		duties::{self, MarketDuties},
	},
	parameters::market,
	weights,
};

/// Market blocks until collateral that is unbonded may leave: what governance set, and longer than any
/// task can take from its root to the end of its window, whatever else governance set.
pub struct UnbondingDelay;

impl Get<Moment> for UnbondingDelay {
	fn get() -> Moment {
		let windows = market::Time::get();
		let longest = windows.verification.get().saturating_add(windows.delivery.get());
		market::Unbonding::get().get().max(longest.saturating_mul(2))
	}
}

parameter_types! {
	/// Derives the account that keeps collateral.
	pub const CollateralPot: PalletId = PalletId(*b"ogp/coll");
	/// Derives the account that keeps escrows.
	pub const EscrowPot: PalletId = PalletId(*b"ogp/escr");
}

impl pallet_trust_lock::Config for Runtime {
	type Currency = Balances;
	type PotId = CollateralPot;
	type Clock = Tasks;
	type UnbondingDelay = UnbondingDelay;
	type Slashing = market::Slashes;
	type Treasury = TreasuryAccount;
	type WeightInfo = weights::pallet_trust_lock::WeightInfo<Runtime>;
}

/// The number of the running session.
pub struct SessionNow;

impl Get<u32> for SessionNow {
	fn get() -> u32 {
		pallet_session::CurrentIndex::<Runtime>::get()
	}
}

/// What is on hold as long as a provider is registered.
pub struct RegistrationDeposit;

impl Get<Balance> for RegistrationDeposit {
	fn get() -> Balance {
		market::Registration::get().get()
	}
}

/// What a seat binds.
pub struct SeatPrice;

impl Get<Balance> for SeatPrice {
	fn get() -> Balance {
		market::Seat::get().get()
	}
}

impl pallet_providers::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Collateral = TrustLock;
	type Session = SessionNow;
	type Deposit = RegistrationDeposit;
	type SeatPrice = SeatPrice;
	type AdminOrigin = EnsureRoot<AccountId>;
	type WeightInfo = weights::pallet_providers::WeightInfo<Runtime>;
}

/// The VRF output of the block before this one.
pub struct BlockRandomness;

impl Get<Option<Hash>> for BlockRandomness {
	fn get() -> Option<Hash> {
		ParentBlockRandomness::<Runtime>::random_seed().0.map(|hash| hash.0)
	}
}

/// Whether the chain is paused.
pub struct IsPaused;

impl Get<bool> for IsPaused {
	fn get() -> bool {
		SafeMode::is_entered()
	}
}

/// The worker keys that providers have registered.
pub struct RegisteredKeys;

impl WorkerKeys<AccountId> for RegisteredKeys {
	fn provider_of(key: &[u8; 32]) -> Option<AccountId> {
		pallet_providers::Workers::<Runtime>::get(key)
	}

	fn key_of(provider: &AccountId) -> Option<[u8; 32]> {
		let provider = pallet_providers::Providers::<Runtime>::get(provider)?;
		Some(provider.profile.worker)
	}
}

/// What a provider may do of its own accord in a session, by weight.
pub struct Quota;

impl Get<Weight> for Quota {
	fn get() -> Weight {
		let milliseconds = u64::from(market::Quota::get().get());
		Weight::from_parts(milliseconds * (WEIGHT_REF_TIME_PER_SECOND / 1_000), u64::MAX)
	}
}

/// What the duties of one transaction should weigh at most: a quarter of what is reserved for operational ones.
pub struct LargestTransaction;

impl Get<Weight> for LargestTransaction {
	fn get() -> Weight {
		MAXIMUM_BLOCK_WEIGHT / 16
	}
}

impl pallet_worker::Config for Runtime {
	type Done = duties::Done;
	type Duties = MarketDuties;
	type Workers = RegisteredKeys;
	type Session = SessionNow;
	type Quota = Quota;
	type Largest = LargestTransaction;
	type WeightInfo = weights::pallet_worker::WeightInfo<Runtime>;
}

/// Who authors this block.
pub struct BlockAuthor;

impl Get<Option<AccountId>> for BlockAuthor {
	fn get() -> Option<AccountId> {
		Authorship::author()
	}
}

/// How many validators author blocks.
pub struct ValidatorCount;

impl Get<u32> for ValidatorCount {
	fn get() -> u32 {
		pallet_session::Validators::<Runtime>::decode_len().unwrap_or(0) as u32
	}
}

/// What is verified: tasks, and trials, which have numbers that tasks never have.
pub struct Verified;

impl Specs for Verified {
	fn spec(part: PartOfTask) -> Option<TaskSpec> {
		match trial_in(part) {
			Some(_) => Ratings::spec(part),
			None => Tasks::spec(part),
		}
	}

	fn root(part: PartOfTask) -> Option<Hash> {
		match trial_in(part) {
			Some(_) => Ratings::root(part),
			None => Tasks::root(part),
		}
	}

	fn blobs(part: PartOfTask) -> Vec<Vec<u8>> {
		match trial_in(part) {
			Some(_) => Ratings::blobs(part),
			None => Tasks::blobs(part),
		}
	}
}

impl Verdicts<AccountId> for Verified {
	fn decided(part: PartOfTask, decision: Decision<AccountId>) -> bool {
		match trial_in(part) {
			Some(_) => Ratings::decided(part, decision),
			None => Tasks::decided(part, decision),
		}
	}
}

impl pallet_attestations::Config for Runtime {
	type Clock = Tasks;
	type Collateral = TrustLock;
	type Registry = Providers;
	type Seats = Providers;
	type Specs = Verified;
	type Verdicts = Verified;
	type Rules = market::Panel;
	type Vrf = BlockRandomness;
	type Author = BlockAuthor;
	type Validators = ValidatorCount;
	type WeightInfo = weights::pallet_attestations::WeightInfo<Runtime>;
}

impl pallet_tasks::Config for Runtime {
	type Currency = Balances;
	type PotId = EscrowPot;
	type Collateral = TrustLock;
	type Registry = Providers;
	type Attestation = Attestations;
	type Merit = Merit;
	type Treasury = TreasuryAccount;
	type Windows = market::Time;
	type Charges = market::Pay;
	type Security = market::Safety;
	type Prices = market::Prices;
	type Randomness = BlockRandomness;
	type Paused = IsPaused;
	type WeightInfo = weights::pallet_tasks::WeightInfo<Runtime>;
}

/// The slot of this block.
pub struct SlotNow;

impl Get<u64> for SlotNow {
	fn get() -> u64 {
		pallet_babe::CurrentSlot::<Runtime>::get().into()
	}
}

impl pallet_ratings::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Clock = Tasks;
	type Slot = SlotNow;
	type Registry = Providers;
	type Attestation = Attestations;
	type Verifying = Tasks;
	type Randomness = BlockRandomness;
	type Treasury = TreasuryAccount;
	type Windows = market::Time;
	type Charges = market::Pay;
	type WeightInfo = weights::pallet_ratings::WeightInfo<Runtime>;
}
