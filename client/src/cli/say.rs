//! What is printed: sentences for people, one JSON object in each line for programs.

use std::{io::Write, path::Path, sync::Mutex};

use ogpu_client::Error;
use ogpu_primitives::market::TaskId;
use serde_json::{Value, json};

/// How to go on with what was under way when it was interrupted.
static RESUME: Mutex<Option<String>> = Mutex::new(None);

/// Bytes, such as a hash, in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
	let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
	format!("0x{digits}")
}

/// How many there are of something, in words.
pub(super) fn count(number: impl Into<u64>, what: &str) -> String {
	match number.into() {
		1 => format!("1 {what}"),
		number => format!("{number} {what}s"),
	}
}

/// What names the folder for results in a command to go on with, if one was named.
pub(super) fn with_out(out: Option<&Path>) -> String {
	out.map_or_else(String::new, |out| format!(" --out {}", out.display()))
}

/// How to print.
#[derive(Clone, Copy)]
pub(crate) struct Say {
	pub(super) json: bool,
}

impl Say {
	/// Prints a sentence, or what it says as JSON.
	pub(super) fn line(self, sentence: impl AsRef<str>, value: Value) {
		let sentence = if self.json { value.to_string() } else { sentence.as_ref().to_owned() };
		// Whoever reads it may have read enough, such as `head`: what is under way goes on.
		let _ = writeln!(std::io::stdout(), "{sentence}");
	}

	/// Notes how to go on if what follows is interrupted. What was noted before.
	pub(super) fn resume_with(self, how: impl Into<String>) -> Option<String> {
		self.resume_as(Some(how.into()))
	}

	/// Notes what was noted before, or that there is nothing to go on with.
	pub(super) fn resume_as(self, how: Option<String>) -> Option<String> {
		let mut noted = RESUME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
		std::mem::replace(&mut *noted, how)
	}

	/// Says why the command has failed, and how to go on where it has not been decided what becomes of the matter.
	pub(super) fn error(self, error: &Error) {
		let how = self.resume_as(None).filter(|_| error.is_of_the_way());
		if self.json {
			let mut value = json!({ "error": error.to_string(), "code": error.code() });
			if let Some(how) = how {
				value["resume"] = how.into();
			}
			self.line("", value);
		} else {
			let how = how.map_or_else(String::new, |how| format!("\n{how}"));
			eprintln!("Error: {}{how}", error.to_string().trim_end());
		}
	}

	/// Says why one of several tasks has come to nothing.
	pub(super) fn failed(self, task: TaskId, error: &Error) {
		if self.json {
			self.line(
				"",
				json!({ "task": task, "failed": error.to_string(), "code": error.code() }),
			);
		} else {
			eprintln!("task {task}: {}", error.to_string().trim_end());
		}
	}

	pub(super) fn interrupted(self) {
		let how = self.resume_as(None);
		match how {
			Some(how) if !self.json => eprintln!("\nInterrupted. {how}"),
			how => self.line("\nInterrupted.", json!({ "interrupted": true, "resume": how })),
		}
	}
}
