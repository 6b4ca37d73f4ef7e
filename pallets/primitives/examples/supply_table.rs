//! Prints the supply of oGPU by year, as `docs/supply.md` has it:
//!
//! ```text
//! cargo run --release -p ogpu-primitives --example supply_table > docs/supply.md
//! ```

use ogpu_primitives::{
	Balance, CAP, OGPU,
	emission::{EmissionSplit, YearOfEmission, schedule},
};

/// What the `testnet` preset allocates at genesis: eight accounts and the treasury.
const GENESIS: Balance = (8 * 250_000 + 100_000) * OGPU;

/// Years in the table.
const YEARS: u32 = 40;

fn main() {
	print!("{}", table());
}

/// Whole and hundredths of oGPU, with thousands apart.
fn shown(amount: Balance) -> String {
	let hundredths = amount / (OGPU / 100);
	let digits = (hundredths / 100).to_string();
	let mut whole = String::new();
	for (i, digit) in digits.chars().enumerate() {
		if i > 0 && (digits.len() - i).is_multiple_of(3) {
			whole.push(' ');
		}
		whole.push(digit);
	}
	format!("{whole}.{:02}", hundredths % 100)
}

/// The page, as Markdown.
pub(crate) fn table() -> String {
	let mut page = format!(
		"# The supply of oGPU by year\n\n\
		 Made by `cargo run --release -p ogpu-primitives --example supply_table`; a test compares.\n\
		 Genesis allocates {} oGPU, as in the `testnet` preset. The split is the default one.\n\
		 What providers do not earn, and rewards that nobody claims, are never issued; so the supply \
		 is at most what is scheduled.\n\n\
		 | year | scheduled in it | validators | providers (at most) | treasury | scheduled in all | of the cap |\n\
		 | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
		shown(GENESIS)
	);
	for YearOfEmission { year, emission, scheduled } in schedule(GENESIS, YEARS) {
		let shares = EmissionSplit::DEFAULT.divide(emission);
		page.push_str(&format!(
			"| {year} | {} | {} | {} | {} | {} | {}.{:02} % |\n",
			shown(emission),
			shown(shares.validators),
			shown(shares.providers),
			shown(shares.treasury),
			shown(scheduled),
			scheduled * 100 / CAP,
			scheduled * 10_000 / CAP % 100,
		));
	}
	page
}
