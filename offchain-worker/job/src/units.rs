//! Lists of units as people write them.

/// Units in ascending order, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitList(pub Vec<u32>);

impl UnitList {
	/// Reads a list such as `0,5,10-19`.
	///
	/// # Errors
	///
	/// The part that is no unit or range of units.
	pub fn parse(text: &str) -> Result<Self, String> {
		let mut units = Vec::new();
		for part in text.split(',') {
			let (first, last) = part.split_once('-').unwrap_or((part, part));
			let number = |text: &str| {
				text.trim()
					.parse::<u32>()
					.map_err(|_| format!("{text:?} is not the number of a unit"))
			};
			let (first, last) = (number(first)?, number(last)?);
			if first > last || last - first >= ogpu_primitives::job::MAX_UNITS {
				return Err(format!("{part:?} is not a range of units"));
			}
			units.extend(first..=last);
			if units.len() > 2 * ogpu_primitives::job::MAX_UNITS as usize {
				return Err("these are more units than a job can have".into());
			}
		}
		units.sort_unstable();
		units.dedup();
		Ok(Self(units))
	}
}

impl std::fmt::Display for UnitList {
	/// As [`UnitList::parse`] reads it, with ranges where they are shorter.
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		let runs = self.0.chunk_by(|one, next| one + 1 == *next);
		for (index, run) in runs.enumerate() {
			let comma = if index > 0 { "," } else { "" };
			match run {
				[first, .., last] => write!(f, "{comma}{first}-{last}")?,
				_ => run.iter().try_for_each(|unit| write!(f, "{comma}{unit}"))?,
			}
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn lists_and_ranges() {
		assert_eq!(UnitList::parse("3,0-2, 2"), Ok(UnitList(vec![0, 1, 2, 3])));
		for wrong in ["", "a", "1-", "-1", "5-2", "0-4294967295", "1;2"] {
			assert!(UnitList::parse(wrong).is_err(), "{wrong}");
		}
		for list in ["0", "1-3", "0,2-4,9"] {
			assert_eq!(UnitList::parse(list).map(|units| units.to_string()), Ok(list.into()));
		}
		let many = ["0-65535"; 10].join(",");
		assert!(UnitList::parse(&many).is_err());
	}
}
