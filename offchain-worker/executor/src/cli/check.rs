//! `check`: what would run, and everything that is wrong.

use std::path::PathBuf;

use clap::Args;
use codec::Encode;
use ogpu_job::{Manifest, Problems};
use ogpu_primitives::job::{BlobId, Job, Profile, Shape};
use ogpu_worker::{
	Tools,
	gate::{self, Admitted, GateError},
	prelude,
	selftest::hex,
};

use serde_json::json;

use super::{Common, ManifestPath, Trouble};

#[derive(Args)]
pub(crate) struct Check {
	/// The manifest, a YAML file.
	manifest: ManifestPath,
	/// Print the text that devices would see.
	#[arg(long)]
	text: bool,
	/// Write the job's SCALE form to this file. Tasks name a job by the hashes of these bytes.
	#[arg(long, value_name = "FILE")]
	scale: Option<PathBuf>,
	/// Print what a task has to say of the job, as JSON.
	#[arg(long)]
	json: bool,
	#[command(flatten)]
	common: Common,
}

/// Has the gate look at the program of a manifest, which was read from a file.
pub(super) fn admit(
	tools: &Tools,
	read: Result<Manifest, Problems>,
	path: &std::path::Path,
) -> Result<(Manifest, Admitted), Trouble> {
	let manifest = read.map_err(|problems| Trouble::job(problems.to_string()))?;
	let admitted = gate::admit(&tools.compiler, &manifest.job, &manifest.program).map_err(
		|error| match error {
			GateError::Refused(refusals) => {
				let lines: Vec<_> = refusals
					.iter()
					.map(|refusal| format!("{}: program: {refusal}", path.display()))
					.collect();
				Trouble::job(lines.join("\n"))
			}
			GateError::Host(why) => {
				Trouble::host(format!("the program could not be checked: {why}"))
			}
		},
	)?;
	Ok((manifest, admitted))
}

/// What a task has to say of a job.
fn facts(manifest: &Manifest) -> serde_json::Value {
	let Manifest { job, plan, .. } = manifest;
	let scale = job.encode();
	json!({
		"name": job.name.text(),
		"hash": hex(&job.hash()),
		"blob": hex(blake3::hash(&scale).as_bytes()),
		"len": scale.len(),
		"shape": match job.shape {
			Shape::DataParallel { .. } => "Parallel",
			Shape::Iterative { .. } => "Iterative",
		},
		"profile": format!("{:?}", job.profile),
		"units": plan.units,
		"memory": job.resources.memory,
		"blobs": blobs(job),
	})
}

fn blobs(job: &Job) -> Vec<serde_json::Value> {
	let blobs = job.blobs().into_iter();
	blobs.map(|(BlobId(hash), bytes)| json!({"hash": hex(&hash), "bytes": bytes})).collect()
}

fn bytes(count: u64) -> String {
	const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
	let unit = (count.max(1).ilog2() / 10).min(4);
	format!("{:.1} {}", count as f64 / 1024f64.powi(unit as i32), UNITS[unit as usize])
}

impl Check {
	pub(crate) fn run(&self) -> Result<(), Trouble> {
		let tools = self.common.tools()?;
		let read = Manifest::load(&self.manifest);
		let (manifest, admitted) = admit(&tools, read, &self.manifest)?;
		if self.text {
			print!("{}", admitted.text);
			return Ok(());
		}
		let (job, plan) = (&manifest.job, &manifest.plan);
		if let Some(file) = &self.scale {
			std::fs::write(file, job.encode())
				.map_err(|error| Trouble::host(format!("{}: {error}", file.display())))?;
		}
		if self.json {
			println!("{:#}", facts(&manifest));
			return Ok(());
		}
		let profile = match job.profile {
			Profile::ExactInt => "exact-int: integers, the same bits everywhere",
			Profile::FmaF32 => {
				"fma-f32: correctly rounded floating point, the same bits everywhere"
			}
			Profile::PreludeF32 => {
				"prelude-f32: correctly rounded floating point and a prelude, the same bits everywhere"
			}
			Profile::Redundant => "redundant: whole results are compared, no bits are promised",
		};
		println!("job       {} ({})", job.name.text(), hex(&job.hash()));
		println!("profile   {profile}");
		if let Some(prelude) = job.program.prelude {
			println!("prelude   {}", prelude::name(prelude));
		}
		match job.shape {
			Shape::DataParallel { groups } => {
				println!(
					"units     {}, each {groups} work-groups along the last dimension",
					plan.units
				);
			}
			Shape::Iterative { count, checkpoint_every } => {
				println!("units     {}, each {checkpoint_every} of {count} iterations", plan.units);
			}
		}
		println!(
			"result    {} ({} a unit)",
			bytes(plan.result_bytes(job)),
			bytes(plan.unit_bytes())
		);
		println!(
			"memory    {} of {} declared, inputs {}",
			bytes(plan.memory),
			bytes(job.resources.memory),
			bytes(plan.input_bytes)
		);
		println!("launches  at most {}, {} work-items in all", plan.launches, plan.work_items);
		println!("program   {} instructions before optimisation", admitted.instructions);
		for (name, (private, local)) in &admitted.kernels {
			println!("kernel    {name}: {} private, {} local", bytes(*private), bytes(*local));
		}
		Ok(())
	}
}
