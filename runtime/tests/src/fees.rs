use codec::Encode;
use frame_support::dispatch::GetDispatchInfo;
use ogpu_primitives::{MICRO, MILLI, OGPU};
use sp_keyring::Sr25519Keyring::{Alice, Bob};
use sp_runtime::traits::{Convert, One};

use super::on;
use ogpu_runtime::{
	Balances, BlockNumber, Runtime, RuntimeCall, TransactionPayment, Treasury,
	configs::{BlockWeights, MAXIMUM_BLOCK_LENGTH, NORMAL_DISPATCH_RATIO},
	fees::{self, FeeMultiplier},
	presets::TESTNET,
};

fn fee_of(call: &RuntimeCall, length: u32) -> u128 {
	TransactionPayment::compute_fee(length, &call.get_dispatch_info(), 0)
}

#[test]
fn a_transfer_costs_a_fraction_of_a_milli() {
	on(TESTNET, || {
		let call = RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
			dest: Bob.to_account_id().into(),
			value: OGPU,
		});
		let fee = fee_of(&call, 150);
		assert!((200 * MICRO..2 * MILLI).contains(&fee), "{fee}");
	});
}

#[test]
fn an_upgrade_fits_a_block_and_costs_by_the_byte() {
	on(TESTNET, || {
		let code = vec![0; 2 * 1024 * 1024];
		let call = RuntimeCall::System(frame_system::Call::apply_authorized_upgrade { code });
		let length = call.encoded_size() as u32;
		assert!(length < NORMAL_DISPATCH_RATIO * MAXIMUM_BLOCK_LENGTH);
		let weights = BlockWeights::get();
		let class = weights.get(call.get_dispatch_info().class);
		let weight = call.get_dispatch_info().call_weight;
		assert!(weight.all_lte(class.max_extrinsic.unwrap_or(weights.max_block)));
		assert!(fee_of(&call, length) >= u128::from(length) * fees::FEE_PER_BYTE);
	});
}

#[test]
fn full_blocks_make_fees_rise_and_empty_ones_fall_to_the_floor() {
	on(TESTNET, || {
		let start = pallet_transaction_payment::Multiplier::one();
		let full = BlockWeights::get()
			.get(frame_support::dispatch::DispatchClass::Normal)
			.max_total
			.expect("it is bounded");
		frame_system::Pallet::<Runtime>::set_block_consumed_resources(full, 0);
		assert!(FeeMultiplier::convert(start) > start);
		frame_system::Pallet::<Runtime>::set_block_consumed_resources(Default::default(), 0);
		let mut now = start;
		for _ in 0..200_000 {
			now = FeeMultiplier::convert(now);
		}
		assert_eq!(now, fees::MinimumMultiplier::get());
	});
}

#[test]
fn fees_go_half_to_the_treasury_and_without_an_author_wholly() {
	use frame_support::traits::{OnUnbalanced, fungible::Balanced, tokens};
	on(TESTNET, || {
		let pot = Treasury::pot();
		let credit = |amount| {
			Balances::withdraw(
				&Alice.to_account_id(),
				amount,
				tokens::Precision::Exact,
				tokens::Preservation::Preserve,
				tokens::Fortitude::Polite,
			)
			.expect("Alice has it")
		};
		// No block author outside a block: fee and tip end up in the treasury, and nothing is lost.
		let issuance = Balances::total_issuance();
		fees::ToTreasuryAndAuthor::on_unbalanceds([credit(OGPU), credit(MILLI)].into_iter());
		assert_eq!(Treasury::pot(), pot + OGPU + MILLI);
		assert_eq!(Balances::total_issuance(), issuance);
	});
}

#[test]
fn with_an_author_half_the_fee_and_all_of_the_tip_are_its() {
	use frame_support::traits::{OnUnbalanced, fungible::Balanced};
	use sp_consensus_babe::digests::{PreDigest, SecondaryPlainPreDigest};
	on(TESTNET, || {
		let author = Bob.to_account_id();
		let index = ogpu_runtime::Session::validators()
			.iter()
			.position(|validator| *validator == author)
			.expect("Bob validates");
		let digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
			authority_index: index as u32,
			slot: 1.into(),
		});
		let item =
			sp_runtime::DigestItem::PreRuntime(sp_consensus_babe::BABE_ENGINE_ID, digest.encode());
		let logs = sp_runtime::Digest { logs: vec![item] };
		frame_system::Pallet::<Runtime>::initialize(
			&(2 as BlockNumber),
			&Default::default(),
			&logs,
		);

		let (pot, balance) = (Treasury::pot(), Balances::free_balance(&author));
		let credits = [Balances::issue(OGPU), Balances::issue(MILLI)];
		fees::ToTreasuryAndAuthor::on_unbalanceds(credits.into_iter());
		assert_eq!(Treasury::pot(), pot + OGPU / 2);
		assert_eq!(Balances::free_balance(&author), balance + OGPU / 2 + MILLI);
	});
}
