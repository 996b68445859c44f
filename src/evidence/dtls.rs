//! DTLS records (RFC 6347), and what a handshake says in the clear.
//!
//! A payload is DTLS only if it is a chain of records whose type, version, epoch and
//! length all hold and that fills the payload exactly, as far as it was captured.

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u8, be_u16, be_u24, be_u64},
};
use serde::{Deserialize, Serialize};

pub mod clear;
pub mod hello;
mod registry;
pub mod unified;

/// Bytes of a record before its fragment.
pub const HEADER_LEN: usize = 13;
/// RFC 6347 4.1.1: no protected fragment is longer.
const MAX_PROTECTED_LEN: u16 = (1 << 14) + 2048;
const MAX_CLEAR_LEN: u16 = 1 << 14;
/// The shortest thing that any cipher or MAC of the registry makes: a tag of 8 bytes
/// behind an explicit nonce of 8 (AES-CCM-8), or a tag of 16.
const MIN_PROTECTED_LEN: u16 = 16;
/// The longest MAC of a suite without a cipher is HMAC-SHA-384's.
pub(super) const MAX_MAC_LEN: usize = 48;
/// An epoch is a renegotiation. Some associations have thousands, but one near the end
/// of its range is a number that only looks like an epoch.
const MAX_EPOCH: u16 = 0x7fff;
/// RFC 9146 leaves the length of a connection ID to its owner; longer ones are not in use.
const MAX_CONNECTION_ID_LEN: usize = 20;

/// A DTLS protocol version, as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub u16);

impl Version {
    /// DTLS 1.0 (RFC 4347).
    pub const V1_0: Self = Self(0xfeff);
    /// DTLS 1.2 (RFC 6347).
    pub const V1_2: Self = Self(0xfefd);
    /// DTLS 1.3 (RFC 9147), which only the `supported_versions` extension names.
    pub const V1_3: Self = Self(0xfefc);

    /// The version that OpenSSL and `AnyConnect` spoke before DTLS was a standard
    /// (`DTLS1_BAD_VER`).
    pub const PRE_STANDARD: Self = Self(0x0100);
    /// Versions that a record header can have.
    pub const ALL: [Self; 3] = [Self::V1_2, Self::V1_0, Self::PRE_STANDARD];

    /// Tests for DTLS 1.2 or newer.
    #[must_use]
    pub fn is_current(self) -> bool {
        matches!(self, Self::V1_2 | Self::V1_3)
    }

    /// Tests for a version that exists.
    #[must_use]
    pub fn is_known(self) -> bool {
        Self::ALL.contains(&self) || self == Self::V1_3
    }

    /// Its usual name: "1.2".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PRE_STANDARD => "pre-standard (0x0100)",
            Self::V1_0 => "1.0",
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
            _ => "unknown",
        }
    }
}

/// A record's content type (RFC 6347, RFC 6520, RFC 9146).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentType(pub u8);

impl ContentType {
    /// `change_cipher_spec`.
    pub const CHANGE_CIPHER_SPEC: Self = Self(20);
    /// alert.
    pub const ALERT: Self = Self(21);
    /// handshake.
    pub const HANDSHAKE: Self = Self(22);
    /// `application_data`.
    pub const APPLICATION_DATA: Self = Self(23);
    /// heartbeat.
    pub const HEARTBEAT: Self = Self(24);
    /// `tls12_cid`: any of the others, protected, with a connection ID.
    pub const CONNECTION_ID: Self = Self(25);

    /// Its name in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CHANGE_CIPHER_SPEC => "change cipher spec",
            Self::ALERT => "alert",
            Self::HANDSHAKE => "handshake",
            Self::APPLICATION_DATA => "application data",
            Self::HEARTBEAT => "heartbeat",
            Self::CONNECTION_ID => "connection ID",
            _ => "unknown",
        }
    }
}

/// A cipher suite, as numbered by IANA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Suite(pub u16);

impl Suite {
    /// Its registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.registered().unwrap_or("unassigned")
    }

    /// Secrecy of the suite: one with the NULL cipher, or one of RFC 9150 that only protects
    /// integrity, has none. `None` if it is not registered.
    #[must_use]
    pub fn is_secret(self) -> Option<bool> {
        const INTEGRITY_ONLY: [u16; 2] = [0xc0b4, 0xc0b5];
        let name = self.registered()?;
        Some(!INTEGRITY_ONLY.contains(&self.0) && !name.contains("_WITH_NULL"))
    }

    /// Tests for a suite that Azure promises: AES-256-GCM, with ECDSA certificates. One whose
    /// certificate holds the key of the exchange keeps no secret once that key is known.
    #[must_use]
    pub fn is_azure(self) -> bool {
        self.registered() == Some("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
    }

    /// Tests for a signal that stands among suites and is none (RFC 5746 3.3, RFC 7507 2).
    fn is_signal(self) -> bool {
        matches!(self.0, 0x00ff | 0x5600)
    }

    fn registered(self) -> Option<&'static str> {
        let suites = &registry::SUITES;
        let place = suites.binary_search_by_key(&self.0, |&(number, _)| number);
        Some(suites[place.ok()?].1)
    }
}

/// One record, with as much of its fragment as was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DtlsRecord<'a> {
    /// Content type, RFC 6347, section 4.1.
    pub content_type: ContentType,
    /// Version in its header.
    pub version: Version,
    /// 0 before the first change of cipher, which is before any protection.
    pub epoch: u16,
    /// Counts up by one in each epoch and direction.
    pub sequence: u64,
    /// Bytes of its fragment on the wire, as the length field says.
    pub len: u16,
    /// The captured part of the fragment.
    pub fragment: &'a [u8],
    /// Bytes of the connection IDs in its datagram; 0 where no record has one.
    pub id_len: usize,
}

impl DtlsRecord<'_> {
    /// Tests that the record layer protects it, if only with a NULL cipher.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.epoch > 0
    }

    /// Tests that it holds protected data of the application, or may: behind a connection ID
    /// the type is protected as well (RFC 9146).
    #[must_use]
    pub fn is_data(&self) -> bool {
        self.is_protected()
            && matches!(
                self.content_type,
                ContentType::APPLICATION_DATA | ContentType::CONNECTION_ID
            )
    }

    /// Bytes that it takes on the wire.
    #[inline]
    fn wire_len(&self) -> usize {
        let id_len = match self.content_type {
            ContentType::CONNECTION_ID => self.id_len,
            _ => 0,
        };
        HEADER_LEN + id_len + usize::from(self.len)
    }

    /// Tests for a message of a handshake that can be read although the record is protected, as
    /// under a NULL suite: whole, and nothing behind it but a MAC. Random bytes have one with
    /// odds of 2^-70.
    #[inline]
    #[must_use]
    pub fn is_readable_handshake(&self) -> bool {
        self.content_type == ContentType::HANDSHAKE
            && self.is_protected()
            && handshake(self.fragment).is_ok_and(|(_, message)| message.fills(self.len))
    }

    #[inline(always)]
    fn holds(&self) -> bool {
        if self.is_protected() {
            (MIN_PROTECTED_LEN..=MAX_PROTECTED_LEN).contains(&self.len) && self.epoch <= MAX_EPOCH
        } else {
            (1..=MAX_CLEAR_LEN).contains(&self.len) && self.content_holds()
        }
    }

    /// Checks the length and the first bytes of an unprotected record's content.
    #[cold]
    fn content_holds(self) -> bool {
        match self.content_type {
            // Before the standard it held a sequence number as well.
            ContentType::CHANGE_CIPHER_SPEC if self.version == Version::PRE_STANDARD => {
                self.len == 3
            }
            ContentType::CHANGE_CIPHER_SPEC => self.len == 1,
            ContentType::ALERT => self.len == 2,
            ContentType::HANDSHAKE => handshake_holds(self.fragment, self.len),
            ContentType::CONNECTION_ID => false,
            _ => true,
        }
    }
}

/// Result of reading a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading<'a> {
    /// No DTLS.
    Other,
    /// The capture ends within what may be the first record's header.
    Begun,
    /// Records from the first byte to the last. This is the first, in nearly all datagrams
    /// the only one; [`behind`] gives the others.
    Whole(DtlsRecord<'a>),
    /// The same, but the capture ends before a later one, too early to be sure.
    Cut(DtlsRecord<'a>),
}

/// Records behind another, one by one: those whose headers were captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records<'a> {
    rest: &'a [u8],
    left: usize,
    /// Length of the connection IDs in records that have one.
    id_len: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = DtlsRecord<'a>;

    #[inline(never)]
    fn next(&mut self) -> Option<DtlsRecord<'a>> {
        match read_record(self.rest, self.left, self.id_len)? {
            RecordReading::Record(record) => {
                let len = record.wire_len();
                self.rest = self.rest.get(len..).unwrap_or_default();
                self.left -= len;
                Some(record)
            }
            RecordReading::Cut => None,
        }
    }
}

/// The records behind the first one of a payload, of which `bytes` were captured and
/// `wire_len` were sent; `None` where the first is all.
#[inline(always)]
#[must_use]
pub fn behind<'a>(first: &DtlsRecord<'_>, bytes: &'a [u8], wire_len: usize) -> Option<Records<'a>> {
    let len = first.wire_len();
    (len < wire_len).then(|| Records {
        rest: bytes.get(len..).unwrap_or_default(),
        left: wire_len - len,
        id_len: first.id_len,
    })
}

/// Tests that the record whose header the capture cut off behind others, as far as it was
/// captured, is application data in epoch 0.
#[must_use]
pub fn cuts_clear_data(first: &DtlsRecord<'_>, bytes: &[u8], wire_len: usize) -> bool {
    const KIND: u8 = ContentType::APPLICATION_DATA.0;
    behind(first, bytes, wire_len).is_some_and(|mut more| {
        while more.next().is_some() {}
        matches!(more.rest, [KIND, _, _, 0, 0, ..])
    })
}

/// Reads a payload of which `bytes` were captured and `wire_len` were sent.
#[inline(always)]
#[must_use]
pub fn read(bytes: &[u8], wire_len: usize) -> Reading<'_> {
    match chain(bytes, wire_len, 0) {
        Reading::Other if begins(bytes) => with_ids(bytes, wire_len),
        reading => reading,
    }
}

/// The length of connection IDs is known to their owners alone. It is taken to be one that
/// makes the records fill the datagram.
#[cold]
fn with_ids(bytes: &[u8], wire_len: usize) -> Reading<'_> {
    (1..=MAX_CONNECTION_ID_LEN)
        .map(|len| chain(bytes, wire_len, len))
        .find(|reading| *reading != Reading::Other)
        .unwrap_or(Reading::Other)
}

#[inline(always)]
fn chain(bytes: &[u8], wire_len: usize, id_len: usize) -> Reading<'_> {
    let first = match read_record(bytes, wire_len, id_len) {
        None => return Reading::Other,
        Some(RecordReading::Cut) => return Reading::Begun,
        Some(RecordReading::Record(record)) => record,
    };
    match behind(&first, bytes, wire_len).map_or(End::Whole, end) {
        End::Whole => Reading::Whole(first),
        End::Cut => Reading::Cut(first),
        End::Other => Reading::Other,
    }
}

/// End of a row of records.
enum End {
    Whole,
    Cut,
    Other,
}

#[cold]
fn end(mut more: Records<'_>) -> End {
    while more.next().is_some() {}
    match read_record(more.rest, more.left, more.id_len) {
        _ if more.left == 0 => End::Whole,
        Some(RecordReading::Cut) => End::Cut,
        _ => End::Other,
    }
}

enum RecordReading<'a> {
    /// A record.
    Record(DtlsRecord<'a>),
    /// The capture ends inside its header, and what is there fits.
    Cut,
}

#[inline(always)]
fn read_record(bytes: &[u8], left: usize, id_len: usize) -> Option<RecordReading<'_>> {
    if left <= HEADER_LEN || !begins(bytes) {
        return None;
    }
    let has_id = bytes.first() == Some(&ContentType::CONNECTION_ID.0);
    if has_id && id_len == 0 {
        return None;
    }
    let read = match bytes.first_chunk::<HEADER_LEN>() {
        // Of a length known here it takes no more than the loads.
        Some(head) if !has_id => header(head, 0).map(|(_, record)| (&bytes[HEADER_LEN..], record)),
        _ => header(bytes, if has_id { id_len } else { 0 }),
    };
    let Ok((fragment, record)) = read else {
        // The capture must be what ended the header.
        return (bytes.len() < left).then_some(RecordReading::Cut);
    };
    let record = DtlsRecord { id_len, ..record };
    let record = DtlsRecord {
        fragment: &fragment[..fragment.len().min(record.len.into())],
        ..record
    };
    if record.wire_len() > left || !record.holds() {
        return None;
    }
    Some(RecordReading::Record(record))
}

/// Tests the first three bytes, as far as they are there.
#[inline(always)]
fn begins(bytes: &[u8]) -> bool {
    let is_version = |number| Version::ALL.contains(&Version(number));
    match *bytes {
        [kind, high, low, ..] => {
            (20..=25).contains(&kind) && is_version(u16::from_be_bytes([high, low]))
        }
        [kind, high] => (20..=25).contains(&kind) && (high == 0xfe || high == 0x01),
        [kind] => (20..=25).contains(&kind),
        [] => true,
    }
}

/// RFC 6347 4.1; and RFC 9146 4: a connection ID stands before the length.
#[inline(always)]
fn header(bytes: &[u8], id_len: usize) -> IResult<&[u8], DtlsRecord<'_>> {
    let (fragment, (kind, version, number, _id, len)) =
        (be_u8, be_u16, be_u64, take(id_len), be_u16).parse(bytes)?;
    let record = DtlsRecord {
        content_type: ContentType(kind),
        version: Version(version),
        epoch: (number >> 48) as u16,
        sequence: number & 0xffff_ffff_ffff,
        len,
        fragment: &[],
        id_len,
    };
    Ok((fragment, record))
}

/// `hello_request` to finished, and what RFC 5077, 5246, 6066, 6347 and 9147 added.
const HANDSHAKE_TYPES: [u8; 16] = [0, 1, 2, 3, 4, 5, 8, 11, 12, 13, 14, 15, 16, 20, 21, 22];
const HANDSHAKE_HEADER_LEN: usize = 12;

/// A handshake message, or a fragment of one.
struct Handshake {
    kind: u8,
    len: u32,
    sequence: u16,
    fragment_at: u32,
    fragment_len: u32,
}

impl Handshake {
    /// Tests that it is whole and fills so many bytes, but for a MAC.
    fn fills(&self, len: u16) -> bool {
        let body_len = usize::from(len).checked_sub(HANDSHAKE_HEADER_LEN);
        let mac_len = body_len.and_then(|len| len.checked_sub(self.len as usize));
        HANDSHAKE_TYPES.contains(&self.kind)
            && (self.fragment_at, self.fragment_len) == (0, self.len)
            && mac_len.is_some_and(|len| len <= MAX_MAC_LEN)
    }
}

fn handshake(bytes: &[u8]) -> IResult<&[u8], Handshake> {
    let (body, (kind, len, sequence, fragment_at, fragment_len)) =
        (be_u8, be_u24, be_u16, be_u24, be_u24).parse(bytes)?;
    let message = Handshake {
        kind,
        len,
        sequence,
        fragment_at,
        fragment_len,
    };
    Ok((body, message))
}

/// Tests that an unprotected handshake record begins with a message that can be one.
fn handshake_holds(fragment: &[u8], len: u16) -> bool {
    let Some(room) = usize::from(len).checked_sub(HANDSHAKE_HEADER_LEN) else {
        return false;
    };
    match handshake(fragment) {
        Ok((_, message)) => {
            HANDSHAKE_TYPES.contains(&message.kind)
                && message.fragment_at + message.fragment_len <= message.len
                && message.fragment_len as usize <= room
        }
        Err(_) => fragment.len() < usize::from(len),
    }
}

/// The version and the suite that a `ServerHello` chose to protect with.
pub type Choice = (Version, Suite);
