//! # Worker: what a provider's node does by itself
//!
//! The only off-chain worker hook of ours. In each block it asks the other pallets what is due of the provider
//! whose worker key the node has ([`Duties`]), has them attend to it with the node's executor ([`Node`](ogpu_traits::Node)), and
//! sends what was done in one transaction. It knows neither bids nor panels, never waits for a job, and trusts
//! its own memory only for secrets: run twice, not at all, or on a fork, it does no harm.
//!
//! ## The transaction
//!
//! [`perform`](Pallet::perform) is an authorised transaction: no account signs it or pays for it. It carries a
//! sequence number and some duties, signed by the worker key over a domain, the genesis hash, the provider, the
//! number and the encoded duties, each of which binds what it is about. Before it enters the pool, or a block,
//! `authorize` checks, cheapest first: its shape, the provider and its key, the number, the provider's quota
//! of weight in this session, that at least one duty is live, and the signature. So whoever has no worker key
//! costs the chain nothing, and whoever has one a bounded amount.
//!
//! Dispatched, duties that are stale by then are skipped with an event; one that fails never blocks the others.
//!
//! ## The node
//!
//! The node writes the executor's address and token to [`EXECUTOR_KEY`] in its off-chain storage at every
//! start. Only loopback and TLS addresses are used.
//!
//! ## Invariants
//!
//! - A sequence number is used once.
//! - What was dispatched for a provider in a session weighs at most [`Config::Quota`].
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod executor;
#[cfg(test)]
mod mock;
mod node;
#[cfg(test)]
mod tests;
pub mod weights;

pub use executor::{EXECUTOR_KEY, ExecutorAddress};
pub use ogpu_traits::{Duties, genesis};
pub use pallet::*;
pub use weights::WeightInfo;

use sp_core::crypto::KeyTypeId;

/// The type of worker keys in a node's keystore.
pub const WORKER_KEY: KeyTypeId = KeyTypeId(*b"ogpu");

/// What the signature of a worker key covers begins with this.
pub const DOMAIN: &[u8; 14] = b"ogpu/perform/1";

/// The most duties of one transaction.
pub const MAX_DUTIES: u32 = 16;

/// The most bytes that the duties of one transaction take. One by itself is always shorter.
pub const MAX_LENGTH: usize = 96 * 1024;

/// Bytes of duties that may be refused in a session, before only short transactions are taken.
pub const MAX_WASTED: u32 = 512 * 1024;
/// What is a short transaction, in bytes.
pub const SHORT: usize = 8 * 1024;

/// Finds providers by their worker keys.
pub trait WorkerKeys<AccountId> {
	/// Whose words a key signs.
	fn provider_of(key: &[u8; 32]) -> Option<AccountId>;
	/// The key that signs a provider's words.
	fn key_of(provider: &AccountId) -> Option<[u8; 32]>;
}

#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet {
	use alloc::vec::Vec;

	use codec::Encode;
	use frame_support::{pallet_prelude::*, storage::with_storage_layer};
	use frame_system::{
		offchain::{CreateAuthorizedTransaction, SubmitTransaction},
		pallet_prelude::*,
	};
	use ogpu_traits::{Duties, genesis};
	use sp_core::sr25519;
	use sp_runtime::SaturatedConversion;

	use super::*;
	use crate::node::LocalNode;

	/// What the pallet asks of the runtime.
	#[pallet::config]
	pub trait Config:
		frame_system::Config<RuntimeEvent: From<Event<Self>>>
		+ CreateAuthorizedTransaction<Call<Self>>
	{
		/// What was done, of any pallet.
		type Done: Parameter;

		/// The duties of all pallets together.
		type Duties: Duties<Self::AccountId, Done = Self::Done>;

		/// Whose words a worker key signs.
		type Workers: WorkerKeys<Self::AccountId>;

		/// The number of the running session.
		type Session: Get<u32>;

		/// What a provider may do of its own accord in a session, by weight.
		type Quota: Get<Weight>;

		/// What the duties of one transaction should weigh at most, so that it fits into what blocks reserve.
		type Largest: Get<Weight>;

		/// What the call weighs besides its duties.
		type WeightInfo: WeightInfo;
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What is kept of a provider's words.
	#[derive(
		Clone,
		Copy,
		Debug,
		Default,
		PartialEq,
		Eq,
		Encode,
		Decode,
		DecodeWithMemTracking,
		MaxEncodedLen,
		TypeInfo,
	)]
	pub struct Said {
		/// The number of its next transaction.
		pub sequence: u64,
		/// The session of its last one.
		pub session: u32,
		/// What it has weighed in that session.
		pub used: Weight,
		/// Bytes of duties that were refused in that session.
		pub wasted: u32,
	}

	/// What is kept of each provider's words.
	#[pallet::storage]
	pub type Words<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Said, ValueQuery>;

	/// Events of the pallet.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Duties of a provider were taken.
		Performed {
			/// Whose.
			provider: T::AccountId,
			/// The number of the transaction.
			sequence: u64,
			/// How many of them counted.
			done: u32,
		},
		/// A duty did not count any more.
		Stale {
			/// Whose.
			provider: T::AccountId,
			/// Which of the transaction, from 0.
			index: u32,
		},
		/// A duty was refused.
		Refused {
			/// Whose.
			provider: T::AccountId,
			/// Which of the transaction, from 0.
			index: u32,
			/// Why.
			error: DispatchError,
		},
	}

	/// Errors of the pallet.
	#[pallet::error]
	pub enum Error<T> {
		/// The number is not the provider's next.
		WrongSequence,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Takes what a provider's node did.
		///
		/// Origin: authorised by the worker key; see the pallet's documentation. Events:
		/// [`Event::Performed`], and those of the duties.
		#[pallet::call_index(0)]
		#[pallet::weight((
			T::WeightInfo::perform().saturating_add(Pallet::<T>::weight_of(duties)),
			DispatchClass::Operational,
			Pays::No,
		))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize())]
		#[pallet::authorize(Self::authorize_perform)]
		pub fn perform(
			origin: OriginFor<T>,
			provider: T::AccountId,
			sequence: u64,
			duties: BoundedVec<T::Done, ConstU32<MAX_DUTIES>>,
			_signature: sr25519::Signature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			let mut said = Self::said(&provider);
			ensure!(said.sequence == sequence, Error::<T>::WrongSequence);
			said.sequence = sequence.saturating_add(1);
			said.used = said.used.saturating_add(Self::voluntary(&duties));
			Words::<T>::insert(&provider, said);
			let (mut done, mut wasted) = (0, 0);
			for (index, duty) in (0u32..).zip(duties) {
				if !T::Duties::is_live(&provider, &duty) {
					Self::deposit_event(Event::Stale { provider: provider.clone(), index });
					continue;
				}
				let length = duty.encoded_size() as u32;
				match with_storage_layer(|| T::Duties::perform(&provider, duty)) {
					Ok(()) => done += 1,
					Err(error) => {
						wasted += length;
						let provider = provider.clone();
						Self::deposit_event(Event::Refused { provider, index, error });
					}
				}
			}
			if wasted > 0 {
				Words::<T>::mutate(&provider, |said| {
					said.wasted = said.wasted.saturating_add(wasted)
				});
			}
			Self::deposit_event(Event::Performed { provider, sequence, done });
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Does what is due of the providers whose worker keys this node has.
		fn offchain_worker(_: BlockNumberFor<T>) {
			for key in sp_io::crypto::sr25519_public_keys(WORKER_KEY) {
				if let Some(provider) = T::Workers::provider_of(&key.0) {
					Self::attend(&provider, &key);
				}
			}
		}
	}

	impl<T: Config> Pallet<T> {
		/// What duties weigh at most.
		pub fn weight_of(duties: &[T::Done]) -> Weight {
			duties.iter().map(T::Duties::weight).fold(Weight::zero(), Weight::saturating_add)
		}

		/// What those of them weigh that the provider does of its own accord: they count against its quota.
		fn voluntary(duties: &[T::Done]) -> Weight {
			let own = duties.iter().filter(|duty| T::Duties::is_voluntary(duty));
			own.map(T::Duties::weight).fold(Weight::zero(), Weight::saturating_add)
		}

		/// What is kept of a provider's words, in this session.
		fn said(provider: &T::AccountId) -> Said {
			let said = Words::<T>::get(provider);
			let session = T::Session::get();
			if said.session == session {
				said
			} else {
				Said { session, used: Weight::zero(), wasted: 0, ..said }
			}
		}

		/// What the worker key signs.
		pub fn payload(provider: &T::AccountId, sequence: u64, duties: &[T::Done]) -> Vec<u8> {
			(DOMAIN, genesis::<T>(), provider, sequence, duties).encode()
		}

		/// Higher in each block. A node acts upon a block that others may not have yet, above all upon its own: they refuse what
		/// it sends then, and are never sent it again. What it sends after the next block takes the place of that in its pool, and
		/// is new to them.
		fn priority() -> TransactionPriority {
			let block: u64 = frame_system::Pallet::<T>::block_number().saturated_into();
			(TransactionPriority::MAX / 2).saturating_add(block)
		}

		fn authorize_perform(
			_: TransactionSource,
			provider: &T::AccountId,
			sequence: &u64,
			duties: &BoundedVec<T::Done, ConstU32<MAX_DUTIES>>,
			signature: &sr25519::Signature,
		) -> TransactionValidityWithRefund {
			if duties.is_empty() || duties.encoded_size() > MAX_LENGTH {
				return Err(InvalidTransaction::Call.into());
			}
			let Some(key) = T::Workers::key_of(provider) else {
				return Err(InvalidTransaction::BadSigner.into());
			};
			let said = Self::said(provider);
			if *sequence < said.sequence {
				return Err(InvalidTransaction::Stale.into());
			}
			if *sequence > said.sequence {
				return Err(InvalidTransaction::Future.into());
			}
			// Duties are free: nonsense must not fill blocks.
			let length = duties.encoded_size();
			if said.wasted > MAX_WASTED && length > SHORT {
				return Err(InvalidTransaction::ExhaustsResources.into());
			}
			let weight = said.used.saturating_add(Self::voluntary(duties));
			if weight.any_gt(T::Quota::get()) {
				return Err(InvalidTransaction::ExhaustsResources.into());
			}
			if !duties.iter().any(|duty| T::Duties::is_live(provider, duty)) {
				return Err(InvalidTransaction::Stale.into());
			}
			let payload = Self::payload(provider, *sequence, duties);
			if !sp_io::crypto::sr25519_verify(signature, &payload, &sr25519::Public::from_raw(key))
			{
				return Err(InvalidTransaction::BadProof.into());
			}
			ValidTransaction::with_tag_prefix("OgpuWorker")
				.priority(Self::priority())
				.and_provides((provider, *sequence))
				.longevity(16)
				.propagate(true)
				.build()
				.map(|valid| (valid, Weight::zero()))
		}

		/// Does what is due of a provider, and sends what was done.
		fn attend(provider: &T::AccountId, key: &sr25519::Public) {
			let node = LocalNode::new();
			let done = T::Duties::attend(provider, MAX_DUTIES, &node);
			let said = Self::said(provider);
			let mut duties = BoundedVec::<T::Done, ConstU32<MAX_DUTIES>>::new();
			// The list itself begins with its length.
			let (mut weight, mut length, mut used) = (Weight::zero(), 4, said.used);
			// As much as fits, most urgent first; the rest is done in the next block.
			for duty in done.into_iter().filter(|duty| T::Duties::is_live(provider, duty)) {
				let own = T::Duties::weight(&duty);
				let more = weight.saturating_add(own);
				let longer = length + duty.encoded_size();
				let too_much = more.any_gt(T::Largest::get()) || longer > MAX_LENGTH;
				if !duties.is_empty() && too_much {
					continue;
				}
				if T::Duties::is_voluntary(&duty) {
					let after = used.saturating_add(own);
					if after.any_gt(T::Quota::get()) {
						continue;
					}
					used = after;
				}
				if duties.try_push(duty).is_err() {
					break;
				}
				(weight, length) = (more, longer);
			}
			if duties.is_empty() {
				return;
			}
			let sequence = said.sequence;
			let payload = Self::payload(provider, sequence, &duties);
			let Some(signature) = sp_io::crypto::sr25519_sign(WORKER_KEY, key, &payload) else {
				log::error!(target: "ogpu-worker", "the worker key is in the keystore and does not sign");
				return;
			};
			let call = Call::perform { provider: provider.clone(), sequence, duties, signature };
			let transaction = T::create_authorized_transaction(call.into());
			if SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).is_err() {
				// The same number is in the pool already, or the state has moved on: the next block tells.
				log::debug!(target: "ogpu-worker", "transaction {sequence} was not taken by the pool");
			}
		}
	}
}
