//! The rules, and what is said of a program that breaks one.

use std::fmt;

/// A rule of the gate. Its code never changes: it is what may be said on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rule {
	/// The program does not compile.
	Compiles = 1,
	/// No file is included or embedded.
	NoInclude = 2,
	/// No directive is left after preprocessing but a few harmless pragmas.
	Pragmas = 3,
	/// No name that a device's compiler may give a meaning of its own.
	Names = 4,
	/// Only attributes that change no result.
	Attributes = 5,
	/// Only functions that give the same result everywhere.
	Functions = 6,
	/// Only instructions that give the same result everywhere.
	Instructions = 7,
	/// No recursion, no calls through pointers.
	Calls = 8,
	/// Private and local memory within bounds.
	Memory = 9,
	/// No floating point in an integer job, no double precision undeclared.
	FloatingPoint = 10,
	/// Atomic operations on integers, their results unused.
	Atomics = 11,
	/// The kernels that the steps name, with the arguments that they give.
	Kernels = 12,
	/// Text and code of bounded size.
	Size = 13,
	/// Conversions and divisions with a defined result.
	Defined = 14,
}

impl Rule {
	/// Its code.
	pub const fn code(self) -> u8 {
		self as u8
	}
}

impl fmt::Display for Rule {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Compiles => "compiles",
			Self::NoInclude => "no-include",
			Self::Pragmas => "pragmas",
			Self::Names => "names",
			Self::Attributes => "attributes",
			Self::Functions => "functions",
			Self::Instructions => "instructions",
			Self::Calls => "calls",
			Self::Memory => "memory",
			Self::FloatingPoint => "floating-point",
			Self::Atomics => "atomics",
			Self::Kernels => "kernels",
			Self::Size => "size",
			Self::Defined => "defined",
		})
	}
}

/// A rule that a program breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
	/// The line of the program, where one can be named.
	pub line: Option<u32>,
	/// The rule.
	pub rule: Rule,
	/// What breaks it, and what to do instead.
	pub what: String,
}

impl Refusal {
	pub(crate) fn new(rule: Rule, line: Option<u32>, what: impl Into<String>) -> Self {
		Self { line, rule, what: what.into() }
	}
}

impl fmt::Display for Refusal {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		if let Some(line) = self.line {
			write!(f, "{line}: ")?;
		}
		write!(f, "{} (rule {})", self.what, self.rule)
	}
}
