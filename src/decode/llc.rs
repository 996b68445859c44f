//! LLC (IEEE 802.2) in 802.3 frames, whose length stands in place of a type, and SNAP
//! behind it (IEEE 802, RFC 1042).

use nom::{
    IResult, Parser,
    number::complete::{be_u8, be_u16, be_u24},
};

use super::kind::{EncapsulationKind, Inner, Sign};
use super::rest::Rest;
use super::stop::{DecodeStop, Layer};
use super::unopened::Unopened;
use super::walk::{IPV4, Next};

const LLC_LEN: usize = 3;
const SNAP_LEN: usize = 8;
/// Destination and source access point and control field of unnumbered information: SNAP.
const SNAP: (u8, u8, u8) = (0xaa, 0xaa, 0x03);
/// The same of IPv4 without SNAP.
const PLAIN_IPV4: (u8, u8, u8) = (0x06, 0x06, 0x03);
/// Organization whose protocol identifiers are `EtherType`s (RFC 1042).
const ETHER_TYPES: u32 = 0;
/// The same, for what bridges would take for Ethernet II (IEEE 802.1H).
const BRIDGE_TUNNEL: u32 = 0x00_00f8;
/// Organization of bridged frames (RFC 2684 5.2).
const BRIDGED: u32 = 0x00_80c2;

pub(super) const KIND: EncapsulationKind = EncapsulationKind {
    name: "LLC/SNAP",
    signs: &[Sign::Llc],
    tell_len: 0,
    claims: |_| true,
    read,
};

fn read(rest: Rest<'_>, layer: Layer) -> Result<Inner<'_>, DecodeStop> {
    let malformed = |_| rest.malformed(layer);
    let llc = rest.need(LLC_LEN, layer)?;
    let (_, points) = access_points(llc).map_err(malformed)?;
    let (next, len) = match points {
        PLAIN_IPV4 => (Some(Next::EtherType(IPV4)), LLC_LEN),
        SNAP => {
            let header = rest.need(SNAP_LEN, layer)?;
            let (_, snap) = snap(&header[LLC_LEN..]).map_err(malformed)?;
            (next(snap, rest)?, SNAP_LEN)
        }
        // Spanning tree, IS-IS, NetBIOS.
        _ => (None, LLC_LEN),
    };
    Ok(Inner {
        network: 0,
        next,
        rest: rest.after(len),
    })
}

fn access_points(bytes: &[u8]) -> IResult<&[u8], (u8, u8, u8)> {
    (be_u8, be_u8, be_u8).parse(bytes)
}

/// Organization and protocol identifier.
fn snap(bytes: &[u8]) -> IResult<&[u8], (u32, u16)> {
    (be_u24, be_u16).parse(bytes)
}

/// Header that a protocol identifier names, in the registry of its organization.
fn next((organization, protocol): (u32, u16), rest: Rest<'_>) -> Result<Option<Next>, DecodeStop> {
    match organization {
        ETHER_TYPES | BRIDGE_TUNNEL => Ok(Some(Next::EtherType(protocol))),
        BRIDGED => Err(rest.unopened(Unopened::BridgedFrame)),
        _ => Ok(None),
    }
}
