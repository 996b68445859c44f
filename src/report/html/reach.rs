//! Paths that clients can take, as the configuration has them, each with its causes.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::cells::more;
use super::{checks, mark};
use crate::azure::checks::{Check, Outcome};
use crate::report::Style;
use crate::report::posture::{PosturePath, PostureReport};
use crate::report::text::number;
use crate::report::wording::posture::ends;

/// Most paths, unless another number is asked for.
const PATHS: usize = 5000;

pub(super) fn section(report: &PostureReport, style: &Style) -> Option<Markup> {
    if report.paths.is_empty() {
        return None;
    }
    let mut paths: Vec<ReachRow<'_>> = report
        .paths
        .iter()
        .map(|it| ReachRow::of(report, it))
        .collect();
    paths.sort_by_key(|row| (Reverse(row.counts[0]), Reverse(row.path.blocked.is_some())));
    let most = style.top.unwrap_or(PATHS);
    Some(html! {
        div.list.reach {
            div.columns {
                @for title in ["Client", "VM", "Server", "Fail", "Unknown", "Note", "Pass"] {
                    span { (title) }
                }
            }
            div #rows { @for row in paths.iter().take(most) { (row.shown()) } }
        }
        (more(paths.len(), most))
    })
}

/// A line of the list.
struct ReachRow<'r> {
    path: &'r PosturePath,
    causes: Vec<&'r Check>,
    counts: [usize; 4],
}

impl<'r> ReachRow<'r> {
    fn of(report: &'r PostureReport, path: &'r PosturePath) -> Self {
        let causes = report.causes(path);
        let count = |wanted| causes.iter().filter(|it| it.outcome == wanted).count();
        let counts = Outcome::ALL.map(count);
        Self {
            path,
            causes,
            counts,
        }
    }

    fn shown(&self) -> Markup {
        let told = |it: &&&Check| matches!(it.outcome, Outcome::Fail | Outcome::Unknown);
        let told: Vec<&Check> = self.causes.iter().filter(told).copied().collect();
        let worst = self.causes.iter().map(|it| it.outcome).min();
        html! { details {
            summary {
                @for (at, name) in ends(self.path).iter().enumerate() {
                    span { @if at == 0 { (mark::outcome(worst.unwrap_or(Outcome::Pass))) " " } (name) }
                }
                @for count in self.counts { span { (number(count as u64)) } }
            }
            div.inside {
                @if let Some(says) = &self.path.blocked { p { "Nothing passes: " (says) "." } }
                (checks::list(&told))
            }
        } }
    }
}
