//! Warnings in the table: equal ones once, with a count and the first few.

use std::io;

use super::{Page, WARNING};
use crate::report::Report;
use crate::report::wording::warnings::{grouped, together};

/// Most warnings of a list.
const LISTED: usize = 20;

impl Page<'_> {
    pub(super) fn warnings(&mut self, report: &Report) -> io::Result<()> {
        if report.warnings.is_empty() {
            return Ok(());
        }
        self.heading("Warnings")?;
        if self.style.verbose {
            let mut all = report.warnings.iter().map(ToString::to_string);
            return all.try_for_each(|says| self.text(WARNING, &says, "  ", "    "));
        }
        let groups = grouped(&report.warnings);
        let mut listed = groups.iter().take(LISTED).map(|group| together(group));
        listed.try_for_each(|says| self.text(WARNING, &says, "  ", "    "))?;
        match groups.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => self.line(&format!("  and {more} more: --verbose lists them")),
        }
    }
}
