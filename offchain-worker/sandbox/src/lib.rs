//! The cage in which strangers' code runs.
//!
//! A kernel on a CPU device is native code, and a compiler that reads a stranger's source is not much
//! better. Both run in a process of their own that `enter` has put behind several walls, each of
//! which holds without the others:
//!
//! | wall | what it keeps out |
//! | --- | --- |
//! | namespaces (user, mount, pid, network, ipc, uts) | other processes, the network, capabilities |
//! | Landlock | every file but the system's libraries, the OpenCL set-up and the job's folder |
//! | seccomp | sockets, `ptrace`, `io_uring`, mounts, keys, `bpf` and the like |
//! | resource limits | memory, processor time, file size, core dumps, processes |
//!
//! The program `ogpu-cage` enters the cage and then becomes the program it is given. [`Cage`] starts it
//! from another process, with an empty environment, and kills everything in it when dropped.
//!
//! ```no_run
//! use ogpu_sandbox::{Cage, Policy};
//!
//! let policy = Policy { folder: "/tmp/job".into(), ..Policy::default() };
//! let cage = Cage::start("ogpu-cage".as_ref(), &policy, "/usr/bin/clang-19".as_ref(), &["--version"], &[])?;
//! let done = cage.wait_with_output(std::time::Duration::from_secs(10), 64 * 1024)?;
//! println!("{}", String::from_utf8_lossy(&done.stdout));
//! # Ok::<(), ogpu_sandbox::CageError>(())
//! ```

mod cage;
mod enter;
mod policy;
mod walls;

pub use cage::{Cage, CageError, Ended, Output};
pub use enter::{become_caged, die_with_parent};
pub use policy::{Policy, UsageError};
pub use walls::{Wall, Walls};
