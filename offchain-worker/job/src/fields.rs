//! Reading the fields of a map, and noting what is wrong with them.

use std::collections::BTreeMap;

use crate::{
	problem::{Position, Problem},
	tree::{Entry, Node, Value},
};

/// What is wrong so far, and where every field stands.
#[derive(Default)]
pub(crate) struct Notes {
	pub(crate) problems: Vec<Problem>,
	positions: BTreeMap<String, Position>,
}

impl Notes {
	pub(crate) fn problem(&mut self, position: Position, field: &str, message: impl Into<String>) {
		self.problems.push(Problem {
			position: Some(position),
			field: field.to_owned(),
			message: message.into(),
		});
	}

	/// Where a field stands, or the nearest field around it that is there.
	pub(crate) fn position_of(&self, field: &str) -> Option<Position> {
		let mut field = field;
		loop {
			if let Some(position) = self.positions.get(field) {
				return Some(*position);
			}
			field = &field[..field.rfind(['.', '['])?];
		}
	}

	pub(crate) fn place(&mut self, field: &str, position: Position) {
		self.positions.insert(field.to_owned(), position);
	}
}

/// The fields of a map, each to be taken once. Those that nobody takes are unknown.
pub(crate) struct Fields<'tree> {
	path: String,
	position: Position,
	entries: Vec<Option<&'tree Entry>>,
	known: Vec<&'static str>,
}

impl<'tree> Fields<'tree> {
	/// The fields of `node`, which stands at `path`; `None`, with a note, if it is no map.
	pub(crate) fn of(node: &'tree Node, path: &str, notes: &mut Notes) -> Option<Self> {
		notes.place(path, node.position);
		match &node.value {
			Value::Map(entries) => Some(Self {
				path: path.to_owned(),
				position: node.position,
				entries: entries.iter().map(Some).collect(),
				known: Vec::new(),
			}),
			_ => {
				notes.problem(node.position, path, "this is a map: fields with values");
				None
			}
		}
	}

	pub(crate) fn path(&self, name: &str) -> String {
		if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
	}

	/// Takes a field that may be absent.
	pub(crate) fn optional(
		&mut self,
		name: &'static str,
		notes: &mut Notes,
	) -> Option<&'tree Node> {
		self.known.push(name);
		let entry = self
			.entries
			.iter_mut()
			.find(|entry| entry.is_some_and(|entry| entry.key == name))?
			.take()?;
		notes.place(&self.path(name), entry.node.position);
		Some(&entry.node)
	}

	/// Takes a field, and notes its absence.
	pub(crate) fn required(
		&mut self,
		name: &'static str,
		notes: &mut Notes,
	) -> Option<&'tree Node> {
		let node = self.optional(name, notes);
		if node.is_none() {
			notes.problem(self.position, &self.path(name), "this field is missing");
		}
		node
	}

	/// Takes all fields that are left, whatever their names.
	pub(crate) fn rest(&mut self) -> impl Iterator<Item = &'tree Entry> {
		self.entries.iter_mut().filter_map(Option::take)
	}

	/// Notes every field that nobody has taken.
	pub(crate) fn finish(self, notes: &mut Notes) {
		for entry in self.entries.iter().flatten() {
			let path = self.path(&entry.key);
			let message =
				format!("there is no such field here; there are {}", self.known.join(", "));
			notes.problem(entry.position, &path, message);
		}
	}
}

/// The text of a scalar.
pub(crate) fn text<'tree>(node: &'tree Node, path: &str, notes: &mut Notes) -> Option<&'tree str> {
	match &node.value {
		Value::Scalar { text, quoted }
			if *quoted || !(text.is_empty() || text == "~" || text == "null") =>
		{
			Some(text)
		}
		Value::Scalar { .. } => {
			notes.problem(node.position, path, "a value is missing");
			None
		}
		_ => {
			notes.problem(node.position, path, "this is a single value, no list and no map");
			None
		}
	}
}

/// A value that `read` understands.
pub(crate) fn value<T>(
	node: &Node,
	path: &str,
	notes: &mut Notes,
	expected: &str,
	read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
	let text = text(node, path, notes)?;
	let value = read(text);
	if value.is_none() {
		notes.problem(node.position, path, format!("{text:?} is not {expected}"));
	}
	value
}

/// One of a few words.
pub(crate) fn word<T: Copy>(
	node: &Node,
	path: &str,
	notes: &mut Notes,
	words: &[(&str, T)],
) -> Option<T> {
	let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
	let expected = format!("one of {}", names.join(", "));
	value(node, path, notes, &expected, |text| {
		words.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
	})
}

/// The items of a list.
pub(crate) fn list<'tree>(
	node: &'tree Node,
	path: &str,
	notes: &mut Notes,
) -> Option<&'tree [Node]> {
	match &node.value {
		Value::List(nodes) => Some(nodes),
		_ => {
			notes.problem(node.position, path, "this is a list");
			None
		}
	}
}
