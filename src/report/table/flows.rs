//! Tables that `--verbose` adds: each path's flows, and the facts of its DTLS and Lustre.

use std::io;

use anstyle::Style as Ansi;
use comfy_table::Cell;

use super::{Page, number, right, volume};
use crate::report::PathReport;
use crate::report::model::FlowReport;
use crate::report::wording::flows::{facts, name, tunnel};
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
        let header = [
            "Flow",
            "Tunnel",
            "Class",
            "To server",
            "To client",
            "Packets",
        ];
        self.line("")?;
        self.table(&header, path.flows.iter().flat_map(rows).collect())
    }
}

/// A row for each class that the flow has packets of.
fn rows(flow: &FlowReport) -> Vec<Vec<Cell>> {
    let classes = flow.classes().into_iter();
    classes
        .map(|(class, up, down)| {
            vec![
                Cell::new(name(flow)),
                Cell::new(tunnel(flow)),
                Cell::new(class.name()),
                right(volume(up)),
                right(volume(down)),
                right(number(up.packets + down.packets)),
            ]
        })
        .collect()
}
