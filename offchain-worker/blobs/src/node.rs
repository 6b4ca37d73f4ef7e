//! Our place in the network: an endpoint that serves what was shared.

use std::{
	collections::{BTreeSet, HashMap},
	net::SocketAddr,
	sync::{Arc, Mutex, PoisonError},
	time::Duration,
};

use bounded_collections::BoundedVec;
use iroh::{
	Endpoint, EndpointAddr, EndpointId, RelayMode, RelayUrl, SecretKey, TransportAddr,
	endpoint::{Connection, QuicTransportConfig, VarInt, presets},
	protocol::{AcceptError, ProtocolHandler, Router},
};
use iroh_blobs::{
	api::Store,
	protocol::ERR_LIMIT,
	provider::{
		self,
		events::{AbortReason, EventMask, EventSender, ObserveMode, ProviderMessage, RequestMode},
	},
};
use ogpu_primitives::{executor::Peer, job::BlobId};
use tokio::sync::Semaphore;

use crate::{
	error::{BlobError, SourceFault, chain},
	store::Blobs,
};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Our place in the network.
#[derive(Clone, Debug)]
pub struct NodeOptions {
	/// The secret ed25519 key by which others know us.
	pub seed: [u8; 32],
	/// Where others reach us. Nobody can if it is not given: then we only fetch.
	pub listen: Option<SocketAddr>,
	/// Addresses under which others reach us, where they differ from `listen`.
	pub announce: Vec<SocketAddr>,
	/// The URL of a relay, for us and for peers behind it.
	pub relay: Option<String>,
	/// The most connections that are served at once.
	pub connections: usize,
}

/// To whom a blob is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
	/// Whoever knows its hash.
	Anyone,
	/// The endpoints with these keys.
	Only(BTreeSet<[u8; 32]>),
}

/// What is served, and to whom.
#[derive(Debug, Default)]
pub(crate) struct Shares(HashMap<BlobId, Audience>);

impl Shares {
	fn allow(&self, peer: &EndpointId, id: &BlobId) -> bool {
		match self.0.get(id) {
			Some(Audience::Anyone) => true,
			Some(Audience::Only(keys)) => keys.contains(peer.as_bytes()),
			None => false,
		}
	}
}

pub(crate) struct Node {
	endpoint: Endpoint,
	router: Option<Router>,
	relay: Option<RelayUrl>,
	peer: Peer,
}

impl Node {
	/// Connects to a peer.
	pub(crate) async fn connect(&self, peer: &Peer) -> Result<Connection, SourceFault> {
		let key = EndpointId::from_bytes(&peer.key)
			.map_err(|_| SourceFault::Invalid("its key is none of ed25519".into()))?;
		let mut addresses = Vec::new();
		for address in &peer.addresses {
			let text = String::from_utf8_lossy(address);
			let address = text.parse::<SocketAddr>().map_err(|_| {
				SourceFault::Invalid(format!("{text:?} is not an IP address with a port"))
			})?;
			addresses.push(TransportAddr::Ip(address));
		}
		// Only our own relay: a stranger's address must not make us call a host of its choice.
		let asked = peer.relay.as_ref().map(|relay| String::from_utf8_lossy(relay).into_owned());
		if let Some(relay) = &self.relay
			&& asked.is_some_and(|asked| asked.parse().ok().as_ref() == Some(relay))
		{
			addresses.push(TransportAddr::Relay(relay.clone()));
		}
		if addresses.is_empty() {
			return Err(SourceFault::Invalid("it has no address".into()));
		}
		let address = EndpointAddr::from_parts(key, addresses);
		match tokio::time::timeout(CONNECT, self.endpoint.connect(address, iroh_blobs::ALPN)).await
		{
			Ok(Ok(connection)) => Ok(connection),
			Ok(Err(error)) => Err(SourceFault::Unreachable(chain(&error))),
			Err(_) => {
				Err(SourceFault::Unreachable(format!("no answer in {} s", CONNECT.as_secs())))
			}
		}
	}

	pub(crate) async fn close(&self) {
		if let Some(router) = &self.router
			&& let Err(error) = router.shutdown().await
		{
			tracing::warn!(target: "ogpu-blobs", "serving did not end cleanly: {error}");
		}
		self.endpoint.close().await;
	}
}

/// Serves one connection after another, each with its own questions to [`Shares`].
#[derive(Clone)]
struct Server {
	store: Store,
	shares: Arc<Mutex<Shares>>,
	slots: Arc<Semaphore>,
}

impl std::fmt::Debug for Server {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Server").finish_non_exhaustive()
	}
}

impl ProtocolHandler for Server {
	async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
		let Ok(_slot) = self.slots.clone().try_acquire_owned() else {
			connection.close(ERR_LIMIT, b"too many connections");
			return Ok(());
		};
		let peer = connection.remote_id();
		let mask = EventMask {
			get: RequestMode::Intercept,
			get_many: RequestMode::Disabled,
			push: RequestMode::Disabled,
			observe: ObserveMode::Intercept,
			..EventMask::DEFAULT
		};
		let (events, mut questions) = EventSender::channel(32, mask);
		let shares = self.shares.clone();
		// Ends with the connection, which holds the other end.
		tokio::spawn(async move {
			while let Some(question) = questions.recv().await {
				match question {
					ProviderMessage::GetRequestReceived(get) => {
						let id = BlobId(*get.request.hash.as_bytes());
						let allowed = get.request.ranges.is_blob()
							&& shares
								.lock()
								.unwrap_or_else(PoisonError::into_inner)
								.allow(&peer, &id);
						let answer = if allowed { Ok(()) } else { Err(AbortReason::Permission) };
						// The connection may have ended meanwhile.
						let _ = get.tx.send(answer).await;
					}
					ProviderMessage::ObserveRequestReceived(observe) => {
						let _ = observe.tx.send(Err(AbortReason::Permission)).await;
					}
					_ => {}
				}
			}
		});
		provider::handle_connection(connection, self.store.clone(), events).await;
		Ok(())
	}
}

impl Blobs {
	/// Joins the network, once.
	///
	/// # Errors
	///
	/// When the address cannot be bound, or the relay's URL is none.
	pub async fn join(&self, options: NodeOptions) -> Result<(), BlobError> {
		let fail = |error: &dyn std::error::Error| BlobError::Network(chain(error));
		let relay = options.relay.as_deref().map(str::parse::<RelayUrl>).transpose();
		let relay = relay.map_err(|error| fail(&error))?;
		let transport = QuicTransportConfig::builder()
			.max_concurrent_bidi_streams(VarInt::from_u32(16))
			.max_concurrent_uni_streams(VarInt::from_u32(0))
			.send_window(4 << 20)
			.build();
		let listen = options.listen.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)));
		let endpoint = Endpoint::builder(presets::Minimal)
			.secret_key(SecretKey::from_bytes(&options.seed))
			.relay_mode(match &relay {
				None => RelayMode::Disabled,
				Some(url) => RelayMode::custom([url.clone()]),
			})
			.transport_config(transport)
			.clear_ip_transports()
			.bind_addr(listen)
			.map_err(|error| fail(&error))?
			.bind()
			.await
			.map_err(|error| BlobError::Network(format!("{listen}: {}", chain(&error))))?;
		let router = options.listen.map(|_| {
			let server = Server {
				store: self.store().clone().into(),
				shares: self.shares().clone(),
				slots: Arc::new(Semaphore::new(options.connections)),
			};
			Router::builder(endpoint.clone()).accept(iroh_blobs::ALPN, server).spawn()
		});
		let addresses: Vec<SocketAddr> = if options.announce.is_empty() {
			endpoint.addr().ip_addrs().copied().collect()
		} else {
			options.announce
		};
		let peer = Peer {
			key: *endpoint.id().as_bytes(),
			addresses: BoundedVec::truncate_from(
				addresses
					.iter()
					.map(|address| BoundedVec::truncate_from(address.to_string().into_bytes()))
					.collect(),
			),
			relay: options.relay.map(|url| BoundedVec::truncate_from(url.into_bytes())),
		};
		let node = Node { endpoint, router, relay, peer };
		self.node().set(node).map_err(|_| BlobError::Network("it was joined already".into()))
	}

	/// How others reach us, if they can.
	pub fn peer(&self) -> Option<&Peer> {
		self.node().get().filter(|node| node.router.is_some()).map(|node| &node.peer)
	}

	/// Serves a blob from now on, when it is here. An earlier audience is replaced.
	pub fn share(&self, id: BlobId, audience: Audience) {
		self.shares().lock().unwrap_or_else(PoisonError::into_inner).0.insert(id, audience);
	}

	/// Serves a blob no longer.
	pub fn unshare(&self, id: &BlobId) {
		self.shares().lock().unwrap_or_else(PoisonError::into_inner).0.remove(id);
	}
}
