//! MPLS (RFC 3032): a stack of labels, then a packet. It stands on a link, in GRE or IP
//! (RFC 4023), or in UDP (RFC 7510).

use nom::{IResult, number::complete::be_u32};

use super::kind::{EncapsulationKind, Inner, Sign};
use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::unopened::Unopened;
use super::walk::{IPV4, IPV6, Next};

/// Length of an entry of the stack, in bytes.
const ENTRY_LEN: usize = 4;
/// Flag of the last entry.
const BOTTOM: u32 = 0x100;

pub(super) const KIND: EncapsulationKind = EncapsulationKind {
    name: "MPLS",
    signs: &[
        Sign::EtherType(0x8847),
        Sign::EtherType(0x8848),
        Sign::IpProtocol(137),
        Sign::UdpPort(6635),
    ],
    tell_len: ENTRY_LEN,
    claims: |_| true,
    read,
};

/// Labels are each way's own, so they tell no network. Behind the last one, only the packet
/// itself tells its protocol.
fn read(rest: Rest<'_>, layer: Layer) -> Result<Inner<'_>, DecodeStop> {
    let inside = behind_labels(rest, layer)?;
    let ether_type = match inside.need(1, layer)?[0] >> 4 {
        4 if fits(inside, layer, 2, 0)? => IPV4,
        6 if fits(inside, layer, 4, 40)? => IPV6,
        _ => return Err(inside.unopened(Unopened::MplsPseudowire)),
    };
    Ok(Inner {
        network: 0,
        next: Some(Next::EtherType(ether_type)),
        rest: inside,
    })
}

/// Tests that the length of an IP packet, which stands `at` this place and leaves out `header`
/// bytes, is no more than there is: the address of a frame may begin with the same digit.
fn fits(packet: Rest<'_>, layer: Layer, at: usize, header: usize) -> Result<bool, DecodeStop> {
    if packet.wire_len < at + 2 {
        return Ok(false);
    }
    let head = packet.need(at + 2, layer)?;
    let len = u16::from_be_bytes([head[at], head[at + 1]]);
    Ok(usize::from(len) + header <= packet.wire_len)
}

fn behind_labels(mut rest: Rest<'_>, layer: Layer) -> Result<Rest<'_>, DecodeStop> {
    loop {
        let bytes = rest.need(ENTRY_LEN, layer)?;
        let (_, entry) = entry(bytes).map_err(|_| rest.malformed(layer))?;
        rest = rest.after(ENTRY_LEN);
        if entry & BOTTOM != 0 {
            return Ok(rest);
        }
    }
}

fn entry(bytes: &[u8]) -> IResult<&[u8], u32> {
    be_u32(bytes)
}
