//! What work costs, and another price while the service runs.

use std::{fs, io::Write, path::Path};

use ogpu_primitives::amount;
use serde::Deserialize;
use tempfile::NamedTempFile;
use toml_edit::{DocumentMut, Item, Table, value};

use super::{
	Config, Service,
	config::{Amount, Price},
};

/// Another price; what is not given stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
	/// For a second of a device's time.
	pub(super) per_second: Option<Amount>,
	/// At least, for any job.
	pub(super) minimum: Option<Amount>,
}

impl Service {
	/// What a second and a job cost on devices that have no price of their own.
	pub(super) fn price(&self) -> Price {
		self.0.pool.price()
	}

	/// What every device asks.
	pub(super) fn prices(&self) -> Vec<(String, Price)> {
		let devices = self.0.pool.devices.iter();
		devices
			.map(|offered| (offered.device.key.name.clone(), self.0.pool.price_of(offered)))
			.collect()
	}

	/// Asks another price from now on, on devices that have none of their own, and keeps it in the configuration.
	///
	/// # Errors
	///
	/// When it cannot be kept. The price is as it was then.
	pub(super) async fn change_price(&self, change: Change) -> Result<(), String> {
		let file = self.0.config.file.clone().ok_or(
			"it was started without a configuration (--config), in which the price would be kept",
		)?;
		// One after the other, so that what is in the file is what counts.
		let _changing = self.0.pricing.lock().await;
		let kept = tokio::task::spawn_blocking(move || keep(&file, change)).await;
		self.0.pool.set_price(kept.map_err(|error| error.to_string())??);
		Ok(())
	}
}

/// Writes a price into a configuration: all of it, or nothing. The price that it has then.
fn keep(file: &Path, change: Change) -> Result<Price, String> {
	let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
	// What a link leads to is what is changed.
	let file = file.canonicalize().map_err(|error| failed(&error))?;
	let text = fs::read_to_string(&file).map_err(|error| failed(&error))?;
	let changed = with_price(&text, change).map_err(|error| failed(&error))?;
	// Somebody may have written something into it since it was read, and the next start is not to fail of it.
	let config = Config::parse(&file.display().to_string(), &changed);
	let config = config.map_err(|error| error.to_string())?;
	let folder = file.parent().unwrap_or(Path::new("/"));
	let mut new = NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
	let rights = fs::metadata(&file).map_err(|error| failed(&error))?.permissions();
	let written = new.write_all(changed.as_bytes()).and_then(|()| new.as_file().sync_all());
	written.and_then(|()| new.as_file().set_permissions(rights)).map_err(|error| failed(&error))?;
	new.persist(&file).map_err(|error| failed(&error))?;
	Ok(config.price)
}

/// A configuration with another price, and all else of it as it was.
fn with_price(text: &str, change: Change) -> Result<String, String> {
	let mut document: DocumentMut =
		text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
	let table = document.entry("price").or_insert_with(|| Item::Table(Table::new()));
	let table = table.as_table_like_mut().ok_or("price is no table")?;
	for (name, amount) in [("per_second", change.per_second), ("minimum", change.minimum)] {
		if let Some(Amount(amount)) = amount {
			table.insert(name, value(amount::show(amount)));
		}
	}
	Ok(document.to_string())
}

#[cfg(test)]
mod tests {
	use ogpu_primitives::OGPU;

	use super::*;

	#[test]
	fn a_price_is_written_and_the_rest_left() {
		let price = Price { per_second: Amount(OGPU / 4), minimum: Amount(2 * OGPU) };
		let all = Change { per_second: Some(price.per_second), minimum: Some(price.minimum) };
		let written = |text: &str| with_price(text, all).expect("it is right");
		let asked = "[price]\nper_second = \"0.25\"\nminimum = \"2\"\n";
		assert_eq!(written(""), asked);
		let around =
			"# mine\nlisten = \"127.0.0.1:1\" # here\n\n[[device]]\nmatches = \"pthread\"\n";
		assert_eq!(written(around), format!("{around}\n{asked}"));
		let before = "[price] # too little\nper_second = \"0.1\"\n[blobs]\nquota = \"1Gi\"\n";
		let after = written(before);
		assert_eq!(
			after,
			"[price] # too little\nper_second = \"0.25\"\nminimum = \"2\"\n[blobs]\nquota = \"1Gi\"\n"
		);
		assert_eq!(
			Config::parse("worker.toml", &after).map(|config| config.price).ok(),
			Some(price)
		);
		let one = Change { minimum: None, ..all };
		let kept = with_price("[price]\nminimum = \"3\"\n", one).expect("it is right");
		assert_eq!(kept, "[price]\nminimum = \"3\"\nper_second = \"0.25\"\n");
		assert!(with_price("price = 3", all).is_err() && with_price("[", all).is_err());
	}
}
