//! Benchmarks of `pallet-attestations`.

use alloc::vec::Vec;
use core::marker::PhantomData;

use frame_benchmarking::v2::*;
use frame_support::{BoundedVec, traits::Hooks, weights::WeightMeter};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use ogpu_primitives::{
	market::{
		TaskId,
		tally::{SECOND_PANEL, commitment},
		verification::{Shape, Tier},
	},
	merkle::{Blake2, Hash, Hasher, Tree},
};
use ogpu_traits::{Duties, PartOfTask, genesis};
use pallet_attestations::{
	Appeal, Case, Cases, Decided, Dispute, Done, Item, Kind, MAX_LOOKS, Member,
	Pallet as Attestations, Panels, Phase, Places, Said, Served, Service, Stage, Subject, Vrf,
	Vrfs, Wanted, vrf,
};
use pallet_tasks::Status;

pub use crate::Config;
use crate::scene::{
	case, change, group_of, now, number, pass, provider, providers, somebody, submitted,
	under_verification, worn,
};

/// What is benchmarked.
pub struct Pallet<T>(PhantomData<T>);

const SALT: Hash = [8; 32];
/// The most units of a part of which some are drawn.
const UNITS: u32 = 65_536;

/// The first panel of the first part of a task.
fn first(task: TaskId) -> PartOfTask {
	PartOfTask { task, attempt: 0, part: 0 }
}

fn act<T: Config>(who: &T::AccountId, done: Done) -> Result<(), BenchmarkError> {
	<Attestations<T> as Duties<T::AccountId>>::perform(who, done)?;
	Ok(())
}

fn poll<T: Config>() {
	<Attestations<T> as Hooks<BlockNumberFor<T>>>::on_poll(0u32.into(), &mut WeightMeter::new());
}

/// A case with a panel of these members, each of whom has said so.
fn panel<T: Config>(
	of: PartOfTask,
	case: Case<T::AccountId>,
	kind: Kind,
	stage: Stage,
	members: &[T::AccountId],
	said: impl Fn(&T::AccountId) -> Said,
) {
	let mut panel = crate::scene::panel_of::<T>(kind, stage);
	for who in members {
		Wanted::<T>::insert(who, (of, 0), ());
		Served::<T>::insert(of, group_of::<T>(who), Service { judged: None });
		let _ = panel.members.try_push(Member { who: who.clone(), said: said(who) });
	}
	Panels::<T>::insert(of, 0, panel);
	Cases::<T>::insert((of.task, of.attempt), of.part, case);
	Places::<T>::mutate(of.task, |kept| *kept += members.len() as u32);
}

/// Leaves of the largest part.
fn leaves() -> Vec<Hash> {
	(0..UNITS).map(|unit| Blake2::hash(&unit.to_le_bytes())).collect()
}

/// The largest part, of which a round recomputes as many units as one can.
fn largest<T: Config>(id: TaskId, provider: &T::AccountId, root: Hash) -> Case<T::AccountId> {
	Case {
		units: UNITS,
		subject: Subject::Root(root),
		tier: Tier::Standard,
		shape: Shape::Parallel,
		..case::<T>(id, 0, provider.clone())
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// From outside, of a result that was found valid, as the last that may wait.
	#[benchmark]
	fn challenge() -> Result<(), BenchmarkError> {
		let provider = provider::<T>(0);
		let (_, id) = submitted::<T>(1);
		let of = first(id);
		let mut found = case::<T>(id, 0, provider);
		(found.phase, found.was_valid) = (Phase::Valid, true);
		Cases::<T>::insert((id, 0), 0, found);
		let who = crate::scene::bonded::<T>("challenger", 0);
		#[block]
		{
			Attestations::<T>::challenge(RawOrigin::Signed(who).into(), of, 7)?;
		}
		assert!(Panels::<T>::contains_key(of, 2));
		Ok(())
	}

	/// By a provider that was convicted.
	#[benchmark]
	fn appeal() -> Result<(), BenchmarkError> {
		let provider = provider::<T>(0);
		let (_, id) = submitted::<T>(1);
		let of = first(id);
		let mut found = case::<T>(id, 0, provider.clone());
		let decided = Decided { unit: 7, judged: true, appeal: Appeal::None };
		found.phase = Phase::Decided(decided);
		let number = found.next_panel;
		Cases::<T>::insert((id, 0), 0, found);
		#[block]
		{
			Attestations::<T>::appeal(RawOrigin::Signed(provider).into(), of)?;
		}
		assert!(Panels::<T>::contains_key(of, number));
		Ok(())
	}

	/// As the last of the largest panel.
	#[benchmark]
	fn commit() -> Result<(), BenchmarkError> {
		let others = providers::<T>(SECOND_PANEL + 1);
		let (_, id) = submitted::<T>(1);
		let of = first(id);
		let (provider, members) = others.split_first().expect("there are some");
		let stage = Stage::Committing { until: now::<T>() + 10 };
		let last = members.last().expect("there are some").clone();
		let found = case::<T>(id, 0, provider.clone());
		panel::<T>(of, found, Kind::Final, stage, members, |who| {
			if *who == last { Said::Nothing } else { Said::Committed([1; 32]) }
		});
		let done = Done::Commit { case: of, panel: 0, draw: [9; 4], commitment: [1; 32] };
		#[block]
		{
			act::<T>(&last, done)?;
		}
		Ok(())
	}

	/// Sixty leaves of the largest part.
	#[benchmark]
	fn open() -> Result<(), BenchmarkError> {
		let others = providers::<T>(6);
		let (_, id) = submitted::<T>(1);
		let of = first(id);
		let (provider, members) = others.split_first().expect("there are some");
		let tree = Tree::new::<Blake2>(leaves()).map_err(|_| "there are leaves")?;
		let found = largest::<T>(id, provider, tree.root());
		let stage = Stage::Opening { until: now::<T>() + 10 };
		panel::<T>(of, found.clone(), Kind::Round, stage, members, |_| Said::Committed([1; 32]));
		let units = Panels::<T>::get(of, 0).expect("it was just made").to_open(&found);
		let proof = tree.prove(&units).map_err(|_| "the units are in the tree")?;
		let all = leaves();
		let opened: Vec<Hash> = units.iter().map(|unit| all[*unit as usize]).collect();
		let done = Done::Open {
			case: of,
			panel: 0,
			leaves: BoundedVec::truncate_from(opened),
			siblings: BoundedVec::truncate_from(proof.siblings),
		};
		#[block]
		{
			act::<T>(provider, done)?;
		}
		Ok(())
	}

	/// All leaves of a member, of which all differ.
	#[benchmark]
	fn reveal() -> Result<(), BenchmarkError> {
		let others = providers::<T>(6);
		let (_, id) = submitted::<T>(1);
		let of = first(id);
		let (provider, members) = others.split_first().expect("there are some");
		let found = largest::<T>(id, provider, [2; 32]);
		let stage = Stage::Revealing { until: now::<T>() + 10 };
		panel::<T>(of, found.clone(), Kind::Round, stage, members, |_| Said::Agreed);
		let who = members[0].clone();
		let genesis = genesis::<T>();
		let mut made = Panels::<T>::get(of, 0).expect("it was just made");
		let units = made.units(&found).swap_remove(0);
		let own: Vec<(u32, Hash)> = units.iter().map(|unit| (*unit, number(*unit))).collect();
		let word = commitment::<Blake2>(&genesis, &(of, 0u8), &who, &SALT, &own);
		made.opened = BoundedVec::truncate_from(
			made.to_open(&found).into_iter().map(|unit| (unit, [5; 32])).collect(),
		);
		made.members[0].said = Said::Committed(word);
		Panels::<T>::insert(of, 0, made);
		let own: Vec<Hash> = own.into_iter().map(|(_, leaf)| leaf).collect();
		let done = Done::Reveal {
			case: of,
			panel: 0,
			salt: SALT,
			leaves: Some(BoundedVec::truncate_from(own)),
		};
		#[block]
		{
			act::<T>(&who, done)?;
		}
		Ok(())
	}

	/// Before anything is due.
	#[benchmark]
	fn every_block() {
		frame_system::Pallet::<T>::set_block_number(100u32.into());
		#[block]
		{
			<Attestations<T> as Hooks<BlockNumberFor<T>>>::on_initialize(100u32.into());
		}
	}

	/// The largest panel, as long after its trigger as it waits, from so many seats that all that are looked at are held
	/// by somebody else.
	#[benchmark]
	fn draw() {
		let others = providers::<T>(MAX_LOOKS);
		let (_, id) = submitted::<T>(1);
		let of = first(id);
		// Only the last that are looked at can verify it.
		let found = case::<T>(id, 0, somebody::<T>("gone", 0));
		for who in &others[..others.len() - SECOND_PANEL as usize] {
			pallet_providers::Providers::<T>::mutate(who, |found| {
				let found = found.as_mut().expect("it is registered");
				// As if it had been so when the session began.
				(found.status, found.before) = (pallet_providers::Status::Suspended, None);
			});
		}
		let block = 100u32;
		frame_system::Pallet::<T>::set_block_number(block.into());
		// Those before had no outputs: all are looked for, and the last ones are just enough.
		for number in block - vrf::BLOCKS..block {
			let (output, group) = (self::number(number), None);
			Vrfs::<T>::insert(number % vrf::KEPT, Vrf { block: number, output, group });
		}
		let mut made = crate::scene::panel_of::<T>(Kind::Final, Stage::Drawing);
		made.trigger = block - vrf::LONGEST_WAIT * vrf::BLOCKS - 1;
		Panels::<T>::insert(of, 0, made);
		Cases::<T>::insert((id, 0), 0, found);
		pallet_attestations::DrawsFrom::<T>::put(block);
		pallet_attestations::Draws::<T>::insert(block, Item { case: of, panel: 0 }, ());
		#[block]
		{
			poll::<T>();
		}
		let made = Panels::<T>::get(of, 0).expect("it is kept");
		assert_eq!(made.members.len() as u32, SECOND_PANEL);
	}

	/// As the last that was undecided of as many parts as there may be: all of them are settled.
	#[benchmark]
	fn find_valid() {
		let others = providers::<T>(crate::scene::ROUND + 1);
		let (_, id) = worn::<T>(&others[1..]);
		let mut attempt = 0;
		change::<T>(id, |task| {
			attempt = task.attempt;
			task.progress.ahead = !1;
		});
		let of = PartOfTask { task: id, attempt, part: 0 };
		let mut found = case::<T>(id, 0, others[0].clone());
		(found.clean, found.running, found.next_panel) = (1, 1, 1);
		let stage = Stage::Revealing { until: now::<T>() };
		panel::<T>(of, found, Kind::Round, stage, &others[1..], |_| Said::Agreed);
		pallet_attestations::DeadlinesFrom::<T>::put(now::<T>());
		let item = Item { case: of, panel: 0 };
		pallet_attestations::Deadlines::<T>::insert(now::<T>(), item, ());
		pass::<T>(1);
		#[block]
		{
			poll::<T>();
		}
		let task = pallet_tasks::Tasks::<T>::get(id).expect("it is kept");
		assert!(matches!(task.status, Status::Delivered { .. }));
	}

	/// Of the largest panel, which finds a unit false in the last attempt at a task of which other parts are under
	/// verification: whoever had it is convicted, verifiers are paid, and the task ends.
	#[benchmark]
	fn end_stage(p: Linear<0, 630>) {
		let others = providers::<T>(SECOND_PANEL + 1);
		let (_, id) = worn::<T>(&others[1..]);
		let mut attempt = 0;
		change::<T>(id, |task| {
			attempt = task.attempt;
			let by = task.status.assignment().expect("somebody has it").clone();
			task.status = Status::Executing { by, until: now::<T>() + 1_000 };
		});
		under_verification::<T>(id, p);
		let of = PartOfTask { task: id, attempt, part: 0 };
		let mut found = case::<T>(id, 0, others[0].clone());
		found.phase = Phase::Judging;
		found.next_panel = 1;
		let (challenger, unit) = (others[1].clone(), 3);
		let _ = found.disputes.try_push(Dispute { challenger, unit, opened: None, lock: None });
		let stage = Stage::Revealing { until: now::<T>() };
		let kind = Kind::Dispute { unit, second: true };
		panel::<T>(of, found, kind, stage, &others[1..], |_| Said::Differed([6; 32]));
		Panels::<T>::mutate(of, 0, |panel| {
			let panel = panel.as_mut().expect("it was just made");
			panel.opened = BoundedVec::truncate_from(alloc::vec![(unit, [5; 32])]);
		});
		pallet_attestations::DeadlinesFrom::<T>::put(now::<T>());
		let item = Item { case: of, panel: 0 };
		pallet_attestations::Deadlines::<T>::insert(now::<T>(), item, ());
		pass::<T>(1);
		#[block]
		{
			poll::<T>();
		}
		assert!(pallet_tasks::Records::<T>::contains_key(id));
	}
}
