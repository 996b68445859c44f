//! Next steps: what a reader can do about each verdict but `encrypted`, and about a run that
//! is not whole.

use std::collections::BTreeMap;

use super::path::title;
use crate::azure::checks::Outcome;
use crate::report::rank::severity;
use crate::report::text::counted;
use crate::report::{PathReport, ProofReport};
use crate::verdict::{Said, Verdict};

/// Next step about a path; `None` where it is encrypted, or its verdict is accepted.
pub(in crate::report) fn step(path: &PathReport) -> Option<&'static str> {
    if path.waiver.is_some() {
        return None;
    }
    Some(match path.verdict {
        Verdict::Encrypted => return None,
        Verdict::Plaintext if is_null_dtls(path) => {
            "This is DTLS that hides nothing: open the packets of the evidence in Wireshark, and \
             find out what made this tunnel. Azure's own encrypts with AES-256-GCM."
        }
        Verdict::Plaintext => cause(path),
        Verdict::Mixed => {
            "Compare its last packet in plaintext with its first encrypted one, and capture again: \
             if the new capture shows no plaintext, encryption began in between; if it does, go \
             after the cause as for a path in plaintext."
        }
        Verdict::Conflict => {
            "Take it for plaintext until both agree: see that the flow logs are of the same time \
             and the same NICs, and that --vantage says where it was captured; then give a new \
             capture and the flow logs of all its time."
        }
        Verdict::Weak => {
            "See in the evidence which version and suite were chosen. Azure's own tunnel takes \
             DTLS 1.2 with AES-256-GCM, so find out what made this one; if your policy allows \
             it, --policy any-dtls accepts it."
        }
        Verdict::Unproven => {
            "Add the VNet flow logs of the time of the capture (--flow-logs), or capture on the \
             wire, as with a VNet TAP: only these tell what the host below the VM sent."
        }
        Verdict::Undetermined => undetermined(path),
        Verdict::Silent => {
            "See that a client has it mounted and that filter and interface of the capture let \
             its packets through; then read a file during a capture of a minute or more. A \
             server that nobody uses can be left out of --servers."
        }
    })
}

/// Tests that nothing was readable but inside DTLS.
fn is_null_dtls(path: &PathReport) -> bool {
    let is_broken = |it: &ProofReport| it.outcome == "broken";
    let mut broken = path.proof.iter().filter(|it| is_broken(it)).peekable();
    broken.peek().is_some()
        && path.dtls.is_some()
        && path.lustre.as_ref().is_none_or(|it| it.proof.is_none())
        && broken.any(|it| ["suite", "ciphertext", "nothing_exposed"].contains(&it.obligation))
}

/// Step about a path in plaintext, as far as its causes are known.
fn cause(path: &PathReport) -> &'static str {
    let mut causes = path.causes.iter();
    let is_mended = causes.any(|it| it.outcome == Outcome::Fail && it.remedy.is_some());
    match path.azure {
        None => {
            "Give exports of Azure's configuration (--azure FOLDER) to learn why; mend the cause, \
             stop (deallocate) and start the client's VM, and capture again."
        }
        Some(_) if is_mended => {
            "Run the command that mends the cause, stop (deallocate) and start the client's VM, \
             and capture again."
        }
        Some(_) => {
            "Stop (deallocate) and start the client's VM, and capture again. If it stays in \
             plaintext after the next maintenance of the file system, send Azure's support the \
             evidence."
        }
    }
}

/// Step about a path that cannot be told, by what its proof leaves open.
fn undetermined(path: &PathReport) -> &'static str {
    let said = path.platform.as_ref().map(|it| it.said);
    if said == Some(Said::Blocked) {
        return "See which rule of a network security group stops it (plainsight posture --azure \
                FOLDER), and capture again once traffic passes.";
    }
    if path.flows.iter().any(|flow| flow.protocol.is_none()) {
        return "Raise --max-flows, so that its flows are kept apart, and analyze again.";
    }
    let is_open = |id: &str| {
        let mut open = path.proof.iter().filter(|it| !it.is_met());
        open.any(|it| it.obligation == id)
    };
    let mut steps = OPEN.iter().filter(|(id, _)| is_open(id));
    steps.next().map_or(
        "Capture again for a minute or more, and read and write a file on it meanwhile.",
        |(_, step)| step,
    )
}

/// Steps about obligations that are open, those first that stand in the way of the others.
const OPEN: [(&str, &str); 4] = [
    (
        "explained",
        "Look at the packet of the evidence. Where it was cut off, capture again with 256 bytes \
         or more of each packet (-s 256) and no filter but by address; where it is whole and no \
         DTLS, find out what sent it.",
    ),
    (
        "suite",
        "Capture the start of its connections with whole packets (-s 0), as by mounting the file \
         system again meanwhile; flow logs (--flow-logs) can tell without.",
    ),
    (
        "ciphertext",
        "Capture again with 256 bytes or more of each packet (-s 256), while files are read and \
         written.",
    ),
    (
        "platform",
        "Give the flow logs of both ends for all the time of the capture (--flow-logs).",
    ),
];

/// Next step about an obligation of the run; `None` where it is met, or of a path.
pub(in crate::report) fn run_step(it: &ProofReport) -> Option<&'static str> {
    if it.is_met() {
        return None;
    }
    Some(match it.obligation {
        "whole_inputs" => "Record or copy what is named again, and give it whole.",
        "decoded" => {
            "Capture again with 256 bytes or more of each packet (-s 256), where packets are in \
             none of the forms that are named."
        }
        "no_loss" => {
            "Capture again with a larger buffer (tcpdump -B 65536, plainsight live --buffer) and \
             a filter by the servers' addresses; --max-loss accepts a share of losses."
        }
        _ => return None,
    })
}

/// Each next step once, of the worst verdict first, and the paths that it is about.
pub(in crate::report) fn steps(paths: &[&PathReport]) -> Vec<(String, &'static str)> {
    let mut groups = BTreeMap::<_, (&PathReport, u64)>::new();
    for &path in paths {
        if let Some(step) = step(path) {
            let place = (severity(path.verdict), step);
            groups.entry(place).or_insert((path, 0)).1 += 1;
        }
    }
    let told = groups.into_iter().map(|((_, step), (path, count))| {
        let who = match count {
            1 => title(path),
            count => counted(count, "path"),
        };
        (format!("{} ({who})", path.verdict.name()), step)
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::rank::WORST_FIRST;

    fn path(verdict: Verdict) -> PathReport {
        PathReport::example(("10.0.1.9", "10.0.2.5"), verdict, 0)
    }

    #[test]
    fn each_verdict_but_encrypted_has_a_step_of_its_own() {
        let mut paths: Vec<PathReport> = WORST_FIRST.map(path).into();
        paths.push(path(Verdict::Unproven));
        paths.push(PathReport {
            waiver: Some(0),
            ..path(Verdict::Weak)
        });
        let paths: Vec<&PathReport> = paths.iter().collect();
        let told = steps(&paths);
        let whom: Vec<&str> = told.iter().map(|(whom, _)| whom.as_str()).collect();
        let ends = "10.0.1.9 to 10.0.2.5";
        assert_eq!(whom[0], format!("plaintext ({ends})"));
        assert_eq!(whom[4], "unproven (2 paths)");
        assert_eq!(whom[6], "silent (any client to 10.0.2.5)");
        assert_eq!(told.len(), WORST_FIRST.len() - 1);
        let texts: std::collections::BTreeSet<_> = told.iter().map(|(_, step)| step).collect();
        assert_eq!(texts.len(), told.len());
    }
}
