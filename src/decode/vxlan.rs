//! VXLAN (RFC 7348). Reserved fields are ignored on receipt (5); extensions such as the
//! group policy id (draft-smith-vxlan-group-policy) stand in them.

use nom::{
    IResult, Parser,
    number::complete::{be_u8, be_u24},
};

use super::kind::{EncapsulationKind, Inner, Sign};
use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::walk::Next;

const HEADER_LEN: usize = 8;
/// Flag of a VNI that is valid.
const I: u8 = 0x08;

pub(super) const KIND: EncapsulationKind = EncapsulationKind {
    name: "VXLAN",
    // IANA's port, and the one that Linux took before there was any.
    signs: &[Sign::UdpPort(4789), Sign::UdpPort(8472)],
    tell_len: HEADER_LEN,
    claims,
    read,
};

fn claims(header: &[u8]) -> bool {
    header[0] & I != 0
}

fn read(rest: Rest<'_>, layer: Layer) -> Result<Inner<'_>, DecodeStop> {
    let header = rest.need(HEADER_LEN, layer)?;
    let (_, network) = vni(header).map_err(|_| rest.malformed(layer))?;
    Ok(Inner {
        network,
        next: Some(Next::Ethernet),
        rest: rest.after(HEADER_LEN),
    })
}

fn vni(header: &[u8]) -> IResult<&[u8], u32> {
    let (rest, (_flags, _reserved, vni, _)) = (be_u8, be_u24, be_u24, be_u8).parse(header)?;
    Ok((rest, vni))
}
