//! Referenda.

use ogpu_primitives::Balance;
use subxt::{
	dynamic::{At, Value},
	ext::scale_value::{ValueDef, Variant},
};

use super::{Chain, hex::to_hex, node};
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
