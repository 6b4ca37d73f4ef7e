//! The VRF outputs of recent blocks, and the seeds that are made of them.
//!
//! A block's output is known to others once the block is there, and to its author as long as the epoch's
//! randomness is. Whoever authors some of the blocks that a seed is made of cannot choose outputs, only
//! leave blocks out, or time what triggers a draw. So seeds want blocks of other operators, and wait for them, and
//! end with one: whatever a provider does with its own blocks, it does without knowing what comes of it. Operators
//! may have validators that nobody knows to be theirs; so that one block of theirs decides little, a panel has
//! several seeds, of which each ends with another block.

use alloc::vec::Vec;

use frame_support::traits::Get;
use ogpu_primitives::{
	market::{
		GroupId,
		draw::{MAX_SEEDS, seed},
	},
	merkle::{Blake2, Hash},
};
use ogpu_traits::{PartOfTask, SeatTable};
use sp_runtime::SaturatedConversion;

use crate::{Author, Config, Pallet, Vrf, Vrfs};

/// Blocks that a seed is made of, at least.
pub const BLOCKS: u32 = 6;
/// The same where little hangs on it, and an answer is wanted soon.
pub const FEW_BLOCKS: u32 = 4;
/// Of these, those that must not be of the provider's own operator, where there are so many validators.
pub const BLOCKS_OF_OTHERS: u32 = 3;
/// Blocks of the shortest seed of a panel, at least: of one, whoever authors it would know all before it commits to
/// anything, in any of its slots.
pub const SHORTEST: u32 = 2;
/// How many times as many blocks a seed waits at most for those of others.
pub const LONGEST_WAIT: u32 = 4;
/// Outputs that are kept.
pub const KEPT: u32 = 2 * LONGEST_WAIT * BLOCKS + 16;

/// Blocks that a seed is made of: fewer where little hangs on it.
pub const fn blocks(small: bool) -> u32 {
	if small { FEW_BLOCKS } else { BLOCKS }
}

/// What a panel waits for until it is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Enough {
	/// Blocks of its longest seed.
	pub blocks: u32,
	/// Seeds. Of fewer than [`MAX_SEEDS`] one block would decide more than its share of the units.
	pub seeds: u32,
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

	/// The seeds of a panel for this operator's result, the shortest first, once the blocks after its trigger are
	/// enough: of all blocks up to each that may end one. As few blocks as do: a draw that is served late is the
	/// same.
	pub(crate) fn seeds(
		about: (PartOfTask, u8),
		trigger: u32,
		enough: Enough,
		own: &[GroupId],
	) -> Option<Vec<Hash>> {
		let last = Self::block().saturating_sub(1);
		let first = trigger.saturating_add(1).max(last.saturating_sub(KEPT - 1));
		let wanted = BLOCKS_OF_OTHERS.min(T::Validators::get().saturating_sub(1));
		let mut of_others = 0;
		let mut outputs = Vec::new();
		let mut ends = Vec::new();
		for block in first..=last {
			let Some(vrf) = Vrfs::<T>::get(block % KEPT).filter(|vrf| vrf.block == block) else {
				continue;
			};
			outputs.push(vrf.output);
			let count = outputs.len() as u32;
			let of_another = vrf.group.is_none_or(|group| !own.contains(&group));
			of_others += u32::from(of_another);
			let may_end = of_another || wanted == 0;
			let waited = block.saturating_sub(trigger) >= LONGEST_WAIT * enough.blocks;
			if may_end && count >= SHORTEST || waited && count >= enough.blocks {
				ends.push(outputs.len());
			}
			let satisfied = may_end && of_others >= wanted && ends.len() as u32 >= enough.seeds;
			if count >= enough.blocks && (satisfied || waited) {
				let kept = ends.split_off(ends.len().saturating_sub(MAX_SEEDS as usize));
				let of = |end| seed::<Blake2>(&about, &outputs[..end]);
				return Some(kept.into_iter().map(of).collect());
			}
		}
		None
	}
}
