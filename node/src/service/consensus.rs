//! Authoring blocks (BABE), finalising them (GRANDPA), and finding the other validators.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use ogpu_runtime::Block;
use sc_consensus_babe::{BabeLink, SlotProportion};
use sc_consensus_grandpa::{LinkHalf, SharedVoterState};
use sc_network::{
	ProtocolName,
	event::Event,
	service::traits::{NetworkService, NotificationService},
};
use sc_network_sync::SyncingService;
use sc_service::{Configuration, TaskManager, error::Error};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_keystore::KeystorePtr;

use super::{
	JUSTIFICATION_PERIOD,
	partial::{BlockImport, FullClient, FullPool, FullSelectChain, time_and_slot},
};

/// What the operator's configuration says of this node's part in consensus.
pub(super) struct Role {
	role: sc_service::Role,
	name: String,
	force_authoring: bool,
	grandpa: bool,
	publish_non_global_ips: bool,
	public_addresses: Vec<sc_network::Multiaddr>,
	address_cache: std::path::PathBuf,
	prometheus: Option<substrate_prometheus_endpoint::Registry>,
}

impl Role {
	/// Taken before the configuration is used up.
	pub(super) fn of(config: &Configuration) -> Self {
		Self {
			role: config.role,
			name: config.network.node_name.clone(),
			force_authoring: config.force_authoring,
			grandpa: !config.disable_grandpa,
			publish_non_global_ips: config.network.allow_non_globals_in_dht,
			public_addresses: config.network.public_addresses.clone(),
			address_cache: config.base_path.config_dir(config.chain_spec.id()),
			prometheus: config.prometheus_registry().cloned(),
		}
	}
}

/// What consensus works with.
pub(super) struct Params {
	pub(super) client: Arc<FullClient>,
	pub(super) select_chain: FullSelectChain,
	pub(super) pool: Arc<FullPool>,
	pub(super) keystore: KeystorePtr,
	pub(super) network: Arc<dyn NetworkService>,
	pub(super) sync: Arc<SyncingService<Block>>,
	pub(super) block_import: BlockImport,
	pub(super) babe_link: BabeLink<Block>,
	pub(super) grandpa_link: LinkHalf<Block, FullClient, FullSelectChain>,
	pub(super) grandpa_protocol: ProtocolName,
	pub(super) grandpa_notifications: Box<dyn NotificationService>,
	pub(super) voter_state: SharedVoterState,
	pub(super) telemetry: Option<TelemetryHandle>,
}

/// Starts this node's part in consensus.
///
/// # Errors
///
/// When authoring or voting cannot start.
pub(super) fn spawn(role: Role, params: Params, tasks: &TaskManager) -> Result<(), Error> {
	let is_authority = role.role.is_authority();
	if is_authority {
		spawn_authority_discovery(&role, &params, tasks);
		spawn_authoring(&role, &params, tasks)?;
	}
	if role.grandpa {
		spawn_finality(role, params, tasks)?;
	}
	Ok(())
}

fn spawn_authoring(role: &Role, params: &Params, tasks: &TaskManager) -> Result<(), Error> {
	let proposer = sc_basic_authorship::ProposerFactory::new(
		tasks.spawn_handle(),
		params.client.clone(),
		params.pool.clone(),
		role.prometheus.as_ref(),
		params.telemetry.clone(),
	);
	let slot_duration = params.babe_link.config().slot_duration();
	let babe = sc_consensus_babe::start_babe(sc_consensus_babe::BabeParams {
		keystore: params.keystore.clone(),
		client: params.client.clone(),
		select_chain: params.select_chain.clone(),
		env: proposer,
		block_import: params.block_import.clone(),
		sync_oracle: params.sync.clone(),
		justification_sync_link: params.sync.clone(),
		create_inherent_data_providers: move |_, ()| async move { Ok(time_and_slot(slot_duration)) },
		force_authoring: role.force_authoring,
		// Authors slow down while finality lags, so that a partition stays small.
		backoff_authoring_blocks: Some(
			sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging::default(),
		),
		babe_link: params.babe_link.clone(),
		// Half a slot to build a block, as the runtime's block weight assumes.
		block_proposal_slot_portion: SlotProportion::new(0.5),
		max_block_proposal_slot_portion: None,
		telemetry: params.telemetry.clone(),
	})?;
	tasks.spawn_essential_handle().spawn_blocking("babe", Some("block-authoring"), babe);
	Ok(())
}

fn spawn_authority_discovery(role: &Role, params: &Params, tasks: &TaskManager) {
	let events = params.network.event_stream("authority-discovery").filter_map(|event| async {
		match event {
			Event::Dht(event) => Some(event),
			_ => None,
		}
	});
	let (worker, _service) = sc_authority_discovery::new_worker_and_service_with_config(
		sc_authority_discovery::WorkerConfig {
			publish_non_global_ips: role.publish_non_global_ips,
			public_addresses: role.public_addresses.clone(),
			persisted_cache_directory: Some(role.address_cache.clone()),
			..Default::default()
		},
		params.client.clone(),
		Arc::new(params.network.clone()),
		Box::pin(events),
		sc_authority_discovery::Role::PublishAndDiscover(params.keystore.clone()),
		role.prometheus.clone(),
		tasks.spawn_handle(),
	);
	tasks.spawn_handle().spawn("authority-discovery", Some("networking"), worker.run());
}

fn spawn_finality(role: Role, params: Params, tasks: &TaskManager) -> Result<(), Error> {
	let config = sc_consensus_grandpa::Config {
		gossip_duration: Duration::from_millis(333),
		justification_generation_period: JUSTIFICATION_PERIOD,
		name: Some(role.name),
		observer_enabled: false,
		keystore: role.role.is_authority().then_some(params.keystore),
		local_role: role.role,
		telemetry: params.telemetry.clone(),
		protocol_name: params.grandpa_protocol,
	};
	let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
		config,
		link: params.grandpa_link,
		network: params.network,
		sync: params.sync,
		notification_service: params.grandpa_notifications,
		voting_rule: sc_consensus_grandpa::VotingRulesBuilder::default().build(),
		prometheus_registry: role.prometheus,
		shared_voter_state: params.voter_state,
		telemetry: params.telemetry,
		offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(params.pool),
	})?;
	tasks.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
	Ok(())
}
