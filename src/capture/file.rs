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
use super::{Fault, Format, Frame, Interfaces, Stop, Timestamp};

/// Bytes read at a time, and all that is buffered unless a record is longer.
const BLOCK_LEN: usize = 256 << 10;
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

/// Any bytes that a capture may be read from.
pub type Bytes = Box<dyn Read + Send>;

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
    /// `on_progress` is told how many bytes, as stored, were read so far.
    pub fn walk(
        self,
        interfaces: &Interfaces,
        on_frame: impl FnMut(&Frame<'_>),
        on_progress: impl FnMut(u64),
    ) -> Walked {
        match self.reader() {
            Ok(reader) => reader.walk(interfaces, on_frame, on_progress),
            Err(error) => Walked {
                packets: 0,
                wire_bytes: 0,
                fault: Some(Fault {
                    offset: 0,
                    what: format!("the file has changed since it was opened: {error}"),
                }),
            },
        }
    }
}

/// What was read of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Packets shown.
    pub packets: u64,
    /// The sum of their lengths on the wire.
    pub wire_bytes: u64,
    /// What ended the walk before the end of the capture.
    pub fault: Option<Fault>,
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
        let mut stream = Stream::new(Box::new(counted));
        stream.fill(MAGIC_LEN).map_err(unreadable)?;
        let compression = Compression::detect(stream.shown());
        if let Some(compression) = compression {
            let inner = Decompressed::new(compression, stream.rest()).map_err(unreadable)?;
            stream = Stream::new(Box::new(inner));
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
        mut on_frame: impl FnMut(&Frame<'_>),
        mut on_progress: impl FnMut(u64),
    ) -> Walked {
        let (mut packets, mut wire_bytes) = (0, 0);
        let fault = loop {
            let shown = self.stream.shown();
            let (used, stop) = self.format.steps(shown, interfaces, |frame| {
                packets += 1;
                wire_bytes += u64::from(frame.wire_len);
                on_frame(frame);
            });
            self.stream.advance(used);
            on_progress(self.consumed.load(Relaxed));
            match self.stream.pass(stop) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(fault) => break Some(fault),
            }
        };
        Walked {
            packets,
            wire_bytes,
            fault,
        }
    }
}

fn first_time(mut format: Format, bytes: &[u8]) -> Option<Timestamp> {
    let mut first = None;
    // The run's interfaces are those that its walks come upon.
    let interfaces = Interfaces::default();
    format.steps(bytes, &interfaces, |frame| first = first.or(frame.time));
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

/// A stream with a buffer, which shows as much as is asked for.
struct Stream {
    bytes: Bytes,
    buffer: Vec<u8>,
    /// What of the buffer was read and not consumed yet.
    start: usize,
    end: usize,
    /// Where the buffer starts, in bytes from the start of the stream.
    base: u64,
    ended: bool,
    /// A failure that was met in looking ahead.
    failed: Option<io::Error>,
}

impl Stream {
    fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            buffer: vec![0; BLOCK_LEN],
            start: 0,
            end: 0,
            base: 0,
            ended: false,
            failed: None,
        }
    }

    fn shown(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Consumes what was shown.
    fn advance(&mut self, used: usize) {
        self.start += used;
    }

    /// Whether there are `need` bytes to show; false if the stream ends before.
    fn fill(&mut self, need: usize) -> io::Result<bool> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        while self.shown().len() < need && !self.ended {
            self.make_room();
            match self.bytes.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    self.ended = read == 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.shown().len() >= need)
    }

    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
    }

    /// Goes past what stopped a walk; false at the proper end.
    fn pass(&mut self, stop: Stop) -> Result<bool, Fault> {
        match stop {
            Stop::Skip { used } => self.skip(used),
            Stop::More { need, what } => self.require(need, what),
            Stop::Corrupt(what) => Err(self.fault(what)),
        }
    }

    /// Whether there is more: `need` bytes of `what`, or else a fault.
    fn require(&mut self, need: usize, what: &str) -> Result<bool, Fault> {
        let whole = self
            .fill(need)
            .map_err(|error| self.fault(stopped(&error)))?;
        match self.shown().len() {
            0 => Ok(false),
            _ if whole => Ok(true),
            shown => Err(self.fault(cut(what, shown as u64, need as u64))),
        }
    }

    /// Consumes `length` bytes, shown or not.
    fn skip(&mut self, length: u64) -> Result<bool, Fault> {
        let offset = self.offset();
        let mut left = length;
        loop {
            let shown = self.shown().len();
            let used = usize::try_from(left).unwrap_or(shown).min(shown);
            self.advance(used);
            left -= used as u64;
            if left == 0 {
                return Ok(true);
            }
            let what = match self.fill(1) {
                Ok(true) => continue,
                Ok(false) => cut("a block", length - left, length),
                Err(error) => stopped(&error),
            };
            return Err(Fault { offset, what });
        }
    }

    fn fault(&self, what: String) -> Fault {
        let offset = self.offset();
        Fault { offset, what }
    }

    /// The stream again, from what was not consumed.
    fn rest(self) -> Bytes {
        let shown = self.shown().to_vec();
        Box::new(io::Cursor::new(shown).chain(self.bytes))
    }
}

fn cut(what: &str, there: u64, need: u64) -> String {
    format!("the file ends inside {what}: {there} of {need} bytes")
}

fn stopped(error: &io::Error) -> String {
    format!("reading stopped here: {error}")
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
