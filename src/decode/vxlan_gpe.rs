//! VXLAN with a protocol of its own (draft-ietf-nvo3-vxlan-gpe-13): like VXLAN, and a field
//! says what is inside.

use nom::{
    IResult, Parser,
    number::complete::{be_u8, be_u16, be_u24},
};

use super::kind::{EncapsulationKind, Inner, Sign};
use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::unopened::Unopened;
use super::walk::{IPV4, IPV6, Next};

const HEADER_LEN: usize = 8;
/// Bits of the version, which is 0.
const VERSION: u8 = 0x30;
/// Flag of a next protocol; without it, Ethernet is inside.
const P: u8 = 0x04;

pub(super) const KIND: EncapsulationKind = EncapsulationKind {
    name: "VXLAN-GPE",
    signs: &[Sign::UdpPort(4790)],
    tell_len: HEADER_LEN,
    claims: |header| header[0] & VERSION == 0,
    read,
};

fn read(rest: Rest<'_>, layer: Layer) -> Result<Inner<'_>, DecodeStop> {
    let header = rest.need(HEADER_LEN, layer)?;
    let (_, (flags, protocol, network)) = fields(header).map_err(|_| rest.malformed(layer))?;
    let next = match protocol {
        _ if flags & P == 0 => Next::Ethernet,
        1 => Next::EtherType(IPV4),
        2 => Next::EtherType(IPV6),
        3 => Next::Ethernet,
        4 => return Err(rest.unopened(Unopened::Nsh)),
        5 => Next::EtherType(0x8847),
        _ => return Err(rest.unopened(Unopened::VxlanGpe)),
    };
    Ok(Inner {
        network,
        next: Some(next),
        rest: rest.after(HEADER_LEN),
    })
}

/// Flags, next protocol and VNI.
fn fields(header: &[u8]) -> IResult<&[u8], (u8, u8, u32)> {
    let (rest, (flags, _reserved, protocol, vni, _)) =
        (be_u8, be_u16, be_u8, be_u24, be_u8).parse(header)?;
    Ok((rest, (flags, protocol, vni)))
}
