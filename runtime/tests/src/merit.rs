//! What work means to validators: emission, era points, stake.

use codec::Encode;
use frame_support::{
	assert_ok,
	traits::{Get, RewardsReporter},
};
use ogpu_primitives::{
	MILLI, OGPU,
	market::{Address, Features, rules::MeritRules},
	ranged::Ranged32,
};
use ogpu_traits::{Deal, Guarantor, Merit as _, Registry};
use pallet_providers::{Device, PROOF_DOMAIN, Profile};
use pallet_trust_lock::Slashing;
use sp_core::{Pair, sr25519};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie};

use super::on;
use ogpu_runtime::{
	AccountId, Balances, Merit, Parameters, Providers, Runtime, RuntimeEvent, RuntimeOrigin,
	Staking, System,
	merit::{Event, Reported, Reporting},
	parameters::{RuntimeParameters, market},
};

fn register(who: &AccountId, seed: u8) {
	let worker = sr25519::Pair::from_seed(&[seed; 32]);
	let device = Device {
		name: b"a device".to_vec().try_into().expect("it is short"),
		memory: 33,
		features: Features::KNOWN,
		fingerprint: [seed; 32],
	};
	let profile = Profile {
		worker: worker.public().0,
		endpoint: ogpu_primitives::market::Endpoint {
			key: [seed; 32],
			addresses: vec![Address::V4([127, 0, 0, 1], 4433)].try_into().expect("one fits"),
			relay: None,
		},
		encryption: [2; 32],
		region: 276,
		devices: vec![device].try_into().expect("one fits"),
	};
	let message = (PROOF_DOMAIN, ogpu_traits::genesis::<Runtime>(), who).encode();
	let origin = RuntimeOrigin::signed(who.clone());
	assert_ok!(Providers::register(origin, profile, worker.sign(&message)));
}

/// Eve's provider is linked to the validator Alice.
fn linked() -> (AccountId, AccountId) {
	let (stash, provider) = (Alice.to_account_id(), Eve.to_account_id());
	register(&provider, 5);
	assert_ok!(Providers::link_stash(RuntimeOrigin::signed(stash.clone()), provider.clone()));
	assert_ok!(Providers::accept_stash(RuntimeOrigin::signed(provider.clone()), stash.clone()));
	(stash, provider)
}

fn points(stash: &AccountId) -> u32 {
	let era = pallet_staking::ErasRewardPoints::<Runtime>::get(0);
	era.individual.get(stash).copied().unwrap_or(0)
}

/// Some task of a client that has nothing to do with anybody.
fn deal(client: &AccountId, operators: u32) -> Deal<'_, AccountId> {
	Deal { client, operators }
}

#[test]
fn verifying_earns_points_up_to_a_tenth_of_those_for_own_blocks() {
	on("local", || {
		let (stash, provider) = linked();
		let client = Ferdie.to_account_id();
		let verified = |fee| Merit::verified(deal(&client, 3), &[(provider.clone(), fee)]);
		// Nothing to have a tenth of: what others have made does not count.
		Staking::reward_by_ids([(Bob.to_account_id(), 1_000)]);
		verified(OGPU);
		assert_eq!(points(&stash), 0);
		Staking::reward_by_ids([(stash.clone(), 1_000)]);
		verified(300 * MILLI);
		assert_eq!(points(&stash), 1_030);
		// Less than what a point costs is worth none.
		verified(10 * MILLI - 1);
		assert_eq!(points(&stash), 1_030);
		Merit::verified(
			deal(&client, 3),
			&[(provider.clone(), OGPU), (provider.clone(), OGPU), (client.clone(), OGPU)],
		);
		assert_eq!(points(&stash), 1_100);
		verified(OGPU);
		assert_eq!(points(&stash), 1_100);
		assert_eq!(pallet_staking::ErasRewardPoints::<Runtime>::get(0).total, 2_100);
	});
}

#[test]
fn points_cannot_be_bought_from_oneself() {
	on("local", || {
		let (stash, provider) = linked();
		Staking::reward_by_ids([(stash.clone(), 1_000)]);
		// Few could verify it, so that the own ones are drawn; or the client is the verifier, or its validator.
		for (client, operators) in
			[(Ferdie.to_account_id(), 2), (provider.clone(), 9), (stash.clone(), 9)]
		{
			Merit::verified(deal(&client, operators), &[(provider.clone(), OGPU)]);
		}
		assert_eq!(points(&stash), 1_000);
		// Nor does anybody earn points who does not validate in the era.
		let (idle, other) = (Ferdie.to_account_id(), Bob.to_account_id());
		register(&other, 8);
		assert_ok!(Providers::link_stash(RuntimeOrigin::signed(idle.clone()), other.clone()));
		assert_ok!(Providers::accept_stash(RuntimeOrigin::signed(other.clone()), idle.clone()));
		Merit::verified(deal(&Charlie.to_account_id(), 9), &[(other, OGPU)]);
		assert_eq!(points(&idle), 0);
	});
}

#[test]
fn work_is_credited_less_than_it_burnt_and_only_among_strangers() {
	on("local", || {
		let (stash, provider) = linked();
		let client = Charlie.to_account_id();
		pallet_token::ProviderBudget::<Runtime>::put(10 * OGPU);
		pallet_token::Scheduled::<Runtime>::mutate(|scheduled| *scheduled += 10 * OGPU);
		let before = Balances::free_balance(&provider);
		assert_eq!(Merit::worked(&provider, deal(&client, 3), OGPU), OGPU / 2);
		assert_eq!(Balances::free_balance(&provider) - before, OGPU / 2);
		// Never more than half, however little it is.
		assert_eq!(Merit::worked(&provider, deal(&client, 3), 1), 0);
		// Too few could have verified it.
		assert_eq!(Merit::worked(&provider, deal(&client, 2), OGPU), 0);
		// One pays itself, or has its validator pay.
		assert_eq!(Merit::worked(&provider, deal(&provider, 100), OGPU), 0);
		assert_eq!(Merit::worked(&provider, deal(&stash, 100), OGPU), 0);
		// Or an account that counts as the same operator.
		register(&client, 6);
		assert_eq!(Merit::worked(&provider, deal(&client, 100), OGPU), OGPU / 2);
		let group = Providers::group(&provider);
		pallet_providers::Providers::<Runtime>::mutate(&client, |found| {
			found.as_mut().expect("it is registered").group = group.expect("so is this one");
		});
		assert_eq!(Merit::worked(&provider, deal(&client, 100), OGPU), 0);
		// There is no more than what is scheduled.
		let stranger = Ferdie.to_account_id();
		assert_eq!(Merit::worked(&provider, deal(&stranger, 100), 100 * OGPU), 9 * OGPU);
		assert_eq!(Merit::worked(&provider, deal(&stranger, 100), 100 * OGPU), 0);
	});
}

#[test]
fn convictions_cost_stake_and_cannot_stop_the_chain() {
	on("local", || {
		let (stash, provider) = linked();
		let guarantor = Merit::guarantor(&provider).expect("it is linked to a validator");
		assert_eq!(guarantor, Guarantor { stash: stash.clone(), era: 0 });
		// Who unlinks answers all the same for what was taken on before.
		assert_ok!(Providers::unlink_stash(RuntimeOrigin::signed(stash.clone()), provider.clone()));
		assert_eq!(Merit::guarantor(&provider), None);
		Merit::convicted(&provider, &guarantor);
		let answered = Event::Answered { provider: provider.clone(), stash: stash.clone() };
		System::assert_has_event(RuntimeEvent::Merit(answered));
		let fraction = System::events().into_iter().find_map(|record| match record.event {
			RuntimeEvent::Staking(pallet_staking::Event::SlashReported {
				validator,
				fraction,
				..
			}) if validator == stash => Some(fraction),
			_ => None,
		});
		assert_eq!(fraction, Some(sp_runtime::Perbill::from_percent(1)));
		assert!(pallet_session::DisabledValidators::<Runtime>::get().is_empty());
		assert!(!Reporting::<Runtime>::exists());
		// Once in an era.
		System::reset_events();
		Merit::convicted(&provider, &guarantor);
		assert!(System::events().is_empty());
	});
}

#[test]
fn of_many_convicted_in_an_era_few_validators_are_reported() {
	on("local", || {
		let rules = MeritRules { reports: Ranged32::new(2), ..market::Merits::get() };
		let rules = market::Parameters::Merits(market::Merits, Some(rules));
		let origin = RuntimeOrigin::root();
		assert_ok!(Parameters::set_parameter(origin, RuntimeParameters::Market(rules)));
		let answered = || {
			let events = System::events().into_iter();
			let stashes = events.filter_map(|record| match record.event {
				RuntimeEvent::Merit(Event::Answered { stash, .. }) => Some(stash),
				_ => None,
			});
			stashes.collect::<Vec<_>>()
		};
		let convict = |stash: Sr25519Keyring| {
			let guarantor = Guarantor { stash: stash.to_account_id(), era: 0 };
			Merit::convicted(&Eve.to_account_id(), &guarantor);
		};
		System::reset_events();
		// Whoever was reported already does not count again.
		for stash in [Alice, Alice, Bob, Charlie, Dave] {
			convict(stash);
		}
		assert_eq!(answered(), [Alice, Bob].map(|stash| stash.to_account_id()));
		// Those of another era do not count.
		assert_eq!(Reported::<Runtime>::get(), (0, 2));
		Reported::<Runtime>::put((9, 2));
		convict(Charlie);
		assert_eq!(answered(), [Alice, Bob, Charlie].map(|stash| stash.to_account_id()));
	});
}

#[test]
fn with_slashing_off_no_stake_is_lost() {
	on("local", || {
		let (_, provider) = linked();
		let guarantor = Merit::guarantor(&provider).expect("it is linked to a validator");
		let off = market::Parameters::Slashes(market::Slashes, Some(Slashing::DryRun));
		let origin = RuntimeOrigin::root();
		assert_ok!(Parameters::set_parameter(origin, RuntimeParameters::Market(off)));
		System::reset_events();
		Merit::convicted(&provider, &guarantor);
		assert!(System::events().is_empty());
	});
}
