//! Children and daemons killed at random moments. No run is lost, none is done twice with another result,
//! and nothing is left behind.

use std::{collections::BTreeMap, path::PathBuf, process::Command, time::Duration};

use crate::{
	daemon::{Daemon, examples, little, roots, signal, until},
	processes::descendants,
};

/// How often something is killed; `OGPU_KILLS` sets another number.
fn kills() -> u32 {
	std::env::var("OGPU_KILLS").map_or(10, |kills| kills.parse().expect("a number"))
}

struct Numbers(u64);

impl Numbers {
	fn below(&mut self, bound: u64) -> u64 {
		self.0 =
			self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		(self.0 >> 33) % bound
	}
}

#[test]
fn nothing_is_lost_when_things_are_killed() {
	// Runs survive as many kills as there are.
	let mut daemon = Daemon::new("[limits]\nattempts = 100\n");
	let known: BTreeMap<String, String> = roots().into_iter().collect();
	let kinds =
		["digits/train.yaml", "n-body/step.yaml", "picture/trace.yaml", "hash-search/search.yaml"];
	let forms: Vec<_> = kinds.map(|kind| daemon.form_of(&examples().join(kind))).into();
	let mut numbers = Numbers(1);
	let mut runs: Vec<(String, Option<String>)> = Vec::new();
	let (mut daemons, mut children) = (0, 0);
	let mut number = 0u32;
	while daemons + children < kills() {
		// A few runs are always in flight.
		while live(&daemon) < 4 {
			number += 1;
			let kind = numbers.below(5) as usize;
			let (mut form, root) = match kinds.get(kind) {
				Some(name) => (forms[kind].clone(), known.get(*name).cloned()),
				None => (little(&daemon, number), None),
			};
			form["id"] = format!("{number:064x}").into();
			let taken = daemon.post_json("/v1/jobs", &form);
			assert_eq!(taken.status, 201, "{taken:?}");
			runs.push((format!("{number:064x}"), root));
		}
		std::thread::sleep(Duration::from_millis(numbers.below(1500)));
		let started = descendants(daemon.pid());
		if numbers.below(2) == 0 {
			daemon.kill();
			daemons += 1;
			let gone = |pid: &u32| !PathBuf::from(format!("/proc/{pid}")).exists();
			until("no process is left", || started.iter().all(|(pid, _)| gone(pid)));
			daemon.start();
		} else if let Some((pid, _)) = started.iter().find(|(_, args)| args.contains("ogpu-c")) {
			// It may have ended meanwhile.
			let _ = Command::new("kill")
				.args(["-KILL", &pid.to_string()])
				.stderr(std::process::Stdio::null())
				.status();
			children += 1;
		}
	}
	for (id, root) in &runs {
		let ended = daemon.wait(id);
		assert_eq!(ended["state"], "done", "{ended}: {}", daemon.log());
		if let Some(root) = root {
			assert_eq!(ended["root"].as_str(), Some(root.as_str()), "{id}");
		}
	}
	println!("{daemons} daemons and {children} children killed, {} runs done", runs.len());
	// Of each run its results are left, and no workshop.
	for entry in std::fs::read_dir(daemon.data().join("runs")).expect("a folder").flatten() {
		let id = entry.file_name().into_string().expect("a name");
		assert!(runs.iter().any(|(run, _)| *run == id), "{id}");
		assert!(!entry.path().join("cache").exists(), "{id}");
	}
	// A run is done a moment before what it has held is let go.
	let inputs = || std::fs::read_dir(daemon.data().join("inputs")).expect("a folder").count();
	until("no input is kept", || inputs() == 0);
	// A polite end leaves nothing running either.
	let pid = daemon.pid();
	signal(pid, "TERM");
	until("it ends", || descendants(pid).is_empty());
}

fn live(daemon: &Daemon) -> u64 {
	daemon.get("/v1/status").json()["runs"].as_u64().expect("a number")
}
