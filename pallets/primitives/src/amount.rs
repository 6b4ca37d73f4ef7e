//! Amounts of oGPU as people write them.

use alloc::{format, string::String};

use crate::{Balance, DECIMALS, OGPU};

/// A decimal number of oGPU, in its smallest unit.
pub fn parse(text: &str) -> Option<Balance> {
	let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
	let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
	if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS.into() {
		return None;
	}
	let fraction: Balance = format!("{fraction:0<width$}", width = DECIMALS.into()).parse().ok()?;
	whole.parse::<Balance>().ok()?.checked_mul(OGPU)?.checked_add(fraction)
}

/// An amount with what is behind the point as short as can be.
pub fn show(amount: Balance) -> String {
	let fraction = format!("{:0width$}", amount % OGPU, width = DECIMALS.into());
	match fraction.trim_end_matches('0') {
		"" => format!("{}", amount / OGPU),
		fraction => format!("{}.{fraction}", amount / OGPU),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn amounts_are_read_and_shown() {
		assert_eq!(parse("1"), Some(OGPU));
		assert_eq!(parse("0.000000000000000001"), Some(1));
		assert_eq!(parse("1.5"), Some(3 * OGPU / 2));
		for wrong in
			["", ".5", "-1", "1e3", "1.0000000000000000001", "1,5", "99999999999999999999999"]
		{
			assert_eq!(parse(wrong), None, "{wrong}");
		}
		for amount in [0, 1, OGPU, 3 * OGPU / 2, Balance::from(u64::MAX)] {
			assert_eq!(parse(&show(amount)), Some(amount));
		}
	}
}
