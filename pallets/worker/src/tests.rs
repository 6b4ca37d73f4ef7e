//! What gets into the pool, what happens in a block, and what the hook does.

use codec::{Decode, Encode};
use frame_support::{
	BoundedVec, assert_noop, assert_ok,
	dispatch::{DispatchClass, GetDispatchInfo, Pays},
	traits::{Authorize, Hooks},
	weights::Weight,
};
use ogpu_primitives::executor::ExecutorStatus;
use sp_core::{Pair, offchain::testing::PendingRequest, sr25519::Signature};
use sp_runtime::{
	DispatchError,
	offchain::storage::StorageValueRef,
	traits::Dispatchable,
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
};

use crate::{Call, EXECUTOR_KEY, Error, Event, ExecutorAddress, Words, mock::*};

fn call_of(
	provider: u64,
	sequence: u64,
	duties: Vec<TestDone>,
	signature: Signature,
) -> RuntimeCall {
	let duties = BoundedVec::try_from(duties).expect("they are few");
	RuntimeCall::Worker(Call::perform { provider, sequence, duties, signature })
}

fn signed(sequence: u64, duties: Vec<TestDone>) -> RuntimeCall {
	let signature = key().sign(&Worker::payload(&PROVIDER, sequence, &duties));
	call_of(PROVIDER, sequence, duties, signature)
}

/// What the pool says.
fn admitted(call: &RuntimeCall) -> Result<(), TransactionValidityError> {
	let answer = call.authorize(TransactionSource::External).expect("it is an authorised call");
	answer.map(|(valid, _)| {
		assert!(valid.propagate && valid.provides.len() == 1);
	})
}

fn refused(call: &RuntimeCall) -> InvalidTransaction {
	match admitted(call) {
		Err(TransactionValidityError::Invalid(invalid)) => invalid,
		other => panic!("{other:?}"),
	}
}

/// In a block, after the checks.
fn dispatch(call: RuntimeCall) {
	admitted(&call).expect("it is admitted");
	let origin = frame_system::RawOrigin::Authorized.into();
	assert_ok!(call.dispatch(origin));
}

#[test]
fn what_was_not_taken_is_replaced_after_the_next_block() {
	surroundings().chain.execute_with(|| {
		let call = signed(0, vec![TestDone::Good(1)]);
		let priority = || {
			let answer = call.authorize(TransactionSource::Local).expect("it is authorised");
			answer.expect("it is admitted").0.priority
		};
		let before = priority();
		System::set_block_number(System::block_number() + 1);
		assert!(priority() > before);
	});
}

#[test]
fn only_the_worker_key_speaks_for_a_provider() {
	surroundings().chain.execute_with(|| {
		let good = vec![TestDone::Good(1)];
		assert_ok!(admitted(&signed(0, good.clone())));
		// Another key; the right one over something else.
		let stranger = sp_core::sr25519::Pair::from_seed(&[1; 32]);
		let wrong = [
			stranger.sign(&Worker::payload(&PROVIDER, 0, &good)),
			key().sign(&Worker::payload(&PROVIDER, 1, &good)),
			key().sign(&Worker::payload(&2, 0, &good)),
			key().sign(&Worker::payload(&PROVIDER, 0, &[TestDone::Good(2)])),
		];
		for signature in wrong {
			let call = call_of(PROVIDER, 0, good.clone(), signature);
			assert_eq!(refused(&call), InvalidTransaction::BadProof);
		}
		// Nobody's key.
		let signature = key().sign(&Worker::payload(&2, 0, &good));
		assert_eq!(refused(&call_of(2, 0, good.clone(), signature)), InvalidTransaction::BadSigner);
		Registered::set(false);
		assert_eq!(refused(&signed(0, good)), InvalidTransaction::BadSigner);
	});
}

#[test]
fn nothing_is_said_twice() {
	surroundings().chain.execute_with(|| {
		let call = signed(0, vec![TestDone::Good(1)]);
		dispatch(call.clone());
		assert_eq!(performed(), [1]);
		assert_eq!(refused(&call), InvalidTransaction::Stale);
		assert_eq!(refused(&signed(2, vec![TestDone::Good(2)])), InvalidTransaction::Future);
		// Even if it came into a block.
		assert_noop!(
			call.dispatch(frame_system::RawOrigin::Authorized.into()),
			Error::<Test>::WrongSequence
		);
		dispatch(signed(1, vec![TestDone::Good(2)]));
		assert_eq!(Words::<Test>::get(PROVIDER).sequence, 2);
	});
}

#[test]
fn what_does_not_count_costs_nothing() {
	surroundings().chain.execute_with(|| {
		assert_eq!(refused(&signed(0, vec![])), InvalidTransaction::Call);
		assert_eq!(refused(&signed(0, vec![TestDone::Old])), InvalidTransaction::Stale);
	});
}

#[test]
fn one_bad_duty_does_not_block_the_others() {
	surroundings().chain.execute_with(|| {
		let duties = vec![TestDone::Good(1), TestDone::Old, TestDone::Bad(7), TestDone::Good(2)];
		dispatch(signed(0, duties));
		// What the bad one had changed is undone.
		assert_eq!(performed(), [1, 2]);
		System::assert_has_event(Event::Stale { provider: PROVIDER, index: 1 }.into());
		System::assert_has_event(
			Event::Refused { provider: PROVIDER, index: 2, error: DispatchError::Other("") }.into(),
		);
		System::assert_last_event(
			Event::Performed { provider: PROVIDER, sequence: 0, done: 2 }.into(),
		);
	});
}

#[test]
fn a_provider_has_its_quota_in_a_session() {
	surroundings().chain.execute_with(|| {
		Quota::set(Weight::from_parts(3, 0));
		dispatch(signed(0, vec![TestDone::Good(1), TestDone::Good(2)]));
		let more = signed(1, vec![TestDone::Good(3), TestDone::Good(4)]);
		assert_eq!(refused(&more), InvalidTransaction::ExhaustsResources);
		Session::set(1);
		dispatch(more);
		assert_eq!(Words::<Test>::get(PROVIDER).used, Weight::from_parts(2, 0));
	});
}

#[test]
fn what_the_chain_asks_for_is_not_counted() {
	surroundings().chain.execute_with(|| {
		Quota::set(Weight::from_parts(1, 0));
		dispatch(signed(0, vec![TestDone::Good(1), TestDone::Asked(2), TestDone::Asked(3)]));
		assert_eq!(
			refused(&signed(1, vec![TestDone::Good(4)])),
			InvalidTransaction::ExhaustsResources
		);
		// Whoever has used up its quota can still do what it must.
		dispatch(signed(1, vec![TestDone::Asked(5)]));
		assert_eq!(performed(), [1, 2, 3, 5]);
	});
}

#[test]
fn the_hook_sends_what_fits_and_leaves_the_rest_for_later() {
	let mut surroundings = surroundings();
	expect_status(&surroundings, status());
	surroundings.chain.execute_with(|| {
		executor("http://127.0.0.1:9960");
		Quota::set(Weight::from_parts(1, 0));
		Largest::set(Weight::from_parts(3, 0));
		let asked = (10..20).map(TestDone::Asked);
		Due::set([TestDone::Good(1), TestDone::Good(2)].into_iter().chain(asked).collect());
		Worker::offchain_worker(1);
	});
	let sent = sent(&surroundings);
	surroundings.chain.execute_with(|| {
		dispatch(sent[0].clone());
		// The second of its own accord is over the quota.
		assert_eq!(performed(), [1, 10, 11]);
	});
}

#[test]
fn it_is_operational_and_free() {
	let info = signed_info();
	assert_eq!((info.class, info.pays_fee), (DispatchClass::Operational, Pays::No));
	assert!(info.call_weight.ref_time() >= 3);
}

fn signed_info() -> frame_support::dispatch::DispatchInfo {
	let mut info = None;
	surroundings().chain.execute_with(|| {
		info = Some(signed(0, vec![TestDone::Good(1), TestDone::Good(2)]).get_dispatch_info());
	});
	info.expect("it was asked for")
}

fn status() -> Vec<u8> {
	ExecutorStatus {
		api: ogpu_primitives::executor::API_VERSION,
		job_format: 1,
		preludes: Default::default(),
		devices: Default::default(),
		peer: None,
		draining: false,
	}
	.encode()
}

fn executor(url: &str) {
	let address = ExecutorAddress { url: url.into(), token: b"secret".to_vec() };
	StorageValueRef::persistent(EXECUTOR_KEY).set(&address);
}

fn expect_status(surroundings: &Surroundings, response: Vec<u8>) {
	let headers = [
		("Authorization", "Bearer secret"),
		("Accept", "application/octet-stream"),
		("Content-Type", "application/octet-stream"),
		("Content-Length", "0"),
	];
	surroundings.offchain.write().expect_request(PendingRequest {
		method: "GET".into(),
		uri: "http://127.0.0.1:9960/v1/status".into(),
		headers: headers.map(|(name, value)| (name.into(), value.into())).to_vec(),
		response: Some(response),
		sent: true,
		..Default::default()
	});
}

fn sent(surroundings: &Surroundings) -> Vec<RuntimeCall> {
	let pool = surroundings.pool.read();
	let decode = |bytes: &Vec<u8>| Extrinsic::decode(&mut &bytes[..]).expect("a transaction");
	pool.transactions.iter().map(|bytes| decode(bytes).function).collect()
}

#[test]
fn the_hook_sends_what_was_done() {
	let mut surroundings = surroundings();
	expect_status(&surroundings, status());
	surroundings.chain.execute_with(|| {
		executor("http://127.0.0.1:9960");
		Due::set(vec![TestDone::Good(1), TestDone::Old, TestDone::Good(2)]);
		Worker::offchain_worker(1);
	});
	let sent = sent(&surroundings);
	assert_eq!(sent.len(), 1);
	surroundings.chain.execute_with(|| {
		// What is stale already is left out; the rest is one transaction that a block takes.
		dispatch(sent[0].clone());
		assert_eq!(performed(), [1, 2]);
	});
}

#[test]
fn without_an_executor_nothing_is_sent() {
	let mut surroundings = surroundings();
	surroundings.chain.execute_with(|| {
		Due::set(vec![TestDone::Good(1)]);
		Worker::offchain_worker(1);
		// A token is not sent in the open to another machine.
		executor("http://192.0.2.1:9960");
		Worker::offchain_worker(2);
		executor("http://127.0.0.1.example.org/");
		Worker::offchain_worker(3);
	});
	assert!(sent(&surroundings).is_empty());
}

#[test]
fn nonsense_from_the_executor_is_no_answer() {
	let mut surroundings = surroundings();
	expect_status(&surroundings, vec![1, 2, 3]);
	surroundings.chain.execute_with(|| {
		executor("http://127.0.0.1:9960");
		Due::set(vec![TestDone::Good(1)]);
		Worker::offchain_worker(1);
	});
	assert!(sent(&surroundings).is_empty());
}
