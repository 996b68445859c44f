//! Kinds of files, told by how they begin.
//!
//! What is found in a folder and is no capture is passed over only if it plainly is
//! something else. What is not known may be a capture.

use std::path::Path;

use super::compressed::Compression;
use crate::capture::Format;

/// Bytes that tell a kind.
pub const HEAD_LEN: usize = 512;

/// Bytes of a file that looks like no capture in which one is looked for.
pub const SEARCHED_LEN: usize = 1 << 20;

/// A kind of file that is not a capture of a format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Data to be decompressed.
    Compressed(Compression),
    /// A capture of a format that is not read.
    Foreign,
    /// Data that may hold captures, once this is done.
    Packed(&'static str),
    /// Data without packets.
    NoPackets,
}

use Compression::{Bzip2, Gzip, Lz4, Xz, Zstd};
use Kind::{Compressed, Foreign, NoPackets, Packed};

/// Offset, the bytes there, the kind that they tell, and what to call it.
#[rustfmt::skip]
const MAGICS: [(usize, &[u8], Kind, &str); 48] = [
    (0, b"\x1f\x8b\x08", Compressed(Gzip), "gzip data"),
    (0, b"\x28\xb5\x2f\xfd", Compressed(Zstd), "zstd data"),
    (0, b"\xfd7zX", Compressed(Xz), "xz data"),
    (0, b"BZh", Compressed(Bzip2), "bzip2 data"),
    (0, b"\x04\x22\x4d\x18", Compressed(Lz4), "lz4 data"),
    (0, b"\x02\x21\x4c\x18", Packed("decompress it with lz4 -d"), "legacy lz4 data"),
    (0, b"\x1f\x9d", Packed("decompress it with gzip -d"), "compress data"),
    (0, b"\x1f\xa0", Packed("decompress it with gzip -d"), "compress data"),
    (0, b"\x5d\0\0", Packed("decompress it with xz -d"), "lzma data"),
    (0, b"LZIP", Packed("decompress it with lzip -d"), "lzip data"),
    (0, b"\x89LZO\0", Packed("decompress it with lzop -d"), "lzop data"),
    (0, b"PK\x03\x04", Packed("unpack it with unzip"), "a zip archive"),
    (0, b"PK\x05\x06", Packed("unpack it with unzip"), "a zip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", Packed("unpack it with 7z x"), "a 7z archive"),
    (0, b"Rar!\x1a\x07", Packed("unpack it with unrar x"), "a rar archive"),
    (0, b"MSCF", Packed("unpack it with cabextract"), "a cabinet"),
    (257, b"ustar", Packed("unpack it with tar -x"), "a tar archive"),
    (0, b"snoop\0\0\0", Foreign, "a snoop capture"),
    (0, b"btsnoop\0", Foreign, "a btsnoop capture"),
    (0, b"RTSS", Foreign, "a Microsoft Network Monitor 1 capture"),
    (0, b"GMBU", Foreign, "a Microsoft Network Monitor 2 capture"),
    (0, b"XCP\0", Foreign, "a NetXRay capture"),
    (0, b"TRSNIFF data", Foreign, "a Sniffer capture"),
    (0, b"\xac\x01\0\x1c", Foreign, "an Ixia capture"),
    (0, b"\xac\x01\0\x1d", Foreign, "an Ixia capture"),
    (0, b"iptrace ", Foreign, "an AIX iptrace"),
    (0, b"\x7fver", Foreign, "a Peek capture"),
    (0, b"\x05VNF", Foreign, "an Observer capture"),
    (0, b"ObserverPktBuffe", Foreign, "an Observer capture"),
    (0, b"EyeSDN", Foreign, "an EyeSDN trace"),
    (0, b"{", NoPackets, "JSON"),
    (0, b"<", NoPackets, "XML or HTML"),
    (0, b"\x89PNG\r\n\x1a\n", NoPackets, "a PNG image"),
    (0, b"\xff\xd8\xff", NoPackets, "a JPEG image"),
    (0, b"GIF8", NoPackets, "a GIF image"),
    (0, b"%PDF-", NoPackets, "a PDF document"),
    (0, b"RIFF", NoPackets, "RIFF media"),
    (0, b"OggS", NoPackets, "Ogg media"),
    (4, b"ftyp", NoPackets, "MP4 media"),
    (0, b"\x7fELF", NoPackets, "an ELF program"),
    (0, b"MZ", NoPackets, "a Windows program"),
    (0, b"\xca\xfe\xba\xbe", NoPackets, "a Java class"),
    (0, b"\0asm", NoPackets, "a WebAssembly module"),
    (0, b"SQLite format 3\0", NoPackets, "an SQLite database"),
    (0, b"LPKSHHRH", NoPackets, "a systemd journal"),
    (0, b"\0\0\0\x01Bud1", NoPackets, "a folder's settings"),
    (0, b"\xff\xfe", NoPackets, "UTF-16 text"),
    (0, b"\xfe\xff", NoPackets, "UTF-16 text"),
];
const CONVERT: &str = "convert it with editcap -F pcapng";
const NO_PACKETS: &str = "there are no packets to read in it";

fn magic(bytes: &[u8]) -> Option<(Kind, &'static str)> {
    let starts = |at: usize, magic: &[u8]| bytes.get(at..).is_some_and(|at| at.starts_with(magic));
    let known = MAGICS.iter().find(|(at, magic, ..)| starts(*at, magic));
    known.map(|&(_, _, kind, name)| (kind, name))
}

/// The compression that a stream's first bytes tell.
#[must_use]
pub fn compression(bytes: &[u8]) -> Option<Compression> {
    match magic(bytes) {
        Some((Compressed(compression), _)) => Some(compression),
        // A skippable frame, which lz4 writes as zstd does.
        _ if matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) => Some(Zstd),
        _ => None,
    }
}

/// Kinds without packets that can hold text.
const HOLD_TEXT: [&str; 4] = ["JSON", "XML or HTML", "UTF-16 text", "an SQLite database"];

/// Name of the kind of a file that begins with `bytes` and can hold no text: a capture,
/// a picture, a program.
#[must_use]
pub fn without_text(bytes: &[u8]) -> Option<&'static str> {
    if is_text(bytes) {
        return None;
    }
    match magic(bytes) {
        Some((_, name)) if HOLD_TEXT.contains(&name) => None,
        Some((Foreign | NoPackets, name)) => Some(name),
        Some((Compressed(_) | Packed(_), _)) => None,
        None => Format::detect(bytes).map(|_| "a packet capture"),
    }
}

/// A file that is no capture of a format that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Description of how the file looks, and of what may be done about it.
    pub looks: String,
    /// Tells whether there may be packets in it all the same.
    pub may_be_capture: bool,
}

impl Stranger {
    /// The file that begins with `bytes`, of which [`SEARCHED_LEN`] are enough.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let stranger = Self::by_begin(&bytes[..bytes.len().min(HEAD_LEN)]);
        match Format::starts_in(bytes) {
            Some(at) if !stranger.may_be_capture => Self {
                looks: format!("{}, but a capture may begin at byte {at}", stranger.looks),
                may_be_capture: true,
            },
            _ => stranger,
        }
    }

    fn by_begin(bytes: &[u8]) -> Self {
        let (looks, may_be_capture) = match (magic(bytes), bytes) {
            (Some((NoPackets, name)), _) => (format!("it looks like {name}; {NO_PACKETS}"), false),
            (Some((Foreign, name)), _) => (format!("it looks like {name}; {CONVERT}"), true),
            (Some((Packed(advice), name)), _) => (format!("it looks like {name}; {advice}"), true),
            (Some((Compressed(by), name)), _) => {
                let tool = by.name();
                (
                    format!("it looks like {name}; decompress it with {tool} -d"),
                    true,
                )
            }
            (None, []) => ("it is empty".to_owned(), false),
            // Before ERF, whose header has a control character and prose none.
            (None, _) if is_text(bytes) => (format!("it looks like text; {NO_PACKETS}"), false),
            (None, _) if is_erf(bytes) => {
                (format!("it looks like an ERF capture; {CONVERT}"), true)
            }
            (None, &[a, b, c, d, ..]) => (
                format!(
                    "it begins with {a:02x} {b:02x} {c:02x} {d:02x}, as neither pcap nor pcapng does"
                ),
                true,
            ),
            (None, short) => (format!("it has only {} bytes", short.len()), true),
        };
        Self {
            looks,
            may_be_capture,
        }
    }
}

/// Words that a capture's name has behind one of its dots, those of rings with a number.
const ENDINGS: [&str; 8] = [
    "pcap", "pcapng", "cap", "ntar", "snoop", "etl", "erf", "dmp",
];

/// Tells whether a file is named as captures are: `a.pcap`, `a.pcap3`, `a.pcapng.gz`.
#[must_use]
pub fn is_named_as_capture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.to_ascii_lowercase()
        .split('.')
        .skip(1)
        .map(|ending| ending.trim_end_matches(|c: char| c.is_ascii_digit()))
        .any(|ending| ENDINGS.contains(&ending))
}

/// ERF has no magic. Its record header: a time in eight bytes, a type, flags, the
/// record's length, a loss counter, the packet's length; all but the time big-endian.
fn is_erf(bytes: &[u8]) -> bool {
    let &[_, _, _, _, _, _, _, _, kind, _, high, low, _, _, _, _, ..] = bytes else {
        return false;
    };
    let next = usize::from(u16::from_be_bytes([high, low]));
    let is_kind = |kind: u8| (1..=48).contains(&(kind & 0x7f));
    let next_kind = || bytes.get(next + 8).copied();
    is_kind(kind) && next >= 16 && next_kind().is_none_or(is_kind)
}

/// Tests that a file which begins with `bytes` is text in UTF-8.
#[must_use]
pub fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(HEAD_LEN)];
    let control = |&byte: &u8| byte < b' ' && !byte.is_ascii_whitespace() && byte != 0x1b;
    // The last character may be cut.
    let is_utf8 = str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_utf8 && !start.iter().any(control)
}
