//! The classic capture format, as draft-ietf-opsawg-pcap describes it: a file header,
//! then packet records, all in the byte order of the host that wrote them.

use nom::Parser;
use nom::bytes::complete::take;
use nom::number::Endianness;
use nom::number::complete::{u16, u32};

use super::{
    FILE_HEADER_LEN, Frame, InterfaceId, Interfaces, LinkType, NoFrame, RECORD_LIMIT, Step,
    Timestamp, check_new_file, check_original, endianness, is_odd, wire_len, words,
};

const RECORD_HEADER_LEN: usize = 16;
/// With the index and type of the interface, the protocol and the packet's direction.
const MODIFIED_RECORD_HEADER_LEN: usize = 24;

/// The longest packet that readers accept whatever the file header says; libpcap's
/// `MAXIMUM_SNAPLEN`.
const SNAP_LEN_LIMIT: u32 = 262_144;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Alexey Kuznetsov's format, with more in each record header; not in the draft.
const MODIFIED: u32 = 0xa1b2_cd34;

const NANOS_PER_SECOND: u32 = 1_000_000_000;

/// A walk over a file of the classic format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcap {
    /// Number of the last packet.
    pub(super) numbered: u64,
    /// Time of the first packet.
    pub(super) first: Option<Timestamp>,
    /// The next record is read in spite of its flaw.
    pub(super) accepted: bool,
    big_endian: bool,
    nanos_per_tick: u32,
    ticks_per_second: u32,
    record_header_len: usize,
    header: Option<FileHeader>,
}

/// Properties of all records, from the file header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileHeader {
    captured_limit: u32,
    /// Up to version 2.3, writers disagreed about which of the two lengths comes first.
    lengths_may_be_swapped: bool,
    link_type: LinkType,
    interface: InterfaceId,
}

impl Pcap {
    pub(super) fn detect(magic: [u8; 4]) -> Option<Self> {
        let variant = |magic| match magic {
            MICROSECONDS => Some((1_000, RECORD_HEADER_LEN)),
            NANOSECONDS => Some((1, RECORD_HEADER_LEN)),
            MODIFIED => Some((1_000, MODIFIED_RECORD_HEADER_LEN)),
            _ => None,
        };
        let little = variant(u32::from_le_bytes(magic)).map(|variant| (false, variant));
        let big = || variant(u32::from_be_bytes(magic)).map(|variant| (true, variant));
        let (big_endian, (nanos_per_tick, record_header_len)) = little.or_else(big)?;
        Some(Self {
            numbered: 0,
            first: None,
            accepted: false,
            big_endian,
            nanos_per_tick,
            ticks_per_second: NANOS_PER_SECOND / nanos_per_tick,
            record_header_len,
            header: None,
        })
    }

    #[inline(always)]
    pub(super) fn step<'a>(&mut self, bytes: &'a [u8], interfaces: &Interfaces) -> Step<'a> {
        match self.header {
            Some(header) => self.record(bytes, header),
            None => self.file_header(bytes, interfaces),
        }
    }

    #[inline(always)]
    fn record<'a>(&mut self, bytes: &'a [u8], header: FileHeader) -> Step<'a> {
        let start = self.record_header_len;
        let (Some(head), true) = (bytes.first_chunk::<16>(), bytes.len() >= start) else {
            let what = "a packet record header";
            return Err(NoFrame::More { need: start, what });
        };
        let [seconds, fraction, mut captured_len, mut original_len] = words(head, self.big_endian);
        if header.lengths_may_be_swapped && captured_len > original_len {
            std::mem::swap(&mut captured_len, &mut original_len);
        }
        let mut wire_len = original_len;
        if captured_len > header.captured_limit.min(original_len)
            || is_odd(original_len)
            || fraction >= self.ticks_per_second
            || is_half_a_magic(seconds)
        {
            wire_len = self.check(bytes, [fraction, captured_len, original_len], header)?;
        }
        let used = start + captured_len as usize;
        let Some(data) = bytes.get(start..used) else {
            let what = "a packet record";
            return Err(NoFrame::More { need: used, what });
        };
        self.numbered += 1;
        let time = self.timestamp(seconds, fraction);
        self.first.get_or_insert(time);
        let frame = Frame {
            number: self.numbered,
            time: Some(time),
            link_type: header.link_type,
            interface: header.interface,
            has_siblings: header.link_type == LinkType::LINUX_SLL2,
            data,
            wire_len,
        };
        Ok((frame, used))
    }

    /// Tells what is wrong with a record header, if anything is; gives the packet's length on
    /// the wire.
    #[cold]
    fn check(&mut self, bytes: &[u8], words: [u32; 3], header: FileHeader) -> Result<u32, NoFrame> {
        let [fraction, captured_len, original_len] = words;
        let accepted = std::mem::take(&mut self.accepted);
        check_new_file(bytes)?;
        if captured_len > header.captured_limit {
            return Err(oversized(captured_len, header.captured_limit));
        }
        if original_len == 0 && captured_len == 0 {
            return Err(NoFrame::corrupt(
                "a packet record claims a packet of no bytes",
            ));
        }
        let wire_len = wire_len(original_len, captured_len);
        if accepted {
            return Ok(wire_len);
        }
        if captured_len > original_len {
            return Err(NoFrame::flaw(format!(
                "a packet record claims {captured_len} captured bytes of a packet of {original_len}"
            )));
        }
        check_original(original_len, captured_len)?;
        if fraction >= self.ticks_per_second {
            return Err(NoFrame::flaw(
                "a packet record claims a fraction of a second above one",
            ));
        }
        Ok(wire_len)
    }

    /// Before the file header, no record can.
    pub(super) fn may_step(&self) -> bool {
        self.header.is_some()
    }

    /// Tells whether `bytes` begin with a file header of a version that is read.
    pub(super) fn header_stands(&self, bytes: &[u8]) -> bool {
        let fields = fields(bytes, endianness(self.big_endian));
        fields.is_some_and(|fields| matches!(fields.version, (2, ..=4)))
    }

    /// No 32 bits of each leave the range of 64.
    #[inline]
    fn timestamp(&self, seconds: u32, fraction: u32) -> Timestamp {
        let nanos = i64::from(fraction) * i64::from(self.nanos_per_tick);
        Timestamp(i64::from(seconds) * 1_000_000_000 + nanos)
    }

    fn file_header<'a>(&mut self, bytes: &'a [u8], interfaces: &Interfaces) -> Step<'a> {
        let Some(HeaderFields {
            version,
            snap_len,
            network,
        }) = fields(bytes, endianness(self.big_endian))
        else {
            let (need, what) = (FILE_HEADER_LEN, "the file header");
            return Err(NoFrame::More { need, what });
        };
        let (major, minor) = version;
        if major != 2 {
            let what = format!("pcap version {major}.{minor} is not supported");
            return Err(NoFrame::Corrupt(what));
        }
        self.header = Some(FileHeader {
            captured_limit: snap_len.clamp(SNAP_LEN_LIMIT, RECORD_LIMIT),
            lengths_may_be_swapped: minor <= 3,
            link_type: link_type(network),
            interface: interfaces.id(""),
        });
        let used = FILE_HEADER_LEN;
        Err(NoFrame::Skip { used })
    }
}

/// Tells whether the first word of a record may be the magic of a file, in either byte
/// order: in seconds, the year 2055 or one in 65,536.
#[inline]
fn is_half_a_magic(seconds: u32) -> bool {
    seconds >> 16 == 0xa1b2 || seconds & 0xffff == 0xb2a1
}

#[cold]
fn oversized(captured_len: u32, limit: u32) -> NoFrame {
    NoFrame::Corrupt(format!(
        "a packet record claims {captured_len} bytes, more than the {limit} that one may have"
    ))
}

struct HeaderFields {
    version: (u16, u16),
    snap_len: u32,
    network: u32,
}

fn fields(bytes: &[u8], order: Endianness) -> Option<HeaderFields> {
    let magic = take::<_, _, ()>(4_usize);
    let time_zone_and_accuracy = take(8_usize);
    let version = (u16(order), u16(order));
    let rest = (u32(order), u32(order));
    let mut header = (magic, version, time_zone_and_accuracy, rest);
    let (_, (_, version, _, (snap_len, network))) = header.parse(bytes).ok()?;
    Some(HeaderFields {
        version,
        snap_len,
        network,
    })
}

/// The bits above tell of a frame check sequence, or are reserved.
fn link_type(network: u32) -> LinkType {
    let [.., high, low] = network.to_be_bytes();
    LinkType(u16::from_be_bytes([high, low]))
}
