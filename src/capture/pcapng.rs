//! The next generation capture format, as draft-ietf-opsawg-pcapng describes it: blocks
//! that each tell their length, in sections that each have a byte order and interfaces.

use nom::number::Endianness;
use nom::number::complete::{u16, u32};
use nom::sequence::preceded;
use nom::{IResult, Parser, bytes::complete::take};

use super::losses::Stated;
use super::{
    Frame, InterfaceId, Interfaces, LinkType, NoFrame, RECORD_LIMIT, Step, Timestamp,
    check_new_file, check_original, endianness, is_odd, wire_len, words,
};

mod clock;
mod faults;
mod options;
mod passed;
pub mod writer;

use clock::Clock;
use faults::{disagreeing, impossible, overfull, oversized, too_short, unknown_interface};
use options::{drop_count, options_end, statistics};

/// The type of a section header block, the same in both byte orders.
pub(super) const MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// The drop count of an obsolete packet block whose writer does not know it.
const DROPS_UNKNOWN: u16 = 0xffff;

/// The type and length before a block's body.
const HEAD_LEN: usize = 8;
/// The length again, behind it.
const TRAILER_LEN: usize = 4;
const BLOCK_MIN: u32 = 12;
/// Most interfaces of a section, which bounds the memory that they take.
const INTERFACES_LIMIT: usize = 1 << 16;
/// The bytes of an interface's name that are kept.
const NAME_LIMIT: usize = 256;

/// A walk over a file of the next generation format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pcapng {
    /// Number of the last packet, or of the last block that Wireshark numbers as one.
    pub(super) numbered: u64,
    /// Time of the first packet that tells one.
    pub(super) first: Option<Timestamp>,
    /// The next block is read in spite of its flaw.
    pub(super) accepted: bool,
    /// Losses that were stated.
    pub(super) stated: Stated,
    section: Option<Section>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    big_endian: bool,
    interfaces: Vec<SectionInterface>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SectionInterface {
    id: InterfaceId,
    link_type: LinkType,
    snap_len: u32,
    clock: Clock,
}

/// Fields of a packet block, before its interface gives them meaning.
struct PacketBlock<'a> {
    interface: u32,
    ticks: Option<u64>,
    /// Bytes captured; a simple packet block does not say.
    captured_len: Option<u32>,
    original_len: u32,
    /// Packets lost before this one on its interface, as an obsolete packet block says.
    drops: Option<u64>,
    /// The captured bytes, the padding, the options.
    rest: &'a [u8],
}

impl Pcapng {
    #[inline]
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8], interfaces: &Interfaces) -> Step<'a> {
        let Some(head) = bytes.first_chunk::<12>() else {
            let (need, what) = (BLOCK_MIN as usize, "a block header");
            return Err(NoFrame::More { need, what });
        };
        if head.starts_with(&MAGIC) {
            return self.section_header(bytes, head);
        }
        let Some(section) = &self.section else {
            return Err(NoFrame::corrupt(
                "a block stands before the first section header",
            ));
        };
        let big_endian = section.big_endian;
        let [kind, length] = words(head, big_endian);
        if !matches!(kind, ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET) {
            return Err(self.other(bytes, kind, length, interfaces));
        }
        let body = body(bytes, length, big_endian, "a packet block")?;
        let packet = match kind {
            ENHANCED_PACKET => enhanced_packet(body, big_endian),
            SIMPLE_PACKET => simple_packet(body, big_endian),
            _ => obsolete_packet(body, big_endian),
        };
        let packet = packet.ok_or_else(too_short)?;
        self.frame(&packet, length as usize)
    }

    fn section_header<'a>(&mut self, bytes: &'a [u8], head: &[u8; 12]) -> Step<'a> {
        let big_endian = byte_order(head)
            .ok_or_else(|| NoFrame::corrupt("a section header without a byte-order magic"))?;
        let [_, length] = words(head, big_endian);
        let body = body(bytes, length, big_endian, "a section header block")?;
        match version(body, big_endian) {
            Some((1, _)) => {}
            Some((major, minor)) => {
                self.section = None;
                let what = format!("pcapng version {major}.{minor} is not supported");
                return Err(NoFrame::Corrupt(what));
            }
            None => {
                return Err(NoFrame::corrupt(
                    "a section header too short for its version",
                ));
            }
        }
        let interfaces = Vec::new();
        self.stated.next_section();
        self.section = Some(Section {
            big_endian,
            interfaces,
        });
        let used = length as usize;
        Err(NoFrame::Skip { used })
    }

    /// Reads a block that holds no packet.
    #[cold]
    fn other(&mut self, bytes: &[u8], kind: u32, length: u32, interfaces: &Interfaces) -> NoFrame {
        match self.read_other(bytes, kind, length, interfaces) {
            Ok(()) => NoFrame::Skip {
                used: length as usize,
            },
            Err(stop) => stop,
        }
    }

    fn read_other(
        &mut self,
        bytes: &[u8],
        kind: u32,
        length: u32,
        interfaces: &Interfaces,
    ) -> Result<(), NoFrame> {
        let Some(section) = &mut self.section else {
            return Ok(());
        };
        let big_endian = section.big_endian;
        let body = other_body(bytes, kind, length, big_endian)?;
        let accepted = std::mem::take(&mut self.accepted);
        match kind {
            INTERFACE_DESCRIPTION => section.describe(body, accepted, interfaces),
            INTERFACE_STATISTICS => {
                let known = section.interfaces.len();
                let stated = statistics(body, endianness(big_endian));
                match stated.filter(|&(interface, _)| (interface as usize) < known) {
                    Some((interface, drops)) => {
                        if let Some(drops) = drops {
                            self.stated.cumulative(interface, drops);
                        }
                        Ok(())
                    }
                    None if accepted => Ok(()),
                    None => Err(NoFrame::flaw("interface statistics that cannot be read")),
                }
            }
            _ => {
                if !accepted {
                    passed::check(kind, body, length, section)?;
                }
                self.numbered += u64::from(passed::is_numbered(kind));
                Ok(())
            }
        }
    }

    #[inline]
    fn frame<'a>(&mut self, packet: &PacketBlock<'a>, used: usize) -> Step<'a> {
        let interfaces = self.section.as_ref().map_or(&[][..], |it| &it.interfaces);
        let Some(interface) = interfaces.get(packet.interface as usize) else {
            return Err(unknown_interface(packet.interface, interfaces.len()));
        };
        let captured_len = packet.captured_len;
        let captured_len = captured_len.unwrap_or_else(|| interface.cut(packet));
        let Some(data) = packet.rest.get(..captured_len as usize) else {
            return Err(overfull(captured_len, packet.rest.len()));
        };
        let mut frame = Frame {
            number: self.numbered + 1,
            time: packet.ticks.map(|ticks| interface.clock.time(ticks)),
            link_type: interface.link_type,
            interface: interface.id,
            has_siblings: interfaces.len() > 1 || interface.link_type == LinkType::LINUX_SLL2,
            data,
            wire_len: packet.original_len,
        };
        let padded = data.len().next_multiple_of(4);
        if packet.rest.len() > padded
            || packet.drops.is_some()
            || captured_len > packet.original_len
            || is_odd(packet.original_len)
        {
            frame.wire_len = self.check(packet, captured_len, padded)?;
        }
        self.numbered += 1;
        if self.first.is_none() {
            self.first = frame.time;
        }
        Ok((frame, used))
    }

    /// Tells what is wrong with a packet block, if anything is, and takes in the drops that
    /// it counts. Gives the packet's length on the wire.
    #[cold]
    fn check(
        &mut self,
        packet: &PacketBlock<'_>,
        captured_len: u32,
        padded: usize,
    ) -> Result<u32, NoFrame> {
        let accepted = std::mem::take(&mut self.accepted);
        let original_len = packet.original_len;
        if original_len == 0 && captured_len == 0 {
            return Err(NoFrame::corrupt(
                "a packet block claims a packet of no bytes",
            ));
        }
        if captured_len > original_len && !accepted {
            return Err(NoFrame::flaw(format!(
                "a packet block claims {captured_len} captured bytes of a packet of {original_len}"
            )));
        }
        if !accepted {
            check_original(original_len, captured_len)?;
        }
        let big_endian = self.section.as_ref().is_some_and(|it| it.big_endian);
        let options = packet.rest.get(padded..).unwrap_or_default();
        let drops = match drop_count(options, endianness(big_endian)) {
            Ok(drops) => drops.or(packet.drops),
            Err(_) if accepted => packet.drops,
            Err(what) => return Err(NoFrame::flaw(what)),
        };
        if let Some(drops) = drops {
            self.stated.between(packet.interface, drops);
        }
        Ok(wire_len(original_len, captured_len))
    }

    /// Tells whether `bytes` begin with a block of a known type whose two lengths agree.
    pub(super) fn may_step(&self, bytes: &[u8]) -> bool {
        let (Some(head), Some(section)) = (bytes.first_chunk(), &self.section) else {
            return false;
        };
        let [kind, length] = words::<2, 8>(head, section.big_endian);
        let read = (INTERFACE_DESCRIPTION..=ENHANCED_PACKET).contains(&kind);
        (read || passed::is_known(kind))
            && body(bytes, length, section.big_endian, "a block").is_ok()
    }
}

/// Tells whether `bytes` begin with a section header of a version that is read.
pub(super) fn header_stands(bytes: &[u8]) -> bool {
    let order = bytes.first_chunk().and_then(byte_order);
    let body = bytes.get(HEAD_LEN..).unwrap_or_default();
    let version = order.and_then(|big_endian| version(body, big_endian));
    matches!(version, Some((1, _)))
}

/// The byte order that a section header tells: whether it is big-endian.
fn byte_order(head: &[u8; 12]) -> Option<bool> {
    [false, true]
        .into_iter()
        .find(|&big_endian| words::<3, _>(head, big_endian)[2] == BYTE_ORDER_MAGIC)
}

/// The major and minor version that the body of a section header tells.
fn version(body: &[u8], big_endian: bool) -> Option<(u16, u16)> {
    let order = endianness(big_endian);
    let mut version = preceded(take::<_, _, ()>(4_usize), (u16(order), u16(order)));
    version.parse(body).ok().map(|(_, version)| version)
}

impl Section {
    fn describe(
        &mut self,
        body: &[u8],
        accepted: bool,
        interfaces: &Interfaces,
    ) -> Result<(), NoFrame> {
        let place = self.interfaces.len();
        if place >= INTERFACES_LIMIT {
            return Err(NoFrame::corrupt("a section with too many interfaces"));
        }
        let order = endianness(self.big_endian);
        let description = interface_description(body, order, place, interfaces);
        let Ok((rest, (interface, is_odd))) = description else {
            return Err(NoFrame::corrupt(
                "an interface description block is too short",
            ));
        };
        if is_odd && !accepted {
            return Err(NoFrame::flaw(
                "an interface description block with an option of another length than it has",
            ));
        }
        if !accepted && !options_end(rest) {
            return Err(NoFrame::flaw(
                "an interface description block whose options run out of it",
            ));
        }
        self.interfaces.push(interface);
        Ok(())
    }
}

impl SectionInterface {
    /// Number of bytes captured of a simple packet.
    fn cut(&self, packet: &PacketBlock) -> u32 {
        let snap_len = match self.snap_len {
            0 => u32::MAX,
            limit => limit,
        };
        let room = u32::try_from(packet.rest.len()).unwrap_or(u32::MAX);
        packet.original_len.min(snap_len).min(room)
    }
}

/// Body of a block of this length, between its head and its trailer.
#[inline]
fn body<'a>(
    bytes: &'a [u8],
    length: u32,
    big_endian: bool,
    what: &'static str,
) -> Result<&'a [u8], NoFrame> {
    check_length(length)?;
    if length > RECORD_LIMIT {
        return Err(oversized(length, what));
    }
    let need = length as usize;
    let Some(block) = bytes.get(..need) else {
        return Err(NoFrame::More { need, what });
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

/// The body of a block that holds no packet.
fn other_body(bytes: &[u8], kind: u32, length: u32, big_endian: bool) -> Result<&[u8], NoFrame> {
    let what = match kind {
        INTERFACE_DESCRIPTION => "an interface description block",
        INTERFACE_STATISTICS => "an interface statistics block",
        _ => {
            check_new_file(bytes)?;
            "a block"
        }
    };
    body(bytes, length, big_endian, what)
}

#[inline]
fn check_length(length: u32) -> Result<(), NoFrame> {
    let possible = length >= BLOCK_MIN && length.is_multiple_of(4);
    possible.then_some(()).ok_or_else(|| impossible(length))
}

#[inline]
fn enhanced_packet(body: &[u8], big_endian: bool) -> Option<PacketBlock<'_>> {
    let (head, rest) = body.split_first_chunk::<20>()?;
    let [interface, high, low, captured_len, original_len] = words(head, big_endian);
    Some(PacketBlock {
        interface,
        ticks: Some(ticks(high, low)),
        captured_len: Some(captured_len),
        original_len,
        drops: None,
        rest,
    })
}

/// As an enhanced packet, but its first word is an interface and a count of drops.
fn obsolete_packet(body: &[u8], big_endian: bool) -> Option<PacketBlock<'_>> {
    let packet = enhanced_packet(body, big_endian)?;
    let order = endianness(big_endian);
    let mut head = (u16::<_, ()>(order), u16(order));
    let (_, (interface, drops)) = head.parse(body).ok()?;
    Some(PacketBlock {
        interface: interface.into(),
        drops: (drops != DROPS_UNKNOWN && drops > 0).then(|| drops.into()),
        ..packet
    })
}

fn simple_packet(body: &[u8], big_endian: bool) -> Option<PacketBlock<'_>> {
    let (head, rest) = body.split_first_chunk::<4>()?;
    let [original_len] = words(head, big_endian);
    Some(PacketBlock {
        interface: 0,
        ticks: None,
        captured_len: None,
        original_len,
        drops: None,
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

/// An interface, and whether an option has a length that it cannot have.
fn interface_description<'a>(
    body: &'a [u8],
    order: Endianness,
    place: usize,
    interfaces: &Interfaces,
) -> IResult<&'a [u8], (SectionInterface, bool), ()> {
    let (rest, (link_type, _reserved, snap_len)) =
        (u16(order), u16(order), u32(order)).parse(body)?;
    let (rest, options) = options::of_interface(rest, order)?;
    let given = options.name.map(name).filter(|name| !name.is_empty());
    let name = given.unwrap_or_else(|| unnamed(place));
    let interface = SectionInterface {
        id: interfaces.id(&name),
        link_type: LinkType(link_type),
        snap_len,
        clock: Clock::new(options.resolution.unwrap_or(6), options.offset.unwrap_or(0)),
    };
    Ok((rest, (interface, options.is_odd)))
}

/// Some writers count a NUL at the end.
fn name(bytes: &[u8]) -> String {
    let name = String::from_utf8_lossy(&bytes[..bytes.len().min(NAME_LIMIT)]);
    name.trim_end_matches('\0').to_owned()
}
