//! What a run rests on, and what became of each packet, in a line each.

use crate::flow_log::LogReport;
use crate::report::text::{NO_BREAK, counted, number, packets, tuples};
use crate::report::{AccountingReport, Report};
use crate::verdict::Vantage;

/// Buckets of the account, in the order of reports, each with its packets.
fn buckets(accounting: &AccountingReport) -> [(u64, &'static str); 5] {
    [
        (accounting.paths.packets, "on paths"),
        (accounting.dtls_elsewhere.packets, "DTLS elsewhere"),
        (accounting.other.packets, "other traffic"),
        (accounting.duplicates.packets, "duplicates"),
        (accounting.undecodable.total.packets, "undecodable"),
    ]
}

/// Account of every packet, in a line.
pub(in crate::report) fn account(accounting: &AccountingReport) -> String {
    let sum: Vec<String> = buckets(accounting)
        .iter()
        .map(|&(packets, what)| format!("{} {what}", number(packets)).replace(' ', NO_BREAK))
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

/// Title of what could be read.
pub(in crate::report) fn clear_of(report: &Report) -> &'static str {
    match report.vantage.value {
        Vantage::Wire => "Plaintext",
        Vantage::Guest => "Readable",
    }
}
