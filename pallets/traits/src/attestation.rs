//! Results are handed over to be verified, and verdicts come back.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use ogpu_primitives::{
	Balance,
	market::{
		GroupId, TaskId,
		spec::{Requirements, TaskSpec},
		verification::{Shape, Tier},
	},
	merkle::Hash,
};
use scale_info::TypeInfo;

use crate::Moment;

/// One part of a task, as one provider computed it.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct PartOfTask {
	/// The task.
	pub task: TaskId,
	/// How many providers had it before.
	pub attempt: u8,
	/// The part; [`PartOfTask::CLAIM`] for a claim about the whole task.
	pub part: u8,
}

impl PartOfTask {
	/// Stands for a claim.
	pub const CLAIM: u8 = u8::MAX;
}

/// What is to be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested<AccountId> {
	/// Which part of what.
	pub part: PartOfTask,
	/// Who computed it.
	pub provider: AccountId,
	/// For whom.
	pub client: AccountId,
	/// What verifiers need to have.
	pub requirements: Requirements,
	/// How thoroughly.
	pub tier: Tier,
	/// How units depend on one another.
	pub shape: Shape,
	/// The first unit of the part.
	pub first_unit: u32,
	/// How many units it has.
	pub units: u32,
	/// The root over their leaves; `None` for a claim.
	pub root: Option<Hash>,
	/// What a verifier gets for a unit.
	pub unit_fee: Balance,
	/// Market blocks in which its provider may compute all of the task.
	pub time: Moment,
	/// Operators that may not verify it: they had the task before.
	pub barred: Vec<GroupId>,
	/// Operators that raced for it, and verify it only where others are too few.
	pub racers: Vec<GroupId>,
	/// The block after which nobody could choose the root any more, where it is not the present one: panels are drawn
	/// by the blocks that follow.
	pub bound_in: Option<u32>,
	/// How often of a thousand times its tier is drawn, and otherwise the light one, since its provider is trusted; `None` if
	/// it always is.
	pub asked: Option<u16>,
	/// Whether little hangs on it: panels are drawn by fewer blocks then, so that the answer is there sooner.
	pub small: bool,
}

/// What verification came to.
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
pub enum Verdict {
	/// The result is right.
	#[codec(index = 0)]
	Valid,
	/// This unit is false. The lowest, where several are.
	#[codec(index = 1)]
	Fraud {
		/// The unit.
		unit: u32,
	},
	/// The job is inadmissible.
	#[codec(index = 2)]
	Rejected,
	/// Inputs that the client named cannot be had.
	#[codec(index = 3)]
	Unavailable,
	/// Nobody can say.
	#[codec(index = 4)]
	Inconclusive,
	/// The client accepts it unverified, because there are too few operators.
	#[codec(index = 5)]
	Unverified,
	/// The provider's claim is refused: it has to go on.
	#[codec(index = 6)]
	Groundless,
	/// What was decided before was wrong, a larger panel says on appeal.
	#[codec(index = 7)]
	Overturned,
}

impl Verdict {
	/// Whether whoever it is against may appeal.
	pub const fn is_against_somebody(self) -> bool {
		matches!(self, Self::Fraud { .. } | Self::Rejected | Self::Unavailable)
	}
}

/// What a provider says is wrong with a task that it was given.
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
pub enum Claim {
	/// The job is inadmissible: the gate refuses it, it is not what the task declares, or it is at fault in
	/// a way that any machine would find.
	#[codec(index = 0)]
	Rejected,
	/// Inputs cannot be had. Only before the provider has acknowledged that it has them.
	#[codec(index = 1)]
	Unavailable,
	/// The job does not end in the time that it gives itself. Only once it is being computed. Ends like `Rejected`.
	#[codec(index = 2)]
	Endless,
}

/// A verdict, and who has to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Decision<AccountId> {
	/// What it came to.
	pub verdict: Verdict,
	/// What verifiers have earned.
	pub fees: Vec<(AccountId, Balance)>,
	/// Who found the fault.
	pub finder: Option<AccountId>,
	/// Whether members of a round have come to the same, and nobody to something else. Where nobody can say in the end, that is
	/// worth something.
	pub confirmed: bool,
	/// Whether others recomputed what is false. Who does not open or give what it has to is at fault, too, but may have
	/// been away.
	pub proven: bool,
}

impl<AccountId> Decision<AccountId> {
	/// A verdict that nobody is paid for.
	pub const fn bare(verdict: Verdict) -> Self {
		Self { verdict, fees: Vec::new(), finder: None, confirmed: false, proven: false }
	}
}

/// Verifies results.
///
/// What is handed over is decided at once, or by [`Verdicts::decided`], exactly once, unless the task is
/// [dropped](Self::drop_from) before.
pub trait Attestation<AccountId> {
	/// Takes a part over.
	fn verify(request: Requested<AccountId>) -> Option<Decision<AccountId>>;

	/// Takes a claim over; `request` has no root. It ends as the claim says, or as [`Verdict::Groundless`].
	fn judge(request: Requested<AccountId>, claim: Claim) -> Option<Decision<AccountId>>;

	/// Whether a result of an attempt is being judged. Nothing must end meanwhile that secures it.
	fn is_disputed(task: TaskId, attempt: u8) -> bool;

	/// Whether somebody is still to recompute something for a panel of a result. The panel waits for it, once, until
	/// it has had as long for that after `until` as it was given.
	fn hold_up(part: PartOfTask, panel: u8, member: &AccountId, until: Moment) -> bool;

	/// Notes that the provider of a result withheld what a member of a panel needs: it is at fault, as if it had not
	/// opened what was drawn.
	fn withheld(part: PartOfTask, panel: u8);

	/// How many members the panels have that are kept for a task: what forgetting it costs grows with them.
	fn places(task: TaskId) -> u32;

	/// Forgets an attempt's claim, and its parts from one on: they need no verdict any more. What verifiers
	/// have earned on them. A fraud that may be appealed is kept until it is [carried out](Self::carry_out).
	fn drop_from(part: PartOfTask) -> Vec<(AccountId, Balance)>;

	/// Whether a decision is being looked at again. Nothing must be carried out meanwhile.
	fn is_appealed(part: PartOfTask) -> bool;

	/// Notes that a fraud cannot be appealed any more: whoever affirmed the false unit answers for that.
	fn carry_out(part: PartOfTask);
}

/// Nobody verifies anything: results are accepted as clients agreed, claims are never upheld.
impl<AccountId> Attestation<AccountId> for () {
	fn verify(_: Requested<AccountId>) -> Option<Decision<AccountId>> {
		Some(Decision::bare(Verdict::Unverified))
	}

	fn judge(_: Requested<AccountId>, _: Claim) -> Option<Decision<AccountId>> {
		Some(Decision::bare(Verdict::Groundless))
	}

	fn is_disputed(_: TaskId, _: u8) -> bool {
		false
	}

	fn hold_up(_: PartOfTask, _: u8, _: &AccountId, _: Moment) -> bool {
		false
	}

	fn withheld(_: PartOfTask, _: u8) {}

	fn places(_: TaskId) -> u32 {
		0
	}

	fn drop_from(_: PartOfTask) -> Vec<(AccountId, Balance)> {
		Vec::new()
	}

	fn is_appealed(_: PartOfTask) -> bool {
		false
	}

	fn carry_out(_: PartOfTask) {}
}

/// Knows what tasks want, as long as anything about them may be judged.
pub trait Specs {
	/// What a task wants.
	fn spec(part: PartOfTask) -> Option<TaskSpec>;

	/// The root of a part, as far as one is known.
	fn root(part: PartOfTask) -> Option<Hash>;

	/// What its job is made of, as far as everybody knows that without being given it.
	fn blobs(_: PartOfTask) -> Vec<Vec<u8>> {
		Vec::new()
	}
}

/// What verifying some work costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
	/// All of it, at most.
	pub most: Balance,
	/// What a verifier gets for a unit.
	pub unit_fee: Balance,
}

/// Knows what verifying costs now.
pub trait Verifying {
	/// What verifying one attempt at a task costs; `None` if too few operators could, or it is no task.
	fn verification(spec: &TaskSpec) -> Option<Verification>;
}

/// Takes verdicts.
pub trait Verdicts<AccountId> {
	/// The decision on a part, or on a claim about it. After a part was found valid it may still be found
	/// false, as long as the window of its task is open; and what was decided against somebody, overturned. Whether it
	/// can be: a decision that changes nothing cannot be appealed.
	fn decided(part: PartOfTask, decision: Decision<AccountId>) -> bool;
}
