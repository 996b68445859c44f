//! Time in tables: a row of bars for each class, and the window that was asked for.

use std::io;

use anstyle::Style as Ansi;

use super::{Page, bytes};
use crate::report::Report;
use crate::report::model::TimelineReport;
use crate::report::sparkline::Sparkline;
use crate::report::text::span;
use crate::report::wording::account::window;

/// Columns before the bars: the longest name of a class, and the spaces around it.
const NAME_WIDTH: usize = 17;

impl Page<'_> {
    /// The window that verdicts are of, where one was asked for.
    pub(super) fn window(&mut self, report: &Report) -> io::Result<()> {
        match window(report) {
            Some(says) => self.text(Ansi::new(), &says, "", "  "),
            None => Ok(()),
        }
    }

    /// A row of bars for each class, all to one scale.
    pub(super) fn timeline(&mut self, timeline: &TimelineReport) -> io::Result<()> {
        let classes = || timeline.by_class();
        let intervals = classes().map(|(_, it)| it.wire_bytes.len()).max();
        let width = usize::from(self.style.width).max(40) - NAME_WIDTH;
        let in_column = intervals.unwrap_or(0).div_ceil(width).max(1);
        let rows: Vec<_> = classes()
            .map(|(class, it)| (class, Sparkline::new(&it.wire_bytes, in_column)))
            .collect();
        let highest = rows.iter().map(|(_, line)| line.highest()).max();
        let highest = highest.unwrap_or(0);
        let column = timeline.interval * u32::try_from(in_column).unwrap_or(u32::MAX);
        let title = format!(
            "Bytes over time, from {}, a bar for each {}, the highest {}:",
            timeline.start,
            span(column),
            bytes(highest)
        );
        self.text(Ansi::new(), &title, "  ", "    ")?;
        rows.iter().try_for_each(|(class, line)| {
            let name = class.name();
            self.line(&format!("    {name:<13}{}", line.bars(highest)))
        })
    }
}
