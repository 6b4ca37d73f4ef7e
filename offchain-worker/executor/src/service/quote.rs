//! What a job would cost here: some of its units are run, and the operator's price is put on the time.
//!
//! A trial is a run like any other, with an id made from the job, so that asking again costs nothing.

use std::time::Duration;

use bounded_collections::BoundedVec;
use ogpu_primitives::{
	executor::{
		Care, Fault, JobFault, Quote, QuoteRequest, RunId, RunState, Submission, Units, text,
	},
	job::Plan,
	merkle::{Blake2, Hash, Hasher},
};

use super::{Refusal, Service};

/// A first trial that took longer is enough.
const ENOUGH: Duration = Duration::from_millis(500);
/// The units of the second trial, which shows what many units in one launch cost.
const MANY: u32 = 256;

fn trial_id(job: &Hash, number: u8) -> RunId {
	let mut data = b"ogpu/quote/1".to_vec();
	data.push(number);
	data.extend_from_slice(job);
	Blake2::hash(&data)
}

fn trial(request: &QuoteRequest, number: u8, count: u32) -> Submission {
	let mut job = request.job.clone();
	// A quote costs nothing, so it must not keep a device for long.
	job.timeouts.total_ms = job.timeouts.total_ms.min(LONGEST_MS);
	Submission {
		id: trial_id(&request.job.hash(), number),
		owner: BoundedVec::truncate_from(b"quotes".to_vec()),
		job,
		units: Units::These(BoundedVec::truncate_from((0..count).collect())),
		care: Care::Batched,
		peers: request.peers.clone(),
		checkpoints: BoundedVec::new(),
	}
}

/// The longest that a trial may take, in milliseconds.
const LONGEST_MS: u32 = 60_000;

/// What a trial came to.
enum Trial {
	Pending,
	Took(Duration),
	Failed(Quote),
}

impl Service {
	/// What a job would cost here, or [`Quote::Pending`] while that is being found out.
	///
	/// # Errors
	///
	/// Why no trial can be run.
	pub async fn quote(&self, request: &QuoteRequest) -> Result<Quote, Refusal> {
		let invalid = |faults: Vec<String>| Quote::Refused {
			fault: Fault::Job(JobFault::Invalid),
			message: text(&faults.join("; ")),
		};
		let plan = match request.job.plan() {
			Ok(plan) => plan,
			Err(faults) => {
				return Ok(invalid(faults.iter().map(ToString::to_string).collect()));
			}
		};
		let device = match self.0.pool.pick(&request.job) {
			Ok(device) => device,
			Err(why) => {
				return Ok(Quote::Refused { fault: Fault::Host, message: text(&why.to_string()) });
			}
		};
		let one = match self.tried(trial(request, 0, 1)).await? {
			Trial::Took(time) => time,
			Trial::Pending => return Ok(Quote::Pending),
			Trial::Failed(refused) => return Ok(refused),
		};
		let many = plan.units.min(MANY);
		let whole = if one > ENOUGH || many == 1 {
			one * plan.units
		} else {
			match self.tried(trial(request, 1, many)).await? {
				Trial::Took(time) => scaled(time, many, &plan),
				Trial::Pending => return Ok(Quote::Pending),
				Trial::Failed(refused) => return Ok(refused),
			}
		};
		let offered = &self.0.pool.devices[device];
		let before = offered.queue.waiting() + usize::from(offered.queue.is_busy());
		let wait = offered.mean() * before as u32;
		Ok(Quote::Offer {
			price: self.0.pool.price_of(offered).of(whole),
			run_ms: (whole.as_millis() as u64).max(1),
			wait_ms: wait.as_millis() as u64,
			device: device as u32,
		})
	}

	async fn tried(&self, trial: Submission) -> Result<Trial, Refusal> {
		let id = trial.id;
		let state = match self.state(&id) {
			Some(state) => state,
			None => self.submit(trial).await?.1,
		};
		Ok(match state {
			RunState::Done { .. } => {
				let runs = self.0.runs();
				let us = runs.get(&id).map_or(0, |entry| entry.standing.run_us);
				Trial::Took(Duration::from_micros(us))
			}
			RunState::Failed { fault, message } => {
				if !matches!(fault, Fault::Job(_)) {
					// Another time it may go better.
					self.delete(&id).await?;
				}
				Trial::Failed(Quote::Refused { fault, message })
			}
			RunState::Cancelled => {
				self.delete(&id).await?;
				Trial::Pending
			}
			_ => Trial::Pending,
		})
	}
}

/// The time of all units, from that of some.
fn scaled(time: Duration, some: u32, plan: &Plan) -> Duration {
	Duration::from_secs_f64(time.as_secs_f64() * f64::from(plan.units) / f64::from(some.max(1)))
}
