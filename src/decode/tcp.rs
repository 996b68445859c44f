//! TCP (RFC 9293).

use etherparse::{TcpHeaderSlice, err::tcp::HeaderSliceError};

use super::packet::{Payload, Protocol, Transport};
use super::rest::Rest;
use super::stop::{Layer, Stop};
use super::walk::Turn;

const MIN_LEN: usize = 20;
const PORTS_LEN: usize = 4;
/// The byte whose high nibble is the header's length in words.
const DATA_OFFSET_AT: usize = 12;

pub(super) fn read(rest: Rest<'_>) -> Turn<'_> {
    let transport = match TcpHeaderSlice::from_slice(rest.bytes) {
        Ok(header) if rest.wire_len >= header.slice().len() => Transport::Ports {
            source: header.source_port(),
            destination: header.destination_port(),
            payload: payload(rest, header.slice().len()),
        },
        Err(HeaderSliceError::Len(e)) => cut(rest, e.required_len),
        Ok(_) | Err(HeaderSliceError::Content(_)) => Transport::Unread(rest.malformed(Layer::Tcp)),
    };
    Turn::Arrived(Protocol::Tcp, transport)
}

fn payload(rest: Rest<'_>, header_len: usize) -> Payload<'_> {
    let after = rest.after(header_len);
    Payload {
        bytes: after.bytes,
        wire_len: Some(after.wire_len),
        datagram_len: after.wire_len,
    }
}

/// A header cut off by the snap length may still show its ports, and its length.
fn cut(rest: Rest<'_>, required_len: usize) -> Transport<'_> {
    let stop: Stop = rest.short(required_len, Layer::Tcp);
    match rest.bytes.first_chunk::<PORTS_LEN>() {
        Some(&[s0, s1, d0, d1]) if rest.wire_len >= required_len => Transport::Ports {
            source: u16::from_be_bytes([s0, s1]),
            destination: u16::from_be_bytes([d0, d1]),
            payload: Payload {
                bytes: &[],
                wire_len: stated_len(rest),
                datagram_len: stated_len(rest).unwrap_or(0),
            },
        },
        _ => Transport::Unread(stop),
    }
}

fn stated_len(rest: Rest<'_>) -> Option<usize> {
    let header_len = usize::from(rest.bytes.get(DATA_OFFSET_AT)? >> 4) * 4;
    (header_len >= MIN_LEN).then(|| rest.wire_len.checked_sub(header_len))?
}
