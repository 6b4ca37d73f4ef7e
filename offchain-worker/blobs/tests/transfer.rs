//! Two stores and a network between them that is not always kind.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures::stream;
use iroh::{Endpoint, RelayMode, SecretKey, endpoint::presets};
use ogpu_blobs::{
	Answers, Audience, BlobError, Blobs, Fetch, NodeOptions, Options, Question, SourceFault,
};
use ogpu_primitives::{executor::Peer, job::BlobId};
use tempfile::TempDir;
use tokio::sync::watch;

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

fn through(peer: &Peer, address: SocketAddr) -> Peer {
	let text = address.to_string().into_bytes();
	let addresses = vec![text.try_into().expect("a short address")];
	Peer { addresses: addresses.try_into().expect("one"), ..peer.clone() }
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
	let peers = [a.peer()];
	let (mut received, mut folder) = (0, TempDir::new().expect("a folder"));
	for round in 0..6 {
		// Another process, as after a crash.
		let b = Host::opened(2, folder).await;
		let (seen, progress) = watch::channel(0);
		let want = want(id, len, &peers);
		let fetching = b.blobs.fetch(&want, |bytes| {
			seen.send_replace(bytes);
		});
		let mut enough = progress.clone();
		let done = tokio::select! {
			fetched = fetching => { fetched.expect("a blob"); true }
			// Each time about a seventh gets through; the last time all of it.
			_ = enough.wait_for(|bytes| round < 5 && *bytes > len as u64 / 7) => false,
		};
		assert_eq!(done, round == 5);
		received += *progress.borrow();
		b.blobs.close().await;
		folder = b.folder;
	}
	// Hardly anything came twice.
	println!("{received} bytes received for {len}");
	assert!(received < len as u64 * 11 / 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_comes_without_the_rest() {
	let (a, b) = (Host::new(1).await, Host::new(2).await);
	let data = data(20 << 20);
	let id = a.serve(&data).await;
	let peers = [a.peer()];
	let range = 9_000_001..9_070_000;
	let part = b.blobs.fetch_range(&want(id, data.len(), &peers), range.clone()).await;
	assert_eq!(part.expect("a part"), &data[range.start as usize..range.end as usize]);
	assert_eq!(b.blobs.size(&id), None);
	let outside = b.blobs.fetch_range(&want(id, data.len(), &peers), 0..(21 << 20)).await;
	assert!(matches!(outside, Err(BlobError::OutOfRange(_))));
	// The rest can follow, and is all but the groups of 16 KiB that the part lies in.
	let rest = b.blobs.fetch(&want(id, data.len(), &peers), |_| {}).await.expect("the rest");
	assert_eq!(rest.received, data.len() as u64 - 5 * 16_384);
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
	let gone = Host::new(9).await;
	let address = gone.peer();
	gone.blobs.close().await;
	let gone = address;
	// Its words make no sense.
	let nonsense = Peer { addresses: Default::default(), ..bad.peer() };
	let peers = [nonsense.clone()];
	assert!(matches!(fault(&b, &want(id, data.len(), &peers)).await, SourceFault::Invalid(_)));
	// It says another size: the size of a blob must be known beforehand.
	let peers = [good.peer()];
	assert_eq!(fault(&b, &want(id, data.len() + 1, &peers)).await, SourceFault::Lied);
	// It stops half-way.
	let (_endpoint, stalling) = stranger(4, data.len() as u64, Manner::Stalls).await;

	let peers = [nonsense, bad.peer(), stalling, gone, good.peer()];
	let fetched = b.blobs.fetch(&want(id, data.len(), &peers), |_| {}).await.expect("the last one");
	assert_eq!(fetched.faults.len(), 4, "{:?}", fetched.faults);
	assert_eq!(fetched.faults[2], SourceFault::Stalled);
	assert!(matches!(fetched.faults[3], SourceFault::Unreachable(_)));
	assert_eq!(b.blobs.size(&id), Some(data.len() as u64));
}

/// How a stranger goes on after it has said the right size.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
	/// With wrong bytes.
	Lies,
	/// With nothing.
	Stalls,
}

/// An endpoint that speaks the protocol, up to a point.
async fn stranger(seed: u8, size: u64, manner: Manner) -> (Endpoint, Peer) {
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
					if manner == Manner::Stalls {
						tokio::time::sleep(Duration::from_secs(60)).await;
					}
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
	let (_endpoint, lying) = stranger(2, data.len() as u64, Manner::Lies).await;
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
	let only = |host: &Host| Audience::Only(BTreeSet::from([host.peer().key]));
	a.blobs.unshare(&id);
	a.blobs.share(id, only(&b));
	assert_eq!(fault(&c, &want(id, data.len(), &peers)).await, SourceFault::Refused);
	b.blobs.fetch(&want(id, data.len(), &peers), |_| {}).await.expect("it is for us");
	// Another audience does not take it from the first.
	a.blobs.share(id, only(&c));
	c.blobs.fetch(&want(id, data.len(), &peers), |_| {}).await.expect("it is for us, too");
	a.blobs.unshare(&id);
	let d = Host::new(2).await;
	assert_eq!(fault(&d, &want(id, data.len(), &peers)).await, SourceFault::Refused);
}

/// Tells everybody but one peer what it knows.
struct Knows {
	not: [u8; 32],
}

impl Answers for Knows {
	fn answer(&self, peer: &[u8; 32], question: Question) -> Option<Vec<[u8; 32]>> {
		(*peer != self.not && question == Question::Outputs([1; 32]))
			.then(|| vec![[2; 32], [3; 32]])
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_asked_for() {
	let (a, b, c) = (Host::new(1).await, Host::new(2).await, Host::new(3).await);
	let ask = async |host: &Host, run: u8| {
		host.blobs.ask(&a.peer(), Question::Outputs([run; 32])).await.expect("an answer")
	};
	// It does not know anything yet.
	assert_eq!(ask(&b, 1).await, None);
	a.blobs.answer_with(std::sync::Arc::new(Knows { not: c.peer().key }));
	assert_eq!(ask(&b, 1).await, Some(vec![[2; 32], [3; 32]]));
	assert_eq!(ask(&b, 9).await, None);
	assert_eq!(ask(&c, 1).await, None);
	// A host that speaks another protocol, or is gone.
	let nobody = Peer { key: [7; 32], ..a.peer() };
	assert!(matches!(
		b.blobs.ask(&nobody, Question::Outputs([1; 32])).await,
		Err(BlobError::Network(_))
	));
}
