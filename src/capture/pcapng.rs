//! The next generation capture format, as draft-ietf-opsawg-pcapng describes it: blocks
//! that each tell their length, in sections that each have a byte order and interfaces.

use nom::multi::fold_many0;
use nom::number::Endianness;
use nom::number::complete::{u16, u32};
use nom::sequence::preceded;
use nom::{IResult, Parser, bytes::complete::take, combinator::verify};

use super::losses::Drops;
use super::{
    Frame, InterfaceId, Interfaces, LinkType, RECORD_LIMIT, Step, Stop, Timestamp, endianness,
    words,
};

pub mod writer;

/// The type of a section header block, the same in both byte orders.
pub(super) const MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

const OPT_ENDOFOPT: u16 = 0;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// The type and length before a block's body.
const HEAD_LEN: usize = 8;
/// The length again, behind it.
const TRAILER_LEN: usize = 4;
const BLOCK_MIN: u32 = 12;
/// The longest block that is looked at only to see that its two lengths agree. What is
/// longer is passed over without being buffered: the block after it must stand anyway.
const PASSED_LIMIT: u32 = 256 << 10;
/// What bounds the memory that a section's interfaces take.
const INTERFACES_LIMIT: usize = 1 << 16;
/// The bytes of an interface's name that are kept.
const NAME_LIMIT: usize = 256;

/// A walk over a file of the next generation format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pcapng {
    pub(super) packets: u64,
    section: Option<Section>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Interface {
    id: InterfaceId,
    link_type: LinkType,
    snap_len: u32,
    clock: Clock,
}

/// What a packet block says, before its interface gives it meaning.
struct Packet<'a> {
    interface: u32,
    ticks: Option<u64>,
    /// A simple packet block does not say.
    captured_len: Option<u32>,
    original_len: u32,
    /// The captured bytes, the padding, the options.
    rest: &'a [u8],
}

impl Pcapng {
    #[inline]
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8], interfaces: &Interfaces) -> Step<'a> {
        let Some(head) = bytes.first_chunk::<12>() else {
            let (need, what) = (BLOCK_MIN as usize, "a block header");
            return Err(Stop::More { need, what });
        };
        if head.starts_with(&MAGIC) {
            return self.section_header(bytes, head);
        }
        let Some(section) = &mut self.section else {
            return Err(Stop::corrupt(
                "a block stands before the first section header",
            ));
        };
        let big_endian = section.big_endian;
        let [kind, length] = words(head, big_endian);
        let body = match kind {
            ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET => {
                body(bytes, length, big_endian, "a packet block")?
            }
            INTERFACE_DESCRIPTION => {
                let what = "an interface description block";
                let body = body(bytes, length, big_endian, what)?;
                return section.describe(body, interfaces, length);
            }
            INTERFACE_STATISTICS => {
                let what = "an interface statistics block";
                let body = body(bytes, length, big_endian, what)?;
                return Err(section.statistics(body, length.into()));
            }
            _ => return pass(bytes, length, big_endian),
        };
        let packet = match kind {
            ENHANCED_PACKET => enhanced_packet(body, big_endian),
            SIMPLE_PACKET => simple_packet(body, big_endian),
            _ => obsolete_packet(body, big_endian),
        };
        let packet = packet.ok_or_else(too_short)?;
        self.packets += 1;
        section.frame(&packet, self.packets, length as usize)
    }

    fn section_header<'a>(&mut self, bytes: &'a [u8], head: &[u8; 12]) -> Step<'a> {
        let big_endian = [false, true]
            .into_iter()
            .find(|&big_endian| words::<3, _>(head, big_endian)[2] == BYTE_ORDER_MAGIC)
            .ok_or_else(|| Stop::corrupt("a section header without a byte-order magic"))?;
        let [_, length] = words(head, big_endian);
        let body = body(bytes, length, big_endian, "a section header block")?;
        let order = endianness(big_endian);
        let mut version = preceded(take::<_, _, ()>(4_usize), (u16(order), u16(order)));
        match version.parse(body) {
            Ok((_, (1, _))) => {}
            Ok((_, (major, minor))) => {
                let what = format!("pcapng version {major}.{minor} is not supported");
                return Err(Stop::Corrupt(what));
            }
            Err(_) => return Err(Stop::corrupt("a section header too short for its version")),
        }
        let interfaces = Vec::new();
        self.section = Some(Section {
            big_endian,
            interfaces,
        });
        let used = length.into();
        Err(Stop::Skip { used })
    }
}

impl Section {
    fn describe<'a>(&mut self, body: &[u8], interfaces: &Interfaces, length: u32) -> Step<'a> {
        let place = self.interfaces.len();
        if place >= INTERFACES_LIMIT {
            return Err(Stop::corrupt("a section with too many interfaces"));
        }
        let Ok((_, interface)) =
            interface_description(body, endianness(self.big_endian), place, interfaces)
        else {
            return Err(Stop::corrupt("an interface description block is too short"));
        };
        self.interfaces.push(interface);
        let used = length.into();
        Err(Stop::Skip { used })
    }

    /// What the capture missed on an interface, if the block says so.
    fn statistics(&self, body: &[u8], used: u64) -> Stop {
        match statistics(body, endianness(self.big_endian)) {
            Ok((_, (interface, drops))) if (interface as usize) < self.interfaces.len() => {
                Stop::Lost {
                    used,
                    interface,
                    drops,
                }
            }
            _ => Stop::Skip { used },
        }
    }

    #[inline]
    fn frame<'a>(&self, packet: &Packet<'a>, number: u64, used: usize) -> Step<'a> {
        let Some(interface) = self.interfaces.get(packet.interface as usize) else {
            return Err(unknown_interface(packet.interface, self.interfaces.len()));
        };
        let captured_len = packet.captured_len;
        let captured_len = captured_len.unwrap_or_else(|| interface.cut(packet));
        let Some(data) = packet.rest.get(..captured_len as usize) else {
            return Err(overfull(captured_len, packet.rest.len()));
        };
        let frame = Frame {
            number,
            time: packet.ticks.map(|ticks| interface.clock.time(ticks)),
            link_type: interface.link_type,
            interface: interface.id,
            has_siblings: self.interfaces.len() > 1 || interface.link_type == LinkType::LINUX_SLL2,
            data,
            wire_len: packet.original_len.max(captured_len),
        };
        Ok((frame, used))
    }
}

impl Interface {
    /// How much of a simple packet was captured.
    fn cut(&self, packet: &Packet) -> u32 {
        let snap_len = match self.snap_len {
            0 => u32::MAX,
            limit => limit,
        };
        let room = u32::try_from(packet.rest.len()).unwrap_or(u32::MAX);
        packet.original_len.min(snap_len).min(room)
    }
}

/// Passes over a block that says nothing to us.
fn pass(bytes: &[u8], length: u32, big_endian: bool) -> Step<'_> {
    if length <= PASSED_LIMIT {
        body(bytes, length, big_endian, "a block")?;
    } else {
        check_length(length)?;
    }
    let used = length.into();
    Err(Stop::Skip { used })
}

/// What a block of this length holds between its head and its trailer.
#[inline]
fn body<'a>(
    bytes: &'a [u8],
    length: u32,
    big_endian: bool,
    what: &'static str,
) -> Result<&'a [u8], Stop> {
    check_length(length)?;
    if length > RECORD_LIMIT {
        return Err(oversized(length, what));
    }
    let need = length as usize;
    let Some(block) = bytes.get(..need) else {
        return Err(Stop::More { need, what });
    };
    let Some((block, trailer)) = block.split_last_chunk::<TRAILER_LEN>() else {
        return Err(impossible(length));
    };
    let [again] = words(trailer, big_endian);
    if again != length {
        return Err(disagreeing(length, again));
    }
    Ok(block.get(HEAD_LEN..).unwrap_or_default())
}

#[inline]
fn check_length(length: u32) -> Result<(), Stop> {
    let possible = length >= BLOCK_MIN && length.is_multiple_of(4);
    possible.then_some(()).ok_or_else(|| impossible(length))
}

#[inline]
fn enhanced_packet(body: &[u8], big_endian: bool) -> Option<Packet<'_>> {
    let (head, rest) = body.split_first_chunk::<20>()?;
    let [interface, high, low, captured_len, original_len] = words(head, big_endian);
    Some(Packet {
        interface,
        ticks: Some(ticks(high, low)),
        captured_len: Some(captured_len),
        original_len,
        rest,
    })
}

/// As an enhanced packet, but its first word is an interface and a count of drops.
fn obsolete_packet(body: &[u8], big_endian: bool) -> Option<Packet<'_>> {
    let packet = enhanced_packet(body, big_endian)?;
    let (interface, _drops) = body.split_first_chunk()?;
    let interface = if big_endian {
        u16::from_be_bytes(*interface)
    } else {
        u16::from_le_bytes(*interface)
    };
    Some(Packet {
        interface: interface.into(),
        ..packet
    })
}

fn simple_packet(body: &[u8], big_endian: bool) -> Option<Packet<'_>> {
    let (head, rest) = body.split_first_chunk::<4>()?;
    let [original_len] = words(head, big_endian);
    Some(Packet {
        interface: 0,
        ticks: None,
        captured_len: None,
        original_len,
        rest,
    })
}

#[inline]
fn ticks(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// The first interface, if it is not named, is the one that a pcap file does not name
/// either: the same frames give the same report in both formats.
fn unnamed(place: usize) -> String {
    match place {
        0 => String::new(),
        _ => format!("interface {place}"),
    }
}

fn interface_description<'a>(
    body: &'a [u8],
    order: Endianness,
    place: usize,
    interfaces: &Interfaces,
) -> IResult<&'a [u8], Interface, ()> {
    let (rest, (link_type, _reserved, snap_len)) =
        (u16(order), u16(order), u32(order)).parse(body)?;
    let (rest, options) = options(rest, order)?;
    let given = options.name.map(name).filter(|name| !name.is_empty());
    let name = given.unwrap_or_else(|| unnamed(place));
    let interface = Interface {
        id: interfaces.id(&name),
        link_type: LinkType(link_type),
        snap_len,
        clock: Clock::new(options.resolution.unwrap_or(6), options.offset.unwrap_or(0)),
    };
    Ok((rest, interface))
}

/// An interface and what it missed; an error where the block does not say.
fn statistics(body: &[u8], order: Endianness) -> IResult<&[u8], (u32, Drops), ()> {
    let (rest, (interface, _high, _low)) = (u32(order), u32(order), u32(order)).parse(body)?;
    let option = |bytes| option(bytes, order);
    let gather = |drops: (Option<u64>, Option<u64>), (code, value): (u16, &[u8])| {
        let count = number(value, order);
        match code {
            ISB_IFDROP => (count.or(drops.0), drops.1),
            ISB_OSDROP => (drops.0, count.or(drops.1)),
            _ => drops,
        }
    };
    let (rest, drops) = fold_many0(option, Default::default, gather).parse(rest)?;
    if drops == (None, None) {
        return Err(nom::Err::Error(()));
    }
    let drops = Drops {
        interface: drops.0.unwrap_or(0),
        kernel: drops.1.unwrap_or(0),
    };
    Ok((rest, (interface, drops)))
}

/// Some writers count a NUL at the end.
fn name(bytes: &[u8]) -> String {
    let name = String::from_utf8_lossy(&bytes[..bytes.len().min(NAME_LIMIT)]);
    name.trim_end_matches('\0').to_owned()
}

/// The options of an interface that matter here.
#[derive(Default)]
struct Options<'a> {
    name: Option<&'a [u8]>,
    resolution: Option<u8>,
    offset: Option<i64>,
}

impl<'a> Options<'a> {
    /// An option of the wrong length is passed over, as an unknown one is.
    fn with(mut self, (code, value): (u16, &'a [u8]), order: Endianness) -> Self {
        match (code, value) {
            (IF_NAME, name) => self.name = Some(name),
            (IF_TSRESOL, &[resolution]) => self.resolution = Some(resolution),
            (IF_TSOFFSET, value) => self.offset = offset(value, order).or(self.offset),
            _ => {}
        }
        self
    }
}

/// The options up to their end, or to the first that runs out of its block.
fn options<'a>(bytes: &'a [u8], order: Endianness) -> IResult<&'a [u8], Options<'a>, ()> {
    let option = |bytes| option(bytes, order);
    let gather = |options: Options<'a>, option| options.with(option, order);
    fold_many0(option, Options::default, gather).parse(bytes)
}

/// A code, a length, as many bytes, and padding to a multiple of four.
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

fn number(value: &[u8], order: Endianness) -> Option<u64> {
    let value = value.try_into().ok()?;
    Some(match order {
        Endianness::Big => u64::from_be_bytes(value),
        _ => u64::from_le_bytes(value),
    })
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clock {
    tick: Tick,
    offset_nanos: i128,
}

/// How long a tick is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tick {
    /// So many nanoseconds.
    Nanos(u64),
    /// The so-many-th part of a nanosecond.
    Part(u64),
    /// A second halved so many times.
    Halved(u32),
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Clock {
    /// A resolution is a negative power: of two if its high bit is set, else of ten.
    fn new(resolution: u8, offset_seconds: i64) -> Self {
        let power = u32::from(resolution & 0x7f);
        let tick = match (resolution & 0x80 != 0, power.checked_sub(9)) {
            (true, _) => Tick::Halved(power),
            (false, None) => Tick::Nanos(10_u64.pow(9 - power)),
            // No 64 bits of such ticks make a nanosecond.
            (false, Some(20..)) => Tick::Nanos(0),
            (false, Some(finer)) => Tick::Part(10_u64.pow(finer)),
        };
        Self {
            tick,
            offset_nanos: i128::from(offset_seconds) * i128::from(NANOS_PER_SECOND),
        }
    }

    /// 64 bits of ticks and of offset, in nanoseconds, are far from filling 128.
    #[inline]
    fn time(self, ticks: u64) -> Timestamp {
        let nanos = match self.tick {
            Tick::Nanos(nanos) => i128::from(ticks) * i128::from(nanos),
            Tick::Part(parts) => i128::from(ticks / parts),
            Tick::Halved(times) => (i128::from(ticks) * i128::from(NANOS_PER_SECOND)) >> times,
        };
        let nanos = (nanos + self.offset_nanos).clamp(i64::MIN.into(), i64::MAX.into());
        Timestamp(i64::try_from(nanos).unwrap_or_default())
    }
}

#[cold]
fn too_short() -> Stop {
    Stop::corrupt("a packet block is too short for what it must hold")
}

#[cold]
fn impossible(length: u32) -> Stop {
    Stop::Corrupt(format!(
        "a block claims {length} bytes, which no block can have"
    ))
}

#[cold]
fn oversized(length: u32, what: &str) -> Stop {
    Stop::Corrupt(format!(
        "{what} claims {length} bytes, more than the {RECORD_LIMIT} that one may have"
    ))
}

#[cold]
fn disagreeing(length: u32, again: u32) -> Stop {
    Stop::Corrupt(format!(
        "a block claims {length} bytes at its start and {again} at its end"
    ))
}

#[cold]
fn unknown_interface(place: u32, known: usize) -> Stop {
    Stop::Corrupt(format!(
        "a packet block names interface {place}, and its section describes {known}"
    ))
}

#[cold]
fn overfull(captured_len: u32, room: usize) -> Stop {
    Stop::Corrupt(format!(
        "a packet block claims {captured_len} captured bytes and has room for {room}"
    ))
}
