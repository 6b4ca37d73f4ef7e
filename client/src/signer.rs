//! Keys that sign.

use std::{fs, path::Path, str::FromStr};

use subxt_signer::{SecretUri, sr25519::Keypair};

use crate::{AccountId, Error};

/// An account's sr25519 key.
#[derive(Clone)]
pub struct Signer(pub(crate) Keypair);

impl Signer {
	/// A key from a secret: a phrase of twelve or more words, with a path such as `//0` if it has one; 64 hexadecimal
	/// digits after `0x`; or the name of a file that has one of these in its first line. A path alone, such as
	/// `//Alice`, is one of the development accounts.
	///
	/// # Errors
	///
	/// When it is none of these.
	pub fn read(secret: &str) -> Result<Self, Error> {
		let file = Path::new(secret);
		let read;
		let (text, whence) = if file.is_file() {
			read = fs::read_to_string(file)
				.map_err(|error| Error::Usage(format!("{secret}: {error}")))?;
			(read.lines().next().unwrap_or_default().trim(), format!("the file {secret}"))
		} else {
			(secret.trim(), "what was given".to_owned())
		};
		let wrong = |why: String| {
			Error::Usage(format!(
				"{whence} is no key ({why}). A key is a phrase of words, 0x and 64 hexadecimal digits, or a file with \
				 one of them; `ogpu keys new FILE` makes one"
			))
		};
		// A path alone would be an account of everybody's, and is most likely a file that is not there: unless it begins as those for
		// development do.
		let is_secret = text.contains(' ') || text.starts_with("0x") || text.starts_with("//");
		let is_path = text.ends_with(".key") || (!is_secret && text.contains('/'));
		if text.is_empty() || is_path {
			return Err(wrong(
				if is_path { "there is no such file" } else { "it is empty" }.into(),
			));
		}
		let uri = SecretUri::from_str(text).map_err(|error| wrong(error.to_string()))?;
		Keypair::from_uri(&uri).map(Self).map_err(|error| wrong(error.to_string()))
	}

	/// A new key, and the phrase that it follows from.
	///
	/// # Errors
	///
	/// When the machine has no random numbers.
	pub fn generate() -> Result<(Self, String), Error> {
		use std::io::Read;
		let mut entropy = [0; 16];
		fs::File::open("/dev/urandom")
			.and_then(|mut random| random.read_exact(&mut entropy))
			.map_err(|error| Error::Host(format!("/dev/urandom: {error}")))?;
		let phrase = subxt_signer::bip39::Mnemonic::from_entropy(&entropy)
			.map_err(|error| Error::Host(error.to_string()))?;
		let pair =
			Keypair::from_phrase(&phrase, None).map_err(|error| Error::Host(error.to_string()))?;
		Ok((Self(pair), phrase.to_string()))
	}

	/// Whose key it is.
	pub fn account(&self) -> AccountId {
		self.0.public_key().to_account_id()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn keys_are_read_from_anything_that_is_one() {
		let alice = Signer::read("//Alice").expect("a path");
		assert_eq!(alice.account().to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
		let (made, phrase) = Signer::generate().expect("random numbers");
		let folder = tempfile::tempdir().expect("a folder");
		let file = folder.path().join("key");
		fs::write(&file, format!("{phrase}\nnotes\n")).expect("a file");
		let read = Signer::read(file.to_str().expect("UTF-8")).expect("the same");
		assert_eq!(read.account(), made.account());
		assert_ne!(Signer::generate().expect("random numbers").0.account(), made.account());
		for wrong in [
			"",
			"no such words at all",
			"0x12",
			"/etc",
			"/no/such/file",
			"./no.key",
			"no.key",
			"/no//such.key",
			"//no.key",
			"keys//mine",
		] {
			assert!(matches!(Signer::read(wrong), Err(Error::Usage(_))), "{wrong}");
		}
	}
}
