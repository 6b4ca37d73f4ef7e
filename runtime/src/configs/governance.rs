//! OpenGov and the treasury.

use frame_support::{
	PalletId, parameter_types,
	traits::{
		ConstU32, ConstU128, EitherOf, EitherOfDiverse,
		tokens::{PayFromAccount, UnityAssetBalanceConversion},
	},
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess, EnsureSigned};
use ogpu_primitives::{Balance, OGPU};
use sp_runtime::{Permill, traits::IdentityLookup};

use crate::{
	AccountId, Balances, Preimage, Referenda, Runtime, RuntimeCall, RuntimeEvent, Scheduler,
	System, Treasury,
	fees::deposit,
	governance::{
		Tracks,
		origins::{
			ReferendumCanceller, ReferendumKiller, Treasurer,
			pallet_origins::{self, Spender},
		},
	},
	timing,
};

impl pallet_origins::Config for Runtime {}

impl pallet_conviction_voting::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_conviction_voting::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type Polls = Referenda;
	type MaxTurnout = frame_support::traits::TotalIssuanceOf<Balances, AccountId>;
	type MaxVotes = ConstU32<512>;
	type VoteLockingPeriod = timing::VoteLockingPeriod;
	type BlockNumberProvider = System;
	type VotingHooks = ();
}

impl pallet_referenda::Config for Runtime {
	type RuntimeCall = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_referenda::weights::SubstrateWeight<Runtime>;
	type Scheduler = Scheduler;
	type Currency = Balances;
	type SubmitOrigin = frame_support::traits::AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
	type CancelOrigin = EitherOfDiverse<EnsureRoot<AccountId>, ReferendumCanceller>;
	type KillOrigin = EitherOfDiverse<EnsureRoot<AccountId>, ReferendumKiller>;
	type Slash = SlashToTreasury;
	type Votes = Balance;
	type Tally = pallet_conviction_voting::TallyOf<Runtime>;
	type SubmissionDeposit = ConstU128<OGPU>;
	type MaxQueued = ConstU32<100>;
	type UndecidingTimeout = timing::UndecidingTimeout;
	type AlarmInterval = ConstU32<1>;
	type Tracks = Tracks;
	type Preimages = Preimage;
	type BlockNumberProvider = System;
}

parameter_types! {
	/// Derives the treasury's account.
	pub const TreasuryPalletId: PalletId = PalletId(*b"ogp/trsy");
	/// The treasury's account.
	pub TreasuryAccount: AccountId = Treasury::account_id();
	/// The treasury keeps what it does not spend.
	pub const TreasuryBurn: Permill = Permill::zero();
	/// The most that Root may spend at a time.
	pub const MaxSpend: Balance = Balance::MAX;
}

/// Puts what other pallets slash (deposits of killed referenda, false judgements) into the treasury.
pub(super) type SlashToTreasury = Treasury;

impl pallet_treasury::Config for Runtime {
	type Currency = Balances;
	type RejectOrigin = EitherOfDiverse<EnsureRoot<AccountId>, Treasurer>;
	type RuntimeEvent = RuntimeEvent;
	type SpendPeriod = timing::SpendPeriod;
	type Burn = TreasuryBurn;
	type PalletId = TreasuryPalletId;
	type BurnDestination = ();
	type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
	type SpendFunds = crate::Bounties;
	type MaxApprovals = ConstU32<100>;
	type SpendOrigin = EitherOf<EnsureRootWithSuccess<AccountId, MaxSpend>, Spender>;
	type AssetKind = ();
	type Beneficiary = AccountId;
	type BeneficiaryLookup = IdentityLookup<AccountId>;
	type Paymaster = PayFromAccount<Balances, TreasuryAccount>;
	type BalanceConverter = UnityAssetBalanceConversion;
	type PayoutPeriod = timing::PayoutPeriod;
	type BlockNumberProvider = System;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
}

parameter_types! {
	/// One entry for a bounty.
	pub const BountyDepositBase: Balance = deposit(1, 150);
	/// One byte of its description.
	pub const DataDepositPerByte: Balance = deposit(0, 1);
	/// A curator puts down half its fee,
	pub const CuratorDepositMultiplier: Permill = Permill::from_percent(50);
	/// at least this,
	pub const CuratorDepositMin: Option<Balance> = Some(OGPU);
	/// and at most this.
	pub const CuratorDepositMax: Option<Balance> = Some(1_000 * OGPU);
}

impl pallet_bounties::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type BountyDepositBase = BountyDepositBase;
	type BountyDepositPayoutDelay = timing::BountyPayoutDelay;
	type BountyUpdatePeriod = timing::BountyUpdatePeriod;
	type CuratorDepositMultiplier = CuratorDepositMultiplier;
	type CuratorDepositMin = CuratorDepositMin;
	type CuratorDepositMax = CuratorDepositMax;
	type BountyValueMinimum = ConstU128<{ 5 * OGPU }>;
	type DataDepositPerByte = DataDepositPerByte;
	type MaximumReasonLength = ConstU32<16_384>;
	type WeightInfo = pallet_bounties::weights::SubstrateWeight<Runtime>;
	type ChildBountyManager = ();
	type OnSlash = SlashToTreasury;
	type TransferAllAssets = pallet_bounties::TransferFungible<AccountId, Balances>;
}
