//! List of paths: a line each, which unfolds, with a bar to sort and filter by.

use maud::{Markup, html};

use super::path::{self, PathTerms};
use super::{mark, timeline};
use crate::report::rank::WORST_FIRST;
use crate::report::text::number;
use crate::report::wording::account::clear_of;
use crate::report::wording::path::{
    PathVolumes, client, more_paths, server, verdict, volume, volumes,
};
use crate::report::{PathReport, Report, Style};
use crate::verdict::Verdict;

/// Most paths, unless another number is asked for: a browser takes longer for more.
const PATHS: usize = 10_000;
/// Paths that are told in full where not all are asked for: the worst.
const IN_FULL: usize = 500;
/// Paths that stand open: the worst of those that packets or flow logs speak against.
const OPEN: usize = 3;

/// Paths of a page, the worst first, as many as it has room for.
pub(super) struct PathList<'r> {
    shown: &'r [&'r PathReport],
    more: &'r [&'r PathReport],
}

impl<'r> PathList<'r> {
    pub(super) fn new(paths: &'r [&'r PathReport], style: &Style) -> Self {
        let most = style.top.unwrap_or(PATHS).min(paths.len());
        let (shown, more) = paths.split_at(most);
        Self { shown, more }
    }

    /// Tests that the page has the path of a place.
    pub(super) fn has(&self, place: usize) -> bool {
        place < self.shown.len()
    }

    pub(super) fn section(&self, report: &Report, style: &Style) -> Option<Markup> {
        if self.shown.is_empty() && self.more.is_empty() {
            return None;
        }
        let gaps = timeline::gaps(report);
        let terms = PathTerms {
            is_verbose: style.verbose,
            gaps: &gaps,
        };
        Some(html! {
            (self.bar())
            div.list.captured {
                (header(clear_of(report)))
                div #rows {
                    @for (place, path) in self.shown.iter().enumerate() {
                        (row(place, path, self.named(place), &terms))
                    }
                }
            }
            @if let Some(more) = more_paths(self.more) { p.note { (more) "; the JSON has them" } }
        })
    }

    /// Name of the first path with a verdict, to which the count of the verdict leads.
    fn named(&self, place: usize) -> Option<String> {
        let verdict = |place: usize| self.shown.get(place).map(|it| it.verdict);
        let mut before = (0..place).rev().map(verdict);
        // The nearest is most often the same.
        let is_first = before.all(|it| it != verdict(place));
        let first = verdict(place).filter(|_| is_first)?;
        Some(format!("verdict={}", first.name()))
    }

    /// Bar of the script, which shows it.
    fn bar(&self) -> Markup {
        let known = |verdict| self.shown.iter().any(|path| path.verdict == verdict);
        let verdicts = WORST_FIRST.into_iter().filter(|&verdict| known(verdict));
        html! { div.toolbar #bar hidden {
            input #find type="search" placeholder="Address or name" aria-label="Show paths with";
            @for it in verdicts {
                label { input type="checkbox" value=(it.name()) checked; (mark::verdict(it)) " " (it.name()) }
            }
            button #unfold type="button" { "Unfold" }
            button #fold type="button" { "Fold" }
            output #shown {}
        } }
    }
}

/// Id of a path in the page.
pub(super) fn anchor(place: usize) -> String {
    format!("p{}", place + 1)
}

/// Titles of columns, which the script makes buttons of.
fn header(clear: &str) -> Markup {
    let columns = [
        ("verdict", "Verdict"),
        ("client", "Client"),
        ("server", "Server"),
        ("encrypted", "Encrypted"),
        ("plaintext", clear),
        ("packets", "Packets"),
    ];
    html! { div.columns #columns {
        @for (name, title) in columns { span data-sort=(name) { (title) } }
    } }
}

fn row(place: usize, path: &PathReport, id: Option<String>, terms: &PathTerms<'_>) -> Markup {
    let PathVolumes {
        encrypted,
        plaintext,
        packets,
    } = volumes(path);
    let letter = mark::letter(path.verdict);
    let is_open = place < OPEN && !matches!(path.verdict, Verdict::Encrypted | Verdict::Silent);
    let is_full = path.verdict != Verdict::Encrypted && place < IN_FULL;
    let inside = if is_full || terms.is_verbose {
        path::in_full(path, terms)
    } else {
        path::in_short(path)
    };
    html! {
        details.(letter) id=[id] open[is_open] data-e=[encrypted] data-p=[plaintext] data-n=(packets) {
            summary {
                span { (verdict(path)) }
                span { (client(path)) }
                span { (server(path)) }
                span { (volume(encrypted)) }
                span { (volume(plaintext)) }
                span { (number(packets)) }
            }
            div.inside id=(anchor(place)) { (inside) }
        }
    }
}
