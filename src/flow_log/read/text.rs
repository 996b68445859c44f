//! Text of a log in blocks: UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

use std::io::{self, Read};

/// Bytes read at a time.
const BLOCK_LEN: usize = 256 << 10;
/// Bytes that are left of a block at most, as a rule, when more are read.
const SPARE: usize = 4096;
/// Bytes that tell the form.
const BEGIN_LEN: u64 = 1024;
/// Character that some programs write before a text.
pub(super) const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// Mark before each text of a sequence of JSON texts (RFC 7464).
pub(super) const RECORD_SEPARATOR: u8 = 0x1e;

/// Encoding of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16(Order),
    Utf32(Order),
}

/// Order of the bytes of a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Encoding {
    /// Tells the encoding by a byte order mark, or by the zeros around the first character,
    /// which is of ASCII in JSON.
    fn detect(begin: &[u8]) -> Self {
        match *begin {
            [0xff, 0xfe, 0, 0, ..] | [1..=u8::MAX, 0, 0, 0, ..] => Self::Utf32(Order::Little),
            [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=u8::MAX, ..] => Self::Utf32(Order::Big),
            [0xff, 0xfe, ..] | [1..=u8::MAX, 0, ..] => Self::Utf16(Order::Little),
            [0xfe, 0xff, ..] | [0, 1..=u8::MAX, ..] => Self::Utf16(Order::Big),
            _ => Self::Utf8,
        }
    }
}

/// Text of a file, of which a part is held, as UTF-8. Of other encodings the offsets are
/// those of the same text in UTF-8.
pub(super) struct Text<'r> {
    bytes: Box<dyn Read + 'r>,
    encoding: Encoding,
    /// First bytes, as they are stored.
    begin: Vec<u8>,
    /// Bytes that were read and are not decoded yet.
    raw: Vec<u8>,
    block: Vec<u8>,
    /// Offset of the block in the text.
    base: u64,
    /// Bytes of the block that were passed.
    position: usize,
    /// Error behind the bytes that were read.
    failed: Option<io::Error>,
    is_ended: bool,
}

impl<'r> Text<'r> {
    /// The text, with its first bytes read.
    pub(super) fn new(mut bytes: impl Read + 'r) -> Self {
        let mut begin = Vec::new();
        let failed = (&mut bytes).take(BEGIN_LEN).read_to_end(&mut begin).err();
        let mut text = Self {
            bytes: Box::new(bytes),
            encoding: Encoding::detect(&begin),
            raw: begin.clone(),
            is_ended: failed.is_none() && (begin.len() as u64) < BEGIN_LEN,
            begin,
            block: Vec::with_capacity(BLOCK_LEN + 2 * SPARE),
            base: 0,
            position: 0,
            failed,
        };
        text.decode();
        text
    }

    /// First bytes, as they are stored.
    pub(super) fn begin(&self) -> &[u8] {
        &self.begin
    }

    /// The part that is held and not passed.
    #[inline]
    pub(super) fn rest(&self) -> &[u8] {
        &self.block[self.position..]
    }

    /// Passes over bytes of the [rest](Self::rest), and gives them.
    #[inline]
    pub(super) fn pass(&mut self, len: usize) -> &[u8] {
        let from = self.position;
        self.position += len;
        &self.block[from..self.position]
    }

    /// Offset of what is not passed.
    #[inline]
    pub(super) fn offset(&self) -> u64 {
        self.base + self.position as u64
    }

    /// Reads on, behind the rest; false at the end.
    ///
    /// # Errors
    /// Those of the file, each told once.
    #[cold]
    pub(super) fn more(&mut self) -> io::Result<bool> {
        self.block.drain(..self.position);
        self.base += self.position as u64;
        self.position = 0;
        let before = self.block.len();
        while self.block.len() == before {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if self.is_ended {
                return Ok(false);
            }
            let into = match self.encoding {
                Encoding::Utf8 => &mut self.block,
                _ => &mut self.raw,
            };
            into.reserve_exact(BLOCK_LEN + SPARE);
            let known = into.len();
            let read = (&mut self.bytes).take(BLOCK_LEN as u64).read_to_end(into);
            let is_end = into.len() == known;
            self.failed = read.err();
            self.is_ended = is_end && self.failed.is_none();
            self.decode();
        }
        Ok(true)
    }

    /// Moves what was read behind the block, as far as its characters are whole. Half a
    /// surrogate and what is no character become U+FFFD, which is in no tuple.
    fn decode(&mut self) {
        let order = match self.encoding {
            Encoding::Utf8 => return self.block.append(&mut self.raw),
            Encoding::Utf16(order) => return self.decode_16(order),
            Encoding::Utf32(order) => order,
        };
        let (units, rest) = self.raw.as_chunks::<4>();
        let decoded = units.iter().map(|&unit| match order {
            Order::Little => u32::from_le_bytes(unit),
            Order::Big => u32::from_be_bytes(unit),
        });
        let decoded =
            decoded.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        self.block.extend(decoded.collect::<String>().into_bytes());
        self.raw.drain(..self.raw.len() - rest.len());
    }

    fn decode_16(&mut self, order: Order) {
        let (pairs, _) = self.raw.as_chunks::<2>();
        let units = pairs.iter().map(|&pair| match order {
            Order::Little => u16::from_le_bytes(pair),
            Order::Big => u16::from_be_bytes(pair),
        });
        let mut units: Vec<u16> = units.collect();
        let is_cut = units
            .last()
            .is_some_and(|unit| (0xd800..0xdc00).contains(unit));
        if is_cut && units.len() > 1 {
            units.pop();
        }
        self.raw.drain(..2 * units.len());
        let decoded = char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER));
        self.block.extend(decoded.collect::<String>().into_bytes());
    }
}
