//! Tests by topic: [`supply`] runs ten thousand eras; the rest is here.

mod supply;

use frame_support::{assert_noop, assert_ok};
use ogpu_primitives::{Balance, CAP, OGPU, emission};
use sp_runtime::TokenError;
use sp_staking::EraPayout;

use crate::{
	EmissionSplit, Error, Event, MAX_ERA_STRETCH, MAX_SCHEDULE_YEARS, Minted, ProviderBudget,
	Scheduled, Shares, mock::*,
};

#[docify::export]
#[test]
fn an_era_is_scheduled_split_and_issued() {
	build_and_execute(|| {
		let total = emission::era_payout(GENESIS, ERA_MS);
		let (validators, treasury) = Token::era_payout(0, 0, ERA_MS);
		let providers = ProviderBudget::<Test>::get();

		// Everything is scheduled at once, and nothing is issued yet.
		assert_eq!(validators + providers + treasury, total);
		assert_eq!(Scheduled::<Test>::get(), GENESIS + total);
		assert_eq!(Minted::<Test>::get(), GENESIS);

		// Staking issues the treasury's part now and the validators' when somebody asks for it.
		issue_remainder(treasury);
		pay_staker(ALICE, validators);
		assert_eq!(Minted::<Test>::get(), GENESIS + treasury + validators);
		assert_eq!(Balances::total_issuance(), GENESIS + treasury + validators);

		// Providers earn theirs by work; what they don't earn is never issued.
		assert_ok!(Token::credit_work(&PROVIDER, providers / 2));
		assert_eq!(Balances::free_balance(PROVIDER), OGPU + providers / 2);
		assert_eq!(ProviderBudget::<Test>::get(), providers - providers / 2);
	});
}

#[test]
fn an_era_says_what_it_scheduled() {
	build_and_execute(|| {
		let (validators, treasury) = Token::era_payout(0, 0, ERA_MS);
		System::assert_last_event(
			Event::EraScheduled {
				duration_ms: ERA_MS,
				validators,
				providers: ProviderBudget::<Test>::get(),
				treasury,
			}
			.into(),
		);
	});
}

#[test]
fn a_halted_chain_does_not_print_a_year_at_once() {
	build_and_execute(|| {
		let expected = emission::era_payout(GENESIS, MAX_ERA_STRETCH * ERA_MS);
		Token::era_payout(0, 0, emission::YEAR_MS);
		assert_eq!(Scheduled::<Test>::get(), GENESIS + expected);
	});
}

#[test]
fn an_era_without_duration_schedules_nothing() {
	build_and_execute(|| {
		assert_eq!(Token::era_payout(0, 0, 0), (0, 0));
		assert_eq!(Scheduled::<Test>::get(), GENESIS);
	});
}

#[test]
fn credit_beyond_the_budget_is_refused() {
	build_and_execute(|| {
		Token::era_payout(0, 0, ERA_MS);
		let budget = ProviderBudget::<Test>::get();
		assert_noop!(
			Token::credit_work(&PROVIDER, budget + 1),
			Error::<Test>::ProviderBudgetExceeded
		);
		assert_ok!(Token::credit_work(&PROVIDER, budget));
		System::assert_last_event(
			Event::WorkCredited { provider: PROVIDER, amount: budget }.into(),
		);
		assert_noop!(Token::credit_work(&PROVIDER, 1), Error::<Test>::ProviderBudgetExceeded);
	});
}

#[test]
fn credit_that_the_currency_refuses_leaves_the_budget() {
	build_and_execute(|| {
		Token::era_payout(0, 0, ERA_MS);
		// Account 99 does not exist and the mock's existential deposit is 1.
		let budget = ProviderBudget::<Test>::get();
		assert_noop!(Token::credit_work(&99, 0), TokenError::BelowMinimum);
		assert_eq!(ProviderBudget::<Test>::get(), budget);
	});
}

#[test]
fn burning_does_not_reopen_the_cap() {
	build_and_execute(|| {
		let before = Token::next_payout();
		burn(ALICE, 1_000_000 * OGPU);
		assert_eq!(Scheduled::<Test>::get(), GENESIS);
		assert_eq!(Minted::<Test>::get(), GENESIS);
		assert_eq!(Token::next_payout(), before);
	});
}

#[test]
fn burning_more_than_there_is_changes_nothing() {
	build_and_execute(|| {
		assert_noop!(Token::burn(&PROVIDER, 2 * OGPU), TokenError::FundsUnavailable);
	});
}

#[test]
fn the_split_is_the_parameter() {
	build_and_execute(|| {
		let split = EmissionSplit::new(900_000, 100_000).expect("within bounds");
		crate::mock::Split::set(split);
		let total = emission::era_payout(GENESIS, ERA_MS);
		let Shares { validators, providers, treasury } = split.divide(total);
		assert_eq!(Token::next_payout(), (validators, providers, treasury));
		assert_eq!(Token::era_payout(0, 0, ERA_MS), (validators, treasury));
		assert_eq!(ProviderBudget::<Test>::get(), providers);
	});
}

#[test]
fn the_views_answer() {
	build_and_execute(|| {
		assert_eq!(Token::cap(), CAP);
		assert_eq!((Token::scheduled(), Token::minted()), (GENESIS, GENESIS));
		assert_eq!(Token::schedule(4), emission::schedule(GENESIS, 4).collect::<Vec<_>>());
		assert_eq!(Token::schedule(u32::MAX).len(), MAX_SCHEDULE_YEARS as usize);
	});
}

#[test]
#[should_panic(expected = "more than the cap")]
fn genesis_above_the_cap_is_refused() {
	storage(vec![(ALICE, CAP), (PROVIDER, 1)]);
}

#[test]
fn genesis_at_the_cap_emits_nothing() {
	sp_io::TestExternalities::from(storage(vec![(ALICE, CAP)])).execute_with(|| {
		assert_eq!(Token::era_payout(0, 0, ERA_MS), (0, 0));
		assert_ok!(Token::do_try_state());
	});
}

#[test]
fn try_state_notices_forged_tokens_and_broken_books() {
	let broken: [fn(); 3] = [
		|| forge(ALICE, 1),
		|| Minted::<Test>::put(GENESIS + 1),
		|| Scheduled::<Test>::put(CAP + 1),
	];
	for break_it in broken {
		build_and_execute(|| {
			let kept: (Balance, Balance) = (Scheduled::<Test>::get(), Minted::<Test>::get());
			break_it();
			assert!(Token::do_try_state().is_err());
			Scheduled::<Test>::put(kept.0.max(Balances::total_issuance()));
			Minted::<Test>::put(Balances::total_issuance());
		});
	}
}
