//! UDP (RFC 768), and the encapsulations that are told by its port.

use etherparse::UdpHeaderSlice;

use super::packet::{Payload, Protocol, Transport};
use super::rest::Rest;
use super::stop::Layer;
use super::table::Options;
use super::walk::{Turn, Walk};

const HEADER_LEN: usize = 8;
const PORTS_LEN: usize = 4;

pub(super) fn read<'a>(rest: Rest<'a>, options: &Options, walk: &Walk) -> Turn<'a> {
    let Ok(header) = UdpHeaderSlice::from_slice(rest.bytes) else {
        return Turn::Arrived(Protocol::Udp, cut(rest, options));
    };
    let stated = usize::from(header.length());
    if rest.wire_len < HEADER_LEN || (1..HEADER_LEN).contains(&stated) {
        let unread = Transport::Unread(rest.malformed(Layer::Udp));
        return Turn::Arrived(Protocol::Udp, unread);
    }
    let inside = match stated {
        0 => rest.after(HEADER_LEN),
        _ => rest.within(stated).after(HEADER_LEN),
    };
    if options.tells(header.destination_port()) {
        match options.by_udp_port(header.destination_port(), inside) {
            Ok(Some(next)) => return Turn::Go(next, inside),
            Ok(None) => {}
            Err(stop) => return Turn::Arrived(Protocol::Udp, Transport::Unread(stop)),
        }
    }
    let transport = Transport::Ports {
        source: header.source_port(),
        destination: header.destination_port(),
        payload: payload(inside, stated, walk),
    };
    Turn::Arrived(Protocol::Udp, transport)
}

/// Only a first fragment may state more than it holds.
fn payload<'a>(inside: Rest<'a>, stated: usize, walk: &Walk) -> Payload<'a> {
    let whole = match walk.fragment {
        Some(_) => stated.saturating_sub(HEADER_LEN),
        None => 0,
    };
    Payload {
        bytes: inside.bytes,
        wire_len: Some(inside.wire_len),
        datagram_len: inside.wire_len.max(whole),
    }
}

/// A header cut off by the snap length may still show its ports.
fn cut<'a>(rest: Rest<'a>, options: &Options) -> Transport<'a> {
    match rest.bytes.first_chunk::<PORTS_LEN>() {
        Some(&[s0, s1, d0, d1])
            if rest.wire_len >= HEADER_LEN && !options.tells(u16::from_be_bytes([d0, d1])) =>
        {
            Transport::Ports {
                source: u16::from_be_bytes([s0, s1]),
                destination: u16::from_be_bytes([d0, d1]),
                payload: Payload {
                    bytes: &[],
                    wire_len: Some(rest.wire_len - HEADER_LEN),
                    datagram_len: rest.wire_len - HEADER_LEN,
                },
            }
        }
        _ => Transport::Unread(rest.short(HEADER_LEN, Layer::Udp)),
    }
}
