//! The market, bound together: no pallet of it knows another.

use frame_support::{
	PalletId, parameter_types,
	traits::{Get, Randomness},
};
use frame_system::EnsureRoot;
use ogpu_primitives::{
	Balance,
	market::{DeviceTier, GroupId, reputation::Aspect, spec::Requirements},
	merkle::Hash,
};
use ogpu_traits::{Moment, Registry, Standing, Unmet};
use pallet_babe::ParentBlockRandomness;

use crate::{
	AccountId, Balances, Providers, Runtime, RuntimeHoldReason, SafeMode, Tasks, TrustLock,
	configs::TreasuryAccount, parameters::market,
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
	type WeightInfo = pallet_trust_lock::weights::CountedWeight<Runtime>;
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
	type WeightInfo = pallet_providers::weights::CountedWeight<Runtime>;
}

/// The providers, of whom none can verify yet: nobody attests results on this chain so far. So a task is
/// taken only from a client that accepts unverified work, and its quote says so.
pub struct NobodyVerifies;

impl Registry<AccountId> for NobodyVerifies {
	fn meets(who: &AccountId, requirements: &Requirements) -> Result<Standing, Unmet> {
		Providers::meets(who, requirements)
	}

	fn group(who: &AccountId) -> Option<GroupId> {
		Providers::group(who)
	}

	fn operators(_: &Requirements) -> u32 {
		0
	}

	fn see(who: &AccountId, aspect: Aspect, weight: Balance, thousandths: u16) {
		Providers::see(who, aspect, weight, thousandths);
	}

	fn engage(who: &AccountId, engaged: bool) {
		Providers::engage(who, engaged);
	}

	fn occupy(who: &AccountId, busy: bool) {
		Providers::occupy(who, busy);
	}

	fn utilisation(tier: DeviceTier) -> (u64, u64) {
		Providers::utilisation(tier)
	}
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

impl pallet_tasks::Config for Runtime {
	type Currency = Balances;
	type PotId = EscrowPot;
	type Collateral = TrustLock;
	type Registry = NobodyVerifies;
	type Attestation = ();
	type WorkCredit = ();
	type Treasury = TreasuryAccount;
	type Windows = market::Time;
	type Charges = market::Pay;
	type Security = market::Safety;
	type Prices = market::Prices;
	type Randomness = BlockRandomness;
	type Paused = IsPaused;
	type WeightInfo = pallet_tasks::weights::CountedWeight<Runtime>;
}
