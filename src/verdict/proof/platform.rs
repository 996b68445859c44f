//! Answer of the flow logs to a path's proof.

use super::{Breach, Finding, PATH, ProofOutcome};
use crate::verdict::{Basis, Platform, Said, Verdict};

/// Obligations that the platform's word can meet, for what a capture above the encryption
/// leaves open or shows readable. A suite that was seen stays what it is.
const ANSWERED: [&str; 5] = [
    "data",
    "nothing_readable",
    "nothing_exposed",
    "ciphertext",
    "explained",
];

/// Answer where encryption stands in sums alone.
const SUMMED: &str =
    "sums of Traffic Analytics say Encrypted, which does not show that all in them was";

/// Adds what flow logs say to a proof, where `concluded` follows from both.
pub fn hear<At>(
    proof: &mut Vec<Finding<At>>,
    concluded: (Verdict, Basis),
    told: Option<&Platform>,
) {
    let (verdict, basis) = concluded;
    let said = told.map(|told| told.said);
    if verdict == Verdict::Encrypted && basis != Basis::Capture && said == Some(Said::Encrypted) {
        proof.iter_mut().for_each(meet);
    }
    let [.., platform] = &PATH;
    let is_summed = told.is_some_and(|told| told.grain.is_some());
    let (outcome, says) = match answer(verdict, said) {
        (outcome, _) if said == Some(Said::Partly) && is_summed => (outcome, SUMMED),
        answer => answer,
    };
    proof.push(Finding::new(platform, outcome, says));
}

fn meet<At>(finding: &mut Finding<At>) {
    if finding.outcome != ProofOutcome::Met && ANSWERED.contains(&finding.obligation.id) {
        let says = &finding.says;
        finding.says = format!("{says}; the flow logs say that the platform encrypted it").into();
        finding.outcome = ProofOutcome::Met;
    }
}

fn answer(verdict: Verdict, said: Option<Said>) -> (ProofOutcome, &'static str) {
    let Some(said) = said.filter(|&said| said != Said::Nothing) else {
        return (ProofOutcome::Met, "no flow log speaks of what was captured");
    };
    let open = match verdict {
        // The capture proves it by itself.
        Verdict::Encrypted | Verdict::Weak => ProofOutcome::Met,
        _ => ProofOutcome::Open,
    };
    match said {
        Said::Nothing | Said::Encrypted => (
            ProofOutcome::Met,
            "the flow logs say that the platform encrypted it",
        ),
        Said::Partly => (open, "the flow logs do not cover all that was captured"),
        Said::Plaintext => (
            ProofOutcome::Broken(Breach::Readable),
            "the flow logs say that it was carried in plaintext",
        ),
        Said::Mixed => (
            ProofOutcome::Broken(Breach::Readable),
            "the flow logs say that some of it was carried in plaintext",
        ),
        Said::Blocked => (open, "the flow logs say that the platform blocked it"),
        Said::Unknown => (open, "the flow logs cannot tell"),
    }
}
