//! Record of the files that a run reads and writes, each with the digest of its bytes.
//!
//! Bytes are hashed as they are read, on a thread of their own, and never read once more for
//! it: what was hashed is what was counted.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::capture::stream::Bytes;

/// SHA-256: no file can be made to pass for another.
pub type Digest = [u8; 32];

/// Digest in hexadecimal.
#[must_use]
pub fn hexadecimal(digest: Digest) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        // Nothing keeps a string from growing.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Digest of which this is the hexadecimal form; `None` where it is of none.
#[must_use]
pub fn digest_of(hexadecimal: &str) -> Option<Digest> {
    let mut digest = Digest::default();
    let (pairs, []) = hexadecimal.as_bytes().as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(pairs) {
        let digits = str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(digest)
}

/// Part that a file has in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileRole {
    /// Packets that are read.
    Capture,
    /// Flow log of virtual networks, or a file that was read for one.
    FlowLog,
    /// Saved state, read by `merge` or written.
    State,
    /// Azure's configuration.
    Export,
    /// List of servers.
    ServerList,
    /// Verdicts that are accepted.
    Waivers,
    /// List of VM sizes.
    VmSizes,
    /// Report in one of its formats.
    Report,
    /// Packets that a live run saves.
    Packets,
    /// Packets that a proof rests on.
    Evidence,
}

/// File that was read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Part that it has in the run.
    pub role: FileRole,
    /// Its path as it was named or found; `-` is standard input.
    pub path: PathBuf,
    /// Number of its bytes.
    pub size: u64,
    /// Time of its last modification; `None` of what is no file.
    pub modified: Option<Timestamp>,
    /// Digest of its bytes; `None` where they were not read or written to their end.
    pub digest: Option<Digest>,
    /// Reason why there is no digest.
    pub fault: Option<String>,
}

impl FileRecord {
    /// A report without a name or a time, whose bytes were hashed.
    #[must_use]
    pub fn of_bytes(size: u64, digest: Digest) -> Self {
        Self {
            role: FileRole::Report,
            path: PathBuf::new(),
            size,
            modified: None,
            digest: Some(digest),
            fault: None,
        }
    }

    /// A file whose bytes were hashed.
    #[must_use]
    pub fn hashed(role: FileRole, path: &Path, size: u64, digest: Digest) -> Self {
        Self {
            modified: modified(path),
            ..Self::of_bytes(size, digest).named(role, path)
        }
    }

    /// The same with another role and path.
    #[must_use]
    pub fn named(self, role: FileRole, path: &Path) -> Self {
        let path = path.to_owned();
        Self { role, path, ..self }
    }

    /// The same with the time of a file that is open, which may be out of reach by its path.
    #[must_use]
    pub fn changed(self, file: &File) -> Self {
        let modified = file.metadata().ok().and_then(|known| time_of(&known));
        Self { modified, ..self }
    }

    /// A file that could not be written.
    #[must_use]
    pub fn failed(role: FileRole, path: &Path, fault: String) -> Self {
        Self {
            role,
            path: path.to_owned(),
            size: 0,
            modified: None,
            digest: None,
            fault: Some(fault),
        }
    }
}

/// Time of a file's last modification.
fn modified(path: &Path) -> Option<Timestamp> {
    time_of(&fs::metadata(path).ok()?)
}

fn time_of(metadata: &fs::Metadata) -> Option<Timestamp> {
    let modified = metadata.is_file().then(|| metadata.modified().ok())??;
    Timestamp::try_from(modified).ok()
}

/// Record of a run's files; one that is not kept hashes nothing.
#[derive(Clone, Debug, Default)]
pub struct Custody(Option<Arc<Ledger>>);

#[derive(Debug, Default)]
struct Ledger {
    state: Mutex<LedgerState>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct LedgerState {
    /// Number of streams that are still read.
    open: usize,
    read: Vec<FileRecord>,
    written: Vec<FileRecord>,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, LedgerState> {
        self.state.lock().expect("no holder panics")
    }

    /// Adds a file that was read to its end. Of one that was read twice, as a file of either
    /// of two forms is, the reading that came to its end counts.
    fn close(&self, record: FileRecord) {
        let mut state = self.lock();
        let is_same = |it: &&mut FileRecord| it.role == record.role && it.path == record.path;
        match state.read.iter_mut().find(is_same) {
            Some(known) if record.digest.is_some() => *known = record,
            Some(_) => {}
            None => state.read.push(record),
        }
        state.open = state.open.saturating_sub(1);
        self.closed.notify_all();
    }
}

impl Custody {
    /// A record that is kept.
    #[must_use]
    pub fn kept() -> Self {
        Self(Some(Arc::default()))
    }

    /// Tests that the record is kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Adds a file that was read.
    pub fn read(&self, record: FileRecord) {
        if let Some(ledger) = &self.0 {
            ledger.lock().open += 1;
            ledger.close(record);
        }
    }

    /// Adds a file that was written.
    pub fn wrote(&self, record: FileRecord) {
        if let Some(ledger) = &self.0 {
            ledger.lock().written.push(record);
        }
    }

    /// Reads a short file of text.
    ///
    /// # Errors
    /// It cannot be read, or is not UTF-8.
    pub fn text(&self, role: FileRole, path: &Path) -> io::Result<String> {
        let bytes = fs::read(path)?;
        let digest = Sha256::digest(&bytes).into();
        self.read(FileRecord::hashed(role, path, bytes.len() as u64, digest));
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Hashes a file while it is read. Once `drains` is set, what its reader leaves is read to
    /// its end when the reader is gone.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn tap(
        &self,
        role: FileRole,
        path: &Path,
        bytes: Bytes,
        drains: Arc<AtomicBool>,
    ) -> io::Result<Bytes> {
        let Some(ledger) = &self.0 else {
            return Ok(bytes);
        };
        let ledger = Arc::clone(ledger);
        let (path, modified) = (path.to_owned(), modified(path));
        ledger.lock().open += 1;
        let close = Arc::clone(&ledger);
        let tapped = Tapped::new(bytes, drains, move |outcome| {
            close.close(FileRecord {
                role,
                path,
                modified,
                size: outcome.size,
                digest: outcome.digest,
                fault: outcome.fault,
            });
        });
        match tapped {
            Ok(tapped) => Ok(Box::new(tapped)),
            Err(error) => {
                ledger.lock().open -= 1;
                Err(error)
            }
        }
    }

    /// Files that were read, and files that were written, once all that is read has come to
    /// its end.
    ///
    /// # Panics
    /// Never: no holder of the lock panics.
    #[must_use]
    pub fn files(&self) -> (Vec<FileRecord>, Vec<FileRecord>) {
        let Some(ledger) = &self.0 else {
            return Default::default();
        };
        let state = ledger.lock();
        let all_closed = ledger.closed.wait_while(state, |state| state.open > 0);
        let state = all_closed.expect("no holder panics");
        let mut read = state.read.clone();
        read.sort_by(|a, b| (a.role, &a.path).cmp(&(b.role, &b.path)));
        (read, state.written.clone())
    }
}

/// Result of hashing a stream.
#[derive(Debug)]
pub struct HashOutcome {
    /// Digest of all bytes; `None` where they were not read to their end.
    pub digest: Option<Digest>,
    /// Number of bytes read.
    pub size: u64,
    /// Reason why there is no digest.
    pub fault: Option<String>,
}

/// Blocks that wait to be hashed.
const BLOCKS: usize = 8;

/// Message to the thread that hashes.
enum HashNews {
    Block(Vec<u8>),
    End,
    Fault(String),
}

/// Stream that hands all that is read of it to a thread that hashes.
pub struct Tapped {
    bytes: Bytes,
    give: Sender<HashNews>,
    spent: Receiver<Vec<u8>>,
    has_ended: bool,
    drains: Arc<AtomicBool>,
}

impl Tapped {
    /// Taps a stream; `close` is told the outcome when the stream is dropped.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn new(
        bytes: Bytes,
        drains: Arc<AtomicBool>,
        close: impl FnOnce(HashOutcome) + Send + 'static,
    ) -> io::Result<Self> {
        let (give, take) = bounded(BLOCKS);
        let (give_back, spent) = bounded(BLOCKS);
        thread::Builder::new()
            .name("sha256".to_owned())
            .spawn(move || close(hash(&take, &give_back)))?;
        Ok(Self {
            bytes,
            give,
            spent,
            has_ended: false,
            drains,
        })
    }

    fn tell(&self, news: HashNews) {
        // The thread ends only after this does.
        let _ = self.give.send(news);
    }

    fn take_in(&mut self, read: &io::Result<usize>, bytes: &[u8]) {
        match read {
            _ if self.has_ended => {}
            Ok(0) => {
                self.has_ended = true;
                self.tell(HashNews::End);
            }
            Ok(read) => {
                let mut block = self.spent.try_recv().unwrap_or_default();
                block.clear();
                block.extend_from_slice(&bytes[..*read]);
                self.tell(HashNews::Block(block));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.has_ended = true;
                self.tell(HashNews::Fault(error.to_string()));
            }
        }
    }
}

/// Hashes blocks until there are no more.
fn hash(news: &Receiver<HashNews>, give_back: &Sender<Vec<u8>>) -> HashOutcome {
    let mut hasher = Sha256::new();
    let mut outcome = HashOutcome {
        digest: None,
        size: 0,
        fault: Some("it was not read to its end".to_owned()),
    };
    for news in news {
        match news {
            HashNews::Block(block) => {
                hasher.update(&block);
                outcome.size += block.len() as u64;
                let _ = give_back.try_send(block);
            }
            HashNews::End => {
                outcome.digest = Some(hasher.finalize_reset().into());
                outcome.fault = None;
            }
            HashNews::Fault(fault) => outcome.fault = Some(fault),
        }
    }
    outcome
}

impl Read for Tapped {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into);
        if !into.is_empty() {
            self.take_in(&read, into);
        }
        read
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        if self.drains.load(Ordering::Relaxed) && !self.has_ended {
            // Failures are taken in as well.
            let _ = io::copy(self, &mut io::sink());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn tapped(custody: &Custody, name: &str, content: &[u8], drains: bool) -> Bytes {
        let bytes = Box::new(Cursor::new(content.to_vec()));
        let drains = Arc::new(AtomicBool::new(drains));
        let tapped = custody.tap(FileRole::Capture, Path::new(name), bytes, drains);
        tapped.expect("a thread")
    }

    #[test]
    fn all_that_is_there_is_hashed_however_much_is_read() {
        let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let custody = Custody::kept();
        let mut head = [0; 10];
        let mut whole = tapped(&custody, "whole", &content, false);
        io::copy(&mut whole, &mut io::sink()).expect("bytes");
        let mut drained = tapped(&custody, "drained", &content, true);
        drained.read_exact(&mut head).expect("ten bytes");
        let mut left = tapped(&custody, "left", &content, false);
        left.read_exact(&mut head).expect("ten bytes");
        drop((whole, drained, left));
        let (read, _) = custody.files();
        let digest: Digest = Sha256::digest(&content).into();
        let told: Vec<_> = read
            .iter()
            .map(|it| (it.path.to_str(), it.size, it.digest, it.fault.is_some()))
            .collect();
        let len = content.len() as u64;
        let expected = [
            (Some("drained"), len, Some(digest), false),
            (Some("left"), 10, None, true),
            (Some("whole"), len, Some(digest), false),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn of_two_readings_the_whole_one_counts() {
        let custody = Custody::kept();
        let mut whole = tapped(&custody, "x", b"content", false);
        io::copy(&mut whole, &mut io::sink()).expect("bytes");
        drop(whole);
        drop(tapped(&custody, "x", b"content", false));
        let (read, written) = custody.files();
        assert_eq!(read.len(), 1);
        assert!(read[0].digest.is_some() && written.is_empty());
        assert!(Custody::default().files().0.is_empty());
    }
}
