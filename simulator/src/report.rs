//! The tables of `docs/simulation.md` and `docs/auctions.md`.

use std::fmt::Write;

use ogpu_primitives::market::{
	trust::LEAST_ASKED,
	verification::{Shape, Tier},
};
use rand::{SeedableRng, rngs::SmallRng};

use crate::{
	Frequency, auction,
	closed::{at_least, colluding_run},
	profit::{cheats, outcome},
	protocol::{Plot, Verdict, World},
};

/// The tiers that clients ask for.
const TIERS: [Tier; 3] = [Tier::Standard, Tier::High, Tier::Full];

/// How often something is simulated.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
	/// Cases for each figure.
	pub cases: u32,
	/// From what all chance follows.
	pub seed: u64,
}

/// What became of many cases in one world.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
	/// Cases that ended valid.
	pub valid: u64,
	/// Cases that ended as fraud.
	pub fraud: u64,
	/// All cases.
	pub all: u64,
	/// Units that were recomputed.
	pub recomputed: u64,
	/// Blocks to the verdict.
	pub blocks: u64,
}

/// Many cases in one world.
pub fn many(world: &World, effort: Effort) -> Sum {
	let mut random = SmallRng::seed_from_u64(effort.seed);
	let mut sum = Sum::default();
	for _ in 0..effort.cases {
		let ended = world.case(&mut random);
		sum.all += 1;
		sum.valid += u64::from(ended.verdict == Verdict::Valid);
		sum.fraud += u64::from(ended.verdict == Verdict::Fraud);
		sum.recomputed += u64::from(ended.recomputed);
		sum.blocks += u64::from(ended.blocks);
	}
	sum
}

/// A hundred operators, a part of a hundred units.
pub fn usual(tier: Tier) -> World {
	let units = if tier == Tier::Full { 64 } else { 100 };
	World {
		operators: 99,
		colluding: 20,
		absent: 0,
		tier,
		units,
		bad: 0,
		plot: Plot::Accept,
		own_slots: 0,
	}
}

fn shown(hits: u64, tries: u64) -> String {
	let frequency = Frequency { hits, tries };
	let (_, high) = frequency.interval();
	if hits == 0 { format!("0 (< {high:.1e})") } else { format!("{:.2e}", frequency.value()) }
}

fn percent(hits: u64, tries: u64) -> String {
	format!("{:.2} %", 100.0 * hits as f64 / tries.max(1) as f64)
}

/// The page about verification, as Markdown.
pub fn verification(effort: Effort) -> String {
	let mut page = format!(
		"# Verification, simulated\n\n\
		 Made by `cargo run --release -p ogpu-simulator -- verification --cases {} --seed {}`. The protocol is simulated with the\n\
		 chain's own draws, quorums and tallies; only people are made up. Where nothing else is said there are 99 operators\n\
		 besides the provider's, a part has 100 units (64 at `full`), and 20 of the operators collude.\n\n",
		effort.cases, effort.seed
	);
	idealised(&mut page);
	false_roots(&mut page, effort);
	true_roots(&mut page, effort);
	timing(&mut page, effort);
	cost(&mut page, effort);
	cheating(&mut page, effort);
	page
}

fn line(page: &mut String, cells: &[String]) {
	// Writing to a string does not fail.
	let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn head(page: &mut String, title: &str, words: &str, cells: &[&str]) {
	let _ = writeln!(page, "## {title}\n\n{words}\n");
	line(page, &cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
	line(page, &vec!["---:".to_owned(); cells.len()]);
}

fn idealised(page: &mut String) {
	head(
		page,
		"In closed form",
		"What could be computed if honest members never challenged: colluders are a quorum of enough rounds in a row; \
		 and how often they are enough among judges.",
		&["colluding", "run at standard", "at high", "10 of 15 judges", "11 of 21"],
	);
	for colluding in [5, 10, 20, 30, 40] {
		line(
			page,
			&[
				format!("{colluding} %"),
				format!("{:.1e}", colluding_run(Tier::Standard, 100, colluding)),
				format!("{:.1e}", colluding_run(Tier::High, 100, colluding)),
				format!("{:.1e}", at_least(100, colluding, 15, 10)),
				format!("{:.1e}", at_least(100, colluding, 21, 11)),
			],
		);
	}
	page.push('\n');
}

fn false_roots(page: &mut String, effort: Effort) {
	head(
		page,
		"False results that are accepted",
		"With honest members who challenge what they find. `<` is the upper end of a 99 % interval where it was never seen.",
		&["tier", "colluding", "all units false", "a tenth", "one"],
	);
	for tier in TIERS {
		for colluding in [0, 10, 20, 30] {
			let world = World { colluding, ..usual(tier) };
			let accepted = |bad: u32| {
				let sum = many(&World { bad, ..world }, effort);
				shown(sum.valid, sum.all)
			};
			line(
				page,
				&[
					format!("{tier:?}").to_lowercase(),
					format!("{colluding} %"),
					accepted(world.units),
					accepted(world.units / 10),
					accepted(1),
				],
			);
		}
	}
	page.push_str(
		"\nOne false unit of many is not found for sure below `full`: the lock makes it a loss on average, see below.\n\n",
	);
}

fn true_roots(page: &mut String, effort: Effort) {
	head(
		page,
		"True results",
		"Colluders say of them that they are false; others are silent.",
		&["tier", "framing", "silent", "accepted", "convicted", "units recomputed", "blocks"],
	);
	for tier in TIERS {
		for (colluding, absent) in [(0, 0), (0, 10), (0, 20), (10, 0), (20, 0), (20, 10), (30, 0)] {
			let world = World { colluding, absent, plot: Plot::Frame, ..usual(tier) };
			let sum = many(&world, effort);
			line(
				page,
				&[
					format!("{tier:?}").to_lowercase(),
					format!("{colluding} %"),
					format!("{absent} %"),
					percent(sum.valid, sum.all),
					shown(sum.fraud, sum.all),
					format!("{:.1}", sum.recomputed as f64 / sum.all as f64),
					format!("{:.1}", sum.blocks as f64 / sum.all as f64),
				],
			);
		}
	}
	page.push('\n');
}

fn timing(page: &mut String, effort: Effort) {
	head(
		page,
		"Providers that author blocks",
		"With `J` slots of its own at the end of those that make a seed, a provider has the best of `2^J` draws.",
		&["J", "one false unit accepted (standard)", "(high)", "a tenth (standard)"],
	);
	let fewer = Effort { cases: effort.cases / 8, ..effort };
	for own_slots in 0..=3 {
		let accepted = |tier, bad| {
			let sum = many(&World { bad, own_slots, ..usual(tier) }, fewer);
			percent(sum.valid, sum.all)
		};
		line(
			page,
			&[
				own_slots.to_string(),
				accepted(Tier::Standard, 1),
				accepted(Tier::High, 1),
				accepted(Tier::Standard, 10),
			],
		);
	}
	page.push('\n');
}

fn cost(page: &mut String, effort: Effort) {
	head(
		page,
		"What verification costs",
		"Units recomputed for one that was computed, for honest work with nobody silent, and blocks to the verdict.",
		&["tier", "units", "recomputed for one", "blocks"],
	);
	let fewer = Effort { cases: effort.cases / 8, ..effort };
	for (tier, sizes) in [
		(Tier::Standard, [20, 64, 100, 640, 4096]),
		(Tier::High, [20, 64, 100, 192, 4096]),
		(Tier::Full, [1, 8, 20, 40, 64]),
	] {
		for units in sizes {
			let world = World { units, colluding: 0, ..usual(tier) };
			let sum = many(&world, fewer);
			line(
				page,
				&[
					format!("{tier:?}").to_lowercase(),
					units.to_string(),
					format!("{:.2}", sum.recomputed as f64 / sum.all as f64 / f64::from(units)),
					format!("{:.0}", sum.blocks as f64 / sum.all as f64),
				],
			);
		}
	}
	page.push('\n');
}

fn cheating(page: &mut String, effort: Effort) {
	head(
		page,
		"Whether cheating pays",
		"In parts of the price, which is also what computing costs. The lock is what the chain asks for at 20 % of \
		 colluding seats, with a margin of one half.",
		&["tier", "units", "cheat", "colluding", "lock", "accepted", "convicted", "profit"],
	);
	for (tier, units) in
		[(Tier::Standard, 20), (Tier::Standard, 100), (Tier::High, 100), (Tier::Full, 20)]
	{
		profits(page, effort, tier, 1000, units);
	}
	page.push('\n');
	head(
		page,
		"Whether it pays once one is trusted",
		"The same for the most trusted provider: the tier that was asked for is drawn once in twenty times, and the light one \
		 otherwise. It locks more.",
		&["tier", "units", "cheat", "colluding", "lock", "accepted", "convicted", "profit"],
	);
	for (tier, units) in [(Tier::Standard, 24), (Tier::Standard, 100), (Tier::High, 100)] {
		profits(page, effort, tier, LEAST_ASKED, units);
	}
}

fn profits(page: &mut String, effort: Effort, tier: Tier, asked: u16, units: u32) {
	let cases = (effort.cases / 8).max(1);
	for cheat in cheats(units) {
		for colluding in [0, 20] {
			let outcome = outcome(&cheat, tier, asked, units, 100, colluding, cases);
			let shape = match cheat.shape {
				Shape::Parallel => "",
				Shape::Iterative => " (iterative)",
			};
			line(
				page,
				&[
					format!("{tier:?}").to_lowercase(),
					units.to_string(),
					format!("{}{shape}", cheat.name),
					format!("{colluding} %"),
					format!("{:.2}", outcome.lock),
					format!("{:.2} %", 100.0 * outcome.accepted),
					format!("{:.2} %", 100.0 * outcome.convicted),
					format!("{:+.3}", outcome.profit),
				],
			);
		}
	}
}

/// The page about auctions, as Markdown.
pub fn auctions(effort: Effort) -> String {
	let mut page = format!(
		"# Auctions, simulated\n\n\
		 Made by `cargo run --release -p ogpu-simulator -- auctions --cases {} --seed {}`, with the chain's own scores and\n\
		 payments. Amounts are in parts of what the work usually costs. Costs are log-normal around that, with a spread of\n\
		 0.3; reputations lie between 0.7 and 1, speeds between once and three times the reference device's. The reserve\n\
		 is {:.0}.\n\n",
		effort.cases,
		effort.seed,
		auction::RESERVE
	);
	bidding(&mut page, effort);
	shills(&mut page, effort);
	rings(&mut page, effort);
	defaults(&mut page);
	page
}

fn bidding(page: &mut String, effort: Effort) {
	const FACTORS: [f64; 7] = [0.5, 0.8, 0.95, 1.0, 1.05, 1.25, 2.0];
	let cells: Vec<String> = FACTORS.iter().map(|factor| format!("{factor} × cost")).collect();
	let cells: Vec<&str> =
		["bidders"].into_iter().chain(cells.iter().map(String::as_str)).collect();
	head(
		page,
		"Bidding something else than one's cost",
		"What a provider earns on average in one auction, by what it asks, when the others ask what it costs them. Nothing \
		 earns more than asking one's cost. Alone, whatever it asks up to the reserve is the same.",
		&cells,
	);
	for bidders in [1, 2, 5, 10, 20] {
		let earned = FACTORS.iter().map(|factor| {
			let profit = auction::profit_of(*factor, bidders - 1, effort.cases, effort.seed);
			format!("{profit:+.4}")
		});
		line(page, &[bidders.to_string()].into_iter().chain(earned).collect::<Vec<_>>());
	}
	page.push('\n');
}

fn shills(page: &mut String, effort: Effort) {
	head(
		page,
		"Shills",
		"A client has an operator of its own bid for its task, which the chain cannot know, and decline if it wins, which is \
		 free. It can lower what is paid, and never raise it; what it costs is a registration, collateral for the bond, and \
		 a delay whenever it wins. A provider gains nothing by a second bidder of its own: another bid never raises what is \
		 paid.",
		&["bidders", "shill asks", "paid without", "paid with", "shill wins"],
	);
	for bidders in [2, 5, 10] {
		for price in [0.4, 0.6, 0.8, 1.0] {
			let plan = auction::shill(price, bidders, effort.cases, effort.seed);
			line(
				page,
				&[
					bidders.to_string(),
					format!("{price}"),
					format!("{:.3}", plan.honest),
					format!("{:.3}", plan.paid),
					format!("{:.1} %", 100.0 * plan.wins),
				],
			);
		}
	}
	page.push('\n');
}

fn rings(page: &mut String, effort: Effort) {
	head(
		page,
		"Rings",
		"Some of the bidders agree that only the best of them bids. The client pays more, at most the reserve: no sealed-bid \
		 auction prevents that, and a client's protection is a reserve that is not higher than it has to be.",
		&["bidders", "in the ring", "paid without", "paid with", "ring wins"],
	);
	for (bidders, members) in [(2, 2), (5, 2), (5, 3), (5, 5), (10, 3), (10, 5), (20, 5), (20, 10)]
	{
		let plan = auction::ring(members, bidders, effort.cases, effort.seed);
		line(
			page,
			&[
				bidders.to_string(),
				members.to_string(),
				format!("{:.3}", plan.honest),
				format!("{:.3}", plan.paid),
				format!("{:.1} %", 100.0 * plan.wins),
			],
		);
	}
	page.push('\n');
}

fn defaults(page: &mut String) {
	let charges = ogpu_primitives::market::rules::Charges::DEFAULT;
	let each = f64::from(charges.default.get()) / 1e6 * auction::RESERVE;
	head(
		page,
		"Rings that default in turn",
		"Bidders who ask for nothing, win, begin, and do not deliver, one after the other, so that a task is never done. Each \
		 loses a tenth of the reserve, whatever it has asked for, is barred from the task, and has its collateral locked and \
		 its reputation lowered; the client is delayed by as long as a provider may take.",
		&["defaults", "they lose"],
	);
	for count in 1..=4 {
		line(page, &[count.to_string(), format!("{:.2}", each * f64::from(count))]);
	}
}
