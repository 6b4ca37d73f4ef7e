//! What verification comes to, and what follows; the end of trials.

use alloc::vec::Vec;

use frame_support::{
	defensive,
	traits::{
		Get,
		fungible::MutateHold,
		tokens::{Fortitude, Precision, Restriction},
	},
};
use ogpu_primitives::{
	Balance,
	market::{price::share, spec::TaskSpec, trial},
	merkle::Hash,
};
use ogpu_traits::{
	Attestation, Clock, Decision, PROLONGED, PartOfTask, Registry, Requested, Specs, Verdict,
	Verdicts,
};

use crate::{
	Config, Ending, Error, Event, HoldReason, Item, Pallet, Rated, Ratings, Stage, Trial, TrialId,
	TrialOf, Trials, part_of, trial_in,
};

/// What a place at a bell costs of which nothing comes, in parts per million of the bond.
const COST_OF_PLACE: u32 = 100_000;

impl<T: Config> Specs for Pallet<T> {
	fn spec(part: PartOfTask) -> Option<TaskSpec> {
		let trial = Trials::<T>::get(trial_in(part)?)?;
		let provider = T::Registry::endpoint(&trial.provider)?;
		Some(trial::spec(&trial.seed, trial.rating, trial.verifiers, provider))
	}

	fn root(_: PartOfTask) -> Option<Hash> {
		// A trial has one part, and nobody asks for the one before.
		None
	}

	fn blobs(part: PartOfTask) -> Vec<Vec<u8>> {
		let trial = trial_in(part).and_then(Trials::<T>::get);
		trial.map_or_else(Vec::new, |trial| {
			trial::blobs(&trial::job(&trial.seed, trial.rating)).to_vec()
		})
	}
}

impl<T: Config> Verdicts<T::AccountId> for Pallet<T> {
	fn decided(part: PartOfTask, decision: Decision<T::AccountId>) -> bool {
		let found = trial_in(part).and_then(|number| Some((number, Trials::<T>::get(number)?)));
		let Some((number, mut trial)) = found else { return false };
		Self::pay_verifiers(&mut trial, decision.fees);
		let (Stage::Verifying { rating, .. }
		| Stage::Proven { rating, .. }
		| Stage::False { rating, .. }) = trial.stage
		else {
			defensive!("a verdict on what nobody has computed");
			return false;
		};
		let until = T::Clock::now().saturating_add(T::Windows::get().delivery.get());
		match decision.verdict {
			Verdict::Valid | Verdict::Overturned => {
				Self::rate(number, &trial, rating);
				trial.stage = Stage::Proven { rating, until };
				Self::put(number, trial);
				// What was overturned is forgotten: it is not judged a third time.
				decision.verdict == Verdict::Valid
			}
			Verdict::Fraud { .. } => {
				// Whatever its devices are now.
				T::Registry::rate(&trial.provider, 0);
				Ratings::<T>::remove(&trial.provider);
				trial.finder = decision.finder;
				trial.stage = Stage::False { rating, until };
				Self::put(number, trial);
				Self::deposit_event(Event::FoundFalse { trial: number, until });
				true
			}
			_ => {
				Trials::<T>::insert(number, trial);
				Self::end(number, Ending::Unverifiable);
				false
			}
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Has what was proven count from now on, if it was with the devices that the provider still has.
	fn rate(number: TrialId, trial: &Trial<T::AccountId>, rating: u32) {
		let provider = trial.provider.clone();
		if T::Registry::devices(&provider) != Some(trial.devices) {
			return;
		}
		let until = T::Clock::now().saturating_add(T::Windows::get().rating.get());
		T::Registry::rate(&provider, rating);
		Ratings::<T>::insert(&provider, Rated { devices: trial.devices, until });
		Self::remind(until, Item::Rating(provider.clone()));
		Self::deposit_event(Event::Proven { trial: number, provider, rating, until });
	}

	/// What a provider has proven, if it is of the devices that it still has.
	pub(crate) fn rated(who: &T::AccountId) -> Option<Rated> {
		Ratings::<T>::get(who).filter(|rated| Self::counts(who, rated))
	}

	/// Whether a rating is of the devices that its provider still has.
	fn counts(whose: &T::AccountId, rated: &Rated) -> bool {
		T::Registry::devices(whose) == Some(rated.devices)
	}

	/// Ends a rating whose time is over, unless it was proven anew.
	pub(crate) fn expire(whose: &T::AccountId) {
		let Some(rated) = Ratings::<T>::get(whose).filter(|rated| rated.until < T::Clock::now())
		else {
			return;
		};
		// With the devices it went as well.
		if Self::counts(whose, &rated) {
			T::Registry::rate(whose, 0);
			Self::deposit_event(Event::Expired { provider: whose.clone() });
		}
		Ratings::<T>::remove(whose);
	}

	/// Takes what a trial came to, and hands it over to be verified.
	pub(crate) fn take_root(
		provider: &T::AccountId,
		number: TrialId,
		root: Hash,
	) -> Result<(), Error<T>> {
		let mut trial = Self::trial_for(provider, number)?;
		let Stage::Running { from, .. } = trial.stage else {
			return Err(Error::<T>::NotRunning);
		};
		let took = T::Slot::get().saturating_sub(from);
		let rating = trial::rating(trial.rating, took);
		if rating == 0 {
			// The market clock may have stood still meanwhile.
			Self::end(number, Ending::TooSlow);
			return Ok(());
		}
		let spec = trial::spec(&trial.seed, trial.rating, trial.verifiers, Default::default());
		let time = T::Windows::get().verification.get().saturating_add(spec.time);
		let until = T::Clock::now().saturating_add(time);
		trial.stage = Stage::Verifying { rating, until };
		let request = Requested {
			part: part_of(number),
			provider: provider.clone(),
			client: provider.clone(),
			requirements: spec.requirements,
			tier: spec.tier,
			shape: spec.shape,
			first_unit: 0,
			units: spec.units,
			root: Some(root),
			unit_fee: trial.unit_fee,
			time: spec.time,
			barred: Vec::new(),
			racers: Vec::new(),
			bound_in: None,
			asked: None,
			small: false,
		};
		Self::put(number, trial);
		Self::deposit_event(Event::Rooted { trial: number, root, took, rating });
		if let Some(decision) = T::Attestation::verify(request) {
			Self::decided(part_of(number), decision);
		}
		Ok(())
	}

	/// A trial, if it is this provider's.
	pub(crate) fn trial_for(
		provider: &T::AccountId,
		number: TrialId,
	) -> Result<Trial<T::AccountId>, Error<T>> {
		let trial = Trials::<T>::get(number).filter(|trial| trial.provider == *provider);
		trial.ok_or(Error::<T>::NoSuchTrial)
	}

	/// Pays verifiers out of what is held for them.
	fn pay_verifiers(trial: &mut Trial<T::AccountId>, fees: Vec<(T::AccountId, Balance)>) {
		for (who, fee) in fees {
			let paid = Self::transfer(&trial.provider, &who, fee.min(trial.fees));
			trial.fees = trial.fees.saturating_sub(paid);
		}
	}

	/// Moves something that is on hold. How much of it went: an account may be too poor to exist.
	fn transfer(from: &T::AccountId, to: &T::AccountId, amount: Balance) -> Balance {
		let moved = T::Currency::transfer_on_hold(
			&HoldReason::Trial.into(),
			from,
			to,
			amount,
			Precision::BestEffort,
			Restriction::Free,
			Fortitude::Force,
		);
		moved.unwrap_or(0)
	}

	/// Takes something of the bond.
	fn lose(trial: &mut Trial<T::AccountId>, to: &T::AccountId, amount: Balance) {
		let lost = Self::transfer(&trial.provider, to, amount);
		trial.bond = trial.bond.saturating_sub(lost);
	}

	/// Looks at a trial whose stage may be over.
	pub(crate) fn wake(number: TrialId) {
		let Some(mut trial) = Trials::<T>::get(number) else { return };
		if trial.stage.until().is_none_or(|until| until >= T::Clock::now()) {
			return;
		}
		let part = part_of(number);
		let prolonged = T::Clock::now().saturating_add(PROLONGED);
		match &mut trial.stage {
			Stage::Waiting => {}
			Stage::Running { .. } => Self::end(number, Ending::TooSlow),
			Stage::Verifying { until, .. } | Stage::Proven { until, .. }
				if T::Attestation::is_disputed(part.task, part.attempt) =>
			{
				*until = prolonged;
				Self::put(number, trial);
			}
			Stage::Verifying { .. } => Self::end(number, Ending::Unverifiable),
			Stage::Proven { .. } => Self::end(number, Ending::Right),
			Stage::False { until, .. } if T::Attestation::is_appealed(part) => {
				*until = prolonged;
				Self::put(number, trial);
			}
			Stage::False { .. } => {
				T::Attestation::carry_out(part);
				let reward = share(trial.bond, T::Charges::get().finder.get());
				if let Some(finder) = trial.finder.clone() {
					Self::lose(&mut trial, &finder, reward);
				}
				let rest = trial.bond;
				Self::lose(&mut trial, &T::Treasury::get(), rest);
				T::Registry::found_false(&trial.provider);
				Trials::<T>::insert(number, trial);
				Self::end(number, Ending::False);
			}
		}
	}

	/// Ends a trial: what is left of what was put up is given back.
	pub(crate) fn end(number: TrialId, ending: Ending) {
		let Some(mut trial) = Trials::<T>::take(number) else { return };
		let earned = T::Attestation::drop_from(part_of(number));
		Self::pay_verifiers(&mut trial, earned);
		if matches!(ending, Ending::Withdrawn | Ending::TooSlow) {
			let cost = share(trial.bond, COST_OF_PLACE);
			Self::lose(&mut trial, &T::Treasury::get(), cost);
		}
		TrialOf::<T>::remove(&trial.provider);
		T::Registry::engage(&trial.provider, false);
		let left = trial.fees.saturating_add(trial.bond);
		let reason = HoldReason::Trial.into();
		let released = T::Currency::release(&reason, &trial.provider, left, Precision::BestEffort);
		let released = released.unwrap_or(0);
		Self::deposit_event(Event::Ended { trial: number, ending, released });
	}
}
