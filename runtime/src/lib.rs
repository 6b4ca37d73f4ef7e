//! The state transition function of the oGPU chain: its pallets put together.
//!
//! - [`configs`]: how each pallet is set up, by topic.
//! - [`governance`]: the origins and tracks of referenda.
//! - [`timing`]: one wasm, two clocks; genesis chooses.
//! - [`fees`], [`parameters`], [`voter_bags`]: what the configuration is made of.
//! - [`market_api`]: what the market tells before anything is signed.
//! - [`presets`]: the genesis of the `dev`, `local` and `testnet` networks.
//! - [`apis`]: what the node may ask.
//!
//! The native build embeds the wasm as [`WASM_BINARY`].
#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "512"]
// The macro that puts the pallets together makes public items without documentation at the root of
// the crate. Every module below has the lint back on.
#![allow(missing_docs)]

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benches;
#[warn(missing_docs)]
pub mod configs;
#[warn(missing_docs)]
pub mod fees;
#[warn(missing_docs)]
pub mod governance;
pub mod market_api;
pub mod merit;
mod migrations;
#[warn(missing_docs)]
pub mod parameters;
#[warn(missing_docs)]
pub mod presets;
#[warn(missing_docs)]
pub mod timing;
#[warn(missing_docs)]
pub mod voter_bags;
mod weights;

use alloc::{borrow::Cow, vec::Vec};

pub use apis::{RUNTIME_API_VERSIONS, RuntimeApi};
pub use pallet_providers::PROOF_DOMAIN;
pub use pallet_worker::{EXECUTOR_KEY, ExecutorAddress, WORKER_KEY};
use sp_runtime::{
	MultiAddress, MultiSignature, generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

/// A signature of any of the curves that accounts may use.
pub type Signature = MultiSignature;
/// An account: the public key of its signature, or its hash.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// An amount in the token's smallest unit.
pub type Balance = ogpu_primitives::Balance;
/// The number of a block.
pub type BlockNumber = u32;
/// How many transactions an account has sent.
pub type Nonce = u32;
/// A hash of the chain.
pub type Hash = sp_core::H256;
/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// What a transaction carries besides its call, in the order of its checks.
///
/// Only zero-sized extensions may join those that polkadot.js knows: one with data would break its
/// users.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckEra<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);

/// The extension of a transaction that no account signs and pays for.
pub fn unsigned_extension() -> TxExtension {
	(
		frame_system::AuthorizeCall::new(),
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckEra::from(generic::Era::Immortal),
		frame_system::CheckNonce::from(0),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(0),
		frame_metadata_hash_extension::CheckMetadataHash::new(false),
		frame_system::WeightReclaim::new(),
	)
}

/// A transaction as it travels.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// What a transaction's signature covers.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Runs blocks.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

impl_opaque_keys! {
	/// A validator's session keys.
	pub struct SessionKeys {
		/// Finalises blocks (ed25519).
		pub grandpa: Grandpa,
		/// Authors them (sr25519).
		pub babe: Babe,
		/// Signs heartbeats (sr25519).
		pub im_online: ImOnline,
		/// Publishes the node's addresses to the other validators (sr25519).
		pub authority_discovery: AuthorityDiscovery,
	}
}

/// Declares the version; a macro because `runtime_version` takes nothing but literals.
macro_rules! version {
	(spec_version: $spec_version:tt) => {
		/// The version of the runtime.
		#[sp_version::runtime_version]
		pub const VERSION: RuntimeVersion = RuntimeVersion {
			spec_name: Cow::Borrowed("ogpu"),
			impl_name: Cow::Borrowed("ogpu-node"),
			authoring_version: 1,
			spec_version: $spec_version,
			impl_version: 0,
			apis: RUNTIME_API_VERSIONS,
			transaction_version: 1,
			system_version: 1,
		};
	};
}

#[cfg(not(feature = "successor"))]
version!(spec_version: 1);
// What the network test upgrades to; see `migrations`.
#[cfg(feature = "successor")]
version!(spec_version: 2);

/// BABE's parameters at genesis: one slot in four has a primary author; the others have a secondary
/// one that brings a VRF too, because draws need one from every block.
pub const BABE_GENESIS_EPOCH_CONFIG: sp_consensus_babe::BabeEpochConfiguration =
	sp_consensus_babe::BabeEpochConfiguration {
		c: (1, 4),
		allowed_slots: sp_consensus_babe::AllowedSlots::PrimaryAndSecondaryVRFSlots,
	};

/// The pallets. Their indices are part of every encoded call, event and error: never reuse one.
#[frame_support::runtime]
#[allow(missing_docs, reason = "the macro's own items")]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	// The chain itself: 0–19. Timing comes early, because the genesis of others asks for it.
	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Timing = crate::timing;
	#[runtime::pallet_index(2)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(3)]
	pub type Babe = pallet_babe;
	#[runtime::pallet_index(4)]
	pub type Authorship = pallet_authorship;

	// Money: 20–29.
	#[runtime::pallet_index(20)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(21)]
	pub type TransactionPayment = pallet_transaction_payment;
	#[runtime::pallet_index(22)]
	pub type Token = pallet_token;
	#[runtime::pallet_index(23)]
	pub type Vesting = pallet_vesting;

	// Proof of stake: 30–49.
	#[runtime::pallet_index(30)]
	pub type Staking = pallet_staking;
	#[runtime::pallet_index(31)]
	pub type VoterList = pallet_bags_list;
	#[runtime::pallet_index(32)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(33)]
	pub type Historical = pallet_session::historical;
	#[runtime::pallet_index(34)]
	pub type Offences = pallet_offences;
	#[runtime::pallet_index(35)]
	pub type Grandpa = pallet_grandpa;
	#[runtime::pallet_index(36)]
	pub type ImOnline = pallet_im_online;
	#[runtime::pallet_index(37)]
	pub type AuthorityDiscovery = pallet_authority_discovery;
	#[runtime::pallet_index(38)]
	pub type DelegatedStaking = pallet_delegated_staking;
	#[runtime::pallet_index(39)]
	pub type NominationPools = pallet_nomination_pools;

	// Governance: 50–69.
	#[runtime::pallet_index(50)]
	pub type Origins = crate::governance::pallet_origins;
	#[runtime::pallet_index(51)]
	pub type Preimage = pallet_preimage;
	#[runtime::pallet_index(52)]
	pub type Scheduler = pallet_scheduler;
	#[runtime::pallet_index(53)]
	pub type Referenda = pallet_referenda;
	#[runtime::pallet_index(54)]
	pub type ConvictionVoting = pallet_conviction_voting;
	#[runtime::pallet_index(55)]
	pub type Treasury = pallet_treasury;
	#[runtime::pallet_index(56)]
	pub type Bounties = pallet_bounties;
	#[runtime::pallet_index(57)]
	pub type Parameters = pallet_parameters;
	#[runtime::pallet_index(58)]
	pub type SafeMode = pallet_safe_mode;

	// Accounts: 70–79.
	#[runtime::pallet_index(70)]
	pub type Utility = pallet_utility;
	#[runtime::pallet_index(71)]
	pub type Multisig = pallet_multisig;
	#[runtime::pallet_index(72)]
	pub type Proxy = pallet_proxy;
	#[runtime::pallet_index(73)]
	pub type Identity = pallet_identity;

	// The market: 80–99.
	#[runtime::pallet_index(80)]
	pub type TrustLock = pallet_trust_lock;
	#[runtime::pallet_index(81)]
	pub type Providers = pallet_providers;
	#[runtime::pallet_index(82)]
	pub type Tasks = pallet_tasks;
	#[runtime::pallet_index(83)]
	pub type Attestations = pallet_attestations;
	#[runtime::pallet_index(84)]
	pub type Worker = pallet_worker;
	#[runtime::pallet_index(85)]
	pub type Merit = crate::merit;
	#[runtime::pallet_index(86)]
	pub type Ratings = pallet_ratings;

	// Of the `dev` preset alone.
	#[runtime::pallet_index(255)]
	pub type Sudo = pallet_sudo;
}
