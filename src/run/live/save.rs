//! Saving what is captured: one pcapng file, or a ring of them.
//!
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>. All files are
//! opened before the first packet, for later the process may open none. Workers encode
//! their packets into buffers of whole blocks, which one thread writes; when that falls
//! behind, they wait for it, and what the kernel then drops is counted as ever.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::capture::losses::Drops;
use crate::capture::{Frame, LinkType};
use crate::cli::Save;

/// A buffer is handed on when it holds so much, in bytes.
const BUFFER_LEN: usize = 256 << 10;
/// Full buffers that wait to be written, for each worker.
const BUFFERS_AHEAD: usize = 4;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// A capture, as the files describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) link_type: LinkType,
    pub(super) snap_length: u16,
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct SaveError {
    /// Its path.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The files, opened.
pub(super) struct Ring {
    files: Vec<(PathBuf, File)>,
    /// The file that is written.
    at: usize,
    /// Its length so far.
    written: u64,
    header: Vec<u8>,
    rotate_size: u64,
}

impl Ring {
    /// Opens all files, each empty but for its header.
    pub(super) fn open(options: &Save, interfaces: &[Interface]) -> Result<Self, SaveError> {
        let paths: Vec<PathBuf> = match options.rotate_size {
            None => vec![options.path.clone()],
            Some(_) => (1..=options.rotate_count)
                .map(|number| numbered(&options.path, number))
                .collect(),
        };
        let header = header(interfaces);
        let open = |path: PathBuf| {
            let opened = File::create(&path).and_then(|mut file| {
                file.write_all(&header)?;
                Ok(file)
            });
            match opened {
                Ok(file) => Ok((path, file)),
                Err(source) => Err(SaveError { path, source }),
            }
        };
        Ok(Self {
            files: paths.into_iter().map(open).collect::<Result<_, _>>()?,
            at: 0,
            written: header.len() as u64,
            header,
            rotate_size: options.rotate_size.unwrap_or(u64::MAX),
        })
    }

    /// Writes what the recorders hand on, until all of them have ended.
    pub(super) fn write_all(
        mut self,
        full: &Receiver<Vec<u8>>,
        empty: &Sender<Vec<u8>>,
    ) -> Result<(), SaveError> {
        for mut blocks in full {
            self.write(&blocks).map_err(|source| SaveError {
                path: self.files[self.at].0.clone(),
                source,
            })?;
            blocks.clear();
            // Where there are enough, this one may go.
            let _ = empty.try_send(blocks);
        }
        Ok(())
    }

    fn write(&mut self, blocks: &[u8]) -> io::Result<()> {
        let is_begun = self.written > self.header.len() as u64;
        if is_begun && self.written + blocks.len() as u64 > self.rotate_size {
            self.rotate()?;
        }
        self.written += blocks.len() as u64;
        self.files[self.at].1.write_all(blocks)
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.at = (self.at + 1) % self.files.len();
        let file = &mut self.files[self.at].1;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&self.header)?;
        self.written = self.header.len() as u64;
        Ok(())
    }
}

/// `trace.pcapng` as `trace-001.pcapng`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().map_or_else(String::new, |ending| {
        format!(".{}", ending.to_string_lossy())
    });
    path.with_file_name(format!("{stem}-{number:03}{ending}"))
}

/// The buffers that go between recorders and the one who writes.
pub(super) struct Buffers {
    pub(super) give_full: Sender<Vec<u8>>,
    pub(super) take_full: Receiver<Vec<u8>>,
    pub(super) give_empty: Sender<Vec<u8>>,
    pub(super) take_empty: Receiver<Vec<u8>>,
}

impl Buffers {
    pub(super) fn new(workers: usize) -> Self {
        let ahead = BUFFERS_AHEAD * workers;
        let (give_full, take_full) = bounded(ahead);
        let (give_empty, take_empty) = bounded(ahead);
        Self {
            give_full,
            take_full,
            give_empty,
            take_empty,
        }
    }
}

/// A worker's side: its packets as blocks.
pub(super) struct Recorder {
    /// The capture's place among the section's interfaces.
    interface: u32,
    blocks: Vec<u8>,
    full: Sender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
}

impl Recorder {
    pub(super) fn new(interface: u32, buffers: &Buffers) -> Self {
        Self {
            interface,
            blocks: Vec::with_capacity(BUFFER_LEN),
            full: buffers.give_full.clone(),
            empty: buffers.take_empty.clone(),
        }
    }

    pub(super) fn add(&mut self, frame: &Frame<'_>) {
        let time = frame.time.map_or(0, |time| time.0.unsigned_abs());
        let captured = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
        let interface = self.interface;
        block(&mut self.blocks, ENHANCED_PACKET, |body| {
            words(
                body,
                [interface, high(time), low(time), captured, frame.wire_len],
            );
            padded(body, frame.data);
        });
        if self.blocks.len() >= BUFFER_LEN {
            self.flush();
        }
    }

    /// Hands on what there is.
    pub(super) fn flush(&mut self) {
        if self.blocks.is_empty() {
            return;
        }
        let fresh = self.empty.try_recv();
        let fresh = fresh.unwrap_or_else(|_| Vec::with_capacity(BUFFER_LEN));
        // Who writes may have failed, and says so when the run ends.
        let _ = self.full.send(std::mem::replace(&mut self.blocks, fresh));
    }

    /// Ends with what was seen and what was not, as a block of interface statistics.
    pub(super) fn finish(mut self, packets: u64, drops: Drops, unread: u64) {
        let (interface, blocks) = (self.interface, &mut self.blocks);
        let accepted = packets + drops.kernel + unread;
        block(blocks, INTERFACE_STATISTICS, |body| {
            // No time: the block says what holds at its place in the file.
            words(body, [interface, 0, 0]);
            count(body, 5, drops.interface);
            count(body, 6, accepted);
            count(body, 7, drops.kernel + unread);
            count(body, 8, packets);
            end_of_options(body);
        });
        self.flush();
    }
}

/// What each file begins with.
fn header(interfaces: &[Interface]) -> Vec<u8> {
    let mut header = Vec::new();
    block(&mut header, SECTION_HEADER, |body| {
        words(body, [0x1a2b_3c4d]);
        body.extend([1_u16, 0].map(u16::to_le_bytes).concat());
        // The section's length is not known.
        body.extend([0xff; 8]);
        text(body, 4, concat!("plainsight ", env!("CARGO_PKG_VERSION")));
        end_of_options(body);
    });
    for interface in interfaces {
        block(&mut header, INTERFACE_DESCRIPTION, |body| {
            let link_type = u32::from(interface.link_type.0);
            words(body, [link_type, interface.snap_length.into()]);
            text(body, 2, &interface.name);
            option(body, 9, &[9]);
            end_of_options(body);
        });
    }
    header
}

/// Adds a block, whose length stands at both its ends.
fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    words(out, [kind, 0]);
    body(out);
    let len = u32::try_from(out.len() - start + 4).unwrap_or(u32::MAX);
    words(out, [len]);
    out[start + 4..start + 8].copy_from_slice(&len.to_le_bytes());
}

fn words<const N: usize>(out: &mut Vec<u8>, words: [u32; N]) {
    for word in words {
        out.extend(word.to_le_bytes());
    }
}

fn padded(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend([code, len].map(u16::to_le_bytes).concat());
    padded(out, value);
}

fn text(out: &mut Vec<u8>, code: u16, text: &str) {
    option(out, code, text.as_bytes());
}

fn count(out: &mut Vec<u8>, code: u16, count: u64) {
    option(out, code, &count.to_le_bytes());
}

fn end_of_options(out: &mut Vec<u8>) {
    words(out, [0]);
}

#[allow(clippy::cast_possible_truncation, reason = "the half that is wanted")]
fn low(time: u64) -> u32 {
    time as u32
}

fn high(time: u64) -> u32 {
    low(time >> 32)
}
