//! Files with the verdicts of the paths to their stripes, and the report that these come from.

use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// Report that `analyze`, `live` or `merge` wrote in JSON, as far as it is needed here.
#[derive(Clone, Debug, Deserialize)]
pub struct GivenReport {
    /// Version of the report's shape.
    pub schema_version: u32,
    /// Obligations of the run.
    pub proof: Vec<GivenObligation>,
    /// Every path.
    pub paths: Vec<GivenPath>,
}

/// Obligation of a given report.
#[derive(Clone, Debug, Deserialize)]
pub struct GivenObligation {
    /// `met`, `open` or `broken`.
    pub outcome: String,
}

/// Path of a given report.
#[derive(Clone, Debug, Deserialize)]
pub struct GivenPath {
    /// The client, where one was seen.
    pub client: Option<String>,
    /// The server, where it is one.
    pub server: Option<String>,
    /// Names of its targets.
    pub targets: Vec<String>,
    /// Word of the verdict.
    pub verdict: String,
}

/// Files with their stripes.
#[derive(Clone, Debug, Serialize)]
pub struct StripesReport {
    /// [`SCHEMA_VERSION`](crate::report::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Number of files by verdict, and the exit code.
    pub summary: StripesSummary,
    /// True if the given report is of a whole run.
    pub is_whole: bool,
    /// Name of the file system.
    pub file_system: String,
    /// The files, as they were given.
    pub files: Vec<FileStripes>,
}

/// Number of files by verdict.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct StripesSummary {
    /// Files all of whose stripes are on servers whose paths are encrypted.
    pub encrypted: usize,
    /// Files with a stripe on a server of which a path is plaintext, mixed, weak or in conflict.
    pub exposed: usize,
    /// Files with a stripe of which it is not known, and none exposed.
    pub unknown: usize,
    /// Files without data on any target.
    pub empty: usize,
    /// Exit code of the process.
    pub exit_code: u8,
}

/// A file, and the targets that hold its data.
#[derive(Clone, Debug, Serialize)]
pub struct FileStripes {
    /// Its name, as the layout gives it.
    pub file: String,
    /// Worst verdict of its stripes; `null` where it has none.
    pub verdict: Option<Verdict>,
    /// A stripe for each target and each path to it.
    pub stripes: Vec<StripeReport>,
}

/// Target that holds data of a file, and a path to it.
#[derive(Clone, Debug, Serialize)]
pub struct StripeReport {
    /// Name of the target.
    pub target: String,
    /// The client of the path; `null` where no path to the target is known, or none was seen.
    pub client: Option<String>,
    /// The server of the path; `null` where no path to the target is known.
    pub server: Option<String>,
    /// Verdict of the path; `undetermined` where none is known.
    pub verdict: Verdict,
}
