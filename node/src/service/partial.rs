//! Client, pool and import queue: what a command on the database needs as well as a running node.

use std::{path::Path, sync::Arc};

use ogpu_runtime::{Block, RuntimeApi};
use sc_consensus_babe::{BabeBlockImport, BabeLink, BabeWorkerHandle};
use sc_consensus_grandpa::{GrandpaBlockImport, LinkHalf};
use sc_executor::{DEFAULT_HEAP_ALLOC_STRATEGY, HeapAllocStrategy};
use sc_service::{Configuration, PartialComponents, config::ExecutorConfiguration, error::Error};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_babe::{
	SlotDuration,
	inherents::{BabeCreateInherentDataProviders, InherentDataProvider as SlotProvider},
};
use sp_timestamp::InherentDataProvider as TimestampProvider;

use super::{JUSTIFICATION_PERIOD, equivocation::ReportEquivocations, genesis};

/// The runtime uses the standard host functions and no others.
pub(super) type Executor = sc_executor::WasmExecutor<sp_io::SubstrateHostFunctions>;

pub(crate) type FullClient = sc_service::TFullClient<Block, RuntimeApi, Executor>;
pub(crate) type FullBackend = sc_service::TFullBackend<Block>;
pub(crate) type FullSelectChain = sc_consensus::LongestChain<FullBackend, Block>;
pub(crate) type FullPool = sc_transaction_pool::TransactionPoolHandle<Block, FullClient>;

type Finality = GrandpaBlockImport<FullBackend, Block, FullClient, FullSelectChain>;

/// Imports a block: BABE's checks around GRANDPA's, and ours before them.
pub(super) type BlockImport = ReportEquivocations<
	BabeBlockImport<
		Block,
		FullClient,
		Finality,
		BabeCreateInherentDataProviders<Block>,
		FullSelectChain,
	>,
>;

/// What is left over for the running node.
pub(crate) struct Rest {
	pub(super) block_import: BlockImport,
	pub(super) grandpa_link: LinkHalf<Block, FullClient, FullSelectChain>,
	pub(super) babe_link: BabeLink<Block>,
	pub(super) babe_worker: BabeWorkerHandle<Block>,
	pub(super) telemetry: Option<Telemetry>,
}

/// The time of a block, and the slot that follows from it.
pub(super) fn time_and_slot(slot_duration: SlotDuration) -> (SlotProvider, TimestampProvider) {
	let now = TimestampProvider::from_system_time();
	(SlotProvider::from_timestamp_and_slot_duration(*now, slot_duration), now)
}

/// Runs runtimes. What it has compiled is found in a folder by the next start, or by another node: compiling one takes as
/// long as some blocks, in which a validator is missing.
fn executor(config: &Configuration, runtimes: Option<&Path>) -> Executor {
	let ExecutorConfiguration {
		wasm_method,
		max_runtime_instances,
		default_heap_pages,
		runtime_cache_size,
	} = &config.executor;
	let heap = default_heap_pages.map_or(DEFAULT_HEAP_ALLOC_STRATEGY, |pages| {
		HeapAllocStrategy::Static { extra_pages: pages.try_into().unwrap_or(u32::MAX) }
	});
	let own = config.base_path.path().join("runtimes");
	Executor::builder()
		.with_execution_method(*wasm_method)
		.with_onchain_heap_alloc_strategy(heap)
		.with_offchain_heap_alloc_strategy(heap)
		.with_max_runtime_instances(*max_runtime_instances)
		.with_runtime_cache_size(*runtime_cache_size)
		.with_cache_path(runtimes.unwrap_or(&own))
		.build()
}

/// Opens the database and builds what works on it.
///
/// # Errors
///
/// When the database, the keystore or the genesis cannot be used.
pub(crate) fn new_partial(
	config: &Configuration,
	runtimes: Option<&Path>,
) -> Result<
	PartialComponents<
		FullClient,
		FullBackend,
		FullSelectChain,
		sc_consensus::DefaultImportQueue<Block>,
		FullPool,
		Rest,
	>,
	Error,
> {
	let telemetry = config
		.telemetry_endpoints
		.clone()
		.filter(|endpoints| !endpoints.is_empty())
		.map(|endpoints| -> Result<_, sc_telemetry::Error> {
			let worker = TelemetryWorker::new(16)?;
			let telemetry = worker.handle().new_telemetry(endpoints);
			Ok((worker, telemetry))
		})
		.transpose()?;

	let executor = executor(config, runtimes);
	let backend = sc_service::new_db_backend(config.db_config())?;
	let genesis = genesis::builder(config, &backend, &executor)?;
	let (client, backend, keystore_container, task_manager) =
		sc_service::new_full_parts_with_genesis_builder::<Block, RuntimeApi, _, _>(
			config,
			telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
			executor,
			backend,
			genesis,
			false,
		)?;
	let client = Arc::new(client);
	let telemetry = telemetry.map(|(worker, telemetry)| {
		task_manager.spawn_handle().spawn("telemetry", None, worker.run());
		telemetry
	});
	let telemetry_handle = || telemetry.as_ref().map(Telemetry::handle);

	let select_chain = sc_consensus::LongestChain::new(backend.clone());
	let transaction_pool = Arc::from(
		sc_transaction_pool::Builder::new(
			task_manager.spawn_essential_handle(),
			client.clone(),
			config.role.is_authority().into(),
		)
		.with_options(config.transaction_pool.clone())
		.with_prometheus(config.prometheus_registry())
		.build(),
	);

	let (grandpa_import, grandpa_link) = sc_consensus_grandpa::block_import(
		client.clone(),
		JUSTIFICATION_PERIOD,
		&client,
		select_chain.clone(),
		telemetry_handle(),
	)?;

	let babe_config = sc_consensus_babe::configuration(&*client)?;
	let slot_duration = babe_config.slot_duration();
	let (block_import, babe_link) = sc_consensus_babe::block_import(
		babe_config,
		grandpa_import.clone(),
		client.clone(),
		Arc::new(move |_, ()| async move { Ok(time_and_slot(slot_duration)) })
			as BabeCreateInherentDataProviders<Block>,
		select_chain.clone(),
		OffchainTransactionPoolFactory::new(transaction_pool.clone()),
	)?;

	let block_import = ReportEquivocations {
		inner: block_import,
		client: client.clone(),
		select_chain: select_chain.clone(),
		pool: OffchainTransactionPoolFactory::new(transaction_pool.clone()),
		slot_duration,
	};

	let (import_queue, babe_worker) =
		sc_consensus_babe::import_queue(sc_consensus_babe::ImportQueueParams {
			link: babe_link.clone(),
			block_import: block_import.clone(),
			justification_import: Some(Box::new(grandpa_import)),
			client: client.clone(),
			slot_duration,
			spawner: &task_manager.spawn_essential_handle(),
			registry: config.prometheus_registry(),
			telemetry: telemetry_handle(),
		})?;

	Ok(PartialComponents {
		client,
		backend,
		task_manager,
		keystore_container,
		select_chain,
		import_queue,
		transaction_pool,
		other: Rest { block_import, grandpa_link, babe_link, babe_worker, telemetry },
	})
}
