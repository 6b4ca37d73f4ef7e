//! `devices`, `selftest` and `bench`.

use clap::Args;
use ogpu_compute::Device;
use ogpu_worker::{Tools, bench, devices::Shown, run, selftest};

use super::{Common, Trouble};

fn list(tools: &Tools) -> Result<Vec<Device>, Trouble> {
	let devices = run::devices(tools).map_err(|error| Trouble::host(error.to_string()))?;
	if devices.is_empty() {
		return Err(Trouble::host(
			"no OpenCL device was found. Install a driver: pocl-opencl-icd for processors, your vendor's for GPUs.",
		));
	}
	Ok(devices)
}

/// The device that a command names by its number.
pub(super) fn pick(tools: &Tools, number: usize) -> Result<Device, Trouble> {
	let devices = list(tools)?;
	let count = devices.len();
	devices.into_iter().nth(number).ok_or_else(|| {
		Trouble::host(format!(
			"there is no device {number}; there are {count}, from 0 (ogpu-worker devices lists them)"
		))
	})
}

#[derive(Args)]
pub(crate) struct Devices {
	#[command(flatten)]
	common: Common,
}

impl Devices {
	pub(crate) fn run(&self) -> Result<(), Trouble> {
		for (index, device) in list(&self.common.tools()?)?.iter().enumerate() {
			println!("{}", Shown(index, device));
		}
		Ok(())
	}
}

#[derive(Args)]
pub(crate) struct Selftest {
	#[command(flatten)]
	common: Common,
}

impl Selftest {
	pub(crate) fn run(&self) -> Result<(), Trouble> {
		let tools = self.common.tools()?;
		let mut failed = 0;
		for device in list(&tools)?.iter().filter(|device| device.usable) {
			match selftest::selftest(&tools, device, self.common.limits()) {
				Ok(()) => {
					let skipped = if device.exact_f32() {
						""
					} else {
						" (integers only: no exact floating point)"
					};
					println!("ok      {}{skipped}", device.key.name);
				}
				Err(error) => {
					failed += 1;
					println!("failed  {}: {error}", device.key.name);
				}
			}
		}
		if failed > 0 {
			Err(Trouble::host(format!("{failed} devices failed and will not be offered")))
		} else {
			Ok(())
		}
	}
}

#[derive(Args)]
pub(crate) struct Bench {
	#[command(flatten)]
	common: Common,
	/// Print JSON.
	#[arg(long)]
	json: bool,
}

impl Bench {
	pub(crate) fn run(&self) -> Result<(), Trouble> {
		let tools = self.common.tools()?;
		for device in list(&tools)?.iter().filter(|device| device.usable) {
			let ratings =
				bench::rate(&tools, device, self.common.limits()).map_err(Trouble::host)?;
			if self.json {
				let line = serde_json::json!({ "device": device.key.name, "driver": device.driver, "ratings": ratings });
				println!("{line}");
				continue;
			}
			println!("{} ({})", device.key.name, device.driver);
			for rating in ratings {
				println!(
					"  {:8} {:9.2} {}/s   {:.2} s, {} rounds, root {}",
					rating.name,
					rating.value,
					rating.unit,
					rating.seconds,
					rating.rounds,
					rating.root
				);
			}
		}
		Ok(())
	}
}
