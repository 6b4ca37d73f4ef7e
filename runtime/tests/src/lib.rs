//! Tests of how the runtime is put together. The pallets have their own.
#![cfg(test)]

mod attacks;
mod fees;
mod filters;
mod governance;
mod market;
mod merit;
mod presets;
mod stability;
mod state;

use sp_io::TestExternalities;
use sp_runtime::BuildStorage;

use ogpu_runtime::{RuntimeGenesisConfig, System, presets::preset};

/// A chain of which nothing is but the genesis of the preset called `name`.
fn chain(name: &str) -> TestExternalities {
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).expect("it serialises");
	merge(&mut config, preset(name).expect("a preset"));
	let config: RuntimeGenesisConfig = serde_json::from_value(config).expect("a genesis");
	let storage = config.build_storage().expect("the genesis builds");
	TestExternalities::from(storage)
}

/// Runs `test` in the first block after the genesis of the preset called `name`.
fn on(name: &str, test: impl FnOnce()) {
	chain(name).execute_with(|| {
		System::set_block_number(1);
		test();
	});
}

/// Lays `patch` over `base`, as the genesis builder does.
fn merge(base: &mut serde_json::Value, patch: serde_json::Value) {
	match (base, patch) {
		(serde_json::Value::Object(base), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(serde_json::Value::Null), value);
			}
		}
		(base, patch) => *base = patch,
	}
}
