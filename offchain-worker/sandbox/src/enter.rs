//! Entering the cage.

use std::{
	convert::Infallible,
	ffi::OsString,
	io::{self, Read, Write},
	os::unix::process::CommandExt,
	path::Path,
	process::{Command, exit},
};

use nix::{
	sys::{
		prctl::{set_no_new_privs, set_pdeathsig},
		signal::Signal,
		wait::{WaitStatus, wait, waitpid},
	},
	unistd::{ForkResult, Pid, fork, getppid, pipe},
};

use crate::{
	Policy,
	walls::{self, Wall, Walls},
};

/// The exit code of `ogpu-cage` when a wall could not be put up; nothing of the program has run then.
pub(crate) const NO_CAGE: i32 = 120;
/// What is added to the number of the signal that ended the program.
pub(crate) const SIGNALLED: i32 = 128;

/// Names the process that started `ogpu-cage`, in its environment.
pub(crate) const PARENT: &str = "OGPU_CAGE_PARENT";

/// Has the kernel kill this process when the thread that started it ends.
///
/// # Errors
///
/// When that thread's process has ended already.
pub fn die_with_parent() -> io::Result<()> {
	set_pdeathsig(Signal::SIGKILL)?;
	let expected = std::env::var(PARENT).ok().and_then(|pid| pid.parse().ok());
	if expected.is_some_and(|pid| getppid() != Pid::from_raw(pid)) {
		return Err(io::Error::other("the process that started this one has ended"));
	}
	Ok(())
}

/// Puts up the walls of `policy` and becomes `program`. Returns only if that fails. Must be called by a
/// process of one thread.
///
/// Three processes come of it. The first waits, so that whoever started it has something to kill; the
/// second is the first of the new pid namespace, whose end is the end of everything in it; the third
/// becomes the program. Each dies with the one before.
///
/// # Errors
///
/// When a process cannot be started. A missing wall ends the process with a message instead, unless the
/// policy is insecure.
pub fn become_caged(policy: &Policy, program: &[OsString]) -> io::Result<Infallible> {
	let mut walls = Walls::default();
	walls.note(Wall::Namespaces, walls::namespaces());
	dying_with_parent(|| {
		let own_proc = walls.complete() && walls::own_proc();
		dying_with_parent(|| fill(policy, program, walls, own_proc))
	})
}

/// Goes on as a child that is killed when its parent ends. The parent stays to wait for it and exits
/// with its code.
fn dying_with_parent(go_on: impl FnOnce() -> io::Result<Infallible>) -> io::Result<Infallible> {
	let (mut from_child, to_parent) =
		pipe().map(|(read, write)| (io::PipeReader::from(read), io::PipeWriter::from(write)))?;
	let (mut from_parent, to_child) =
		pipe().map(|(read, write)| (io::PipeReader::from(read), io::PipeWriter::from(write)))?;
	// SAFETY: this process has one thread, so no lock can be held by another one.
	#[allow(unsafe_code)]
	let forked = unsafe { fork() }?;
	match forked {
		ForkResult::Child => {
			drop((from_child, to_child));
			set_pdeathsig(Signal::SIGKILL)?;
			// The parent answers only after the line above, so it was alive then.
			let mut to_parent = to_parent;
			to_parent.write_all(&[1])?;
			from_parent.read_exact(&mut [0])?;
			drop((to_parent, from_parent));
			go_on()
		}
		ForkResult::Parent { child } => {
			drop((to_parent, from_parent));
			let mut to_child = to_child;
			if from_child.read_exact(&mut [0]).is_ok() {
				to_child.write_all(&[1])?;
			}
			drop((from_child, to_child));
			exit(wait_for(child))
		}
	}
}

/// Waits until `child` has ended, and buries all others meanwhile, as the first process of a namespace
/// must.
fn wait_for(child: Pid) -> i32 {
	loop {
		match wait() {
			Ok(WaitStatus::Exited(pid, code)) if pid == child => return code,
			Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
				return SIGNALLED + signal as i32;
			}
			Ok(_) | Err(nix::Error::EINTR) => {}
			Err(_) => return if waitpid(child, None).is_ok() { 0 } else { NO_CAGE },
		}
	}
}

fn fill(
	policy: &Policy,
	program: &[OsString],
	mut walls: Walls,
	own_proc: bool,
) -> io::Result<Infallible> {
	let path = Path::new(program.first().ok_or(io::ErrorKind::InvalidInput)?);
	std::env::set_current_dir(&policy.folder)?;
	// SAFETY: the call has no preconditions.
	#[allow(unsafe_code)]
	unsafe {
		libc::nice(policy.nice.into());
	}
	// Whatever file our own parent had open, the program must not inherit: Landlock does not bind it.
	// SAFETY: descriptors are only marked; none is closed before the program starts.
	#[allow(unsafe_code)]
	let marked = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as i32) };
	if marked != 0 {
		return Err(io::Error::last_os_error());
	}
	set_no_new_privs()?;
	walls.note(Wall::Limits, walls::limits(policy));
	walls.note(Wall::Landlock, walls::landlock(policy, path, own_proc));
	walls.note(Wall::Seccomp, walls::seccomp());
	if !walls.complete() && !policy.insecure {
		eprintln!("this machine cannot put up all walls of the sandbox; missing: {walls}");
		exit(NO_CAGE);
	}
	Err(Command::new(path).args(&program[1..]).exec())
}
