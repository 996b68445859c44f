//! Rights that the run gives up once its captures, outputs and sockets are open.
//!
//! Packets come from whoever can send them, and a bug in what reads them must not hand
//! over the machine. So the process keeps what it has open and what computing takes, and
//! loses the rest, in this order:
//!
//! 1. the user: supplementary groups, group and user ids (`setresuid(2)`),
//! 2. all [capabilities](caps) (`capabilities(7)`), the bounding set where it may,
//! 3. new privileges and core dumps (`prctl(2)`),
//! 4. files, TCP ports and signals to others, by [`landlock`],
//! 5. [system calls](system_calls), by seccomp.
//!
//! Landlock binds the thread that asks for it and those it starts later, and so do
//! capabilities. Call [`Confinement::enter`] from the only thread there is.
//!
//! # What still works
//! Reading and writing what is open; a capture's socket, also when its interface goes
//! and comes back, for that needs `bind(2)` alone; accepting connections; threads,
//! memory, clocks, signals; where folders were named, making, renaming and removing
//! files in them.
//!
//! # What does not
//! Opening any other file: what must be read again, such as an interface's counters in
//! `/sys`, has to stay open and be read at offset 0. libpcap itself reads those counters
//! on each call for its statistics where a capture is promiscuous, so captures must not
//! be. Making sockets, and so opening another capture. Starting programs.

use std::io;
use std::path::{Path, PathBuf};

use crate::input::name::FileName;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::unistd::{AccessFlags, User, access, geteuid, setgroups, setresgid, setresuid};

pub mod files;
pub mod system_calls;

/// User to run as where none is named.
pub const NOBODY: &str = "nobody";

/// Rights that a run keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// User to run as, if this process may choose; [`NOBODY`] by default.
    pub user: Option<String>,
    /// Folders in which files may still be made, written, renamed and removed.
    pub writable: Vec<PathBuf>,
    /// Folders of which the same holds as far as their owners let the user.
    pub reopened: Vec<PathBuf>,
}

/// Outcome of a confinement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// Rights that the process gave up, a sentence each.
    pub done: Vec<String>,
    /// Restrictions that this kernel, or the way the process was started, left out, a
    /// sentence each.
    pub lacks: Vec<String>,
}

/// Failure to confine a process. A run that was promised less than it has must
/// not go on.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The user is not on this machine.
    #[error("there is no user `{0}` to run as; name one with --user")]
    NoSuchUser(String),
    /// Only root may choose.
    #[error("cannot run as `{0}`: only root may choose a user")]
    NotRoot(String),
    /// The folder is not the user's.
    #[error(
        "{user} cannot make files in {}: {error}; name another user with --user, or give {user} the folder",
        FileName(folder)
    )]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// User that would write there.
        user: String,
        /// Error of the kernel.
        error: Errno,
    },
    /// The kernel has what was asked for and refuses it.
    #[error("cannot {0}: {1}")]
    Refused(&'static str, String),
}

impl Confinement {
    /// Confines this process, for good. Call it from the only thread.
    ///
    /// # Errors
    /// The user is unknown or cannot be chosen, cannot write to a folder, or the kernel
    /// refuses what it has. Steps before the one that failed stay taken.
    pub fn enter(self) -> Result<Entered, ConfineError> {
        let mut entered = Entered::default();
        // Opened with the rights of who started the process.
        let all = [&self.writable[..], &self.reopened].concat();
        let files = files::prepare(&all)?;
        let user = self.next_user()?;
        drop_bounding_set(&mut entered);
        become_user(user.as_ref(), &mut entered)?;
        drop_capabilities(&mut entered)?;
        self.check_folders(user.as_ref())?;
        give_up_privileges(&mut entered)?;
        files.enter(&mut entered)?;
        system_calls::enter(!all.is_empty(), &mut entered)?;
        Ok(entered)
    }

    /// User to change to; `None` where this process may not choose.
    fn next_user(&self) -> Result<Option<User>, ConfineError> {
        let name = match &self.user {
            Some(name) => name,
            None if may_choose_user() => NOBODY,
            None => return Ok(None),
        };
        let user = User::from_name(name).map_err(refused("look up users"))?;
        let user = user.ok_or_else(|| ConfineError::NoSuchUser(name.to_owned()))?;
        match may_choose_user() {
            true => Ok(Some(user)),
            false if user.uid == geteuid() => Ok(None),
            false => Err(ConfineError::NotRoot(user.name)),
        }
    }

    /// Rather now than at the first file of a long run.
    fn check_folders(&self, user: Option<&User>) -> Result<(), ConfineError> {
        let may = AccessFlags::W_OK | AccessFlags::X_OK;
        self.writable.iter().try_for_each(|folder| {
            access(folder, may).map_err(|error| not_writable(folder, user, error))
        })
    }
}

fn not_writable(folder: &Path, user: Option<&User>, error: Errno) -> ConfineError {
    ConfineError::NotWritable {
        folder: folder.to_owned(),
        user: user.map_or_else(|| "this user".to_owned(), |user| user.name.clone()),
        error,
    }
}

fn refused<E: ToString>(what: &'static str) -> impl Fn(E) -> ConfineError {
    move |error| ConfineError::Refused(what, error.to_string())
}

fn has(capability: caps::Capability) -> bool {
    caps::has_cap(None, caps::CapSet::Effective, capability).unwrap_or(false)
}

fn may_choose_user() -> bool {
    has(caps::Capability::CAP_SETUID) && has(caps::Capability::CAP_SETGID)
}

/// The wrappers of the C library change all threads.
fn become_user(user: Option<&User>, entered: &mut Entered) -> Result<(), ConfineError> {
    let Some(User { name, uid, gid, .. }) = user else {
        stay_user(entered);
        return Ok(());
    };
    let change = || {
        setgroups(&[])?;
        setresgid(*gid, *gid, *gid)?;
        setresuid(*uid, *uid, *uid)
    };
    change().map_err(refused("change the user"))?;
    let done = format!("The process runs as {name}, in no other group.");
    entered.done.push(done);
    Ok(())
}

/// Records that the user stays. One that is not root has nothing to give up.
fn stay_user(entered: &mut Entered) {
    if geteuid().is_root() {
        let lack = "The process stays root, as it may not change its user.";
        entered.lacks.push(lack.to_owned());
    } else {
        let done = format!("The process runs as user {}, who started it.", geteuid());
        entered.done.push(done);
    }
}

/// Only `CAP_SETPCAP` may. Without it nothing can be gained from the set either, once new
/// privileges are given up.
fn drop_bounding_set(entered: &mut Entered) {
    if caps::clear(None, caps::CapSet::Bounding).is_ok() {
        let done = "No capability can be gained again.";
        entered.done.push(done.to_owned());
    }
}

fn drop_capabilities(entered: &mut Entered) -> Result<(), ConfineError> {
    use caps::CapSet::{Ambient, Effective, Inheritable, Permitted};
    for set in [Ambient, Effective, Permitted, Inheritable] {
        caps::clear(None, set).map_err(refused("drop capabilities"))?;
    }
    let done = "The process holds no capability.";
    entered.done.push(done.to_owned());
    Ok(())
}

fn give_up_privileges(entered: &mut Entered) -> Result<(), ConfineError> {
    prctl::set_no_new_privs().map_err(refused("give up new privileges"))?;
    prctl::set_dumpable(false).map_err(refused("forbid core dumps"))?;
    let done = "It cannot gain privileges by starting a program, nor be dumped or traced.";
    entered.done.push(done.to_owned());
    Ok(())
}

/// Advice on a capture that could not be opened for want of a right.
/// `error` is libpcap's text or the kernel's.
#[must_use]
pub fn missing_capture_right(error: &str) -> Option<String> {
    let error = error.to_lowercase();
    let denied = ["permission", "permitted", "cap_net_raw", "cap_net_admin"];
    denied.iter().any(|word| error.contains(word)).then(|| {
        "capturing needs the capability CAP_NET_RAW: run as root, grant it with `sudo setcap \
         cap_net_raw+ep $(command -v plainsight)`, or run the systemd unit plainsight.service"
            .to_owned()
    })
}

/// The error of a kernel that lacks what was asked for, rather than refusing it.
fn is_lacking(error: &io::Error) -> bool {
    let lacking = [libc::ENOSYS, libc::EINVAL, libc::EOPNOTSUPP];
    error
        .raw_os_error()
        .is_some_and(|code| lacking.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_told_in_one_line() {
        // Of libpcap 1.9, libpcap 1.10 and the kernel.
        for error in [
            "eth0: You don't have permission to capture on that device (socket: Operation not permitted)",
            "eth0: You don't have permission to perform this capture on that device (Attempt to create packet socket failed - CAP_NET_RAW may be required)",
            "Operation not permitted (os error 1)",
        ] {
            let help = missing_capture_right(error).expect("help");
            assert!(help.contains("sudo setcap cap_net_raw+ep $(command -v plainsight)"));
            assert!(help.contains("plainsight.service"));
            assert_eq!(help.lines().count(), 1);
        }
    }

    #[test]
    fn other_errors_are_not_for_want_of_a_right() {
        let error = "eth7: No such device exists (SIOCGIFHWADDR: No such device)";
        assert_eq!(missing_capture_right(error), None);
    }
}
