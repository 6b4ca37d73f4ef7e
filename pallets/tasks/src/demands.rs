//! Demands for data: the answer to everybody who says "it won't give me the data".
//!
//! Whoever has a task gives its inputs to those who verify it, and its result to the client, directly and by hash.
//! If it does not, they demand a piece on chain, and put up a bond. The holder posts the piece, with what proves it,
//! and gets the bond; or it is at fault: towards a verifier as if it had not opened its result, towards the client
//! as if it had missed a deadline. This is no way to move data, but a reason to give it.
//!
//! A task does not end while a demand is open, and its lock stays to the end of its window: not giving a result must
//! not cost less than having made it up. A demand that nobody needs any more when its time is over changes nothing.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	BoundedVec, ensure,
	pallet_prelude::DispatchResult,
	traits::{ConstU32, Get},
};
use ogpu_primitives::{
	Balance,
	job::{BlobId, Job, MAX_BUFFERS},
	market::{TaskId, price::share, reputation::Aspect, spec::MAX_JOB_LEN},
	merkle::{Blake2, Hash, Hasher, Multiproof, leaf, verify},
	piece::Piece,
};
use ogpu_traits::{Attestation, Beneficiaries, Collateral, Moment, PartOfTask, Reason, Registry};
use scale_info::TypeInfo;

use crate::{
	Assignment, Config, Delivery, Demands, Departed, Departures, Error, Event, Item, NextDemand,
	Now, Pallet, Pending, Roots, Status, Task, Tasks, convictions::Losses, work_lock,
};

/// The most demands about a task that wait at a time.
pub const MAX_DEMANDS: u32 = 32;
/// The most hashes that lead from a leaf to the root of a part.
pub const MAX_LEAF_SIBLINGS: u32 = 16;
/// The most demands that the client of a task may make: each may keep it open for a little longer.
pub const MAX_OF_CLIENT: u8 = 64;
/// How many times as long whoever thought that it was done with a task has for an answer: its node may be off.
const LATE: u32 = 20;

/// What somebody demands of whoever has a task.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Demanded {
	/// Something that the job starts from, for a member of a panel that is to recompute units.
	#[codec(index = 0)]
	Input {
		/// The attempt whose result is verified.
		attempt: u8,
		/// The part that is verified.
		part: u8,
		/// The panel.
		panel: u8,
		/// The SCALE form of the job, which names its inputs; empty if that is what is demanded.
		job: BoundedVec<u8, ConstU32<MAX_JOB_LEN>>,
		/// What of it: the program, the first contents of a buffer, or the job itself.
		blob: BlobId,
	},
	/// A piece of the result, for the client, once it was found right.
	#[codec(index = 1)]
	Output {
		/// The part.
		part: u8,
		/// The unit, counted from the first of the part.
		unit: u32,
		/// Which of the buffers that make up the unit's result, in their order in the job.
		slice: u8,
	},
}

/// What is kept of it.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Wanted {
	/// A blob that the job starts from.
	#[codec(index = 0)]
	Input {
		/// For the verification of which part.
		part: u8,
		/// By which panel.
		panel: u8,
		/// Which.
		blob: BlobId,
	},
	/// A part of the result.
	#[codec(index = 1)]
	Output {
		/// The part.
		part: u8,
		/// The unit, counted from the first of the part.
		unit: u32,
		/// Which buffer of its result.
		slice: u8,
	},
}

/// A demand that waits for its answer.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Demand<AccountId> {
	/// Who demands it.
	pub by: AccountId,
	/// Of whom.
	pub of: AccountId,
	/// In which attempt it had the task.
	pub attempt: u8,
	/// What.
	pub wanted: Wanted,
	/// Which piece of it, of 64 KiB.
	pub piece: u32,
	/// What whoever answers gets.
	pub bond: Balance,
	/// Until when.
	pub until: Moment,
}

/// What settles a demand.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Answer {
	/// The hashes that the unit's leaf is made of; none for an input.
	pub slices: BoundedVec<BlobId, ConstU32<MAX_BUFFERS>>,
	/// What proves the leaf under the root of its part.
	pub siblings: BoundedVec<Hash, ConstU32<MAX_LEAF_SIBLINGS>>,
	/// The piece, or the last one of a blob that has fewer; none if the unit has no such slice.
	pub piece: Option<Piece>,
}

impl<T: Config> Pallet<T> {
	/// Takes a demand, with its bond.
	pub(crate) fn demand_piece(
		who: T::AccountId,
		id: TaskId,
		demanded: Demanded,
		piece: u32,
	) -> DispatchResult {
		let mut task = Self::task(id)?;
		let (of, attempt, wanted, until) = match demanded {
			Demanded::Input { attempt, part, panel, job, blob } => {
				ensure!(Self::is_input(&task, &job, &blob), Error::<T>::NoSuchInput);
				let of = Self::holder(id, &task, attempt).ok_or(Error::<T>::NotAssigned)?;
				let done =
					attempt != task.attempt || matches!(task.status, Status::Delivered { .. });
				let until = Self::time_to_answer(&of, done);
				let case = PartOfTask { task: id, attempt, part };
				// The panel waits for what it needs.
				let needs_it = T::Attestation::hold_up(case, panel, &who, until);
				ensure!(needs_it, Error::<T>::NotOnPanel);
				(of, attempt, Wanted::Input { part, panel, blob }, until)
			}
			Demanded::Output { part, unit, slice } => {
				ensure!(task.client == who, Error::<T>::NotClient);
				let Status::Delivered { delivery: Delivery::Awaited, .. } = task.status else {
					return Err(Error::<T>::WrongStatus.into());
				};
				let exists = part < task.spec.parts && unit < task.spec.units_of(part);
				ensure!(exists, Error::<T>::NoSuchUnit);
				let (attempt, _) = Roots::<T>::get(id, part).ok_or(Error::<T>::NoSuchUnit)?;
				let of = Self::holder(id, &task, attempt).ok_or(Error::<T>::NotAssigned)?;
				ensure!(task.demands < MAX_OF_CLIENT, Error::<T>::TooManyDemands);
				task.demands += 1;
				let until = Self::time_to_answer(&of, true);
				(of, attempt, Wanted::Output { part, unit, slice }, until)
			}
		};
		let waiting = Demands::<T>::iter_prefix_values(id).collect::<Vec<_>>();
		ensure!((waiting.len() as u32) < MAX_DEMANDS, Error::<T>::TooManyDemands);
		ensure!(waiting.iter().all(|other| other.by != who), Error::<T>::DemandedBefore);
		let bond = T::Charges::get().demand.get();
		Self::put_in_escrow(&who, bond)?;
		let number = NextDemand::<T>::get();
		NextDemand::<T>::put(number.wrapping_add(1));
		Pending::<T>::mutate(&of, |waiting| *waiting = waiting.saturating_add(1));
		Self::deposit_event(Event::Demanded {
			task: id,
			demand: number,
			by: who.clone(),
			of: of.clone(),
			wanted: wanted.clone(),
			piece,
			until,
		});
		let demand = Demand { by: who, of, attempt, wanted, piece, bond, until };
		Demands::<T>::insert(id, number, demand);
		Self::remind(until, Item::Demand(id, number));
		Tasks::<T>::insert(id, task);
		Ok(())
	}

	/// Until when a provider has to answer: its node posts one piece in a block, so that each that waits gives it one
	/// more.
	fn time_to_answer(of: &T::AccountId, done: bool) -> Moment {
		let window = T::Windows::get().demand.get();
		let window = if done { window.saturating_mul(LATE) } else { window };
		Self::after(window.saturating_add(Pending::<T>::get(of)))
	}

	/// Takes a demand off the list.
	fn settle_demand(id: TaskId, number: u32, of: &T::AccountId) {
		Demands::<T>::remove(id, number);
		Pending::<T>::mutate_exists(of, |waiting| {
			*waiting = waiting.unwrap_or(0).checked_sub(1).filter(|left| *left > 0);
		});
	}

	/// Whether a blob is something that a task's job starts from.
	fn is_input(task: &Task<T::AccountId>, job: &[u8], blob: &BlobId) -> bool {
		if task.spec.job.blob == *blob {
			return true;
		}
		let known = Blake2::hash(job) == task.spec.job.hash;
		let job = known.then(|| Job::decode(&mut &job[..]).ok()).flatten();
		job.is_some_and(|job| job.blobs().iter().any(|(input, _)| input == blob))
	}

	/// Who had a task in an attempt, and answers for it.
	fn holder(id: TaskId, task: &Task<T::AccountId>, attempt: u8) -> Option<T::AccountId> {
		if attempt == task.attempt {
			return task.status.assignment().map(|by| by.provider.clone());
		}
		let departed = Departures::<T>::get((id, attempt))?;
		(!departed.refunded).then_some(departed.by.provider)
	}

	/// Takes an answer to a demand.
	pub(crate) fn answer(
		provider: &T::AccountId,
		id: TaskId,
		number: u32,
		answer: &Answer,
	) -> DispatchResult {
		let demand = Demands::<T>::get(id, number).ok_or(Error::<T>::NoSuchDemand)?;
		ensure!(demand.of == *provider, Error::<T>::NotAssigned);
		let blob = match demand.wanted {
			Wanted::Input { blob, .. } => Some(blob),
			Wanted::Output { part, unit, slice } => {
				let spec = Self::task(id)?.spec;
				let (_, root) = Roots::<T>::get(id, part).ok_or(Error::<T>::WrongPiece)?;
				let slices: Vec<Hash> = answer.slices.iter().map(|slice| slice.0).collect();
				let leaf = leaf::<Blake2>(spec.first_unit(part).saturating_add(unit), &slices);
				let proof = Multiproof { siblings: answer.siblings.to_vec() };
				verify::<Blake2>(&root, spec.units_of(part), &[(unit, leaf)], &proof)
					.map_err(|_| Error::<T>::WrongPiece)?;
				// Whoever asks for a buffer that the result does not have is told so by all of those it has.
				answer.slices.get(usize::from(slice)).copied()
			}
		};
		let settled = match (blob, &answer.piece) {
			(Some(blob), Some(piece)) => piece.settles(demand.piece) && piece.verify(&blob).is_ok(),
			(None, None) => true,
			_ => false,
		};
		ensure!(settled, Error::<T>::WrongPiece);
		Self::settle_demand(id, number, provider);
		Self::note_out(&demand.by, demand.bond);
		Self::give(provider, demand.bond);
		Self::deposit_event(Event::Answered { task: id, demand: number, by: provider.clone() });
		Ok(())
	}

	/// Looks at a demand whose time may be over.
	pub(crate) fn demand_over(id: TaskId, number: u32) {
		let Some(demand) = Demands::<T>::get(id, number) else { return };
		if demand.until >= Now::<T>::get() {
			return;
		}
		Self::settle_demand(id, number, &demand.of);
		Self::give_back(&demand.by, demand.bond);
		let Demand { of, attempt, wanted, .. } = demand;
		Self::deposit_event(Event::Unanswered { task: id, demand: number, provider: of });
		match wanted {
			Wanted::Input { part, panel, .. } => {
				T::Attestation::withheld(PartOfTask { task: id, attempt, part }, panel);
			}
			Wanted::Output { .. } => Self::not_delivered(id, attempt),
		}
	}

	/// The client does not get the result of whoever had its task in an attempt: it is made whole for what it paid, and
	/// that is a missed deadline.
	fn not_delivered(id: TaskId, attempt: u8) {
		let Some(mut task) = Tasks::<T>::get(id) else { return };
		let Status::Delivered { by, verdict, delivery: Delivery::Awaited, until } =
			task.status.clone()
		else {
			return;
		};
		if attempt != task.attempt {
			let Some(departed) = Departures::<T>::get((id, attempt)).filter(|by| !by.refunded)
			else {
				return;
			};
			let Departed { by, to_part, .. } = &departed;
			Self::pay_back(id, &task, attempt, by, *to_part, task.paid_to(&departed));
			let refunded = Departed { refunded: true, ..departed };
			return Departures::<T>::insert((id, attempt), refunded);
		}
		let (to_part, verified) = (task.spec.parts, task.verified);
		// What is still owed was not paid, and is not.
		let Losses { damage, .. } = task.take_back(&by, to_part, verified);
		Self::pay_back(id, &task, attempt, &by, to_part, damage);
		let by =
			Assignment { lock: T::Collateral::locked(&by.provider, work_lock(id, attempt)), ..by };
		task.status = Status::Delivered { by, verdict, delivery: Delivery::Refused, until };
		Tasks::<T>::insert(id, task);
	}

	/// Has a provider pay the client back what it has cost up to a part; and a penalty, by the reserve as for every missed
	/// deadline.
	fn pay_back(
		id: TaskId,
		task: &Task<T::AccountId>,
		attempt: u8,
		by: &Assignment<T::AccountId>,
		to_part: u8,
		damage: Balance,
	) {
		let price = task.share_of_parts(by.price, by.first_part, to_part);
		let at_stake = task.share_of_parts(task.reserve, by.first_part, to_part);
		let penalty = share(at_stake, T::Charges::get().default.get());
		let to = Beneficiaries::victim(task.client.clone(), damage);
		let lock = work_lock(id, attempt);
		let wanted = damage.saturating_add(penalty);
		T::Collateral::slash(&by.provider, lock, wanted, to, Reason::NotDelivered);
		T::Registry::see(&by.provider, Aspect::Timeliness, Self::weight_of(task, price), 0);
		T::Registry::found_false(&by.provider);
	}

	/// Whether somebody waits for data of a task.
	pub(crate) fn has_demands(id: TaskId) -> bool {
		Demands::<T>::iter_key_prefix(id).next().is_some()
	}
}
