//! What a caged program can and cannot do, tried with the system's own tools.

use std::{
	fs,
	path::Path,
	process::Command,
	time::{Duration, Instant},
};

use ogpu_sandbox::{Cage, Ended, Output, Policy};

fn caged(policy: Policy, script: &str, seconds: u64) -> Output {
	let cage = Path::new(env!("CARGO_BIN_EXE_ogpu-cage"));
	let env = [("PATH", "/usr/bin:/bin".as_ref())];
	Cage::start(cage, &policy, Path::new("/usr/bin/env"), &["sh", "-c", script], &env)
		.and_then(|cage| cage.wait_with_output(Duration::from_secs(seconds), 4096))
		.unwrap_or_else(|error| panic!("{error}"))
}

fn run(script: &str) -> (Output, tempfile::TempDir) {
	let folder = tempfile::tempdir().expect("a folder");
	(caged(Policy { folder: folder.path().to_owned(), ..Policy::default() }, script, 20), folder)
}

fn text(output: &Output) -> String {
	format!("{}{}", String::from_utf8_lossy(&output.stdout), output.stderr)
}

#[test]
fn it_runs_in_its_folder_and_may_write_there() {
	let (output, folder) = run("echo hello > here && cat here && pwd");
	assert_eq!(output.ended, Ended::Exited(0), "{}", text(&output));
	assert!(text(&output).starts_with("hello\n"));
	assert_eq!(fs::read_to_string(folder.path().join("here")).expect("a file"), "hello\n");
}

#[test]
fn files_outside_can_neither_be_read_nor_written_nor_cut() {
	let outside = tempfile::tempdir().expect("a folder");
	let secret = outside.path().join("secret");
	fs::write(&secret, "secret").expect("a file");
	let path = secret.display();
	for script in [
		format!("cat {path}"),
		format!("echo x > {path}"),
		format!("truncate -s 0 {path}"),
		format!("rm {path}"),
		format!("chmod 666 {path}"),
		format!("touch -d 2001-01-01 {path}"),
		format!("perl -e 'chown 1, 1, qq({path}) or die $!'"),
		format!("ln {path} here && cat here"),
		"cat /etc/passwd".into(),
		"ls /root /home".into(),
		"ls /tmp".into(),
		"cat /proc/1/environ /proc/2/environ; ls /proc/self/root/etc/ssh".into(),
	] {
		let (output, _folder) = run(&script);
		assert_ne!(output.ended, Ended::Exited(0), "{script}: {}", text(&output));
		assert!(!text(&output).contains("root:x"), "{script}: {}", text(&output));
		assert_eq!(fs::read_to_string(&secret).expect("it is there"), "secret", "{script}");
	}
}

#[test]
fn what_the_policy_names_can_be_read_and_not_written() {
	let outside = tempfile::tempdir().expect("a folder");
	let input = outside.path().join("input");
	fs::write(&input, "input").expect("a file");
	let folder = tempfile::tempdir().expect("a folder");
	let policy = || Policy {
		folder: folder.path().to_owned(),
		read: vec![input.clone()],
		..Policy::default()
	};
	let output = caged(policy(), &format!("cat {}", input.display()), 20);
	assert_eq!((output.ended, text(&output)), (Ended::Exited(0), "input".into()));
	let output = caged(policy(), &format!("echo x > {}", input.display()), 20);
	assert_ne!(output.ended, Ended::Exited(0));
}

#[test]
fn open_files_are_not_inherited() {
	let outside = tempfile::tempdir().expect("a folder");
	let secret = outside.path().join("secret");
	fs::write(&secret, "secret").expect("a file");
	// A shell between this test and the cage holds the file open as descriptor 9.
	let folder = tempfile::tempdir().expect("a folder");
	let output = Command::new("sh")
		.args([
			"-c",
			&format!("exec 9<{} && exec \"$0\" \"$@\"", secret.display()),
			env!("CARGO_BIN_EXE_ogpu-cage"),
		])
		.args([
			"--folder",
			&folder.path().display().to_string(),
			"--",
			"/usr/bin/env",
			"sh",
			"-c",
			"cat <&9",
		])
		.output()
		.expect("sh");
	assert!(!output.status.success());
	assert!(!String::from_utf8_lossy(&output.stdout).contains("secret"));
}

#[test]
fn there_is_no_network() {
	let (output, _folder) = run(
		"perl -MSocket -e 'socket(my $s, PF_INET, SOCK_STREAM, 0) or die qq(no socket: $!\\n)'",
	);
	assert_ne!(output.ended, Ended::Exited(0));
	assert!(text(&output).contains("Operation not permitted"), "{}", text(&output));
}

#[test]
fn other_processes_cannot_be_seen_or_killed() {
	let mut other = Command::new("sleep").arg("60").spawn().expect("sleep");
	let (output, _folder) = run(&format!("kill -9 {}", other.id()));
	assert_ne!(output.ended, Ended::Exited(0), "{}", text(&output));
	assert!(other.try_wait().expect("a child").is_none(), "the other process lives");
	other.kill().expect("a child");
	other.wait().expect("a child");
}

#[test]
fn more_namespaces_cannot_be_made() {
	// By unshare, by clone (56 on x86-64), and by clone3, which is not there for it.
	for script in
		["unshare -U true", "perl -e 'exit(syscall(56, 0x10000000 | 17, 0, 0, 0, 0) < 0 ? 1 : 0)'"]
	{
		let (output, _folder) = run(script);
		assert_ne!(output.ended, Ended::Exited(0), "{script}: {}", text(&output));
	}
}

#[test]
fn limits_hold() {
	let folder = tempfile::tempdir().expect("a folder");
	let policy = |cpu_seconds, file_size, memory| Policy {
		folder: folder.path().to_owned(),
		cpu_seconds,
		file_size,
		memory,
		..Policy::default()
	};
	let started = Instant::now();
	let output = caged(policy(1, 1 << 20, 1 << 30), "while :; do :; done", 20);
	assert!(matches!(output.ended, Ended::Signalled(_)), "{:?}", output.ended);
	assert!(started.elapsed() < Duration::from_secs(10));
	let output = caged(policy(20, 1 << 20, 1 << 30), "head -c 5000000 /dev/zero > big", 20);
	assert_ne!(output.ended, Ended::Exited(0));
	assert!(fs::metadata(folder.path().join("big")).expect("a file").len() <= 1 << 20);
	let output = caged(policy(20, 1 << 20, 1 << 30), "perl -e '$x = \"a\" x (3 << 30)'", 20);
	assert_ne!(output.ended, Ended::Exited(0));
}

#[test]
fn the_clock_and_the_output_are_bounded() {
	let folder = tempfile::tempdir().expect("a folder");
	let policy = || Policy { folder: folder.path().to_owned(), ..Policy::default() };
	let started = Instant::now();
	assert_eq!(caged(policy(), "sleep 60", 1).ended, Ended::Killed);
	assert!(started.elapsed() < Duration::from_secs(10));
	let output = caged(policy(), "yes", 20);
	assert_eq!((output.ended, output.stdout.len()), (Ended::Killed, 4096));
}

#[test]
fn dropping_the_cage_ends_everything_in_it() {
	let folder = tempfile::tempdir().expect("a folder");
	let policy = Policy { folder: folder.path().to_owned(), ..Policy::default() };
	// Far from 60, so that no other test's sleep is meant.
	let script = "(sleep 4711 &) ; (sh -c 'sleep 4711' &) ; touch started; sleep 4711";
	let cage = Path::new(env!("CARGO_BIN_EXE_ogpu-cage"));
	let env = [("PATH", "/usr/bin:/bin".as_ref())];
	let cage = Cage::start(cage, &policy, Path::new("/usr/bin/env"), &["sh", "-c", script], &env)
		.expect("a cage");
	let sleeping = || {
		let all = Command::new("ps").args(["-eo", "args"]).output().expect("ps");
		String::from_utf8_lossy(&all.stdout).lines().filter(|line| *line == "sleep 4711").count()
	};
	let started = Instant::now();
	while !folder.path().join("started").exists() || sleeping() < 3 {
		assert!(started.elapsed() < Duration::from_secs(10), "{} sleep", sleeping());
		std::thread::sleep(Duration::from_millis(20));
	}
	drop(cage);
	let started = Instant::now();
	while sleeping() > 0 {
		assert!(started.elapsed() < Duration::from_secs(10), "{} still sleep", sleeping());
		std::thread::sleep(Duration::from_millis(20));
	}
}

#[test]
fn a_program_that_is_not_there_is_told() {
	let folder = tempfile::tempdir().expect("a folder");
	let policy = Policy { folder: folder.path().to_owned(), ..Policy::default() };
	let cage = Path::new(env!("CARGO_BIN_EXE_ogpu-cage"));
	let output = Cage::start(cage, &policy, Path::new("/usr/bin/no-such-program"), &[], &[])
		.and_then(|cage| cage.wait_with_output(Duration::from_secs(10), 4096))
		.expect("a cage");
	assert_eq!(output.ended, Ended::Exited(121));
	assert!(output.stderr.contains("no-such-program"), "{}", output.stderr);
	assert!(Cage::start(Path::new("/no/cage"), &policy, Path::new("/bin/true"), &[], &[]).is_err());
}
