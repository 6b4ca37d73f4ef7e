//! What a client wants computed, and on what terms.

use std::path::Path;

use codec::Encode;
use ogpu_job::Manifest;
use ogpu_primitives::{
	Balance,
	job::{BlobId, Profile, Shape as JobShape},
	market::{
		DeviceTier, Endpoint, Features,
		price::Work,
		spec::{FewOperators, JobRef, Requirements, TaskSpec, Trust},
		stream::{Batch, StreamSpec},
		verification::{Shape, Tier},
	},
};

use crate::Error;

/// A job and what is asked for it.
#[derive(Clone, Debug)]
pub struct Order {
	/// The job, with its files.
	pub manifest: Manifest,
	/// How thoroughly it is verified.
	pub tier: Tier,
	/// In how many parts it is verified and paid.
	pub parts: u8,
	/// How much work it is, in thousandths of what the reference device does in a second.
	pub work: Work,
	/// The most that is paid for the work; what the chain quotes if not given, in the token's smallest unit.
	pub max_price: Option<Balance>,
	/// Market blocks in which it is to be computed.
	pub time: u32,
	/// The lowest class of device.
	pub devices: DeviceTier,
	/// Where the provider must be, if that matters: an ISO 3166-1 numeric code.
	pub region: Option<u16>,
	/// The least reputation of the provider, in thousandths.
	pub reputation: u16,
	/// Whether less will do for providers of good record.
	pub trust: Trust,
	/// What to do while too few operators could verify it.
	pub few_operators: FewOperators,
}

impl Order {
	/// A job on the usual terms: tier standard (full where it has few units), one part, a second of work.
	///
	/// # Errors
	///
	/// Everything that is wrong with the manifest.
	pub fn read(manifest: &Path) -> Result<Self, Error> {
		let manifest =
			Manifest::load(manifest).map_err(|problems| Error::Job(problems.to_string()))?;
		let few_units = manifest.plan.units < Tier::Standard.least_units();
		let whole = few_units || manifest.job.profile == Profile::Redundant;
		Ok(Self {
			tier: if whole { Tier::Full } else { Tier::Standard },
			parts: 1,
			work: 1_000,
			max_price: None,
			time: 200,
			devices: DeviceTier::Consumer,
			region: None,
			reputation: 0,
			trust: Trust::Earned,
			few_operators: FewOperators::Refuse,
			manifest,
		})
	}

	/// The SCALE form of the job, by whose hashes a task names it.
	pub fn job(&self) -> Vec<u8> {
		self.manifest.job.encode()
	}

	/// What a provider must have.
	fn requirements(&self) -> Requirements {
		let job = &self.manifest.job;
		let mut features = match job.profile {
			Profile::ExactInt | Profile::Redundant => Features(0),
			Profile::FmaF32 => Features::EXACT_F32,
			Profile::PreludeF32 => Features::EXACT_F32.with(Features::DM_1),
		};
		if job.resources.fp64 {
			features = features.with(Features::FP64);
		}
		Requirements {
			tier: self.devices,
			memory: job.resources.memory.next_power_of_two().ilog2() as u8,
			features,
			region: self.region,
			reputation: self.reputation,
		}
	}

	/// What is asked of the chain; program and inputs are had from `source`, which is given the result.
	pub fn spec(&self, source: Endpoint) -> TaskSpec {
		let Manifest { job, plan, .. } = &self.manifest;
		let Batch { hash, blob, len, .. } = self.batch();
		TaskSpec {
			job: JobRef { hash, blob, len, reader: source.key, source },
			shape: match job.shape {
				JobShape::DataParallel { .. } => Shape::Parallel,
				JobShape::Iterative { .. } => Shape::Iterative,
			},
			profile: job.profile,
			units: plan.units,
			parts: self.parts,
			work: self.work,
			requirements: self.requirements(),
			tier: self.tier,
			trust: self.trust,
			few_operators: self.few_operators,
			max_price: self.max_price,
			time: self.time,
		}
	}

	/// A stream of batches like this one, of which each unit is a request of as much work as the order says, for such a
	/// reward, with so many racers paid.
	pub fn stream(&self, source: Endpoint, reward: Balance, racers: u8) -> StreamSpec {
		StreamSpec {
			reader: source.key,
			source,
			profile: self.manifest.job.profile,
			requirements: self.requirements(),
			tier: self.tier,
			few_operators: self.few_operators,
			reward,
			racers,
			work: self.work,
			time: self.time,
		}
	}

	/// The job as a batch of a stream.
	pub fn batch(&self) -> Batch {
		let scale = self.job();
		Batch {
			hash: self.manifest.job.hash(),
			blob: BlobId(*blake3::hash(&scale).as_bytes()),
			len: scale.len() as u32,
			requests: self.manifest.plan.units,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn examples() -> std::path::PathBuf {
		Path::new(env!("CARGO_MANIFEST_DIR")).join("../offchain-worker/examples")
	}

	fn source() -> Endpoint {
		Endpoint {
			key: [1; 32],
			addresses: vec![ogpu_primitives::market::Address::V4([127, 0, 0, 1], 4433)]
				.try_into()
				.expect("one fits"),
			relay: None,
		}
	}

	/// Every job that we show is one that the chain would take.
	#[test]
	fn examples_become_tasks_without_a_fault() {
		let mut seen = 0;
		for folder in std::fs::read_dir(examples()).expect("the examples").flatten() {
			let files = std::fs::read_dir(folder.path()).into_iter().flatten().flatten();
			for file in files.map(|file| file.path()) {
				if file.extension().is_some_and(|ending| ending == "yaml") {
					let order = Order::read(&file).expect("a manifest");
					let faults = order.spec(source()).faults();
					assert!(faults.is_empty(), "{}: {faults:?}", file.display());
					seen += 1;
				}
			}
		}
		assert!(seen >= 6, "{seen}");
	}

	#[test]
	fn what_is_wrong_with_a_manifest_is_said() {
		let folder = tempfile::tempdir().expect("a folder");
		let file = folder.path().join("job.yaml");
		std::fs::write(&file, "version: \"9\"\nprofile: magic\n").expect("a file");
		let Err(Error::Job(message)) = Order::read(&file) else { panic!("it is wrong") };
		assert!(message.contains("job.yaml") && message.contains("profile"), "{message}");
	}
}
