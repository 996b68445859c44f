//! Geneve (RFC 8926).

use nom::{
    IResult, Parser,
    number::complete::{be_u8, be_u16, be_u24},
};

use super::{Layer, Next, Rest, Stop, Tunnel, Turn, Walk};

/// The port IANA assigned.
pub(super) const PORT: u16 = 6081;
const BASE_LEN: usize = 8;
const TRANSPARENT_ETHERNET: u16 = 0x6558;

/// Whether a UDP payload begins with a Geneve header: version 0, nothing in the
/// reserved bits, Ethernet or IP inside.
pub(super) fn is_valid(payload: &[u8]) -> bool {
    payload.get(..BASE_LEN).and_then(base).is_some()
}

pub(super) fn read<'a>(rest: Rest<'a>, walk: &mut Walk) -> Result<Turn<'a>, Stop> {
    let bytes = rest.need(BASE_LEN, Layer::Geneve)?;
    let header = base(bytes).ok_or_else(|| rest.malformed(Layer::Geneve))?;
    let len = BASE_LEN + header.options_len;
    walk.enter(Tunnel::Geneve, header.vni, rest, Layer::Geneve)?;
    rest.need(len, Layer::Geneve)?;
    Ok(Turn::Go(header.inside, rest.after(len)))
}

struct Base {
    options_len: usize,
    vni: u32,
    inside: Next,
}

fn base(header: &[u8]) -> Option<Base> {
    let (_, (lengths, flags, protocol, vni, reserved)) = fields(header).ok()?;
    let version = lengths >> 6;
    // The low six bits beside the flags are reserved, like the last byte.
    if version != 0 || flags & 0x3f != 0 || reserved != 0 {
        return None;
    }
    let inside = match protocol {
        TRANSPARENT_ETHERNET => Next::Ethernet,
        0x0800 | 0x86dd => Next::EtherType(protocol),
        _ => return None,
    };
    Some(Base {
        options_len: usize::from(lengths & 0x3f) * 4,
        vni,
        inside,
    })
}

fn fields(header: &[u8]) -> IResult<&[u8], (u8, u8, u16, u32, u8)> {
    (be_u8, be_u8, be_u16, be_u24, be_u8).parse(header)
}
