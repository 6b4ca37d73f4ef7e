//! `keys` and `balance`.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf, str::FromStr};

use clap::{Args, Subcommand};
use ogpu_client::{AccountId, Error, Funds, Signer};
use ogpu_primitives::amount::show;
use serde_json::json;

use super::Common;

#[derive(Subcommand)]
pub(crate) enum Keys {
	/// Makes a new key, and writes its secret phrase to a file that only you can read.
	New {
		/// The file; it must not exist yet.
		file: PathBuf,
	},
	/// Shows whose the key of --key is.
	Show,
}

impl Keys {
	pub(super) fn run(&self, common: &Common) -> Result<(), Error> {
		match self {
			Self::New { file } => {
				let (signer, phrase) = Signer::generate()?;
				let at =
					|error: std::io::Error| Error::Host(format!("{}: {error}", file.display()));
				let mut made = fs::File::options()
					.write(true)
					.create_new(true)
					.mode(0o600)
					.open(file)
					.map_err(at)?;
				writeln!(made, "{phrase}").and_then(|()| made.sync_all()).map_err(at)?;
				let (account, file) = (signer.account().to_string(), file.display().to_string());
				let sentence = format!(
					"account  {account}\nsecret   in {file}: whoever has it has what the account has. Keep a copy \
					 elsewhere"
				);
				common.say().line(sentence, json!({ "account": account, "file": file }));
			}
			Self::Show => {
				let account = common.signer()?.account().to_string();
				common.say().line(&account, json!({ "account": account }));
			}
		}
		Ok(())
	}
}

#[derive(Args)]
pub(crate) struct Balance {
	/// Whose; yours if not given.
	account: Option<String>,
}

impl Balance {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let account = match &self.account {
			None => common.signer()?.account(),
			Some(text) => AccountId::from_str(text)
				.map_err(|error| Error::Usage(format!("{text} is no account: {error}")))?,
		};
		let Funds { free, spendable, held } = common.chain().await?.funds(&account).await?;
		let (free, spendable, held) = (show(free), show(spendable), show(held));
		let sentence =
			format!("{free} oGPU free, of which {spendable} can be spent, {held} on hold");
		let value = json!({
			"account": account.to_string(), "free": free, "spendable": spendable, "held": held,
		});
		common.say().line(sentence, value);
		Ok(())
	}
}
