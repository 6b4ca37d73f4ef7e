/* SHA-256 of messages of twelve bytes: two words that are given, and a number. Each work-item tries a range
 * of numbers and keeps the one whose hash begins with the smallest word. */
__constant uint K[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define RIGHT(x, n) rotate(x, 32u - n)

/* The first word of the hash. */
static uint hash(uint first, uint second, uint number) {
	uint w[16] = {first, second, number, 0x80000000u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 96u};
	uint a = 0x6a09e667u, b = 0xbb67ae85u, c = 0x3c6ef372u, d = 0xa54ff53au;
	uint e = 0x510e527fu, f = 0x9b05688cu, g = 0x1f83d9abu, h = 0x5be0cd19u;
	for (uint i = 0u; i < 64u; i++) {
		if (i >= 16u) {
			uint x = w[(i + 1u) & 15u], y = w[(i + 14u) & 15u];
			w[i & 15u] += w[(i + 9u) & 15u] + (RIGHT(x, 7u) ^ RIGHT(x, 18u) ^ (x >> 3)) + (RIGHT(y, 17u) ^ RIGHT(y, 19u) ^ (y >> 10));
		}
		uint s = h + (RIGHT(e, 6u) ^ RIGHT(e, 11u) ^ RIGHT(e, 25u)) + bitselect(g, f, e) + K[i] + w[i & 15u];
		uint t = (RIGHT(a, 2u) ^ RIGHT(a, 13u) ^ RIGHT(a, 22u)) + bitselect(a, b, c ^ a);
		h = g;
		g = f;
		f = e;
		e = d + s;
		d = c;
		c = b;
		b = a;
		a = s + t;
	}
	return a + 0x6a09e667u;
}

__kernel void search(__global uint2 *best, uint first, uint second, uint tries) {
	uint at = (uint)get_global_id(0) * tries;
	uint2 found = (uint2)(0xffffffffu, at);
	for (uint number = at; number < at + tries; number++) {
		uint word = hash(first, second, number);
		if (word < found.x) found = (uint2)(word, number);
	}
	best[get_global_id(0)] = found;
}
