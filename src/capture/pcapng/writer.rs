//! Blocks of the next generation format, encoded behind what a buffer holds already.
//!
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>. A file is a section
//! header, a description of each interface, and then packets and statistics, in the byte
//! order of a little-endian machine and with times in nanoseconds.

use super::options::{IF_DESCRIPTION, IF_NAME, IF_TSRESOL, ISB_IFDROP, ISB_OSDROP};
use super::{
    BYTE_ORDER_MAGIC, ENHANCED_PACKET, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS, MAGIC,
};
use crate::capture::losses::Drops;
use crate::capture::{Frame, LinkType};

const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const ISB_FILTERACCEPT: u16 = 6;
const ISB_USRDELIV: u16 = 8;
/// Name of the program before its version.
const APPLICATION: &str = "plainsight ";
/// A resolution of 10 to the power of minus 9.
const NANOSECONDS: u8 = 9;

/// An interface, as its description block tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceBlock {
    /// Its name, which no other in the section need have; empty for none.
    pub name: String,
    /// Description of it; empty for none.
    pub description: String,
    /// Type of the first header of its packets.
    pub link_type: LinkType,
    /// Bytes kept of each packet; 0 for no limit.
    pub snap_length: u32,
}

/// Begins a section, whose length is not stated, for it is not known yet.
pub fn section_header(out: &mut Vec<u8>) {
    block(out, u32::from_le_bytes(MAGIC), |body| {
        words(body, [BYTE_ORDER_MAGIC]);
        body.extend([1_u16, 0].map(u16::to_le_bytes).concat());
        body.extend([0xff; 8]);
        let application = format!("{APPLICATION}{}", env!("CARGO_PKG_VERSION"));
        option(body, SHB_USERAPPL, application.as_bytes());
        end_of_options(body);
    });
}

/// Tests that a file begins with a section of this program, of whatever version.
#[must_use]
pub fn is_written_here(head: &[u8]) -> bool {
    let mut own = Vec::new();
    section_header(&mut own);
    // The lengths of the block and of the name are those of the version.
    let same = [0..4, 8..26, 28..28 + APPLICATION.len()];
    same.into_iter()
        .all(|bytes| head.get(bytes.clone()) == Some(&own[bytes]))
}

/// Describes the section's next interface.
pub fn interface_description(out: &mut Vec<u8>, interface: &InterfaceBlock) {
    block(out, INTERFACE_DESCRIPTION, |body| {
        let link_type = u32::from(interface.link_type.0);
        words(body, [link_type, interface.snap_length]);
        let texts = [
            (IF_NAME, &interface.name),
            (IF_DESCRIPTION, &interface.description),
        ];
        for (code, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            option(body, code, text.as_bytes());
        }
        option(body, IF_TSRESOL, &[NANOSECONDS]);
        end_of_options(body);
    });
}

/// Adds a packet of the interface at a place of the section. A time before 1970 is written
/// as 1970, and so is none. An empty comment is left out.
pub fn enhanced_packet(out: &mut Vec<u8>, interface: u32, frame: &Frame<'_>, comment: &str) {
    let time = frame.time.map_or(0, |time| time.0.max(0).cast_unsigned());
    let captured = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
    block(out, ENHANCED_PACKET, |body| {
        words(
            body,
            [interface, high(time), low(time), captured, frame.wire_len],
        );
        padded(body, frame.data);
        if !comment.is_empty() {
            option(body, OPT_COMMENT, comment.as_bytes());
            end_of_options(body);
        }
    });
}

/// States what an interface dropped and how many packets of it are in the file, both up to
/// this place; of what is not known, nothing. The block has no time.
pub fn interface_statistics(
    out: &mut Vec<u8>,
    interface: u32,
    packets: u64,
    drops: Drops,
    comment: &str,
) {
    block(out, INTERFACE_STATISTICS, |body| {
        words(body, [interface, 0, 0]);
        if !comment.is_empty() {
            option(body, OPT_COMMENT, comment.as_bytes());
        }
        if let Some(dropped) = drops.interface {
            count(body, ISB_IFDROP, dropped);
        }
        count(body, ISB_FILTERACCEPT, packets.saturating_add(drops.kernel));
        count(body, ISB_OSDROP, drops.kernel);
        count(body, ISB_USRDELIV, packets);
        end_of_options(body);
    });
}

/// Adds a block, whose length stands at both its ends.
fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    words(out, [kind, 0]);
    body(out);
    let len = u32::try_from(out.len() - start + 4).unwrap_or(u32::MAX);
    words(out, [len]);
    out[start + 4..start + 8].copy_from_slice(&len.to_le_bytes());
}

fn words<const N: usize>(out: &mut Vec<u8>, words: [u32; N]) {
    for word in words {
        out.extend(word.to_le_bytes());
    }
}

fn padded(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes);
    let padding = bytes.len().next_multiple_of(4) - bytes.len();
    out.extend(&[0; 3][..padding]);
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend([code, len].map(u16::to_le_bytes).concat());
    padded(out, value);
}

fn count(out: &mut Vec<u8>, code: u16, count: u64) {
    option(out, code, &count.to_le_bytes());
}

fn end_of_options(out: &mut Vec<u8>) {
    words(out, [0]);
}

#[allow(clippy::cast_possible_truncation, reason = "the half that is wanted")]
fn high(time: u64) -> u32 {
    (time >> 32) as u32
}

#[allow(clippy::cast_possible_truncation, reason = "the half that is wanted")]
fn low(time: u64) -> u32 {
    time as u32
}
