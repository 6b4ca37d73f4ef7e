//! What is checked before a node starts, and how failures are told: in one line that says what is
//! wrong and what to do.

use std::{
	error::Error as _,
	fs,
	net::{IpAddr, SocketAddr, TcpListener},
	path::Path,
};

use sc_cli::{Error, OffchainWorkerEnabled, Result};
use sc_network::{Multiaddr, multiaddr::Protocol};
use sc_service::{Configuration, config::RpcMethods};

/// Does the command open the node's ports?
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ports {
	/// A running node does.
	Used,
	/// Commands on the database don't.
	Unused,
}

/// Checks what would otherwise fail late, silently, or with a panic.
///
/// # Errors
///
/// The first thing found wrong.
pub fn check(config: &Configuration, ports: Ports) -> Result<()> {
	if ports == Ports::Used {
		no_unsafe_public_rpc(config)?;
		ports_are_free(config)?;
	}
	if let Some(path) = config.database.path() {
		database_is_whole(path)?;
	}
	Ok(())
}

/// Whether the node runs off-chain workers. A provider's work is done by one: by default validators' nodes have it alone.
///
/// # Errors
///
/// A provider's is not to run.
pub fn has_offchain_worker(
	asked: OffchainWorkerEnabled,
	is_provider: bool,
	by_default: bool,
) -> Result<bool> {
	match asked {
		OffchainWorkerEnabled::Never if is_provider => Err(Error::Input(
			"a provider's work is done by its off-chain worker; drop --offchain-worker never"
				.into(),
		)),
		_ => Ok(is_provider || by_default),
	}
}

/// A validator's unsafe methods rotate its keys and change what it signs.
fn no_unsafe_public_rpc(config: &Configuration) -> Result<()> {
	if !config.role.is_authority() {
		return Ok(());
	}
	for endpoint in config.rpc.addr.iter().flatten() {
		let unsafe_methods = matches!(endpoint.rpc_methods, RpcMethods::Unsafe);
		if unsafe_methods && !endpoint.listen_addr.ip().is_loopback() {
			return Err(Error::Input(format!(
				"a validator must not offer unsafe RPC methods on the public address {}; drop \
				 --rpc-methods unsafe, or drop --rpc-external and --unsafe-rpc-external",
				endpoint.listen_addr,
			)));
		}
	}
	Ok(())
}

/// The service would take another port without a word, or leave the network out.
fn ports_are_free(config: &Configuration) -> Result<()> {
	for endpoint in config.rpc.addr.iter().flatten() {
		let is_optional = endpoint.is_optional;
		match is_free(endpoint.listen_addr) {
			Err(error) if !is_optional || error.kind() == std::io::ErrorKind::AddrInUse => {
				return Err(taken("RPC", endpoint.listen_addr, &error, "--rpc-port"));
			}
			_ => {}
		}
	}
	if let Some(prometheus) = &config.prometheus_config {
		is_free(prometheus.port)
			.map_err(|error| taken("Prometheus", prometheus.port, &error, "--prometheus-port"))?;
	}
	for address in config.network.listen_addresses.iter().filter_map(tcp) {
		match is_free(address) {
			// Where the system has no IPv6, the network goes on with IPv4.
			Err(error) if address.is_ipv4() || error.kind() == std::io::ErrorKind::AddrInUse => {
				return Err(taken("the network", address, &error, "--port"));
			}
			_ => {}
		}
	}
	Ok(())
}

fn is_free(address: SocketAddr) -> std::io::Result<()> {
	TcpListener::bind(address).map(drop)
}

fn taken(what: &str, address: SocketAddr, error: &std::io::Error, option: &str) -> Error {
	Error::Input(format!(
		"cannot listen on {address} for {what}: {error}; stop what uses port {}, or choose another \
		 with {option}",
		address.port(),
	))
}

/// The socket address of a multiaddress over plain TCP or WebSocket.
pub fn tcp(address: &Multiaddr) -> Option<SocketAddr> {
	let mut parts = address.iter();
	let ip: IpAddr = match parts.next()? {
		Protocol::Ip4(ip) => ip.into(),
		Protocol::Ip6(ip) => ip.into(),
		_ => return None,
	};
	match parts.next()? {
		Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
		_ => None,
	}
}

/// A database folder that holds files but not those that a database starts from.
fn database_is_whole(path: &Path) -> Result<()> {
	let Ok(mut entries) = fs::read_dir(path) else { return Ok(()) };
	if entries.next().is_none() || path.join("metadata").is_file() {
		return Ok(());
	}
	Err(Error::Input(format!(
		"{} is not empty and holds no usable database (its file 'metadata' is missing); {}",
		path.display(),
		RESTORE,
	)))
}

const RESTORE: &str = "restore it from a copy, or remove it with `ogpu-node purge-chain` (the keys \
                       stay) and sync again";

/// An error in one line, with advice where the libraries give none.
pub fn explain(error: &Error) -> String {
	let mut told = error.to_string();
	let mut source = error.source();
	while let Some(inner) = source {
		let inner_text = inner.to_string();
		if !told.contains(&inner_text) {
			told.push_str(": ");
			told.push_str(&inner_text);
		}
		source = inner.source();
	}
	let mut line = told.split_whitespace().collect::<Vec<_>>().join(" ");
	// Only what comes from the service can be about the database.
	if !matches!(error, Error::Service(_) | Error::Client(_)) {
		return line;
	}
	let lower = line.to_lowercase();
	if lower.contains("database file is in use") {
		line.push_str(
			"; another node is using this base path, stop it or give another --base-path",
		);
	} else if ["corrupt", "invalid data", "database error", "db error"]
		.iter()
		.any(|sign| lower.contains(sign))
	{
		line.push_str("; the database is damaged, ");
		line.push_str(RESTORE);
	}
	line
}
