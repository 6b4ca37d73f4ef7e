/* dm-1: deterministic mathematics, version 1. It never changes.
   Every function uses only operations that IEEE 754 rounds correctly, in a fixed order, and so gives the same
   bits on every device. Bounds on the errors are in docs/prelude.md; coefficients.py made the polynomials. */

#define DM_NAN as_float(0x7fc00000)
#define DM_INF as_float(0x7f800000)

static float dm_abs(float x) {
	return as_float(as_int(x) & 0x7fffffff);
}

static float dm_copysign(float magnitude, float sign) {
	return as_float((as_int(magnitude) & 0x7fffffff) | (as_int(sign) & (int)0x80000000));
}

/* The nearest integer, for |x| < 2^22. */
static float dm_round(float x) {
	return (x + 12582912.0f) - 12582912.0f;
}

/* x 2^n for 0.5 < |x| < 2 and -252 <= n <= 254, rounded once. */
static float dm_scale(float x, int n) {
	int half_n = n >> 1;
	return x * as_float((half_n + 127) << 23) * as_float((n - half_n + 127) << 23);
}

/* e^(high + low), where low is below one ulp of high. */
static float dm_exp_sum(float high, float low) {
	if (high > 89.0f) return DM_INF;
	if (high < -104.5f) return 0.0f;
	float k = dm_round(high * 0x1.715476p+0f);
	float r = fma(k, -0x1.62e430p-1f, high);
	r = fma(k, 0x1.05c610p-29f, r) + low;
	float p = fma(0x1.a124e4p-13f, r, 0x1.6d10fcp-10f);
	p = fma(p, r, 0x1.1110dcp-7f);
	p = fma(p, r, 0x1.55550ep-5f);
	p = fma(p, r, 0x1.555556p-3f);
	p = fma(p, r, 0.5f);
	return dm_scale(1.0f + fma(r * r, p, r), (int)k);
}

static float dm_exp(float x) {
	return x != x ? DM_NAN : dm_exp_sum(x, 0.0f);
}

/* x = m 2^k with sqrt(1/2) <= m < sqrt(2), for finite x > 0. */
static float dm_split(float x, int *k) {
	int subnormal = x < 0x1p-126f;
	if (subnormal) x = x * 0x1p23f;
	int u = as_int(x) - 0x3f3504f3;
	*k = (u >> 23) - (subnormal ? 23 : 0);
	return as_float((u & 0x7fffff) + 0x3f3504f3);
}

/* (2 atanh s - 2 s) / s^3, with z = s^2. */
static float dm_log_tail(float z) {
	float p = fma(0x1.de4738p-3f, z, 0x1.24572ap-2f);
	p = fma(p, z, 0x1.999a06p-2f);
	return fma(p, z, 0x1.555556p-1f);
}

static float dm_log(float x) {
	if (!(x > 0.0f)) return x == 0.0f ? -DM_INF : DM_NAN;
	if (x == DM_INF) return DM_INF;
	int k;
	float f = dm_split(x, &k) - 1.0f;
	float n = (float)k;
	float s = f / (f + 2.0f);
	float z = s * s;
	float r = z * dm_log_tail(z);
	float low = fma(n, 0x1.7f7d1cp-20f, -(s * (f - r)));
	return fma(n, 0x1.62e400p-1f, f + low);
}

static float dm_tanh(float x) {
	float a = dm_abs(x);
	if (a < 0.5625f) {
		float z = x * x;
		float p = fma(-0x1.aba8f0p-8f, z, 0x1.5c1fb0p-6f);
		p = fma(p, z, -0x1.b9809ap-5f);
		p = fma(p, z, 0x1.110f24p-3f);
		p = fma(p, z, -0x1.555552p-2f);
		return fma(x * z, p, x);
	}
	if (x != x) return DM_NAN;
	float r = a < 10.0f ? 1.0f - 2.0f / (dm_exp(2.0f * a) + 1.0f) : 1.0f;
	return dm_copysign(r, x);
}

static float dm_sigmoid(float x) {
	if (x != x) return DM_NAN;
	float e = dm_exp(-dm_abs(x));
	return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

static float dm_erf(float x) {
	float a = dm_abs(x);
	if (a < 0.9375f) {
		float z = x * x;
		float p = fma(0x1.5b8862p-14f, z, -0x1.a99e8ep-11f);
		p = fma(p, z, 0x1.54abecp-8f);
		p = fma(p, z, -0x1.b80a0cp-6f);
		p = fma(p, z, 0x1.ce2db0p-4f);
		p = fma(p, z, -0x1.812740p-2f);
		p = fma(p, z, 0x1.06eba8p-3f);
		return fma(x, p, x);
	}
	if (x != x) return DM_NAN;
	if (a >= 4.0f) return dm_copysign(1.0f, x);
	float p = fma(-0x1.ebf304p-25f, a, 0x1.8758c6p-19f);
	p = fma(p, a, -0x1.ea3820p-15f);
	p = fma(p, a, 0x1.5c9ce6p-11f);
	p = fma(p, a, -0x1.4747acp-8f);
	p = fma(p, a, 0x1.b96db2p-6f);
	p = fma(p, a, -0x1.c5f5d8p-4f);
	p = fma(p, a, -0x1.4326b8p-1f);
	p = fma(p, a, -0x1.216d2ep+0f);
	p = fma(p, a, 0x1.9c8026p-12f);
	return dm_copysign(1.0f - dm_exp(p), x);
}

static float dm_gelu(float x) {
	if (x < -6.0f) return -0.0f;
	return 0.5f * x * (1.0f + dm_erf(x * 0x1.6a09e6p-1f));
}

/* The bits of 2/pi after the point, after 32 zeros. */
__constant uint dm_two_over_pi[8] = {
	0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu
};

static uint dm_word(int bit) {
	int at = bit >> 5;
	int shift = bit & 31;
	uint word = dm_two_over_pi[at];
	return shift == 0 ? word : (word << shift) | (dm_two_over_pi[at + 1] >> (32 - shift));
}

/* x = quadrant pi/2 + r with |r| <= pi/4, for finite x; the quadrant counts modulo 4. */
static float dm_reduce_angle(float x, int *quadrant) {
	if (dm_abs(x) < 32768.0f) {
		float k = dm_round(x * 0x1.45f306p-1f);
		float r = fma(k, -0x1.921fb6p+0f, x);
		r = fma(k, 0x1.777a5cp-25f, r);
		r = fma(k, 0x1.ee59dap-50f, r);
		*quadrant = (int)k;
		return r;
	}
	/* |x| = m 2^s. Bits of 2/pi whose product with it is a multiple of 4 are left out; 96 bits remain. */
	int bits = as_int(x) & 0x7fffffff;
	ulong m = (ulong)((bits & 0x7fffff) | 0x800000);
	int start = (bits >> 23) - 150 + 30;
	ulong low = m * (ulong)dm_word(start + 64);
	ulong middle = m * (ulong)dm_word(start + 32) + (low >> 32);
	ulong high = m * (ulong)dm_word(start) + (middle >> 32);
	ulong turns = (high << 32) | (middle & 0xfffffffful);
	ulong q = (turns + 0x2000000000000000ul) >> 62;
	long turn = (long)(turns - (q << 62));
	float high_turn = (float)turn;
	float low_turn = (float)(turn - (long)high_turn);
	float r = fma(high_turn, 0x1.921fb6p-62f, fma(high_turn, -0x1.777a5cp-87f, low_turn * 0x1.921fb6p-62f));
	int negative = as_int(x) < 0;
	*quadrant = negative ? -(int)q : (int)q;
	return negative ? -r : r;
}

/* sin of quadrant pi/2 + r. */
static float dm_sin_quadrant(float r, int quadrant) {
	float z = r * r;
	float y;
	if (quadrant & 1) {
		float p = fma(0x1.9bd89cp-16f, z, -0x1.6c1264p-10f);
		p = fma(p, z, 0x1.555554p-5f);
		y = fma(z * z, p, fma(z, -0.5f, 1.0f));
	} else {
		float p = fma(0x1.6dbe08p-19f, z, -0x1.a01356p-13f);
		p = fma(p, z, 0x1.11110ep-7f);
		p = fma(p, z, -0x1.555556p-3f);
		y = fma(r * z, p, r);
	}
	return quadrant & 2 ? -y : y;
}

static float dm_sin(float x) {
	if (!(dm_abs(x) < DM_INF)) return DM_NAN;
	int quadrant;
	float r = dm_reduce_angle(x, &quadrant);
	return x == 0.0f ? x : dm_sin_quadrant(r, quadrant);
}

static float dm_cos(float x) {
	if (!(dm_abs(x) < DM_INF)) return DM_NAN;
	int quadrant;
	float r = dm_reduce_angle(x, &quadrant);
	return dm_sin_quadrant(r, quadrant + 1);
}

static float dm_rcp(float x) {
	return 1.0f / x;
}

static float dm_rsqrt(float x) {
	return 1.0f / sqrt(x);
}

/* x^y for finite x > 0: the logarithm as a sum of two floats. */
static float dm_pow_positive(float x, float y) {
	int k;
	float m = dm_split(x, &k);
	float n = (float)k;
	float f = m - 1.0f;
	float t = m + 1.0f;
	float t_low = m - (t - 1.0f);
	float s = f / t;
	float s_low = (fma(-s, t, f) - s * t_low) / t;
	float z = s * s;
	float tail = fma(s * z, dm_log_tail(z), 2.0f * s_low);
	float whole = n * 0x1.62e400p-1f;
	float high = whole + 2.0f * s;
	float low = ((whole - high) + 2.0f * s) + fma(n, 0x1.7f7d1cp-20f, tail);
	float sum = high + low;
	low = (high - sum) + low;
	float product = y * sum;
	return dm_exp_sum(product, fma(y, low, fma(y, sum, -product)));
}

static float dm_pow(float x, float y) {
	if (y == 0.0f || x == 1.0f) return 1.0f;
	if (x != x || y != y) return DM_NAN;
	float a = dm_abs(x);
	int whole = 1;
	int odd = 0;
	if (dm_abs(y) < 16777216.0f) {
		int n = (int)y;
		whole = (float)n == y;
		odd = whole & n & 1;
	}
	float magnitude;
	if (a == 1.0f) {
		magnitude = 1.0f;
	} else if (a == 0.0f || a == DM_INF || dm_abs(y) == DM_INF) {
		magnitude = (a > 1.0f) == (y > 0.0f) ? DM_INF : 0.0f;
	} else {
		if (x < 0.0f && !whole) return DM_NAN;
		magnitude = dm_pow_positive(a, y);
	}
	return odd && as_int(x) < 0 ? -magnitude : magnitude;
}

/* The larger and the smaller of two; the other one beside a NaN; the second of two equal ones. */
static float dm_max(float a, float b) {
	return ogpu_max(a, b);
}

static float dm_min(float a, float b) {
	return ogpu_min(a, b);
}

/* The sum of one value of each work-item of a group of one dimension, by a fixed tree. `scratch` has room for
   one value of each; every work-item calls this, and gets the sum. */
static float dm_group_sum(__local float *scratch, float value) {
	uint here = (uint)get_local_id(0);
	uint count = (uint)get_local_size(0);
	scratch[here] = value;
	barrier(CLK_LOCAL_MEM_FENCE);
	while (count > 1u) {
		uint upper = (count + 1u) >> 1;
		if (here < count - upper) scratch[here] = scratch[here] + scratch[here + upper];
		barrier(CLK_LOCAL_MEM_FENCE);
		count = upper;
	}
	float sum = scratch[0];
	barrier(CLK_LOCAL_MEM_FENCE);
	return sum;
}

/* The largest of one value of each work-item of a group, as dm_group_sum. */
static float dm_group_max(__local float *scratch, float value) {
	uint here = (uint)get_local_id(0);
	uint count = (uint)get_local_size(0);
	scratch[here] = value;
	barrier(CLK_LOCAL_MEM_FENCE);
	while (count > 1u) {
		uint upper = (count + 1u) >> 1;
		if (here < count - upper) scratch[here] = ogpu_max(scratch[here], scratch[here + upper]);
		barrier(CLK_LOCAL_MEM_FENCE);
		count = upper;
	}
	float largest = scratch[0];
	barrier(CLK_LOCAL_MEM_FENCE);
	return largest;
}

/* The sum of n values, by a fixed tree of eight partial sums. */
static float dm_sum(__global const float *x, uint n) {
	float s[8] = { 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f };
	for (uint i = 0u; i < n; i++) s[i & 7u] = s[i & 7u] + x[i];
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* y = softmax of the n values x, by one work-item. */
static void dm_softmax(__global const float *x, __global float *y, uint n) {
	if (n == 0u) return;
	float largest = x[0];
	for (uint i = 1u; i < n; i++) largest = ogpu_max(largest, x[i]);
	for (uint i = 0u; i < n; i++) y[i] = dm_exp(x[i] - largest);
	float scale = 1.0f / dm_sum(y, n);
	for (uint i = 0u; i < n; i++) y[i] = y[i] * scale;
}

#undef DM_NAN
#undef DM_INF

#define exp(x) dm_exp(x)
#define log(x) dm_log(x)
#define tanh(x) dm_tanh(x)
#define erf(x) dm_erf(x)
#define sin(x) dm_sin(x)
#define cos(x) dm_cos(x)
#define rsqrt(x) dm_rsqrt(x)
#define pow(x, y) dm_pow(x, y)
#define powr(x, y) dm_pow(x, y)
#define fmax(a, b) dm_max(a, b)
#define fmin(a, b) dm_min(a, b)
#define native_exp(x) dm_exp(x)
#define native_log(x) dm_log(x)
#define native_sin(x) dm_sin(x)
#define native_cos(x) dm_cos(x)
#define native_rsqrt(x) dm_rsqrt(x)
#define native_recip(x) dm_rcp(x)
#define native_sqrt(x) sqrt(x)
