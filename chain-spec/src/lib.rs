//! The chain specifications of the oGPU networks: how they are made, loaded and kept in step.
//!
//! A network is one of the runtime's presets ([`Preset`]), or one that its founders describe in a
//! [`NetworkFile`]. Either way the runtime computes the genesis state; this crate adds what nodes
//! need besides: a name, an id, the token's properties and the boot nodes.
//!
//! The node loads specifications with [`load`]; the program `ogpu-chain-spec` writes and checks the
//! ones that are committed.
//!
//! ```
//! use ogpu_chain_spec::Preset;
//! use sc_chain_spec::ChainSpec as _;
//!
//! let spec = ogpu_chain_spec::load("local").expect("a preset");
//! assert_eq!(spec.id(), "ogpu_local");
//! assert!("lcoal".parse::<Preset>().is_err());
//! ```

mod committed;
mod network;

use std::{fs, path::Path, str::FromStr};

pub use committed::{Committed, Form, json};
pub use network::NetworkFile;
use ogpu_runtime::presets;
use sc_chain_spec::{ChainSpecExtension, ChainType, GenericChainSpec, Properties};
use serde::{Deserialize, Serialize};

/// What a specification carries besides the genesis.
#[derive(Default, Clone, Serialize, Deserialize, ChainSpecExtension)]
#[serde(rename_all = "camelCase")]
pub struct Extensions {
	/// A recent finalised state from which light clients may start.
	pub light_sync_state: sc_sync_state_rpc::LightSyncStateExtension,
}

/// A chain specification of an oGPU network.
pub type ChainSpec = GenericChainSpec<Extensions>;

/// Why there is no specification. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
	/// Neither a preset nor a file has this name.
	#[error(
		"there is no network called '{0}' and no file of that name; use dev, local, testnet, or \
		 the path of a chain specification"
	)]
	Unknown(String),
	/// The file cannot be read.
	#[error("cannot read '{path}': {source}; check the path and its permissions")]
	Unreadable {
		/// The file.
		path: String,
		/// What the system says.
		source: std::io::Error,
	},
	/// The file is no specification.
	#[error(
		"'{path}' is not a valid {kind}: {reason}; make a new one with `ogpu-chain-spec build`"
	)]
	Malformed {
		/// The file.
		path: String,
		/// What it should be.
		kind: &'static str,
		/// Where it goes wrong.
		reason: String,
	},
	/// The committed form of a specification leaves the code out, so it cannot start a node.
	#[error(
		"'{0}' holds no runtime code: it is the committed form, for review; make the complete one \
		 with `ogpu-chain-spec build`"
	)]
	WithoutCode(String),
	/// The runtime refuses the genesis.
	#[error("the runtime refuses this genesis: {0}")]
	Genesis(String),
	/// The binary was built without the runtime's wasm.
	#[error("this binary was built with SKIP_WASM_BUILD and has no runtime; build it without")]
	NoWasm,
}

/// A network whose genesis the runtime knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
	/// One validator, fast clock, sudo.
	Dev,
	/// Four validators, fast clock.
	Local,
	/// Four validators, production clock.
	Testnet,
}

impl Preset {
	/// All of them.
	pub const ALL: [Self; 3] = [Self::Dev, Self::Local, Self::Testnet];

	/// Its name, as given to `--chain`.
	pub fn name(self) -> &'static str {
		match self {
			Self::Dev => presets::DEV,
			Self::Local => presets::LOCAL,
			Self::Testnet => presets::TESTNET,
		}
	}

	/// The specification of this network.
	///
	/// # Errors
	///
	/// [`Error::NoWasm`].
	pub fn spec(self) -> Result<ChainSpec, Error> {
		let (title, chain_type) = match self {
			Self::Dev => ("oGPU Development", ChainType::Development),
			Self::Local => ("oGPU Local", ChainType::Local),
			Self::Testnet => ("oGPU Testnet", ChainType::Live),
		};
		Ok(builder(title, &format!("ogpu_{}", self.name()), chain_type)?
			.with_genesis_config_preset_name(self.name())
			.build())
	}
}

impl FromStr for Preset {
	type Err = Error;

	fn from_str(name: &str) -> Result<Self, Error> {
		Self::ALL
			.into_iter()
			.find(|preset| preset.name() == name)
			.ok_or_else(|| Error::Unknown(name.into()))
	}
}

type Builder = sc_chain_spec::ChainSpecBuilder<Extensions>;

/// What all networks have in common.
fn builder(title: &str, id: &str, chain_type: ChainType) -> Result<Builder, Error> {
	let code = ogpu_runtime::WASM_BINARY.ok_or(Error::NoWasm)?;
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), "oGPU".into());
	properties.insert("tokenDecimals".into(), ogpu_primitives::DECIMALS.into());
	properties.insert("ss58Format".into(), ogpu_runtime::configs::SS58Prefix::get().into());

	Ok(ChainSpec::builder(code, Extensions::default())
		.with_name(title)
		.with_id(id)
		.with_chain_type(chain_type)
		.with_protocol_id("ogpu")
		.with_properties(properties))
}

/// The specification that `--chain` names: a preset, or the path of a file.
///
/// # Errors
///
/// Every [`Error`]; the file is checked for shape, code and genesis before anything uses it.
pub fn load(id: &str) -> Result<ChainSpec, Error> {
	match id.parse::<Preset>() {
		Ok(preset) => preset.spec(),
		Err(unknown) if !Path::new(id).exists() => Err(unknown),
		Err(_) => from_file(Path::new(id)),
	}
}

/// Reads and checks a specification, plain or raw.
fn from_file(path: &Path) -> Result<ChainSpec, Error> {
	let shown = path.display().to_string();
	let text =
		fs::read(path).map_err(|source| Error::Unreadable { path: shown.clone(), source })?;
	let malformed = |reason: String| Error::Malformed {
		path: shown.clone(),
		kind: "chain specification",
		reason: reason.lines().next().unwrap_or_default().into(),
	};
	let json: serde_json::Value =
		serde_json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
	if committed::is_without_code(&json) {
		return Err(Error::WithoutCode(shown));
	}
	let spec = ChainSpec::from_json_bytes(text).map_err(&malformed)?;
	// A plain specification is only a wish until the runtime has built a state from it.
	sc_chain_spec::ChainSpec::as_json(&spec, true).map_err(malformed)?;
	Ok(spec)
}
