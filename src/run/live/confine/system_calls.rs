//! System calls that stay allowed, by seccomp (`seccomp(2)`).
//!
//! All others fail with `EPERM`, so that a call that a library makes at its leisure does
//! not end the run. Some are allowed with certain arguments alone: no memory becomes
//! executable, no process is forked, signals go to this process, `ioctl(2)` asks for what
//! terminals and interfaces need.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

use super::{ConfineError, Entered, is_lacking, refused};

/// Allowed whatever their arguments. Which of several like calls a library makes differs
/// by version, so their kin stand beside them.
const ALLOWED: &[c_long] = &[
    // What is open: files, sockets, pipes.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync_file_range,
    libc::SYS_fallocate,
    libc::SYS_ftruncate,
    libc::SYS_fcntl,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_close,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    // A capture's socket is bound again when its interface comes back.
    libc::SYS_bind,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    // Waiting.
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    // Memory. What makes it executable is below.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_getrandom,
    // Threads, and the end of them.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_getcpu,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getpgid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getrusage,
    libc::SYS_times,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_sigpending,
    libc::SYS_sigaltstack,
    libc::SYS_signalfd4,
    libc::SYS_restart_syscall,
];

/// Allowed on x86-64 alone, which keeps the older forms of some calls.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = &[
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
    libc::SYS_dup2,
    libc::SYS_getpgrp,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[c_long] = &[];

/// Allowed where folders stay writable; which ones, and that files there are written and
/// not read, Landlock holds.
const FILES: &[c_long] = &[
    libc::SYS_openat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
];
#[cfg(target_arch = "x86_64")]
const OLDER_FILES: &[c_long] = &[libc::SYS_open, libc::SYS_rename, libc::SYS_unlink];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_FILES: &[c_long] = &[];

/// Requests for a terminal's size and modes, a socket's readiness, and libpcap when it looks
/// after an interface. Pushing input into a terminal (`TIOCSTI`) is not among them.
const IOCTLS: &[u64] = &[
    libc::TCGETS,
    libc::TCGETS2,
    libc::TCSETS2,
    libc::TCSETSW2,
    libc::TCSETSF2,
    libc::TCSETS,
    libc::TCSETSW,
    libc::TCSETSF,
    libc::TIOCGWINSZ,
    libc::TIOCGPGRP,
    libc::FIONREAD,
    libc::FIONBIO,
    libc::FIOCLEX,
    libc::SIOCGIFNAME,
    libc::SIOCGIFFLAGS,
    libc::SIOCGIFMTU,
    libc::SIOCGIFHWADDR,
    libc::SIOCGIFINDEX,
];

/// Limits this process, all of its threads, to what is allowed.
///
/// # Errors
/// The kernel has seccomp, and refuses.
pub fn enter(files: bool, entered: &mut Entered) -> Result<(), ConfineError> {
    // The stricter answer of the two counts.
    let applied = filters(files)
        .map_err(Error::from)
        .and_then(|filters| filters.iter().try_for_each(|f| apply_filter_all_threads(f)));
    match applied {
        Ok(()) => entered
            .done
            .push("Seccomp keeps it from all system calls that this run does not need.".to_owned()),
        Err(error) if is_missing(&error) => entered.lacks.push(format!(
            "This kernel has no seccomp ({error}), so no system call is forbidden."
        )),
        Err(error) => return Err(refused("restrict system calls")(error)),
    }
    Ok(())
}

fn is_missing(error: &Error) -> bool {
    match error {
        Error::Seccomp(error) | Error::Prctl(error) => is_lacking(error),
        Error::Backend(BackendError::InvalidTargetArch(_)) => true,
        _ => false,
    }
}

fn filters(files: bool) -> Result<[BpfProgram; 2], BackendError> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let calls = allowed(files)?;
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let limited = SeccompFilter::new(calls, refuse, SeccompAction::Allow, arch)?;
    let older = SeccompFilter::new(
        BTreeMap::from([(libc::SYS_clone3, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.cast_unsigned()),
        arch,
    )?;
    // The other way round, the first would forbid the second.
    Ok([older.try_into()?, limited.try_into()?])
}

type CallRules = BTreeMap<c_long, Vec<SeccompRule>>;

fn allowed(files: bool) -> Result<CallRules, BackendError> {
    let lists: &[_] = if files {
        &[ALLOWED, OLDER, FILES, OLDER_FILES]
    } else {
        &[ALLOWED, OLDER]
    };
    let calls = lists.iter().copied().flatten();
    let mut rules: CallRules = calls.map(|&call| (call, Vec::new())).collect();
    rules.extend(conditional()?);
    Ok(rules)
}

/// Calls that are allowed with certain arguments.
fn conditional() -> Result<CallRules, BackendError> {
    let pid = u64::from(std::process::id());
    let not_executable = || masked(2, libc::PROT_EXEC.cast_unsigned().into(), 0);
    let thread = libc::CLONE_THREAD.cast_unsigned().into();
    let ioctls: Result<_, _> = IOCTLS.iter().map(|&request| is(1, request)).collect();
    Ok(BTreeMap::from([
        (libc::SYS_mmap, vec![not_executable()?]),
        (libc::SYS_mprotect, vec![not_executable()?]),
        (libc::SYS_clone, vec![masked(0, thread, thread)?]),
        // Its arguments are out of sight, so libraries are told to use `clone`.
        (libc::SYS_clone3, Vec::new()),
        // What the kernel says of interfaces: whether one is up, and which number it has.
        (
            libc::SYS_socket,
            vec![is(0, libc::AF_NETLINK.cast_unsigned().into())?],
        ),
        (libc::SYS_tgkill, vec![is(0, pid)?]),
        (libc::SYS_ioctl, ioctls?),
        (
            libc::SYS_prctl,
            vec![is(0, libc::PR_SET_NAME.cast_unsigned().into())?],
        ),
        // To look at limits, not to set them.
        (libc::SYS_prlimit64, vec![is_null(2)?]),
    ]))
}

/// Rule that the kernel reads the argument, a number of 32 bits, as `value`.
fn is(argument: u8, value: u64) -> Result<SeccompRule, BackendError> {
    rule(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn is_null(argument: u8) -> Result<SeccompRule, BackendError> {
    rule(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompRule, BackendError> {
    let equal = SeccompCmpOp::MaskedEq(mask);
    rule(argument, SeccompCmpArgLen::Qword, equal, value)
}

fn rule(
    argument: u8,
    len: SeccompCmpArgLen,
    operation: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, BackendError> {
    let condition = SeccompCondition::new(argument, len, operation, value)?;
    SeccompRule::new(vec![condition])
}
