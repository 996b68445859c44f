//! What a file held before the run that goes on in it.
//!
//! A run that is started again, as a service is after a crash, finds the files of the one
//! before. They stay as they are until their turn in the ring comes, and what they held then
//! is counted as overwritten.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::thread;

use crossbeam_channel::{Receiver, bounded};

use crate::capture::Interfaces;
use crate::capture::pcapng::writer::is_written_here;
use crate::input::Input;

/// Bytes of a block besides its body: its type, and its length at both ends.
const AROUND: u64 = 12;
/// Bytes of a file's start that tell who wrote it.
const HEAD_LEN: usize = 64;

/// Packets of an earlier run in a file, which are counted beside the run.
pub(super) enum Earlier {
    /// A handle to read so many bytes with.
    Unread(File, u64),
    /// The number to come.
    Counting(Receiver<u64>),
}

impl Earlier {
    /// Begins to count, on a thread of its own.
    pub(super) fn begin(&mut self) {
        let Self::Unread(file, len) = self else {
            return;
        };
        let (tell, told) = bounded(1);
        // A handle that cannot be doubled tells nothing.
        if let Ok(file) = file.try_clone() {
            let bytes = file.take(*len);
            thread::spawn(move || tell.send(count(bytes)));
        }
        *self = Self::Counting(told);
    }

    /// Number of packets that were in the file, or missing from it; at least 1 where it cannot
    /// be read.
    pub(super) fn packets(mut self) -> u64 {
        self.begin();
        match self {
            Self::Counting(told) => told.recv().unwrap_or(1),
            Self::Unread(..) => 1,
        }
    }
}

fn count(bytes: impl Read + Send + 'static) -> u64 {
    let Ok(input) = Input::from_stream("", Box::new(bytes)) else {
        return 1;
    };
    let walked = input.walk(&Interfaces::default(), |_| {}, |_| {});
    let missed = walked.stated.total().unwrap_or_default();
    let known = walked.packets.saturating_add(missed.drops.packets());
    // Behind what cannot be read may be more.
    known.saturating_add(missed.unattributed + u64::from(walked.fault.is_some()))
}

/// Length of a file of an earlier run up to the end of its last whole block, in bytes; `None`
/// where this program did not write it.
///
/// # Errors
/// The file cannot be read.
pub(super) fn whole_len(file: &File) -> io::Result<Option<u64>> {
    let len = file.metadata()?.len();
    let mut head = Vec::new();
    file.take(HEAD_LEN as u64).read_to_end(&mut head)?;
    if !is_written_here(&head) {
        return Ok(None);
    }
    if ends_with_a_block(file, len)? {
        return Ok(Some(len));
    }
    let mut at = 0;
    while let Some(block_len) = block_at(file, at, len)? {
        at += block_len;
    }
    Ok(Some(at).filter(|&at| at > 0))
}

/// Tests that the length at the end of a file is that of a block.
fn ends_with_a_block(file: &File, len: u64) -> io::Result<bool> {
    let mut last = [0; 4];
    file.read_exact_at(&mut last, len - 4)?;
    let block_len = u64::from(u32::from_le_bytes(last));
    let start = len.checked_sub(block_len);
    let block = start.map(|start| block_at(file, start, len)).transpose()?;
    Ok(block.flatten() == Some(block_len))
}

/// Length of the block at a place, if all of it is there.
fn block_at(file: &File, at: u64, len: u64) -> io::Result<Option<u64>> {
    if len - at < AROUND {
        return Ok(None);
    }
    let word = |at| {
        let mut word = [0; 4];
        file.read_exact_at(&mut word, at)?;
        io::Result::Ok(u64::from(u32::from_le_bytes(word)))
    };
    let block_len = word(at + 4)?;
    let is_whole = block_len >= AROUND && block_len % 4 == 0 && block_len <= len - at;
    let ends_alike = is_whole && word(at + block_len - 4)? == block_len;
    Ok(ends_alike.then_some(block_len))
}
