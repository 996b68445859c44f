//! BSD loopback (`LINKTYPE_NULL`, `LINKTYPE_LOOP`) and IP without any link header.

use nom::number::complete::{be_u32, le_u32};

use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::walk::{IPV4, IPV6, Next, Turn};

const FAMILY_LEN: usize = 4;

/// The protocol family comes in the byte order of the host that captured, which only
/// the value tells: families are small numbers.
pub(super) fn read(rest: Rest<'_>) -> Result<Turn<'_>, DecodeStop> {
    let bytes = rest.need(FAMILY_LEN, Layer::Loopback)?;
    let family = match (le(bytes), be(bytes)) {
        (little, _) if u16::try_from(little).is_ok() => little,
        (_, big) => big,
    };
    let next = match family {
        2 => Next::EtherType(IPV4),
        // AF_INET6 of Linux, NetBSD, FreeBSD and macOS.
        10 | 24 | 28 | 30 => Next::EtherType(IPV6),
        _ => return Ok(Turn::Other(rest)),
    };
    Ok(Turn::Go(next, rest.after(FAMILY_LEN)))
}

fn le(bytes: &[u8]) -> u32 {
    le_u32::<_, ()>(bytes).map_or(0, |(_, family)| family)
}

fn be(bytes: &[u8]) -> u32 {
    be_u32::<_, ()>(bytes).map_or(0, |(_, family)| family)
}

/// Raw IP: the first nibble is the version.
pub(super) fn read_raw(rest: Rest<'_>) -> Result<Turn<'_>, DecodeStop> {
    let ether_type = match rest.need(1, Layer::Ipv4)?[0] >> 4 {
        4 => IPV4,
        6 => IPV6,
        _ => return Err(rest.malformed(Layer::Link)),
    };
    Ok(Turn::Go(Next::EtherType(ether_type), rest))
}
