//! Adaptive trust: whoever has delivered what was right, time after time, is verified lightly most of the time.
//!
//! With `n` right tasks in a row, ten at least, the tier that the client asked for is drawn with the probability
//! `max(10 / n, 1/20)`, and the light tier otherwise. The draw is made of the blocks after the root, as panels are: nobody
//! knows before how its result will be verified. What it may have under way on trust is bounded by what its tasks
//! have irrecoverably burnt in fees, for several clients; so trust that is bought from oneself costs more than it is
//! worth, and many small tasks do not make room for a large fraud. A fraud ends it.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::Balance;

/// Right tasks in a row without which nobody is trusted.
pub const LEAST_STREAK: u32 = 10;
/// Clients, who have nothing to do with the provider nor with one another, without whom nobody is.
pub const LEAST_CLIENTS: u32 = 3;
/// How often the tier that was asked for is drawn at least, in thousandths.
pub const LEAST_ASKED: u16 = 50;

/// How much a provider is trusted.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Trusted {
	/// Right tasks in a row.
	pub streak: u32,
	/// What they have burnt in fees.
	pub burnt: Balance,
	/// The reserves of all that is under way on trust.
	pub open: Balance,
}

impl Trusted {
	/// How often of a thousand times the tier that was asked for is drawn, where the clients are enough and a reserve of `price` more
	/// is under way on trust than before; `None` if it always is. What is under way is at most `leverage` times what was burnt.
	pub fn asked(&self, clients: u32, price: Balance, leverage: u32) -> Option<u16> {
		let room = self.burnt.saturating_mul(leverage.into());
		let earned = self.streak >= LEAST_STREAK && clients >= LEAST_CLIENTS;
		let fits = self.open.saturating_add(price) <= room;
		let asked = 1000 * LEAST_STREAK / self.streak.max(LEAST_STREAK);
		(earned && fits).then(|| (asked as u16).max(LEAST_ASKED)).filter(|asked| *asked < 1000)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::OGPU;

	#[test]
	fn trust_is_earned_slowly_and_never_whole() {
		let asked =
			|streak| Trusted { streak, burnt: OGPU, open: 0 }.asked(LEAST_CLIENTS, OGPU, 10);
		assert_eq!((asked(0), asked(9), asked(10)), (None, None, None));
		assert_eq!((asked(11), asked(20), asked(100)), (Some(909), Some(500), Some(100)));
		assert_eq!((asked(200), asked(u32::MAX)), (Some(50), Some(50)));
	}

	#[test]
	fn what_is_on_trust_is_bounded_by_what_was_burnt() {
		let trusted = Trusted { streak: 100, burnt: OGPU, open: 5 * OGPU };
		assert_eq!(trusted.asked(LEAST_CLIENTS, 5 * OGPU, 10), Some(100));
		assert_eq!(trusted.asked(LEAST_CLIENTS, 5 * OGPU + 1, 10), None);
		// Two clients are not enough, however much they pay.
		assert_eq!(trusted.asked(LEAST_CLIENTS - 1, OGPU, 10), None);
		assert_eq!(trusted.asked(LEAST_CLIENTS, 1, 0), None);
	}
}
