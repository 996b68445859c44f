//! Inventory: file systems and clients of exports, and the files that they were in.

use maud::{Markup, html};

use super::cells::{ROWS, code, id, more, table};
use super::mark;
use crate::azure::checks::{Check, Outcome};
use crate::azure::export::{FileReport, Inventory};
use crate::report::posture::PostureReport;
use crate::report::text::number;
use crate::report::wording::inventory::{described, summary};
use crate::report::{ClientReport, FileSystemReport, Report, Standing};

pub(super) fn of_report(report: &Report) -> Option<Markup> {
    let resources = resources(&report.file_systems, &report.clients);
    let exports = &report.exports;
    (resources.is_some() || !exports.is_empty()).then(|| {
        html! {
            @if let Some(it) = resources { (it) }
            @if !exports.is_empty() { h3 { "Exports" } (files(exports)) }
        }
    })
}

pub(super) fn of_posture(report: &PostureReport) -> Option<Markup> {
    let inventory = &report.inventory;
    let resources = resources(&report.file_systems, &report.clients);
    (resources.is_some() || !inventory.files.is_empty()).then(|| {
        html! {
            @if let Some(it) = resources { (it) }
            @if !inventory.files.is_empty() { (holdings(inventory)) }
        }
    })
}

fn resources(file_systems: &[FileSystemReport], clients: &[ClientReport]) -> Option<Markup> {
    if file_systems.is_empty() && clients.is_empty() {
        return None;
    }
    Some(html! {
        @if !file_systems.is_empty() { h3 { "File systems" } (file_systems_table(file_systems)) }
        @if !clients.is_empty() { h3 { "Clients" } (clients_table(clients)) }
    })
}

fn file_systems_table(all: &[FileSystemReport]) -> Markup {
    let row = |it: &FileSystemReport| {
        vec![
            html! { (it.name) },
            html! { (it.mgs_address.as_deref().unwrap_or("–")) },
            outcomes(&it.checks),
            id(&it.id),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    table(&["Name", "MGS", "Checks", "Id"], 4, &rows)
}

fn clients_table(all: &[ClientReport]) -> Markup {
    let row = |it: &ClientReport| {
        let standing = match it.standing {
            Standing::OnPath => "on a path",
            Standing::NoPath => "on none",
            Standing::Unknown => "unknown",
        };
        vec![
            html! { (it.name) },
            html! { (standing) },
            outcomes(&it.checks),
            id(&it.id),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    table(&["Name", "Path", "Checks", "Id"], 4, &rows)
}

/// Number of checks of each outcome.
fn outcomes(checks: &[Check]) -> Markup {
    let count = |wanted| checks.iter().filter(|it| it.outcome == wanted).count() as u64;
    let counts = Outcome::ALL.map(|outcome| (outcome, count(outcome)));
    let some = counts.into_iter().filter(|(_, count)| *count > 0);
    html! { span.tally { @for (outcome, count) in some {
        span { (mark::outcome(outcome)) " " (mark::outcome_count(outcome, count)) }
    } } }
}

/// Files of exports, each with its hash.
fn files(files: &[FileReport]) -> Markup {
    html! {
        ul.files { @for it in files.iter().take(ROWS) { li {
            (described(it))
            @if let Some(hash) = &it.sha256 { br; code { "SHA-256 " (hash) } }
        } } }
        (more(files.len(), ROWS))
    }
}

/// Files of exports, the resources in them, and what was ignored.
fn holdings(inventory: &Inventory) -> Markup {
    let kinds = inventory.resources.iter().map(|it| {
        let subscription = &it.subscription;
        let count = number(it.count);
        vec![html! { (it.kind) }, code(subscription), html! { (count) }]
    });
    let ignored = inventory.ignored.iter().map(|it| {
        let count = number(it.count);
        vec![code(&it.file), html! { (it.why) }, html! { (count) }]
    });
    let [kinds, ignored]: [Vec<_>; 2] = [kinds.collect(), ignored.collect()];
    html! {
        h3 { "Exports" }
        p { (summary(inventory)) "." }
        details { summary { "Files, resources and what was ignored" } div.inside {
            (files(&inventory.files))
            (table(&["Resources", "Subscription", "Number"], 2, &kinds))
            @if !ignored.is_empty() { (table(&["Ignored in", "Why", "Number"], 2, &ignored)) }
        } }
    }
}
