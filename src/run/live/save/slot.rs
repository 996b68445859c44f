//! A file of a ring, open for the whole run.

use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::earlier::{Earlier, whole_len};
use crate::capture::losses::Drops;
use crate::capture::pcapng::writer::interface_statistics;
use crate::input::custody::{FileRecord, FileRole};
use crate::run::output::SECRET;

/// File, open for the whole run.
pub(super) struct Slot {
    pub(super) path: PathBuf,
    file: File,
    /// Length that the next byte is written behind, in bytes.
    pub(super) len: u64,
    /// Hasher of what is in it, where that is recorded.
    hasher: Option<Sha256>,
    pub(super) captures: Vec<SavedTally>,
    /// Set once a section of this run has begun in it.
    pub(super) is_begun: bool,
    /// Packets of an earlier run that it holds.
    earlier: Option<Earlier>,
    /// Set where the last packet of that run was not written to its end.
    is_torn: bool,
    /// Its place on the disk when that was last looked for.
    standing: FileStanding,
    /// Set once it was removed while it was open.
    pub(super) is_removed: bool,
}

/// Packets of one capture in one file, and those that are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SavedTally {
    pub(super) packets: u64,
    /// Packets that were in the file before it was overwritten, and those that it stated as
    /// missing then; also those of files that were removed.
    pub(super) overwritten: Drops,
    /// Packets that the capture had missed when the file began.
    before: Drops,
    /// Packets that the file states as missing.
    pub(super) stated: Drops,
}

impl SavedTally {
    /// Packets that the file lacks, where the capture missed so many since the run began.
    pub(super) fn lacks(&self, missed: Drops) -> Drops {
        let before = self.before.interface.unwrap_or(0);
        let since = Drops {
            kernel: missed.kernel.saturating_sub(self.before.kernel),
            interface: missed.interface.map(|all| all.saturating_sub(before)),
        };
        let mut lacks = self.overwritten;
        lacks += since;
        lacks
    }

    /// Packets that are gone with the file. What the capture missed after its end, the files
    /// after it state.
    pub(super) fn gone(&self) -> Drops {
        Drops {
            kernel: self.stated.kernel + self.packets,
            ..self.stated
        }
    }

    /// The tally of a file that begins where so much is gone, and so much was missed.
    pub(super) fn after(gone: Drops, missed: Drops) -> Self {
        Self {
            overwritten: gone,
            before: missed,
            ..Self::default()
        }
    }
}

/// Place of a file on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileStanding {
    /// At its name, or what is no file.
    There,
    /// Under another name.
    Moved,
    /// Under none.
    Removed,
}

impl Slot {
    /// Opens a file. An empty one, or what is no file, gets its header at once.
    ///
    /// # Errors
    /// It cannot be written, another run writes to it, or it holds what is not this program's,
    /// or anything where there is a hasher.
    pub(super) fn open(
        path: PathBuf,
        header: &[u8],
        hasher: Option<Sha256>,
        captures: usize,
    ) -> io::Result<Self> {
        let file = open(&path)?;
        let len = file.metadata()?.len();
        let mut slot = Self {
            standing: standing(&file, &path),
            path,
            file,
            len,
            hasher,
            captures: vec![SavedTally::default(); captures],
            is_begun: false,
            earlier: None,
            is_torn: false,
            is_removed: false,
        };
        if len == 0 {
            slot.begin(header)?;
        } else {
            slot.go_on()?;
        }
        Ok(slot)
    }

    /// Takes up the end of what an earlier run wrote.
    fn go_on(&mut self) -> io::Result<()> {
        let mut reader = File::open(&self.path)?;
        let whole = whole_len(&reader)?.filter(|_| self.hasher.is_none());
        let Some(whole) = whole else {
            let what = "it is not empty, and captures are never written over";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
        };
        self.is_torn = whole < self.len;
        self.len = whole;
        reader.rewind()?;
        self.earlier = Some(Earlier::Unread(reader, whole));
        Ok(())
    }

    /// Begins a section behind what is there, less a block that was not written to its end.
    pub(super) fn begin(&mut self, header: &[u8]) -> io::Result<()> {
        self.is_begun = true;
        self.captures[0].overwritten.kernel += u64::from(std::mem::take(&mut self.is_torn));
        if self.len > 0 {
            self.file.set_len(self.len)?;
            self.file.seek(SeekFrom::Start(self.len))?;
        }
        self.write(header)
    }

    /// Begins the file anew, over what is there; [`Slot::cut`] ends that.
    pub(super) fn begin_anew(&mut self, header: &[u8]) -> io::Result<()> {
        self.file.rewind()?;
        self.len = 0;
        self.hasher = self.hasher.take().map(|_| Sha256::new());
        self.is_begun = true;
        self.write(header)
    }

    /// Takes away what is left of the file that was overwritten.
    pub(super) fn cut(&self) -> io::Result<()> {
        self.file.set_len(self.len)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        Ok(())
    }

    /// Entry for the record of the run, where there is one.
    pub(super) fn record(&self) -> Option<FileRecord> {
        let hasher = self.hasher.clone()?;
        let record = FileRecord::of_bytes(self.len, hasher.finalize().into());
        let named = record.named(FileRole::Packets, &self.path);
        Some(named.changed(&self.file))
    }

    /// Adds the statistics of a capture, by what it missed since the run began.
    pub(super) fn state(&mut self, interface: usize, missed: Drops) -> io::Result<()> {
        let tally = &mut self.captures[interface];
        tally.stated = tally.lacks(missed);
        let (packets, lacks) = (tally.packets, tally.stated);
        let overwritten = tally.overwritten.packets();
        let comment = match overwritten {
            0 => String::new(),
            _ => format!(
                "{overwritten} packets were in this file, or missing from it, before it was \
                 overwritten, or in files that were removed"
            ),
        };
        let mut block = Vec::new();
        let place = u32::try_from(interface).unwrap_or(u32::MAX);
        interface_statistics(&mut block, place, packets, lacks, &comment);
        self.write(&block)
    }

    /// Tests that it holds packets of an earlier run.
    pub(super) fn goes_on(&self) -> bool {
        self.earlier.is_some()
    }

    /// Time of its last change, in seconds and nanoseconds.
    pub(super) fn changed(&self) -> (i64, i64) {
        let known = self.file.metadata();
        known.map_or((0, 0), |known| (known.mtime(), known.mtime_nsec()))
    }

    /// Begins to count what an earlier run left in it.
    pub(super) fn count_earlier(&mut self) {
        self.earlier.iter_mut().for_each(Earlier::begin);
    }

    /// Number of packets that an earlier run left in it, given once.
    fn take_earlier(&mut self) -> u64 {
        let torn = u64::from(std::mem::take(&mut self.is_torn));
        self.earlier.take().map_or(0, Earlier::packets) + torn
    }

    /// Packets that are gone with the file, of each capture. Which one had those of an earlier
    /// run does not matter to who counts what is missing.
    pub(super) fn gone(&mut self) -> Vec<Drops> {
        let mut gone: Vec<_> = self.captures.iter().map(SavedTally::gone).collect();
        gone[0].kernel += self.take_earlier();
        gone
    }

    /// Brings up to date what the file would state, where captures missed so much.
    pub(super) fn reckon(&mut self, missed: &[Drops]) {
        for (tally, &missed) in self.captures.iter_mut().zip(missed) {
            tally.stated = tally.lacks(missed);
        }
    }

    /// Looks for it on the disk. Gives its place where that is another than before.
    pub(super) fn look(&mut self) -> Option<FileStanding> {
        let now = standing(&self.file, &self.path);
        let before = std::mem::replace(&mut self.standing, now);
        let is_new = before != now;
        self.is_removed |= is_new && now == FileStanding::Removed;
        is_new.then_some(now)
    }
}

fn standing(file: &File, path: &Path) -> FileStanding {
    let Some(held) = file.metadata().ok().filter(fs::Metadata::is_file) else {
        return FileStanding::There;
    };
    let place = |it: &fs::Metadata| (it.dev(), it.ino());
    match fs::metadata(path) {
        _ if held.nlink() == 0 => FileStanding::Removed,
        Ok(named) if place(&named) != place(&held) => FileStanding::Moved,
        Err(error) if error.kind() == io::ErrorKind::NotFound => FileStanding::Moved,
        // What cannot be looked at tells nothing.
        _ => FileStanding::There,
    }
}

/// Opens a file that no other run writes to. A pipe with a name is also opened to be read, for
/// without a reader the kernel would keep the run from beginning.
fn open(path: &Path) -> io::Result<File> {
    let known = path.metadata();
    let is_pipe = known.is_ok_and(|known| known.file_type().is_fifo());
    let mut options = File::options();
    options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(SECRET)
        .read(is_pipe);
    let file = options.open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let what = "another run writes to it";
            Err(io::Error::new(io::ErrorKind::ResourceBusy, what))
        }
        // Some file systems know no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}
