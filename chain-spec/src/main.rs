//! Makes and checks the chain specifications of the oGPU networks.

use std::{
	fs,
	io::Write,
	path::{Path, PathBuf},
	process::ExitCode,
};

use clap::{Parser, Subcommand};
use ogpu_chain_spec::{ChainSpec, Committed, Error, Form, NetworkFile, Preset, json};

/// Makes and checks the chain specifications of the oGPU networks.
#[derive(Parser)]
#[command(version)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Prints a complete specification.
	Build {
		/// A preset: dev, local or testnet.
		#[arg(required_unless_present = "network")]
		preset: Option<String>,
		/// A network of your own, described in a JSON file; see docs/chain-spec.md.
		#[arg(long, value_name = "FILE", conflicts_with = "preset")]
		network: Option<PathBuf>,
		/// The raw form, which nodes of a public network should share.
		#[arg(long)]
		raw: bool,
	},
	/// Writes the committed specifications, which leave the runtime's code out.
	Write {
		/// Their folder.
		#[arg(default_value = "chain-spec/specs")]
		folder: PathBuf,
	},
	/// Checks that the committed specifications are what `write` would write.
	Check {
		/// Their folder.
		#[arg(default_value = "chain-spec/specs")]
		folder: PathBuf,
	},
}

fn main() -> ExitCode {
	match run(Cli::parse().command) {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("Error: {error}");
			ExitCode::FAILURE
		}
	}
}

fn run(command: Command) -> Result<(), Box<dyn std::error::Error>> {
	match command {
		Command::Build { preset, network, raw } => {
			let form = if raw { Form::Raw } else { Form::Plain };
			let text = json(&spec(preset, network)?, form)?;
			writeln!(std::io::stdout(), "{text}")
				.map_err(|error| format!("cannot write the specification: {error}"))?;
		}
		Command::Write { folder } => {
			for committed in Committed::all() {
				let file = folder.join(committed.file_name());
				let text = committed.text()?;
				fs::create_dir_all(&folder)
					.and_then(|()| fs::write(&file, text))
					.map_err(|error| format!("cannot write {}: {error}", file.display()))?;
			}
		}
		Command::Check { folder } => check(&folder)?,
	}
	Ok(())
}

fn spec(preset: Option<String>, network: Option<PathBuf>) -> Result<ChainSpec, Error> {
	match (preset, network) {
		(_, Some(file)) => NetworkFile::read(&file)?.spec(),
		(preset, None) => preset.unwrap_or_default().parse::<Preset>()?.spec(),
	}
}

fn check(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
	for committed in Committed::all() {
		let file = folder.join(committed.file_name());
		let found = fs::read_to_string(&file).map_err(|error| {
			format!("cannot read {}: {error}; run this from the repository's root", file.display())
		})?;
		if found != committed.text()? {
			return Err(format!(
				"{} is not what the program makes; run `ogpu-chain-spec write` and commit the result",
				file.display()
			)
			.into());
		}
	}
	Ok(())
}
