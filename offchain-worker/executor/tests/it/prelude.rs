//! The prelude on a device against Rust, bit for bit; and both against double precision.

use ogpu_worker::prelude::reference::{self as dm, UNARY};

use crate::case::{Case, Numbers, bytes};

fn setting(name: &str) -> Option<u64> {
	std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Every so many bit patterns in the gate; `OGPU_PRELUDE_STRIDE=1` takes all 2^32. It is odd, so that all low
/// bits are met.
fn stride() -> u32 {
	static STRIDE: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
	*STRIDE.get_or_init(|| setting("OGPU_PRELUDE_STRIDE").map_or(4093, |stride| stride as u32))
}

/// The most inputs of one job.
const MOST: u64 = 1 << 22;

fn canonical(x: f32) -> u32 {
	if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }
}

/// A job with every function over `count` inputs from number `first` on: row `k` of the output belongs to
/// function `k`.
fn unary_case(first: u64, count: u64, stride: u32) -> Case {
	let manifest = format!(
		"version: \"1\"\nprofile: prelude-f32\nprogram: {{source: program.cl, prelude: dm-1}}\nbuffers:\n  \
		 out: {{role: output, type: f32, len: {}}}\nsteps:\n  \
		 - {{kernel: sweep, args: [{{buf: out}}, {{u32: {first}}}, {{u32: {stride}}}], global: [{count}, {}], local: [64, 1]}}\n\
		 unit: {{groups: 1}}\n",
		UNARY.len() as u64 * count,
		UNARY.len(),
	);
	let cases: String = UNARY
		.iter()
		.enumerate()
		.map(|(index, (name, _))| format!("\tcase {index}: y = dm_{name}(x); break;\n"))
		.collect();
	let program = format!(
		"__kernel void sweep(__global float *out, uint first, uint stride) {{\n\tuint i = (uint)get_global_id(0);\n\t\
		 float x = as_float((first + i) * stride);\n\tfloat y = 0.0f;\n\tswitch ((int)get_global_id(1)) {{\n{cases}\t}}\n\t\
		 out[get_global_id(1) * {count} + i] = y;\n}}\n"
	);
	Case::new(&manifest, &program, &[])
}

#[test]
fn every_function_gives_the_bits_of_the_reference() {
	let stride = stride();
	let inputs = (1u64 << 32).div_ceil(stride.into()).next_multiple_of(64);
	// A long run can be taken up again where it was interrupted.
	let from = setting("OGPU_PRELUDE_FROM").unwrap_or(0);
	for first in (from..inputs).step_by(MOST as usize) {
		let count = MOST.min(inputs - first);
		let case = unary_case(first, count, stride);
		case.done();
		let results = case.f32s("out");
		std::thread::scope(|scope| {
			for ((name, function), results) in UNARY.iter().zip(results.chunks(count as usize)) {
				scope.spawn(move || {
					for (i, result) in (first as u32..).zip(results) {
						let x = f32::from_bits(i.wrapping_mul(stride));
						assert_eq!(canonical(*result), canonical(function(x)), "dm_{name}({x:e})");
					}
				});
			}
		});
		if stride == 1 {
			println!("inputs {from} to {} of 2^32 agree", first + count);
		}
	}
	println!("inputs {from} to {inputs} for each of {} functions", UNARY.len());
}

#[test]
fn pow_max_min_and_softmax_give_the_bits_of_the_reference() {
	let mut numbers = Numbers(6);
	let special = [
		0.0,
		-0.0,
		1.0,
		-1.0,
		2.0,
		-3.0,
		0.5,
		1e-40,
		1e30,
		f32::INFINITY,
		f32::NEG_INFINITY,
		f32::NAN,
	];
	let mut pairs: Vec<(f32, f32)> =
		special.iter().flat_map(|x| special.map(|y| (*x, y))).collect();
	while pairs.len() < 65_536 {
		let (x, y) = (f32::from_bits(numbers.next() << 1), f32::from_bits(numbers.next() << 1));
		pairs.push(if numbers.below(2) == 0 { (x, y) } else { (x.abs(), numbers.float() * 100.0) });
	}
	let flat: Vec<f32> = pairs.iter().flat_map(|(x, y)| [*x, *y]).collect();
	let case = Case::new(
		"version: \"1\"\nprofile: prelude-f32\nprogram: {source: program.cl, prelude: dm-1}\nbuffers:\n  \
		 x: {role: input, type: f32, len: 131072, source: x.bin}\n  pow: {role: output, type: f32, len: 65536}\n  \
		 larger: {role: output, type: f32, len: 65536}\n  smaller: {role: output, type: f32, len: 65536}\n  \
		 soft: {role: output, type: f32, len: 65536}\nsteps:\n  \
		 - {kernel: binary, args: [{buf: x}, {buf: pow}, {buf: larger}, {buf: smaller}], global: [65536], local: [64]}\n  \
		 - {kernel: rows, args: [{buf: soft}], global: [1024], local: [1]}\nunit: {groups: 64}\n",
		r"
__kernel void binary(__global const float2 *x, __global float *to_the, __global float *larger, __global float *smaller) {
	size_t i = get_global_id(0);
	to_the[i] = pow(x[i].x, x[i].y);
	larger[i] = fmax(x[i].x, x[i].y);
	smaller[i] = fmin(x[i].x, x[i].y);
}
__kernel void rows(__global float *soft) {
	uint row = (uint)get_global_id(0);
	__global float *mine = soft + row * 64u;
	for (uint i = 0u; i < 64u; i++) mine[i] = (float)((row * 31u + i * 17u) % 97u) * 0.25f;
	dm_softmax(mine, mine, 64u);
}
",
		&[("x.bin", &bytes(&flat, f32::to_le_bytes))],
	);
	case.done();
	let (to_the, larger, smaller) = (case.f32s("pow"), case.f32s("larger"), case.f32s("smaller"));
	for (i, (x, y)) in pairs.iter().enumerate() {
		assert_eq!(canonical(to_the[i]), canonical(dm::pow(*x, *y)), "pow({x:e}, {y:e})");
		assert_eq!(canonical(larger[i]), canonical(dm::max(*x, *y)), "max({x:e}, {y:e})");
		assert_eq!(canonical(smaller[i]), canonical(dm::min(*x, *y)), "min({x:e}, {y:e})");
	}
	for (row, soft) in case.f32s("soft").chunks(64).enumerate() {
		let x: Vec<f32> = (0..64).map(|i| ((row * 31 + i * 17) % 97) as f32 * 0.25).collect();
		let expected = dm::softmax(&x);
		assert_eq!(
			soft.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
			expected.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
		);
	}
}

/// The error of `got` in units of the last place of the exact value, as docs/prelude.md counts it.
fn ulps(got: f32, exact: f64) -> f64 {
	if exact.abs() > f64::from(f32::MAX) {
		return if got.is_infinite() {
			0.0
		} else {
			(f64::from(got.abs()) / exact.abs() - 1.0).abs() * 16_777_216.0
		};
	}
	let exponent = if exact == 0.0 { -126 } else { (exact.abs().log2().floor() as i32).max(-126) };
	(f64::from(got) - exact).abs() / 2f64.powi(exponent - 23)
}

/// A function in double precision.
type Exact = fn(f64) -> f64;

/// The bounds of docs/prelude.md: name, exact function, bound. `gelu` cancels for negative inputs, and is
/// measured in the last place of its input.
const BOUNDS: [(&str, Exact, f64); 9] = [
	("exp", f64::exp, 1.0),
	("log", f64::ln, 1.0),
	("tanh", f64::tanh, 2.0),
	("erf", libm::erf, 2.0),
	("sin", f64::sin, 2.0),
	("cos", f64::cos, 2.0),
	("rcp", |x| 1.0 / x, 0.5),
	("rsqrt", |x| 1.0 / x.sqrt(), 1.5),
	("sigmoid", |x| 1.0 / (1.0 + (-x).exp()), 2.5),
];

/// The largest error of `function` over the inputs, as (error, input).
fn worst(exact: Exact, function: dm::Unary, inputs: u64) -> (f64, f32) {
	let mut worst = (0.0, 0.0f32);
	for i in 0..inputs {
		let x = f32::from_bits((i as u32).wrapping_mul(stride()));
		let value = exact(f64::from(x));
		if value.is_finite() && x.is_finite() {
			let error = ulps(function(x), value);
			if error > worst.0 {
				worst = (error, x);
			}
		}
	}
	worst
}

#[test]
fn errors_stay_within_the_stated_bounds() {
	let inputs = (1u64 << 32).div_ceil(stride().into());
	let results = std::thread::scope(|scope| {
		let threads = BOUNDS.map(|(name, exact, bound)| {
			let function = UNARY.iter().find(|(other, _)| *other == name).expect("a function").1;
			scope.spawn(move || (name, bound, worst(exact, function, inputs)))
		});
		threads.map(|thread| thread.join().expect("no panic"))
	});
	let gelu = (0..inputs)
		.map(|i| f32::from_bits((i as u32).wrapping_mul(stride())))
		.filter(|x| x.is_finite());
	let gelu = gelu.map(|x| {
		let exact =
			0.5 * f64::from(x) * libm::erfc(-f64::from(x) * std::f64::consts::FRAC_1_SQRT_2);
		let unit = 2f64.powi((x.abs().log2().floor() as i32).clamp(-126, 127) - 23);
		((f64::from(dm::gelu(x)) - exact).abs() / unit, x)
	});
	let gelu = gelu.fold((0.0, 0.0), |worst, one| if one.0 > worst.0 { one } else { worst });
	let mut numbers = Numbers(7);
	let mut pow = (0.0, 0.0f32);
	for _ in 0..inputs / 4 {
		let (x, y) = (f32::from_bits(numbers.next() >> 1 << 1).abs(), numbers.float() * 64.0);
		let exact = f64::from(x).powf(f64::from(y));
		let error = ulps(dm::pow(x, y), exact);
		if x.is_finite() && exact.is_normal() && error > pow.0 {
			pow = (error, x);
		}
	}
	let mut failures = Vec::new();
	for (name, bound, (error, x)) in
		results.into_iter().chain([("gelu", 2.0, gelu), ("pow", 2.0, pow)])
	{
		println!("dm_{name}: {error:.3} at {x:e}");
		failures.extend((error > bound).then(|| format!("dm_{name}: {error} at {x:e}")));
	}
	assert_eq!(failures, Vec::<String>::new());
}
