//! Sizes and durations as people write them.

use ogpu_primitives::job::Scalar;

/// A number of bytes: `4096`, `512Ki`, `64Mi`, `2Gi`.
pub fn bytes(text: &str) -> Option<u64> {
	let (digits, unit) = split(text);
	let factor = match unit {
		"" | "B" => 1,
		"Ki" | "KiB" => 1 << 10,
		"Mi" | "MiB" => 1 << 20,
		"Gi" | "GiB" => 1 << 30,
		_ => return None,
	};
	digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Milliseconds: `500ms`, `20s`, `10m`, `2h`.
pub fn milliseconds(text: &str) -> Option<u32> {
	let (digits, unit) = split(text);
	let factor = match unit {
		"ms" => 1,
		"s" => 1_000,
		"m" | "min" => 60_000,
		"h" => 3_600_000,
		_ => return None,
	};
	digits.parse::<u32>().ok()?.checked_mul(factor)
}

fn split(text: &str) -> (&str, &str) {
	text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// A scalar argument of the type `kind`, or `None` if the text is no number of that type.
pub(crate) fn scalar(kind: &str, text: &str) -> Option<Scalar> {
	fn integer<T: TryFrom<i128>>(text: &str) -> Option<T> {
		let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
		let value = match digits.strip_prefix("0x") {
			Some(hex) if !hex.starts_with(['+', '-']) => i128::from_str_radix(hex, 16).ok()?,
			Some(_) => return None,
			None if digits.starts_with(['+', '-']) => return None,
			None => digits.parse::<i128>().ok()?,
		};
		T::try_from(sign * value).ok()
	}
	Some(match kind {
		"i32" => Scalar::I32(integer(text)?),
		"u32" => Scalar::U32(integer(text)?),
		"i64" => Scalar::I64(integer(text)?),
		"u64" => Scalar::U64(integer(text)?),
		"f32" => Scalar::F32(text.parse::<f32>().ok().filter(|value| !value.is_nan())?.to_bits()),
		"f64" => Scalar::F64(text.parse::<f64>().ok().filter(|value| !value.is_nan())?.to_bits()),
		_ => return None,
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn sizes_and_durations() {
		assert_eq!(bytes("4096"), Some(4096));
		assert_eq!(bytes("512Mi"), Some(512 << 20));
		assert_eq!(bytes("1.5Gi"), None);
		assert_eq!(bytes("-1"), None);
		assert_eq!(bytes("99999999999Gi"), None);
		assert_eq!(milliseconds("20s"), Some(20_000));
		assert_eq!(milliseconds("10m"), Some(600_000));
		assert_eq!(milliseconds("20"), None);
		assert_eq!(milliseconds("5000000h"), None);
	}

	#[test]
	fn scalars_keep_their_type() {
		assert_eq!(scalar("i32", "-0x10"), Some(Scalar::I32(-16)));
		assert_eq!(scalar("u32", "-1"), None);
		assert_eq!(scalar("u64", "18446744073709551615"), Some(Scalar::U64(u64::MAX)));
		assert_eq!(scalar("i32", "2147483648"), None);
		assert_eq!(scalar("i32", "--1"), None);
		assert_eq!(scalar("f32", "0.5"), Some(Scalar::F32(0x3f00_0000)));
		assert_eq!(scalar("f32", "nan"), None);
		assert_eq!(scalar("i32", "1.0"), None);
		assert_eq!(scalar("bool", "1"), None);
	}
}
