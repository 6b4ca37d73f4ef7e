//! Whether a device computes what it must.
//!
//! Two small jobs, one of integers and one of floats, have results that were computed by other means. A
//! device whose driver gives anything else is never offered.

use std::collections::BTreeMap;

use ogpu_compute::{Care, Device, Units};
use ogpu_job::Manifest;
use ogpu_primitives::merkle::Hash;

use crate::{
	gate::{self, GateError},
	run::{Cancel, Limits, Request, RunError, run},
	tools::Tools,
};

/// A job with the root that it must have.
pub struct Golden {
	/// Its name.
	pub name: &'static str,
	/// Its root.
	pub root: &'static str,
	manifest: &'static str,
	source: (&'static str, &'static str),
	/// Whether it needs exact floating point.
	pub float: bool,
}

/// The jobs of the self-test. Their roots come from `tests/golden.rs`, which computes them in Rust.
pub const GOLDEN: [Golden; 2] = [
	Golden {
		name: "integer",
		root: "8ec4f3bfdb7a578e8995e0450bc622220d1cb6b63f7dd93022b164d0439ea2eb",
		manifest: include_str!("../selftest/integer.yaml"),
		source: ("integer.cl", include_str!("../selftest/integer.cl")),
		float: false,
	},
	Golden {
		name: "float",
		root: "d0461d09abd4a92bcf86101fda291aeb1ea96b0d07681d46fdeb5cde5056827a",
		manifest: include_str!("../selftest/float.yaml"),
		source: ("float.cl", include_str!("../selftest/float.cl")),
		float: true,
	},
];

/// The input of the integer job: 256 words of printable text.
pub const SEED: &str = include_str!("../selftest/seed.bin");

/// Why a device is not offered.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
	/// It computes something else.
	#[error(
		"the {name} job gives {got} instead of {expected}: this device or its driver computes wrongly"
	)]
	WrongRoot {
		/// The job.
		name: &'static str,
		/// What it should give.
		expected: &'static str,
		/// What it gives.
		got: String,
	},
	/// It could not run the job.
	#[error("the {name} job did not run: {why}")]
	DidNotRun {
		/// The job.
		name: &'static str,
		/// Why.
		why: String,
	},
}

/// A hash in hexadecimal digits.
pub fn hex(hash: &Hash) -> String {
	hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs the jobs on a device; those of floats only if it claims to be able to.
///
/// # Errors
///
/// The first job that does not give what it must.
pub fn selftest(tools: &Tools, device: &Device, limits: Limits) -> Result<(), Failed> {
	let jobs = GOLDEN.iter().filter(|golden| !golden.float || device.exact_f32());
	for golden in jobs {
		let did_not_run = |why: String| Failed::DidNotRun { name: golden.name, why };
		let got = root_of(tools, device, limits, golden)
			.map_err(|error| did_not_run(error.to_string()))?;
		if got != golden.root {
			return Err(Failed::WrongRoot { name: golden.name, expected: golden.root, got });
		}
	}
	Ok(())
}

/// Why a golden job did not run.
#[derive(Debug, thiserror::Error)]
enum Trouble {
	#[error(transparent)]
	Manifest(#[from] ogpu_job::Problems),
	#[error(transparent)]
	Gate(#[from] GateError),
	#[error(transparent)]
	Run(#[from] RunError),
	#[error(transparent)]
	Io(#[from] std::io::Error),
	#[error(transparent)]
	Merkle(#[from] ogpu_primitives::merkle::MerkleError),
}

fn root_of(
	tools: &Tools,
	device: &Device,
	limits: Limits,
	golden: &Golden,
) -> Result<String, Trouble> {
	let manifest = Manifest::embedded(golden.manifest, &[golden.source, ("seed.bin", SEED)])?;
	let admitted = gate::admit(&tools.compiler, &manifest.job, &manifest.program)?;
	let folder = tempfile::Builder::new().prefix("ogpu-selftest-").tempdir()?;
	let outside = tempfile::Builder::new().prefix("ogpu-selftest-in-").tempdir()?;
	let seed = outside.path().join("seed.bin");
	std::fs::write(&seed, SEED)?;
	let inputs = crate::run::inputs(&manifest.job, |_| Some(seed.clone()))
		.unwrap_or_else(|_| BTreeMap::new());
	let request = Request {
		job: manifest.job,
		text: admitted.text,
		inputs,
		folder: folder.path().to_owned(),
		device: device.key.clone(),
		kind: device.kind,
		units: Units::All,
		care: Care::Batched,
		limits,
	};
	let done = run(tools, &request, &Cancel::default(), |_| {})?;
	Ok(hex(&done.tree(&manifest.plan)?.root()))
}
