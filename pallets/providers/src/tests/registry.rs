//! What others ask the registry.

use frame_support::assert_ok;
use ogpu_primitives::{
	MILLI,
	market::{DeviceTier, Features, reputation::Aspect, spec::Requirements},
};
use ogpu_traits::{Registry, Unmet};

use crate::{MAX_LISTED, Providers as Table, mock::*};

#[test]
fn requirements_are_met_by_one_device() {
	build_and_execute(|| {
		let mut two = profile(1);
		// One has the memory, the other the feature; neither has both.
		two.devices[0].memory = 36;
		two.devices.try_push(device(2, 30)).expect("there is room");
		two.devices[1].features = Features::FP64;
		assert_ok!(Providers::register(RuntimeOrigin::signed(1), two, proof(1, 1)));
		let meets = |requirements| Providers::meets(&1, &requirements).err();
		assert_eq!(meets(anything()), None);
		assert_eq!(meets(Requirements { memory: 36, ..anything() }), None);
		assert_eq!(meets(Requirements { memory: 37, ..anything() }), Some(Unmet::NoDevice));
		let fp64 = Requirements { features: Features::FP64, ..anything() };
		assert_eq!(meets(fp64), None);
		assert_eq!(meets(Requirements { memory: 31, ..fp64 }), Some(Unmet::NoDevice));
		let professional = Requirements { tier: DeviceTier::Professional, ..anything() };
		assert_eq!(meets(professional), Some(Unmet::NoDevice));
		assert_ok!(Providers::set_rating(&1, 10_000));
		assert_eq!(meets(professional), None);
		assert_eq!(meets(Requirements { region: Some(276), ..anything() }), None);
		let elsewhere = Requirements { region: Some(40), ..anything() };
		assert_eq!(meets(elsewhere), Some(Unmet::Region));
		let trusted = Requirements { reputation: 501, ..anything() };
		assert_eq!(meets(trusted), Some(Unmet::Reputation));
		Providers::see(&1, Aspect::Verdicts, 100 * MILLI, 1000);
		assert_eq!(meets(trusted), None);
		assert_eq!(Providers::meets(&9, &anything()), Err(Unmet::Unregistered));
		// About whom nothing is known, nothing is noted.
		Providers::see(&9, Aspect::Verdicts, MILLI, 0);
		assert!(Providers::set_rating(&9, 1).is_err());
	});
}

#[test]
fn capacity_is_who_is_there_and_utilisation_who_works() {
	build_and_execute(|| {
		for who in 1..=3 {
			register(who);
		}
		let utilisation = || Providers::utilisation(DeviceTier::Consumer);
		assert_eq!(utilisation(), (0, 0));
		session(1);
		for who in 1..=3 {
			heartbeat(who);
		}
		assert_eq!(utilisation(), (0, 3_000));
		session(2);
		// Those of the session before count until this one has its own.
		heartbeat(1);
		assert_eq!(utilisation(), (0, 3_000));
		Providers::occupy(&1, true);
		Providers::occupy(&1, true);
		// A rating that changes meanwhile does not unbalance the sum.
		assert_ok!(Providers::set_rating(&1, 50_000));
		assert_eq!(utilisation().0, 1_000);
		Providers::occupy(&1, false);
		assert_eq!(utilisation().0, 1_000);
		Providers::occupy(&1, false);
		assert_eq!(utilisation().0, 0);
		session(4);
		assert_eq!(utilisation(), (0, 0));
	});
}

#[test]
fn listings_come_in_pages() {
	build_and_execute(|| {
		for who in 1..=5 {
			register(who);
		}
		let (all, more) = Providers::list(anything(), None);
		assert_eq!((all.len(), more), (5, None));
		let (rest, _) = Providers::list(anything(), Some(all[1]));
		assert_eq!(rest, all[2..]);
		let (none, _) = Providers::list(Requirements { memory: 40, ..anything() }, None);
		assert!(none.is_empty());
		// More than a page: copies of one, straight into the table.
		let one = Table::<Test>::get(1).expect("it is registered");
		for who in 1_000..1_000 + u64::from(MAX_LISTED) {
			Table::<Test>::insert(who, one.clone());
		}
		let (first, next) = Providers::list(anything(), None);
		assert_eq!(first.len() as u32, MAX_LISTED);
		let (second, end) = Providers::list(anything(), next);
		assert_eq!((second.len(), end), (5, None));
		for who in 1_000..1_000 + u64::from(MAX_LISTED) {
			Table::<Test>::remove(who);
		}
		let (provider, active, seats) = Providers::get(1).expect("it is registered");
		assert!(provider.rating == 0 && active && seats == 0);
	});
}
