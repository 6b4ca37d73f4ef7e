//! What can be told from the preprocessed text. No macro is left in it and nothing can be pasted together
//! any more, so that its tokens are what a compiler will see.

use std::collections::BTreeSet;

use super::{
	ir::is_opencl,
	rules::{Refusal, Rule},
};

/// The name by which compilers call the program.
pub(super) const PROGRAM: &str = "program.cl";
/// The longest text, preprocessed, in bytes.
pub(super) const MAX_TEXT: usize = 2 << 20;
/// The most copies that a loop may be unrolled to: more is an attack on the compiler.
const MAX_UNROLL: u32 = 64;

/// Preprocessed text, in two forms.
#[derive(Default)]
pub(super) struct Text {
	/// With the line markers, for messages that name lines.
	pub(super) marked: String,
	/// Without, for the device.
	pub(super) plain: String,
	/// What breaks a rule.
	pub(super) refusals: Vec<Refusal>,
	/// `#undef` for every name in the text that a device's compiler might have as a macro.
	pub(super) undefine: String,
}

/// What floating point the program may spell out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Floats {
	/// None.
	None,
	/// Single precision.
	Single,
	/// Single and double precision.
	Double,
}

/// Takes the output of the preprocessor apart and checks the part that is the client's.
pub(super) fn read(preprocessed: &str, floats: Floats) -> Text {
	let mut text = Text::default();
	let mut names = BTreeSet::new();
	let mut in_program = false;
	let mut line = 0;
	let mut attributes = Attributes::default();
	for row in preprocessed.lines() {
		if let Some((next, file)) = marker(row) {
			in_program |= file == PROGRAM;
			line = next;
			// Without flags: a program may not pass for a system header, in which fewer errors are told.
			text.marked.push_str(&format!("# {line} \"{file}\"\n"));
			continue;
		}
		if in_program {
			check_row(row, line, floats, &mut attributes, &mut text.refusals);
		}
		names.extend(Tokens(row).filter_map(|token| match token {
			Token::Word(word) if !row.trim_start().starts_with('#') && !is_language(word) => {
				Some(word)
			}
			_ => None,
		}));
		for form in [&mut text.marked, &mut text.plain] {
			form.push_str(row);
			form.push('\n');
		}
		line += 1;
	}
	text.undefine = names.iter().map(|name| format!("#undef {name}\n")).collect();
	text
}

/// Whether a name is the language's own, and may be a macro of the device's compiler with good reason. All
/// others are the program's: whatever macro a compiler has for them is taken away first.
fn is_language(word: &str) -> bool {
	const WORDS: &[&str] = &[
		"auto",
		"break",
		"case",
		"const",
		"continue",
		"default",
		"do",
		"else",
		"enum",
		"extern",
		"for",
		"goto",
		"if",
		"inline",
		"register",
		"restrict",
		"return",
		"signed",
		"sizeof",
		"static",
		"struct",
		"switch",
		"typedef",
		"union",
		"unsigned",
		"void",
		"volatile",
		"while",
		"bool",
		"true",
		"false",
		"kernel",
		"global",
		"local",
		"constant",
		"private",
		"read_only",
		"write_only",
		"read_write",
		"size_t",
		"ptrdiff_t",
		"intptr_t",
		"uintptr_t",
		"INFINITY",
		"NAN",
		"MAXFLOAT",
		"NULL",
	];
	const STARTS: &[&str] = &[
		"CLK_", "FLT_", "DBL_", "M_", "HUGE_VAL", "CHAR_", "SCHAR_", "SHRT_", "INT_", "LONG_",
		"UCHAR_", "USHRT_", "UINT_", "ULONG_",
	];
	let scalar = word.trim_end_matches(|c: char| c.is_ascii_digit());
	let scalar = scalar.strip_prefix('u').unwrap_or(scalar);
	WORDS.contains(&word)
		|| word.starts_with("__")
		|| STARTS.iter().any(|start| word.starts_with(start))
		|| matches!(scalar, "char" | "short" | "int" | "long" | "float" | "double" | "half")
		|| is_opencl(word)
}

/// The line and file of a line marker.
fn marker(row: &str) -> Option<(u32, &str)> {
	let (line, rest) = row.strip_prefix("# ")?.split_once(' ')?;
	Some((line.parse().ok()?, rest.strip_prefix('"')?.split('"').next()?))
}

fn check_row(
	row: &str,
	line: u32,
	floats: Floats,
	attributes: &mut Attributes,
	refusals: &mut Vec<Refusal>,
) {
	let start = row.trim_start();
	if let Some(pragma) = start.strip_prefix("#pragma ") {
		if !is_harmless(pragma) {
			let what = format!("#pragma {pragma} is not allowed");
			refusals.push(Refusal::new(Rule::Pragmas, Some(line), what));
		}
		return;
	}
	// A macro may leave a directive behind, which a second preprocessor would obey.
	if start.starts_with(['#']) || start.starts_with("%:") || row.contains("??") {
		refusals.push(Refusal::new(
			Rule::Pragmas,
			Some(line),
			"a directive is left after preprocessing",
		));
		return;
	}
	let mut after_bracket = false;
	for token in Tokens(row) {
		let bracket = matches!(token, Token::Other('['));
		if bracket && after_bracket {
			refusals.push(Refusal::new(
				Rule::Attributes,
				Some(line),
				"attributes in [[ ]] are not OpenCL C",
			));
		}
		after_bracket = bracket || after_bracket && matches!(token, Token::Other(' ' | '\t'));
		match token {
			Token::Number(number) => {
				if let Some(what) = float_complaint(number, floats) {
					refusals.push(Refusal::new(Rule::FloatingPoint, Some(line), what));
				}
			}
			Token::Word(word) if floats == Floats::None && is_float_type(word) => {
				let what = format!("{word} in a job of the profile exact-int");
				refusals.push(Refusal::new(Rule::FloatingPoint, Some(line), what));
			}
			Token::Word(word)
				if floats == Floats::Single
					&& word.starts_with("double")
					&& is_float_type(word) =>
			{
				let what = format!("{word} without resources.fp64: true");
				refusals.push(Refusal::new(Rule::FloatingPoint, Some(line), what));
			}
			Token::Backslash => {
				refusals.push(Refusal::new(
					Rule::Pragmas,
					Some(line),
					"a backslash is left after preprocessing",
				));
			}
			Token::Word(word) => {
				if attributes.word(word) {
					if !ATTRIBUTES.contains(&word.trim_matches('_')) {
						let what = format!("the attribute {word} is not allowed");
						refusals.push(Refusal::new(Rule::Attributes, Some(line), what));
					}
				} else if is_reserved(word) {
					let what = format!(
						"the name {word} may mean something of its own to a device's compiler"
					);
					refusals.push(Refusal::new(Rule::Names, Some(line), what));
				}
			}
			Token::Other(other) => attributes.other(other),
		}
	}
}

fn is_float_type(word: &str) -> bool {
	let scalar = word.trim_end_matches(|c: char| c.is_ascii_digit());
	matches!(scalar, "float" | "double" | "half")
}

/// What is wrong with a number, if it is one of floating point: constants are computed by compilers, before
/// any rule on instructions can see them.
fn float_complaint(number: &str, floats: Floats) -> Option<String> {
	let number = number.to_ascii_lowercase();
	let hexadecimal = number.starts_with("0x");
	let is_float = number.contains('.') || number.contains(if hexadecimal { 'p' } else { 'e' });
	match floats {
		_ if !is_float => None,
		Floats::None => Some(format!("the number {number} in a job of the profile exact-int")),
		Floats::Single if !number.ends_with('f') => Some(format!(
			"double precision without resources.fp64: true (the number {number} is double; write {number}f)"
		)),
		_ => None,
	}
}

fn is_harmless(pragma: &str) -> bool {
	const EXTENSIONS: &[&str] = &[
		"cl_khr_fp64",
		"cl_khr_byte_addressable_store",
		"cl_khr_global_int32_base_atomics",
		"cl_khr_global_int32_extended_atomics",
		"cl_khr_local_int32_base_atomics",
		"cl_khr_local_int32_extended_atomics",
	];
	let spaced = pragma.replace(':', " : ").replace('(', " ( ").replace(')', " ) ");
	match spaced.split_whitespace().collect::<Vec<_>>().as_slice() {
		["OPENCL", "FP_CONTRACT", "OFF"] | ["unroll"] => true,
		["OPENCL", "EXTENSION", name, ":", "enable"] => EXTENSIONS.contains(name),
		["unroll", count] | ["unroll", "(", count, ")"] => {
			count.parse().is_ok_and(|count: u32| count <= MAX_UNROLL)
		}
		_ => false,
	}
}

const ATTRIBUTES: &[&str] = &[
	"reqd_work_group_size",
	"work_group_size_hint",
	"vec_type_hint",
	"aligned",
	"packed",
	"always_inline",
	"noinline",
	"unused",
	"opencl_unroll_hint",
];

/// Whether a device's compiler may know a name that the gate's does not, so that the same text means
/// another program there.
fn is_reserved(word: &str) -> bool {
	const LANGUAGE: &[&str] = &[
		"__kernel",
		"__global",
		"__local",
		"__constant",
		"__private",
		"__const",
		"__restrict",
		"__restrict__",
		"__volatile",
		"__inline",
		"__inline__",
		"__attribute__",
		"__attribute",
	];
	// The last ones have sizes and values that OpenCL leaves open.
	const OTHERS: &[&str] =
		&["linux", "unix", "i386", "asm", "event_t", "sampler_t", "FP_ILOGB0", "FP_ILOGBNAN"];
	let second = word.as_bytes().get(1).copied().unwrap_or_default();
	let reserved = word.starts_with('_') && (second == b'_' || second.is_ascii_uppercase());
	(reserved && !LANGUAGE.contains(&word))
		|| word.starts_with("cl_")
		|| word.starts_with("image") && word.ends_with("_t")
		|| OTHERS.contains(&word)
}

/// Follows whether words are names of attributes: directly inside `__attribute__((…))`.
#[derive(Default)]
struct Attributes {
	pending: bool,
	depth: u32,
}

impl Attributes {
	/// Takes a word; returns whether it is the name of an attribute.
	fn word(&mut self, word: &str) -> bool {
		if self.depth == 0 {
			self.pending = matches!(word, "__attribute__" | "__attribute");
			return false;
		}
		self.depth == 2
	}

	fn other(&mut self, other: char) {
		match other {
			'(' if self.depth > 0 || self.pending => self.depth += 1,
			')' => self.depth = self.depth.saturating_sub(1),
			_ => {}
		}
		self.pending &= other.is_whitespace() || other == '(';
		self.pending &= self.depth == 0;
	}
}

enum Token<'row> {
	Word(&'row str),
	Number(&'row str),
	Backslash,
	Other(char),
}

/// The tokens of a row, without its literals.
struct Tokens<'row>(&'row str);

impl<'row> Iterator for Tokens<'row> {
	type Item = Token<'row>;

	fn next(&mut self) -> Option<Token<'row>> {
		let first = self.0.chars().next()?;
		let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
		let starts_number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
		if starts_number(self.0) || first == '.' && starts_number(&self.0[1..]) {
			// A number swallows its suffix, and the sign of its exponent: in 0x1p-3f no letter is a word.
			let mut before = ' ';
			let end = self.0.find(|c: char| {
				let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E' | 'p' | 'P');
				before = c;
				!(is_word(c) || c == '.' || sign)
			});
			let (number, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
			self.0 = rest;
			return Some(Token::Number(number));
		}
		if is_word(first) {
			let end = self.0.find(|c: char| !is_word(c)).unwrap_or(self.0.len());
			let (word, rest) = self.0.split_at(end);
			self.0 = rest;
			return Some(Token::Word(word));
		}
		self.0 = &self.0[first.len_utf8()..];
		match first {
			'"' | '\'' => {
				let mut escaped = false;
				let end = self.0.find(|c: char| {
					let closes = c == first && !escaped;
					escaped = c == '\\' && !escaped;
					closes
				});
				self.0 = end.map_or("", |end| &self.0[end + 1..]);
				self.next()
			}
			'\\' => Some(Token::Backslash),
			other => Some(Token::Other(other)),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn rules_of(program: &str) -> Vec<Rule> {
		let text = format!("# 1 \"job.cl\"\nstatic int __hidden;\n# 1 \"{PROGRAM}\"\n{program}");
		read(&text, Floats::Double).refusals.into_iter().map(|refusal| refusal.rule).collect()
	}

	#[test]
	fn markers_name_lines_and_do_not_reach_the_device() {
		let text = read(
			"# 1 \"job.cl\"\nint a;\n# 7 \"program.cl\"\nint __b;\n\nint __c;\n",
			Floats::None,
		);
		assert_eq!(text.plain, "int a;\nint __b;\n\nint __c;\n");
		assert_eq!(
			text.refusals.iter().map(|refusal| refusal.line).collect::<Vec<_>>(),
			[Some(7), Some(9)]
		);
	}

	#[test]
	fn harmless_text_passes() {
		for program in [
			"#pragma unroll 8\n",
			"#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n",
			"__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void f(__global int *x) {}\n",
			"__constant char c[] = \"__asm \\\" #\"; int x = 0x1__f;\n",
			"float4 v = (float4)(1.0f); v.x = '\\\\' + 1;\n",
		] {
			assert_eq!(rules_of(program), [], "{program}");
		}
	}

	#[test]
	fn floats_are_told_from_other_numbers() {
		let rules = |program: &str, floats| {
			read(&format!("# 1 \"{PROGRAM}\"\n{program}\n"), floats).refusals.len()
		};
		for program in
			["1.0", ".5f", "1e3", "1e-3f", "0x1.8p+1f", "float x;", "double4 y;", "half z;"]
		{
			assert_eq!(rules(program, Floats::None), 1, "{program}");
		}
		for program in ["0xe1 + 0x1f - 12u + a.x + b1e.y", "v.s0 * 3", "floating + doubles"] {
			assert_eq!(rules(program, Floats::None), 0, "{program}");
		}
		for (program, single) in [
			("1.0", 1),
			("1.0f", 0),
			("1e-3", 1),
			("0x1p-3f", 0),
			("0x1p-3", 1),
			("double x", 1),
			("float x", 0),
		] {
			assert_eq!(
				(rules(program, Floats::Single), rules(program, Floats::Double)),
				(single, 0),
				"{program}"
			);
		}
	}

	#[test]
	fn macros_of_a_device_are_taken_away() {
		let text = read(
			"# 1 \"program.cl\"\nenum { LLVM_15_0 }; float4 x = fma(INFINITY, y.xyz, 1e3f);\n",
			Floats::Double,
		);
		assert_eq!(text.undefine, "#undef LLVM_15_0\n#undef x\n#undef xyz\n#undef y\n");
	}

	#[test]
	fn what_could_mean_something_else_elsewhere_is_refused() {
		for (program, rule) in [
			("#pragma OPENCL FP_CONTRACT ON\n", Rule::Pragmas),
			("#pragma clang fp contract(fast)\n", Rule::Pragmas),
			("#pragma unroll 100000\n", Rule::Pragmas),
			("  # include \"x\"\n", Rule::Pragmas),
			("%:include \"x\"\n", Rule::Pragmas),
			("??=include \"x\"\n", Rule::Pragmas),
			("int a; \\\n", Rule::Pragmas),
			("int x = __NVIDIA__;\n", Rule::Names),
			("int x = _Float16_thing + __builtin_clz(1);\n", Rule::Names),
			("__asm__(\"nop\");\n", Rule::Names),
			("int linux = 0;\n", Rule::Names),
			("int cl_nv_compiler_options;\n", Rule::Names),
			("[[gnu::pure]] int f();\n", Rule::Attributes),
			("event_t e;\n", Rule::Names),
			("void f() __attribute__((section(\"x\")));\n", Rule::Attributes),
			("int a __attribute__ (( aligned(4) , annotate(\"x\") ));\n", Rule::Attributes),
		] {
			assert!(rules_of(program).contains(&rule), "{program}");
		}
	}
}
