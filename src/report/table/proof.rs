//! Obligations of paths and of the run, a line each.

use std::io;

use anstyle::Style as Ansi;

use super::{Page, WARNING, title, verdict};
use crate::report::{PathReport, ProofReport, Report};
use crate::verdict::proof::{self, Obligation};

impl Page<'_> {
    /// The proof of each path, and of the run.
    pub(super) fn proofs(&mut self, report: &Report, paths: &[&PathReport]) -> io::Result<()> {
        self.heading("Proof")?;
        for path in paths.iter().filter(|path| !path.proof.is_empty()) {
            let title = format!("{}: {}", title(path), verdict(path));
            self.text(Ansi::new(), &title, "  ", "    ")?;
            self.obligations(&path.proof, &proof::PATH)?;
        }
        self.text(Ansi::new(), "the run", "  ", "    ")?;
        self.obligations(&report.proof, &proof::RUN)
    }

    fn obligations(&mut self, proof: &[ProofReport], all: &[Obligation]) -> io::Result<()> {
        proof.iter().try_for_each(|it| {
            let known = all.iter().find(|known| known.id == it.obligation);
            let question = known.map_or(it.obligation, |known| known.question);
            let ansi = if it.is_met() { Ansi::new() } else { WARNING };
            let text = format!("{}: {question} {}.", it.outcome, capitalized(&it.says));
            self.text(ansi, &text, "    ", "      ")
        })
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}
