//! VXLAN (RFC 7348), and its group policy extension.

use nom::{
    IResult, Parser,
    number::complete::{be_u8, be_u24},
};

use super::{Layer, Next, Rest, Stop, Tunnel, Turn, Walk};

/// The port IANA assigned.
pub(super) const PORT: u16 = 4789;
const HEADER_LEN: usize = 8;
/// The VNI is there.
const I: u8 = 0x08;
/// A group policy id is there (draft-smith-vxlan-group-policy).
const G: u8 = 0x80;

/// Whether a UDP payload begins with a VXLAN header.
pub(super) fn is_valid(payload: &[u8]) -> bool {
    payload.get(..HEADER_LEN).is_some_and(|header| {
        let policy = header[0] & G != 0;
        header[0] & !G == I && header[7] == 0 && (policy || header[1..4] == [0; 3])
    })
}

pub(super) fn read<'a>(rest: Rest<'a>, walk: &mut Walk) -> Result<Turn<'a>, Stop> {
    let header = rest.need(HEADER_LEN, Layer::Vxlan)?;
    let (_, vni) = vni(header).map_err(|_| rest.malformed(Layer::Vxlan))?;
    walk.enter(Tunnel::Vxlan, vni, rest, Layer::Vxlan)?;
    Ok(Turn::Go(Next::Ethernet, rest.after(HEADER_LEN)))
}

fn vni(header: &[u8]) -> IResult<&[u8], u32> {
    let (rest, (_flags, _policy, vni, _reserved)) = (be_u8, be_u24, be_u24, be_u8).parse(header)?;
    Ok((rest, vni))
}
