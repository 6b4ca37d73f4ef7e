//! "It won't give me the data."

use codec::Encode;
use frame_support::{BoundedVec, assert_noop, assert_ok, traits::fungible::Inspect};
use ogpu_primitives::{
	OGPU,
	job::{
		Arg, BlobId, Buffer, Element, Init, Job, Name, Profile, Program, Resources, Role, Shape,
		Step, Timeouts, VERSION,
	},
	market::{TaskId, price::share, spec::TaskSpec},
	merkle::{Blake2, Tree, leaf},
	piece::{PIECE, Piece},
};
use ogpu_traits::{Collateral, PartOfTask, Verdict};

use crate::{
	Answer, Convictions, Delivery, Demanded, Demands, Done, Ending, Error, Escrows, MAX_DEMANDS,
	MAX_OF_CLIENT, Records, Status, Tasks as Live, mock::*, types::work_lock,
};

const MEMBER: u64 = VERIFIER;
const BOND: u128 = OGPU / 20;

fn id(data: &[u8]) -> BlobId {
	BlobId(*blake3::hash(data).as_bytes())
}

/// What a unit of the job writes to its two buffers: a little, and some pieces.
fn slices(unit: u32) -> [Vec<u8>; 2] {
	[vec![unit as u8; 100], vec![unit as u8; 3 * PIECE as usize + 5]]
}

fn hashes(unit: u32) -> Vec<BlobId> {
	slices(unit).iter().map(|slice| id(slice)).collect()
}

fn tree(spec: &TaskSpec, part: u8) -> Tree {
	let first = spec.first_unit(part);
	let units = first..first + spec.units_of(part);
	let slices = |unit| hashes(unit).iter().map(|slice| slice.0).collect::<Vec<_>>();
	let leaves = units.map(|unit| leaf::<Blake2>(unit, &slices(unit))).collect();
	Tree::new::<Blake2>(leaves).expect("there are units")
}

fn input() -> Vec<u8> {
	vec![42; 2 * PIECE as usize]
}

/// A job with one input.
fn job() -> Job {
	let name = |text| Name::new(text).expect("it is short");
	let buffer = Buffer {
		name: name("x"),
		role: Role::Input,
		element: Element::U8,
		len: input().len() as u64,
		init: Init::Blob(id(&input())),
	};
	Job {
		version: VERSION,
		name: name("test"),
		profile: Profile::ExactInt,
		program: Program { source: BlobId([5; 32]), source_len: 100, prelude: None },
		buffers: BoundedVec::truncate_from(vec![buffer]),
		steps: BoundedVec::truncate_from(vec![Step {
			kernel: name("f"),
			args: BoundedVec::truncate_from(vec![Arg::Buffer(0)]),
			global: BoundedVec::truncate_from(vec![6400]),
			local: BoundedVec::truncate_from(vec![64]),
		}]),
		shape: Shape::DataParallel { groups: 1 },
		resources: Resources { memory: 1 << 20, fp64: false },
		timeouts: Timeouts { build_ms: 1_000, step_ms: 1_000, total_ms: 10_000 },
	}
}

fn spec_of_job() -> TaskSpec {
	let mut spec = spec();
	spec.job.hash = job().hash();
	spec.job.blob = id(&job().encode());
	spec
}

/// A task that provider 1 has, with the roots of all of its parts.
fn rooted(spec: TaskSpec) -> TaskId {
	let task = submit(spec);
	auction(task, &[(1, 40 * OGPU), (2, 50 * OGPU)]);
	compute(task);
	task
}

/// Whoever has it computes what is not settled.
fn compute(task: TaskId) {
	acknowledge(task);
	let (who, found) = (holder(task).expect("somebody has it"), live(task));
	for part in found.progress.settled..found.spec.parts {
		let root = tree(&found.spec, part).root();
		assert_ok!(act(who, Done::Root { task, attempt: found.attempt, part, root }));
	}
}

/// The same, delivered.
fn delivered() -> TaskId {
	let task = rooted(spec_of_job());
	decide(Verdict::Valid, OGPU / 10);
	task
}

fn demand(who: u64, task: TaskId, demanded: Demanded, piece: u32) -> Result<u32, &'static str> {
	let number = crate::NextDemand::<Test>::get();
	Tasks::demand(RuntimeOrigin::signed(who), task, demanded, piece)?;
	Ok(number)
}

fn output(unit: u32, slice: u8) -> Demanded {
	Demanded::Output { part: 0, unit, slice }
}

fn input_of(blob: BlobId, job: &[u8]) -> Demanded {
	let job = BoundedVec::truncate_from(job.to_vec());
	Demanded::Input { attempt: 0, part: 0, panel: 3, job, blob }
}

/// What answers a demand for a piece of a unit's result.
fn answer(task: TaskId, unit: u32, slice: usize, piece: u32) -> Answer {
	let spec = live(task).spec;
	let siblings = tree(&spec, 0).prove(&[unit]).expect("it is there").siblings;
	Answer {
		slices: BoundedVec::truncate_from(hashes(unit)),
		siblings: BoundedVec::truncate_from(siblings),
		piece: slices(unit).get(slice).map(|slice| Piece::of(slice, piece)),
	}
}

fn give(who: u64, task: TaskId, demand: u32, answer: Answer) -> sp_runtime::DispatchResult {
	act(who, Done::Answer { task, demand, answer: Box::new(answer) })
}

fn panel(task: TaskId) -> PartOfTask {
	let part = PartOfTask { task, attempt: 0, part: 0 };
	OnPanel::set(vec![(part, 3, MEMBER)]);
	part
}

#[test]
fn a_piece_of_the_result_is_demanded_and_posted() {
	build_and_execute(|| {
		let task = delivered();
		let (client, provider) = (Balances::balance(&CLIENT), Balances::balance(&1));
		let number = demand(CLIENT, task, output(7, 1), 2).expect("it may");
		assert_eq!(Balances::balance(&CLIENT), client - BOND);
		assert_ok!(give(1, task, number, answer(task, 7, 1, 2)));
		// Whoever posts it gets the bond; delivery is still awaited.
		assert_eq!(Balances::balance(&1), provider + BOND);
		assert_ok!(demand(CLIENT, task, output(8, 0), 0));
		assert!(matches!(live(task).status, Status::Delivered { .. }));
	});
}

#[test]
fn what_does_not_exist_is_answered_by_proving_that() {
	build_and_execute(|| {
		let task = delivered();
		// The slice has four pieces: the last one says so.
		let number = demand(CLIENT, task, output(7, 1), 50).expect("it may");
		let early = answer(task, 7, 1, 2);
		assert_noop!(give(1, task, number, early), Error::<Test>::WrongPiece);
		assert_ok!(give(1, task, number, answer(task, 7, 1, 50)));
		// A unit has two slices: their hashes say so.
		let number = demand(CLIENT, task, output(7, 2), 0).expect("it may");
		assert_ok!(give(1, task, number, answer(task, 7, 2, 0)));
	});
}

#[test]
fn provider_paid_but_not_delivering() {
	build_and_execute(|| {
		let task = delivered();
		let lock = TrustLock::locked(&1, work_lock(task, 0));
		assert_ok!(demand(CLIENT, task, output(7, 1), 0));
		// Its node may be off for a while: it has as long as for a late opening.
		blocks(195);
		assert!(matches!(live(task).status, Status::Delivered { delivery: Delivery::Awaited, .. }));
		while Records::<Test>::get(task).is_none() {
			next_block();
		}
		let record = Records::<Test>::get(task).expect("it has ended");
		assert_eq!(record.ending, Ending::Undelivered);
		// The client has all of it back: price, protocol fee, what verifiers got, the bond.
		assert_eq!(Balances::balance(&CLIENT), ENDOWMENT);
		assert_eq!(Escrows::<Test>::get(CLIENT), 0);
		// The provider has lost that, and the penalty of a missed deadline; the rest of its lock is free.
		let price = 50 * OGPU;
		let loss = share(price, 20_000) + price * 9 / 10 + OGPU / 10 + 100 * OGPU / 10;
		assert!(lock > loss);
		assert_eq!(pallet_trust_lock::Ledgers::<Test>::get(1).bonded(), crate::mock::BOND - loss);
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
	});
}

#[test]
fn a_client_that_has_the_result_demands_in_vain() {
	build_and_execute(|| {
		let task = delivered();
		assert_ok!(demand(CLIENT, task, output(7, 1), 0));
		assert_ok!(Tasks::acknowledge_delivery(RuntimeOrigin::signed(CLIENT), task));
		assert_eq!(demand(CLIENT, task, output(7, 1), 0), Err("WrongStatus"));
		// It does not keep the task open either.
		blocks(15);
		assert_eq!(Records::<Test>::get(task).map(|record| record.ending), Some(Ending::Completed));
		let client = Balances::balance(&CLIENT);
		blocks(200);
		assert_eq!(Demands::<Test>::iter().count(), 0);
		assert_eq!(Balances::balance(&CLIENT), client + BOND);
		assert_eq!(pallet_trust_lock::Ledgers::<Test>::get(1).bonded(), crate::mock::BOND);
	});
}

#[test]
fn a_client_cannot_keep_a_task_open_for_ever() {
	build_and_execute(|| {
		let task = delivered();
		let mut demanded = 0;
		while let Ok(number) = demand(CLIENT, task, output(7, 1), 0) {
			assert_ok!(give(1, task, number, answer(task, 7, 1, 0)));
			demanded += 1;
			// As long as a demand that is answered at once can keep it.
			next_block();
			if demanded > 3 {
				Live::<Test>::mutate(task, |task| {
					task.as_mut().expect("it is live").demands = MAX_OF_CLIENT;
				});
			}
		}
		assert_eq!(demand(CLIENT, task, output(7, 1), 0), Err("TooManyDemands"));
		// What is answered prolongs nothing.
		pass(task);
		assert_eq!(Records::<Test>::get(task).map(|record| record.ending), Some(Ending::Completed));
	});
}

#[test]
fn a_flood_of_demands_gives_more_time() {
	build_and_execute(|| {
		let task = delivered();
		// Others wait for the same provider, whose node posts one piece in a block.
		crate::Pending::<Test>::insert(1, 5);
		let number = demand(CLIENT, task, output(7, 1), 0).expect("it may");
		assert_eq!(crate::Pending::<Test>::get(1), 6);
		let until = Demands::<Test>::get(task, number).map(|found| found.until);
		assert_eq!(until, Some(crate::Now::<Test>::get() + 200 + 5));
		assert_ok!(give(1, task, number, answer(task, 7, 1, 0)));
		assert_eq!(crate::Pending::<Test>::get(1), 5);
		crate::Pending::<Test>::remove(1);
	});
}

#[test]
fn withholding_costs_no_less_than_fraud() {
	build_and_execute(|| {
		let task = delivered();
		let lock = TrustLock::locked(&1, work_lock(task, 0));
		assert_ok!(demand(CLIENT, task, output(7, 1), 0));
		let awaited =
			|| matches!(live(task).status, Status::Delivered { delivery: Delivery::Awaited, .. });
		while awaited() {
			next_block();
		}
		// It has paid back, and would rather not be asked what it has made up. But what is left of its lock stays.
		let client = Balances::balance(&CLIENT);
		assert!(TrustLock::locked(&1, work_lock(task, 0)) > 0);
		assert_eq!(demand(CLIENT, task, output(7, 1), 0), Err("WrongStatus"));
		decide_part(PartOfTask { task, attempt: 0, part: 0 }, Verdict::Fraud { unit: 3 }, 0);
		assert_eq!(Records::<Test>::get(task).map(|record| record.ending), Some(Ending::Fraud));
		let refund = Balances::balance(&CLIENT) - client;
		blocks(30);
		let left = pallet_trust_lock::Ledgers::<Test>::get(1).bonded();
		assert_eq!(left, crate::mock::BOND - lock);
		// The client is not made whole twice.
		assert_eq!(Balances::balance(&CLIENT), client + refund);
		assert_eq!(Demands::<Test>::iter().count(), 0);
	});
}

#[test]
fn client_serving_inputs_to_some_only() {
	build_and_execute(|| {
		let task = rooted(spec_of_job());
		let part = panel(task);
		let (member, provider) = (Balances::balance(&MEMBER), Balances::balance(&1));
		// The member does not get the input from anybody. Whoever has computed with it must have it.
		let number =
			demand(MEMBER, task, input_of(id(&input()), &job().encode()), 1).expect("it may");
		let until = Demands::<Test>::get(task, number).map_or(0, |demand| demand.until);
		assert_eq!(HeldUp::get(), Some((part, 3, until)));
		let piece = |data: &[u8], piece| Answer {
			slices: BoundedVec::new(),
			siblings: BoundedVec::new(),
			piece: Some(Piece::of(data, piece)),
		};
		assert_noop!(give(1, task, number, piece(&input(), 0)), Error::<Test>::WrongPiece);
		assert_ok!(give(1, task, number, piece(&input(), 1)));
		assert_eq!(Balances::balance(&MEMBER), member - BOND);
		assert_eq!(Balances::balance(&1), provider + BOND);
		// The job itself needs no proof that it is an input.
		let number = demand(MEMBER, task, input_of(id(&job().encode()), &[]), 0).expect("it may");
		assert_ok!(give(1, task, number, piece(&job().encode(), 0)));
	});
}

#[test]
fn whoever_withholds_inputs_from_verifiers_is_convicted() {
	build_and_execute(|| {
		let task = rooted(spec_of_job());
		panel(task);
		let member = Balances::balance(&MEMBER);
		assert_ok!(demand(MEMBER, task, input_of(id(&input()), &job().encode()), 0));
		blocks(12);
		assert!(Convictions::<Test>::contains_key((task, 0)));
		assert_eq!(holder(task), Some(2));
		assert_eq!(Balances::balance(&MEMBER), member);
	});
}

#[test]
fn a_demand_of_a_panel_that_is_done_changes_nothing() {
	build_and_execute(|| {
		let task = rooted(spec_of_job());
		panel(task);
		assert_ok!(demand(MEMBER, task, input_of(id(&input()), &job().encode()), 0));
		OnPanel::set(vec![]);
		blocks(12);
		assert_eq!(Convictions::<Test>::iter().count(), 0);
		assert_eq!(holder(task), Some(1));
		assert_eq!(Escrows::<Test>::get(MEMBER), 0);
	});
}

#[test]
fn whoever_left_answers_for_the_parts_it_was_paid_for() {
	build_and_execute(|| {
		let spec = TaskSpec { units: 100, parts: 2, ..spec_of_job() };
		let task = submit(spec);
		auction(task, &[(1, 40 * OGPU), (2, 50 * OGPU)]);
		acknowledge(task);
		let root = tree(&live(task).spec, 0).root();
		assert_ok!(act(1, Done::Root { task, attempt: 0, part: 0, root }));
		decide(Verdict::Valid, 0);
		// It misses the deadline of the second part.
		pass(task);
		assert_eq!(holder(task), Some(2));
		compute(task);
		decide(Verdict::Valid, 0);
		let of_second =
			|piece| demand(CLIENT, task, Demanded::Output { part: 1, unit: 0, slice: 0 }, piece);
		assert_ok!(of_second(0));
		assert_eq!(Demands::<Test>::iter_values().map(|demand| demand.of).collect::<Vec<_>>(), [2]);
		Demands::<Test>::iter().for_each(|(task, number, _)| {
			let spec = live(task).spec;
			let siblings = tree(&spec, 1).prove(&[0]).expect("it is there").siblings;
			let answer = Answer {
				slices: BoundedVec::truncate_from(hashes(50)),
				siblings: BoundedVec::truncate_from(siblings),
				piece: Some(Piece::of(&slices(50)[0], 0)),
			};
			assert_ok!(give(2, task, number, answer));
		});
		// What the first one was paid for, it must give.
		let (client, bonded) =
			(Balances::balance(&CLIENT), pallet_trust_lock::Ledgers::<Test>::get(1).bonded());
		assert_ok!(demand(CLIENT, task, output(7, 1), 0));
		while Demands::<Test>::iter().count() > 0 {
			next_block();
		}
		let price = 25 * OGPU;
		let damage = price + share(price, 20_000);
		assert_eq!(Balances::balance(&CLIENT), client + damage);
		let left = pallet_trust_lock::Ledgers::<Test>::get(1).bonded();
		assert_eq!(left, bonded - damage - 50 * OGPU / 10);
		// It answers with the rest of its lock until the task ends, and is not asked again.
		assert!(TrustLock::locked(&1, work_lock(task, 0)) > 0);
		assert_eq!(demand(CLIENT, task, output(7, 1), 0), Err("NotAssigned"));
		assert_eq!(holder(task), Some(2));
		pass(task);
		assert_eq!(Records::<Test>::get(task).map(|record| record.ending), Some(Ending::Completed));
		assert_eq!(TrustLock::locked(&1, work_lock(task, 0)), 0);
	});
}

#[test]
fn demands_are_refused_with_a_reason() {
	build_and_execute(|| {
		assert_eq!(demand(CLIENT, 99, output(0, 0), 0), Err("NoSuchTask"));
		let task = rooted(spec_of_job());
		assert_eq!(demand(CLIENT, task, output(0, 0), 0), Err("WrongStatus"));
		let known = |blob| input_of(blob, &job().encode());
		assert_eq!(demand(MEMBER, task, known(id(&input())), 0), Err("NotOnPanel"));
		panel(task);
		assert_eq!(demand(MEMBER, task, known(BlobId([9; 32])), 0), Err("NoSuchInput"));
		let forged = Job { name: Name::new("other").expect("short"), ..job() }.encode();
		let blob = id(&input());
		for wrong in [&forged[..], &[], &job().encode()[1..]] {
			assert_eq!(demand(MEMBER, task, input_of(blob, wrong), 0), Err("NoSuchInput"));
		}
		assert_eq!(demand(FINDER, task, known(blob), 0), Err("NotOnPanel"));
		let other = Demanded::Input {
			attempt: 1,
			part: 0,
			panel: 3,
			job: BoundedVec::truncate_from(job().encode()),
			blob,
		};
		assert_eq!(demand(MEMBER, task, other, 0), Err("NotAssigned"));

		decide(Verdict::Valid, 0);
		assert_eq!(demand(OTHER_CLIENT, task, output(0, 0), 0), Err("NotClient"));
		assert_eq!(demand(CLIENT, task, output(100, 0), 0), Err("NoSuchUnit"));
		let elsewhere = Demanded::Output { part: 1, unit: 0, slice: 0 };
		assert_eq!(demand(CLIENT, task, elsewhere, 0), Err("NoSuchUnit"));
		let number = demand(CLIENT, task, output(0, 0), 0).expect("it may");
		assert_eq!(demand(CLIENT, task, output(1, 0), 0), Err("DemandedBefore"));

		let right = answer(task, 0, 0, 0);
		assert_noop!(give(2, task, number, right.clone()), Error::<Test>::NotAssigned);
		assert_noop!(give(1, task, number + 1, right.clone()), Error::<Test>::NoSuchDemand);
		let mut wrong = right.clone();
		wrong.slices[1] = BlobId([1; 32]);
		assert_noop!(give(1, task, number, wrong), Error::<Test>::WrongPiece);
		let other_unit = Answer { siblings: answer(task, 1, 0, 0).siblings, ..right.clone() };
		assert_noop!(give(1, task, number, other_unit), Error::<Test>::WrongPiece);
		let nothing = Answer { piece: None, ..right.clone() };
		assert_noop!(give(1, task, number, nothing), Error::<Test>::WrongPiece);
		assert_ok!(give(1, task, number, right.clone()));
		assert_noop!(give(1, task, number, right), Error::<Test>::NoSuchDemand);

		// As many as may wait.
		let demand_of = |by| {
			let (wanted, of) = (crate::Wanted::Output { part: 0, unit: 0, slice: 0 }, 1);
			let until = crate::Now::<Test>::get() + 10;
			crate::Demand { by, of, attempt: 0, wanted, piece: 0, bond: 0, until }
		};
		for other in 0..MAX_DEMANDS {
			Demands::<Test>::insert(task, 1_000 + other, demand_of(1_000 + u64::from(other)));
		}
		assert_eq!(demand(CLIENT, task, output(0, 0), 0), Err("TooManyDemands"));
		for other in 0..MAX_DEMANDS {
			Demands::<Test>::remove(task, 1_000 + other);
		}
		// Whoever cannot pay the bond has demanded nothing.
		let poor: u64 = 7_777;
		OnPanel::set(vec![(PartOfTask { task, attempt: 0, part: 0 }, 3, poor)]);
		assert!(demand(poor, task, known(blob), 0).is_err());
		assert_eq!(Demands::<Test>::iter().count(), 0);
	});
}

/// The tree over the leaves is what a panel would verify.
#[test]
fn answers_are_as_long_as_they_may_be() {
	let longest = Answer {
		slices: BoundedVec::truncate_from(vec![BlobId([1; 32]); 32]),
		siblings: BoundedVec::truncate_from(vec![[1u8; 32]; 16]),
		piece: Some(Piece::of(&vec![1; PIECE as usize + 1], 0)),
	};
	let done = Done::Answer { task: 1, demand: 1, answer: Box::new(longest) };
	assert!(done.encoded_size() < 70 * 1024);
}
