//! A caged program, seen from outside.

use std::{
	ffi::{OsStr, OsString},
	io::{self, Read},
	os::unix::process::CommandExt,
	path::Path,
	process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
	sync::{
		Arc, Mutex,
		atomic::{AtomicBool, Ordering},
		mpsc,
	},
	thread,
	time::Duration,
};

use crate::{
	Policy,
	enter::{NO_CAGE, PARENT, SIGNALLED},
};

/// Why a caged program could not be started or heard.
#[derive(Debug, thiserror::Error)]
pub enum CageError {
	/// The machine cannot put up every wall.
	#[error("{0}")]
	NoCage(String),
	/// The program could not be started.
	#[error("{program} could not be started: {source}")]
	Start {
		/// The program.
		program: String,
		/// Why.
		source: io::Error,
	},
	/// Reading from it failed.
	#[error("reading from a sandboxed program failed: {0}")]
	Read(#[from] io::Error),
}

/// How a caged program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
	/// By itself, with this code.
	Exited(i32),
	/// By a signal of this number, but not ours.
	Signalled(i32),
	/// We killed it.
	Killed,
}

/// What a caged program left behind.
#[derive(Debug)]
pub struct Output {
	/// How it ended.
	pub ended: Ended,
	/// What it wrote to its standard output, up to the limit.
	pub stdout: Vec<u8>,
	/// What it wrote to its standard error, up to a limit.
	pub stderr: String,
}

/// How much of a program's standard error is kept.
const STDERR_LIMIT: usize = 64 * 1024;

/// A caged program. Dropping it kills the program and everything that the program started; so does the
/// end of the thread that started it, however that comes about.
#[derive(Debug)]
pub struct Cage {
	child: Child,
	killed: Arc<AtomicBool>,
	stderr: Arc<Mutex<Vec<u8>>>,
	reader: Option<thread::JoinHandle<()>>,
}

impl Cage {
	/// Starts `program` with `args` behind the walls of `policy`, by the program `cage`. Its environment
	/// holds `env` and nothing else; its standard input and output are pipes.
	///
	/// # Errors
	///
	/// When `cage` cannot be started. What happens after that is told by [`Cage::wait`].
	pub fn start(
		cage: &Path,
		policy: &Policy,
		program: &Path,
		args: &[&str],
		env: &[(&str, &OsStr)],
	) -> Result<Self, CageError> {
		let mut line: Vec<OsString> = policy.to_args();
		line.extend(["--".into(), program.into()]);
		line.extend(args.iter().map(OsString::from));
		let mut child = Command::new(cage)
			// An interrupt from the terminal is for us; we see to our children.
			.process_group(0)
			.args(line)
			.env_clear()
			.env(PARENT, std::process::id().to_string())
			.envs(env.iter().copied())
			.stdin(Stdio::piped())
			.stdout(Stdio::piped())
			.stderr(Stdio::piped())
			.spawn()
			.map_err(|source| CageError::Start { program: cage.display().to_string(), source })?;
		let stderr = Arc::new(Mutex::new(Vec::new()));
		let reader = child.stderr.take().map(|pipe| {
			let kept = stderr.clone();
			thread::spawn(move || keep_first(pipe, &kept, STDERR_LIMIT))
		});
		Ok(Self { child, killed: Arc::default(), stderr, reader })
	}

	/// The pipe to its standard input, once.
	pub fn stdin(&mut self) -> Option<ChildStdin> {
		self.child.stdin.take()
	}

	/// The pipe from its standard output, once.
	pub fn stdout(&mut self) -> Option<ChildStdout> {
		self.child.stdout.take()
	}

	/// Kills it and everything that it started. It is still to be waited for.
	pub fn kill(&mut self) {
		self.killed.store(true, Ordering::Relaxed);
		// It may have ended already.
		let _ = self.child.kill();
	}

	/// Waits for its end; the end of its standard error is returned with it.
	///
	/// # Errors
	///
	/// [`CageError::NoCage`] when a wall could not be put up.
	pub fn wait(&mut self) -> Result<(Ended, String), CageError> {
		let status = self.child.wait()?;
		if let Some(reader) = self.reader.take() {
			// A panic of the reader loses messages, nothing else.
			let _ = reader.join();
		}
		let stderr = self
			.stderr
			.lock()
			.map(|kept| String::from_utf8_lossy(&kept).into_owned())
			.unwrap_or_default();
		let ended = self.classify(status);
		if ended == Ended::Exited(NO_CAGE) {
			return Err(CageError::NoCage(stderr.trim().to_owned()));
		}
		Ok((ended, stderr))
	}

	/// Waits for its end, and kills it when `limit` is over or when it has written more than `most` bytes.
	///
	/// # Errors
	///
	/// As [`Cage::wait`].
	pub fn wait_with_output(mut self, limit: Duration, most: usize) -> Result<Output, CageError> {
		drop(self.stdin());
		let kept = Arc::new(Mutex::new(Vec::new()));
		let (over, ended) = mpsc::channel();
		let reader = self.stdout().map(|pipe| {
			let kept = kept.clone();
			thread::spawn(move || {
				let full = read_most(pipe, &kept, most);
				// The receiver is gone only when nobody waits any more.
				let _ = over.send(full);
			})
		});
		// The pipe is closed when every process in the cage has ended, or closed it.
		if ended.recv_timeout(limit).unwrap_or(true) {
			self.kill();
		}
		let (ended, stderr) = self.wait()?;
		if let Some(reader) = reader {
			// As in `wait`.
			let _ = reader.join();
		}
		let stdout = kept.lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default();
		Ok(Output { ended, stdout, stderr })
	}

	fn classify(&self, status: ExitStatus) -> Ended {
		if self.killed.load(Ordering::Relaxed) {
			return Ended::Killed;
		}
		match status.code() {
			Some(code) if code > SIGNALLED => Ended::Signalled(code - SIGNALLED),
			Some(code) => Ended::Exited(code),
			None => Ended::Signalled(
				std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or_default(),
			),
		}
	}
}

impl Drop for Cage {
	fn drop(&mut self) {
		self.kill();
		// Nothing is left to be done about a process that cannot be waited for.
		let _ = self.child.wait();
	}
}

/// Keeps the first `most` bytes, and reads the rest so that the writer does not get stuck.
fn keep_first(mut pipe: impl Read, kept: &Mutex<Vec<u8>>, most: usize) {
	read_most(&mut pipe, kept, most);
	// A pipe that breaks has nothing more to say.
	let _ = io::copy(&mut pipe, &mut io::sink());
}

/// Reads up to `most` bytes, and returns whether there were more.
fn read_most(pipe: impl Read, kept: &Mutex<Vec<u8>>, most: usize) -> bool {
	let mut pipe = pipe;
	let mut block = [0; 16 * 1024];
	while let Ok(read @ 1..) = pipe.read(&mut block) {
		let Ok(mut kept) = kept.lock() else { return false };
		let room = most - kept.len();
		kept.extend_from_slice(&block[..read.min(room)]);
		if read > room {
			return true;
		}
	}
	false
}
