//! Rows as CSV (RFC 4180), as the portal exports them.

use std::io;

use memchr::{memchr, memchr_iter};

use super::super::json::Stop;
use super::super::text::Text;
use super::Rows;
use super::row::AnalyticsRow;

/// The most bytes of a line.
const LINE_LIMIT: usize = 1 << 20;
/// Characters between columns.
const SEPARATORS: [u8; 3] = *b",;\t";

/// Reads a header and the rows below it; gives the end as well.
pub(super) fn read(mut text: Text<'_>, rows: &mut Rows<'_>) -> (Result<(), Stop>, u64) {
    let read = read_lines(&mut text, rows);
    (read, text.offset())
}

fn read_lines(text: &mut Text<'_>, rows: &mut Rows<'_>) -> Result<(), Stop> {
    let Some(header) = line(text)? else {
        return Ok(());
    };
    let header = header.trim_start_matches('\u{feff}');
    let count = |separator: &u8| header.bytes().filter(|byte| byte == separator).count();
    let separator = SEPARATORS.into_iter().max_by_key(count);
    let separator = char::from(separator.unwrap_or(b','));
    let names = fields(header, separator);
    if !names.iter().any(|name| AnalyticsRow::knows(name)) {
        return Ok(());
    }
    while let Some(line) = line(text)? {
        let cells = fields(&line, separator);
        if line.is_empty() {
            continue;
        }
        if cells.len() != names.len() {
            rows.report.unread += 1;
            continue;
        }
        let mut row = AnalyticsRow::default();
        for (name, cell) in names.iter().zip(cells) {
            row.set(name, cell);
        }
        rows.row(&row);
    }
    Ok(())
}

/// The next line without its end; one within quotes is none. `None` at the end.
fn line(text: &mut Text<'_>) -> Result<Option<String>, Stop> {
    let mut len = 0;
    loop {
        let rest = text.rest();
        let end = memchr(b'\n', &rest[len..]).map(|at| len + at);
        let is_quoted = |len: usize| memchr_iter(b'"', &rest[..len]).count() % 2 == 1;
        match end {
            Some(end) if is_quoted(end) => len = end + 1,
            Some(end) => {
                let line = String::from_utf8_lossy(&rest[..end])
                    .trim_end_matches('\r')
                    .to_owned();
                text.pass(end + 1);
                return Ok(Some(line));
            }
            None if rest.len() > LINE_LIMIT => {
                return Err(io::Error::other("a line of more than 1 MiB").into());
            }
            None if !text.more()? => {
                let rest = text.rest();
                let line = String::from_utf8_lossy(rest);
                let line = line.trim_end_matches('\r').to_owned();
                let len = rest.len();
                text.pass(len);
                return Ok((len > 0).then_some(line));
            }
            None => {}
        }
    }
}

/// Cells of a line, without their quotes.
fn fields(line: &str, separator: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut fields, '"');
            }
            '"' => is_quoted = !is_quoted,
            it if it == separator && !is_quoted => fields.push(String::new()),
            it => push(&mut fields, it),
        }
    }
    fields
}

fn push(fields: &mut [String], character: char) {
    if let Some(last) = fields.last_mut() {
        last.push(character);
    }
}
