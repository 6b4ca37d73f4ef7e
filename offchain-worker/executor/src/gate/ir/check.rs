//! The rules that are checked on the IR.

use std::collections::{BTreeMap, BTreeSet};

use ogpu_primitives::job::{Arg, Job, MAX_LOCAL_MEMORY, Profile, Role, Shape, Step};

use super::{
	builtins::{Verdict, demangle, is_opencl, judge},
	module::{Function, Instruction, Module, symbol},
};
use crate::gate::rules::{Refusal, Rule};

/// The most private memory of a work-item, in bytes, over a whole chain of calls.
pub(in crate::gate) const MAX_PRIVATE: u64 = 16 * 1024;
/// The most bytes of `__constant` variables: what every device has.
const MAX_CONSTANTS: u64 = 64 * 1024;
/// The most instructions of a program: devices' compilers take time that grows with them.
const MAX_INSTRUCTIONS: usize = 200_000;
/// The most copies of a loop's body.
const MAX_UNROLL: u32 = 64;

/// What is known of an admitted program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::gate) struct Facts {
	/// Instructions, before optimisation.
	pub(in crate::gate) instructions: usize,
	/// For each kernel that a step names: private bytes of a work-item, local bytes of a work-group.
	pub(in crate::gate) kernels: BTreeMap<String, (u64, u64)>,
}

/// Checks a module; `host` is the module that comes of the text before the program alone.
pub(in crate::gate) fn check(
	job: &Job,
	module: &Module<'_>,
	host: &BTreeSet<String>,
) -> Result<Facts, Vec<Refusal>> {
	let mut check = Check { job, module, host, refusals: Vec::new() };
	check.top_level();
	for function in &module.functions {
		check.function(function);
	}
	let private = check.private_memory();
	let facts = check.kernels(&private);
	check.refusals.sort();
	check.refusals.dedup();
	if check.refusals.is_empty() { Ok(facts) } else { Err(check.refusals) }
}

struct Check<'run, 'ir> {
	job: &'run Job,
	module: &'run Module<'ir>,
	host: &'run BTreeSet<String>,
	refusals: Vec<Refusal>,
}

impl Check<'_, '_> {
	fn refuse(&mut self, rule: Rule, line: Option<u32>, what: impl Into<String>) {
		self.refusals.push(Refusal::new(rule, line, what));
	}

	fn lenient(&self) -> bool {
		self.job.profile == Profile::Redundant
	}

	fn top_level(&mut self) {
		for line in &self.module.strange {
			let start: String = line.chars().take(60).collect();
			self.refuse(
				Rule::Instructions,
				None,
				format!("this has no place in a program: {start}"),
			);
		}
		if self.module.types.any_holds_pointer() {
			let what = "a struct or union with a pointer in it: pointers may not be stored, they differ between devices";
			self.refuse(Rule::Instructions, None, what);
		}
		let mut constants = 0u64;
		for global in &self.module.globals {
			let name = global.name;
			if global.address_space == 2 {
				constants = constants.saturating_add(self.module.size_of_global(global));
			}
			if makes_pointers(global.definition) || has_word(global.definition, "ptr") {
				self.refuse(
					Rule::Instructions,
					None,
					format!("the variable {name} holds a pointer, or what was made of one"),
				);
			}
			if global.address_space != 3
				&& (has_word(global.definition, "poison") || has_word(global.definition, "undef"))
			{
				self.refuse(
					Rule::Defined,
					None,
					format!("the variable {name} starts with a value that is not defined"),
				);
			}
			match global.address_space {
				2 | 3 => {}
				_ => self.refuse(
					Rule::Memory,
					None,
					format!("the variable {name} outlives a launch; use a buffer"),
				),
			}
			let banned = ["section ", "alias ", "ifunc ", "thread_local"];
			if banned.iter().any(|word| global.definition.contains(word)) {
				self.refuse(
					Rule::Attributes,
					None,
					format!("the variable {name} is placed or named in a special way"),
				);
			}
		}
		if constants > MAX_CONSTANTS {
			self.refuse(
				Rule::Memory,
				None,
				format!("{constants} bytes of __constant variables; at most {MAX_CONSTANTS}"),
			);
		}
		let count = self.module.functions.iter().map(|function| function.body.len()).sum::<usize>();
		if count > MAX_INSTRUCTIONS {
			self.refuse(
				Rule::Size,
				None,
				format!("{count} instructions; at most {MAX_INSTRUCTIONS} are allowed"),
			);
		}
	}

	fn function(&mut self, function: &Function<'_>) {
		let name = function.name;
		let ours = self.host.contains(name);
		if !ours && (name.starts_with("ogpu_") || name.starts_with("dm_")) {
			self.refuse(
				Rule::Names,
				None,
				format!("the name {name} is taken; names with ogpu_ and dm_ are the prelude's"),
			);
		}
		if !ours && is_opencl(name) {
			self.refuse(
				Rule::Names,
				None,
				format!("{name} is a function of OpenCL C; give yours another name"),
			);
		}
		if function.header.contains(" section ") || function.header.contains("...") {
			self.refuse(
				Rule::Attributes,
				None,
				format!("the function {name} is placed or called in a special way"),
			);
		}
		if !ours {
			self.types(function.header, None);
		}
		let mut used = BTreeMap::new();
		let slots = pointer_slots(function);
		for instruction in &function.body {
			let line = self.module.line(instruction);
			self.instruction(instruction, line, ours);
			if stores_pointer(instruction, &slots) {
				let what = "pointers may be kept in plain variables only, not in memory, structs or arrays: they differ between devices";
				self.refuse(Rule::Instructions, line, what);
			}
			if !ours {
				self.types(instruction.operands, line);
			}
			for register in registers(instruction.operands) {
				*used.entry(register).or_insert(0u32) += 1;
			}
		}
		for instruction in &function.body {
			let is_used = instruction.result.is_some_and(|result| used.contains_key(result));
			if is_used && let Some((name, Verdict::Atomic)) = self.callee_verdict(instruction) {
				let line = self.module.line(instruction);
				let what = format!(
					"the result of {name} depends on the order of work-items; do not use it"
				);
				self.refuse(Rule::Atomics, line, what);
			}
		}
	}

	/// Refuses floating-point types where the job has none.
	fn types(&mut self, text: &str, line: Option<u32>) {
		let has = |word| has_word(text, word);
		if has("half") || has("bfloat") {
			self.refuse(
				Rule::FloatingPoint,
				line,
				"half precision is not exact anywhere; use float",
			);
		}
		if self.job.profile == Profile::ExactInt && (has("float") || has("double")) {
			self.refuse(
				Rule::FloatingPoint,
				line,
				"floating point in a job of the profile exact-int",
			);
		} else if has("double") && !self.job.resources.fp64 {
			let what = "double precision without resources.fp64: true (a constant such as 1.0 is double; write 1.0f)";
			self.refuse(Rule::FloatingPoint, line, what);
		}
	}

	fn callee_verdict<'a>(&self, instruction: &Instruction<'a>) -> Option<(&'a str, Verdict)> {
		let callee = (instruction.opcode == "call").then(|| callee(instruction.operands))??;
		if !self.module.declared.contains(callee) {
			return None;
		}
		let sliced = matches!(self.job.shape, Shape::DataParallel { .. });
		let name = demangle(callee).map_or(callee, |(name, _)| name);
		Some((name, judge(callee, self.job.profile, sliced)))
	}

	fn instruction(&mut self, instruction: &Instruction<'_>, line: Option<u32>, ours: bool) {
		let operands = instruction.operands;
		if makes_pointers(operands) {
			self.refuse(
				Rule::Instructions,
				line,
				"pointers may not be made of integers, nor integers of pointers",
			);
		}
		// Vectors are built from poison, part by part; anywhere else it is a result that is not defined.
		let builds_vector = matches!(instruction.opcode, "insertelement" | "shufflevector");
		if !builds_vector && !self.lenient() && has_word(operands, "poison") {
			self.refuse(
				Rule::Defined,
				line,
				"a constant that is not defined, such as a float too large for its integer",
			);
		}
		match instruction.opcode {
			"call" | "tail" | "musttail" | "notail" => self.call(instruction, line, ours),
			"alloca" if self.module.types.size(operands).is_none() || has_count(operands) => {
				self.refuse(
					Rule::Memory,
					line,
					"an array whose size is no constant, or no known type",
				);
			}
			"icmp" if is_pointer_order(operands) && !self.lenient() => {
				self.refuse(
					Rule::Defined,
					line,
					"addresses differ between devices; compare indices",
				);
			}
			"fptosi" | "fptoui" if !(ours || self.lenient()) => {
				let what = "a float out of the integer's range has no defined conversion; use ogpu_f32_to_i32 or ogpu_f32_to_u32";
				self.refuse(Rule::Defined, line, what);
			}
			"sdiv" | "udiv" | "srem" | "urem"
				if operands.ends_with(", 0") || operands.ends_with(", poison") =>
			{
				self.refuse(Rule::Defined, line, "a division by zero");
			}
			"fadd" | "fsub" | "fmul" | "fdiv" | "fneg" | "fcmp" => {
				let flags = ["fast", "contract", "reassoc", "nnan", "ninf", "nsz", "arcp", "afn"];
				let flag = operands
					.split(' ')
					.take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
				if let Some(flag) = flag.into_iter().find(|word| flags.contains(word)) {
					self.refuse(
						Rule::Instructions,
						line,
						format!("arithmetic that may be rearranged ({flag})"),
					);
				}
			}
			"br" => {
				if self.module.unroll_count(instruction).is_some_and(|count| count > MAX_UNROLL) {
					self.refuse(
						Rule::Size,
						line,
						format!("a loop is unrolled more than {MAX_UNROLL} times"),
					);
				}
			}
			"inttoptr" | "ptrtoint" | "addrspacecast" => {
				self.refuse(
					Rule::Instructions,
					line,
					"pointers may not be made of integers, nor integers of pointers",
				);
			}
			opcode if ALLOWED.contains(&opcode) => {}
			opcode => self.refuse(
				Rule::Instructions,
				line,
				format!("the instruction {opcode} is not allowed"),
			),
		}
	}

	fn call(&mut self, instruction: &Instruction<'_>, line: Option<u32>, ours: bool) {
		if instruction.operands.contains(" asm ") {
			return self.refuse(Rule::Instructions, line, "assembly is not allowed");
		}
		let Some(callee) = callee(instruction.operands) else {
			return self.refuse(Rule::Calls, line, "a call through a pointer");
		};
		if let Some(function) =
			self.module.functions.iter().find(|function| function.name == callee)
		{
			if function.is_kernel {
				self.refuse(
					Rule::Calls,
					line,
					format!("the kernel {callee} is called; call a function that both share"),
				);
			}
			return;
		}
		let Some((name, verdict)) = self.callee_verdict(instruction) else {
			return self.refuse(
				Rule::Calls,
				line,
				format!("{callee} is called, which is not there"),
			);
		};
		match verdict {
			Verdict::Refused if demangle(callee).is_none() && !callee.starts_with("llvm.") => {
				let what = format!(
					"{name} is called but not defined (a helper that is inline must be static as well)"
				);
				self.refuse(Rule::Functions, line, what);
			}
			Verdict::Fine | Verdict::Atomic => {}
			Verdict::FrameOnly if ours => {}
			Verdict::FrameOnly => {
				let what = format!(
					"{name} is not the same in a part of the job; pass it as a scalar (steps of one size have it)"
				);
				self.refuse(Rule::Functions, line, what);
			}
			Verdict::Refused => {
				let hint = match (name, self.job.program.prelude) {
					(
						"exp" | "log" | "tanh" | "erf" | "sin" | "cos" | "rsqrt" | "pow" | "fmax"
						| "fmin",
						None,
					) => "; the prelude dm-1 has one that does",
					("mad" | "dot", _) => "; use fma",
					_ => "",
				};
				self.refuse(
					Rule::Functions,
					line,
					format!("{name} does not give the same result on every device{hint}"),
				);
			}
		}
	}

	/// The private memory of each function with all that it calls; recursion is refused.
	fn private_memory(&mut self) -> BTreeMap<String, u64> {
		let module = self.module;
		let functions: BTreeMap<&str, &Function<'_>> =
			module.functions.iter().map(|function| (function.name, function)).collect();
		let mut known = BTreeMap::new();
		// Depth first without recursion of ours: a chain of calls may be long.
		for root in functions.keys() {
			let mut path: Vec<(&str, Vec<&str>)> =
				vec![(root, callees(functions[root], &functions))];
			while let Some((name, open)) = path.last_mut() {
				let name = *name;
				match open.pop() {
					Some(next) if known.contains_key(next) => {}
					Some(next) if path.iter().any(|(above, _)| *above == next) => {
						self.refuse(Rule::Calls, None, format!("{next} calls itself"));
						known.insert(next.to_owned(), 0);
					}
					Some(next) => path.push((next, callees(functions[next], &functions))),
					None => {
						let own = own_private(module, functions[name]);
						let below = callees(functions[name], &functions).into_iter();
						let below = below
							.filter_map(|callee| known.get(callee))
							.max()
							.copied()
							.unwrap_or(0);
						known.insert(name.to_owned(), own.saturating_add(below));
						path.pop();
					}
				}
			}
		}
		known
	}

	fn kernels(&mut self, private: &BTreeMap<String, u64>) -> Facts {
		let mut facts = Facts {
			instructions: self.module.functions.iter().map(|function| function.body.len()).sum(),
			kernels: BTreeMap::new(),
		};
		for (index, step) in self.job.steps.iter().enumerate() {
			let name = step.kernel.text();
			let Some(kernel) = self
				.module
				.functions
				.iter()
				.find(|function| function.name == name && function.is_kernel)
			else {
				let there: Vec<_> = self
					.module
					.functions
					.iter()
					.filter(|function| function.is_kernel)
					.map(|function| function.name)
					.collect();
				let what = format!(
					"steps[{index}]: there is no kernel {name}; there are {}",
					there.join(", ")
				);
				self.refuse(Rule::Kernels, None, what);
				continue;
			};
			let private = private.get(&name).copied().unwrap_or(0);
			if private > MAX_PRIVATE {
				let what = format!(
					"a work-item of {name} has {private} bytes of private memory; at most {MAX_PRIVATE}"
				);
				self.refuse(Rule::Memory, None, what);
			}
			let local = self.local_memory(kernel, step);
			if local > u64::from(MAX_LOCAL_MEMORY) {
				let what = format!(
					"a work-group of {name} has {local} bytes of local memory; at most {MAX_LOCAL_MEMORY}"
				);
				self.refuse(Rule::Memory, None, what);
			}
			self.arguments(index, step, kernel);
			facts.kernels.insert(name, (private, local));
		}
		facts
	}

	/// Local arrays of the kernel, and local arguments of the step.
	fn local_memory(&self, kernel: &Function<'_>, step: &Step) -> u64 {
		let prefix = format!("{}.", kernel.name);
		let declared = self.module.globals.iter().filter(|global| global.address_space == 3);
		// A local array belongs to the kernel whose name stands before its own, else to any.
		let is_elsewhere = |name: &str| {
			self.module
				.functions
				.iter()
				.any(|other| other.is_kernel && name.starts_with(&format!("{}.", other.name)))
		};
		let declared = declared
			.filter(|global| global.name.starts_with(&prefix) || !is_elsewhere(global.name));
		let declared = declared.map(|global| self.module.size_of_global(global));
		let given = step.args.iter().map(|arg| match arg {
			Arg::Local { element, len } => u64::from(*len) * element.size(),
			_ => 0,
		});
		declared.chain(given).fold(0, u64::saturating_add)
	}

	fn arguments(&mut self, index: usize, step: &Step, kernel: &Function<'_>) {
		let spaces = self.module.list(kernel.header, "kernel_arg_addr_space");
		let types = self.module.list(kernel.header, "kernel_arg_base_type");
		if types.len() != step.args.len() {
			let what = format!(
				"steps[{index}]: the kernel {} takes {} arguments, not {}",
				kernel.name,
				types.len(),
				step.args.len()
			);
			return self.refuse(Rule::Kernels, None, what);
		}
		for (position, ((space, of), arg)) in spaces.iter().zip(&types).zip(&step.args).enumerate()
		{
			let complaint = match (arg, *space) {
				(Arg::Buffer(buffer), "i32 1" | "i32 2") => {
					let buffer = &self.job.buffers[usize::from(*buffer)];
					let read_only = *space == "i32 2" && buffer.role != Role::Input;
					let element = element_of(of);
					let other = is_scalar(element) && !same_kind(element, buffer.element.opencl());
					if read_only {
						Some(format!(
							"a __constant pointer, but {} is no input",
							buffer.name.text()
						))
					} else if other {
						Some(format!(
							"{of}, but the elements of {} are {}",
							buffer.name.text(),
							buffer.element.name()
						))
					} else {
						None
					}
				}
				(Arg::Local { .. }, "i32 3") => None,
				(Arg::Scalar(scalar), "i32 0") => {
					let given = scalar.element();
					(*of != given.opencl())
						.then(|| format!("{of}, but a number of type {} is given", given.name()))
				}
				(Arg::Iteration, "i32 0") => (!matches!(*of, "uint" | "int"))
					.then(|| format!("{of}, but the iteration is a uint")),
				(Arg::Buffer(_), _) => Some(format!("{of}, but a buffer is given")),
				(Arg::Local { .. }, _) => Some(format!("{of}, but local memory is given")),
				(Arg::Scalar(_) | Arg::Iteration, _) => {
					Some(format!("{of}, but a number is given"))
				}
			};
			if let Some(complaint) = complaint {
				let what = format!(
					"steps[{index}].args[{position}]: the kernel {} takes {complaint}",
					kernel.name
				);
				self.refuse(Rule::Kernels, None, what);
			}
		}
		let required = self.module.list(kernel.header, "reqd_work_group_size");
		let required: Vec<u32> =
			required.iter().filter_map(|size| size.strip_prefix("i32 ")?.parse().ok()).collect();
		let local = (0..3).map(|dimension| step.local.get(dimension).copied().unwrap_or(1));
		if !required.is_empty() && !local.eq(required.iter().copied()) {
			let what =
				format!("steps[{index}].local: the kernel {} requires {required:?}", kernel.name);
			self.refuse(Rule::Kernels, None, what);
		}
	}
}

/// Instructions that do the same everywhere.
const ALLOWED: &[&str] = &[
	"alloca",
	"load",
	"store",
	"getelementptr",
	"br",
	"switch",
	"ret",
	"phi",
	"select",
	"icmp",
	"add",
	"sub",
	"mul",
	"sdiv",
	"udiv",
	"srem",
	"urem",
	"shl",
	"lshr",
	"ashr",
	"and",
	"or",
	"xor",
	"trunc",
	"zext",
	"sext",
	"fptrunc",
	"fpext",
	"fptosi",
	"fptoui",
	"uitofp",
	"sitofp",
	"bitcast",
	"extractelement",
	"insertelement",
	"shufflevector",
	"extractvalue",
	"insertvalue",
	"unreachable",
	"freeze",
];

/// Whether a whole word is in a text.
fn has_word(text: &str, word: &str) -> bool {
	text.match_indices(word).any(|(at, _)| {
		let around = |c: Option<char>| {
			c.is_none_or(|c| !(c.is_ascii_alphanumeric() || "_.%@\"".contains(c)))
		};
		around(text[..at].chars().next_back()) && around(text[at + word.len()..].chars().next())
	})
}

/// Whether a constant expression turns pointers into something else or the other way round.
fn makes_pointers(text: &str) -> bool {
	["inttoptr", "ptrtoint", "addrspacecast"].iter().any(|cast| has_word(text, cast))
}

/// The variables of a function that hold one pointer each.
fn pointer_slots<'ir>(function: &Function<'ir>) -> BTreeSet<&'ir str> {
	let is_slot = |instruction: &&Instruction<'ir>| {
		instruction.opcode == "alloca" && instruction.operands.starts_with("ptr")
	};
	function.body.iter().filter(is_slot).filter_map(|instruction| instruction.result).collect()
}

/// Whether an instruction brings a pointer to memory or from it otherwise than by such a variable, or has
/// the address of one.
fn stores_pointer(instruction: &Instruction<'_>, slots: &BTreeSet<&str>) -> bool {
	let operands = instruction.operands;
	// `store TYPE value, ptr place` and `TYPE, ptr place` of a load: the place is the last register.
	let place = registers(operands).last();
	let (moves_pointer, others) = match instruction.opcode {
		"store" => (operands.starts_with("ptr"), registers(operands).count().saturating_sub(1)),
		"load" => (operands.starts_with("ptr"), 0),
		"alloca" => return operands.contains("ptr") && !operands.starts_with("ptr"),
		_ => return registers(operands).any(|register| slots.contains(register)),
	};
	let by_slot = place.is_some_and(|place| slots.contains(place));
	moves_pointer != by_slot
		|| registers(operands).take(others).any(|register| slots.contains(register))
}

/// The function that a call names: what stands after the `@` before the first parenthesis of arguments.
fn callee(operands: &str) -> Option<&str> {
	let at = operands.find('@')?;
	// A pointer in a register would stand before the arguments, and an `@` only among them.
	let head = &operands[..at];
	(!head.contains('%') && !head.contains('(') || head.contains(" addrspace("))
		.then(|| symbol(operands))?
}

fn callees<'ir>(
	function: &Function<'ir>,
	functions: &BTreeMap<&'ir str, &Function<'ir>>,
) -> Vec<&'ir str> {
	let calls = function
		.body
		.iter()
		.filter(|instruction| instruction.opcode.ends_with("call") || instruction.opcode == "tail");
	calls
		.filter_map(|call| callee(call.operands))
		.filter(|name| functions.contains_key(name))
		.collect()
}

fn own_private(module: &Module<'_>, function: &Function<'_>) -> u64 {
	let allocas = function.body.iter().filter(|instruction| instruction.opcode == "alloca");
	allocas.map(|alloca| module.size_with_alignment(alloca.operands)).fold(0, u64::saturating_add)
}

/// Whether an alloca is of several elements: `alloca i32, i64 %n`.
fn has_count(operands: &str) -> bool {
	let after = operands.rsplit_once(", align").map_or(operands, |(before, _)| before);
	after.contains('%')
		&& after.contains(", ")
		&& !after.starts_with('%')
		&& !after.starts_with('[')
		&& after.rsplit(", ").next().is_some_and(|last| last.starts_with('i'))
}

/// Whether pointers are compared otherwise than with null.
fn is_pointer_order(operands: &str) -> bool {
	let Some((predicate, rest)) = operands.split_once(' ') else { return false };
	rest.starts_with("ptr") && !(matches!(predicate, "eq" | "ne") && rest.ends_with("null"))
}

fn registers(operands: &str) -> impl Iterator<Item = &str> {
	operands.match_indices('%').map(|(at, _)| {
		let rest = &operands[at + 1..];
		let end = rest
			.find(|c: char| !(c.is_ascii_alphanumeric() || "._-$".contains(c)))
			.unwrap_or(rest.len());
		&operands[at..at + 1 + end]
	})
}

/// The scalar type behind a pointer to it or to vectors of it.
fn element_of(pointer: &str) -> &str {
	pointer.trim_end_matches('*').trim_end_matches(|c: char| c.is_ascii_digit())
}

fn is_scalar(name: &str) -> bool {
	ogpu_primitives::job::Element::ALL.iter().any(|(_, _, opencl)| *opencl == name)
}

/// Signed and unsigned integers of one size hold the same bytes.
fn same_kind(a: &str, b: &str) -> bool {
	let unsigned = |name: &str| name.strip_prefix('u').unwrap_or(name).to_owned();
	unsigned(a) == unsigned(b)
}
