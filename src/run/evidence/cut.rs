//! Bytes of a packet that leave with the evidence: by default none of what a transport
//! carries but a `ServerHello`.

use crate::capture::Frame;
use crate::cli::PacketCut;
use crate::decode::{self, Content, Decoded, Packet, Payload, Protocol, Transport, TunnelPorts};
use crate::evidence::dtls::{self, DtlsRecord, Reading, hello};
use crate::evidence::lnet;

/// Bytes of socklnd's and `LNet`'s headers together (`socklnd.h`, `lnet/idl.h`).
const LNET_LEN: usize = 24 + 72;
/// Bytes of a record's header without a connection ID (RFC 6347, 4.1).
const RECORD_LEN: usize = 13;
/// Bytes of a handshake message's header (RFC 6347, 4.2.2).
const MESSAGE_LEN: usize = 12;
/// Bytes of a `ServerHello` up to its extensions: version, random, session ID, suite,
/// compression (RFC 5246, 7.4.1.3).
const HELLO_LEN: usize = 2 + 32 + 33 + 2 + 1;
/// Bytes of an IPv6 header, and of the fragment header behind it.
const IPV6_LEN: usize = 48;
/// Bytes of an Ethernet header, which say nothing of a packet's content.
const LINK_LEN: usize = 14;

/// Number of captured bytes of a frame that are kept.
#[must_use]
pub fn kept_len(frame: &Frame<'_>, options: &TunnelPorts, cut: PacketCut) -> usize {
    if cut == PacketCut::All {
        return frame.data.len();
    }
    let decoded = decode::decode(frame, options);
    let len = match &decoded.content {
        Content::Packet(packet) => match &packet.transport {
            Transport::Ports { payload, .. } => behind_headers(frame, packet, payload, cut),
            Transport::Unread(_) => ip_end(frame, &decoded),
        },
        Content::Other(_) | Content::Undecodable(_) => ip_end(frame, &decoded),
    };
    len.min(frame.data.len())
}

fn behind_headers(
    frame: &Frame<'_>,
    packet: &Packet<'_>,
    payload: &Payload<'_>,
    cut: PacketCut,
) -> usize {
    let headers = place(frame, payload.bytes);
    let records = match dtls::read(payload.bytes, payload.datagram_len) {
        Reading::Whole(first) | Reading::Cut(first) => {
            let kept = hello_end(frame, headers, &first);
            let header = (cut == PacketCut::Records).then(|| place(frame, first.fragment));
            kept.into_iter().chain(header).max()
        }
        Reading::Other | Reading::Begun if cut == PacketCut::Records => {
            let is_lnet = packet.protocol == Protocol::Tcp && lnet::begins(payload.bytes);
            is_lnet.then(|| headers + payload.bytes.len().min(LNET_LEN))
        }
        Reading::Other | Reading::Begun => None,
    };
    records.unwrap_or(headers).max(headers)
}

/// Place behind the choice of a `ServerHello` in the clear that a datagram begins with.
fn hello_end(frame: &Frame<'_>, headers: usize, first: &DtlsRecord<'_>) -> Option<usize> {
    let hello = hello::choices(first).next()?;
    let at = place(frame, hello.bytes);
    (at == headers + RECORD_LEN + MESSAGE_LEN).then(|| at + hello.bytes.len().min(HELLO_LEN))
}

/// Place of bytes in the frame that they are part of.
fn place(frame: &Frame<'_>, part: &[u8]) -> usize {
    let place = part
        .as_ptr()
        .addr()
        .wrapping_sub(frame.data.as_ptr().addr());
    // What is no part of it, as an empty one, stands nowhere.
    if place <= frame.data.len() { place } else { 0 }
}

/// Place behind the innermost IP header.
fn ip_end(frame: &Frame<'_>, decoded: &Decoded<'_>) -> usize {
    if decoded.ends.is_none() {
        return LINK_LEN;
    }
    let first = frame.data.get(decoded.ip_at).copied().unwrap_or(0);
    let len = match first >> 4 {
        4 => usize::from(first & 0xf) * 4,
        _ => IPV6_LEN,
    };
    decoded.ip_at + len
}
