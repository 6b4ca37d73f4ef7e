//! One wasm, two clocks.
//!
//! Lengths of epochs, eras, referenda and bonds are runtime constants in most chains, which forces
//! a second, "fast" wasm for tests. Here they are read from a profile that genesis chooses and that
//! nothing can change afterwards: there is no call and no setter. The wasm that is tested is the
//! wasm that ships.
//!
//! Slot time is not among them: it is three seconds everywhere.

use frame_support::traits::{Get, TypedGet};
use ogpu_primitives::{
	Balance,
	market::rules::{MeritRules, PanelRules, Security, Windows},
	ranged::Ranged32,
};
use pallet_referenda::{Curve, TrackInfo};
use sp_staking::{EraIndex, SessionIndex};

use crate::{BlockNumber, Runtime};

pub use pallet::*;

/// Milliseconds of a slot, and so of a block in a network without empty slots.
pub const SLOT_MS: u64 = 3_000;

/// Blocks in a minute, an hour and a day without empty slots.
pub const MINUTES: BlockNumber = 60_000 / (SLOT_MS as BlockNumber);
/// Blocks in an hour without empty slots.
pub const HOURS: BlockNumber = 60 * MINUTES;
/// Blocks in a day without empty slots.
pub const DAYS: BlockNumber = 24 * HOURS;

/// Keeps the profile that genesis chose.
#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet {
	use frame_support::pallet_prelude::*;
	use serde::{Deserialize, Serialize};

	/// Which clock the chain runs by.
	#[derive(
		Clone,
		Copy,
		Debug,
		Default,
		PartialEq,
		Eq,
		Encode,
		Decode,
		DecodeWithMemTracking,
		MaxEncodedLen,
		TypeInfo,
		Serialize,
		Deserialize,
	)]
	#[serde(rename_all = "lowercase")]
	pub enum Profile {
		/// One-hour epochs, six-hour eras, referenda of days: public networks.
		#[default]
		Production,
		/// Half-minute epochs, two-minute eras, referenda of about one: `dev` and `local`.
		Fast,
	}

	/// Nothing is asked of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config {}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	const STORAGE_VERSION: StorageVersion =
		StorageVersion::new(1 + cfg!(feature = "successor") as u16);

	/// The profile. Written at genesis only.
	#[pallet::storage]
	pub type ChosenProfile<T> = StorageValue<_, Profile, ValueQuery>;

	/// Chooses the profile.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The profile of this chain, for ever.
		pub profile: Profile,
		#[serde(skip)]
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			ChosenProfile::<T>::put(self.profile);
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The profile that this chain runs by.
		pub fn profile() -> Profile {
			ChosenProfile::<T>::get()
		}
	}
}

/// The profile of the chain whose state is at hand.
pub fn profile() -> Profile {
	// Generated integrity tests ask for these values without any state; wasm always has one.
	#[cfg(feature = "std")]
	if sp_externalities::with_externalities(|_| ()).is_none() {
		return Profile::Production;
	}
	ChosenProfile::<Runtime>::get()
}

/// Declares `Get` types whose value depends on the profile: `production | fast`.
macro_rules! timed {
	($($(#[$doc:meta])* $name:ident: $type:ty = $production:expr, $fast:expr;)*) => {$(
		$(#[$doc])*
		pub struct $name;

		impl<T: From<$type>> Get<T> for $name {
			fn get() -> T {
				match profile() {
					Profile::Production => T::from($production),
					Profile::Fast => T::from($fast),
				}
			}
		}

		impl $name {
			/// The value on the chain whose state is at hand.
			pub fn get_typed() -> $type {
				<Self as Get<$type>>::get()
			}
		}

		impl TypedGet for $name {
			type Type = $type;

			fn get() -> $type {
				Self::get_typed()
			}
		}
	)*};
}

timed! {
	/// Slots of an epoch, which is also a session. BABE cannot survive a later change.
	EpochDuration: BlockNumber = HOURS, 10;
	/// Sessions of an era.
	SessionsPerEra: SessionIndex = 6u32, 4u32;
	/// Milliseconds of an era as intended.
	EraDuration: u64 = SLOT_MS * 6 * HOURS as u64, SLOT_MS * 4 * 10;
	/// Eras for which a bond stays slashable after unbonding.
	BondingDuration: EraIndex = 28u32, 3u32;
	/// Eras in which governance may cancel a slash. Below [`BondingDuration`].
	SlashDeferDuration: EraIndex = 24u32, 1u32;
	/// Blocks for which an equivocation may be reported: as long as its bond is slashable.
	ReportLongevity: u64 = 28 * 6 * HOURS as u64, 3 * 4 * 10;
	/// Blocks for which a vote with conviction 1 stays locked after the referendum.
	VoteLockingPeriod: BlockNumber = 7 * DAYS, 10u32;
	/// Blocks after which a referendum that was never decided is dropped.
	UndecidingTimeout: BlockNumber = 14 * DAYS, 200u32;
	/// Blocks between two rounds of treasury bookkeeping.
	SpendPeriod: BlockNumber = 7 * DAYS, 40u32;
	/// Blocks within which an approved treasury spend must be claimed.
	PayoutPeriod: BlockNumber = 30 * DAYS, 400u32;
	/// Blocks between the award of a bounty and its payment.
	BountyPayoutDelay: BlockNumber = 4 * DAYS, 20u32;
	/// Blocks within which the curator of a bounty must report.
	BountyUpdatePeriod: BlockNumber = 90 * DAYS, 400u32;
	/// Blocks of an emergency pause, and of each extension.
	PauseDuration: BlockNumber = 12 * HOURS, 10u32;
}

/// How long things on the market take, unless governance says otherwise.
pub fn market_windows() -> Windows {
	match profile() {
		Profile::Production => Windows::PRODUCTION,
		Profile::Fast => Windows::FAST,
	}
}

/// What the market protects itself against, unless governance says otherwise.
pub fn market_security() -> Security {
	match profile() {
		Profile::Production => Security::PRODUCTION,
		Profile::Fast => Security::FAST,
	}
}

/// How panels work, unless governance says otherwise.
pub fn market_panels() -> PanelRules {
	match profile() {
		Profile::Production => PanelRules::PRODUCTION,
		Profile::Fast => PanelRules::FAST,
	}
}

/// What work means to those who secure the chain, unless governance says otherwise.
pub fn market_merits() -> MeritRules {
	match profile() {
		Profile::Production => MeritRules::PRODUCTION,
		Profile::Fast => MeritRules::FAST,
	}
}

/// Market blocks from unbonding collateral to its withdrawal, unless governance says otherwise.
pub fn market_unbonding<const LEAST: u32, const MOST: u32>() -> Ranged32<LEAST, MOST> {
	match profile() {
		Profile::Production => Ranged32::new(7 * DAYS),
		Profile::Fast => Ranged32::new(700),
	}
}

/// The clock of a referendum track, by profile.
#[derive(Clone, Copy)]
pub struct TrackClock {
	/// Blocks before a decision may begin.
	pub prepare: BlockNumber,
	/// Blocks in which it must be decided.
	pub decision: BlockNumber,
	/// Blocks for which it must keep passing.
	pub confirm: BlockNumber,
	/// Least blocks before it is enacted.
	pub enact: BlockNumber,
}

impl TrackClock {
	/// This clock in production, a common short one in the fast profile.
	pub fn by_profile(self) -> Self {
		match profile() {
			Profile::Production => self,
			Profile::Fast => Self { prepare: 4, decision: 40, confirm: 5, enact: 2 },
		}
	}

	/// A track with this clock.
	pub fn track(
		self,
		name: &str,
		max_deciding: u32,
		decision_deposit: Balance,
		min_approval: Curve,
		min_support: Curve,
	) -> TrackInfo<Balance, BlockNumber> {
		let clock = self.by_profile();
		TrackInfo {
			name: sp_runtime::str_array(name),
			max_deciding,
			decision_deposit,
			prepare_period: clock.prepare,
			decision_period: clock.decision,
			confirm_period: clock.confirm,
			min_enactment_period: clock.enact,
			min_approval,
			min_support,
		}
	}
}
