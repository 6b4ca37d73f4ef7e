//! What the calls and hooks of our own pallets weigh, as `scripts/weights` measured it, but for `pallet_ratings`. Nobody edits the files
//! beside this one.

pub(crate) mod pallet_attestations;
pub(crate) mod pallet_providers;
pub(crate) mod pallet_ratings;
pub(crate) mod pallet_tasks;
pub(crate) mod pallet_trust_lock;
pub(crate) mod pallet_worker;
