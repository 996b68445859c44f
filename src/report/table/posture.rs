//! The checks alone: an answer in a sentence, a line a check, and remedies.

use std::io::{self, Write};

use super::{BOLD, DIM, Page, WARNING, number};
use crate::azure::checks::{Check, Outcome};
use crate::report::Style;
use crate::report::posture::PostureReport;

pub(in crate::report) fn write(
    report: &PostureReport,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page { style, out };
    page.text(BOLD, &headline(report), "", "")?;
    if report.checks().next().is_some() {
        page.checks(report.checks())?;
    }
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
    let has = if causes.len() == 1 { "has" } else { "have" };
    format!(
        "{some} of {all} paths to AMLFS {has} a cause of plaintext: {}.",
        first.says
    )
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
    let is = |count| if count == 1 { "check" } else { "checks" };
    match (report.summary.fail, report.summary.unknown) {
        (0, 0) => String::new(),
        (0, open) => format!("; {open} {} cannot be told from the exports", is(open)),
        (wrong, _) => format!("; {wrong} {} of something else fail", is(wrong)),
    }
}
