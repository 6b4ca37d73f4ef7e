//! Referenda.

use ogpu_primitives::Balance;
use subxt::{
	dynamic::{At, Value},
	ext::scale_value::{ValueDef, Variant},
};

use super::{
	Chain,
	hex::{from_hex, to_hex},
	node,
};
use crate::Error;

/// How a referendum stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
	/// It can be voted in.
	Ongoing {
		/// The track by whose rules it is decided.
		track: u16,
		/// What it would do: a call, or the hash of one.
		proposal: String,
		/// Votes for it.
		ayes: Balance,
		/// Votes against it.
		nays: Balance,
		/// Tokens that vote, whatever their conviction.
		support: Balance,
		/// Where it is in its life.
		phase: &'static str,
	},
	/// It has ended: the pallet's word for how.
	Ended(String),
}

/// The track by whose rules a proposal is decided. It follows from the origin with which it would be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track {
	/// The origin in SCALE: a pallet and its variant.
	pub(super) origin: [u8; 2],
}

impl Track {
	/// The pallet of origins that referenda alone have.
	const ORIGINS: u8 = 50;
	/// All tracks: their names and their origins.
	const ALL: [(&str, [u8; 2]); 8] = [
		("root", [0, 0]),
		("parameter_admin", [Self::ORIGINS, 0]),
		("treasurer", [Self::ORIGINS, 1]),
		("small_spender", [Self::ORIGINS, 2]),
		("slash_canceller", [Self::ORIGINS, 3]),
		("emergency_pauser", [Self::ORIGINS, 4]),
		("referendum_canceller", [Self::ORIGINS, 5]),
		("referendum_killer", [Self::ORIGINS, 6]),
	];
}

impl std::str::FromStr for Track {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
		found.map(|(_, origin)| Self { origin }).ok_or_else(|| {
			let names = Self::ALL.map(|(name, _)| name);
			format!("there is no such track; there are {}", names.join(", "))
		})
	}
}

/// A call that is proposed: so short that it needs no preimage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed(pub(super) Vec<u8>);

impl Proposed {
	/// The most bytes of such a call.
	const LONGEST: usize = 128;
}

impl std::str::FromStr for Proposed {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let call = from_hex(text).filter(|call| !call.is_empty()).ok_or(
			"it is no call: 0x and hexadecimal digits, as polkadot.js apps shows under Developer, Extrinsics, \
			 \"encoded call data\"",
		)?;
		if call.len() > Self::LONGEST {
			return Err(format!(
				"it has {} bytes, and can have {}; note its preimage and propose that, in polkadot.js apps",
				call.len(),
				Self::LONGEST
			));
		}
		Ok(Self(call))
	}
}

/// A referendum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referendum {
	/// Its number.
	pub index: u32,
	/// How it stands.
	pub standing: Standing,
}

impl Chain {
	/// A referendum.
	///
	/// # Errors
	///
	/// When there is none of this number, or the node fails.
	pub async fn referendum(&self, index: u32) -> Result<Referendum, Error> {
		let found: Option<Value> = self.stored("Referenda", "ReferendumInfoFor", (index,)).await?;
		let found =
			found.ok_or_else(|| Error::Refused(format!("there is no referendum {index}")))?;
		let strange = || node("a referendum is not what this program expects; use its release");
		let ValueDef::Variant(Variant { name, values }) = found.value else {
			return Err(strange());
		};
		if name != "Ongoing" {
			return Ok(Referendum { index, standing: Standing::Ended(name) });
		}
		let status = values.values().next().ok_or_else(strange)?;
		let number = |value: Option<&Value>| value.and_then(Value::as_u128).ok_or_else(strange);
		let is_some = |value: Option<&Value>| {
			value.is_some_and(|value| match &value.value {
				ValueDef::Variant(variant) => variant.name == "Some",
				_ => false,
			})
		};
		let phase = if is_some(status.at("deciding").at(0_usize).at("confirming")) {
			"confirming"
		} else if is_some(status.at("deciding")) {
			"deciding"
		} else if is_some(status.at("decision_deposit")) {
			"preparing"
		} else {
			"without decision deposit"
		};
		let standing = Standing::Ongoing {
			track: number(status.at("track"))? as u16,
			proposal: proposal(&self.best().await?, status.at("proposal")),
			ayes: number(status.at("tally").at("ayes"))?,
			nays: number(status.at("tally").at("nays"))?,
			support: number(status.at("tally").at("support"))?,
			phase,
		};
		Ok(Referendum { index, standing })
	}

	/// What a call would be, if it were made now: its pallet and name.
	///
	/// # Errors
	///
	/// When it is no call of this chain's runtime, or the node fails.
	pub async fn describe(&self, proposed: &Proposed) -> Result<String, Error> {
		let found = self.best().await?.transactions().from_call_data_bytes(&proposed.0);
		let call =
			found.map_err(|error| Error::Usage(format!("it is no call of this chain: {error}")))?;
		Ok(format!("{}.{}", call.pallet_name(), call.call_name()))
	}

	/// How many referenda there have been.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn referenda(&self) -> Result<u32, Error> {
		Ok(self.stored("Referenda", "ReferendumCount", ()).await?.unwrap_or(0))
	}
}

/// What a referendum proposes, as far as it can be told: calls that are kept apart are known by their hash.
fn proposal(
	at: &subxt::OnlineClientAtBlock<super::ChainConfig>,
	proposal: Option<&Value>,
) -> String {
	let bytes = |value: Option<&Value>| -> Vec<u8> {
		let composite = value.map(|value| &value.value);
		let Some(ValueDef::Composite(inner)) = composite else { return Vec::new() };
		// Bounded vectors and hashes are wrapped once more.
		let nested = inner.values().next().filter(|first| first.as_u128().is_none());
		let list = match nested.map(|first| &first.value) {
			Some(ValueDef::Composite(inner)) => inner,
			_ => inner,
		};
		list.values().filter_map(|byte| u8::try_from(byte.as_u128()?).ok()).collect()
	};
	let Some(ValueDef::Variant(Variant { name, values })) =
		proposal.map(|proposal| &proposal.value)
	else {
		return "unknown".into();
	};
	match name.as_str() {
		"Inline" => {
			let call = bytes(values.values().next());
			match at.transactions().from_call_data_bytes(&call) {
				Ok(call) => format!("{}.{}", call.pallet_name(), call.call_name()),
				Err(_) => to_hex(&call),
			}
		}
		_ => to_hex(&bytes(values.at("hash"))),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn proposals_are_calls_of_a_track() {
		assert_eq!("small_spender".parse(), Ok(Track { origin: [50, 2] }));
		let unknown = "smallSpender".parse::<Track>().expect_err("its name is another");
		assert!(unknown.contains("root, parameter_admin"), "{unknown}");
		assert_eq!("0x0000".parse(), Ok(Proposed(vec![0, 0])));
		for wrong in ["", "0x", "0000", "0x0"] {
			assert!(wrong.parse::<Proposed>().is_err(), "{wrong}");
		}
		let longest = format!("0x{}", "00".repeat(128));
		assert!(longest.parse::<Proposed>().is_ok());
		let longer = format!("{longest}00").parse::<Proposed>().expect_err("it is too long");
		assert!(longer.contains("129 bytes"), "{longer}");
	}
}
