//! Measures what calls and hooks of a runtime weigh, given as wasm: Substrate's command, and nothing else.

use clap::Parser;
use frame_benchmarking_cli::PalletCmd;
use sp_runtime::traits::BlakeTwo256;

fn main() -> sc_cli::Result<()> {
	sp_tracing::try_init_simple();
	// The runtime uses the standard host functions alone.
	PalletCmd::parse().run_with_spec::<BlakeTwo256, ()>(None)
}
