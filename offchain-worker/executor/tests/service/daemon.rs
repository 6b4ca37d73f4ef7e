//! A daemon in a folder of its own, and a client that speaks plain HTTP.

use std::{
	fs,
	io::{BufRead, BufReader, Read, Write},
	net::{SocketAddr, TcpStream},
	path::{Path, PathBuf},
	process::{Child, Command, Stdio},
	time::{Duration, Instant},
};

use codec::Encode;
use ogpu_primitives::executor::Submission;
use serde_json::Value;
use tempfile::TempDir;

/// A daemon that may be killed and started again.
pub(crate) struct Daemon {
	pub(crate) folder: TempDir,
	child: Option<Child>,
	address: SocketAddr,
	token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
	pub(crate) status: u16,
	pub(crate) body: Vec<u8>,
}

impl Answer {
	pub(crate) fn json(&self) -> Value {
		serde_json::from_slice(&self.body)
			.unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
	}

	/// The word of an error.
	pub(crate) fn error(&self) -> String {
		self.json()["error"].as_str().unwrap_or_default().to_owned()
	}
}

impl Daemon {
	/// A daemon with these lines in its configuration.
	pub(crate) fn new(config: &str) -> Self {
		let folder = TempDir::new().expect("a folder");
		let address = SocketAddr::from(([127, 0, 0, 1], 0));
		let mut daemon = Self { folder, child: None, address, token: String::new() };
		fs::write(daemon.config(), config).expect("a file");
		daemon.start();
		daemon
	}

	pub(crate) fn config(&self) -> PathBuf {
		self.folder.path().join("worker.toml")
	}

	pub(crate) fn data(&self) -> PathBuf {
		self.folder.path().join("data")
	}

	/// Starts it, and waits until it listens.
	pub(crate) fn start(&mut self) {
		let log = fs::File::options()
			.create(true)
			.append(true)
			.open(self.folder.path().join("log"))
			.expect("a log");
		let mut child = Command::new(env!("CARGO_BIN_EXE_ogpu-worker"))
			.args(["serve", "--listen", "127.0.0.1:0", "--config"])
			.arg(self.config())
			.arg("--data")
			.arg(self.data())
			.env("RUST_LOG", "info")
			.stdout(Stdio::piped())
			.stderr(log)
			.spawn()
			.expect("a daemon");
		let mut line = String::new();
		let stdout = child.stdout.take().expect("a pipe");
		BufReader::new(stdout).read_line(&mut line).expect("a line");
		let address = line.split_whitespace().nth(2).and_then(|url| url.strip_prefix("http://"));
		let address = address.and_then(|address| address.trim_end_matches(',').parse().ok());
		self.address = address.unwrap_or_else(|| panic!("{line:?}: {}", self.log()));
		self.token = fs::read_to_string(self.data().join("token")).expect("a token").trim().into();
		self.child = Some(child);
	}

	pub(crate) fn log(&self) -> String {
		fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
	}

	pub(crate) fn pid(&self) -> u32 {
		self.child.as_ref().expect("it runs").id()
	}

	/// Kills it, as a crash or an impatient operator would.
	pub(crate) fn kill(&mut self) {
		let mut child = self.child.take().expect("it runs");
		child.kill().expect("SIGKILL");
		child.wait().expect("it ends");
	}

	/// Tells it to end, and waits; its exit code.
	pub(crate) fn terminate(&mut self) -> Option<i32> {
		signal(self.pid(), "TERM");
		self.child.take().expect("it runs").wait().expect("it ends").code()
	}

	/// A connection to it.
	pub(crate) fn connect(&self) -> TcpStream {
		let stream = TcpStream::connect(self.address).expect("it listens");
		stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a timeout");
		stream
	}

	/// One request on a connection of its own.
	pub(crate) fn ask(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
		let token = format!("Authorization: Bearer {}", self.token);
		let mut all = vec![token.as_str()];
		all.extend(headers);
		self.ask_with(method, path, &all, body)
	}

	/// The same, without the token.
	pub(crate) fn ask_with(
		&self,
		method: &str,
		path: &str,
		headers: &[&str],
		body: &[u8],
	) -> Answer {
		let mut stream = self.connect();
		let mut head = format!("{method} {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n");
		for header in headers {
			head.push_str(&format!("{header}\r\n"));
		}
		head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
		stream.write_all(head.as_bytes()).expect("it listens");
		// It may answer, and close, before it has read everything.
		let _ = stream.write_all(body);
		answer(stream)
	}

	pub(crate) fn get(&self, path: &str) -> Answer {
		self.ask("GET", path, &[], &[])
	}

	pub(crate) fn post_json(&self, path: &str, body: &Value) -> Answer {
		self.ask("POST", path, &["Content-Type: application/json"], body.to_string().as_bytes())
	}

	pub(crate) fn submit(&self, submission: &Submission) -> Answer {
		let headers = ["Content-Type: application/octet-stream"];
		self.ask("POST", "/v1/jobs", &headers, &submission.encode())
	}

	/// Puts a blob into the store; its hash.
	pub(crate) fn add(&self, bytes: &[u8]) -> String {
		let answer = self.ask("POST", "/v1/blobs", &[], bytes);
		assert_eq!(answer.status, 201, "{answer:?}");
		answer.json()["hash"].as_str().expect("a hash").to_owned()
	}

	/// How a run stands when it has ended.
	pub(crate) fn wait(&self, id: &str) -> Value {
		let started = Instant::now();
		loop {
			let state = self.get(&format!("/v1/jobs/{id}?wait=20000")).json();
			if ["done", "failed", "cancelled"].iter().any(|end| state["state"] == *end) {
				return state;
			}
			assert!(started.elapsed() < Duration::from_secs(240), "{state}: {}", self.log());
		}
	}

	/// Puts an example's program and inputs into the store, and gives the form that submits it.
	pub(crate) fn form_of(&self, manifest: &Path) -> Value {
		let folder = manifest.parent().expect("a folder");
		let text = fs::read_to_string(manifest).expect("a manifest");
		let mut files = serde_json::Map::new();
		for name in text.split("source: ").skip(1) {
			let name = name.split([',', '}', '\n']).next().expect("a name");
			let bytes = fs::read(folder.join(name)).expect("a file");
			files.insert(name.to_owned(), self.add(&bytes).into());
		}
		serde_json::json!({ "manifest": text, "files": files })
	}
}

impl Drop for Daemon {
	fn drop(&mut self) {
		if let Some(mut child) = self.child.take() {
			// It may have ended.
			let _ = child.kill();
			let _ = child.wait();
		}
	}
}

pub(crate) fn signal(pid: u32, name: &str) {
	let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
	assert!(status.expect("kill").success());
}

/// Reads one answer to the end of the connection.
pub(crate) fn answer(stream: TcpStream) -> Answer {
	let mut reader = BufReader::new(stream);
	let mut head = String::new();
	while !head.ends_with("\r\n\r\n") {
		// It may be closed, or reset, instead of answered.
		if reader.read_line(&mut head).unwrap_or(0) == 0 {
			break;
		}
	}
	let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
	let mut body = Vec::new();
	if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
		loop {
			let mut line = String::new();
			reader.read_line(&mut line).expect("a chunk");
			let len = usize::from_str_radix(line.trim(), 16).expect("a length");
			let mut chunk = vec![0; len + 2];
			reader.read_exact(&mut chunk).expect("a chunk");
			if len == 0 {
				break;
			}
			body.extend_from_slice(&chunk[..len]);
		}
	} else {
		// A client that is cut off may see a reset after the answer.
		let _ = reader.read_to_end(&mut body);
	}
	Answer { status: status.unwrap_or(0), body }
}

pub(crate) fn examples() -> PathBuf {
	PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// The roots in the examples' table, by manifest.
pub(crate) fn roots() -> Vec<(String, String)> {
	let text = fs::read_to_string(examples().join("README.md")).expect("a table");
	let rows = text.lines().filter(|line| line.starts_with("| `"));
	rows.map(|line| {
		let cells: Vec<_> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
		(format!("{}.yaml", cells[1]), cells[3].to_owned())
	})
	.collect()
}

/// A little job of 1,024 words in 16 units, which adds `seed` to their numbers; for `form`s.
pub(crate) fn little(daemon: &Daemon, seed: u32) -> Value {
	let program = b"__kernel void f(__global uint *out, uint seed) { out[get_global_id(0)] = (uint)get_global_id(0) + seed; }\n";
	let hash = daemon.add(program);
	serde_json::json!({ "manifest": little_manifest(seed), "files": { "f.cl": hash } })
}

pub(crate) fn little_manifest(seed: u32) -> String {
	format!(
		"version: \"1\"\nprofile: exact-int\nprogram: {{source: f.cl}}\nbuffers:\n  out: {{role: output, type: u32, len: 1024}}\n\
		 steps:\n  - {{kernel: f, args: [{{buf: out}}, {{u32: {seed}}}], global: [1024], local: [16]}}\nunit: {{groups: 4}}\n"
	)
}

/// A job that goes on until it is killed.
pub(crate) fn endless(daemon: &Daemon) -> Value {
	let hash = daemon
		.add(b"__kernel void f(__global uint *out) { for (;;) out[get_global_id(0)] += 1u; }\n");
	let manifest = "version: \"1\"\nprofile: exact-int\nprogram: {source: f.cl}\nbuffers:\n  out: {role: output, type: u32, len: 64}\n\
		steps:\n  - {kernel: f, args: [{buf: out}], global: [64], local: [16]}\nunit: {groups: 1}\ntimeouts: {step: 60s, total: 1h}\n";
	serde_json::json!({ "manifest": manifest, "files": { "f.cl": hash } })
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
	let started = Instant::now();
	while !holds() {
		assert!(started.elapsed() < Duration::from_secs(60), "{what}");
		std::thread::sleep(Duration::from_millis(20));
	}
}
