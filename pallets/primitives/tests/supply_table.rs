//! The committed supply table is what the program makes.

#[allow(dead_code, reason = "the example's own main")]
#[path = "../examples/supply_table.rs"]
mod supply_table;

#[test]
fn the_committed_table_is_the_computed_one() {
	let committed = include_str!("../../../docs/supply.md");
	assert_eq!(
		committed,
		supply_table::table(),
		"run: cargo run --release -p ogpu-primitives --example supply_table > docs/supply.md"
	);
}
