//! The roots of the self-test, computed in Rust, and devices against them.

use ogpu_primitives::merkle::{Blake2, Tree, leaf};
use ogpu_worker::{
	prelude::reference as dm,
	run::Limits,
	selftest::{GOLDEN, SEED, hex, selftest},
};

use crate::case::{device, tools};

/// The root of words in 32 units.
fn root(words: &[u32]) -> String {
	let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
	let units = bytes.chunks(bytes.len() / 32);
	let leaves = (0..)
		.zip(units)
		.map(|(unit, data)| leaf::<Blake2>(unit, &[*blake3::hash(data).as_bytes()]));
	hex(&Tree::new::<Blake2>(leaves.collect()).expect("leaves").root())
}

fn integers() -> Vec<u32> {
	let seed: Vec<u32> = SEED
		.as_bytes()
		.chunks(4)
		.map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
		.collect();
	let words: Vec<(u32, u64)> = (0..65_536u32)
		.map(|id| {
			let mut a = seed[(id & 255) as usize] ^ id.wrapping_mul(2_654_435_761);
			let mut b = (u64::from(a) << 32) | u64::from(id + 1);
			for i in 0..64u32 {
				b = b
					.wrapping_mul(6_364_136_223_846_793_005)
					.wrapping_add(1_442_695_040_888_963_407);
				a = a.rotate_left(5) ^ (b >> 33) as u32;
				let s = a as i32;
				let term =
					(s >> 3).wrapping_add(s / (i as i32 + 3)).wrapping_sub(s % (i as i32 * 2 + 5));
				a = a.wrapping_add(term as u32);
				let high = ((u64::from(a) * u64::from(b as u32)) >> 32) as u32;
				a ^= high
					.wrapping_add((a | 1).leading_zeros())
					.wrapping_add(((b >> 7) as u32).count_ones());
			}
			(a, b)
		})
		.collect();
	(0..65_536u32)
		.map(|id| {
			let (a, b) = words[id as usize];
			let neighbour = words[((id & !63) | ((id + 1) & 63)) as usize].0;
			let a = a.wrapping_add(neighbour.wrapping_mul(31));
			let a = a ^ (id / 64).wrapping_mul(97).wrapping_add(1024).wrapping_add(65_536);
			a.wrapping_add((b ^ (b >> 32)) as u32)
		})
		.collect()
}

fn fold(hash: u32, x: f32) -> u32 {
	let bits = if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() };
	(hash.rotate_left(9) ^ bits).wrapping_mul(2_654_435_761)
}

fn floats() -> Vec<u32> {
	let near = |id: u32| id.wrapping_sub(32_768) as i32 as f32 * 0.000_976_562_5;
	(0..65_536u32)
		.map(|id| {
			let x = f32::from_bits(id.wrapping_mul(65_537));
			let y = f32::from_bits(id.wrapping_mul(2_246_822_519).wrapping_add(3_266_489_917));
			let group: Vec<f32> = ((id & !63)..(id | 63) + 1).map(near).collect();
			let near = near(id);
			let long = (u64::from(id) << 40).wrapping_mul(3).wrapping_sub(9_223_372_036_854_775_807)
				as i64;
			let mut hash = fold(id, x * y + near);
			hash = fold(hash, x.mul_add(near, y));
			hash = fold(hash, x / y);
			hash = fold(hash, x.sqrt());
			hash = fold(hash, x * 2f32.powi(-100) * 2f32.powi(-20));
			hash = fold(hash, long as f32);
			hash = fold(hash, id.wrapping_mul(2_654_435_761) as f32);
			// Rust's conversions saturate as ogpu_f32_to_i32 and ogpu_f32_to_u32 do.
			hash = (hash ^ (x as i32) as u32).wrapping_add(y as u32);
			hash = fold(hash, near.floor() + near.round_ties_even() + near.trunc() + x.ceil());
			for value in [
				dm::exp(near),
				dm::exp(x),
				dm::log(x),
				dm::tanh(near),
				dm::erf(near),
				dm::sin(near),
				dm::sin(x),
				dm::cos(x),
				dm::rcp(x),
				dm::rsqrt(x),
				dm::gelu(near),
				dm::sigmoid(near),
				dm::pow(x, near),
				dm::group_sum(&group),
			] {
				hash = fold(hash, value);
			}
			hash
		})
		.collect()
}

#[test]
fn golden_roots_are_what_rust_computes() {
	assert_eq!(GOLDEN.map(|golden| golden.root), [root(&integers()), root(&floats())]);
}

#[test]
fn this_device_passes_the_self_test() {
	selftest(tools(), device(), Limits::default()).unwrap_or_else(|error| panic!("{error}"));
}
