//! Manifest of a run: what ran, where, on which clock, and the files it read and wrote.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Manifest of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the shape. Fields may be added within one.
    pub schema_version: u32,
    /// The program.
    pub program: ProgramReport,
    /// The machine.
    pub host: HostReport,
    /// The user that started the run.
    pub user: UserReport,
    /// Words of the command line.
    pub command: Vec<String>,
    /// Variables of the environment that stand for options.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Working directory, which paths that are not absolute begin at.
    pub directory: String,
    /// Time at which the run began, in RFC 3339.
    pub started: String,
    /// Time at which all but the manifest was written.
    pub ended: String,
    /// Clock that both times, and those of live captures, are of.
    pub clock: ClockReport,
    /// Exit code of the run, unless the manifest could not be written.
    pub exit_code: u8,
    /// Files that were read, by role and path.
    pub inputs: Vec<FileEntry>,
    /// Files that were written, in their order.
    pub outputs: Vec<FileEntry>,
}

/// Program, as it was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramReport {
    /// `plainsight`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Git commit that it was built from; `null` where that was not known.
    pub commit: Option<String>,
    /// True if files that git knows had been changed since that commit; `null` without one.
    pub modified: Option<bool>,
    /// Target that it was built for, as `x86_64-unknown-linux-gnu`.
    pub target: String,
    /// Compiler that built it.
    pub compiler: String,
    /// `release` or `debug`.
    pub profile: String,
}

/// Machine that a run was on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostReport {
    /// Its host name.
    pub name: String,
    /// Kernel and its release, as in `Linux 6.1.0`.
    pub system: String,
    /// Its machine architecture.
    pub machine: String,
}

/// User that started a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserReport {
    /// Number of the user; `null` where the system gives none, as Windows.
    pub uid: Option<u32>,
    /// Name; `null` where the machine knows none.
    pub name: Option<String>,
}

/// Clock of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReport {
    /// Clock source of the kernel, as `tsc`; `null` where it does not tell.
    pub source: Option<String>,
    /// True if a service of the machine says that it has synchronized the clock; `null` where
    /// nothing tells, which is not to say that it is not.
    pub synchronized: Option<bool>,
    /// Teller of that; `null` for none.
    pub told_by: Option<String>,
}

/// File that was read or written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Part that it has in the run: `capture`, `flow_log`, `state`, `export`, `server_list`,
    /// `waivers`, `vm_sizes`, `report`, `packets` or `evidence`.
    pub role: String,
    /// Its path as it was named or found; `-` is standard input.
    pub path: String,
    /// Bytes of the path in hexadecimal, where they are no UTF-8; else `null`.
    pub path_bytes: Option<String>,
    /// Number of its bytes.
    pub size: u64,
    /// Time of its last modification, in RFC 3339; `null` of what is no file.
    pub modified: Option<String>,
    /// SHA-256 of its bytes, in hexadecimal; `null` where they were not read or written to
    /// their end.
    pub sha256: Option<String>,
    /// Reason why there is none.
    pub fault: Option<String>,
}
