//! Posture: the checks alone, without a capture.

use serde::Serialize;

use super::azure::{ClientReport, EndsReport, FileSystemReport};
use crate::azure::checks::Check;
use crate::azure::controls::Control;
use crate::azure::export::Inventory;
use crate::azure::waivers::WaiverReport;

/// Number of checks of each outcome, and the exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PostureSummary {
    /// Checks that fail.
    pub fail: usize,
    /// Checks that these exports cannot tell.
    pub unknown: usize,
    /// Checks that no export can tell, or that ask for nothing.
    pub note: usize,
    /// Checks that pass.
    pub pass: usize,
    /// Checks that fail or are unknown, and are accepted: they are not among these.
    pub waived: usize,
    /// Exit code of the process.
    pub exit_code: u8,
}

/// A path that clients can take, whether they do or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PosturePath {
    /// Its ends.
    #[serde(flatten)]
    pub ends: EndsReport,
    /// Sentence on what keeps all its traffic from passing; `null` where nothing does.
    pub blocked: Option<String>,
    /// Place in `paths`, from 0, of a path between the same networks, which lists the causes
    /// that both share; `null` where all are listed here.
    pub shares_with: Option<usize>,
    /// Known causes of plaintext, those that decide first.
    pub causes: Vec<Check>,
}

/// All checks of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PostureReport {
    /// 1.
    pub schema_version: u32,
    /// Number of checks of each outcome.
    pub summary: PostureSummary,
    /// Paths from each client to each file system or server that it can reach.
    pub paths: Vec<PosturePath>,
    /// Each file system.
    pub file_systems: Vec<FileSystemReport>,
    /// Each VM.
    pub clients: Vec<ClientReport>,
    /// Checks of the exports as a whole.
    pub checks: Vec<Check>,
    /// Controls of these checks, each once, in the order of the catalogue.
    pub controls: Vec<&'static Control>,
    /// Ids of controls that are required.
    pub required: Vec<&'static str>,
    /// Waivers, and what became of them.
    pub waivers: Vec<WaiverReport>,
    /// Files that were read, and what they held.
    pub inventory: Inventory,
    /// Sentences on what was passed over.
    pub warnings: Vec<String>,
}
