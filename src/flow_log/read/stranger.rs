//! Files that begin as no JSON does: those that plainly are no logs, and those that may be.

use std::io;
use std::net::IpAddr;

use memchr::memchr;

use super::text::{BYTE_ORDER_MARK, RECORD_SEPARATOR, Text};
use crate::flow_log::NotALog;
use crate::input::kind;

/// The most bytes of a line that are looked at together.
const LINE_LIMIT: usize = 64 << 10;
/// Characters between the columns of a table.
const SEPARATORS: [u8; 4] = *b",;\t|";
/// Fewest of them in a row of a table.
const FEWEST_SEPARATORS: usize = 4;

/// Names that nothing but flow logs have, in this form or another, in small letters.
const NAMES: [&str; 8] = [
    "flowlogversion",
    "flowlogguid",
    "flowlogresourceid",
    "flowlogflowevent",
    "flowrecords",
    "flowgroups",
    "flowtuples",
    "flowencryption",
];

/// First bytes of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// An object or a list, or text that may hold one.
    Json,
    Empty,
    /// A kind without any log in it, by its name.
    Known(&'static str),
    Text,
    /// Bytes of no known kind, or of one that can hold logs and is not read.
    Binary,
}

impl Begin {
    pub(super) fn of(text: &Text<'_>) -> Self {
        if let Some(name) = kind::without_text(text.begin()) {
            return Self::Known(name);
        }
        let begin = without_marks(text.rest());
        match begin {
            [] if text.begin().is_empty() => Self::Empty,
            [b'{' | b'[' | b'"', ..] => Self::Json,
            _ if kind::is_text(begin) => Self::Text,
            _ => Self::Binary,
        }
    }
}

/// The bytes behind white space and marks.
pub(super) fn without_marks(mut begin: &[u8]) -> &[u8] {
    loop {
        let rest = begin.strip_prefix(BYTE_ORDER_MARK).unwrap_or(begin);
        let rest = rest.strip_prefix(&[RECORD_SEPARATOR]).unwrap_or(rest);
        let rest = rest.trim_ascii_start();
        if rest.len() == begin.len() {
            return rest;
        }
        begin = rest;
    }
}

/// Tests that a name is one of flow logs alone.
pub(super) fn is_name(key: &[u8]) -> bool {
    let is = |name: &str| name.as_bytes().eq_ignore_ascii_case(key);
    NAMES.iter().any(|name| is(name))
}

/// Tests that a text has one of the names of flow logs in it.
pub(super) fn has_name(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'f' | b'F')) {
        rest = &rest[at..];
        let begins = |name: &str| {
            let begin = rest.get(..name.len());
            begin.is_some_and(|begin| name.as_bytes().eq_ignore_ascii_case(begin))
        };
        if NAMES.iter().any(|name| begins(name)) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// Tests that a line is a row of a table with the addresses of two ends.
pub(super) fn is_row(line: &[u8]) -> bool {
    let is_separator = |byte: &u8| SEPARATORS.contains(byte);
    if line.iter().filter(|byte| is_separator(byte)).count() < FEWEST_SEPARATORS {
        return false;
    }
    let is_address = |field: &&[u8]| {
        let field = str::from_utf8(field).unwrap_or_default();
        let field = field.trim_matches(|c: char| !c.is_ascii_hexdigit() && c != ':');
        field.parse::<IpAddr>().is_ok()
    };
    let fields = line.split(is_separator);
    fields.filter(is_address).nth(1).is_some()
}

/// The reason why a text that is no JSON is no log, or may be one.
///
/// # Errors
/// It cannot be read to its end.
pub(super) fn judge(mut text: Text<'_>) -> io::Result<NotALog> {
    loop {
        let rest = text.rest();
        let line = memchr(b'\n', &rest[..rest.len().min(LINE_LIMIT)]);
        let is_long = rest.len() >= LINE_LIMIT;
        if line.is_none() && !is_long && text.more()? {
            continue;
        }
        let rest = text.rest();
        let len = line.map_or(rest.len().min(LINE_LIMIT), |at| at + 1);
        if len == 0 {
            let what = "it is text without flows";
            return Ok(NotALog::Other(what.to_owned()));
        }
        let line = text.pass(len);
        if has_name(line) || is_row(line) {
            let what = "it is no JSON, and has what flow logs have";
            return Ok(NotALog::Unread(what.to_owned()));
        }
    }
}
