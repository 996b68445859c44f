//! Geneve (RFC 8926).

use nom::{
    IResult, Parser,
    number::complete::{be_u8, be_u16, be_u24},
};

use super::encapsulation::{Inner, Kind, Sign};
use super::rest::Rest;
use super::stop::Stop;
use super::walk::Next;

const BASE_LEN: usize = 8;
const TRANSPARENT_ETHERNET: u16 = 0x6558;

pub(super) const KIND: Kind = Kind {
    name: "Geneve",
    signs: &[Sign::UdpPort(6081)],
    tell_len: BASE_LEN,
    claims,
    read,
};

fn claims(header: &[u8]) -> bool {
    base(header).is_some()
}

fn read(rest: Rest<'_>) -> Result<Inner<'_>, Stop> {
    let bytes = rest.need(BASE_LEN, KIND.layer())?;
    let base = base(bytes).ok_or_else(|| rest.malformed(KIND.layer()))?;
    let len = BASE_LEN + base.options_len;
    rest.need(len, KIND.layer())?;
    Ok(Inner {
        network: base.vni,
        next: base.inside,
        rest: rest.after(len),
    })
}

struct Base {
    /// Length of the options, in bytes.
    options_len: usize,
    vni: u32,
    inside: Next,
}

/// Header before its options: version 0, Ethernet or IP inside.
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
