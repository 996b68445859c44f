//! All files that packets are saved to: one, or a ring of them.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::slot::{FileStanding, SavedTally, Slot};
use super::{Filled, SaveError};
use crate::capture::losses::Drops;
use crate::capture::pcapng::writer::{InterfaceBlock, interface_description, section_header};
use crate::cli::Save;
use crate::input::custody::{Custody, FileRecord, FileRole};
use crate::input::name::FileName;

/// File that is not at its name any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::run::live) struct LostPlace {
    pub(in crate::run::live) path: PathBuf,
    /// Packets of this run that are gone with it; `None` where it has another name now.
    pub(in crate::run::live) packets: Option<u64>,
}

/// The files, opened.
pub(in crate::run::live) struct Ring {
    slots: Vec<Slot>,
    /// The file that is written.
    at: usize,
    header: Vec<u8>,
    rotate_size: u64,
    /// Packets that each capture missed since the run began.
    missed: Vec<Drops>,
    /// Packets of each that went with files that were removed, until a file states them.
    gone: Vec<Drops>,
    pub(super) custody: Custody,
}

impl Ring {
    /// Opens all files, each empty but for its header, or as an earlier run left it.
    ///
    /// # Errors
    /// A file cannot be written, or holds what is not this program's: that is never written
    /// over. Nor is anything where a manifest is to tell what this run wrote.
    pub(in crate::run::live) fn open(
        options: &Save,
        interfaces: &[InterfaceBlock],
        custody: &Custody,
    ) -> Result<Self, SaveError> {
        let header = header(interfaces);
        let hasher = custody.is_kept().then(Sha256::new);
        let slot = |path: PathBuf| {
            let opened = Slot::open(path.clone(), &header, hasher.clone(), interfaces.len());
            opened.map_err(|source| SaveError { path, source })
        };
        // Backwards, so that of files that no run wrote packets to, the first is the newest.
        let paths = paths(options).into_iter().rev();
        let mut slots = paths.map(slot).collect::<Result<Vec<_>, _>>()?;
        slots.reverse();
        Ok(Self {
            at: newest(&slots),
            slots,
            header,
            rotate_size: options.rotate_size.unwrap_or(u64::MAX),
            missed: vec![Drops::default(); interfaces.len()],
            gone: vec![Drops::default(); interfaces.len()],
            custody: custody.clone(),
        })
    }

    /// Remark on the packets of an earlier run, where there are any.
    pub(in crate::run::live) fn note(&self) -> Option<String> {
        let slot = self.slots.get(self.at).filter(|slot| slot.goes_on())?;
        let path = FileName(&slot.path);
        Some(format!(
            "{path} holds packets of an earlier run, which stay: those of this run follow them"
        ))
    }

    /// Writes packets, into the next file where this one would grow too long or is gone.
    pub(super) fn write(&mut self, filled: &Filled) -> io::Result<()> {
        let is_full = self.is_full(filled.blocks.len());
        if is_full || self.slots[self.at].is_removed {
            self.rotate()?;
        }
        self.begin()?;
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

    /// Tests that the file has no room for so many bytes more.
    fn is_full(&self, more: usize) -> bool {
        let slot = &self.slots[self.at];
        let header = self.header.len() as u64;
        let to_begin = if slot.is_begun { 0 } else { header };
        slot.len > header && slot.len + to_begin + more as u64 > self.rotate_size
    }

    /// Begins this run's section in the file, if it has not.
    fn begin(&mut self) -> io::Result<()> {
        let slot = &mut self.slots[self.at];
        for (tally, gone) in slot.captures.iter_mut().zip(&mut self.gone) {
            tally.overwritten += std::mem::take(gone);
        }
        if slot.is_begun {
            return Ok(());
        }
        slot.begin(&self.header)
    }

    /// Ends the file that is written, and begins the next that is there.
    fn rotate(&mut self) -> io::Result<()> {
        if self.slots[self.at].is_begun && !self.slots[self.at].is_removed {
            self.end_file()?;
        }
        self.at = self.next()?;
        let slot = &mut self.slots[self.at];
        let gone = slot.gone();
        slot.begin_anew(&self.header)?;
        for (interface, &missed) in self.missed.iter().enumerate() {
            slot.captures[interface] = SavedTally::after(gone[interface], missed);
            if gone[interface] != Drops::default() {
                slot.state(interface, missed)?;
            }
        }
        // Last, so that a file never shows less than was in it without saying so.
        slot.cut()?;
        if let Ok(next) = self.next() {
            self.slots[next].count_earlier();
        }
        Ok(())
    }

    /// Place of the next file that is there, which may be the same.
    fn next(&self) -> io::Result<usize> {
        let count = self.slots.len();
        let mut others = (1..=count).map(|step| (self.at + step) % count);
        let next = others.find(|&place| !self.slots[place].is_removed);
        next.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it was removed"))
    }

    /// Looks for all files. Gives those that are not at their name any more.
    pub(super) fn look(&mut self) -> Vec<LostPlace> {
        let mut lost = Vec::new();
        for (place, slot) in self.slots.iter_mut().enumerate() {
            let standing = slot.look();
            let packets = match standing {
                Some(FileStanding::Moved) => None,
                Some(FileStanding::Removed) => {
                    if place == self.at {
                        slot.reckon(&self.missed);
                    }
                    let gone = self.gone.iter_mut().zip(slot.gone());
                    gone.for_each(|(all, more)| *all += more);
                    Some(slot.captures.iter().map(|tally| tally.packets).sum())
                }
                Some(FileStanding::There) | None => continue,
            };
            let path = slot.path.clone();
            lost.push(LostPlace { path, packets });
        }
        lost
    }

    /// States for each capture what the file holds and what it lacks.
    pub(super) fn end_file(&mut self) -> io::Result<()> {
        self.begin()?;
        let slot = &mut self.slots[self.at];
        let mut captures = self.missed.iter().enumerate();
        captures.try_for_each(|(interface, &missed)| slot.state(interface, missed))
    }

    /// Enters all files into the record of the run, or that they are not whole.
    pub(super) fn record(&self, fault: Option<&io::Error>) {
        for slot in &self.slots {
            let removed = slot.is_removed.then(|| "it was removed".to_owned());
            let fault = fault.map(ToString::to_string).or(removed);
            let record = match fault {
                Some(fault) => Some(FileRecord::failed(FileRole::Packets, &slot.path, fault)),
                None => slot.record(),
            };
            if let Some(record) = record {
                self.custody.wrote(record);
            }
        }
    }

    /// Paths of all files.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.slots.iter().map(|slot| slot.path.clone()).collect()
    }

    /// Path of the file that is written.
    pub(super) fn path(&self) -> &Path {
        &self.slots[self.at].path
    }
}

/// Place of the file that was written last by an earlier run; the first where there was none.
fn newest(slots: &[Slot]) -> usize {
    let slots = slots.iter().enumerate().rev();
    let older = slots.filter(|(_, slot)| slot.goes_on());
    let newest = older.max_by_key(|(_, slot)| slot.changed());
    newest.map_or(0, |(place, _)| place)
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::capture::{Frame, InterfaceId, Interfaces, LinkType};
    use crate::input::{Input, InputPath};

    fn options(folder: &Path, files: usize) -> Save {
        Save {
            path: folder.join("t.pcapng"),
            rotate_size: Some(1000),
            rotate_count: files,
        }
    }

    fn open(options: &Save) -> Result<Ring, SaveError> {
        let interface = InterfaceBlock {
            name: "eth0".to_owned(),
            description: String::new(),
            link_type: LinkType::ETHERNET,
            snap_length: 256,
        };
        Ring::open(options, &[interface], &Custody::default())
    }

    /// Packets of 300 bytes, of which three have room in a file, where so many were missed.
    fn packets(ring: &mut Ring, count: u64, missed: u64) {
        for number in 1..=count {
            let frame = Frame {
                number,
                time: None,
                link_type: LinkType::ETHERNET,
                interface: InterfaceId::of("eth0"),
                has_siblings: false,
                data: &[0; 300 - 32],
                wire_len: 300,
            };
            let mut blocks = Vec::new();
            crate::capture::pcapng::writer::enhanced_packet(&mut blocks, 0, &frame, "");
            let missed = Drops {
                kernel: missed,
                interface: None,
            };
            let filled = Filled {
                interface: 0,
                packets: 1,
                blocks,
                missed,
            };
            ring.write(&filled).expect("room");
        }
    }

    /// Packets in each file, and those that all of them state as missing.
    fn read(options: &Save) -> (Vec<u64>, u64) {
        let files = paths(options).into_iter().filter(|path| path.exists());
        let walks = files.map(|path| {
            let found_in = None;
            let input = Input::open(&InputPath { path, found_in }).expect("a capture");
            let walked = input.walk(&Interfaces::default(), |_| {}, |_| {});
            assert_eq!(walked.fault, None);
            let missed = walked.stated.total().unwrap_or_default();
            (walked.packets, missed.drops.kernel)
        });
        let (packets, missed): (Vec<_>, Vec<_>) = walks.unzip();
        (packets, missed.iter().sum())
    }

    #[test]
    fn each_missed_packet_is_stated_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = options(folder.path(), 3);
        let mut ring = open(&options).expect("a ring");
        for missed in 0..12 {
            packets(&mut ring, 1, missed);
        }
        ring.end_file().expect("room");
        let (kept, stated) = read(&options);
        assert_eq!(kept.iter().sum::<u64>() + stated, 12 + 11);
    }

    #[test]
    fn a_ring_goes_on_where_an_earlier_run_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = options(folder.path(), 3);
        for (run, kept, stated) in [
            (1, [2, 0, 0], 0),
            (2, [2, 2, 0], 0),
            (3, [2, 2, 2], 0),
            (4, [2, 2, 2], 2),
            (5, [2, 2, 2], 4),
        ] {
            let mut ring = open(&options).expect("a ring");
            assert_eq!(ring.note().is_some(), run > 1);
            // A file system's clock ticks every few milliseconds.
            std::thread::sleep(std::time::Duration::from_millis(20));
            packets(&mut ring, 2, 0);
            // A crash: nothing more is written.
            drop(ring);
            assert_eq!(read(&options), (kept.to_vec(), stated), "run {run}");
        }
    }

    #[test]
    fn a_packet_that_was_cut_gives_way_and_is_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Save {
            rotate_size: None,
            ..options(folder.path(), 1)
        };
        let mut ring = open(&options).expect("a file");
        packets(&mut ring, 3, 0);
        drop(ring);
        let file = fs::File::options().write(true).open(&options.path);
        let file = file.expect("the file");
        let len = file.metadata().expect("its length").len();
        file.set_len(len - 5).expect("a shorter file");
        let mut ring = open(&options).expect("a file");
        packets(&mut ring, 1, 0);
        ring.end_file().expect("room");
        assert_eq!(read(&options), (vec![3], 1));
    }

    #[test]
    fn no_other_file_and_no_other_run_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = options(folder.path(), 2);
        let _held = open(&options).expect("a ring");
        let refused = |options: &Save| {
            let refused = open(options).err().expect("refused");
            refused.to_string()
        };
        assert!(refused(&options).ends_with("another run writes to it"));
        let other = Save {
            rotate_size: None,
            path: folder.path().join("other"),
            ..options
        };
        fs::write(
            &other.path,
            "a letter of sixty-four characters and more than that, so",
        )
        .unwrap();
        assert!(refused(&other).contains("it is not empty"));
    }

    #[test]
    fn what_went_with_a_file_is_stated_by_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = options(folder.path(), 3);
        let mut ring = open(&options).expect("a ring");
        packets(&mut ring, 4, 0);
        fs::remove_file(folder.path().join("t-002.pcapng")).expect("it was there");
        let lost = ring.look();
        assert_eq!(lost[0].packets, Some(1), "{lost:?}");
        fs::rename(
            options.path.with_file_name("t-001.pcapng"),
            folder.path().join("x"),
        )
        .unwrap();
        assert_eq!(ring.look()[0].packets, None);
        assert_eq!(ring.look(), []);
        packets(&mut ring, 1, 0);
        ring.end_file().expect("room");
        assert_eq!(read(&options), (vec![1], 1));
    }
}
