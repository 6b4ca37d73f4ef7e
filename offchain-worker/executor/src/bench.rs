//! What a device is worth: its rating in integers, fused multiply-adds and memory.
//!
//! Each measurement is a job like any other, its result hashed into a root that every device must give;
//! only the time differs.

use ogpu_compute::{Care, Device, Units};
use ogpu_job::Manifest;
use ogpu_primitives::market::trial;

use crate::{
	gate,
	run::{Cancel, Limits, Request, run},
	selftest::hex,
	tools::Tools,
};

/// A measurement.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Rating {
	/// What was measured.
	pub name: &'static str,
	/// How much.
	pub value: f64,
	/// Of what, per second.
	pub unit: &'static str,
	/// Repetitions, which the root depends on.
	pub rounds: u32,
	/// Seconds that the device worked.
	pub seconds: f64,
	/// The root of the result.
	pub root: String,
}

struct Measure {
	name: &'static str,
	unit: &'static str,
	manifest: &'static str,
	source: (&'static str, &'static str),
	/// Operations, or bytes, of one repetition.
	per_round: f64,
	float: bool,
}

const MEASURES: [Measure; 3] = [
	Measure {
		name: "integer",
		unit: "Gop",
		manifest: include_str!("../bench/integer.yaml"),
		// As trials count them, whose program it is.
		source: ("trial.cl", trial::PROGRAM),
		per_round: 262_144.0 * trial::OPERATIONS as f64,
		float: false,
	},
	Measure {
		name: "fma",
		unit: "Gflop",
		manifest: include_str!("../bench/fma.yaml"),
		source: ("fma.cl", include_str!("../bench/fma.cl")),
		// Two fused multiply-adds and a product, each of four.
		per_round: 262_144.0 * 20.0,
		float: true,
	},
	Measure {
		name: "memory",
		unit: "GB",
		manifest: include_str!("../bench/memory.yaml"),
		source: ("memory.cl", include_str!("../bench/memory.cl")),
		// Two copies of 64 MiB, each read and written.
		per_round: 67_108_864.0 * 4.0,
		float: false,
	},
];

/// How long a measurement should take: long against starting, short against patience.
const TARGET: f64 = 2.0;
const FIRST_ROUNDS: u32 = 16;

/// Rates a device. The number of repetitions grows until a measurement takes a few seconds.
///
/// # Errors
///
/// What kept a measurement from running.
pub fn rate(tools: &Tools, device: &Device, limits: Limits) -> Result<Vec<Rating>, String> {
	let measures = MEASURES.iter().filter(|measure| !measure.float || device.exact_f32());
	measures
		.map(|measure| {
			let mut rounds = FIRST_ROUNDS;
			loop {
				let rating = once(tools, device, limits, measure, rounds)?;
				if rating.seconds >= TARGET / 2.0 || rounds >= 1 << 24 {
					return Ok(rating);
				}
				let growth = (TARGET / rating.seconds.max(1e-3)).clamp(2.0, 64.0);
				rounds = (f64::from(rounds) * growth) as u32;
			}
		})
		.collect()
}

fn once(
	tools: &Tools,
	device: &Device,
	limits: Limits,
	measure: &Measure,
	rounds: u32,
) -> Result<Rating, String> {
	let text = measure.manifest.replace("ROUNDS", &rounds.to_string());
	let manifest =
		Manifest::embedded(&text, &[measure.source]).map_err(|error| error.to_string())?;
	let admitted = gate::admit(&tools.compiler, &manifest.job, &manifest.program)
		.map_err(|error| error.to_string())?;
	let folder = tempfile::Builder::new()
		.prefix("ogpu-bench-")
		.tempdir()
		.map_err(|error| error.to_string())?;
	let request = Request {
		job: manifest.job,
		text: admitted.text,
		inputs: Default::default(),
		folder: folder.path().to_owned(),
		device: device.key.clone(),
		kind: device.kind,
		units: Units::All,
		care: Care::Batched,
		limits,
	};
	let done =
		run(tools, &request, &Cancel::default(), |_| {}).map_err(|error| error.to_string())?;
	let root = hex(&done.tree(&manifest.plan).map_err(|error| error.to_string())?.root());
	let seconds = done.stats.run_us as f64 / 1e6;
	let value = measure.per_round * f64::from(rounds) / seconds / 1e9;
	Ok(Rating { name: measure.name, value, unit: measure.unit, rounds, seconds, root })
}
