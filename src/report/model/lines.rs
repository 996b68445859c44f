//! Lines of a report in NDJSON: each path, and the run without them.

use serde::Serialize;

use super::path::PathReport;
use super::report::Report;

/// Path on a line of its own.
#[derive(Debug, Serialize)]
pub struct PathLine<'r> {
    /// `path`.
    kind: &'static str,
    /// The path.
    #[serde(flatten)]
    path: &'r PathReport,
}

impl<'r> PathLine<'r> {
    /// Line of a path.
    #[must_use]
    pub fn new(path: &'r PathReport) -> Self {
        Self { kind: "path", path }
    }
}

/// Report without its paths, on a line of its own.
#[derive(Debug)]
pub struct RunLine<'r> {
    /// `run`.
    kind: &'static str,
    /// The report.
    report: &'r Report,
}

impl<'r> RunLine<'r> {
    /// Line of a report.
    #[must_use]
    pub fn new(report: &'r Report) -> Self {
        Self {
            kind: "run",
            report,
        }
    }
}

fields!(RunLine<'_> {
    kind => "kind",
    report.schema_version => "schema_version",
    report.summary => "summary",
    report.proof => "proof",
    report.policy => "policy",
    report.vantage => "vantage",
    report.window => "window",
    report.first => "first",
    report.last => "last",
    report.timeline => "timeline",
    report.losses => "losses",
    report.inputs => "inputs",
    report.flow_logs => "flow_logs",
    report.exports => "exports",
    report.servers => "servers",
    report.accounting => "accounting",
    report.dtls_elsewhere => "dtls_elsewhere",
    report.file_systems => "file_systems",
    report.clients => "clients",
    report.waivers => "waivers",
    report.warnings => "warnings",
});
