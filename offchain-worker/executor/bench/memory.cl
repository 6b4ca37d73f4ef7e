/* What a device is worth. Each result depends on every operation, so that none can be left out. */
__kernel void copy(__global const uint4 *from, __global uint4 *to) {
	size_t i = get_global_id(0);
	to[i] = from[i] + (uint4)(1u, 2u, 3u, 4u);
}
