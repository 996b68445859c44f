//! Blocks that hold no packet and are passed over, and which of them Wireshark numbers.
//!
//! Damage to a block's type makes another block of a packet's. So a block is passed over
//! in silence only if its type is one that never holds a packet, and its body is what that
//! type has, as far as that costs little to tell.

use memchr::memmem;
use nom::number::Endianness;
use nom::number::complete::u32;
use nom::{Parser, combinator::verify};

use super::options::{behind, drop_count, options_end, statistics};
use super::{
    ENHANCED_PACKET, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS, OBSOLETE_PACKET, SIMPLE_PACKET,
    Section, enhanced_packet, interface_description, obsolete_packet, simple_packet,
};
use crate::capture::{Interfaces, NoFrame, endianness};

const NAME_RESOLUTION: u32 = 4;
const JOURNAL: u32 = 9;
const DECRYPTION_SECRETS: u32 = 0xa;
const HONE_MACHINE: u32 = 0x101;
const HONE_CONNECTION: u32 = 0x102;
const CUSTOM: u32 = 0x0bad;
const CUSTOM_NOT_COPIED: u32 = 0x4000_0bad;
/// Machine information, the first of sysdig's blocks.
const SYSDIG_FIRST: u32 = 0x201;
/// The second version of events with flags and a large payload, the last of them.
const SYSDIG_LAST: u32 = 0x222;
/// Sysdig's events without flags, in three versions.
const SYSDIG_EVENTS: [u32; 3] = [0x204, 0x216, 0x221];

/// First of the types that anyone may use.
const LOCAL_USE_FIRST: u32 = 0x8000_0000;
/// Types of blocks that are read: interfaces, three kinds of packets, statistics.
const READ: [u32; 5] = [
    INTERFACE_DESCRIPTION,
    OBSOLETE_PACKET,
    SIMPLE_PACKET,
    INTERFACE_STATISTICS,
    ENHANCED_PACKET,
];
/// The last of the types that differ from those that are read in their last byte alone,
/// and are told by their bodies.
const LAST_SMALL: u32 = 0xff;

/// The field that every entry of systemd's journal has.
const JOURNAL_FIELD: &[u8] = b"__REALTIME_TIMESTAMP=";

/// Tells whether blocks of this type are known to hold no packet.
pub(super) fn is_known(kind: u32) -> bool {
    matches!(
        kind,
        NAME_RESOLUTION
            | JOURNAL
            | DECRYPTION_SECRETS
            | HONE_MACHINE
            | HONE_CONNECTION
            | CUSTOM
            | CUSTOM_NOT_COPIED
            | SYSDIG_FIRST..=SYSDIG_LAST
    ) || (kind >= LOCAL_USE_FIRST && may_be(kind).is_none())
}

/// The type of blocks that are read, from which one damaged byte makes this one.
fn may_be(kind: u32) -> Option<u32> {
    let is_near = |read: &u32| {
        let differing = (kind ^ read).to_be_bytes();
        differing.iter().filter(|&&byte| byte != 0).count() == 1
    };
    READ.into_iter().find(is_near).filter(|_| kind > LAST_SMALL)
}

/// Tells whether Wireshark (4.0 to 4.4) gives blocks of this type a number among the
/// packets.
pub(super) fn is_numbered(kind: u32) -> bool {
    matches!(kind, JOURNAL | CUSTOM | CUSTOM_NOT_COPIED) || SYSDIG_EVENTS.contains(&kind)
}

/// Tells what is wrong with a block of `length` bytes, if anything is.
///
/// # Errors
/// [`NoFrame::Flaw`].
pub(super) fn check(kind: u32, body: &[u8], length: u32, section: &Section) -> Result<(), NoFrame> {
    let order = endianness(section.big_endian);
    let stands = match kind {
        NAME_RESOLUTION => names_stand(body, order),
        DECRYPTION_SECRETS => secrets_stand(body, order),
        JOURNAL => memmem::find(body, JOURNAL_FIELD).is_some(),
        CUSTOM | CUSTOM_NOT_COPIED | LOCAL_USE_FIRST.. if holds_packet(body, section) => {
            let what = format!("a block of type {kind:#x} holds a packet, which is not read");
            let unread = length as usize;
            return Err(NoFrame::Flaw { what, unread });
        }
        _ => may_be(kind).is_none_or(|read| !reads_as(read, body, section)),
    };
    let what = match (is_known(kind), stands) {
        (true, true) => return Ok(()),
        (true, false) => format!("a block of type {kind:#x} does not hold what its type says"),
        (false, _) => format!("a block of type {kind:#x}, which is not known"),
    };
    let unread = length as usize;
    Err(NoFrame::Flaw { what, unread })
}

/// Records, which have the shape of options, then options.
fn names_stand(body: &[u8], order: Endianness) -> bool {
    match behind(body, order) {
        [0, 0, _, _, options @ ..] => options_end(behind(options, order)),
        rest => rest.is_empty(),
    }
}

/// A type, a length, as many bytes, then options.
fn secrets_stand(body: &[u8], order: Endianness) -> bool {
    let fits = |&length: &u32| length as usize <= body.len();
    let mut head = (u32::<_, ()>(order), verify(u32(order), fits));
    let Ok((rest, (_type, length))) = head.parse(body) else {
        return false;
    };
    let options = rest.get((length as usize).next_multiple_of(4)..);
    options.is_some_and(|options| options_end(behind(options, order)))
}

/// Tests that what anyone may fill holds the body of a packet's block, or all of one, behind the
/// number of an enterprise or some words more.
fn holds_packet(body: &[u8], section: &Section) -> bool {
    const MOST_WORDS: usize = 8;
    let places = (0..=MOST_WORDS).filter_map(|word| body.get(4 * word..));
    // A whole block has its length at its end as well.
    let ends = places.flat_map(|place| [place, &place[..place.len().saturating_sub(4)]]);
    let reads = |place: &[u8]| {
        let packets = [ENHANCED_PACKET, OBSOLETE_PACKET];
        packets.iter().any(|&kind| reads_as(kind, place, section))
    };
    ends.filter(|place| !place.is_empty()).any(reads) || holds_simple_packet(body, section)
}

/// The same of a simple packet's block, which has so few fields that its body is told only by
/// its filling all of the other one, or all behind the number of an enterprise.
fn holds_simple_packet(body: &[u8], section: &Section) -> bool {
    let order = endianness(section.big_endian);
    let word = |bytes| u32::<&[u8], ()>(order).parse(bytes);
    let is_whole = |block| {
        let (rest, kind) = word(block).ok()?;
        let (rest, length) = word(rest).ok()?;
        let inner = rest.get(..(length as usize).checked_sub(12)?)?;
        let (_, again) = word(&rest[inner.len()..]).ok()?;
        let is_block = kind == SIMPLE_PACKET && again == length;
        (is_block && is_simple_packet(inner, section)).then_some(())
    };
    let mut words = (0..body.len()).step_by(4);
    let mut bodies = body.get(..).into_iter().chain(body.get(4..));
    words.any(|at| is_whole(&body[at..]).is_some())
        || bodies.any(|body| is_simple_packet(body, section))
}

/// Tests that a simple packet's block has this body, and no more.
fn is_simple_packet(body: &[u8], section: &Section) -> bool {
    let Some((packet, interface)) =
        simple_packet(body, section.big_endian).zip(section.interfaces.first())
    else {
        return false;
    };
    let len = interface.cut(&packet);
    let is_cut = len == interface.snap_len;
    let fills = len.next_multiple_of(4) as usize == packet.rest.len();
    len > 0 && fills && (is_cut || len == packet.original_len)
}

/// Tests that a body is that of a block of this type in a section.
fn reads_as(kind: u32, body: &[u8], section: &Section) -> bool {
    let (big_endian, known) = (section.big_endian, section.interfaces.len());
    let order = endianness(big_endian);
    let packet = match kind {
        ENHANCED_PACKET => enhanced_packet(body, big_endian),
        SIMPLE_PACKET => simple_packet(body, big_endian),
        OBSOLETE_PACKET => obsolete_packet(body, big_endian),
        INTERFACE_STATISTICS => {
            let stated = statistics(body, order);
            return stated.is_some_and(|(interface, _)| (interface as usize) < known);
        }
        _ => {
            let read = interface_description(body, order, known, &Interfaces::default());
            return read.is_ok_and(|(rest, (_, is_odd))| !is_odd && options_end(rest));
        }
    };
    packet.is_some_and(|packet| {
        let len = packet.captured_len.unwrap_or(packet.original_len);
        let behind = packet.rest.get(len.next_multiple_of(4) as usize..);
        (packet.interface as usize) < known
            && (1..=packet.original_len).contains(&len)
            && behind.is_some_and(|behind| drop_count(behind, order).is_ok())
    })
}
