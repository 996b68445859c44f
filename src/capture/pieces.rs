//! A capture file in pieces, so that several workers can walk it at once.
//!
//! Where a piece's first record begins can only be guessed. So a walk of a piece says
//! where it began and where it ended, and it counts only if the piece before it ended
//! exactly there, with the capture's format in the same state. If not, the piece is
//! walked again from the right place: the answer is that of one walk over the whole.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::stream::{Stream, Walked};
use super::{Fault, Format, Frame, Interfaces, Stop, Timestamp};

/// Where a walk stands: in the file, and in what its format has told so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    offset: u64,
    /// As if no packet had come yet.
    format: Format,
}

/// A file cut into pieces.
#[derive(Clone, Debug)]
pub struct Pieces {
    path: PathBuf,
    /// The first record.
    start: Place,
    /// The time of the first packet, if it tells one.
    time: Option<Timestamp>,
    len: u64,
    count: u32,
    /// Whether packets may have duplicates on other interfaces.
    has_siblings: bool,
}

/// What the walk of a piece came to.
#[derive(Clone, Debug)]
pub struct PieceWalk {
    /// Packets shown, and the fault that ended the walk.
    pub walked: Walked,
    /// Where the next piece must begin; `None` behind a fault.
    pub end: Option<Place>,
}

/// Records that must follow each other where one is guessed to begin.
const RUN: usize = 8;
/// Bytes that are searched for a run.
const SEARCHED: u64 = 1 << 20;
/// Packets of one file lie within a year of its first, or it is no guess's matter.
const NEAR_NANOS: u64 = 366 * 86_400 * 1_000_000_000;

impl Pieces {
    /// Cuts a file of `size` bytes into pieces of about `len`. `None` where it has no
    /// first packet, or cannot be read: whoever walks it whole will tell.
    pub(crate) fn new(path: &Path, size: u64, len: u64, interfaces: &Interfaces) -> Option<Self> {
        let head = read_at(path, 0, SEARCHED)?;
        let mut format = Format::detect(&head)?;
        let mut at = 0;
        loop {
            let before = format.clone();
            match format.step(head.get(at..)?, interfaces) {
                Err(Stop::Skip { used } | Stop::Lost { used, .. }) => {
                    at += usize::try_from(used).ok()?;
                }
                Err(_) => return None,
                Ok((frame, _)) => {
                    return Some(Self {
                        path: path.to_owned(),
                        start: Place {
                            offset: at as u64,
                            format: before,
                        },
                        time: frame.time,
                        len,
                        count: u32::try_from(size.div_ceil(len)).ok()?,
                        has_siblings: frame.has_siblings,
                    });
                }
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Where the file's first record begins.
    #[must_use]
    pub fn start(&self) -> &Place {
        &self.start
    }

    /// Where a piece's first record may begin; `None` if nothing looks like it.
    #[must_use]
    pub fn guess(&self, piece: u32) -> Option<Place> {
        if piece == 0 {
            return Some(self.start.clone());
        }
        self.guess_at((u64::from(piece) * self.len).max(self.start.offset))
    }

    /// Whether packets may have [duplicates](Frame::has_siblings), as far as the first
    /// packet tells.
    #[must_use]
    pub fn has_siblings(&self) -> bool {
        self.has_siblings
    }

    /// Walks towards a piece from so many bytes before it, and gives where it begins by
    /// that; `None` where no record before it is found.
    pub fn approach(
        &self,
        piece: u32,
        bytes: u64,
        on_frame: impl FnMut(&Frame<'_>),
    ) -> Option<Place> {
        let begin = u64::from(piece) * self.len;
        let from = match begin.saturating_sub(bytes) {
            early if early <= self.start.offset => self.start.clone(),
            early => self.guess_at(early)?,
        };
        // Where the guess was wrong, interfaces may be described that are none.
        let interfaces = Interfaces::default();
        self.walk_to(begin, &from, &interfaces, on_frame, |_| ())
            .end
    }

    fn guess_at(&self, begin: u64) -> Option<Place> {
        let bytes = read_at(&self.path, begin, SEARCHED)?;
        let interfaces = Interfaces::default();
        let is_run = |at: &usize| self.is_run(&bytes[*at..], &interfaces);
        let at = (0..bytes.len()).find(is_run)?;
        Some(Place {
            offset: begin + at as u64,
            format: self.start.format.clone(),
        })
    }

    /// Whether records follow each other here that could be this file's.
    fn is_run(&self, bytes: &[u8], interfaces: &Interfaces) -> bool {
        let mut format = self.start.format.clone();
        let mut at = 0;
        let mut packets = 0;
        while packets < RUN {
            match format.step(bytes.get(at..).unwrap_or_default(), interfaces) {
                Ok((frame, used)) if self.is_plausible(&frame) => {
                    at += used;
                    packets += 1;
                }
                Err(Stop::Skip { used } | Stop::Lost { used, .. }) if packets > 0 => {
                    at = at.saturating_add(usize::try_from(used).unwrap_or(usize::MAX));
                }
                Err(Stop::More { .. }) => return packets > 0,
                _ => return false,
            }
        }
        true
    }

    fn is_plausible(&self, frame: &Frame<'_>) -> bool {
        let near = match (self.time, frame.time) {
            (Some(first), Some(time)) => first.0.abs_diff(time.0) < NEAR_NANOS,
            _ => true,
        };
        near && !frame.data.is_empty() && frame.wire_len <= super::RECORD_LIMIT
    }

    /// Walks the records of a piece, of which the first is at `from`. `on_progress` is
    /// told of each block how many bytes it had.
    pub fn walk(
        &self,
        piece: u32,
        from: &Place,
        interfaces: &Interfaces,
        on_frame: impl FnMut(&Frame<'_>),
        on_progress: impl FnMut(u64),
    ) -> PieceWalk {
        let limit = match piece + 1 {
            last if last >= self.count => u64::MAX,
            next => u64::from(next) * self.len,
        };
        self.walk_to(limit, from, interfaces, on_frame, on_progress)
    }

    /// Walks the records from a place on that begin before `limit`.
    fn walk_to(
        &self,
        limit: u64,
        from: &Place,
        interfaces: &Interfaces,
        on_frame: impl FnMut(&Frame<'_>),
        on_progress: impl FnMut(u64),
    ) -> PieceWalk {
        let mut stream = match self.stream(from.offset) {
            Ok(stream) => stream,
            Err(error) => return PieceWalk::failed(from.offset, &error),
        };
        let mut format = from.format.clone();
        let walked = stream.walk(&mut format, limit, interfaces, on_frame, on_progress);
        let offset = stream.offset();
        let end = walked.fault.is_none().then(|| Place {
            offset,
            format: format.renumbered(),
        });
        PieceWalk { walked, end }
    }

    fn stream(&self, offset: u64) -> std::io::Result<Stream> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Stream::new(Box::new(file), offset))
    }
}

impl PieceWalk {
    fn failed(offset: u64, error: &std::io::Error) -> Self {
        let what = format!("reading stopped here: {error}");
        Self {
            walked: Walked::failed(Fault { offset, what }),
            end: None,
        }
    }
}

fn read_at(path: &Path, offset: u64, len: u64) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
