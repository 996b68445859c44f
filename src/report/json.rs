//! JSON: the report as it is, described field by field in the README.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::Style;

/// Bytes that are written at once.
const BUFFER_LEN: usize = 64 << 10;

/// Writes a document of any kind.
pub(super) fn write<R: Serialize>(
    report: &R,
    _style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    // Pieces of a few bytes each must not go through `dyn Write`.
    let mut buffer = BufWriter::with_capacity(BUFFER_LEN, out);
    serde_json::to_writer_pretty(&mut buffer, report)?;
    writeln!(buffer)?;
    buffer.flush()
}
