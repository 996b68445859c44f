//! The thread that writes captured packets to a pcapng file, or to a ring of them.
//!
//! All files are opened before the first packet, for later the process may open none. What an
//! earlier run left in them stays, and this one goes on behind it.
//! [Recorders](super::recorder) never wait for this thread: what it has no time for is left
//! out of the file, and the file's interface statistics count it as dropped. They also
//! count what the file's place in the ring held before and was overwritten, so that the
//! packets in all files of a ring and those that they state as missing are all there were.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::capture::losses::Drops;
use crate::input::custody::{Custody, FileRecord, FileRole};
use crate::input::name::FileName;

mod earlier;
mod ring;
mod slot;

pub(super) use ring::{LostPlace, Ring};

/// Time between two looks for the files on the disk.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Files that are gone, of which the run is not told yet.
const LOST_PLACES_AHEAD: usize = 1024;

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

/// Numbers of packets that were handed on, by outcome.
#[derive(Default)]
struct SavedCounts {
    written: AtomicU64,
    given_up: AtomicU64,
    /// Those of the written that went with files that were removed.
    gone: AtomicU64,
}

/// The thread that writes, as the run sees it.
pub(super) struct Saver {
    counts: Arc<SavedCounts>,
    failures: Receiver<SaveError>,
    lost_places: Receiver<LostPlace>,
    /// Disconnected when the thread has ended.
    going: Receiver<Infallible>,
    paths: Vec<PathBuf>,
    custody: Custody,
}

impl Saver {
    /// Starts to write what recorders hand on, until all of them have ended.
    pub(super) fn start(ring: Ring, full: Receiver<Filled>, empty: Sender<Vec<u8>>) -> Self {
        let (fail, failures) = bounded(1);
        let (lose, lost_places) = bounded(LOST_PLACES_AHEAD);
        let (goes, going) = bounded(0);
        let counts = Arc::<SavedCounts>::default();
        let counted = Arc::clone(&counts);
        let paths = ring.paths();
        let custody = ring.custody.clone();
        // Not of a scope: a file that takes nothing any more holds up no run.
        thread::spawn(move || {
            let _goes = goes;
            let writer = Writer {
                ring,
                counts: &counted,
                lose,
                looked: Instant::now(),
            };
            writer.write_all(&full, &empty, &fail);
            // Once a file has failed, there is no other.
            for filled in full {
                let given_up = &counted.given_up;
                given_up.fetch_add(filled.packets, Ordering::Relaxed);
            }
        });
        Self {
            counts,
            failures,
            lost_places,
            going,
            paths,
            custody,
        }
    }

    /// Error that ended the writing, given once.
    pub(super) fn failure(&self) -> Option<SaveError> {
        self.failures.try_recv().ok()
    }

    /// Files that are not at their name any more, each given once.
    pub(super) fn lost_places(&self) -> impl Iterator<Item = LostPlace> {
        self.lost_places.try_iter()
    }

    /// Number of packets in the files, overwritten ones included, and those of files that were
    /// removed not.
    pub(super) fn written(&self) -> u64 {
        let written = self.counts.written.load(Ordering::Relaxed);
        written.saturating_sub(self.counts.gone.load(Ordering::Relaxed))
    }

    /// Number of packets that were handed on and are in no file: it had failed, or was removed.
    pub(super) fn given_up(&self) -> u64 {
        let given_up = self.counts.given_up.load(Ordering::Relaxed);
        given_up + self.counts.gone.load(Ordering::Relaxed)
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

/// Side of a saver that writes.
struct Writer<'c> {
    ring: Ring,
    counts: &'c SavedCounts,
    lose: Sender<LostPlace>,
    /// Time at which the files were last looked for.
    looked: Instant,
}

impl Writer<'_> {
    /// Writes until all recorders have ended, or a file fails.
    fn write_all(
        mut self,
        full: &Receiver<Filled>,
        empty: &Sender<Vec<u8>>,
        fail: &Sender<SaveError>,
    ) {
        let ended = self.write_each(full, empty).and_then(|()| {
            self.look();
            self.ring.end_file()
        });
        self.ring.record(ended.as_ref().err());
        if let Err(source) = ended {
            let path = self.ring.path().to_owned();
            let _ = fail.try_send(SaveError { path, source });
        }
    }

    fn write_each(&mut self, full: &Receiver<Filled>, empty: &Sender<Vec<u8>>) -> io::Result<()> {
        loop {
            let filled = full.recv_timeout(LOOK_EVERY);
            if self.looked.elapsed() >= LOOK_EVERY {
                self.look();
            }
            let mut filled = match filled {
                Ok(filled) => filled,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            let written = self.ring.write(&filled);
            let outcome = match written {
                Ok(()) => &self.counts.written,
                Err(_) => &self.counts.given_up,
            };
            outcome.fetch_add(filled.packets, Ordering::Relaxed);
            written?;
            filled.blocks.clear();
            // Where there are enough, this one may go.
            let _ = empty.try_send(filled.blocks);
        }
    }

    /// Looks for the files, and tells of those that are gone.
    fn look(&mut self) {
        self.looked = Instant::now();
        for lost in self.ring.look() {
            let packets = lost.packets.unwrap_or(0);
            self.counts.gone.fetch_add(packets, Ordering::Relaxed);
            // Who moves files all the time need not be told each time.
            let _ = self.lose.try_send(lost);
        }
    }
}
