//! The sizes of types.

use std::collections::BTreeMap;

/// The named types of a module.
#[derive(Default)]
pub(super) struct Types<'ir>(BTreeMap<&'ir str, &'ir str>);

/// How deep types may lie in each other.
const MAX_DEPTH: u32 = 32;

impl<'ir> Types<'ir> {
	pub(super) fn define(&mut self, name: &'ir str, layout: &'ir str) {
		self.0.insert(name, layout);
	}

	/// Whether any named type has a pointer in it.
	pub(super) fn any_holds_pointer(&self) -> bool {
		self.0.values().any(|layout| layout.contains("ptr"))
	}

	/// The size in bytes of the type that `text` begins with: at least what it takes in memory. `None` if
	/// it is not understood.
	pub(super) fn size(&self, text: &str) -> Option<u64> {
		self.measure(text.trim_start(), 0).map(|(size, _)| size)
	}

	/// The size, padding included, and what follows the type.
	fn measure<'text>(&self, text: &'text str, depth: u32) -> Option<(u64, &'text str)> {
		if depth > MAX_DEPTH {
			return None;
		}
		let text = text.trim_start();
		if let Some(inner) = text.strip_prefix('[') {
			return self.repeated(inner, ']', depth);
		}
		if let Some(inner) = text.strip_prefix("<{") {
			let (size, rest) = self.fields(inner, '}', depth)?;
			return Some((size, rest.strip_prefix('>')?));
		}
		if let Some(inner) = text.strip_prefix('<') {
			let (size, rest) = self.repeated(inner, '>', depth)?;
			return Some((size.checked_next_power_of_two()?, rest));
		}
		if let Some(inner) = text.strip_prefix('{') {
			return self.fields(inner, '}', depth);
		}
		let end = text
			.find(|c: char| !(c.is_ascii_alphanumeric() || "%._\"".contains(c)))
			.unwrap_or(text.len());
		let (word, rest) = text.split_at(end);
		let size = match word {
			"float" => 4,
			"double" => 8,
			"half" => 2,
			"ptr" => {
				let rest = match rest.trim_start().strip_prefix("addrspace(") {
					Some(space) => space.split_once(')')?.1,
					None => rest,
				};
				return Some((8, rest));
			}
			name if name.starts_with('%') => self.measure(self.0.get(name)?, depth + 1)?.0,
			integer => integer
				.strip_prefix('i')?
				.parse::<u64>()
				.ok()?
				.div_ceil(8)
				.checked_next_power_of_two()?,
		};
		Some((size, rest))
	}

	/// `N x type` up to the closing bracket.
	fn repeated<'text>(
		&self,
		inner: &'text str,
		close: char,
		depth: u32,
	) -> Option<(u64, &'text str)> {
		let (count, element) = inner.split_once(" x ")?;
		let (size, rest) = self.measure(element, depth + 1)?;
		Some((
			count.trim().parse::<u64>().ok()?.checked_mul(size)?,
			rest.trim_start().strip_prefix(close)?,
		))
	}

	/// Fields with commas between them. Each is counted with the padding that it may need at most.
	fn fields<'text>(
		&self,
		inner: &'text str,
		close: char,
		depth: u32,
	) -> Option<(u64, &'text str)> {
		let mut total = 0u64;
		let mut widest = 1u64;
		let mut rest = inner.trim_start();
		while !rest.starts_with(close) {
			let (size, after) = self.measure(rest, depth + 1)?;
			let padding = size.clamp(1, 128).checked_next_power_of_two()?;
			widest = widest.max(padding);
			total = total.checked_next_multiple_of(padding)?.checked_add(size)?;
			rest = after.trim_start();
			rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
		}
		Some((total.checked_next_multiple_of(widest)?, &rest[close.len_utf8()..]))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn sizes_of_types() {
		let mut types = Types::default();
		types.define("%struct.p", "{ float, [3 x i32], i8 }");
		types.define("%loop", "{ %loop }");
		for (text, size) in [
			("i32, align 4", Some(4)),
			("i1", Some(1)),
			("[10 x i32]", Some(40)),
			("[2 x [3 x double]], align 16", Some(48)),
			("<3 x float>", Some(16)),
			("ptr addrspace(1), align 8", Some(8)),
			("%struct.p", Some(32)),
			("{ i8, i64 }", Some(16)),
			("<{ i8, i64 }>", Some(16)),
			("%loop", None),
			("[99999999999999999999 x i8]", None),
			("token", None),
		] {
			assert_eq!(types.size(text), size, "{text}");
		}
	}
}
