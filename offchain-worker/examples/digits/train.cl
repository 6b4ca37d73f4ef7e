/* Training of a classifier with one hidden layer, by stochastic gradient descent. The weights are one
 * buffer: 65 rows of 64 for the hidden layer, then 65 rows of 10; the last row of each holds biases. */
#define PIXELS 64u
#define HIDDEN 64u
#define DIGITS 10u
#define BATCH 32u
#define SECOND (65u * HIDDEN)
#define RATE 0.1f

/* The image of sample s in step t: all images of the shard come by before one comes again. */
static uint image(uint t, uint s, uint first, uint count) {
	return first + ((t * BATCH + s) * 7919u) % count;
}

static float pixel(__global const uchar *images, uint image, uint k) {
	return (float)images[image * PIXELS + k] * 0.0625f;
}

__kernel void hidden(__global const uchar *images, __global const float *w, __global float *h, uint first, uint count, uint t) {
	uint i = (uint)get_global_id(0), s = (uint)get_global_id(1);
	uint at = image(t, s, first, count);
	float sum = w[PIXELS * HIDDEN + i];
	for (uint k = 0u; k < PIXELS; k++) sum = fma(pixel(images, at, k), w[k * HIDDEN + i], sum);
	h[s * HIDDEN + i] = sum > 0.0f ? sum : 0.0f;
}

/* The error of each output: its probability, less one for the right digit. */
__kernel void output(__global const uchar *labels, __global const float *w, __global const float *h, __global float *e, uint first, uint count, uint t) {
	uint s = (uint)get_global_id(0);
	__global float *mine = e + s * DIGITS;
	for (uint d = 0u; d < DIGITS; d++) {
		float sum = w[SECOND + HIDDEN * DIGITS + d];
		for (uint k = 0u; k < HIDDEN; k++) sum = fma(h[s * HIDDEN + k], w[SECOND + k * DIGITS + d], sum);
		mine[d] = sum;
	}
	dm_softmax(mine, mine, DIGITS);
	mine[labels[image(t, s, first, count)]] -= 1.0f;
}

__kernel void back(__global const float *w, __global const float *h, __global const float *e, __global float *g) {
	uint i = (uint)get_global_id(0), s = (uint)get_global_id(1);
	float sum = 0.0f;
	for (uint d = 0u; d < DIGITS; d++) sum = fma(e[s * DIGITS + d], w[SECOND + i * DIGITS + d], sum);
	g[s * HIDDEN + i] = h[s * HIDDEN + i] > 0.0f ? sum : 0.0f;
}

__kernel void second(__global float *w, __global const float *h, __global const float *e) {
	uint d = (uint)get_global_id(0), row = (uint)get_global_id(1);
	float sum = 0.0f;
	for (uint s = 0u; s < BATCH; s++) {
		float from = row < HIDDEN ? h[s * HIDDEN + row] : 1.0f;
		sum = fma(from, e[s * DIGITS + d], sum);
	}
	uint at = SECOND + row * DIGITS + d;
	w[at] = fma(sum, -RATE / (float)BATCH, w[at]);
}

__kernel void first(__global const uchar *images, __global float *w, __global const float *g, uint first, uint count, uint t) {
	uint i = (uint)get_global_id(0), row = (uint)get_global_id(1);
	float sum = 0.0f;
	for (uint s = 0u; s < BATCH; s++) {
		float from = row < PIXELS ? pixel(images, image(t, s, first, count), row) : 1.0f;
		sum = fma(from, g[s * HIDDEN + i], sum);
	}
	uint at = row * HIDDEN + i;
	w[at] = fma(sum, -RATE / (float)BATCH, w[at]);
}
