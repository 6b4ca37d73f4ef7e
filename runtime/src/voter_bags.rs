//! The thresholds of the voter list: bags a fifth apart.

use frame_election_provider_support::VoteWeight;

/// How many bags there are.
const BAGS: usize = 144;

/// Upper bounds of the bags, ascending. Vote weight is a stake scaled so that the whole issuance fits
/// 64 bits; the first bag ends at
/// about a hundred-thousandth of an oGPU.
pub const THRESHOLDS: [VoteWeight; BAGS] = {
	let mut bags = [0; BAGS];
	let mut bound: VoteWeight = 100_000_000;
	let mut i = 0;
	while i < BAGS {
		bags[i] = bound;
		bound = bound.saturating_add(bound / 5);
		i += 1;
	}
	bags[BAGS - 1] = VoteWeight::MAX;
	bags
};
