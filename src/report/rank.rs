//! Order of paths for a reader: the worst first.

use std::cmp::Reverse;

use super::{PathReport, Report};
use crate::flow_log::Carried;
use crate::verdict::{Basis, Vantage, Verdict};

/// Verdicts as they concern a reader, the worst first: those of exit code 1, of 3, of 0.
pub(super) const WORST_FIRST: [Verdict; 8] = [
    Verdict::Plaintext,
    Verdict::Mixed,
    Verdict::Conflict,
    Verdict::Weak,
    Verdict::Unproven,
    Verdict::Undetermined,
    Verdict::Silent,
    Verdict::Encrypted,
];

/// Paths of a report, the worst first: by their verdicts, those that are accepted behind
/// the others but before what is encrypted, and then by the bytes that speak against them.
/// Among equals the order of the report stays.
pub(crate) fn worst_first(report: &Report) -> Vec<&PathReport> {
    let mut paths: Vec<&PathReport> = report.paths.iter().collect();
    paths.sort_by_cached_key(|path| rank(path, report.vantage.value));
    paths
}

/// Place of a path among all, the least the worst.
pub(super) fn rank(path: &PathReport, vantage: Vantage) -> impl Ord + use<> {
    let is_encrypted = path.verdict == Verdict::Encrypted;
    let is_accepted = path.waiver.is_some();
    let weight = Reverse(weight(path, vantage));
    (is_encrypted, is_accepted, severity(path.verdict), weight)
}

/// Place of a verdict in [`WORST_FIRST`].
pub(super) fn severity(verdict: Verdict) -> usize {
    let place = WORST_FIRST.iter().position(|&known| known == verdict);
    place.unwrap_or(WORST_FIRST.len())
}

/// Bytes that speak against a path. Of an encrypted one nothing does.
fn weight(path: &PathReport, vantage: Vantage) -> u64 {
    let traffic = &path.traffic;
    match path.verdict {
        Verdict::Plaintext | Verdict::Mixed => exposed(path, vantage),
        Verdict::Conflict | Verdict::Unproven => traffic.plaintext.wire_bytes,
        Verdict::Weak => traffic.encrypted.wire_bytes,
        Verdict::Undetermined => traffic.total().wire_bytes,
        Verdict::Silent | Verdict::Encrypted => 0,
    }
}

/// Bytes that travelled in plaintext, as those say whom the verdict rests on.
pub(super) fn exposed(path: &PathReport, vantage: Vantage) -> u64 {
    let captured = path.traffic.plaintext.wire_bytes;
    let platform = path.platform.as_ref();
    let logged = platform.map_or(0, |platform| platform.volume(Carried::Plaintext).0);
    match (path.verdict, path.basis) {
        (Verdict::Plaintext | Verdict::Mixed, Basis::Capture) => captured,
        (Verdict::Plaintext | Verdict::Mixed, Basis::Both) if vantage == Vantage::Wire => captured,
        (Verdict::Plaintext | Verdict::Mixed, _) => logged,
        _ => 0,
    }
}

/// Number of paths of each verdict, the worst first, as in `18 plaintext, 3,962 encrypted`.
pub(super) fn counts(verdicts: impl IntoIterator<Item = Verdict>) -> String {
    let mut counts = [0_u64; WORST_FIRST.len()];
    for verdict in verdicts {
        if let Some(count) = counts.get_mut(severity(verdict)) {
            *count += 1;
        }
    }
    let each = WORST_FIRST
        .iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0);
    let each =
        each.map(|(verdict, count)| format!("{} {}", super::text::number(count), verdict.name()));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;

    #[test]
    fn the_worst_come_first() {
        let engine = Engine::default();
        let mut report = engine.report(None, None, engine.run());
        let path = |client: &str, verdict, plaintext| {
            PathReport::example((client, "10.0.2.4"), verdict, plaintext)
        };
        let accepted = PathReport {
            waiver: Some(0),
            ..path("accepted", Verdict::Plaintext, 900)
        };
        report.paths = vec![
            path("encrypted", Verdict::Encrypted, 0),
            accepted,
            path("unproven", Verdict::Unproven, 800),
            path("little", Verdict::Plaintext, 7),
            path("much", Verdict::Plaintext, 700),
            path("mixed", Verdict::Mixed, 9000),
            path("as little", Verdict::Plaintext, 7),
            path("weak", Verdict::Weak, 0),
        ];
        let ordered = worst_first(&report).into_iter();
        let names: Vec<_> = ordered.filter_map(|path| path.client.as_deref()).collect();
        assert_eq!(
            names,
            [
                "much",
                "little",
                "as little",
                "mixed",
                "weak",
                "unproven",
                "accepted",
                "encrypted"
            ]
        );
    }

    #[test]
    fn counts_begin_with_the_worst() {
        let verdicts = [
            Verdict::Encrypted,
            Verdict::Weak,
            Verdict::Plaintext,
            Verdict::Encrypted,
        ];
        assert_eq!(counts(verdicts), "1 plaintext, 1 weak, 2 encrypted");
    }
}
