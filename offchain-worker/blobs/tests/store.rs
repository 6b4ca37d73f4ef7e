//! The store on a real disk.

use std::{io, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use ogpu_blobs::{BlobError, Blobs, NoRoom, Options};
use ogpu_primitives::{job::BlobId, piece::Piece};
use tempfile::TempDir;

fn options(folder: &TempDir) -> Options {
	Options { reserve: 0, ..Options::new(folder.path()) }
}

fn bytes(len: usize, seed: u64) -> Vec<u8> {
	let mut state = seed;
	let next = || {
		state =
			state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		(state >> 56) as u8
	};
	std::iter::repeat_with(next).take(len).collect()
}

fn pieces(data: &[u8]) -> impl stream::Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
	let pieces: Vec<_> =
		data.chunks(60_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
	stream::iter(pieces)
}

async fn add(blobs: &Blobs, data: &[u8]) -> Result<BlobId, BlobError> {
	blobs.add(pieces(data), Some(data.len() as u64), None).await
}

async fn read(
	blobs: &Blobs,
	id: &BlobId,
	range: std::ops::Range<u64>,
) -> Result<Vec<u8>, BlobError> {
	let pieces: Vec<Bytes> = blobs.read(id, range)?.try_collect().await?;
	Ok(pieces.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_in_comes_out() {
	let folder = TempDir::new().expect("a folder");
	let blobs = Blobs::open(options(&folder)).await.expect("a store");
	for len in [0, 1, 1024, 16_384, 16_385, 100_000, 3_000_000] {
		let data = bytes(len, len as u64);
		let id = add(&blobs, &data).await.expect("room");
		assert_eq!(id.to_string(), blake3(&data));
		assert_eq!(blobs.size(&id), Some(len as u64));
		assert_eq!(read(&blobs, &id, 0..len as u64).await.expect("bytes"), data);
		if len > 2000 {
			let (from, to) = (len / 3, len - 7);
			let part = read(&blobs, &id, from as u64..to as u64).await.expect("bytes");
			assert_eq!(part, &data[from..to]);
		}
		assert!(matches!(
			read(&blobs, &id, 0..len as u64 + 1).await,
			Err(BlobError::OutOfRange(size)) if size == len as u64
		));
		let file = folder.path().join("exported");
		blobs.export(&id, &file).await.expect("a file");
		assert_eq!(std::fs::read(&file).expect("a file"), data);
	}
	blobs.close().await;
}

fn blake3(data: &[u8]) -> String {
	let mut hasher = iroh_blobs::Hash::new(data).to_hex().to_string();
	hasher.make_ascii_lowercase();
	hasher
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_survive_a_restart() {
	let folder = TempDir::new().expect("a folder");
	let (small, large) = (bytes(500, 1), bytes(2_000_000, 2));
	let ids = {
		let blobs = Blobs::open(options(&folder)).await.expect("a store");
		let ids =
			[add(&blobs, &small).await.expect("room"), add(&blobs, &large).await.expect("room")];
		blobs.close().await;
		ids
	};
	// What a crash left.
	std::fs::write(folder.path().join("temp/half.temp"), "half").expect("a file");
	let blobs = Blobs::open(options(&folder)).await.expect("a store");
	assert!(!folder.path().join("temp/half.temp").exists());
	assert_eq!(blobs.usage(), (2_000_500, 2));
	for (id, data) in ids.iter().zip([small, large]) {
		assert_eq!(read(&blobs, id, 0..data.len() as u64).await.expect("bytes"), data);
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_announced_is_kept() {
	let folder = TempDir::new().expect("a folder");
	let blobs =
		Blobs::open(Options { largest: 100_000, ..options(&folder) }).await.expect("a store");
	let data = bytes(50_000, 3);
	let expected = BlobId([7; 32]);
	let other = blobs.add(pieces(&data), None, Some(expected)).await;
	assert!(matches!(other, Err(BlobError::OtherBlob { expected: e, .. }) if e == expected));
	let long = bytes(200_000, 4);
	for len in [None, Some(200_000), Some(10)] {
		let refused = blobs.add(pieces(&long), len, None).await;
		assert!(matches!(refused, Err(BlobError::TooLong(100_000))), "{refused:?}");
	}
	let broken = pieces(&data).chain(stream::iter([Err(io::ErrorKind::ConnectionReset.into())]));
	let broken = blobs.add(broken, None, None).await;
	assert!(matches!(broken, Err(BlobError::Broken(_))), "{broken:?}");
	assert_eq!(blobs.usage(), (0, 0));
	assert!(add(&blobs, &data).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_needs_makes_room() {
	let folder = TempDir::new().expect("a folder");
	let sweep = Duration::from_millis(200);
	let blobs = Blobs::open(Options { quota: 3_000_000, sweep, ..options(&folder) })
		.await
		.expect("a store");
	let mut ids = Vec::new();
	for seed in 0..3 {
		ids.push(add(&blobs, &bytes(1_000_000, seed)).await.expect("room"));
	}
	assert!(blobs.pin(&ids[0], "run"));
	let fourth = add(&blobs, &bytes(1_000_000, 9)).await.expect("the second is evicted");
	assert_eq!(blobs.size(&ids[1]), None);
	assert!(!blobs.remove(&ids[0]).await.expect("no trouble"), "it is pinned");
	for id in [ids[2], fourth] {
		assert!(blobs.pin(&id, "run"));
	}
	let refused = add(&blobs, &bytes(1_000, 10)).await;
	assert!(matches!(
		refused,
		Err(BlobError::NoRoom(NoRoom::Quota {
			needed: 1_000,
			pinned: 3_000_000,
			quota: 3_000_000
		}))
	));
	blobs.unpin(&ids[0], "run");
	assert!(blobs.remove(&ids[0]).await.expect("no trouble"));
	// What was evicted and removed leaves the disk, too.
	let files = || {
		let data = std::fs::read_dir(folder.path().join("data")).expect("a folder").flatten();
		data.filter(|file| file.file_name().to_string_lossy().ends_with(".data")).count()
	};
	for _ in 0..100 {
		if files() == 2 {
			break;
		}
		tokio::time::sleep(Duration::from_millis(100)).await;
	}
	assert_eq!(files(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_nothing_is_lost() {
	let folder = TempDir::new().expect("a folder");
	let kept = bytes(100_000, 1);
	let blobs = Blobs::open(options(&folder)).await.expect("a store");
	let id = add(&blobs, &kept).await.expect("room");
	blobs.close().await;
	// More than there is on any disk is to be left alone.
	let blobs =
		Blobs::open(Options { reserve: u64::MAX / 2, ..options(&folder) }).await.expect("a store");
	let refused = add(&blobs, &bytes(1_000, 2)).await;
	assert!(matches!(refused, Err(BlobError::NoRoom(NoRoom::Disk { needed: 1_000, .. }))));
	let refused = blobs.export(&id, &folder.path().join("file")).await;
	assert!(matches!(refused, Err(BlobError::NoRoom(NoRoom::Disk { .. }))));
	assert_eq!(read(&blobs, &id, 0..100_000).await.expect("bytes"), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_proved() {
	let folder = TempDir::new().expect("a folder");
	let blobs = Blobs::open(options(&folder)).await.expect("a store");
	for len in [0, 1, 16_384, 65_536, 65_537, 200_000, 1_000_000] {
		let data = bytes(len, 5);
		let id = add(&blobs, &data).await.expect("room");
		for wanted in [0, 1, 2, 7, 15, 99] {
			// From the hashes that the store has it is the same as from all of the bytes.
			let piece = blobs.prove(&id, wanted).await.expect("a proof");
			assert_eq!(piece, Piece::of(&data, wanted), "{len} {wanted}");
			assert_eq!(piece.verify(&id), Ok(()));
			assert!(piece.settles(wanted));
		}
	}
	assert!(matches!(blobs.prove(&BlobId([1; 32]), 0).await, Err(BlobError::Missing(_))));
}
