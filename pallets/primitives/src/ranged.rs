//! Numbers that cannot be set past their bounds.
//!
//! Governance sets parameters by their encoded form; a value out of bounds does not decode, so no
//! referendum can set it.

use codec::{Decode, DecodeWithMemTracking, Encode, Error, Input, MaxEncodedLen};
use scale_info::TypeInfo;

macro_rules! ranged {
	($(#[$doc:meta])* $name:ident, $of:ty) => {
		$(#[$doc])*
		#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, MaxEncodedLen)]
		pub struct $name<const LEAST: $of, const MOST: $of>($of);

		impl<const LEAST: $of, const MOST: $of> $name<LEAST, MOST> {
			/// The number, if it is within bounds; for constants, which then do not compile otherwise.
			///
			/// # Panics
			///
			/// When it is not.
			pub const fn new(number: $of) -> Self {
				assert!(LEAST <= number && number <= MOST, "the number is out of bounds");
				Self(number)
			}

			/// The number.
			pub const fn get(self) -> $of {
				self.0
			}
		}

		impl<const LEAST: $of, const MOST: $of> TryFrom<$of> for $name<LEAST, MOST> {
			type Error = $of;

			fn try_from(number: $of) -> Result<Self, $of> {
				(LEAST..=MOST).contains(&number).then_some(Self(number)).ok_or(number)
			}
		}

		impl<const LEAST: $of, const MOST: $of> Decode for $name<LEAST, MOST> {
			fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
				let number = <$of>::decode(input)?;
				Self::try_from(number).map_err(|_| "the number is out of bounds".into())
			}
		}

		impl<const LEAST: $of, const MOST: $of> DecodeWithMemTracking for $name<LEAST, MOST> {}

		// Tools show and take a plain number.
		impl<const LEAST: $of, const MOST: $of> TypeInfo for $name<LEAST, MOST> {
			type Identity = <$of as TypeInfo>::Identity;

			fn type_info() -> scale_info::Type {
				<$of>::type_info()
			}
		}
	};
}

ranged! {
	/// A `u32` from `LEAST` to `MOST`.
	Ranged32, u32
}
ranged! {
	/// A `u128` from `LEAST` to `MOST`.
	Ranged128, u128
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn only_what_is_within_bounds_decodes() {
		type Small = Ranged32<2, 5>;
		for number in 0u32..8 {
			let decoded = Small::decode(&mut &number.encode()[..]);
			assert_eq!(decoded.is_ok(), (2..=5).contains(&number), "{number}");
			assert_eq!(Small::try_from(number).is_ok(), decoded.is_ok());
		}
		assert_eq!(Ranged128::<0, 9>::new(9).get(), 9);
	}
}
