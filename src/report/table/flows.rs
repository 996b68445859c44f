//! Tables that `--verbose` adds: each path's flows, and the facts of its DTLS and Lustre.

use std::io;

use anstyle::Style as Ansi;
use comfy_table::Cell;

use super::{Page, right};
use crate::report::PathReport;
use crate::report::model::FlowReport;
use crate::report::wording::flows::{COLUMNS, facts, rows};
use crate::report::wording::path::title;

impl Page<'_> {
    pub(super) fn details(&mut self, paths: &[&PathReport]) -> io::Result<()> {
        let seen = paths.iter().filter(|path| !path.flows.is_empty());
        seen.into_iter()
            .try_for_each(|path| self.path_details(path))
    }

    fn path_details(&mut self, path: &PathReport) -> io::Result<()> {
        self.heading(&title(path))?;
        for line in facts(path) {
            self.text(Ansi::new(), &line, "  ", "    ")?;
        }
        if let Some(timeline) = &path.timeline {
            self.timeline(timeline)?;
        }
        self.line("")?;
        self.table(&COLUMNS, path.flows.iter().flat_map(cells).collect())
    }
}

/// Cells of a flow's rows.
fn cells(flow: &FlowReport) -> Vec<Vec<Cell>> {
    let rows = rows(flow).into_iter();
    rows.map(|[name, tunnel, class, numbers @ ..]| {
        let texts = [name, tunnel, class].map(Cell::new);
        texts.into_iter().chain(numbers.map(right)).collect()
    })
    .collect()
}
