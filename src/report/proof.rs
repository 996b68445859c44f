//! Obligations and their outcomes, for a report.

use super::text::packets;
use super::{InputReport, LossReport, Moment, Names, PacketReport, ProofReport, Run};
use crate::flow::{Period, Sighting};
use crate::flow_log::LogReport;
use crate::verdict::Judgement;
use crate::verdict::proof::{self, Finding, ProofOutcome, RunFacts};

impl ProofReport {
    fn new<At>(finding: &Finding<At>, packet: impl Fn(&At) -> PacketReport) -> Self {
        Self {
            obligation: finding.obligation.id,
            outcome: finding.outcome.name(),
            says: finding.says.clone(),
            evidence: finding.at.iter().map(packet).collect(),
        }
    }

    /// Proof of a path.
    pub(super) fn of_path(proof: &[Finding<Sighting>], names: &Names<'_>) -> Vec<Self> {
        let packet = |at: &Sighting| PacketReport {
            file: names.file(at.position),
            packet: names.packet(at.position),
            time: at.time.map(Moment),
            display_filter: names.display_filter(at.position),
        };
        let findings = proof.iter();
        findings.map(|finding| Self::new(finding, packet)).collect()
    }

    /// Proof that a run is whole.
    pub(super) fn of_run(judgement: &Judgement, run: &Run, losses: LossReport) -> Vec<Self> {
        let faults = run.inputs.iter().filter_map(fault);
        let damaged = run.flow_logs.iter().filter_map(damage);
        let unread: Vec<String> = run
            .unread
            .iter()
            .cloned()
            .chain(faults)
            .chain(damaged)
            .chain(unplaced(judgement))
            .chain(untimed(judgement, run.period))
            .collect();
        let facts = RunFacts {
            unread: &unread,
            undecodable: &judgement.accounting.undecodable,
            lost_packets: losses.packets,
            lost_share: losses.share,
            gaps: losses.gaps,
            max_loss: run.max_loss,
        };
        let findings = proof::of_run(&facts);
        let packet = |&(): &()| unreachable!("a run's obligations name no packet");
        findings
            .iter()
            .map(|finding| Self::new(finding, packet))
            .collect()
    }

    /// Tests that the obligation is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.outcome == ProofOutcome::Met.name()
    }
}

fn fault(input: &InputReport) -> Option<String> {
    let fault = input.fault.as_ref()?;
    let name = &input.name;
    Some(format!(
        "{name} is damaged at byte {}: {}",
        fault.offset, fault.what
    ))
}

fn damage(log: &LogReport) -> Option<String> {
    let name = &log.name;
    log.is_damaged().then(|| format!("{name} is damaged"))
}

/// Flows that a log has without ports, and that may be of any path.
fn unplaced(judgement: &Judgement) -> Option<String> {
    let flows = judgement.unplaced;
    (flows > 0).then(|| format!("{flows} flows without ports went in plaintext, and may be Lustre"))
}

/// Packets of which nobody knows whether they are of the period that is judged.
fn untimed(judgement: &Judgement, period: Period) -> Option<String> {
    let untimed = judgement.accounting.untimed;
    let count = packets(untimed);
    let is_open = untimed > 0 && !period.is_always();
    is_open.then(|| format!("{count} without a time may be of another than the window"))
}
