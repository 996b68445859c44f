//! UDP (RFC 768), and the tunnels that are told by its port.

use etherparse::UdpHeaderSlice;

use super::{
    Cause, Layer, Next, Options, Payload, Protocol, Rest, Stop, Transport, Turn, Walk, geneve,
    vxlan,
};

const HEADER_LEN: usize = 8;
const PORTS_LEN: usize = 4;
/// VXLAN's header, and Geneve's without options.
const TUNNEL_HEADER_LEN: usize = 8;

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
    match tunnel(header.destination_port(), inside, options) {
        Some(Ok(tunnel)) => return Turn::Go(tunnel, inside),
        Some(Err(stop)) => return Turn::Arrived(Protocol::Udp, Transport::Unread(stop)),
        None => {}
    }
    let transport = Transport::Ports {
        source: header.source_port(),
        destination: header.destination_port(),
        payload: payload(inside, stated, walk),
    };
    Turn::Arrived(Protocol::Udp, transport)
}

/// Whether datagrams to a port may hold a tunnel's packets.
#[inline]
pub(super) fn is_tunnel_port(port: u16, options: &Options) -> bool {
    let is_vxlan = match options.vxlan_ports[..] {
        // Nearly always; and every datagram is asked.
        [vxlan] => vxlan == port,
        ref several => several.contains(&port),
    };
    port == geneve::PORT || is_vxlan
}

/// The tunnel that a port and a valid header tell; or that the capture cut off its
/// header, so that nobody can say what is inside.
fn tunnel(port: u16, inside: Rest<'_>, options: &Options) -> Option<Result<Next, Stop>> {
    let (next, layer, is_valid): (_, _, fn(&[u8]) -> bool) = match port {
        geneve::PORT => (Next::Geneve, Layer::Geneve, geneve::is_valid),
        port if is_tunnel_port(port, options) => (Next::Vxlan, Layer::Vxlan, vxlan::is_valid),
        _ => return None,
    };
    match inside.need(TUNNEL_HEADER_LEN, layer) {
        Ok(header) => is_valid(header).then_some(Ok(next)),
        Err(stop) if stop.cause == Cause::Capture => Some(Err(stop)),
        Err(_) => None,
    }
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
            if rest.wire_len >= HEADER_LEN
                && !is_tunnel_port(u16::from_be_bytes([d0, d1]), options) =>
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
