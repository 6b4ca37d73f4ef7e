//! The functions of OpenCL C that give the same result on every device.

use ogpu_primitives::job::Profile;

/// What the gate thinks of a declared function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
	/// It may be called.
	Fine,
	/// Only the text before the program may call it.
	FrameOnly,
	/// An atomic operation: fine if its result is unused.
	Atomic,
	/// It may not be called.
	Refused,
}

/// The name of an OpenCL function in the source, and the types of its parameters, from its symbol.
pub(super) fn demangle(symbol: &str) -> Option<(&str, &str)> {
	let rest = symbol.strip_prefix("_Z")?;
	let digits = rest.find(|c: char| !c.is_ascii_digit())?;
	let length: usize = rest[..digits].parse().ok()?;
	let name = rest.get(digits..digits + length)?;
	Some((name, &rest[digits + length..]))
}

/// Whether any parameter is of a floating-point type.
fn takes_float(parameters: &str) -> bool {
	// `Dv4_f` is a vector of float; a `v` or a `D` by itself is none.
	let scalar = parameters.replace("Dv", "");
	scalar.contains(['f', 'd']) || parameters.contains("Dh") || parameters.contains("DF")
}

/// Judges a declared function. `sliced` if the job is data parallel.
pub(super) fn judge(symbol: &str, profile: Profile, sliced: bool) -> Verdict {
	if ["llvm.memcpy.", "llvm.memset.", "llvm.lifetime."]
		.iter()
		.any(|start| symbol.starts_with(start))
	{
		return Verdict::Fine;
	}
	let Some((name, parameters)) = demangle(symbol) else { return Verdict::Refused };
	match name {
		// A launch may hold only some units of a data-parallel job.
		"get_group_id" | "get_global_offset" | "get_global_size" | "get_num_groups" if sliced => {
			Verdict::FrameOnly
		}
		"get_global_offset" => Verdict::FrameOnly,
		_ if WORK_ITEM.contains(&name) || SYNCHRONISATION.contains(&name) => Verdict::Fine,
		// 64-bit atomics are an extension that devices need not have.
		_ if ATOMICS.contains(&name)
			&& !takes_float(parameters)
			&& !parameters.contains(['l', 'm']) =>
		{
			Verdict::Atomic
		}
		_ if ATOMICS.contains(&name) || ATOMICS_WITH_USE.contains(&name) => Verdict::Refused,
		"printf" => Verdict::Refused,
		_ if profile == Profile::Redundant => Verdict::Fine,
		_ if is_vector_memory(name) => Verdict::Fine,
		_ if name.starts_with("convert_") => conversion(name, parameters),
		_ if ANY_TYPE.contains(&name) => Verdict::Fine,
		_ if takes_float(parameters) && EXACT_FLOAT.contains(&name) => Verdict::Fine,
		_ if !takes_float(parameters) && INTEGER.contains(&name) => Verdict::Fine,
		_ => Verdict::Refused,
	}
}

/// `vload4`, `vstore16`: but not those that convert to and from half precision.
fn is_vector_memory(name: &str) -> bool {
	let width = name.strip_prefix("vload").or_else(|| name.strip_prefix("vstore"));
	matches!(width, Some("2" | "3" | "4" | "8" | "16"))
}

/// Conversions of integers are exact or saturate. One of a float to an integer has no result out of
/// range; one to a float is rounded to nearest, unless it says otherwise, which devices get wrong.
fn conversion(name: &str, parameters: &str) -> Verdict {
	let to_float = name.starts_with("convert_float") || name.starts_with("convert_double");
	let rounds = ["_rtz", "_rtp", "_rtn"].iter().any(|mode| name.ends_with(mode));
	let fine = match (takes_float(parameters), to_float) {
		(false, false) => true,
		(_, true) => !rounds && !name.starts_with("convert_half"),
		(true, false) => false,
	};
	if fine { Verdict::Fine } else { Verdict::Refused }
}

const WORK_ITEM: &[&str] = &[
	"get_global_id",
	"get_local_id",
	"get_group_id",
	"get_local_size",
	"get_global_size",
	"get_num_groups",
	"get_work_dim",
];

const SYNCHRONISATION: &[&str] =
	&["barrier", "mem_fence", "read_mem_fence", "write_mem_fence", "prefetch"];

/// Operations whose order does not matter to what is in memory afterwards.
const ATOMICS: &[&str] = &[
	"atomic_add",
	"atomic_sub",
	"atomic_inc",
	"atomic_dec",
	"atomic_min",
	"atomic_max",
	"atomic_and",
	"atomic_or",
	"atomic_xor",
	"atom_add",
	"atom_sub",
	"atom_inc",
	"atom_dec",
	"atom_min",
	"atom_max",
	"atom_and",
	"atom_or",
	"atom_xor",
];

/// Operations whose order does matter.
const ATOMICS_WITH_USE: &[&str] = &["atomic_xchg", "atomic_cmpxchg", "atom_xchg", "atom_cmpxchg"];

const ANY_TYPE: &[&str] = &["select", "bitselect", "shuffle", "shuffle2", "any", "all"];

/// Functions that IEEE 754 or OpenCL defines to the last bit.
const EXACT_FLOAT: &[&str] = &[
	"fma",
	"sqrt",
	"fabs",
	"floor",
	"ceil",
	"trunc",
	"rint",
	"round",
	"isequal",
	"isnotequal",
	"isgreater",
	"isgreaterequal",
	"isless",
	"islessequal",
	"islessgreater",
	"isfinite",
	"isinf",
	"isnan",
	"isordered",
	"isunordered",
];

const INTEGER: &[&str] = &[
	"abs", "abs_diff", "add_sat", "sub_sat", "hadd", "rhadd", "clamp", "clz", "mad_hi", "mad_sat",
	"max", "min", "mul_hi", "rotate", "upsample", "popcount",
];

/// Whether OpenCL C has a function of this name. Some devices' compilers confuse a program's own with it.
pub(in crate::gate) fn is_opencl(name: &str) -> bool {
	[WORK_ITEM, SYNCHRONISATION, ATOMICS, ATOMICS_WITH_USE, ANY_TYPE, EXACT_FLOAT, INTEGER, OTHERS]
		.iter()
		.any(|names| names.contains(&name))
		|| is_vector_memory(name)
		|| [
			"convert_",
			"as_",
			"native_",
			"half_",
			"vload",
			"vstore",
			"read_image",
			"write_image",
			"get_image_",
		]
		.iter()
		.any(|start| name.starts_with(start))
}

/// Functions of OpenCL C 1.2 that none of the lists above has.
const OTHERS: &[&str] = &[
	"acos",
	"acosh",
	"acospi",
	"asin",
	"asinh",
	"asinpi",
	"atan",
	"atan2",
	"atan2pi",
	"atanh",
	"atanpi",
	"cbrt",
	"cos",
	"cosh",
	"cospi",
	"erf",
	"erfc",
	"exp",
	"exp10",
	"exp2",
	"expm1",
	"fdim",
	"fmax",
	"fmin",
	"fmod",
	"fract",
	"frexp",
	"hypot",
	"ilogb",
	"ldexp",
	"lgamma",
	"lgamma_r",
	"log",
	"log10",
	"log1p",
	"log2",
	"logb",
	"mad",
	"mad24",
	"maxmag",
	"minmag",
	"modf",
	"mul24",
	"nan",
	"nextafter",
	"pow",
	"pown",
	"powr",
	"remainder",
	"remquo",
	"rootn",
	"rsqrt",
	"sin",
	"sincos",
	"sinh",
	"sinpi",
	"tan",
	"tanh",
	"tanpi",
	"tgamma",
	"degrees",
	"mix",
	"radians",
	"sign",
	"smoothstep",
	"step",
	"cross",
	"distance",
	"dot",
	"fast_distance",
	"fast_length",
	"fast_normalize",
	"length",
	"normalize",
	"isnormal",
	"copysign",
	"signbit",
	"printf",
	"async_work_group_copy",
	"async_work_group_strided_copy",
	"wait_group_events",
	"get_global_offset",
	"vec_step",
];

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn symbols_are_read() {
		assert_eq!(demangle("_Z13get_global_idj"), Some(("get_global_id", "j")));
		assert_eq!(demangle("_Z3dotDv4_fS_"), Some(("dot", "Dv4_fS_")));
		assert_eq!(demangle("_Z99dot"), None);
		assert!(
			takes_float("Dv4_fS_")
				&& takes_float("PU3AS1Kf")
				&& takes_float("d")
				&& takes_float("Dv8_d")
		);
		assert!(!takes_float("Dv4_iS_") && !takes_float("mPU3AS1Kj"));
	}

	#[test]
	fn verdicts() {
		let exact = |symbol| judge(symbol, Profile::FmaF32, true);
		for symbol in [
			"_Z3fmafff",
			"_Z4sqrtf",
			"_Z3maxii",
			"_Z6vload4mPU3AS1Kf",
			"_Z11convert_inth",
			"_Z13convert_floati",
		] {
			assert_eq!(exact(symbol), Verdict::Fine, "{symbol}");
		}
		for symbol in [
			"_Z3expf",
			"_Z10native_expf",
			"_Z3maxff",
			"_Z3madfff",
			"_Z5mad24iii",
			"_Z3dotDv4_fS_",
			"_Z11convert_intf",
			"_Z15convert_int_satf",
			"_Z17convert_float_rtzi",
			"_Z10vload_halfmPU3AS1KDh",
			"_Z12atomic_xchgPU3AS1Vjj",
			"_Z6printfPU3AS2Kcz",
			"printf",
			"_Z11read_imagef14ocl_image2d_roDv2_i",
			"llvm.fmuladd.f32",
			"llvm.trap",
			"malloc",
		] {
			assert_eq!(exact(symbol), Verdict::Refused, "{symbol}");
		}
		assert_eq!(exact("_Z10atomic_addPU3AS1Vii"), Verdict::Atomic);
		assert_eq!(exact("_Z12get_group_idj"), Verdict::FrameOnly);
		assert_eq!(judge("_Z12get_group_idj", Profile::FmaF32, false), Verdict::Fine);
		assert_eq!(judge("_Z3expf", Profile::Redundant, true), Verdict::Fine);
	}
}
