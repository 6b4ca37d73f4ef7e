//! A kernel without any of the executor's care, to measure what that care costs.
//!
//! `bare KERNEL ROUNDS < TEXT` builds the text on the first device, runs `KERNEL(out, ROUNDS)` over 262,144
//! work-items in groups of 64 in one launch, and reads the result. It prints, in microseconds: building,
//! launch and read, and all since its start.
//! `bare copy ROUNDS` runs the memory benchmark of 2 · ROUNDS copies of 64 MiB instead.
#![allow(unsafe_code)]

use std::{ffi::CString, io::Read, time::Instant};

use ocl::core::{self, ArgVal, Event, MemFlags};

const WORDS: usize = 262_144;
const COPY_WORDS: usize = 16 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let started = Instant::now();
	let mut args = std::env::args().skip(1);
	let kernel = args.next().ok_or("usage: bare KERNEL ROUNDS < TEXT")?;
	let rounds: u32 = args.next().ok_or("usage: bare KERNEL ROUNDS < TEXT")?.parse()?;
	let mut text = String::new();
	std::io::stdin().read_to_string(&mut text)?;

	let platform = core::default_platform()?;
	let device = core::get_device_ids(platform, None, None)?[0];
	let properties = core::ContextProperties::new().platform(platform);
	let context = core::create_context(Some(&properties), &[device], None, None)?;
	let queue = core::create_command_queue(&context, device, None)?;
	let program = core::create_program_with_source(&context, &[CString::new(text)?])?;
	let options = CString::new("-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt")?;
	let building = Instant::now();
	core::build_program(&program, Some(&[device]), &options, None, None)?;
	let built = building.elapsed();

	let kernel = core::create_kernel(&program, kernel)?;
	let copies =
		core::get_kernel_info(&kernel, core::KernelInfo::FunctionName)?.to_string() == "copy";
	let (words, items) = if copies { (COPY_WORDS, COPY_WORDS / 4) } else { (WORDS, WORDS) };
	let launch = || {
		// SAFETY: the kernel writes one element for each work-item, and the buffers have as many.
		unsafe {
			core::enqueue_kernel(
				&queue,
				&kernel,
				1,
				None,
				&[items, 1, 1],
				Some([64, 1, 1]),
				None::<&Event>,
				None::<&mut Event>,
			)
		}
	};
	// SAFETY: no host pointer is given.
	let (a, b) = unsafe {
		(
			core::create_buffer::<_, u32>(&context, MemFlags::READ_WRITE, words, None)?,
			core::create_buffer::<_, u32>(&context, MemFlags::READ_WRITE, words, None)?,
		)
	};
	for buffer in [&a, &b] {
		core::enqueue_fill_buffer(
			&queue,
			buffer,
			0u32,
			0,
			words,
			None::<&Event>,
			None::<&mut Event>,
			None,
		)?;
	}
	core::finish(&queue)?;
	let running = Instant::now();
	if copies {
		for _ in 0..rounds {
			for (from, to) in [(&a, &b), (&b, &a)] {
				core::set_kernel_arg(&kernel, 0, ArgVal::mem(from))?;
				core::set_kernel_arg(&kernel, 1, ArgVal::mem(to))?;
				launch()?;
			}
		}
	} else {
		core::set_kernel_arg(&kernel, 0, ArgVal::mem(&a))?;
		core::set_kernel_arg(&kernel, 1, ArgVal::scalar(&rounds))?;
		launch()?;
	}
	let mut result = vec![0u32; words];
	// SAFETY: the read blocks.
	unsafe {
		core::enqueue_read_buffer(
			&queue,
			&a,
			true,
			0,
			&mut result,
			None::<&Event>,
			None::<&mut Event>,
		)?;
	}
	let ran = running.elapsed();
	// The result is used, so that nothing of this can be left out.
	let sum = result.iter().fold(0u32, |sum, word| sum.wrapping_add(*word));
	println!("{} {} {} {sum}", built.as_micros(), ran.as_micros(), started.elapsed().as_micros());
	Ok(())
}
