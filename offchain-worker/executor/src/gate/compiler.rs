//! The gate's own compiler: clang 19, in the sandbox.

use std::{
	ffi::OsStr,
	fs,
	path::{Path, PathBuf},
	time::Duration,
};

use ogpu_sandbox::{Cage, CageError, Ended, Policy};

use super::{
	GateError,
	rules::{Refusal, Rule},
	text::{MAX_TEXT, PROGRAM},
};

/// The compiler's major version. Another one may come to other verdicts: raise it for all at once.
const VERSION: &str = "19";
/// How long one run may take.
const LIMIT: Duration = Duration::from_secs(20);
/// The longest IR.
const MAX_IR: usize = 128 << 20;
/// The file that holds our text and the program.
const FILE: &str = "job.cl";

/// Where the compiler and the sandbox are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiler {
	cage: PathBuf,
	clang: PathBuf,
	insecure: bool,
}

/// What OpenCL programs are to the compiler.
const LANGUAGE: &[&str] = &[
	"-x",
	"cl",
	"-cl-std=CL1.2",
	"-target",
	"spir64",
	"-fno-color-diagnostics",
	"-ferror-limit=20",
];

/// Preprocessing: without any header, and without anything that differs between machines or days.
const PREPROCESS: &[&str] = &[
	"-E",
	"-cl-no-stdinc",
	"-nostdinc",
	"-Wno-builtin-macro-redefined",
	"-D__has_include(x)=0",
	"-D__has_include_next(x)=0",
	"-D__has_embed(x)=0",
	"-U__VERSION__",
	"-U__clang_version__",
	"-U__clang_minor__",
	"-U__clang_patchlevel__",
	"-Wsystem-headers",
	"-Werror=date-time",
	"-Wdate-time",
	"-Werror=c23-extensions",
	"-Wno-trigraphs",
];

/// Compiling: unoptimised, with lines, and with those warnings as errors that tell of undefined results.
const COMPILE: &[&str] = &[
	"-S",
	"-emit-llvm",
	"-O0",
	"-Xclang",
	"-disable-llvm-passes",
	"-gline-tables-only",
	"-Wuninitialized",
	"-Werror=uninitialized",
	"-Wdivision-by-zero",
	"-Werror=division-by-zero",
	"-Warray-bounds",
	"-Werror=array-bounds",
	"-Wshift-count-overflow",
	"-Werror=shift-count-overflow",
	"-Wshift-count-negative",
	"-Werror=shift-count-negative",
	"-Wunsequenced",
	"-Werror=unsequenced",
	"-Wc23-extensions",
	"-Werror=c23-extensions",
];

impl Compiler {
	/// The compiler of this machine; `cage` is the program `ogpu-cage`.
	///
	/// # Errors
	///
	/// When clang of the version that the gate needs is not installed.
	pub fn find(cage: &Path, insecure: bool) -> Result<Self, GateError> {
		let places =
			[format!("/usr/bin/clang-{VERSION}"), format!("/usr/lib/llvm-{VERSION}/bin/clang")];
		let clang = places.iter().map(PathBuf::from).find(|path| path.exists());
		let clang = clang.ok_or_else(|| {
			GateError::Host(format!(
				"clang {VERSION} is missing; on Debian: apt-get install clang-{VERSION}"
			))
		})?;
		Ok(Self { cage: cage.to_owned(), clang, insecure })
	}

	/// Preprocesses our text and the program after it.
	pub(super) fn preprocess(&self, before: &str, source: &str) -> Result<String, GateError> {
		if source.contains('\0') {
			return Err(GateError::Refused(vec![Refusal::new(
				Rule::Compiles,
				None,
				"the program holds a zero byte",
			)]));
		}
		let text = format!("{before}\n#line 1 \"{PROGRAM}\"\n{source}\n");
		self.run(&text, PREPROCESS, MAX_TEXT, &[])
	}

	/// Compiles preprocessed text to IR.
	pub(super) fn compile(&self, text: &str) -> Result<String, GateError> {
		self.run(text, COMPILE, MAX_IR, &["/include/opencl-c-base.h"])
	}

	fn run(
		&self,
		text: &str,
		args: &[&str],
		most: usize,
		headers: &[&str],
	) -> Result<String, GateError> {
		let host = |error: &dyn std::fmt::Display| GateError::Host(error.to_string());
		let folder = tempfile::Builder::new()
			.prefix("ogpu-gate-")
			.tempdir()
			.map_err(|error| host(&error))?;
		fs::write(folder.path().join(FILE), text).map_err(|error| host(&error))?;
		let policy = Policy {
			folder: folder.path().to_owned(),
			memory: 4 << 30,
			cpu_seconds: LIMIT.as_secs(),
			file_size: 1 << 20,
			insecure: self.insecure,
			..Policy::default()
		};
		let mut line: Vec<&str> = LANGUAGE.iter().chain(args).copied().collect();
		line.extend(["-MD", "-MF", "files", "-o", "-", FILE]);
		let env = [("TMPDIR", OsStr::new(".")), ("SOURCE_DATE_EPOCH", OsStr::new("0"))];
		let cage = Cage::start(&self.cage, &policy, &self.clang, &line, &env)
			.map_err(|error| host(&error))?;
		let output = cage.wait_with_output(LIMIT, most).map_err(|error| match error {
			CageError::NoCage(why) => GateError::Host(why),
			other => host(&other),
		})?;
		let refused =
			|rule, what: String| Err(GateError::Refused(vec![Refusal::new(rule, None, what)]));
		let files = fs::read_to_string(folder.path().join("files")).unwrap_or_default();
		if let Some(file) = included(&files, headers) {
			return refused(
				Rule::NoInclude,
				format!("the file {file} is included; a program is one file"),
			);
		}
		match output.ended {
			Ended::Exited(0) if output.stdout.len() < most => String::from_utf8(output.stdout)
				.or_else(|_| refused(Rule::Compiles, "the program is not UTF-8 text".into())),
			Ended::Exited(1) => Err(GateError::Refused(diagnostics(&output.stderr))),
			Ended::Killed if output.stdout.len() >= most => {
				refused(Rule::Size, format!("the program comes to more than {most} bytes"))
			}
			Ended::Exited(0) => {
				refused(Rule::Size, format!("the program comes to more than {most} bytes"))
			}
			Ended::Killed => {
				Err(GateError::Host(format!("the compiler took longer than {} s", LIMIT.as_secs())))
			}
			Ended::Exited(code) => Err(GateError::Host(format!(
				"the compiler ended with {code}: {}",
				output.stderr.trim()
			))),
			Ended::Signalled(signal) => {
				Err(GateError::Host(format!("the compiler was ended by signal {signal}")))
			}
		}
	}
}

/// The first file in a list of dependencies, as Make writes it, that is neither our own nor one of the
/// compiler's `headers`.
fn included<'files>(files: &'files str, headers: &[&str]) -> Option<&'files str> {
	let listed = files.split_once(':')?.1;
	let listed = listed.split_whitespace().filter(|word| *word != "\\");
	let is_header = |file: &str| {
		file.starts_with("/usr/lib/llvm-") && headers.iter().any(|name| file.ends_with(name))
	};
	listed.into_iter().find(|file| *file != FILE && !is_header(file))
}

/// The errors among the compiler's messages. They name places of the program; those in our own text come
/// of a use of it, and are told without a line.
fn diagnostics(messages: &str) -> Vec<Refusal> {
	let mut refusals: Vec<Refusal> = messages
		.lines()
		.filter_map(|message| {
			let (place, what) = message
				.split_once(": error: ")
				.or_else(|| message.split_once(": fatal error: "))?;
			let mut place = place.split(':');
			let in_program = place.next() == Some(PROGRAM);
			let line = place.next().and_then(|line| line.parse().ok()).filter(|_| in_program);
			let rule = match what {
				what if what.contains("file not found") || what.contains("#embed") => {
					Rule::NoInclude
				}
				_ => Rule::Compiles,
			};
			Some(Refusal::new(rule, line, what))
		})
		.collect();
	if refusals.is_empty() {
		refusals.push(Refusal::new(
			Rule::Compiles,
			None,
			format!("it does not compile: {}", messages.trim()),
		));
	}
	refusals
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn files_that_were_read_are_seen() {
		let base = "/usr/lib/llvm-19/lib/clang/19/include/opencl-c-base.h";
		let with_base = format!("job.o: job.cl {base}\n");
		assert_eq!(included("job.o: job.cl \\\n  /etc/passwd\n", &[]), Some("/etc/passwd"));
		assert_eq!(included("job.o: job.cl\n", &[]), None);
		assert_eq!(included(&with_base, &["/include/opencl-c-base.h"]), None);
		assert_eq!(included(&with_base, &[]), Some(base));
		assert_eq!(included("", &[]), None);
	}

	#[test]
	fn messages_keep_their_lines() {
		let refusals = diagnostics(
			"program.cl:3:5: error: use of undeclared identifier 'x'\n    3 | x;\n      | ^\njob.cl:9:1: error: y\n1 error generated.\n",
		);
		assert_eq!(
			refusals.iter().map(|refusal| refusal.line).collect::<Vec<_>>(),
			[Some(3), None]
		);
		assert_eq!(diagnostics("clang: broken").len(), 1);
	}
}
