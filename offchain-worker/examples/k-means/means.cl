/* k-means of images of 64 pixels, in integers. */
#define PIXELS 64u

__kernel void assign(__global const uchar *images, __global const int *means, __global uint *nearest, uint images_count, uint means_count) {
	uint i = (uint)get_global_id(0);
	if (i >= images_count) return;
	uint best = 0u;
	int least = INT_MAX;
	for (uint m = 0u; m < means_count; m++) {
		int sum = 0;
		for (uint k = 0u; k < PIXELS; k++) {
			int difference = 256 * images[i * PIXELS + k] - means[m * PIXELS + k];
			sum += (difference * difference) >> 8;
		}
		if (sum < least) {
			least = sum;
			best = m;
		}
	}
	nearest[i] = best;
}

/* Means count 256 for one. A mean that nothing is near to stays where it is. */
__kernel void update(__global const uchar *images, __global int *means, __global const uint *nearest, uint images_count) {
	uint k = (uint)get_global_id(0), m = (uint)get_global_id(1);
	int sum = 0, count = 0;
	for (uint i = 0u; i < images_count; i++) {
		if (nearest[i] == m) {
			sum += images[i * PIXELS + k];
			count++;
		}
	}
	if (count > 0) means[m * PIXELS + k] = 256 * sum / count;
}
