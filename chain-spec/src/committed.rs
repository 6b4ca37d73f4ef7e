//! The form in which specifications are committed: complete but for the runtime's code.
//!
//! The code is over a megabyte of hexadecimal that changes with every change of the runtime and with
//! the compiler, and nobody can review it. Everything else in a specification is small, readable and
//! the same on every machine, so it is kept under version control and compared.

use serde_json::Value;

use crate::{ChainSpec, Error, Preset};

/// Stands where the code was.
const PLACEHOLDER: &str = "left out; `ogpu-chain-spec build` puts it here";

/// Where a plain specification keeps its code, and a raw one (under the storage key `:code`).
const PLACES: [&str; 2] = ["/genesis/runtimeGenesis/code", "/genesis/raw/top/0x3a636f6465"];

/// Which of the two forms of a specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
	/// With the genesis as configuration, for people.
	Plain,
	/// With the genesis as storage, which is what nodes of a public network use.
	Raw,
}

/// A committed specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
	/// Of this network,
	pub preset: Preset,
	/// in this form.
	pub form: Form,
}

impl Committed {
	/// All that are committed.
	pub fn all() -> impl Iterator<Item = Self> {
		Preset::ALL
			.into_iter()
			.flat_map(|preset| [Form::Plain, Form::Raw].map(|form| Self { preset, form }))
	}

	/// The name of its file.
	pub fn file_name(self) -> String {
		match self.form {
			Form::Plain => format!("{}.json", self.preset.name()),
			Form::Raw => format!("{}-raw.json", self.preset.name()),
		}
	}

	/// Its text.
	///
	/// # Errors
	///
	/// As [`Preset::spec`], and [`Error::Genesis`].
	pub fn text(self) -> Result<String, Error> {
		let mut json: Value = serde_json::from_str(&json(&self.preset.spec()?, self.form)?)
			.map_err(|error| Error::Genesis(error.to_string()))?;
		for place in PLACES {
			if let Some(code) = json.pointer_mut(place) {
				*code = PLACEHOLDER.into();
			}
		}
		Ok(format!("{json:#}\n"))
	}
}

/// The complete text of `spec`.
///
/// # Errors
///
/// [`Error::Genesis`] when the runtime refuses the genesis.
pub fn json(spec: &ChainSpec, form: Form) -> Result<String, Error> {
	sc_chain_spec::ChainSpec::as_json(spec, form == Form::Raw)
		.map_err(|reason| Error::Genesis(reason.lines().next().unwrap_or_default().into()))
}

/// Is this the committed form of a specification?
pub(crate) fn is_without_code(json: &Value) -> bool {
	PLACES.iter().any(|place| json.pointer(place).and_then(Value::as_str) == Some(PLACEHOLDER))
}
