//! Inventory of exports in a table: each file, the resources, and what was ignored.

use std::io;

use anstyle::Style as Ansi;
use comfy_table::Cell;

use super::checks::ROWS;
use super::{DIM, Page, bytes, number, printable, right};
use crate::azure::export::{ExportTime, FileReport, IgnoredReport, Inventory, KindReport};

impl Page<'_> {
    /// A sentence on what was read; all of it for who asks for more.
    pub(super) fn inventory(&mut self, inventory: &Inventory) -> io::Result<()> {
        if inventory.files.is_empty() {
            return Ok(());
        }
        self.heading("Exports")?;
        self.text(
            Ansi::new(),
            &summary(inventory, self.style.verbose),
            "  ",
            "    ",
        )?;
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

fn summary(inventory: &Inventory, verbose: bool) -> String {
    let files = counted(inventory.files.len() as u64, "file");
    let resources = inventory.resources.iter().map(|it| it.count).sum();
    let resources = counted(resources, "resource");
    let ignored: u64 = inventory.ignored.iter().map(|it| it.count).sum();
    let rest = if verbose {
        "."
    } else {
        " (--verbose lists them)."
    };
    format!(
        "{files} read, with {resources}; {} ignored{rest}",
        number(ignored)
    )
}

pub(super) fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{} {what}s", number(count)),
    }
}

/// A file in a sentence.
pub(super) fn described(file: &FileReport) -> String {
    let name = &file.name;
    if let Some(fault) = &file.fault {
        return format!("{name}: {}, not read: {fault}", bytes(file.size));
    }
    let time = match (&file.exported, file.exported_by) {
        (Some(time), Some(ExportTime::Export)) => format!("exported at {time} by its own word"),
        (Some(time), _) => format!("last modified at {time}"),
        (None, _) => "of no known time".to_owned(),
    };
    let page = if file.is_page {
        ", one page of a list"
    } else {
        ""
    };
    format!(
        "{name}: {}, {time}, {}, {} ignored{page}",
        bytes(file.size),
        counted(file.resources, "resource"),
        number(file.ignored)
    )
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
