//! Who the providers are, as the others need to know.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ogpu_primitives::{
	Balance,
	market::{DeviceTier, Endpoint, GroupId, reputation::Aspect, spec::Requirements},
	merkle::Hash,
};
use scale_info::TypeInfo;

/// Why a provider may not take a task.
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
pub enum Unmet {
	/// It is not registered.
	#[codec(index = 0)]
	Unregistered,
	/// It has missed its heartbeats.
	#[codec(index = 1)]
	Inactive,
	/// It was suspended.
	#[codec(index = 2)]
	Suspended,
	/// It takes nothing new any more.
	#[codec(index = 3)]
	Retiring,
	/// None of its devices has what the task needs.
	#[codec(index = 4)]
	NoDevice,
	/// It is not in the region.
	#[codec(index = 5)]
	Region,
	/// Its reputation is too low.
	#[codec(index = 6)]
	Reputation,
}

/// How a provider stands.
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
pub struct Standing {
	/// Its operator.
	pub group: GroupId,
	/// Its proven rating, in thousandths of the reference device.
	pub rating: u32,
	/// Its reputation, in thousandths.
	pub reputation: u16,
}

/// The providers.
pub trait Registry<AccountId> {
	/// How a provider that meets the requirements stands.
	///
	/// # Errors
	///
	/// The first requirement that it does not meet.
	fn meets(who: &AccountId, requirements: &Requirements) -> Result<Standing, Unmet>;

	/// The operator of a provider.
	fn group(who: &AccountId) -> Option<GroupId>;

	/// The operator that an account belongs to, as a provider or as a validator.
	fn operator(who: &AccountId) -> Option<GroupId>;

	/// Where a provider serves blobs.
	fn endpoint(who: &AccountId) -> Option<Endpoint>;

	/// A hash that changes with a provider's devices.
	fn devices(who: &AccountId) -> Option<Hash>;

	/// Notes a rating that was proven; 0 if it was false.
	fn rate(who: &AccountId, rating: u32);

	/// How many operators that have seats, and devices that meet the requirements, a draw meets: those who could verify. Where
	/// there are more seats than a draw looks at, they are fewer than there are.
	fn operators(requirements: &Requirements) -> u32;

	/// Notes something about a provider, of the weight of so many burnt fees.
	fn see(who: &AccountId, aspect: Aspect, weight: Balance, thousandths: u16);

	/// How often of a thousand times the tier that a client asked for is drawn for a result of a provider, where a reserve of `price` more
	/// is under way on trust than before, and that is at most `leverage` times what its right tasks have burnt; `None` if it
	/// always is.
	fn trust(who: &AccountId, price: Balance, leverage: u32) -> Option<u16>;

	/// Notes that so much more is under way on trust, or no longer.
	fn entrust(who: &AccountId, price: Balance, begins: bool);

	/// Notes that a result of a provider for a client was found right, and has burnt so much; `whole` if all of the task was.
	fn found_right(who: &AccountId, client: &AccountId, burnt: Balance, whole: bool);

	/// Notes that a result of a provider was found false, or is not there, or that nobody could say: all trust is lost.
	fn found_false(who: &AccountId);

	/// Notes that a task concerns a provider from now on, or no longer: it cannot leave meanwhile.
	fn engage(who: &AccountId, engaged: bool);

	/// Notes that a provider begins work, or is done with it.
	fn occupy(who: &AccountId, busy: bool);

	/// Busy and whole capacity of a device tier, in thousandths of the reference device.
	fn utilisation(tier: DeviceTier) -> (u64, u64);
}

/// The most seats that are looked at for one panel.
pub const MAX_LOOKS: u32 = 256;

/// The table from which panels are drawn. It changes slowly: whoever changes it cannot know what will be
/// drawn from it.
pub trait SeatTable<AccountId> {
	/// How many seats there are, numbered from 0.
	fn seats() -> u32;

	/// Who holds a seat, if it is paid for.
	fn holder(seat: u32) -> Option<AccountId>;

	/// The operator of a provider that can verify tasks with these requirements, as both were when the session began: whoever
	/// knows what is about to be drawn must not be able to change who is drawn.
	fn verifier(who: &AccountId, requirements: &Requirements) -> Option<GroupId>;

	/// The operator that a validator is linked to.
	fn group_of_stash(stash: &AccountId) -> Option<GroupId>;
}
