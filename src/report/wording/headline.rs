//! The answer in a sentence.

use super::account::bounds;
use crate::report::rank::{self, exposed};
use crate::report::text::{bytes, number, packets, tuples};
use crate::report::{LossReport, PathReport, ProofReport, Report};
use crate::verdict::{Basis, Said, Vantage, Verdict};

pub(in crate::report) fn of(report: &Report) -> String {
    let answer = sentence(&report.paths, report.vantage.value, &read(report));
    let more = [
        of_window(report),
        first_failed(report),
        suites_unseen(&report.paths),
        unseen(&report.losses),
        not_whole(&report.proof),
    ];
    let sentences = [Some(answer)].into_iter().chain(more).flatten();
    sentences.collect::<Vec<_>>().join(" ")
}

/// Window that the answer is of, where one was asked for.
fn of_window(report: &Report) -> Option<String> {
    let bounds = bounds(report.window.as_ref()?);
    Some(format!("That is of the time {bounds} alone."))
}

/// First obligation that is broken or open on a path where the volumes do not say it: of
/// the worst of them.
fn first_failed(report: &Report) -> Option<String> {
    let is_unsaid =
        |path: &&PathReport| matches!(path.verdict, Verdict::Weak | Verdict::Undetermined);
    let unsaid = report.paths.iter().filter(is_unsaid);
    let path = unsaid.min_by_key(|path| rank::rank(path, report.vantage.value))?;
    let failed = |outcome| path.proof.iter().find(|it| it.outcome == outcome);
    let failed = failed("broken").or_else(|| failed("open"))?;
    let says = &failed.says;
    Some(match &report.paths[..] {
        [_] => format!("That is because {says}."),
        _ => format!("Between {}: {says}.", ends(path)),
    })
}

/// Number of encrypted paths on which the suite of some session was not seen.
fn suites_unseen(paths: &[PathReport]) -> Option<String> {
    let encrypted = paths
        .iter()
        .filter(|path| path.verdict == Verdict::Encrypted);
    let dtls = encrypted.filter_map(|path| path.dtls.as_ref());
    let unseen = dtls.filter(|dtls| !dtls.every_suite_seen).count();
    match (unseen, paths.len()) {
        (0, _) => None,
        (_, 1) => Some("Its suite was not seen.".to_owned()),
        (1, _) => Some("On 1 of them the suite was not seen.".to_owned()),
        (some, _) => Some(format!(
            "On {} of them the suite was not seen.",
            number(some as u64)
        )),
    }
}

/// First obligation of the run that is not met, unless it is the loss that is told before.
fn not_whole(proof: &[ProofReport]) -> Option<String> {
    let open = proof
        .iter()
        .filter(|it| !it.is_met() && it.obligation != "no_loss");
    let says: Vec<&str> = open.map(|it| &*it.says).collect();
    (!says.is_empty()).then(|| format!("The run is not whole: {}.", says.join("; ")))
}

/// Number of packets and tuples read, of each kind of input.
fn read(report: &Report) -> String {
    let logged = report.flow_logs.iter().map(|log| log.tuples).sum();
    let accounting = &report.accounting;
    let outside = accounting.outside_window.packets;
    let captured = accounting.read.packets.saturating_sub(outside);
    match (&report.inputs[..], &report.flow_logs[..]) {
        ([], [_, ..]) => tuples(logged),
        (_, []) => packets(captured),
        _ => {
            let packets = packets(captured);
            format!("{packets} and {}", tuples(logged))
        }
    }
}

/// Packets that were not seen, and so are not answered for.
fn unseen(losses: &LossReport) -> Option<String> {
    let lost = (losses.packets > 0).then(|| {
        let share = percent(losses.share);
        format!("{} ({share}) passed unseen", packets(losses.packets))
    });
    let gaps = match losses.gaps {
        0 => None,
        1 => Some("an interface was down once".to_owned()),
        gaps => Some(format!("interfaces were down {} times", number(gaps))),
    };
    let clauses: Vec<_> = [lost, gaps].into_iter().flatten().collect();
    let said = clauses.join("; ");
    (!clauses.is_empty()).then(|| format!("Not all was seen: {said}."))
}

/// A share in percent, and never nothing for something.
fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 0.0 && percent < 0.1 => "less than 0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

fn sentence(paths: &[PathReport], vantage: Vantage, read: &str) -> String {
    let (answer, named): (String, &[Verdict]) = match paths {
        [] => (format!("No AMLFS path was seen in {read}"), &[]),
        [path] => (only(path), &[]),
        _ => (encrypted(paths), &NOT_ENCRYPTED),
    };
    let counts = named.iter().filter_map(|&verdict| counted(paths, verdict));
    let clauses = [Some(answer), plaintext(paths, vantage)];
    let clauses = clauses.into_iter().flatten();
    let clauses = clauses.chain(counts).chain(on_its_word(paths));
    clauses.collect::<Vec<_>>().join("; ") + "."
}

/// Verdicts that are counted by name. Of plaintext the volume tells.
const NOT_ENCRYPTED: [Verdict; 6] = [
    Verdict::Mixed,
    Verdict::Weak,
    Verdict::Conflict,
    Verdict::Unproven,
    Verdict::Undetermined,
    Verdict::Silent,
];

fn count(paths: &[PathReport], verdict: Verdict) -> usize {
    paths.iter().filter(|path| path.verdict == verdict).count()
}

/// Of how many of several paths only the platform says what they carried.
fn on_its_word(paths: &[PathReport]) -> Option<String> {
    let is_told = |path: &&PathReport| path.basis == Basis::FlowLog;
    let told = paths.iter().filter(is_told).count();
    let rests = if told == 1 { "rests" } else { "rest" };
    (paths.len() > 1 && told > 0)
        .then(|| format!("{} {rests} on the platform's word", number(told as u64)))
}

/// Number of paths with a verdict, if any.
fn counted(paths: &[PathReport], verdict: Verdict) -> Option<String> {
    let count = count(paths, verdict);
    let verdict = match verdict {
        Verdict::Conflict => "in conflict",
        verdict => verdict.name(),
    };
    (count > 0).then(|| format!("{} {} {verdict}", number(count as u64), is(count)))
}

fn is(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Verdict of the only path, in a sentence.
fn only(path: &PathReport) -> String {
    let says = match path.verdict {
        Verdict::Encrypted => "is encrypted",
        Verdict::Weak => "is weak: encrypted, but below the policy",
        Verdict::Mixed => "is mixed: encrypted only in part",
        Verdict::Plaintext => "is not encrypted",
        Verdict::Conflict => {
            "is in conflict: what was captured and the flow logs contradict each other"
        }
        Verdict::Unproven => {
            "is unproven: readable inside the VM, and what the wire below carried is not known"
        }
        Verdict::Undetermined => undetermined(path),
        Verdict::Silent => "was silent: none of its packets were captured",
    };
    let word = match path.basis {
        Basis::FlowLog if path.verdict != Verdict::Undetermined => ", on the platform's word",
        _ => "",
    };
    format!("The one AMLFS path {says}{word}")
}

fn undetermined(path: &PathReport) -> &'static str {
    let said = path.platform.as_ref().map(|platform| platform.said);
    match (path.basis, said) {
        (Basis::FlowLog, Some(Said::Blocked)) => {
            "is undetermined: the platform blocked it, and carried none of it"
        }
        (Basis::FlowLog, _) => "is undetermined: the flow logs cannot tell whether it is encrypted",
        _ => "is undetermined: what was captured cannot tell whether it is encrypted",
    }
}

fn encrypted(paths: &[PathReport]) -> String {
    let as_promised = match count(paths, Verdict::Weak) {
        0 => "",
        _ => " as the policy demands",
    };
    let encrypted = count(paths, Verdict::Encrypted);
    let is_all = encrypted == paths.len();
    let paths = number(paths.len() as u64);
    match encrypted {
        0 => format!("None of {paths} AMLFS paths is encrypted{as_promised}"),
        _ if is_all => format!("All {paths} AMLFS paths are encrypted"),
        some => {
            let (some, are) = (number(some as u64), is(some));
            format!("{some} of {paths} AMLFS paths {are} encrypted{as_promised}")
        }
    }
}

/// Volume that went in plaintext, and the path of most of it.
fn plaintext(paths: &[PathReport], vantage: Vantage) -> Option<String> {
    let volume = |path: &PathReport| exposed(path, vantage);
    let exposed: Vec<&PathReport> = paths.iter().filter(|path| volume(path) > 0).collect();
    let most = exposed.iter().max_by_key(|path| volume(path))?;
    let (who, largest) = (ends(most), bytes(volume(most)));
    if exposed.len() == 1 {
        return Some(format!("{who} exchanged {largest} in plaintext"));
    }
    let total = bytes(exposed.iter().map(|path| volume(path)).sum());
    let count = number(exposed.len() as u64);
    Some(format!(
        "{count} paths carried {total} in plaintext, {who} the most ({largest})"
    ))
}

fn ends(path: &PathReport) -> String {
    match (&path.client, &path.server) {
        (Some(client), Some(server)) => format!("{client} and {server}"),
        _ => "paths beyond the limit".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: Vantage = Vantage::Wire;

    fn path(server: &str, verdict: Verdict, plaintext: u64) -> PathReport {
        PathReport::example(("10.0.1.9", server), verdict, plaintext)
    }

    #[test]
    fn one_path_is_named_by_its_verdict() {
        let says = |verdict, plaintext| {
            sentence(&[path("10.0.2.5", verdict, plaintext)], WIRE, "9 packets")
        };
        assert_eq!(
            says(Verdict::Encrypted, 0),
            "The one AMLFS path is encrypted."
        );
        assert_eq!(
            says(Verdict::Plaintext, 3_000_000),
            "The one AMLFS path is not encrypted; \
             10.0.1.9 and 10.0.2.5 exchanged 3.0 MB in plaintext."
        );
        assert_eq!(
            says(Verdict::Silent, 0),
            "The one AMLFS path was silent: none of its packets were captured."
        );
    }

    #[test]
    fn several_paths_are_counted() {
        let encrypted = || path("10.0.2.4", Verdict::Encrypted, 0);
        let plaintext = || path("10.0.2.5", Verdict::Plaintext, 3_000_000);
        let mixed = path("10.0.2.6", Verdict::Mixed, 1_000_000);
        let weak = path("10.0.2.7", Verdict::Weak, 0);
        assert_eq!(
            sentence(&[encrypted(), plaintext()], WIRE, "9 packets"),
            "1 of 2 AMLFS paths is encrypted; \
             10.0.1.9 and 10.0.2.5 exchanged 3.0 MB in plaintext."
        );
        assert_eq!(
            sentence(&[plaintext(), mixed, weak], WIRE, "9 packets"),
            "None of 3 AMLFS paths is encrypted as the policy demands; \
             2 paths carried 4.0 MB in plaintext, 10.0.1.9 and 10.0.2.5 the most (3.0 MB); \
             1 is mixed; 1 is weak."
        );
        assert_eq!(
            sentence(&[encrypted(), encrypted()], WIRE, "9 packets"),
            "All 2 AMLFS paths are encrypted."
        );
        assert_eq!(
            sentence(&[], WIRE, "1 packet"),
            "No AMLFS path was seen in 1 packet."
        );
    }
}
