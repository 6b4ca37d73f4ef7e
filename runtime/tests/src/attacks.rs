//! Attacks on verification, a test each, on the whole chain: blocks with real VRF outputs, transactions that are signed, checked
//! and applied, the rules of a public network. What their chances are is in docs/simulation.md, and variations are
//! in the tests of the pallets.

use std::collections::BTreeSet;

use frame_support::{
	assert_noop, assert_ok,
	dispatch::DispatchClass,
	storage::with_transaction,
	traits::Hooks,
	weights::{Weight, WeightMeter},
};
use ogpu_primitives::{
	Balance, OGPU,
	market::{
		Features,
		price::share,
		spec::{FewOperators, JobRef, Requirements, TaskSpec, Trust},
		stream::{self, Batch, StreamSpec},
		verification::{Chance, Plan, Shape, Tier},
	},
	merkle::Blake2,
};
use ogpu_traits::{Claim, Clock, Duties, PartOfTask, genesis};
use pallet_attestations::{
	AGENDA_SHARE, Deadlines, DeadlinesFrom, Decided, Due, Item, Kind, Panel, Panels, Phase, Stage,
	draw_of, vrf::BLOCKS,
};
use pallet_tasks::{Demanded, Ending, Status, Task};
use sp_core::Pair;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie, One};
use sp_runtime::{
	DispatchError, TransactionOutcome,
	transaction_validity::{InvalidTransaction, TransactionValidityError},
};

use super::market::*;
use ogpu_runtime::{
	AccountId, Attestations, Executive, Providers, Runtime, RuntimeOrigin, Session, Staking,
	System, Tasks,
	configs::{BlockWeights, duties::Done},
};

fn wrong_opening() -> DispatchError {
	pallet_attestations::Error::<Runtime>::WrongOpening.into()
}

/// Who has to commit in a panel, and what is due of them.
fn committing(market: &Market, of: PartOfTask, number: u8) -> Vec<(usize, Due<AccountId>)> {
	let due = |who: usize| {
		let all = Attestations::due(&market.providers[who], 16).into_iter();
		all.map(move |due| (who, due))
	};
	let wanted = |due: &Due<AccountId>| matches!(due, Due::Commit { case, panel, .. } if (*case, *panel) == (of, number));
	(0..market.providers.len()).flat_map(due).filter(|(_, due)| wanted(due)).collect()
}

/// Makes operators one.
fn merge(market: &mut Market, accounts: impl IntoIterator<Item = usize>) {
	let mut group = None;
	for account in accounts.into_iter().map(|who| market.providers[who].clone()) {
		let own = pallet_providers::Providers::<Runtime>::get(&account).expect("a provider").group;
		match group {
			None => group = Some(own),
			Some(group) => {
				assert_ok!(Providers::merge(RuntimeOrigin::root(), account.clone(), group));
			}
		}
	}
	// Draws see it from the next session on.
	market.next_session();
}

/// Says that a validator and a provider are of one operator.
fn link(market: &mut Market, validator: Sr25519Keyring, who: usize) {
	let (stash, provider) = (validator.to_account_id(), market.providers[who].clone());
	market.send(&validator.pair(), pallet_providers::Call::<Runtime>::link_stash { provider });
	market.send(&account_key(who), pallet_providers::Call::<Runtime>::accept_stash { stash });
}

fn training(tier: Tier) -> TaskSpec {
	TaskSpec { shape: Shape::Iterative, units: 20, tier, ..spec() }
}

#[test]
fn copying_anothers_answer() {
	market(12, |market| {
		let task = market.assigned(spec());
		let of = market.compute_until_drawn(task);
		let members = committing(market, of, 0);
		assert_eq!(members.len(), 5, "{:?}", panel(of, 0));
		let (honest, due) = members[0].clone();
		let (copier, _) = members[1];
		let word = market.answer(honest, due).expect("it commits");
		// The very hash that another has committed to; and nothing of its own.
		market.silent_block(0, |market| {
			for who in [honest, copier] {
				assert_eq!(
					market.performs(who, vec![Done::Attestations(word.clone())]),
					Ok(Ok(()))
				);
			}
		});
		market.behave(copier, Behaviour::Lazy);
		market.until(|_| ended(task).is_some());
		// It is bound to whose it is: the other cannot open it.
		assert!(market.refused.contains(&(copier, wrong_opening())), "{:?}", market.refused);
		assert_eq!((ended(task), market.losers()), (Some(Ending::Completed), vec![copier]));
	});
}

#[test]
fn lazy_verifying() {
	market(12, |market| {
		for who in 1..4 {
			market.behave(who, Behaviour::Lazy);
		}
		for _ in 0..4 {
			market.completes(spec());
		}
		// Who has not computed cannot say later that it had the same.
		assert!(market.refused.iter().all(|(_, why)| *why == wrong_opening()));
		let losers = market.losers();
		assert!(!losers.is_empty() && losers.iter().all(|who| (1..4).contains(who)), "{losers:?}");
	});
}

#[test]
fn no_show_to_stall_a_round() {
	market(30, |market| {
		for who in 1..=6 {
			market.behave(who, Behaviour::Absent);
		}
		for _ in 0..5 {
			market.completes(spec());
		}
		let losers = market.losers();
		assert!(!losers.is_empty() && losers.iter().all(|who| (1..=6).contains(who)), "{losers:?}");
	});
}

/// What panels have of a block that has nothing else to do.
fn share_of_panels() -> Weight {
	BlockWeights::get().max_block / AGENDA_SHARE
}

/// Whether a block with so much left for panels would end the stage of the first one, were its time over now. As if
/// it had never been.
fn is_served_with(of: PartOfTask, left: Weight) -> bool {
	let served = with_transaction(|| {
		let past = <Tasks as Clock>::now() - 1;
		let mut first = panel(of, 0);
		first.stage = Stage::Committing { until: past };
		let before = first.stage;
		Panels::<Runtime>::insert(of, 0, first);
		DeadlinesFrom::<Runtime>::put(past);
		Deadlines::<Runtime>::insert(past, Item { case: of, panel: 0 }, ());
		let mut meter = WeightMeter::with_limit(left);
		Attestations::on_poll(System::block_number(), &mut meter);
		assert!(meter.consumed().all_lte(left));
		let served = panel(of, 0).stage != before;
		TransactionOutcome::Rollback(Ok::<_, DispatchError>(served))
	});
	served.expect("it is rolled back")
}

#[test]
fn so_much_to_pay_that_no_block_has_room_for_it() {
	market(12, |market| {
		// Its deadline ends a stage. What that could cost at most, if the task ends with it, is more than what panels have
		// of a block: it must not be put off for ever, nor keep others from theirs.
		market.behave(1, Behaviour::Absent);
		let [large, other] = [market.assigned(spec()), market.assigned(spec())];
		pallet_attestations::Places::<Runtime>::insert(large, 4_000);
		for task in [large, other] {
			let of = market.compute_until_drawn(task);
			let drawn = [members(of, 0), members(of, 1)].concat();
			assert!(drawn.contains(&market.providers[1]));
			// Nor may it take what others have of a block that is nearly full.
			assert!(task != large || !is_served_with(of, share_of_panels() / 4));
			assert!(is_served_with(of, share_of_panels()));
		}
		market.until(|_| ended(other).is_some());
		market.until(|_| ended(large).is_some());
		let endings = [large, other].map(ended);
		assert_eq!(endings, [Some(Ending::Completed); 2]);
		assert_eq!(market.losers(), vec![1]);
	});
}

#[test]
fn many_identities_for_one_operator() {
	market(40, |market| {
		// Twenty of forty accounts are one operator's, and say that all is right.
		merge(market, 1..=20);
		for who in 1..=20 {
			market.behave(who, Behaviour::Colluding);
		}
		market.bad = (0..100).collect();
		let task = market.assigned(spec());
		let of = market.compute_until_drawn(task);
		for number in 0..2 {
			let drawn = members(of, number);
			let own = drawn.iter().filter(|who| (1..=20).contains(&market.number_of(who)));
			assert!(own.count() <= 1, "{drawn:?}");
		}
		market.until(|_| is_convicted(of));
	});
}

/// The first panel, as it is drawn if these author the blocks after a root. As if it had never been.
fn drawn_by(market: &Market, of: PartOfTask, authors: [u32; BLOCKS as usize]) -> Panel<AccountId> {
	let mut market = market.clone();
	let drawn = with_transaction(|| {
		for author in authors {
			market.silent_block(author, |_| {});
			assert_eq!(panel(of, 0).stage, Stage::Drawing);
		}
		// In one of the next, whoever authors those.
		assert!(market.silence_until_drawn(of) <= 2);
		TransactionOutcome::Rollback(Ok::<_, DispatchError>(panel(of, 0)))
	});
	drawn.expect("it is rolled back")
}

#[test]
fn grinding_the_draw() {
	let draws = |bad: Vec<u32>| {
		let mut draws = Vec::new();
		market(40, |market| {
			market.bad = bad.into_iter().collect();
			let task = market.assigned(spec());
			let of = market.compute(task);
			// Nobody is drawn before six more blocks are there, and each of them decides, the last one as well.
			draws.push(drawn_by(market, of, [0, 1, 2, 3, 0, 1]).members);
			draws.push(drawn_by(market, of, [0, 1, 2, 3, 0, 2]).members);
			draws.push(drawn_by(market, of, [1, 1, 2, 3, 0, 1]).members);
		});
		draws
	};
	let drawn = draws(Vec::new());
	assert!(drawn[0] != drawn[1] && drawn[0] != drawn[2] && drawn[1] != drawn[2]);
	// A provider cannot try roots until it likes the draw: none makes a difference.
	assert_eq!(draws(vec![1, 2, 3]), drawn);
}

#[test]
fn timing_a_commit_by_a_provider_who_authors_blocks() {
	market(20, |market| {
		link(market, Alice, EXECUTOR);
		let own = Session::validators().iter().position(|who| *who == Alice.to_account_id());
		let own = own.expect("it validates") as u32;
		let task = market.assigned(spec());
		let of = market.compute(task);
		// It could know all outputs of its own blocks before it commits to a root: they are not enough.
		for _ in 0..BLOCKS + 2 {
			market.silent_block(own, |_| {});
		}
		assert_eq!(panel(of, 0).stage, Stage::Drawing);
		for other in [own + 1, own + 2, own + 3] {
			assert_eq!(panel(of, 0).stage, Stage::Drawing);
			market.silent_block(other, |_| {});
		}
		assert!(market.silence_until_drawn(of) <= 2);
		// Nor are they the last word once there are enough of others: it would know what comes of each that it leaves out.
		let task = market.assigned(spec());
		let of = market.compute(task);
		for other in [own + 1, own + 2, own + 3] {
			market.silent_block(other, |_| {});
		}
		for _ in 0..BLOCKS {
			market.silent_block(own, |_| {});
		}
		assert_eq!(panel(of, 0).stage, Stage::Drawing);
		market.silent_block(own + 1, |_| {});
		assert!(market.silence_until_drawn(of) <= 2);
		// Where nobody knows that a block is its own, what it decides is the units of one seed of five.
		let task = market.assigned(spec());
		let of = market.compute(task);
		let others = [own + 1, own + 2, own + 3, own + 1, own + 2, own + 3];
		let last = [own + 1, own + 2, own + 3, own + 1, own + 2, own + 1];
		let second = [own + 1, own + 2, own + 3, own + 1, own + 3, own + 3];
		let [drawn, by_last, by_second] = [others, last, second].map(|by| drawn_by(market, of, by));
		assert_eq!((drawn.earlier.len(), &drawn.earlier), (4, &by_last.earlier));
		assert_ne!(drawn.seed, by_last.seed);
		assert_eq!(drawn.earlier[..3], by_second.earlier[..3]);
		assert!(drawn.earlier[3] != by_second.earlier[3] && drawn.seed != by_second.seed);
		// Where one unit may be worth all of the work, blocks that are known to be its own do not make these seeds fewer:
		// there would be more for the others to decide, one of which may be its own as well.
		let task = market.assigned(training(Tier::Standard));
		let of = market.compute(task);
		let authors = [1, 2, 3, 0, 0, 0, 1, 2, 3].map(|other| own + other);
		for author in authors {
			assert_eq!(panel(of, 0).stage, Stage::Drawing);
			market.silent_block(author, |_| {});
		}
		assert!(market.silence_until_drawn(of) <= 2);
		assert_eq!(panel(of, 0).earlier.len(), 4);
	});
}

#[test]
fn block_stuffing_to_force_no_shows() {
	market(12, |market| {
		let task = market.assigned(spec());
		let of = market.compute(task);
		let mut rich = [Eve, One].into_iter().cycle();
		let mut blocks = 0;
		while ended(task).is_none() {
			blocks += 1;
			assert!(blocks < 200, "it does not end");
			if blocks % 4 == 0 {
				// A validator of the attacker's lets in nothing but its own, up to the last gram. Such blocks do not count.
				let before = pallet_tasks::Now::<Runtime>::get();
				market.silent_block(0, |_| {
					let whole = ogpu_runtime::configs::BlockWeights::get().max_block;
					System::register_extra_weight_unchecked(whole, DispatchClass::Operational);
				});
				assert_eq!(pallet_tasks::Now::<Runtime>::get(), before);
				continue;
			}
			// The others take what pays most, and duties after it: these have a part of the block of their own.
			let remark = vec![0; 1_500_000];
			market.stuffed_block(&rich.next().expect("they go round").pair(), &remark);
		}
		assert_eq!(ended(of.task), Some(Ending::Completed));
		assert_eq!(market.losers(), Vec::<usize>::new());
	});
}

#[test]
fn framing_an_honest_provider_by_two_colluding_verifiers() {
	market(24, |market| {
		market.behave(1, Behaviour::Framing);
		market.behave(2, Behaviour::Framing);
		for _ in 0..6 {
			market.completes(spec());
		}
		let losers = market.losers();
		assert!(!losers.is_empty() && losers.iter().all(|who| [1, 2].contains(who)), "{losers:?}");
	});
}

#[test]
fn a_provider_withholds_state_and_blames_the_client() {
	market(24, |market| {
		let task = market.assigned(TaskSpec { shape: Shape::Iterative, ..spec() });
		// Those who are drawn have what it says that it cannot get: it pays them, and has the task all the same.
		market.claims_are_right = false;
		market.does(EXECUTOR, Work::Claim { task, attempt: 0, claim: Claim::Unavailable });
		market.until(|_| matches!(live(task).status, Status::Assigned { .. }));
		assert_eq!(market.losers(), vec![EXECUTOR]);
		// And nothing can be blamed on anybody's inputs once it has said that it has them.
		let again = Work::Claim { task, attempt: 0, claim: Claim::Unavailable };
		market.does(EXECUTOR, Work::Acknowledge { task, attempt: 0 });
		market.block_with(|market| {
			let stale = Err(TransactionValidityError::Invalid(InvalidTransaction::Stale));
			assert_eq!(market.performs(EXECUTOR, vec![Done::Tasks(again)]), stale);
		});
	});
}

#[test]
fn a_provider_hands_over_no_state() {
	market(24, |market| {
		// Nobody is given anything: `Due::Serve` is never attended to. Members begin where the job does.
		market.completes(TaskSpec { shape: Shape::Iterative, tier: Tier::High, ..spec() });
		assert_eq!(market.losers(), Vec::<usize>::new());
	});
}

#[test]
fn provider_paid_but_not_delivering() {
	market(24, |market| {
		let task = market.assigned(spec());
		market.compute(task);
		market.until(|_| matches!(live(task).status, Status::Delivered { .. }));
		let price = live(task).status.assignment().expect("it is kept").price;
		let in_escrow = pallet_tasks::Escrows::<Runtime>::get(Ferdie.to_account_id());
		let paid = pallet_balances::Pallet::<Runtime>::free_balance(&market.providers[EXECUTOR]);
		let client = Ferdie.to_account_id();
		let before = pallet_balances::Pallet::<Runtime>::free_balance(&client);
		let demanded = Demanded::Output { part: 0, unit: 7, slice: 0 };
		let call = pallet_tasks::Call::<Runtime>::demand { task, demanded, piece: 0 };
		market.send(&Ferdie.pair(), call);
		market.until(|_| ended(task).is_some());
		// Its collateral pays all of it back, and a penalty: what it was paid it has for nothing.
		assert_eq!((ended(task), market.losers()), (Some(Ending::Undelivered), vec![EXECUTOR]));
		assert!(market.bonded(EXECUTOR) < BOND - price);
		assert!(
			pallet_balances::Pallet::<Runtime>::free_balance(&market.providers[EXECUTOR]) <= paid
		);
		let after = pallet_balances::Pallet::<Runtime>::free_balance(&client);
		// Nine tenths of the price had been paid; the rest was in escrow. Fees of a transaction are less than a tenth.
		assert!(after > before + in_escrow + price * 8 / 10, "{before} + {in_escrow}, {after}");
		assert_eq!(pallet_tasks::Escrows::<Runtime>::get(&client), 0);
	});
}

#[test]
fn front_running_a_pool_win() {
	market(24, |market| {
		let JobRef { hash, blob, len, source, reader } = spec().job;
		let stream = StreamSpec {
			source,
			reader,
			profile: spec().profile,
			requirements: spec().requirements,
			tier: Tier::Standard,
			few_operators: FewOperators::Refuse,
			reward: OGPU,
			racers: 2,
			work: 1_000,
			time: 20,
		};
		let number = pallet_tasks::NextStream::<Runtime>::get();
		let open =
			pallet_tasks::Call::<Runtime>::open_stream { spec: stream, deposit: 1_000 * OGPU };
		market.send(&Ferdie.pair(), open);
		let task = pallet_tasks::NextTask::<Runtime>::get();
		let batches = vec![Batch { hash, blob, len, requests: 40 }].try_into().expect("one fits");
		let send = pallet_tasks::Call::<Runtime>::send { stream: number, batches };
		market.send(&Ferdie.pair(), send);
		let [winner, copier] = [3, 4];
		let (root, race) = (market.root(task), live(task).race);
		let seal = |who: usize| {
			let genesis = genesis::<Runtime>();
			let account = AccountId::from(account_key(who).public());
			let commitment =
				stream::commitment::<Blake2>(&genesis, task, race, &account, &root, &[9; 32]);
			Work::Race { task, commitment }
		};
		let show = Work::Show { task, root, salt: [9; 32] };
		market.does(winner, seal(winner));
		market.blocks(2);
		market.block_with(|market| {
			let of_winner = market.performs(winner, vec![Done::Tasks(show.clone())]);
			assert_eq!(of_winner, Ok(Ok(())));
			// Whoever sees the root now is too late to seal it, and cannot show what it has not sealed.
			let copy =
				|work| Tasks::act(RuntimeOrigin::signed(market.providers[copier].clone()), work);
			let wrong = pallet_tasks::Error::<Runtime>::WrongStatus;
			assert_noop!(copy(seal(copier)), wrong);
			assert_noop!(copy(show.clone()), pallet_tasks::Error::<Runtime>::NotRacing);
		});
		assert!(market.refused.is_empty());
		market.until(|_| live(task).status.assignment().is_some());
		assert_eq!(market.holder(task), winner);
	});
}

#[test]
fn a_client_serves_inputs_to_some_only() {
	market(24, |market| {
		// Whoever is drawn gets nothing, or not in time: it says so, and others are drawn.
		for who in (1..24).step_by(4) {
			market.behave(who, Behaviour::Abstaining);
		}
		for _ in 0..3 {
			market.completes(spec());
		}
		// Where nobody gets anything, nobody is at fault for what nobody has seen.
		for who in 1..24 {
			market.behave(who, Behaviour::Abstaining);
		}
		let task = market.assigned(spec());
		market.compute(task);
		market.until(|_| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Inconclusive));
		assert_eq!(market.losers(), Vec::<usize>::new());
	});
}

#[test]
fn a_kernel_that_ends_only_on_fast_machines() {
	market(30, |market| {
		// It ended in the trial by which it was priced, and does not now: judges look whether it does elsewhere.
		let mut claimed = |right: bool| {
			market.claims_are_right = right;
			let task = market.assigned(spec());
			market.does(EXECUTOR, Work::Acknowledge { task, attempt: 0 });
			let before = market.bonded(EXECUTOR);
			market.does(EXECUTOR, Work::Claim { task, attempt: 0, claim: Claim::Endless });
			market.until(|_| !matches!(live(task).status, Status::Adjudicating { .. }));
			(task, before - market.bonded(EXECUTOR))
		};
		let (endless, lost) = claimed(true);
		assert_eq!(lost, 0);
		let (slow, lost) = claimed(false);
		assert!(lost > 0 && matches!(live(slow).status, Status::Executing { .. }));
		market.until(|_| ended(endless).is_some());
		assert_eq!(ended(endless), Some(Ending::Rejected));
	});
}

#[test]
fn a_kernel_that_most_cannot_recompute_in_time() {
	market(30, |market| {
		// Two thirds say so: they are not taken for liars, nor is the provider.
		for who in 1..20 {
			market.behave(who, Behaviour::Abstaining);
		}
		for _ in 0..3 {
			let task = market.assigned(spec());
			market.compute(task);
			market.until(|_| ended(task).is_some());
			assert_ne!(ended(task), Some(Ending::Fraud));
		}
		assert_eq!(market.losers(), Vec::<usize>::new());
	});
}

#[test]
fn ten_small_tasks_for_trust_then_one_large_fraud() {
	market(30, |market| {
		let on_trust = TaskSpec { trust: Trust::Earned, ..spec() };
		let small = TaskSpec { max_price: Some(OGPU), ..on_trust.clone() };
		let earned = |market: &Market| {
			pallet_providers::Trusts::<Runtime>::get(&market.providers[EXECUTOR]).earned
		};
		let asked = |task| live(task).status.assignment().expect("somebody has it").asked;
		// The ten, and one more: only after that is there any trust. All of them are verified as their clients ask.
		for client in [Ferdie, Eve, One].into_iter().cycle().take(11) {
			let task = market.assigned_to(EXECUTOR, client, small.clone());
			assert_eq!(asked(task), None);
			market.compute(task);
			market.until(|_| ended(task).is_some());
			assert_eq!(ended(task), Some(Ending::Completed));
		}
		assert_eq!(earned(market).streak, 11);
		// What they have burnt makes room for another as small, and for nothing large.
		let another = market.assigned(small);
		assert!(asked(another).is_some());
		let large = market.assigned(on_trust);
		assert_eq!(asked(large), None);
		market.bad = (0..100).collect();
		let of = market.compute(large);
		market.until(|_| is_convicted(of));
		market.until(|_| !is_convicted(of));
		assert_eq!((earned(market).streak, earned(market).burnt), (0, 0));
		let lost = BOND - market.bonded(EXECUTOR);
		assert!(lost > 50 * OGPU, "{lost}");
	});
}

#[test]
fn self_dealing_for_emission_trust_or_reputation() {
	market(30, |market| {
		// One's own account cannot even have its own bid.
		let own = 1;
		merge(market, [EXECUTOR, own]);
		let task = pallet_tasks::NextTask::<Runtime>::get();
		let call = pallet_tasks::Call::<Runtime>::submit { spec: spec(), most: Balance::MAX };
		market.send(&account_key(own), call);
		market.block_with(|market| {
			let bid = Work::Bid { task, commitment: [1; 32] };
			assert_eq!(market.performs(EXECUTOR, vec![Done::Tasks(bid)]), Ok(Ok(())));
		});
		assert_eq!(market.refused.len(), 1);
		// One's own validator can, and earns nothing by it.
		link(market, Alice, EXECUTOR);
		pallet_token::Scheduled::<Runtime>::mutate(|scheduled| *scheduled += OGPU);
		pallet_token::ProviderBudget::<Runtime>::mutate(|budget| *budget += OGPU);
		let credited = |market: &mut Market, client: Sr25519Keyring| {
			let before = market.credited;
			let task = market.assigned_to(EXECUTOR, client, spec());
			market.compute(task);
			market.until(|_| ended(task).is_some());
			market.credited - before
		};
		assert_eq!(credited(market, Alice), 0);
		assert!(credited(market, Ferdie) > 0);
		// However much one client buys, it is one client.
		credited(market, Ferdie);
		let trust = pallet_providers::Trusts::<Runtime>::get(&market.providers[EXECUTOR]);
		assert!(trust.clients.len() <= 2, "{trust:?}");
	});
}

#[test]
fn one_poisoned_checkpoint() {
	// One step of a training is false, and all after it follow from that: it is one false unit.
	market(30, |market| {
		market.bad = [7].into();
		let task = market.assigned(training(Tier::Full));
		let of = market.compute(task);
		market.until(|_| is_convicted(of));
		let case = Attestations::standing(of).expect("it is kept");
		assert!(matches!(case.phase, Phase::Decided(Decided { unit: 7, .. })), "{:?}", case.phase);
	});
	// Where not all is recomputed it is found if it is drawn. What is locked makes up for how rarely that is, as it is
	// stated for whoever has a choice of some draws, with the margin of one half.
	let mut seen = BTreeSet::new();
	for waited in 0..8 {
		market(24, |market| {
			// Other blocks, other draws.
			market.blocks(waited);
			market.bad = [7].into();
			let task = market.assigned(training(Tier::Standard));
			let Task { reserve, terms, spec, status, .. } = live(task);
			let lock = status.assignment().expect("it was just assigned").lock;
			let (fee, units) = (share(reserve, terms.protocol_fee), 2 * 5);
			let value = reserve + fee + units * terms.unit_fee(&spec);
			let plan = Plan::new(Tier::Standard, 20, 23);
			let found = plan.detection_if_steered(Chance::from_thousandths(200));
			let found = Balance::from(found.parts_per_billion());
			// To a thousandth, for what is rounded.
			assert!(1_001 * lock * found > 1_500 * value * (1_000_000_000 - found));
			let of = market.compute_until_drawn(task);
			let case = Attestations::standing(of).expect("it is verified");
			let is_drawn = (0..2).any(|round| panel(of, round).units(&case).concat().contains(&7));
			market.until(|_| is_convicted(of) || ended(task).is_some());
			assert_eq!(is_convicted(of), is_drawn);
			seen.insert(is_drawn);
		});
	}
	assert_eq!(seen.len(), 2, "it was always drawn, or never");
}

#[test]
fn replay_on_another_task_round_or_chain() {
	market(12, |market| {
		let tasks = [market.assigned(spec()), market.assigned(spec())];
		let [first, second] = tasks.map(|task| market.compute(task));
		for of in [first, second] {
			market.silence_until_drawn(of);
		}
		let in_first = committing(market, first, 0);
		let in_second = committing(market, second, 0);
		let (both, due) = in_first
			.into_iter()
			.find(|(who, _)| in_second.iter().any(|(other, _)| other == who))
			.expect("of eleven, five are drawn twice");
		let Some(Word::Commit { commitment, .. }) = market.answer(both, due) else {
			panic!("it commits");
		};
		let draw = |of| draw_of(&panel(of, 0).seed);
		// On another chain: signed over its genesis, and worth nothing here.
		let word = Word::Commit { case: first, panel: 0, draw: draw(first), commitment };
		let genesis = System::block_hash(0);
		let foreign = {
			frame_system::BlockHash::<Runtime>::insert(0, ogpu_runtime::Hash::repeat_byte(8));
			let call = performed(both, vec![Done::Attestations(word.clone())]);
			frame_system::BlockHash::<Runtime>::insert(0, genesis);
			call
		};
		let own = performed(both, vec![Done::Attestations(word)]);
		market.silent_block(0, |_| {
			let refused = |why| Err(TransactionValidityError::Invalid(why));
			let apply = |call| Executive::apply_extrinsic(authorised(call));
			assert_eq!(apply(foreign), refused(InvalidTransaction::BadProof));
			assert_eq!(apply(own.clone()), Ok(Ok(())));
			// The same again.
			assert_eq!(apply(own), refused(InvalidTransaction::Stale));
		});
		// In the round of another task: nobody can tell, until it has to be opened.
		market.silent_block(1, |market| {
			let word = Word::Commit { case: second, panel: 0, draw: draw(second), commitment };
			assert_eq!(market.performs(both, vec![Done::Attestations(word)]), Ok(Ok(())));
		});
		market.until(|_| tasks.iter().all(|task| ended(*task).is_some()));
		assert!(!market.refused.is_empty());
		assert!(market.refused.iter().all(|refused| *refused == (both, wrong_opening())));
		assert_eq!(market.losers(), vec![both]);
	});
}

#[test]
fn replay_in_another_round_of_the_same_result() {
	// So few that some sit in both.
	market(8, |market| {
		let task = market.assigned(spec());
		let of = market.compute(task);
		market.silence_until_drawn(of);
		let in_second = committing(market, of, 1);
		let (both, due) = committing(market, of, 0)
			.into_iter()
			.find(|(who, _)| in_second.iter().any(|(other, _)| other == who))
			.expect("of seven, five are drawn twice");
		let Some(Word::Commit { commitment, .. }) = market.answer(both, due) else {
			panic!("it commits");
		};
		market.silent_block(0, |market| {
			for round in [0, 1] {
				let draw = draw_of(&panel(of, round).seed);
				let word = Word::Commit { case: of, panel: round, draw, commitment };
				assert_eq!(market.performs(both, vec![Done::Attestations(word)]), Ok(Ok(())));
			}
		});
		market.until(|_| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Completed));
		assert!(!market.refused.is_empty());
		assert!(market.refused.iter().all(|refused| *refused == (both, wrong_opening())));
		assert_eq!(market.losers(), vec![both]);
	});
}

#[test]
fn a_device_that_computes_wrongly() {
	market(24, |market| {
		market.behave(1, Behaviour::Broken);
		for _ in 0..8 {
			market.completes(spec());
		}
		// It says what it believes, is judged, and pays for the judges: not the provider, and not as much as a cheat.
		assert_eq!(market.losers(), vec![1]);
		assert!(market.bonded(1) > BOND - 100 * OGPU, "{}", market.bonded(1));
		// A provider's is found by whoever has one that does not.
		market.bad = [3].into();
		let full = TaskSpec { units: 40, tier: Tier::Full, ..spec() };
		let task = market.assigned_to(2, Ferdie, full);
		let of = market.compute(task);
		market.until(|_| is_convicted(of));
	});
}

#[test]
fn an_executor_or_node_is_killed_at_any_moment() {
	market(12, |market| {
		let task = market.assigned(spec());
		let of = market.compute_until_drawn(task);
		// A node that does not know what it has sent says all of it again, in every block; one that was away says it late.
		let away = committing(market, of, 0)[0].0;
		market.behave(away, Behaviour::Absent);
		for block in 0.. {
			assert!(block < 100, "it does not come to a verdict");
			if block == 3 {
				market.behave(away, Behaviour::Honest);
			}
			let words: Vec<_> = (0..market.providers.len())
				.flat_map(|who| {
					let due = Attestations::due(&market.providers[who], 16).into_iter();
					due.map(move |due| (who, due))
				})
				.filter_map(|(who, due)| market.answer(who, due).map(|word| (who, word)))
				.collect();
			market.silent_block(block, |market| {
				for (who, word) in words {
					let mut say = || market.performs(who, vec![Done::Attestations(word.clone())]);
					assert_eq!(say(), Ok(Ok(())));
					let stale = Err(TransactionValidityError::Invalid(InvalidTransaction::Stale));
					assert_eq!(say(), stale);
				}
			});
			if matches!(live(task).status, Status::Delivered { .. }) {
				break;
			}
		}
		market.until(|_| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Completed));
		assert_eq!((market.losers(), market.refused.len()), (Vec::new(), 0));
	});
}

#[test]
fn re_org_under_a_commit() {
	market(40, |market| {
		let task = market.assigned(spec());
		let of = market.compute(task);
		// On one branch somebody is drawn, computes and commits.
		let mut branch = market.clone();
		let said = with_transaction(|| {
			for author in [0, 1, 2, 3, 0, 1] {
				branch.silent_block(author, |_| {});
			}
			branch.silence_until_drawn(of);
			let said: Vec<_> = committing(&branch, of, 0)
				.into_iter()
				.filter_map(|(who, due)| branch.answer(who, due).map(|word| (who, word)))
				.collect();
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(said))
		});
		let said = said.expect("it is rolled back");
		// On the one that stays others are, or the same for other units. What was sent for the first comes into it as well, and
		// counts for nobody.
		for author in [0, 1, 2, 3, 0, 3] {
			market.silent_block(author, |_| {});
		}
		market.silence_until_drawn(of);
		let drawn: Vec<usize> = committing(market, of, 0).iter().map(|(who, _)| *who).collect();
		market.block_with(|market| {
			for (who, word) in &said {
				let stale = Err(TransactionValidityError::Invalid(InvalidTransaction::Stale));
				let word = Done::Attestations(word.clone());
				assert_eq!(market.performs(*who, vec![word]), stale);
			}
		});
		assert_ne!(drawn, said.iter().map(|(who, _)| *who).collect::<Vec<_>>());
		market.until(|_| ended(task).is_some());
		assert_eq!((ended(task), market.losers()), (Some(Ending::Completed), Vec::new()));
	});
}

#[test]
fn slashing_an_honest_provider_because_of_floating_point() {
	market(16, |market| {
		// Half of the devices have not proven that they add as they must: what needs that is never theirs to judge.
		for who in 8..16 {
			pallet_providers::Providers::<Runtime>::mutate(&market.providers[who], |found| {
				let devices = &mut found.as_mut().expect("a provider").profile.devices;
				devices.iter_mut().for_each(|device| device.features = Features(0));
			});
			market.behave(who, Behaviour::Broken);
		}
		market.next_session();
		let needs = Requirements { features: Features::EXACT_F32, ..spec().requirements };
		for _ in 0..4 {
			let task = market.assigned(TaskSpec { requirements: needs, ..spec() });
			let of = market.compute_until_drawn(task);
			assert_eq!(panel(of, 0).kind, Kind::Round);
			let drawn = [members(of, 0), members(of, 1)].concat();
			assert!(drawn.iter().all(|who| market.number_of(who) < 8), "{drawn:?}");
			market.until(|_| ended(task).is_some());
			assert_eq!(ended(task), Some(Ending::Completed));
		}
		assert_eq!(market.losers(), Vec::<usize>::new());
	});
}

#[test]
fn convicting_validators_to_stop_the_chain() {
	market(30, |market| {
		let validators = [Alice, Bob, Charlie, Dave];
		let active = |who: Sr25519Keyring| {
			Staking::ledger(who.to_account_id().into()).expect("it has a bond").active
		};
		let before = validators.map(active);
		for (who, validator) in validators.into_iter().enumerate() {
			link(market, validator, who);
		}
		market.bad = (0..100).collect();
		let mut convicted = Vec::new();
		for who in 0..4 {
			let task = market.assigned_to(who, Ferdie, spec());
			convicted.push(market.compute(task));
		}
		let is_taken_away = |of: &PartOfTask| {
			pallet_tasks::Tasks::<Runtime>::get(of.task).is_none_or(|task| task.attempt > 0)
		};
		market.until(|_| convicted.iter().all(is_taken_away));
		market.until(|_| convicted.iter().all(|of| !is_convicted(*of)));
		// All four are punished, and all four go on. It costs them a hundredth of their stake in an era.
		assert_eq!(market.losers(), vec![0, 1, 2, 3]);
		market.blocks(100);
		assert!(pallet_session::DisabledValidators::<Runtime>::get().is_empty());
		assert_eq!(Session::validators().len(), 4);
		for (before, after) in before.into_iter().zip(validators.map(active)) {
			assert!(after < before && after >= before * 97 / 100, "{before} to {after}");
		}
	});
}
