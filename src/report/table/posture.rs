//! Posture as a table: an answer in a sentence, a line a check, and remedies.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::{self, Write};

use comfy_table::Cell;

use super::checks::LISTED;
use super::{BOLD, DIM, Page, WARNING, number, printable, right};
use crate::azure::checks::{Check, Effect, Outcome};
use crate::report::posture::{PosturePath, PostureReport};
use crate::report::{Standing, Style};

pub(in crate::report) fn write(
    report: &PostureReport,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page { style, out };
    page.text(BOLD, &headline(report), "", "")?;
    if !report.paths.is_empty() {
        page.paths_checked(report)?;
    }
    page.checks(report.all_checks())?;
    page.left_open(report.all_checks())?;
    page.notes(report.all_checks())?;
    page.remedies(report.all_checks())?;
    if !report.warnings.is_empty() {
        page.heading("Warnings")?;
    }
    let mut warnings = report.warnings.iter();
    warnings.try_for_each(|warning| page.text(WARNING, warning, "  ", "    "))?;
    page.inventory(&report.inventory)?;
    page.line("")?;
    let no_proof = "Configuration proves nothing sent: captures and flow logs do.";
    page.text(DIM, no_proof, "", "  ")
}

impl Page<'_> {
    /// A line for each path, those with the most causes first: the number of its checks of
    /// each outcome.
    fn paths_checked(&mut self, report: &PostureReport) -> io::Result<()> {
        let mut paths: Vec<PathRow<'_>> = report
            .paths
            .iter()
            .map(|it| PathRow::of(report, it))
            .collect();
        paths.sort_by_key(|row| (Reverse(row.counts[0]), Reverse(row.path.blocked.is_some())));
        let rows = paths.iter().take(LISTED).map(PathRow::cells).collect();
        self.line("")?;
        let header = ["Client", "VM", "Server", "Fail", "Unknown", "Note", "Pass"];
        self.table(&header, rows)?;
        self.more(paths.len(), LISTED)
    }
}

/// A line of the table of paths.
struct PathRow<'r> {
    path: &'r PosturePath,
    counts: [usize; 4],
}

impl<'r> PathRow<'r> {
    fn of(report: &'r PostureReport, path: &'r PosturePath) -> Self {
        let causes = report.causes(path);
        let count = |wanted| causes.iter().filter(|it| it.outcome == wanted).count();
        Self {
            path,
            counts: Outcome::ALL.map(count),
        }
    }

    fn cells(&self) -> Vec<Cell> {
        let name = |name: Option<&str>| printable(name.unwrap_or("–"));
        let last = |id: &'r str| id.rsplit('/').next().unwrap_or(id);
        let ends = &self.path.ends;
        let server = &ends.server;
        let network = || server.virtual_network.as_deref().map(last);
        let file_system = ends.file_system_label.as_deref();
        let named = [
            name(ends.client.address.as_deref()),
            name(ends.client.vm_label.as_deref()),
            name(file_system.or(server.address.as_deref()).or_else(network)),
        ];
        let counts = self.counts.map(|count| right(number(count as u64)));
        named.into_iter().map(Cell::new).chain(counts).collect()
    }
}

fn headline(report: &PostureReport) -> String {
    if report.paths.is_empty() {
        return "There is nothing to check: no export has an AMLFS file system, and --servers \
                names no server."
            .to_owned();
    }
    let blocked: Vec<&str> = report
        .paths
        .iter()
        .filter_map(|path| path.blocked.as_deref())
        .collect();
    let open = report.paths.iter().filter(|path| path.blocked.is_none());
    let causes = open.filter_map(|path| first_cause(&report.causes(path)));
    let causes: Vec<&Check> = causes.collect();
    let all = report.paths.len();
    let stopped = blocked.first().map(|says| {
        let who = some(blocked.len(), all, ["is", "are"]);
        format!("{who} blocked, so nothing passes: {says}.")
    });
    match (causes.first(), stopped) {
        (None, None) => format!("{}{}.", no_cause(all), others(report)),
        (None, Some(stopped)) => stopped,
        (Some(first), stopped) => {
            let who = some(causes.len(), all, ["has", "have"]);
            let says = format!("{who} a cause of plaintext: {}.", first.says);
            stopped.map_or(says.clone(), |stopped| format!("{says} {stopped}"))
        }
    }
}

/// Some of all paths, with the verb for one and for several.
fn some(count: usize, all: usize, [one, several]: [&str; 2]) -> String {
    let (some, all_) = (number(count as u64), number(all as u64));
    match (count, all) {
        (_, 1) => format!("The one path to AMLFS {one}"),
        (1, _) => format!("1 of {all_} paths to AMLFS {one}"),
        _ => format!("{some} of {all_} paths to AMLFS {several}"),
    }
}

/// The first cause of plaintext.
fn first_cause<'r>(causes: &[&'r Check]) -> Option<&'r Check> {
    let mut causes = causes.iter();
    let found = causes.find(|check| check.effect == Some(Effect::Plaintext));
    found.copied()
}

fn no_cause(all: usize) -> String {
    let paths = if all == 1 { "path" } else { "paths" };
    let all = number(all as u64);
    format!("No cause of plaintext was found on {all} {paths} to AMLFS")
}

/// Rest of an answer: failures of anything but paths, and what is open.
fn others(report: &PostureReport) -> String {
    let checks: BTreeSet<&Check> = report.all_checks().collect();
    let all = |wanted| checks.iter().filter(move |check| check.outcome == wanted);
    let titles: BTreeSet<_> = all(Outcome::Fail).map(|it| it.check.title()).collect();
    let titles: Vec<_> = titles.into_iter().collect();
    let is_open = |standing| standing == Standing::Unknown;
    let vms = report
        .clients
        .iter()
        .filter(|it| is_open(it.standing))
        .count();
    let vms = match vms {
        0 => String::new(),
        1 => "; 1 VM may be on a path that the exports do not show".to_owned(),
        vms => format!(
            "; {} VMs may be on paths that the exports do not show",
            number(vms as u64)
        ),
    };
    let rest = match (all(Outcome::Fail).count(), all(Outcome::Unknown).count()) {
        (0, 0) => String::new(),
        (0, 1) => "; 1 check cannot be told from the exports".to_owned(),
        (0, open) => format!(
            "; {} checks cannot be told from the exports",
            number(open as u64)
        ),
        (1, _) => format!("; another check failed ({})", titles.join(", ")),
        (wrong, _) => {
            format!(
                "; {} other checks failed ({})",
                number(wrong as u64),
                titles.join(", ")
            )
        }
    };
    vms + &rest
}
