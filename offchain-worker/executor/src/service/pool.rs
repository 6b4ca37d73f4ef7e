//! The devices that are offered, each with its queue, and whether they can be relied on.

use std::{
	path::{Path, PathBuf},
	sync::{
		Arc, Mutex, PoisonError, RwLock,
		atomic::{AtomicU64, Ordering},
	},
	time::Duration,
};

use codec::Encode;
use ogpu_compute::Device;
use ogpu_primitives::{
	executor::{Health, RunId},
	job::Job,
	merkle::{Blake2, Hash, Hasher},
};

use super::config::{Config, Price};
use crate::{
	Tools,
	devices::misfit,
	queue::{Bounds, DeviceQueue},
	run::{Cancel, Limits},
	selftest::{hex, selftest},
};

/// Runs in a row that this machine may fail before a device is tested again.
const FAULTS: u32 = 3;
/// How long after a failed test a device is tested again, at first: a machine that was busy may be free then.
const RETRY: Duration = Duration::from_secs(10);
/// The longest that this becomes, doubled each time.
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// A device that is offered.
pub(super) struct Offered {
	/// The device.
	pub(super) device: Device,
	/// Identifies it with its driver.
	pub(super) fingerprint: Hash,
	/// What waits for it.
	pub(super) queue: DeviceQueue,
	/// What it costs, if that is special.
	price: Option<Price>,
	/// With the run that failed last, and how many have in a row.
	health: Mutex<(Health, RunId, u32)>,
	/// A file that is there when it has passed the self-test.
	passed: PathBuf,
	/// The mean time of its runs, in milliseconds.
	mean_ms: AtomicU64,
}

/// Identifies a device with its driver. Memory is left out: some drivers say something else each time.
pub(super) fn fingerprint(device: &Device) -> Hash {
	Blake2::hash(
		&("ogpu/device/1", &device.key, &device.vendor, &device.driver, &device.version).encode(),
	)
}

impl Offered {
	/// Whether it can be relied on.
	pub(super) fn health(&self) -> Health {
		self.health.lock().unwrap_or_else(PoisonError::into_inner).0
	}

	fn set_health(&self, health: Health) {
		*self.health.lock().unwrap_or_else(PoisonError::into_inner) = (health, [0; 32], 0);
	}

	/// The mean time of its runs.
	pub(super) fn mean(&self) -> Duration {
		Duration::from_millis(self.mean_ms.load(Ordering::Relaxed))
	}

	/// Notes a run that went well.
	pub(super) fn succeeded(&self, took: Duration) {
		self.health.lock().unwrap_or_else(PoisonError::into_inner).2 = 0;
		let (mean, took) = (self.mean_ms.load(Ordering::Relaxed), took.as_millis() as u64);
		self.mean_ms.store(if mean == 0 { took } else { (mean * 7 + took) / 8 }, Ordering::Relaxed);
	}

	/// Notes a run that this machine failed; one that fails again and again counts once. Whether the device
	/// must be tested before it gets more.
	#[must_use]
	pub(super) fn failed(&self, run: &RunId) -> bool {
		let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
		if health.1 != *run {
			health.1 = *run;
			health.2 += 1;
		}
		let quarantine = health.2 >= FAULTS && health.0 == Health::Good;
		if quarantine {
			*health = (Health::Quarantined, [0; 32], 0);
			// Another start is not to take it for good, either.
			let _ = std::fs::remove_file(&self.passed);
		}
		quarantine
	}

	fn test(&self, tools: &Tools, limits: Limits) {
		self.set_health(test(tools, limits, &self.device));
		if self.health() == Health::Good
			&& let Err(error) = std::fs::write(&self.passed, &self.device.driver)
		{
			tracing::warn!(target: "ogpu-worker", "{}: {error}", self.passed.display());
		}
	}
}

/// Why no device takes a job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
	/// None can run it.
	#[error("{0}")]
	Never(String),
	/// Those that can must pass their self-test first.
	#[error("{0}")]
	Now(String),
}

/// All devices that are offered.
pub(super) struct Pool {
	tools: Tools,
	limits: Limits,
	/// What devices cost that have no price of their own.
	price: RwLock<Price>,
	/// The devices.
	pub(super) devices: Vec<Arc<Offered>>,
}

impl Pool {
	/// The devices of this machine that the operator offers. Those that have not passed the self-test with
	/// their present driver are tested; `folder` remembers which have.
	pub(super) fn new(
		tools: Tools,
		config: &Config,
		limits: Limits,
		found: Vec<Device>,
		folder: &Path,
	) -> Self {
		let bounds = Bounds { total: config.limits.runs, per_owner: config.limits.runs };
		let offered = found
			.into_iter()
			.filter(|device| device.usable)
			.filter(|device| config.rule(device).is_none_or(|rule| rule.offer));
		let devices = offered.map(|device| {
			let fingerprint = fingerprint(&device);
			let offered = Offered {
				fingerprint,
				queue: DeviceQueue::new(bounds),
				price: config.rule(&device).and_then(|rule| rule.price.clone()),
				health: Mutex::new((Health::Good, [0; 32], 0)),
				passed: folder.join(format!("selftest-{}", hex(&fingerprint))),
				mean_ms: AtomicU64::new(0),
				device,
			};
			if !offered.passed.exists() {
				offered.test(&tools, limits);
			}
			Arc::new(offered)
		});
		let devices = devices.collect();
		Self { tools, limits, price: RwLock::new(config.price.clone()), devices }
	}

	/// What devices cost that have no price of their own.
	pub(super) fn price(&self) -> Price {
		self.price.read().unwrap_or_else(PoisonError::into_inner).clone()
	}

	/// What a device costs.
	pub(super) fn price_of(&self, offered: &Offered) -> Price {
		offered.price.clone().unwrap_or_else(|| self.price())
	}

	/// Has devices cost something else that have no price of their own.
	pub(super) fn set_price(&self, price: Price) {
		*self.price.write().unwrap_or_else(PoisonError::into_inner) = price;
	}

	/// The device for a job: of those that can run it, the one with the fewest runs before it.
	///
	/// # Errors
	///
	/// Why none can, now or ever.
	pub(super) fn pick(&self, job: &Job) -> Result<usize, Unfit> {
		let mut reasons = Vec::new();
		let fitting: Vec<_> = self
			.devices
			.iter()
			.enumerate()
			.filter(|(_, offered)| match misfit(&offered.device, job) {
				None => true,
				Some(why) => {
					reasons.push(format!("{}: {why}", offered.device.key.name));
					false
				}
			})
			.collect();
		if fitting.is_empty() {
			return Err(Unfit::Never(reasons.join("; ")));
		}
		let good = fitting.iter().filter(|(_, offered)| offered.health() == Health::Good);
		let load = |(_, offered): &&(usize, &Arc<Offered>)| {
			offered.queue.waiting() + usize::from(offered.queue.is_busy())
		};
		let picked = good.min_by_key(load).map(|(index, _)| *index);
		picked.ok_or_else(|| {
			Unfit::Now("the devices that can have not passed their self-test".into())
		})
	}

	/// Tests a device, after what it works on; then again and again until it passes.
	pub(super) fn retest(&self, device: usize, runtime: &tokio::runtime::Handle) {
		let offered = self.devices[device].clone();
		let (tools, limits) = (self.tools.clone(), self.limits);
		runtime.spawn(async move {
			let mut pause = RETRY;
			loop {
				let (done, result) = tokio::sync::oneshot::channel();
				let (tested, tools) = (offered.clone(), tools.clone());
				let pushed = offered.queue.push("self-test", Cancel::default(), move || {
					tested.test(&tools, limits);
					// Nobody may wait any more.
					let _ = done.send(());
				});
				let (Ok(()), Ok(())) = (pushed, result.await) else { return };
				if offered.health() == Health::Good {
					return;
				}
				tokio::time::sleep(pause).await;
				pause = (pause * 2).min(LONGEST_RETRY);
			}
		});
	}
}

fn test(tools: &Tools, limits: Limits, device: &Device) -> Health {
	match selftest(tools, device, limits) {
		Ok(()) => Health::Good,
		Err(error) => {
			tracing::error!(target: "ogpu-worker", device = device.key.name, "self-test failed: {error}");
			Health::Failed
		}
	}
}
