//! Linux cooked captures: `LINKTYPE_LINUX_SLL` and `LINKTYPE_LINUX_SLL2`, as described at
//! <https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html> and its sibling.

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u16, be_u32},
};

use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::vlan::VLAN_TYPES;
use super::walk::{HeaderWalk, IPV4, IPV6, Next, Turn};

const SLL_LEN: usize = 16;
const SLL2_LEN: usize = 20;
/// Length of a VLAN tag, and of the fixed header of IPv6, in bytes.
const TAG_LEN: usize = 4;
const IPV6_LEN: usize = 40;
/// Protocol type of LLC (`linux/if_ether.h`).
const P_802_2: u16 = 4;

pub(super) fn read(rest: Rest<'_>) -> Result<Turn<'_>, DecodeStop> {
    let header = rest.need(SLL_LEN, Layer::LinuxSll)?;
    let (_, protocol) = sll(header).map_err(|_| rest.malformed(Layer::LinuxSll))?;
    Ok(Turn::Go(next(protocol), rest.after(SLL_LEN)))
}

pub(super) fn read2<'a>(rest: Rest<'a>, walk: &mut HeaderWalk) -> Result<Turn<'a>, DecodeStop> {
    let header = rest.need(SLL2_LEN, Layer::LinuxSll2)?;
    let (_, (protocol, index)) = sll2(header).map_err(|_| rest.malformed(Layer::LinuxSll2))?;
    walk.interface_index = index;
    let after = rest.after(SLL2_LEN);
    let next = if is_tagged(protocol, after) {
        Next::EtherType(VLAN_TYPES[0])
    } else {
        next(protocol)
    };
    Ok(Turn::Go(next, after))
}

/// Header that a protocol type names: an `EtherType`, or one of Linux's own numbers.
fn next(protocol: u16) -> Next {
    match protocol {
        P_802_2 => Next::Llc,
        number => Next::EtherType(number),
    }
}

/// Whether a tag stands before the packet though the type is the packet's own. Since Linux
/// 6.10 the type is that behind all tags (`vlan_get_protocol_dgram` in
/// `net/packet/af_packet.c`), and of several on a received packet only the outer one is gone.
fn is_tagged(protocol: u16, rest: Rest<'_>) -> bool {
    let &[_, _, high, low, ..] = rest.bytes else {
        return false;
    };
    let kind = u16::from_be_bytes([high, low]);
    let behind = rest.after(TAG_LEN);
    let is_packet = stated_len(protocol, rest.bytes).is_some_and(|len| len <= rest.wire_len);
    is_ip(protocol)
        && (kind == protocol || VLAN_TYPES.contains(&kind))
        && (!is_packet || stated_len(protocol, behind.bytes) == Some(behind.wire_len))
}

fn is_ip(protocol: u16) -> bool {
    protocol == IPV4 || protocol == IPV6
}

/// Length that an IP header states, in bytes; `None` of what is no such header.
fn stated_len(protocol: u16, bytes: &[u8]) -> Option<usize> {
    let len = |high, low| usize::from(u16::from_be_bytes([high, low]));
    match *bytes {
        [0x40..=0x4f, _, high, low, ..] if protocol == IPV4 => Some(len(high, low)),
        [0x60..=0x6f, _, _, _, high, low, ..] if protocol == IPV6 => {
            Some(IPV6_LEN + len(high, low))
        }
        _ => None,
    }
}

/// Packet type, ARPHRD type, address length and address, then the protocol type.
fn sll(header: &[u8]) -> IResult<&[u8], u16> {
    let (rest, _) = take(14_usize)(header)?;
    be_u16(rest)
}

/// Protocol type, two bytes reserved, then the interface index.
fn sll2(header: &[u8]) -> IResult<&[u8], (u16, u32)> {
    let (rest, (protocol, _reserved, index)) = (be_u16, be_u16, be_u32).parse(header)?;
    Ok((rest, (protocol, index)))
}
