//! Files that a report rests on, by the kind that they were taken for.

use std::io;

use super::{Ansi, DIM, NO_BREAK, Page, Report};
use crate::flow_log::LogReport;
use crate::report::InputReport;
use crate::report::text::{packets, tuples};
use crate::report::wording::account::kinds;
use crate::report::wording::inventory::described;

impl Page<'_> {
    /// Number of files of each kind, where there are several kinds.
    pub(super) fn kinds_of_files(&mut self, report: &Report) -> io::Result<()> {
        let kinds = kinds(report);
        let kinds: Vec<_> = kinds.iter().map(|it| it.replace(' ', NO_BREAK)).collect();
        match kinds.len() {
            0 | 1 => Ok(()),
            _ => self.text(DIM, &format!("files read: {}", kinds.join(", ")), "", "  "),
        }
    }

    /// Each file, with what was read of it.
    pub(super) fn all_files(&mut self, report: &Report) -> io::Result<()> {
        self.heading("Files")?;
        let captures = report.inputs.iter().map(capture);
        let logs = report.flow_logs.iter().map(log);
        let exports = report.exports.iter().map(described);
        let mut files = captures.chain(logs).chain(exports);
        files.try_for_each(|file| self.text(Ansi::new(), &file, "  ", "    "))
    }
}

fn capture(input: &InputReport) -> String {
    let format = input.format;
    let form = match input.compression {
        Some(compression) => format!("{format} in {compression}"),
        None => format.to_owned(),
    };
    format!("{}: {form}, {}", input.name, packets(input.packets))
}

fn log(log: &LogReport) -> String {
    format!("{}: {}", log.name, tuples(log.tuples))
}
