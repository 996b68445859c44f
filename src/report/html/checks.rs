//! Checks of the configuration: each with what it says, its field and the command that mends it.

use maud::{Markup, html};

use super::cells::{ROWS, commands, more};
use super::mark;
use crate::azure::checks::{Check, Outcome};
use crate::report::PathReport;
use crate::report::text::counted;
use crate::report::wording::causes::{no_cause, told};
use crate::report::wording::proof::capitalized;
use crate::verdict::Verdict;

/// Causes of a path in plaintext; of another, those that are not as they should be.
pub(super) fn of_path(path: &PathReport) -> Option<Markup> {
    path.azure.as_ref()?;
    let wrong = |it: &&Check| matches!(it.outcome, Outcome::Fail | Outcome::Unknown);
    let wrong: Vec<&Check> = path.causes.iter().filter(wrong).collect();
    let fails = wrong.iter().any(|it| it.outcome == Outcome::Fail);
    let is_plaintext = matches!(path.verdict, Verdict::Plaintext | Verdict::Mixed);
    let open = wrong.len() as u64;
    let others = path.causes.len() as u64 - open;
    Some(html! {
        h4 { "Why, as far as the configuration tells" }
        @if is_plaintext && !fails { p { (capitalized(&no_cause(path, ""))) "." } }
        (list(&wrong))
        p.note { (counted(others, "other check")) " of it passed or asked for nothing." }
    })
}

/// Checks in a list, each once.
pub(super) fn list(checks: &[&Check]) -> Markup {
    html! {
        ul.checks { @for it in checks.iter().take(ROWS) { li {
            (mark::outcome(it.outcome)) " "
            div {
                em { (it.outcome.name()) } " " (told(it))
                @if it.waiver.is_some() { " " strong { "waived" } }
                @if let Some(remedy) = &it.remedy { (commands(remedy)) }
            }
        } } }
        (more(checks.len(), ROWS))
    }
}
