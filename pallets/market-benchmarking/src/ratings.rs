//! Benchmarks of `pallet-ratings`.

use core::marker::PhantomData;

use frame_benchmarking::v2::*;
use frame_support::{
	BoundedVec,
	traits::{Get, Hooks},
	weights::WeightMeter,
};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use ogpu_primitives::market::{
	DeviceTier,
	verification::{Shape, Tier},
};
use ogpu_traits::{Duties, Moment, Registry};
use pallet_attestations::{
	Appeal, Case, Cases, Decided, Earned, Kind, Member, Panels, Phase, Places, Said, Served,
	Service, Stage as At, Subject, Wanted,
};
use pallet_ratings::{
	Agenda, AgendaFrom, Bell, Done, Item, MAX_AT_ONCE, Pallet as Ratings, Rated,
	Ratings as Counting, Rung, Stage, Trial, TrialId, TrialOf, Trials, Waiting, part_of,
};

pub use crate::Config;
use crate::scene::{FEE, classes, group_of, now, panel_of, pass, provider, providers};

/// What is benchmarked.
pub struct Pallet<T>(PhantomData<T>);

/// What a trial is said to prove.
const RATING: u32 = 50_000;
/// Members of the panels that are made.
const MEMBERS: u32 = 15;

fn signed<T: Config>(who: &T::AccountId) -> T::RuntimeOrigin {
	RawOrigin::Signed(who.clone()).into()
}

/// A trial that somebody has applied for.
fn applied<T: Config>(who: &T::AccountId) -> Result<TrialId, BenchmarkError> {
	Ratings::<T>::apply(signed::<T>(who), RATING)?;
	Ok(TrialOf::<T>::get(who).expect("it has just applied"))
}

/// The same at another stage.
fn at<T: Config>(who: &T::AccountId, stage: Stage) -> Result<TrialId, BenchmarkError> {
	let number = applied::<T>(who)?;
	Waiting::<T>::kill();
	Trials::<T>::mutate(number, |trial| {
		let trial: &mut Trial<T::AccountId> = trial.as_mut().expect("it was just made");
		(trial.seed, trial.stage) = ([5; 32], stage);
	});
	Ok(number)
}

/// Has the agenda looked at, in which only this is due.
fn poll<T: Config>() {
	<Ratings<T> as Hooks<BlockNumberFor<T>>>::on_poll(20u32.into(), &mut WeightMeter::new());
}

/// So many operators that somebody can verify it.
fn enough<T: Config>() -> T::AccountId {
	providers::<T>(MEMBERS).swap_remove(0)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// As the last that may wait, where there are too few of the two higher tiers, and many classes of the lowest.
	#[benchmark]
	fn apply() -> Result<(), BenchmarkError> {
		let who = enough::<T>();
		classes::<T>(&[DeviceTier::Consumer]);
		let others = (1_000..1_000 + u64::from(MAX_AT_ONCE) - 1).collect();
		Waiting::<T>::put(BoundedVec::truncate_from(others));
		#[block]
		{
			Ratings::<T>::apply(signed::<T>(&who), RATING)?;
		}
		assert!(TrialOf::<T>::contains_key(&who));
		Ok(())
	}

	/// The last of all that wait.
	#[benchmark]
	fn withdraw() -> Result<(), BenchmarkError> {
		let who = enough::<T>();
		let number = applied::<T>(&who)?;
		let others = (1_000..1_000 + u64::from(MAX_AT_ONCE) - 1).chain([number]).collect();
		Waiting::<T>::put(BoundedVec::truncate_from(others));
		#[block]
		{
			Ratings::<T>::withdraw(signed::<T>(&who))?;
		}
		assert!(!TrialOf::<T>::contains_key(&who));
		Ok(())
	}

	/// Which is handed over to be verified.
	#[benchmark]
	fn commit_root() -> Result<(), BenchmarkError> {
		let who = enough::<T>();
		let stage = Stage::Running {
			from: <T as pallet_ratings::Config>::Slot::get(),
			until: now::<T>() + 100,
		};
		let trial = at::<T>(&who, stage)?;
		#[block]
		{
			<Ratings<T> as Duties<T::AccountId>>::perform(&who, Done { trial, root: [9; 32] })?;
		}
		assert!(Cases::<T>::contains_key((part_of(trial).task, 0), 0));
		Ok(())
	}

	/// In which the bell rings for as many as there may be.
	#[benchmark]
	fn every_block() -> Result<(), BenchmarkError> {
		let all = (1_000..1_000 + u64::from(MAX_AT_ONCE)).collect();
		Waiting::<T>::put(BoundedVec::truncate_from(all));
		let bell = <T as pallet_ratings::Config>::Windows::get().bell.get();
		frame_system::Pallet::<T>::set_block_number(bell.into());
		#[block]
		{
			<Ratings<T> as Hooks<BlockNumberFor<T>>>::on_initialize(bell.into());
		}
		assert!(Rung::<T>::exists());
		Ok(())
	}

	/// All at once.
	#[benchmark]
	fn begin(t: Linear<1, MAX_AT_ONCE>) -> Result<(), BenchmarkError> {
		let mut numbers = BoundedVec::new();
		for who in providers::<T>(t.max(MEMBERS)).iter().take(t as usize) {
			let number = applied::<T>(who)?;
			let _ = numbers.try_push(number);
			Waiting::<T>::kill();
		}
		let bell = Bell { block: 1, blocks: 5, hash: [0; 32], trials: numbers };
		Rung::<T>::put(bell);
		frame_system::Pallet::<T>::set_block_number(20u32.into());
		T::know_output();
		#[block]
		{
			<Ratings<T> as Hooks<BlockNumberFor<T>>>::on_initialize(20u32.into());
		}
		assert!(!Rung::<T>::exists());
		Ok(())
	}

	/// Which takes its provider to another class.
	#[benchmark]
	fn expire() -> Result<(), BenchmarkError> {
		let who = enough::<T>();
		let until: Moment = now::<T>();
		<T as pallet_ratings::Config>::Registry::rate(&who, RATING);
		let devices = <T as pallet_ratings::Config>::Registry::devices(&who);
		let devices = devices.expect("it is registered");
		Counting::<T>::insert(&who, Rated { devices, until });
		AgendaFrom::<T>::put(until);
		Agenda::<T>::insert(until, Item::Rating(who.clone()), ());
		pass::<T>(1);
		#[block]
		{
			poll::<T>();
		}
		assert!(!Counting::<T>::contains_key(&who));
		Ok(())
	}

	/// Of one that is false, with panels of so many members of whom all have affirmed that, and earned something.
	#[benchmark]
	fn end(p: Linear<0, 300>) -> Result<(), BenchmarkError> {
		let who = enough::<T>();
		let until: Moment = now::<T>();
		let trial = at::<T>(&who, Stage::False { rating: RATING, until })?;
		let of = part_of(trial);
		let found = Trials::<T>::get(trial).expect("it was just made");
		let spec = ogpu_primitives::market::trial::spec(
			&found.seed,
			RATING,
			found.verifiers,
			Default::default(),
		);
		let panels = p.div_ceil(MEMBERS);
		let case = Case {
			provider: who.clone(),
			client: who.clone(),
			barred: BoundedVec::new(),
			racers: BoundedVec::new(),
			requirements: spec.requirements,
			// Each member has recomputed all of it.
			tier: Tier::Full,
			shape: Shape::Parallel,
			first_unit: 0,
			units: 64,
			subject: Subject::Root([9; 32]),
			unit_fee: FEE,
			time: spec.time,
			small: false,
			asked: None,
			phase: Phase::Decided(Decided { unit: 7, judged: true, appeal: Appeal::Lost }),
			was_valid: true,
			clean: 0,
			rounds: 0,
			running: 0,
			next_panel: panels as u8,
			disputes: BoundedVec::new(),
		};
		Cases::<T>::insert((of.task, 0), 0, case);
		for member in 0..p {
			let (panel, other) = ((member / MEMBERS) as u8, provider::<T>(1_000 + member));
			let mut found = Panels::<T>::get(of, panel).unwrap_or_else(|| {
				panel_of::<T>(Kind::Round, At::Committing { until: now::<T>() })
			});
			Wanted::<T>::insert(&other, (of, panel), ());
			Served::<T>::insert(of, group_of::<T>(&other), Service { judged: None });
			Earned::<T>::insert(of, &other, 1);
			let _ = found.members.try_push(Member { who: other, said: Said::Agreed });
			Panels::<T>::insert(of, panel, found);
		}
		Places::<T>::insert(of.task, p);
		AgendaFrom::<T>::put(until);
		Agenda::<T>::insert(until, Item::Trial(trial), ());
		pass::<T>(1);
		#[block]
		{
			poll::<T>();
		}
		assert!(!Trials::<T>::contains_key(trial));
		Ok(())
	}
}
