//! Many runs and many clients at once: bounded memory, clear refusals, a fair order.

use std::{
	fs,
	sync::atomic::{AtomicU32, Ordering},
	time::Instant,
};

use crate::daemon::{Daemon, endless, little, until};

fn setting(name: &str, usual: u32) -> u32 {
	std::env::var(name).map_or(usual, |text| text.parse().expect("a number"))
}

/// Memory of a process, in MiB.
fn resident(pid: u32) -> u64 {
	let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
	let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("memory");
	line.split_whitespace().nth(1).expect("a number").parse::<u64>().expect("a number") / 1024
}

#[test]
fn a_crowd_of_clients_and_a_long_queue() {
	let (queued, clients) = (setting("OGPU_QUEUED", 600), setting("OGPU_CLIENTS", 50));
	let daemon = Daemon::new(&format!(
		"[limits]\nruns = {}\nruns_per_owner = {queued}\nrequest = \"60s\"\n",
		queued + 10
	));
	// The device is busy, so that everything waits.
	let busy = daemon.post_json("/v1/jobs", &endless(&daemon)).json();
	let path = format!("/v1/jobs/{}", busy["id"].as_str().expect("an id"));
	until("it runs", || daemon.get(&path).json()["state"] == "running");
	let before = resident(daemon.pid());
	let form = little(&daemon, 0);
	let (next, ids) = (AtomicU32::new(0), AtomicU32::new(1));
	let (taken, refused) = (AtomicU32::new(0), AtomicU32::new(0));
	let started = Instant::now();
	std::thread::scope(|scope| {
		for _ in 0..clients {
			scope.spawn(|| {
				// A few more than there is room for.
				while next.fetch_add(1, Ordering::Relaxed) < queued + 20 {
					let mut form = form.clone();
					form["id"] = format!("{:064x}", ids.fetch_add(1, Ordering::Relaxed)).into();
					form["owner"] = "many".into();
					let answer = daemon.post_json("/v1/jobs", &form);
					match answer.status {
						201 => taken.fetch_add(1, Ordering::Relaxed),
						429 => refused.fetch_add(1, Ordering::Relaxed),
						_ => panic!("{answer:?}"),
					};
				}
			});
		}
	});
	let took = started.elapsed();
	let grown = resident(daemon.pid()).saturating_sub(before);
	println!(
		"{} runs taken and {} refused from {clients} clients in {:.1} s; {grown} MiB more memory",
		taken.load(Ordering::Relaxed),
		refused.load(Ordering::Relaxed),
		took.as_secs_f64()
	);
	assert_eq!((taken.into_inner(), refused.into_inner()), (queued, 20));
	assert!(grown < 64 + u64::from(queued) / 100, "{grown} MiB");
	// Another owner's single run does not wait for them.
	let mut single = little(&daemon, 1);
	single["owner"] = "single".into();
	let single = daemon.post_json("/v1/jobs", &single).json();
	assert_eq!(daemon.ask("DELETE", &path, &[], &[]).status, 202);
	let ended = daemon.wait(single["id"].as_str().expect("an id"));
	assert_eq!(ended["state"], "done", "{ended}");
	let done = daemon.get("/v1/jobs?owner=many&state=done").json();
	let done = done["runs"].as_array().expect("runs").len();
	println!("{done} of the others were done before it");
	assert!(done < 40);
}
