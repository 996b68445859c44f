//! `JUnit` XML of a posture: a suite for each control, a case for each check, and a suite of the
//! waivers.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::Style;
use super::posture::{PostureReport, idle};
use crate::azure::checks::{Check, CheckKind, Outcome};
use crate::azure::controls;
use crate::azure::waivers::WaiverReport;

pub(super) fn write(report: &PostureReport, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut suites = BTreeMap::<CheckKind, Vec<&Check>>::new();
    for check in report.all_checks() {
        suites.entry(check.check).or_default().push(check);
    }
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let all: Vec<&Check> = report.all_checks().collect();
    let waivers = of_controls(report);
    writeln!(
        out,
        r#"<testsuites name="plainsight posture"{}>"#,
        totals(&all, waivers.len())
    )?;
    for (kind, checks) in &suites {
        let id = controls::id(*kind);
        writeln!(
            out,
            r#"  <testsuite name="{}"{} skipped="{}">"#,
            text(id),
            totals(checks, 0),
            count(checks, |it| it.outcome == Outcome::Note
                || it.waiver.is_some())
        )?;
        checks
            .iter()
            .try_for_each(|check| case(id, check, report, out))?;
        writeln!(out, "  </testsuite>")?;
    }
    write_waivers(&waivers, out)?;
    writeln!(out, "</testsuites>")
}

/// Waivers of controls.
fn of_controls(report: &PostureReport) -> Vec<&WaiverReport> {
    let all = report.waivers.iter();
    all.filter(|it| it.waiver.control.is_some()).collect()
}

/// A suite of the waivers: one that waives nothing is skipped, with the reason. What it does not
/// waive fails by itself.
fn write_waivers(waivers: &[&WaiverReport], out: &mut dyn Write) -> io::Result<()> {
    if waivers.is_empty() {
        return Ok(());
    }
    let skipped = waivers.iter().filter(|it| idle(it).is_some()).count();
    let totals = totals(&[], waivers.len());
    writeln!(
        out,
        r#"  <testsuite name="waivers"{totals} skipped="{skipped}">"#
    )?;
    for report in waivers {
        let waiver = &report.waiver;
        let subject = waiver.resource.as_deref().or(waiver.path.as_deref());
        let control = waiver.control.as_deref().unwrap_or_default();
        let name = format!("{}: {control}, {}", subject.unwrap_or("all"), waiver.reason);
        write!(
            out,
            r#"    <testcase classname="waivers" name="{}""#,
            text(&name)
        )?;
        match idle(report) {
            None => writeln!(out, "/>")?,
            Some(says) => writeln!(
                out,
                r#"><skipped message="{}"></skipped></testcase>"#,
                text(&says)
            )?,
        }
    }
    writeln!(out, "  </testsuite>")
}

/// Counts that all suites together have as well as each, of checks and so many waivers.
fn totals(checks: &[&Check], waivers: usize) -> String {
    let open = |outcome| count(checks, |it| it.outcome == outcome && it.waiver.is_none());
    format!(
        r#" tests="{}" failures="{}" errors="{}""#,
        checks.len() + waivers,
        open(Outcome::Fail),
        open(Outcome::Unknown),
    )
}

fn count(checks: &[&Check], is: impl Fn(&Check) -> bool) -> usize {
    checks.iter().filter(|check| is(check)).count()
}

fn case(id: &str, check: &Check, report: &PostureReport, out: &mut dyn Write) -> io::Result<()> {
    let field = check.field.as_ref();
    let subject = field.map_or("estate", |field| &field.resource);
    let (id, name) = (text(id), text(&format!("{subject}: {}", check.says)));
    write!(out, r#"    <testcase classname="{id}" name="{name}""#)?;
    let waiver = check.waiver.and_then(|at| report.waivers.get(at));
    let (element, says) = match (check.outcome, waiver) {
        (Outcome::Pass, _) => return writeln!(out, "/>"),
        (Outcome::Note, None) => ("skipped", check.says.clone()),
        (_, Some(it)) => (
            "skipped",
            format!(
                "accepted by {} until {}: {}",
                it.waiver.by, it.waiver.until, it.waiver.reason
            ),
        ),
        (Outcome::Fail, None) => ("failure", check.says.clone()),
        (Outcome::Unknown, None) => ("error", check.says.clone()),
    };
    let remedy = text(check.remedy.as_deref().unwrap_or_default());
    let message = text(&says);
    writeln!(
        out,
        r#"><{element} message="{message}">{remedy}</{element}></testcase>"#
    )
}

/// Text for XML 1.0, which has no control characters.
fn text(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => text.push('\u{fffd}'),
            c if c.is_control() => text.push('\u{fffd}'),
            c => text.push(c),
        }
    }
    text
}
