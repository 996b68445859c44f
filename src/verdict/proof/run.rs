//! Proof that a run is whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Finding, ProofOutcome, RUN, some_packets};
use crate::flow::{Count, Reason};

/// Facts about a run that decide whether it is whole.
#[derive(Clone, Copy, Debug)]
pub struct RunFacts<'r> {
    /// Files that are or may be captures or flow logs and were not read to their end, each
    /// with the reason, in sentences.
    pub unread: &'r [String],
    /// Packets that were not decoded, by reason.
    pub undecodable: &'r BTreeMap<Reason, Count>,
    /// Number of packets that the captures say they dropped.
    pub lost_packets: u64,
    /// Their share of these and the packets read, from 0 to 1.
    pub lost_share: f64,
    /// Number of times at which an interface was down or gone.
    pub gaps: u64,
    /// Share of lost packets that is accepted, from 0 to 1.
    pub max_loss: f64,
}

/// Outcomes of the [obligations of a run](RUN).
#[must_use]
pub fn of_run(facts: &RunFacts<'_>) -> Vec<Finding<()>> {
    let says = [whole_inputs(facts), decoded(facts), no_loss(facts)];
    let findings = RUN.iter().zip(says);
    findings
        .map(|(obligation, (outcome, says))| Finding::new(obligation, outcome, says))
        .collect()
}

type RunAnswer = (ProofOutcome, Cow<'static, str>);

fn whole_inputs(facts: &RunFacts<'_>) -> RunAnswer {
    match facts.unread {
        [] => (
            ProofOutcome::Met,
            "all that was given was read to its end".into(),
        ),
        [one] => (ProofOutcome::Open, one.clone().into()),
        [first, more @ ..] => {
            let more = more.len();
            (
                ProofOutcome::Open,
                format!("{first}; and {more} more").into(),
            )
        }
    }
}

/// Nobody knows what an undecodable packet holds, whatever stopped the decoder: one with a
/// header that contradicts itself or its packet carries its bytes all the same.
fn decoded(facts: &RunFacts<'_>) -> RunAnswer {
    let clauses: Vec<String> = facts
        .undecodable
        .iter()
        .map(|(reason, count)| format!("{reason} ({})", some_packets(count.packets, [""; 2])))
        .collect();
    if clauses.is_empty() {
        return (ProofOutcome::Met, "every packet was decoded".into());
    }
    let says = format!("not decoded: {}", clauses.join(", "));
    (ProofOutcome::Open, says.into())
}

fn no_loss(facts: &RunFacts<'_>) -> RunAnswer {
    let (lost, gaps) = (facts.lost_packets, facts.gaps);
    let dropped = some_packets(lost, [" was dropped", " were dropped"]);
    let down = match gaps {
        1 => "an interface was down once".to_owned(),
        _ => format!("an interface was down {gaps} times"),
    };
    match (lost, gaps) {
        (0, 0) => (ProofOutcome::Met, "the captures report no drops".into()),
        (_, 0) if facts.lost_share <= facts.max_loss => {
            let says = format!("{dropped}, no more than --max-loss accepts");
            (ProofOutcome::Met, says.into())
        }
        (_, 0) => (ProofOutcome::Open, dropped.into()),
        (0, _) => (ProofOutcome::Open, down.into()),
        _ => (ProofOutcome::Open, format!("{dropped}, {down}").into()),
    }
}
