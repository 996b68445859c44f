//! JSON: the report as it is, described field by field in the README.

use std::io::{self, Write};

use super::{Report, Style};

pub(super) fn write(report: &Report, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}
