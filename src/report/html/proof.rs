//! Proofs, an obligation a line.

use maud::{Markup, html};

use crate::report::wording::next::run_step;
use crate::report::wording::proof::answered;
use crate::report::{PathReport, ProofReport};
use crate::verdict::Verdict;

/// Obligations with their questions and answers, line by line; the style marks their outcomes.
fn lines(proof: &[&ProofReport]) -> Markup {
    html! { ul.proof { @for it in proof {
        @let (question, answer) = answered(it);
        li.(it.outcome) {
            (it.outcome) ": " (question) " " (answer)
            @if let Some(step) = run_step(it) { " " (step) }
        }
    } } }
}

/// Proof that a run is whole.
pub(super) fn of_run(proof: &[ProofReport]) -> Markup {
    lines(&proof.iter().collect::<Vec<_>>())
}

/// Proof of a path; of a silent one, of which nothing was seen, what is not met.
pub(super) fn of_path(path: &PathReport) -> Option<Markup> {
    let is_told = |it: &&ProofReport| path.verdict != Verdict::Silent || !it.is_met();
    let proof: Vec<&ProofReport> = path.proof.iter().filter(is_told).collect();
    (!proof.is_empty()).then(|| html! { h4 { "Proof" } (lines(&proof)) })
}
