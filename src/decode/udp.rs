//! UDP (RFC 768), and the encapsulations that are told by its port.

use etherparse::UdpHeaderSlice;

use super::packet::{Payload, Protocol, Transport};
use super::rest::Rest;
use super::stop::Layer;
use super::table::Options;
use super::walk::Turn;

const HEADER_LEN: usize = 8;

/// Reads a header; `is_part` tells that it stands in a fragment.
pub(super) fn read<'a>(rest: Rest<'a>, options: &Options, is_part: bool) -> Turn<'a> {
    let unread = |stop| Turn::Arrived(Protocol::Udp, Transport::Unread(stop));
    let Ok(header) = UdpHeaderSlice::from_slice(rest.bytes) else {
        return unread(rest.short(HEADER_LEN, Layer::Udp));
    };
    let Some(body) = body(&header, rest) else {
        return unread(rest.malformed(Layer::Udp));
    };
    match options.by_udp_port(header.destination_port(), body) {
        Ok(Some(next)) => return Turn::Go(next, body),
        Ok(None) => {}
        Err(stop) => return unread(stop),
    }
    let datagram_len = match usize::from(header.length()) {
        _ if !is_part => body.wire_len,
        0 => Payload::UNKNOWN_LEN,
        stated => stated - HEADER_LEN,
    };
    Turn::Arrived(Protocol::Udp, ports(&header, body, datagram_len))
}

/// Reads a header that is all there, in no fragment, and before no encapsulation.
#[inline(always)]
pub(super) fn read_plain<'a>(rest: Rest<'a>, options: &Options) -> Option<Transport<'a>> {
    let header = UdpHeaderSlice::from_slice(rest.bytes).ok()?;
    if options.tells(header.destination_port()) {
        return None;
    }
    let body = body(&header, rest)?;
    Some(ports(&header, body, body.wire_len))
}

/// Bytes behind a header; `None` where it states a length that it cannot have.
#[inline(always)]
fn body<'a>(header: &UdpHeaderSlice<'_>, rest: Rest<'a>) -> Option<Rest<'a>> {
    match usize::from(header.length()) {
        // A jumbogram (RFC 2675 4), or segmentation offload.
        0 => Some(rest.after(HEADER_LEN)),
        1..HEADER_LEN => None,
        stated => Some(rest.within(stated).after(HEADER_LEN)),
    }
}

#[inline(always)]
fn ports<'a>(header: &UdpHeaderSlice<'_>, body: Rest<'a>, datagram_len: usize) -> Transport<'a> {
    Transport::Ports {
        source: header.source_port(),
        destination: header.destination_port(),
        payload: Payload {
            bytes: body.bytes,
            wire_len: body.wire_len,
            datagram_len,
        },
    }
}
