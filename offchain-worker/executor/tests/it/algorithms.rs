//! Algorithms of published suites, written anew, against plain Rust.

use std::collections::VecDeque;

use crate::case::{Case, Numbers, bytes};

fn bits(values: &[f32]) -> Vec<u32> {
	values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn gemm_by_tiles_in_local_memory() {
	const N: usize = 96;
	let mut numbers = Numbers(1);
	let a: Vec<f32> = (0..N * N).map(|_| numbers.float()).collect();
	let b: Vec<f32> = (0..N * N).map(|_| numbers.float()).collect();
	let case = Case::new(
		"version: \"1\"\nprofile: fma-f32\nprogram: {source: program.cl}\nbuffers:\n  \
		 a: {role: input, type: f32, len: 9216, source: a.bin}\n  b: {role: input, type: f32, len: 9216, source: b.bin}\n  \
		 c: {role: output, type: f32, len: 9216}\nsteps:\n  - {kernel: gemm, args: [{buf: a}, {buf: b}, {buf: c}, {i32: 96}], \
		 global: [96, 96], local: [16, 16]}\nunit: {groups: 1}\n",
		r"
#define TILE 16
__kernel void gemm(__global const float *a, __global const float *b, __global float *c, int n) {
	__local float ta[TILE][TILE], tb[TILE][TILE];
	int x = get_local_id(0), y = get_local_id(1);
	int column = get_group_id(0) * TILE + x, row = get_group_id(1) * TILE + y;
	float sum = 0.0f;
	for (int tile = 0; tile < n; tile += TILE) {
		ta[y][x] = a[row * n + tile + x];
		tb[y][x] = b[(tile + y) * n + column];
		barrier(CLK_LOCAL_MEM_FENCE);
		for (int k = 0; k < TILE; k++) sum = fma(ta[y][k], tb[k][x], sum);
		barrier(CLK_LOCAL_MEM_FENCE);
	}
	c[row * n + column] = sum;
}
",
		&[("a.bin", &bytes(&a, f32::to_le_bytes)), ("b.bin", &bytes(&b, f32::to_le_bytes))],
	);
	case.done();
	let mut expected = vec![0f32; N * N];
	for row in 0..N {
		for column in 0..N {
			expected[row * N + column] =
				(0..N).fold(0f32, |sum, k| a[row * N + k].mul_add(b[k * N + column], sum));
		}
	}
	assert_eq!(bits(&case.f32s("c")), bits(&expected));
}

#[test]
fn breadth_first_search_by_levels() {
	const NODES: u32 = 4096;
	let mut numbers = Numbers(2);
	let mut starts = vec![0u32];
	let mut edges = Vec::new();
	for _ in 0..NODES {
		edges.extend((0..numbers.below(5)).map(|_| numbers.below(NODES)));
		starts.push(edges.len() as u32);
	}
	let mut first = vec![-1i32; NODES as usize];
	first[0] = 0;
	let manifest = format!(
		"version: \"1\"\nprofile: exact-int\nprogram: {{source: program.cl}}\nbuffers:\n  \
		 starts: {{role: input, type: u32, len: {}, source: starts.bin}}\n  \
		 edges: {{role: input, type: u32, len: {}, source: edges.bin}}\n  \
		 level: {{role: state, type: i32, len: {NODES}, source: level.bin}}\nsteps:\n  \
		 - {{kernel: visit, args: [{{buf: starts}}, {{buf: edges}}, {{buf: level}}, {{arg: t}}], global: [{NODES}], local: [64]}}\n\
		 iterations: {{count: 64, checkpoint_every: 8, step_arg: t}}\n",
		starts.len(),
		edges.len(),
	);
	let program = r"
__kernel void visit(__global const uint *starts, __global const uint *edges, __global int *level, uint t) {
	uint node = (uint)get_global_id(0);
	if (level[node] != (int)t) return;
	for (uint e = starts[node]; e < starts[node + 1u]; e++) atomic_min((__global uint *)&level[edges[e]], t + 1u);
}
";
	let files = [
		("starts.bin", bytes(&starts, u32::to_le_bytes)),
		("edges.bin", bytes(&edges, u32::to_le_bytes)),
		("level.bin", bytes(&first, i32::to_le_bytes)),
	];
	let case = Case::new(
		&manifest,
		program,
		&files.each_ref().map(|(name, data)| (*name, data.as_slice())),
	);
	case.done();

	let mut expected = first;
	let mut open = VecDeque::from([0usize]);
	while let Some(node) = open.pop_front() {
		for edge in starts[node]..starts[node + 1] {
			let to = edges[edge as usize] as usize;
			if expected[to] < 0 {
				expected[to] = expected[node] + 1;
				open.push_back(to);
			}
		}
	}
	assert!(
		expected.iter().copied().max() < Some(64),
		"the graph is searched within the iterations"
	);
	assert_eq!(case.i32s("level"), expected);
}

#[test]
fn pathfinder_row_by_row() {
	const COLUMNS: usize = 1024;
	const ROWS: usize = 100;
	let mut numbers = Numbers(3);
	let wall: Vec<i32> = (0..ROWS * COLUMNS).map(|_| numbers.below(10) as i32).collect();
	let case = Case::new(
		"version: \"1\"\nprofile: exact-int\nprogram: {source: program.cl}\nbuffers:\n  \
		 wall: {role: input, type: i32, len: 102400, source: wall.bin}\n  cost: {role: state, type: i32, len: 1024}\n  \
		 next: {role: temp, type: i32, len: 1024}\nsteps:\n  \
		 - {kernel: row, args: [{buf: wall}, {buf: cost}, {buf: next}, {arg: t}, {i32: 0}], global: [1024], local: [64]}\n  \
		 - {kernel: row, args: [{buf: wall}, {buf: next}, {buf: cost}, {arg: t}, {i32: 1}], global: [1024], local: [64]}\n\
		 iterations: {count: 50, checkpoint_every: 10, step_arg: t}\n",
		r"
__kernel void row(__global const int *wall, __global const int *from, __global int *to, uint t, int second) {
	int n = (int)get_global_size(0);
	int x = (int)get_global_id(0);
	int least = from[x];
	if (x > 0) least = min(least, from[x - 1]);
	if (x < n - 1) least = min(least, from[x + 1]);
	to[x] = least + wall[((int)t * 2 + second) * n + x];
}
",
		&[("wall.bin", &bytes(&wall, i32::to_le_bytes))],
	);
	case.done();
	let mut cost = vec![0i32; COLUMNS];
	for t in 0..50 {
		for second in 0..2 {
			cost = (0..COLUMNS)
				.map(|x| {
					let around = &cost[x.saturating_sub(1)..(x + 2).min(COLUMNS)];
					around.iter().min().expect("itself") + wall[(t * 2 + second) * COLUMNS + x]
				})
				.collect();
		}
	}
	assert_eq!(case.i32s("cost"), cost);
}

#[test]
fn n_body_steps() {
	const BODIES: usize = 256;
	let mut numbers = Numbers(4);
	let bodies: Vec<f32> = (0..BODIES)
		.flat_map(|_| [numbers.float(), numbers.float(), numbers.float(), 0.01])
		.collect();
	let case = Case::new(
		"version: \"1\"\nprofile: prelude-f32\nprogram: {source: program.cl, prelude: dm-1}\nbuffers:\n  \
		 p: {role: state, type: f32, len: 1024, source: p.bin}\n  v: {role: state, type: f32, len: 1024}\n  \
		 q: {role: temp, type: f32, len: 1024}\nsteps:\n  \
		 - {kernel: move, args: [{buf: p}, {buf: v}, {buf: q}, {i32: 256}, {f32: 0.01}], global: [256], local: [64]}\n  \
		 - {kernel: take, args: [{buf: q}, {buf: p}], global: [256], local: [64]}\n\
		 iterations: {count: 12, checkpoint_every: 3}\n",
		r"
__kernel void move(__global const float4 *p, __global float4 *v, __global float4 *q, int n, float dt) {
	int i = get_global_id(0);
	float4 me = p[i];
	float ax = 0.0f, ay = 0.0f, az = 0.0f;
	for (int j = 0; j < n; j++) {
		float4 other = p[j];
		float dx = other.x - me.x, dy = other.y - me.y, dz = other.z - me.z;
		float r2 = fma(dx, dx, fma(dy, dy, fma(dz, dz, 0.0001f)));
		float r = rsqrt(r2);
		float s = other.w * (r * r * r);
		ax = fma(dx, s, ax);
		ay = fma(dy, s, ay);
		az = fma(dz, s, az);
	}
	float4 w = v[i];
	w.x = fma(ax, dt, w.x);
	w.y = fma(ay, dt, w.y);
	w.z = fma(az, dt, w.z);
	v[i] = w;
	q[i] = (float4)(fma(w.x, dt, me.x), fma(w.y, dt, me.y), fma(w.z, dt, me.z), me.w);
}
__kernel void take(__global const float4 *q, __global float4 *p) {
	p[get_global_id(0)] = q[get_global_id(0)];
}
",
		&[("p.bin", &bytes(&bodies, f32::to_le_bytes))],
	);
	case.done();
	let dt = 0.01f32;
	let mut p = bodies;
	let mut v = vec![0f32; BODIES * 4];
	for _ in 0..12 {
		let mut q = p.clone();
		for i in 0..BODIES {
			let mut a = [0f32; 3];
			for j in 0..BODIES {
				let d: [f32; 3] = std::array::from_fn(|k| p[j * 4 + k] - p[i * 4 + k]);
				let r2 = d[0].mul_add(d[0], d[1].mul_add(d[1], d[2].mul_add(d[2], 0.0001)));
				let r = 1.0 / r2.sqrt();
				let s = p[j * 4 + 3] * (r * r * r);
				for k in 0..3 {
					a[k] = d[k].mul_add(s, a[k]);
				}
			}
			for k in 0..3 {
				v[i * 4 + k] = a[k].mul_add(dt, v[i * 4 + k]);
				q[i * 4 + k] = v[i * 4 + k].mul_add(dt, p[i * 4 + k]);
			}
		}
		p = q;
	}
	assert_eq!((bits(&case.f32s("p")), bits(&case.f32s("v"))), (bits(&p), bits(&v)));
}

#[test]
fn transpose_through_local_memory() {
	let source: Vec<u32> = (0..128 * 64).collect();
	let case = Case::new(
		"version: \"1\"\nprofile: exact-int\nprogram: {source: program.cl}\nbuffers:\n  \
		 from: {role: input, type: u32, len: 8192, source: from.bin}\n  to: {role: output, type: u32, len: 8192}\nsteps:\n  \
		 - {kernel: transpose, args: [{buf: from}, {buf: to}, {u32: 128}, {u32: 64}], global: [64, 128], local: [16, 16]}\n\
		 unit: {groups: 1}\n",
		r"
/* Groups go over the result, so that a row of groups writes whole rows: a unit's slice. */
__kernel void transpose(__global const uint *from, __global uint *to, uint columns, uint rows) {
	__local uint tile[16][17];
	uint x = (uint)get_local_id(0), y = (uint)get_local_id(1);
	uint r0 = (uint)get_group_id(0) * 16u, c0 = (uint)get_group_id(1) * 16u;
	tile[y][x] = from[(r0 + y) * columns + c0 + x];
	barrier(CLK_LOCAL_MEM_FENCE);
	to[(c0 + y) * rows + r0 + x] = tile[x][y];
}
",
		&[("from.bin", &bytes(&source, u32::to_le_bytes))],
	);
	case.done();
	let expected: Vec<u32> =
		(0..128).flat_map(|column| (0..64).map(move |row| row * 128 + column)).collect();
	assert_eq!(case.u32s("to"), expected);
}

#[test]
fn k_means_with_a_fixed_order_of_sums() {
	const POINTS: usize = 2048;
	const MEANS: usize = 8;
	let mut numbers = Numbers(5);
	let points: Vec<f32> = (0..POINTS * 2).map(|_| numbers.float()).collect();
	let case = Case::new(
		"version: \"1\"\nprofile: fma-f32\nprogram: {source: program.cl}\nbuffers:\n  \
		 points: {role: input, type: f32, len: 4096, source: points.bin}\n  \
		 means: {role: state, type: f32, len: 16, source: means.bin}\n  nearest: {role: output, type: u32, len: 2048}\nsteps:\n  \
		 - {kernel: assign, args: [{buf: points}, {buf: means}, {buf: nearest}], global: [2048], local: [64]}\n  \
		 - {kernel: update, args: [{buf: points}, {buf: nearest}, {buf: means}, {u32: 2048}], global: [8], local: [8]}\n\
		 iterations: {count: 10, checkpoint_every: 2}\n",
		r"
__kernel void assign(__global const float2 *points, __global const float2 *means, __global uint *nearest) {
	size_t i = get_global_id(0);
	float2 p = points[i];
	uint best = 0u;
	float least = INFINITY;
	for (uint m = 0u; m < 8u; m++) {
		float dx = p.x - means[m].x, dy = p.y - means[m].y;
		float d = fma(dx, dx, dy * dy);
		if (d < least) { least = d; best = m; }
	}
	nearest[i] = best;
}
__kernel void update(__global const float2 *points, __global const uint *nearest, __global float2 *means, uint n) {
	uint m = (uint)get_global_id(0);
	float2 sum = (float2)(0.0f, 0.0f);
	uint count = 0u;
	for (uint i = 0u; i < n; i++) {
		if (nearest[i] == m) { sum = sum + points[i]; count++; }
	}
	if (count > 0u) means[m] = sum / (float)count;
}
",
		&[
			("points.bin", &bytes(&points, f32::to_le_bytes)),
			("means.bin", &bytes(&points[..MEANS * 2], f32::to_le_bytes)),
		],
	);
	case.done();
	let mut means = points[..MEANS * 2].to_vec();
	let mut nearest = vec![0u32; POINTS];
	for _ in 0..10 {
		for i in 0..POINTS {
			let mut least = f32::INFINITY;
			for m in 0..MEANS {
				let (dx, dy) = (points[i * 2] - means[m * 2], points[i * 2 + 1] - means[m * 2 + 1]);
				let d = dx.mul_add(dx, dy * dy);
				if d < least {
					(least, nearest[i]) = (d, m as u32);
				}
			}
		}
		for m in 0..MEANS {
			let (mut x, mut y, mut count) = (0f32, 0f32, 0u32);
			for i in (0..POINTS).filter(|i| nearest[*i] == m as u32) {
				(x, y, count) = (x + points[i * 2], y + points[i * 2 + 1], count + 1);
			}
			if count > 0 {
				(means[m * 2], means[m * 2 + 1]) = (x / count as f32, y / count as f32);
			}
		}
	}
	assert_eq!((case.u32s("nearest"), bits(&case.f32s("means"))), (nearest, bits(&means)));
}

/// SHA-256 of single-block messages; the digests are checked against published values.
#[test]
fn sha_256_of_known_messages() {
	let messages: [&[u8]; 4] = [b"", b"abc", b"message digest", b"abcdefghijklmnopqrstuvwxyz"];
	let mut blocks = Vec::new();
	for message in messages {
		let mut block = message.to_vec();
		block.push(0x80);
		block.resize(56, 0);
		block.extend((message.len() as u64 * 8).to_be_bytes());
		blocks.extend(
			block.chunks(4).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]])),
		);
	}
	let case = Case::new(
		"version: \"1\"\nprofile: exact-int\nprogram: {source: program.cl}\nbuffers:\n  \
		 blocks: {role: input, type: u32, len: 64, source: blocks.bin}\n  digests: {role: output, type: u32, len: 32}\nsteps:\n  \
		 - {kernel: sha256, args: [{buf: blocks}, {buf: digests}], global: [4], local: [1]}\nunit: {groups: 1}\n",
		include_str!("programs/sha256.cl"),
		&[("blocks.bin", &bytes(&blocks, u32::to_le_bytes))],
	);
	case.done();
	let digests: Vec<String> = case
		.u32s("digests")
		.chunks(8)
		.map(|words| words.iter().map(|word| format!("{word:08x}")).collect())
		.collect();
	assert_eq!(
		digests,
		[
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			"f7846f55cf23e14eebeab5b4e1550cad5b509e3348fbc4efa3a1413d393cb650",
			"71c480df93d6ae2f1efad1447c66c9525e316218cf51fc8d9ed832f2daf18b73",
		]
	);
}
