//! The checks alone, without a capture: from each client that can reach a file system to
//! that file system, of each file system, and of each client's disks.

use std::io::{self, Write};

use serde::Serialize;

use super::azure::{ClientReport, EndsReport, FileSystemReport};
use super::{Format, Style, table};
use crate::azure::checks::{self, Check, Outcome, Seen};
use crate::azure::topology::{Azure, Ends, Place};
use crate::verdict::{Exit, Servers};

/// The version of the JSON's shape. Fields may be added within one.
const SCHEMA_VERSION: u32 = 1;
/// More paths than these would not fit into memory for long.
const MAX_PATHS: usize = 50_000;

/// All formats; the first is the default.
pub const FORMATS: &[Format<PostureReport>] = &[
    Format {
        name: "table",
        ending: "txt",
        write: table::posture::write,
    },
    Format {
        name: "json",
        ending: "json",
        write: json,
    },
];

fn json(report: &PostureReport, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

/// How many checks say what, and what the process exits with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PostureSummary {
    /// Checks that fail.
    pub fail: usize,
    /// Checks that nobody can tell from exports.
    pub unknown: usize,
    /// Checks that pass.
    pub pass: usize,
    /// What the process exits with.
    pub exit_code: u8,
}

/// A path that clients can take, whether they do or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PosturePath {
    /// What is at its ends.
    #[serde(flatten)]
    pub ends: EndsReport,
    /// The known causes of plaintext.
    pub causes: Vec<Check>,
}

/// Everything that the configuration says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PostureReport {
    /// 1.
    pub schema_version: u32,
    /// How many checks say what.
    pub summary: PostureSummary,
    /// From each client that can reach a file system or server to that.
    pub paths: Vec<PosturePath>,
    /// Each file system.
    pub file_systems: Vec<FileSystemReport>,
    /// Each client's VM.
    pub clients: Vec<ClientReport>,
    /// What was passed over.
    pub warnings: Vec<String>,
}

impl PostureReport {
    /// Checks the configuration. `servers` names those that no export has.
    #[must_use]
    pub fn new(azure: &Azure, servers: &Servers) -> Self {
        let clients: Vec<Place<'_>> = azure.clients().collect();
        let paths = paths(azure, servers, &clients);
        let file_systems = azure.export.file_systems.values().map(|it| {
            let near = near(azure, &clients, &azure.place_of(it));
            FileSystemReport::of(azure, it, &near)
        });
        let mut report = Self {
            schema_version: SCHEMA_VERSION,
            summary: PostureSummary::of(&[]),
            file_systems: file_systems.collect(),
            clients: ClientReport::all(azure, paths.iter().map(|ends| ends.client)),
            paths: paths.iter().map(|ends| path(azure, ends)).collect(),
            warnings: warnings(azure, paths.len()),
        };
        report.summary = PostureSummary::of(&report.checks().collect::<Vec<_>>());
        report
    }

    /// All checks, those of paths first.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        let paths = self.paths.iter().flat_map(|path| &path.causes);
        let file_systems = self.file_systems.iter().flat_map(|it| &it.checks);
        paths
            .chain(file_systems)
            .chain(self.clients.iter().flat_map(|it| &it.checks))
    }

    /// What the process exits with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.summary.exit_code
    }
}

impl PostureSummary {
    fn of(checks: &[&Check]) -> Self {
        let outcomes = || checks.iter().map(|check| check.outcome);
        let count = |wanted| outcomes().filter(|&outcome| outcome == wanted).count();
        Self {
            fail: count(Outcome::Fail),
            unknown: count(Outcome::Unknown),
            pass: count(Outcome::Pass),
            exit_code: Exit::of_checks(outcomes()).code(),
        }
    }
}

fn path(azure: &Azure, ends: &Ends<'_>) -> PosturePath {
    PosturePath {
        ends: EndsReport::of(ends),
        causes: checks::of_path(azure, ends, &Seen::default()),
    }
}

/// The paths to each file system, then those to servers that are named and no file system's.
fn paths<'a>(azure: &'a Azure, servers: &Servers, clients: &[Place<'a>]) -> Vec<Ends<'a>> {
    let file_systems = azure.export.file_systems.values();
    let known = file_systems.map(|file_system| azure.ends_to(file_system));
    let all = known.chain(named(azure, servers)).flat_map(|ends| {
        let near = or_unknown(near(azure, clients, &ends.server));
        near.into_iter().map(move |client| Ends {
            client,
            ..ends.clone()
        })
    });
    all.take(MAX_PATHS).collect()
}

/// Servers that are named and no file system's; of blocks, what is known of any address.
fn named<'a>(azure: &'a Azure, servers: &Servers) -> Vec<Ends<'a>> {
    let one = servers.named();
    let one = one.map(|(address, _)| azure.ends(None, address.into()));
    let any = servers.blocks().map(|(block, _)| {
        let mut ends = azure.ends(None, block.network());
        ends.server.address = None;
        ends
    });
    let all = one.chain(any);
    all.filter(|ends| ends.file_system.is_none()).collect()
}

/// The clients that can reach a place.
fn near<'a>(azure: &Azure, clients: &[Place<'a>], server: &Place<'_>) -> Vec<Place<'a>> {
    let near = clients.iter().filter(|it| azure.reaches(it, server));
    near.copied().collect()
}

/// Where no export has a client, the server's end is worth checking all the same.
fn or_unknown(clients: Vec<Place<'_>>) -> Vec<Place<'_>> {
    if clients.is_empty() {
        vec![Place::default()]
    } else {
        clients
    }
}

/// What was passed over, the paths beyond the limit included.
fn warnings(azure: &Azure, paths: usize) -> Vec<String> {
    let mut warnings = azure.export.warnings.clone();
    if paths == MAX_PATHS {
        warnings.push(format!(
            "only the first {MAX_PATHS} paths are checked: split the exports"
        ));
    }
    warnings
}
