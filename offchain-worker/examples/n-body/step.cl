/* Bodies that attract one another: positions with their masses, velocities. */
__kernel void pull(__global const float4 *p, __global float4 *v, int n, float dt) {
	int i = get_global_id(0);
	float4 me = p[i];
	float ax = 0.0f, ay = 0.0f, az = 0.0f;
	for (int j = 0; j < n; j++) {
		float4 other = p[j];
		float dx = other.x - me.x, dy = other.y - me.y, dz = other.z - me.z;
		float r = rsqrt(fma(dx, dx, fma(dy, dy, fma(dz, dz, 0.01f))));
		float pull = other.w * r * r * r;
		ax = fma(dx, pull, ax);
		ay = fma(dy, pull, ay);
		az = fma(dz, pull, az);
	}
	float4 w = v[i];
	v[i] = (float4)(fma(ax, dt, w.x), fma(ay, dt, w.y), fma(az, dt, w.z), 0.0f);
}

__kernel void drift(__global float4 *p, __global const float4 *v, float dt) {
	size_t i = get_global_id(0);
	float4 me = p[i], w = v[i];
	p[i] = (float4)(fma(w.x, dt, me.x), fma(w.y, dt, me.y), fma(w.z, dt, me.z), me.w);
}
