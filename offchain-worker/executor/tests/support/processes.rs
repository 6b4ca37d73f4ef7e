//! What runs on this machine.

use std::process::Command;

/// All processes that `ancestor` started, and that those started: (process, command line).
pub(crate) fn descendants(ancestor: u32) -> Vec<(u32, String)> {
	let processes = Command::new("ps").args(["-eo", "pid=,ppid=,args="]).output().expect("ps");
	let text = String::from_utf8_lossy(&processes.stdout).into_owned();
	let processes: Vec<(u32, u32, &str)> = text
		.lines()
		.filter_map(|line| {
			let (pid, rest) = line.trim().split_once(' ')?;
			let (parent, args) = rest.trim().split_once(' ')?;
			Some((pid.parse().ok()?, parent.parse().ok()?, args))
		})
		.collect();
	let mut found: Vec<(u32, String)> = Vec::new();
	let mut parents = vec![ancestor];
	while let Some(parent) = parents.pop() {
		for (pid, _, args) in processes.iter().filter(|(_, of, _)| *of == parent) {
			found.push((*pid, (*args).to_owned()));
			parents.push(*pid);
		}
	}
	found
}
