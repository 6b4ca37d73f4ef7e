//! How fast results are hashed: leaves of 1 MiB slices, as the child computes them.

use std::time::Instant;

use ogpu_primitives::merkle::{Blake2, leaf};

fn main() {
	const SLICE: usize = 1 << 20;
	const SLICES: usize = 512;
	let data: Vec<u8> = (0..SLICE * 64).map(|i| (i * 2_654_435_761) as u8).collect();
	let started = Instant::now();
	let mut folded = 0u8;
	for unit in 0..SLICES {
		let at = (unit % 64) * SLICE;
		let hash = *blake3::Hasher::new().update_rayon(&data[at..at + SLICE]).finalize().as_bytes();
		folded ^= leaf::<Blake2>(unit as u32, &[hash])[0];
	}
	let seconds = started.elapsed().as_secs_f64();
	println!(
		"Hashing {SLICES} slices of 1 MiB: {:.2} GB/s (check {folded})",
		(SLICE * SLICES) as f64 / seconds / 1e9
	);
}
