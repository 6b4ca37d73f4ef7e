/* What a device can do in a minute. All of it depends on a seed that nobody knew before, and each result on every
 * operation: none can be left out, done beforehand, or done for many at once, since every round mixes what is linear with
 * what is not. */
__kernel void trial(__global uint *out, uint s0, uint s1, uint s2, uint s3, uint rounds) {
	uint a = (uint)get_global_id(0) * 2654435761u ^ s0;
	uint b = a * 3u + s1;
	uint c = a ^ s2;
	uint d = ~a + s3;
	for (uint i = 0u; i < rounds; i++) {
		a = (a ^ d) * 1664525u + i;
		b = (b ^ c) * 22695477u + a;
		c = (c ^ b) + rotate(c, 7u);
		d = (d + c) ^ (d >> 3);
	}
	out[get_global_id(0)] = a ^ b ^ c ^ d;
}
