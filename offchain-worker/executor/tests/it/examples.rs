//! The examples: each has the root that their README states, in whole and in part, and agrees with a
//! reference that shares nothing with it.

use std::{collections::BTreeMap, fs, path::PathBuf};

use ogpu_compute::{Care, Units};
use ogpu_primitives::job::Shape;
use ogpu_worker::{prelude::reference as dm, selftest::hex};
use sha2::{Digest, Sha256};

use crate::case::{Case, How};

fn folder() -> PathBuf {
	PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn file(name: &str) -> Vec<u8> {
	fs::read(folder().join(name)).expect("a file of the examples")
}

fn floats(bytes: &[u8]) -> Vec<f32> {
	let words = bytes.chunks_exact(4);
	words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
	values.iter().map(|value| value.to_bits()).collect()
}

/// The roots in the README's table, by manifest.
fn roots() -> BTreeMap<String, String> {
	let text = String::from_utf8(file("README.md")).expect("text");
	let rows = text.lines().filter(|line| line.starts_with("| `"));
	rows.filter_map(|line| {
		let cells: Vec<_> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
		Some((format!("{}.yaml", cells.get(1)?), (*cells.get(3)?).to_owned()))
	})
	.collect()
}

/// Runs an example; its root is the stated one, and parts of it have the same leaves.
fn run(name: &str) -> Case {
	let case = Case::load(&folder().join(name));
	let whole = case.done();
	let root = hex(&whole.tree(&case.manifest.plan).expect("all leaves").root());
	assert_eq!(roots().get(name), Some(&root), "{name}");
	let units = case.manifest.plan.units;
	let some: Vec<u32> = [1, 2, units / 2, units - 1].into_iter().collect();
	// A segment starts from the checkpoint that the whole run left.
	let out = match case.manifest.job.shape {
		Shape::Iterative { .. } => case.out("out"),
		Shape::DataParallel { .. } => case.out("part"),
	};
	let part = case
		.run(How { units: Units::These(some.clone()), care: Care::Alone, out, ..case.how() })
		.unwrap_or_else(|error| panic!("{name}: {error}"));
	assert_eq!(part.leaves.len(), some.len());
	assert!(part.leaves.iter().all(|(unit, leaf)| whole.leaves[unit] == *leaf), "{name}");
	case
}

#[test]
fn every_example_is_tested() {
	let mut found = Vec::new();
	for entry in fs::read_dir(folder()).expect("a folder").flatten() {
		let name = entry.file_name().into_string().expect("a name");
		let inside = fs::read_dir(entry.path()).into_iter().flatten().flatten();
		found.extend(inside.filter_map(|file| {
			let file = file.file_name().into_string().ok()?;
			file.ends_with(".yaml").then(|| format!("{name}/{file}"))
		}));
	}
	found.sort();
	assert_eq!(found, roots().into_keys().collect::<Vec<_>>());
}

const PIXELS: usize = 64;
const HIDDEN: usize = 64;
const DIGITS: usize = 10;

/// Stochastic gradient descent in plain Rust.
fn train(steps: usize, first: usize, count: usize) -> Vec<f32> {
	const BATCH: usize = 32;
	let (images, labels) = (file("digits/images.bin"), file("digits/labels.bin"));
	let mut w = floats(&file("digits/start.bin"));
	let second = 65 * HIDDEN;
	for t in 0..steps {
		let batch: Vec<(Vec<f32>, usize)> = (0..BATCH)
			.map(|s| {
				let at = first + (t * BATCH + s) * 7919 % count;
				let pixels = &images[at * PIXELS..(at + 1) * PIXELS];
				(pixels.iter().map(|p| f32::from(*p) * 0.0625).collect(), labels[at].into())
			})
			.collect();
		let forward = |(x, label): &(Vec<f32>, usize)| {
			let hidden: Vec<f32> = (0..HIDDEN)
				.map(|i| {
					let bias = w[PIXELS * HIDDEN + i];
					let sum = (0..PIXELS).fold(bias, |sum, k| x[k].mul_add(w[k * HIDDEN + i], sum));
					if sum > 0.0 { sum } else { 0.0 }
				})
				.collect();
			let scores: Vec<f32> = (0..DIGITS)
				.map(|d| {
					let bias = w[second + HIDDEN * DIGITS + d];
					(0..HIDDEN)
						.fold(bias, |sum, k| hidden[k].mul_add(w[second + k * DIGITS + d], sum))
				})
				.collect();
			let mut error = dm::softmax(&scores);
			error[*label] -= 1.0;
			let back: Vec<f32> = (0..HIDDEN)
				.map(|i| {
					let sum = (0..DIGITS)
						.fold(0f32, |sum, d| error[d].mul_add(w[second + i * DIGITS + d], sum));
					if hidden[i] > 0.0 { sum } else { 0.0 }
				})
				.collect();
			(hidden, error, back)
		};
		let passes: Vec<_> = batch.iter().map(forward).collect();
		let rate = -0.1f32 / BATCH as f32;
		for row in 0..=HIDDEN {
			for d in 0..DIGITS {
				let sum = passes.iter().fold(0f32, |sum, (hidden, error, _)| {
					hidden.get(row).copied().unwrap_or(1.0).mul_add(error[d], sum)
				});
				let at = second + row * DIGITS + d;
				w[at] = sum.mul_add(rate, w[at]);
			}
		}
		for row in 0..=PIXELS {
			for i in 0..HIDDEN {
				let sum = batch.iter().zip(&passes).fold(0f32, |sum, ((x, _), (_, _, back))| {
					x.get(row).copied().unwrap_or(1.0).mul_add(back[i], sum)
				});
				w[row * HIDDEN + i] = sum.mul_add(rate, w[row * HIDDEN + i]);
			}
		}
	}
	w
}

/// The share of the held-out images that weights judge rightly, in double precision.
fn accuracy(w: &[f32]) -> f64 {
	let (images, labels) = (file("digits/images.bin"), file("digits/labels.bin"));
	let layer = |x: &[f64], w: &[f32], width: usize| -> Vec<f64> {
		let weighted = |i: usize| {
			x.iter().enumerate().map(|(k, x)| x * f64::from(w[k * width + i])).sum::<f64>()
		};
		(0..width).map(|i| weighted(i) + f64::from(w[x.len() * width + i])).collect()
	};
	let right = (1437..1797).filter(|at| {
		let pixels: Vec<f64> =
			images[at * PIXELS..(at + 1) * PIXELS].iter().map(|p| f64::from(*p) / 16.0).collect();
		let hidden: Vec<f64> = layer(&pixels, w, HIDDEN).into_iter().map(|h| h.max(0.0)).collect();
		let scores = layer(&hidden, &w[65 * HIDDEN..], DIGITS);
		let best = (0..DIGITS).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
		best == Some(labels[*at].into())
	});
	right.count() as f64 / 360.0
}

#[test]
fn digits_are_learnt() {
	let case = run("digits/train.yaml");
	let weights = floats(&case.result("w"));
	assert_eq!(bits(&weights), bits(&train(2000, 0, 1437)));
	let accuracy = accuracy(&weights);
	println!("{:.1} % of the held-out images", accuracy * 100.0);
	assert!(accuracy >= 0.95);
}

#[test]
fn digits_are_recognised_in_eight_bits() {
	let case = run("digits/infer.yaml");
	let digits = case.result("digits");
	let (images, labels) = (file("digits/images.bin"), file("digits/labels.bin"));
	let weights: Vec<i64> =
		file("digits/trained.bin").into_iter().map(|byte| i64::from(byte as i8)).collect();
	let biases: Vec<i64> = file("digits/trained.biases")
		.chunks_exact(4)
		.map(|word| i64::from(i32::from_le_bytes([word[0], word[1], word[2], word[3]])))
		.collect();
	for (at, digit) in (1437..1797).zip(&digits) {
		let pixels = &images[at * PIXELS..(at + 1) * PIXELS];
		let hidden: Vec<i64> = (0..HIDDEN)
			.map(|i| {
				let sum: i64 = pixels
					.iter()
					.zip(&weights[i..])
					.enumerate()
					.map(|(k, (pixel, _))| i64::from(*pixel) * weights[k * HIDDEN + i])
					.sum();
				((sum + biases[i]) >> 7).clamp(0, 255)
			})
			.collect();
		let score = |d: usize| -> i64 {
			let sum: i64 =
				hidden.iter().enumerate().map(|(i, h)| h * weights[4096 + i * DIGITS + d]).sum();
			sum + biases[HIDDEN + d]
		};
		let best = (1..DIGITS).fold(0, |best, d| if score(d) > score(best) { d } else { best });
		assert_eq!(usize::from(*digit), best);
	}
	let right = digits.iter().zip(&labels[1437..]).filter(|(digit, label)| digit == label).count();
	println!("{right} of 360 held-out images");
	assert!(right * 100 >= 360 * 95);
}

#[test]
fn trained_weights_are_averaged() {
	let shards = [(0, 359), (359, 359), (718, 359), (1077, 360)];
	let mut clients = Vec::new();
	for (client, (first, count)) in shards.into_iter().enumerate() {
		let case = run(&format!("federated/client-{client}.yaml"));
		let weights = floats(&case.result("w"));
		assert_eq!(bits(&weights), bits(&train(400, first, count)));
		assert_eq!(bits(&weights), bits(&floats(&file(&format!("federated/client-{client}.bin")))));
		clients.push(weights);
	}
	let mean = floats(&run("federated/average.yaml").result("mean"));
	for (i, mean) in mean.iter().enumerate() {
		let shares = clients.iter().zip(shards);
		let exact: f64 =
			shares.map(|(w, (_, count))| f64::from(w[i]) * count as f64).sum::<f64>() / 1437.0;
		assert!((f64::from(*mean) - exact).abs() < 1e-6);
	}
	let alone: Vec<f64> = clients.iter().map(|weights| accuracy(weights)).collect();
	println!("alone {alone:?}, together {}", accuracy(&mean));
	assert!(accuracy(&mean) >= 0.9);
}

#[test]
fn a_matrix_product() {
	const N: usize = 192;
	let c = floats(&run("gemm/gemm.yaml").result("c"));
	let (a, b) = (floats(&file("gemm/a.bin")), floats(&file("gemm/b.bin")));
	let mut worst = 0f64;
	for (at, c) in c.iter().enumerate() {
		let terms = (0..N).map(|k| (a[at / N * N + k], b[k * N + at % N]));
		let chain = terms.clone().fold(0f32, |sum, (a, b)| a.mul_add(b, sum));
		assert_eq!(c.to_bits(), chain.to_bits());
		let exact: f64 = terms.map(|(a, b)| f64::from(a) * f64::from(b)).sum();
		worst = worst.max((f64::from(*c) - exact).abs());
	}
	println!("largest difference from double precision {worst:.1e}");
	assert!(worst < 1e-5);
}

/// Kinetic and potential energy.
fn energy(p: &[f64], v: &[f64]) -> f64 {
	let bodies = p.len() / 4;
	let mut sum = 0.0;
	for i in 0..bodies {
		let speed: f64 = v[i * 4..i * 4 + 3].iter().map(|v| v * v).sum();
		sum += p[i * 4 + 3] * speed / 2.0;
		for j in 0..i {
			let r2: f64 = (0..3).map(|k| (p[i * 4 + k] - p[j * 4 + k]).powi(2)).sum();
			sum -= p[i * 4 + 3] * p[j * 4 + 3] / (r2 + 0.01).sqrt();
		}
	}
	sum
}

#[test]
fn bodies_keep_their_energy_and_follow_double_precision() {
	let case = run("n-body/step.yaml");
	let exact = |bytes: &[u8]| floats(bytes).into_iter().map(f64::from).collect::<Vec<f64>>();
	let (p, v) = (exact(&case.result("p")), exact(&case.result("v")));
	let start = exact(&file("n-body/bodies.bin"));
	let (before, after) = (energy(&start, &vec![0.0; start.len()]), energy(&p, &v));
	println!("energy {before:.6} before, {after:.6} after");
	assert!((after / before - 1.0).abs() < 0.01);
	let (mut q, mut w) = (start.clone(), vec![0.0; start.len()]);
	for _ in 0..100 {
		for i in 0..1024 {
			let mut pull = [0.0; 3];
			for j in 0..1024 {
				let d: [f64; 3] = std::array::from_fn(|k| q[j * 4 + k] - q[i * 4 + k]);
				let r = 1.0 / (d.iter().map(|d| d * d).sum::<f64>() + 0.01).sqrt();
				(0..3).for_each(|k| pull[k] += d[k] * q[j * 4 + 3] * r * r * r);
			}
			(0..3).for_each(|k| w[i * 4 + k] += pull[k] * 0.01);
		}
		(0..1024).for_each(|i| (0..3).for_each(|k| q[i * 4 + k] += w[i * 4 + k] * 0.01));
	}
	let worst = p.iter().zip(&q).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max);
	println!("largest distance from double precision {worst:.1e}");
	assert!(worst < 1e-6);
}

#[test]
fn a_small_hash_is_found() {
	let case = run("hash-search/search.yaml");
	let best = case.u32s("best");
	let mut least = (u32::MAX, 0);
	for (item, found) in best.chunks(2).enumerate() {
		let word = |number: u32| {
			let mut message = vec![0x6f, 0x47, 0x50, 0x55, 0x2d, 0x63, 0x68, 0x61];
			message.extend(number.to_be_bytes());
			let hash = Sha256::digest(&message);
			u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
		};
		let tries = item as u32 * 512..(item as u32 + 1) * 512;
		// Every hundredth range is searched again in full.
		if item % 100 == 0 {
			let expected = tries.clone().map(|number| (word(number), number)).min();
			assert_eq!(expected, Some((found[0], found[1])));
		}
		assert!(tries.contains(&found[1]) && word(found[1]) == found[0]);
		least = least.min((found[0], found[1]));
	}
	println!("number {} gives a hash that begins with {:08x}", least.1, least.0);
	assert!(least.0 < 1 << 13);
}

#[test]
fn images_are_clustered() {
	let case = run("k-means/means.yaml");
	let images = file("digits/images.bin");
	let word = |word: &[u8]| i64::from(i32::from_le_bytes([word[0], word[1], word[2], word[3]]));
	let mut means: Vec<i64> = file("k-means/means.bin").chunks_exact(4).map(word).collect();
	let mut nearest = vec![0usize; 1797];
	let mut spread = Vec::new();
	for _ in 0..20 {
		let mut sum = 0;
		for (image, nearest) in images.chunks(PIXELS).zip(&mut nearest) {
			let distance = |mean: &[i64]| -> i64 {
				let pixels = image.iter().zip(mean);
				pixels.map(|(pixel, mean)| (256 * i64::from(*pixel) - mean).pow(2) >> 8).sum()
			};
			let distances: Vec<i64> = means.chunks(PIXELS).map(distance).collect();
			let least = *distances.iter().min().expect("ten means");
			*nearest = distances.iter().position(|d| *d == least).expect("the least");
			sum += least;
		}
		spread.push(sum);
		for (m, mean) in means.chunks_mut(PIXELS).enumerate() {
			let mine: Vec<&[u8]> = images
				.chunks(PIXELS)
				.zip(&nearest)
				.filter(|(_, n)| **n == m)
				.map(|(i, _)| i)
				.collect();
			for (k, mean) in mean.iter_mut().enumerate().filter(|_| !mine.is_empty()) {
				let sum: i64 = mine.iter().map(|image| i64::from(image[k])).sum();
				*mean = 256 * sum / mine.len() as i64;
			}
		}
	}
	assert_eq!(case.i32s("means").into_iter().map(i64::from).collect::<Vec<_>>(), means);
	assert_eq!(case.u32s("nearest").into_iter().map(|n| n as usize).collect::<Vec<_>>(), nearest);
	println!("sum of squared distances {} at first, {} at last", spread[0], spread[19]);
	assert!(spread[19] < spread[0]);
}

#[test]
fn an_option_has_its_price() {
	let sums = floats(&run("option/price.yaml").result("sums"));
	let paths = 16384.0 * 64.0;
	let total = |from: usize| sums.iter().skip(from).step_by(2).map(|s| f64::from(*s)).sum::<f64>();
	let mean = total(0) / paths;
	let error = ((total(1) / paths - mean * mean) / paths).sqrt();
	// The formula of Black and Scholes.
	let normal = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
	let d = ((100f64 / 105.0).ln() + 0.05 + 0.02) / 0.2;
	let exact = 100.0 * normal(d) - 105.0 * (-0.05f64).exp() * normal(d - 0.2);
	println!("{mean:.4} ± {error:.4}, by formula {exact:.4}");
	assert!((mean - exact).abs() < 3.0 * error && error < 0.01);
}

/// The path tracer in plain Rust.
mod tracer {
	use super::dm;

	type V = [f32; 3];

	const SHAPES: [(V, f32); 9] = [
		([0.0, -1000.0, 0.0], 1000.0),
		([0.0, 1.0, 0.0], 1.0),
		([-2.2, 0.8, 0.6], 0.8),
		([2.1, 0.7, 0.5], 0.7),
		([0.9, 0.35, 1.6], 0.35),
		([-0.9, 0.3, 1.7], 0.3),
		([0.1, 0.2, 2.1], 0.2),
		([-1.5, 0.25, 2.3], 0.25),
		([3.0, 6.0, 2.0], 1.5),
	];

	#[derive(Clone, Copy, PartialEq)]
	enum Kind {
		Dull,
		Mirror,
		Lamp,
	}

	const PAINTS: [(V, Kind); 9] = [
		([0.55, 0.56, 0.52], Kind::Dull),
		([0.95, 0.93, 0.88], Kind::Mirror),
		([0.75, 0.22, 0.18], Kind::Dull),
		([0.20, 0.42, 0.70], Kind::Dull),
		([0.90, 0.70, 0.25], Kind::Mirror),
		([0.25, 0.60, 0.35], Kind::Dull),
		([0.85, 0.50, 0.65], Kind::Dull),
		([0.85, 0.85, 0.95], Kind::Mirror),
		([9.0, 8.2, 7.0], Kind::Lamp),
	];

	fn scramble(x: u32) -> u32 {
		let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
		let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
		x ^ (x >> 16)
	}

	struct Chance(u32);

	impl Chance {
		fn next(&mut self) -> f32 {
			self.0 = self.0.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
			(scramble(self.0) >> 8) as f32 / 16_777_216.0
		}
	}

	fn zip(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
		std::array::from_fn(|k| f(a[k], b[k]))
	}

	fn times(a: V, by: f32) -> V {
		a.map(|a| a * by)
	}

	fn plus(a: V, b: V) -> V {
		zip(a, b, |a, b| a + b)
	}

	fn minus(a: V, b: V) -> V {
		zip(a, b, |a, b| a - b)
	}

	fn along(a: V, b: V) -> f32 {
		a[0].mul_add(b[0], a[1].mul_add(b[1], a[2] * b[2]))
	}

	fn unit(a: V) -> V {
		times(a, 1.0 / along(a, a).sqrt())
	}

	fn nearest(from: V, to: V) -> Option<(f32, usize)> {
		let mut least = None;
		for (i, (centre, radius)) in SHAPES.iter().enumerate() {
			let there = minus(*centre, from);
			let b = along(there, to);
			let d = b.mul_add(b, radius * radius - along(there, there));
			if d <= 0.0 {
				continue;
			}
			let root = d.sqrt();
			let t = if b - root > 1e-3 { b - root } else { b + root };
			if t > 1e-3 && least.is_none_or(|(least, _)| t < least) {
				least = Some((t, i));
			}
		}
		least
	}

	fn scatter(normal: V, chance: &mut Chance) -> V {
		let turn = std::f32::consts::TAU * chance.next();
		let z = 2f32.mul_add(chance.next(), -1.0);
		let r = (-z).mul_add(z, 1.0).sqrt();
		unit(plus(normal, times([r * dm::cos(turn), r * dm::sin(turn), z], 0.999)))
	}

	/// One pixel of a picture of 480 by 240.
	pub(super) fn pixel(x: u32, y: u32, samples: u32) -> [u8; 3] {
		let (width, height) = (480f32, 240f32);
		let mut chance = Chance(scramble((y * 480 + x).wrapping_mul(9781).wrapping_add(1)));
		let mut light = [0f32; 3];
		for _ in 0..samples {
			let across = (x as f32 + chance.next() - 0.5 * width) / height;
			let up = (0.5 * height - y as f32 - chance.next()) / height;
			let (mut from, mut to) = ([0.0, 1.6, 6.5], unit([across, up - 0.12, -1.15]));
			let mut share = [1f32; 3];
			for _ in 0..5 {
				let Some((t, which)) = nearest(from, to) else {
					let sky = 0.5f32.mul_add(to[1], 0.5);
					let blue = [(-0.5f32).mul_add(sky, 0.9), (-0.3f32).mul_add(sky, 0.9), 0.95];
					light = plus(light, times(zip(share, blue, |a, b| a * b), 0.55));
					break;
				};
				let (paint, kind) = PAINTS[which];
				share = zip(share, paint, |a, b| a * b);
				if kind == Kind::Lamp {
					light = plus(light, share);
					break;
				}
				from = plus(from, times(to, t));
				let normal = unit(minus(from, SHAPES[which].0));
				to = match kind {
					Kind::Mirror => minus(to, times(normal, 2.0 * along(normal, to))),
					_ => scatter(normal, &mut chance),
				};
			}
		}
		light.map(|light| {
			let light = light / samples as f32;
			let shown = (light / (light + 0.35) * 1.15).sqrt();
			(if shown < 1.0 { shown } else { 1.0 } * 255.0) as u8
		})
	}
}

#[test]
fn a_picture_is_traced() {
	let picture = run("picture/trace.yaml").result("picture");
	for y in (0..240).step_by(16) {
		for x in 0..480 {
			let at = (y * 480 + x) as usize * 3;
			assert_eq!(picture[at..at + 3], tracer::pixel(x, y, 64), "pixel {x}, {y}");
		}
	}
}
