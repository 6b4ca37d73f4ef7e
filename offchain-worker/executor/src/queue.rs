//! A bounded, fair queue for each device.
//!
//! Whoever asks has a lane of its own, and the lanes are served in turn, so that a thousand jobs of one
//! do not keep the one job of another waiting. A full queue or lane refuses at once, with a reason; the
//! one who asks can try elsewhere or later.

use std::{
	collections::VecDeque,
	panic::AssertUnwindSafe,
	sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
	thread,
};

use tokio::sync::{oneshot, watch};

use crate::{
	run::{Cancel, Done, Request, RunError, run},
	tools::Tools,
};

/// Whoever asks for a run: an account, a client, a duty.
pub type Owner = String;

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
	/// In all lanes together.
	pub total: usize,
	/// In one lane.
	pub per_owner: usize,
}

impl Default for Bounds {
	fn default() -> Self {
		Self { total: 1024, per_owner: 256 }
	}
}

/// Why something may not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
	/// The queue is full.
	#[error("the queue is full ({0} jobs wait); try again later")]
	Queue(usize),
	/// The lane is full.
	#[error("{0} jobs of yours wait already; try again when some are done")]
	Lane(usize),
	/// The device is being shut down.
	#[error("the executor is shutting down")]
	Closed,
}

/// Lanes that are served in turn.
#[derive(Debug)]
pub struct Lanes<T> {
	bounds: Bounds,
	lanes: VecDeque<(Owner, VecDeque<T>)>,
	len: usize,
}

impl<T> Lanes<T> {
	/// No lanes.
	pub fn new(bounds: Bounds) -> Self {
		Self { bounds, lanes: VecDeque::new(), len: 0 }
	}

	/// How many wait.
	pub fn len(&self) -> usize {
		self.len
	}

	/// Whether none wait.
	pub fn is_empty(&self) -> bool {
		self.len == 0
	}

	/// Has `item` wait at the end of its owner's lane.
	///
	/// # Errors
	///
	/// When the queue or the lane is full.
	pub fn push(&mut self, owner: &str, item: T) -> Result<(), Full> {
		if self.len >= self.bounds.total {
			return Err(Full::Queue(self.len));
		}
		match self.lanes.iter_mut().find(|(lane, _)| lane == owner) {
			Some((_, lane)) if lane.len() >= self.bounds.per_owner => {
				return Err(Full::Lane(lane.len()));
			}
			Some((_, lane)) => lane.push_back(item),
			None => self.lanes.push_back((owner.to_owned(), VecDeque::from([item]))),
		}
		self.len += 1;
		Ok(())
	}

	/// Takes the first of the next lane.
	pub fn pop(&mut self) -> Option<T> {
		self.pop_of(|_| true).map(|(_, item)| item)
	}

	/// Takes the first of the next lane whose owner may have a turn.
	pub fn pop_of(&mut self, may: impl Fn(&Owner) -> bool) -> Option<(Owner, T)> {
		let next = self.lanes.iter().position(|(owner, _)| may(owner))?;
		let (owner, mut lane) = self.lanes.remove(next)?;
		let item = lane.pop_front()?;
		self.len -= 1;
		if !lane.is_empty() {
			self.lanes.push_back((owner.clone(), lane));
		}
		Some((owner, item))
	}
}

struct Waiting {
	cancel: Cancel,
	work: Box<dyn FnOnce() + Send>,
}

struct Shared {
	lanes: Mutex<(Lanes<Waiting>, bool)>,
	changed: Condvar,
}

impl Shared {
	fn lock(&self) -> MutexGuard<'_, (Lanes<Waiting>, bool)> {
		// Lanes are whole after every method, a panic elsewhere does not change that.
		self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

/// A run that waits or goes on.
#[derive(Debug)]
pub struct Ticket {
	/// Units done and units in all.
	pub progress: watch::Receiver<(u32, u32)>,
	/// Cancels it.
	pub cancel: Cancel,
	result: oneshot::Receiver<Result<Done, RunError>>,
}

impl Ticket {
	/// Waits for the result.
	///
	/// # Errors
	///
	/// As [`run`].
	pub async fn wait(&mut self) -> Result<Done, RunError> {
		(&mut self.result).await.unwrap_or(Err(RunError::Cancelled))
	}
}

/// The queue of one device, and the thread that serves it. Dropping it cancels what goes on.
pub struct DeviceQueue {
	shared: Arc<Shared>,
	running: Arc<Mutex<Option<Cancel>>>,
	thread: Option<thread::JoinHandle<()>>,
}

impl DeviceQueue {
	/// A queue for one device.
	pub fn new(bounds: Bounds) -> Self {
		let shared = Arc::new(Shared {
			lanes: Mutex::new((Lanes::new(bounds), true)),
			changed: Condvar::new(),
		});
		let running = Arc::new(Mutex::new(None));
		let thread = thread::spawn({
			let (shared, running) = (shared.clone(), running.clone());
			move || serve(&shared, &running)
		});
		Self { shared, running, thread: Some(thread) }
	}

	/// How many runs wait.
	pub fn waiting(&self) -> usize {
		self.shared.lock().0.len()
	}

	/// Whether the device works on something.
	pub fn is_busy(&self) -> bool {
		self.running.lock().unwrap_or_else(PoisonError::into_inner).is_some()
	}

	/// Has a run wait for the device.
	///
	/// # Errors
	///
	/// When too many wait already.
	pub fn submit(&self, owner: &str, tools: &Tools, request: Request) -> Result<Ticket, Full> {
		let (progress, progress_seen) = watch::channel((0, 0));
		let (result, result_seen) = oneshot::channel();
		let cancel = Cancel::default();
		let (tools, seen) = (tools.clone(), cancel.clone());
		self.push(owner, cancel.clone(), move || {
			let all = request.job.plan().map_or(0, |plan| request.wanted(&plan).len() as u32);
			let mut done = 0;
			// Whoever asked may have gone.
			let _ = result.send(run(&tools, &request, &seen, |leaves| {
				done += leaves.len() as u32;
				progress.send_replace((done, all));
			}));
		})?;
		Ok(Ticket { progress: progress_seen, cancel, result: result_seen })
	}

	/// Has any work wait for the device. Work that is cancelled before its turn is dropped; work that goes on
	/// sees to `cancel` itself.
	///
	/// # Errors
	///
	/// When too much waits already.
	pub fn push(
		&self,
		owner: &str,
		cancel: Cancel,
		work: impl FnOnce() + Send + 'static,
	) -> Result<(), Full> {
		let mut lanes = self.shared.lock();
		if !lanes.1 {
			return Err(Full::Closed);
		}
		lanes.0.push(owner, Waiting { cancel, work: Box::new(work) })?;
		self.shared.changed.notify_one();
		Ok(())
	}
}

impl Drop for DeviceQueue {
	fn drop(&mut self) {
		self.shared.lock().1 = false;
		self.shared.changed.notify_all();
		if let Some(cancel) = self.running.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
			cancel.cancel();
		}
		if let Some(thread) = self.thread.take() {
			// Its panic has been printed; nothing waits for it any more.
			let _ = thread.join();
		}
	}
}

fn serve(shared: &Shared, running: &Mutex<Option<Cancel>>) {
	let note = |cancel| *running.lock().unwrap_or_else(PoisonError::into_inner) = cancel;
	loop {
		let mut lanes = shared.lock();
		let next = loop {
			if !lanes.1 {
				return;
			}
			match lanes.0.pop() {
				Some(next) => break next,
				None => lanes = shared.changed.wait(lanes).unwrap_or_else(PoisonError::into_inner),
			}
		};
		note(Some(next.cancel.clone()));
		drop(lanes);
		if !next.cancel.is_cancelled() {
			// Its panic has been printed. What waits next is not to suffer from it.
			let _ = std::panic::catch_unwind(AssertUnwindSafe(next.work));
		}
		note(None);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn one_job_does_not_wait_for_a_thousand_of_another() {
		let mut lanes = Lanes::new(Bounds { total: 2000, per_owner: 1500 });
		for job in 0..1000 {
			lanes.push("many", job).expect("room");
		}
		lanes.push("one", 5000).expect("room");
		assert_eq!((lanes.pop(), lanes.pop(), lanes.pop()), (Some(0), Some(5000), Some(1)));
	}

	#[test]
	fn full_queues_refuse() {
		let mut lanes = Lanes::new(Bounds { total: 3, per_owner: 2 });
		assert_eq!((lanes.push("a", 1), lanes.push("a", 2)), (Ok(()), Ok(())));
		assert_eq!(lanes.push("a", 3), Err(Full::Lane(2)));
		assert_eq!(lanes.push("b", 4), Ok(()));
		assert_eq!(lanes.push("c", 5), Err(Full::Queue(3)));
		assert_eq!(lanes.pop(), Some(1));
		assert_eq!(lanes.push("c", 5), Ok(()));
	}

	proptest! {
		/// Nothing is lost or doubled, each lane keeps its order, and the number is right.
		#[test]
		fn lanes_keep_what_they_take(steps in proptest::collection::vec(proptest::option::of(0u8..4), 0..300)) {
			let mut lanes = Lanes::new(Bounds { total: 40, per_owner: 15 });
			let (mut taken, mut served) = (vec![Vec::new(); 4], vec![Vec::new(); 4]);
			for (number, step) in steps.into_iter().enumerate() {
				match step {
					Some(owner) => if lanes.push(&owner.to_string(), (owner, number)).is_ok() {
						taken[usize::from(owner)].push(number);
					},
					None => if let Some((owner, number)) = lanes.pop() {
						served[usize::from(owner)].push(number);
					},
				}
				let waiting = taken.iter().map(Vec::len).sum::<usize>() - served.iter().map(Vec::len).sum::<usize>();
				prop_assert_eq!(lanes.len(), waiting);
			}
			while let Some((owner, number)) = lanes.pop() {
				served[usize::from(owner)].push(number);
			}
			prop_assert_eq!(served, taken);
		}
	}
}
