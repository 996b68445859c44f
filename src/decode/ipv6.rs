//! IPv6 and its extension headers (RFC 8200), and AH (RFC 4302) with either version.

use etherparse::{
    IpAuthHeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice,
    err::{ip_auth, ipv6},
};

use super::fragment::{Fragment, FragmentKey};
use super::ip::{self, IpHeader};
use super::packet::Protocol;
use super::rest::Rest;
use super::stop::{Cause, DecodeStop, Layer};
use super::walk::{HeaderWalk, Next, Turn};

/// Reads a header; `is_part` tells that it stands in a fragment of an outer packet.
pub(super) fn read(rest: Rest<'_>, is_part: bool) -> Result<IpHeader<'_>, DecodeStop> {
    let header = Ipv6HeaderSlice::from_slice(rest.bytes).map_err(|e| match e {
        ipv6::HeaderSliceError::Len(e) => rest.short(e.required_len, Layer::Ipv6),
        ipv6::HeaderSliceError::Content(_) => rest.malformed(Layer::Ipv6),
    })?;
    let after = rest.after(header.slice().len());
    let payload = match usize::from(header.payload_length()) {
        // A jumbogram, or segmentation offload: 16 bits do not hold the length.
        0 => after,
        len => after.stated(len, is_part),
    };
    Ok(IpHeader {
        source: header.source_addr().into(),
        destination: header.destination_addr().into(),
        protocol: header.next_header().0,
        fragment: None,
        payload,
        cut: None,
    })
}

/// Reader of an extension header.
type ReadExtension = for<'a> fn(Rest<'a>, &mut HeaderWalk) -> Result<Turn<'a>, DecodeStop>;

/// IP protocol numbers of extension headers (RFC 7045 4): hop-by-hop, routing, fragment,
/// authentication, destination options, mobility, HIP and Shim6.
pub const EXTENSIONS: [u8; 8] = [0, ROUTING, FRAGMENT, AUTHENTICATION, 60, 135, 139, 140];
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;

/// Reader of the extension header that an IP protocol number names, if it names one.
pub(super) fn extension(number: u8) -> Option<ReadExtension> {
    match number {
        FRAGMENT => Some(read_fragment),
        ROUTING => Some(read_routing),
        AUTHENTICATION => Some(|rest, walk| Ok(pass(authentication(rest)?, rest, walk))),
        // The others look alike.
        _ if EXTENSIONS.contains(&number) => {
            Some(|rest, walk| Ok(pass(options(rest)?, rest, walk)))
        }
        _ => None,
    }
}

/// Goes on behind an extension header, with the protocol that it names.
fn pass<'a>((next, len): (u8, usize), rest: Rest<'a>, walk: &mut HeaderWalk) -> Turn<'a> {
    walk.protocol = Protocol::of(next);
    Turn::Go(Next::IpProtocol(next), rest.after(len))
}

fn options(rest: Rest<'_>) -> Result<(u8, usize), DecodeStop> {
    let header = Ipv6RawExtHeaderSlice::from_slice(rest.bytes)
        .map_err(|e| rest.short(e.required_len, Layer::Ipv6Extension))?;
    Ok((header.next_header().0, header.slice().len()))
}

/// Reads a routing header (RFC 8200 4.4). While segments are left, the packet is on its way to
/// another address than that of its header, and so of no path that the header names.
fn read_routing<'a>(rest: Rest<'a>, walk: &mut HeaderWalk) -> Result<Turn<'a>, DecodeStop> {
    const SEGMENTS_LEFT: usize = 3;
    let header = options(rest)?;
    match rest.bytes.get(SEGMENTS_LEFT) {
        Some(0) => Ok(pass(header, rest, walk)),
        _ => Err(rest.stop(Layer::Ipv6Extension, Cause::Unsupported)),
    }
}

fn authentication(rest: Rest<'_>) -> Result<(u8, usize), DecodeStop> {
    let header = IpAuthHeaderSlice::from_slice(rest.bytes).map_err(|e| match e {
        ip_auth::HeaderSliceError::Len(e) => rest.short(e.required_len, Layer::Ipv6Extension),
        ip_auth::HeaderSliceError::Content(_) => rest.malformed(Layer::Ipv6Extension),
    })?;
    Ok((header.next_header().0, header.slice().len()))
}

fn read_fragment<'a>(rest: Rest<'a>, walk: &mut HeaderWalk) -> Result<Turn<'a>, DecodeStop> {
    let header = Ipv6FragmentHeaderSlice::from_slice(rest.bytes)
        .map_err(|e| rest.short(e.required_len, Layer::Ipv6Extension))?;
    let next = header.next_header().0;
    walk.protocol = Protocol::of(next);
    let payload = rest.after(header.slice().len());
    let (source, destination) = walk.ends.unwrap_or_default();
    let fragment = header.is_fragmenting_payload().then(|| Fragment {
        key: FragmentKey {
            source,
            destination,
            // Only the first fragment tells the transport behind further extensions, so
            // version 6 identifies a packet by its addresses and number alone.
            protocol: 0,
            id: header.identification(),
        },
        first: header.fragment_offset().value() == 0,
        len: payload.wire_len,
        offset: payload.offset,
    });
    ip::behind(next, fragment, payload, None, walk)
}
