//! Compression around a capture: gzip (RFC 1952) of any number of members and zstd
//! (RFC 8878) of any number of frames.
//!
//! Decompression has a thread of its own, so that it overlaps with what is done to the
//! packets. Blocks go to the reader by a bounded channel and come back by another, so
//! memory is constant; a reader that stops early drops both, which ends the thread.

use std::io::{self, BufRead, BufReader, Read};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use flate2::{Decompress, FlushDecompress, Status};

/// Bytes that change threads at a time.
const BLOCK_LEN: usize = 256 << 10;
/// Blocks in circulation.
const BLOCKS: usize = 4;
/// Compressed bytes read at a time.
const INPUT_LEN: usize = 64 << 10;
/// The most memory a zstd stream may ask for: a window of 2^27 bytes, as its own tool
/// allows by default.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
const GZIP_WINDOW_BITS: u8 = 15;

/// A compression that captures are read through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// The compression that a stream's first four bytes tell.
    #[must_use]
    pub fn detect(magic: &[u8]) -> Option<Self> {
        match *magic.first_chunk()? {
            [0x1f, 0x8b, 0x08, _] => Some(Self::Gzip),
            // A frame, or a skippable one before it.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// What the compression is called: `gzip` or `zstd`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    fn decoder(self, stream: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
        let input = BufReader::with_capacity(INPUT_LEN, stream);
        Ok(match self {
            Self::Gzip => Box::new(Gzip {
                input,
                member: None,
            }),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(input)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
        })
    }
}

/// What a compressed stream holds, decompressed by a thread.
///
/// A stream that is damaged or ends early gives what comes before, then an error.
pub struct Decompressed {
    block: Vec<u8>,
    position: usize,
    full: Receiver<io::Result<Vec<u8>>>,
    spent: Sender<Vec<u8>>,
}

impl Decompressed {
    /// Starts to decompress `stream`.
    ///
    /// # Errors
    /// When there is no memory for the decoder or no thread to be had.
    pub fn new(compression: Compression, stream: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut decoder = compression.decoder(stream)?;
        let (to_reader, full) = bounded(BLOCKS);
        let (spent, from_reader) = bounded(BLOCKS);
        // The last of the blocks is the one that the reader holds.
        for _ in 1..BLOCKS {
            let _ = spent.send(Vec::new());
        }
        let name = compression.name();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || pump(name, &mut *decoder, &from_reader, &to_reader))?;
        Ok(Self {
            block: Vec::new(),
            position: 0,
            full,
            spent,
        })
    }

    fn next_block(&mut self) -> io::Result<()> {
        // Fails when the thread has ended; what it sent before is still to be had.
        let _ = self.spent.send(std::mem::take(&mut self.block));
        self.position = 0;
        let stopped = |_| io::Error::other("decompression stopped");
        self.block = self.full.recv().map_err(stopped)??;
        Ok(())
    }
}

impl Read for Decompressed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.position == self.block.len() {
            self.next_block()?;
        }
        let read = (&self.block[self.position..]).read(into)?;
        self.position += read;
        Ok(read)
    }
}

/// Decompresses block by block until an error, or the end, which an empty block tells,
/// or until the reader is gone.
fn pump(
    name: &str,
    decoder: &mut dyn Read,
    spent: &Receiver<Vec<u8>>,
    full: &Sender<io::Result<Vec<u8>>>,
) {
    for mut block in spent {
        block.resize(BLOCK_LEN, 0);
        let (filled, error) = fill(decoder, &mut block);
        block.truncate(filled);
        let last = block.is_empty() || error.is_some();
        let error = error.map(|error| io::Error::new(error.kind(), format!("{name}: {error}")));
        let block = (filled > 0 || error.is_none()).then_some(block);
        let mut messages = block.map(Ok).into_iter().chain(error.map(Err));
        if messages.any(|message| full.send(message).is_err()) || last {
            return;
        }
    }
}

/// Fills `block` up to the end of the stream or an error.
fn fill(decoder: &mut dyn Read, block: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while filled < block.len() {
        match decoder.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

/// A gzip decoder that, unlike flate2's own, gives every byte before the first bad one,
/// and takes zeros behind the last member for the padding that they are.
struct Gzip<R> {
    input: R,
    member: Option<Decompress>,
}

impl<R: BufRead> Gzip<R> {
    /// Whether a member begins, or the stream ends here.
    fn next_member(&mut self) -> io::Result<bool> {
        loop {
            let input = self.input.fill_buf()?;
            let zeros = input.iter().take_while(|&&byte| byte == 0).count();
            let (ended, begins) = (input.is_empty(), zeros < input.len());
            self.input.consume(zeros);
            if begins {
                self.member = Some(Decompress::new_gzip(GZIP_WINDOW_BITS));
            }
            if begins || ended {
                return Ok(begins);
            }
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.member.is_none() && !self.next_member()? {
                return Ok(0);
            }
            let Some(member) = &mut self.member else {
                continue;
            };
            let input = self.input.fill_buf()?;
            let ended = input.is_empty();
            let (read_before, made_before) = (member.total_in(), member.total_out());
            let outcome = member.decompress(input, into, FlushDecompress::None);
            let length = |bytes| usize::try_from(bytes).unwrap_or_default();
            let read = length(member.total_in() - read_before);
            let made = length(member.total_out() - made_before);
            self.input.consume(read);
            match outcome {
                Ok(Status::StreamEnd) => self.member = None,
                _ if made > 0 => {}
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
                Ok(_) if ended => return Err(early_end()),
                Ok(_) => {}
            }
            if made > 0 {
                return Ok(made);
            }
        }
    }
}

fn early_end() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ends early")
}
