//! From the tree of a manifest to a job.

use std::collections::BTreeMap;

use ogpu_primitives::job::{
	Arg, BlobId, Buffer, Element, Init, Job, MAX_SOURCE, Name, Place, Prelude, Profile, Program,
	Resources, Role, Shape, Sizes, Step, Timeouts, VERSION,
};

use crate::{
	fields::{Fields, Notes, list, text, value, word},
	manifest::{Files, Source},
	tree::{Node, Value},
	values,
};

/// A job and the files it was read from; not yet checked as a whole.
pub(crate) struct Lowered {
	pub(crate) job: Job,
	pub(crate) program: String,
	pub(crate) files: BTreeMap<BlobId, Source>,
	buffers: Vec<String>,
}

struct Reader<'run> {
	notes: &'run mut Notes,
	sources: &'run dyn Files,
	files: BTreeMap<BlobId, Source>,
	buffers: Vec<String>,
	step_arg: Option<String>,
}

impl Lowered {
	/// Reads the tree; `None`, with notes, if a job cannot be made of it.
	pub(crate) fn read(tree: &Node, notes: &mut Notes, sources: &dyn Files) -> Option<Self> {
		let mut fields = Fields::of(tree, "", notes)?;
		let mut reader =
			Reader { notes, sources, files: BTreeMap::new(), buffers: Vec::new(), step_arg: None };
		let version = reader.version(&mut fields);
		let name = reader.name(&mut fields);
		let profile = reader.profile(&mut fields);
		let program = reader.program(&mut fields);
		let shape = reader.shape(&mut fields);
		let buffers = reader.buffers(&mut fields);
		let steps = reader.steps(&mut fields);
		let needed =
			buffers.iter().flatten().map(|buffer| buffer.len.saturating_mul(buffer.element.size()));
		let resources = reader.resources(&mut fields, needed.fold(0, u64::saturating_add));
		let timeouts = reader.timeouts(&mut fields);
		fields.finish(reader.notes);
		let (program, text) = program?;
		Some(Self {
			job: Job {
				version: version?,
				name: name?,
				profile: profile?,
				program,
				buffers: buffers?.try_into().ok()?,
				steps: steps?.try_into().ok()?,
				shape: shape?,
				resources: resources?,
				timeouts: timeouts?,
			},
			program: text,
			files: reader.files,
			buffers: reader.buffers,
		})
	}

	/// The field of the manifest that a place in the job was read from.
	pub(crate) fn field_of(&self, place: Place) -> String {
		let buffer = |index: u8| self.buffers.get(usize::from(index)).map_or("?", String::as_str);
		match place {
			Place::Buffer(index) => format!("buffers.{}", buffer(index)),
			Place::BufferField(index, field) => format!("buffers.{}.{field}", buffer(index)),
			other => other.to_string(),
		}
	}
}

impl Reader<'_> {
	fn version(&mut self, fields: &mut Fields<'_>) -> Option<u16> {
		let node = fields.required("version", self.notes)?;
		value(
			node,
			"version",
			self.notes,
			&format!("a version; this is version \"{VERSION}\""),
			|text| text.parse().ok(),
		)
	}

	fn short(&mut self, node: &Node, path: &str) -> Option<Name> {
		let text = text(node, path, self.notes)?;
		let name = Name::new(text);
		if name.is_none() {
			self.notes.problem(node.position, path, "a name has at most 64 bytes");
		}
		name
	}

	fn name(&mut self, fields: &mut Fields<'_>) -> Option<Name> {
		let Some(node) = fields.optional("metadata", self.notes) else { return Name::new("job") };
		let mut metadata = Fields::of(node, "metadata", self.notes)?;
		let name = match metadata.optional("name", self.notes) {
			Some(node) => self.short(node, "metadata.name"),
			None => Name::new("job"),
		};
		metadata.finish(self.notes);
		name
	}

	fn profile(&mut self, fields: &mut Fields<'_>) -> Option<Profile> {
		const PROFILES: &[(&str, Profile)] = &[
			("exact-int", Profile::ExactInt),
			("fma-f32", Profile::FmaF32),
			("prelude-f32", Profile::PreludeF32),
			("redundant", Profile::Redundant),
		];
		let node = fields.required("profile", self.notes)?;
		word(node, "profile", self.notes, PROFILES)
	}

	/// Reads a file that the manifest names.
	fn source(&mut self, node: &Node, path: &str) -> Option<Source> {
		let name = text(node, path, self.notes)?;
		match self.sources.source(name) {
			Ok(source) => Some(source),
			Err(error) => {
				self.notes.problem(node.position, path, format!("{name}: {error}"));
				None
			}
		}
	}

	fn program(&mut self, fields: &mut Fields<'_>) -> Option<(Program, String)> {
		let node = fields.required("program", self.notes)?;
		let mut program = Fields::of(node, "program", self.notes)?;
		let source = program.required("source", self.notes);
		let prelude = match program.optional("prelude", self.notes) {
			Some(node) => {
				Some(word(node, "program.prelude", self.notes, &[("dm-1", Prelude::Dm1)])?)
			}
			None => None,
		};
		program.finish(self.notes);
		let node = source?;
		let source = self.source(node, "program.source")?;
		if source.len > MAX_SOURCE.into() {
			let message =
				format!("a program has at most {MAX_SOURCE} bytes, this one {}", source.len);
			self.notes.problem(node.position, "program.source", message);
			return None;
		}
		let name = text(node, "program.source", self.notes)?;
		let text = match self.sources.text(name) {
			Ok(text) => text,
			Err(error) => {
				self.notes.problem(node.position, "program.source", format!("{name}: {error}"));
				return None;
			}
		};
		let program = Program { source: source.id, source_len: source.len as u32, prelude };
		Some((program, text))
	}

	fn number(&mut self, node: &Node, path: &str) -> Option<u32> {
		value(node, path, self.notes, "a whole number below 2^32", |text| text.parse().ok())
	}

	fn shape(&mut self, fields: &mut Fields<'_>) -> Option<Shape> {
		let unit = fields.optional("unit", self.notes);
		let iterations = fields.optional("iterations", self.notes);
		match (unit, iterations) {
			(Some(node), None) => {
				let mut unit = Fields::of(node, "unit", self.notes)?;
				let groups = unit
					.required("groups", self.notes)
					.and_then(|node| self.number(node, "unit.groups"));
				unit.finish(self.notes);
				Some(Shape::DataParallel { groups: groups? })
			}
			(None, Some(node)) => {
				let mut iterations = Fields::of(node, "iterations", self.notes)?;
				let count = iterations
					.required("count", self.notes)
					.and_then(|node| self.number(node, "iterations.count"));
				let every = iterations
					.required("checkpoint_every", self.notes)
					.and_then(|node| self.number(node, "iterations.checkpoint_every"));
				if let Some(node) = iterations.optional("step_arg", self.notes) {
					self.step_arg =
						text(node, "iterations.step_arg", self.notes).map(str::to_owned);
				}
				iterations.finish(self.notes);
				Some(Shape::Iterative { count: count?, checkpoint_every: every? })
			}
			(Some(_), Some(node)) => {
				let message = "a job has either unit (data parallel) or iterations, not both";
				self.notes.problem(node.position, "iterations", message);
				None
			}
			(None, None) => {
				let message = "a job needs either unit: {groups: N} (data parallel) or iterations: {count: N, checkpoint_every: N}";
				self.notes.problems.push(crate::Problem {
					position: None,
					field: "unit".into(),
					message: message.into(),
				});
				None
			}
		}
	}

	fn buffers(&mut self, fields: &mut Fields<'_>) -> Option<Vec<Buffer>> {
		let node = fields.required("buffers", self.notes)?;
		let mut map = Fields::of(node, "buffers", self.notes)?;
		let entries: Vec<_> = map.rest().collect();
		if entries.len() > ogpu_primitives::job::MAX_BUFFERS as usize {
			self.notes.problem(
				node.position,
				"buffers",
				format!("a job has at most 32 buffers, this one {}", entries.len()),
			);
			return None;
		}
		// All are read, so that all problems are told.
		let buffers: Vec<Option<Buffer>> = entries
			.iter()
			.map(|entry| {
				self.buffers.push(entry.key.clone());
				let path = format!("buffers.{}", entry.key);
				self.notes.place(&format!("{path}.name"), entry.position);
				self.buffer(&entry.key, &entry.node, &path)
			})
			.collect();
		buffers.into_iter().collect()
	}

	fn buffer(&mut self, name: &str, node: &Node, path: &str) -> Option<Buffer> {
		const ROLES: &[(&str, Role)] = &[
			("input", Role::Input),
			("output", Role::Output),
			("state", Role::State),
			("temp", Role::Temp),
		];
		let elements = Element::ALL.map(|(element, name, _)| (name, element));
		let mut fields = Fields::of(node, path, self.notes)?;
		let role = fields.required("role", self.notes);
		let role = role.and_then(|node| word(node, &fields.path("role"), self.notes, ROLES));
		let element = fields.required("type", self.notes);
		let element =
			element.and_then(|node| word(node, &fields.path("type"), self.notes, &elements));
		let len = fields.required("len", self.notes);
		let len: Option<u64> = len.and_then(|node| {
			value(node, &fields.path("len"), self.notes, "a number of elements", |text| {
				text.parse().ok()
			})
		});
		let source = fields.optional("source", self.notes);
		let init = fields.optional("init", self.notes);
		let init = match (source, init) {
			(None, None) => Some(Init::Zero),
			(None, Some(node)) => {
				word(node, &fields.path("init"), self.notes, &[("zero", Init::Zero)])
			}
			(Some(node), None) => {
				let path = fields.path("source");
				let source = self.source(node, &path);
				if let (Some(source), Some(len), Some(element)) = (&source, len, element) {
					let expected = len.saturating_mul(element.size());
					if source.len != expected {
						let message = format!(
							"{} has {} bytes; {len} elements of type {} are {expected}",
							source.path.display(),
							source.len,
							element.name()
						);
						self.notes.problem(node.position, &path, message);
					}
				}
				source.map(|source| {
					let id = source.id;
					self.files.insert(id, source);
					Init::Blob(id)
				})
			}
			(Some(_), Some(node)) => {
				self.notes.problem(
					node.position,
					&fields.path("init"),
					"a buffer has either a source or init, not both",
				);
				None
			}
		};
		fields.finish(self.notes);
		let Some(name) = Name::new(name) else {
			self.notes.problem(node.position, path, "a name has at most 64 bytes");
			return None;
		};
		Some(Buffer { name, role: role?, element: element?, len: len?, init: init? })
	}

	fn steps(&mut self, fields: &mut Fields<'_>) -> Option<Vec<Step>> {
		let node = fields.required("steps", self.notes)?;
		let nodes = list(node, "steps", self.notes)?;
		if nodes.len() > ogpu_primitives::job::MAX_STEPS as usize {
			self.notes.problem(
				node.position,
				"steps",
				format!("a job has at most 32 steps, this one {}", nodes.len()),
			);
			return None;
		}
		let steps: Vec<_> = nodes
			.iter()
			.enumerate()
			.map(|(index, node)| self.step(node, &format!("steps[{index}]")))
			.collect();
		steps.into_iter().collect()
	}

	fn step(&mut self, node: &Node, path: &str) -> Option<Step> {
		let mut fields = Fields::of(node, path, self.notes)?;
		let kernel = fields.required("kernel", self.notes);
		let kernel = kernel.and_then(|node| self.short(node, &fields.path("kernel")));
		let global = fields.required("global", self.notes);
		let global = global.and_then(|node| self.sizes(node, &fields.path("global")));
		let local = fields.required("local", self.notes);
		let local = local.and_then(|node| self.sizes(node, &fields.path("local")));
		let args = fields.required("args", self.notes);
		let args = args.and_then(|node| self.args(node, &fields.path("args")));
		fields.finish(self.notes);
		Some(Step { kernel: kernel?, args: args?.try_into().ok()?, global: global?, local: local? })
	}

	fn sizes(&mut self, node: &Node, path: &str) -> Option<Sizes> {
		let nodes = list(node, path, self.notes)?;
		let sizes: Vec<_> = nodes.iter().map(|node| self.number(node, path)).collect();
		let sizes: Vec<u32> = sizes.into_iter().collect::<Option<_>>()?;
		let given = sizes.len();
		let sizes = Sizes::try_from(sizes).ok();
		if sizes.is_none() {
			self.notes.problem(
				node.position,
				path,
				format!("an index space has 1 to 3 dimensions, not {given}"),
			);
		}
		sizes
	}

	fn args(&mut self, node: &Node, path: &str) -> Option<Vec<Arg>> {
		let nodes = list(node, path, self.notes)?;
		if nodes.len() > ogpu_primitives::job::MAX_ARGS as usize {
			self.notes.problem(
				node.position,
				path,
				format!("a kernel has at most 32 arguments, this one {}", nodes.len()),
			);
			return None;
		}
		let args: Vec<_> = nodes
			.iter()
			.enumerate()
			.map(|(index, node)| self.arg(node, &format!("{path}[{index}]")))
			.collect();
		args.into_iter().collect()
	}

	fn arg(&mut self, node: &Node, path: &str) -> Option<Arg> {
		self.notes.place(path, node.position);
		const FORMS: &str = "an argument is {buf: NAME}, {i32: NUMBER} (or u32, i64, u64, f32, f64), \
			{local: TYPE, len: NUMBER}, or {arg: NAME} with the name given as iterations.step_arg";
		let Value::Map(entries) = &node.value else {
			self.notes.problem(node.position, path, FORMS);
			return None;
		};
		match entries.as_slice() {
			[one] if one.key == "buf" => {
				let name = text(&one.node, path, self.notes)?;
				let index = self.buffers.iter().position(|buffer| buffer == name);
				if index.is_none() {
					let message =
						format!("there is no buffer {name}; there are {}", self.buffers.join(", "));
					self.notes.problem(one.node.position, path, message);
				}
				Some(Arg::Buffer(u8::try_from(index?).ok()?))
			}
			[one] if one.key == "arg" => {
				let name = text(&one.node, path, self.notes)?;
				if self.step_arg.as_deref() != Some(name) {
					let message = format!("{name} is not the name that iterations.step_arg gives");
					self.notes.problem(one.node.position, path, message);
					return None;
				}
				Some(Arg::Iteration)
			}
			[local, len] if local.key == "local" && len.key == "len" => {
				let elements = Element::ALL.map(|(element, name, _)| (name, element));
				let element = word(&local.node, path, self.notes, &elements);
				let len = self.number(&len.node, path);
				Some(Arg::Local { element: element?, len: len? })
			}
			[one] if matches!(one.key.as_str(), "i32" | "u32" | "i64" | "u64" | "f32" | "f64") => {
				let expected = format!("a number of type {}", one.key);
				let scalar = |text: &str| values::scalar(&one.key, text);
				value(&one.node, path, self.notes, &expected, scalar).map(Arg::Scalar)
			}
			_ => {
				self.notes.problem(node.position, path, FORMS);
				None
			}
		}
	}

	fn resources(&mut self, fields: &mut Fields<'_>, needed: u64) -> Option<Resources> {
		let Some(node) = fields.optional("resources", self.notes) else {
			return Some(Resources { memory: needed.max(1), fp64: false });
		};
		let mut resources = Fields::of(node, "resources", self.notes)?;
		let memory = match resources.optional("memory", self.notes) {
			None => Some(needed.max(1)),
			Some(node) => {
				value(node, "resources.memory", self.notes, "a size such as 512Mi", values::bytes)
			}
		};
		let fp64 = match resources.optional("fp64", self.notes) {
			None => Some(false),
			Some(node) => {
				word(node, "resources.fp64", self.notes, &[("true", true), ("false", false)])
			}
		};
		resources.finish(self.notes);
		Some(Resources { memory: memory?, fp64: fp64? })
	}

	fn timeouts(&mut self, fields: &mut Fields<'_>) -> Option<Timeouts> {
		let default = Timeouts { build_ms: 20_000, step_ms: 5_000, total_ms: 600_000 };
		let Some(node) = fields.optional("timeouts", self.notes) else { return Some(default) };
		let mut timeouts = Fields::of(node, "timeouts", self.notes)?;
		let mut read = |name: &'static str, default: u32| match timeouts.optional(name, self.notes)
		{
			None => Some(default),
			Some(node) => value(
				node,
				&format!("timeouts.{name}"),
				self.notes,
				"a time such as 20s or 500ms",
				values::milliseconds,
			),
		};
		let build_ms = read("build", default.build_ms);
		let step_ms = read("step", default.step_ms);
		let total_ms = read("total", default.total_ms);
		timeouts.finish(self.notes);
		Some(Timeouts { build_ms: build_ms?, step_ms: step_ms?, total_ms: total_ms? })
	}
}
