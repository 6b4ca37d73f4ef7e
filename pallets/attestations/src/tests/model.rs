//! What verification comes to, told once more from docs/attestation.md, without the pallet's code. Who is drawn, for which units,
//! and when a panel ends is up to the chain; what follows from that must be what follows here.

use std::collections::BTreeMap;

use ogpu_primitives::{market::verification::Tier, merkle::Hash};
use ogpu_traits::PartOfTask;

use crate::{Cases, Event, Kind, Panels, Phase, Stage, mock::*};

/// A panel, once it is drawn with the units of each member.
#[derive(Clone, Debug)]
struct Drawn {
	kind: Kind,
	members: Option<Vec<(AccountId, Vec<u32>)>>,
	ended: bool,
}

/// What a part came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
	Open,
	Valid,
	Fraud,
	Inconclusive,
}

/// One part under verification.
#[derive(Clone, Debug)]
pub(super) struct Part {
	task: u64,
	first: u32,
	units: u32,
	tier: Tier,
	/// Whether its first round decides by how much it is verified.
	asked: bool,
	panels: Vec<Drawn>,
	/// Clean rounds in a row; rounds so far; rounds that have not ended.
	clean: u32,
	rounds: u32,
	running: u32,
	judging: bool,
	/// Units that somebody says are false, with who.
	disputes: Vec<(AccountId, u32)>,
	pub(super) outcome: Outcome,
}

/// Members, units, agreement, clean rounds and rounds of a tier, as the specification lists them.
fn table(tier: Tier, units: u32) -> (u32, u32, u32, u32, u32) {
	match tier {
		Tier::Light => (1, units.div_ceil(64).clamp(2, 64), 1, 1, 4),
		Tier::Standard => (5, units.div_ceil(64).min(12), 4, 2, 6),
		Tier::High => (5, units.div_ceil(16).min(12), 4, 3, 8),
		Tier::Full => (3, units, 3, 2, 8),
	}
}

/// What somebody says that a unit of the part comes to, if anything.
fn says(part: &Part, who: AccountId, unit: u32) -> Option<Hash> {
	let unit = part.first + unit;
	match behaviour(who) {
		Behaviour::Honest | Behaviour::Crashing => Some(truth(part.task, unit)),
		Behaviour::Colluding => Some(claimed(part.task, unit)),
		Behaviour::Framing => Some(framed(part.task, unit)),
		Behaviour::Deviating => Some(deviating(who, part.task, unit)),
		Behaviour::Absent
		| Behaviour::Abstaining
		| Behaviour::Secretive
		| Behaviour::Lazy
		| Behaviour::Copying => None,
	}
}

impl Part {
	fn new(task: u64, first: u32, units: u32, tier: Tier, asked: bool) -> Self {
		let mut part = Self {
			task,
			first,
			units,
			tier,
			asked,
			panels: Vec::new(),
			clean: 0,
			rounds: 0,
			running: 0,
			judging: false,
			disputes: Vec::new(),
			outcome: Outcome::Open,
		};
		part.go_on();
		part
	}

	fn begin(&mut self, kind: Kind) {
		self.rounds += u32::from(kind == Kind::Round);
		self.running += u32::from(kind == Kind::Round);
		self.panels.push(Drawn { kind, members: None, ended: false });
	}

	/// Whether a round has drawn an honest member, who is there, for one of these units of the job.
	pub(super) fn has_met(&self, bad: &[u32]) -> bool {
		let rounds = self.panels.iter().filter(|panel| panel.kind == Kind::Round);
		rounds.flat_map(|panel| panel.members.iter().flatten()).any(|(who, units)| {
			behaviour(*who) == Behaviour::Honest
				&& units.iter().any(|unit| bad.contains(&(self.first + unit)))
		})
	}

	fn is_over(&self) -> bool {
		matches!(self.outcome, Outcome::Fraud | Outcome::Inconclusive)
	}

	/// What comes next.
	fn go_on(&mut self) {
		if self.judging || self.is_over() {
			return;
		}
		if let Some(unit) = self.disputes.iter().map(|dispute| dispute.1).min() {
			self.judging = true;
			return self.begin(Kind::Dispute { unit, second: false });
		}
		if self.outcome == Outcome::Valid {
			return;
		}
		let (.., wanted, most) = table(self.tier, self.units);
		let wanted = if self.asked { 1 } else { wanted };
		if self.clean >= wanted {
			self.outcome = Outcome::Valid;
			return;
		}
		while self.clean + self.running < wanted && self.rounds < most {
			self.begin(Kind::Round);
		}
		if self.running == 0 {
			self.judging = true;
			self.begin(Kind::Final);
		}
	}

	fn nobody_can_say(&mut self) {
		self.disputes.clear();
		self.judging = self.outcome != Outcome::Valid;
		if self.outcome != Outcome::Valid {
			self.outcome = Outcome::Inconclusive;
		}
	}

	/// The lowest unit of which a member says something else than the provider; `Err` if it says nothing.
	fn differs(&self, who: AccountId, units: &[u32]) -> Result<Option<u32>, ()> {
		let mut lowest = None;
		for unit in units {
			let own = says(self, who, *unit).ok_or(())?;
			if own != claimed(self.task, self.first + unit) && lowest.is_none_or(|low| *unit < low)
			{
				lowest = Some(*unit);
			}
		}
		Ok(lowest)
	}

	/// A member has revealed.
	fn revealed(&mut self, number: u8, who: AccountId, agrees: bool) {
		let panel = self.panels[usize::from(number)].clone();
		let members = panel.members.expect("it was drawn");
		let (_, units) = members.iter().find(|(member, _)| *member == who).expect("it is drawn");
		let differs = self.differs(who, units).expect("it reveals, so it has something to say");
		assert_eq!(agrees, differs.is_none(), "{who} in panel {number} of {self:?}");
		if let (Kind::Round, Some(unit)) = (panel.kind, differs) {
			self.disputes.push((who, unit));
		}
	}

	/// A panel has ended, and everybody in it has said what it has to say.
	fn ended(&mut self, number: u8) {
		let panel = &mut self.panels[usize::from(number)];
		panel.ended = true;
		let (kind, members) = (panel.kind, panel.members.clone().unwrap_or_default());
		if self.is_over() && !matches!(kind, Kind::Appeal { .. }) {
			return;
		}
		let n = members.len() as u32;
		let (size, _, agreement, ..) = table(self.tier, self.units);
		let votes = |part: &Self| {
			let mut votes = BTreeMap::<Hash, u32>::new();
			for (who, units) in &members {
				if let Some(leaf) = says(part, *who, units[0]) {
					*votes.entry(leaf).or_default() += 1;
				}
			}
			votes
		};
		let agreed = |part: &Self, least: u32| {
			votes(part).into_iter().find(|(_, count)| *count >= least).map(|(leaf, _)| leaf)
		};
		let two_thirds = (2 * n).div_ceil(3);
		match kind {
			Kind::Round => {
				self.running -= 1;
				let agree =
					members.iter().filter(|(who, units)| self.differs(*who, units) == Ok(None));
				let clean = agree.count() as u32 >= (n * agreement).div_ceil(size).max(1);
				if clean && !self.judging && self.outcome == Outcome::Open {
					self.clean += 1;
				}
				self.go_on();
			}
			Kind::Dispute { unit, second } => {
				let least = if second { n / 2 + 1 } else { two_thirds };
				let provider = claimed(self.task, self.first + unit);
				match agreed(self, least) {
					// Nobody came, or too few agree.
					None if second || n == 0 => self.nobody_can_say(),
					None => self.begin(Kind::Dispute { unit, second: true }),
					Some(leaf) if leaf == provider => {
						self.disputes.retain(|(_, of)| *of != unit);
						self.judging = false;
						self.clean = 0;
						self.go_on();
					}
					Some(_) => self.outcome = Outcome::Fraud,
				}
			}
			Kind::Final => {
				let unit = members.first().map_or(0, |(_, units)| units[0]);
				let provider = claimed(self.task, self.first + unit);
				match agreed(self, n / 2 + 1) {
					None => self.nobody_can_say(),
					Some(leaf) if leaf == provider => {
						(self.outcome, self.judging) = (Outcome::Valid, false);
					}
					Some(_) => self.outcome = Outcome::Fraud,
				}
			}
			Kind::Appeal { unit } => {
				let provider = claimed(self.task, self.first + unit);
				let overturned = n > 0 && agreed(self, two_thirds) == Some(provider);
				assert!(!overturned, "no true verdict is overturned: {self:?}");
			}
			Kind::Claim { .. } => unreachable!("nobody claims"),
		}
	}

	/// Whether the chain's case is as this says.
	fn is_like(&self, case: &crate::Case<AccountId>) -> bool {
		let phase = match case.phase {
			Phase::Counting => !self.judging && self.outcome == Outcome::Open,
			Phase::Judging => self.judging && !self.is_over(),
			Phase::Valid => self.outcome == Outcome::Valid && !self.judging,
			Phase::Decided(_) => self.outcome == Outcome::Fraud,
		};
		let counts = self.outcome == Outcome::Fraud
			|| u32::from(case.clean) == self.clean && u32::from(case.running) == self.running;
		phase
			&& counts && u32::from(case.rounds) == self.rounds
			&& usize::from(case.next_panel) == self.panels.len()
	}
}

/// All parts of one task in its first attempt.
#[derive(Clone, Debug)]
pub(super) struct Model {
	task: u64,
	pub(super) parts: BTreeMap<u8, Part>,
}

impl Model {
	/// Of a task whose roots have just been committed to.
	pub(super) fn new(task: u64) -> Self {
		let spec = live(task).spec;
		let parts = (0..spec.parts).map(|part| {
			let (first, units) = (spec.first_unit(part), spec.units_of(part));
			let asked =
				Cases::<Test>::get((task, 0), part).is_some_and(|case| case.asked.is_some());
			(part, Part::new(task, first, units, spec.tier, asked))
		});
		Self { task, parts: parts.collect() }
	}

	fn of(&self, part: u8) -> PartOfTask {
		PartOfTask { task: self.task, attempt: 0, part }
	}

	/// An appeal was taken.
	pub(super) fn appealed(&mut self, part: u8, unit: u32) {
		let part = self.parts.get_mut(&part).expect("it is verified");
		part.panels.push(Drawn { kind: Kind::Appeal { unit }, members: None, ended: false });
	}

	/// A unit was challenged from outside.
	pub(super) fn challenged(&mut self, part: u8, who: AccountId, unit: u32) {
		let part = self.parts.get_mut(&part).expect("it is verified");
		part.disputes.push((who, unit));
		part.go_on();
	}

	/// Follows what has happened at the beginning of a block: panels are drawn, and end.
	pub(super) fn begun(&mut self, news: &[RuntimeEvent], withholds: bool) {
		for event in news {
			let RuntimeEvent::Attestations(event) = event else { continue };
			match event {
				Event::Drawn { part, panel, .. } => self.drawn(*part, *panel),
				Event::NotOpened { part, .. } => {
					assert!(withholds, "the provider has not opened, in {self:?}");
					let part = self.parts.get_mut(part).expect("it is verified");
					if !part.is_over() {
						part.outcome = Outcome::Fraud;
					}
				}
				_ => {}
			}
		}
		let numbers: Vec<u8> = self.parts.keys().copied().collect();
		for number in numbers {
			self.ends(number);
		}
	}

	fn drawn(&mut self, part: u8, panel: u8) {
		let id = self.of(part);
		let number = part;
		let part = self.parts.get_mut(&part).expect("it is verified");
		if std::mem::take(&mut part.asked) {
			// Which tier is drawn is the chain's.
			let case = Cases::<Test>::get((id.task, 0), number).expect("it was just drawn for");
			assert!(case.tier == part.tier || case.tier == Tier::Light);
			part.tier = case.tier;
			part.go_on();
		}
		let ours = &mut part.panels[usize::from(panel)];
		// It may be forgotten already.
		let Some((theirs, units)) = Attestations::panel_of(id, panel) else { return };
		assert_eq!(theirs.kind, ours.kind, "panel {panel}");
		let (size, each, ..) = table(part.tier, part.units);
		let (most, each) = match ours.kind {
			Kind::Round => (size, each),
			Kind::Dispute { second: false, .. } => (15, 1),
			_ => (21, 1),
		};
		// All who have lost nothing can be drawn, if need be.
		let able = pallet_providers::Providers::<Test>::iter_keys().filter(|who| {
			let bonded = pallet_trust_lock::Ledgers::<Test>::get(who).bonded();
			*who != EXECUTOR && bonded == BOND
		});
		assert!(theirs.members.len() as u32 <= most);
		assert!(theirs.members.len() >= able.count().min(most as usize), "panel {panel}");
		assert!(units.iter().all(|units| units.len() as u32 == each), "{units:?}");
		let members: Vec<_> = theirs.members.iter().map(|member| member.who).zip(units).collect();
		let mut who: Vec<_> = members.iter().map(|member| member.0).collect();
		who.sort_unstable();
		who.dedup();
		assert!(who.len() == members.len() && !who.contains(&EXECUTOR) && !who.contains(&CLIENT));
		ours.members = Some(members);
	}

	/// Panels of a part that have ended in this block. Which of them ended first is the chain's.
	fn ends(&mut self, number: u8) {
		let id = self.of(number);
		let part = &self.parts[&number];
		let case = Cases::<Test>::get((id.task, 0), number);
		let over = |index: &u8| match (&case, Panels::<Test>::get(id, *index)) {
			(Some(_), Some(panel)) => panel.stage == Stage::Done,
			// It was forgotten, with the case.
			_ => true,
		};
		let known = part.panels.len() as u8;
		let news: Vec<u8> = (0..known)
			.filter(|index| !part.panels[usize::from(*index)].ended)
			.filter(over)
			.collect();
		let Some(case) = case else {
			// Its task has ended, or an earlier part has come to nothing, or nobody can say.
			let dropped = ended(self.task).is_some()
				|| live(self.task).attempt > 0
				|| self.parts.iter().any(|(_, part)| part.is_over());
			let alone = orders(&news).into_iter().any(|order| {
				let mut part = part.clone();
				order.iter().for_each(|index| part.ended(*index));
				part.outcome == Outcome::Inconclusive
			});
			assert!(dropped || alone, "part {number} is gone, in {self:?}");
			if alone && !dropped {
				self.parts.get_mut(&number).expect("it is there").outcome = Outcome::Inconclusive;
			}
			return;
		};
		let after = orders(&news).into_iter().find_map(|order| {
			let mut part = part.clone();
			order.iter().for_each(|index| part.ended(*index));
			part.is_like(&case).then_some(part)
		});
		let Some(after) = after else {
			panic!(
				"part {number}: {news:?} have ended; the chain has {case:?}, and before was {part:?}"
			);
		};
		self.parts.insert(number, after);
	}

	/// Follows what was said in a block.
	pub(super) fn spoken(&mut self, news: &[RuntimeEvent]) {
		for event in news {
			if let RuntimeEvent::Attestations(Event::Revealed {
				part, panel, member, agrees, ..
			}) = event
			{
				let part = self.parts.get_mut(part).expect("it is verified");
				part.revealed(*panel, *member, *agrees);
			}
		}
	}
}

/// All orders of a few things.
fn orders(of: &[u8]) -> Vec<Vec<u8>> {
	if of.len() < 2 {
		return vec![of.to_vec()];
	}
	let first = |index: usize| {
		let mut rest = of.to_vec();
		let first = rest.remove(index);
		orders(&rest).into_iter().map(move |mut order| {
			order.insert(0, first);
			order
		})
	};
	(0..of.len()).flat_map(first).collect()
}
