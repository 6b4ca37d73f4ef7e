/* What a device is worth. Each result depends on every operation, so that none can be left out. */
__kernel void integer(__global uint *out, uint rounds) {
	uint a = (uint)get_global_id(0) + 1u;
	uint b = a * 3u;
	uint c = a ^ 0x9e3779b9u;
	uint d = ~a;
	for (uint i = 0u; i < rounds; i++) {
		a = (a ^ d) * 1664525u + i;
		b = (b ^ c) * 22695477u + a;
		c = (c ^ b) + rotate(c, 7u);
		d = (d + c) ^ (d >> 3);
	}
	out[get_global_id(0)] = a ^ b ^ c ^ d;
}
