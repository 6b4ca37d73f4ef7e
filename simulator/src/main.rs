//! Prints `docs/simulation.md` and `docs/auctions.md`.

use std::{path::PathBuf, process::ExitCode};

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
	/// Cases for figures of what hardly ever happens.
	#[arg(long, default_value_t = 5_000_000)]
	rare: u32,
	/// The folder for plots, beside the page.
	#[arg(long, value_name = "FOLDER", default_value = "docs/plots")]
	plots: PathBuf,
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

fn main() -> ExitCode {
	let Cli { page, cases, rare, plots, seed } = Cli::parse();
	let effort = Effort { cases, rare, seed };
	let link = plots.file_name().unwrap_or_default().to_string_lossy().into_owned();
	let made = match page {
		Page::Verification => verification(effort, &plots, &link),
		Page::Auctions => Ok(auctions(effort)),
	};
	match made {
		Ok(page) => {
			print!("{page}");
			ExitCode::SUCCESS
		}
		Err(error) => {
			eprintln!("Error: {error}");
			ExitCode::FAILURE
		}
	}
}
