//! Verdicts that somebody accepts, and those that fail a run.

use jiff::civil::Date;

use super::{ProofReport, Report, Warning};
use crate::azure::waivers::{Desk, Waiver, WaiverState};
use crate::verdict::{Exit, FailOn, Verdict};

/// Terms on which verdicts become an exit code.
#[derive(Clone, Debug, Default)]
pub struct ExitTerms {
    /// Verdicts of paths that are accepted.
    pub waivers: Vec<Waiver>,
    /// Verdicts that fail a run.
    pub fail_on: FailOn,
}

impl Report {
    /// Waives the verdicts of paths that are accepted: they count for no exit code, and stay
    /// what they are. Without a day no waiver has expired. The others become an exit code.
    pub fn accept(&mut self, terms: &ExitTerms, today: Option<Date>) {
        let ExitTerms { waivers, fail_on } = terms;
        let mut desk = Desk::open(waivers, today);
        for path in &mut self.paths {
            let ends = path.client.as_deref().zip(path.server.as_deref());
            let is_open = path.verdict != Verdict::Encrypted;
            path.waiver = ends
                .filter(|_| is_open)
                .and_then(|(client, server)| desk.waive_path(client, server));
        }
        self.waivers = desk.close();
        self.tell_waivers();
        self.warnings.extend(fail_on.note().map(Warning::from));
        let is_whole = self.proof.iter().all(ProofReport::is_met);
        let held = self.paths.iter().map(|path| match path.waiver {
            Some(_) => Verdict::Encrypted,
            None => path.verdict,
        });
        self.summary.exit_code = Exit::of(held, is_whole, fail_on).code();
    }

    fn tell_waivers(&mut self) {
        let of_paths = self.waivers.iter().filter_map(|report| {
            let waiver = &report.waiver;
            // Waivers of controls are for `posture`.
            let path = waiver
                .path
                .as_deref()
                .filter(|_| waiver.control.is_none())?;
            let (by, until) = (&waiver.by, waiver.until);
            Some(match report.state {
                WaiverState::Used => {
                    let reason = &waiver.reason;
                    format!("the verdict of {path} is accepted by {by} until {until}: {reason}")
                }
                WaiverState::Expired => format!("the waiver of {path} by {by} expired on {until}"),
                WaiverState::Unmatched | WaiverState::Ambiguous => {
                    format!("the waiver of {path} by {by} matches no path that needs one")
                }
            })
        });
        let told: Vec<Warning> = of_paths.map(Warning::from).collect();
        self.warnings.extend(told);
    }
}
