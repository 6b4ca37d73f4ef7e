//! The same root, however a job is run.

use std::{collections::BTreeMap, fs};

use ogpu_compute::{Care, Units};
use ogpu_primitives::merkle::Hash;

use crate::case::{Case, How};

const PARALLEL: &str = r#"
version: "1"
profile: prelude-f32
program: {source: program.cl, prelude: dm-1}
buffers:
  out: {role: output, type: f32, len: 32768}
  sums: {role: output, type: f32, len: 512}
  scratch: {role: temp, type: f32, len: 32768}
steps:
  - {kernel: fill, args: [{buf: scratch}], global: [32768], local: [64]}
  - {kernel: reduce, args: [{buf: scratch}, {buf: out}, {buf: sums}, {local: f32, len: 64}], global: [32768], local: [64]}
unit: {groups: 8}
"#;

const PARALLEL_PROGRAM: &str = r"
__kernel void fill(__global float *scratch) {
	size_t i = get_global_id(0);
	scratch[i] = exp((float)(int)(i & 4095) * 0.01f - 20.0f) + (float)get_group_id(0) / (float)get_num_groups(0);
}
__kernel void reduce(__global const float *scratch, __global float *out, __global float *sums, __local float *shared) {
	size_t i = get_global_id(0);
	float sum = dm_group_sum(shared, scratch[i]);
	out[i] = scratch[i] / sum;
	if (get_local_id(0) == 0) sums[get_group_id(0)] = sum;
}
";

const ITERATIVE: &str = r#"
version: "1"
profile: fma-f32
program: {source: program.cl}
buffers:
  start: {role: input, type: f32, len: 256, source: start.bin}
  x: {role: state, type: f32, len: 256, source: start.bin}
  next: {role: temp, type: f32, len: 256}
  trace: {role: output, type: u32, len: 1}
steps:
  - {kernel: advance, args: [{buf: start}, {buf: x}, {buf: next}, {arg: t}], global: [256], local: [32]}
  - {kernel: keep, args: [{buf: next}, {buf: x}, {buf: trace}], global: [256], local: [32]}
iterations: {count: 60, checkpoint_every: 5, step_arg: t}
"#;

const ITERATIVE_PROGRAM: &str = r"
__kernel void advance(__global const float *start, __global const float *x, __global float *next, uint t) {
	uint i = (uint)get_global_id(0);
	float around = x[(i + 1u) & 255u] + x[(i + 255u) & 255u];
	next[i] = fma(around, 0.49f, start[(i + t) & 255u] * 0.02f);
}
__kernel void keep(__global const float *next, __global float *x, __global uint *trace) {
	uint i = (uint)get_global_id(0);
	x[i] = next[i];
	if (i == 0u) trace[0] = trace[0] + 1u;
}
";

fn iterative() -> Case {
	let start: Vec<u8> = (0..256u32).flat_map(|i| (i as f32 * 0.25 - 32.0).to_le_bytes()).collect();
	Case::new(ITERATIVE, ITERATIVE_PROGRAM, &[("start.bin", &start)])
}

fn leaves(case: &Case, how: How) -> BTreeMap<u32, Hash> {
	case.run(how).unwrap_or_else(|error| panic!("{error}")).leaves
}

#[test]
fn units_give_the_same_leaves_alone_together_and_by_any_number_of_threads() {
	let case = Case::new(PARALLEL, PARALLEL_PROGRAM, &[]);
	let whole = leaves(&case, case.how());
	assert_eq!(whole.len(), 64);
	assert_eq!(
		leaves(&case, How { care: Care::Alone, out: case.out("alone"), ..case.how() }),
		whole
	);
	assert_eq!(leaves(&case, How { threads: 1, out: case.out("one"), ..case.how() }), whole);
	for units in [vec![0], vec![63], vec![1, 2, 3, 40], (10..50).collect()] {
		let part = leaves(
			&case,
			How { units: Units::These(units.clone()), out: case.out("part"), ..case.how() },
		);
		let expected: BTreeMap<_, _> = units.iter().map(|unit| (*unit, whole[unit])).collect();
		assert_eq!(part, expected);
	}
}

#[test]
fn a_part_writes_only_its_slices() {
	let case = Case::new(PARALLEL, PARALLEL_PROGRAM, &[]);
	case.done();
	let whole = case.result("out");
	let units = Units::These(vec![3]);
	leaves(&case, How { units, out: case.out("part"), ..case.how() });
	let part = fs::read(case.out("part").join("out/out")).expect("a result");
	let slice = 3 * 2048..4 * 2048;
	assert_eq!(part[slice.clone()], whole[slice.clone()]);
	assert!(part[..slice.start].iter().chain(&part[slice.end..]).all(|byte| *byte == 0));
}

#[test]
fn a_job_goes_on_from_any_checkpoint() {
	let case = iterative();
	let whole = leaves(&case, case.how());
	assert_eq!(whole.len(), 12);
	for from in [1, 4, 11] {
		// Only the state before is there.
		let out = case.out(&format!("from-{from}"));
		let state = format!("state/{}", from - 1);
		fs::create_dir_all(out.join(&state)).expect("a folder");
		fs::copy(case.out("out").join(&state).join("x"), out.join(&state).join("x"))
			.expect("a checkpoint");
		let units: Vec<u32> = (from..12).collect();
		let rest = leaves(&case, How { units: Units::These(units), out, ..case.how() });
		assert!(rest.iter().all(|(unit, leaf)| whole[unit] == *leaf), "from {from}");
		assert_eq!(rest.len(), 12 - from as usize);
	}
}

#[test]
fn single_segments_can_be_recomputed() {
	let case = iterative();
	let whole = leaves(&case, case.how());
	let some = leaves(&case, How { units: Units::These(vec![0, 3, 4, 9]), ..case.how() });
	assert_eq!(some, [0, 3, 4, 9].into_iter().map(|unit| (unit, whole[&unit])).collect());
}

#[test]
fn an_iterative_result_equals_plain_rust_bit_for_bit() {
	let case = iterative();
	case.done();
	let start: Vec<f32> = (0..256).map(|i| i as f32 * 0.25 - 32.0).collect();
	let mut x = start.clone();
	for t in 0..60 {
		x = (0..256)
			.map(|i| {
				(x[(i + 1) & 255] + x[(i + 255) & 255]).mul_add(0.49, start[(i + t) & 255] * 0.02)
			})
			.collect();
	}
	let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
	assert_eq!(bits(&case.f32s("x")), bits(&x));
	assert_eq!(case.u32s("trace"), [5], "outputs start at zero in each segment");
}

#[test]
fn a_missing_checkpoint_is_this_machines_fault() {
	let case = iterative();
	let error =
		case.run(How { units: Units::These(vec![5]), ..case.how() }).expect_err("no checkpoint");
	assert!(error.to_string().contains("state/4/x"), "{error}");
	assert!(matches!(error, ogpu_worker::run::RunError::Host(_)));
}
