//! Obligations in words.

use crate::report::ProofReport;
use crate::verdict::proof::{self, Obligation};

/// Question of an obligation, and its answer, a sentence each.
pub(in crate::report) fn answered(it: &ProofReport) -> (&str, String) {
    let mut all = proof::PATH.iter().chain(&proof::RUN);
    let known: Option<&Obligation> = all.find(|known| known.id == it.obligation);
    let question = known.map_or(it.obligation, |known| known.question);
    (question, format!("{}.", capitalized(&it.says)))
}

/// Text with a capital at its beginning.
pub(in crate::report) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}
