//! The functions of `dm-1` in Rust: the same operations in the same order, and so the same bits.
//!
//! Tests and the self-test compare devices with them; a client can use them to compute what a kernel
//! should give. NaNs are canonical here only as far as the OpenCL text makes them so.

use std::f32::consts;

const NAN: f32 = f32::from_bits(0x7fc0_0000);

/// A float written as in C, `mantissa · 2^exponent` with the mantissa's 24 bits as a hexadecimal integer.
const fn c(mantissa: u32, exponent: i32) -> f32 {
	// Built from its bits: 0x1.xxxxxx has 24 bits after the point, the last of them zero.
	assert!(mantissa >= 0x100_0000 && mantissa < 0x200_0000 && mantissa.is_multiple_of(2));
	f32::from_bits((((exponent + 127) as u32) << 23) | ((mantissa >> 1) & 0x7f_ffff))
}

#[inline(always)]
fn fma(a: f32, b: f32, c: f32) -> f32 {
	a.mul_add(b, c)
}

#[inline(always)]
fn round(x: f32) -> f32 {
	(x + 12_582_912.0) - 12_582_912.0
}

#[inline(always)]
fn scale(x: f32, n: i32) -> f32 {
	let half = n >> 1;
	x * f32::from_bits(((half + 127) << 23) as u32)
		* f32::from_bits(((n - half + 127) << 23) as u32)
}

#[inline(always)]
fn exp_sum(high: f32, low: f32) -> f32 {
	if high > 89.0 {
		return f32::INFINITY;
	}
	if high < -104.5 {
		return 0.0;
	}
	let k = round(high * c(0x1715476, 0));
	let r = fma(k, -c(0x162e430, -1), high);
	let r = fma(k, c(0x105c610, -29), r) + low;
	let p = fma(c(0x1a124e4, -13), r, c(0x16d10fc, -10));
	let p = fma(p, r, c(0x11110dc, -7));
	let p = fma(p, r, c(0x155550e, -5));
	let p = fma(p, r, c(0x1555556, -3));
	let p = fma(p, r, 0.5);
	scale(1.0 + fma(r * r, p, r), k as i32)
}

/// `dm_exp`
#[inline(always)]
pub fn exp(x: f32) -> f32 {
	if x.is_nan() { NAN } else { exp_sum(x, 0.0) }
}

#[inline(always)]
fn split(x: f32) -> (f32, i32) {
	let subnormal = x < f32::MIN_POSITIVE;
	let x = if subnormal { x * 8_388_608.0 } else { x };
	let u = (x.to_bits() as i32).wrapping_sub(0x3f35_04f3);
	let k = (u >> 23) - if subnormal { 23 } else { 0 };
	(f32::from_bits(((u & 0x7f_ffff) + 0x3f35_04f3) as u32), k)
}

#[inline(always)]
fn log_tail(z: f32) -> f32 {
	let p = fma(c(0x1de4738, -3), z, c(0x124572a, -2));
	let p = fma(p, z, c(0x1999a06, -2));
	fma(p, z, c(0x1555556, -1))
}

/// `dm_log`
#[inline(always)]
pub fn log(x: f32) -> f32 {
	if x.is_nan() || x <= 0.0 {
		return if x == 0.0 { f32::NEG_INFINITY } else { NAN };
	}
	if x == f32::INFINITY {
		return f32::INFINITY;
	}
	let (m, k) = split(x);
	let f = m - 1.0;
	let n = k as f32;
	let s = f / (f + 2.0);
	let z = s * s;
	let r = z * log_tail(z);
	let low = fma(n, c(0x17f7d1c, -20), -(s * (f - r)));
	fma(n, c(0x162e400, -1), f + low)
}

/// `dm_tanh`
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
	let a = x.abs();
	if a < 0.5625 {
		let z = x * x;
		let p = fma(-c(0x1aba8f0, -8), z, c(0x15c1fb0, -6));
		let p = fma(p, z, -c(0x1b9809a, -5));
		let p = fma(p, z, c(0x1110f24, -3));
		let p = fma(p, z, -c(0x1555552, -2));
		return fma(x * z, p, x);
	}
	if x.is_nan() {
		return NAN;
	}
	let r = if a < 10.0 { 1.0 - 2.0 / (exp(2.0 * a) + 1.0) } else { 1.0 };
	r.copysign(x)
}

/// `dm_sigmoid`
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
	if x.is_nan() {
		return NAN;
	}
	let e = exp(-x.abs());
	(if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// `dm_erf`
#[inline(always)]
pub fn erf(x: f32) -> f32 {
	let a = x.abs();
	if a < 0.9375 {
		let z = x * x;
		let p = fma(c(0x15b8862, -14), z, -c(0x1a99e8e, -11));
		let p = fma(p, z, c(0x154abec, -8));
		let p = fma(p, z, -c(0x1b80a0c, -6));
		let p = fma(p, z, c(0x1ce2db0, -4));
		let p = fma(p, z, -c(0x1812740, -2));
		let p = fma(p, z, c(0x106eba8, -3));
		return fma(x, p, x);
	}
	if x.is_nan() {
		return NAN;
	}
	if a >= 4.0 {
		return 1f32.copysign(x);
	}
	let p = fma(-c(0x1ebf304, -25), a, c(0x18758c6, -19));
	let p = fma(p, a, -c(0x1ea3820, -15));
	let p = fma(p, a, c(0x15c9ce6, -11));
	let p = fma(p, a, -c(0x14747ac, -8));
	let p = fma(p, a, c(0x1b96db2, -6));
	let p = fma(p, a, -c(0x1c5f5d8, -4));
	let p = fma(p, a, -c(0x14326b8, -1));
	let p = fma(p, a, -c(0x1216d2e, 0));
	let p = fma(p, a, c(0x19c8026, -12));
	(1.0 - exp(p)).copysign(x)
}

/// `dm_gelu`
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
	if x < -6.0 {
		return -0.0;
	}
	0.5 * x * (1.0 + erf(x * consts::FRAC_1_SQRT_2))
}

const TWO_OVER_PI: [u32; 8] =
	[0, 0xa2f9_836e, 0x4e44_1529, 0xfc27_57d1, 0xf534_ddc0, 0xdb62_9599, 0x3c43_9041, 0xfe51_63ab];

fn word(bit: i32) -> u64 {
	let (at, shift) = ((bit >> 5) as usize, bit & 31);
	let word = TWO_OVER_PI[at];
	u64::from(if shift == 0 {
		word
	} else {
		(word << shift) | (TWO_OVER_PI[at + 1] >> (32 - shift))
	})
}

#[inline(always)]
fn reduce_angle(x: f32) -> (f32, i32) {
	if x.abs() < 32_768.0 {
		let k = round(x * c(0x145f306, -1));
		let r = fma(k, -c(0x1921fb6, 0), x);
		let r = fma(k, c(0x1777a5c, -25), r);
		let r = fma(k, c(0x1ee59da, -50), r);
		return (r, k as i32);
	}
	let bits = (x.to_bits() & 0x7fff_ffff) as i32;
	let m = ((bits & 0x7f_ffff) | 0x80_0000) as u64;
	let start = (bits >> 23) - 150 + 30;
	let low = m * word(start + 64);
	let middle = m * word(start + 32) + (low >> 32);
	let high = m * word(start) + (middle >> 32);
	let turns = (high << 32) | (middle & 0xffff_ffff);
	let q = turns.wrapping_add(1 << 61) >> 62;
	let turn = turns.wrapping_sub(q << 62) as i64;
	let high_turn = turn as f32;
	let low_turn = turn.wrapping_sub(high_turn as i64) as f32;
	let r = fma(
		high_turn,
		c(0x1921fb6, -62),
		fma(high_turn, -c(0x1777a5c, -87), low_turn * c(0x1921fb6, -62)),
	);
	if x.is_sign_negative() { (-r, -(q as i32)) } else { (r, q as i32) }
}

#[inline(always)]
fn sin_quadrant(r: f32, quadrant: i32) -> f32 {
	let z = r * r;
	let y = if quadrant & 1 != 0 {
		let p = fma(c(0x19bd89c, -16), z, -c(0x16c1264, -10));
		let p = fma(p, z, c(0x1555554, -5));
		fma(z * z, p, fma(z, -0.5, 1.0))
	} else {
		let p = fma(c(0x16dbe08, -19), z, -c(0x1a01356, -13));
		let p = fma(p, z, c(0x111110e, -7));
		let p = fma(p, z, -c(0x1555556, -3));
		fma(r * z, p, r)
	};
	if quadrant & 2 != 0 { -y } else { y }
}

/// `dm_sin`
#[inline(always)]
pub fn sin(x: f32) -> f32 {
	if !x.is_finite() {
		return NAN;
	}
	let (r, quadrant) = reduce_angle(x);
	if x == 0.0 { x } else { sin_quadrant(r, quadrant) }
}

/// `dm_cos`
#[inline(always)]
pub fn cos(x: f32) -> f32 {
	if !x.is_finite() {
		return NAN;
	}
	let (r, quadrant) = reduce_angle(x);
	sin_quadrant(r, quadrant + 1)
}

/// `dm_rcp`
#[inline(always)]
pub fn rcp(x: f32) -> f32 {
	1.0 / x
}

/// `dm_rsqrt`
#[inline(always)]
pub fn rsqrt(x: f32) -> f32 {
	1.0 / x.sqrt()
}

fn pow_positive(x: f32, y: f32) -> f32 {
	let (m, k) = split(x);
	let n = k as f32;
	let f = m - 1.0;
	let t = m + 1.0;
	let t_low = m - (t - 1.0);
	let s = f / t;
	let s_low = (fma(-s, t, f) - s * t_low) / t;
	let z = s * s;
	let tail = fma(s * z, log_tail(z), 2.0 * s_low);
	let whole = n * c(0x162e400, -1);
	let high = whole + 2.0 * s;
	let low = ((whole - high) + 2.0 * s) + fma(n, c(0x17f7d1c, -20), tail);
	let sum = high + low;
	let low = (high - sum) + low;
	let product = y * sum;
	exp_sum(product, fma(y, low, fma(y, sum, -product)))
}

/// `dm_pow`
pub fn pow(x: f32, y: f32) -> f32 {
	if y == 0.0 || x == 1.0 {
		return 1.0;
	}
	if x.is_nan() || y.is_nan() {
		return NAN;
	}
	let a = x.abs();
	let (mut whole, mut odd) = (true, false);
	if y.abs() < 16_777_216.0 {
		let n = y as i32;
		whole = n as f32 == y;
		odd = whole && n & 1 != 0;
	}
	let magnitude = if a == 1.0 {
		1.0
	} else if a == 0.0 || a == f32::INFINITY || y.abs() == f32::INFINITY {
		if (a > 1.0) == (y > 0.0) { f32::INFINITY } else { 0.0 }
	} else {
		if x < 0.0 && !whole {
			return NAN;
		}
		pow_positive(a, y)
	};
	if odd && x.is_sign_negative() { -magnitude } else { magnitude }
}

/// `dm_max`
#[inline(always)]
pub fn max(a: f32, b: f32) -> f32 {
	if b.is_nan() || a > b { a } else { b }
}

/// `dm_min`
#[inline(always)]
pub fn min(a: f32, b: f32) -> f32 {
	if b.is_nan() || a < b { a } else { b }
}

/// `dm_group_sum` over the values of a work-group.
pub fn group_sum(values: &[f32]) -> f32 {
	let mut scratch = values.to_vec();
	while scratch.len() > 1 {
		let upper = scratch.len().div_ceil(2);
		for here in 0..scratch.len() - upper {
			scratch[here] += scratch[here + upper];
		}
		scratch.truncate(upper);
	}
	scratch.first().copied().unwrap_or(0.0)
}

/// `dm_sum`
pub fn sum(x: &[f32]) -> f32 {
	let mut s = [0f32; 8];
	for (i, value) in x.iter().enumerate() {
		s[i & 7] += value;
	}
	((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

/// `dm_softmax`
pub fn softmax(x: &[f32]) -> Vec<f32> {
	let Some(first) = x.first() else { return Vec::new() };
	let largest = x[1..].iter().fold(*first, |largest, value| max(largest, *value));
	let powers: Vec<f32> = x.iter().map(|value| exp(value - largest)).collect();
	let scale = 1.0 / sum(&powers);
	powers.iter().map(|power| power * scale).collect()
}

/// A function of one variable.
pub type Unary = fn(f32) -> f32;

/// The functions of one variable, with their names after `dm_`.
pub const UNARY: [(&str, Unary); 10] = [
	("exp", exp),
	("log", log),
	("tanh", tanh),
	("erf", erf),
	("sin", sin),
	("cos", cos),
	("rcp", rcp),
	("rsqrt", rsqrt),
	("gelu", gelu),
	("sigmoid", sigmoid),
];
