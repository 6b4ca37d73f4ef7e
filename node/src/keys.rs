//! Which kind of signature each kind of key makes.

use sc_cli::{CryptoScheme, Error, InsertKeyCmd, KeySubcommand, Result};

/// The key types that this chain uses, and their schemes.
pub const SCHEMES: [(&str, CryptoScheme); 5] = [
	("babe", CryptoScheme::Sr25519),
	("gran", CryptoScheme::Ed25519),
	("imon", CryptoScheme::Sr25519),
	("audi", CryptoScheme::Sr25519),
	("ogpu", CryptoScheme::Sr25519),
];

/// Refuses to insert a key that could never sign for what it is inserted as: the node would start,
/// find no key it can use, and author nothing.
///
/// # Errors
///
/// Says which scheme the type has, or which types there are.
pub fn check_scheme(command: &KeySubcommand) -> Result<()> {
	let KeySubcommand::Insert(insert) = command else { return Ok(()) };
	let key_type = key_type(insert);
	match SCHEMES.iter().find(|(known, _)| *known == key_type) {
		Some((_, scheme)) if !same(scheme, &insert.scheme) => Err(Error::Input(format!(
			"keys of type '{key_type}' are {scheme:?}, not {:?}; use --scheme {scheme:?}",
			insert.scheme,
		))),
		Some(_) => Ok(()),
		None => Err(Error::Input(format!(
			"this chain has no keys of type '{key_type}'; use one of babe, gran, imon, audi, ogpu",
		))),
	}
}

fn same(a: &CryptoScheme, b: &CryptoScheme) -> bool {
	std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// The command keeps the type to itself, but shows it when it is debugged.
fn key_type(insert: &InsertKeyCmd) -> String {
	let shown = format!("{insert:?}");
	shown
		.split("key_type: \"")
		.nth(1)
		.and_then(|rest| rest.split('"').next())
		.unwrap_or_default()
		.to_owned()
}
