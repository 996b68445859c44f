//! Controls of Azure's configuration: how many checks of each fail, and what mends them; and
//! the waivers.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::cells::{code, table};
use super::{checks, mark};
use crate::azure::checks::{Check, CheckKind, Outcome};
use crate::azure::controls::{self, Control};
use crate::azure::waivers::{WaiverReport, WaiverState};
use crate::report::Report;
use crate::report::posture::PostureReport;
use crate::report::text::number;

pub(super) fn of_report(report: &Report) -> Option<Markup> {
    let paths = report.paths.iter().flat_map(|it| &it.causes);
    let file_systems = report.file_systems.iter().flat_map(|it| &it.checks);
    let clients = report.clients.iter().flat_map(|it| &it.checks);
    section(paths.chain(file_systems).chain(clients), &report.waivers)
}

pub(super) fn of_posture(report: &PostureReport) -> Option<Markup> {
    section(report.all_checks(), &report.waivers)
}

/// Checks of one control.
#[derive(Default)]
struct ControlChecks<'r> {
    checks: BTreeSet<&'r Check>,
    counts: [u64; Outcome::ALL.len()],
    waived: u64,
}

impl<'r> ControlChecks<'r> {
    fn add(&mut self, check: &'r Check) {
        self.checks.insert(check);
        let outcomes = Outcome::ALL.into_iter().zip(&mut self.counts);
        let mut same = outcomes.filter(|(outcome, _)| *outcome == check.outcome);
        match (check.waiver, same.next()) {
            (None, Some((_, count))) => *count += 1,
            _ => self.waived += 1,
        }
    }

    /// Outcome of the worst check that no waiver accepts.
    fn worst(&self) -> Outcome {
        let open = self.checks.iter().filter(|it| it.waiver.is_none());
        open.map(|it| it.outcome).min().unwrap_or(Outcome::Pass)
    }
}

fn section<'r>(
    checks: impl Iterator<Item = &'r Check>,
    waivers: &[WaiverReport],
) -> Option<Markup> {
    let mut all = BTreeMap::<CheckKind, ControlChecks<'_>>::new();
    for check in checks {
        all.entry(check.check).or_default().add(check);
    }
    if all.is_empty() && waivers.is_empty() {
        return None;
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(kind, checks)| (checks.worst(), *kind));
    Some(html! {
        p { "Configuration explains a verdict and never makes one." }
        div.controls { @for (kind, checks) in &all {
            @if let Some(control) = controls::of(*kind) { (one(control, checks)) }
        } }
        @if !waivers.is_empty() { h3 { "Waivers" } (waived(waivers)) }
    })
}

/// A control, which unfolds where there is more to say than that all is well.
fn one(control: &Control, checks: &ControlChecks<'_>) -> Markup {
    let worst = checks.worst();
    let is_told = |it: &&&Check| matches!(it.outcome, Outcome::Fail | Outcome::Unknown);
    let told: Vec<&Check> = checks.checks.iter().filter(is_told).copied().collect();
    let counts = Outcome::ALL.into_iter().zip(checks.counts);
    html! { details open[worst == Outcome::Fail] {
        summary {
            (mark::outcome(worst)) " "
            span.title { (control.title) " " code { (control.id) } }
            span.tally {
                @for (outcome, count) in counts.filter(|(_, count)| *count > 0) {
                    span { (mark::outcome_count(outcome, count)) }
                }
                @if checks.waived > 0 { span { (number(checks.waived)) " waived" } }
            }
        }
        div.inside {
            p { (control.rationale) }
            @if !told.is_empty() { (checks::list(&told)) }
            (about(control))
        }
    } }
}

/// Expected value of a control, its remedy, and where else it is asked for.
fn about(control: &Control) -> Markup {
    let references = &control.references;
    html! { dl.facts {
        dt { "Level" } dd { (control.level) }
        dt { "Expected" } dd { (control.expected) }
        dt { "Remedy" } dd { (control.remedy) }
        dt { "Test" } dd { (code(&control.test.command)) }
        @if !references.is_empty() {
            dt { "See" }
            dd { @for it in references { (it.benchmark) " " (it.id) ": " (it.title) br; } }
        }
    } }
}

fn waived(waivers: &[WaiverReport]) -> Markup {
    let header = ["Waives", "Of", "Because", "By", "Until", "State", "Waived"];
    let row = |it: &WaiverReport| {
        let waiver = &it.waiver;
        let of = waiver.resource.as_deref().or(waiver.path.as_deref());
        let state = match it.state {
            WaiverState::Used => "used",
            WaiverState::Expired => "expired",
            WaiverState::Ambiguous => "ambiguous",
            WaiverState::Unmatched => "matches nothing",
        };
        vec![
            html! { (waiver.control.as_deref().unwrap_or("verdict")) },
            html! { (of.unwrap_or("all")) },
            html! { (waiver.reason) },
            html! { (waiver.by) },
            html! { (waiver.until) },
            html! { (state) },
            html! { (it.waived) },
        ]
    };
    let rows: Vec<_> = waivers.iter().map(row).collect();
    table(&header, 6, &rows)
}
