//! Inventory of exports, in sentences.

use crate::azure::export::{ExportTime, FileReport, Inventory};
use crate::report::text::{bytes, counted, number};

/// Number of files, of resources in them, and of values that were ignored.
pub(in crate::report) fn summary(inventory: &Inventory) -> String {
    let files = counted(inventory.files.len() as u64, "file");
    let resources = inventory.resources.iter().map(|it| it.count).sum();
    let resources = counted(resources, "resource");
    let ignored: u64 = inventory.ignored.iter().map(|it| it.count).sum();
    format!(
        "{files} read, with {resources}; {} ignored",
        number(ignored)
    )
}

/// A file in a sentence.
pub(in crate::report) fn described(file: &FileReport) -> String {
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
