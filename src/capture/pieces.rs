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
use super::{Format, Frame, Interfaces, NoFrame};

/// Position of a walk: in the file, and in the state of its format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkPlace {
    offset: u64,
    /// As if no packet had come yet.
    format: Format,
}

/// A file cut into pieces.
#[derive(Clone, Debug)]
pub struct Pieces {
    path: PathBuf,
    /// Position of the file's first record.
    start: WalkPlace,
    /// The format behind the first packet.
    format: Format,
    len: u64,
    count: u32,
    /// True if packets may have duplicates on other interfaces.
    has_siblings: bool,
}

/// Outcome of the walk of a piece.
#[derive(Clone, Debug)]
pub struct PieceWalk {
    /// Packets shown, and the damage that was met.
    pub walked: Walked,
    /// Required begin of the next piece; `None` if the file cannot be read on.
    pub end: Option<WalkPlace>,
}

/// Bytes that are searched for the first record of a piece.
const SEARCHED: u64 = 1 << 20;

impl Pieces {
    /// Cuts a file of `size` bytes into pieces of about `len`. `None` where it has no
    /// first packet near its start, or cannot be read: whoever walks it whole will tell.
    pub(crate) fn new(path: &Path, size: u64, len: u64) -> Option<Self> {
        let head = read_at(path, 0, SEARCHED)?;
        let detected = Format::detect(&head)?;
        let (format, has_siblings) = behind_first_packet(detected.clone(), &head)?;
        Some(Self {
            path: path.to_owned(),
            format,
            start: WalkPlace {
                offset: 0,
                format: detected,
            },
            len,
            count: u32::try_from(size.div_ceil(len)).ok()?,
            has_siblings,
        })
    }

    /// Number of pieces.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Position of the file's first record.
    #[must_use]
    pub fn start(&self) -> &WalkPlace {
        &self.start
    }

    /// Likely position of a piece's first record; `None` if nothing looks like it.
    #[must_use]
    pub fn guess(&self, piece: u32) -> Option<WalkPlace> {
        if piece == 0 {
            return Some(self.start.clone());
        }
        self.guess_at(u64::from(piece) * self.len)
    }

    /// Tests that packets may have [duplicates](Frame::has_siblings), as far as the first
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
    ) -> Option<WalkPlace> {
        let begin = u64::from(piece) * self.len;
        let from = match begin.saturating_sub(bytes) {
            0 => self.start.clone(),
            early => self.guess_at(early)?,
        };
        // Where the guess was wrong, interfaces may be described that are none.
        let interfaces = Interfaces::default();
        self.walk_to(begin, &from, &interfaces, on_frame, |_| ())
            .end
    }

    fn guess_at(&self, begin: u64) -> Option<WalkPlace> {
        let bytes = read_at(&self.path, begin, SEARCHED)?;
        let ended = (bytes.len() as u64) < SEARCHED;
        let at = self.format.find(&bytes, 0..bytes.len(), ended)?;
        Some(WalkPlace {
            offset: begin + at as u64,
            format: self.format.clone(),
        })
    }

    /// Walks the records of a piece, of which the first is at `from`. `on_progress` is
    /// told of each block how many bytes it had.
    pub fn walk(
        &self,
        piece: u32,
        from: &WalkPlace,
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
        from: &WalkPlace,
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
        let end = (!walked.failed).then(|| WalkPlace {
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
            walked: Walked::failed(offset, what),
            end: None,
        }
    }
}

/// The state of a format once the first packet of its capture has come, and whether that
/// packet may have duplicates.
fn behind_first_packet(mut format: Format, head: &[u8]) -> Option<(Format, bool)> {
    let interfaces = Interfaces::default();
    let mut at = 0;
    loop {
        match format.step(head.get(at..)?, &interfaces) {
            Err(NoFrame::Skip { used }) => at += used,
            Err(_) => return None,
            Ok((frame, _)) => {
                let has_siblings = frame.has_siblings;
                return Some((format.renumbered(), has_siblings));
            }
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
