//! Content of one packet, whatever flow it belongs to.

use serde::{Deserialize, Serialize};

use crate::decode::{Payload, Protocol};

pub mod ciphertext;
pub mod dtls;
pub mod lnet;
mod pairs;
pub mod ptlrpc;
pub mod readable;
pub mod target;

use ciphertext::Exposure;
use dtls::{ContentType, DtlsRecord, Reading, unified};

/// Content of one packet. Its class follows when its flow is known as a whole: a suite seen
/// later, or other segments, can change its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Shown {
    /// DTLS records alone, all in an epoch of 1 or more.
    Ciphertext,
    /// DTLS records, one or more in epoch 0, none of those application data.
    Handshake,
    /// The same, with bytes in epoch 0 that the structure of no such record explains.
    Unexplained,
    /// Application data in epoch 0.
    ClearData,
    /// DTLS records, one or more of which show what a cipher would have hidden.
    Exposed,
    /// DTLS records, of which the capture cut off a later one's header.
    CutRecords,
    /// The capture cut off the first record's header, if it is one.
    CutPayload,
    /// TCP with a payload that is no DTLS.
    Segment,
    /// TCP without a payload.
    BareSegment,
    /// TCP with a payload that was not captured.
    UnseenSegment,
    /// UDP with records as of DTLS 1.3.
    Unified,
    /// UDP with a payload that is no DTLS.
    Datagram,
    /// The same, or a later fragment, with text or a pattern that can be read.
    Readable,
    /// The same, with an IP packet or a Lustre message that can be read.
    Wrapped,
    /// UDP to a port of a tunnel that is not opened.
    Tunnelled,
    /// TCP or UDP whose ports could not be read.
    Portless,
}

impl Shown {
    /// All of them, each at the place that is its number.
    pub const ALL: [Self; 16] = [
        Self::Ciphertext,
        Self::Handshake,
        Self::Unexplained,
        Self::ClearData,
        Self::Exposed,
        Self::CutRecords,
        Self::CutPayload,
        Self::Segment,
        Self::BareSegment,
        Self::UnseenSegment,
        Self::Unified,
        Self::Datagram,
        Self::Readable,
        Self::Wrapped,
        Self::Tunnelled,
        Self::Portless,
    ];

    /// Readable content outside DTLS.
    fn of(found: Exposure) -> Self {
        match found {
            Exposure::IpHeader | Exposure::Lustre => Self::Wrapped,
            Exposure::Handshake | Exposure::Text | Exposure::Repeats => Self::Readable,
        }
    }

    /// Tests for UDP that is no DTLS, nor may be.
    #[must_use]
    pub fn is_datagram(self) -> bool {
        matches!(
            self,
            Self::Datagram | Self::Readable | Self::Wrapped | Self::Tunnelled
        )
    }

    /// Tests for a DTLS record.
    #[must_use]
    pub fn is_dtls(self) -> bool {
        matches!(
            self,
            Self::Ciphertext
                | Self::Handshake
                | Self::Unexplained
                | Self::ClearData
                | Self::Exposed
                | Self::CutRecords
        )
    }
}

/// Reads the content of a transport payload, and its first DTLS record if it has any.
/// [`dtls::behind`] gives the others.
#[inline(always)]
#[must_use]
pub fn read<'a>(protocol: Protocol, payload: &Payload<'a>) -> (Shown, Option<DtlsRecord<'a>>) {
    match dtls::read(payload.bytes, payload.datagram_len) {
        Reading::Other => (no_dtls(protocol, payload), None),
        Reading::Begun => (begun(protocol, payload), None),
        Reading::Whole(first) => (whole(&first, payload), Some(first)),
        Reading::Cut(first) => (cut(&first, payload), Some(first)),
    }
}

/// Content of a record by itself.
#[inline]
fn one(record: &DtlsRecord<'_>) -> Shown {
    if record.is_protected() {
        match ciphertext::exposure(record) {
            None => Shown::Ciphertext,
            Some(_) => Shown::Exposed,
        }
    } else {
        clear(record)
    }
}

/// Content of an unprotected record.
#[cold]
fn clear(record: &DtlsRecord<'_>) -> Shown {
    if record.content_type == ContentType::APPLICATION_DATA {
        let exposure = ciphertext::exposure(record);
        return exposure.map_or(Shown::ClearData, |_| Shown::Exposed);
    }
    if dtls::clear::is_explained(record) {
        return Shown::Handshake;
    }
    let found = readable::in_part(record.fragment, record.len.into());
    found.map_or(Shown::Unexplained, |_| Shown::Exposed)
}

/// Content of all records together: the clearest of them counts.
#[inline]
fn whole(first: &DtlsRecord<'_>, payload: &Payload<'_>) -> Shown {
    let more = dtls::behind(first, payload.bytes, payload.datagram_len);
    match more {
        None => one(first),
        Some(more) => several(first, more),
    }
}

#[cold]
fn several<'a>(first: &DtlsRecord<'_>, more: impl Iterator<Item = DtlsRecord<'a>>) -> Shown {
    more.map(|record| one(&record)).fold(one(first), Shown::max)
}

/// Content of records of which a later one's header was cut off. That may be none, and so may
/// the others: only plaintext that can be read in them counts whatever stood behind. What would
/// be data in the clear is not explained.
fn cut(first: &DtlsRecord<'_>, payload: &Payload<'_>) -> Shown {
    match whole(first, payload) {
        Shown::Exposed => Shown::Exposed,
        Shown::Unexplained | Shown::ClearData => Shown::Unexplained,
        _ if dtls::cuts_clear_data(first, payload.bytes, payload.datagram_len) => {
            Shown::Unexplained
        }
        _ => Shown::CutRecords,
    }
}

fn datagram(payload: &Payload<'_>) -> Shown {
    let found = readable::in_datagram(payload.bytes, payload.datagram_len);
    found.map_or(Shown::Datagram, Shown::of)
}

/// Content of a later fragment of `len` bytes, of which these were captured, if it can be read.
#[must_use]
pub fn in_fragment(bytes: &[u8], len: usize) -> Option<Shown> {
    readable::in_part(bytes, len).map(Shown::of)
}

fn begun(protocol: Protocol, payload: &Payload<'_>) -> Shown {
    match protocol {
        Protocol::Tcp if payload.bytes.is_empty() => Shown::UnseenSegment,
        _ => Shown::CutPayload,
    }
}

fn no_dtls(protocol: Protocol, payload: &Payload<'_>) -> Shown {
    match (protocol, payload.wire_len) {
        (Protocol::Udp, _) if unified::fills(payload.bytes, payload.datagram_len) => Shown::Unified,
        (Protocol::Udp, _) => datagram(payload),
        (Protocol::Tcp, 0) => Shown::BareSegment,
        (Protocol::Tcp, _) if !payload.bytes.is_empty() => Shown::Segment,
        (Protocol::Tcp, _) => Shown::UnseenSegment,
    }
}
