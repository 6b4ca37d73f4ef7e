//! Prints `docs/simulation.md` and `docs/auctions.md`.

use clap::{Parser, ValueEnum};
use ogpu_simulator::report::{Effort, auctions, verification};

/// Simulates verification or auctions, and prints what it came to as Markdown.
#[derive(Parser)]
#[command(version)]
struct Cli {
	/// What is simulated.
	page: Page,
	/// Cases for each figure.
	#[arg(long, default_value_t = 200_000)]
	cases: u32,
	/// From what all chance follows.
	#[arg(long, default_value_t = 1)]
	seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Page {
	/// How often verification is wrong, what it costs, and whether cheating pays.
	Verification,
	/// What sealed bids come to when not everybody bids its cost.
	Auctions,
}

fn main() {
	let Cli { page, cases, seed } = Cli::parse();
	let effort = Effort { cases, seed };
	print!(
		"{}",
		match page {
			Page::Verification => verification(effort),
			Page::Auctions => auctions(effort),
		}
	);
}
