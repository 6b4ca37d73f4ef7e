//! A network that its founders describe.

use std::{collections::BTreeMap, fs, path::Path};

use codec::DecodeAll;
use ogpu_primitives::{Balance, CAP, OGPU};
use ogpu_runtime::{
	AccountId, SessionKeys,
	configs::TreasuryPalletId,
	presets::{self, Network},
	timing::Profile,
};
use sc_chain_spec::ChainType;
use serde::Deserialize;
use sp_runtime::traits::AccountIdConversion;

use crate::{ChainSpec, Error, builder};

/// A network with validators and allocations of its own, as written in a JSON file.
///
/// ```
/// let text = r#"{
///   "name": "oGPU Example", "id": "ogpu_example", "profile": "production",
///   "validatorCount": 4,
///   "validators": [{
///     "account": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
///     "sessionKeys": "0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0eed43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27dd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27dd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
///   }],
///   "allocations": {"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY": 250000}
/// }"#;
/// let network: ogpu_chain_spec::NetworkFile = serde_json::from_str(text).expect("well formed");
/// assert!(network.spec().is_ok());
/// ```
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkFile {
	/// The network's name, for people.
	pub name: String,
	/// Its id: names the folder of a node's database. Unique among networks.
	pub id: String,
	/// Its clock: `production` or `fast`.
	pub profile: Profile,
	/// How many validators the elections look for.
	pub validator_count: u32,
	/// The first validators.
	pub validators: Vec<Validator>,
	/// Whole oGPU by account. The treasury's endowment comes on top.
	pub allocations: BTreeMap<AccountId, u32>,
	/// Where new nodes find the first peers: multiaddresses with peer id.
	#[serde(default)]
	pub boot_nodes: Vec<String>,
}

/// One of a network's first validators.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validator {
	/// Its stash account.
	pub account: AccountId,
	/// Its session keys in hexadecimal, as `author_rotateKeysWithOwner` of its node returns them.
	pub session_keys: String,
}

impl NetworkFile {
	/// Reads the description of a network.
	///
	/// # Errors
	///
	/// [`Error::Unreadable`], and [`Error::Malformed`] with line and column.
	pub fn read(path: &Path) -> Result<Self, Error> {
		let shown = path.display().to_string();
		let text = fs::read_to_string(path)
			.map_err(|source| Error::Unreadable { path: shown.clone(), source })?;
		serde_json::from_str(&text).map_err(|error| Error::Malformed {
			path: shown,
			kind: "description of a network",
			reason: error.to_string(),
		})
	}

	/// Its specification.
	///
	/// # Errors
	///
	/// [`Error::Genesis`] when keys or boot nodes are malformed, when a validator owns less than its
	/// bond, or when the runtime refuses the genesis (allocations beyond the cap, say).
	pub fn spec(self) -> Result<ChainSpec, Error> {
		self.check()?;
		if self.validators.is_empty() {
			return Err(Error::Genesis(
				"there are no validators, so no block would ever come".into(),
			));
		}
		let validators = self
			.validators
			.iter()
			.map(|validator| Ok((validator.account.clone(), self.keys_of(validator)?)))
			.collect::<Result<Vec<_>, Error>>()?;
		let boot_nodes = self
			.boot_nodes
			.iter()
			.map(|node| {
				node.parse().map_err(|error| Error::Genesis(format!("boot node '{node}': {error}")))
			})
			.collect::<Result<Vec<_>, Error>>()?;

		let allocated = self.allocations.values().copied().map(Balance::from).sum::<Balance>()
			* OGPU + presets::TREASURY_ENDOWMENT;
		if allocated > CAP {
			return Err(Error::Genesis(format!(
				"the allocations and the treasury's endowment add up to {} oGPU, more than the cap of \
				 {}; lower them",
				allocated / OGPU,
				CAP / OGPU,
			)));
		}

		let genesis = presets::genesis(Network {
			profile: self.profile,
			validators,
			allocations: self
				.allocations
				.into_iter()
				.map(|(who, amount)| (who, Balance::from(amount) * OGPU))
				.collect(),
			validator_count: self.validator_count,
			sudo: None,
		});
		let spec = builder(&self.name, &self.id, ChainType::Live)?
			.with_boot_nodes(boot_nodes)
			.with_genesis_config_patch(genesis)
			.build();
		crate::json(&spec, crate::Form::Raw)?;
		Ok(spec)
	}

	/// What the runtime would refuse without telling why.
	fn check(&self) -> Result<(), Error> {
		let refuse = |why: String| Err(Error::Genesis(why));
		if self.validator_count == 0 {
			return refuse(
				"validatorCount is 0, so no election could succeed; give at least 1".into(),
			);
		}
		let treasury: AccountId = TreasuryPalletId::get().into_account_truncating();
		for (who, amount) in &self.allocations {
			if *amount == 0 {
				return refuse(format!("{who} is allocated nothing; leave it out"));
			}
			if *who == treasury {
				return refuse(format!(
					"{who} is the treasury, which has its endowment; leave it out"
				));
			}
		}
		for (i, validator) in self.validators.iter().enumerate() {
			let who = &validator.account;
			for other in &self.validators[..i] {
				if other.account == *who {
					return refuse(format!("{who} is listed twice among the validators"));
				}
				if other.session_keys == validator.session_keys {
					return refuse(format!(
						"{} and {who} have the same session keys",
						other.account
					));
				}
			}
		}
		Ok(())
	}

	/// The keys of `validator`, which must own what it has bonded at genesis.
	fn keys_of(&self, validator: &Validator) -> Result<SessionKeys, Error> {
		let who = &validator.account;
		let owned =
			self.allocations.get(who).copied().map_or(0, |amount| Balance::from(amount) * OGPU);
		if owned <= presets::GENESIS_BOND {
			return Err(Error::Genesis(format!(
				"validator {who} owns {} oGPU and must own more than its bond of {}; raise its \
				 allocation",
				owned / OGPU,
				presets::GENESIS_BOND / OGPU,
			)));
		}
		sp_core::bytes::from_hex(&validator.session_keys)
			.ok()
			.and_then(|bytes| SessionKeys::decode_all(&mut &bytes[..]).ok())
			.ok_or_else(|| {
				Error::Genesis(format!(
					"the session keys of {who} are not 128 bytes in hexadecimal; take what \
					 author_rotateKeysWithOwner returns as `keys`"
				))
			})
	}
}
