//! A provider, its collateral, and the worker key of its node.

use ogpu_primitives::{
	Balance,
	market::{reputation, trial::TRIALS},
};
use serde_json::Value;
use subxt::{ext::scale_decode::DecodeAsType, rpcs::rpc_params};

use super::{AccountId, Chain, cause, hex::from_hex, node};
use crate::Error;

/// The worker key of a node, and its signature over the account that it will sign for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerProof {
	/// The sr25519 public key.
	pub key: [u8; 32],
	/// The proof.
	pub proof: [u8; 64],
}

/// Whether a provider gets new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub enum Status {
	/// It does, while its heartbeats come.
	Open,
	/// It does not, until governance reinstates it.
	Suspended,
	/// It does not: it is leaving.
	Retiring,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct DeviceFields {
	name: Vec<u8>,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ProfileFields {
	region: u16,
	devices: Vec<DeviceFields>,
}

#[derive(Clone, Copy, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ComponentFields {
	good: Balance,
	all: Balance,
}

impl ComponentFields {
	fn thousandths(self) -> u16 {
		reputation::Component { good: self.good, all: self.all }.thousandths()
	}
}

#[derive(Clone, Copy, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ReputationFields {
	verdicts: ComponentFields,
	timeliness: ComponentFields,
	uptime: ComponentFields,
	disputes: ComponentFields,
}

#[derive(Clone, Copy, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct OccupationFields {
	tasks: u32,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ProviderFields {
	profile: ProfileFields,
	group: u32,
	stash: Option<AccountId>,
	status: Status,
	rating: u32,
	reputation: ReputationFields,
	occupation: OccupationFields,
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderState {
	/// Whether it gets new work.
	pub status: Status,
	/// Whether its heartbeats come.
	pub active: bool,
	/// What its drivers call its devices.
	pub devices: Vec<String>,
	/// Where it is: an ISO 3166-1 numeric code.
	pub region: u16,
	/// Its operator.
	pub group: u32,
	/// The validator's stash that is linked to it.
	pub stash: Option<AccountId>,
	/// Its proven rating, in thousandths of the reference device.
	pub rating: u32,
	/// Its seats on panels.
	pub seats: u32,
	/// Its tasks under way.
	pub tasks: u32,
	/// Verdicts, timeliness, uptime and disputes, in thousandths.
	pub reputation: [u16; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct UnbondingFields {
	amount: Balance,
	until: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct LedgerFields {
	bonded: Balance,
	locked: Balance,
	seats: Balance,
	unbonding: Vec<UnbondingFields>,
}

/// What an account has in collateral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collateral {
	/// In all.
	pub bonded: Balance,
	/// Of that, locked for tasks.
	pub locked: Balance,
	/// Of that, the price of its seats.
	pub seats: Balance,
	/// Of that, free.
	pub free: Balance,
	/// On its way out: how much, and the moment of the market clock from which on it can be withdrawn.
	pub unbonding: Vec<(Balance, u32)>,
}

/// How far a trial is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum TrialStage {
	Waiting,
	Running { until: u32 },
	Verifying { rating: u32 },
	Proven { rating: u32 },
	False { rating: u32 },
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct TrialFields {
	rating: u32,
	stage: TrialStage,
}

/// A provider's proof of how fast it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
	/// Its number.
	pub number: u64,
	/// What the provider says, in thousandths of the reference device.
	pub claimed: u32,
	stage: TrialStage,
}

impl Trial {
	/// What its stage is called.
	pub const fn word(&self) -> &'static str {
		match self.stage {
			TrialStage::Waiting => "waiting for the bell",
			TrialStage::Running { .. } => "computing",
			TrialStage::Verifying { .. } => "verifying",
			TrialStage::Proven { .. } => "proven",
			TrialStage::False { .. } => "found false",
		}
	}
}

impl std::fmt::Display for Trial {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "trial {} for {}: {}", self.number, self.claimed, self.word())?;
		match self.stage {
			TrialStage::Running { until } => write!(f, ", until the market's block {until}"),
			TrialStage::Verifying { rating } | TrialStage::Proven { rating } => {
				write!(f, ", {rating}")
			}
			// What verification knows it as.
			TrialStage::False { .. } => {
				write!(f, "; `ogpu appeal {}` has others judge it again", self.number | TRIALS)
			}
			TrialStage::Waiting => Ok(()),
		}
	}
}

impl Chain {
	/// The worker key of the node, with its proof for an account.
	///
	/// # Errors
	///
	/// When the node has none, or is not this machine's own.
	pub async fn worker_proof(&self, account: &AccountId) -> Result<WorkerProof, Error> {
		let asked =
			self.raw.request("provider_workerProof", rpc_params![account.to_string()]).await;
		let answer: Value = asked.map_err(|error| node(cause(&error)))?;
		let bytes = |name: &str| answer[name].as_str().and_then(from_hex).unwrap_or_default();
		let proof = bytes("key").try_into().ok().zip(bytes("proof").try_into().ok());
		let (key, proof) = proof.ok_or_else(|| {
			node("its worker proof is not what this program expects; use its release")
		})?;
		Ok(WorkerProof { key, proof })
	}

	/// What verifying a trial for a rating costs at most, and what is lost if it is false.
	///
	/// # Errors
	///
	/// When too few could verify it, or the node fails.
	pub async fn cost_of_trial(&self, rating: u32) -> Result<(Balance, Balance), Error> {
		let costs: Option<(Balance, Balance)> = self.view("Ratings", "costs", (rating,)).await?;
		costs.ok_or_else(|| {
			Error::Refused(
				"too few operators with seats could verify a trial now; try later".into(),
			)
		})
	}

	/// The trial that a provider is in.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn trial(&self, account: &AccountId) -> Result<Option<Trial>, Error> {
		let found: Option<(u64, TrialFields)> =
			self.view("Ratings", "trial_of", (*account,)).await?;
		Ok(found.map(|(number, TrialFields { rating, stage })| Trial {
			number,
			claimed: rating,
			stage,
		}))
	}

	/// The last moment of the market clock in which a provider's rating counts, if it has one.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn rated_until(&self, account: &AccountId) -> Result<Option<u32>, Error> {
		self.view("Ratings", "rated_until", (*account,)).await
	}

	/// A provider.
	///
	/// # Errors
	///
	/// When the account is none, or the node fails.
	pub async fn provider(&self, account: &AccountId) -> Result<ProviderState, Error> {
		let found: Option<(ProviderFields, bool, u32)> =
			self.view("Providers", "get", (*account,)).await?;
		let (found, active, seats) = found.ok_or_else(|| {
			Error::Refused(format!(
				"{account} is no provider; `ogpu provider register` makes it one"
			))
		})?;
		let names = found.profile.devices.iter();
		let reputation = found.reputation;
		Ok(ProviderState {
			status: found.status,
			active,
			devices: names.map(|device| String::from_utf8_lossy(&device.name).into()).collect(),
			region: found.profile.region,
			group: found.group,
			stash: found.stash,
			rating: found.rating,
			seats,
			tasks: found.occupation.tasks,
			reputation: [
				reputation.verdicts,
				reputation.timeliness,
				reputation.uptime,
				reputation.disputes,
			]
			.map(ComponentFields::thousandths),
		})
	}

	/// What an account has in collateral.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn collateral(&self, account: &AccountId) -> Result<Collateral, Error> {
		let (ledger, free): (LedgerFields, Balance) =
			self.view("TrustLock", "collateral", (*account,)).await?;
		let LedgerFields { bonded, locked, seats, unbonding } = ledger;
		let unbonding =
			unbonding.into_iter().map(|UnbondingFields { amount, until }| (amount, until));
		Ok(Collateral { bonded, locked, seats, free, unbonding: unbonding.collect() })
	}
}
