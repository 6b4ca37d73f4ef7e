//! `run`: a job on this machine.

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ogpu_compute::{Care, Units};
use ogpu_job::{Manifest, UnitList};
use ogpu_worker::{
	Tools,
	devices::misfit,
	queue::{Bounds, DeviceQueue},
	run::{Request, RunError, inputs},
	selftest::hex,
};

use super::{Common, ManifestPath, Trouble, check::admit, device::pick};

#[derive(Args)]
pub(crate) struct Run {
	/// The manifest, a YAML file.
	#[arg(required_unless_present = "scale")]
	manifest: Option<ManifestPath>,
	/// A job in its SCALE form instead, such as others have submitted.
	#[arg(long, value_name = "FILE", conflicts_with = "manifest", requires = "blobs")]
	scale: Option<PathBuf>,
	/// The folder of its program and inputs, each in a file named by its BLAKE3 hash.
	#[arg(long, value_name = "FOLDER", requires = "scale")]
	blobs: Option<PathBuf>,
	/// Where results and checkpoints go [default: the name of the job, with .out].
	#[arg(long, short)]
	out: Option<PathBuf>,
	/// The number of the device, as `ogpu-worker devices` lists them.
	#[arg(long, default_value_t = 0)]
	device: usize,
	/// Only these units, such as 0,5,10-19. Segments of an iterative job start from checkpoints in the
	/// output folder.
	#[arg(long, value_parser = UnitList::parse)]
	units: Option<UnitList>,
	/// Run each unit by itself, and so see that units do not depend on each other.
	#[arg(long)]
	alone: bool,
	/// Print the result as JSON.
	#[arg(long)]
	json: bool,
	#[command(flatten)]
	common: Common,
}

impl Run {
	pub(crate) fn run(&self) -> Result<(), Trouble> {
		let tools = self.common.tools()?;
		let (read, path) = match (&self.manifest, &self.scale, &self.blobs) {
			(Some(path), ..) => (Manifest::load(path), path),
			(None, Some(path), Some(blobs)) => (Manifest::unpacked(path, blobs), path),
			_ => return Err(Trouble::usage("a manifest is needed, or --scale and --blobs")),
		};
		let (manifest, admitted) = admit(&tools, read, path)?;
		let device = pick(&tools, self.device)?;
		if let Some(why) = misfit(&device, &manifest.job) {
			return Err(Trouble::host(format!("the job cannot run on {}: {why}", device.key.name)));
		}
		let units = match &self.units {
			None => Units::All,
			Some(UnitList(units))
				if units.last().is_some_and(|last| *last < manifest.plan.units) =>
			{
				Units::These(units.clone())
			}
			Some(_) => {
				return Err(Trouble::job(format!(
					"the job has {} units, counted from 0",
					manifest.plan.units
				)));
			}
		};
		let out =
			self.out.clone().unwrap_or_else(|| format!("{}.out", manifest.job.name.text()).into());
		let inputs =
			inputs(&manifest.job, |id| manifest.files.get(id).map(|source| source.path.clone()))
				.map_err(|buffer| Trouble::job(format!("the buffer {buffer} has no file")))?;
		let request = Request {
			job: manifest.job.clone(),
			text: admitted.text,
			inputs,
			folder: out.clone(),
			device: device.key.clone(),
			kind: device.kind,
			units,
			care: if self.alone { Care::Alone } else { Care::Batched },
			limits: self.common.limits(),
		};
		let done = self.wait(&tools, request)?;
		// What the driver compiled is of no use to anybody.
		let _ = fs::remove_dir_all(out.join("cache"));
		let root = done.tree(&manifest.plan).ok().map(|tree| hex(&tree.root()));
		self.print(&manifest, &device.key.name, &out, &done, root);
		Ok(())
	}

	/// Waits for the run, and shows its progress; an interrupt cancels it.
	fn wait(&self, tools: &Tools, request: Request) -> Result<ogpu_worker::run::Done, Trouble> {
		let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
		let runtime = runtime.map_err(|error| Trouble::host(error.to_string()))?;
		runtime.block_on(async {
			let queue = DeviceQueue::new(Bounds::default());
			let mut ticket = queue
				.submit("local", tools, request)
				.map_err(|full| Trouble::host(full.to_string()))?;
			let bar = if self.json { ProgressBar::hidden() } else { ProgressBar::new(0) };
			let style = ProgressStyle::with_template(
				"{bar:40} {percent:>3} %  {pos}/{len} units  {elapsed}, {eta} left",
			);
			bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
			bar.enable_steady_tick(Duration::from_millis(200));
			let mut progress = ticket.progress.clone();
			let shown = bar.clone();
			let follow = tokio::spawn(async move {
				while progress.changed().await.is_ok() {
					let (done, all) = *progress.borrow_and_update();
					shown.set_length(all.into());
					shown.set_position(done.into());
				}
			});
			let cancel = ticket.cancel.clone();
			let result = tokio::select! {
				result = ticket.wait() => result,
				_ = tokio::signal::ctrl_c() => {
					cancel.cancel();
					ticket.wait().await
				},
			};
			follow.abort();
			bar.finish_and_clear();
			result.map_err(|error| match error {
				RunError::Job(_) => Trouble::job(format!("the job is at fault: {error}")),
				RunError::Host(_) | RunError::TooSlow(_) => {
					Trouble::host(format!("this machine could not run the job: {error}"))
				}
				RunError::Cancelled => Trouble::host(
					"cancelled; checkpoints that were finished stay in the output folder",
				),
			})
		})
	}

	fn print(
		&self,
		manifest: &Manifest,
		device: &str,
		out: &std::path::Path,
		done: &ogpu_worker::run::Done,
		root: Option<String>,
	) {
		let stats = done.stats;
		if self.json {
			let leaves: Vec<_> = done
				.leaves
				.iter()
				.map(|(unit, leaf)| serde_json::json!([unit, hex(leaf)]))
				.collect();
			let line = serde_json::json!({
				"job": hex(&manifest.job.hash()),
				"device": device,
				"root": root,
				"leaves": leaves,
				"out": out.display().to_string(),
				"launches": stats.launches,
				"open_us": stats.open_us,
				"build_us": stats.build_us,
				"upload_us": stats.upload_us,
				"run_us": stats.run_us,
			});
			println!("{line}");
			return;
		}
		let ms = |us: u64| us as f64 / 1e3;
		println!("device   {device}");
		println!(
			"time     open {:.0} ms, build {:.0} ms, upload {:.0} ms, run {:.0} ms in {} launches",
			ms(stats.open_us),
			ms(stats.build_us),
			ms(stats.upload_us),
			ms(stats.run_us),
			stats.launches
		);
		println!("results  {}", out.join("out").display());
		match root {
			Some(root) => println!("root     {root}"),
			None => {
				for (unit, leaf) in &done.leaves {
					println!("leaf     {unit} {}", hex(leaf));
				}
			}
		}
	}
}
