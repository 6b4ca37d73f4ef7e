//! What governance tunes without an upgrade, through the `parameter_admin` track.
//!
//! Values are bounded by their types: one out of bounds does not decode, so it cannot be set.

use frame_support::dynamic_params::{dynamic_pallet_params, dynamic_params};
use ogpu_primitives::{
	OGPU,
	market::rules::{Charges, MeritRules, PanelRules, REGISTRATION, Security, TierPrice, Windows},
	ranged::{Ranged32, Ranged128},
};
use pallet_token::EmissionSplit;
use pallet_trust_lock::Slashing;

use crate::{Runtime, timing};

/// The parameters, by the pallet that reads them.
#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod dynamic_params {
	use super::*;

	/// Of the token pallet.
	#[dynamic_pallet_params]
	#[codec(index = 0)]
	pub mod token {
		/// How an era's emission is divided between validators, providers and treasury, in parts
		/// per million. Validators at least 30 %, providers at most 60 %, treasury at most 30 %.
		#[codec(index = 0)]
		pub static Split: EmissionSplit = EmissionSplit::DEFAULT;
	}

	/// Of the market.
	#[dynamic_pallet_params]
	#[codec(index = 1)]
	pub mod market {
		/// How long everything may take, in market blocks.
		#[codec(index = 0)]
		pub static Time: Windows = timing::market_windows();

		/// Who pays what.
		#[codec(index = 1)]
		pub static Pay: Charges = Charges::DEFAULT;

		/// What the market protects itself against.
		#[codec(index = 2)]
		pub static Safety: Security = timing::market_security();

		/// How the base prices of the device tiers begin, and move.
		#[codec(index = 3)]
		pub static Prices: [TierPrice; 3] = TierPrice::DEFAULT;

		/// Whether slashes take anything, or only say what they would take.
		#[codec(index = 4)]
		pub static Slashes: Slashing = Slashing::On;

		/// What is on hold as long as a provider is registered.
		#[codec(index = 5)]
		pub static Registration: Ranged128<0, { 1_000 * OGPU }> = Ranged128::new(REGISTRATION);

		/// What a seat binds.
		#[codec(index = 6)]
		pub static Seat: Ranged128<OGPU, { 100_000 * OGPU }> = Ranged128::new(100 * OGPU);

		/// Market blocks from unbonding collateral to its withdrawal: up to ninety days, and in any case
		/// longer than verification and delivery together.
		#[codec(index = 7)]
		pub static Unbonding: Ranged32<100, { 90 * 28_800 }> = timing::market_unbonding();

		/// What a provider's node may do of its own accord without a fee (bids, races, claims), by the chain's time
		/// in a session, in milliseconds.
		#[codec(index = 8)]
		pub static Quota: Ranged32<100, 60_000> = Ranged32::new(2_000);

		/// How panels work.
		#[codec(index = 9)]
		pub static Panel: PanelRules = timing::market_panels();

		/// What work earns of the emission, in era points, and what fraud costs in stake.
		#[codec(index = 10)]
		pub static Merits: MeritRules = timing::market_merits();
	}
}

pub use dynamic_params::*;
