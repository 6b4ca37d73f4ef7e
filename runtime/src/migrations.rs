//! What runs once when this runtime replaces its predecessor.

/// The migrations of this version. None: it is the first.
#[cfg(not(feature = "successor"))]
pub(crate) type SingleBlock = ();

#[cfg(feature = "successor")]
pub(crate) use successor::SingleBlock;

/// The network test upgrades to a runtime built with the feature `successor`: a higher version, and
/// a migration that does real work on live state. It is never part of a release.
#[cfg(feature = "successor")]
mod successor {
	use frame_support::{
		migrations::VersionedMigration, pallet_prelude::ValueQuery, storage_alias,
		traits::UncheckedOnRuntimeUpgrade, weights::Weight,
	};
	use frame_system::pallet_prelude::BlockNumberFor;
	use sp_core::Get;

	use crate::{Runtime, Timing, timing};

	pub(crate) type SingleBlock = VersionedMigration<
		1,
		2,
		RecordUpgrade,
		Timing,
		<Runtime as frame_system::Config>::DbWeight,
	>;

	/// The block of the upgrade, beside the profile that was in force.
	#[storage_alias]
	type UpgradedAt = StorageValue<Timing, (BlockNumberFor<Runtime>, timing::Profile), ValueQuery>;

	pub struct RecordUpgrade;

	impl UncheckedOnRuntimeUpgrade for RecordUpgrade {
		fn on_runtime_upgrade() -> Weight {
			let now = frame_system::Pallet::<Runtime>::block_number();
			UpgradedAt::put((now, timing::profile()));
			<Runtime as frame_system::Config>::DbWeight::get().reads_writes(2, 1)
		}
	}
}
