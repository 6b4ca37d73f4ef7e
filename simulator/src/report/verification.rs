//! `docs/simulation.md`, with its plots.

use std::path::Path;

use ogpu_primitives::market::{
	draw::most_draws,
	trust::LEAST_ASKED,
	verification::{OWN_SLOTS, Shape, Tier},
};

use super::{Effort, head, line, many, name, percent, repeated, shown, usual};
use crate::{
	Frequency,
	career::{Career, careers},
	closed::{at_least, colluding_run},
	plots::{Axis, Plots, Series},
	profit::{Outcome, Setting, WHERE_TRUSTED, cheats, framing, guessing, outcome},
	protocol::{Plot, World, lone_run},
};

/// The tiers that clients ask for.
const TIERS: [Tier; 3] = [Tier::Standard, Tier::High, Tier::Full];

/// The page about verification, as Markdown. Its plots are put into a folder, to which the page refers as `link`.
///
/// # Errors
///
/// When the folder cannot be written to.
pub fn verification(effort: Effort, folder: &Path, link: &str) -> Result<String, String> {
	let mut page = format!(
		"# Verification, simulated\n\n\
		 Made by `cargo run --release -p ogpu-simulator -- verification --cases {} --rare {} --seed {} --plots {}`. The protocol is\n\
		 simulated with the chain's own draws, quorums and tallies; only people are made up. Where nothing else is said there are 99\n\
		 operators besides the provider's, with a seat each, a part has 100 units (64 at `full`), and 20 of the operators collude. What\n\
		 hardly ever happens was simulated {} times, waiting, costs, careers and what authors can do {} times, everything else {} times. What is \
		 behind ± is half of an interval of 95 %.\n\n",
		effort.cases,
		effort.rare,
		effort.seed,
		folder.display(),
		effort.rare,
		fewer(effort).cases,
		effort.cases,
	);
	let plots = Plots::new(folder, link)?;
	idealised(&mut page, effort);
	false_roots(&mut page, effort, &plots)?;
	true_roots(&mut page, effort, &plots)?;
	seats(&mut page, effort);
	networks(&mut page, effort);
	timing(&mut page, effort);
	cost(&mut page, effort, &plots)?;
	cheating(&mut page, effort, &plots)?;
	trusted(&mut page, effort);
	whole_careers(&mut page, effort);
	verifiers(&mut page, effort);
	Ok(page)
}

fn rare(effort: Effort) -> Effort {
	Effort { cases: effort.rare, ..effort }
}

fn fewer(effort: Effort) -> Effort {
	Effort { cases: (effort.cases / 8).max(1), ..effort }
}

/// How often [`lone_run`] was seen.
pub fn lone_runs(tier: Tier, colluding: u32, effort: Effort) -> Frequency {
	let hits = repeated(effort.cases, effort.seed, |random, hits: &mut u64| {
		*hits += u64::from(lone_run(tier, 100, colluding, random));
	});
	Frequency { hits: hits.into_iter().sum(), tries: effort.cases.into() }
}

fn idealised(page: &mut String, effort: Effort) {
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
	head(
		page,
		"The same, simulated",
		"Runs that were seen, with the 99 % interval in which their probability lies.",
		&["tier", "colluding", "computed", "seen", "from", "to"],
	);
	for (tier, colluding) in [(Tier::Standard, 20), (Tier::High, 20), (Tier::High, 30)] {
		let seen = lone_runs(tier, colluding, rare(effort));
		let (from, to) = seen.interval();
		line(
			page,
			&[
				name(tier),
				format!("{colluding} %"),
				format!("{:.2e}", colluding_run(tier, 100, colluding)),
				format!("{} of {}", seen.hits, seen.tries),
				format!("{from:.2e}"),
				format!("{to:.2e}"),
			],
		);
	}
	page.push('\n');
}

fn false_roots(page: &mut String, effort: Effort, plots: &Plots) -> Result<(), String> {
	head(
		page,
		"False results that are accepted",
		"With honest members who challenge what they find. `<` is the upper end of a 99 % interval where it was never seen.",
		&["tier", "colluding", "all units false", "a tenth", "one"],
	);
	for tier in TIERS {
		for colluding in [0, 10, 20, 30] {
			let world = World { colluding, ..usual(tier) };
			// Up to the share that is promised, and where it is rare.
			let all = if colluding == 20 && tier != Tier::Full { rare(effort) } else { effort };
			let accepted = |bad, effort| shown(many(&World { bad, ..world }, effort).accepted());
			line(
				page,
				&[
					name(tier),
					format!("{colluding} %"),
					accepted(world.units, all),
					accepted(world.units / 10, effort),
					accepted(1, effort),
				],
			);
		}
	}
	page.push_str(
		"\nOne false unit of many is not found for sure below `full`: the lock makes it a loss on average, see below.\n\n",
	);
	let by_share = TIERS.map(|tier| {
		let world = usual(tier);
		let points = [1, 2, 4, 7, 10, 15, 20, 30, 40, 50].map(|share| {
			let bad = (world.units * share / 100).max(1);
			let accepted = many(&World { bad, ..world }, fewer(effort)).accepted();
			(f64::from(bad) / f64::from(world.units) * 100.0, 100.0 * accepted.value())
		});
		Series { name: name(tier), points: points.to_vec() }
	});
	page.push_str(&plots.lines(
		"false-units",
		"False results that are accepted, with 20 % of colluding seats",
		Axis { name: "units that are false, %", log: false },
		Axis { name: "accepted, %", log: false },
		&by_share,
	)?);
	let shares: Vec<u32> = (10..=60).step_by(5).collect();
	let by_colluders = [Tier::Standard, Tier::High].into_iter().flat_map(|tier| {
		let simulated = |colluding: &u32| {
			let world = World { colluding: *colluding, ..usual(tier) };
			let accepted = many(&World { bad: world.units, ..world }, effort).accepted();
			(accepted.hits > 0).then(|| (f64::from(*colluding), accepted.value()))
		};
		let computed =
			|colluding: &u32| (f64::from(*colluding), colluding_run(tier, 100, *colluding));
		[
			Series { name: name(tier), points: shares.iter().filter_map(simulated).collect() },
			Series {
				name: format!("{}, if nobody challenged", name(tier)),
				points: shares.iter().map(computed).collect(),
			},
		]
	});
	page.push_str(&plots.lines(
		"colluders",
		"Results that are false throughout and accepted, where that was seen",
		Axis { name: "colluding seats, %", log: false },
		Axis { name: "probability", log: true },
		&by_colluders.collect::<Vec<_>>(),
	)?);
	Ok(())
}

fn true_roots(page: &mut String, effort: Effort, plots: &Plots) -> Result<(), String> {
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
					name(tier),
					format!("{colluding} %"),
					format!("{absent} %"),
					percent(sum.accepted()),
					shown(sum.convicted()),
					format!("{:.1}", sum.each(sum.recomputed)),
					format!("{:.1}", sum.each(sum.blocks)),
				],
			);
		}
	}
	page.push('\n');
	let silent = TIERS.map(|tier| {
		let points = (0..=40).step_by(5).map(|absent| {
			let sum = many(&World { colluding: 0, absent, ..usual(tier) }, fewer(effort));
			(f64::from(absent), sum.each(sum.blocks))
		});
		Series { name: name(tier), points: points.collect() }
	});
	page.push_str(&plots.lines(
		"silent",
		"Blocks from the root of a true result to its verdict",
		Axis { name: "silent seats, %", log: false },
		Axis { name: "blocks", log: false },
		&silent,
	)?);
	Ok(())
}

fn seats(page: &mut String, effort: Effort) {
	head(
		page,
		"Operators with many seats",
		"A fifth of the seats, in the hands of so many operators; eighty others have one each. An operator sits in a panel once: \
		 the fewer they are, the less their seats are worth.",
		&[
			"operators",
			"seats of each",
			"false throughout (standard)",
			"a tenth",
			"true, framed: convicted",
			"blocks",
		],
	);
	for (colluding, seats) in [(20, 1), (10, 2), (4, 5), (1, 20)] {
		let world = World { operators: 80 + colluding, colluding, seats, ..usual(Tier::Standard) };
		let accepted = |bad| shown(many(&World { bad, ..world }, effort).accepted());
		let framed = many(&World { plot: Plot::Frame, ..world }, effort);
		line(
			page,
			&[
				colluding.to_string(),
				seats.to_string(),
				accepted(world.units),
				accepted(world.units / 10),
				shown(framed.convicted()),
				format!("{:.1}", framed.each(framed.blocks)),
			],
		);
	}
	page.push('\n');
}

fn networks(page: &mut String, effort: Effort) {
	head(
		page,
		"Networks of all sizes",
		"Operators besides the provider's, of whom a fifth collude, rounded down. Where there are too few for fresh members, earlier \
		 ones are drawn again. Below six, public networks do not verify at all.",
		&[
			"tier",
			"operators",
			"colluding",
			"false throughout",
			"a tenth",
			"true, framed: convicted",
			"blocks",
		],
	);
	for tier in [Tier::Standard, Tier::High] {
		for operators in [6, 10, 20, 40, 99, 1_000] {
			let world = World { operators, colluding: operators / 5, ..usual(tier) };
			let accepted = |bad| shown(many(&World { bad, ..world }, effort).accepted());
			let framed = many(&World { plot: Plot::Frame, ..world }, fewer(effort));
			let honest = many(&World { colluding: 0, ..world }, fewer(effort));
			line(
				page,
				&[
					name(tier),
					operators.to_string(),
					world.colluding.to_string(),
					accepted(world.units),
					accepted(world.units / 10),
					shown(framed.convicted()),
					format!("{:.1}", honest.each(honest.blocks)),
				],
			);
		}
	}
	page.push('\n');
}

/// What a primary slot of its own is worth to an author, in slots, and how often: by how many of the blocks before it are
/// secondary, which three in four are.
const BEFORE_PRIMARY: [(usize, f64); 3] = [(1, 0.25), (2, 0.75 * 0.25), (3, 0.75 * 0.75)];

/// Blocks among which a provider can choose that after which its root comes.
const CHOICE: i32 = 100;

fn timing(page: &mut String, effort: Effort) {
	head(
		page,
		"Providers that author blocks",
		"The last block of each seed is of another operator than the provider: it cannot choose. One that has not linked its \
		 validators can. With `L` slots of its own in a row, at the end of those that decide a draw, it chooses which of them it fills, \
		 or leaves the end to somebody else's block, which it does not know: it has the best of at most `L` over `L/2`, and one, \
		 draws, of members and of those units whose seeds end with its blocks, a fifth for each of up to five. It knows its slots \
		 for an epoch, and commits its root so that they come to be the last ones: the second and third column \
		 say how likely such a run is with a fiftieth and with a fifth of all slots, if it can choose among a hundred blocks. One slot is \
		 as good as sure. What it earns with one poisoned checkpoint is told in prices, with nobody and with a fifth colluding, under \
		 the locks that the chain asks for, which allow for two slots. The blocks that it leaves out are not counted.",
		&[
			"L",
			"how often, with 2 %",
			"with 20 %",
			"draws",
			"one false unit accepted (standard)",
			"(high)",
			"a tenth (standard)",
			"poisoned (standard)",
			"20 % colluding",
			"(high)",
			"20 % colluding",
		],
	);
	let often = |share: f64, run: i32| 1.0 - (1.0 - share.powi(run)).powi(CHOICE);
	let earned = |run, (tier, colluding)| {
		let units = usual(tier).units;
		let poisoned = cheats(units).into_iter().find(|cheat| cheat.shape == Shape::Iterative);
		let setting = Setting { colluding, own_slots: run, ..Setting::usual(tier, units) };
		let outcome = outcome(&poisoned.expect("it is one of them"), &setting, effort.cases);
		outcome.expect("the chain takes it")
	};
	let settings = [(Tier::Standard, 0), (Tier::Standard, 20), (Tier::High, 0), (Tier::High, 20)];
	let earned: Vec<[Outcome; 4]> =
		(0..=6).map(|run| settings.map(|setting| earned(run, setting))).collect();
	for (run, earned) in (0u32..).zip(&earned) {
		let accepted = |tier, bad| {
			percent(many(&World { bad, own_slots: run, ..usual(tier) }, fewer(effort)).accepted())
		};
		let mut cells = vec![
			run.to_string(),
			format!("{:.1e}", often(0.02, run as i32)),
			format!("{:.1e}", often(0.2, run as i32)),
			most_draws(run).to_string(),
			accepted(Tier::Standard, 1),
			accepted(Tier::High, 1),
			accepted(Tier::Standard, 10),
		];
		cells.extend(earned.iter().map(earnings));
		line(page, &cells);
	}
	let [standard, standard_colluding, high, high_colluding] = [0, 1, 2, 3].map(|setting| {
		let outcomes = BEFORE_PRIMARY.map(|(run, share)| (&earned[run][setting], share));
		let profit: f64 = outcomes.iter().map(|(outcome, share)| share * outcome.profit).sum();
		let squares = outcomes.iter().map(|(outcome, share)| (share * outcome.within).powi(2));
		format!("{profit:+.3} ± {:.3}", squares.sum::<f64>().sqrt())
	});
	page.push_str(&format!(
		"\nA *primary* slot is worth more: nodes prefer the branch with more primary blocks, so its author can leave out up to two \
		 secondary blocks of others before it. A slot has no primary block three times in four, which nobody knows beforehand: there \
		 are two such blocks nine times in sixteen, as good as three slots, one three times, as good as two, and else none. On average \
		 one poisoned checkpoint earns {standard} prices then at `standard`, {standard_colluding} with a fifth colluding, and {high} and {high_colluding} at \
		 `high`.\n\n",
	));
}

fn cost(page: &mut String, effort: Effort, plots: &Plots) -> Result<(), String> {
	head(
		page,
		"What verification costs",
		"Units recomputed for one that was computed, for honest work with nobody silent, and blocks to the verdict.",
		&["tier", "units", "recomputed for one", "blocks"],
	);
	let of = |tier, units| {
		let sum = many(&World { units, colluding: 0, ..usual(tier) }, fewer(effort));
		(sum.each(sum.recomputed) / f64::from(units), sum.each(sum.blocks))
	};
	for (tier, sizes) in [
		(Tier::Light, [24, 64, 100, 640, 4096]),
		(Tier::Standard, [20, 64, 100, 640, 4096]),
		(Tier::High, [20, 64, 100, 192, 4096]),
		(Tier::Full, [1, 8, 20, 40, 64]),
	] {
		for units in sizes {
			let (recomputed, blocks) = of(tier, units);
			line(
				page,
				&[
					name(tier),
					units.to_string(),
					format!("{recomputed:.2}"),
					format!("{blocks:.0}"),
				],
			);
		}
	}
	// Whoever is trusted is verified lightly but for one time of many.
	for tier in [Tier::Standard, Tier::High] {
		let enough = |units: &u32| tier.least_units_to_trust().is_some_and(|least| *units >= least);
		for units in [24, 48, 64, 100, 640, 4096].into_iter().filter(enough) {
			let asked = f64::from(LEAST_ASKED) / 1000.0;
			let (lightly, light_blocks) = of(Tier::Light, units);
			let (fully, blocks) = of(tier, units);
			line(
				page,
				&[
					format!("light, or once in {:.0} {}", 1.0 / asked, name(tier)),
					units.to_string(),
					format!("{:.3}", lightly + asked * (fully - lightly)),
					format!("{:.0}", light_blocks + asked * (blocks - light_blocks)),
				],
			);
		}
	}
	page.push('\n');
	let by_units = [Tier::Light, Tier::Standard, Tier::High].map(|tier| {
		let sizes = [20, 32, 64, 100, 192, 400, 768, 1_600, 4_096, 16_384, 65_536];
		let points = sizes.map(|units| (f64::from(units), of(tier, units).0));
		Series { name: name(tier), points: points.to_vec() }
	});
	page.push_str(&plots.lines(
		"cost",
		"Units recomputed for one that was computed",
		Axis { name: "units of the part", log: true },
		Axis { name: "recomputed for one", log: true },
		&by_units,
	)?);
	Ok(())
}

const OUTCOME: [&str; 8] =
	["tier", "units", "cheat", "colluding", "lock", "accepted", "convicted", "profit"];

fn cheating(page: &mut String, effort: Effort, plots: &Plots) -> Result<(), String> {
	head(
		page,
		"Whether cheating pays",
		"In parts of the price, which is also what computing costs. The lock is what the chain asks for at 20 % of \
		 colluding seats, with a margin of one half. What colluding verifiers lose is not counted.",
		&OUTCOME,
	);
	for (tier, units) in
		[(Tier::Standard, 20), (Tier::Standard, 100), (Tier::High, 100), (Tier::Full, 20)]
	{
		profits(page, effort, &Setting::usual(tier, units));
	}
	page.push('\n');
	let by_share =
		[(Tier::Standard, 100), (Tier::High, 100), (Tier::Full, 64)].map(|(tier, units)| {
			let points = [1, 2, 4, 7, 10, 15, 20, 30, 40, 60, 80, 100].map(|share| {
				let bad = (units * share / 100).max(1);
				let cheat = cheats(units)[0].of(bad, units);
				let setting = Setting { colluding: 20, ..Setting::usual(tier, units) };
				let outcome = outcome(&cheat, &setting, effort.cases).expect("the chain takes it");
				(f64::from(bad) / f64::from(units) * 100.0, outcome.profit)
			});
			Series { name: name(tier), points: points.to_vec() }
		});
	page.push_str(&plots.lines(
		"profit",
		"What a false part of a result earns, with 20 % of colluding seats",
		Axis { name: "units that are false, %", log: false },
		Axis { name: "profit, in prices", log: false },
		&by_share,
	)?);
	Ok(())
}

fn trusted(page: &mut String, effort: Effort) {
	head(
		page,
		"Whether it pays once one is trusted",
		"The same for the most trusted provider: the tier that was asked for is drawn once in twenty times, and the light one \
		 otherwise. It locks more. With the last two slots it chooses between three draws of the tier as well. Where there are no figures nobody is \
		 trusted: the lock would be more than a hundred prices, so it is verified as the client asks.",
		&OUTCOME,
	);
	for (tier, units) in WHERE_TRUSTED {
		for own_slots in [0, OWN_SLOTS] {
			let usual = Setting::usual(tier, units);
			profits(page, effort, &Setting { asked: LEAST_ASKED, own_slots, ..usual });
		}
	}
	page.push('\n');
}

fn whole_careers(page: &mut String, effort: Effort) {
	head(
		page,
		"Whether it pays to be honest first",
		"What a provider earns with all its false results together, that delivers so many right ones first and false ones from then on \
		 until it is convicted, with a fifth colluding; and the same if it has the last two slots each time. The lock is that of the first \
		 false result. Trust grows with each that is accepted. Right results earn what they cost, and a false one is a loss on average \
		 however much its provider is trusted, so that no other order of right and false ones pays either.",
		&[
			"tier",
			"units",
			"cheat",
			"right ones first",
			"lock",
			"false ones accepted",
			"profit",
			"with the last slots",
		],
	);
	let times = fewer(effort).cases;
	let earned = |career: &Career| format!("{:+.2} ± {:.2}", career.profit, career.within);
	for (tier, units) in WHERE_TRUSTED {
		let setting = Setting { colluding: 20, ..Setting::usual(tier, units) };
		for cheat in cheats(units) {
			for right in [0, 11, 20, 50, 200] {
				let of = |own_slots| {
					let setting = Setting { own_slots, ..setting };
					careers(&cheat, &setting, right, times).expect("the chain lets it try")
				};
				let (career, with_slots) = (of(0), of(OWN_SLOTS));
				line(
					page,
					&[
						name(tier),
						units.to_string(),
						cheat.name.to_owned(),
						right.to_string(),
						format!("{:.2}", career.lock),
						format!("{:.1}", career.accepted),
						earned(&career),
						earned(&with_slots),
					],
				);
			}
		}
	}
	page.push('\n');
}

fn profits(page: &mut String, effort: Effort, setting: &Setting) {
	let slot = if setting.own_slots > 0 { ", with the last slots" } else { "" };
	for cheat in cheats(setting.units) {
		for colluding in [0, 20] {
			let setting = Setting { colluding, ..*setting };
			let outcome = outcome(&cheat, &setting, effort.cases);
			let shape = match cheat.shape {
				Shape::Parallel => "",
				Shape::Iterative => " (iterative)",
			};
			let figures = outcome.map_or([const { String::new() }; 4], |outcome| {
				[
					format!("{:.2}", outcome.lock),
					format!("{:.2} %", 100.0 * outcome.accepted),
					format!("{:.2} %", 100.0 * outcome.convicted),
					earnings(&outcome),
				]
			});
			let mut cells = vec![
				name(setting.tier),
				setting.units.to_string(),
				format!("{}{shape}{slot}", cheat.name),
				format!("{colluding} %"),
			];
			cells.extend(figures);
			line(page, &cells);
		}
	}
}

fn earnings(outcome: &Outcome) -> String {
	format!("{:+.3} ± {:.3}", outcome.profit, outcome.within)
}

fn verifiers(page: &mut String, effort: Effort) {
	head(
		page,
		"Whether verifying badly pays",
		"What members earn together on average with one task, in parts of its price, by the chain's default penalties. Framers say of \
		 true results that they are false: they have the finder's share of a lock if judges believe them, and pay the judges \
		 otherwise. Whoever guesses commits to something that it has not computed, and cannot open it once it knows what it should have \
		 been; that earns nothing, and costs as much as being away. A member that the provider tells what to say is not found out, as \
		 long as nobody finds that to be false.",
		&["tier", "who", "convicted", "challenges lost", "profit"],
	);
	for tier in [Tier::Standard, Tier::High] {
		for colluding in [1, 10, 20] {
			let world = World { colluding, plot: Plot::Frame, ..usual(tier) };
			let sum = many(&world, effort);
			line(
				page,
				&[
					name(tier),
					format!("{colluding} % who frame"),
					shown(sum.convicted()),
					format!("{:.2}", sum.each(sum.lost)),
					format!("{:+.3}", framing(&sum, tier, world.units)),
				],
			);
		}
		let world = usual(tier);
		line(
			page,
			&[
				name(tier),
				"one who guesses, in each panel".to_owned(),
				"0".to_owned(),
				"0".to_owned(),
				format!("{:+.3}", guessing(tier, world.units)),
			],
		);
	}
}
