//! Prints `docs/simulation.md`.

use clap::Parser;
use ogpu_simulator::report::{Effort, page};

/// Simulates verification, and prints what it came to as Markdown.
#[derive(Parser)]
#[command(version)]
struct Cli {
	/// Cases for each figure.
	#[arg(long, default_value_t = 200_000)]
	cases: u32,
	/// From what all chance follows.
	#[arg(long, default_value_t = 1)]
	seed: u64,
}

fn main() {
	let Cli { cases, seed } = Cli::parse();
	print!("{}", page(Effort { cases, seed }));
}
