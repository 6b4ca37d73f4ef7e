//! A result under verification, its rounds, and what members have said.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{BoundedVec, traits::ConstU32};
use ogpu_primitives::{
	Balance,
	market::{
		GroupId,
		draw::{MAX_SEEDS, Numbers, units},
		spec::Requirements,
		tally::{FIRST_PANEL, SECOND_PANEL, majority, quorum, two_thirds},
		verification::{Shape, Tier},
	},
	merkle::{Blake2, Hash},
};
use ogpu_traits::{Claim, Moment};
use scale_info::TypeInfo;

use crate::vrf::{Enough, blocks};

/// The most operators that cannot verify a result because they had it before, or are its client.
pub const MAX_BARRED: u32 = 16;
/// The most challenges of one result that wait to be judged.
pub const MAX_DISPUTES: u32 = 64;
/// The most leaves that are opened in a round.
pub const MAX_OPENED: u32 = 64;
/// The stream of numbers that decides whether a tier is the light one.
const LIGHT_STREAM: u32 = u32::MAX - 2;
/// The stream of numbers from which a final panel's unit is drawn.
const FINAL_STREAM: u32 = u32::MAX - 1;
/// What a judge of a claim reveals when the claim is right.
pub const UPHELD: Hash = [1; 32];
/// What a judge of a claim reveals when it is not.
pub const REFUSED: Hash = [0; 32];

/// Which draw of a panel is meant: the first bytes of its seed. On another fork the same panel is drawn otherwise, and what
/// was computed for the one says nothing in the other.
pub type Draw = [u8; 4];

/// The draw with a seed.
pub const fn draw_of(seed: &Hash) -> Draw {
	[seed[0], seed[1], seed[2], seed[3]]
}

/// Somebody says that a unit is false.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Dispute<AccountId> {
	/// Who.
	pub challenger: AccountId,
	/// The lowest unit that it says is false, counted from the first of the part. With it the challenge stands
	/// or falls.
	pub unit: u32,
	/// What the provider has opened for it, if that is known. It is not asked again, and cannot keep it from being judged.
	pub opened: Option<Hash>,
	/// The number of what it has locked; members of panels answer with their seats instead.
	pub lock: Option<u64>,
}

/// How far a result is.
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
pub enum Phase {
	/// Rounds are counted.
	#[codec(index = 0)]
	Counting,
	/// A dispute is judged; nothing is counted meanwhile.
	#[codec(index = 1)]
	Judging,
	/// It was found valid. It can be challenged until it is forgotten.
	#[codec(index = 2)]
	Valid,
	/// It was decided against somebody, who may appeal once, until it is forgotten.
	#[codec(index = 3)]
	Decided(Decided),
}

impl Phase {
	/// How far an appeal is against what was decided.
	pub const fn appeal(self) -> Option<Appeal> {
		match self {
			Self::Decided(decided) => Some(decided.appeal),
			Self::Counting | Self::Judging | Self::Valid => None,
		}
	}
}

/// What was decided against somebody.
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
pub struct Decided {
	/// The unit that is false, counted from the first of the part; 0 for a claim.
	pub unit: u32,
	/// Whether judges found it so. Otherwise its provider has not opened what was drawn.
	pub judged: bool,
	/// How far an appeal is.
	pub appeal: Appeal,
}

/// How far an appeal is.
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
pub enum Appeal {
	/// Nobody has appealed.
	#[codec(index = 0)]
	None,
	/// It is being judged.
	#[codec(index = 1)]
	Judged {
		/// The number of what whoever appeals has locked.
		lock: u64,
	},
	/// It came to nothing. There is no other.
	#[codec(index = 2)]
	Lost,
}

/// A result, or a claim, that is verified.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Case<AccountId> {
	/// Whose it is.
	pub provider: AccountId,
	/// For whom it is.
	pub client: AccountId,
	/// Operators that cannot verify it: its provider's, its client's, and those that had the task before.
	pub barred: BoundedVec<GroupId, ConstU32<MAX_BARRED>>,
	/// Operators that raced for it: they verify it only where others are too few.
	pub racers: BoundedVec<GroupId, ConstU32<MAX_BARRED>>,
	/// What verifiers need to have.
	pub requirements: Requirements,
	/// How thoroughly it is verified.
	pub tier: Tier,
	/// How its units depend on one another.
	pub shape: Shape,
	/// The first unit of the part.
	pub first_unit: u32,
	/// How many units it has.
	pub units: u32,
	/// What is verified.
	pub subject: Subject,
	/// What a verifier gets for a unit.
	pub unit_fee: Balance,
	/// Market blocks in which its provider may compute all of the task.
	pub time: Moment,
	/// How often of a thousand times its tier is drawn, and otherwise the light one; `None` once that is drawn, or if it
	/// always is.
	pub asked: Option<u16>,
	/// Whether little hangs on it: fewer blocks draw its panels.
	pub small: bool,
	/// How far it is.
	pub phase: Phase,
	/// Whether it was found valid before: then it is decided for good unless a challenge shows fraud.
	pub was_valid: bool,
	/// Clean rounds since the last dispute.
	pub clean: u8,
	/// Rounds of verification that have begun.
	pub rounds: u8,
	/// Of these, those that go on.
	pub running: u8,
	/// The number of the next panel of any kind.
	pub next_panel: u8,
	/// Challenges that wait to be judged; and the one that was right, until it is too late to appeal.
	pub disputes: BoundedVec<Dispute<AccountId>, ConstU32<MAX_DISPUTES>>,
}

/// What is verified.
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
pub enum Subject {
	/// That the leaves of a part are right, by the root over them.
	#[codec(index = 0)]
	Root(Hash),
	/// That the task is at fault.
	#[codec(index = 1)]
	Claim(Claim),
}

/// What a panel is for.
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
pub enum Kind {
	/// To recompute units that are drawn for each member.
	#[codec(index = 0)]
	Round,
	/// To judge a unit that somebody disputes.
	#[codec(index = 1)]
	Dispute {
		/// Which.
		unit: u32,
		/// Whether another panel could not agree.
		second: bool,
	},
	/// To judge a claim.
	#[codec(index = 2)]
	Claim {
		/// Whether another panel could not agree.
		second: bool,
	},
	/// To judge a random unit, because rounds came to no end.
	#[codec(index = 3)]
	Final,
	/// To judge again what was decided against somebody.
	#[codec(index = 4)]
	Appeal {
		/// The unit that is false; 0 for a claim.
		unit: u32,
	},
}

impl Kind {
	/// How many members it should have.
	pub const fn size(self, tier: Tier) -> u32 {
		match self {
			Self::Round => tier.members(),
			Self::Dispute { second: false, .. } | Self::Claim { second: false } => FIRST_PANEL,
			Self::Dispute { second: true, .. }
			| Self::Claim { second: true }
			| Self::Final
			| Self::Appeal { .. } => SECOND_PANEL,
		}
	}

	/// The one unit that is judged, where it is named.
	pub const fn unit(self) -> Option<u32> {
		match self {
			Self::Dispute { unit, .. } | Self::Appeal { unit } => Some(unit),
			Self::Round | Self::Claim { .. } | Self::Final => None,
		}
	}

	/// How many units each member recomputes, of a part with so many; a claim counts as one.
	pub fn units_each(self, tier: Tier, units: u32) -> u32 {
		match self {
			Self::Round => tier.units_per_member(units),
			Self::Dispute { .. } | Self::Claim { .. } | Self::Final | Self::Appeal { .. } => 1,
		}
	}

	/// How many of its members must say the same.
	pub fn threshold(self, tier: Tier, members: u32) -> u32 {
		match self {
			Self::Round => quorum(tier, members),
			Self::Dispute { second: false, .. }
			| Self::Claim { second: false }
			| Self::Appeal { .. } => two_thirds(members),
			Self::Dispute { second: true, .. } | Self::Claim { second: true } | Self::Final => {
				majority(members)
			}
		}
	}
}

/// What a member has said.
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
pub enum Said {
	/// Nothing yet.
	#[codec(index = 0)]
	Nothing,
	/// That it cannot say.
	#[codec(index = 1)]
	Abstained,
	/// The hash of what it computed.
	#[codec(index = 2)]
	Committed(Hash),
	/// That it computed the same as the provider.
	#[codec(index = 3)]
	Agreed,
	/// That it computed something else; in a round, which leads to a dispute.
	#[codec(index = 4)]
	Differed(Hash),
	/// Nothing, in time.
	#[codec(index = 5)]
	Absent,
}

/// A member of a panel.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Member<AccountId> {
	/// Who.
	pub who: AccountId,
	/// What it has said.
	pub said: Said,
}

/// How far a panel is.
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
pub enum Stage {
	/// It is not drawn yet.
	#[codec(index = 0)]
	Drawing,
	/// Members compute, and commit to what they get.
	#[codec(index = 1)]
	Committing {
		/// The last moment.
		until: Moment,
	},
	/// The provider opens the leaves of the units that members have committed to.
	#[codec(index = 2)]
	Opening {
		/// The last moment.
		until: Moment,
	},
	/// Members reveal.
	#[codec(index = 3)]
	Revealing {
		/// The last moment.
		until: Moment,
	},
	/// It has ended.
	#[codec(index = 4)]
	Done,
}

/// A panel and what it does.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Panel<AccountId> {
	/// What it is for.
	pub kind: Kind,
	/// The block that led to it: it is drawn by those after it.
	pub trigger: u32,
	/// The last of its seeds, from which its members are drawn, and with others its units; zero until it is
	/// drawn.
	pub seed: Hash,
	/// Those seeds of the units of a round that end with earlier blocks.
	pub earlier: BoundedVec<Hash, ConstU32<{ MAX_SEEDS - 1 }>>,
	/// How far it is.
	pub stage: Stage,
	/// Its members.
	pub members: BoundedVec<Member<AccountId>, ConstU32<SECOND_PANEL>>,
	/// Whether it has waited for data that a member demanded; once is enough.
	pub held_up: bool,
	/// The leaves that were opened, by unit of the part.
	pub opened: BoundedVec<(u32, Hash), ConstU32<MAX_OPENED>>,
}

impl<AccountId> Case<AccountId> {
	/// What a member gets for all that it recomputes in a panel.
	pub fn fee(&self, kind: Kind) -> Balance {
		self.unit_fee.saturating_mul(kind.units_each(self.tier, self.units).into())
	}

	/// Whether members answer for the units that they affirm. Of an iterative job they may have seen that a unit follows
	/// from a state that turns out to be false itself.
	pub const fn answers_for_units(&self) -> bool {
		matches!((self.subject, self.shape), (Subject::Root(_), Shape::Parallel))
	}

	/// What a panel of it waits for until it is drawn. Where one unit may be worth all of the work, no block shall
	/// decide more than its share of those that a round draws.
	pub(crate) fn enough(&self, kind: Kind) -> Enough {
		let seeds = match (kind, self.shape) {
			(Kind::Round, Shape::Iterative) => MAX_SEEDS,
			_ => 1,
		};
		Enough { blocks: blocks(self.small), seeds }
	}

	/// Whether its first round, drawn from this seed, is of the light tier.
	pub fn is_light(&self, seed: &Hash) -> bool {
		let drawn = Numbers::<Blake2>::new(seed, LIGHT_STREAM).below(1000);
		self.asked.is_some_and(|asked| drawn >= u32::from(asked))
	}

	/// Rounds that have to be clean, as far as is known: the first decides how many more there are.
	pub const fn clean_rounds(&self) -> u8 {
		match self.asked {
			Some(_) => 1,
			None => self.tier.clean_rounds() as u8,
		}
	}

	/// Whether its provider was convicted, and it is kept for an appeal.
	pub const fn is_decided_fraud(&self) -> bool {
		matches!((self.phase, self.subject), (Phase::Decided(_), Subject::Root(_)))
	}
}

impl<AccountId: PartialEq> Panel<AccountId> {
	/// A panel that is drawn by the blocks after this one.
	pub fn new(kind: Kind, trigger: u32) -> Self {
		Self {
			kind,
			trigger,
			seed: [0; 32],
			earlier: BoundedVec::new(),
			stage: Stage::Drawing,
			members: BoundedVec::new(),
			held_up: false,
			opened: BoundedVec::new(),
		}
	}

	/// The seeds of its units, the shortest first.
	pub fn seeds(&self) -> alloc::vec::Vec<Hash> {
		[&self.earlier[..], &[self.seed]].concat()
	}

	/// The units of each member, counted from the first of the part.
	pub fn units(&self, case: &Case<AccountId>) -> alloc::vec::Vec<alloc::vec::Vec<u32>> {
		let members = self.members.len();
		let one = |unit| alloc::vec![alloc::vec![unit]; members];
		match (self.kind, case.subject) {
			(Kind::Claim { .. }, _) | (_, Subject::Claim(_)) => {
				alloc::vec![alloc::vec::Vec::new(); members]
			}
			(Kind::Round, _) => {
				let each = self.kind.units_each(case.tier, case.units);
				units::<Blake2>(&self.seeds(), members as u32, case.units, each)
			}
			(Kind::Dispute { unit, .. } | Kind::Appeal { unit }, _) => one(unit),
			(Kind::Final, _) => {
				one(Numbers::<Blake2>::new(&self.seed, FINAL_STREAM).below(case.units))
			}
		}
	}

	/// The units that the provider opens: those of all members that have committed.
	pub fn to_open(&self, case: &Case<AccountId>) -> alloc::vec::Vec<u32> {
		let committed = self.members.iter().zip(self.units(case));
		let committed = committed
			.filter(|(member, _)| matches!(member.said, Said::Committed(_) | Said::Agreed));
		let units: alloc::collections::BTreeSet<u32> =
			committed.flat_map(|(_, units)| units).collect();
		units.into_iter().collect()
	}

	/// The opened leaves of these units.
	pub fn opened(&self, units: &[u32]) -> Option<alloc::vec::Vec<(u32, Hash)>> {
		let leaf = |unit: &u32| self.opened.iter().find(|(opened, _)| opened == unit).copied();
		units.iter().map(leaf).collect()
	}

	/// Whether somebody has committed to something and has not revealed it.
	pub fn has_commitments(&self) -> bool {
		self.members.iter().any(|member| matches!(member.said, Said::Committed(_)))
	}

	/// Where a member sits.
	pub fn place_of(&self, who: &AccountId) -> Option<usize> {
		self.members.iter().position(|member| member.who == *who)
	}

	/// The last moment of its stage, if members or provider have one.
	pub const fn until(&self) -> Option<Moment> {
		match self.stage {
			Stage::Committing { until } | Stage::Opening { until } | Stage::Revealing { until } => {
				Some(until)
			}
			Stage::Drawing | Stage::Done => None,
		}
	}
}

/// A block's contribution to draws.
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
pub struct Vrf {
	/// Which block.
	pub block: u32,
	/// Its VRF output.
	pub output: Hash,
	/// The operator that its author is linked to.
	pub group: Option<GroupId>,
}
