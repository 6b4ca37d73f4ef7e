//! What an account has in collateral, and what of it is bound. Arithmetic only, no storage.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use ogpu_primitives::Balance;
use ogpu_traits::Moment;
use scale_info::TypeInfo;

/// The most withdrawals that may be under way at once.
pub const MAX_UNBONDING: u32 = 8;

/// Collateral on its way out.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Unbonding {
	/// How much.
	pub amount: Balance,
	/// From when on it can be withdrawn, on the market clock.
	pub until: Moment,
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
	/// There is less free.
	NotEnoughFree,
	/// Too many withdrawals are under way.
	TooManyUnbonding,
}

/// The collateral of an account.
///
/// `locked + seats ≤ bonded`, always. What is unbonding is part of neither.
#[derive(
	Clone,
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
pub struct Ledger {
	bonded: Balance,
	locked: Balance,
	seats: Balance,
	unbonding: BoundedVec<Unbonding, ConstU32<MAX_UNBONDING>>,
	held: Balance,
}

impl Ledger {
	/// Bonded, bound or not; without what is unbonding.
	pub fn bonded(&self) -> Balance {
		self.bonded
	}

	/// Of what is bonded, what locks hold.
	pub fn locked(&self) -> Balance {
		self.locked
	}

	/// Of what is bonded, what is bound in seats.
	pub fn seats(&self) -> Balance {
		self.seats
	}

	/// Of what is bonded, what nothing binds.
	pub fn free(&self) -> Balance {
		self.bonded.saturating_sub(self.locked).saturating_sub(self.seats)
	}

	/// On its way out.
	pub fn unbonding(&self) -> &[Unbonding] {
		&self.unbonding
	}

	/// Taken from the free balance by locks that are not for bonds.
	pub fn held(&self) -> Balance {
		self.held
	}

	/// Everything that is kept for the account.
	pub fn total(&self) -> Balance {
		self.staked().saturating_add(self.held)
	}

	/// What is bonded or on its way out.
	pub fn staked(&self) -> Balance {
		self.unbonding.iter().fold(self.bonded, |sum, chunk| sum.saturating_add(chunk.amount))
	}

	/// Whether there is nothing at all.
	pub fn is_empty(&self) -> bool {
		self.total() == 0
	}

	pub(crate) fn bond(&mut self, amount: Balance) {
		self.bonded = self.bonded.saturating_add(amount);
	}

	pub(crate) fn unbond(&mut self, amount: Balance, until: Moment) -> Result<(), Refused> {
		if amount > self.free() {
			return Err(Refused::NotEnoughFree);
		}
		match self.unbonding.last_mut() {
			Some(last) if last.until == until => last.amount = last.amount.saturating_add(amount),
			_ => self
				.unbonding
				.try_push(Unbonding { amount, until })
				.map_err(|_| Refused::TooManyUnbonding)?,
		}
		self.bonded -= amount;
		Ok(())
	}

	/// Takes back up to `amount` of what is unbonding, latest first. What was taken back.
	pub(crate) fn rebond(&mut self, amount: Balance) -> Balance {
		let taken = self.take_unbonding(amount);
		self.bonded = self.bonded.saturating_add(taken);
		taken
	}

	/// Takes out what may leave. What left.
	pub(crate) fn withdraw(&mut self, now: Moment) -> Balance {
		let before = self.staked();
		self.unbonding.retain(|chunk| chunk.until > now);
		before - self.staked()
	}

	/// Sets a lock that held `before` to hold `after`.
	pub(crate) fn relock(&mut self, before: Balance, after: Balance) -> Result<(), Refused> {
		if after.saturating_sub(before) > self.free() {
			return Err(Refused::NotEnoughFree);
		}
		self.locked = self.locked.saturating_sub(before).saturating_add(after);
		Ok(())
	}

	/// Sets a lock on the free balance that held `before` to hold `after`.
	pub(crate) fn rehold(&mut self, before: Balance, after: Balance) {
		self.held = self.held.saturating_sub(before).saturating_add(after);
	}

	pub(crate) fn set_seats(&mut self, amount: Balance) -> Result<(), Refused> {
		if amount.saturating_sub(self.seats) > self.free() {
			return Err(Refused::NotEnoughFree);
		}
		self.seats = amount;
		Ok(())
	}

	/// Takes `amount` out of what locks hold; the lock must hold it.
	pub(crate) fn slash_locked(&mut self, amount: Balance) {
		self.locked = self.locked.saturating_sub(amount);
		self.bonded = self.bonded.saturating_sub(amount);
	}

	/// Takes up to `amount` out of what no lock holds: free, then seats, then what is unbonding, latest
	/// first. What was taken.
	pub(crate) fn slash_liable(&mut self, amount: Balance) -> Balance {
		let from_free = amount.min(self.free());
		let from_seats = (amount - from_free).min(self.seats);
		self.seats -= from_seats;
		self.bonded -= from_free + from_seats;
		let bonded = from_free + from_seats;
		bonded + self.take_unbonding(amount - bonded)
	}

	fn take_unbonding(&mut self, amount: Balance) -> Balance {
		let mut left = amount;
		while left > 0 {
			let Some(last) = self.unbonding.last_mut() else { break };
			let taken = left.min(last.amount);
			last.amount -= taken;
			left -= taken;
			if last.amount == 0 {
				self.unbonding.pop();
			}
		}
		amount - left
	}
}
