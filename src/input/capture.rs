//! Captures from files and standard input, compressed or not.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

use sha2::{Digest as _, Sha256};

use super::compressed::{Compression, Decompressed};
use super::discovery::{DiscoveryError, InputPath};
use super::kind::{self, HEAD_LEN, Stranger, is_named_as_capture};
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
}

/// Source of an input that was opened.
enum Source {
    /// A file that can be opened again.
    File { path: PathBuf, size: u64 },
    /// A stream that can be read only once.
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
        let mut input = Self::from_stream(&name, Box::new(file)).map_err(|error| match error {
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
            head: reader.head(),
            source: Source::Held(Box::new(reader)),
        })
    }

    /// The capture in pieces of about `len` bytes; `None` where it can only be read from
    /// its start, or is no longer than that.
    #[must_use]
    pub fn pieces(&self, len: u64) -> Option<Pieces> {
        match &self.source {
            Source::File { path, size } if self.compression.is_none() && *size > len => {
                Pieces::new(path, *size, len)
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

    /// Digest of all bytes without compression; `None` of a stream, which can be read only
    /// once, and of a file that can no longer be read to its end.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        let Source::File { path, .. } = &self.source else {
            return None;
        };
        let file = File::open(path).ok()?;
        let (stream, _) = decompressed(Box::new(file)).ok()?;
        digest(stream.rest()).ok()
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
        let (mut reader, hasher) = reader.hashing();
        let walked = reader.walk_on(interfaces, on_frame, on_progress);
        // The walk may end before its stream does.
        if !hasher.has_ended() {
            // Where that fails there is no digest.
            let _ = io::copy(&mut reader.stream.rest(), &mut io::sink());
        }
        let identity = Identity {
            digest: hasher.digest(),
            size: reader.consumed.load(Relaxed),
        };
        (walked, identity)
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

/// SHA-256: no file can be made to pass for another.
pub type Digest = [u8; 32];

fn digest(mut bytes: Bytes) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK_LEN];
    loop {
        match bytes.read(&mut block) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(read) => hasher.update(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
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
    fn hashing(mut self) -> (Self, SharedHasher) {
        let hasher = SharedHasher::default();
        let bytes = Hashed {
            bytes: self.stream.rest(),
            hasher: hasher.clone(),
        };
        self.stream = Stream::new(Box::new(bytes), 0);
        self.stream.fill(HEAD_LEN);
        (self, hasher)
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

/// Hasher of what one reader reads.
#[derive(Clone, Default)]
struct SharedHasher(Arc<Mutex<HashState>>);

#[derive(Default)]
struct HashState {
    hasher: Sha256,
    /// Digest of all, once the end was read.
    digest: Option<Digest>,
    has_ended: bool,
}

impl SharedHasher {
    fn lock(&self) -> MutexGuard<'_, HashState> {
        self.0.lock().expect("no holder panics")
    }

    /// Takes in the outcome of a read.
    fn take_in(&self, read: &io::Result<usize>, bytes: &[u8]) {
        let state = &mut *self.lock();
        match read {
            _ if state.has_ended => {}
            Ok(0) => {
                state.digest = Some(state.hasher.clone().finalize().into());
                state.has_ended = true;
            }
            Ok(read) => state.hasher.update(&bytes[..*read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => state.has_ended = true,
        }
    }

    fn has_ended(&self) -> bool {
        self.lock().has_ended
    }

    fn digest(&self) -> Option<Digest> {
        self.lock().digest
    }
}

/// Hashes what is read.
struct Hashed {
    bytes: Bytes,
    hasher: SharedHasher,
}

impl Read for Hashed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into);
        self.hasher.take_in(&read, into);
        read
    }
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
