//! A stream of bytes with a buffer, and the walk over the records in it.

use std::io::{self, Read};

use super::losses::Stated;
use super::resync::WINDOW;
use super::{Fault, Format, Frame, Interfaces, NoFrame, file_begins};

/// Bytes read at a time, and all that is buffered unless a record is longer or the walk
/// looks for the next record behind damage.
pub(crate) const BLOCK_LEN: usize = 256 << 10;

/// Any bytes that a capture may be read from.
pub type Bytes = Box<dyn Read + Send>;

/// Outcome of a walk over a capture, or a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Number of packets shown.
    pub packets: u64,
    /// Number of the last packet, from the start of the part, as Wireshark counts.
    pub numbered: u64,
    /// Damage that was passed over or ended the walk.
    pub fault: Option<Fault>,
    /// The source failed, and nothing behind could be read.
    pub failed: bool,
    /// Losses that the capture states.
    pub stated: Stated,
}

impl Walked {
    /// Nothing, for want of a source.
    pub(crate) fn failed(offset: u64, what: String) -> Self {
        Self {
            fault: Some(Fault::new(offset, what, 0)),
            failed: true,
            ..Self::default()
        }
    }

    /// Adds the walk of the next part of the same capture.
    pub fn add(&mut self, later: Self) {
        self.packets += later.packets;
        self.numbered += later.numbered;
        self.failed |= later.failed;
        self.stated.merge(&later.stated);
        if let Some(fault) = later.fault {
            self.note(fault);
        }
    }

    fn note(&mut self, fault: Fault) {
        Fault::add(&mut self.fault, fault);
    }
}

/// A stream with a buffer, which shows as much as is asked for.
pub(crate) struct Stream {
    bytes: Bytes,
    buffer: Vec<u8>,
    /// The bytes of the buffer that were read and not consumed yet.
    start: usize,
    end: usize,
    /// Offset of the buffer, in bytes from the start of the stream.
    base: u64,
    ended: bool,
    /// A failure behind the bytes that are shown.
    failed: Option<io::Error>,
    /// The stream ended in a failure.
    broken: bool,
}

impl Stream {
    /// A stream of which the first `base` bytes are behind already.
    pub(crate) fn new(bytes: Bytes, base: u64) -> Self {
        Self {
            bytes,
            buffer: vec![0; BLOCK_LEN],
            start: 0,
            end: 0,
            base,
            ended: false,
            failed: None,
            broken: false,
        }
    }

    pub(crate) fn shown(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// The failure that the bytes shown are followed by.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Consumes what was shown.
    fn advance(&mut self, used: usize) {
        self.start += used;
    }

    /// Tells whether there are `need` bytes to show; false if the stream ends or fails
    /// before.
    pub(crate) fn fill(&mut self, need: usize) -> bool {
        while self.shown().len() < need && !self.ended && self.failed.is_none() {
            self.make_room(need);
            match self.bytes.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    self.ended = read == 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.failed = Some(error),
            }
        }
        self.shown().len() >= need
    }

    /// Moves what is shown to the front where it could not grow to `need` bytes otherwise.
    fn make_room(&mut self, need: usize) {
        if self.end < self.buffer.len() && self.start + need <= self.buffer.len() {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.base += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
    }

    /// Tries to read on behind a failure: a damaged member of a compressed stream may be
    /// followed by a sound one.
    fn resume(&mut self) -> bool {
        if self.failed.take().is_none() {
            return false;
        }
        let resumed = self.fill(self.shown().len() + 1);
        self.ended |= !resumed;
        self.broken |= !resumed;
        resumed
    }

    /// Shows `on_frame` each packet of the records that begin before `limit`, and goes
    /// on to the first that does not, or to the end. Damage is passed over up to the next
    /// plausible record. After each block, `on_block` is told how many bytes that was.
    pub(crate) fn walk(
        &mut self,
        format: &mut Format,
        limit: u64,
        interfaces: &Interfaces,
        mut on_frame: impl FnMut(&Frame<'_>),
        mut on_block: impl FnMut(u64),
    ) -> Walked {
        let mut walked = Walked::default();
        loop {
            let left = limit.saturating_sub(self.offset());
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            let (used, stop) = format.steps(self.shown(), left, interfaces, |frame| {
                walked.packets += 1;
                on_frame(frame);
            });
            self.advance(used);
            let before = self.offset();
            let goes_on = stop.is_some_and(|stop| self.pass(stop, format, &mut walked));
            on_block(used as u64 + (self.offset() - before));
            if !goes_on {
                break;
            }
        }
        walked.stated.merge(&format.take_stated());
        walked.numbered = format.numbered();
        walked.failed = self.broken;
        walked
    }

    /// Goes past what stopped a walk; false at the end.
    fn pass(&mut self, stop: NoFrame, format: &mut Format, walked: &mut Walked) -> bool {
        match stop {
            NoFrame::Skip { used } => self.advance(used),
            NoFrame::More { need, .. } if self.fill(need) => {}
            NoFrame::More { need, what } => return self.end_inside(need, what, format, walked),
            NoFrame::Corrupt(what) => return self.recover(what, format, walked),
            NoFrame::NewFile => self.adopt(format, walked),
            NoFrame::Flaw { what, unread } => {
                let ended = !self.fill(WINDOW);
                if !format.is_followed(self.shown(), ended) {
                    return self.recover(what, format, walked);
                }
                walked.note(Fault::new(self.offset(), what, unread as u64));
                format.accept();
            }
        }
        true
    }

    /// Goes past a record that the stream ends or fails in; false where it ends properly.
    fn end_inside(
        &mut self,
        need: usize,
        what: &str,
        format: &mut Format,
        walked: &mut Walked,
    ) -> bool {
        let what = match &self.failed {
            Some(error) => format!("reading stopped here: {error}"),
            None if self.shown().is_empty() => return false,
            None => {
                let shown = self.shown().len();
                format!("the file ends inside {what}: {shown} of {need} bytes")
            }
        };
        self.recover(what, format, walked)
    }

    /// Passes over damage up to the next plausible record; false where there is none.
    fn recover(&mut self, what: String, format: &mut Format, walked: &mut Walked) -> bool {
        let offset = self.offset();
        let found = self.search(format);
        walked.note(Fault::new(offset, what, self.offset() - offset));
        if found && file_begins(self.shown()).is_some() {
            self.adopt(format, walked);
        }
        found
    }

    /// Advances to the next plausible record behind the byte here, or to the end.
    fn search(&mut self, format: &Format) -> bool {
        self.advance(self.shown().len().min(1));
        loop {
            let ended = !self.fill(WINDOW);
            let shown = self.shown();
            let starts = if ended {
                shown.len()
            } else {
                shown.len() - WINDOW + 1
            };
            let found = format.find(shown, 0..starts, ended);
            self.advance(found.unwrap_or(starts));
            if found.is_some() {
                return true;
            }
            if ended && !self.resume() {
                return false;
            }
        }
    }

    /// Takes up the format of the file that begins here, in place of the one before.
    fn adopt(&mut self, format: &mut Format, walked: &mut Walked) {
        if let Some(begun) = file_begins(self.shown()) {
            walked.stated.merge(&format.take_stated());
            *format = begun.numbered_from(format.numbered());
        }
    }

    /// The stream again, from what was not consumed.
    pub(crate) fn rest(self) -> Bytes {
        let shown = self.shown().to_vec();
        Box::new(io::Cursor::new(shown).chain(self.bytes))
    }
}
