//! An executor that the node starts itself, and starts again.

use std::{
	path::PathBuf,
	process::{Command as Program, ExitStatus, Stdio},
	time::{Duration, Instant},
};

use ogpu_runtime::ExecutorAddress;
use sp_core::offchain::OffchainStorage;
use tokio::{
	io::{AsyncBufReadExt, BufReader, Lines},
	process::{ChildStdout, Command},
};

use super::{Told, address, health::Watch};

/// How long the node waits before it starts the executor again: twice as long each time, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// An executor that has run for so long has not failed at its start.
const STEADY: Duration = Duration::from_secs(60);
/// How long an executor may take until it listens, as it tests its devices first, and be silent later.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long it may take to end: it finishes what it can.
const LEAVING: Duration = Duration::from_secs(120);
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
			let Run { listened, end } = self.run(&mut hook).await;
			hook.nowhere();
			if listened && begun.elapsed() >= STEADY {
				wait = FIRST_WAIT;
			}
			log::warn!("the executor {end}; it is started again in {} s", wait.as_secs());
			tokio::time::sleep(wait).await;
			wait = (wait * 2).min(LONGEST_WAIT);
		}
	}

	/// Runs an executor until it ends.
	async fn run<S: OffchainStorage>(&self, hook: &mut Told<S>) -> Run {
		// It ends when its standard input does, so with this node, however that ends.
		let started = Command::new(&self.program)
			.args(self.args())
			.arg("--with-parent")
			.stdin(Stdio::piped())
			.stdout(Stdio::piped())
			.spawn();
		let mut child = match started {
			Ok(child) => child,
			Err(error) => return Run::failed(format!("could not be started: {error}")),
		};
		// Held here: waiting for a child closes what it still has of its input.
		let lifeline = child.stdin.take();
		let Some(said) = child.stdout.take() else {
			return Run::failed("has no standard output".into());
		};
		let mut lines = BufReader::new(said).lines();
		let (listened, why) = match heard(&mut lines).await {
			Ok(address) => {
				hook.at(&address);
				let mut watch = Watch::new();
				tokio::select! {
					ended = child.wait() => return Run { listened: true, end: how(ended) },
					() = watch.until_silent(&address, PATIENCE) => {
						(true, format!("was silent for {} s", PATIENCE.as_secs()))
					}
				}
			}
			Err(why) => (false, why),
		};
		drop(lifeline);
		let end = match tokio::time::timeout(LEAVING, child.wait()).await {
			Ok(ended) => format!("{why}, and {}", how(ended)),
			Err(_) => match child.kill().await {
				Ok(()) => format!("{why}, and was killed"),
				Err(error) => format!("{why}, and cannot be killed: {error}"),
			},
		};
		Run { listened, end }
	}
}

/// How an executor ran.
struct Run {
	/// Whether it came to listen.
	listened: bool,
	/// What became of it.
	end: String,
}

impl Run {
	const fn failed(end: String) -> Self {
		Self { listened: false, end }
	}
}

/// Where an executor listens, once it has said so, or why it is of no use.
async fn heard(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<ExecutorAddress, String> {
	let line = match tokio::time::timeout(PATIENCE, lines.next_line()).await {
		Err(_) => return Err(format!("did not listen after {} s", PATIENCE.as_secs())),
		// Its log says why.
		Ok(Ok(None)) => return Err("did not come to listen".into()),
		Ok(Err(error)) => return Err(format!("said what is no text: {error}")),
		Ok(Ok(Some(line))) => line,
	};
	let (url, token) = told_by(&line)
		.ok_or_else(|| format!("said {line:?} and not where it listens: it is another program"))?;
	let found = address(url, token.as_ref()).await;
	let found = found
		.map_err(|error| format!("has its token in {token}, which cannot be read: {error}"))?;
	if !found.is_trusted() {
		return Err(format!(
			"listens on {url}, where its token would cross the network in clear (`listen` in its configuration: a \
			 node that starts it needs 127.0.0.1)"
		));
	}
	Ok(found)
}

/// How a process ended.
fn how(ended: std::io::Result<ExitStatus>) -> String {
	match ended {
		Ok(status) => format!("ended ({status})"),
		Err(error) => format!("cannot be waited for: {error}"),
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
