//! GRE (RFC 2784, keys and sequence numbers RFC 2890), and NVGRE (RFC 7637).

use nom::{IResult, Parser, number::complete::be_u16};

use super::{Layer, Next, Rest, Stop, Tunnel, Turn, Walk};

const BASE_LEN: usize = 4;
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const VERSION: u16 = 0x0007;
const TRANSPARENT_ETHERNET: u16 = 0x6558;

pub(super) fn read<'a>(rest: Rest<'a>, walk: &mut Walk) -> Result<Turn<'a>, Stop> {
    let base = rest.need(BASE_LEN, Layer::Gre)?;
    let (_, (flags, protocol)) = base_fields(base).map_err(|_| rest.malformed(Layer::Gre))?;
    if flags & VERSION != 0 {
        // Version 1 is PPTP's, with PPP inside (RFC 2637).
        return Ok(Turn::Other);
    }
    if flags & ROUTING != 0 {
        return Err(rest.malformed(Layer::Gre));
    }
    let key_at = BASE_LEN + optional(flags, CHECKSUM);
    let len = key_at + optional(flags, KEY) + optional(flags, SEQUENCE);
    let header = rest.need(len, Layer::Gre)?;
    let key = (flags & KEY != 0).then(|| {
        header[key_at..]
            .first_chunk()
            .map_or(0, |&k| u32::from_be_bytes(k))
    });
    let after = rest.after(len);
    let next = match protocol {
        TRANSPARENT_ETHERNET => Next::Ethernet,
        0x0800 | 0x86dd => Next::EtherType(protocol),
        _ => return Ok(Turn::Other),
    };
    match key {
        // The low byte of an NVGRE key is a flow id, the rest the virtual subnet.
        Some(key) if next == Next::Ethernet => {
            walk.enter(Tunnel::Nvgre, key >> 8, rest, Layer::Gre)?;
        }
        key => walk.enter(Tunnel::Gre, key.unwrap_or(0), rest, Layer::Gre)?,
    }
    Ok(Turn::Go(next, after))
}

fn base_fields(base: &[u8]) -> IResult<&[u8], (u16, u16)> {
    (be_u16, be_u16).parse(base)
}

/// Each optional field takes four bytes.
fn optional(flags: u16, flag: u16) -> usize {
    if flags & flag == 0 { 0 } else { 4 }
}
