//! Compression around a capture: gzip (RFC 1952), zstd (RFC 8878), xz, bzip2 and lz4, of
//! any number of members each.
//!
//! Decompression has a thread of its own, so that it overlaps with what is done to the
//! packets. Blocks go to the reader by a bounded channel and come back by another, so
//! memory is constant; a reader that stops early drops both, which ends the thread.

use std::io::{self, BufReader, Read};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

mod codec;
mod lz4;
mod members;

use lz4::Frames;
use members::{MemberSource, Members};

/// Bytes that change threads at a time.
const BLOCK_LEN: usize = 256 << 10;
/// Blocks in circulation.
const BLOCKS: usize = 4;
/// Compressed bytes read at a time.
const INPUT_LEN: usize = 64 << 10;

/// A compression that captures are read through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878, with a window of at most 128 MiB, as its own tool allows by default.
    Zstd,
    /// The .xz format, with a dictionary of at most 128 MiB.
    Xz,
    /// bzip2, version 1.
    Bzip2,
    /// LZ4 frames, version 1.
    Lz4,
}

impl Compression {
    /// The name of the compression, which is that of its tool.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
        }
    }

    /// Bytes that a member begins with.
    fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => b"\x1f\x8b\x08",
            Self::Zstd => b"\x28\xb5\x2f\xfd",
            Self::Xz => b"\xfd7zXZ\0",
            Self::Bzip2 => b"BZh",
            Self::Lz4 => b"\x04\x22\x4d\x18",
        }
    }

    fn decoder(self, stream: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let input = BufReader::with_capacity(INPUT_LEN, stream);
        let source = MemberSource::new(input, self.magic());
        match self {
            Self::Gzip => Box::new(Members::new(source, || Ok(codec::gzip()))),
            Self::Zstd => Box::new(Members::new(source, codec::zstd)),
            Self::Xz => Box::new(Members::new(source, codec::xz)),
            Self::Bzip2 => Box::new(Members::new(source, || Ok(codec::bzip2()))),
            Self::Lz4 => Box::new(Frames::new(source)),
        }
    }
}

/// The content of a compressed stream, decompressed by a thread.
///
/// Damage gives what comes before it, then an error, then what the next member holds that
/// can be read.
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
    /// When there is no thread to be had.
    pub fn new(compression: Compression, stream: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut decoder = compression.decoder(stream);
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
        // Fails when the thread has ended, whose last blocks are still to be had, or when
        // it has enough, since an error brought none.
        let _ = self.spent.try_send(std::mem::take(&mut self.block));
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

/// Decompresses block by block until the end, which an empty block tells, or until the
/// reader is gone. An error is told behind what comes before it.
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
        let last = block.is_empty() && error.is_none();
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
