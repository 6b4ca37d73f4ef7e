//! What is on disk and what may go: sizes, pins, and the order of last use. Pure bookkeeping.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ogpu_primitives::job::BlobId;

/// There is no room for something, however much is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
	/// The quota is taken by what is in use.
	#[error(
		"{needed} bytes do not fit: {pinned} of {quota} bytes are in use; free some by deleting runs, or raise \
		 blobs.quota"
	)]
	Quota {
		/// Bytes that were needed.
		needed: u64,
		/// Bytes that cannot be evicted.
		pinned: u64,
		/// Bytes that there may be in all.
		quota: u64,
	},
	/// The disk itself is nearly full.
	#[error(
		"{needed} bytes do not fit: the disk has {free} bytes left, {reserve} of them in reserve"
	)]
	Disk {
		/// Bytes that were needed.
		needed: u64,
		/// Bytes that the disk has left.
		free: u64,
		/// Bytes of them that are left alone.
		reserve: u64,
	},
}

#[derive(Debug)]
struct Entry {
	size: u64,
	/// All of it is here. What is left of an interrupted transfer is kept like a blob, but is none.
	whole: bool,
	used: u64,
	pins: BTreeSet<String>,
}

/// The blobs of a store.
#[derive(Debug)]
pub(crate) struct Shelf {
	quota: u64,
	clock: u64,
	used: u64,
	promised: u64,
	/// Of `used`, what has no pins.
	idle_bytes: u64,
	entries: HashMap<BlobId, Entry>,
	/// Those without pins, by last use.
	idle: BTreeMap<u64, BlobId>,
}

impl Shelf {
	pub(crate) fn new(quota: u64) -> Self {
		Self {
			quota,
			clock: 0,
			used: 0,
			promised: 0,
			idle_bytes: 0,
			entries: HashMap::new(),
			idle: BTreeMap::new(),
		}
	}

	/// Bytes that the blobs take.
	pub(crate) fn used(&self) -> u64 {
		self.used
	}

	/// How many blobs there are.
	pub(crate) fn len(&self) -> usize {
		self.entries.len()
	}

	/// The size of a blob that is whole.
	pub(crate) fn size(&self, id: &BlobId) -> Option<u64> {
		self.entries.get(id).filter(|entry| entry.whole).map(|entry| entry.size)
	}

	/// Promises room for so many bytes that are on their way; gives what has to be evicted for it, which is
	/// no longer on the shelf. The promise is ended by [`Self::settle`].
	pub(crate) fn promise(&mut self, needed: u64) -> Result<Vec<BlobId>, NoRoom> {
		let pinned = self.used - self.idle_bytes + self.promised;
		if pinned.saturating_add(needed) > self.quota {
			return Err(NoRoom::Quota { needed, pinned, quota: self.quota });
		}
		let mut evicted = Vec::new();
		while self.used + self.promised + needed > self.quota {
			let Some((_, id)) = self.idle.pop_first() else { break };
			let size = self.entries.remove(&id).map_or(0, |entry| entry.size);
			self.used -= size;
			self.idle_bytes -= size;
			evicted.push(id);
		}
		self.promised += needed;
		Ok(evicted)
	}

	/// Ends a promise, whether the bytes came or not.
	pub(crate) fn settle(&mut self, promised: u64) {
		self.promised = self.promised.saturating_sub(promised);
	}

	/// Puts a blob on the shelf, or some of one.
	pub(crate) fn put(&mut self, id: BlobId, size: u64, whole: bool) {
		if let Some(entry) = self.entries.get_mut(&id) {
			if whole && !entry.whole {
				// Until now the size was hearsay.
				let before = std::mem::replace(&mut entry.size, size);
				entry.whole = true;
				self.used = self.used - before + size;
				if entry.pins.is_empty() {
					self.idle_bytes = self.idle_bytes - before + size;
				}
			}
			self.touch(&id);
			return;
		}
		self.clock += 1;
		self.used += size;
		self.idle_bytes += size;
		self.entries.insert(id, Entry { size, whole, used: self.clock, pins: BTreeSet::new() });
		self.idle.insert(self.clock, id);
	}

	/// Takes a blob from the shelf. Whether it was there.
	pub(crate) fn remove(&mut self, id: &BlobId) -> bool {
		let Some(entry) = self.entries.remove(id) else { return false };
		self.used -= entry.size;
		if self.idle.remove(&entry.used).is_some() {
			self.idle_bytes -= entry.size;
		}
		true
	}

	/// Notes that a blob was used.
	pub(crate) fn touch(&mut self, id: &BlobId) {
		if let Some(entry) = self.entries.get_mut(id) {
			self.clock += 1;
			if self.idle.remove(&entry.used).is_some() {
				self.idle.insert(self.clock, *id);
			}
			entry.used = self.clock;
		}
	}

	/// Keeps a blob from being evicted until `owner` lets go of it. Whether it is there.
	pub(crate) fn pin(&mut self, id: &BlobId, owner: &str) -> bool {
		let Some(entry) = self.entries.get_mut(id) else { return false };
		entry.pins.insert(owner.to_owned());
		if self.idle.remove(&entry.used).is_some() {
			self.idle_bytes -= entry.size;
		}
		true
	}

	/// Lets go of a blob.
	pub(crate) fn unpin(&mut self, id: &BlobId, owner: &str) {
		if let Some(entry) = self.entries.get_mut(id)
			&& entry.pins.remove(owner)
			&& entry.pins.is_empty()
		{
			self.idle.insert(entry.used, *id);
			self.idle_bytes += entry.size;
		}
	}

	/// Bytes that are promised to what is on its way.
	pub(crate) fn promised(&self) -> u64 {
		self.promised
	}

	/// Whether a blob, or some of it, is on the shelf.
	pub(crate) fn contains(&self, id: &BlobId) -> bool {
		self.entries.contains_key(id)
	}

	/// Whether somebody holds a blob.
	pub(crate) fn is_pinned(&self, id: &BlobId) -> bool {
		self.entries.get(id).is_some_and(|entry| !entry.pins.is_empty())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn id(number: u8) -> BlobId {
		BlobId([number; 32])
	}

	#[test]
	fn the_longest_unused_goes_first_and_pins_hold() {
		let mut shelf = Shelf::new(10);
		for number in 0..3 {
			assert_eq!(shelf.promise(3), Ok(vec![]));
			shelf.put(id(number), 3, true);
			shelf.settle(3);
		}
		shelf.touch(&id(0));
		assert!(shelf.pin(&id(1), "run"));
		assert_eq!(shelf.promise(4), Ok(vec![id(2)]));
		shelf.settle(4);
		assert_eq!(shelf.promise(8), Err(NoRoom::Quota { needed: 8, pinned: 3, quota: 10 }));
		shelf.unpin(&id(1), "run");
		assert_eq!(shelf.promise(8), Ok(vec![id(1), id(0)]));
	}

	proptest! {
		/// The shelf never holds or promises more than the quota, and no pinned blob is evicted.
		#[test]
		fn the_quota_holds(steps in proptest::collection::vec((0u8..5, 0u8..12, 0u64..40), 0..300)) {
			let mut shelf = Shelf::new(100);
			let mut promises = Vec::new();
			for (step, number, size) in steps {
				match step {
					0 => if let Ok(evicted) = shelf.promise(size) {
						prop_assert!(evicted.iter().all(|id| shelf.size(id).is_none()));
						promises.push((number, size));
					},
					1 => if let Some((number, size)) = promises.pop() {
						shelf.settle(size);
						shelf.put(id(number), size, true);
					},
					2 => { shelf.pin(&id(number), "a"); },
					3 => shelf.unpin(&id(number), "a"),
					_ => { if !shelf.is_pinned(&id(number)) { shelf.remove(&id(number)); } },
				}
				let promised: u64 = promises.iter().map(|(_, size)| size).sum();
				let used: u64 = (0..12).filter_map(|n| shelf.size(&id(n))).sum();
				prop_assert_eq!(used, shelf.used());
				prop_assert!(used + promised <= 100);
			}
		}
	}
}
