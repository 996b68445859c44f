//! What tables for people are made of: their look, and numbers in words.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use super::Style;

/// One line, below the header.
const LINES: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// Spaces before and after a cell, beside the one that parts columns: a row with the
/// longest IPv4 addresses fits 80 of them.
const PADDING: (u16, u16) = (0, 1);

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

/// Bytes in powers of a thousand, as in `3.0 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let tenths = |of: u64| bytes / of + u64::from(bytes % of >= of / 2);
    let (mut unit, mut tenth) = (0, 100);
    while tenths(tenth) >= 10_000 && unit + 1 < UNITS.len() {
        tenth *= 1000;
        unit += 1;
    }
    let tenths = tenths(tenth);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

pub(crate) fn packets(count: u64) -> String {
    match count {
        1 => "1 packet".to_owned(),
        _ => format!("{} packets", number(count)),
    }
}

pub(crate) fn tuples(count: u64) -> String {
    match count {
        1 => "1 tuple of flow logs".to_owned(),
        _ => format!("{} tuples of flow logs", number(count)),
    }
}

/// A number with its thousands apart, as in `1,234,567`.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{bytes, number};

    #[test]
    fn bytes_are_short() {
        let shown = [0, 999, 1000, 1500, 999_949, 999_950, 3_000_000, u64::MAX].map(bytes);
        assert_eq!(
            shown,
            [
                "0 B", "999 B", "1.0 kB", "1.5 kB", "999.9 kB", "1.0 MB", "3.0 MB", "18.4 EB"
            ]
        );
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(number),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
