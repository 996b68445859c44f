//! Obligations of paths and of the run, a line each.

use std::io;

use anstyle::Style as Ansi;

use super::{Page, WARNING};
use crate::report::wording::path::{title, verdict};
use crate::report::wording::proof::answered;
use crate::report::{PathReport, ProofReport, Report};

impl Page<'_> {
    /// The proof of each path, and of the run.
    pub(super) fn proofs(&mut self, report: &Report, paths: &[&PathReport]) -> io::Result<()> {
        self.heading("Proof")?;
        for path in paths.iter().filter(|path| !path.proof.is_empty()) {
            let title = format!("{}: {}", title(path), verdict(path));
            self.text(Ansi::new(), &title, "  ", "    ")?;
            self.obligations(&path.proof)?;
        }
        self.text(Ansi::new(), "the run", "  ", "    ")?;
        self.obligations(&report.proof)
    }

    /// A line for each obligation.
    pub(super) fn obligations(&mut self, proof: &[ProofReport]) -> io::Result<()> {
        proof.iter().try_for_each(|it| {
            let ansi = if it.is_met() { Ansi::new() } else { WARNING };
            let (question, answer) = answered(it);
            let text = format!("{}: {question} {answer}", it.outcome);
            self.text(ansi, &text, "    ", "      ")
        })
    }
}
