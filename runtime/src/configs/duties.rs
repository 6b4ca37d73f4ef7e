//! The duties of a provider's node: those of all pallets of the market, as one.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{pallet_prelude::DispatchResult, weights::Weight};
use ogpu_traits::{Duties, Node};
use scale_info::TypeInfo;

use crate::{AccountId, Attestations, Providers, Ratings, Tasks};

type DueOf<P> = <P as Duties<AccountId>>::Due;
type DoneOf<P> = <P as Duties<AccountId>>::Done;

macro_rules! duties {
	($($(#[$doc:meta])* $index:literal => $pallet:ident;)*) => {
		/// Something that is due, of any pallet.
		#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
		pub enum Due {
			$($(#[$doc])* #[codec(index = $index)] $pallet(DueOf<$pallet>),)*
		}

		/// Something that was done, of any pallet.
		#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
		pub enum Done {
			$($(#[$doc])* #[codec(index = $index)] $pallet(DoneOf<$pallet>),)*
		}

		impl Duties<AccountId> for MarketDuties {
			type Due = Due;
			type Done = Done;

			fn due(provider: &AccountId, most: u32) -> Vec<Due> {
				let mut due = Vec::new();
				$(
					let left = most.saturating_sub(due.len() as u32);
					due.extend($pallet::due(provider, left).into_iter().map(Due::$pallet));
				)*
				due
			}

			fn attend(provider: &AccountId, most: u32, node: &dyn Node) -> Vec<Done> {
				let mut done = Vec::new();
				$(
					let left = most.saturating_sub(done.len() as u32);
					done.extend($pallet::attend(provider, left, node).into_iter().map(Done::$pallet));
				)*
				done
			}

			fn is_live(provider: &AccountId, done: &Done) -> bool {
				match done {
					$(Done::$pallet(done) => $pallet::is_live(provider, done),)*
				}
			}

			fn weight(done: &Done) -> Weight {
				match done {
					$(Done::$pallet(done) => <$pallet as Duties<AccountId>>::weight(done),)*
				}
			}

			fn is_voluntary(done: &Done) -> bool {
				match done {
					$(Done::$pallet(done) => $pallet::is_voluntary(done),)*
				}
			}

			fn perform(provider: &AccountId, done: Done) -> DispatchResult {
				match done {
					$(Done::$pallet(done) => $pallet::perform(provider, done),)*
				}
			}
		}
	};
}

/// All duties of the market. What comes first is attended to first.
pub struct MarketDuties;

duties! {
	/// That it is there.
	0 => Providers;
	/// What it was drawn to verify, and what it opens of its own results.
	2 => Attestations;
	/// The trial that it is in.
	3 => Ratings;
	/// Bids, and work on tasks.
	1 => Tasks;
}
