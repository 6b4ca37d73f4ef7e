/* What a device is worth. Each result depends on every operation, so that none can be left out. */
__kernel void floating(__global uint *out, uint rounds) {
	float4 a = (float4)(0.25f, 0.5f, 0.75f, 1.0f) + (float)(get_global_id(0) & 1023u) * 0.0009765625f;
	float4 b = a * 0.5f;
	float4 s = (float4)(0.999f, 0.998f, 0.997f, 0.996f);
	for (uint i = 0u; i < rounds; i++) {
		a = fma(a, s, b);
		b = fma(b, s, -a * 0.001f);
	}
	float4 r = a + b;
	out[get_global_id(0)] = as_uint(r.x) ^ as_uint(r.y) ^ as_uint(r.z) ^ as_uint(r.w);
}
