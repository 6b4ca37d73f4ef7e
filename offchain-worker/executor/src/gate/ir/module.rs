//! The parts of a module.

use std::collections::{BTreeMap, BTreeSet};

use super::types::Types;

/// A module, taken apart.
pub(in crate::gate) struct Module<'ir> {
	pub(super) types: Types<'ir>,
	pub(super) globals: Vec<Global<'ir>>,
	pub(super) functions: Vec<Function<'ir>>,
	pub(super) declared: BTreeSet<&'ir str>,
	/// Lines at the top level that are none of the above and have no business there.
	pub(super) strange: Vec<&'ir str>,
	metadata: BTreeMap<u32, &'ir str>,
}

/// A variable outside functions.
pub(super) struct Global<'ir> {
	pub(super) name: &'ir str,
	/// What follows the `=`.
	pub(super) definition: &'ir str,
	pub(super) address_space: u32,
}

/// A function with a body.
pub(super) struct Function<'ir> {
	pub(super) name: &'ir str,
	pub(super) header: &'ir str,
	pub(super) is_kernel: bool,
	pub(super) body: Vec<Instruction<'ir>>,
}

/// One instruction.
pub(super) struct Instruction<'ir> {
	/// The register that takes the result.
	pub(super) result: Option<&'ir str>,
	pub(super) opcode: &'ir str,
	/// What follows the opcode, without metadata.
	pub(super) operands: &'ir str,
	debug: Option<u32>,
	unroll: Option<u32>,
}

fn metadata_number(text: &str, key: &str) -> Option<u32> {
	let rest = &text[text.find(key)? + key.len()..];
	rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The name after the first `@`.
pub(super) fn symbol(text: &str) -> Option<&str> {
	let rest = &text[text.find('@')? + 1..];
	match rest.strip_prefix('"') {
		Some(quoted) => quoted.split('"').next(),
		None => rest.split(|c: char| !(c.is_ascii_alphanumeric() || "._$-".contains(c))).next(),
	}
}

impl<'ir> Instruction<'ir> {
	fn read(line: &'ir str) -> Self {
		let line = line.trim();
		let (code, metadata) = match line.find(", !") {
			Some(at) => line.split_at(at),
			None => (line, ""),
		};
		let (result, code) = match code.split_once(" = ") {
			Some((result, code)) if result.starts_with('%') => (Some(result), code),
			_ => (None, code),
		};
		let (opcode, operands) = code.split_once(' ').unwrap_or((code, ""));
		Self {
			result,
			opcode,
			operands,
			debug: metadata_number(metadata, "!dbg !"),
			unroll: metadata_number(metadata, "!llvm.loop !"),
		}
	}
}

impl<'ir> Module<'ir> {
	pub(in crate::gate) fn read(ir: &'ir str) -> Self {
		let mut module = Self {
			types: Types::default(),
			globals: Vec::new(),
			functions: Vec::new(),
			declared: BTreeSet::new(),
			strange: Vec::new(),
			metadata: BTreeMap::new(),
		};
		let mut lines = ir.lines();
		while let Some(line) = lines.next() {
			if line.starts_with("define ") {
				let body = lines.by_ref().take_while(|line| *line != "}");
				let body =
					body.filter(|line| is_instruction(line)).map(Instruction::read).collect();
				let body = join_switches(body);
				let name = symbol(line).unwrap_or_default();
				let is_kernel = line.contains(" spir_kernel ");
				module.functions.push(Function { name, header: line, is_kernel, body });
			} else if line.starts_with("declare ") {
				module.declared.insert(symbol(line).unwrap_or_default());
			} else if let Some(rest) = line.strip_prefix('!') {
				if let Some((number, node)) = rest.split_once(" = ")
					&& let Ok(number) = number.parse()
				{
					module.metadata.insert(number, node);
				}
			} else if line.starts_with('%') {
				match line.split_once(" = type ") {
					Some((name, layout)) => module.types.define(name, layout),
					None => module.strange.push(line),
				}
			} else if line.starts_with('@') {
				match line.split_once(" = ") {
					Some((_, definition)) => module.globals.push(Global {
						name: symbol(line).unwrap_or_default(),
						definition,
						address_space: metadata_number(definition, "addrspace(").unwrap_or(0),
					}),
					None => module.strange.push(line),
				}
			} else if !is_preamble(line) {
				module.strange.push(line);
			}
		}
		module
	}

	/// The size of the type that `text` begins with, rounded up to the alignment that the text asks for;
	/// more than any bound if it is not understood.
	pub(super) fn size_with_alignment(&self, text: &str) -> u64 {
		let alignment = metadata_number(text, ", align ").map_or(1, u64::from).max(1);
		self.types
			.size(text)
			.and_then(|size| size.checked_next_multiple_of(alignment))
			.unwrap_or(u64::MAX)
	}

	/// The size of a variable.
	pub(super) fn size_of_global(&self, global: &Global<'_>) -> u64 {
		let kinds = [" global ", " constant "].iter();
		let at =
			kinds.filter_map(|kind| global.definition.find(kind).map(|at| at + kind.len())).min();
		at.map_or(u64::MAX, |at| self.size_with_alignment(&global.definition[at..]))
	}

	/// The line of the program that an instruction came from.
	pub(super) fn line(&self, instruction: &Instruction<'_>) -> Option<u32> {
		metadata_number(self.metadata.get(&instruction.debug?)?, "line: ")
	}

	/// How often the loop that ends in this instruction is to be unrolled.
	pub(super) fn unroll_count(&self, instruction: &Instruction<'_>) -> Option<u32> {
		let parts = self.metadata.get(&instruction.unroll?)?;
		let parts = parts
			.split('!')
			.filter_map(|part| part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
		parts
			.filter_map(|part: u32| {
				metadata_number(self.metadata.get(&part)?, "\"llvm.loop.unroll.count\", i32 ")
			})
			.max()
	}

	/// The strings or numbers of a list that a function's header names, such as `kernel_arg_type`.
	pub(super) fn list(&self, header: &str, key: &str) -> Vec<&'ir str> {
		let node = metadata_number(header, &format!("!{key} !"))
			.and_then(|number| self.metadata.get(&number));
		let Some(items) = node.and_then(|node| node.strip_prefix("!{")?.strip_suffix('}')) else {
			return Vec::new();
		};
		items.split(", ").map(|item| item.trim_start_matches('!').trim_matches('"')).collect()
	}
}

/// A switch spans several lines; only the first is an instruction.
fn join_switches(body: Vec<Instruction<'_>>) -> Vec<Instruction<'_>> {
	body.into_iter()
		.filter(|instruction| {
			!(matches!(instruction.opcode, "]" | "i8" | "i16" | "i32" | "i64")
				&& instruction.result.is_none())
		})
		.collect()
}

fn is_instruction(line: &str) -> bool {
	let is_label = !line.starts_with(' ') && line.contains(':');
	!(line.is_empty()
		|| is_label
		|| line.starts_with(';')
		|| line.trim_start().starts_with("#dbg_"))
}

fn is_preamble(line: &str) -> bool {
	line.is_empty()
		|| ["; ", ";", "source_filename", "target ", "attributes #"]
			.iter()
			.any(|start| line.starts_with(start))
}
