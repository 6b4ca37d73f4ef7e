//! What the gate admits and what it refuses, rule by rule.

use ogpu_worker::gate::{GateError, Rule};

use crate::case::Case;

fn kernel(body: &str) -> String {
	format!("__kernel void f(__global uint *out) {{\n{body}\n}}\n")
}

fn float_case(program: &str) -> Case {
	Case::new(
		"version: \"1\"\nprofile: fma-f32\nprogram: {source: program.cl}\nbuffers:\n  \
		 out: {role: output, type: f32, len: 1024}\nsteps:\n  \
		 - {kernel: f, args: [{buf: out}], global: [1024], local: [16]}\nunit: {groups: 4}\n",
		program,
		&[],
	)
}

#[track_caller]
fn assert_refused(program: &str, rule: Rule) {
	let broken = Case::simple(program).broken();
	assert!(broken.contains(&rule), "{broken:?} for\n{program}");
}

#[track_caller]
fn assert_float_refused(body: &str, rule: Rule) {
	let program = format!(
		"__kernel void f(__global float *out) {{\nfloat x = (float)get_global_id(0);\n{body}\n}}\n"
	);
	let broken = float_case(&program).broken();
	assert!(broken.contains(&rule), "{broken:?} for\n{program}");
}

#[test]
fn ordinary_programs_pass() {
	for program in [
		kernel("out[get_global_id(0)] = (uint)get_group_id(0) + (uint)get_num_groups(0) + (uint)get_global_size(0);"),
		kernel("atomic_add(&out[get_global_id(0)], 3u); atomic_inc(out + get_global_id(0));"),
		kernel("__local uint t[16]; t[get_local_id(0)] = 1u; barrier(CLK_LOCAL_MEM_FENCE); out[get_global_id(0)] = t[0];"),
		kernel("#pragma unroll 4\nfor (uint i = 0u; i < 16u; i++) out[get_global_id(0)] += i / (i + 1u);"),
		kernel("uint4 v = (uint4)(1u, 2u, 3u, 4u); vstore4(v.wzyx, 0, out); switch (v.x) { case 1: out[0] = 1u; break; default: break; }"),
		"typedef struct { uint a; uchar b[3]; } S;\nstatic uint g(const S *s) { return s->a + s->b[1]; }\n\
		 __kernel __attribute__((reqd_work_group_size(16, 1, 1))) void f(__global uint *out) { S s; s.a = 1u; s.b[1] = 2; \
		 out[get_global_id(0)] = g(&s); }\n"
			.into(),
		"__constant uint t[3] = {1u, 2u, 3u};\n".to_owned() + &kernel("out[get_global_id(0)] = t[get_global_id(0) % 3];"),
	] {
		assert_eq!(Case::simple(&program).broken(), [], "{program}");
	}
}

#[test]
fn errors_name_their_lines() {
	let case = Case::simple(
		"__kernel void f(__global uint *out) {\n\n\tout[0] = nonsense;\n\tout[1] = 1u;\n}\n",
	);
	match case.admit() {
		Err(GateError::Refused(refusals)) => {
			assert_eq!(refusals[0].line, Some(3));
			assert!(refusals[0].what.contains("nonsense"), "{}", refusals[0]);
		}
		other => panic!("{other:?}"),
	}
	let case =
		float_case("__kernel void f(__global float *out) {\n\n\n\tout[0] = exp(out[1]);\n}\n");
	match case.admit() {
		Err(GateError::Refused(refusals)) => {
			assert_eq!((refusals[0].line, refusals[0].rule), (Some(4), Rule::Functions));
			assert!(refusals[0].what.contains("dm-1"), "{}", refusals[0]);
		}
		other => panic!("{other:?}"),
	}
}

#[test]
fn includes_and_embeds_are_refused_and_nothing_is_read() {
	for directive in [
		"#include \"/etc/passwd\"",
		"#include </usr/include/stdio.h>",
		"#include_next <stdio.h>",
		"#import \"/etc/passwd\"",
		"%:include \"/etc/passwd\"",
		"??=include \"/etc/passwd\"",
		"#define P \"/etc/passwd\"\n#include P",
		"#inc\\\nlude \"/etc/passwd\"",
	] {
		let case = Case::simple(&format!("{directive}\n{}", kernel("out[0] = 1u;")));
		match case.admit() {
			Err(GateError::Refused(refusals)) => {
				let all = format!("{refusals:?}");
				assert!(!all.contains("root:"), "{all}");
			}
			other => panic!("{directive}: {other:?}"),
		}
	}
	assert_refused(
		&format!(
			"__constant uchar e[] = {{\n#embed \"/etc/passwd\"\n}};\n{}",
			kernel("out[0] = e[0];")
		),
		Rule::NoInclude,
	);
	// A macro that leaves a directive for the next preprocessor.
	assert_refused(
		&format!("#define HASH #\nHASH include \"/etc/passwd\"\n{}", kernel("out[0] = 1u;")),
		Rule::Pragmas,
	);
}

#[test]
fn files_cannot_be_probed() {
	let program = format!(
		"#if __has_include(\"/etc/passwd\") || __has_include(</usr/include/stdio.h>) || __has_embed(\"/etc/passwd\")\n\
		 #error probed\n#endif\n{}",
		kernel("out[0] = 1u;")
	);
	assert_eq!(Case::simple(&program).broken(), []);
}

#[test]
fn the_clock_cannot_be_read() {
	for name in ["__TIME__", "__DATE__", "__TIMESTAMP__"] {
		assert_refused(
			&format!("__constant char t[] = {name};\n{}", kernel("out[0] = t[0];")),
			Rule::Compiles,
		);
	}
}

#[test]
fn vendor_ifdefs_change_nothing() {
	let program = format!(
		"#if defined(__NVIDIA__) || defined(NVIDIA) || defined(__POCL__) || defined(POCL) || defined(cl_nv_compiler_options)\n\
		 #error hidden\n#endif\n{}",
		kernel("out[0] = 1u;")
	);
	let case = Case::simple(&program);
	let text = case.admit().unwrap_or_else(|error| panic!("{error}")).text;
	assert!(!text.contains("#if") && !text.contains("NVIDIA"), "{text}");
	assert_refused(
		&kernel("uint __NV_CL_C_VERSION = 1u; out[0] = __NV_CL_C_VERSION;"),
		Rule::Names,
	);
}

#[test]
fn assembly_is_refused_however_it_is_spelt() {
	for body in ["__asm__(\"syscall\");", "asm volatile(\"nop\");", "__asm(\"nop\");"] {
		assert_refused(&kernel(body), Rule::Names);
	}
	assert_refused(
		&format!("#define C(a, b) a##b\n{}", kernel("C(__as, m__)(\"syscall\");")),
		Rule::Names,
	);
}

#[test]
fn pasting_hides_nothing() {
	let program = "#define P(a, b) a##b\n__kernel void f(__global float *out) { out[0] = P(nat, ive_exp)(out[1]); }\n";
	assert!(float_case(program).broken().contains(&Rule::Functions));
}

#[test]
fn pragmas_that_change_results_are_refused() {
	for pragma in [
		"#pragma OPENCL FP_CONTRACT ON",
		"#pragma STDC FP_CONTRACT ON",
		"#pragma clang fp contract(fast)",
		"_Pragma(\"clang fp reassociate(on)\")",
		"#pragma OPENCL EXTENSION all : enable",
		"#pragma clang attribute push(__attribute__((noinline)), apply_to = function)",
		"#pragma unroll 100000",
		"#pragma GCC optimize \"fast\"",
	] {
		assert_refused(&format!("{pragma}\n{}", kernel("out[0] = 1u;")), Rule::Pragmas);
	}
}

#[test]
fn nothing_is_contracted() {
	let program = "__kernel void f(__global float *out) { size_t i = get_global_id(0); out[i] = out[i] * 3.0f + 1.0f; }\n";
	let case = float_case(program);
	assert_eq!(case.broken(), []);
	assert!(case.admit().expect("admitted").text.starts_with("#pragma OPENCL FP_CONTRACT OFF\n"));
}

#[test]
fn functions_that_differ_between_devices_are_refused() {
	for body in [
		"out[0] = exp(x);",
		"out[0] = native_sin(x);",
		"out[0] = half_rsqrt(x);",
		"out[0] = mad(x, x, x);",
		"out[0] = fmax(x, 1.0f);",
		"out[0] = mix(x, x, x);",
		"float4 v = (float4)(x); out[0] = dot(v, v);",
		"out[0] = copysign(x, x);",
		"out[0] = convert_float_rtz(get_global_id(0));",
		"out[0] = (float)convert_int_sat(x);",
		"out[0] = vload_half(0, (__global half *)out);",
	] {
		assert_float_refused(body, Rule::Functions);
	}
	assert_refused(&kernel("printf(\"%u\", out[0]);"), Rule::Functions);
}

#[test]
fn undefined_results_are_refused() {
	assert_float_refused("out[0] = (float)(int)x;", Rule::Defined);
	assert_float_refused("out[0] = (float)(uint)x;", Rule::Defined);
	assert_refused(&kernel("uint x; out[0] = x;"), Rule::Compiles);
	assert_refused(&kernel("out[0] = out[1] / 0u;"), Rule::Compiles);
	assert_refused(&kernel("uint a[4]; a[0] = 1u; out[0] = a[7];"), Rule::Compiles);
	assert_refused(&kernel("__global uint *p = out + 1; if (p > out) out[0] = 1u;"), Rule::Defined);
	assert_refused(&kernel("out[0] = (uint)(size_t)out;"), Rule::Instructions);
	assert_refused(
		&kernel("__global uint *p = (__global uint *)(size_t)4096; out[0] = *p;"),
		Rule::Instructions,
	);
}

#[test]
fn floating_point_is_declared() {
	assert_refused(
		&kernel("out[0] = (uint)get_global_id(0) > 3u ? as_uint(1.0f + (float)out[0]) : 0u;"),
		Rule::FloatingPoint,
	);
	assert_float_refused("out[0] = (float)((double)x * 3.0);", Rule::FloatingPoint);
	assert_float_refused("half h = 1; out[0] = x;", Rule::Compiles);
}

#[test]
fn pointers_stay_pointers() {
	for body in [
		"*(__global uint *__global *)(out + 2) = out;",
		"__global uint *p = out; out[0] = (uint)*(ulong *)&p;",
		"union { __global uint *p; ulong u; } pun; pun.p = out; out[0] = (uint)pun.u;",
		"__global uint *p[2]; p[0] = out; p[1] = out + 1; p[out[0] & 1u][0] = 1u;",
	] {
		assert_refused(&kernel(body), Rule::Instructions);
	}
	assert_refused(
		&format!(
			"__constant uint c = 3u;\n__constant ulong v = (ulong)&c;\n{}",
			kernel("out[0] = (uint)v;")
		),
		Rule::Instructions,
	);
	assert_refused(
		&format!(
			"__constant uint c = 3u;\nuint g(ulong x) {{ return (uint)x; }}\n{}",
			kernel("out[0] = g((ulong)&c);")
		),
		Rule::Instructions,
	);
	// Plain pointer variables and parameters are fine, and so are pointers to private arrays.
	let program = "uint g(uint *a, __global uint *b) { a[1] = b[0]; return *a; }\n";
	let body = "uint a[4] = {1u, 2u, 3u, 4u}; __global uint *p = out + get_global_id(0); p += 0; *p = g(a, p) + g(&a[2], out);";
	assert_eq!(Case::simple(&format!("{program}{}", kernel(body))).broken(), []);
}

#[test]
fn constants_are_defined_and_of_declared_types() {
	assert_refused(&kernel("out[0] = (uint)(1.5f * 3.7f);"), Rule::FloatingPoint);
	assert_refused(
		&format!("__constant uint c[1 << 20] = {{1u}};\n{}", kernel("out[0] = c[1];")),
		Rule::Memory,
	);
	assert_float_refused("out[0] = (float)(int)3e9f;", Rule::Defined);
	assert_float_refused("out[0] = (float)(x * 2.0);", Rule::FloatingPoint);
	assert_refused(
		&format!("__constant char v[] = __clang_version__;\n{}", kernel("out[0] = v[0];")),
		Rule::Names,
	);
	assert_refused(&format!("# 1 \"x\" 3\n{}", kernel("uint x; out[0] = x;")), Rule::Compiles);
	assert_refused(
		&format!("[[gnu::pure]] uint g(void) {{ return 1u; }}\n{}", kernel("out[0] = g();")),
		Rule::Attributes,
	);
	assert_refused(
		&format!(
			"#define _OPENCL_BASE_H_\n#include \"/usr/lib/llvm-19/lib/clang/19/include/opencl-c-base.h\"\n{}",
			kernel("out[0] = 1u;")
		),
		Rule::NoInclude,
	);
}

#[test]
fn arguments_may_have_names_for_their_types() {
	let program =
		"typedef unsigned int u32;\n__kernel void f(__global u32 *out) { out[0] = 1u; }\n";
	assert_eq!(Case::simple(program).broken(), []);
	let many = kernel(&"if (1) ; else out[1] = 2u; out[0] == 1u;".repeat(900));
	assert_eq!(Case::simple(&many).broken(), []);
}

#[test]
fn order_dependent_atomics_are_refused() {
	assert_refused(&kernel("out[atomic_inc(out) + 1u] = 1u;"), Rule::Atomics);
	assert_refused(
		&kernel("uint seen = atomic_add(out, 1u); if (seen == 3u) out[1] = 1u;"),
		Rule::Atomics,
	);
	assert_refused(&kernel("atomic_cmpxchg(out, 1u, 2u);"), Rule::Functions);
	assert_refused(&kernel("atomic_xchg(out, (uint)get_global_id(0));"), Rule::Functions);
	assert_float_refused("atomic_xchg(out, x);", Rule::Functions);
}

#[test]
fn recursion_and_calls_through_pointers_are_refused() {
	assert_refused(
		&format!(
			"uint g(uint n);\nuint h(uint n) {{ return n ? g(n - 1u) : 0u; }}\nuint g(uint n) {{ return h(n) + 1u; }}\n{}",
			kernel("out[0] = g(3u);")
		),
		Rule::Calls,
	);
	assert_refused(
		&format!("uint g(uint n) {{ return n ? g(n - 1u) : 0u; }}\n{}", kernel("out[0] = g(3u);")),
		Rule::Calls,
	);
	assert_refused(
		&format!("__kernel void g(__global uint *out) {{ out[0] = 1u; }}\n{}", kernel("g(out);")),
		Rule::Calls,
	);
	assert!(
		!Case::simple(&format!(
			"uint g(void) {{ return 1u; }}\n{}",
			kernel("uint (*p)(void) = g; out[0] = p();")
		))
		.broken()
		.is_empty()
	);
	assert_refused(&format!("uint g(uint n);\n{}", kernel("out[0] = g(3u);")), Rule::Functions);
}

#[test]
fn memory_is_bounded() {
	assert_refused(
		&kernel(
			"uint a[100000]; for (uint i = 0u; i < 100000u; i++) a[i] = i; out[0] = a[out[0]];",
		),
		Rule::Memory,
	);
	assert_refused(&kernel("__local uint a[10000]; a[0] = 1u; out[0] = a[0];"), Rule::Memory);
	let deep = "uint g(uint n) { uint a[3000]; a[n] = n; return a[0]; }\nuint h(uint n) { uint a[3000]; a[n] = g(n); return a[0]; }\n";
	assert_refused(&format!("{deep}{}", kernel("out[0] = h(1u);")), Rule::Memory);
	assert!(
		!Case::simple(&kernel("uint n = out[0]; uint a[n]; a[0] = 1u; out[0] = a[0];"))
			.broken()
			.is_empty()
	);
}

#[test]
fn the_preludes_names_are_its_own() {
	assert_refused(
		&format!("uint ogpu_mine(void) {{ return 1u; }}\n{}", kernel("out[0] = ogpu_mine();")),
		Rule::Names,
	);
	assert_refused("__kernel void step(__global uint *out) { out[0] = 1u; }\n", Rule::Names);
	// Around the macro to the device's own function, which counts only the groups of a launch.
	assert!(!Case::simple(&kernel("out[0] = (uint)(get_group_id)(0);")).broken().is_empty());
	assert_refused(
		&format!("#undef get_group_id\n{}", kernel("out[0] = (uint)get_group_id(0);")),
		Rule::Functions,
	);
	assert_refused(
		&format!("#undef get_num_groups\n{}", kernel("out[0] = (uint)get_num_groups(0);")),
		Rule::Functions,
	);
	assert_refused(
		&format!("#undef get_global_offset\n{}", kernel("out[0] = (uint)get_global_offset(0);")),
		Rule::Functions,
	);
}

#[test]
fn attributes_are_few() {
	assert_refused(
		&format!("__attribute__((constructor)) void g(void) {{}}\n{}", kernel("out[0] = 1u;")),
		Rule::Attributes,
	);
	assert_refused(
		&format!(
			"__attribute__((section(\"x\"))) __constant uint g = 1u;\n{}",
			kernel("out[0] = g;")
		),
		Rule::Attributes,
	);
	assert_refused(
		&format!("void g(void) __attribute__((alias(\"f\")));\n{}", kernel("out[0] = 1u;")),
		Rule::Attributes,
	);
	assert_refused(
		&kernel(
			"__attribute__((opencl_unroll_hint(5000))) for (uint i = 0u; i < out[0]; i++) out[1] += i;",
		),
		Rule::Size,
	);
}

#[test]
fn kernels_fit_their_steps() {
	assert_refused("__kernel void g(__global uint *out) { out[0] = 1u; }\n", Rule::Kernels);
	assert_refused("__kernel void f(__global uint *out, uint n) { out[0] = n; }\n", Rule::Kernels);
	assert_refused("__kernel void f(__local uint *out) { out[0] = 1u; }\n", Rule::Kernels);
	assert_refused("__kernel void f(__global ulong *out) { out[0] = 1ul; }\n", Rule::Kernels);
	assert_refused("__kernel void f(__constant uint *out) { uint x = out[0]; }\n", Rule::Kernels);
	assert_refused("__kernel void f(uint out) { uint x = out; }\n", Rule::Kernels);
	assert_refused(
		"__kernel __attribute__((reqd_work_group_size(32, 1, 1))) void f(__global uint *out) { out[0] = 1u; }\n",
		Rule::Kernels,
	);
}

#[test]
fn bombs_are_refused_in_time() {
	let mut bomb = String::from("#define A0 out[0] += 1u;\n");
	for level in 1..40 {
		bomb.push_str(&format!("#define A{level} A{} A{}\n", level - 1, level - 1));
	}
	let started = std::time::Instant::now();
	assert_refused(&format!("{bomb}{}", kernel("A39")), Rule::Size);
	assert!(started.elapsed().as_secs() < 30);
	assert_refused(&kernel(&"(".repeat(100_000)), Rule::Compiles);
	assert_refused(&format!("{bomb}{}", kernel("A16")), Rule::Size);
}
