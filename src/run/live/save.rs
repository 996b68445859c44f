//! The thread that writes captured packets to a pcapng file, or to a ring of them.
//!
//! All files are opened before the first packet, for later the process may open none.
//! [Recorders](super::recorder) never wait for this thread: what it has no time for is left
//! out of the file, and the file's interface statistics count it as dropped. They also
//! count what the file's place in the ring held before and was overwritten, so that the
//! packets in all files of a ring and those that they state as missing are all there were.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use sha2::{Digest as _, Sha256};

use crate::capture::losses::Drops;
use crate::capture::pcapng::writer::{
    InterfaceBlock, interface_description, interface_statistics, section_header,
};
use crate::cli::Save;
use crate::input::custody::{Custody, FileRecord, FileRole};
use crate::input::name::FileName;
use crate::run::output::SECRET;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", FileName(path))]
pub struct SaveError {
    /// Its path.
    pub path: PathBuf,
    /// The system's answer.
    pub source: io::Error,
}

/// Packets of one capture as blocks, on their way to a file.
pub(super) struct Filled {
    /// Place of the capture among the section's interfaces.
    pub(super) interface: usize,
    /// Number of packets in the blocks.
    pub(super) packets: u64,
    pub(super) blocks: Vec<u8>,
    /// Packets of the capture that are in no file, counted from the start of the run.
    pub(super) missed: Drops,
}

/// A file, open for the whole run.
struct Slot {
    path: PathBuf,
    file: File,
    /// Its length in bytes.
    len: u64,
    /// Hasher of what is in it, where that is recorded.
    hasher: Option<Sha256>,
    captures: Vec<SavedTally>,
}

/// Packets of one capture in one file, and those that are not.
#[derive(Clone, Copy, Default)]
struct SavedTally {
    packets: u64,
    /// Packets that were in the file before it was overwritten, and those that it stated as
    /// missing then.
    overwritten: Drops,
    /// Packets that the capture had missed when the file began.
    before: Drops,
    /// Packets that the file states as missing.
    stated: Drops,
}

impl SavedTally {
    /// Packets that the file lacks, where the capture missed so many since the run began.
    fn lacks(&self, missed: Drops) -> Drops {
        Drops {
            kernel: self.overwritten.kernel + missed.kernel.saturating_sub(self.before.kernel),
            interface: self.overwritten.interface
                + missed.interface.saturating_sub(self.before.interface),
        }
    }

    /// The tally of the file that overwrites this one.
    fn next(&self, missed: Drops) -> Self {
        let mut overwritten = self.lacks(missed);
        overwritten.kernel += self.packets;
        Self {
            packets: 0,
            overwritten,
            before: missed,
            stated: Drops::default(),
        }
    }
}

/// The files, opened.
pub(super) struct Ring {
    slots: Vec<Slot>,
    /// The file that is written.
    at: usize,
    header: Vec<u8>,
    rotate_size: u64,
    /// Packets that each capture missed since the run began.
    missed: Vec<Drops>,
    custody: Custody,
}

impl Ring {
    /// Opens all files, each empty but for its header.
    ///
    /// # Errors
    /// A file cannot be written, or holds something: that is never written over.
    pub(super) fn open(
        options: &Save,
        interfaces: &[InterfaceBlock],
        custody: &Custody,
    ) -> Result<Self, SaveError> {
        let header = header(interfaces);
        let hasher = custody.is_kept().then(|| Sha256::new_with_prefix(&header));
        let slot = |path: PathBuf| match open_with(&path, &header) {
            Ok(file) => Ok(Slot {
                path,
                file,
                len: header.len() as u64,
                hasher: hasher.clone(),
                captures: vec![SavedTally::default(); interfaces.len()],
            }),
            Err(source) => Err(SaveError { path, source }),
        };
        Ok(Self {
            slots: paths(options)
                .into_iter()
                .map(slot)
                .collect::<Result<_, _>>()?,
            at: 0,
            header,
            rotate_size: options.rotate_size.unwrap_or(u64::MAX),
            missed: vec![Drops::default(); interfaces.len()],
            custody: custody.clone(),
        })
    }

    /// Writes packets, into the next file where this one would grow too long.
    fn write(&mut self, filled: &Filled) -> io::Result<()> {
        let is_begun = self.slots[self.at].len > self.header.len() as u64;
        let len = self.slots[self.at].len + filled.blocks.len() as u64;
        if is_begun && len > self.rotate_size {
            self.rotate()?;
        }
        self.missed[filled.interface] = filled.missed;
        let slot = &mut self.slots[self.at];
        slot.write(&filled.blocks)?;
        let tally = &mut slot.captures[filled.interface];
        tally.packets += filled.packets;
        if tally.lacks(filled.missed) != tally.stated {
            slot.state(filled.interface, filled.missed)?;
        }
        Ok(())
    }

    /// Ends the file that is written, and begins the next.
    fn rotate(&mut self) -> io::Result<()> {
        self.end_file()?;
        self.at = (self.at + 1) % self.slots.len();
        let slot = &mut self.slots[self.at];
        slot.file.rewind()?;
        slot.len = 0;
        slot.hasher = slot.hasher.take().map(|_| Sha256::new());
        slot.write(&self.header)?;
        for (interface, &missed) in self.missed.iter().enumerate() {
            slot.captures[interface] = slot.captures[interface].next(missed);
            if slot.captures[interface].lacks(missed) != Drops::default() {
                slot.state(interface, missed)?;
            }
        }
        // Last, so that a file never shows less than was in it without saying so.
        slot.file.set_len(slot.len)
    }

    /// States for each capture what the file holds and what it lacks.
    fn end_file(&mut self) -> io::Result<()> {
        let slot = &mut self.slots[self.at];
        let mut captures = self.missed.iter().enumerate();
        captures.try_for_each(|(interface, &missed)| slot.state(interface, missed))
    }

    /// Enters all files into the record of the run, or that they are not whole.
    fn record(&self, fault: Option<&io::Error>) {
        for slot in &self.slots {
            let whole = slot.hasher.as_ref().filter(|_| fault.is_none());
            let fault = || fault.map(ToString::to_string).unwrap_or_default();
            self.custody.wrote(whole.map_or_else(
                || FileRecord::failed(FileRole::Packets, &slot.path, fault()),
                |hasher| slot.record(hasher.clone()),
            ));
        }
    }

    fn path(&self) -> &Path {
        &self.slots[self.at].path
    }
}

impl Slot {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        Ok(())
    }

    fn record(&self, hasher: Sha256) -> FileRecord {
        let record = FileRecord::of_bytes(self.len, hasher.finalize().into());
        record
            .named(FileRole::Packets, &self.path)
            .changed(&self.file)
    }

    /// Adds the statistics of a capture, by what it missed since the run began.
    fn state(&mut self, interface: usize, missed: Drops) -> io::Result<()> {
        let tally = &mut self.captures[interface];
        tally.stated = tally.lacks(missed);
        let (packets, lacks) = (tally.packets, tally.stated);
        let overwritten = tally.overwritten.kernel + tally.overwritten.interface;
        let comment = match overwritten {
            0 => String::new(),
            _ => format!(
                "{overwritten} packets were in this file, or missing from it, before it was \
                 overwritten"
            ),
        };
        let mut block = Vec::new();
        let place = u32::try_from(interface).unwrap_or(u32::MAX);
        interface_statistics(&mut block, place, packets, lacks, &comment);
        self.write(&block)
    }
}

/// Opens a file and writes the header. A pipe with a name is also opened to be read, for
/// without a reader the kernel would keep the run from beginning.
fn open_with(path: &Path, header: &[u8]) -> io::Result<File> {
    let known = path.metadata();
    let is_pipe = known.is_ok_and(|known| known.file_type().is_fifo());
    let mut options = File::options();
    options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(SECRET)
        .read(is_pipe);
    let mut file = options.open(path)?;
    if file.metadata()?.len() > 0 {
        let what = "it is not empty, and captures are never written over";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    file.write_all(header)?;
    Ok(file)
}

/// All files of a ring, or the only one.
fn paths(options: &Save) -> Vec<PathBuf> {
    match options.rotate_size {
        None => vec![options.path.clone()],
        Some(_) => (1..=options.rotate_count)
            .map(|number| numbered(&options.path, number))
            .collect(),
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

fn header(interfaces: &[InterfaceBlock]) -> Vec<u8> {
    let mut header = Vec::new();
    section_header(&mut header);
    for interface in interfaces {
        interface_description(&mut header, interface);
    }
    header
}

/// Numbers of packets that were handed on, by outcome.
#[derive(Default)]
struct SavedCounts {
    written: AtomicU64,
    given_up: AtomicU64,
}

/// The thread that writes, as the run sees it.
pub(super) struct Saver {
    counts: Arc<SavedCounts>,
    failures: Receiver<SaveError>,
    /// Disconnected when the thread has ended.
    going: Receiver<Infallible>,
    paths: Vec<PathBuf>,
    custody: Custody,
}

impl Saver {
    /// Starts to write what recorders hand on, until all of them have ended.
    pub(super) fn start(ring: Ring, full: Receiver<Filled>, empty: Sender<Vec<u8>>) -> Self {
        let (fail, failures) = bounded(1);
        let (goes, going) = bounded(0);
        let counts = Arc::<SavedCounts>::default();
        let counted = Arc::clone(&counts);
        let paths = ring.slots.iter().map(|slot| slot.path.clone()).collect();
        let custody = ring.custody.clone();
        // Not of a scope: a file that takes nothing any more holds up no run.
        thread::spawn(move || {
            let _goes = goes;
            write_all(ring, &full, &empty, &counted, &fail);
            // Once a file has failed, there is no other.
            for filled in full {
                let given_up = &counted.given_up;
                given_up.fetch_add(filled.packets, Ordering::Relaxed);
            }
        });
        Self {
            counts,
            failures,
            going,
            paths,
            custody,
        }
    }

    /// Error that ended the writing, given once.
    pub(super) fn failure(&self) -> Option<SaveError> {
        self.failures.try_recv().ok()
    }

    /// Number of packets in the files, overwritten ones included.
    pub(super) fn written(&self) -> u64 {
        self.counts.written.load(Ordering::Relaxed)
    }

    /// Number of packets that were handed on and not written, as the file had failed.
    pub(super) fn given_up(&self) -> u64 {
        self.counts.given_up.load(Ordering::Relaxed)
    }

    /// Waits until all is written, at most until a deadline.
    pub(super) fn close(&self, deadline: Instant) {
        // Nothing is ever sent: this is the end of the thread, or of patience.
        let ended = self.going.recv_deadline(deadline);
        if ended == Err(RecvTimeoutError::Timeout) {
            let fault = "it was not written to its end when the run ended";
            for path in &self.paths {
                let record = FileRecord::failed(FileRole::Packets, path, fault.to_owned());
                self.custody.wrote(record);
            }
        }
    }
}

/// Writes until all recorders have ended, or a file fails.
fn write_all(
    mut ring: Ring,
    full: &Receiver<Filled>,
    empty: &Sender<Vec<u8>>,
    counts: &SavedCounts,
    fail: &Sender<SaveError>,
) {
    let failed = |ring: &Ring, source| {
        ring.record(Some(&source));
        let path = ring.path().to_owned();
        let _ = fail.try_send(SaveError { path, source });
    };
    for mut filled in full {
        if let Err(source) = ring.write(&filled) {
            counts.given_up.fetch_add(filled.packets, Ordering::Relaxed);
            return failed(&ring, source);
        }
        counts.written.fetch_add(filled.packets, Ordering::Relaxed);
        filled.blocks.clear();
        // Where there are enough, this one may go.
        let _ = empty.try_send(filled.blocks);
    }
    match ring.end_file() {
        Ok(()) => ring.record(None),
        Err(source) => failed(&ring, source),
    }
}
