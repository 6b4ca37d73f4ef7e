//! Two stores and a network between them that is not always kind.

use std::{
	collections::BTreeSet,
	net::SocketAddr,
	sync::{
		Arc,
		atomic::{AtomicU64, Ordering},
	},
	time::Duration,
};

use bytes::Bytes;
use futures::stream;
use iroh::{Endpoint, RelayMode, SecretKey, endpoint::presets};
use ogpu_blobs::{Audience, BlobError, Blobs, Fetch, NodeOptions, Options, SourceFault};
use ogpu_primitives::{executor::Peer, job::BlobId};
use tempfile::TempDir;
use tokio::net::UdpSocket;

struct Host {
	blobs: Blobs,
	folder: TempDir,
}

fn loopback() -> SocketAddr {
	SocketAddr::from(([127, 0, 0, 1], 0))
}

impl Host {
	async fn new(seed: u8) -> Self {
		Self::opened(seed, TempDir::new().expect("a folder")).await
	}

	async fn opened(seed: u8, folder: TempDir) -> Self {
		let options = Options { reserve: 0, ..Options::new(folder.path()) };
		let blobs = Blobs::open(options).await.expect("a store");
		let node = NodeOptions {
			seed: [seed; 32],
			listen: Some(loopback()),
			announce: Vec::new(),
			relay: None,
			connections: 8,
		};
		blobs.join(node).await.expect("a network");
		Self { blobs, folder }
	}

	fn peer(&self) -> Peer {
		self.blobs.peer().expect("it listens").clone()
	}

	/// A blob that this host serves to anybody.
	async fn serve(&self, data: &[u8]) -> BlobId {
		let piece = Ok(Bytes::copy_from_slice(data));
		let id = self.blobs.add(stream::iter([piece]), None, None).await.expect("room");
		self.blobs.share(id, Audience::Anyone);
		id
	}
}

fn data(len: usize) -> Vec<u8> {
	(0..len).map(|i| (i as u32).wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()
}

fn want<'want>(id: BlobId, size: usize, peers: &'want [Peer]) -> Fetch<'want> {
	Fetch { id, size: size as u64, peers, stall: Duration::from_millis(1500) }
}

/// Forwards datagrams between a client and `to`, as long as `budget` bytes towards the client last.
async fn link(to: SocketAddr, budget: Arc<AtomicU64>) -> SocketAddr {
	let (front, back) = (
		UdpSocket::bind(loopback()).await.expect("a socket"),
		UdpSocket::bind(loopback()).await.expect("a socket"),
	);
	let address = front.local_addr().expect("an address");
	tokio::spawn(async move {
		let (mut there, mut here) = ([0; 2048], [0; 2048]);
		let mut client = None;
		loop {
			tokio::select! {
				got = front.recv_from(&mut there) => {
					let Ok((len, from)) = got else { return };
					client = Some(from);
					let _ = back.send_to(&there[..len], to).await;
				}
				got = back.recv_from(&mut here) => {
					let Ok((len, _)) = got else { return };
					let left = budget.load(Ordering::Relaxed);
					if left < len as u64 {
						continue;
					}
					budget.fetch_sub(len as u64, Ordering::Relaxed);
					if let Some(client) = client {
						let _ = front.send_to(&here[..len], client).await;
					}
				}
			}
		}
	});
	address
}

fn through(peer: &Peer, address: SocketAddr) -> Peer {
	let text = address.to_string().into_bytes();
	let addresses = vec![text.try_into().expect("a short address")];
	Peer { addresses: addresses.try_into().expect("one"), ..peer.clone() }
}

fn address_of(peer: &Peer) -> SocketAddr {
	String::from_utf8_lossy(&peer.addresses[0]).parse().expect("an address")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_fetched_and_checked() {
	let (a, b) = (Host::new(1).await, Host::new(2).await);
	for len in [0, 1, 16_384, 16_385, 5_000_000] {
		let data = data(len);
		let id = a.serve(&data).await;
		let peers = [a.peer()];
		let mut seen = 0;
		b.blobs.fetch(&want(id, len, &peers), |bytes| seen = bytes).await.expect("a blob");
		assert_eq!((b.blobs.size(&id), seen), (Some(len as u64), len as u64));
		// It is there now.
		let again = b.blobs.fetch(&want(id, len, &[]), |_| {}).await.expect("a blob");
		assert_eq!(again.received, 0);
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_transfer_goes_on_where_it_was() {
	let a = Host::new(1).await;
	let len = 24 << 20;
	let id = a.serve(&data(len)).await;
	let (mut received, mut folder) = (0, TempDir::new().expect("a folder"));
	for round in 0..6 {
		let b = Host::opened(2, folder).await;
		// Each time about a sixth gets through; the last time all of it.
		let budget = if round < 5 { (5 << 20) as u64 } else { u64::MAX };
		let address = link(address_of(&a.peer()), Arc::new(AtomicU64::new(budget))).await;
		let peers = [through(&a.peer(), address)];
		let mut here = 0;
		let fetching = b.blobs.fetch(&want(id, len, &peers), |bytes| here = bytes);
		let fetched = tokio::time::timeout(Duration::from_secs(4), fetching).await;
		received += here;
		assert_eq!(matches!(fetched, Ok(Ok(_))), round == 5, "round {round}: {fetched:?}");
		if round == 5 {
			assert_eq!(b.blobs.size(&id), Some(len as u64));
		}
		b.blobs.close().await;
		folder = b.folder;
	}
	// Hardly anything came twice.
	println!("{received} bytes received for {len}");
	assert!(received < len as u64 + (2 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_comes_without_the_rest() {
	let (a, b) = (Host::new(1).await, Host::new(2).await);
	let data = data(20 << 20);
	let id = a.serve(&data).await;
	let address = link(address_of(&a.peer()), Arc::new(AtomicU64::new(1 << 20))).await;
	let peers = [through(&a.peer(), address)];
	let range = 9_000_001..9_070_000;
	let part = b.blobs.fetch_range(&want(id, data.len(), &peers), range.clone()).await;
	// The link would not have let a twentieth of it through.
	assert_eq!(part.expect("a part"), &data[range.start as usize..range.end as usize]);
	assert_eq!(b.blobs.size(&id), None);
	let outside = b.blobs.fetch_range(&want(id, data.len(), &peers), 0..(21 << 20)).await;
	assert!(matches!(outside, Err(BlobError::OutOfRange(_))));
	// The rest can follow.
	let peers = [a.peer()];
	let rest = b.blobs.fetch(&want(id, data.len(), &peers), |_| {}).await.expect("the rest");
	assert!(rest.received < data.len() as u64 - 60_000);
	assert_eq!(b.blobs.size(&id), Some(data.len() as u64));
}

/// What became of the only source.
async fn fault(b: &Host, want: &Fetch<'_>) -> SourceFault {
	match b.blobs.fetch(want, |_| {}).await {
		Err(BlobError::Unavailable { tried, .. }) => tried[0].clone(),
		other => panic!("{other:?}"),
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_fail_are_told_apart_and_others_are_tried() {
	let (good, bad, b) = (Host::new(1).await, Host::new(2).await, Host::new(3).await);
	let data = data(3_000_000);
	let id = good.serve(&data).await;

	// It does not have it.
	let peers = [bad.peer()];
	assert_eq!(fault(&b, &want(id, data.len(), &peers)).await, SourceFault::Refused);
	bad.blobs.share(id, Audience::Anyone);
	assert_eq!(fault(&b, &want(id, data.len(), &peers)).await, SourceFault::Lacks);
	// Nobody is there.
	let closed = link(loopback(), Arc::new(AtomicU64::new(0))).await;
	let gone = through(&bad.peer(), closed);
	// Its words make no sense.
	let nonsense = Peer { addresses: Default::default(), ..bad.peer() };
	let peers = [nonsense.clone()];
	assert!(matches!(fault(&b, &want(id, data.len(), &peers)).await, SourceFault::Invalid(_)));
	// It says another size: the size of a blob must be known beforehand.
	let peers = [good.peer()];
	assert_eq!(fault(&b, &want(id, data.len() + 1, &peers)).await, SourceFault::Lied);
	// It stops half-way.
	let slow = link(address_of(&good.peer()), Arc::new(AtomicU64::new(800_000))).await;
	let stalling = through(&good.peer(), slow);

	let peers = [nonsense, bad.peer(), stalling, gone, good.peer()];
	let fetched = b.blobs.fetch(&want(id, data.len(), &peers), |_| {}).await.expect("the last one");
	assert_eq!(fetched.faults.len(), 4, "{:?}", fetched.faults);
	assert_eq!(fetched.faults[2], SourceFault::Stalled);
	assert!(matches!(fetched.faults[3], SourceFault::Unreachable(_)));
	assert_eq!(b.blobs.size(&id), Some(data.len() as u64));
}

/// An endpoint that answers every request with the right size and wrong bytes.
async fn liar(seed: u8, size: u64) -> (Endpoint, Peer) {
	let endpoint = Endpoint::builder(presets::Minimal)
		.secret_key(SecretKey::from_bytes(&[seed; 32]))
		.relay_mode(RelayMode::Disabled)
		.alpns(vec![iroh_blobs::ALPN.to_vec()])
		.clear_ip_transports()
		.bind_addr(loopback())
		.expect("an address")
		.bind()
		.await
		.expect("a socket");
	let address = endpoint.addr().ip_addrs().next().copied().expect("an address");
	let key = *endpoint.id().as_bytes();
	let accepting = endpoint.clone();
	tokio::spawn(async move {
		while let Some(incoming) = accepting.accept().await {
			let Ok(connection) = incoming.await else { continue };
			tokio::spawn(async move {
				while let Ok((mut send, mut receive)) = connection.accept_bi().await {
					let _ = receive.read_to_end(1 << 20).await;
					let _ = send.write_all(&size.to_le_bytes()).await;
					let _ = send.write_all(&vec![0x5a; 1 << 20]).await;
					let _ = send.finish();
				}
			});
		}
	});
	let peer = Peer { key, addresses: Default::default(), relay: None };
	(endpoint, through(&peer, address))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_lies_is_caught_and_another_is_tried() {
	let (honest, b) = (Host::new(1).await, Host::new(3).await);
	let data = data(3_000_000);
	let id = honest.serve(&data).await;
	let (_endpoint, lying) = liar(2, data.len() as u64).await;
	let peers = [lying.clone()];
	assert_eq!(fault(&b, &want(id, data.len(), &peers)).await, SourceFault::Lied);
	let peers = [lying, honest.peer()];
	let fetched =
		b.blobs.fetch(&want(id, data.len(), &peers), |_| {}).await.expect("the honest one");
	assert_eq!(fetched.faults, [SourceFault::Lied]);
	let copy = b.folder.path().join("copy");
	b.blobs.export(&id, &copy).await.expect("a file");
	assert_eq!(std::fs::read(copy).expect("a file"), data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_disk_gives_no_wrong_bytes() {
	let (damaged, b) = (Host::new(1).await, Host::new(2).await);
	let data = data(3_000_000);
	let id = damaged.serve(&data).await;
	let file = damaged.folder.path().join(format!("data/{id}.data"));
	let mut bytes = std::fs::read(&file).expect("a file");
	bytes[2_000_000] ^= 1;
	std::fs::write(&file, bytes).expect("a file");
	let exported = damaged.blobs.export(&id, &damaged.folder.path().join("copy")).await;
	assert!(matches!(exported, Err(BlobError::Store(_))), "{exported:?}");
	let peers = [damaged.peer()];
	let first = fault(&b, &want(id, data.len(), &peers)).await;
	assert!(matches!(first, SourceFault::Lied | SourceFault::Lacks), "{first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_are_served_only_to_whom_they_are_shared_with() {
	let (a, b, c) = (Host::new(1).await, Host::new(2).await, Host::new(3).await);
	let data = data(100_000);
	let id = a.serve(&data).await;
	let peers = [a.peer()];
	a.blobs.share(id, Audience::Only(BTreeSet::from([b.peer().key])));
	assert_eq!(fault(&c, &want(id, data.len(), &peers)).await, SourceFault::Refused);
	b.blobs.fetch(&want(id, data.len(), &peers), |_| {}).await.expect("it is for us");
	a.blobs.unshare(&id);
	let d = Host::new(2).await;
	assert_eq!(fault(&d, &want(id, data.len(), &peers)).await, SourceFault::Refused);
}
