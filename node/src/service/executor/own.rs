//! An executor that the node starts itself, and starts again.

use std::{
	path::PathBuf,
	process::{Command as Program, Stdio},
	time::{Duration, Instant},
};

use ogpu_runtime::ExecutorAddress;
use sp_core::offchain::OffchainStorage;
use tokio::{
	io::{AsyncBufReadExt, BufReader},
	process::Command,
};

use super::{Told, address};

/// How long the node waits before it starts the executor again: twice as long each time, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// An executor that has run for so long has not failed at its start.
const STEADY: Duration = Duration::from_secs(60);
/// How long an executor may take until it listens: it tests its devices first.
const PATIENCE: Duration = Duration::from_secs(300);
/// What an executor is called.
const NAME: &str = "ogpu-worker";

/// An executor that the node starts itself.
#[derive(Clone, Debug)]
pub(crate) struct Own {
	program: PathBuf,
	config: Option<PathBuf>,
	data: PathBuf,
}

impl Own {
	pub(super) fn new(
		program: Option<PathBuf>,
		config: Option<PathBuf>,
		data: PathBuf,
	) -> Result<Self, String> {
		let own = Self { program: program.map_or_else(beside, Ok)?, config, data };
		let checked = Program::new(&own.program)
			.args(own.args())
			.arg("--check")
			.stdin(Stdio::null())
			.output()
			.map_err(|error| {
				format!("the executor {} cannot be started: {error}", own.program.display())
			})?;
		if checked.status.success() {
			return Ok(own);
		}
		let why = String::from_utf8_lossy(&checked.stderr).trim().replace('\n', " ");
		Err(format!("the executor's configuration is wrong: {why}"))
	}

	fn args(&self) -> Vec<std::ffi::OsString> {
		let mut args = vec!["serve".into(), "--data".into(), self.data.clone().into()];
		if let Some(config) = &self.config {
			args.extend(["--config".into(), config.clone().into()]);
		}
		args
	}

	/// Keeps an executor running.
	pub(super) async fn supervise<S: OffchainStorage>(self, mut hook: Told<S>) {
		let mut wait = FIRST_WAIT;
		loop {
			let begun = Instant::now();
			let ended = self.run(&mut hook).await;
			hook.nowhere();
			if begun.elapsed() >= STEADY {
				wait = FIRST_WAIT;
			}
			log::warn!("the executor {ended}; it is started again in {} s", wait.as_secs());
			tokio::time::sleep(wait).await;
			wait = (wait * 2).min(LONGEST_WAIT);
		}
	}

	/// Runs an executor until it ends. How that came about.
	async fn run<S: OffchainStorage>(&self, hook: &mut Told<S>) -> String {
		// It ends when its standard input does, so with this node, however that ends.
		let started = Command::new(&self.program)
			.args(self.args())
			.arg("--with-parent")
			.stdin(Stdio::piped())
			.stdout(Stdio::piped())
			.spawn();
		let mut child = match started {
			Ok(child) => child,
			Err(error) => return format!("could not be started: {error}"),
		};
		// Held here: waiting for a child closes what it still has of its input.
		let mut lifeline = child.stdin.take();
		let Some(said) = child.stdout.take() else { return "has no standard output".into() };
		let mut lines = BufReader::new(said).lines();
		let found = match tokio::time::timeout(PATIENCE, lines.next_line()).await {
			Ok(Ok(Some(line))) => match told_by(&line) {
				Some((url, token)) => address(url, token.as_ref()).await.ok(),
				None => None,
			},
			_ => None,
		};
		match found.filter(ExecutorAddress::is_trusted) {
			Some(address) => hook.at(&address),
			// It has ended, and its log says why; or it is something else than an executor.
			None => drop(lifeline.take()),
		}
		let ended = child.wait().await;
		drop(lifeline);
		match ended {
			Ok(status) => format!("ended ({status})"),
			Err(error) => format!("cannot be waited for: {error}"),
		}
	}
}

/// The executor beside this program, or else the one that the path leads to.
fn beside() -> Result<PathBuf, String> {
	let own = std::env::current_exe().map_err(|error| {
		format!("this program cannot find itself: {error}; give --executor-program")
	})?;
	let beside = own.with_file_name(NAME);
	Ok(if beside.is_file() { beside } else { NAME.into() })
}

/// URL and token file in the line that an executor writes once it listens.
fn told_by(line: &str) -> Option<(&str, &str)> {
	line.strip_prefix("listening on ")?.split_once(", token in ")
}
