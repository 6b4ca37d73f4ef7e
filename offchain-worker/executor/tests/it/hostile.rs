//! Strangers' kernels on a device: each ends, says why, and harms nobody.

use std::{
	fs,
	path::PathBuf,
	process::{Command, Stdio},
	time::{Duration, Instant},
};

use ogpu_compute::{Care, JobFault, Units};
use ogpu_worker::run::RunError;

use crate::{
	case::{Case, How, bytes},
	processes::descendants,
};

/// Another job gives the right result, before and after.
fn assert_alive() {
	let case = Case::simple(
		"__kernel void f(__global uint *out) { out[get_global_id(0)] = (uint)get_global_id(0) * 3u; }",
	);
	case.done();
	assert_eq!(case.u32s("out"), (0..1024).map(|i| i * 3).collect::<Vec<_>>());
}

fn fault_of(case: &Case) -> RunError {
	let error = case.run(case.how()).expect_err("a hostile kernel");
	assert_alive();
	error
}

fn assert_no_process_left(case: &Case) {
	let folder = case.out("out").display().to_string();
	let processes = Command::new("ps").args(["-eo", "args"]).output().expect("ps");
	assert!(
		!String::from_utf8_lossy(&processes.stdout).contains(&folder),
		"a process of {folder} is left"
	);
}

#[test]
fn endless_loops_are_killed() {
	for program in [
		"__kernel void f(__global uint *out) { for (;;) out[get_global_id(0)] += 1u; }",
		"__kernel void f(__global uint *out) { while (get_global_id(0) == 7u) out[7] += 1u; }",
	] {
		let case = Case::simple(program);
		let started = Instant::now();
		let error = fault_of(&case);
		assert!(
			matches!(&error, RunError::TooSlow(why) if why.contains("a kernel launch took longer")),
			"{error}"
		);
		assert!(started.elapsed().as_secs() < 40);
		assert_no_process_left(&case);
	}
}

#[test]
fn writes_past_the_ends_are_found() {
	for program in [
		"__kernel void f(__global uint *out) { out[get_global_id(0)] = 1u; if (get_global_id(0) == 5u) out[1030] = 1u; }",
		"__kernel void f(__global uint *out) { out[get_global_id(0)] = 1u; if (get_global_id(0) == 5u) out[-3] = 1u; }",
	] {
		let error = fault_of(&Case::simple(program));
		assert_eq!(error, RunError::Job(JobFault::OutOfBounds("out".into())));
	}
}

#[test]
fn writes_far_outside_end_the_child_only() {
	let case = Case::simple(
		"__kernel void f(__global uint *out) { out[get_global_id(0) * 0x10000000ul] = 1u; }",
	);
	let error = fault_of(&case);
	assert!(matches!(error, RunError::Host(_) | RunError::Job(_)), "{error}");
	assert_no_process_left(&case);
}

#[test]
fn division_by_zero_ends_the_child_only() {
	let case = Case::simple(
		"__kernel void f(__global uint *out) { out[get_global_id(0)] = 7u / out[get_global_id(0)]; }",
	);
	match case.run(case.how()) {
		// Some processors trap, others give a number.
		Ok(_) => {}
		Err(error) => assert!(
			matches!(&error, RunError::Host(why) if why.contains("division by zero")),
			"{error}"
		),
	}
	assert_alive();
}

#[test]
fn units_that_write_to_others_are_found() {
	// Forwards, backwards, and within one launch.
	for offset in ["(id + 64u) & 1023u", "(id + 960u) & 1023u"] {
		let program = format!(
			"__kernel void f(__global uint *out) {{ uint id = (uint)get_global_id(0); out[id] = id; out[{offset}] = id; }}"
		);
		let case = Case::simple(&program);
		let alone =
			case.run(How { care: Care::Alone, ..case.how() }).expect_err("a hostile kernel");
		assert!(matches!(alone, RunError::Job(JobFault::OutOfUnit { .. })), "{alone}");
		let one = How { units: Units::These(vec![3]), out: case.out("one"), ..case.how() };
		let one = case.run(one).expect_err("a hostile kernel");
		assert_eq!(one, RunError::Job(JobFault::OutOfUnit { buffer: "out".into(), unit: Some(3) }));
		assert!(matches!(fault_of(&case), RunError::Job(_)));
	}
}

#[test]
fn units_that_read_others_are_found_or_harmless() {
	// What a unit sees of others is the same whether they have run or not.
	let case = Case::simple(
		"__kernel void f(__global uint *out) { uint id = (uint)get_global_id(0); out[id] = out[(id + 64u) & 1023u] + 1u; }",
	);
	let alone = case.run(How { care: Care::Alone, ..case.how() }).expect("no write outside").leaves;
	for (name, units) in [("0", vec![0, 1, 2]), ("1", vec![15])] {
		let some = case.run(How {
			units: Units::These(units.clone()),
			care: Care::Alone,
			out: case.out(name),
			..case.how()
		});
		assert!(
			some.expect("no write outside").leaves.iter().all(|(unit, leaf)| alone[unit] == *leaf)
		);
	}
}

#[test]
fn inputs_cannot_be_changed() {
	let input: Vec<u32> = (0..64).collect();
	let case = Case::new(
		"version: \"1\"\nprofile: exact-int\nprogram: {source: program.cl}\nbuffers:\n  \
		 in: {role: input, type: u32, len: 64, source: in.bin}\n  out: {role: output, type: u32, len: 64}\nsteps:\n  \
		 - {kernel: f, args: [{buf: in}, {buf: out}], global: [64], local: [16]}\nunit: {groups: 1}\n",
		"__kernel void f(__global uint *in, __global uint *out) { size_t i = get_global_id(0); out[i] = in[i]; in[i] = 0u; }",
		&[("in.bin", &bytes(&input, u32::to_le_bytes))],
	);
	assert_eq!(fault_of(&case), RunError::Job(JobFault::InputWritten("in".into())));
	let file = &case.manifest.files.values().next().expect("an input").path;
	assert_eq!(fs::read(file).expect("the input"), bytes(&input, u32::to_le_bytes));
}

#[test]
fn nan_payloads_do_not_reach_the_hash() {
	let manifest = "version: \"1\"\nprofile: fma-f32\nprogram: {source: program.cl}\nbuffers:\n  \
		 out: {role: output, type: f32, len: 64}\nsteps:\n  - {kernel: f, args: [{buf: out}, {u32: PAYLOAD}], global: [64], local: [16]}\n\
		 unit: {groups: 1}\n";
	let program =
		"__kernel void f(__global float *out, uint nan) { out[get_global_id(0)] = as_float(nan); }";
	let leaves = ["0x7fc00000", "0xffc00001", "0x7f800001"].map(|payload| {
		let case = Case::new(&manifest.replace("PAYLOAD", payload), program, &[]);
		let leaves = case.done().leaves;
		assert!(case.u32s("out").iter().all(|bits| *bits == 0x7fc0_0000));
		leaves
	});
	assert!(leaves[0] == leaves[1] && leaves[1] == leaves[2]);
}

#[test]
fn memory_is_kept_to_what_was_declared() {
	// More than any machine of today has: refused before anything runs, or when it is allocated.
	let case = Case::new(
		"version: \"1\"\nprofile: exact-int\nprogram: {source: program.cl}\nbuffers:\n  \
		 out: {role: output, type: u64, len: 68719476736}\nsteps:\n  \
		 - {kernel: f, args: [{buf: out}], global: [1024], local: [16]}\nunit: {groups: 4}\n",
		"__kernel void f(__global ulong *out) { out[get_global_id(0)] = 1ul; }",
		&[],
	);
	assert!(ogpu_worker::devices::misfit(crate::case::device(), &case.manifest.job).is_some());
	assert!(matches!(fault_of(&case), RunError::Host(_)));
}

#[test]
fn a_poisoned_cache_is_never_read() {
	let case = Case::simple("__kernel void f(__global uint *out) { out[get_global_id(0)] = 5u; }");
	let root = case.root();
	// Every file that the driver compiled is replaced by nonsense; another job must not meet it.
	let mut spoilt = 0;
	let mut folders = vec![case.out("out").join("cache")];
	while let Some(folder) = folders.pop() {
		for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
			if entry.path().is_dir() {
				folders.push(entry.path());
			} else {
				fs::write(entry.path(), "nonsense").expect("a file");
				spoilt += 1;
			}
		}
	}
	assert!(spoilt > 0, "this driver keeps a cache in the job's folder");
	assert_eq!(
		case.run(How { out: case.out("other"), ..case.how() })
			.expect("a run")
			.tree(&case.manifest.plan)
			.expect("all")
			.root(),
		root
	);
}

#[test]
fn unroll_bombs_end_the_child_only() {
	// Each loop is within what the gate admits; a device's compiler may make one of all of them.
	let loops = |depth: usize| -> String {
		(0..depth)
			.map(|i| format!("#pragma unroll 64\nfor (uint i{i} = 0u; i{i} < 64u; i{i}++)\n"))
			.collect()
	};
	let case = Case::simple(&format!(
		"__kernel void f(__global uint *out) {{\nuint id = (uint)get_global_id(0), x = 1u;\n{}x = x * 3u + (i0 ^ i1 ^ i2 ^ i3);\nout[id] = x;\n}}\n",
		loops(4)
	));
	let started = Instant::now();
	match case.run(case.how()) {
		// Some compilers keep within bounds of their own.
		Ok(_) | Err(RunError::Host(_) | RunError::TooSlow(_)) => {}
		Err(error) => panic!("{error}"),
	}
	assert!(started.elapsed().as_secs() < 60);
	assert_no_process_left(&case);
	assert_alive();
}

#[test]
fn a_killed_executor_leaves_no_process() {
	let case = Case::simple(
		"__kernel void f(__global uint *out) { for (;;) out[get_global_id(0)] += 1u; }",
	);
	let mut worker = Command::new(env!("CARGO_BIN_EXE_ogpu-worker"))
		.arg("run")
		.arg(case.out("job.yaml"))
		.arg("--out")
		.arg(case.out("out"))
		.stdout(Stdio::null())
		.stderr(Stdio::null())
		.spawn()
		.expect("ogpu-worker");
	// Devices are listed by a child as well, in a folder of its own, before the run has its child.
	let folder = case.out("out").display().to_string();
	let started = until("the run has a child", || {
		let started = descendants(worker.id());
		let caged = started.iter().any(|(_, args)| args.contains(&folder));
		let computes = started.iter().any(|(_, args)| !args.contains("ogpu-cage"));
		(caged && computes).then_some(started)
	});
	worker.kill().expect("SIGKILL");
	worker.wait().expect("it ends");
	let gone = |pid: &u32| !PathBuf::from(format!("/proc/{pid}")).exists();
	until("no process is left", || started.iter().all(|(pid, _)| gone(pid)).then_some(()));
}

/// Waits until there is something to see, and gives what was seen: a second look may see something else.
fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
	let started = Instant::now();
	while started.elapsed().as_secs() < 60 {
		if let Some(seen) = look() {
			return seen;
		}
		std::thread::sleep(Duration::from_millis(20));
	}
	panic!("not within a minute: {what}");
}
