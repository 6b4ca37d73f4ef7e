//! YAML as a tree that knows its lines. Anchors, aliases and tags are refused: a manifest has no use for
//! them, and a few bytes of them can stand for gigabytes.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::problem::{Position, Problem};

/// The longest manifest, in bytes.
const MAX_BYTES: usize = 256 * 1024;
/// How deep lists and maps may lie within each other.
const MAX_DEPTH: usize = 16;

/// A value and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
	pub(crate) position: Position,
	pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) enum Value {
	/// A scalar; `quoted` if it was written in quotes, and so is text.
	Scalar {
		text: String,
		quoted: bool,
	},
	List(Vec<Node>),
	Map(Vec<Entry>),
}

#[derive(Debug)]
pub(crate) struct Entry {
	pub(crate) key: String,
	pub(crate) position: Position,
	pub(crate) node: Node,
}

fn position(span: Span) -> Position {
	Position { line: span.start.line(), column: span.start.col() + 1 }
}

fn problem(position: Position, message: impl Into<String>) -> Problem {
	Problem { position: Some(position), field: String::new(), message: message.into() }
}

/// Reads one YAML document.
pub(crate) fn parse(text: &str) -> Result<Node, Problem> {
	if text.len() > MAX_BYTES {
		return Err(Problem {
			position: None,
			field: String::new(),
			message: format!("a manifest has at most {MAX_BYTES} bytes, this one {}", text.len()),
		});
	}
	let mut events =
		Events { parser: Parser::new_from_str(text), last: Position { line: 1, column: 1 } };
	let node = loop {
		match events.next()? {
			(Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
			(Event::StreamEnd | Event::DocumentEnd, at) => {
				return Err(problem(at, "the manifest is empty"));
			}
			(event, at) => break events.node(event, at, 0)?,
		}
	};
	loop {
		match events.next()? {
			(Event::StreamEnd, _) => return Ok(node),
			(Event::DocumentEnd | Event::Nothing, _) => {}
			(_, at) => {
				return Err(problem(at, "a manifest is one document; there is a second one"));
			}
		}
	}
}

struct Events<'text> {
	parser: Parser<'text, saphyr_parser::StrInput<'text>>,
	last: Position,
}

impl<'text> Events<'text> {
	fn next(&mut self) -> Result<(Event<'text>, Position), Problem> {
		match self.parser.next_event() {
			None => Ok((Event::StreamEnd, self.last)),
			Some(Ok((event, span))) => {
				self.last = position(span);
				Ok((event, self.last))
			}
			Some(Err(error)) => {
				let at = Position { line: error.marker().line(), column: error.marker().col() + 1 };
				Err(problem(at, format!("this is not YAML: {}", error.info())))
			}
		}
	}

	fn node(&mut self, event: Event<'text>, at: Position, depth: usize) -> Result<Node, Problem> {
		if depth > MAX_DEPTH {
			return Err(problem(at, format!("lists and maps lie at most {MAX_DEPTH} deep")));
		}
		let plain = |anchor: usize, tagged: bool| {
			if anchor != 0 || tagged {
				return Err(problem(at, "anchors and tags have no place in a manifest"));
			}
			Ok(())
		};
		let value = match event {
			Event::Scalar(text, style, anchor, tag) => {
				plain(anchor, tag.is_some())?;
				Value::Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain }
			}
			Event::SequenceStart(anchor, tag) => {
				plain(anchor, tag.is_some())?;
				Value::List(self.list(depth)?)
			}
			Event::MappingStart(anchor, tag) => {
				plain(anchor, tag.is_some())?;
				Value::Map(self.map(depth)?)
			}
			Event::Alias(_) => {
				return Err(problem(
					at,
					"aliases have no place in a manifest; write the value again",
				));
			}
			_ => return Err(problem(at, "a value is missing here")),
		};
		Ok(Node { position: at, value })
	}

	fn list(&mut self, depth: usize) -> Result<Vec<Node>, Problem> {
		let mut nodes = Vec::new();
		loop {
			match self.next()? {
				(Event::SequenceEnd, _) => return Ok(nodes),
				(event, at) => nodes.push(self.node(event, at, depth + 1)?),
			}
		}
	}

	fn map(&mut self, depth: usize) -> Result<Vec<Entry>, Problem> {
		let mut entries: Vec<Entry> = Vec::new();
		loop {
			let (event, at) = self.next()?;
			if matches!(event, Event::MappingEnd) {
				return Ok(entries);
			}
			let key = self.node(event, at, depth + 1)?;
			let Value::Scalar { text: key, .. } = key.value else {
				return Err(problem(at, "the name of a field is a word"));
			};
			if entries.iter().any(|entry| entry.key == key) {
				return Err(problem(at, format!("the field {key} is here twice")));
			}
			let (event, value_at) = self.next()?;
			let node = self.node(event, value_at, depth + 1)?;
			entries.push(Entry { key, position: at, node });
		}
	}
}
