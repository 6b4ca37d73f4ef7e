//! The hooks of providers' nodes, with executors that answer as a real one does: nobody does anything by hand.

use std::{cell::RefCell, collections::BTreeMap};

use codec::Encode;
use frame_support::{BoundedVec, assert_ok};
use ogpu_primitives::{
	Balance, OGPU,
	executor::{
		Checkpoint, ExecutorStatus, Fault, JobFault, Leaves, Peer, Quote, QuoteRequest, RunId,
		RunState, StateRequest, Submission, Text, Units,
	},
	job::{
		Arg, BlobId, Buffer, Element, Init, Job, Name, Profile, Program, Resources, Role, Shape,
		Step, Timeouts, VERSION,
	},
	market::{
		spec::TaskSpec,
		stream::{Batch, StreamSpec},
		verification::Shape as TaskShape,
	},
	merkle::{Blake2, Hash, Hasher, leaf},
	piece::Piece,
};
use ogpu_traits::{Attestation, Away, Duties, Node, PartOfTask};
use pallet_tasks::{Convictions, Demanded, Ending, Status};

use crate::{
	Cases, Due,
	mock::{Attestations, *},
};

/// A hundred units of one work-group each.
fn job() -> Job {
	let name = |text| Name::new(text).expect("it is short");
	Job {
		version: VERSION,
		name: name("test"),
		profile: Profile::ExactInt,
		program: Program { source: BlobId([5; 32]), source_len: 100, prelude: None },
		buffers: vec![Buffer {
			name: name("y"),
			role: Role::Output,
			element: Element::U32,
			len: 6400,
			init: Init::Zero,
		}]
		.try_into()
		.expect("one fits"),
		steps: vec![Step {
			kernel: name("f"),
			args: vec![Arg::Buffer(0)].try_into().expect("one fits"),
			global: vec![6400].try_into().expect("one fits"),
			local: vec![64].try_into().expect("one fits"),
		}]
		.try_into()
		.expect("one fits"),
		shape: Shape::DataParallel { groups: 1 },
		resources: Resources { memory: 1 << 20, fp64: false },
		timeouts: Timeouts { build_ms: 1_000, step_ms: 1_000, total_ms: 10_000 },
	}
}

fn spec_of(job: &Job) -> TaskSpec {
	let mut spec = spec();
	spec.job.hash = job.hash();
	spec.job.blob = BlobId(*blake3::hash(&job.encode()).as_bytes());
	spec.job.len = job.encoded_size() as u32;
	spec.shape = match job.shape {
		Shape::DataParallel { .. } => TaskShape::Parallel,
		Shape::Iterative { .. } => TaskShape::Iterative,
	};
	spec
}

/// What is wrong with an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
	None,
	/// It does not answer.
	Away,
	/// It computes something else.
	Wrong,
	/// It cannot run anything.
	Broken,
	/// It finds that the job is at fault.
	Faultfinding,
	/// It does not get any blob.
	CutOff,
	/// It gives nothing to anybody.
	Secretive,
	/// It gets no state of anybody.
	Stateless,
	/// What it computes from others' states is not what they have.
	Doubting,
}

/// An executor with a memory.
struct TestNode {
	/// The job that everybody has.
	job: Job,
	flaw: Flaw,
	price: Balance,
	/// Blocks that fetching takes, and running; by how often it was asked after.
	patience: u32,
	pace: u32,
	asked: RefCell<BTreeMap<Vec<u8>, u32>>,
	runs: RefCell<BTreeMap<RunId, Vec<u32>>>,
	/// Runs that were given up.
	cancelled: RefCell<Vec<RunId>>,
	/// The segments after which states were that runs started from.
	started_from: RefCell<BTreeMap<RunId, Vec<u32>>>,
	memory: RefCell<BTreeMap<Vec<u8>, Vec<u8>>>,
	secrets: RefCell<u64>,
	/// What it serves, to whom; results by their runs.
	served: RefCell<BTreeMap<BlobId, Vec<[u8; 32]>>>,
}

impl TestNode {
	fn new(flaw: Flaw, price: Balance) -> Self {
		Self {
			job: job(),
			flaw,
			price,
			patience: 1,
			pace: 1,
			asked: RefCell::default(),
			runs: RefCell::default(),
			cancelled: RefCell::default(),
			started_from: RefCell::default(),
			memory: RefCell::default(),
			secrets: RefCell::new(price as u64),
			served: RefCell::default(),
		}
	}

	/// Whether something was asked for often enough to be there.
	fn is_there(&self, what: Vec<u8>) -> bool {
		self.is_there_after(what, self.patience)
	}

	fn is_there_after(&self, what: Vec<u8>, blocks: u32) -> bool {
		let mut asked = self.asked.borrow_mut();
		let times = asked.entry(what).or_default();
		*times += 1;
		*times > blocks
	}

	/// How many units of a run are finished: as many more each time that it is asked after.
	fn done_of(&self, run: &RunId, units: u32) -> u32 {
		let asked = self.asked.borrow().get(&run.to_vec()).copied().unwrap_or(0);
		units * asked.min(self.pace + 1) / (self.pace + 1)
	}

	fn answers(&self) -> Result<(), Away> {
		if self.flaw == Flaw::Away { Err(Away::Unreachable) } else { Ok(()) }
	}

	/// What a unit writes.
	fn output(&self, unit: u32) -> Vec<u8> {
		(self.flaw == Flaw::Wrong, unit).encode().repeat(20_000)
	}

	fn leaf(&self, unit: u32) -> Hash {
		leaf::<Blake2>(unit, &[*blake3::hash(&self.output(unit)).as_bytes()])
	}
}

impl Node for TestNode {
	fn status(&self) -> Result<ExecutorStatus, Away> {
		Err(Away::Unreachable)
	}

	fn quote(&self, _: &QuoteRequest) -> Result<Quote, Away> {
		self.answers()?;
		if !self.is_there(b"quote".to_vec()) {
			return Ok(Quote::Pending);
		}
		Ok(match self.flaw {
			Flaw::Faultfinding => Quote::Refused {
				fault: Fault::Job(JobFault::Inadmissible),
				message: Text::default(),
			},
			_ => Quote::Offer { price: self.price, run_ms: 1_000, wait_ms: 0, device: 0 },
		})
	}

	fn run(&self, submission: &Submission) -> Result<RunState, Away> {
		self.answers()?;
		let units = match &submission.units {
			Units::All => (0..100).collect(),
			Units::These(units) => units.to_vec(),
		};
		self.runs.borrow_mut().insert(submission.id, units);
		let segments = submission.checkpoints.iter().map(|state| state.segment).collect();
		self.started_from.borrow_mut().insert(submission.id, segments);
		Ok(RunState::Queued)
	}

	fn state(&self, run: &RunId) -> Result<Option<RunState>, Away> {
		self.answers()?;
		let runs = self.runs.borrow();
		let Some(units) = runs.get(run) else { return Ok(None) };
		if self.cancelled.borrow().contains(run) {
			return Ok(Some(RunState::Cancelled));
		}
		let of = units.len() as u32;
		if !self.is_there_after(run.to_vec(), self.pace) {
			return Ok(Some(RunState::Running { done: self.done_of(run, of), of }));
		}
		Ok(Some(match self.flaw {
			Flaw::Broken => RunState::Failed { fault: Fault::Host, message: Text::default() },
			_ => RunState::Done { root: None, run_ms: 1 },
		}))
	}

	fn cancel(&self, run: &RunId) -> Result<(), Away> {
		self.answers()?;
		self.cancelled.borrow_mut().push(*run);
		Ok(())
	}

	fn leaves(&self, run: &RunId) -> Result<Leaves, Away> {
		self.answers()?;
		let units = self.runs.borrow().get(run).cloned().ok_or(Away::Refused(404))?;
		let done = self.done_of(run, units.len() as u32) as usize;
		let leaves = units.into_iter().take(done).map(|unit| (unit, self.leaf(unit))).collect();
		Ok(Leaves { leaves: BoundedVec::truncate_from(leaves) })
	}

	fn fetch(&self, blob: &BlobId, _: u64, _: &[Peer]) -> Result<bool, Away> {
		self.answers()?;
		Ok(self.flaw != Flaw::CutOff && self.is_there(blob.0.to_vec()))
	}

	fn read(&self, _: &BlobId) -> Result<Vec<u8>, Away> {
		self.answers()?;
		Ok(self.job.encode())
	}

	fn keep(&self, bytes: &[u8]) -> Result<BlobId, Away> {
		self.answers()?;
		Ok(BlobId::of(bytes))
	}

	fn share(&self, blob: &BlobId, to: &[[u8; 32]]) -> Result<(), Away> {
		self.answers()?;
		self.served.borrow_mut().insert(*blob, to.to_vec());
		Ok(())
	}

	fn publish(&self, run: &RunId, to: &[[u8; 32]]) -> Result<(), Away> {
		self.answers()?;
		self.served.borrow_mut().insert(BlobId(*run), to.to_vec());
		Ok(())
	}

	fn publish_states(&self, run: &RunId, segments: &[u32], to: &[[u8; 32]]) -> Result<(), Away> {
		self.answers()?;
		let mut served = self.served.borrow_mut();
		for segment in segments {
			let state = (run, segment).using_encoded(Blake2::hash);
			served.insert(BlobId(state), to.to_vec());
		}
		Ok(())
	}

	fn state_of_others(&self, request: &StateRequest) -> Result<Option<Checkpoint>, Away> {
		self.answers()?;
		let StateRequest { run, segment, leaf, .. } = request;
		let state = (run, segment, leaf).using_encoded(Blake2::hash);
		// Whoever has it gives it, if it does so at all.
		let there = self.flaw != Flaw::Stateless && self.is_there(state.to_vec());
		let right =
			leaf.is_none_or(|leaf| self.flaw != Flaw::Doubting && leaf == self.leaf(*segment));
		(there && right).then(|| self.slices(run, *segment)).transpose()
	}

	fn piece(&self, blob: &BlobId, piece: u32) -> Result<Piece, Away> {
		self.answers()?;
		if *blob != spec_of(&self.job).job.blob || self.flaw == Flaw::Secretive {
			return Err(Away::Refused(404));
		}
		Ok(Piece::of(&self.job.encode(), piece))
	}

	fn slices(&self, _: &RunId, unit: u32) -> Result<Checkpoint, Away> {
		self.answers()?;
		if self.flaw == Flaw::Secretive {
			return Err(Away::Refused(404));
		}
		let slices = vec![BlobId(*blake3::hash(&self.output(unit)).as_bytes())];
		Ok(Checkpoint { segment: unit, slices: BoundedVec::truncate_from(slices) })
	}

	fn piece_of_result(&self, _: &RunId, unit: u32, _: u8, piece: u32) -> Result<Piece, Away> {
		self.answers()?;
		Ok(Piece::of(&self.output(unit), piece))
	}

	fn recall(&self, key: &[u8]) -> Option<Vec<u8>> {
		self.memory.borrow().get(key).cloned()
	}

	fn remember(&self, key: &[u8], value: &[u8]) -> Vec<u8> {
		let mut memory = self.memory.borrow_mut();
		memory.entry(key.to_vec()).or_insert_with(|| value.to_vec()).clone()
	}

	fn note(&self, key: &[u8], value: &[u8]) {
		self.memory.borrow_mut().insert(key.to_vec(), value.to_vec());
	}

	fn secret(&self) -> Hash {
		*self.secrets.borrow_mut() += 1;
		(b"secret", *self.secrets.borrow()).using_encoded(Blake2::hash)
	}
}

/// Nodes of the providers, from 1 on.
struct Nodes(Vec<TestNode>);

impl Nodes {
	/// So many, all well; the first asks the least.
	fn new(count: u64) -> Self {
		let price = |who| (10 + Balance::from(who)) * OGPU;
		Self((0..count).map(|who| TestNode::new(Flaw::None, price(who as u8))).collect())
	}

	/// The same, of another job.
	fn of(mut self, job: &Job) -> Self {
		for node in &mut self.0 {
			node.job = job.clone();
		}
		self
	}

	fn with(mut self, who: usize, flaw: Flaw) -> Self {
		self.0[who - 1].flaw = flaw;
		self
	}

	/// A block, after which every hook runs.
	fn block(&self) {
		silent_block();
		for (who, node) in (1u64..).zip(&self.0) {
			for done in <Tasks as Duties<AccountId>>::attend(&who, 16, node) {
				if Tasks::is_live(&who, &done) {
					assert_ok!(Tasks::act(RuntimeOrigin::signed(who), done));
				}
			}
			for done in <Attestations as Duties<AccountId>>::attend(&who, 16, node) {
				if Attestations::is_live(&who, &done) {
					assert_ok!(act(who, done));
				}
			}
		}
	}

	/// A block as it is on a network: what hooks said after the one before is in it. What they say after this one.
	fn block_with(&self, said: Vec<(u64, crate::Done)>) -> Vec<(u64, crate::Done)> {
		silent_block();
		for (who, done) in said {
			if Attestations::is_live(&who, &done) {
				assert_ok!(act(who, done));
			}
		}
		idle();
		let all = (1u64..).zip(&self.0).flat_map(|(who, node)| {
			let said = <Attestations as Duties<AccountId>>::attend(&who, 16, node);
			said.into_iter().map(move |done| (who, done))
		});
		all.collect()
	}

	fn until(&self, mut so: impl FnMut() -> bool) {
		for _ in 0..2_000 {
			if so() {
				return;
			}
			self.block();
		}
		panic!("it never came to that");
	}

	fn end(&self, task: u64) -> Ending {
		self.until(|| ended(task).is_some());
		ended(task).expect("it has ended")
	}
}

fn submit(spec: TaskSpec) -> u64 {
	let task = pallet_tasks::NextTask::<Test>::get();
	assert_ok!(Tasks::submit(RuntimeOrigin::signed(CLIENT), spec, Balance::MAX));
	task
}

#[test]
fn nodes_bid_compute_verify_and_are_paid() {
	market(12, || {
		let nodes = Nodes::new(12);
		let task = submit(spec_of(&job()));
		nodes.until(|| matches!(live(task).status, Status::Assigned { .. }));
		let by = live(task).status.assignment().cloned().expect("somebody has it");
		// The cheapest, for what the next one asks.
		assert_eq!((by.provider, by.price), (1, 11 * OGPU));
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

#[test]
fn a_device_that_computes_wrongly_is_caught_by_the_others() {
	market(40, || {
		let nodes = Nodes::new(40).with(1, Flaw::Wrong);
		let task = submit(spec_of(&job()));
		nodes.until(|| live(task).attempt == 1);
		assert!(pallet_tasks::Convictions::<Test>::contains_key((task, 0)));
		// The next best bid takes over by itself.
		assert_eq!(nodes.end(task), Ending::Completed);
		let ended = pallet_tasks::Records::<Test>::get(task).expect("it has ended");
		assert_eq!(ended.provider, Some(2));
	});
}

#[test]
fn hosts_that_fail_abstain_and_are_not_punished() {
	market(20, || {
		let mut nodes = Nodes::new(20);
		for who in 2..=5 {
			nodes = nodes.with(who, Flaw::Broken);
		}
		let task = submit(spec_of(&job()));
		assert_eq!(nodes.end(task), Ending::Completed);
		for who in 2..=5u64 {
			assert_eq!(pallet_trust_lock::Ledgers::<Test>::get(who).bonded(), BOND);
		}
	});
}

#[test]
fn whoever_has_more_panels_than_it_can_look_at_misses_none() {
	const TASKS: u64 = 40;
	market(12, || {
		let mut nodes = Nodes::new(12);
		for node in &mut nodes.0 {
			node.pace = 3;
		}
		let tasks: Vec<u64> = (0..TASKS).map(|_| submit(spec_of(&job()))).collect();
		for task in tasks {
			assert_eq!(nodes.end(task), Ending::Completed);
		}
		for who in 1..=12u64 {
			assert_eq!(pallet_trust_lock::Ledgers::<Test>::get(who).bonded(), BOND);
		}
	});
}

#[test]
fn units_of_two_blocks_are_verified_within_twelve_blocks_of_the_root() {
	market(12, || {
		// A run is not done in the block after it was begun, but in the next.
		let nodes = Nodes::new(12);
		let task = submit(spec_of(&job()));
		nodes.until(|| Cases::<Test>::contains_key((task, 0), 0));
		let root = System::block_number();
		let mut said = Vec::new();
		while !matches!(live(task).status, Status::Delivered { .. }) {
			said = nodes.block_with(said);
		}
		assert_eq!(System::block_number() - root, 12);
	});
}

#[test]
fn what_comes_too_late_is_given_up() {
	market(12, || {
		let mut nodes = Nodes::new(12);
		for node in &mut nodes.0[1..] {
			node.pace = 1_000;
		}
		let task = submit(spec_of(&job()));
		nodes.until(|| Cases::<Test>::contains_key((task, 0), 0));
		let of = PartOfTask { task, attempt: 0, part: 0 };
		nodes.until(|| {
			Attestations::panel_of(of, 0)
				.is_some_and(|(panel, _)| panel.stage == crate::Stage::Done)
		});
		let (panel, _) = Attestations::panel_of(of, 0).expect("it was drawn");
		for member in panel.members {
			let node = &nodes.0[member.who as usize - 1];
			assert_eq!(member.said, crate::Said::Abstained);
			assert!(!node.cancelled.borrow().is_empty(), "{} computes on", member.who);
			// Whoever says so in time loses nothing.
			assert_eq!(pallet_trust_lock::Ledgers::<Test>::get(member.who).bonded(), BOND);
		}
	});
}

#[test]
fn what_only_another_fork_has_drawn_is_computed_no_longer() {
	market(12, || {
		let mut nodes = Nodes::new(12);
		let task = submit(spec_of(&job()));
		let of = PartOfTask { task, attempt: 0, part: 0 };
		let drawn = || {
			let (panel, _) = Attestations::panel_of(of, 0)?;
			panel.members.first().map(|member| member.who)
		};
		nodes.until(|| drawn().is_some());
		let slow = drawn().expect("it was drawn");
		nodes.0[slow as usize - 1].pace = 1_000;
		let node = &nodes.0[slow as usize - 1];
		nodes.until(|| !node.runs.borrow().is_empty());
		let runs: Vec<RunId> = node.runs.borrow().keys().copied().collect();
		assert_eq!((runs.len(), node.cancelled.borrow().len()), (1, 0));
		// The block of the draw is left for another.
		crate::Panels::<Test>::mutate(of, 0, |panel| {
			panel.as_mut().expect("it was drawn").seed = [7; 32];
		});
		nodes.until(|| node.cancelled.borrow().contains(&runs[0]));
		// Both runs, each once.
		let mut cancelled = node.cancelled.borrow().clone();
		assert_eq!(cancelled.len(), 2);
		cancelled.dedup();
		assert_eq!(cancelled.len(), 2);
		assert_eq!(pallet_trust_lock::Ledgers::<Test>::get(slow).bonded(), BOND);
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

#[test]
fn what_is_cancelled_is_computed_no_longer() {
	market(12, || {
		let mut nodes = Nodes::new(12);
		nodes.0[0].pace = 1_000;
		let [cancelled, kept] = [0, 1].map(|_| submit(spec_of(&job())));
		nodes.until(|| {
			[cancelled, kept]
				.iter()
				.all(|task| matches!(live(*task).status, Status::Executing { .. }))
		});
		assert!(holder_is(cancelled, 1) && holder_is(kept, 1));
		nodes.block();
		assert_ok!(Tasks::cancel(RuntimeOrigin::signed(CLIENT), cancelled));
		let node = &nodes.0[0];
		// The block may still be left for another one.
		nodes.block();
		assert!(node.cancelled.borrow().is_empty());
		nodes.until(|| !node.cancelled.borrow().is_empty());
		let run = |task| spec_of(&job()).job.run(&ogpu_traits::genesis::<Test>(), task, 0);
		assert_eq!(*node.cancelled.borrow(), [run(cancelled)]);
		// That is all, and it is said once.
		for _ in 0..10 {
			nodes.block();
		}
		assert_eq!(node.cancelled.borrow().len(), 1);
		assert!(matches!(live(kept).status, Status::Executing { .. }));
	});
}

#[test]
fn what_cannot_be_fetched_is_declined_in_time() {
	market(12, || {
		let nodes = Nodes::new(12);
		let task = submit(spec_of(&job()));
		nodes.until(|| matches!(live(task).status, Status::Revealing { .. }));
		// The winner loses its way to the source after it has bid.
		let nodes = Nodes(nodes.0).with(1, Flaw::CutOff);
		nodes.until(|| holder_is(task, 2));
		assert_eq!(live(task).attempt, 0);
		assert_eq!(pallet_trust_lock::Ledgers::<Test>::get(1).bonded(), BOND);
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

/// A hundred segments of one repetition each.
fn training() -> Job {
	let mut job = job();
	job.buffers[0].role = Role::State;
	Job { shape: Shape::Iterative { count: 100, checkpoint_every: 1 }, ..job }
}

#[test]
fn states_are_handed_over_to_those_who_recompute_what_follows() {
	market(12, || {
		let nodes = Nodes::new(12).of(&training());
		let task = submit(spec_of(&training()));
		nodes.until(|| Cases::<Test>::contains_key((task, 0), 0));
		let of = PartOfTask { task, attempt: 0, part: 0 };
		nodes.until(|| {
			Attestations::panel_of(of, 0).is_some_and(|(panel, _)| !panel.members.is_empty())
		});
		let panels = [0, 1].map(|panel| Attestations::panel_of(of, panel).expect("it was drawn"));
		assert_eq!(nodes.end(task), Ending::Completed);
		for (panel, units) in panels {
			for (member, units) in panel.members.iter().zip(units) {
				let node = &nodes.0[member.who as usize - 1];
				// Its units and no others, each from the state before it.
				let run =
					node.runs.borrow().iter().find(|(_, own)| **own == units).map(|(run, _)| *run);
				let run = run.expect("it has recomputed its units");
				let before: Vec<u32> =
					units.iter().filter_map(|unit| unit.checked_sub(1)).collect();
				assert_eq!(node.started_from.borrow()[&run], before);
			}
		}
	});
}

/// The longest row of segments from the first one on that somebody has recomputed for others.
fn from_the_beginning(node: &TestNode) -> usize {
	let runs = node.runs.borrow();
	let rows = runs.values().filter(|units| units.first() == Some(&0) && units.len() < 100);
	rows.map(Vec::len).max().unwrap_or(0)
}

#[test]
fn whoever_gets_no_state_begins_at_the_beginning() {
	market(12, || {
		let mut nodes = Nodes::new(12).of(&training());
		for who in 2..=12 {
			nodes = nodes.with(who, Flaw::Stateless);
		}
		let task = submit(spec_of(&training()));
		assert_eq!(nodes.end(task), Ending::Completed);
		assert!(nodes.0[1..].iter().any(|node| from_the_beginning(node) > 1));
		for who in 1..=12u64 {
			assert_eq!(pallet_trust_lock::Ledgers::<Test>::get(who).bonded(), BOND);
		}
	});
}

#[test]
fn whoever_comes_to_something_else_from_a_state_begins_at_the_beginning() {
	market(24, || {
		// The executor computes something else than all the others, who are given its states.
		let mut nodes = Nodes::new(24).of(&training()).with(1, Flaw::Wrong);
		for who in 2..=24 {
			nodes = nodes.with(who, Flaw::Doubting);
		}
		let task = submit(spec_of(&training()));
		nodes.until(|| Convictions::<Test>::contains_key((task, 0)));
		assert!(nodes.0[1..].iter().any(|node| from_the_beginning(node) > 1));
		nodes.until(|| !Convictions::<Test>::contains_key((task, 0)));
		for who in 1..=24u64 {
			let bonded = pallet_trust_lock::Ledgers::<Test>::get(who).bonded();
			assert_eq!(bonded < BOND, who == 1, "{who}");
		}
	});
}

#[test]
fn parts_are_verified_and_paid_while_others_are_computed() {
	market(12, || {
		let mut nodes = Nodes::new(12);
		nodes.0[0].pace = 40;
		let spec = TaskSpec { parts: 2, time: 200, ..spec_of(&job()) };
		let task = submit(spec);
		nodes.until(|| holder_is(task, 1) && live(task).progress.settled == 1);
		let found = live(task);
		assert!(matches!(found.status, Status::Executing { .. }));
		assert_eq!(found.progress.rooted, 1);
		assert!(found.escrow.price < found.reserve);
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

fn holder_is(task: u64, who: AccountId) -> bool {
	live(task).status.assignment().is_some_and(|by| by.provider == who)
}

#[test]
fn nodes_judge_claims_by_themselves() {
	market(30, || {
		let mut nodes = Nodes::new(30);
		let task = submit(spec_of(&job()));
		nodes.until(|| holder_is(task, 1));
		for who in 2..=30 {
			nodes = nodes.with(who, Flaw::Faultfinding);
		}
		claim(task, ogpu_traits::Claim::Rejected);
		assert_eq!(nodes.end(task), Ending::Rejected);
	});
}

#[test]
fn nodes_refuse_claims_that_are_not_so() {
	market(30, || {
		let nodes = Nodes::new(30);
		let task = submit(spec_of(&job()));
		nodes.until(|| holder_is(task, 1));
		claim(task, ogpu_traits::Claim::Unavailable);
		nodes.until(|| !matches!(live(task).status, Status::Adjudicating { .. }));
		assert!(holder_is(task, 1) && live(task).claimed);
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

#[test]
fn inputs_that_nobody_can_have_are_found_missing() {
	market(30, || {
		let mut nodes = Nodes::new(30);
		let task = submit(spec_of(&job()));
		nodes.until(|| holder_is(task, 1));
		for who in 2..=30 {
			nodes = nodes.with(who, Flaw::CutOff);
		}
		claim(task, ogpu_traits::Claim::Unavailable);
		assert_eq!(nodes.end(task), Ending::Unavailable);
	});
}

#[test]
fn a_node_bids_the_same_however_often_it_is_asked() {
	market(12, || {
		submit(spec_of(&job()));
		let attend = |node: &TestNode| <Tasks as Duties<AccountId>>::attend(&3, 16, node);
		let node = TestNode::new(Flaw::None, 10 * OGPU);
		// The job is fetched, then the quote is found out.
		let first = (0..10).map(|_| attend(&node)).find(|done| !done.is_empty());
		let first = first.expect("it bids");
		// As on a fork, or after a restart: what it says is what it has remembered.
		assert_eq!(attend(&node), first);
		let other = TestNode::new(Flaw::None, 10 * OGPU + 1);
		let others = (0..10).map(|_| attend(&other)).find(|done| !done.is_empty());
		assert_ne!(others, Some(first));
		assert!((0..10).all(|_| attend(&TestNode::new(Flaw::Away, OGPU)).is_empty()));
	});
}

/// Has a stream's client send a batch of a hundred requests, each for this much.
fn send_batch(reward: Balance, racers: u8) -> u64 {
	let spec = spec_of(&job());
	let stream = StreamSpec {
		source: spec.job.source.clone(),
		reader: spec.job.reader,
		profile: spec.profile,
		requirements: spec.requirements,
		tier: spec.tier,
		few_operators: spec.few_operators,
		reward,
		racers,
		work: 1_000,
		time: 20,
	};
	let client = RuntimeOrigin::signed(CLIENT);
	assert_ok!(Tasks::open_stream(client.clone(), stream, 1_000 * OGPU));
	let (hash, blob, len) = (spec.job.hash, spec.job.blob, spec.job.len);
	let task = pallet_tasks::NextTask::<Test>::get();
	let batch = Batch { hash, blob, len, requests: 100 };
	assert_ok!(Tasks::send(client, 0, BoundedVec::truncate_from(vec![batch])));
	task
}

#[test]
fn nodes_race_for_batches_and_verify_one_anothers() {
	market(20, || {
		// What the nodes of the higher numbers ask is above the prize.
		let task = send_batch(OGPU * 15 / 100, 2);
		// The cheapest computes wrongly. It is one of six who race, so its root comes last.
		let nodes = Nodes::new(20).with(1, Flaw::Wrong);
		nodes.until(|| matches!(live(task).status, Status::Verifying { .. }));
		// The five besides whoever has won.
		assert_eq!(pallet_tasks::Racers::<Test>::iter_prefix(task).count(), 5);
		assert_ne!(holder(task), 1);
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

#[test]
fn whoever_comes_too_late_in_a_race_computes_no_longer() {
	market(20, || {
		let task = send_batch(OGPU * 15 / 100, 2);
		let mut nodes = Nodes::new(20);
		nodes.0[4].pace = 1_000;
		nodes.until(|| matches!(live(task).status, Status::Verifying { .. }));
		let run = spec_of(&job()).job.run(&ogpu_traits::genesis::<Test>(), task, 0);
		assert!(nodes.0[4].runs.borrow().contains_key(&run));
		let has_given_up = |who: usize| nodes.0[who].cancelled.borrow().contains(&run);
		nodes.until(|| has_given_up(4));
		// Before it was computed, and what others have computed is theirs.
		assert!(!nodes.0[4].memory.borrow().keys().any(|key| key.starts_with(b"ogpu/race")));
		assert!((0..4).all(|who| !has_given_up(who)));
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

#[test]
fn a_racer_opens_what_it_has_computed_though_others_came_first() {
	market(30, || {
		// Three only, of whom two come to the same false root: it is looked at first.
		let task = send_batch(OGPU * 12 / 100, 1);
		let nodes = Nodes::new(30).with(1, Flaw::Wrong).with(2, Flaw::Wrong);
		nodes.until(|| matches!(live(task).status, Status::Verifying { .. }));
		assert_ne!(holder(task), 3);
		assert_eq!(nodes.end(task), Ending::Completed);
		let ended = pallet_tasks::Records::<Test>::get(task).expect("it has ended");
		assert_eq!(ended.provider, Some(3));
	});
}

#[test]
fn whoever_has_a_task_serves_its_panel_and_then_its_client() {
	market(12, || {
		let nodes = Nodes::new(12);
		let task = submit(spec_of(&job()));
		nodes.until(|| crate::Panels::<Test>::iter_values().any(|panel| !panel.members.is_empty()));
		nodes.block();
		let panels: Vec<_> = crate::Panels::<Test>::iter_values().collect();
		let inputs = [spec_of(&job()).job.blob, job().program.source];
		for blob in inputs {
			let to = nodes.0[0].served.borrow().get(&blob).cloned().expect("it is served");
			assert!(panels.iter().any(|panel| panel.members.len() == to.len()));
		}
		nodes.until(|| matches!(live(task).status, Status::Delivered { .. }));
		nodes.block();
		let spec = live(task).spec;
		let run = spec.job.run(&ogpu_traits::genesis::<Test>(), task, 0);
		let to = nodes.0[0].served.borrow().get(&BlobId(run)).cloned();
		assert_eq!(to, Some(vec![spec.job.reader]));
	});
}

/// A task of the first provider, whose result was found right.
fn delivered(nodes: &Nodes) -> u64 {
	let task = submit(spec_of(&job()));
	nodes.until(|| matches!(live(task).status, Status::Delivered { .. }));
	task
}

#[test]
fn a_node_posts_what_is_demanded_of_it() {
	market(12, || {
		let nodes = Nodes::new(12);
		let task = delivered(&nodes);
		let client = RuntimeOrigin::signed(CLIENT);
		let unit = Demanded::Output { part: 0, unit: 42, slice: 0 };
		assert_ok!(Tasks::demand(client.clone(), task, unit, 1));
		nodes.until(|| pallet_tasks::Demands::<Test>::iter().count() == 0);
		let slice = Demanded::Output { part: 0, unit: 42, slice: 9 };
		assert_ok!(Tasks::demand(client, task, slice, 0));
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

#[test]
fn a_node_that_gives_nothing_pays_the_client_back() {
	market(12, || {
		let nodes = Nodes::new(12).with(1, Flaw::Secretive);
		let task = delivered(&nodes);
		let unit = Demanded::Output { part: 0, unit: 42, slice: 0 };
		assert_ok!(Tasks::demand(RuntimeOrigin::signed(CLIENT), task, unit, 0));
		assert_eq!(nodes.end(task), Ending::Undelivered);
	});
}

#[test]
fn members_that_lack_an_input_demand_it() {
	for (flaw, ending) in [(Flaw::None, None), (Flaw::Secretive, Some(()))] {
		market(30, || {
			let nodes = Nodes::new(30).with(1, flaw);
			let task = submit(spec_of(&job()));
			// Somebody who is drawn, and does not get anything.
			let drawn = || {
				let mut wanted = crate::Wanted::<Test>::iter_keys();
				let commits = |who: &AccountId| {
					let due = Attestations::due(who, 10);
					due.iter().any(|due| matches!(due, Due::Commit { .. }))
				};
				wanted.find(|(who, _)| commits(who))
			};
			nodes.until(|| drawn().is_some());
			let (who, (case, panel)) = drawn().expect("somebody is drawn");
			let nodes = Nodes(nodes.0).with(who as usize, Flaw::Away);
			let until = |number| crate::Panels::<Test>::get(case, number).and_then(|p| p.until());
			let before = until(panel);
			let demanded = Demanded::Input {
				attempt: case.attempt,
				part: case.part,
				panel,
				job: BoundedVec::new(),
				blob: spec_of(&job()).job.blob,
			};
			assert_ok!(Tasks::demand(RuntimeOrigin::signed(who), task, demanded, 0));
			// The panel waits for it, once.
			let held = until(panel);
			assert!(held > before);
			assert!(Attestations::hold_up(case, panel, &who, 1_000_000));
			assert_eq!(until(panel), held);
			assert!(!Attestations::hold_up(case, panel, &CLIENT, 1_000_000));
			if ending.is_none() {
				nodes.until(|| pallet_tasks::Demands::<Test>::iter().count() == 0);
				assert_eq!(pallet_tasks::Convictions::<Test>::iter().count(), 0);
				let nodes = Nodes(nodes.0).with(who as usize, Flaw::None);
				assert_eq!(nodes.end(task), Ending::Completed);
			} else {
				// It has not given what it must have: that is fraud, whatever its result is.
				nodes.until(|| live(task).attempt == 1);
				assert!(pallet_tasks::Convictions::<Test>::contains_key((task, 0)));
				assert_eq!(nodes.end(task), Ending::Completed);
			}
		});
	}
}

#[test]
fn reorg_under_a_commit() {
	market(12, || {
		let nodes = Nodes::new(12);
		let task = submit(spec_of(&job()));
		nodes.until(|| {
			Attestations::due(&2, 10).iter().any(|due| matches!(due, Due::Commit { .. }))
		});
		let due = |who| Attestations::due(&who, 10);
		let Some(Due::Commit { case, panel, kind, of, units, seed, until }) = due(2).pop() else {
			panic!("it is drawn");
		};
		// The node computes for one fork, and remembers what it will say there.
		let node = TestNode::new(Flaw::None, OGPU);
		let say = |units: &[u32], seed: Hash| {
			let (of, units) = (of.clone(), units.to_vec());
			let due = Due::Commit { case, panel, kind, of, units, seed, until };
			(0..10).find_map(|_| Attestations::attend_to(&2, due.clone(), &node))
		};
		let first = say(&units, seed).expect("it commits");
		// On another fork the same panel has other units: what it says there is of those.
		let others: Vec<u32> = units.iter().map(|unit| (unit + 1) % 100).collect();
		let second = say(&others, [9; 32]).expect("it commits");
		assert_ne!(first, second);
		assert_eq!(say(&units, seed), Some(first.clone()));
		// Sent for the one it counts there alone, though the other has the same panel with the same member in it.
		assert!(Attestations::is_live(&2, &first));
		assert!(!Attestations::is_live(&2, &second));
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

#[test]
fn what_takes_long_does_not_keep_an_opening_waiting() {
	market(12, || {
		let nodes = Nodes::new(12);
		let task = submit(spec_of(&job()));
		let opens =
			|who: u64| Attestations::due(&who, 1).iter().any(|due| matches!(due, Due::Open { .. }));
		nodes.until(|| opens(1));
		// Forty panels wait for the same provider to compute something that never gets done.
		let (id, mut panel) = crate::Panels::<Test>::iter()
			.find(|(.., panel)| matches!(panel.stage, crate::Stage::Opening { .. }))
			.map(|(id, _, panel)| (id, panel))
			.expect("there is one");
		panel.members[0] = crate::Member { who: 1, said: crate::Said::Nothing };
		panel.stage = crate::Stage::Committing { until: u32::MAX };
		let case = crate::Cases::<Test>::get((id.task, id.attempt), id.part).expect("it is there");
		for other in 1_000..1_040 {
			let id = ogpu_traits::PartOfTask { task: other, attempt: 0, part: 0 };
			crate::Cases::<Test>::insert((other, 0), 0, case.clone());
			crate::Panels::<Test>::insert(id, 0, panel.clone());
			crate::Wanted::<Test>::insert(1, (id, 0), ());
		}
		let done = <Attestations as Duties<AccountId>>::attend(&1, 1, &nodes.0[0]);
		assert!(matches!(done[..], [crate::Done::Open { .. }]), "{done:?}");
		for other in 1_000..1_040 {
			let id = ogpu_traits::PartOfTask { task: other, attempt: 0, part: 0 };
			crate::Cases::<Test>::remove((other, 0), 0);
			crate::Panels::<Test>::remove(id, 0);
			crate::Wanted::<Test>::remove(1, (id, 0));
		}
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}

#[test]
fn parts_that_are_computed_are_delivered_at_once() {
	market(12, || {
		let nodes = Nodes::new(12);
		let job = job();
		let task = submit(TaskSpec { parts: 5, ..spec_of(&job) });
		nodes.until(|| live(task).progress.rooted > 0);
		// Half of the units were computed when it was asked after first: one transaction has the roots of two parts.
		assert_eq!(live(task).progress.rooted, 2);
		assert_eq!(nodes.end(task), Ending::Completed);
	});
}
