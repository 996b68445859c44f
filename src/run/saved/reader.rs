//! Reading a state that comes from anywhere.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::index::{Index, StoredUnit};
use super::{HEAD_LEN, MARK, StateError, TAIL_LEN, VERSION, max_raw_len};
use crate::aggregate::InputCount;
use crate::flow::stored::Room;
use crate::input::capture::Digest;

/// A saved state whose digest is right.
#[derive(Debug)]
pub struct SavedState {
    /// Its path.
    pub path: PathBuf,
    /// Its index.
    pub index: Index,
    /// Number of its bytes.
    pub size: u64,
    /// Digest of all its bytes, that at its end included.
    pub digest: Digest,
}

impl SavedState {
    /// Opens a state, and reads its index.
    ///
    /// # Errors
    /// Where it cannot be read, is damaged, or was written by another version.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let error = StateError::read(path);
        let mut file = File::open(path).map_err(&error)?;
        let len = file.metadata().map_err(&error)?.len();
        check_head(&mut file, path)?;
        let (end, digest) = check_digest(&mut file, len, path)?;
        let index: Index = read_index(&mut file, end, path)?;
        if index.program != env!("CARGO_PKG_VERSION") {
            return Err(StateError::Program {
                path: path.to_owned(),
                program: index.program.chars().take(32).collect(),
            });
        }
        let is_inside = |unit: &StoredUnit| {
            unit.offset
                .checked_add(unit.len)
                .is_some_and(|it| it <= end)
        };
        let is_named =
            |unit: &StoredUnit| unit.inputs.iter().all(|input| !input.sources.is_empty());
        if !index
            .units
            .iter()
            .all(|unit| is_inside(unit) && is_named(unit))
        {
            return Err(StateError::damaged(path, "its index names no inputs of it"));
        }
        let path = path.to_owned();
        Ok(Self {
            path,
            index,
            size: len,
            digest,
        })
    }

    /// Frame of the counts of a unit.
    ///
    /// # Errors
    /// Where it is not what it was when the state was opened.
    pub fn frame(&self, unit: &StoredUnit) -> Result<Vec<u8>, StateError> {
        let error = StateError::read(&self.path);
        let mut file = File::open(&self.path).map_err(&error)?;
        let frame = read_at(&mut file, unit.offset, unit.len).map_err(&error)?;
        let digest: Digest = Sha256::digest(&frame).into();
        if digest == unit.digest {
            Ok(frame)
        } else {
            Err(StateError::damaged(
                &self.path,
                "a frame has another digest",
            ))
        }
    }

    /// Counts of a unit, whose inputs have numbers from `first` on.
    ///
    /// # Errors
    /// Where they are none.
    pub fn counts(
        &self,
        unit: &StoredUnit,
        first: u32,
        room: &mut Room,
    ) -> Result<InputCount, StateError> {
        let frame = self.frame(unit)?;
        let files = first..first.saturating_add(u32::try_from(unit.inputs.len()).unwrap_or(0));
        let counted: InputCount = room
            .read(files, || decoded(&frame, Some(unit.raw_len)))
            .map_err(|why| StateError::damaged(&self.path, why))?;
        if counted.is_sound() {
            Ok(counted)
        } else {
            Err(StateError::damaged(&self.path, "its counts do not add up"))
        }
    }
}

fn check_head(file: &mut File, path: &Path) -> Result<(), StateError> {
    let no_state = || StateError::NoState {
        path: path.to_owned(),
    };
    let head = read_at(file, 0, HEAD_LEN).map_err(StateError::read(path))?;
    let version = head.strip_prefix(&MARK).ok_or_else(no_state)?;
    let version = u32::from_le_bytes(version.try_into().map_err(|_| no_state())?);
    if version == VERSION {
        return Ok(());
    }
    Err(StateError::Version {
        path: path.to_owned(),
        version,
    })
}

/// Tests the digest of a file of this length; gives the end of the frames, and the digest of
/// the whole file.
fn check_digest(file: &mut File, len: u64, path: &Path) -> Result<(u64, Digest), StateError> {
    let damaged = |why| StateError::damaged(path, why);
    let end = len.checked_sub(TAIL_LEN).filter(|&end| end >= HEAD_LEN);
    let end = end.ok_or_else(|| damaged("it ends early"))?;
    let hashed = end + 8;
    let mut before = hasher(file, hashed).map_err(StateError::read(path))?;
    let told = read_at(file, hashed, 32).map_err(StateError::read(path))?;
    if told == before.clone().finalize()[..] {
        before.update(&told);
        Ok((end, before.finalize().into()))
    } else {
        Err(damaged("its digest is not that of its bytes"))
    }
}

/// Hasher of the first bytes of a file.
fn hasher(file: &mut File, len: u64) -> io::Result<Sha256> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 20];
    let mut bytes = file.take(len);
    loop {
        match bytes.read(&mut block)? {
            0 => return Ok(hasher),
            read => hasher.update(&block[..read]),
        }
    }
}

/// The index, whose frame ends at `end`, behind which its length stands.
fn read_index(file: &mut File, end: u64, path: &Path) -> Result<Index, StateError> {
    let error = StateError::read(path);
    let damaged = |why: String| StateError::damaged(path, why);
    let len = read_at(file, end, 8).map_err(&error)?;
    let len = u64::from_le_bytes(len.try_into().unwrap_or_default());
    let start = end.checked_sub(len).filter(|&start| start >= HEAD_LEN);
    let start = start.ok_or_else(|| damaged("it has no index".to_owned()))?;
    let frame = read_at(file, start, len).map_err(&error)?;
    decoded(&frame, None).map_err(damaged)
}

/// Bytes of a file; fewer where it ends before.
fn read_at(file: &mut File, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Content of a frame, whose length without compression may be known.
fn decoded<T: DeserializeOwned>(frame: &[u8], raw_len: Option<u64>) -> Result<T, String> {
    /// As for the compression level that states are written with, and more.
    const MAX_WINDOW_LOG: u32 = 24;
    let most = max_raw_len(frame.len() as u64);
    let told = |error: io::Error| error.to_string();
    let mut decoder = zstd::Decoder::new(frame).map_err(told)?;
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(told)?;
    let mut raw = Vec::new();
    decoder.take(most + 1).read_to_end(&mut raw).map_err(told)?;
    if raw.len() as u64 > most || raw_len.is_some_and(|len| len != raw.len() as u64) {
        return Err("a frame has another length than it may".to_owned());
    }
    match postcard::take_from_bytes(&raw) {
        Ok((content, [])) => Ok(content),
        Ok(_) => Err("a frame has more than its content".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
