//! IPv6 and its extension headers (RFC 8200), and AH (RFC 4302) with either version.

use etherparse::{
    IpAuthHeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice,
    err::{ip_auth, ipv6},
};

use super::{Fragment, FragmentKey, Layer, Next, Protocol, Rest, Stop, Turn, Walk, fragment};

pub(super) fn read<'a>(rest: Rest<'a>, walk: &mut Walk) -> Result<Turn<'a>, Stop> {
    let header = Ipv6HeaderSlice::from_slice(rest.bytes).map_err(|e| match e {
        ipv6::HeaderSliceError::Len(e) => rest.short(e.required_len, Layer::Ipv6),
        ipv6::HeaderSliceError::Content(_) => rest.malformed(Layer::Ipv6),
    })?;
    walk.ends = Some((
        std::net::IpAddr::V6(header.source_addr()).into(),
        std::net::IpAddr::V6(header.destination_addr()).into(),
    ));
    walk.ip_at = rest.offset;
    let after = rest.after(header.slice().len());
    let payload = match usize::from(header.payload_length()) {
        // A jumbogram, or segmentation offload: 16 bits do not hold the length.
        0 => after,
        len => after.stated(len, walk),
    };
    let next = header.next_header().0;
    walk.protocol = Protocol::of(next);
    Ok(Turn::Go(Next::IpProtocol(next), payload))
}

/// An extension header, or a protocol that is neither TCP, UDP nor a tunnel.
pub(super) fn read_extension<'a>(
    number: u8,
    rest: Rest<'a>,
    walk: &mut Walk,
) -> Result<Turn<'a>, Stop> {
    let (next, len) = match number {
        // Hop-by-hop, routing, destination options, mobility, HIP, Shim6.
        0 | 43 | 60 | 135 | 139 | 140 => options(rest)?,
        44 => return read_fragment(rest, walk),
        51 => authentication(rest)?,
        _ => return Ok(Turn::Other),
    };
    walk.protocol = Protocol::of(next);
    Ok(Turn::Go(Next::IpProtocol(next), rest.after(len)))
}

fn options(rest: Rest<'_>) -> Result<(u8, usize), Stop> {
    let header = Ipv6RawExtHeaderSlice::from_slice(rest.bytes)
        .map_err(|e| rest.short(e.required_len, Layer::Ipv6Extension))?;
    Ok((header.next_header().0, header.slice().len()))
}

fn authentication(rest: Rest<'_>) -> Result<(u8, usize), Stop> {
    let header = IpAuthHeaderSlice::from_slice(rest.bytes).map_err(|e| match e {
        ip_auth::HeaderSliceError::Len(e) => rest.short(e.required_len, Layer::Ipv6Extension),
        ip_auth::HeaderSliceError::Content(_) => rest.malformed(Layer::Ipv6Extension),
    })?;
    Ok((header.next_header().0, header.slice().len()))
}

fn read_fragment<'a>(rest: Rest<'a>, walk: &mut Walk) -> Result<Turn<'a>, Stop> {
    let header = Ipv6FragmentHeaderSlice::from_slice(rest.bytes)
        .map_err(|e| rest.short(e.required_len, Layer::Ipv6Extension))?;
    let next = header.next_header().0;
    walk.protocol = Protocol::of(next);
    let payload = rest.after(header.slice().len());
    if !header.is_fragmenting_payload() {
        return Ok(Turn::Go(Next::IpProtocol(next), payload));
    }
    let (source, destination) = walk.ends.unwrap_or_default();
    let key = FragmentKey {
        source,
        destination,
        // Only the first fragment tells the transport behind further extensions, so
        // version 6 identifies a packet by its addresses and number alone.
        protocol: 0,
        id: header.identification(),
    };
    let fragment = Fragment {
        key,
        first: header.fragment_offset().value() == 0,
        len: payload.wire_len,
    };
    fragment::read(next, fragment, payload, walk)
}
