/* Floating point in every way that devices have got wrong: contraction, division, square roots, subnormal
   numbers, conversions, the functions of the prelude, and a sum over a group. Inputs are bit patterns from all
   over the range. Results are hashed as bits, with one pattern for NaN. */
static uint bits_of(float x) {
	return x != x ? 0x7fc00000u : as_uint(x);
}

static uint fold(uint hash, float x) {
	return (rotate(hash, 9u) ^ bits_of(x)) * 2654435761u;
}

__kernel void probe(__global uint *out) {
	__local float scratch[64];
	uint id = (uint)get_global_id(0);
	float x = as_float(id * 65537u);
	float y = as_float(id * 2246822519u + 3266489917u);
	float near = (float)(int)(id - 32768u) * 0.0009765625f;
	uint hash = fold(id, x * y + near);
	hash = fold(hash, fma(x, near, y));
	hash = fold(hash, x / y);
	hash = fold(hash, sqrt(x));
	hash = fold(hash, x * 0x1p-100f * 0x1p-20f);
	hash = fold(hash, (float)(long)(((ulong)id << 40) * 3ul - 9223372036854775807ul));
	hash = fold(hash, (float)(id * 2654435761u));
	hash = (hash ^ (uint)ogpu_f32_to_i32(x)) + ogpu_f32_to_u32(y);
	hash = fold(hash, floor(near) + rint(near) + trunc(near) + ceil(x));
	hash = fold(hash, dm_exp(near));
	hash = fold(hash, dm_exp(x));
	hash = fold(hash, dm_log(x));
	hash = fold(hash, dm_tanh(near));
	hash = fold(hash, dm_erf(near));
	hash = fold(hash, dm_sin(near));
	hash = fold(hash, dm_sin(x));
	hash = fold(hash, dm_cos(x));
	hash = fold(hash, dm_rcp(x));
	hash = fold(hash, dm_rsqrt(x));
	hash = fold(hash, dm_gelu(near));
	hash = fold(hash, dm_sigmoid(near));
	hash = fold(hash, dm_pow(x, near));
	hash = fold(hash, dm_group_sum(scratch, near));
	out[id] = hash;
}
