//! The operator's configuration: a TOML file. Everything has a default; what is wrong is told with its
//! line.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use ogpu_compute::Device;
use ogpu_job::{parse_bytes, parse_milliseconds};
use ogpu_primitives::{Balance, OGPU, amount};
use serde::{Deserialize, de};
use toml::Spanned;

/// A configuration file that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct ConfigError {
	file: String,
	message: String,
}

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
	/// Where the API listens. Only loopback, unless `allow_remote`.
	pub listen: SocketAddr,
	/// Lets `listen` be an address that other machines can reach. The token then crosses the network in
	/// clear, unless something in front encrypts.
	pub allow_remote: bool,
	/// Where everything is kept.
	pub data: PathBuf,
	/// Bounds of all kinds.
	pub limits: Limits,
	/// What jobs may take of the host.
	pub compute: Compute,
	/// The store of blobs and their transfer.
	pub blobs: Blobs,
	/// The price on devices that have none of their own.
	pub price: Price,
	/// What is special about single devices.
	pub device: Vec<DeviceRule>,
	/// The file that it was read from.
	#[serde(skip)]
	pub file: Option<PathBuf>,
}

/// Bounds of all kinds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
	/// The most runs that may wait or go on.
	pub runs: usize,
	/// The most of them for one owner.
	pub runs_per_owner: usize,
	/// The longest body of a request, blobs apart.
	pub body: Bytes,
	/// The most connections at once.
	pub connections: usize,
	/// How long a client may take to send a request.
	pub request: Period,
	/// What results and checkpoints may take on disk.
	pub results: Bytes,
	/// How long a finished run is kept.
	pub keep_finished: Period,
	/// How many finished runs are kept; the oldest are forgotten first.
	pub finished: usize,
	/// The most programs that are checked at once.
	pub preparing: usize,
	/// The most runs whose blobs are fetched at once.
	pub fetching: usize,
	/// The most of them for one owner.
	pub fetching_per_owner: usize,
	/// How long fetching the blobs of one run may take.
	pub fetch: Period,
	/// How long runs may go on when the service is told to end. What is not finished by then goes on at
	/// the next start.
	pub drain: Period,
	/// How often a run is tried again after this machine failed it.
	pub attempts: u32,
}

/// What jobs may take of the host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compute {
	/// Threads of CPU devices and for hashing; all if not given.
	pub threads: Option<u32>,
	/// How far to stand back behind other programs, 0 to 19.
	pub nice: u8,
	/// Run even where the sandbox is not whole. For jobs of one's own only.
	pub insecure: bool,
}

/// The store of blobs and their transfer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Blobs {
	/// What the store may take on disk.
	pub quota: Bytes,
	/// The largest single blob.
	pub largest: Bytes,
	/// Where other executors and clients reach the store; nobody can if it is not given.
	pub listen: Option<SocketAddr>,
	/// Addresses under which others reach it, where they differ from `listen`.
	pub announce: Vec<SocketAddr>,
	/// A relay for machines that cannot be reached directly.
	pub relay: Option<String>,
	/// The most connections of others that are served at once.
	pub connections: usize,
}

/// What the operator asks for work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Price {
	/// For a second of a device's time.
	pub per_second: Amount,
	/// At least, for any job.
	pub minimum: Amount,
}

/// What is special about single devices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRule {
	/// Part of the name of the device or its platform, as `ogpu-worker devices` shows them.
	pub matches: String,
	/// Whether it gets work.
	#[serde(default = "yes")]
	pub offer: bool,
	/// Its price.
	pub price: Option<Price>,
}

fn yes() -> bool {
	true
}

/// A number of bytes, written as `64Mi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A length of time, written as `30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

/// An amount of oGPU, written as `"0.25"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Balance);

/// Reads a value from a string.
struct Written<T>(&'static str, fn(&str) -> Option<T>);

impl<T> de::Visitor<'_> for Written<T> {
	type Value = T;

	fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(self.0)
	}

	fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
		(self.1)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
	}
}

impl<'de> Deserialize<'de> for Bytes {
	fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
		from.deserialize_str(Written("a size such as \"64Mi\" or \"20Gi\"", |text| {
			parse_bytes(text).map(Self)
		}))
	}
}

impl<'de> Deserialize<'de> for Period {
	fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
		from.deserialize_str(Written("a time such as \"30s\" or \"48h\"", |text| {
			parse_milliseconds(text).map(|ms| Self(Duration::from_millis(ms.into())))
		}))
	}
}

impl<'de> Deserialize<'de> for Amount {
	fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
		from.deserialize_str(Written("an amount of oGPU such as \"0.25\", in quotes", |text| {
			amount::parse(text).map(Self)
		}))
	}
}

impl Default for Config {
	fn default() -> Self {
		Self {
			listen: SocketAddr::from(([127, 0, 0, 1], 9960)),
			allow_remote: false,
			data: "ogpu-worker-data".into(),
			limits: Limits::default(),
			compute: Compute::default(),
			blobs: Blobs::default(),
			price: Price::default(),
			device: Vec::new(),
			file: None,
		}
	}
}

const fn seconds(count: u64) -> Period {
	Period(Duration::from_secs(count))
}

impl Default for Limits {
	fn default() -> Self {
		Self {
			runs: 16_384,
			runs_per_owner: 12_288,
			body: Bytes(4 << 20),
			connections: 512,
			request: seconds(30),
			results: Bytes(50 << 30),
			keep_finished: seconds(7 * 24 * 3600),
			finished: 100_000,
			preparing: 2,
			fetching: 64,
			fetching_per_owner: 16,
			fetch: seconds(3600),
			drain: seconds(60),
			attempts: 3,
		}
	}
}

impl Default for Compute {
	fn default() -> Self {
		Self { threads: None, nice: 10, insecure: false }
	}
}

impl Default for Blobs {
	fn default() -> Self {
		Self {
			quota: Bytes(20 << 30),
			largest: Bytes(16 << 30),
			listen: None,
			announce: Vec::new(),
			relay: None,
			connections: 128,
		}
	}
}

impl Default for Price {
	fn default() -> Self {
		Self { per_second: Amount(OGPU / 1000), minimum: Amount(OGPU / 1000) }
	}
}

/// What has to be checked beyond types, with where it stands.
#[derive(Deserialize)]
struct Placed {
	listen: Option<Spanned<SocketAddr>>,
	#[serde(default)]
	allow_remote: bool,
	limits: Option<PlacedLimits>,
	compute: Option<PlacedCompute>,
	#[serde(default)]
	device: Vec<PlacedDevice>,
}

#[derive(Deserialize)]
struct PlacedLimits {
	runs: Option<Spanned<usize>>,
	connections: Option<Spanned<usize>>,
	preparing: Option<Spanned<usize>>,
	fetching: Option<Spanned<usize>>,
	fetching_per_owner: Option<Spanned<usize>>,
	attempts: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
struct PlacedCompute {
	threads: Option<Spanned<usize>>,
	nice: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
struct PlacedDevice {
	matches: Spanned<String>,
}

impl Config {
	/// Reads a configuration.
	///
	/// # Errors
	///
	/// The first thing that is wrong, with its line and field.
	pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
		let fail = |message: String| ConfigError { file: file.to_owned(), message };
		let config: Self =
			toml::from_str(text).map_err(|error| fail(error.to_string().trim_end().to_owned()))?;
		let placed: Placed = toml::from_str(text).map_err(|error| fail(error.to_string()))?;
		placed.check().map_err(|(at, field, message)| {
			let line = text[..at.min(text.len())].matches('\n').count() + 1;
			fail(format!("line {line}: {field}: {message}"))
		})?;
		Ok(config)
	}

	/// The rule for a device: the first that matches.
	pub fn rule(&self, device: &Device) -> Option<&DeviceRule> {
		self.device.iter().find(|rule| {
			device.key.name.contains(&rule.matches) || device.key.platform.contains(&rule.matches)
		})
	}
}

impl Price {
	/// The price of so much of a device's time.
	pub fn of(&self, time: Duration) -> Balance {
		let ms = time.as_millis();
		self.per_second.0.saturating_mul(ms).div_ceil(1000).max(self.minimum.0)
	}
}

impl Placed {
	fn check(&self) -> Result<(), (usize, String, String)> {
		if let Some(listen) = &self.listen
			&& !listen.get_ref().ip().is_loopback()
			&& !self.allow_remote
		{
			return Err((
				listen.span().start,
				"listen".into(),
				format!(
					"{} can be reached from other machines; use 127.0.0.1, or set allow_remote = true \
					 with something that encrypts in front",
					listen.get_ref()
				),
			));
		}
		let limits = self.limits.as_ref();
		let compute = self.compute.as_ref();
		let within =
			|value: Option<&Spanned<usize>>, field: &str, least: usize, most: usize| match value {
				Some(value) if !(least..=most).contains(value.get_ref()) => Err((
					value.span().start,
					field.to_owned(),
					format!("{} is not between {least} and {most}", value.get_ref()),
				)),
				_ => Ok(()),
			};
		within(limits.and_then(|l| l.runs.as_ref()), "limits.runs", 1, 1_000_000)?;
		within(limits.and_then(|l| l.connections.as_ref()), "limits.connections", 1, 65_536)?;
		within(limits.and_then(|l| l.preparing.as_ref()), "limits.preparing", 1, 64)?;
		within(limits.and_then(|l| l.fetching.as_ref()), "limits.fetching", 1, 4096)?;
		within(
			limits.and_then(|l| l.fetching_per_owner.as_ref()),
			"limits.fetching_per_owner",
			1,
			4096,
		)?;
		within(limits.and_then(|l| l.attempts.as_ref()), "limits.attempts", 1, 100)?;
		within(compute.and_then(|c| c.threads.as_ref()), "compute.threads", 1, 1024)?;
		within(compute.and_then(|c| c.nice.as_ref()), "compute.nice", 0, 19)?;
		for device in &self.device {
			if device.matches.get_ref().is_empty() {
				return Err((
					device.matches.span().start,
					"device.matches".into(),
					"it matches every device; name part of a device or platform".into(),
				));
			}
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn wrong(text: &str) -> String {
		Config::parse("worker.toml", text).expect_err("a wrong configuration").to_string()
	}

	#[test]
	fn an_empty_file_is_right() {
		let config = Config::parse("worker.toml", "").expect("defaults");
		assert!(config.listen.ip().is_loopback());
	}

	#[test]
	fn all_of_it_can_be_written() {
		let text = r#"
listen = "127.0.0.1:1234"
data = "/srv/worker"
[limits]
runs = 100
results = "2Gi"
keep_finished = "48h"
[compute]
threads = 1
nice = 19
[blobs]
quota = "1Gi"
listen = "0.0.0.0:4433"
announce = ["192.0.2.1:4433"]
[price]
per_second = "0.25"
minimum = "1"
[[device]]
matches = "pthread"
offer = false
"#;
		let config = Config::parse("worker.toml", text).expect("a right configuration");
		assert_eq!(config.limits.results, Bytes(2 << 30));
		assert_eq!(config.price.per_second, Amount(OGPU / 4));
		assert_eq!(config.price.of(Duration::from_millis(3)), OGPU);
		assert_eq!(config.price.of(Duration::from_secs(8)), 2 * OGPU);
		assert!(!config.device[0].offer);
	}

	#[test]
	fn errors_name_line_and_field() {
		for (text, parts) in [
			("listen = \"0.0.0.0:9960\"", vec!["line 1", "listen", "allow_remote"]),
			("\nlitsen = \"x\"", vec!["line 2", "litsen", "unknown field"]),
			("[limits]\nruns = \"many\"", vec!["line 2", "runs = "]),
			("[limits]\nruns = 0", vec!["line 2", "limits.runs", "0 is not between"]),
			("[limits]\nbody = \"4 apples\"", vec!["line 2", "body = ", "64Mi"]),
			("[limits]\n\nrequest = 30", vec!["line 3", "request = ", "30s"]),
			("[price]\nper_second = 0.1", vec!["line 2", "per_second = ", "in quotes"]),
			("[price]\nper_second = \"-1\"", vec!["line 2", "per_second = "]),
			("[[device]]\noffer = true", vec!["line 1", "matches"]),
			("[[device]]\nmatches = \"\"", vec!["line 2", "device.matches"]),
			("[compute]\nnice = 20", vec!["line 2", "compute.nice"]),
			("[compute\nnice = 20", vec!["line 1"]),
		] {
			let error = wrong(text);
			assert!(error.starts_with("worker.toml: "), "{error}");
			for part in parts {
				assert!(error.contains(part), "{text:?}: {error:?} does not say {part:?}");
			}
		}
	}
}
