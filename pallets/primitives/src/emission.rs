//! The emission schedule: exponential decay towards the cap, in integer arithmetic.
//!
//! With `s` scheduled so far, an era of `d` milliseconds schedules
//!
//! ```text
//! (CAP − s) · (1 − 2^(−d / HALF_LIFE_MS))
//! ```
//!
//! Only the elapsed time enters, so the sum over any eras that cover a time `T` is
//! `(CAP − genesis) · (1 − 2^(−T / HALF_LIFE_MS))` however `T` is cut into eras: a chain with long
//! eras emits what a chain with short ones does. The sum never reaches the cap.
//!
//! **Error bound.** The factor is computed with 64 fractional bits and is off by at most
//! [`FACTOR_ERROR_ULP`]·2⁻⁶⁴; the product is rounded down. An era's payout is therefore within
//! [`PAYOUT_ERROR`] units of the formula, and because an error made once only shrinks afterwards
//! (what was paid too little stays in `CAP − s`), the sum over `n` eras is within
//! `n ·` [`PAYOUT_ERROR`] units of the closed form: below 10⁻¹⁰ oGPU an era.

use codec::{Decode, DecodeWithMemTracking, Encode, Error, Input, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{Balance, CAP};

/// Half-life of what is left to schedule: four Julian years, in milliseconds.
pub const HALF_LIFE_MS: u64 = 4 * YEAR_MS;

/// One Julian year (365.25 days), in milliseconds.
pub const YEAR_MS: u64 = 31_557_600_000;

/// Bound on the error of the decay factor, in units of 2⁻⁶⁴.
pub const FACTOR_ERROR_ULP: u128 = 4;

/// Bound on the error of one payout, in the token's smallest unit.
pub const PAYOUT_ERROR: Balance = FACTOR_ERROR_ULP * (CAP >> 64) + FACTOR_ERROR_ULP + 1;

/// 1.0 with 64 fractional bits.
const ONE: u128 = 1 << 64;

/// ln 2 with 64 fractional bits, rounded down.
const LN_2: u128 = 0xB172_17F7_D1CF_79AB;

/// Terms of the exponential series: 0.7^22 / 22! is below 2⁻⁷⁷.
const TERMS: u128 = 22;

/// What an era of `era_ms` milliseconds schedules when `scheduled` is scheduled already.
///
/// Zero when the cap is reached. Never more than `CAP − scheduled`.
pub fn era_payout(scheduled: Balance, era_ms: u64) -> Balance {
	mul_q64(CAP.saturating_sub(scheduled), decayed(era_ms, HALF_LIFE_MS))
}

/// One row of [`schedule`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct YearOfEmission {
	/// Years from now, starting at 1.
	pub year: u32,
	/// Scheduled within that year, in the token's smallest unit.
	pub emission: Balance,
	/// Scheduled in all by the end of that year, genesis included.
	pub scheduled: Balance,
}

/// The schedule of the `years` years to come, from `scheduled` on.
pub fn schedule(scheduled: Balance, years: u32) -> impl Iterator<Item = YearOfEmission> {
	(1..=years).scan(scheduled, |total, year| {
		let emission = era_payout(*total, YEAR_MS);
		*total = total.saturating_add(emission);
		Some(YearOfEmission { year, emission, scheduled: *total })
	})
}

/// `1 − 2^(−num / den)` with 64 fractional bits; `den` must not be 0 (yields [`ONE`] then).
fn decayed(num: u64, den: u64) -> u128 {
	let (Some(halvings), Some(rest)) = (num.checked_div(den), num.checked_rem(den)) else {
		return ONE;
	};
	// The fraction of a half-life, times ln 2: the exponent t of e^(−t), below 0.7.
	let t = ((u128::from(rest) << 64) / u128::from(den) * LN_2) >> 64;
	// 1 − e^(−t) = t · (1 − t/2 · (1 − t/3 · (1 − …))), innermost first. No subtraction of nearly
	// equal numbers, so short eras keep their precision.
	let nested = (2..=TERMS).rev().fold(ONE, |inner, k| ONE - ((t * inner) >> 64) / k);
	let fraction = (t * nested) >> 64;
	ONE - (ONE - fraction).checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0)
}

/// `⌊amount · factor / 2^64⌋` for `factor ≤ ONE`, without a wider integer type.
fn mul_q64(amount: Balance, factor: u128) -> Balance {
	let (high, low) = (amount >> 64, amount & (ONE - 1));
	if factor >= ONE {
		return amount;
	}
	high * factor + ((low * factor) >> 64)
}

/// How an era's emission is divided, in parts per million. The treasury gets what is left.
///
/// A value outside the bounds cannot be constructed, and does not decode: governance cannot set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, MaxEncodedLen, TypeInfo)]
pub struct EmissionSplit {
	/// Share of validators and their nominators, paid through staking, in parts per million.
	validators: u32,
	/// Share that may be credited to providers for verified work, in parts per million.
	providers: u32,
}

/// An era's emission, divided. The parts add up to the whole exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
	/// For validators and nominators.
	pub validators: Balance,
	/// For providers; unissued until the market credits it.
	pub providers: Balance,
	/// For the treasury.
	pub treasury: Balance,
}

impl EmissionSplit {
	/// The whole, in parts per million.
	pub const WHOLE: u32 = 1_000_000;
	/// Least share of validators: security must stay paid for.
	pub const MIN_VALIDATORS: u32 = 300_000;
	/// Largest share of providers.
	pub const MAX_PROVIDERS: u32 = 600_000;
	/// Largest share of the treasury.
	pub const MAX_TREASURY: u32 = 300_000;

	/// Half to validators, 40 % to providers, 10 % to the treasury.
	pub const DEFAULT: Self = Self { validators: 500_000, providers: 400_000 };

	/// A split, or `None` if a share is out of its bounds.
	pub const fn new(validators: u32, providers: u32) -> Option<Self> {
		let Some(paid) = validators.checked_add(providers) else { return None };
		let Some(treasury) = Self::WHOLE.checked_sub(paid) else { return None };
		let within = validators >= Self::MIN_VALIDATORS
			&& providers <= Self::MAX_PROVIDERS
			&& treasury <= Self::MAX_TREASURY;
		if within { Some(Self { validators, providers }) } else { None }
	}

	/// Divides `total`; rounding goes to the treasury.
	pub fn divide(&self, total: Balance) -> Shares {
		let part = |ppm: u32| {
			let (whole, ppm) = (Balance::from(Self::WHOLE), Balance::from(ppm));
			// Quotient and remainder apart, so that no intermediate value exceeds `total`.
			total / whole * ppm + total % whole * ppm / whole
		};
		let (validators, providers) = (part(self.validators), part(self.providers));
		Shares {
			validators,
			providers,
			treasury: total.saturating_sub(validators).saturating_sub(providers),
		}
	}
}

impl Default for EmissionSplit {
	fn default() -> Self {
		Self::DEFAULT
	}
}

impl Decode for EmissionSplit {
	fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
		let (validators, providers) = <(u32, u32)>::decode(input)?;
		Self::new(validators, providers).ok_or_else(|| "emission split out of bounds".into())
	}
}

impl DecodeWithMemTracking for EmissionSplit {}

#[cfg(test)]
mod tests {
	use proptest::prelude::*;

	use super::*;
	use crate::OGPU;

	/// `1 − 2^(−x)` in floating point, good to 2⁻⁵² of its value.
	fn reference(num: u64, den: u64) -> f64 {
		-(-(num as f64 / den as f64) * core::f64::consts::LN_2).exp_m1()
	}

	#[test]
	fn whole_half_lives_halve() {
		for (n, expected) in [(0, 0), (1, ONE / 2), (2, ONE / 4 * 3), (3, ONE / 8 * 7), (200, ONE)]
		{
			assert_eq!(decayed(n, 1), expected, "{n} half-lives");
		}
		assert_eq!(era_payout(0, HALF_LIFE_MS), CAP / 2);
		assert_eq!(era_payout(CAP, HALF_LIFE_MS), 0);
		assert_eq!(era_payout(CAP + 1, u64::MAX), 0);
	}

	#[test]
	fn short_eras_agree_with_floating_point_to_the_last_bit_of_the_bound() {
		// Below 2^-11 a double's error is under one unit of 2^-64, so it can judge the bound itself.
		for ms in [1, 1_000, 120_000, 3_600_000, 21_600_000, 43_200_000] {
			let expected = reference(ms, HALF_LIFE_MS) * ONE as f64;
			let got = decayed(ms, HALF_LIFE_MS) as f64;
			assert!((got - expected).abs() <= FACTOR_ERROR_ULP as f64, "{ms}: {got} {expected}");
		}
	}

	#[test]
	fn the_schedule_has_the_closed_form() {
		let genesis = 4_200_000 * OGPU;
		let rows: Vec<_> = schedule(genesis, 8).collect();
		assert_eq!(rows.len(), 8);
		// After one half-life, half of what genesis left.
		let left = CAP - rows[3].scheduled;
		assert!(left.abs_diff((CAP - genesis) / 2) <= 4 * PAYOUT_ERROR);
		let left = CAP - rows[7].scheduled;
		assert!(left.abs_diff((CAP - genesis) / 4) <= 8 * PAYOUT_ERROR);
	}

	#[test]
	fn a_split_out_of_bounds_does_not_decode() {
		for bad in [
			(1_000_001, 0),
			(299_999, 600_000),
			(300_000, 600_001),
			(300_000, 399_999),
			(u32::MAX, 1),
		] {
			assert_eq!(EmissionSplit::new(bad.0, bad.1), None);
			assert!(EmissionSplit::decode(&mut &bad.encode()[..]).is_err(), "{bad:?}");
		}
		let good = EmissionSplit::default();
		assert_eq!(EmissionSplit::decode(&mut &good.encode()[..]), Ok(good));
		assert_eq!(EmissionSplit::new(500_000, 400_000), Some(good));
	}

	proptest! {
		#[test]
		fn the_factor_is_near_the_reference(num in 0..HALF_LIFE_MS * 8) {
			let (got, expected) = (decayed(num, HALF_LIFE_MS) as f64 / ONE as f64, reference(num, HALF_LIFE_MS));
			prop_assert!((got - expected).abs() <= 4.0 * f64::EPSILON);
		}

		#[test]
		fn cutting_an_era_in_two_changes_nothing(scheduled in 0..CAP, a in 0..YEAR_MS, b in 0..YEAR_MS) {
			let whole = era_payout(scheduled, a + b);
			let first = era_payout(scheduled, a);
			let second = era_payout(scheduled + first, b);
			prop_assert!(whole.abs_diff(first + second) <= 3 * PAYOUT_ERROR);
		}

		#[test]
		fn no_era_passes_the_cap(scheduled in 0..=CAP, ms: u64) {
			prop_assert!(scheduled + era_payout(scheduled, ms) <= CAP);
		}

		#[test]
		fn a_split_adds_up(total: u128, validators in 300_000u32..=1_000_000, providers in 0u32..=600_000) {
			let Some(split) = EmissionSplit::new(validators, providers) else { return Ok(()) };
			let s = split.divide(total);
			prop_assert_eq!(s.validators + s.providers + s.treasury, total);
			let exact = total as f64 * f64::from(validators) / 1e6;
			prop_assert!((s.validators as f64 - exact).abs() <= exact * 1e-9 + 1.0);
		}
	}
}
