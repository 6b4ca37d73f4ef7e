/* c = a b for square matrices, by tiles in local memory. */
#define TILE 16

__kernel void gemm(__global const float *a, __global const float *b, __global float *c, int n) {
	__local float ta[TILE][TILE], tb[TILE][TILE];
	int x = get_local_id(0), y = get_local_id(1);
	int column = get_group_id(0) * TILE + x, row = get_group_id(1) * TILE + y;
	float sum = 0.0f;
	for (int tile = 0; tile < n; tile += TILE) {
		ta[y][x] = a[row * n + tile + x];
		tb[y][x] = b[(tile + y) * n + column];
		barrier(CLK_LOCAL_MEM_FENCE);
		for (int k = 0; k < TILE; k++) sum = fma(ta[y][k], tb[k][x], sum);
		barrier(CLK_LOCAL_MEM_FENCE);
	}
	c[row * n + column] = sum;
}
