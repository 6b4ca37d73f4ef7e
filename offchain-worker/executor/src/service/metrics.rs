//! What an operator watches, for Prometheus.

use std::{sync::atomic::AtomicU64, time::Duration};

use ogpu_primitives::executor::{Fault, Health, RunState};
use prometheus_client::{
	encoding::{EncodeLabelSet, text::encode},
	metrics::{counter::Counter, family::Family, gauge::Gauge},
	registry::Registry,
};

use super::{Core, journal::Standing};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
	outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Device {
	device: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
	path: String,
	status: u16,
}

/// The counters of a service.
pub(super) struct Metrics {
	registry: Registry,
	accepted: Counter,
	ended: Family<Outcome, Counter>,
	units: Counter,
	fetched: Counter,
	requests: Family<Answer, Counter>,
	busy: Family<Device, Counter<f64, AtomicU64>>,
	waiting: Family<Device, Gauge>,
	good: Family<Device, Gauge>,
	live: Gauge,
	results: Gauge,
	blobs: Gauge,
}

impl Metrics {
	pub(super) fn new() -> Self {
		let mut metrics = Self {
			registry: Registry::with_prefix("ogpu_worker"),
			accepted: Counter::default(),
			ended: Family::default(),
			units: Counter::default(),
			fetched: Counter::default(),
			requests: Family::default(),
			busy: Family::default(),
			waiting: Family::default(),
			good: Family::default(),
			live: Gauge::default(),
			results: Gauge::default(),
			blobs: Gauge::default(),
		};
		let registry = &mut metrics.registry;
		registry.register("runs_accepted", "Runs that were taken", metrics.accepted.clone());
		registry.register("runs_ended", "Runs that ended, by how", metrics.ended.clone());
		registry.register("units_finished", "Units of jobs", metrics.units.clone());
		registry.register("fetched_bytes", "Blobs fetched from others", metrics.fetched.clone());
		registry.register(
			"http_requests",
			"Requests, by path and answer",
			metrics.requests.clone(),
		);
		registry.register("device_busy_seconds", "Time that a device worked", metrics.busy.clone());
		registry.register(
			"device_waiting_runs",
			"Runs ready for a device",
			metrics.waiting.clone(),
		);
		registry.register(
			"device_good",
			"1 when it has passed its self-test",
			metrics.good.clone(),
		);
		registry.register("runs_live", "Runs that have not ended", metrics.live.clone());
		registry.register("results_bytes", "Disk promised to results", metrics.results.clone());
		registry.register("blobs_bytes", "Disk taken by blobs", metrics.blobs.clone());
		metrics
	}

	pub(super) fn accepted(&self) {
		self.accepted.inc();
	}

	pub(super) fn ended(&self, standing: &Standing) {
		let outcome = match &standing.state {
			RunState::Done { .. } => "done",
			RunState::Failed { fault: Fault::Job(_), .. } => "job_fault",
			RunState::Failed { fault: Fault::Unavailable(_), .. } => "unavailable",
			RunState::Failed { fault: Fault::Host, .. } => "host_fault",
			RunState::Failed { fault: Fault::Unfinished, .. } => "unfinished",
			_ => "cancelled",
		};
		self.ended.get_or_create(&Outcome { outcome }).inc();
	}

	pub(super) fn units(&self, count: u64) {
		self.units.inc_by(count);
	}

	pub(super) fn fetched(&self, bytes: u64) {
		self.fetched.inc_by(bytes);
	}

	pub(super) fn answered(&self, path: &str, status: u16) {
		self.requests.get_or_create(&Answer { path: path.to_owned(), status }).inc();
	}

	pub(super) fn worked(&self, device: &str, time: Duration) {
		self.busy.get_or_create(&Device { device: device.to_owned() }).inc_by(time.as_secs_f64());
	}

	/// All of it, in the text format.
	pub(super) fn text(&self, core: &Core) -> Result<String, std::fmt::Error> {
		for offered in &core.pool.devices {
			let device = Device { device: offered.device.key.name.clone() };
			self.waiting.get_or_create(&device).set(offered.queue.waiting() as i64);
			self.good.get_or_create(&device).set((offered.health() == Health::Good).into());
		}
		let (live, bytes) = {
			let runs = core.runs();
			(runs.live(), runs.bytes())
		};
		self.live.set(live as i64);
		self.results.set(bytes as i64);
		self.blobs.set(core.blobs.usage().0 as i64);
		let mut text = String::new();
		encode(&mut text, &self.registry)?;
		Ok(text)
	}
}
