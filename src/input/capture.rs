//! Captures from files and standard input, compressed or not.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crossbeam_channel::{Receiver, bounded};

use super::compressed::{Compression, Decompressed};
use super::custody::{Custody, FileRole, HashOutcome, Tapped};
use super::discovery::{DiscoveryError, InputPath};
use super::kind::{self, HEAD_LEN, SEARCHED_LEN, Stranger, is_named_as_capture};
use super::name::FileName;
use crate::capture::pieces::Pieces;
use crate::capture::stream::{BLOCK_LEN, Bytes, Stream, Walked};
use crate::capture::{Format, Frame, Interfaces, Timestamp};

/// Reason why there is nothing to read from a path.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be found, opened or read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Name of the file.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// It was read and is no capture that can be read.
    #[error("{path} is not a packet capture: {}", stranger.looks)]
    NotACapture {
        /// Name of the file.
        path: String,
        /// Look of the file, and the chance that there are packets in it all the same.
        stranger: Stranger,
    },
    /// No file where one was named.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// A folder without any capture.
    #[error("no packet capture or flow log in the folder {}", FileName(path))]
    NoCaptures {
        /// The folder, as named.
        path: PathBuf,
    },
}

impl OpenError {
    fn unreadable(path: impl std::fmt::Display, source: io::Error) -> Self {
        let path = path.to_string();
        Self::Unreadable { path, source }
    }

    /// Tells whether the path plainly leads to something other than a capture.
    #[must_use]
    pub fn is_no_capture(&self) -> bool {
        matches!(self, Self::NotACapture { stranger, .. } if !stranger.may_be_capture)
    }
}

/// A capture that was opened, and found to be one.
///
/// A regular file is not kept open, so there may be as many as there are.
pub struct Input {
    /// Name for a person.
    pub name: String,
    /// `pcap` or `pcapng`.
    pub format: &'static str,
    /// `gzip`, `zstd`, `xz`, `bzip2` or `lz4`.
    pub compression: Option<&'static str>,
    /// The first time that a packet tells within the first 256 KiB; `None` if none does.
    pub first: Option<Timestamp>,
    /// The first bytes without compression, at most [`HEAD_LEN`] of them.
    pub head: Vec<u8>,
    source: Source,
    custody: Custody,
}

/// Source of an input that was opened.
enum Source {
    /// A file that can be opened again.
    File { path: PathBuf, size: u64 },
    /// A stream that can be read only once, and the switch that has it read to its end.
    Held(Box<Reader>, Arc<AtomicBool>),
}

impl Input {
    /// Opens a path and reads as far as its first packet.
    ///
    /// # Errors
    /// [`OpenError::Unreadable`] or [`OpenError::NotACapture`]. A capture with a fault is
    /// a capture still, and [`Input::walk`] tells the fault.
    pub fn open(path: &InputPath) -> Result<Self, OpenError> {
        Self::open_recorded(path, &Custody::default())
    }

    /// As [`Input::open`]; what is walked later is entered into a record.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn open_recorded(path: &InputPath, custody: &Custody) -> Result<Self, OpenError> {
        let name = path.to_string();
        let unreadable = |source| OpenError::unreadable(path, source);
        let once = |bytes| {
            let drains = Arc::<AtomicBool>::default();
            let bytes = custody.tap(FileRole::Capture, &path.path, bytes, Arc::clone(&drains));
            Self::held(&name, bytes.map_err(unreadable)?, drains)
        };
        if path.is_stdin() {
            return once(Box::new(io::stdin()));
        }
        let file = File::open(&path.path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let opened = if metadata.is_file() {
            Self::from_stream(&name, Box::new(file))
        } else {
            once(Box::new(file))
        };
        let mut input = opened.map_err(|error| match error {
            OpenError::NotACapture {
                path: name,
                stranger,
            } => OpenError::NotACapture {
                path: name,
                stranger: Stranger {
                    may_be_capture: stranger.may_be_capture || is_named_as_capture(&path.path),
                    ..stranger
                },
            },
            error => error,
        })?;
        if metadata.is_file() {
            let (path, size) = (path.path.clone(), metadata.len());
            input.source = Source::File { path, size };
        }
        input.custody = custody.clone();
        Ok(input)
    }

    /// Takes any stream for a capture of this name, and reads as far as its first packet.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn from_stream(name: &str, bytes: Bytes) -> Result<Self, OpenError> {
        Self::held(name, bytes, Arc::default())
    }

    fn held(name: &str, bytes: Bytes, drains: Arc<AtomicBool>) -> Result<Self, OpenError> {
        let mut reader = Reader::new(name, bytes)?;
        let first = reader.first_time();
        Ok(Self {
            name: name.to_owned(),
            format: reader.format.name(),
            compression: reader.compression.map(Compression::name),
            first,
            head: reader.head(),
            source: Source::Held(Box::new(reader), drains),
            custody: Custody::default(),
        })
    }

    /// The capture in pieces of about `len` bytes; `None` where it can only be read from
    /// its start, or is no longer than that.
    #[must_use]
    pub fn pieces(&self, len: u64) -> Option<Pieces> {
        match &self.source {
            // What is hashed is read in order.
            Source::File { path, size }
                if self.compression.is_none() && *size > len && !self.custody.is_kept() =>
            {
                Pieces::new(path, *size, len)
            }
            _ => None,
        }
    }

    /// Path of a file that can be read again; `None` of a stream.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::File { path, .. } => Some(path),
            Source::Held(..) => None,
        }
    }

    /// Bytes as stored, compressed or not; `None` of a stream.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match self.source {
            Source::File { size, .. } => Some(size),
            Source::Held(..) => None,
        }
    }

    /// Digest of all bytes without compression; `None` of a stream, which can be read only
    /// once, and of a file that can no longer be read to its end.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        let Source::File { path, .. } = &self.source else {
            return None;
        };
        let (stream, _) = decompressed(opened(path, &self.custody).ok()?).ok()?;
        let (mut bytes, outcome) = hashing(stream.rest()).ok()?;
        let read = io::copy(&mut bytes, &mut io::sink());
        drop(bytes);
        let outcome = outcome.recv().ok()?;
        read.ok().and(outcome.digest)
    }

    /// As [`Input::walk`], and tells what was read by its digest.
    pub fn walk_hashed(
        self,
        interfaces: &Interfaces,
        on_frame: impl FnMut(&Frame<'_>),
        on_progress: impl FnMut(u64),
    ) -> (Walked, Identity) {
        let reader = match self.reader() {
            Ok(reader) => reader,
            Err(error) => return (changed(&error), Identity::default()),
        };
        let consumed = Arc::clone(&reader.consumed);
        let (mut reader, outcome) = match reader.hashing() {
            Ok(hashing) => hashing,
            Err(error) => return (changed(&error), Identity::default()),
        };
        let walked = reader.walk_on(interfaces, on_frame, on_progress);
        // The walk may end before its stream does; the rest is read when the reader goes.
        drop(reader);
        let outcome = outcome.recv().ok();
        let identity = Identity {
            digest: outcome.and_then(|outcome| outcome.digest),
            size: consumed.load(Relaxed),
        };
        (walked, identity)
    }

    fn reader(self) -> Result<Reader, OpenError> {
        let path = match self.source {
            Source::File { path, .. } => path,
            Source::Held(reader, drains) => {
                drains.store(true, Relaxed);
                return Ok(*reader);
            }
        };
        let bytes = opened(&path, &self.custody);
        let bytes = bytes.map_err(|source| OpenError::unreadable(&self.name, source))?;
        Reader::new(&self.name, bytes)
    }

    /// Reads the capture to its end, past damage.
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
            Err(error) => changed(&error),
        }
    }
}

/// A file's bytes as stored, entered into a record as they are read.
fn opened(path: &Path, custody: &Custody) -> io::Result<Bytes> {
    let file = Box::new(File::open(path)?);
    let drains = Arc::new(AtomicBool::new(true));
    custody.tap(FileRole::Capture, path, file, drains)
}

fn changed(error: &OpenError) -> Walked {
    Walked::failed(
        0,
        format!("the file has changed since it was opened: {error}"),
    )
}

/// Tells a capture from all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Digest of all bytes without compression; `None` where they could not be read to their
    /// end.
    pub digest: Option<Digest>,
    /// Number of bytes as stored.
    pub size: u64,
}

pub use super::custody::Digest;

/// Hashes a stream while it is read, and to its end when its reader is gone.
fn hashing(bytes: Bytes) -> io::Result<(Bytes, Receiver<HashOutcome>)> {
    let (give, outcome) = bounded(1);
    let drains = Arc::new(AtomicBool::new(true));
    let tapped = Tapped::new(bytes, drains, move |outcome| {
        // Nobody need wait for it.
        let _ = give.send(outcome);
    })?;
    Ok((Box::new(tapped), outcome))
}

/// The bytes of a stream without compression, of which the first are shown.
fn decompressed(bytes: Bytes) -> io::Result<(Stream, Option<Compression>)> {
    let mut stream = Stream::new(bytes, 0);
    stream.fill(HEAD_LEN);
    let compression = kind::compression(stream.shown());
    if let Some(compression) = compression {
        let inner = Decompressed::new(compression, stream.rest())?;
        stream = Stream::new(Box::new(inner), 0);
        stream.fill(HEAD_LEN);
    }
    Ok((stream, compression))
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
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            bytes,
            count: Arc::clone(&consumed),
        };
        let unreadable = |source| OpenError::unreadable(name, source);
        let (stream, compression) = decompressed(Box::new(counted)).map_err(unreadable)?;
        match Format::detect(stream.shown()) {
            Some(format) => Ok(Self {
                stream,
                format,
                compression,
                consumed,
            }),
            None => Err(no_capture(name, stream, compression)),
        }
    }

    /// The first bytes, at most [`HEAD_LEN`] of them.
    fn head(&self) -> Vec<u8> {
        let shown = self.stream.shown();
        shown[..shown.len().min(HEAD_LEN)].to_vec()
    }

    /// The time of the first packet that tells one, without consuming anything.
    fn first_time(&mut self) -> Option<Timestamp> {
        loop {
            let found = first_time(self.format.clone(), self.stream.shown());
            let shown = self.stream.shown().len();
            if found.is_some() || shown >= BLOCK_LEN || !self.stream.fill(shown + 1) {
                return found;
            }
        }
    }

    /// The same, of which all is hashed that is read.
    fn hashing(mut self) -> Result<(Self, Receiver<HashOutcome>), OpenError> {
        let (bytes, outcome) = hashing(self.stream.rest())
            .map_err(|source| OpenError::unreadable("a capture", source))?;
        self.stream = Stream::new(bytes, 0);
        self.stream.fill(HEAD_LEN);
        Ok((self, outcome))
    }

    fn walk(
        mut self,
        interfaces: &Interfaces,
        on_frame: impl FnMut(&Frame<'_>),
        on_progress: impl FnMut(u64),
    ) -> Walked {
        self.walk_on(interfaces, on_frame, on_progress)
    }

    fn walk_on(
        &mut self,
        interfaces: &Interfaces,
        on_frame: impl FnMut(&Frame<'_>),
        mut on_progress: impl FnMut(u64),
    ) -> Walked {
        let (consumed, mut told) = (&self.consumed, 0);
        let on_block = |_| {
            let consumed = consumed.load(Relaxed);
            on_progress(consumed - told);
            told = consumed;
        };
        self.stream
            .walk(&mut self.format, u64::MAX, interfaces, on_frame, on_block)
    }
}

/// The error of a stream that holds no capture.
fn no_capture(name: &str, mut stream: Stream, compression: Option<Compression>) -> OpenError {
    let path = name.to_owned();
    stream.fill(SEARCHED_LEN);
    let stranger = match (stream.take_failure(), compression) {
        (Some(source), None) => return OpenError::Unreadable { path, source },
        (Some(error), Some(_)) => Stranger {
            looks: format!("it cannot be decompressed: {error}"),
            may_be_capture: true,
        },
        (None, _) => Stranger::of(stream.shown()),
    };
    let looks = match compression {
        Some(compression) => format!("inside its {} data, {}", compression.name(), stranger.looks),
        None => stranger.looks,
    };
    let stranger = Stranger { looks, ..stranger };
    OpenError::NotACapture { path, stranger }
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
