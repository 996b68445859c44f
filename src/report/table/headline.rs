//! The answer in a sentence.

use super::{bytes, client, number, server};
use crate::report::{PathReport, Report};
use crate::verdict::Verdict;

pub(super) fn of(report: &Report) -> String {
    let paths = report.paths.len();
    if paths == 0 {
        let read = number(report.accounting.read.packets);
        return format!("No AMLFS path was seen in {read} packets.");
    }
    let unproved = [Verdict::Weak, Verdict::Undetermined, Verdict::Silent];
    let clauses = [
        Some(encrypted(report.summary.encrypted, paths)),
        plaintext(&report.paths),
    ];
    let clauses = clauses
        .into_iter()
        .chain(unproved.map(|verdict| count(&report.paths, verdict)));
    clauses.flatten().collect::<Vec<_>>().join("; ") + "."
}

/// How many paths have a verdict, if any.
fn count(paths: &[PathReport], verdict: Verdict) -> Option<String> {
    let count = paths.iter().filter(|path| path.verdict == verdict).count();
    (count > 0).then(|| format!("{count} {} {}", is(count), verdict.name()))
}

fn is(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn encrypted(encrypted: usize, paths: usize) -> String {
    match (encrypted, paths) {
        (1, 1) => "The one AMLFS path is encrypted".to_owned(),
        (0, 1) => "The one AMLFS path is not proved to be encrypted".to_owned(),
        (0, _) => format!("None of {paths} AMLFS paths is encrypted"),
        (all, paths) if all == paths => format!("All {paths} AMLFS paths are encrypted"),
        (some, paths) => format!("{some} of {paths} AMLFS paths {} encrypted", is(some)),
    }
}

/// How much went in plaintext, and where most of it did.
fn plaintext(paths: &[PathReport]) -> Option<String> {
    let volume = |path: &PathReport| path.traffic.plaintext.wire_bytes;
    let exposed: Vec<&PathReport> = paths.iter().filter(|path| volume(path) > 0).collect();
    let most = exposed.iter().max_by_key(|path| volume(path))?;
    let (client, server) = (client(most), server(most));
    let largest = bytes(volume(most));
    if exposed.len() == 1 {
        return Some(format!(
            "{client} and {server} exchanged {largest} in plaintext"
        ));
    }
    let total = bytes(exposed.iter().map(|path| volume(path)).sum());
    let count = exposed.len();
    Some(format!(
        "{count} paths carried {total} in plaintext, most of it {client} and {server} with {largest}"
    ))
}
