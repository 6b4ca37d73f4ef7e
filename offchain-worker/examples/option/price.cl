/* The price of a European call by Monte Carlo. A work-item follows `paths` pairs of opposite paths; a group
 * gives the sum of its payoffs and of their squares. */
static uint scramble(uint x) {
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ (x >> 16);
}

/* A number in (0, 1). */
static float chance(uint counter, uint stream) {
	return ((float)(scramble(scramble(counter) + stream * 0x9e3779b9u) >> 9) + 0.5f) * 0x1p-23f;
}

__kernel void price(__global float2 *sums, __local float *scratch, uint paths, float start, float strike, float drift, float spread, float discount) {
	uint item = (uint)get_global_id(0);
	float sum = 0.0f, squares = 0.0f;
	for (uint path = 0u; path < paths; path++) {
		uint counter = item * paths + path;
		float normal = sqrt(-2.0f * log(chance(counter, 1u))) * cos(6.2831853f * chance(counter, 2u));
		float up = start * exp(fma(spread, normal, drift)) - strike;
		float down = start * exp(fma(-spread, normal, drift)) - strike;
		float payoff = discount * 0.5f * ((up > 0.0f ? up : 0.0f) + (down > 0.0f ? down : 0.0f));
		sum += payoff;
		squares = fma(payoff, payoff, squares);
	}
	sum = dm_group_sum(scratch, sum);
	squares = dm_group_sum(scratch, squares);
	if (get_local_id(0) == 0) sums[get_group_id(0)] = (float2)(sum, squares);
}
