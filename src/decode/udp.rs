//! UDP (RFC 768), and the encapsulations that are told by its port.

use etherparse::UdpHeaderSlice;

use super::packet::{Payload, Protocol, Transport};
use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::table::TunnelPorts;
use super::walk::{HeaderWalk, Turn};

const HEADER_LEN: usize = 8;

/// Reads a header, behind the headers of this walk.
pub(super) fn read<'a>(rest: Rest<'a>, options: &TunnelPorts, walk: &HeaderWalk) -> Turn<'a> {
    let unread = |stop| Turn::Arrived(Protocol::Udp, Transport::Unread(stop));
    let Ok(header) = UdpHeaderSlice::from_slice(rest.bytes) else {
        return unread(rest.short(HEADER_LEN, Layer::Udp));
    };
    let extent = match Extent::of(&header, rest, walk) {
        Ok(extent) => extent,
        Err(stop) => return unread(stop),
    };
    let body = rest.after(HEADER_LEN);
    let inside = body.within(extent.stated);
    match options.by_udp_port(header.destination_port(), inside) {
        // The packet inside ends with the datagram, and is blind to what stands behind.
        Ok(Some(_)) if extent.has_surplus => return unread(rest.malformed(Layer::Udp)),
        Ok(Some(next)) => return Turn::Go(next, inside),
        Ok(None) => {}
        Err(stop) => return unread(stop),
    }
    let ports = ports(&header, body, extent.datagram_len);
    Turn::Arrived(Protocol::Udp, ports)
}

/// Reads a header that is all there, in no fragment, and before no encapsulation.
#[inline(always)]
pub(super) fn read_plain<'a>(rest: Rest<'a>, options: &TunnelPorts) -> Option<Transport<'a>> {
    let header = UdpHeaderSlice::from_slice(rest.bytes).ok()?;
    if options.tells(header.destination_port()) || usize::from(header.length()) != rest.wire_len {
        return None;
    }
    let body = rest.after(HEADER_LEN);
    Some(ports(&header, body, body.wire_len))
}

/// Extent of a datagram's payload, by its own length and that of its packet.
struct Extent {
    /// Length that the header states.
    stated: usize,
    /// Length of the whole datagram's payload: as the header states it, or more.
    datagram_len: usize,
    /// True if the packet goes on behind the datagram.
    has_surplus: bool,
}

impl Extent {
    /// Bytes behind the length that a header states and within that of its packet (RFC 9868
    /// calls them surplus) travel with the datagram, so they count as its payload.
    ///
    /// # Errors
    /// The stated length cannot be: less than a header, more than the packet has, or the end
    /// of a datagram in a fragment with others behind it.
    fn of(
        header: &UdpHeaderSlice<'_>,
        rest: Rest<'_>,
        walk: &HeaderWalk,
    ) -> Result<Self, DecodeStop> {
        let is_part = walk.fragment.is_some();
        let stated = usize::from(header.length());
        let all = rest.wire_len.saturating_sub(HEADER_LEN);
        match stated.checked_sub(HEADER_LEN) {
            // A jumbogram (RFC 2675 4), or segmentation offload.
            None if stated == 0 => Ok(Self {
                stated: all,
                datagram_len: if is_part { Payload::UNKNOWN_LEN } else { all },
                has_surplus: false,
            }),
            None => Err(rest.malformed(Layer::Udp)),
            Some(stated) if stated > all && !is_part => {
                Err(rest.short(stated + HEADER_LEN, Layer::Udp))
            }
            Some(stated) if stated <= all && walk.is_split => Err(rest.malformed(Layer::Udp)),
            Some(stated) => Ok(Self {
                stated,
                datagram_len: stated.max(all),
                has_surplus: stated < all,
            }),
        }
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
