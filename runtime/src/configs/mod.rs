//! How each pallet is set up: accounts and fees here, `consensus`, `governance` and `market` beside.

mod consensus;
pub mod duties;
mod governance;
mod market;

pub use consensus::{DisableTheSlashed, MAX_CANDIDATES, MaxAuthorities, OnChainElection};
pub use governance::{TreasuryAccount, TreasuryPalletId};
pub use market::{CollateralPot, EscrowPot};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	parameter_types,
	traits::{
		ConstU8, ConstU32, ConstU128, Contains, EitherOf, EitherOfDiverse, InsideBoth,
		InstanceFilter, LinearStoragePrice, WithdrawReasons, fungible::HoldConsideration,
	},
	weights::{
		Weight,
		constants::{
			BlockExecutionWeight, ExtrinsicBaseWeight, ParityDbWeight, WEIGHT_REF_TIME_PER_SECOND,
		},
	},
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess};
use ogpu_primitives::{Balance, OGPU};
use sp_runtime::{
	Perbill,
	traits::{BlakeTwo256, ConvertInto, Verify},
};
use sp_version::RuntimeVersion;

use crate::{
	AccountId, Balances, Block, BlockNumber, Nonce, OriginCaller, PalletInfo, Preimage, Runtime,
	RuntimeCall, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, RuntimeOrigin, RuntimeTask,
	SafeMode, Signature, System, TxExtension, UncheckedExtrinsic, VERSION,
	fees::{self, deposit},
	governance::origins::{EmergencyPauser, ParameterAdmin},
	parameters::{self, RuntimeParameters},
	timing,
};

/// Part of a block that ordinary transactions may fill; the rest is for operational ones.
pub const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

/// One second of execution in a three-second slot: a full block is built in half the slot, and what is
/// left is enough for the next author to receive and execute it.
pub const MAXIMUM_BLOCK_WEIGHT: Weight = Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND, u64::MAX);

/// Four mebibytes: room for a runtime upgrade in the normal part, and still within what a home
/// connection passes on in a slot.
pub const MAXIMUM_BLOCK_LENGTH: u32 = 4 * 1024 * 1024;

parameter_types! {
	/// Blocks whose hash a transaction's mortality may refer to: 2.4 hours.
	pub const BlockHashCount: BlockNumber = 2_880;
	/// The version of this runtime.
	pub const Version: RuntimeVersion = VERSION;
	/// The limits of a block's length.
	pub BlockLength: frame_system::limits::BlockLength =
		frame_system::limits::BlockLength::builder()
			.max_length(MAXIMUM_BLOCK_LENGTH)
			.modify_max_length_for_class(DispatchClass::Normal, |length| {
				*length = NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_LENGTH;
			})
			.build();
	/// The limits of a block's weight.
	pub BlockWeights: frame_system::limits::BlockWeights =
		frame_system::limits::BlockWeights::builder()
			.base_block(BlockExecutionWeight::get())
			.for_class(DispatchClass::all(), |weights| {
				weights.base_extrinsic = ExtrinsicBaseWeight::get();
			})
			.for_class(DispatchClass::Normal, |weights| {
				weights.max_total = Some(NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_WEIGHT);
			})
			.for_class(DispatchClass::Operational, |weights| {
				weights.max_total = Some(MAXIMUM_BLOCK_WEIGHT);
				weights.reserved =
					Some(MAXIMUM_BLOCK_WEIGHT - NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_WEIGHT);
			})
			.avg_block_initialization(Perbill::from_percent(5))
			.build_or_panic();
	/// The generic Substrate prefix; see docs/decisions.
	pub const SS58Prefix: u16 = 42;
}

/// Sudo belongs to the `dev` preset. Elsewhere it has no key, and its calls don't pass either.
pub struct NoSudoOutsideDev;

impl Contains<RuntimeCall> for NoSudoOutsideDev {
	fn contains(call: &RuntimeCall) -> bool {
		!matches!(call, RuntimeCall::Sudo(_)) || pallet_sudo::Key::<Runtime>::exists()
	}
}

/// Staking has one admin origin for cancelling slashes and for ordering them. The referendum track
/// that may cancel must not do the rest, so the rest passes for Root alone, which no filter stops.
pub struct StakingAdminIsRoot;

impl Contains<RuntimeCall> for StakingAdminIsRoot {
	fn contains(call: &RuntimeCall) -> bool {
		use pallet_staking::Call;
		!matches!(
			call,
			RuntimeCall::Staking(
				Call::manual_slash { .. }
					| Call::restore_ledger { .. }
					| Call::set_min_commission { .. }
					| Call::deprecate_controller_batch { .. }
			)
		)
	}
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type BaseCallFilter = InsideBoth<SafeMode, InsideBoth<NoSudoOutsideDev, StakingAdminIsRoot>>;
	type Block = Block;
	type Nonce = Nonce;
	type AccountData = pallet_balances::AccountData<Balance>;
	type BlockHashCount = BlockHashCount;
	type BlockWeights = BlockWeights;
	type BlockLength = BlockLength;
	type DbWeight = ParityDbWeight;
	type Version = Version;
	type SS58Prefix = SS58Prefix;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
	type MaxConsumers = ConstU32<128>;
	type SingleBlockMigrations = crate::migrations::SingleBlock;
}

impl timing::Config for Runtime {}

impl pallet_balances::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type Balance = Balance;
	type DustRemoval = ();
	type ExistentialDeposit = ConstU128<{ fees::EXISTENTIAL_DEPOSIT }>;
	type AccountStore = System;
	type ReserveIdentifier = [u8; 8];
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ConstU32<50>;
	type MaxFreezes = ConstU32<50>;
	type DoneSlashHandler = ();
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnChargeTransaction =
		pallet_transaction_payment::FungibleAdapter<Balances, fees::ToTreasuryAndAuthor>;
	type WeightToFee = fees::WeightToFee;
	type LengthToFee =
		frame_support::weights::ConstantMultiplier<Balance, ConstU128<{ fees::FEE_PER_BYTE }>>;
	type FeeMultiplierUpdate = fees::FeeMultiplier;
	type OperationalFeeMultiplier = ConstU8<5>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

impl pallet_utility::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
	/// One entry for the call's hash and the approvals so far.
	pub const MultisigDepositBase: Balance = deposit(1, 88);
	/// One account among the approvals.
	pub const MultisigDepositFactor: Balance = deposit(0, 32);
	/// One entry for an account's proxies.
	pub const ProxyDepositBase: Balance = deposit(1, 8);
	/// One proxy among them.
	pub const ProxyDepositFactor: Balance = deposit(0, 37);
	/// One entry for an account's announcements.
	pub const AnnouncementDepositBase: Balance = deposit(1, 8);
	/// One announcement among them.
	pub const AnnouncementDepositFactor: Balance = deposit(0, 68);
}

impl pallet_multisig::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type DepositBase = MultisigDepositBase;
	type DepositFactor = MultisigDepositFactor;
	type MaxSignatories = ConstU32<100>;
	type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
	type BlockNumberProvider = System;
}

/// What a proxy may do in its principal's name.
#[derive(
	Copy,
	Clone,
	Debug,
	Default,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	scale_info::TypeInfo,
)]
pub enum ProxyType {
	/// Everything.
	#[default]
	#[codec(index = 0)]
	Any,
	/// Everything that moves no funds.
	#[codec(index = 1)]
	NonTransfer,
	/// Proposing, voting and the treasury.
	#[codec(index = 2)]
	Governance,
	/// Staking, session keys and nomination pools.
	#[codec(index = 3)]
	Staking,
	/// Nomination pools alone.
	#[codec(index = 4)]
	NominationPools,
	/// Rejecting announced calls of other proxies.
	#[codec(index = 5)]
	CancelProxy,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		use RuntimeCall as C;
		match self {
			Self::Any => true,
			Self::NonTransfer => !matches!(
				call,
				C::Balances(_)
					| C::Vesting(pallet_vesting::Call::vested_transfer { .. })
					// A task pays whoever wins it.
					| C::Tasks(_)
					| C::Sudo(_)
			),
			Self::Governance => {
				matches!(
					call,
					C::Preimage(_)
						| C::Referenda(_) | C::ConvictionVoting(_)
						| C::Treasury(_) | C::Bounties(_)
						| C::Utility(_)
				)
			}
			Self::Staking => matches!(
				call,
				C::Staking(_)
					| C::Session(_) | C::VoterList(_)
					| C::NominationPools(_)
					| C::Utility(_)
			),
			Self::NominationPools => matches!(call, C::NominationPools(_) | C::Utility(_)),
			Self::CancelProxy => {
				matches!(call, C::Proxy(pallet_proxy::Call::reject_announcement { .. }))
			}
		}
	}

	fn is_superset(&self, other: &Self) -> bool {
		match (self, other) {
			(Self::Any, _) | (Self::Staking, Self::NominationPools) => true,
			(_, Self::Any) => false,
			(Self::NonTransfer, _) => true,
			(a, b) => a == b,
		}
	}
}

impl pallet_proxy::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type ProxyType = ProxyType;
	type ProxyDepositBase = ProxyDepositBase;
	type ProxyDepositFactor = ProxyDepositFactor;
	type MaxProxies = ConstU32<32>;
	type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
	type MaxPending = ConstU32<32>;
	type CallHasher = BlakeTwo256;
	type AnnouncementDepositBase = AnnouncementDepositBase;
	type AnnouncementDepositFactor = AnnouncementDepositFactor;
	type BlockNumberProvider = System;
}

parameter_types! {
	/// One entry for an identity.
	pub const IdentityBasicDeposit: Balance = deposit(1, 258);
	/// One byte of it.
	pub const IdentityByteDeposit: Balance = deposit(0, 1);
	/// One sub-account.
	pub const SubAccountDeposit: Balance = deposit(1, 53);
	/// One user name.
	pub const UsernameDeposit: Balance = deposit(1, 32);
	/// Blocks within which a granted user name must be accepted.
	pub const PendingUsernameExpiration: BlockNumber = 7 * timing::DAYS;
	/// Blocks between taking a user name away and its removal.
	pub const UsernameGracePeriod: BlockNumber = 30 * timing::DAYS;
}

impl pallet_identity::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type BasicDeposit = IdentityBasicDeposit;
	type ByteDeposit = IdentityByteDeposit;
	type UsernameDeposit = UsernameDeposit;
	type SubAccountDeposit = SubAccountDeposit;
	type MaxSubAccounts = ConstU32<100>;
	type IdentityInformation = pallet_identity::legacy::IdentityInfo<ConstU32<100>>;
	type MaxRegistrars = ConstU32<20>;
	type Slashed = governance::SlashToTreasury;
	type ForceOrigin = EnsureRoot<AccountId>;
	type RegistrarOrigin = EnsureRoot<AccountId>;
	type OffchainSignature = Signature;
	type SigningPublicKey = <Signature as Verify>::Signer;
	type UsernameAuthorityOrigin = EnsureRoot<AccountId>;
	type PendingUsernameExpiration = PendingUsernameExpiration;
	type UsernameGracePeriod = UsernameGracePeriod;
	type MaxSuffixLength = ConstU32<7>;
	type MaxUsernameLength = ConstU32<32>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
	type WeightInfo = pallet_identity::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
	/// Vesting funds may vote and be bonded, but not be moved.
	pub UnvestedFundsAllowedWithdrawReasons: WithdrawReasons =
		WithdrawReasons::except(WithdrawReasons::TRANSFER | WithdrawReasons::RESERVE);
}

impl pallet_vesting::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type BlockNumberToBalance = ConvertInto;
	type MinVestedTransfer = ConstU128<OGPU>;
	type WeightInfo = pallet_vesting::weights::SubstrateWeight<Runtime>;
	type UnvestedFundsAllowedWithdrawReasons = UnvestedFundsAllowedWithdrawReasons;
	type BlockNumberProvider = System;
	const MAX_VESTING_SCHEDULES: u32 = 28;
}

parameter_types! {
	/// One entry for a preimage's status, one for its bytes.
	pub const PreimageBaseDeposit: Balance = deposit(2, 64);
	/// One byte of it.
	pub const PreimageByteDeposit: Balance = deposit(0, 1);
	/// Why the deposit is held.
	pub const PreimageHoldReason: RuntimeHoldReason =
		RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
}

impl pallet_preimage::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type ManagerOrigin = EnsureRoot<AccountId>;
	type Consideration = HoldConsideration<
		AccountId,
		Balances,
		PreimageHoldReason,
		LinearStoragePrice<PreimageBaseDeposit, PreimageByteDeposit, Balance>,
	>;
}

parameter_types! {
	/// Part of a block that scheduled calls may fill.
	pub MaximumSchedulerWeight: Weight = Perbill::from_percent(80) * MAXIMUM_BLOCK_WEIGHT;
}

impl pallet_scheduler::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeOrigin = RuntimeOrigin;
	type PalletsOrigin = OriginCaller;
	type RuntimeCall = RuntimeCall;
	type MaximumWeight = MaximumSchedulerWeight;
	type ScheduleOrigin = EnsureRoot<AccountId>;
	type OriginPrivilegeCmp = frame_support::traits::EqualPrivilegeOnly;
	type MaxScheduledPerBlock = ConstU32<50>;
	type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Runtime>;
	type Preimages = Preimage;
	type BlockNumberProvider = System;
}

/// Root, or the referendum track that the parameter belongs to.
pub struct ParameterOrigin;

impl frame_support::traits::EnsureOriginWithArg<RuntimeOrigin, parameters::RuntimeParametersKey>
	for ParameterOrigin
{
	type Success = ();

	fn try_origin(
		origin: RuntimeOrigin,
		key: &parameters::RuntimeParametersKey,
	) -> Result<(), RuntimeOrigin> {
		use frame_support::traits::EnsureOrigin;
		match key {
			parameters::RuntimeParametersKey::Token(_)
			| parameters::RuntimeParametersKey::Market(_) => {
				EitherOfDiverse::<EnsureRoot<AccountId>, ParameterAdmin>::try_origin(origin)
					.map(|_| ())
			}
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_: &parameters::RuntimeParametersKey) -> Result<RuntimeOrigin, ()> {
		Ok(RuntimeOrigin::root())
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl Default for RuntimeParameters {
	fn default() -> Self {
		RuntimeParameters::Token(parameters::token::Parameters::Split(
			parameters::token::Split,
			Some(pallet_token::EmissionSplit::DEFAULT),
		))
	}
}

impl pallet_parameters::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeParameters = RuntimeParameters;
	type AdminOrigin = ParameterOrigin;
	type WeightInfo = ();
}

/// What goes on in an emergency: the chain itself, and the means to end the emergency. Wrappers
/// are let through because the filter sees the calls inside them again.
pub struct WorksInSafeMode;

impl Contains<RuntimeCall> for WorksInSafeMode {
	fn contains(call: &RuntimeCall) -> bool {
		use RuntimeCall as C;
		matches!(
			call,
			C::System(_)
				| C::Timestamp(_)
				| C::Babe(_) | C::Grandpa(_)
				| C::ImOnline(_)
				| C::Session(_)
				| C::Staking(_)
				| C::Preimage(_)
				| C::Scheduler(_)
				| C::Referenda(_)
				| C::ConvictionVoting(_)
				// What other tracks enact: a call that is filtered when it is due is lost.
				| C::Parameters(_)
				| C::Treasury(_)
				| C::SafeMode(_)
				| C::Sudo(_) | C::Utility(_)
				| C::Multisig(_)
				| C::Proxy(_)
				// Whoever is there may say so, and take back what is due.
				| C::Providers(pallet_providers::Call::heartbeat { .. })
				| C::TrustLock(_)
				// Work that is under way goes on; deadlines stand still.
				| C::Worker(_)
		)
	}
}

parameter_types! {
	/// Nobody can buy a pause.
	pub const NoDeposit: Option<Balance> = None;
	/// Deposits are never released, since there are none.
	pub const NoRelease: Option<BlockNumber> = None;
}

impl pallet_safe_mode::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WhitelistedCalls = WorksInSafeMode;
	type EnterDuration = timing::PauseDuration;
	type ExtendDuration = timing::PauseDuration;
	type EnterDepositAmount = NoDeposit;
	type ExtendDepositAmount = NoDeposit;
	type ForceEnterOrigin = PauseOrigin;
	type ForceExtendOrigin = PauseOrigin;
	type ForceExitOrigin = EitherOfDiverse<EnsureRoot<AccountId>, EmergencyPauser>;
	type ForceDepositOrigin = EnsureRoot<AccountId>;
	type Notify = ();
	type ReleaseDelay = NoRelease;
	type WeightInfo = pallet_safe_mode::weights::SubstrateWeight<Runtime>;
}

/// Root or the emergency track, for one [`timing::PauseDuration`] at a time.
pub type PauseOrigin = EitherOf<
	EnsureRootWithSuccess<AccountId, timing::PauseDuration>,
	frame_system::EnsureWithSuccess<EmergencyPauser, AccountId, timing::PauseDuration>,
>;

impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}

/// How the runtime's own pallets make transactions: equivocation reports are bare, heartbeats are
/// authorised ones.
impl<LocalCall> frame_system::offchain::CreateTransactionBase<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<LocalCall> frame_system::offchain::CreateBare<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_bare(call)
	}
}

impl<LocalCall> frame_system::offchain::CreateTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extension = TxExtension;

	fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_transaction(call, extension)
	}
}

impl<LocalCall> frame_system::offchain::CreateAuthorizedTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	fn create_extension() -> TxExtension {
		crate::unsigned_extension()
	}
}
