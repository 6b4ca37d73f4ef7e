//! A job in a folder of its own, and ways to run it.

use std::{
	fs,
	path::{Path, PathBuf},
	sync::OnceLock,
};

use ogpu_compute::{Care, Device, Units};
use ogpu_job::Manifest;
use ogpu_primitives::merkle::Hash;
use ogpu_worker::{
	Tools,
	gate::{self, Admitted, GateError, Rule},
	run::{Cancel, Done, Limits, Request, RunError, devices, inputs, run},
};
use tempfile::TempDir;

/// The programs that the executor starts. Everything must work in the full sandbox.
pub(crate) fn tools() -> &'static Tools {
	static TOOLS: OnceLock<Tools> = OnceLock::new();
	TOOLS.get_or_init(|| Tools::find(false).expect("a whole build, with clang 19"))
}

/// The first device.
pub(crate) fn device() -> &'static Device {
	static DEVICE: OnceLock<Device> = OnceLock::new();
	DEVICE.get_or_init(|| {
		let devices = devices(tools()).expect("devices can be listed");
		devices
			.into_iter()
			.find(|device| device.usable)
			.expect("an OpenCL device; install pocl-opencl-icd")
	})
}

/// A job in a folder of its own.
pub(crate) struct Case {
	pub(crate) manifest: Manifest,
	folder: TempDir,
}

/// How a case is run.
pub(crate) struct How {
	pub(crate) units: Units,
	pub(crate) care: Care,
	pub(crate) threads: u32,
	/// The folder for results; a new one if none is given.
	pub(crate) out: PathBuf,
}

impl Case {
	/// A job of a manifest, a program and its other files.
	pub(crate) fn new(manifest: &str, program: &str, files: &[(&str, &[u8])]) -> Self {
		let folder = tempfile::tempdir().expect("a folder");
		fs::write(folder.path().join("job.yaml"), manifest).expect("a file");
		fs::write(folder.path().join("program.cl"), program).expect("a file");
		for (name, data) in files {
			fs::write(folder.path().join(name), data).expect("a file");
		}
		let manifest = Manifest::load(&folder.path().join("job.yaml"))
			.unwrap_or_else(|problems| panic!("{problems}"));
		Self { manifest, folder }
	}

	/// The job of a manifest file.
	pub(crate) fn load(path: &Path) -> Self {
		let folder = tempfile::tempdir().expect("a folder");
		let manifest = Manifest::load(path).unwrap_or_else(|problems| panic!("{problems}"));
		Self { manifest, folder }
	}

	/// A data-parallel job of one kernel `f(out)` with a `uint` for each of 1,024 work-items in 16 units.
	pub(crate) fn simple(program: &str) -> Self {
		Self::new(
			"version: \"1\"\nprofile: exact-int\nprogram: {source: program.cl}\n\
			 buffers:\n  out: {role: output, type: u32, len: 1024}\n\
			 steps:\n  - {kernel: f, args: [{buf: out}], global: [1024], local: [16]}\nunit: {groups: 4}\n\
			 timeouts: {build: 10s, step: 1s, total: 20s}\n",
			program,
			&[],
		)
	}

	pub(crate) fn admit(&self) -> Result<Admitted, GateError> {
		gate::admit(&tools().compiler, &self.manifest.job, &self.manifest.program)
	}

	/// The rules that the program breaks.
	pub(crate) fn broken(&self) -> Vec<Rule> {
		match self.admit() {
			Ok(_) => Vec::new(),
			Err(GateError::Refused(refusals)) => {
				refusals.into_iter().map(|refusal| refusal.rule).collect()
			}
			Err(GateError::Host(why)) => panic!("{why}"),
		}
	}

	/// A folder for results, beside the others of this case.
	pub(crate) fn out(&self, name: &str) -> PathBuf {
		self.folder.path().join(name)
	}

	pub(crate) fn how(&self) -> How {
		How { units: Units::All, care: Care::Batched, threads: 2, out: self.out("out") }
	}

	pub(crate) fn request(&self, how: How) -> Request {
		let admitted = self.admit().unwrap_or_else(|error| panic!("{error}"));
		Request {
			job: self.manifest.job.clone(),
			text: admitted.text,
			inputs: inputs(&self.manifest.job, |id| {
				self.manifest.files.get(id).map(|file| file.path.clone())
			})
			.expect("every file is there"),
			folder: how.out,
			device: device().key.clone(),
			kind: device().kind,
			units: how.units,
			care: how.care,
			limits: Limits { threads: how.threads, nice: 0 },
		}
	}

	pub(crate) fn run(&self, how: How) -> Result<Done, RunError> {
		run(tools(), &self.request(how), &Cancel::default(), |_| {})
	}

	/// Runs all of it and returns the root.
	pub(crate) fn root(&self) -> Hash {
		self.done().tree(&self.manifest.plan).expect("all leaves").root()
	}

	pub(crate) fn done(&self) -> Done {
		self.run(self.how()).unwrap_or_else(|error| panic!("{error}"))
	}

	/// The bytes of a result.
	pub(crate) fn result(&self, buffer: &str) -> Vec<u8> {
		fs::read(self.out("out").join("out").join(buffer)).expect("a result")
	}

	pub(crate) fn u32s(&self, buffer: &str) -> Vec<u32> {
		words(&self.result(buffer))
	}

	pub(crate) fn i32s(&self, buffer: &str) -> Vec<i32> {
		words(&self.result(buffer)).into_iter().map(|word| word as i32).collect()
	}

	/// The floats of a result, as their bits.
	pub(crate) fn f32s(&self, buffer: &str) -> Vec<f32> {
		words(&self.result(buffer)).into_iter().map(f32::from_bits).collect()
	}
}

fn words(bytes: &[u8]) -> Vec<u32> {
	bytes
		.chunks_exact(4)
		.map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
		.collect()
}

/// Little-endian bytes of words or floats.
pub(crate) fn bytes<T: Copy>(values: &[T], to: impl Fn(T) -> [u8; 4]) -> Vec<u8> {
	values.iter().flat_map(|value| to(*value)).collect()
}

/// Numbers that look random and are the same every time.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
	pub(crate) fn next(&mut self) -> u32 {
		self.0 =
			self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		(self.0 >> 33) as u32
	}

	pub(crate) fn below(&mut self, bound: u32) -> u32 {
		self.next() % bound
	}

	/// A float in [-1, 1) with few bits.
	pub(crate) fn float(&mut self) -> f32 {
		self.below(1 << 16) as f32 / 32768.0 - 1.0
	}
}
