//! Linux cooked captures: `LINKTYPE_LINUX_SLL` and `LINKTYPE_LINUX_SLL2`, as described at
//! <https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html> and its sibling.

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u16, be_u32},
};

use super::rest::Rest;
use super::stop::{Layer, Stop};
use super::walk::{Next, Turn, Walk};

const SLL_LEN: usize = 16;
const SLL2_LEN: usize = 20;
/// Protocol type of LLC (`linux/if_ether.h`).
const P_802_2: u16 = 4;

pub(super) fn read(rest: Rest<'_>) -> Result<Turn<'_>, Stop> {
    let header = rest.need(SLL_LEN, Layer::LinuxSll)?;
    let (_, protocol) = sll(header).map_err(|_| rest.malformed(Layer::LinuxSll))?;
    Ok(Turn::Go(next(protocol), rest.after(SLL_LEN)))
}

pub(super) fn read2<'a>(rest: Rest<'a>, walk: &mut Walk) -> Result<Turn<'a>, Stop> {
    let header = rest.need(SLL2_LEN, Layer::LinuxSll2)?;
    let (_, (protocol, index)) = sll2(header).map_err(|_| rest.malformed(Layer::LinuxSll2))?;
    walk.interface_index = index;
    Ok(Turn::Go(next(protocol), rest.after(SLL2_LEN)))
}

/// Header that a protocol type names: an `EtherType`, or one of Linux's own numbers.
fn next(protocol: u16) -> Next {
    match protocol {
        P_802_2 => Next::Llc,
        number => Next::EtherType(number),
    }
}

/// Packet type, ARPHRD type, address length and address, then the protocol type.
fn sll(header: &[u8]) -> IResult<&[u8], u16> {
    let (rest, _) = take(14_usize)(header)?;
    be_u16(rest)
}

/// Protocol type, two bytes reserved, then the interface index.
fn sll2(header: &[u8]) -> IResult<&[u8], (u16, u32)> {
    let (rest, (protocol, _reserved, index)) = (be_u16, be_u16, be_u32).parse(header)?;
    Ok((rest, (protocol, index)))
}
