//! Tables and lists of a page.

use maud::{Markup, Render, html};

use crate::report::text::number;

/// Most rows of a table beside that of paths.
pub(super) const ROWS: usize = 500;

/// A table in a frame of its own, which scrolls where it is wider than the page. Columns after
/// the first `texts` hold numbers.
pub(super) fn table<R: Render>(header: &[&str], texts: usize, rows: &[Vec<R>]) -> Markup {
    let class = |at: usize| (at >= texts).then_some("n");
    html! {
        div.wide { table {
            thead { tr { @for (at, title) in header.iter().enumerate() {
                th scope="col" class=[class(at)] { (title) }
            } } }
            tbody { @for row in rows.iter().take(ROWS) {
                tr { @for (at, cell) in row.iter().enumerate() {
                    td class=[class(at)] { (cell) }
                } }
            } }
        } }
        (more(rows.len(), ROWS))
    }
}

/// Number of items beyond those listed.
pub(super) fn more(all: usize, listed: usize) -> Markup {
    let more = all.saturating_sub(listed);
    html! { @if more > 0 { p.note { "and " (number(more as u64)) " more, which the JSON has" } } }
}

/// Text in the font of commands and addresses, to be selected at once.
pub(super) fn code(text: &str) -> Markup {
    html! { code { (text) } }
}

/// Id of a resource, which may be broken into lines.
pub(super) fn id(text: &str) -> Markup {
    html! { code.id { (text) } }
}

/// Commands, each on a line of its own.
pub(super) fn commands(command: &str) -> Markup {
    html! { div.command { @for part in command.split(" && ").enumerate() {
        code { @if part.0 > 0 { "&& " } (part.1) }
    } } }
}
