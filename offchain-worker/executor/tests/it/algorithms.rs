//! Algorithms of published suites, written anew, against plain Rust. More of them are among the examples:
//! matrix product, n-body, k-means.

use std::collections::VecDeque;

use crate::case::{Case, Numbers, bytes};

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
