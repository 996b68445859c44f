//! Options of blocks: a code, a length, a value, and padding to a multiple of four each.

use nom::bytes::complete::take;
use nom::combinator::verify;
use nom::multi::fold_many0;
use nom::number::Endianness;
use nom::number::complete::{u16, u32};
use nom::{IResult, Parser};

use crate::capture::losses::Drops;

const OPT_ENDOFOPT: u16 = 0;
pub(super) const IF_NAME: u16 = 2;
pub(super) const IF_DESCRIPTION: u16 = 3;
pub(super) const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
pub(super) const ISB_IFDROP: u16 = 5;
pub(super) const ISB_OSDROP: u16 = 7;
const EPB_DROPCOUNT: u16 = 4;

/// Options of an interface description.
#[derive(Default)]
pub(super) struct InterfaceOptions<'a> {
    pub(super) name: Option<&'a [u8]>,
    pub(super) resolution: Option<u8>,
    /// Seconds to add to every time.
    pub(super) offset: Option<i64>,
    /// True if one of them has a length that it cannot have.
    pub(super) is_odd: bool,
}

impl<'a> InterfaceOptions<'a> {
    fn with(mut self, (code, value): (u16, &'a [u8]), order: Endianness) -> Self {
        match (code, value) {
            (IF_NAME, name) => self.name = Some(name),
            (IF_TSRESOL, &[resolution]) => self.resolution = Some(resolution),
            (IF_TSOFFSET, value) if value.len() == 8 => self.offset = offset(value, order),
            (IF_TSRESOL | IF_TSOFFSET, _) => self.is_odd = true,
            _ => {}
        }
        self
    }
}

/// Options of an interface up to their end, or to the first that runs out of its block.
pub(super) fn of_interface<'a>(
    bytes: &'a [u8],
    order: Endianness,
) -> IResult<&'a [u8], InterfaceOptions<'a>, ()> {
    let gather = |options: InterfaceOptions<'a>, option| options.with(option, order);
    fold(bytes, order, InterfaceOptions::default, gather)
}

/// An interface's number and the drops that its statistics count; no drops where the block
/// does not say. `None` where it cannot be read.
pub(super) fn statistics(body: &[u8], order: Endianness) -> Option<(u32, Option<Drops>)> {
    let mut head = (u32::<_, ()>(order), u32(order), u32(order));
    let (rest, (interface, _high, _low)) = head.parse(body).ok()?;
    let gather = |drops: Option<(Option<u64>, Option<u64>)>, (code, value): (u16, &[u8])| {
        let drops = drops?;
        Some(match code {
            ISB_IFDROP => (Some(count(value, order)?), drops.1),
            ISB_OSDROP => (drops.0, Some(count(value, order)?)),
            _ => drops,
        })
    };
    let (rest, drops) = fold(rest, order, || Some((None, None)), gather).ok()?;
    let drops = drops?;
    let drops = (drops != (None, None)).then(|| Drops {
        interface: drops.0,
        kernel: drops.1.unwrap_or(0),
    });
    options_end(rest).then_some((interface, drops))
}

/// Packets lost before a packet on its interface, as the options of its block say.
///
/// # Errors
/// An option runs out of the block, or is no count of packets.
pub(super) fn drop_count(bytes: &[u8], order: Endianness) -> Result<Option<u64>, &'static str> {
    let gather = |drops: Result<_, ()>, (code, value): (u16, &[u8])| match code {
        EPB_DROPCOUNT => count(value, order).ok_or(()).map(Some),
        _ => drops,
    };
    let list = fold(bytes, order, || Ok(None), gather);
    match list {
        Ok((rest, drops)) if options_end(rest) => {
            drops.map_err(|()| "a packet block whose drop count is no number")
        }
        _ => Err("a packet block whose options run out of it"),
    }
}

/// Tells whether a list of options came to its end where the others stopped.
pub(super) fn options_end(rest: &[u8]) -> bool {
    matches!(rest, [] | [0, 0, _, _])
}

/// The bytes behind a list of options, from the option that ends it on.
pub(super) fn behind(bytes: &[u8], order: Endianness) -> &[u8] {
    let list = fold(bytes, order, || (), |(), _| ());
    list.map_or(bytes, |(rest, ())| rest)
}

fn fold<'a, T>(
    bytes: &'a [u8],
    order: Endianness,
    init: impl FnMut() -> T,
    gather: impl FnMut(T, (u16, &'a [u8])) -> T,
) -> IResult<&'a [u8], T, ()> {
    let option = |bytes| option(bytes, order);
    fold_many0(option, init, gather).parse(bytes)
}

fn option(bytes: &[u8], order: Endianness) -> IResult<&[u8], (u16, &[u8]), ()> {
    let (rest, code) = verify(u16(order), |&code| code != OPT_ENDOFOPT).parse(bytes)?;
    let (rest, length) = u16(order).parse(rest)?;
    let (rest, value) = take(length).parse(rest)?;
    let padding = (usize::from(length).next_multiple_of(4) - value.len()).min(rest.len());
    Ok((&rest[padding..], (code, value)))
}

fn offset(value: &[u8], order: Endianness) -> Option<i64> {
    number(value, order).map(u64::cast_signed)
}

/// A count in eight bytes; some writers give it four.
fn count(value: &[u8], order: Endianness) -> Option<u64> {
    let short = u32::<_, ()>(order).parse(value);
    match short {
        Ok(([], count)) => Some(count.into()),
        _ => number(value, order),
    }
}

fn number(value: &[u8], order: Endianness) -> Option<u64> {
    let value = value.try_into().ok()?;
    Some(match order {
        Endianness::Big => u64::from_be_bytes(value),
        _ => u64::from_le_bytes(value),
    })
}
