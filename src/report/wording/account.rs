//! What a run rests on, and what became of each packet, in a line each.

use crate::flow_log::LogReport;
use crate::report::text::{NO_BREAK, counted, number, packets, tuples};
use crate::report::{AccountingReport, Report, Volume, WindowReport};
use crate::verdict::Vantage;

/// Buckets of the account, in the order of reports: what stands outside of a window only where
/// there is any.
pub(in crate::report) fn buckets(
    accounting: &AccountingReport,
) -> impl Iterator<Item = (&'static str, Volume)> + use<> {
    let buckets = [
        ("on paths", accounting.paths),
        ("DTLS elsewhere", accounting.dtls_elsewhere),
        ("other traffic", accounting.other),
        ("duplicates", accounting.duplicates),
        ("undecodable", accounting.undecodable.total),
    ];
    let outside = ("outside the window", accounting.outside_window);
    let outside = (outside.1.packets > 0).then_some(outside);
    buckets.into_iter().chain(outside)
}

/// Account of every packet, in a line.
pub(in crate::report) fn account(accounting: &AccountingReport) -> String {
    let sum: Vec<String> = buckets(accounting)
        .map(|(what, volume)| format!("{} {what}", number(volume.packets)).replace(' ', NO_BREAK))
        .collect();
    let read = packets(accounting.read.packets);
    format!("{read} read: {}", sum.join(", "))
}

/// Sum of the flow logs that were read, in a line.
pub(in crate::report) fn logged(logs: &[LogReport]) -> String {
    let sum = |of: fn(&LogReport) -> u64| number(logs.iter().map(of).sum());
    format!(
        "{} read: {} bad, {} in unknown states",
        tuples(logs.iter().map(|log| log.tuples).sum()),
        sum(|log| log.bad_tuples),
        sum(|log| log.unknown_states),
    )
}

/// Number of files of each kind that a report rests on.
pub(in crate::report) fn kinds(report: &Report) -> Vec<String> {
    let kinds = [
        (report.inputs.len(), "capture"),
        (report.flow_logs.len(), "flow log"),
        (report.exports.len(), "export"),
    ];
    let some = kinds.into_iter().filter(|&(count, _)| count > 0);
    some.map(|(count, kind)| counted(count as u64, kind))
        .collect()
}

/// Sentence on the point at which it was captured; `None` where nothing was.
pub(in crate::report) fn vantage(report: &Report) -> Option<String> {
    if report.inputs.is_empty() {
        return None;
    }
    let says = match report.vantage.value {
        Vantage::Wire => "wire, so what was captured is what travels",
        Vantage::Guest => "guest, so what is readable here may be encrypted below",
    };
    Some(format!("Vantage: {says} ({}).", report.vantage.why))
}

/// Sentence on the window that verdicts are of; `None` where none was asked for.
pub(in crate::report) fn window(report: &Report) -> Option<String> {
    let bounds = bounds(report.window.as_ref()?);
    Some(format!(
        "Window: {bounds}. Handshakes outside it were not counted, and what they negotiated is \
         not known here."
    ))
}

/// Bounds of a window, as in `from 2026-11-21T20:00:00Z until 2026-11-21T21:00:00Z`.
pub(in crate::report) fn bounds(window: &WindowReport) -> String {
    let since = window.since.map(|since| format!("from {since}"));
    let until = window.until.map(|until| format!("until {until}"));
    let bounds: Vec<_> = [since, until].into_iter().flatten().collect();
    bounds.join(" ")
}

/// Title of what could be read.
pub(in crate::report) fn clear_of(report: &Report) -> &'static str {
    match report.vantage.value {
        Vantage::Wire => "Plaintext",
        Vantage::Guest => "Readable",
    }
}
