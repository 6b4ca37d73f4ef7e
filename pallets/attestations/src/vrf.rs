//! The VRF outputs of recent blocks, and the seeds that are made of them.
//!
//! A block's output is known to others once the block is there, and to its author as long as the epoch's
//! randomness is. Whoever authors some of the blocks that a seed is made of cannot choose outputs, only
//! leave blocks out, or time what triggers a draw. So seeds want blocks of other operators, and wait for them, and end
//! with one: whatever a provider does with its own blocks, it does without knowing what comes of it.

use alloc::vec::Vec;

use frame_support::traits::Get;
use ogpu_primitives::{market::GroupId, merkle::Hash};
use ogpu_traits::SeatTable;
use sp_runtime::SaturatedConversion;

use crate::{Author, Config, Pallet, Vrf, Vrfs};

/// Blocks that a seed is made of, at least.
pub const BLOCKS: u32 = 6;
/// The same where little hangs on it, and an answer is wanted soon.
pub const FEW_BLOCKS: u32 = 4;
/// Of these, those that must not be of the provider's own operator, where there are so many validators.
pub const BLOCKS_OF_OTHERS: u32 = 3;
/// How many times as many blocks a seed waits at most for those of others.
pub const LONGEST_WAIT: u32 = 4;
/// Outputs that are kept.
pub const KEPT: u32 = 2 * LONGEST_WAIT * BLOCKS + 16;

/// Blocks that a seed is made of: fewer where little hangs on it.
pub const fn blocks(small: bool) -> u32 {
	if small { FEW_BLOCKS } else { BLOCKS }
}

impl<T: Config> Pallet<T> {
	/// The number of this block.
	pub(crate) fn block() -> u32 {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// Keeps the output of the block before this one, which is known by now.
	pub(crate) fn keep_vrf() {
		let block = Self::block();
		let group = Author::<T>::take();
		if let (Some(output), Some(before)) = (T::Vrf::get(), block.checked_sub(1)) {
			let vrf = Vrf { block: before, output, group: group.flatten() };
			Vrfs::<T>::insert(before % KEPT, vrf);
		}
		Author::<T>::put(T::Author::get().and_then(|author| T::Seats::group_of_stash(&author)));
	}

	/// The outputs of the blocks after a trigger, once they are enough to draw for this operator's result.
	pub(crate) fn vrfs_since(trigger: u32, blocks: u32, own: &[GroupId]) -> Option<Vec<Hash>> {
		let last = Self::block().saturating_sub(1);
		let first = trigger.saturating_add(1).max(last.saturating_sub(KEPT - 1));
		let found: Vec<Vrf> = (first..=last)
			.filter_map(|block| Vrfs::<T>::get(block % KEPT).filter(|vrf| vrf.block == block))
			.collect();
		let wanted = BLOCKS_OF_OTHERS.min(T::Validators::get().saturating_sub(1));
		let mut of_others = 0;
		// As few as do: a draw that is served late is the same.
		let enough = (1u32..).zip(&found).find(|(count, vrf)| {
			let of_another = vrf.group.is_none_or(|group| !own.contains(&group));
			of_others += u32::from(of_another);
			let of_enough = of_others >= wanted && (of_another || wanted == 0);
			let waited = vrf.block.saturating_sub(trigger);
			*count >= blocks && (of_enough || waited >= LONGEST_WAIT * blocks)
		});
		let (count, _) = enough?;
		Some(found.iter().take(count as usize).map(|vrf| vrf.output).collect())
	}
}
