/* The mean of four clients' weights, each counted by the number of its images. */
__kernel void average(__global const float *a, __global const float *b, __global const float *c, __global const float *d, __global float *mean, float na, float nb, float nc, float nd) {
	size_t i = get_global_id(0);
	float sum = fma(d[i], nd, fma(c[i], nc, fma(b[i], nb, a[i] * na)));
	mean[i] = sum / (na + nb + nc + nd);
}
