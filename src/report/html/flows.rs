//! Flows of a path.

use maud::{Markup, html};

use super::cells::table;
use crate::report::PathReport;
use crate::report::wording::flows::{COLUMNS, facts, rows};

pub(super) fn section(path: &PathReport) -> Option<Markup> {
    if path.flows.is_empty() {
        return None;
    }
    let rows = path.flows.iter().flat_map(rows);
    let rows: Vec<Vec<Markup>> = rows
        .map(|row| row.into_iter().map(|it| html! { (it) }).collect())
        .collect();
    Some(html! {
        h4 { "Flows" }
        @for says in facts(path) { p { (says) } }
        (table(&COLUMNS, 3, &rows))
    })
}
