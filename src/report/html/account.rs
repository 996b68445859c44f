//! Warnings, and the account of every packet.

use maud::{Markup, html};

use super::cells::{ROWS, code, more, table};
use crate::report::text::{bytes, number};
use crate::report::wording::account;
use crate::report::wording::warnings::{grouped, together};
use crate::report::{AccountingReport, ElsewhereReport, Report, Style, Volume};

/// Warnings, those that say the same once, unless all are asked for.
pub(super) fn warnings(report: &Report, style: &Style) -> Option<Markup> {
    let all: Vec<String> = if style.verbose {
        report.warnings.iter().map(ToString::to_string).collect()
    } else {
        let groups = grouped(&report.warnings);
        groups.iter().map(|group| together(group)).collect()
    };
    listed(&all)
}

pub(super) fn listed(warnings: &[String]) -> Option<Markup> {
    (!warnings.is_empty()).then(|| {
        html! {
            ul.warnings { @for it in warnings.iter().take(ROWS) { li { (it) } } }
            (more(warnings.len(), ROWS))
        }
    })
}

/// Buckets of the account, which add up to what was read, and the reasons of what could not be
/// decoded.
pub(super) fn packets(report: &Report) -> Option<Markup> {
    if report.inputs.is_empty() {
        return None;
    }
    let accounting = &report.accounting;
    let elsewhere = &report.dtls_elsewhere;
    Some(html! {
        p { (account::account(accounting)) "." }
        (table(&["Packets", "Number", "Bytes"], 1, &buckets(accounting)))
        @if !elsewhere.is_empty() {
            h3 { "DTLS elsewhere, on no path to a known server" }
            (table(&["Between", "Packets", "Bytes"], 1, &others(elsewhere)))
        }
    })
}

fn buckets(accounting: &AccountingReport) -> Vec<Vec<Markup>> {
    let told = |it: &str| html! { (it) };
    let reasons = accounting.undecodable.reasons.iter();
    let reasons = reasons.map(|it| (html! { "– " (it.reason) }, it.volume));
    let all = account::buckets(accounting).map(|(what, volume)| (told(what), volume));
    let all = all.chain(reasons);
    let sum = (html! { strong { "read" } }, accounting.read);
    all.chain([sum])
        .map(|(what, volume)| row(what, volume))
        .collect()
}

fn row(what: Markup, volume: Volume) -> Vec<Markup> {
    let (packets, bytes) = (number(volume.packets), bytes(volume.wire_bytes));
    vec![what, html! { (packets) }, html! { (bytes) }]
}

fn others(elsewhere: &[ElsewhereReport]) -> Vec<Vec<Markup>> {
    let rows = elsewhere.iter().map(|it| {
        let ends = it.addresses.join(" and ");
        let ends = if ends.is_empty() { "others" } else { &ends };
        row(code(ends), it.volume)
    });
    rows.collect()
}
