//! Hellos, whole or in fragments (RFC 6347 4.2.3), and what they offered or chose.

use nom::{
    IResult, Parser,
    bytes::complete::take,
    multi::length_data,
    number::complete::{be_u8, be_u16},
};
use serde::{Deserialize, Serialize};

use super::{Choice, ContentType, DtlsRecord, Handshake, Suite, Version, handshake};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;

/// A hello, or the fragment of one that a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloFragment<'a> {
    /// Number of the message in its handshake.
    pub message: u16,
    /// Length of the whole message, in bytes.
    pub len: u32,
    /// Offset of the fragment in the message, in bytes.
    pub at: u32,
    /// The captured part of the fragment.
    pub bytes: &'a [u8],
}

/// Iterates over the `ServerHello`s, or fragments of them, in an unprotected handshake record.
pub fn choices<'a>(record: &DtlsRecord<'a>) -> impl Iterator<Item = HelloFragment<'a>> + use<'a> {
    fragments(record, SERVER_HELLO)
}

/// Iterates over the `ClientHello`s, or fragments of them, in an unprotected handshake record.
pub fn offers<'a>(record: &DtlsRecord<'a>) -> impl Iterator<Item = HelloFragment<'a>> + use<'a> {
    fragments(record, CLIENT_HELLO)
}

/// Tests for a message that begins a handshake: a `ClientHello`, or the request to send it once
/// more (RFC 6347 4.2.1).
#[must_use]
pub fn begins(record: &DtlsRecord<'_>) -> bool {
    const BEGINS: [u8; 2] = [CLIENT_HELLO, HELLO_VERIFY_REQUEST];
    messages(record).any(|(message, _)| BEGINS.contains(&message.kind))
}

fn fragments<'a>(
    record: &DtlsRecord<'a>,
    kind: u8,
) -> impl Iterator<Item = HelloFragment<'a>> + use<'a> {
    messages(record)
        .filter(move |(message, _)| message.kind == kind)
        .map(|(message, bytes)| HelloFragment {
            message: message.sequence,
            len: message.len,
            at: message.fragment_at,
            bytes,
        })
}

/// Messages, or fragments of them, in an unprotected handshake record, each with its captured
/// part.
fn messages<'a>(record: &DtlsRecord<'a>) -> impl Iterator<Item = (Handshake, &'a [u8])> + use<'a> {
    let clear = !record.is_protected() && record.content_type == ContentType::HANDSHAKE;
    let mut rest = if clear { record.fragment } else { &[] };
    std::iter::from_fn(move || {
        let (body, message) = handshake(rest).ok()?;
        let len = body.len().min(message.fragment_len as usize);
        let (bytes, behind) = body.split_at(len);
        rest = behind;
        Some((message, bytes))
    })
}

/// A hello, put together from fragments in any order, in bounded memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "StoredHello", try_from = "StoredHello")]
pub struct Hello {
    message: u16,
    len: u32,
    /// The first [`Self::KEPT`] bytes of the message, zero where not seen.
    bytes: Vec<u8>,
    /// A bit for each of them that was seen.
    seen: [u128; 2],
}

/// Number and length of the message, its bytes, and those that were seen.
type StoredHello = (u16, u32, Vec<u8>, [u128; 2]);

impl From<Hello> for StoredHello {
    fn from(hello: Hello) -> Self {
        (hello.message, hello.len, hello.bytes, hello.seen)
    }
}

impl TryFrom<StoredHello> for Hello {
    type Error = &'static str;

    fn try_from((message, len, bytes, seen): StoredHello) -> Result<Self, Self::Error> {
        let hello = Self {
            message,
            len,
            bytes,
            seen,
        };
        let is_kept = |at: usize| at < hello.bytes.len() || !hello.sees(at);
        if hello.bytes.len() == Self::kept(len) && (0..Self::KEPT).all(is_kept) {
            Ok(hello)
        } else {
            Err("a hello that is not as long as it says")
        }
    }
}

impl Hello {
    /// Bytes kept of a message: in a `ServerHello` version, random, session id and suite take
    /// at most 69; the extensions that follow in DTLS 1.3 are short. In a `ClientHello` the
    /// suites begin at 36 and no more than 287, behind a session id and a cookie.
    const KEPT: usize = 256;

    /// Bytes of the random that two hellos share, by which both are one: as many as chance
    /// does not make.
    const TELLING: usize = 8;

    /// Number of bytes kept of a message of this length.
    fn kept(len: u32) -> usize {
        usize::try_from(len).map_or(Self::KEPT, |len| len.min(Self::KEPT))
    }

    /// The hello of which this much was seen.
    #[must_use]
    pub fn of(fragment: &HelloFragment<'_>) -> Self {
        let kept = Self::kept(fragment.len);
        let mut hello = Self {
            message: fragment.message,
            len: fragment.len,
            bytes: vec![0; kept],
            seen: [0; 2],
        };
        for (at, &byte) in (fragment.at as usize..kept).zip(fragment.bytes) {
            hello.bytes[at] = byte;
            hello.seen[at / 128] |= 1 << (at % 128);
        }
        hello
    }

    fn sees(&self, at: usize) -> bool {
        self.seen[at / 128] >> (at % 128) & 1 == 1
    }

    /// Tests that two can be parts of one message, or the same one sent again.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let agree =
            |at: usize| !self.sees(at) || !other.sees(at) || self.bytes[at] == other.bytes[at];
        (self.message, self.len) == (other.message, other.len) && (0..self.bytes.len()).all(agree)
    }

    /// Tests that both show so much of the random that no other hello can agree.
    #[must_use]
    pub fn shares_random(&self, other: &Self) -> bool {
        // Behind the version, 32 bytes (RFC 5246 7.4.1.2).
        let shared = (2..34).filter(|&at| self.sees(at) && other.sees(at));
        shared.count() >= Self::TELLING
    }

    /// Tests that it shows every byte that the other one shows.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        (0..2).all(|half| other.seen[half] & !self.seen[half] == 0)
    }

    /// Tests that no byte is seen of both.
    #[must_use]
    pub fn is_apart_from(&self, other: &Self) -> bool {
        (0..2).all(|half| self.seen[half] & other.seen[half] == 0)
    }

    /// Adds what another part of the same message shows.
    pub fn join(&mut self, other: &Self) {
        for at in (0..self.bytes.len()).filter(|&at| other.sees(at)) {
            self.bytes[at] = other.bytes[at];
        }
        self.seen = [0, 1].map(|half| self.seen[half] | other.seen[half]);
    }

    /// The version and suite chosen; `None` while too little was seen.
    #[must_use]
    pub fn choice(&self) -> Option<Choice> {
        let (_, choice) = choice(self.begin()).ok()?;
        Some(choice)
    }

    /// Tests that it chose to compress.
    #[must_use]
    pub fn compresses(&self) -> bool {
        let method = head(self.begin()).map(|(rest, _)| rest.first());
        matches!(method, Ok(Some(1..)))
    }

    /// Tests that a `ClientHello` [offers none](offers_no_cipher) that encrypts.
    #[must_use]
    pub fn offers_no_cipher(&self) -> Option<bool> {
        offers_no_cipher(self.begin())
    }

    /// The bytes seen before the first that was not.
    fn begin(&self) -> &[u8] {
        let seen = (0..self.bytes.len()).take_while(|&at| self.sees(at));
        &self.bytes[..seen.count()]
    }
}

/// Tests that a `ClientHello` offers suites and none that encrypts, given as much of it as was
/// seen, from its beginning; `None` while that is too little to tell.
#[must_use]
pub fn offers_no_cipher(body: &[u8]) -> Option<bool> {
    let (suites, len) = suites(body).ok()?;
    let (pairs, _) = suites[..suites.len().min(len)].as_chunks();
    let suites = pairs.iter().map(|&pair| Suite(u16::from_be_bytes(pair)));
    let mut real = suites.filter(|suite| !suite.is_signal()).peekable();
    let is_empty = real.peek().is_none();
    let is_secret = real.any(|suite| suite.is_secret() != Some(false));
    (is_secret || pairs.len() == len / 2).then_some(!is_secret && !is_empty)
}

/// Length of the list of suites of a `ClientHello` (RFC 6347 4.2.1), and what is behind it.
fn suites(body: &[u8]) -> IResult<&[u8], usize> {
    let mut head = (
        take(34_usize),
        length_data(be_u8),
        length_data(be_u8),
        be_u16,
    );
    let (rest, (_random, _session, _cookie, len)) = head.parse(body)?;
    Ok((rest, len.into()))
}

/// RFC 5246 7.4.1.3: version, random, session id, cipher suite, compression, extensions.
fn choice(body: &[u8]) -> IResult<&[u8], Choice> {
    let (rest, (version, suite)) = head(body)?;
    // Suites of TLS 1.3 (RFC 8446 B.4) are of no other version, even if a cut hides which.
    let implied = (suite >> 8 == 0x13).then_some(Version::V1_3.0);
    let version = supported_version(rest).or(implied).unwrap_or(version);
    Ok((rest, (Version(version), Suite(suite))))
}

/// Version and suite, before the compression.
fn head(body: &[u8]) -> IResult<&[u8], (u16, u16)> {
    let mut head = (be_u16, take(32_usize), length_data(be_u8), be_u16);
    let (rest, (version, _random, _session, suite)) = head.parse(body)?;
    Ok((rest, (version, suite)))
}

/// The `supported_versions` extension (RFC 8446 4.2.1), where DTLS 1.3 puts its version.
fn supported_version(after_suite: &[u8]) -> Option<u16> {
    const SUPPORTED_VERSIONS: u16 = 43;
    let (rest, _compression) = be_u8::<_, ()>(after_suite).ok()?;
    let (mut rest, _len) = be_u16::<_, ()>(rest).ok()?;
    loop {
        let (after, (kind, data)): (_, (u16, &[u8])) =
            (be_u16::<_, ()>, length_data(be_u16)).parse(rest).ok()?;
        if kind == SUPPORTED_VERSIONS {
            return be_u16::<_, ()>(data).ok().map(|(_, version)| version);
        }
        rest = after;
    }
}
