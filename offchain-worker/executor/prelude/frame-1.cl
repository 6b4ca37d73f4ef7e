/* frame-1: stands before every program of job format 1. It never changes.
   Ids and sizes are those of the whole job, however few of its units a launch holds. */

static size_t ogpu_get_group_id(uint dimension) {
	return get_group_id(dimension) + get_global_offset(dimension) / get_local_size(dimension);
}

/* Rounds towards zero; saturates; NaN gives 0. A plain conversion of a value out of range has no defined result. */
static int ogpu_f32_to_i32(float x) {
	if (!(x >= -2147483648.0f)) return x < 0.0f ? (int)0x80000000 : 0;
	if (x >= 2147483648.0f) return 0x7fffffff;
	return (int)x;
}

static uint ogpu_f32_to_u32(float x) {
	if (!(x > 0.0f)) return 0u;
	if (x >= 4294967296.0f) return 0xffffffffu;
	return (uint)x;
}

/* The larger and the smaller of two; the other one beside a NaN; the second of two equal ones. */
static float ogpu_max(float a, float b) {
	if (b != b) return a;
	return a > b ? a : b;
}

static float ogpu_min(float a, float b) {
	if (b != b) return a;
	return a < b ? a : b;
}

#define get_group_id(dimension) ogpu_get_group_id(dimension)
#define get_global_offset(dimension) ((size_t)0)
