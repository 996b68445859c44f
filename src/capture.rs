//! Sources of packets: frames, and the packets lost on the way to the capture.
//!
//! A capture is read as a sequence of [`Frame`]s that borrow from the reader's
//! buffer. The formats ([`pcap`], [`pcapng`]) never read anything themselves: each is
//! a [`Format`] that is shown bytes and answers with a [`Step`], so the same code
//! walks a pipe, a file and a piece of a file.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Mutex;

use foldhash::fast::FixedState;
use losses::Stated;
use nom::number::Endianness;
use serde::{Deserialize, Serialize};

#[cfg(feature = "live")]
pub mod live;
pub mod losses;
pub mod pcap;
pub mod pcapng;
pub mod pieces;
mod resync;
pub mod stream;

/// A moment, in nanoseconds since 1970-01-01 00:00:00 UTC, saturating at the ends
/// of what 64 bits hold (the years 1677 and 2262).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

/// A link-layer header type, as numbered by the registry at
/// <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkType(pub u16);

/// Name as libpcap knows it, and number: "link type NFLOG (239)". Without libpcap there is the
/// number alone.
impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "live")]
        if let Ok(name) = ::pcap::Linktype(self.0.into()).get_name() {
            return write!(f, "link type {name} ({})", self.0);
        }
        write!(f, "link type {}", self.0)
    }
}

impl LinkType {
    /// BSD loopback: the protocol family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// IEEE 802.3 Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP, as some capture libraries wrote it before 101 was registered.
    pub const RAW_BSD: Self = Self(12);
    /// The same, on OpenBSD.
    pub const RAW_OPENBSD: Self = Self(14);
    /// Raw IP: version 4 or 6 by the first nibble.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: the protocol family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// An interface of a run: a hash of its name, so that it does not matter which capture
/// spoke of it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InterfaceId(pub u64);

impl InterfaceId {
    /// The interface of this name. The empty name is that of a capture that does not
    /// name its interface.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(FixedState::with_seed(0).hash_one(name))
    }
}

/// The names of the interfaces that the run's captures speak of, each once.
///
/// Two files that name an interface alike mean the same one, so a ring of files is
/// one capture. At most [`Interfaces::LIMIT`] names are kept.
#[derive(Debug, Default)]
pub struct Interfaces(Mutex<BTreeMap<InterfaceId, String>>);

impl Interfaces {
    /// Number of names kept: those of the lowest numbers, whatever the order.
    pub const LIMIT: usize = 4096;

    /// The identifier of `name`, which is kept.
    ///
    /// # Panics
    /// Never: the lock is held for no call that could panic.
    pub fn id(&self, name: &str) -> InterfaceId {
        let id = InterfaceId::of(name);
        let mut names = self.0.lock().expect("no holder panics");
        names.entry(id).or_insert_with(|| name.to_owned());
        if names.len() > Self::LIMIT {
            names.pop_last();
        }
        id
    }

    /// All names that were kept.
    ///
    /// # Panics
    /// Never: the lock is held for no call that could panic.
    pub fn names(&self) -> BTreeMap<InterfaceId, String> {
        self.0.lock().expect("no holder panics").clone()
    }
}

/// One captured packet, still in the reader's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its place among the file's packets, from 1, as Wireshark counts.
    pub number: u64,
    /// Time of the capture; a pcapng simple packet block has none.
    pub time: Option<Timestamp>,
    /// Type of the header at its first byte.
    pub link_type: LinkType,
    /// Interface that captured it.
    pub interface: InterfaceId,
    /// True if its capture may hold the same packet once more, from another interface: it
    /// describes several, or packets that name theirs (`LINKTYPE_LINUX_SLL2`).
    pub has_siblings: bool,
    /// The bytes captured, from the link-layer header on.
    pub data: &'a [u8],
    /// Its length on the wire, in bytes: at least `data.len()`.
    pub wire_len: u32,
}

/// The most bytes that one packet's record may take, whatever its capture claims:
/// what bounds a reader's buffer.
pub const RECORD_LIMIT: u32 = 16 << 20;

/// The most bytes of a packet on the wire that a record is believed, if it does not hold
/// half of them itself: no packet of Linux, segments put together included, has more.
const ORIGINAL_LIMIT: u32 = 512 << 10;

/// Tells whether a packet's length on the wire is zero or beyond [`ORIGINAL_LIMIT`].
#[inline]
fn is_odd(original_len: u32) -> bool {
    original_len.wrapping_sub(1) >= ORIGINAL_LIMIT
}

/// The length on the wire that is believed, where a record claims these two.
fn wire_len(original_len: u32, captured_len: u32) -> u32 {
    let limit = ORIGINAL_LIMIT.max(captured_len.saturating_mul(2));
    if original_len > limit {
        captured_len
    } else {
        original_len.max(captured_len)
    }
}

/// Tells of a packet that is longer on the wire than any.
///
/// # Errors
/// [`NoFrame::Flaw`].
fn check_original(original_len: u32, captured_len: u32) -> Result<(), NoFrame> {
    if wire_len(original_len, captured_len) >= original_len {
        return Ok(());
    }
    Err(NoFrame::flaw(format!(
        "{captured_len} captured bytes of a packet of {original_len}, which none has"
    )))
}

/// A capture format, and how far its walk has come.
///
/// A clone is a walk of its own from the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// The classic format, with one link type for the whole file.
    Pcap(pcap::Pcap),
    /// The format of blocks, which may tell of several interfaces.
    Pcapng(pcapng::Pcapng),
}

impl Format {
    /// The format that a capture's first four bytes tell, before its first step.
    #[must_use]
    pub fn detect(magic: &[u8]) -> Option<Self> {
        let magic = *magic.first_chunk()?;
        let pcapng = || (magic == pcapng::MAGIC).then(pcapng::Pcapng::default);
        pcap::Pcap::detect(magic)
            .map(Self::Pcap)
            .or_else(|| pcapng().map(Self::Pcapng))
    }

    /// Offset at which a capture may begin in these bytes. Behind the first ones, where chance
    /// makes a few bytes of anything, its header must stand.
    #[must_use]
    pub fn starts_in(bytes: &[u8]) -> Option<usize> {
        const FIRST: usize = 512;
        let is_order =
            |at: &[u8]| matches!(at, [0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a]);
        (0..bytes.len()).find(|&at| match Self::detect(&bytes[at..]) {
            Some(_) if at >= FIRST => file_begins(&bytes[at..]).is_some(),
            Some(Self::Pcap(_)) => true,
            // Ends of lines are the same bytes.
            Some(Self::Pcapng(_)) => bytes.get(at + 8..at + 12).is_some_and(is_order),
            None => false,
        })
    }

    /// Name of the format: `pcap` or `pcapng`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pcap(_) => "pcap",
            Self::Pcapng(_) => "pcapng",
        }
    }

    /// Reads what is at the start of `bytes`, which continue where the step before ended (a
    /// capture's first step begins at its first byte): a packet, and the bytes to advance
    /// by. Interfaces that come up are entered into `interfaces`.
    ///
    /// # Errors
    /// What there is instead of a packet.
    #[inline]
    pub fn step<'a>(&mut self, bytes: &'a [u8], interfaces: &Interfaces) -> Step<'a> {
        match self {
            Self::Pcap(pcap) => pcap.step(bytes, interfaces),
            Self::Pcapng(pcapng) => pcapng.step(bytes, interfaces),
        }
    }

    /// Steps through what of `bytes` is wholly there and shows each packet to `on_frame`,
    /// up to the first record that begins at `limit` or later. Gives how many bytes that
    /// took, and what is behind them, which is never a [`NoFrame::Skip`]; `None` at the limit.
    #[inline]
    pub fn steps<'a>(
        &mut self,
        bytes: &'a [u8],
        limit: usize,
        interfaces: &Interfaces,
        on_frame: impl FnMut(&Frame<'a>),
    ) -> (usize, Option<NoFrame>) {
        // Matched once, not once a packet.
        match self {
            Self::Pcap(pcap) => {
                let step = |rest| pcap.step(rest, interfaces);
                steps(bytes, limit, step, on_frame)
            }
            Self::Pcapng(pcapng) => {
                let step = |rest| pcapng.step(rest, interfaces);
                steps(bytes, limit, step, on_frame)
            }
        }
    }

    /// Takes the record that the last step found a [`NoFrame::Flaw`] in as it stands.
    pub fn accept(&mut self) {
        match self {
            Self::Pcap(pcap) => pcap.accepted = true,
            Self::Pcapng(pcapng) => pcapng.accepted = true,
        }
    }

    /// Number of the last packet, as Wireshark counts.
    #[must_use]
    pub fn numbered(&self) -> u64 {
        match self {
            Self::Pcap(pcap) => pcap.numbered,
            Self::Pcapng(pcapng) => pcapng.numbered,
        }
    }

    /// Time of the first packet that tells one.
    fn first(&self) -> Option<Timestamp> {
        match self {
            Self::Pcap(pcap) => pcap.first,
            Self::Pcapng(pcapng) => pcapng.first,
        }
    }

    /// Continues the numbers of the file before, which this one was joined to.
    fn numbered_from(mut self, last: u64) -> Self {
        match &mut self {
            Self::Pcap(pcap) => pcap.numbered = last,
            Self::Pcapng(pcapng) => pcapng.numbered = last,
        }
        self
    }

    /// Losses stated since the last call.
    fn take_stated(&mut self) -> Stated {
        match self {
            Self::Pcap(_) => Stated::default(),
            Self::Pcapng(pcapng) => std::mem::take(&mut pcapng.stated),
        }
    }

    /// Tells whether a record may begin here, by a look that costs no more than a few
    /// comparisons.
    fn may_step(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Pcap(pcap) => pcap.may_step(),
            Self::Pcapng(pcapng) => pcapng.may_step(bytes),
        }
    }

    /// The same, as if no packet had come yet and no loss were stated: the next packet is
    /// number 1.
    #[must_use]
    pub fn renumbered(mut self) -> Self {
        self.take_stated();
        self.numbered_from(0)
    }
}

/// The format of the file whose header stands at the start of `bytes`.
fn file_begins(bytes: &[u8]) -> Option<Format> {
    let format = Format::detect(bytes)?;
    let stands = match &format {
        Format::Pcap(pcap) => pcap.header_stands(bytes),
        Format::Pcapng(_) => pcapng::header_stands(bytes),
    };
    stands.then_some(format)
}

/// Bytes that tell a file header from a record.
const FILE_HEADER_LEN: usize = 24;

/// Tells a [`NoFrame::NewFile`] from a record that begins with the same four bytes.
///
/// # Errors
/// The new file, or [`NoFrame::More`].
#[cold]
fn check_new_file(bytes: &[u8]) -> Result<(), NoFrame> {
    if Format::detect(bytes).is_none() {
        return Ok(());
    }
    if bytes.len() < FILE_HEADER_LEN {
        let (need, what) = (FILE_HEADER_LEN, "a file header");
        return Err(NoFrame::More { need, what });
    }
    file_begins(bytes).map_or(Ok(()), |_| Err(NoFrame::NewFile))
}

#[inline]
fn steps<'a>(
    bytes: &'a [u8],
    limit: usize,
    mut step: impl FnMut(&'a [u8]) -> Step<'a>,
    mut on_frame: impl FnMut(&Frame<'a>),
) -> (usize, Option<NoFrame>) {
    let mut at = 0;
    while at < limit {
        let rest = &bytes[at..];
        at += match step(rest) {
            // By reference: a copy would wait for what was just written.
            Ok((ref frame, used)) => {
                on_frame(frame);
                used
            }
            Err(NoFrame::Skip { used }) => used,
            Err(other) => return (at, Some(other)),
        };
    }
    (at, None)
}

/// A packet and the bytes that its record takes, or why there is none.
pub type Step<'a> = Result<(Frame<'a>, usize), NoFrame>;

/// Reason why there is no packet at the start of the bytes that a capture format is shown.
#[derive(Debug, PartialEq, Eq)]
pub enum NoFrame {
    /// No packet in the next `used` bytes, which were shown.
    Skip {
        /// Bytes to advance by.
        used: usize,
    },
    /// Undecided: show at least `need` bytes from here. If the file has no more, it
    /// ends inside `what`, or at its proper end where no bytes are left.
    More {
        /// Bytes to show, counted from the same place.
        need: usize,
        /// The structure that is incomplete.
        what: &'static str,
    },
    /// No record begins here, for the reason given.
    Corrupt(String),
    /// A record that can be read, and that no sound writer makes. The next step reads it
    /// if [`Format::accept`] is called before.
    Flaw {
        /// The flaw, for a person.
        what: String,
        /// Bytes that may hold packets and are passed over when the record is accepted.
        unread: usize,
    },
    /// The header of another file, of any format, which was joined to this one.
    NewFile,
}

impl NoFrame {
    #[cold]
    fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }

    #[cold]
    fn flaw(what: impl Into<String>) -> Self {
        let (what, unread) = (what.into(), 0);
        Self::Flaw { what, unread }
    }
}

/// Damage of a capture: the first of its faults, and the extent of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Place of the first bad record, in bytes from the start of the capture
    /// (of its decompressed bytes, where it is compressed).
    pub offset: u64,
    /// Description of the first fault, for a person.
    pub what: String,
    /// Number of faults.
    pub count: u64,
    /// Bytes that were passed over in search of the next record, all faults together.
    pub passed_over: u64,
}

impl Fault {
    /// One fault at a place.
    #[must_use]
    pub fn new(offset: u64, what: String, passed_over: u64) -> Self {
        Self {
            offset,
            what,
            count: 1,
            passed_over,
        }
    }

    /// Adds a fault of what follows in the same capture.
    pub fn add(sum: &mut Option<Self>, later: Self) {
        match sum {
            None => *sum = Some(later),
            Some(first) => {
                first.count = first.count.saturating_add(later.count);
                first.passed_over = first.passed_over.saturating_add(later.passed_over);
            }
        }
    }
}

/// The 32-bit words of a record head, in the byte order of its capture. Every packet comes
/// this way, and nom's combinators cost as much again as all the rest.
#[inline]
fn words<const WORDS: usize, const BYTES: usize>(
    bytes: &[u8; BYTES],
    big_endian: bool,
) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    for (word, &bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = if big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        };
    }
    words
}

fn endianness(big_endian: bool) -> Endianness {
    if big_endian {
        Endianness::Big
    } else {
        Endianness::Little
    }
}
