//! Proof of stake: who may author blocks, what it earns, and what it loses.

use alloc::vec::Vec;

use frame_election_provider_support::{
	SequentialPhragmen, VoteWeight,
	bounds::{ElectionBounds, ElectionBoundsBuilder},
	onchain,
};
use frame_support::{
	PalletId, parameter_types,
	traits::{
		ConstBool, ConstU8, ConstU32, ConstU64, EitherOfDiverse, EstimateNextSessionRotation,
		tokens::imbalance::ResolveTo,
	},
	weights::Weight,
};
use frame_system::EnsureRoot;
use ogpu_primitives::Balance;
use pallet_session::{
	disabling::{DisablingDecision, DisablingStrategy, UpToLimitWithReEnablingDisablingStrategy},
	historical as session_historical,
};
use sp_runtime::{
	FixedU128, Perbill, Permill,
	traits::{ConvertInto, OpaqueKeys},
	transaction_validity::TransactionPriority,
};
use sp_staking::{currency_to_vote::U128CurrencyToVote, offence::OffenceSeverity};

use super::TreasuryAccount;
use crate::{
	AccountId, Babe, Balances, BlockNumber, DelegatedStaking, Historical, ImOnline,
	NominationPools, Offences, Runtime, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason,
	Session, SessionKeys, Staking, System, Timestamp, Token, VoterList,
	fees::deposit,
	governance::origins::{ParameterAdmin, SlashCanceller},
	merit, parameters, timing, voter_bags,
};

/// Most validators that can author at the same time.
pub type MaxAuthorities = ConstU32<300>;

/// Most accounts that can stand for election at the same time.
pub const MAX_CANDIDATES: u32 = 1_000;

/// Most nominators that a reported validator's weight is reckoned with.
type MaxNominators = ConstU32<512>;

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = Babe;
	type MinimumPeriod = ConstU64<{ timing::SLOT_MS / 2 }>;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_babe::Config for Runtime {
	type EpochDuration = timing::EpochDuration;
	type ExpectedBlockTime = ConstU64<{ timing::SLOT_MS }>;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type DisabledValidators = Session;
	type WeightInfo = ();
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = MaxNominators;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem =
		pallet_babe::EquivocationReportSystem<Self, Offences, Historical, timing::ReportLongevity>;
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = MaxNominators;
	/// Sessions whose authority set an equivocation may refer to: the bonding time.
	type MaxSetIdSessionEntries = ConstU64<{ 28 * 6 }>;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem = pallet_grandpa::EquivocationReportSystem<
		Self,
		Offences,
		Historical,
		timing::ReportLongevity,
	>;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Babe>;
	type EventHandler = (Staking, ImOnline);
}

parameter_types! {
	/// One entry for the keys of a validator, four for their owners.
	pub const KeyDeposit: Balance = deposit(5, 5 * 32 + 4 * 36);
}

/// Disables those who lose stake for what they did, up to a third. Being away for a session, which
/// costs nothing while few are away, does not stop a validator from coming back; nor does fraud of the
/// provider that it is linked to.
pub struct DisableTheSlashed;

impl DisablingStrategy<Runtime> for DisableTheSlashed {
	fn decision(
		offender: &AccountId,
		severity: OffenceSeverity,
		disabled: &Vec<(u32, OffenceSeverity)>,
	) -> DisablingDecision {
		// Work is answered for with stake alone: whoever brings convictions about cannot stop the chain by them.
		if severity.0.is_zero() || merit::Reporting::<Runtime>::exists() {
			return DisablingDecision { disable: None, reenable: None };
		}
		<UpToLimitWithReEnablingDisablingStrategy as DisablingStrategy<Runtime>>::decision(
			offender, severity, disabled,
		)
	}
}

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Babe;
	type NextSessionRotation = Babe;
	type SessionManager = session_historical::NoteHistoricalRoot<Self, Staking>;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	type DisablingStrategy = DisableTheSlashed;
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type KeyDeposit = KeyDeposit;
}

impl session_historical::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type FullIdentification = ();
	type FullIdentificationOf = pallet_staking::UnitIdentificationOf<Self>;
}

impl pallet_offences::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type IdentificationTuple = session_historical::IdentificationTuple<Self>;
	type OnOffenceHandler = Staking;
}

parameter_types! {
	/// Heartbeats come before anything that pays.
	pub const HeartbeatPriority: TransactionPriority = TransactionPriority::MAX;
}

/// How far a session is, as heartbeats see it. They are sent for certain from four fifths on, which leaves two blocks
/// of a short session to be included in, and those may be lost under load. Half of a session counts as four fifths.
pub struct HeartbeatsAtHalf;

impl EstimateNextSessionRotation<BlockNumber> for HeartbeatsAtHalf {
	fn average_session_length() -> BlockNumber {
		Babe::average_session_length()
	}

	fn estimate_current_session_progress(now: BlockNumber) -> (Option<Permill>, Weight) {
		let (progress, weight) = Babe::estimate_current_session_progress(now);
		let ahead = |progress: Permill| Permill::from_parts(progress.deconstruct() * 8 / 5);
		(progress.map(ahead), weight)
	}

	fn estimate_next_session_rotation(now: BlockNumber) -> (Option<BlockNumber>, Weight) {
		Babe::estimate_next_session_rotation(now)
	}
}

impl pallet_im_online::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type AuthorityId = pallet_im_online::sr25519::AuthorityId;
	type MaxKeys = MaxAuthorities;
	type MaxPeerInHeartbeats = ConstU32<10_000>;
	type ValidatorSet = Historical;
	type NextSessionRotation = HeartbeatsAtHalf;
	type ReportUnresponsiveness = Offences;
	type UnsignedPriority = HeartbeatPriority;
	type WeightInfo = pallet_im_online::weights::SubstrateWeight<Runtime>;
}

impl pallet_authority_discovery::Config for Runtime {
	type MaxAuthorities = MaxAuthorities;
}

parameter_types! {
	/// What an election looks at: the best-backed voters up to this many, and every candidate, of whom
	/// genesis allows no more than [`MAX_CANDIDATES`]: one more, and no election would succeed.
	pub ElectionBoundsOnChain: ElectionBounds = ElectionBoundsBuilder::default()
		.voters_count(5_000.into())
		.targets_count(MAX_CANDIDATES.into())
		.build();
	/// The thresholds of the voter list.
	pub const BagThresholds: &'static [VoteWeight] = &voter_bags::THRESHOLDS;
}

/// Elections run on chain: a solo chain of some hundred validators needs no miners for them.
pub struct OnChainElection;

impl onchain::Config for OnChainElection {
	type Sort = ConstBool<true>;
	type System = Runtime;
	type Solver = SequentialPhragmen<AccountId, Perbill>;
	type MaxBackersPerWinner = ConstU32<5_000>;
	type MaxWinnersPerPage = MaxAuthorities;
	type DataProvider = Staking;
	type WeightInfo = frame_election_provider_support::weights::SubstrateWeight<Runtime>;
	type Bounds = ElectionBoundsOnChain;
}

impl pallet_bags_list::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_bags_list::weights::SubstrateWeight<Runtime>;
	type ScoreProvider = Staking;
	type BagThresholds = BagThresholds;
	type MaxAutoRebagPerBlock = ConstU32<10>;
	type Score = VoteWeight;
}

/// Sizes for the staking benchmarks.
pub struct StakingBenchmarks;

impl pallet_staking::BenchmarkingConfig for StakingBenchmarks {
	type MaxValidators = ConstU32<300>;
	type MaxNominators = ConstU32<1_000>;
}

impl pallet_staking::Config for Runtime {
	type OldCurrency = Balances;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CurrencyBalance = Balance;
	type UnixTime = Timestamp;
	type CurrencyToVote = U128CurrencyToVote;
	type ElectionProvider = onchain::OnChainExecution<OnChainElection>;
	type GenesisElectionProvider = onchain::OnChainExecution<OnChainElection>;
	type NominationsQuota = pallet_staking::FixedNominationsQuota<16>;
	type HistoryDepth = ConstU32<84>;
	type RewardRemainder =
		pallet_token::RemainderMinted<Runtime, ResolveTo<TreasuryAccount, Balances>>;
	type RuntimeEvent = RuntimeEvent;
	type Slash = ResolveTo<TreasuryAccount, Balances>;
	type Reward = pallet_token::RewardMinted<Runtime>;
	type SessionsPerEra = timing::SessionsPerEra;
	type BondingDuration = timing::BondingDuration;
	type SlashDeferDuration = timing::SlashDeferDuration;
	type AdminOrigin = EitherOfDiverse<EnsureRoot<AccountId>, SlashCanceller>;
	type SessionInterface = Self;
	type EraPayout = Token;
	type NextNewSession = Session;
	type MaxExposurePageSize = ConstU32<256>;
	type MaxValidatorSet = MaxAuthorities;
	type VoterList = VoterList;
	type TargetList = pallet_staking::UseValidatorsMap<Self>;
	type MaxUnlockingChunks = ConstU32<32>;
	type MaxControllersInDeprecationBatch = ConstU32<5_900>;
	type EventListeners = (NominationPools, DelegatedStaking);
	type Filter = pallet_nomination_pools::AllPoolMembers<Runtime>;
	type BenchmarkingConfig = StakingBenchmarks;
	type WeightInfo = pallet_staking::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
	/// Derives the accounts that hold what is delegated.
	pub const DelegatedStakingPalletId: PalletId = PalletId(*b"ogp/dlst");
	/// Part of a slash that goes to whoever applies it to a delegator.
	pub const SlashRewardFraction: Perbill = Perbill::from_percent(1);
	/// Derives the pools' accounts.
	pub const NominationPoolsPalletId: PalletId = PalletId(*b"ogp/nopl");
}

impl pallet_delegated_staking::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type PalletId = DelegatedStakingPalletId;
	type Currency = Balances;
	type OnSlash = ResolveTo<TreasuryAccount, Balances>;
	type SlashRewardFraction = SlashRewardFraction;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CoreStaking = Staking;
}

/// Balance to and from the 256-bit numbers in which pools compute.
pub struct WideBalance;

impl sp_runtime::traits::Convert<Balance, sp_core::U256> for WideBalance {
	fn convert(balance: Balance) -> sp_core::U256 {
		balance.into()
	}
}

impl sp_runtime::traits::Convert<sp_core::U256, Balance> for WideBalance {
	fn convert(wide: sp_core::U256) -> Balance {
		wide.try_into().unwrap_or(Balance::MAX)
	}
}

impl pallet_nomination_pools::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_nomination_pools::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type RewardCounter = FixedU128;
	type PalletId = NominationPoolsPalletId;
	type MaxPointsToBalance = ConstU8<10>;
	type MaxUnbonding = ConstU32<8>;
	type BalanceToU256 = WideBalance;
	type U256ToBalance = WideBalance;
	type StakeAdapter =
		pallet_nomination_pools::adapter::DelegateStake<Self, Staking, DelegatedStaking>;
	type MaxMetadataLen = ConstU32<256>;
	// More than the bonding duration in eras, so that a slash still finds what was unbonded.
	type MaxUnbondingPools = ConstU32<32>;
	type AdminOrigin = EitherOfDiverse<EnsureRoot<AccountId>, ParameterAdmin>;
	type BlockNumberProvider = System;
	type Filter = pallet_staking::AllStakers<Runtime>;
}

impl pallet_token::Config for Runtime {
	type Currency = Balances;
	type Split = parameters::token::Split;
	type EraDuration = timing::EraDuration;
}
