//! The powers that a referendum can exercise, each with a track of its own.

pub use pallet_origins::{
	EmergencyPauser, Origin, ParameterAdmin, ReferendumCanceller, ReferendumKiller, SlashCanceller,
	Treasurer,
};

/// Origins for which only a referendum can speak.
#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet_origins {
	use frame_support::pallet_prelude::*;
	use ogpu_primitives::{Balance, OGPU};

	/// Nothing is asked of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config {}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// A power that a referendum can exercise.
	#[derive(
		PartialEq, Eq, Clone, MaxEncodedLen, Encode, Decode, DecodeWithMemTracking, TypeInfo, Debug,
	)]
	#[pallet::origin]
	pub enum Origin {
		/// Sets the parameters of [`crate::parameters`].
		#[codec(index = 0)]
		ParameterAdmin,
		/// Spends any amount of the treasury.
		#[codec(index = 1)]
		Treasurer,
		/// Spends up to [`SMALL_SPEND`] of the treasury at a time.
		#[codec(index = 2)]
		SmallSpender,
		/// Cancels slashes that are deferred.
		#[codec(index = 3)]
		SlashCanceller,
		/// Enters, extends and leaves safe mode.
		#[codec(index = 4)]
		EmergencyPauser,
		/// Cancels a referendum and refunds its deposits.
		#[codec(index = 5)]
		ReferendumCanceller,
		/// Cancels a referendum and slashes its deposits.
		#[codec(index = 6)]
		ReferendumKiller,
	}

	/// The most that [`Origin::SmallSpender`] may spend at a time.
	pub const SMALL_SPEND: Balance = 1_000 * OGPU;

	macro_rules! unit_ensurers {
		($($(#[$doc:meta])* $name:ident;)*) => {$(
			$(#[$doc])*
			pub struct $name;
			impl<O: OriginTrait + From<Origin>> EnsureOrigin<O> for $name
			where
				for<'a> &'a O::PalletsOrigin: TryInto<&'a Origin>,
			{
				type Success = ();

				fn try_origin(o: O) -> Result<Self::Success, O> {
					match o.caller().try_into().ok() {
						Some(Origin::$name) => Ok(()),
						_ => Err(o),
					}
				}

				#[cfg(feature = "runtime-benchmarks")]
				fn try_successful_origin() -> Result<O, ()> {
					Ok(O::from(Origin::$name))
				}
			}
		)*};
	}

	use frame_support::traits::OriginTrait;

	unit_ensurers! {
		/// Ensures [`Origin::ParameterAdmin`].
		ParameterAdmin;
		/// Ensures [`Origin::SlashCanceller`].
		SlashCanceller;
		/// Ensures [`Origin::EmergencyPauser`].
		EmergencyPauser;
		/// Ensures [`Origin::ReferendumCanceller`].
		ReferendumCanceller;
		/// Ensures [`Origin::ReferendumKiller`].
		ReferendumKiller;
		/// Ensures [`Origin::Treasurer`].
		Treasurer;
	}

	/// Ensures an origin that may spend, and yields the most that it may spend at a time.
	pub struct Spender;
	impl<O: OriginTrait + From<Origin>> EnsureOrigin<O> for Spender
	where
		for<'a> &'a O::PalletsOrigin: TryInto<&'a Origin>,
	{
		type Success = Balance;

		fn try_origin(o: O) -> Result<Balance, O> {
			let limit = match o.caller().try_into().ok() {
				Some(Origin::Treasurer) => Some(Balance::MAX),
				Some(Origin::SmallSpender) => Some(SMALL_SPEND),
				_ => None,
			};
			limit.ok_or(o)
		}

		#[cfg(feature = "runtime-benchmarks")]
		fn try_successful_origin() -> Result<O, ()> {
			Ok(O::from(Origin::Treasurer))
		}
	}
}
