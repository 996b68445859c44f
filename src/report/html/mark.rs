//! Marks of verdicts and outcomes: a letter and a word beside each color.

use maud::{Markup, html};

use crate::azure::checks::Outcome;
use crate::report::posture::PostureReport;
use crate::report::rank::WORST_FIRST;
use crate::report::text::number;
use crate::report::{Summary, posture::PostureSummary};
use crate::verdict::Verdict;

/// Letter of a verdict, which is the name of its color as well.
pub(super) fn letter(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Encrypted => "E",
        Verdict::Weak => "W",
        Verdict::Mixed => "M",
        Verdict::Plaintext => "P",
        Verdict::Conflict => "C",
        Verdict::Unproven => "U",
        Verdict::Undetermined => "N",
        Verdict::Silent => "S",
    }
}

/// Mark of a verdict.
pub(super) fn verdict(verdict: Verdict) -> Markup {
    html! { b.mark.(letter(verdict)) { (letter(verdict)) } }
}

/// Mark of a check's outcome.
pub(super) fn outcome(outcome: Outcome) -> Markup {
    let (class, sign) = match outcome {
        Outcome::Fail => ("P", "✗"),
        Outcome::Unknown => ("U", "?"),
        Outcome::Note => ("N", "i"),
        Outcome::Pass => ("E", "✓"),
    };
    html! { b.mark.(class) { (sign) } }
}

/// A number of checks of an outcome, in words.
pub(super) fn outcome_count(outcome: Outcome, count: u64) -> Markup {
    let word = match (outcome, count) {
        (Outcome::Fail, _) => "failed",
        (Outcome::Unknown, _) => "unknown",
        (Outcome::Note, 1) => "note",
        (Outcome::Note, _) => "notes",
        (Outcome::Pass, _) => "passed",
    };
    html! { (number(count)) " " (word) }
}

/// Mark of an obligation's outcome.
pub(super) fn obligation(outcome: &str) -> Markup {
    let (class, sign) = match outcome {
        "met" => ("E", "✓"),
        "broken" => ("P", "✗"),
        _ => ("U", "?"),
    };
    html! { b.mark.(class) { (sign) } }
}

/// Number of paths of a verdict.
pub(super) fn count(summary: &Summary, verdict: Verdict) -> usize {
    match verdict {
        Verdict::Encrypted => summary.encrypted,
        Verdict::Weak => summary.weak,
        Verdict::Mixed => summary.mixed,
        Verdict::Plaintext => summary.plaintext,
        Verdict::Conflict => summary.conflict,
        Verdict::Unproven => summary.unproven,
        Verdict::Undetermined => summary.undetermined,
        Verdict::Silent => summary.silent,
    }
}

/// Verdicts that any path has, the worst first, with the number of their paths.
pub(super) fn counts(summary: &Summary) -> Markup {
    let counts = WORST_FIRST.map(|it| (it, count(summary, it)));
    let some = counts.into_iter().filter(|(_, count)| *count > 0);
    html! {
        ul.counts { @for (it, count) in some {
            li { a href={ "#verdict=" (it.name()) } {
                (verdict(it)) " " strong { (number(count as u64)) } " " (it.name())
            } }
        } }
    }
}

/// Number of checks of each outcome.
pub(super) fn outcomes(report: &PostureReport) -> Markup {
    let PostureSummary {
        fail,
        unknown,
        note,
        pass,
        waived,
        ..
    } = report.summary;
    let counts = Outcome::ALL.into_iter().zip([fail, unknown, note, pass]);
    html! {
        ul.counts {
            @for (it, count) in counts.filter(|(_, count)| *count > 0) {
                li { (outcome(it)) " " (outcome_count(it, count as u64)) }
            }
            @if waived > 0 { li { strong { (number(waived as u64)) } " waived" } }
        }
    }
}
