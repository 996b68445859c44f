//! JSON (RFC 8259) as a stream of which no value is held but the last string.

use std::fmt;
use std::io;

use memchr::{memchr, memchr2};

use super::super::NotALog;
use super::text::{BYTE_ORDER_MARK, RECORD_SEPARATOR, Text};

/// The most bytes of a string, which is held whole.
const STRING_LIMIT: usize = 1 << 20;
/// The most bytes of a number.
const SCALAR_LIMIT: usize = 400;
/// The most lists and objects in one another.
const DEPTH_LIMIT: u8 = 128;

/// Fault of a string.
const BAD_ESCAPE: Stop = Stop::Syntax("an escape in a string is none");

/// Reason why reading ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The text ended within a value.
    Ends,
    /// The file cannot be read on.
    Io(io::Error),
    /// The text is no JSON, or nothing like a log.
    Syntax(&'static str),
    /// It is another kind of log.
    Nsg,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ends => f.write_str("the JSON ends early, as no log of Azure's does"),
            Self::Io(error) => error.fmt(f),
            Self::Syntax(what) => write!(f, "not JSON: {what}"),
            Self::Nsg => NotALog::Nsg.fmt(f),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// JSON texts in a row.
pub(super) struct Json<'r> {
    text: Text<'r>,
    depth: u8,
    /// End of the last string.
    good: u64,
    /// The last string, if it has escapes.
    unescaped: Vec<u8>,
}

impl<'r> Json<'r> {
    pub(super) fn new(text: Text<'r>) -> Self {
        Self {
            text,
            depth: 0,
            good: 0,
            unescaped: Vec::new(),
        }
    }

    /// Offset behind the last string, or the last text.
    pub(super) fn good(&self) -> u64 {
        self.good
    }

    /// Tests that another text follows, behind what may stand between two.
    pub(super) fn has_next(&mut self) -> Result<bool, Stop> {
        loop {
            self.good = self.text.offset();
            if self.text.rest().len() < BYTE_ORDER_MARK.len() && self.text.more()? {
                continue;
            }
            let rest = self.text.rest();
            let len = match rest.first() {
                Some(&byte) if is_space(byte) || byte == RECORD_SEPARATOR => 1,
                Some(_) if rest.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
                next => return Ok(next.is_some()),
            };
            self.text.pass(len);
        }
    }

    /// The next byte that is no white space, which is not passed.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Stop> {
        loop {
            match self.text.rest().first() {
                Some(&byte) if !is_space(byte) => return Ok(byte),
                Some(_) => drop(self.text.pass(1)),
                None => self.more()?,
            }
        }
    }

    fn more(&mut self) -> Result<(), Stop> {
        if self.text.more()? {
            Ok(())
        } else {
            Err(Stop::Ends)
        }
    }

    /// Passes over a bracket that begins a list or an object; true if `end` follows, which
    /// is passed as well.
    pub(super) fn begin(&mut self, end: u8) -> Result<bool, Stop> {
        self.text.pass(1);
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(Stop::Syntax(
                "lists and objects are too deep in one another",
            ));
        }
        let is_empty = self.peek()? == end;
        if is_empty {
            self.end();
        }
        Ok(is_empty)
    }

    fn end(&mut self) {
        self.text.pass(1);
        self.depth -= 1;
    }

    /// Passes over a comma, or over `end`; true behind a comma.
    #[inline]
    pub(super) fn goes_on(&mut self, end: u8) -> Result<bool, Stop> {
        match self.peek()? {
            b',' => {
                self.text.pass(1);
                Ok(true)
            }
            byte if byte == end => {
                self.end();
                Ok(false)
            }
            _ => Err(Stop::Syntax("a comma or a closing bracket is missing")),
        }
    }

    /// Passes over the colon behind a key.
    pub(super) fn colon(&mut self) -> Result<(), Stop> {
        match self.peek()? {
            b':' => {
                self.text.pass(1);
                Ok(())
            }
            _ => Err(Stop::Syntax("a colon is missing")),
        }
    }

    /// The string that begins here, without its quotes and escapes. Its bytes may be no
    /// UTF-8.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&[u8], Stop> {
        if self.peek()? != b'"' {
            return Err(Stop::Syntax("a string is missing"));
        }
        let mut end = 1;
        let mut is_escaped = false;
        loop {
            let rest = self.text.rest();
            match memchr2(b'"', b'\\', rest.get(end..).unwrap_or_default()) {
                Some(at) if rest[end + at] == b'"' => {
                    end += at;
                    break;
                }
                Some(at) => {
                    is_escaped = true;
                    end += at + 2;
                }
                None if rest.len() > STRING_LIMIT => {
                    return Err(io::Error::other("a value of more than 1 MiB").into());
                }
                None => {
                    end = end.max(rest.len());
                    self.more()?;
                }
            }
        }
        self.good = self.text.offset() + end as u64 + 1;
        let string = &self.text.pass(end + 1)[1..end];
        if !is_escaped {
            return Ok(string);
        }
        self.unescaped.clear();
        unescape(string, &mut self.unescaped)?;
        Ok(&self.unescaped)
    }

    /// The number, `true`, `false` or `null` that begins here, as it stands there.
    pub(super) fn scalar_text(&mut self) -> Result<String, Stop> {
        self.peek()?;
        let mut text = String::new();
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        while self.next_is(is_part)? && text.len() < SCALAR_LIMIT {
            text.extend(self.text.pass(1).iter().copied().map(char::from));
        }
        if text.is_empty() {
            return Err(Stop::Syntax("a value is missing"));
        }
        Ok(text)
    }

    /// Passes over a number, `true`, `false` or `null`.
    pub(super) fn scalar(&mut self) -> Result<(), Stop> {
        match self.peek()? {
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(Stop::Syntax("a value is missing")),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Stop> {
        for &byte in word {
            if self.next_is(|next| next == byte)? {
                self.text.pass(1);
            } else {
                return Err(Stop::Syntax("a value is missing"));
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Stop> {
        self.pass_if(|byte| byte == b'-')?;
        if !self.pass_if(|byte| byte == b'0')? {
            self.digits()?;
        }
        if self.pass_if(|byte| byte == b'.')? {
            self.digits()?;
        }
        if self.pass_if(|byte| matches!(byte, b'e' | b'E'))? {
            self.pass_if(|byte| matches!(byte, b'+' | b'-'))?;
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Stop> {
        if !self.pass_if(|byte| byte.is_ascii_digit())? {
            return Err(Stop::Syntax("a number is cut"));
        }
        while self.pass_if(|byte| byte.is_ascii_digit())? {}
        Ok(())
    }

    /// Passes over the next byte if it is of a kind, and tells.
    fn pass_if(&mut self, is_kind: impl Fn(u8) -> bool) -> Result<bool, Stop> {
        let is_passed = self.next_is(is_kind)?;
        self.text.pass(usize::from(is_passed));
        Ok(is_passed)
    }

    fn next_is(&mut self, is_kind: impl Fn(u8) -> bool) -> Result<bool, Stop> {
        if self.text.rest().is_empty() && !self.text.more()? {
            return Ok(false);
        }
        Ok(self.text.rest().first().is_some_and(|&byte| is_kind(byte)))
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Adds a string without its escapes. Half a surrogate becomes U+FFFD, which is in no tuple.
fn unescape(mut string: &[u8], into: &mut Vec<u8>) -> Result<(), Stop> {
    while let Some(at) = memchr(b'\\', string) {
        into.extend(&string[..at]);
        let (&escape, mut rest) = string[at + 1..].split_first().ok_or(BAD_ESCAPE)?;
        match escape {
            b'"' | b'\\' | b'/' => into.push(escape),
            b'b' => into.push(8),
            b'f' => into.push(12),
            b'n' => into.push(b'\n'),
            b'r' => into.push(b'\r'),
            b't' => into.push(b'\t'),
            b'u' => {
                let character = escaped_character(&mut rest)?;
                into.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return Err(BAD_ESCAPE),
        }
        string = rest;
    }
    into.extend(string);
    Ok(())
}

/// The character of the escape or two whose digits `rest` begins with.
fn escaped_character(rest: &mut &[u8]) -> Result<char, Stop> {
    let first = unit(rest).ok_or(BAD_ESCAPE)?;
    let mut behind = rest.strip_prefix(b"\\u").unwrap_or_default();
    let second = unit(&mut behind).unwrap_or_default();
    let mut decoded = char::decode_utf16([first, second]);
    let character = decoded.next().and_then(Result::ok);
    if character.is_some_and(|it| it.len_utf16() == 2) {
        *rest = behind;
    }
    Ok(character.unwrap_or(char::REPLACEMENT_CHARACTER))
}

/// Four hexadecimal digits, which are passed.
fn unit(rest: &mut &[u8]) -> Option<u16> {
    let (digits, behind) = rest.split_first_chunk::<4>()?;
    let digit = |unit: u16, &byte: &u8| {
        let digit = char::from(byte).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    };
    let unit = digits.iter().try_fold(0, digit)?;
    *rest = behind;
    Some(unit)
}
