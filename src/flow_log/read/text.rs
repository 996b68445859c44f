//! Text of a log: UTF-8 or UTF-16, with or without a byte order mark, a byte at a time.

use std::cell::Cell;
use std::io::{self, Read};

/// Bytes read at a time.
const BLOCK_LEN: usize = 256 << 10;
/// The most bytes from one key or tuple to the next: what bounds memory, since a string is
/// held whole.
const VALUE_LIMIT: u64 = 1 << 20;
/// Bytes that tell the form.
const BEGIN_LEN: u64 = 1024;
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Mark before each text of a sequence of JSON texts (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;

/// Place that was reached in a text.
#[derive(Default)]
pub(super) struct Place {
    /// Offset of the block.
    base: Cell<u64>,
    /// Bytes of the block that were read.
    position: Cell<usize>,
    /// End of the last key or tuple.
    good: Cell<u64>,
    /// Last byte read: of an element of an array, its first.
    pub(super) byte: Cell<u8>,
    /// True if the text is between two documents, or before the first.
    pub(super) is_between: Cell<bool>,
}

impl Place {
    fn offset(&self) -> u64 {
        self.base.get() + self.position.get() as u64
    }

    pub(super) fn good(&self) -> u64 {
        self.good.get()
    }

    pub(super) fn is_good(&self) {
        self.good.set(self.offset());
    }
}

/// Encoding of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Encoding {
    /// Tells the encoding by a byte order mark, or by the zeros around the first character,
    /// which is of ASCII in JSON.
    fn detect(begin: &[u8]) -> Self {
        match *begin {
            [0xff, 0xfe, ..] | [1..=u8::MAX, 0, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] | [0, 1..=u8::MAX, ..] => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }
}

/// Text of a file in blocks, as UTF-8, of which the place is known. Of UTF-16 the offsets
/// are those of the same text in UTF-8.
pub(super) struct Text<'w, R> {
    bytes: R,
    encoding: Encoding,
    block: Vec<u8>,
    /// Bytes that were read and are not decoded yet.
    raw: Vec<u8>,
    /// Error behind the first bytes.
    failed: Option<io::Error>,
    place: &'w Place,
}

impl<'w, R: Read> Text<'w, R> {
    /// The text, with its first bytes read.
    pub(super) fn new(mut bytes: R, place: &'w Place) -> Self {
        let mut block = Vec::new();
        let failed = (&mut bytes).take(BEGIN_LEN).read_to_end(&mut block).err();
        place.is_between.set(true);
        let mut text = Self {
            bytes,
            encoding: Encoding::detect(&block),
            block,
            raw: Vec::new(),
            failed,
            place,
        };
        if text.encoding != Encoding::Utf8 {
            text.raw = std::mem::take(&mut text.block);
            text.decode();
        }
        text
    }

    /// The first characters, without a mark or white space.
    pub(super) fn begin(&self) -> &[u8] {
        let mark = BYTE_ORDER_MARK.to_string();
        let begin = self.block.strip_prefix(mark.as_bytes());
        begin.unwrap_or(&self.block).trim_ascii_start()
    }

    fn fill(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.block.resize(BLOCK_LEN, 0);
        let read = self.bytes.read(&mut self.block);
        self.block.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|_| ())
    }

    /// Decodes UTF-16 as far as it is whole. Half a surrogate, and half a unit at the end,
    /// are no text: they become U+FFFD, which is in no tuple.
    fn decode(&mut self) {
        let unit = match self.encoding {
            Encoding::Utf8 => return,
            Encoding::Utf16Le => u16::from_le_bytes,
            Encoding::Utf16Be => u16::from_be_bytes,
        };
        let (pairs, _) = self.raw.as_chunks::<2>();
        let mut units: Vec<u16> = pairs.iter().map(|&pair| unit(pair)).collect();
        let is_cut = units
            .last()
            .is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        if is_cut && units.len() > 1 {
            units.pop();
        }
        self.raw.drain(..2 * units.len());
        let decoded = char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER));
        self.block = decoded.collect::<String>().into_bytes();
    }

    /// The first byte of the next block, if there is one.
    #[cold]
    fn next_block(&mut self) -> io::Result<Option<u8>> {
        let offset = self.place.offset();
        if offset - self.place.good.get() > VALUE_LIMIT {
            return Err(io::Error::other("a value of more than 1 MiB"));
        }
        self.place.base.set(offset);
        self.place.position.set(0);
        loop {
            self.fill()?;
            if self.encoding == Encoding::Utf8 || self.block.is_empty() {
                return Ok(self.block.first().copied());
            }
            self.raw.append(&mut self.block);
            self.decode();
            if let Some(&first) = self.block.first() {
                return Ok(Some(first));
            }
        }
    }

    #[inline]
    fn next(&mut self) -> io::Result<Option<u8>> {
        let position = self.place.position.get();
        let next = match self.block.get(position) {
            Some(&byte) => Some(byte),
            None => self.next_block()?,
        };
        let advance = usize::from(next.is_some());
        self.place.position.set(self.place.position.get() + advance);
        Ok(next)
    }

    /// The next byte that is no mark between documents.
    #[cold]
    fn next_between(&mut self) -> io::Result<Option<u8>> {
        let mut mark = [0; 4];
        let mark = BYTE_ORDER_MARK.encode_utf8(&mut mark).as_bytes();
        loop {
            let next = self.next()?;
            match next {
                Some(byte) if mark.contains(&byte) || byte == RECORD_SEPARATOR => {}
                Some(byte) if byte.is_ascii_whitespace() => self.place.is_good(),
                _ => {
                    self.place.is_between.set(false);
                    return Ok(next);
                }
            }
        }
    }
}

/// A byte at a time, which is what JSON is read by.
impl<R: Read> Read for Text<'_, R> {
    #[inline]
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(into) = into.first_mut() else {
            return Ok(0);
        };
        let next = if self.place.is_between.get() {
            self.next_between()?
        } else {
            self.next()?
        };
        let Some(byte) = next else {
            return Ok(0);
        };
        *into = byte;
        self.place.byte.set(byte);
        Ok(1)
    }
}
