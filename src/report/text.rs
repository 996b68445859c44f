//! Parts of tables for people: their look, and numbers in words.

use std::time::Duration;

use bytesize::ByteSize;
use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::HumanCount;
use jiff::{SignedDuration, Unit};

use super::Style;

/// One line, below the header.
const LINES: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// Spaces before and after a cell, beside the one that parts columns: a row with the
/// longest IPv4 addresses fits 80 of them.
const PADDING: (u16, u16) = (0, 1);

/// A space at which no line is broken.
pub(crate) const NO_BREAK: &str = "\u{a0}";

/// The lines of a table in the page's width.
pub(crate) fn table(
    header: &[&str],
    rows: Vec<Vec<Cell>>,
    style: &Style,
) -> impl Iterator<Item = String> {
    let mut table = Table::new();
    table
        .load_style(LINES)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(style.width)
        .force_no_tty()
        .set_header(header)
        .add_rows(rows);
    for column in table.column_iter_mut().take(header.len() - 1) {
        column.set_padding(PADDING);
    }
    if let Some(last) = table.column_mut(header.len() - 1) {
        last.set_padding((0, 0));
    }
    if style.color {
        table.enforce_styling();
    }
    let lines: Vec<String> = table.lines().collect();
    lines.into_iter().map(|line| line.trim_end().to_owned())
}

pub(crate) fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Minutes of a time, begun ones included, as in `60 minutes`.
pub(crate) fn minutes(time: Duration) -> String {
    counted(time.as_secs().div_ceil(60), "minute")
}

/// A time, to seconds or, where it is short, to milliseconds, as in `2m 17s`.
pub(crate) fn span(time: Duration) -> String {
    let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    let unit = if time < SignedDuration::from_secs(10) {
        Unit::Millisecond
    } else {
        Unit::Second
    };
    format!("{:#}", time.round(unit).unwrap_or(time))
}

/// Bytes in powers of a thousand, as in `3.0 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    // To tenths, half of one up; as a float it would be to even, and 999,999 `1000.0 kB`.
    let tenth = (1000_u64.pow(bytes.max(1).ilog(1000)) / 10).max(1);
    let rounded = bytes.saturating_add(tenth / 2) / tenth * tenth;
    ByteSize::b(rounded).display().si().to_string()
}

/// Text without what would command a terminal: names of files and interfaces are
/// whatever a capture's maker wanted.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// A number of things, as in `1 file` and `2,000 files`.
pub(crate) fn counted(count: u64, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{} {thing}s", number(count)),
    }
}

pub(crate) fn packets(count: u64) -> String {
    counted(count, "packet")
}

pub(crate) fn tuples(count: u64) -> String {
    format!("{} of flow logs", counted(count, "tuple"))
}

/// A number with its thousands apart, as in `1,234,567`.
pub(crate) fn number(number: u64) -> String {
    HumanCount(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short() {
        let shown = [0, 999, 1000, 1250, 999_949, 999_950, 3_000_000, u64::MAX].map(bytes);
        assert_eq!(
            shown,
            [
                "0 B", "999 B", "1.0 kB", "1.3 kB", "999.9 kB", "1.0 MB", "3.0 MB", "18.4 EB"
            ]
        );
    }

    #[test]
    fn times_are_as_exact_as_they_are_short() {
        let shown = [0, 134_217_728, 9_999_999_999, 137_438_953_472]
            .map(|nanos| span(Duration::from_nanos(nanos)));
        assert_eq!(shown, ["0s", "134ms", "10s", "2m 17s"]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(number),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
