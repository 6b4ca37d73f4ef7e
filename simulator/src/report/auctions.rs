//! `docs/auctions.md`.

use super::{Effort, head, line};
use crate::auction;

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
