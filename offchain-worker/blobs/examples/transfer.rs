//! How fast blobs move, beside a plain copy: `transfer MEBIBYTES FOLDER`. Between two stores on loopback,
//! whole and with five interruptions, and a small part of a large blob.

use std::{net::SocketAddr, path::Path, time::Duration, time::Instant};

use ogpu_blobs::{Audience, Blobs, Fetch, NodeOptions, Options};
use ogpu_primitives::{executor::Peer, job::BlobId};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

async fn open(folder: &Path, seed: u8, size: u64) -> Outcome<Blobs> {
	let blobs = Blobs::open(Options { quota: size * 2, ..Options::new(folder) }).await?;
	let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
	let node =
		NodeOptions { seed: [seed; 32], listen, announce: vec![], relay: None, connections: 8 };
	blobs.join(node).await?;
	Ok(blobs)
}

fn say(what: &str, bytes: u64, took: Duration, plain: Duration) {
	let seconds = took.as_secs_f64();
	println!(
		"| {what} | {seconds:.2} s | {:.0} MB/s | {:.2} |",
		bytes as f64 / seconds / 1e6,
		seconds / plain.as_secs_f64()
	);
}

fn fetch<'want>(id: BlobId, size: u64, peers: &'want [Peer]) -> Fetch<'want> {
	Fetch { id, size, peers, stall: Duration::from_secs(10) }
}

async fn run() -> Outcome<()> {
	let mut args = std::env::args().skip(1);
	let (Some(size), Some(folder)) = (args.next(), args.next()) else {
		return Err("usage: transfer MEBIBYTES FOLDER".into());
	};
	let size = size.parse::<u64>()? << 20;
	let folder = std::path::absolute(folder)?;
	std::fs::create_dir_all(&folder)?;
	let file = folder.join("source");
	// Bytes that no file system can make smaller.
	let mut state = 1u64;
	let mut data = Vec::with_capacity(size as usize);
	while (data.len() as u64) < size {
		state =
			state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		data.extend_from_slice(&state.to_be_bytes());
	}
	std::fs::write(&file, &data)?;
	drop(data);

	println!("| {} MiB | time | throughput | ratio to a plain copy |", size >> 20);
	println!("| --- | --- | --- | --- |");
	let began = Instant::now();
	// Byte by byte, where the file system could share them instead.
	let mut from = std::io::BufReader::new(std::fs::File::open(&file)?);
	let mut to = std::fs::File::create(folder.join("copy"))?;
	std::io::copy(&mut from, &mut to)?;
	let plain = began.elapsed();
	say("plain copy", size, plain, plain);

	let a = open(&folder.join("a"), 1, size).await?;
	let began = Instant::now();
	let id = a.add_file(&file).await?;
	say("into the store", size, began.elapsed(), plain);
	a.share(id, Audience::Anyone);
	let peers = [a.peer().ok_or("it does not listen")?.clone()];

	let b = open(&folder.join("b"), 2, size).await?;
	let began = Instant::now();
	b.fetch(&fetch(id, size, &peers), |_| {}).await?;
	say("fetched", size, began.elapsed(), plain);
	let began = Instant::now();
	b.export(&id, &folder.join("exported")).await?;
	say("out of the store, checked", size, began.elapsed(), plain);

	let c = open(&folder.join("c"), 3, size).await?;
	let (began, mut received, mut interruptions) = (Instant::now(), 0, 0);
	loop {
		let (stop, stopped) = tokio::sync::watch::channel(false);
		let mut here = 0;
		let (want, last) = (fetch(id, size, &peers), interruptions == 5);
		let fetching = c.fetch(&want, |bytes| {
			here = bytes;
			if !last && bytes > size / 7 {
				stop.send_replace(true);
			}
		});
		let mut stopped = stopped;
		let done = tokio::select! {
			fetched = fetching => { fetched?; true }
			_ = stopped.wait_for(|stop| *stop) => false,
		};
		received += here;
		if done {
			break;
		}
		interruptions += 1;
	}
	say("fetched, five times interrupted", size, began.elapsed(), plain);
	println!("| | {received} bytes came for {size} | | |");

	let d = open(&folder.join("d"), 4, size).await?;
	let began = Instant::now();
	let part = d.fetch_range(&fetch(id, size, &peers), size / 2..size / 2 + (1 << 20)).await?;
	say("1 MiB from the middle", part.len() as u64, began.elapsed(), plain);
	for blobs in [a, b, c, d] {
		blobs.close().await;
	}
	Ok(())
}

fn main() -> std::process::ExitCode {
	let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
	match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run())) {
		Ok(()) => std::process::ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("{error}");
			std::process::ExitCode::FAILURE
		}
	}
}
