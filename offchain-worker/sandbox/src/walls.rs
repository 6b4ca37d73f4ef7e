//! The walls of the cage, each put up by the process that will stand behind it.

use std::{
	collections::BTreeMap,
	ffi::OsStr,
	fmt, fs, io,
	os::unix::fs::MetadataExt,
	path::{Path, PathBuf},
};

use landlock::{
	ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
	RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};
use nix::{
	mount::{MsFlags, mount},
	sched::{CloneFlags, unshare},
};
use rlimit::Resource;
use seccompiler::{
	BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
	SeccompFilter, SeccompRule,
};

use crate::Policy;

/// One wall of the cage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wall {
	/// Own user, mount, pid, network, ipc and uts namespaces.
	Namespaces,
	/// Only some files can be reached.
	Landlock,
	/// Some system calls are refused.
	Seccomp,
	/// Memory, processor time and file size are bounded.
	Limits,
}

impl fmt::Display for Wall {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::Namespaces => "namespaces",
			Self::Landlock => "landlock",
			Self::Seccomp => "seccomp",
			Self::Limits => "limits",
		})
	}
}

/// The walls that a machine could not put up, each with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walls {
	missing: BTreeMap<Wall, String>,
}

impl Walls {
	/// Notes whether a wall stands.
	pub(crate) fn note(&mut self, wall: Wall, result: io::Result<()>) {
		if let Err(error) = result {
			self.missing.insert(wall, error.to_string());
		}
	}

	/// The walls that are missing, each with the reason.
	pub fn missing(&self) -> impl Iterator<Item = (Wall, &str)> {
		self.missing.iter().map(|(wall, why)| (*wall, why.as_str()))
	}

	/// Whether every wall stands.
	pub fn complete(&self) -> bool {
		self.missing.is_empty()
	}
}

impl fmt::Display for Walls {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let missing: Vec<_> = self.missing().map(|(wall, why)| format!("{wall} ({why})")).collect();
		f.write_str(&missing.join(", "))
	}
}

/// Moves this process to namespaces of its own. Its next child is the first process of a new pid
/// namespace. Whoever it was outside, it is the same user inside, with no rights outside.
pub(crate) fn namespaces() -> io::Result<()> {
	let myself = fs::metadata("/proc/self")?;
	let (uid, gid) = (myself.uid(), myself.gid());
	unshare(
		CloneFlags::CLONE_NEWUSER
			| CloneFlags::CLONE_NEWNS
			| CloneFlags::CLONE_NEWPID
			| CloneFlags::CLONE_NEWNET
			| CloneFlags::CLONE_NEWIPC
			| CloneFlags::CLONE_NEWUTS,
	)?;
	fs::write("/proc/self/setgroups", "deny")?;
	fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
	fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

/// Shows the processes of the new namespace in /proc, and no others. Where that is not allowed (inside
/// some containers), [`landlock`] lets through single files of /proc instead.
pub(crate) fn own_proc() -> bool {
	let private =
		mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>);
	let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
	private.is_ok() && mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>).is_ok()
}

/// Devices and folders that GPU drivers use.
fn gpu_paths() -> Vec<PathBuf> {
	let is_gpu = |name: &OsStr| {
		let name = name.as_encoded_bytes();
		name.starts_with(b"nvidia") || name == b"kfd" || name == b"dri" || name == b"dxg"
	};
	let devices = fs::read_dir("/dev").into_iter().flatten().flatten();
	devices.filter(|entry| is_gpu(&entry.file_name())).map(|entry| entry.path()).collect()
}

/// Lets this process reach the system's libraries, the OpenCL set-up, what the policy names, and its
/// folder; nothing else.
pub(crate) fn landlock(policy: &Policy, program: &Path, own_proc: bool) -> io::Result<()> {
	const LIBRARIES: &[&str] = &["/usr", "/lib", "/lib64", "/bin", "/opt/rocm"];
	const SETTINGS: &[&str] = &[
		"/etc/OpenCL",
		"/etc/ld.so.cache",
		"/etc/ld.so.conf",
		"/etc/ld.so.conf.d",
		"/sys/devices",
		"/dev/urandom",
	];
	const SINGLE_PROC: &[&str] =
		&["/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/self"];
	const GPU_SETTINGS: &[&str] = &[
		"/proc/driver/nvidia",
		"/proc/modules",
		"/proc/devices",
		"/proc/sys/vm",
		"/sys/module",
		"/sys/class",
		"/sys/bus/pci",
		"/sys/dev/char",
		"/etc/nvidia",
	];
	let abi = ABI::V5;
	let all = AccessFs::from_all(abi);
	let read = AccessFs::ReadFile | AccessFs::ReadDir;
	let read_exec = read | AccessFs::Execute;
	let use_device = read | AccessFs::WriteFile | AccessFs::IoctlDev;
	let to_io = |error: landlock::RulesetError| io::Error::other(error.to_string());

	let proc = if own_proc { &["/proc"] } else { SINGLE_PROC };
	let build = || -> Result<_, landlock::RulesetError> {
		let mut rules = Ruleset::default()
			.set_compatibility(CompatLevel::BestEffort)
			.handle_access(all)?
			.handle_access(AccessNet::from_all(abi))?
			.scope(Scope::from_all(ABI::V6))?
			.create()?
			.add_rules(path_beneath_rules(LIBRARIES, read_exec))?
			.add_rules(path_beneath_rules([program], read_exec))?
			.add_rules(path_beneath_rules(SETTINGS, read))?
			.add_rules(path_beneath_rules(proc, read))?
			.add_rules(path_beneath_rules(["/dev/null", "/dev/zero"], read | AccessFs::WriteFile))?
			.add_rules(path_beneath_rules(&policy.read, read))?
			// A CPU device compiles a kernel to a library in the folder, and loads it.
			.add_rules(path_beneath_rules([&policy.folder], all))?;
		if policy.gpu {
			rules = rules
				.add_rules(path_beneath_rules(gpu_paths(), use_device))?
				.add_rules(path_beneath_rules(GPU_SETTINGS, read))?;
		}
		rules.restrict_self()
	};
	match build().map_err(to_io)?.ruleset {
		RulesetStatus::NotEnforced => Err(io::Error::other("this kernel has no Landlock")),
		RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
	}
}

/// System calls that no compiler and no OpenCL driver needs, and that attacks are made of.
const REFUSED: &[libc::c_long] = &[
	// network
	libc::SYS_socket,
	libc::SYS_socketpair,
	libc::SYS_connect,
	libc::SYS_bind,
	libc::SYS_listen,
	libc::SYS_accept,
	libc::SYS_accept4,
	// other processes
	libc::SYS_ptrace,
	libc::SYS_process_vm_readv,
	libc::SYS_process_vm_writev,
	libc::SYS_pidfd_getfd,
	libc::SYS_pidfd_open,
	libc::SYS_kcmp,
	// ways around this filter
	libc::SYS_io_uring_setup,
	libc::SYS_io_uring_enter,
	libc::SYS_io_uring_register,
	// namespaces and mounts
	libc::SYS_unshare,
	libc::SYS_setns,
	libc::SYS_mount,
	libc::SYS_umount2,
	libc::SYS_pivot_root,
	libc::SYS_chroot,
	libc::SYS_fsopen,
	libc::SYS_fsmount,
	libc::SYS_open_tree,
	libc::SYS_move_mount,
	libc::SYS_mount_setattr,
	// the kernel itself
	libc::SYS_bpf,
	libc::SYS_perf_event_open,
	libc::SYS_userfaultfd,
	libc::SYS_init_module,
	libc::SYS_finit_module,
	libc::SYS_delete_module,
	libc::SYS_kexec_load,
	libc::SYS_reboot,
	libc::SYS_swapon,
	libc::SYS_swapoff,
	libc::SYS_syslog,
	libc::SYS_acct,
	libc::SYS_quotactl,
	// keys, clocks, names
	libc::SYS_add_key,
	libc::SYS_request_key,
	libc::SYS_keyctl,
	libc::SYS_settimeofday,
	libc::SYS_clock_settime,
	libc::SYS_clock_adjtime,
	libc::SYS_adjtimex,
	libc::SYS_sethostname,
	libc::SYS_setdomainname,
	// what Landlock does not bind: attributes of files anywhere, and in older versions their length
	libc::SYS_open_by_handle_at,
	libc::SYS_name_to_handle_at,
	libc::SYS_truncate,
	libc::SYS_fanotify_init,
	libc::SYS_fchmodat,
	SYS_FCHMODAT2,
	libc::SYS_fchownat,
	libc::SYS_setxattr,
	libc::SYS_lsetxattr,
	libc::SYS_removexattr,
	libc::SYS_lremovexattr,
	libc::SYS_utimensat,
];

/// The same number on every architecture.
const SYS_FCHMODAT2: libc::c_long = 452;

/// Older names of some calls, which newer architectures do not have.
#[cfg(target_arch = "x86_64")]
const REFUSED_OLD: &[libc::c_long] = &[
	libc::SYS_chmod,
	libc::SYS_chown,
	libc::SYS_lchown,
	libc::SYS_utime,
	libc::SYS_utimes,
	libc::SYS_futimesat,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_OLD: &[libc::c_long] = &[];

/// Flags of `clone` that make namespaces, in which a process would have every capability again.
const NEW_NAMESPACES: u64 = (libc::CLONE_NEWNS
	| libc::CLONE_NEWCGROUP
	| libc::CLONE_NEWUTS
	| libc::CLONE_NEWIPC
	| libc::CLONE_NEWUSER
	| libc::CLONE_NEWPID
	| libc::CLONE_NEWNET) as u64;

/// Refuses the system calls above with `EPERM`, for this process and all that it starts.
pub(crate) fn seccomp() -> io::Result<()> {
	let all = REFUSED.iter().chain(REFUSED_OLD).map(|call| (*call, Vec::new()));
	let clone = (libc::SYS_clone, each_flag(NEW_NAMESPACES)?);
	refuse(all.chain([clone]).collect(), libc::EPERM)?;
	// The flags of this one lie in memory, where no filter can see them; C libraries then use `clone`.
	refuse([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)
}

/// One rule for each flag, met when the first argument has it.
fn each_flag(flags: u64) -> io::Result<Vec<SeccompRule>> {
	let flags = (0..u64::BITS).map(|bit| 1u64 << bit).filter(|flag| flags & flag != 0);
	flags
		.map(|flag| {
			let has = SeccompCondition::new(
				0,
				SeccompCmpArgLen::Qword,
				SeccompCmpOp::MaskedEq(flag),
				flag,
			)?;
			SeccompRule::new(vec![has])
		})
		.collect::<Result<_, _>>()
		.map_err(io::Error::other)
}

fn refuse(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> io::Result<()> {
	let arch =
		std::env::consts::ARCH.try_into().map_err(|error: BackendError| io::Error::other(error))?;
	let action = SeccompAction::Errno(errno as u32);
	let filter =
		SeccompFilter::new(rules, SeccompAction::Allow, action, arch).map_err(io::Error::other)?;
	let program: BpfProgram =
		filter.try_into().map_err(|error: BackendError| io::Error::other(error))?;
	seccompiler::apply_filter(&program).map_err(io::Error::other)
}

/// Bounds what this process and those it starts may use.
pub(crate) fn limits(policy: &Policy) -> io::Result<()> {
	let set = |resource: Resource, most: u64| {
		let most = most.min(rlimit::getrlimit(resource)?.1);
		rlimit::setrlimit(resource, most, most)
	};
	if !policy.gpu {
		set(Resource::AS, policy.memory)?;
	}
	set(Resource::CPU, policy.cpu_seconds)?;
	set(Resource::FSIZE, policy.file_size)?;
	set(Resource::CORE, 0)?;
	set(Resource::NOFILE, 1024)?;
	set(Resource::NPROC, 256)
}
