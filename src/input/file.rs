//! Captures from files, folders of them, and standard input.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::compressed::{Compression, Decompressed};
use crate::capture::pieces::Pieces;
use crate::capture::stream::{BLOCK_LEN, Bytes, Stream, Walked};
use crate::capture::{Fault, Format, Frame, Interfaces, Timestamp};

/// As many bytes as tell a format or a compression.
const MAGIC_LEN: usize = 4;

/// Something to read captures from, before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputPath {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// The folder named that it was found in, unless it was named itself.
    pub found_in: Option<PathBuf>,
}

impl InputPath {
    fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }
}

/// The path as given, or as found in a folder; `standard input`.
impl fmt::Display for InputPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_stdin() {
            f.write_str("standard input")
        } else {
            self.path.display().fmt(f)
        }
    }
}

/// Why there is nothing to read from a path.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be found, opened or read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It was read and is no capture. Of a file that was found in a folder, this is
    /// to be told, and no error.
    #[error("{path} is not a packet capture: {looks}")]
    NotACapture {
        /// What was read.
        path: String,
        /// What it looks like, and what may be done about it.
        looks: String,
    },
    /// A folder without any file, or without any capture.
    #[error("no packet capture in the folder {}", path.display())]
    NoCaptures {
        /// The folder, as named.
        path: PathBuf,
    },
}

impl OpenError {
    fn unreadable(path: impl fmt::Display, source: io::Error) -> Self {
        let path = path.to_string();
        Self::Unreadable { path, source }
    }
}

/// The files that `paths` speak of, each once, in the order of `paths` and within a
/// folder by name. Folders are searched all the way down, except through symbolic links
/// to folders; what is neither file nor folder there is passed over.
///
/// # Errors
/// [`OpenError::Unreadable`] for a path that is not there or a folder that cannot be
/// listed; [`OpenError::NoCaptures`] for a folder without files.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<InputPath>, OpenError> {
    let mut inputs = Inputs::default();
    for path in paths {
        let named = InputPath {
            path: path.clone(),
            found_in: None,
        };
        if named.is_stdin() {
            inputs.add(named);
            continue;
        }
        let unreadable = |source| OpenError::unreadable(path.display(), source);
        if fs::metadata(path).map_err(unreadable)?.is_dir() {
            inputs.add_folder(path)?;
        } else {
            inputs.add(named);
        }
    }
    Ok(inputs.list)
}

#[derive(Default)]
struct Inputs {
    list: Vec<InputPath>,
    places: HashMap<PathBuf, usize>,
}

impl Inputs {
    /// A file that is both named and found counts as named.
    fn add(&mut self, input: InputPath) {
        // A pipe has a path that leads nowhere.
        let canonical = fs::canonicalize(&input.path).unwrap_or_else(|_| input.path.clone());
        match self.places.entry(canonical) {
            Entry::Vacant(place) => {
                place.insert(self.list.len());
                self.list.push(input);
            }
            Entry::Occupied(place) if input.found_in.is_none() => {
                self.list[*place.get()].found_in = None;
            }
            Entry::Occupied(_) => {}
        }
    }

    fn add_folder(&mut self, named: &Path) -> Result<(), OpenError> {
        let mut files = Vec::new();
        let mut folders = vec![named.to_owned()];
        while let Some(folder) = folders.pop() {
            let unreadable = |source| OpenError::unreadable(folder.display(), source);
            for entry in fs::read_dir(&folder).map_err(unreadable)? {
                let entry = entry.map_err(unreadable)?;
                let kind = entry.file_type().map_err(unreadable)?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if entry.path().is_file() {
                    files.push(entry.path());
                }
            }
        }
        if files.is_empty() {
            let path = named.to_owned();
            return Err(OpenError::NoCaptures { path });
        }
        files.sort();
        for path in files {
            let found_in = Some(named.to_owned());
            self.add(InputPath { path, found_in });
        }
        Ok(())
    }
}

/// A capture that was opened, and found to be one.
///
/// A regular file is not kept open, so there may be as many as there are.
pub struct Input {
    /// What it is called, for a person.
    pub name: String,
    /// `pcap` or `pcapng`.
    pub format: &'static str,
    /// `gzip` or `zstd`.
    pub compression: Option<&'static str>,
    /// The first time that a packet tells within the first 256 KiB; `None` if none does.
    pub first: Option<Timestamp>,
    source: Source,
}

/// Where an input is read from, once it was opened.
enum Source {
    /// What can be opened again.
    File { path: PathBuf, size: u64 },
    /// What can be read only once.
    Held(Box<Reader>),
}

impl Input {
    /// Opens a path and reads as far as its first packet.
    ///
    /// # Errors
    /// [`OpenError::Unreadable`] or [`OpenError::NotACapture`]. A capture with a fault is
    /// a capture still, and [`Input::walk`] tells the fault.
    pub fn open(path: &InputPath) -> Result<Self, OpenError> {
        let name = path.to_string();
        if path.is_stdin() {
            return Self::from_stream(&name, Box::new(io::stdin()));
        }
        let unreadable = |source| OpenError::unreadable(path, source);
        let file = File::open(&path.path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut input = Self::from_stream(&name, Box::new(file))?;
        if metadata.is_file() {
            let (path, size) = (path.path.clone(), metadata.len());
            input.source = Source::File { path, size };
        }
        Ok(input)
    }

    /// Takes any stream for a capture of this name, and reads as far as its first packet.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn from_stream(name: &str, bytes: Bytes) -> Result<Self, OpenError> {
        let mut reader = Reader::new(name, bytes)?;
        let first = reader.first_time();
        Ok(Self {
            name: name.to_owned(),
            format: reader.format.name(),
            compression: reader.compression.map(Compression::name),
            first,
            source: Source::Held(Box::new(reader)),
        })
    }

    /// The capture in pieces of about `len` bytes; `None` where it can only be read from
    /// its start, or is no longer than that.
    #[must_use]
    pub fn pieces(&self, len: u64, interfaces: &Interfaces) -> Option<Pieces> {
        match &self.source {
            Source::File { path, size } if self.compression.is_none() && *size > len => {
                Pieces::new(path, *size, len, interfaces)
            }
            _ => None,
        }
    }

    /// Bytes as stored, compressed or not; `None` of a stream.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match self.source {
            Source::File { size, .. } => Some(size),
            Source::Held(_) => None,
        }
    }

    fn reader(self) -> Result<Reader, OpenError> {
        let path = match self.source {
            Source::Held(reader) => return Ok(*reader),
            Source::File { path, .. } => path,
        };
        let unreadable = |source| OpenError::unreadable(&self.name, source);
        let file = File::open(path).map_err(unreadable)?;
        Reader::new(&self.name, Box::new(file))
    }

    /// Reads the capture to its end, or to its first fault.
    ///
    /// Each packet is shown to `on_frame`, in the capture's order. After each block,
    /// `on_progress` is told how many more bytes, as stored, were read.
    pub fn walk(
        self,
        interfaces: &Interfaces,
        on_frame: impl FnMut(&Frame<'_>),
        on_progress: impl FnMut(u64),
    ) -> Walked {
        match self.reader() {
            Ok(reader) => reader.walk(interfaces, on_frame, on_progress),
            Err(error) => Walked::failed(Fault {
                offset: 0,
                what: format!("the file has changed since it was opened: {error}"),
            }),
        }
    }
}

/// A capture that is being read.
struct Reader {
    stream: Stream,
    format: Format,
    compression: Option<Compression>,
    consumed: Arc<AtomicU64>,
}

impl Reader {
    fn new(name: &str, bytes: Bytes) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::unreadable(name, source);
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            bytes,
            count: Arc::clone(&consumed),
        };
        let mut stream = Stream::new(Box::new(counted), 0);
        stream.fill(MAGIC_LEN).map_err(unreadable)?;
        let compression = Compression::detect(stream.shown());
        if let Some(compression) = compression {
            let inner = Decompressed::new(compression, stream.rest()).map_err(unreadable)?;
            stream = Stream::new(Box::new(inner), 0);
        }
        let looks = match stream.fill(MAGIC_LEN) {
            Ok(_) => looks_like(stream.shown()),
            Err(error) => format!("it cannot be decompressed: {error}"),
        };
        let format = Format::detect(stream.shown()).ok_or_else(|| OpenError::NotACapture {
            path: name.to_owned(),
            looks: match compression {
                Some(compression) => format!("inside its {} data, {looks}", compression.name()),
                None => looks,
            },
        })?;
        Ok(Self {
            stream,
            format,
            compression,
            consumed,
        })
    }

    /// The time of the first packet that tells one, without consuming anything.
    fn first_time(&mut self) -> Option<Timestamp> {
        loop {
            let found = first_time(self.format.clone(), self.stream.shown());
            let shown = self.stream.shown().len();
            if found.is_some() || shown >= BLOCK_LEN {
                return found;
            }
            match self.stream.fill(shown + 1) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.stream.failed = Some(error);
                    return None;
                }
            }
        }
    }

    fn walk(
        mut self,
        interfaces: &Interfaces,
        on_frame: impl FnMut(&Frame<'_>),
        mut on_progress: impl FnMut(u64),
    ) -> Walked {
        let (consumed, mut told) = (self.consumed, 0);
        let on_block = |_| {
            let consumed = consumed.load(Relaxed);
            on_progress(consumed - told);
            told = consumed;
        };
        self.stream
            .walk(&mut self.format, u64::MAX, interfaces, on_frame, on_block)
    }
}

fn first_time(mut format: Format, bytes: &[u8]) -> Option<Timestamp> {
    let mut first = None;
    // The run's interfaces are those that its walks come upon.
    let interfaces = Interfaces::default();
    format.steps(bytes, bytes.len(), &interfaces, |frame| {
        first = first.or(frame.time);
    });
    first
}

/// Tells another thread how much was read.
struct Counted {
    bytes: Bytes,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.count.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}

/// What else a file may begin with: at which offset, what that tells, and what to do.
#[rustfmt::skip]
const OTHERS: [(usize, &[u8], &str, &str); 16] = [
    (0, b"snoop\0\0\0", "a snoop capture", CONVERT),
    (0, b"btsnoop\0", "a btsnoop capture", CONVERT),
    (0, b"RTSS", "a Microsoft Network Monitor 1 capture", CONVERT),
    (0, b"GMBU", "a Microsoft Network Monitor 2 capture", CONVERT),
    (0, b"XCP\0", "a NetXRay capture", CONVERT),
    (0, b"TRSNIFF data", "a Sniffer capture", CONVERT),
    (0, b"\xac\x01\0\x1c", "an Ixia capture", CONVERT),
    (0, b"\xfd7zXZ\0", "xz data", "decompress it with xz -d"),
    (0, b"BZh", "bzip2 data", "decompress it with bzip2 -d"),
    (0, b"\x04\x22\x4d\x18", "lz4 data", "decompress it with lz4 -d"),
    (0, b"\x1f\x8b\x08", "gzip data", "decompress it with gzip -d"),
    (0, b"\x28\xb5\x2f\xfd", "zstd data", "decompress it with zstd -d"),
    (0, b"PK\x03\x04", "a zip archive", "unpack it with unzip"),
    (257, b"ustar", "a tar archive", "unpack it with tar -x"),
    (0, b"{", "JSON", NO_PACKETS),
    (0, b"<", "XML or HTML", NO_PACKETS),
];
const CONVERT: &str = "convert it with editcap -F pcapng";
const NO_PACKETS: &str = "there are no packets to read in it";

fn looks_like(bytes: &[u8]) -> String {
    let starts = |at: usize, magic: &[u8]| bytes.get(at..).is_some_and(|at| at.starts_with(magic));
    let other = OTHERS.iter().find(|(at, magic, ..)| starts(*at, magic));
    match (other, bytes) {
        (Some((_, _, what, advice)), _) => format!("it looks like {what}; {advice}"),
        (None, []) => "it is empty".to_owned(),
        (None, _) if is_erf(bytes) => format!("it looks like an ERF capture; {CONVERT}"),
        (None, _) if is_text(bytes) => format!("it looks like text; {NO_PACKETS}"),
        (None, &[a, b, c, d, ..]) => {
            format!(
                "it begins with {a:02x} {b:02x} {c:02x} {d:02x}, as neither pcap nor pcapng does"
            )
        }
        (None, short) => format!("it has only {} bytes", short.len()),
    }
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

fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(512)];
    let control = |&byte: &u8| byte < b' ' && !byte.is_ascii_whitespace();
    !start.iter().any(control) && str::from_utf8(start).is_ok()
}
