//! The checks alone: an answer in a sentence, a line a check, and remedies.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::{self, Write};

use comfy_table::Cell;

use super::checks::LISTED;
use super::{BOLD, DIM, Page, WARNING, number, printable, right};
use crate::azure::checks::{Check, Outcome};
use crate::report::Style;
use crate::report::posture::{PosturePath, PostureReport};

pub(in crate::report) fn write(
    report: &PostureReport,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page { style, out };
    page.text(BOLD, &headline(report), "", "")?;
    if report.checks().next().is_some() {
        page.paths_checked(report)?;
        page.checks(report.checks())?;
    }
    page.left_open(report.checks())?;
    page.remedies(report.checks())?;
    if !report.warnings.is_empty() {
        page.heading("Warnings")?;
    }
    let mut warnings = report.warnings.iter();
    warnings.try_for_each(|warning| page.text(WARNING, warning, "  ", "    "))?;
    page.line("")?;
    let no_proof = "Configuration proves nothing sent: captures and flow logs do.";
    page.text(DIM, no_proof, "", "  ")
}

impl Page<'_> {
    /// A line for each path, those with the most causes first: how many of its checks say
    /// what.
    fn paths_checked(&mut self, report: &PostureReport) -> io::Result<()> {
        let mut paths: Vec<&PosturePath> = report.paths.iter().collect();
        paths.sort_by_key(|path| Reverse(count(path, Outcome::Fail)));
        let rows = paths.iter().take(LISTED).map(|path| row(path)).collect();
        self.line("")?;
        let header = ["Client", "VM", "Server", "Fail", "Unknown", "Pass"];
        self.table(&header, rows)?;
        self.more(paths.len(), LISTED)
    }
}

fn count(path: &PosturePath, wanted: Outcome) -> usize {
    let causes = path.causes.iter();
    causes.filter(|check| check.outcome == wanted).count()
}

fn row(path: &PosturePath) -> Vec<Cell> {
    let name = |id: &Option<String>| {
        let name = id.as_deref().and_then(|id| id.rsplit('/').next());
        printable(name.unwrap_or("–"))
    };
    let ends = &path.ends;
    let server = ends.file_system.as_ref().or(ends.server.address.as_ref());
    let server = server.or(ends.server.virtual_network.as_ref());
    let counts = Outcome::ALL.map(|outcome| right(number(count(path, outcome) as u64)));
    let named = [
        name(&ends.client.address),
        name(&ends.client.vm),
        name(&server.cloned()),
    ];
    named.into_iter().map(Cell::new).chain(counts).collect()
}

fn headline(report: &PostureReport) -> String {
    if report.paths.is_empty() {
        return "There is nothing to check: no export has an AMLFS file system, and --servers \
                names no server."
            .to_owned();
    }
    let causes = report.paths.iter().map(|path| first_cause(&path.causes));
    let causes: Vec<&Check> = causes.flatten().collect();
    let (some, all) = (
        number(causes.len() as u64),
        number(report.paths.len() as u64),
    );
    let Some(first) = causes.first() else {
        return format!("{}{}.", no_cause(&all), others(report));
    };
    let who = match (causes.len(), report.paths.len()) {
        (_, 1) => "The one path to AMLFS has".to_owned(),
        (1, _) => format!("1 of {all} paths to AMLFS has"),
        _ => format!("{some} of {all} paths to AMLFS have"),
    };
    format!("{who} a cause of plaintext: {}.", first.says)
}

fn first_cause(causes: &[Check]) -> Option<&Check> {
    causes.iter().find(|check| check.outcome == Outcome::Fail)
}

fn no_cause(all: &str) -> String {
    let paths = if all == "1" { "path" } else { "paths" };
    format!("No cause of plaintext was found on {all} {paths} to AMLFS")
}

/// What is left open, or wrong with anything but paths.
fn others(report: &PostureReport) -> String {
    let checks: BTreeSet<&Check> = report.checks().collect();
    let all = |wanted| checks.iter().filter(move |check| check.outcome == wanted);
    let titles: BTreeSet<_> = all(Outcome::Fail).map(|it| it.check.title()).collect();
    let titles: Vec<_> = titles.into_iter().collect();
    match (all(Outcome::Fail).count(), all(Outcome::Unknown).count()) {
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
    }
}
