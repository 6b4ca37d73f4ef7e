/* The classifier with weights of eight bits, in integers. One work-item judges one image. */
#define PIXELS 64
#define HIDDEN 64
#define DIGITS 10
#define SHIFT 7

__kernel void infer(__global const uchar *images, __global const char *weights, __global const int *biases, __global uchar *digits, int first) {
	int at = get_global_id(0);
	__global const uchar *pixels = images + (first + at) * PIXELS;
	int scores[DIGITS];
	for (int d = 0; d < DIGITS; d++) scores[d] = biases[HIDDEN + d];
	for (int i = 0; i < HIDDEN; i++) {
		int sum = biases[i];
		for (int k = 0; k < PIXELS; k++) sum += pixels[k] * weights[k * HIDDEN + i];
		int h = clamp(sum >> SHIFT, 0, 255);
		for (int d = 0; d < DIGITS; d++) scores[d] += h * weights[PIXELS * HIDDEN + i * DIGITS + d];
	}
	int best = 0;
	for (int d = 1; d < DIGITS; d++) best = scores[d] > scores[best] ? d : best;
	digits[at] = best;
}
