//! Proofs, an obligation a line.

use maud::{Markup, html};

use super::mark;
use crate::report::wording::next::run_step;
use crate::report::wording::proof::{answered, capitalized};
use crate::report::{PathReport, ProofReport};

/// Obligations with their questions and answers, line by line.
fn lines(proof: &[ProofReport]) -> Markup {
    html! { ul.proof { @for it in proof {
        @let (question, answer) = answered(it);
        li {
            (mark::obligation(it.outcome)) " "
            span { em { (it.outcome) } " " (question) " " strong { (answer) }
                @if let Some(step) = run_step(it) { " " (step) }
            }
        }
    } } }
}

/// Proof that a run is whole.
pub(super) fn of_run(proof: &[ProofReport]) -> Markup {
    lines(proof)
}

/// Proof of a path. Where all is met it is told in a paragraph, unless all is asked for.
pub(super) fn of_path(path: &PathReport, is_verbose: bool) -> Option<Markup> {
    let proof = &path.proof;
    if proof.is_empty() {
        return None;
    }
    if is_verbose || !proof.iter().all(ProofReport::is_met) {
        return Some(html! { h4 { "Proof" } (lines(proof)) });
    }
    let says: Vec<&str> = proof.iter().map(|it| it.says.as_str()).collect();
    Some(html! { p { (mark::obligation("met")) " " (capitalized(&says.join("; "))) "." } })
}
