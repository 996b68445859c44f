//! GTP's user plane (3GPP TS 29.281): packets of a mobile network's users.

use nom::{
    IResult, Parser,
    number::complete::{be_u8, be_u16, be_u32},
};

use super::kind::{EncapsulationKind, Inner, Sign};
use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::unopened::Unopened;
use super::walk::Next;

const HEADER_LEN: usize = 8;
/// Length of sequence number, N-PDU number and type of the next extension, in bytes.
const OPTIONAL_LEN: usize = 4;
/// Version 1 of GTP, not of the charging protocol (the three high bits, and PT).
const VERSION_1: u8 = 0x30;
const VERSION_MASK: u8 = 0xf0;
/// Flags of an extension, a sequence number and an N-PDU number.
const OPTIONAL: u8 = 0x07;
const EXTENSION: u8 = 0x04;
/// Message that holds a packet; the others manage the tunnel.
const G_PDU: u8 = 255;
/// Units that extensions state their length in, in bytes.
const EXTENSION_UNIT: usize = 4;

pub(super) const KIND: EncapsulationKind = EncapsulationKind {
    name: "GTP-U",
    signs: &[Sign::UdpPort(2152)],
    tell_len: HEADER_LEN,
    claims: |header| header[0] & VERSION_MASK == VERSION_1,
    read,
};

fn read(rest: Rest<'_>, layer: Layer) -> Result<Inner<'_>, DecodeStop> {
    let header = rest.need(HEADER_LEN, layer)?;
    let (_, (flags, message, tunnel)) = fields(header).map_err(|_| rest.malformed(layer))?;
    let inside = behind_extensions(flags, rest.after(HEADER_LEN), layer)?;
    let next = match message {
        G_PDU => match inside.need(1, layer)?[0] >> 4 {
            4 | 6 => Some(Next::Ip),
            _ => return Err(inside.unopened(Unopened::GtpPayload)),
        },
        _ => None,
    };
    Ok(Inner {
        network: tunnel,
        next,
        rest: inside,
    })
}

/// Bytes behind the optional fields and all extension headers.
fn behind_extensions(flags: u8, mut rest: Rest<'_>, layer: Layer) -> Result<Rest<'_>, DecodeStop> {
    if flags & OPTIONAL == 0 {
        return Ok(rest);
    }
    let mut kind = rest.need(OPTIONAL_LEN, layer)?[OPTIONAL_LEN - 1];
    rest = rest.after(OPTIONAL_LEN);
    while flags & EXTENSION != 0 && kind != 0 {
        let len = usize::from(rest.need(1, layer)?[0]) * EXTENSION_UNIT;
        let last = len.checked_sub(1).ok_or_else(|| rest.malformed(layer))?;
        kind = rest.need(len, layer)?[last];
        rest = rest.after(len);
    }
    Ok(rest)
}

/// Flags, message type and tunnel endpoint id.
fn fields(header: &[u8]) -> IResult<&[u8], (u8, u8, u32)> {
    let (rest, (flags, message, _len, tunnel)) = (be_u8, be_u8, be_u16, be_u32).parse(header)?;
    Ok((rest, (flags, message, tunnel)))
}
