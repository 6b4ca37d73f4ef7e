//! The command line.

mod account;
mod buy;
mod gov;
mod market;
mod provider;
mod say;
mod send;
mod stream;
mod task;
mod verify;

use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory, Parser, Subcommand};
use futures::{FutureExt, future::select_all};
use ogpu_client::{Chain, Error, Network, Signer, Store};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use say::Say;

/// The exit code of a program that a signal has ended is this and its number, as shells have it.
const SIGNALLED: u8 = 128;

/// Waits for a signal to end. The exit code that says so.
async fn interrupted() -> u8 {
	// Not the one for a terminal that is closed, which whoever starts a program with `nohup` has it ignore.
	let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
	let waits = kinds.map(|kind| {
		async move {
			match signal(kind) {
				Ok(mut signals) => signals.recv().await,
				// Then it ends the program as it does any other.
				Err(_) => std::future::pending().await,
			};
			SIGNALLED + kind.as_raw_value() as u8
		}
		.boxed()
	});
	select_all(waits).await.0
}

/// Buys GPU time on the oGPU chain.
///
/// Exit codes: 0 done, 2 wrong usage, 3 the job is wrong, 4 this machine failed, 5 the chain refuses, 6 the node does
/// not answer, 7 the task ended without a result, 8 there is no right result to fetch, 130 interrupted, 143 terminated.
#[derive(Parser)]
#[command(name = "ogpu", version, arg_required_else_help = true)]
struct Cli {
	#[command(subcommand)]
	command: Command,
	#[command(flatten)]
	common: Common,
}

/// What every command takes.
#[derive(Args, Clone)]
pub(crate) struct Common {
	/// The WebSocket of a node.
	#[arg(long, global = true, env = "OGPU_NODE", default_value = "ws://127.0.0.1:9944")]
	node: String,
	/// Your key: a file with a secret phrase, or for development a path such as //Alice.
	#[arg(long, global = true, env = "OGPU_KEY", hide_env_values = true)]
	key: Option<String>,
	/// The folder of what you have to give and get [default: ogpu in the folder for data of programs].
	#[arg(long, global = true, env = "OGPU_DATA", value_name = "FOLDER")]
	data: Option<PathBuf>,
	/// Where providers fetch your program and inputs [default: all addresses, the same free port at each time].
	#[arg(long, global = true, value_name = "IP:PORT")]
	listen: Option<SocketAddr>,
	/// Addresses under which they reach it, where they differ, such as behind a router.
	#[arg(long, global = true, value_name = "IP:PORT")]
	announce: Vec<SocketAddr>,
	/// The URL of a relay, for machines that cannot be reached directly.
	#[arg(long, global = true, value_name = "URL")]
	relay: Option<String>,
	/// Only say what it would do and cost; sign and send nothing.
	#[arg(long, global = true)]
	dry_run: bool,
	/// Print one JSON object in each line.
	#[arg(long, global = true)]
	json: bool,
}

impl Common {
	async fn chain(&self) -> Result<Chain, Error> {
		Chain::connect(&self.node).await
	}

	fn signer(&self) -> Result<Signer, Error> {
		let key = self.key.as_deref().ok_or_else(|| {
			Error::Usage("this needs your key: --key FILE, or the variable OGPU_KEY".into())
		})?;
		Signer::read(key)
	}

	/// The folder for data.
	fn folder(&self) -> Result<PathBuf, Error> {
		let home = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
		let folder = self.data.clone().or_else(|| {
			let data = home("XDG_DATA_HOME").map(PathBuf::from);
			let data = data.or_else(|| Some(PathBuf::from(home("HOME")?).join(".local/share")));
			Some(data?.join("ogpu"))
		});
		folder.ok_or_else(|| {
			Error::Usage("this needs a folder for data: --data, or the variable HOME".into())
		})
	}

	async fn store(&self) -> Result<Store, Error> {
		let network = Network {
			listen: self.listen.unwrap_or(Network::default().listen),
			announce: self.announce.clone(),
			relay: self.relay.clone(),
		};
		Store::open(&self.folder()?, &network).await
	}

	const fn say(&self) -> Say {
		Say { json: self.json }
	}
}

#[derive(Subcommand)]
enum Command {
	/// Makes keys, and shows whose they are.
	#[command(subcommand)]
	Keys(account::Keys),
	/// What an account has.
	Balance(account::Balance),
	/// Gives oGPU to somebody else.
	Send(account::Send),
	/// What a job would cost, and how well it would be verified.
	Quote(buy::Quote),
	/// Has a job computed: submits it, serves its inputs, follows it, fetches the result.
	Submit(buy::Submit),
	/// Serves what a job starts from, and prints what a program of yours submits for it as `tasks.submit`.
	Offer(buy::Offer),
	/// Follows a task, and serves its inputs meanwhile.
	Watch(task::Watch),
	/// Fetches the result of a task, checks every byte of it against the chain, and takes delivery.
	Fetch(task::Fetch),
	/// Recomputes units of anybody's task on this machine, and compares them with what is on chain.
	Verify(verify::Verify),
	/// Cancels a task. While bids are sealed that costs nothing.
	Cancel(task::Cancel),
	/// Has others judge again what was decided against you: a result that was found false, a job found at fault.
	Appeal(task::Appeal),
	/// Makes a provider that does not give its result post a piece of it on chain, or pay you back.
	Demand(task::Demand),
	/// Requests that come again and again, and are raced for: inference, rendering.
	#[command(subcommand)]
	Stream(stream::Stream),
	/// The latest tasks of all clients.
	Tasks(market::Tasks),
	/// What computing costs now.
	Price(market::Price),
	/// The providers that could take a task.
	Providers(market::Providers),
	/// Being a provider.
	#[command(subcommand)]
	Provider(provider::Provider),
	/// Referenda, and voting in them.
	#[command(subcommand)]
	Gov(gov::Gov),
	/// Prints what makes a shell complete these commands: `ogpu completions bash >> ~/.bashrc`.
	Completions {
		/// The shell.
		shell: clap_complete::Shell,
	},
}

/// Runs the command.
pub(crate) fn main() -> ExitCode {
	let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
	tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
	let Cli { command, common } = Cli::parse();
	let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
		Ok(runtime) => runtime,
		Err(error) => {
			eprintln!("Error: {error}");
			return ExitCode::from(Error::Host(String::new()).code());
		}
	};
	let result = runtime.block_on(async {
		let work = async {
			match command {
				Command::Keys(command) => command.run(&common),
				Command::Balance(command) => command.run(&common).await,
				Command::Send(command) => command.run(&common).await,
				Command::Quote(command) => command.run(&common).await,
				Command::Submit(command) => command.run(&common).await,
				Command::Offer(command) => command.run(&common).await,
				Command::Watch(command) => command.run(&common).await,
				Command::Fetch(command) => command.run(&common).await,
				Command::Verify(command) => command.run(&common).await,
				Command::Cancel(command) => command.run(&common).await,
				Command::Appeal(command) => command.run(&common).await,
				Command::Demand(command) => command.run(&common).await,
				Command::Stream(command) => command.run(&common).await,
				Command::Tasks(command) => command.run(&common).await,
				Command::Price(command) => command.run(&common).await,
				Command::Providers(command) => command.run(&common).await,
				Command::Provider(command) => command.run(&common).await,
				Command::Gov(command) => command.run(&common).await,
				Command::Completions { shell } => {
					// Whoever reads it may have read enough.
					let _ = std::io::stdout().write_all(&completions(shell));
					Ok(())
				}
			}
		};
		tokio::select! {
			result = work => Ok(result),
			code = interrupted() => Err(code),
		}
	});
	match result {
		Ok(Ok(())) => ExitCode::SUCCESS,
		Ok(Err(error)) => {
			common.say().error(&error);
			ExitCode::from(error.code())
		}
		Err(code) => {
			common.say().interrupted();
			ExitCode::from(code)
		}
	}
}

/// The script that makes a shell complete the commands.
fn completions(shell: clap_complete::Shell) -> Vec<u8> {
	let mut script = Vec::new();
	clap_complete::generate(shell, &mut Cli::command(), "ogpu", &mut script);
	script
}

#[cfg(test)]
mod tests {
	use clap_complete::Shell;

	use super::*;

	#[test]
	fn commands_are_what_they_should_be() {
		Cli::command().debug_assert();
	}

	#[test]
	fn bash_completes_commands() {
		let mut script = completions(Shell::Bash);
		script.extend(
			b"COMP_WORDS=(ogpu sub) COMP_CWORD=1\n_ogpu ogpu sub ogpu\necho \"${COMPREPLY[@]}\"\n",
		);
		let file = tempfile::NamedTempFile::new().expect("there is room for it");
		std::fs::write(file.path(), script).expect("there is room for it");
		let said = std::process::Command::new("bash").arg(file.path()).output().expect("bash runs");
		let (said, wrong) =
			(String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
		assert_eq!((said.trim(), wrong.trim()), ("submit", ""));
	}
}
