use codec::{Decode, Encode};
use frame_support::{assert_noop, assert_ok, traits::EnsureOrigin};
use ogpu_primitives::OGPU;
use pallet_referenda::TracksInfo;
use pallet_token::EmissionSplit;
use sp_keyring::Sr25519Keyring::Alice;
use sp_runtime::{DispatchError, traits::Get};

use super::on;
use ogpu_runtime::{
	OriginCaller, Parameters, Runtime, RuntimeCall, RuntimeOrigin, Treasury,
	governance::{
		Tracks,
		origins::{
			Origin,
			pallet_origins::{SMALL_SPEND, Spender},
		},
	},
	parameters::{RuntimeParameters, token},
	presets::{LOCAL, TESTNET},
};

#[test]
fn tracks_are_sorted_and_every_power_has_one() {
	for name in [LOCAL, TESTNET] {
		on(name, || {
			assert_ok!(Tracks::check_integrity());
			let ids: Vec<_> = Tracks::track_ids().collect();
			let powers = [
				Origin::ParameterAdmin,
				Origin::Treasurer,
				Origin::SmallSpender,
				Origin::SlashCanceller,
				Origin::EmergencyPauser,
				Origin::ReferendumCanceller,
				Origin::ReferendumKiller,
			];
			let of = |caller: OriginCaller| Tracks::track_for(&caller).expect("it has a track");
			let mut used = vec![of(frame_system::RawOrigin::Root.into())];
			used.extend(powers.into_iter().map(|power| of(OriginCaller::Origins(power))));
			assert_eq!(used, ids, "one track for each, and no track without a use");
			assert!(Tracks::track_for(&frame_system::RawOrigin::None.into()).is_err());
		});
	}
}

#[test]
fn a_fast_referendum_can_pass_in_under_three_minutes() {
	on(LOCAL, || {
		for id in Tracks::track_ids() {
			let track = Tracks::info(id).expect("listed");
			let blocks = track.prepare_period + track.confirm_period + track.min_enactment_period;
			assert!(blocks * 3 < 180, "track {id}");
		}
	});
	on(TESTNET, || {
		let root = Tracks::info(0).expect("root");
		assert!(root.decision_period >= 7 * ogpu_runtime::timing::DAYS);
	});
}

fn set(split: Option<EmissionSplit>) -> RuntimeParameters {
	RuntimeParameters::Token(token::Parameters::Split(token::Split, split))
}

#[test]
fn the_split_is_set_by_its_track_alone() {
	on(TESTNET, || {
		let split = EmissionSplit::new(400_000, 500_000).expect("in bounds");
		assert_noop!(
			Parameters::set_parameter(
				RuntimeOrigin::signed(Alice.to_account_id()),
				set(Some(split))
			),
			DispatchError::BadOrigin
		);
		assert!(Parameters::set_parameter(Origin::Treasurer.into(), set(Some(split))).is_err());
		assert_ok!(Parameters::set_parameter(Origin::ParameterAdmin.into(), set(Some(split))));
		assert_eq!(<Runtime as pallet_token::Config>::Split::get(), split);
	});
}

#[test]
fn a_split_out_of_bounds_is_no_call() {
	let good = EmissionSplit::DEFAULT;
	let call = RuntimeCall::Parameters(pallet_parameters::Call::set_parameter {
		key_value: set(Some(good)),
	});
	let encoded = call.encode();
	assert!(RuntimeCall::decode(&mut &encoded[..]).is_ok());
	let at = encoded
		.windows(8)
		.position(|window| window == good.encode())
		.expect("the split is in the call");
	let mut bad = encoded.clone();
	bad[at..at + 8].copy_from_slice(&(1_000_000u32, 1u32).encode());
	assert!(RuntimeCall::decode(&mut &bad[..]).is_err());
}

#[test]
fn spenders_have_limits() {
	on(TESTNET, || {
		let small = RuntimeOrigin::from(Origin::SmallSpender);
		assert_eq!(Spender::ensure_origin(small.clone()).ok(), Some(SMALL_SPEND));
		let beneficiary = Alice.to_account_id();
		let spend = |amount| {
			Treasury::spend(
				small.clone(),
				Box::new(()),
				amount,
				Box::new(beneficiary.clone()),
				None,
			)
		};
		assert_ok!(spend(SMALL_SPEND));
		assert!(spend(SMALL_SPEND + OGPU).is_err());
		assert!(Spender::ensure_origin(RuntimeOrigin::from(Origin::SlashCanceller)).is_err());
	});
}
