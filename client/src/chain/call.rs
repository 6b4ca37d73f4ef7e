//! What can be asked of the chain in a transaction.
//!
//! Arguments are written in SCALE, in types of ours: before anything is signed, the metadata of the very runtime that
//! will read them has to agree.

use codec::{Compact, Encode};
use ogpu_primitives::{
	Balance,
	market::{
		Endpoint, Features, TaskId,
		spec::TaskSpec,
		stream::{Batch, StreamId, StreamSpec},
	},
	merkle::Hash,
};

use super::{AccountId, Decided, Proposed, Track};

/// A call of a pallet.
#[derive(Clone, Debug)]
pub struct Call {
	pub(super) pallet: &'static str,
	pub(super) name: &'static str,
	/// Its arguments in SCALE.
	pub(super) arguments: Vec<u8>,
}

/// A device of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct Device {
	/// What its driver calls it: at most 64 bytes.
	pub name: Vec<u8>,
	/// Its memory in bytes, as a power of two.
	pub memory: u8,
	/// What it can do.
	pub features: Features,
	/// Identifies device and driver.
	pub fingerprint: Hash,
}

/// What a provider says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct Profile {
	/// The sr25519 worker key of its node.
	pub worker: [u8; 32],
	/// Where its results are served.
	pub endpoint: Endpoint,
	/// An x25519 key to which inputs can be encrypted; zeros are none.
	pub encryption: [u8; 32],
	/// Where it is: an ISO 3166-1 numeric code.
	pub region: u16,
	/// Its devices.
	pub devices: Vec<Device>,
}

/// How long tokens that vote stay locked afterwards, and how much more they count for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conviction {
	/// Not at all: a tenth of a vote for each token.
	None,
	/// As many periods as doublings: 1 to 6 votes for each token.
	Locked(u8),
}

/// A vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
	/// For it, or against it.
	pub aye: bool,
	/// For how long.
	pub conviction: Conviction,
	/// With how much.
	pub balance: Balance,
}

impl Vote {
	/// The form in which the chain reads it: a standard vote.
	fn scale(self) -> Vec<u8> {
		const STANDARD: u8 = 0;
		const AYE: u8 = 1 << 7;
		let conviction = match self.conviction {
			Conviction::None => 0,
			Conviction::Locked(times) => times.min(6),
		};
		let vote = conviction | if self.aye { AYE } else { 0 };
		(STANDARD, vote, self.balance).encode()
	}
}

fn call(pallet: &'static str, name: &'static str, arguments: impl Encode) -> Call {
	Call { pallet, name, arguments: arguments.encode() }
}

impl Call {
	/// Gives somebody oGPU; the sender keeps what an account must have.
	pub fn transfer(to: AccountId, amount: Balance) -> Self {
		// The variant `Id` of an address.
		const ID: u8 = 0;
		call("Balances", "transfer_keep_alive", (ID, to, Compact(amount)))
	}

	/// Submits a task, which may cost `most` at most.
	pub fn submit(spec: TaskSpec, most: Balance) -> Self {
		call("Tasks", "submit", (spec, most))
	}

	/// Cancels a task.
	pub fn cancel(task: TaskId) -> Self {
		call("Tasks", "cancel", task)
	}

	/// Says that the client has the result.
	pub fn acknowledge(task: TaskId) -> Self {
		call("Tasks", "acknowledge_delivery", task)
	}

	/// Demands a piece of a delivered result on chain: of a slice of a unit, counted from the first of a part.
	pub fn demand_output(task: TaskId, (part, unit, slice): (u8, u32, u8), piece: u32) -> Self {
		// The variant `Output` of what can be demanded.
		const OUTPUT: u8 = 1;
		call("Tasks", "demand", (task, OUTPUT, part, unit, slice, piece))
	}

	/// Says that a unit, counted from the first of a part, is false.
	pub fn challenge(task: TaskId, attempt: u8, part: u8, unit: u32) -> Self {
		call("Attestations", "challenge", (task, attempt, part, unit))
	}

	/// Appeals against what was decided of a task.
	pub fn appeal(decided: &Decided) -> Self {
		let Decided { task, attempt, part } = *decided;
		call("Attestations", "appeal", (task, attempt, part))
	}

	/// Opens a stream, with a deposit.
	pub fn open_stream(spec: StreamSpec, deposit: Balance) -> Self {
		call("Tasks", "open_stream", (spec, deposit))
	}

	/// Adds to the escrow of a stream.
	pub fn top_up(stream: StreamId, amount: Balance) -> Self {
		call("Tasks", "top_up", (stream, amount))
	}

	/// Sends batches of requests.
	pub fn send(stream: StreamId, batches: Vec<Batch>) -> Self {
		call("Tasks", "send", (stream, batches))
	}

	/// Has a stream take no batches for the time being, or again.
	pub fn pause_stream(stream: StreamId, paused: bool) -> Self {
		call("Tasks", "pause_stream", (stream, paused))
	}

	/// Closes a stream.
	pub fn close_stream(stream: StreamId) -> Self {
		call("Tasks", "close_stream", stream)
	}

	/// Registers a provider, with the proof of its worker key.
	pub fn register(profile: Profile, proof: [u8; 64]) -> Self {
		call("Providers", "register", (profile, proof))
	}

	/// Changes what a provider says of itself.
	pub fn update(profile: Profile, proof: Option<[u8; 64]>) -> Self {
		call("Providers", "update", (profile, proof))
	}

	/// Has a provider take nothing new.
	pub fn retire() -> Self {
		call("Providers", "retire", ())
	}

	/// Has a provider that is retiring take work again.
	pub fn resume() -> Self {
		call("Providers", "resume", ())
	}

	/// Has a provider leave.
	pub fn deregister() -> Self {
		call("Providers", "deregister", ())
	}

	/// Applies for a trial, to prove a rating in thousandths of the reference device.
	pub fn apply_for_rating(rating: u32) -> Self {
		call("Ratings", "apply", rating)
	}

	/// Takes such an application back.
	pub fn withdraw_application() -> Self {
		call("Ratings", "withdraw", ())
	}

	/// Asks for so many seats on panels.
	pub fn set_seats(seats: u32) -> Self {
		call("Providers", "set_seats", seats)
	}

	/// Accepts the offer of a validator's stash.
	pub fn accept_stash(stash: AccountId) -> Self {
		call("Providers", "accept_stash", stash)
	}

	/// Offers a validator's stash, the sender, to a provider.
	pub fn link_stash(provider: AccountId) -> Self {
		call("Providers", "link_stash", provider)
	}

	/// Ends the link of a stash, the sender or the provider's, to a provider, or takes back the offer of one.
	pub fn unlink_stash(provider: AccountId) -> Self {
		call("Providers", "unlink_stash", provider)
	}

	/// Bonds collateral.
	pub fn bond(amount: Balance) -> Self {
		call("TrustLock", "bond", amount)
	}

	/// Starts to take collateral out.
	pub fn unbond(amount: Balance) -> Self {
		call("TrustLock", "unbond", amount)
	}

	/// Takes out collateral whose time has come.
	pub fn withdraw() -> Self {
		call("TrustLock", "withdraw", ())
	}

	/// Proposes that holders decide on a call. If they are for it, it is made in the next block that the track allows.
	pub fn propose(track: Track, proposed: &Proposed) -> Self {
		// Of a call that is given itself, and of a moment that is counted from the decision.
		const INLINE: u8 = 1;
		const AFTER: u8 = 1;
		call("Referenda", "submit", (track.origin, INLINE, &proposed.0, AFTER, 1u32))
	}

	/// Places the deposit without which a referendum is not decided.
	pub fn place_decision_deposit(referendum: u32) -> Self {
		call("Referenda", "place_decision_deposit", referendum)
	}

	/// Votes in a referendum.
	pub fn vote(referendum: u32, vote: Vote) -> Self {
		let mut arguments = Compact(referendum).encode();
		arguments.extend(vote.scale());
		Self { pallet: "ConvictionVoting", name: "vote", arguments }
	}

	/// Takes a vote back.
	pub fn remove_vote(track: u16, referendum: u32) -> Self {
		call("ConvictionVoting", "remove_vote", (Some(track), referendum))
	}

	/// Frees what votes of a track have locked, as far as their time has come.
	pub fn unlock(track: u16, account: AccountId) -> Self {
		// The variant `Id` of an address.
		const ID: u8 = 0;
		call("ConvictionVoting", "unlock", (track, ID, account))
	}
}

impl std::fmt::Display for Call {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "{}.{}", self.pallet, self.name)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// As `pallet-conviction-voting` writes them.
	#[test]
	fn votes_are_standard_votes() {
		let vote = Vote { aye: true, conviction: Conviction::Locked(1), balance: 5 };
		assert_eq!(vote.scale()[..2], [0, 0x81]);
		assert_eq!(vote.scale()[2..], 5u128.encode());
		let against = Vote { aye: false, conviction: Conviction::None, balance: 0 };
		assert_eq!(against.scale()[..2], [0, 0]);
		// Referenda are numbered compactly.
		assert_eq!(Call::vote(3, vote).arguments[0], 3 << 2);
	}
}
