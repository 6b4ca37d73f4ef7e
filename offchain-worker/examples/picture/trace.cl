/* A path tracer: spheres on a plain, lit by the sky and one lamp. One work-item makes one pixel. */
#define SPHERES 9
#define BOUNCES 5
#define FAR 1e20f

/* Centre and radius; colour and kind (0 dull, 1 mirror, 2 lamp). */
__constant float4 SHAPE[SPHERES] = {
	(float4)(0.0f, -1000.0f, 0.0f, 1000.0f), (float4)(0.0f, 1.0f, 0.0f, 1.0f), (float4)(-2.2f, 0.8f, 0.6f, 0.8f),
	(float4)(2.1f, 0.7f, 0.5f, 0.7f), (float4)(0.9f, 0.35f, 1.6f, 0.35f), (float4)(-0.9f, 0.3f, 1.7f, 0.3f),
	(float4)(0.1f, 0.2f, 2.1f, 0.2f), (float4)(-1.5f, 0.25f, 2.3f, 0.25f), (float4)(3.0f, 6.0f, 2.0f, 1.5f),
};
__constant float4 PAINT[SPHERES] = {
	(float4)(0.55f, 0.56f, 0.52f, 0.0f), (float4)(0.95f, 0.93f, 0.88f, 1.0f), (float4)(0.75f, 0.22f, 0.18f, 0.0f),
	(float4)(0.20f, 0.42f, 0.70f, 0.0f), (float4)(0.90f, 0.70f, 0.25f, 1.0f), (float4)(0.25f, 0.60f, 0.35f, 0.0f),
	(float4)(0.85f, 0.50f, 0.65f, 0.0f), (float4)(0.85f, 0.85f, 0.95f, 1.0f), (float4)(9.0f, 8.2f, 7.0f, 2.0f),
};

static uint scramble(uint x) {
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ (x >> 16);
}

/* The next number in [0, 1) of the sequence at `state`. */
static float chance(uint *state) {
	*state = *state * 747796405u + 2891336453u;
	return (float)(scramble(*state) >> 8) * 0x1p-24f;
}

static float along(float4 a, float4 b) {
	return fma(a.x, b.x, fma(a.y, b.y, a.z * b.z));
}

static float4 unit(float4 a) {
	return a * rsqrt(along(a, a));
}

/* The distance to the nearest sphere, and which it is. */
static float nearest(float4 from, float4 to, int *which) {
	float least = FAR;
	for (int i = 0; i < SPHERES; i++) {
		float4 shape = SHAPE[i];
		float radius = shape.w;
		shape.w = 0.0f;
		float4 there = shape - from;
		float b = along(there, to);
		float d = fma(b, b, radius * radius - along(there, there));
		if (d <= 0.0f) continue;
		float root = sqrt(d);
		float t = b - root > 1e-3f ? b - root : b + root;
		if (t > 1e-3f && t < least) {
			least = t;
			*which = i;
		}
	}
	return least;
}

/* A direction about the normal, by the cosine of the angle to it. */
static float4 scatter(float4 normal, uint *state) {
	float turn = 6.2831853f * chance(state);
	float z = fma(2.0f, chance(state), -1.0f);
	float r = sqrt(fma(-z, z, 1.0f));
	return unit(normal + (float4)(r * cos(turn), r * sin(turn), z, 0.0f) * 0.999f);
}

__kernel void trace(__global uchar *picture, int samples) {
	int x = get_global_id(0), y = get_global_id(1), width = get_global_size(0), height = get_global_size(1);
	uint state = scramble((uint)(y * width + x) * 9781u + 1u);
	float4 eye = (float4)(0.0f, 1.6f, 6.5f, 0.0f);
	float4 light = (float4)(0.0f, 0.0f, 0.0f, 0.0f);
	for (int s = 0; s < samples; s++) {
		float across = ((float)x + chance(&state) - 0.5f * (float)width) / (float)height;
		float up = (0.5f * (float)height - (float)y - chance(&state)) / (float)height;
		float4 from = eye, to = unit((float4)(across, up - 0.12f, -1.15f, 0.0f));
		float4 share = (float4)(1.0f, 1.0f, 1.0f, 0.0f);
		for (int bounce = 0; bounce < BOUNCES; bounce++) {
			int which = 0;
			float t = nearest(from, to, &which);
			if (t >= FAR) {
				float sky = fma(0.5f, to.y, 0.5f);
				light = light + share * (float4)(fma(-0.5f, sky, 0.9f), fma(-0.3f, sky, 0.9f), 0.95f, 0.0f) * 0.55f;
				break;
			}
			float4 shape = SHAPE[which], paint = PAINT[which];
			float kind = paint.w;
			shape.w = 0.0f;
			paint.w = 0.0f;
			share = share * paint;
			if (kind == 2.0f) {
				light = light + share;
				break;
			}
			from = from + to * t;
			float4 normal = unit(from - shape);
			to = kind == 1.0f ? to - normal * (2.0f * along(normal, to)) : scatter(normal, &state);
		}
	}
	light = light / (float)samples;
	float channels[3] = {light.x, light.y, light.z};
	for (int c = 0; c < 3; c++) {
		float shown = sqrt(channels[c] / (channels[c] + 0.35f) * 1.15f);
		picture[(y * width + x) * 3 + c] = ogpu_f32_to_u32(ogpu_min(shown, 1.0f) * 255.0f);
	}
}
