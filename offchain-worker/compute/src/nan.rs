//! NaNs differ from device to device in bits that mean nothing. One pattern stands for all.

use ogpu_primitives::job::Element;

const F32_NAN: u32 = 0x7fc0_0000;
const F64_NAN: u64 = 0x7ff8_0000_0000_0000;

/// Gives every NaN among `data` the canonical bits; returns whether any had others.
pub(crate) fn canonicalise(element: Element, data: &mut [u8]) -> bool {
	match element {
		Element::F32 => {
			let is_other = |word: u32| word & 0x7fff_ffff > 0x7f80_0000 && word != F32_NAN;
			let (words, _) = data.as_chunks_mut::<4>();
			// The first pass has no branch and no store, and is what nearly all data gets.
			let found =
				words.iter().fold(false, |found, word| found | is_other(u32::from_le_bytes(*word)));
			if found {
				words
					.iter_mut()
					.filter(|word| is_other(u32::from_le_bytes(**word)))
					.for_each(|word| *word = F32_NAN.to_le_bytes());
			}
			found
		}
		Element::F64 => {
			let is_other =
				|word: u64| word & (u64::MAX >> 1) > 0x7ff0_0000_0000_0000 && word != F64_NAN;
			let (words, _) = data.as_chunks_mut::<8>();
			let found =
				words.iter().fold(false, |found, word| found | is_other(u64::from_le_bytes(*word)));
			if found {
				words
					.iter_mut()
					.filter(|word| is_other(u64::from_le_bytes(**word)))
					.for_each(|word| *word = F64_NAN.to_le_bytes());
			}
			found
		}
		_ => false,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn only_nans_change() {
		let words = [
			0x7f80_0000u32,
			0xff80_0000,
			0x7fc0_0000,
			0xffc0_0000,
			0x7f80_0001,
			0x3f80_0000,
			0x8000_0000,
		];
		let mut data: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
		assert!(canonicalise(Element::F32, &mut data));
		let after: Vec<u32> = data
			.chunks(4)
			.map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
			.collect();
		assert_eq!(
			after,
			[0x7f80_0000, 0xff80_0000, F32_NAN, F32_NAN, F32_NAN, 0x3f80_0000, 0x8000_0000]
		);
		assert!(!canonicalise(Element::F32, &mut data));

		let mut data = f64::NAN.to_bits().wrapping_add(1).to_le_bytes().to_vec();
		assert!(canonicalise(Element::F64, &mut data));
		assert_eq!(data, F64_NAN.to_le_bytes());
		let before = data.clone();
		assert!(!canonicalise(Element::I64, &mut data));
		assert_eq!(data, before);
	}
}
