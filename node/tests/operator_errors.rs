//! What an operator gets wrong is told in one line. `scripts/test-bad-input` asks the program itself.

use clap::Parser;
use ogpu_node::{Cli, Subcommand, keys, preflight};
use sc_cli::{
	Error,
	OffchainWorkerEnabled::{Always, Never, WhenAuthority},
	Result,
};

fn insert(key_type: &str, scheme: &str) -> Result<()> {
	let args = ["ogpu-node", "key", "insert", "--suri", "//Alice"];
	let args = args.into_iter().chain(["--key-type", key_type, "--scheme", scheme]);
	match Cli::parse_from(args).subcommand {
		Some(Subcommand::Key(command)) => keys::check_scheme(&command),
		other => panic!("parsed as {other:?}"),
	}
}

#[test]
fn each_key_type_has_one_scheme() {
	for (key_type, scheme) in keys::SCHEMES {
		for given in ["sr25519", "ed25519", "ecdsa"] {
			let fits = format!("{scheme:?}").eq_ignore_ascii_case(given);
			assert_eq!(insert(key_type, given).is_ok(), fits, "{key_type} {given}");
		}
	}
}

#[test]
fn unknown_key_types_are_refused_by_name() {
	let error = insert("aura", "sr25519").expect_err("aura is not used here");
	assert!(error.to_string().contains("'aura'"), "{error}");
}

#[test]
fn explanations_are_one_line_with_advice() {
	let service = |text: &str| Error::Service(sc_service::Error::Other(text.into()));
	let told = preflight::explain(&service("first\n   second\n\nDatabase error: x"));
	assert!(!told.contains('\n') && told.contains("purge-chain"), "{told}");
	let told = preflight::explain(&service("Database file is in use. (os error 11)"));
	assert!(told.contains("another node"), "{told}");
	// A damaged file of blocks is no reason to remove a database.
	let told = preflight::explain(&Error::Input("invalid data in blocks.bin".into()));
	assert!(!told.contains("purge-chain"), "{told}");
}

#[test]
fn listening_addresses_are_read() {
	let parse = |text: &str| preflight::tcp(&text.parse().expect("a multiaddress"));
	assert_eq!(parse("/ip4/0.0.0.0/tcp/30333"), Some(([0, 0, 0, 0], 30333).into()));
	assert_eq!(parse("/ip4/127.0.0.1/tcp/30334/ws"), Some(([127, 0, 0, 1], 30334).into()));
	assert_eq!(parse("/dns/example.org/tcp/30333"), None);
}

#[test]
fn an_executor_is_the_node_s_own_or_elsewhere() {
	let parse = |args: &[&str]| Cli::try_parse_from([&["ogpu-node"], args].concat());
	let elsewhere = ["--executor-url", "http://127.0.0.1:9960", "--executor-token-file", "token"];
	assert!(parse(&elsewhere).is_ok());
	assert!(parse(&elsewhere[..2]).is_err());
	assert!(parse(&["--provider", "--executor-config", "worker.toml"]).is_ok());
	assert!(parse(&["--executor-config", "worker.toml"]).is_err());
	assert!(parse(&[&["--provider"], &elsewhere[..]].concat()).is_err());
}

#[test]
fn every_provider_has_an_offchain_worker() {
	let has = |asked, is_provider, by_default| {
		preflight::has_offchain_worker(asked, is_provider, by_default).ok()
	};
	// On a node that validates nothing.
	assert_eq!(has(WhenAuthority, true, false), Some(true));
	assert_eq!(has(WhenAuthority, false, false), Some(false));
	assert_eq!(has(Never, true, false), None);
	assert_eq!(has(Never, false, false), Some(false));
	assert_eq!(has(Always, false, true), Some(true));
}
