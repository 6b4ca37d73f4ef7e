//! What a caged program may do, and how that is said on a command line.

use std::{
	ffi::{OsStr, OsString},
	path::PathBuf,
};

/// What a caged program may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
	/// The one folder it may write to. It becomes the working directory.
	pub folder: PathBuf,
	/// Files and folders that it may read beyond the system's libraries.
	pub read: Vec<PathBuf>,
	/// Whether it may talk to GPU drivers. They reserve large ranges of addresses, so `memory` does not
	/// bound a process that may.
	pub gpu: bool,
	/// The most address space, in bytes.
	pub memory: u64,
	/// The most processor time, in seconds.
	pub cpu_seconds: u64,
	/// The longest file that it may write, in bytes.
	pub file_size: u64,
	/// What is added to its niceness, 0 to 19.
	pub nice: u8,
	/// Whether to go on where a wall cannot be put up. Only for one's own code.
	pub insecure: bool,
}

impl Default for Policy {
	fn default() -> Self {
		Self {
			folder: PathBuf::new(),
			read: Vec::new(),
			gpu: false,
			memory: 4 << 30,
			cpu_seconds: 60,
			file_size: 1 << 30,
			nice: 0,
			insecure: false,
		}
	}
}

/// A command line that `ogpu-cage` does not understand.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
	/// An option that does not exist.
	#[error("unknown option {0:?}")]
	Unknown(OsString),
	/// An option without its value.
	#[error("{0} needs a value")]
	NoValue(&'static str),
	/// A value that is not a number.
	#[error("{0} needs a whole number, not {1:?}")]
	NotANumber(&'static str, OsString),
	/// No folder.
	#[error("--folder is missing")]
	NoFolder,
	/// No program.
	#[error("no program was given after --")]
	NoProgram,
}

impl Policy {
	/// The command line of `ogpu-cage` that says this policy; the inverse of [`Policy::parse`].
	pub fn to_args(&self) -> Vec<OsString> {
		let mut args: Vec<OsString> = vec!["--folder".into(), self.folder.clone().into()];
		for path in &self.read {
			args.extend(["--read".into(), path.clone().into()]);
		}
		for (flag, value) in [
			("--memory", self.memory),
			("--cpu", self.cpu_seconds),
			("--file-size", self.file_size),
			("--nice", self.nice.into()),
		] {
			args.extend([flag.into(), value.to_string().into()]);
		}
		if self.gpu {
			args.push("--gpu".into());
		}
		if self.insecure {
			args.push("--insecure".into());
		}
		args
	}

	/// Reads a policy, and the program with its arguments, from a command line.
	///
	/// # Errors
	///
	/// Names the option that is unknown, incomplete or missing.
	pub fn parse(
		args: impl IntoIterator<Item = OsString>,
	) -> Result<(Self, Vec<OsString>), UsageError> {
		fn number(flag: &'static str, value: Option<OsString>) -> Result<u64, UsageError> {
			let value = value.ok_or(UsageError::NoValue(flag))?;
			value
				.to_str()
				.and_then(|text| text.parse().ok())
				.ok_or(UsageError::NotANumber(flag, value))
		}
		let mut policy = Self::default();
		let mut args = args.into_iter();
		while let Some(arg) = args.next() {
			match arg.to_str() {
				Some("--folder") => {
					policy.folder = args.next().ok_or(UsageError::NoValue("--folder"))?.into()
				}
				Some("--read") => {
					policy.read.push(args.next().ok_or(UsageError::NoValue("--read"))?.into())
				}
				Some("--memory") => policy.memory = number("--memory", args.next())?,
				Some("--cpu") => policy.cpu_seconds = number("--cpu", args.next())?,
				Some("--file-size") => policy.file_size = number("--file-size", args.next())?,
				Some("--nice") => policy.nice = number("--nice", args.next())?.min(19) as u8,
				Some("--gpu") => policy.gpu = true,
				Some("--insecure") => policy.insecure = true,
				Some("--") => break,
				_ => return Err(UsageError::Unknown(arg)),
			}
		}
		let program: Vec<OsString> = args.collect();
		if policy.folder.as_os_str() == OsStr::new("") {
			return Err(UsageError::NoFolder);
		}
		if program.is_empty() {
			return Err(UsageError::NoProgram);
		}
		Ok((policy, program))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_policy_survives_the_command_line() {
		let policy = Policy {
			folder: "/tmp/a b".into(),
			read: vec!["/opt/x".into(), "/opt/y".into()],
			gpu: true,
			memory: 7,
			cpu_seconds: 8,
			file_size: 9,
			nice: 10,
			insecure: true,
		};
		let mut args = policy.to_args();
		args.extend(["--".into(), "/bin/true".into(), "--gpu".into()]);
		let (read, program) = Policy::parse(args).expect("its own command line");
		assert_eq!(read, policy);
		assert_eq!(program, ["/bin/true", "--gpu"]);
	}

	#[test]
	fn what_is_missing_or_wrong_is_named() {
		let parse = |args: &[&str]| {
			Policy::parse(args.iter().map(OsString::from))
				.map(|_| ())
				.expect_err("a wrong command line")
				.to_string()
		};
		assert_eq!(parse(&["--folder"]), "--folder needs a value");
		assert_eq!(parse(&["--cpu", "x"]), "--cpu needs a whole number, not \"x\"");
		assert_eq!(parse(&["--", "true"]), "--folder is missing");
		assert_eq!(parse(&["--folder", "/tmp"]), "no program was given after --");
		assert_eq!(parse(&["--what"]), "unknown option \"--what\"");
	}
}
