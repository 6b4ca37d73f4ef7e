/* Integers in every way that devices have got wrong: 64-bit products, signed shifts and divisions, rotations,
   local memory behind a barrier, and ids of a launch that holds only some groups. */
__kernel void scramble(__global const uint *seed, __global uint *out, uint rounds) {
	__local uint shared[64];
	uint id = (uint)get_global_id(0);
	uint here = (uint)get_local_id(0);
	uint a = seed[id & 255u] ^ (id * 2654435761u);
	ulong b = ((ulong)a << 32) | (ulong)(id + 1u);
	for (uint i = 0u; i < rounds; i++) {
		b = b * 6364136223846793005ul + 1442695040888963407ul;
		a = rotate(a, 5u) ^ (uint)(b >> 33);
		int s = (int)a;
		a += (uint)((s >> 3) + s / (int)(i + 3u) - s % (int)(i * 2u + 5u));
		a ^= mul_hi(a, (uint)b) + clz(a | 1u) + popcount((uint)(b >> 7));
	}
	shared[here] = a;
	barrier(CLK_LOCAL_MEM_FENCE);
	a += shared[(here + 1u) & 63u] * 31u;
	a ^= (uint)get_group_id(0) * 97u + (uint)get_num_groups(0) + (uint)get_global_size(0);
	out[id] = a + (uint)(b ^ (b >> 32));
}
