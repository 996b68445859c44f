//! Blocks that hold no packet and are passed over, and which of them Wireshark numbers.
//!
//! Damage to a block's type makes another block of a packet's. So a block is passed over
//! in silence only if its type is one that never holds a packet, and its body is what that
//! type has, as far as that costs little to tell.

use memchr::memmem;
use nom::number::Endianness;
use nom::number::complete::u32;
use nom::{Parser, combinator::verify};

use super::options::{behind, options_end};
use crate::capture::NoFrame;

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
    )
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
pub(super) fn check(kind: u32, body: &[u8], length: u32, order: Endianness) -> Result<(), NoFrame> {
    let stands = match kind {
        NAME_RESOLUTION => names_stand(body, order),
        DECRYPTION_SECRETS => secrets_stand(body, order),
        JOURNAL => memmem::find(body, JOURNAL_FIELD).is_some(),
        _ => true,
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
