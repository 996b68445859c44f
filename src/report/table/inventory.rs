//! Inventory of exports in a table: each file, the resources, and what was ignored.

use std::io;

use anstyle::Style as Ansi;
use comfy_table::Cell;

use super::checks::ROWS;
use super::{DIM, Page, number, printable, right};
use crate::azure::export::{FileReport, IgnoredReport, Inventory, KindReport};
use crate::report::wording::inventory::{described, summary};

impl Page<'_> {
    /// A sentence on what was read; all of it for who asks for more.
    pub(super) fn inventory(&mut self, inventory: &Inventory) -> io::Result<()> {
        if inventory.files.is_empty() {
            return Ok(());
        }
        self.heading("Exports")?;
        let rest = if self.style.verbose {
            "."
        } else {
            " (--verbose lists them)."
        };
        let says = format!("{}{rest}", summary(inventory));
        self.text(Ansi::new(), &says, "  ", "    ")?;
        if !self.style.verbose {
            return Ok(());
        }
        let mut files = inventory.files.iter().take(ROWS);
        files.try_for_each(|file| self.file(file))?;
        self.more(inventory.files.len(), ROWS)?;
        self.line("")?;
        let kinds = inventory.resources.iter().take(ROWS).map(kind).collect();
        self.table(&["Resources", "Subscription", "Number"], kinds)?;
        self.more(inventory.resources.len(), ROWS)?;
        self.ignored(&inventory.ignored)
    }

    fn file(&mut self, file: &FileReport) -> io::Result<()> {
        self.text(Ansi::new(), &described(file), "  ", "    ")?;
        match &file.sha256 {
            Some(hash) => self.text(DIM, &format!("SHA-256 {hash}"), "    ", "    "),
            None => Ok(()),
        }
    }

    fn ignored(&mut self, ignored: &[IgnoredReport]) -> io::Result<()> {
        if ignored.is_empty() {
            return Ok(());
        }
        self.line("")?;
        let row = |it: &IgnoredReport| {
            let texts = [&it.file, &it.why].map(|text| Cell::new(printable(text)));
            let count = right(number(it.count));
            texts.into_iter().chain([count]).collect()
        };
        let rows = ignored.iter().take(ROWS).map(row).collect();
        self.table(&["Ignored in", "Why", "Number"], rows)?;
        self.more(ignored.len(), ROWS)
    }
}

fn kind(it: &KindReport) -> Vec<Cell> {
    let subscription = match &it.subscription[..] {
        "" => "–",
        other => other,
    };
    vec![
        Cell::new(it.kind),
        Cell::new(printable(subscription)),
        right(number(it.count)),
    ]
}
