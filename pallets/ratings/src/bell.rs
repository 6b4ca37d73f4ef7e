//! Applications, and the bell at which trials begin.

use codec::Encode;
use frame_support::{
	ensure,
	pallet_prelude::{DispatchResult, Weight},
	traits::{Get, fungible::MutateHold},
};
use ogpu_primitives::{
	market::{DeviceTier, spec::Requirements, trial},
	merkle::{Blake2, Hash, Hasher},
};
use ogpu_traits::{Clock, Registry, Verification, Verifying};
use sp_runtime::SaturatedConversion;

use crate::{
	Bell, Config, Ending, Error, Event, HoldReason, NextTrial, Pallet, Rung, Stage, Trial, TrialId,
	TrialOf, Trials, Waiting, WeightInfo,
};

/// A seed is the hash of this and of what follows.
const DOMAIN: [u8; 12] = *b"ogpu/trial/1";
/// Blocks after the bell that make the seed: whoever authors some of them knows little of the others.
const SEED_BLOCKS: u8 = 6;

impl<T: Config> Pallet<T> {
	/// Who can verify a trial for this rating: the highest class of which there are enough, up to that of the rating; and
	/// what that costs.
	pub(crate) fn verifiers(rating: u32) -> Option<(DeviceTier, Verification)> {
		let nobody = ogpu_primitives::market::Endpoint::default();
		let tiers = DeviceTier::ALL.into_iter().rev();
		tiers.filter(|tier| *tier <= DeviceTier::of_rating(rating)).find_map(|tier| {
			let spec = trial::spec(&[0; 32], rating, tier, nobody.clone());
			Some((tier, T::Verifying::verification(&spec)?))
		})
	}

	pub(crate) fn take_application(who: T::AccountId, rating: u32) -> DispatchResult {
		T::Registry::meets(&who, &Requirements::NONE).map_err(Error::<T>::from)?;
		let devices = T::Registry::devices(&who).ok_or(Error::<T>::NotRegistered)?;
		ensure!(!TrialOf::<T>::contains_key(&who), Error::<T>::InTrial);
		let (verifiers, verification) =
			Self::verifiers(rating).ok_or(Error::<T>::TooFewOperators)?;
		let (fees, bond) = (verification.most, T::Charges::get().trial.get());
		let held = fees.saturating_add(bond);
		let number = NextTrial::<T>::get();
		Waiting::<T>::try_mutate(|waiting| waiting.try_push(number))
			.map_err(|_| Error::<T>::BellIsFull)?;
		T::Currency::hold(&HoldReason::Trial.into(), &who, held)?;
		NextTrial::<T>::put(number.saturating_add(1));
		TrialOf::<T>::insert(&who, number);
		T::Registry::engage(&who, true);
		Self::deposit_event(Event::Applied { trial: number, provider: who.clone(), rating, held });
		let trial = Trial {
			provider: who,
			devices,
			rating,
			verifiers,
			unit_fee: verification.unit_fee,
			fees,
			bond,
			finder: None,
			seed: [0; 32],
			stage: Stage::Waiting,
		};
		Trials::<T>::insert(number, trial);
		Ok(())
	}

	pub(crate) fn withdraw_application(who: &T::AccountId) -> DispatchResult {
		let number = TrialOf::<T>::get(who).ok_or(Error::<T>::NoSuchTrial)?;
		Waiting::<T>::try_mutate(|waiting| {
			let at = waiting.iter().position(|other| *other == number).ok_or(Error::<T>::Begun)?;
			waiting.remove(at);
			Ok::<_, Error<T>>(())
		})?;
		Self::end(number, Ending::Withdrawn);
		Ok(())
	}

	/// Rings the bell in its block, if anybody waits for it; makes the seed in those after it, and begins. What that
	/// weighs.
	pub(crate) fn mind_the_bell() -> Weight {
		let block: u32 = frame_system::Pallet::<T>::block_number().saturated_into();
		let Some(bell) = Rung::<T>::get() else {
			if block.is_multiple_of(T::Windows::get().bell.get()) {
				let trials = Waiting::<T>::take();
				if !trials.is_empty() {
					Self::deposit_event(Event::BellRung { trials: trials.len() as u32 });
					Rung::<T>::put(Bell { block, blocks: 0, hash: [0; 32], trials });
				}
			}
			return T::WeightInfo::every_block();
		};
		// What is known in this block is the output of the one before: that of the bell's is not used.
		let output = T::Randomness::get().filter(|_| block > bell.block.saturating_add(1));
		let Some(output) = output else { return T::WeightInfo::every_block() };
		let hash = (DOMAIN, bell.hash, output).using_encoded(Blake2::hash);
		let blocks = bell.blocks.saturating_add(1);
		if blocks < SEED_BLOCKS {
			Rung::<T>::put(Bell { hash, blocks, ..bell });
			return T::WeightInfo::every_block();
		}
		Rung::<T>::kill();
		let begun = bell.trials.len() as u32;
		for number in bell.trials {
			Self::begin(number, (DOMAIN, hash, number).using_encoded(Blake2::hash));
		}
		T::WeightInfo::every_block().saturating_add(T::WeightInfo::begin(begun))
	}

	fn begin(number: TrialId, seed: Hash) {
		let Some(mut trial) = Trials::<T>::get(number) else { return };
		let from = T::Slot::get();
		// Slots, as market blocks: of these there are no more in the same time.
		let until = T::Clock::now().saturating_add(trial::LONGEST);
		(trial.seed, trial.stage) = (seed, Stage::Running { from, until });
		Self::put(number, trial);
		Self::deposit_event(Event::Begun { trial: number, seed, until });
	}
}
