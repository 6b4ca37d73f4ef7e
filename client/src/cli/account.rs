//! `keys` and `balance`.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf, str::FromStr};

use clap::{Args, Subcommand};
use ogpu_client::{AccountId, Call, Error, Funds, Signer};
use ogpu_primitives::{Balance as Amount, amount::show};
use serde_json::json;

use super::{Common, buy::amount, send::send};

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

fn account(text: &str) -> Result<AccountId, Error> {
	AccountId::from_str(text)
		.map_err(|error| Error::Usage(format!("{text} is no account: {error}")))
}

#[derive(Args)]
pub(crate) struct Send {
	/// To whom: an account.
	account: String,
	/// How much, in oGPU.
	#[arg(value_parser = amount)]
	amount: Amount,
}

impl Send {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let to = account(&self.account)?;
		let signer = common.signer()?;
		let chain = common.chain().await?;
		let spendable = chain.funds(&signer.account()).await?.spendable;
		if self.amount > spendable {
			return Err(Error::Refused(format!(
				"{} oGPU are more than the {} that {} can spend",
				show(self.amount),
				show(spendable),
				signer.account()
			)));
		}
		let least = chain.existential_deposit().await?;
		if chain.funds(&to).await? == Funds::default() && self.amount < least {
			return Err(Error::Refused(format!(
				"{to} has nothing yet, and an account has {} oGPU at least",
				show(least)
			)));
		}
		send(common, &chain, &signer, &Call::transfer(to, self.amount)).await.map(|_| ())
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
			Some(text) => account(text)?,
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
