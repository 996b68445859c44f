//! TCP (RFC 9293).

use etherparse::{TcpHeaderSlice, err::tcp::HeaderSliceError};

use super::packet::{Payload, Transport};
use super::rest::Rest;
use super::stop::Layer;

/// Length of the header without options, in bytes.
const FIXED_LEN: usize = 20;
/// Offset of the byte whose high nibble is the header's length in words of 4 bytes.
const DATA_OFFSET_AT: usize = 12;
/// That byte in a header without options.
const FIXED_DATA_OFFSET: u8 = 0x50;

/// Reads a header; `is_part` tells that it stands in a fragment.
pub(super) fn read(rest: Rest<'_>, is_part: bool) -> Transport<'_> {
    match TcpHeaderSlice::from_slice(rest.bytes) {
        Ok(header) => ports(&header, header.slice().len(), rest, is_part),
        Err(HeaderSliceError::Len(e)) => cut(rest, e.required_len, is_part),
        Err(HeaderSliceError::Content(_)) => Transport::Unread(rest.malformed(Layer::Tcp)),
    }
}

/// Reads a header that is all there, and in no fragment.
#[inline(always)]
pub(super) fn read_plain(rest: Rest<'_>) -> Option<Transport<'_>> {
    let header = TcpHeaderSlice::from_slice(rest.bytes).ok()?;
    Some(ports(&header, header.slice().len(), rest, false))
}

/// Reads the fixed part of a header whose options were cut off: they hide no field.
#[cold]
fn cut(rest: Rest<'_>, header_len: usize, is_part: bool) -> Transport<'_> {
    let unread = Transport::Unread(rest.short(header_len, Layer::Tcp));
    let Some(mut fixed) = rest.bytes.first_chunk::<FIXED_LEN>().copied() else {
        return unread;
    };
    fixed[DATA_OFFSET_AT] = FIXED_DATA_OFFSET;
    match TcpHeaderSlice::from_slice(&fixed) {
        Ok(header) if rest.wire_len >= header_len => ports(&header, header_len, rest, is_part),
        _ => unread,
    }
}

#[inline(always)]
fn ports<'a>(
    header: &TcpHeaderSlice<'_>,
    header_len: usize,
    rest: Rest<'a>,
    is_part: bool,
) -> Transport<'a> {
    let body = rest.after(header_len);
    Transport::Ports {
        source: header.source_port(),
        destination: header.destination_port(),
        payload: Payload {
            bytes: body.bytes,
            wire_len: body.wire_len,
            // TCP states no length, so a first fragment does not tell the segment's.
            datagram_len: if is_part {
                Payload::UNKNOWN_LEN
            } else {
                body.wire_len
            },
        },
    }
}
