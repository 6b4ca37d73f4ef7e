//! Ten thousand eras of random lengths, payouts, credits and burns.

use ogpu_primitives::{Balance, CAP, emission};
use sp_staking::EraPayout;

use crate::{MAX_ERA_STRETCH, Minted, ProviderBudget, Scheduled, mock::*};

const ERAS: u32 = 10_000;

/// Marsaglia's xorshift64*: enough to vary a test, and the same on every machine.
struct Random(u64);

impl Random {
	fn below(&mut self, bound: u128) -> u128 {
		self.0 ^= self.0 >> 12;
		self.0 ^= self.0 << 25;
		self.0 ^= self.0 >> 27;
		u128::from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)) % bound.max(1)
	}
}

#[test]
fn ten_thousand_random_eras_stay_under_the_cap_and_near_the_closed_form() {
	for seed in [1, 0x5eed, u64::MAX] {
		build_and_execute(|| run(&mut Random(seed)));
	}
}

fn run(random: &mut Random) {
	let (mut counted_ms, mut burnt, mut unpaid) = (0u64, 0, 0);
	for era in 0..ERAS {
		// From nothing to three times the intended duration: some are clamped.
		let duration = random.below(u128::from(3 * ERA_MS)) as u64;
		counted_ms += duration.min(MAX_ERA_STRETCH * ERA_MS);

		let (validators, treasury) = Token::era_payout(0, 0, duration);
		issue_remainder(treasury);
		unpaid += validators;
		// In two of three eras somebody claims what is due.
		if !random.below(3).is_multiple_of(3) {
			pay_staker(ALICE, std::mem::take(&mut unpaid));
		}
		let credit = random.below(ProviderBudget::<Test>::get());
		if credit > 0 {
			Token::credit_work(&PROVIDER, credit).expect("within the budget");
		}
		let burn_now = random.below(Balances::free_balance(ALICE) / 1_000);
		burn(ALICE, burn_now);
		burnt += burn_now;

		assert!(Scheduled::<Test>::get() < CAP, "era {era} passed the cap");
		Token::do_try_state().expect("the invariants hold after every era");
	}

	let closed_form = GENESIS + emission::era_payout(GENESIS, counted_ms);
	let bound = Balance::from(ERAS + 1) * emission::PAYOUT_ERROR;
	assert!(Scheduled::<Test>::get().abs_diff(closed_form) <= bound);
	assert_eq!(Balances::total_issuance() + burnt, Minted::<Test>::get());
	// The run is long enough to mean something: over a tenth of what was left has been scheduled.
	assert!(Scheduled::<Test>::get() - GENESIS > (CAP - GENESIS) / 10);
}
