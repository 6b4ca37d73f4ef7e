//! Bytes as nodes write them: hexadecimal digits after `0x`.

/// The digits of bytes.
pub(super) fn to_hex(bytes: &[u8]) -> String {
	let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
	format!("0x{digits}")
}

/// The bytes that digits stand for.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
	let digits = text.strip_prefix("0x")?;
	if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
		return None;
	}
	let pairs = (0..digits.len()).step_by(2);
	pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn hexadecimal_digits_are_read() {
		assert_eq!(from_hex("0x00ff"), Some(vec![0, 255]));
		for wrong in ["00ff", "0x0", "0xgg", "0xäa"] {
			assert_eq!(from_hex(wrong), None, "{wrong}");
		}
	}
}
