//! What governance tunes without an upgrade, through the `parameter_admin` track.
//!
//! Values are bounded by their types: one out of bounds does not decode, so it cannot be set.

use frame_support::dynamic_params::{dynamic_pallet_params, dynamic_params};
use pallet_token::EmissionSplit;

use crate::Runtime;

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
}

pub use dynamic_params::*;
