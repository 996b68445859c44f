//! `PPPoE` sessions (RFC 2516), and the PPP frames in them (RFC 1661).

use nom::{
    IResult, Parser,
    number::complete::{be_u8, be_u16},
};

use super::kind::{EncapsulationKind, Inner, Sign};
use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::unopened::Unopened;
use super::walk::{IPV4, IPV6, Next};

const HEADER_LEN: usize = 6;
/// Version 1, type 1.
const VERSION_AND_TYPE: u8 = 0x11;
/// Code of a session's frames; the others are of its discovery.
const SESSION: u8 = 0;
/// Flag of the last byte of a protocol number (RFC 1661 6.5).
const LAST: u8 = 1;

pub(super) const KIND: EncapsulationKind = EncapsulationKind {
    name: "PPPoE",
    signs: &[Sign::EtherType(0x8864)],
    tell_len: 0,
    claims: |_| true,
    read,
};

fn read(rest: Rest<'_>, layer: Layer) -> Result<Inner<'_>, DecodeStop> {
    let bytes = rest.need(HEADER_LEN, layer)?;
    let (_, (kind, code, session, len)) = header(bytes).map_err(|_| rest.malformed(layer))?;
    if kind != VERSION_AND_TYPE || code != SESSION {
        return Err(rest.malformed(layer));
    }
    let frame = rest.after(HEADER_LEN).within(len.into());
    let (protocol, inside) = protocol(frame, layer)?;
    Ok(Inner {
        network: session.into(),
        next: next(protocol, frame)?,
        rest: inside,
    })
}

/// Version and type, code, session id, and length of the PPP frame.
fn header(bytes: &[u8]) -> IResult<&[u8], (u8, u8, u16, u16)> {
    (be_u8, be_u8, be_u16, be_u16).parse(bytes)
}

/// PPP protocol number, which a sender may compress to one byte.
fn protocol(frame: Rest<'_>, layer: Layer) -> Result<(u16, Rest<'_>), DecodeStop> {
    let first = frame.need(1, layer)?[0];
    if first & LAST != 0 {
        return Ok((first.into(), frame.after(1)));
    }
    let second = frame.need(2, layer)?[1];
    Ok((u16::from_be_bytes([first, second]), frame.after(2)))
}

/// Header that a PPP protocol number names (IANA "PPP DLL Protocol Numbers"): those from
/// 0x4000 on control the link.
fn next(protocol: u16, frame: Rest<'_>) -> Result<Option<Next>, DecodeStop> {
    match protocol {
        0x0021 => Ok(Some(Next::EtherType(IPV4))),
        0x0057 => Ok(Some(Next::EtherType(IPV6))),
        0x0281 => Ok(Some(Next::EtherType(0x8847))),
        0x0283 => Ok(Some(Next::EtherType(0x8848))),
        0x4000.. => Ok(None),
        _ => Err(frame.unopened(Unopened::PppProtocol)),
    }
}
