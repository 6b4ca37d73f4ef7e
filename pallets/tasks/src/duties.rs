//! What the market wants of providers, and the doing of it.

use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::DispatchResult, traits::Get, weights::Weight};
use ogpu_primitives::{
	Balance,
	market::{GroupId, TaskId, spec::TaskSpec},
	merkle::{Blake2, Hash, Hasher},
};
use ogpu_traits::{Claim, Duties, Moment, Node, Registry};
use scale_info::TypeInfo;

use crate::{
	Answer, Auctions, Bidders, Bids, Concerns, Config, Demands, MAX_BIDS, Pallet, Races, Status,
	Task, Tasks, Wanted, WeightInfo,
};

/// Something that a provider may, or has to, do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Due {
	/// It can bid.
	#[codec(index = 0)]
	Bid {
		/// For which task.
		task: TaskId,
		/// In which attempt.
		attempt: u8,
		/// What is wanted.
		spec: TaskSpec,
		/// The highest price that counts.
		reserve: Balance,
		/// Until when.
		until: Moment,
	},
	/// It has to open its bid.
	#[codec(index = 1)]
	Reveal {
		/// For which task.
		task: TaskId,
		/// In which attempt.
		attempt: u8,
		/// What is wanted.
		spec: TaskSpec,
		/// Until when.
		until: Moment,
	},
	/// It has won: it has to fetch the inputs and say so, or decline.
	#[codec(index = 2)]
	Acknowledge {
		/// Which task.
		task: TaskId,
		/// In which attempt.
		attempt: u8,
		/// What is wanted.
		spec: TaskSpec,
		/// Until when.
		until: Moment,
	},
	/// It has to compute.
	#[codec(index = 3)]
	Execute {
		/// Which task.
		task: TaskId,
		/// In which attempt.
		attempt: u8,
		/// The part whose root is wanted next.
		part: u8,
		/// What is wanted.
		spec: TaskSpec,
		/// Until when all of it must be done.
		until: Moment,
	},
	/// It can race for a batch.
	#[codec(index = 4)]
	Race {
		/// Which.
		task: TaskId,
		/// In which race.
		race: u8,
		/// What is wanted.
		spec: TaskSpec,
		/// What the winner is paid.
		prize: Balance,
	},
	/// It has to show the root that it has sealed.
	#[codec(index = 5)]
	Show {
		/// For which batch.
		task: TaskId,
		/// In which race.
		race: u8,
		/// What is wanted.
		spec: TaskSpec,
		/// Until when.
		until: Moment,
	},
	/// Somebody demands data of it.
	#[codec(index = 6)]
	Answer {
		/// About which task.
		task: TaskId,
		/// The number of the demand.
		demand: u32,
		/// In which attempt it had the task.
		attempt: u8,
		/// What the task wants.
		spec: TaskSpec,
		/// What is demanded.
		wanted: Wanted,
		/// Which piece of it.
		piece: u32,
		/// Until when.
		until: Moment,
	},
}

impl Due {
	/// Until when; for what has no end of its own, at once.
	const fn until(&self) -> Moment {
		match self {
			Self::Bid { until, .. }
			| Self::Reveal { until, .. }
			| Self::Acknowledge { until, .. }
			| Self::Execute { until, .. }
			| Self::Answer { until, .. }
			| Self::Show { until, .. } => *until,
			Self::Race { .. } => 0,
		}
	}
}

/// The most tasks that somebody may want whom they do not concern yet, which are looked at in one block.
const MOST_WANTED: usize = 64;

/// What a provider did.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Done {
	/// It bids.
	#[codec(index = 0)]
	Bid {
		/// For which task.
		task: TaskId,
		/// [`ogpu_primitives::market::auction::commitment`] of price and salt.
		commitment: Hash,
	},
	/// It opens its bid.
	#[codec(index = 1)]
	Reveal {
		/// For which task.
		task: TaskId,
		/// What it asks for all of it.
		price: Balance,
		/// What the bid was sealed with.
		salt: Hash,
	},
	/// It has all inputs and begins.
	#[codec(index = 2)]
	Acknowledge {
		/// Which task.
		task: TaskId,
		/// In which attempt.
		attempt: u8,
	},
	/// It does not want what it won.
	#[codec(index = 3)]
	Decline {
		/// Which task.
		task: TaskId,
		/// In which attempt.
		attempt: u8,
	},
	/// The task is at fault.
	#[codec(index = 4)]
	Claim {
		/// Which task.
		task: TaskId,
		/// In which attempt.
		attempt: u8,
		/// In what way.
		claim: Claim,
	},
	/// It has computed a part.
	#[codec(index = 5)]
	Root {
		/// Of which task.
		task: TaskId,
		/// In which attempt.
		attempt: u8,
		/// Which part.
		part: u8,
		/// The root over its leaves.
		root: Hash,
	},
	/// It has computed a batch.
	#[codec(index = 6)]
	Race {
		/// Which.
		task: TaskId,
		/// [`ogpu_primitives::market::stream::commitment`] of root and salt.
		commitment: Hash,
	},
	/// It shows the root that it has sealed.
	#[codec(index = 7)]
	Show {
		/// For which batch.
		task: TaskId,
		/// The root.
		root: Hash,
		/// What it was sealed with.
		salt: Hash,
	},
	/// It posts what is demanded of it.
	#[codec(index = 8)]
	Answer {
		/// About which task.
		task: TaskId,
		/// The number of the demand.
		demand: u32,
		/// The piece, with what proves it.
		answer: Box<Answer>,
	},
}

impl<T: Config> Duties<T::AccountId> for Pallet<T> {
	type Due = Due;
	type Done = Done;

	/// What it has promised comes before what it may want, and what ends first before the rest.
	fn due(provider: &T::AccountId, most: u32) -> Vec<Due> {
		let mut due = Vec::new();
		let mut sealed = 0;
		for id in Concerns::<T>::iter_key_prefix(provider) {
			sealed += u32::from(Bids::<T>::contains_key(id, provider));
			due.extend(Self::promised(provider, id));
			due.extend(Self::demanded(provider, id));
		}
		due.sort_by_key(Due::until);
		if let Some(group) = T::Registry::group(provider) {
			let races = Races::<T>::iter_keys().take(MOST_WANTED);
			due.extend(races.filter_map(|id| Self::raceable(provider, group, id)));
			let room = Self::most_sealed(most).saturating_sub(sealed);
			due.extend(Self::biddable_first(provider, group).take(room as usize));
		}
		due.truncate(most as usize);
		due
	}

	fn attend(provider: &T::AccountId, most: u32, node: &dyn Node) -> Vec<Done> {
		Self::hand_over_results(provider, node);
		Self::give_up_what_is_over(node);
		let due = Self::due(provider, most);
		due.into_iter().flat_map(|due| Self::attend_to(provider, due, node)).collect()
	}

	fn is_live(provider: &T::AccountId, done: &Done) -> bool {
		let (id, attempt) = match *done {
			Done::Answer { task, demand, .. } => {
				return Demands::<T>::get(task, demand)
					.is_some_and(|demand| demand.of == *provider);
			}
			Done::Bid { task, .. }
			| Done::Reveal { task, .. }
			| Done::Race { task, .. }
			| Done::Show { task, .. } => (task, None),
			Done::Acknowledge { task, attempt }
			| Done::Decline { task, attempt }
			| Done::Claim { task, attempt, .. }
			| Done::Root { task, attempt, .. } => (task, Some(attempt)),
		};
		let Some(task) = Tasks::<T>::get(id) else { return false };
		let mine = || {
			attempt == Some(task.attempt)
				&& task.status.assignment().is_some_and(|by| by.provider == *provider)
		};
		match (done, &task.status) {
			(Done::Bid { .. }, Status::Bidding { .. }) => {
				u32::from(task.sealed) < MAX_BIDS && !Concerns::<T>::contains_key(provider, id)
			}
			(Done::Race { .. }, status) => {
				Self::may_race(status) && !Concerns::<T>::contains_key(provider, id)
			}
			(Done::Show { .. }, Status::Racing { first, .. }) => {
				Self::to_show(*first, id, provider).is_ok()
			}
			(Done::Reveal { .. }, Status::Revealing { .. }) => {
				Concerns::<T>::contains_key(provider, id)
			}
			(Done::Claim { .. }, Status::Assigned { .. } | Status::Executing { .. }) => {
				mine() && !task.claimed
			}
			(Done::Acknowledge { .. } | Done::Decline { .. }, Status::Assigned { .. }) => mine(),
			// Those after the next as well: they may come together.
			(Done::Root { part, .. }, Status::Executing { .. }) => {
				mine() && *part >= task.progress.rooted
			}
			_ => false,
		}
	}

	fn is_voluntary(done: &Done) -> bool {
		match done {
			Done::Bid { .. } | Done::Race { .. } | Done::Claim { .. } | Done::Decline { .. } => {
				true
			}
			Done::Reveal { .. }
			| Done::Show { .. }
			| Done::Answer { .. }
			| Done::Acknowledge { .. }
			| Done::Root { .. } => false,
		}
	}

	fn weight(done: &Done) -> Weight {
		match done {
			Done::Bid { .. } => T::WeightInfo::seal_bid(),
			Done::Race { .. } => T::WeightInfo::race(),
			Done::Show { .. } => T::WeightInfo::show(),
			Done::Reveal { .. } => T::WeightInfo::open_bid(),
			Done::Acknowledge { .. } => T::WeightInfo::acknowledge(),
			Done::Decline { .. } => T::WeightInfo::decline(),
			Done::Claim { .. } => T::WeightInfo::claim(),
			Done::Root { .. } => T::WeightInfo::commit_root(),
			Done::Answer { .. } => T::WeightInfo::answer(),
		}
	}

	fn perform(provider: &T::AccountId, done: Done) -> DispatchResult {
		match done {
			Done::Bid { task, commitment } => Self::seal_bid(provider, task, commitment),
			Done::Reveal { task, price, salt } => Self::open_bid(provider, task, price, salt),
			Done::Race { task, commitment } => Self::race(provider, task, commitment),
			Done::Show { task, root, salt } => Self::show(provider, task, root, salt),
			Done::Acknowledge { task, attempt } => Self::acknowledge(provider, task, attempt),
			Done::Decline { task, attempt } => Self::decline(provider, task, attempt),
			Done::Claim { task, attempt, claim } => Self::claim(provider, task, attempt, claim),
			Done::Root { task, attempt, part, root } => {
				Self::commit_root(provider, task, attempt, part, root)
			}
			Done::Answer { task, demand, answer } => Self::answer(provider, task, demand, &answer),
		}
	}
}

impl<T: Config> Pallet<T> {
	/// What somebody has promised in a task that concerns it.
	fn promised(provider: &T::AccountId, id: TaskId) -> Option<Due> {
		let task = Tasks::<T>::get(id)?;
		let (attempt, until) = (task.attempt, task.status.until());
		let mine = task.status.assignment().is_some_and(|by| by.provider == *provider);
		match task.status {
			Status::Revealing { .. } if Bids::<T>::contains_key(id, provider) => {
				Some(Due::Reveal { task: id, attempt, spec: task.spec, until })
			}
			Status::Racing { first, .. } if Self::to_show(first, id, provider).is_ok() => {
				Some(Due::Show { task: id, race: task.race, spec: task.spec, until })
			}
			Status::Assigned { .. } if mine => {
				Some(Due::Acknowledge { task: id, attempt, spec: task.spec, until })
			}
			Status::Executing { .. } if mine => Some(Due::Execute {
				task: id,
				attempt,
				part: task.progress.rooted,
				spec: task.spec,
				until,
			}),
			_ => None,
		}
	}

	/// What is demanded of somebody about a task that concerns it.
	fn demanded(provider: &T::AccountId, id: TaskId) -> Vec<Due> {
		let mine = Demands::<T>::iter_prefix(id).filter(|(_, demand)| demand.of == *provider);
		let due = mine.filter_map(|(number, demand)| {
			Some(Due::Answer {
				task: id,
				demand: number,
				attempt: demand.attempt,
				spec: Tasks::<T>::get(id)?.spec,
				wanted: demand.wanted,
				piece: demand.piece,
				until: demand.until,
			})
		});
		due.collect()
	}

	/// A task, if somebody may have it whom it does not concern yet.
	fn open_to(provider: &T::AccountId, group: GroupId, id: TaskId) -> Option<Task<T::AccountId>> {
		let task = Tasks::<T>::get(id)?;
		let fits = T::Registry::meets(provider, &task.spec.requirements).is_ok();
		let barred = task.barred.contains(&group) || Concerns::<T>::contains_key(provider, id);
		(fits && !barred && task.client != *provider).then_some(task)
	}

	/// How many sealed bids a node has at one time that does so many things in a block: half of what it can open, for what
	/// else comes up, and for blocks that its words miss.
	fn most_sealed(most: u32) -> u32 {
		most.saturating_mul(T::Windows::get().reveal.get()) / 2
	}

	/// Tasks that somebody can bid for: first those that the fewest have bid for, and of these what ends first. Where nodes
	/// cannot bid for everything, they do not all bid for the same.
	fn biddable_first(provider: &T::AccountId, group: GroupId) -> impl Iterator<Item = Due> {
		// Each begins elsewhere, and in each block, so that many junk auctions cannot hide the others for ever.
		let block = frame_system::Pallet::<T>::block_number();
		let [a, b, c, d, e, f, g, h, ..] = Blake2::hash(&(provider, block).encode());
		let start = Auctions::<T>::hashed_key_for(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
		let all = Auctions::<T>::iter_keys_from(start).chain(Auctions::<T>::iter_keys());
		// Going round, none is looked at twice.
		let mut seen = BTreeSet::new();
		let auctions = all.filter(|id| seen.insert(*id)).take(MOST_WANTED);
		let found = auctions.filter_map(|id| Self::biddable(provider, group, id));
		let mut found: Vec<(u8, Due)> = found.collect();
		found.sort_by_key(|(bids, due)| (*bids, due.until()));
		found.into_iter().map(|(_, due)| due)
	}

	/// A task that somebody can bid for, and how many have.
	fn biddable(provider: &T::AccountId, group: GroupId, id: TaskId) -> Option<(u8, Due)> {
		let task = Self::open_to(provider, group, id)?;
		let full = u32::from(task.sealed) >= MAX_BIDS || Bidders::<T>::contains_key(id, group);
		let (attempt, reserve, until) = (task.attempt, task.reserve, task.status.until());
		let due = Due::Bid { task: id, attempt, spec: task.spec, reserve, until };
		(!full).then_some((task.sealed, due))
	}

	fn raceable(provider: &T::AccountId, group: GroupId, id: TaskId) -> Option<Due> {
		let task = Self::open_to(provider, group, id)?;
		let prize = Self::prize(&task);
		Self::may_race(&task.status).then_some(Due::Race {
			task: id,
			race: task.race,
			spec: task.spec,
			prize,
		})
	}
}
