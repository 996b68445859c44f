//! JSON: the report as it is, described field by field in docs/json.md, and the same in lines.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::Serializer;

use super::model::{PathLine, RunLine};
use super::{Report, Style};

mod indented;

use indented::Indented;

/// Bytes that are written at once.
const BUFFER_LEN: usize = 64 << 10;

/// Writes a document of any kind.
pub(super) fn write<R: Serialize>(
    report: &R,
    _style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut buffer = buffer(out);
    let indented = Indented::default();
    report.serialize(&mut Serializer::with_formatter(&mut buffer, indented))?;
    writeln!(buffer)?;
    buffer.flush()
}

/// Writes a line for each path, and the run in the last one: output that was cut lacks it.
pub(super) fn write_lines(report: &Report, _style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut buffer = buffer(out);
    for path in &report.paths {
        line(&PathLine::new(path), &mut buffer)?;
    }
    line(&RunLine::new(report), &mut buffer)?;
    buffer.flush()
}

fn line(line: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    writeln!(out)
}

/// Buffer for pieces of a few bytes each, which must not go through `dyn Write`.
pub(super) fn buffer(out: &mut dyn Write) -> BufWriter<&mut dyn Write> {
    BufWriter::with_capacity(BUFFER_LEN, out)
}
