//! Answer of the flow logs to a path's proof.

use super::{Breach, Finding, PATH, ProofOutcome};
use crate::verdict::{Basis, Platform, Said, Vantage, Verdict};

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
    vantage: Vantage,
) {
    let (verdict, basis) = concluded;
    let said = told.map(|told| told.said);
    if verdict == Verdict::Encrypted && basis != Basis::Capture && said == Some(Said::Encrypted) {
        for finding in proof.iter_mut() {
            meet(finding, vantage);
        }
    }
    let [.., platform] = &PATH;
    let is_summed = told.is_some_and(|told| told.grain.is_some());
    let (outcome, says) = match answer(verdict, said) {
        (outcome, _) if said == Some(Said::Partly) && is_summed => (outcome, SUMMED),
        answer => answer,
    };
    proof.push(Finding::new(platform, outcome, says));
}

/// Meets an obligation by the platform's word. What was readable on the wire stays so: only a
/// guest's capture shows in the clear what its host encrypts.
fn meet<At>(finding: &mut Finding<At>, vantage: Vantage) {
    let is_met = match finding.outcome {
        ProofOutcome::Met => false,
        ProofOutcome::Open => true,
        ProofOutcome::Broken(_) => vantage == Vantage::Guest,
    };
    if is_met && ANSWERED.contains(&finding.obligation.id) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Outcomes of a path's obligations of which each was `outcome`, once flow logs say that
    /// the platform encrypted it.
    fn heard(outcome: ProofOutcome, vantage: Vantage) -> Vec<(&'static str, ProofOutcome)> {
        let before = &PATH[..PATH.len() - 1];
        let finding = |obligation| Finding::<()>::new(obligation, outcome, "");
        let mut proof: Vec<_> = before.iter().map(finding).collect();
        let told = Platform {
            said: Said::Encrypted,
            ..Platform::default()
        };
        let concluded = (Verdict::Encrypted, Basis::FlowLog);
        hear(&mut proof, concluded, Some(&told), vantage);
        let outcomes = proof.iter().map(|it| (it.obligation.id, it.outcome));
        outcomes.take(before.len()).collect()
    }

    #[test]
    fn what_was_readable_on_the_wire_is_never_met_by_a_flow_log() {
        let readable = ProofOutcome::Broken(Breach::Readable);
        for (_, outcome) in heard(readable, Vantage::Wire) {
            assert_eq!(outcome, readable);
        }
        for (obligation, outcome) in heard(readable, Vantage::Guest) {
            let stays = obligation == "suite";
            assert_eq!(outcome == readable, stays, "{obligation}");
        }
        for vantage in [Vantage::Wire, Vantage::Guest] {
            for (obligation, outcome) in heard(ProofOutcome::Open, vantage) {
                let stays = obligation == "suite";
                assert_eq!(outcome == ProofOutcome::Open, stays, "{obligation}");
            }
        }
    }
}
