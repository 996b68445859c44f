//! The machine and the user of a run, as the system tells them.

#[cfg(not(unix))]
pub(super) use elsewhere::{host, user};
#[cfg(unix)]
pub(super) use unix::{host, user};

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;

    use nix::sys::utsname::{UtsName, uname};
    use nix::unistd::{User, getuid};

    use crate::report::manifest::{HostReport, UserReport};

    /// The machine, by `uname(2)`.
    pub(in super::super) fn host() -> HostReport {
        let known = uname().ok();
        let text = |of: fn(&UtsName) -> &OsStr| {
            let text = known.as_ref().map(of);
            text.map_or_else(String::new, |it| it.to_string_lossy().into_owned())
        };
        HostReport {
            name: text(|it| it.nodename()),
            system: format!("{} {}", text(|it| it.sysname()), text(|it| it.release())),
            machine: text(|it| it.machine()),
        }
    }

    /// The user, by the number and as the system's list names it.
    pub(in super::super) fn user() -> UserReport {
        let uid = getuid();
        let name = User::from_uid(uid).ok().flatten();
        UserReport {
            uid: Some(uid.as_raw()),
            name: name.map(|user| user.name),
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::env;

    use crate::report::manifest::{HostReport, UserReport};

    /// The machine, as Windows tells every process.
    pub(in super::super) fn host() -> HostReport {
        HostReport {
            name: env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".to_owned()),
            system: env::var("OS").unwrap_or_else(|_| env::consts::OS.to_owned()),
            machine: env::consts::ARCH.to_owned(),
        }
    }

    /// The user, which has no number there.
    pub(in super::super) fn user() -> UserReport {
        UserReport {
            uid: None,
            name: env::var("USERNAME").ok(),
        }
    }
}
