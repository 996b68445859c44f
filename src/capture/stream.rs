//! A stream of bytes with a buffer, and the walk over the records in it.

use std::io::{self, Read};

use super::losses::Stated;
use super::{Fault, Format, Frame, Interfaces, Stop};

/// Bytes read at a time, and all that is buffered unless a record is longer.
pub(crate) const BLOCK_LEN: usize = 256 << 10;

/// Any bytes that a capture may be read from.
pub type Bytes = Box<dyn Read + Send>;

/// Packets read of a capture, and the end of the walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Packets shown.
    pub packets: u64,
    /// Fault that ended the walk before the end of the capture.
    pub fault: Option<Fault>,
    /// Losses that the capture states.
    pub stated: Stated,
}

impl Walked {
    /// Nothing, for a fault.
    pub(crate) fn failed(fault: Fault) -> Self {
        Self {
            packets: 0,
            fault: Some(fault),
            stated: Stated::default(),
        }
    }
}

/// A stream with a buffer, which shows as much as is asked for.
pub(crate) struct Stream {
    bytes: Bytes,
    buffer: Vec<u8>,
    /// Offset in the buffer of the first byte that is read and not consumed yet.
    start: usize,
    end: usize,
    /// Offset of the buffer, in bytes from the start of the stream.
    base: u64,
    ended: bool,
    /// A failure that was met in looking ahead.
    pub(crate) failed: Option<io::Error>,
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
        }
    }

    pub(crate) fn shown(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Consumes what was shown.
    fn advance(&mut self, used: usize) {
        self.start += used;
    }

    /// Reads until there are `need` bytes to show; false if the stream ends before.
    pub(crate) fn fill(&mut self, need: usize) -> io::Result<bool> {
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

    /// Shows `on_frame` each packet of the records that begin before `limit`, and goes
    /// on to the first that does not, to the end, or to the first fault. After each
    /// block, `on_block` is told how many bytes that was.
    pub(crate) fn walk(
        &mut self,
        format: &mut Format,
        limit: u64,
        interfaces: &Interfaces,
        mut on_frame: impl FnMut(&Frame<'_>),
        mut on_block: impl FnMut(u64),
    ) -> Walked {
        let mut packets = 0;
        let mut stated = Stated::default();
        let fault = loop {
            let left = limit.saturating_sub(self.offset());
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            let (used, stop) = format.steps(self.shown(), left, interfaces, |frame| {
                packets += 1;
                on_frame(frame);
            });
            self.advance(used);
            on_block(used as u64);
            if let Some(Stop::Lost {
                interface, drops, ..
            }) = stop
            {
                stated.add(interface, drops);
            }
            match stop.map(|stop| self.pass(stop)) {
                Some(Ok(true)) => {}
                Some(Ok(false)) | None => break None,
                Some(Err(fault)) => break Some(fault),
            }
        };
        Walked {
            packets,
            fault,
            stated,
        }
    }

    /// Goes past what stopped a walk; false at the proper end.
    fn pass(&mut self, stop: Stop) -> Result<bool, Fault> {
        match stop {
            Stop::Skip { used } | Stop::Lost { used, .. } => self.skip(used),
            Stop::More { need, what } => self.require(need, what),
            Stop::Corrupt(what) => Err(self.fault(what)),
        }
    }

    /// Demands more of the stream: `need` bytes of `what`, or else a fault; false at its end.
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
    pub(crate) fn rest(self) -> Bytes {
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
