//! Reports of validators that author two blocks in one slot.
//!
//! BABE's own block import of this release looks at headers whose seal has been taken off, and so makes
//! reports that the runtime cannot verify. This import stands before it, looks at the headers as they
//! were sealed, and reports first; the pool then refuses the other report as a double.

use std::sync::Arc;

use log::{info, warn};
use ogpu_runtime::{Block, Hash, Header};
use sc_client_api::AuxStore;
use sc_consensus::{BlockCheckParams, BlockImport, BlockImportParams, ImportResult};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiError, ApiExt, ProvideRuntimeApi};
use sp_consensus::{BlockOrigin, Error as ConsensusError, SelectChain};
use sp_consensus_babe::{
	AuthorityId, AuthorityIndex, BabeApi, EquivocationProof, Slot, SlotDuration,
	check_equivocation_proof, digests::CompatibleDigestItem,
};
use sp_runtime::traits::Header as _;

use super::partial::{FullClient, FullSelectChain};

const LOG_TARGET: &str = "equivocation";

/// Looks at every block for an equivocation, then imports it.
#[derive(Clone)]
pub(super) struct ReportEquivocations<Inner> {
	pub(super) inner: Inner,
	pub(super) client: Arc<FullClient>,
	pub(super) select_chain: FullSelectChain,
	pub(super) pool: OffchainTransactionPoolFactory<Block>,
	pub(super) slot_duration: SlotDuration,
}

#[async_trait::async_trait]
impl<Inner> BlockImport<Block> for ReportEquivocations<Inner>
where
	Inner: BlockImport<Block, Error = ConsensusError> + Send + Sync,
{
	type Error = ConsensusError;

	async fn check_block(
		&self,
		block: BlockCheckParams<Block>,
	) -> Result<ImportResult, Self::Error> {
		self.inner.check_block(block).await
	}

	async fn import_block(
		&self,
		block: BlockImportParams<Block>,
	) -> Result<ImportResult, Self::Error> {
		// What is old needs no report, and the state to make one on is not there while syncing.
		let fresh = block.origin != BlockOrigin::NetworkInitialSync
			&& !block.with_state()
			&& !block.state_action.skip_execution_checks();
		if fresh && let Err(error) = self.look_at(&block.post_header()).await {
			warn!(target: LOG_TARGET, "Block #{} was not looked at: {error}", block.header.number());
		}
		self.inner.import_block(block).await
	}
}

impl<Inner> ReportEquivocations<Inner> {
	/// Remembers a sealed header, and reports its author if another one of the same slot is known.
	async fn look_at(
		&self,
		header: &Header,
	) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
		let Some(digest) = header.digest().logs().iter().find_map(|log| log.as_babe_pre_digest())
		else {
			return Ok(());
		};
		let (slot, author) = (digest.slot(), digest.authority_index());
		let now = Slot::from_timestamp(sp_timestamp::Timestamp::current(), self.slot_duration);
		let known = OwnKeys(&*self.client);
		let Some(proof) =
			sc_consensus_slots::check_equivocation(&known, now, slot, header, &author)?
		else {
			return Ok(());
		};
		let parent = *header.parent_hash();
		let Some(offender) = self.author(parent, slot, author)? else { return Ok(()) };
		let (first_header, second_header) = (proof.first_header, proof.second_header);
		let proof = EquivocationProof { offender, slot, first_header, second_header };
		if !check_equivocation_proof(proof.clone()) {
			return Ok(());
		}
		info!(target: LOG_TARGET, "Two blocks by {} in slot {slot}; reporting it", proof.offender);
		self.report(parent, proof).await
	}

	/// The key of the author with this index, in the epoch of `slot` after `parent`.
	fn author(
		&self,
		parent: Hash,
		slot: Slot,
		index: AuthorityIndex,
	) -> Result<Option<AuthorityId>, ApiError> {
		let api = self.client.runtime_api();
		let current = api.current_epoch(parent)?;
		let epoch = if slot < current.start_slot + current.duration {
			current
		} else {
			api.next_epoch(parent)?
		};
		Ok(epoch.authorities.get(index as usize).map(|(key, _)| key.clone()))
	}

	async fn report(
		&self,
		parent: Hash,
		proof: EquivocationProof<Header>,
	) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
		let best = self.select_chain.best_chain().await?.hash();
		// An instance of the runtime's interface is good for one block.
		let key_owner_proof = |at| {
			self.client.runtime_api().generate_key_ownership_proof(
				at,
				proof.slot,
				proof.offender.clone(),
			)
		};
		// The parent's session has the offender's key, unless the block is the first of a session.
		let key_owner_proof = match key_owner_proof(parent)? {
			Some(found) => Some(found),
			None => key_owner_proof(best)?,
		};
		let Some(key_owner_proof) = key_owner_proof else {
			warn!(target: LOG_TARGET, "{} is not among the validators of its session", proof.offender);
			return Ok(());
		};
		let mut api = self.client.runtime_api();
		api.register_extension(self.pool.offchain_transaction_pool(best));
		if api
			.submit_report_equivocation_unsigned_extrinsic(best, proof, key_owner_proof)?
			.is_none()
		{
			warn!(target: LOG_TARGET, "The report was not taken: somebody else's is there already");
		}
		Ok(())
	}
}

/// The client's store under keys of our own: BABE keeps its headers, without seals, under the others.
struct OwnKeys<'client, C>(&'client C);

fn own(key: &[u8]) -> Vec<u8> {
	[b"ogpu-sealed:", key].concat()
}

impl<C: AuxStore> AuxStore for OwnKeys<'_, C> {
	fn insert_aux<
		'a,
		'b: 'a,
		'c: 'a,
		I: IntoIterator<Item = &'a (&'c [u8], &'c [u8])>,
		D: IntoIterator<Item = &'a &'b [u8]>,
	>(
		&self,
		insert: I,
		delete: D,
	) -> sp_blockchain::Result<()> {
		let insert: Vec<_> = insert.into_iter().map(|(key, value)| (own(key), *value)).collect();
		let insert: Vec<_> = insert.iter().map(|(key, value)| (key.as_slice(), *value)).collect();
		let delete: Vec<_> = delete.into_iter().map(|key| own(key)).collect();
		let delete: Vec<_> = delete.iter().map(Vec::as_slice).collect();
		self.0.insert_aux(&insert, &delete)
	}

	fn get_aux(&self, key: &[u8]) -> sp_blockchain::Result<Option<Vec<u8>>> {
		self.0.get_aux(&own(key))
	}
}
