//! Our place in the network: an endpoint that serves what was shared.

use std::{
	collections::{BTreeSet, HashMap},
	net::SocketAddr,
	sync::{Arc, Mutex, PoisonError},
	time::Duration,
};

use crate::{
	error::{BlobError, SourceFault, chain},
	fetch::LEAST,
	results::{self, Teller},
	store::Blobs,
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

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Connections of one peer that are served at once, and requests of one connection.
const PER_PEER: usize = 4;
/// How long a connection that we serve may carry next to nothing.
const IDLE: Duration = Duration::from_secs(30);

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

impl Audience {
	/// Either.
	pub fn and(self, other: Self) -> Self {
		match (self, other) {
			(Self::Only(mut keys), Self::Only(more)) => {
				keys.extend(more);
				Self::Only(keys)
			}
			_ => Self::Anyone,
		}
	}
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

/// The connections that are served. A place among them is given back when it is dropped.
pub(crate) struct Places {
	most: usize,
	taken: Mutex<HashMap<EndpointId, usize>>,
}

impl Places {
	pub(crate) fn take(self: &Arc<Self>, peer: EndpointId) -> Option<Place> {
		let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
		let all: usize = taken.values().sum();
		let of_peer = taken.get(&peer).copied().unwrap_or(0);
		if all >= self.most || of_peer >= PER_PEER {
			return None;
		}
		taken.insert(peer, of_peer + 1);
		Some(Place { places: self.clone(), peer })
	}
}

pub(crate) struct Place {
	places: Arc<Places>,
	peer: EndpointId,
}

impl Drop for Place {
	fn drop(&mut self) {
		let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some(count) = taken.get_mut(&self.peer) {
			*count -= 1;
			if *count == 0 {
				taken.remove(&self.peer);
			}
		}
	}
}

/// Resolves when a connection has carried next to nothing for a while: whoever asks for bytes and does not
/// take them would keep others out.
async fn idle(connection: &Connection) {
	let mut before = 0;
	loop {
		tokio::time::sleep(IDLE).await;
		let sent = connection.stats().sent_bytes;
		if sent.saturating_sub(before) < LEAST {
			return;
		}
		before = sent;
	}
}

pub(crate) struct Node {
	endpoint: Endpoint,
	router: Option<Router>,
	relay: Option<RelayUrl>,
	peer: Peer,
}

impl Node {
	/// Connects to a peer, by the protocol of this name.
	pub(crate) async fn connect(
		&self,
		peer: &Peer,
		protocol: &[u8],
	) -> Result<Connection, SourceFault> {
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
		match tokio::time::timeout(CONNECT, self.endpoint.connect(address, protocol)).await {
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
	places: Arc<Places>,
}

impl std::fmt::Debug for Server {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Server").finish_non_exhaustive()
	}
}

impl ProtocolHandler for Server {
	async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
		let peer = connection.remote_id();
		let Some(_place) = self.places.take(peer) else {
			connection.close(ERR_LIMIT, b"too many connections");
			return Ok(());
		};
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
		let served = connection.clone();
		tokio::select! {
			() = provider::handle_connection(served, self.store.clone(), events) => {}
			() = idle(&connection) => connection.close(ERR_LIMIT, b"idle"),
		}
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
			.max_concurrent_bidi_streams(VarInt::from_u32(PER_PEER as u32))
			.max_concurrent_uni_streams(VarInt::from_u32(0))
			.send_window(4 << 20)
			.build();
		let mut endpoint = Endpoint::builder(presets::Minimal)
			.secret_key(SecretKey::from_bytes(&options.seed))
			.relay_mode(match &relay {
				None => RelayMode::Disabled,
				Some(url) => RelayMode::custom([url.clone()]),
			})
			.transport_config(transport);
		// Whoever only fetches reaches peers over IPv4 and IPv6, from any port.
		if let Some(listen) = options.listen {
			endpoint =
				endpoint.clear_ip_transports().bind_addr(listen).map_err(|error| fail(&error))?;
		}
		let endpoint = endpoint.bind().await.map_err(|error| {
			let at = options.listen.map_or("any port".to_owned(), |listen| listen.to_string());
			BlobError::Network(format!("{at}: {}", chain(&error)))
		})?;
		let router = options.listen.map(|_| {
			let places = Arc::new(Places { most: options.connections, taken: Mutex::default() });
			let teller = Teller { knows: self.knows().clone(), places: places.clone() };
			let server = Server {
				store: self.store().clone().into(),
				shares: self.shares().clone(),
				places,
			};
			Router::builder(endpoint.clone())
				.accept(iroh_blobs::ALPN, server)
				.accept(results::ALPN, teller)
				.spawn()
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

	/// Serves a blob from now on, when it is here, to whom it was served already and to `audience`.
	pub fn share(&self, id: BlobId, audience: Audience) {
		let mut shares = self.shares().lock().unwrap_or_else(PoisonError::into_inner);
		let before = shares.0.remove(&id);
		shares.0.insert(id, before.map_or(audience.clone(), |before| before.and(audience)));
	}

	/// Serves a blob no longer.
	pub fn unshare(&self, id: &BlobId) {
		self.shares().lock().unwrap_or_else(PoisonError::into_inner).0.remove(id);
	}
}
