//! Geneve (RFC 8926).

use nom::{
    IResult, Parser,
    number::complete::{be_u8, be_u16, be_u24},
};

use super::kind::{EncapsulationKind, Inner, Sign};
use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::walk::{IPV4, IPV6, Next, TRANSPARENT_ETHERNET};

const BASE_LEN: usize = 8;
/// Protocols inside: Ethernet, IPv4, IPv6, MPLS and NSH. Any other type field is that of a
/// datagram which is no Geneve.
const PROTOCOLS: [u16; 5] = [TRANSPARENT_ETHERNET, IPV4, IPV6, 0x8847, 0x894f];

pub(super) const KIND: EncapsulationKind = EncapsulationKind {
    name: "Geneve",
    signs: &[Sign::UdpPort(6081)],
    tell_len: BASE_LEN,
    claims,
    read,
};

fn claims(header: &[u8]) -> bool {
    base(header).is_some()
}

fn read(rest: Rest<'_>, layer: Layer) -> Result<Inner<'_>, DecodeStop> {
    let bytes = rest.need(BASE_LEN, layer)?;
    let base = base(bytes).ok_or_else(|| rest.malformed(layer))?;
    let len = BASE_LEN + base.options_len;
    rest.need(len, layer)?;
    Ok(Inner {
        network: base.vni,
        next: Some(base.inside),
        rest: rest.after(len),
    })
}

struct Base {
    /// Length of the options, in bytes.
    options_len: usize,
    vni: u32,
    inside: Next,
}

/// Header before its options: version 0, and a protocol of those. Reserved bits are
/// ignored on receipt (3.4).
fn base(header: &[u8]) -> Option<Base> {
    let (_, (lengths, protocol, vni)) = fields(header).ok()?;
    let version = lengths >> 6;
    (version == 0 && PROTOCOLS.contains(&protocol)).then_some(Base {
        options_len: usize::from(lengths & 0x3f) * 4,
        vni,
        inside: Next::EtherType(protocol),
    })
}

/// Version and option length, protocol type, and VNI.
fn fields(header: &[u8]) -> IResult<&[u8], (u8, u16, u32)> {
    let (rest, (lengths, _flags, protocol, vni, _reserved)) =
        (be_u8, be_u8, be_u16, be_u24, be_u8).parse(header)?;
    Ok((rest, (lengths, protocol, vni)))
}
