//! Manifests as people write them, right and wrong.

use std::fs;

use codec::{Decode, DecodeAll, Encode};
use ogpu_job::Manifest;
use ogpu_primitives::job::{Arg, Init, Job, Prelude, Profile, Role, Scalar, Shape};

const PROGRAM: (&str, &str) = ("program.cl", "__kernel void forward() {}\n");
const DATA: (&str, &str) = ("x.bin", "0123456789abcdef");

const ITERATIVE: &str = r#"version: "1"
metadata: {name: mlp-train}
profile: prelude-f32
program: {source: program.cl, prelude: dm-1}
buffers:
  x: {role: input,  type: f32, len: 4, source: x.bin}
  w: {role: state,  type: f32, len: 100352, init: zero}
  y: {role: output, type: f32, len: 65536}
steps:
  - {kernel: forward, args: [{buf: x}, {buf: w}, {buf: y}, {i32: 784}, {local: f32, len: 64}, {arg: t}], global: [65536], local: [64]}
iterations: {count: 1000, checkpoint_every: 50, step_arg: t}
resources: {memory: 512Mi, fp64: false}
timeouts: {build: 20s, step: 5s, total: 10m}
"#;

const PARALLEL: &str = r#"version: "1"
profile: exact-int
program: {source: program.cl}
buffers:
  x: {role: input, type: u8, len: 16, source: x.bin}
  y: {role: output, type: u32, len: 4096}
  z: {role: temp, type: u32, len: 1024}
steps:
  - {kernel: forward, args: [{buf: x}, {buf: z}], global: [64, 32], local: [8, 2]}
  - {kernel: forward, args: [{buf: z}, {buf: y}, {u64: 0xffffffffffffffff}], global: [16, 64], local: [16, 4]}
unit: {groups: 2}
"#;

fn read(text: &str) -> Result<Manifest, Vec<String>> {
	Manifest::embedded(text, &[PROGRAM, DATA])
		.map_err(|problems| problems.to_string().lines().map(str::to_owned).collect())
}

/// The problems of a manifest in which one piece of text was replaced.
#[track_caller]
fn wrong(base: &str, from: &str, to: &str) -> Vec<String> {
	assert!(base.contains(from), "{from} is in the manifest");
	read(&base.replacen(from, to, 1)).expect_err("a wrong manifest")
}

#[track_caller]
fn assert_told(base: &str, from: &str, to: &str, expected: &str) {
	let problems = wrong(base, from, to);
	assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:#?}");
}

#[test]
fn an_iterative_job() {
	let manifest = read(ITERATIVE).expect("a right manifest");
	let job = &manifest.job;
	assert_eq!((job.name.text().as_str(), job.profile), ("mlp-train", Profile::PreludeF32));
	assert_eq!(job.program.prelude, Some(Prelude::Dm1));
	assert_eq!(job.shape, Shape::Iterative { count: 1000, checkpoint_every: 50 });
	assert_eq!(job.steps[0].args[3], Arg::Scalar(Scalar::I32(784)));
	assert_eq!(job.steps[0].args[5], Arg::Iteration);
	assert_eq!(job.buffers[0].role, Role::Input);
	let Init::Blob(id) = job.buffers[0].init else { panic!("an input has a blob") };
	assert_eq!(manifest.files[&id].len, 16);
	assert_eq!(manifest.program, PROGRAM.1);
	assert_eq!((manifest.plan.units, manifest.plan.launches), (20, 1000));
	assert_eq!(manifest.plan.unit_bytes(), (100_352 + 65_536) * 4);
	assert_eq!(manifest.plan.memory, (4 + 100_352 + 65_536) * 4);
}

#[test]
fn a_data_parallel_job() {
	let manifest = read(PARALLEL).expect("a right manifest");
	assert_eq!((manifest.plan.units, manifest.plan.launches), (8, 16));
	assert_eq!(manifest.plan.unit_bytes(), 4096 * 4 / 8);
	assert_eq!(manifest.plan.temps[0].bytes, 1024 * 4 / 8);
	assert_eq!(manifest.plan.work_items, 64 * 32 + 16 * 64);
}

#[test]
fn the_hash_binds_everything_and_survives_encoding() {
	let job = read(PARALLEL).expect("a right manifest").job;
	assert_eq!(Job::decode_all(&mut job.encode().as_slice()), Ok(job.clone()));
	for (from, to) in [
		("len: 4096", "len: 8192"),
		("groups: 2", "groups: 4"),
		("0xffffffffffffffff", "1"),
		("  z:", "  q:"),
	] {
		let other = PARALLEL
			.replace(from, to)
			.replace("{buf: z}", if to == "  q:" { "{buf: q}" } else { "{buf: z}" });
		assert_ne!(read(&other).expect("a right manifest").job.hash(), job.hash(), "{to}");
	}
}

/// The job hash of a given job never changes: it names jobs on chain.
#[test]
fn the_encoding_is_fixed() {
	let hash: String = read(PARALLEL)
		.expect("a right manifest")
		.job
		.hash()
		.iter()
		.map(|byte| format!("{byte:02x}"))
		.collect();
	assert_eq!(hash, "bbb15df27f94dd79bcc1769960a0b3e2a9bb22a41dc60782e538f43b86add622");
}

#[test]
fn everything_wrong_is_told_at_once_with_line_and_field() {
	let text = ITERATIVE
		.replace("profile: prelude-f32", "profile: exactly")
		.replace("len: 100352", "len: many")
		.replace("total: 10m", "total: 10")
		.replace("  y: {role: output,", "  y: {role: result,");
	assert_eq!(
		read(&text).expect_err("four mistakes"),
		[
			"manifest:3:10: profile: \"exactly\" is not one of exact-int, fma-f32, prelude-f32, redundant",
			"manifest:7:37: buffers.w.len: \"many\" is not a number of elements",
			"manifest:8:13: buffers.y.role: \"result\" is not one of input, output, state, temp",
			"manifest:13:41: timeouts.total: \"10\" is not a time such as 20s or 500ms",
		]
	);
}

#[test]
fn every_field_is_checked() {
	let iterative = |from, to, expected| assert_told(ITERATIVE, from, to, expected);
	let parallel = |from, to, expected| assert_told(PARALLEL, from, to, expected);
	iterative("version: \"1\"", "version: \"2\"", "version: version 2 is not known");
	iterative("version: \"1\"\n", "", "version: this field is missing");
	iterative("mlp-train", "a name with spaces", "metadata.name: names have");
	iterative("prelude: dm-1", "prelude: dm-2", "program.prelude: \"dm-2\" is not one of dm-1");
	iterative(", prelude: dm-1", "", "needs a prelude");
	iterative("source: program.cl", "source: missing.cl", "program.source: missing.cl: ");
	iterative("source: x.bin", "source: y.bin", "buffers.x.source: y.bin: ");
	iterative("len: 4,", "len: 5,", "x.bin has 16 bytes; 5 elements of type f32 are 20");
	iterative("len: 65536}", "len: 0}", "buffers.y.len: 0 is too small");
	iterative("init: zero", "init: one", "buffers.w.init: \"one\" is not one of zero");
	iterative("init: zero", "init: zero, source: x.bin", "either a source or init");
	iterative(
		"  y: {role: output,",
		"  y-z: {role: output,",
		"there is no buffer y; there are x, w, y-z",
	);
	iterative("{buf: w}", "{buf: v}", "there is no buffer v");
	iterative("{buf: w}", "{buf: y}", "bound twice");
	iterative("{buf: w}, ", "", "buffers.w: no step uses this buffer");
	iterative("{i32: 784}", "{i32: 3000000000}", "is not a number of type i32");
	iterative("{i32: 784}", "{bool: 1}", "an argument is {buf: NAME}");
	iterative("{i32: 784}", "784", "an argument is {buf: NAME}");
	iterative("{arg: t}", "{arg: u}", "is not the name that iterations.step_arg gives");
	iterative("local: f32, len: 64", "local: f32, len: 64000", "steps[0].args");
	iterative("kernel: forward", "kernel: 2forward", "steps[0].kernel: names have");
	iterative("global: [65536]", "global: [65536, 1]", "different numbers of dimensions");
	iterative("global: [65536]", "global: [65537]", "no multiple of local size");
	iterative("global: [65536]", "global: [1, 1, 1, 1]", "1 to 3 dimensions, not 4");
	iterative("local: [64]", "local: [512]", "512 is too large");
	iterative("local: [64]", "local: [0]", "0 is too small");
	iterative("checkpoint_every: 50", "checkpoint_every: 51", "does not divide count");
	iterative("count: 1000", "count: 0", "iterations.count: 0 is too small");
	iterative("count: 1000", "count: 99999999", "too large");
	iterative("memory: 512Mi", "memory: 512", "resources.memory: the buffers take");
	iterative("memory: 512Mi", "memory: lots", "is not a size such as 512Mi");
	iterative("fp64: false", "fp64: maybe", "is not one of true, false");
	iterative("step: 5s", "step: 5h", "timeouts.step: 18000000 is too large");
	iterative("type: f32, len: 65536", "type: f64, len: 65536", "say so with resources.fp64: true");
	iterative("profile: prelude-f32", "profile: exact-int", "no floating point");
	iterative(
		"iterations:",
		"unit: {groups: 1}\niterations:",
		"either unit (data parallel) or iterations, not both",
	);
	iterative(
		"resources:",
		"resource:",
		"resource: there is no such field here; there are version, metadata",
	);
	iterative("role: state,", "role: temp,", "an iterative job needs a buffer with the role state");
	parallel("role: temp", "role: state", "a state belongs to an iterative job");
	parallel("groups: 2", "groups: 3", "do not fall into units of 3");
	parallel("groups: 2", "groups: 0", "unit.groups: 0 is too small");
	parallel("global: [64, 32]", "global: [64, 16]", "this step falls into");
	parallel("len: 4096", "len: 4097", "4097 elements do not divide among 8 units");
	parallel("unit: {groups: 2}\n", "", "needs either unit");
	parallel("type: u32, len: 4096", "type: u8, len: 16, source: x.bin", "start with zeros");
	parallel(", source: x.bin", "", "an input needs a source");
	parallel("  z: {", "  y: {", "the field y is here twice");
	parallel("{u64: 0xffffffffffffffff}", "{arg: t}", "is not the name");
}

#[test]
fn yaml_itself_is_bounded() {
	for (text, expected) in [
		(String::new(), "the manifest is empty"),
		("[1, 2".into(), "this is not YAML"),
		("a: &x 1\nb: *x\n".into(), "anchors and tags have no place"),
		("a: !!binary aGk=\n".into(), "anchors and tags have no place"),
		("a: 1\n---\nb: 2\n".into(), "there is a second one"),
		("[".repeat(100), "deep"),
		(format!("a: {}", "x".repeat(300_000)), "at most"),
		("just text".into(), "this is a map"),
		("? [a]\n: b\n".into(), "the name of a field is a word"),
	] {
		let problems = read(&text).expect_err("no manifest");
		assert!(
			problems.iter().any(|problem| problem.contains(expected)),
			"{expected}: {problems:?}"
		);
	}
}

#[test]
fn files_are_found_beside_the_manifest() {
	let folder = tempfile::tempdir().expect("a folder");
	let path = folder.path().join("job.yaml");
	let problems =
		|path: &std::path::Path| Manifest::load(path).expect_err("no manifest").to_string();
	assert!(problems(&path).contains("job.yaml: it cannot be read"));
	fs::write(&path, ITERATIVE).expect("a file");
	assert!(problems(&path).contains("program.source: program.cl: "));
	fs::write(folder.path().join(PROGRAM.0), PROGRAM.1).expect("a file");
	fs::write(folder.path().join(DATA.0), DATA.1).expect("a file");
	assert_eq!(Manifest::load(&path).map(|manifest| manifest.plan.units), Ok(20));
	fs::write(folder.path().join(PROGRAM.0), vec![b' '; 300_000]).expect("a file");
	assert!(problems(&path).contains("a program has at most 262144 bytes"));
	fs::write(folder.path().join(PROGRAM.0), [0xff, 0xfe]).expect("a file");
	assert!(problems(&path).contains("UTF-8"));
	fs::write(&path, [0xff, 0xfe]).expect("a file");
	assert!(problems(&path).contains("it is not UTF-8 text"));
	assert!(problems(folder.path()).contains("it cannot be read"));
}

/// Mutated manifests and encodings: every one is read or refused with a reason, and what is read has a
/// plan. `OGPU_FUZZ_CASES` sets how many; the gate runs a part, always the same.
#[test]
fn mutations_are_read_or_refused() {
	let cases: u64 = std::env::var("OGPU_FUZZ_CASES")
		.ok()
		.and_then(|cases| cases.parse().ok())
		.unwrap_or(20_000);
	let mut seed = 20_261_121u64;
	let mut random = |below: usize| {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		(seed % below.max(1) as u64) as usize
	};
	const PIECES: &[&str] = &[
		"0",
		"-1",
		"4294967296",
		"18446744073709551616",
		"1e9",
		"{",
		"}",
		"[",
		"]",
		":",
		",",
		"\n",
		"  ",
		"~",
		"null",
		"\"",
		"'",
		"&a",
		"*a",
		"!!int",
		"|",
		">",
		"#",
		"---",
		"...",
		"\t",
		"é",
		"\u{0}",
		"x",
		"f64",
		"temp",
		"state",
		"len: 1",
		"unit: {groups: 1}",
		"0x",
		"9999999999s",
	];
	let bases = [ITERATIVE, PARALLEL];
	let encodings = bases.map(|base| read(base).expect("a right manifest").job.encode());
	let (mut right, mut wrong) = (0u64, 0u64);
	for case in 0..cases {
		let mut text: Vec<char> = bases[case as usize % 2].chars().collect();
		for _ in 0..=random(4) {
			let at = random(text.len());
			match random(3) {
				0 => drop(text.drain(at..(at + random(12)).min(text.len()))),
				1 => drop(text.splice(at..at, PIECES[random(PIECES.len())].chars())),
				_ => {
					let end = (at + random(8)).min(text.len());
					drop(text.splice(at..end, PIECES[random(PIECES.len())].chars()));
				}
			}
		}
		let text: String = text.into_iter().collect();
		match Manifest::embedded(&text, &[PROGRAM, DATA]) {
			Ok(manifest) => {
				right += 1;
				assert_eq!(manifest.job.plan().as_ref(), Ok(&manifest.plan), "{text}");
			}
			Err(problems) => {
				wrong += 1;
				assert!(
					!problems.all.is_empty()
						&& problems.all.iter().all(|problem| !problem.message.is_empty()),
					"{text}"
				);
			}
		}
		let mut bytes = encodings[case as usize % 2].clone();
		for _ in 0..=random(3) {
			let at = random(bytes.len());
			bytes[at] = random(256) as u8;
		}
		if let Ok(job) = Job::decode(&mut bytes.as_slice()) {
			// Either is fine; that it comes back is what is tested.
			let _ = job.plan();
		}
	}
	println!("{cases} cases: {right} right, {wrong} wrong");
	assert!(wrong > right && right > 0);
}

/// Whoever recomputes a stranger's job has its SCALE form and blobs, and no manifest.
#[test]
fn a_job_comes_back_from_its_scale_form_and_its_blobs() {
	let manifest = read(ITERATIVE).expect("a right manifest");
	let folder = tempfile::tempdir().expect("a folder");
	let scale = folder.path().join("job.scale");
	std::fs::write(&scale, manifest.job.encode()).expect("a file");
	let missing = Manifest::unpacked(&scale, folder.path()).expect_err("there are no blobs");
	assert!(missing.to_string().contains("cannot be read"), "{missing}");

	let texts = [PROGRAM.1, DATA.1];
	let path = |text: &str| folder.path().join(blake3::hash(text.as_bytes()).to_string());
	for text in texts {
		std::fs::write(path(text), text).expect("a file");
	}
	let back = Manifest::unpacked(&scale, folder.path()).expect("it is whole");
	assert_eq!((&back.job, &back.plan), (&manifest.job, &manifest.plan));
	assert_eq!(back.program, manifest.program);

	std::fs::write(path(PROGRAM.1), "another").expect("a file");
	let wrong = Manifest::unpacked(&scale, folder.path()).expect_err("it is another program");
	assert!(wrong.to_string().contains("not what its name says"), "{wrong}");
	std::fs::write(&scale, b"nonsense").expect("a file");
	let wrong = Manifest::unpacked(&scale, folder.path()).expect_err("it is no job");
	assert!(wrong.to_string().contains("no job in SCALE"), "{wrong}");
}
