//! The node: its parts, put together and started.
//!
//! - [`partial`]: what commands on the database need too: client, queue, pool.
//! - [`consensus`]: authoring, finality and authority discovery.
//! - [`executor`]: tells the hook of the runtime where the executor is; starts one, if it is to.
//! - [`genesis`]: the database must be of the chain that was asked for.
//! - [`offchain`]: the off-chain workers, with HTTP.

mod consensus;
mod equivocation;
mod executor;
mod genesis;
mod offchain;
mod partial;

use std::{path::Path, sync::Arc};

use sc_client_api::BlockBackend;
use sc_network::{
	Litep2pNetworkBackend, NetworkBackend, NetworkWorker, config::NetworkBackendType,
};
use sc_service::{
	Configuration, PartialComponents, SpawnTasksParams, TaskManager, WarpSyncConfig, error::Error,
};

use crate::rpc;
use ogpu_runtime::{Block, Hash};

pub(crate) use executor::Executor;
pub(crate) use partial::{FullBackend, FullClient, FullPool, FullSelectChain, new_partial};

/// Blocks between two justifications that are kept for light clients and bridges.
const JUSTIFICATION_PERIOD: u32 = 512;

/// Starts a node with the network backend that the operator chose.
///
/// # Errors
///
/// What keeps any part of it from starting.
pub(crate) fn new_full(
	config: Configuration,
	executor: Option<Executor>,
	runtimes: Option<&Path>,
) -> Result<TaskManager, Error> {
	match config.network.network_backend {
		NetworkBackendType::Libp2p => {
			start::<NetworkWorker<Block, Hash>>(config, executor, runtimes)
		}
		NetworkBackendType::Litep2p => start::<Litep2pNetworkBackend>(config, executor, runtimes),
	}
}

fn start<N: NetworkBackend<Block, Hash>>(
	config: Configuration,
	executor: Option<Executor>,
	runtimes: Option<&Path>,
) -> Result<TaskManager, Error> {
	let PartialComponents {
		client,
		backend,
		mut task_manager,
		import_queue,
		keystore_container,
		select_chain,
		transaction_pool,
		other: partial::Rest { block_import, grandpa_link, babe_link, babe_worker, mut telemetry },
	} = new_partial(&config, runtimes)?;

	let metrics = N::register_notification_metrics(config.prometheus_registry());
	let mut net_config = sc_network::config::FullNetworkConfiguration::<_, _, N>::new(
		&config.network,
		config.prometheus_registry().cloned(),
	);
	let genesis_hash = client
		.block_hash(0)?
		.ok_or_else(|| Error::Other("the database has no genesis block".into()))?;
	let grandpa_protocol =
		sc_consensus_grandpa::protocol_standard_name(&genesis_hash, &config.chain_spec);
	let (grandpa_network, grandpa_notifications) =
		sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
			grandpa_protocol.clone(),
			metrics.clone(),
			net_config.peer_store_handle(),
		);
	net_config.add_notification_protocol(grandpa_network);

	let authority_set = grandpa_link.shared_authority_set().clone();
	let warp_proofs = sc_consensus_grandpa::warp_proof::NetworkProvider::new(
		backend.clone(),
		authority_set.clone(),
		Vec::new(),
	);
	let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
		sc_service::build_network(sc_service::BuildNetworkParams {
			config: &config,
			net_config,
			client: client.clone(),
			transaction_pool: transaction_pool.clone(),
			spawn_handle: task_manager.spawn_handle(),
			spawn_essential_handle: task_manager.spawn_essential_handle(),
			import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: Some(WarpSyncConfig::WithProvider(Arc::new(warp_proofs))),
			block_relay: None,
			metrics,
			gap_sync_body_policy: None,
		})?;

	if config.offchain_worker.enabled {
		executor::spawn(
			executor,
			&backend,
			&keystore_container.keystore(),
			&task_manager.spawn_handle(),
		)?;
		offchain::spawn(offchain::Params {
			client: client.clone(),
			backend: &backend,
			keystore: keystore_container.keystore(),
			pool: transaction_pool.clone(),
			network: network.clone(),
			is_validator: config.role.is_authority(),
			spawner: &task_manager.spawn_handle(),
		})?;
	}

	let role = consensus::Role::of(&config);
	let voter_state = sc_consensus_grandpa::SharedVoterState::empty();
	let rpc_deps = rpc::Deps {
		client: client.clone(),
		pool: transaction_pool.clone(),
		select_chain: select_chain.clone(),
		chain_spec: config.chain_spec.cloned_box(),
		keystore: keystore_container.keystore(),
		genesis: genesis_hash,
		babe_worker,
		voter_state: voter_state.clone(),
		authority_set: authority_set.clone(),
		justifications: grandpa_link.justification_stream(),
		finality_proofs: sc_consensus_grandpa::FinalityProofProvider::new_for_service(
			backend.clone(),
			Some(authority_set),
		),
	};

	sc_service::spawn_tasks(SpawnTasksParams {
		config,
		backend,
		client: client.clone(),
		keystore: keystore_container.keystore(),
		network: network.clone(),
		rpc_builder: Box::new(move |executor| rpc::create(&rpc_deps, executor).map_err(Into::into)),
		transaction_pool: transaction_pool.clone(),
		task_manager: &mut task_manager,
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync_service.clone(),
		telemetry: telemetry.as_mut(),
		tracing_execute_block: None,
	})?;

	consensus::spawn(
		role,
		consensus::Params {
			client,
			select_chain,
			pool: transaction_pool,
			keystore: keystore_container.keystore(),
			network,
			sync: sync_service,
			block_import,
			babe_link,
			grandpa_link,
			grandpa_protocol,
			grandpa_notifications,
			voter_state,
			telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
		},
		&task_manager,
	)?;
	Ok(task_manager)
}
