//! GRE (RFC 2784, keys and sequence numbers RFC 2890), and NVGRE (RFC 7637): GRE with
//! Ethernet inside and a virtual subnet in its key.

use nom::{
    IResult, Parser,
    combinator::cond,
    number::complete::{be_u16, be_u32},
};

use super::kind::{EncapsulationKind, Inner, Sign};
use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::walk::{Next, TRANSPARENT_ETHERNET};

const BASE_LEN: usize = 4;
/// Length of each optional field, in bytes.
const FIELD_LEN: usize = 4;
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const VERSION: u16 = 0x0007;
/// In IP, and in UDP (RFC 8086).
const SIGNS: &[Sign] = &[Sign::IpProtocol(47), Sign::UdpPort(4754)];

pub(super) const GRE: EncapsulationKind = EncapsulationKind {
    name: "GRE",
    signs: SIGNS,
    tell_len: BASE_LEN,
    claims: is_gre,
    read,
};

pub(super) const NVGRE: EncapsulationKind = EncapsulationKind {
    name: "NVGRE",
    signs: SIGNS,
    tell_len: BASE_LEN,
    claims: is_nvgre,
    read: |rest, layer| {
        let inner = read(rest, layer)?;
        // The low byte of the key is a flow id, the rest the virtual subnet.
        Ok(Inner {
            network: inner.network >> 8,
            ..inner
        })
    },
};

fn is_gre(base: &[u8]) -> bool {
    let is_plain = |flags, protocol| flags & KEY == 0 || protocol != TRANSPARENT_ETHERNET;
    is_version_0(base, is_plain)
}

fn is_nvgre(base: &[u8]) -> bool {
    is_version_0(base, |flags, protocol| {
        flags & KEY != 0 && protocol == TRANSPARENT_ETHERNET
    })
}

/// Version 1 is PPTP's, with PPP inside (RFC 2637).
fn is_version_0(base: &[u8], is_kind: impl Fn(u16, u16) -> bool) -> bool {
    base_fields(base)
        .is_ok_and(|(_, (flags, protocol))| flags & VERSION == 0 && is_kind(flags, protocol))
}

fn read(rest: Rest<'_>, layer: Layer) -> Result<Inner<'_>, DecodeStop> {
    let base = rest.need(BASE_LEN, layer)?;
    let malformed = |_| rest.malformed(layer);
    let (_, (flags, protocol)) = base_fields(base).map_err(malformed)?;
    if flags & ROUTING != 0 {
        return Err(rest.malformed(layer));
    }
    let fields = [CHECKSUM, KEY, SEQUENCE].map(|flag| usize::from(flags & flag != 0));
    let len = BASE_LEN + FIELD_LEN * fields.iter().sum::<usize>();
    let header = rest.need(len, layer)?;
    let (_, key) = key(header, flags).map_err(malformed)?;
    Ok(Inner {
        network: key.unwrap_or(0),
        next: Some(Next::EtherType(protocol)),
        rest: rest.after(len),
    })
}

fn base_fields(base: &[u8]) -> IResult<&[u8], (u16, u16)> {
    (be_u16, be_u16).parse(base)
}

/// Key of a header, behind its checksum.
fn key(header: &[u8], flags: u16) -> IResult<&[u8], Option<u32>> {
    let has = |flag| flags & flag != 0;
    let (rest, (_base, _checksum, key)) =
        (be_u32, cond(has(CHECKSUM), be_u32), cond(has(KEY), be_u32)).parse(header)?;
    Ok((rest, key))
}
