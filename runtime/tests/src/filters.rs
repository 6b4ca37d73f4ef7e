use frame_support::{
	assert_err, assert_ok,
	traits::{Contains, InstanceFilter},
};
use ogpu_primitives::OGPU;
use sp_keyring::Sr25519Keyring::{Alice, Bob};
use sp_runtime::traits::Dispatchable;

use super::on;
use ogpu_runtime::{
	Runtime, RuntimeCall, RuntimeOrigin, SafeMode,
	configs::{NoSudoOutsideDev, ProxyType},
	governance::origins::Origin,
	presets::{DEV, LOCAL, TESTNET},
};

fn remark() -> RuntimeCall {
	RuntimeCall::System(frame_system::Call::remark { remark: vec![] })
}

fn transfer() -> RuntimeCall {
	RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
		dest: Bob.to_account_id().into(),
		value: OGPU,
	})
}

fn alice() -> RuntimeOrigin {
	RuntimeOrigin::signed(Alice.to_account_id())
}

#[test]
fn sudo_passes_in_dev_alone() {
	let call = || RuntimeCall::Sudo(pallet_sudo::Call::sudo { call: Box::new(remark()) });
	on(DEV, || {
		assert_ok!(call().dispatch(alice()));
	});
	for name in [LOCAL, TESTNET] {
		on(name, || {
			assert!(!NoSudoOutsideDev::contains(&call()));
			let error = call().dispatch(alice()).expect_err("it is filtered").error;
			assert_eq!(error, frame_system::Error::<Runtime>::CallFiltered.into());
		});
	}
}

#[test]
fn a_pause_stops_transfers_and_not_the_way_out_of_it() {
	on(LOCAL, || {
		assert_ok!(SafeMode::force_enter(Origin::EmergencyPauser.into()));
		let error = transfer().dispatch(alice()).expect_err("paused").error;
		assert_eq!(error, frame_system::Error::<Runtime>::CallFiltered.into());
		// A batch is let through, what it wraps is not.
		let batch =
			RuntimeCall::Utility(pallet_utility::Call::batch_all { calls: vec![transfer()] });
		assert!(batch.dispatch(alice()).is_err());
		assert_ok!(remark().dispatch(alice()));
		assert_ok!(SafeMode::force_exit(Origin::EmergencyPauser.into()));
		assert_ok!(transfer().dispatch(alice()));
	});
}

#[test]
fn nobody_can_buy_a_pause() {
	on(LOCAL, || {
		assert_err!(SafeMode::enter(alice()), pallet_safe_mode::Error::<Runtime>::NotConfigured);
		assert!(SafeMode::force_enter(alice()).is_err());
	});
}

#[test]
fn proxies_do_what_their_type_says() {
	let nominate = RuntimeCall::Staking(pallet_staking::Call::chill {});
	let vote = RuntimeCall::ConvictionVoting(pallet_conviction_voting::Call::remove_vote {
		class: None,
		index: 0,
	});
	for (proxy, moves, stakes, votes) in [
		(ProxyType::Any, true, true, true),
		(ProxyType::NonTransfer, false, true, true),
		(ProxyType::Governance, false, false, true),
		(ProxyType::Staking, false, true, false),
		(ProxyType::NominationPools, false, false, false),
		(ProxyType::CancelProxy, false, false, false),
	] {
		assert_eq!(
			(proxy.filter(&transfer()), proxy.filter(&nominate), proxy.filter(&vote)),
			(moves, stakes, votes),
			"{proxy:?}"
		);
		assert!(ProxyType::Any.is_superset(&proxy));
		assert_eq!(proxy.is_superset(&ProxyType::Any), proxy == ProxyType::Any);
	}
}

#[test]
fn the_slash_canceller_cancels_and_does_not_slash() {
	on(LOCAL, || {
		let slash = RuntimeCall::Staking(pallet_staking::Call::manual_slash {
			validator_stash: Bob.to_account_id(),
			era: 0,
			slash_fraction: sp_runtime::Perbill::from_percent(100),
		});
		let canceller = || RuntimeOrigin::from(Origin::SlashCanceller);
		let error = slash.clone().dispatch(canceller()).expect_err("it is filtered").error;
		assert_eq!(error, frame_system::Error::<Runtime>::CallFiltered.into());
		let cancel = RuntimeCall::Staking(pallet_staking::Call::cancel_deferred_slash {
			era: 1,
			slash_indices: vec![0],
		});
		let error = cancel.dispatch(canceller()).expect_err("there is no such slash").error;
		assert_ne!(error, frame_system::Error::<Runtime>::CallFiltered.into());
		assert_ne!(error, sp_runtime::DispatchError::BadOrigin);
	});
}

#[test]
fn a_miss_disables_nobody_and_a_slash_does() {
	use pallet_session::disabling::DisablingStrategy;
	use sp_staking::offence::OffenceSeverity;
	on(LOCAL, || {
		let decide = |percent| {
			let severity = OffenceSeverity(sp_runtime::Perbill::from_percent(percent));
			<ogpu_runtime::configs::DisableTheSlashed as DisablingStrategy<Runtime>>::decision(
				&Bob.to_account_id(),
				severity,
				&vec![],
			)
			.disable
		};
		assert_eq!(decide(0), None);
		assert!(decide(1).is_some());
	});
}
