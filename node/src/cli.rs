//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// A node of the oGPU chain.
#[derive(Debug, Parser)]
#[command(
	propagate_version = true,
	args_conflicts_with_subcommands = true,
	subcommand_negates_reqs = true
)]
pub struct Cli {
	#[command(subcommand)]
	/// What to do besides running.
	pub subcommand: Option<Subcommand>,

	#[command(flatten)]
	/// How to run.
	pub run: sc_cli::RunCmd,

	/// Where compiled runtimes are kept, so that no start compiles one again. Nodes of one user may share it; whoever can
	/// write to it can have them run anything [default: the folder `runtimes` of the base path].
	#[arg(long, value_name = "FOLDER")]
	pub runtimes: Option<PathBuf>,

	#[command(flatten)]
	/// What runs jobs for it.
	pub provider: ProviderArgs,
}

/// What a provider's node needs beyond the others.
#[derive(Clone, Debug, clap::Args)]
pub struct ProviderArgs {
	/// The executor that runs this provider's jobs: `ogpu-worker serve` on this machine, or one behind
	/// TLS. Makes a worker key if there is none.
	#[arg(long, value_name = "URL", requires = "executor_token_file")]
	pub executor_url: Option<String>,

	/// The file in which the executor keeps its token: `token` in its data folder.
	#[arg(long, value_name = "FILE", requires = "executor_url")]
	pub executor_token_file: Option<PathBuf>,

	/// Starts an executor on this machine, and starts it again whenever it ends. Makes a worker key if there is
	/// none.
	#[arg(long, conflicts_with = "executor_url")]
	pub provider: bool,

	/// The executor's configuration, a TOML file; docs/service.md says what it may hold.
	#[arg(long, value_name = "FILE", requires = "provider")]
	pub executor_config: Option<PathBuf>,

	/// Where the executor keeps everything [default: the folder `executor` of the base path].
	#[arg(long, value_name = "FOLDER", requires = "provider")]
	pub executor_data: Option<PathBuf>,

	/// The executor's program [default: `ogpu-worker` beside this program].
	#[arg(long, value_name = "FILE", requires = "provider")]
	pub executor_program: Option<PathBuf>,
}

/// What a node can do besides running.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant, reason = "parsed once")]
pub enum Subcommand {
	/// Makes, inserts and inspects keys.
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Verifies a signature of a message, given on standard input.
	Verify(sc_cli::VerifyCmd),

	/// Generates a key whose address contains a given text.
	Vanity(sc_cli::VanityCmd),

	/// Signs a message, given on standard input, with a given key.
	Sign(sc_cli::SignCmd),

	/// Prints the chain's specification.
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Executes a block again and checks it.
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Writes blocks to a file.
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Writes the state of a block as a chain specification.
	ExportState(sc_cli::ExportStateCmd),

	/// Reads blocks from a file.
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Removes the chain's database.
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Goes back by a number of blocks that are not finalised.
	Revert(sc_cli::RevertCmd),

	/// Prints what the database knows of the chain.
	ChainInfo(sc_cli::ChainInfoCmd),
}
