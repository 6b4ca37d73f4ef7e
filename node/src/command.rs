//! Answers the command line.

use std::{process::ExitCode, sync::OnceLock};

use ogpu_runtime::Block;
use sc_cli::{Result, SubstrateCli};
use sc_service::PartialComponents;

use crate::{
	cli::{Cli, ProviderArgs, Subcommand},
	keys, preflight,
	service::{self, Executor},
};

/// The version that the program gave.
static VERSION: OnceLock<&'static str> = OnceLock::new();

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"oGPU Node".into()
	}

	fn impl_version() -> String {
		(*VERSION.get_or_init(|| env!("CARGO_PKG_VERSION"))).into()
	}

	fn description() -> String {
		env!("CARGO_PKG_DESCRIPTION").into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		"the project's issue tracker".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> std::result::Result<Box<dyn sc_service::ChainSpec>, String> {
		// Without `--chain`: the network for trying things out.
		let id = if id.is_empty() { "local" } else { id };
		match ogpu_chain_spec::load(id) {
			Ok(spec) => Ok(Box::new(spec)),
			Err(error) => Err(error.to_string()),
		}
	}
}

/// Runs the command line, as a program of `version`. A failure is one line on standard error.
pub fn main(version: &'static str) -> ExitCode {
	let _ = VERSION.set(version);
	match run() {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("Error: {}", preflight::explain(&error));
			ExitCode::FAILURE
		}
	}
}

/// The executor that the command line names, if any.
fn executor(args: ProviderArgs, config: &sc_service::Configuration) -> Result<Option<Executor>> {
	let ProviderArgs {
		executor_url,
		executor_token_file,
		provider,
		executor_config,
		executor_data,
		executor_program,
	} = args;
	if let Some((url, token)) = executor_url.zip(executor_token_file) {
		return Ok(Some(Executor::elsewhere(&url, token)?));
	}
	if !provider {
		return Ok(None);
	}
	let data = executor_data.unwrap_or_else(|| config.base_path.path().join("executor"));
	Ok(Some(Executor::own(executor_program, executor_config, data)?))
}

/// The parts that commands on the database need.
macro_rules! with_partial {
	($cli:ident, $cmd:ident, |$config:ident, $partial:ident| $body:expr) => {{
		let runner = $cli.create_runner($cmd)?;
		preflight::check(runner.config(), preflight::Ports::Unused)?;
		runner.async_run(|$config| {
			let $partial = service::new_partial(&$config, None)?;
			$body
		})
	}};
}

fn run() -> Result<()> {
	let cli = Cli::from_args();

	match &cli.subcommand {
		Some(Subcommand::Key(cmd)) => {
			keys::check_scheme(cmd)?;
			cmd.run(&cli)
		}
		Some(Subcommand::Sign(cmd)) => cmd.run(),
		Some(Subcommand::Verify(cmd)) => cmd.run(),
		Some(Subcommand::Vanity(cmd)) => cmd.run(),
		Some(Subcommand::ExportChainSpec(cmd)) => {
			let spec = cli.load_spec(&cmd.chain)?;
			cmd.run(spec)
		}
		Some(Subcommand::CheckBlock(cmd)) => with_partial!(cli, cmd, |config, partial| {
			let PartialComponents { client, task_manager, import_queue, .. } = partial;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::ExportBlocks(cmd)) => with_partial!(cli, cmd, |config, partial| {
			let PartialComponents { client, task_manager, .. } = partial;
			Ok((cmd.run(client, config.database), task_manager))
		}),
		Some(Subcommand::ExportState(cmd)) => with_partial!(cli, cmd, |config, partial| {
			let PartialComponents { client, task_manager, .. } = partial;
			Ok((cmd.run(client, config.chain_spec), task_manager))
		}),
		Some(Subcommand::ImportBlocks(cmd)) => with_partial!(cli, cmd, |config, partial| {
			let PartialComponents { client, task_manager, import_queue, .. } = partial;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::Revert(cmd)) => with_partial!(cli, cmd, |config, partial| {
			let PartialComponents { client, task_manager, backend, .. } = partial;
			let revert_consensus = Box::new(|client: std::sync::Arc<_>, backend, blocks| {
				sc_consensus_babe::revert(std::sync::Arc::clone(&client), backend, blocks)?;
				sc_consensus_grandpa::revert(client, blocks)?;
				Ok(())
			});
			Ok((cmd.run(client, backend, Some(revert_consensus)), task_manager))
		}),
		Some(Subcommand::PurgeChain(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.sync_run(|config| cmd.run(config.database))
		}
		Some(Subcommand::ChainInfo(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.sync_run(|config| cmd.run::<Block>(&config))
		}
		None => {
			let runner = cli.create_runner(&cli.run)?;
			preflight::check(runner.config(), preflight::Ports::Used)?;
			let executor = executor(cli.provider, runner.config())?;
			let offchain_worker = preflight::has_offchain_worker(
				cli.run.offchain_worker_params.enabled,
				executor.is_some(),
				runner.config().offchain_worker.enabled,
			)?;
			let runtimes = cli.runtimes;
			runner.run_node_until_exit(|mut config| async move {
				config.offchain_worker.enabled = offchain_worker;
				service::new_full(config, executor, runtimes.as_deref())
					.map_err(sc_cli::Error::Service)
			})
		}
	}
}
