//! The whole chain, block by block, and players of the market on it who do what is due of them, honestly or otherwise. All that
//! they say comes in transactions that are signed, checked and applied like those of wallets and nodes.

use std::collections::{BTreeMap, BTreeSet};

use codec::Encode;
use frame_support::assert_ok;
use frame_system::offchain::CreateAuthorizedTransaction;
use ogpu_primitives::{
	Balance, OGPU,
	job::{BlobId, Profile},
	market::{
		Address, DeviceTier, Endpoint, Features, TaskId, auction,
		rules::{MeritRules, PanelRules, Security},
		spec::{FewOperators, JobRef, Requirements, TaskSpec, Trust},
		tally,
		verification::{Shape, Tier},
	},
	merkle::{Blake2, Hash, Hasher, Tree},
};
use ogpu_traits::{Duties, PartOfTask, genesis};
use pallet_attestations::{Cases, Due, Panel, Panels, REFUSED, Stage, Subject, UPHELD, draw_of};
use pallet_providers::{
	Device, HeartbeatDone, HeartbeatDue, PROOF_DOMAIN, Profile as ProviderProfile,
};
use pallet_tasks::{Ending, Status, Task};
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryVRFPreDigest};
use sp_core::{Pair, crypto::VrfSecret, sr25519};
use sp_keyring::Sr25519Keyring::{self, Eve, Ferdie, One, Two};
use sp_runtime::{
	ApplyExtrinsicResult, Digest, DigestItem, DispatchError,
	traits::Header as _,
	transaction_validity::{InvalidTransaction, TransactionValidityError},
};

use super::chain;
use ogpu_runtime::{
	AccountId, Babe, Executive, Header, Parameters, Runtime, RuntimeCall, RuntimeEvent,
	RuntimeOrigin, Session, SignedPayload, System, UncheckedExtrinsic,
	configs::duties::{Done, Due as MarketDue, MarketDuties},
	parameters::{RuntimeParameters, market as parameters},
	presets::LOCAL,
	timing::SLOT_MS,
	unsigned_extension,
};

pub(super) type Work = pallet_tasks::Done;
pub(super) type Word = pallet_attestations::Done;

/// What a provider has bonded.
pub(super) const BOND: Balance = 15_000 * OGPU;
/// Who has the tasks, unless a test says otherwise.
pub(super) const EXECUTOR: usize = 0;

/// What a player says of what it has to verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Behaviour {
	/// What is right, in time.
	#[default]
	Honest,
	/// Nothing.
	Absent,
	/// That it cannot say.
	Abstaining,
	/// That whatever the provider has is right.
	Colluding,
	/// That what is right is false, as its accomplices say.
	Framing,
	/// What its broken device gives it.
	Broken,
	/// Anything, without computing; and then that it had the same as the provider.
	Lazy,
}

/// The chain, and who plays on it.
#[derive(Clone)]
pub(super) struct Market {
	/// The accounts of the providers.
	pub(super) providers: Vec<AccountId>,
	/// Units of which results are false.
	pub(super) bad: BTreeSet<u32>,
	/// Whether claims are right.
	pub(super) claims_are_right: bool,
	/// What was refused of what nodes have said: whose, and why.
	pub(super) refused: Vec<(usize, DispatchError)>,
	/// Transactions of nodes in which something was said of a result, and their bytes.
	pub(super) words: (usize, usize),
	/// What work was credited of the emission.
	pub(super) credited: Balance,
	behaviours: BTreeMap<usize, Behaviour>,
	slot: u64,
	parent: ogpu_runtime::Hash,
}

/// The key of a provider's account.
pub(super) fn account_key(who: usize) -> sr25519::Pair {
	sr25519::Pair::from_seed(&("account", who as u32).using_encoded(Blake2::hash))
}

/// The key of its node.
fn worker_key(who: usize) -> sr25519::Pair {
	sr25519::Pair::from_seed(&("worker", who as u32).using_encoded(Blake2::hash))
}

fn endpoint(who: usize) -> Endpoint {
	Endpoint {
		key: ("endpoint", who as u32).using_encoded(Blake2::hash),
		addresses: vec![Address::V4([127, 0, 0, 1], 4433)].try_into().expect("one fits"),
		relay: None,
	}
}

/// Runs a test on a local network with the rules of a public one and so many providers, each with a seat.
pub(super) fn market(providers: usize, test: impl FnOnce(&mut Market)) {
	chain(LOCAL).execute_with(|| {
		let mut market = Market {
			providers: (0..providers).map(|who| account_key(who).public().into()).collect(),
			bad: BTreeSet::new(),
			claims_are_right: true,
			refused: Vec::new(),
			words: (0, 0),
			credited: 0,
			behaviours: BTreeMap::new(),
			slot: 1_000_000,
			parent: ogpu_runtime::Hash::repeat_byte(7),
		};
		market.open();
		test(&mut market);
	});
}

pub(super) fn spec() -> TaskSpec {
	TaskSpec {
		job: JobRef {
			hash: [1; 32],
			blob: BlobId([2; 32]),
			len: 1_000,
			source: endpoint(usize::MAX),
			reader: [8; 32],
		},
		shape: Shape::Parallel,
		profile: Profile::ExactInt,
		units: 100,
		parts: 1,
		work: 100_000,
		requirements: Requirements {
			tier: DeviceTier::Consumer,
			memory: 30,
			features: Features::EXACT_F32,
			region: None,
			reputation: 0,
		},
		tier: Tier::Standard,
		trust: Trust::Never,
		few_operators: FewOperators::Refuse,
		max_price: Some(100 * OGPU),
		time: 50,
	}
}

pub(super) fn live(task: TaskId) -> Task<AccountId> {
	pallet_tasks::Tasks::<Runtime>::get(task).expect("the task is live")
}

pub(super) fn ended(task: TaskId) -> Option<Ending> {
	pallet_tasks::Records::<Runtime>::get(task).map(|record| record.ending)
}

/// Whether somebody is convicted for a part, and has not been punished yet.
pub(super) fn is_convicted(of: PartOfTask) -> bool {
	pallet_tasks::Convictions::<Runtime>::contains_key((of.task, of.part))
}

pub(super) fn panel(of: PartOfTask, number: u8) -> Panel<AccountId> {
	Panels::<Runtime>::get(of, number).expect("it was begun")
}

pub(super) fn members(of: PartOfTask, number: u8) -> Vec<AccountId> {
	panel(of, number).members.into_iter().map(|member| member.who).collect()
}

/// What a unit of a task really comes to.
fn truth(task: TaskId, unit: u32) -> Hash {
	("truth", task, unit).using_encoded(Blake2::hash)
}

fn salt(who: usize) -> Hash {
	("salt", who as u32).using_encoded(Blake2::hash)
}

/// A transaction of an account.
fn signed(key: &sr25519::Pair, call: RuntimeCall) -> UncheckedExtrinsic {
	let who = AccountId::from(key.public());
	let mut extension = unsigned_extension();
	extension.6 = frame_system::CheckNonce::from(System::account_nonce(&who));
	let payload = SignedPayload::new(call, extension).expect("its implicit part is known");
	let signature = payload.using_encoded(|payload| key.sign(payload));
	let (call, extension, _) = payload.deconstruct();
	UncheckedExtrinsic::new_signed(call, who.into(), signature.into(), extension)
}

/// What a provider's node sends of what it did.
pub(super) fn performed(who: usize, duties: Vec<Done>) -> pallet_worker::Call<Runtime> {
	let provider = AccountId::from(account_key(who).public());
	let sequence = pallet_worker::Words::<Runtime>::get(&provider).sequence;
	let payload = ogpu_runtime::Worker::payload(&provider, sequence, &duties);
	let signature = worker_key(who).sign(&payload);
	let duties = duties.try_into().expect("they are few");
	pallet_worker::Call::<Runtime>::perform { provider, sequence, duties, signature }
}

pub(super) fn authorised(call: pallet_worker::Call<Runtime>) -> UncheckedExtrinsic {
	<Runtime as CreateAuthorizedTransaction<pallet_worker::Call<Runtime>>>::create_authorized_transaction(
		call.into(),
	)
}

impl Market {
	/// Registers everybody, and goes on until all seats count.
	fn open(&mut self) {
		let rules = [
			parameters::Parameters::Panel(parameters::Panel, Some(PanelRules::PRODUCTION)),
			parameters::Parameters::Safety(parameters::Safety, Some(Security::PRODUCTION)),
			parameters::Parameters::Merits(parameters::Merits, Some(MeritRules::PRODUCTION)),
		];
		self.block_with(|_| {
			for rule in rules {
				let parameter = RuntimeParameters::Market(rule);
				assert_ok!(Parameters::set_parameter(RuntimeOrigin::root(), parameter));
			}
		});
		for who in 0..self.providers.len() {
			let dest = self.providers[who].clone().into();
			let value = BOND + 1_000 * OGPU;
			let call = pallet_balances::Call::<Runtime>::transfer_keep_alive { dest, value };
			self.send(&[One, Two, Eve][who % 3].pair(), call);
			self.register(who);
		}
		let seats = self.providers.len() as u32;
		self.until(|_| pallet_providers::SeatCount::<Runtime>::get() == seats);
	}

	fn register(&mut self, who: usize) {
		let key = worker_key(who);
		let message = (PROOF_DOMAIN, genesis::<Runtime>(), &self.providers[who]).encode();
		let device = Device {
			name: b"a device".to_vec().try_into().expect("it is short"),
			memory: 33,
			features: Features::KNOWN,
			fingerprint: ("device", who as u32).using_encoded(Blake2::hash),
		};
		let profile = ProviderProfile {
			worker: key.public().0,
			endpoint: endpoint(who),
			encryption: [2; 32],
			region: 276,
			devices: vec![device].try_into().expect("one fits"),
		};
		let proof = key.sign(&message);
		let calls: Vec<RuntimeCall> = vec![
			pallet_providers::Call::<Runtime>::register { profile, proof }.into(),
			pallet_trust_lock::Call::<Runtime>::bond { amount: BOND }.into(),
			pallet_providers::Call::<Runtime>::set_seats { seats: 1 }.into(),
		];
		self.send(&account_key(who), pallet_utility::Call::<Runtime>::batch_all { calls });
	}

	/// Goes on until a transaction of an account is in a block. It must go well.
	pub(super) fn send(&mut self, key: &sr25519::Pair, call: impl Into<RuntimeCall>) {
		let call = call.into();
		let apply = |_: &mut Self| Executive::apply_extrinsic(signed(key, call.clone()));
		assert_eq!(self.in_a_block(apply), Ok(Ok(())), "{call:?}");
	}

	/// What comes of a transaction in the next block that has room for it: the first of a session has much else to do.
	fn in_a_block(
		&mut self,
		apply: impl Fn(&mut Self) -> ApplyExtrinsicResult,
	) -> ApplyExtrinsicResult {
		let full = Err(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources));
		for _ in 0..20 {
			let mut result = full;
			self.block_with(|market| result = apply(market));
			if result != full {
				return result;
			}
		}
		full
	}

	/// A block of the authority with this number, in which everybody says what was due after the block before; and `more`.
	pub(super) fn block_by(&mut self, authority: u32, more: impl FnOnce(&mut Self)) {
		let answers: Vec<_> =
			(0..self.providers.len()).map(|who| (who, self.answers(who))).collect();
		self.silent_block(authority, |market| {
			more(market);
			market.all_perform(answers);
		});
	}

	/// A block in which nobody says anything, but `more`.
	pub(super) fn silent_block(&mut self, authority: u32, more: impl FnOnce(&mut Self)) {
		self.slot += 1;
		let authority_index = authority % Babe::authorities().len() as u32;
		let (id, _) = Babe::authorities()[authority_index as usize].clone();
		let author = Sr25519Keyring::from_raw_public(sr25519::Public::from(id).0)
			.expect("they have the well-known keys");
		let data = sp_consensus_babe::make_vrf_sign_data(
			&Babe::randomness(),
			self.slot.into(),
			pallet_babe::EpochIndex::<Runtime>::get(),
		);
		let vrf_signature = author.pair().vrf_sign(&data);
		let digest = PreDigest::SecondaryVRF(SecondaryVRFPreDigest {
			authority_index,
			slot: self.slot.into(),
			vrf_signature,
		});
		let header = Header::new(
			System::block_number() + 1,
			Default::default(),
			Default::default(),
			self.parent,
			Digest { logs: vec![DigestItem::babe_pre_digest(digest)] },
		);
		Executive::initialize_block(&header);
		let now = pallet_timestamp::Call::<Runtime>::set { now: self.slot * SLOT_MS };
		let inherent = UncheckedExtrinsic::new_bare(now.into());
		assert_eq!(Executive::apply_extrinsic(inherent), Ok(Ok(())));
		Executive::inherents_applied();
		more(self);
		self.parent = Executive::finalize_block().hash();
		self.note();
	}

	/// The next block, which somebody fills as far as ordinary transactions may, before nodes say anything.
	pub(super) fn stuffed_block(&mut self, key: &sr25519::Pair, remark: &[u8]) {
		self.block_with(|_| {
			let fill = || frame_system::Call::<Runtime>::remark { remark: remark.to_vec() }.into();
			while Executive::apply_extrinsic(signed(key, fill())).is_ok() {}
		});
	}

	/// A block of whoever's turn it is.
	pub(super) fn block(&mut self) {
		self.block_with(|_| {});
	}

	/// The same with more in it.
	pub(super) fn block_with(&mut self, more: impl FnOnce(&mut Self)) {
		self.block_by(System::block_number(), more);
	}

	pub(super) fn blocks(&mut self, count: u32) {
		(0..count).for_each(|_| self.block());
	}

	/// Goes on until the next session has begun.
	pub(super) fn next_session(&mut self) {
		let session = Session::current_index();
		self.until(|_| Session::current_index() > session);
	}

	/// Goes on until something is so.
	pub(super) fn until(&mut self, so: impl Fn(&Self) -> bool) {
		for _ in 0..1_000 {
			if so(self) {
				return;
			}
			self.block();
		}
		panic!("it never came to that");
	}

	/// What was refused in this block.
	fn refusals(&self) -> impl Iterator<Item = (usize, DispatchError)> {
		System::events().into_iter().filter_map(|record| match record.event {
			RuntimeEvent::Worker(pallet_worker::Event::Refused { provider, error, .. }) => {
				Some((self.number_of(&provider), error))
			}
			_ => None,
		})
	}

	/// Notes what has happened in this block.
	fn note(&mut self) {
		let refused: Vec<_> = self.refusals().collect();
		self.refused.extend(refused);
		for record in System::events() {
			if let RuntimeEvent::Token(pallet_token::Event::WorkCredited { amount, .. }) =
				record.event
			{
				self.credited += amount;
			}
		}
	}

	/// The number of a provider.
	pub(super) fn number_of(&self, account: &AccountId) -> usize {
		self.providers.iter().position(|known| known == account).expect("it is a provider")
	}

	/// What a provider has bonded now.
	pub(super) fn bonded(&self, who: usize) -> Balance {
		pallet_trust_lock::Ledgers::<Runtime>::get(&self.providers[who]).bonded()
	}

	/// Those who have lost something.
	pub(super) fn losers(&self) -> Vec<usize> {
		(0..self.providers.len()).filter(|who| self.bonded(*who) < BOND).collect()
	}

	pub(super) fn behave(&mut self, who: usize, behaviour: Behaviour) {
		self.behaviours.insert(who, behaviour);
	}

	fn behaviour(&self, who: usize) -> Behaviour {
		self.behaviours.get(&who).copied().unwrap_or_default()
	}

	/// What was due of everybody is sent.
	fn all_perform(&mut self, answers: Vec<(usize, Vec<Done>)>) {
		for (who, duties) in answers.into_iter().filter(|(_, duties)| !duties.is_empty()) {
			let result = self.performs(who, duties);
			// It may have come too late for all that is in it, or the block is full: then it is sent again.
			let later = [InvalidTransaction::Stale, InvalidTransaction::ExhaustsResources]
				.map(|why| Err(TransactionValidityError::Invalid(why)));
			assert!(result == Ok(Ok(())) || later.contains(&result), "{who}: {result:?}");
		}
	}

	/// What comes of a transaction of a provider's node in this block.
	pub(super) fn performs(&mut self, who: usize, duties: Vec<Done>) -> ApplyExtrinsicResult {
		let verifies = duties.iter().any(|done| matches!(done, Done::Attestations(_)));
		let transaction = authorised(performed(who, duties));
		if verifies {
			self.words = (self.words.0 + 1, self.words.1 + transaction.encoded_size());
		}
		Executive::apply_extrinsic(transaction)
	}

	/// A block in which a provider's node does this, and that must be taken.
	pub(super) fn does(&mut self, who: usize, work: Work) {
		let apply = |market: &mut Self| {
			let result = market.performs(who, vec![Done::Tasks(work.clone())]);
			assert_eq!(market.refusals().find(|(whose, _)| *whose == who), None);
			result
		};
		assert_eq!(self.in_a_block(apply), Ok(Ok(())));
	}

	/// Has a client submit a task, which somebody wins for half of what would be paid.
	pub(super) fn assigned_by(
		&mut self,
		who: usize,
		client: &sr25519::Pair,
		spec: TaskSpec,
	) -> TaskId {
		let task = pallet_tasks::NextTask::<Runtime>::get();
		self.send(client, pallet_tasks::Call::<Runtime>::submit { spec, most: Balance::MAX });
		self.give(task, who);
		task
	}

	/// The same of a well-known account.
	pub(super) fn assigned_to(
		&mut self,
		who: usize,
		client: Sr25519Keyring,
		spec: TaskSpec,
	) -> TaskId {
		self.assigned_by(who, &client.pair(), spec)
	}

	/// The same, of the client whom nobody knows and by the one who has most tasks.
	pub(super) fn assigned(&mut self, spec: TaskSpec) -> TaskId {
		self.assigned_to(EXECUTOR, Ferdie, spec)
	}

	/// Has somebody win the auction of a task.
	pub(super) fn give(&mut self, task: TaskId, who: usize) {
		let (price, attempt) = (live(task).reserve / 2, live(task).attempt);
		let commitment = auction::commitment::<Blake2>(
			&genesis::<Runtime>(),
			task,
			attempt,
			&self.providers[who],
			price,
			&salt(who),
		);
		self.does(who, Work::Bid { task, commitment });
		self.until(|_| matches!(live(task).status, Status::Revealing { .. }));
		self.does(who, Work::Reveal { task, price, salt: salt(who) });
		self.until(|_| matches!(live(task).status, Status::Assigned { .. }));
	}

	/// Whoever has a task.
	pub(super) fn holder(&self, task: TaskId) -> usize {
		self.number_of(&live(task).status.assignment().expect("somebody has it").provider)
	}

	/// Has whoever has a task of one part acknowledge it and commit to its root.
	pub(super) fn compute(&mut self, task: TaskId) -> PartOfTask {
		let (who, attempt) = (self.holder(task), live(task).attempt);
		self.does(who, Work::Acknowledge { task, attempt });
		let root = self.root(task);
		self.does(who, Work::Root { task, attempt, part: 0, root });
		PartOfTask { task, attempt, part: 0 }
	}

	/// The same, until members have been drawn and before any of them says something.
	pub(super) fn compute_until_drawn(&mut self, task: TaskId) -> PartOfTask {
		let of = self.compute(task);
		self.until(|_| panel(of, 0).stage != Stage::Drawing);
		of
	}

	/// Goes on in silence until members have been drawn. In how many blocks.
	pub(super) fn silence_until_drawn(&mut self, of: PartOfTask) -> u32 {
		for blocks in 0..40 {
			if panel(of, 0).stage != Stage::Drawing {
				return blocks;
			}
			self.silent_block(System::block_number(), |_| {});
		}
		panic!("nobody is drawn");
	}

	/// Has the executor do a task, until that has ended.
	pub(super) fn completes(&mut self, spec: TaskSpec) -> TaskId {
		let task = self.assigned(spec);
		self.compute(task);
		self.until(|_| ended(task).is_some());
		assert_eq!(ended(task), Some(Ending::Completed));
		task
	}

	/// What the provider of a task says that a unit comes to.
	fn claimed(&self, task: TaskId, unit: u32) -> Hash {
		match self.bad.contains(&unit) {
			true => ("false", task, unit).using_encoded(Blake2::hash),
			false => truth(task, unit),
		}
	}

	/// The root of a task of one part.
	pub(super) fn root(&self, task: TaskId) -> Hash {
		self.tree(task, 0, live(task).spec.units).root()
	}

	fn tree(&self, task: TaskId, first: u32, units: u32) -> Tree {
		let leaves = (first..first + units).map(|unit| self.claimed(task, unit)).collect();
		Tree::new::<Blake2>(leaves).expect("there are leaves")
	}

	/// What somebody says that units come to.
	fn leaves_of(
		&self,
		who: usize,
		task: TaskId,
		units: impl Iterator<Item = u32>,
	) -> Vec<(u32, Hash)> {
		let leaf = |unit| match self.behaviour(who) {
			Behaviour::Colluding => self.claimed(task, unit),
			Behaviour::Framing => ("framed", task, unit).using_encoded(Blake2::hash),
			Behaviour::Broken | Behaviour::Lazy => {
				("its own", who as u32, unit).using_encoded(Blake2::hash)
			}
			_ => truth(task, unit),
		};
		units.map(|unit| (unit, leaf(unit))).collect()
	}

	/// What somebody says of a claim.
	fn opinion(&self, who: usize) -> Hash {
		let right = self.claims_are_right != (self.behaviour(who) == Behaviour::Framing);
		if right { UPHELD } else { REFUSED }
	}

	/// What a provider's node would send now.
	fn answers(&self, who: usize) -> Vec<Done> {
		let due = MarketDuties::due(&self.providers[who], 16).into_iter();
		due.filter_map(|due| match due {
			MarketDue::Providers(HeartbeatDue { session }) => {
				Some(Done::Providers(HeartbeatDone { session, load: 0, free_memory: 33 }))
			}
			MarketDue::Attestations(due) => self.answer(who, due).map(Done::Attestations),
			// Tests say what becomes of tasks.
			_ => None,
		})
		.collect()
	}

	/// What somebody does about something that is due.
	pub(super) fn answer(&self, who: usize, due: Due<AccountId>) -> Option<Word> {
		if self.behaviour(who) == Behaviour::Absent {
			return None;
		}
		match due {
			Due::Serve { .. } => None,
			Due::Commit { case, panel, seed, .. }
				if self.behaviour(who) == Behaviour::Abstaining =>
			{
				Some(Word::Abstain { case, panel, draw: draw_of(&seed) })
			}
			Due::Commit { case, panel, of, units, seed, .. } => {
				let leaves = match of.subject {
					Subject::Root(_) => self.leaves_of(who, case.task, units.into_iter()),
					Subject::Claim(_) => vec![(0, self.opinion(who))],
				};
				let commitment = tally::commitment::<Blake2>(
					&genesis::<Runtime>(),
					&(case, panel),
					&self.providers[who],
					&salt(who),
					&leaves,
				);
				Some(Word::Commit { case, panel, draw: draw_of(&seed), commitment })
			}
			Due::Open { case, panel, units, .. } => {
				let of = Cases::<Runtime>::get((case.task, case.attempt), case.part)
					.expect("it is verified");
				let tree = self.tree(case.task, of.first_unit, of.units);
				let leaves: Vec<Hash> = units
					.iter()
					.map(|unit| self.claimed(case.task, of.first_unit + unit))
					.collect();
				let siblings = tree.prove(&units).expect("they are there").siblings;
				Some(Word::Open {
					case,
					panel,
					leaves: leaves.try_into().expect("they are few"),
					siblings: siblings.try_into().expect("they are few"),
				})
			}
			Due::Reveal { case, panel, opened, .. } => {
				let claim = opened.is_empty().then(|| vec![self.opinion(who)]);
				let own = self.leaves_of(who, case.task, opened.iter().map(|(unit, _)| *unit));
				let differs = own != opened && self.behaviour(who) != Behaviour::Lazy;
				let own = || own.into_iter().map(|(_, leaf)| leaf).collect();
				let leaves: Option<Vec<Hash>> = claim.or_else(|| differs.then(own));
				let leaves = leaves.map(|leaves| leaves.try_into().expect("they are few"));
				Some(Word::Reveal { case, panel, salt: salt(who), leaves })
			}
		}
	}
}
