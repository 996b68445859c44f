//! Posture as a table: an answer in a sentence, a line a check, and remedies.

use std::cmp::Reverse;
use std::io::{self, Write};

use comfy_table::Cell;

use super::checks::LISTED;
use super::{BOLD, DIM, Page, WARNING, number, printable, right};
use crate::azure::checks::Outcome;
use crate::report::Style;
use crate::report::posture::{PosturePath, PostureReport};
use crate::report::wording::posture::{NO_PROOF, ends, headline};

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
    page.text(DIM, NO_PROOF, "", "  ")
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
        let named = ends(self.path).map(|name| printable(&name));
        let counts = self.counts.map(|count| right(number(count as u64)));
        named.into_iter().map(Cell::new).chain(counts).collect()
    }
}
