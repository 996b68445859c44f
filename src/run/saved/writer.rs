//! Writing a state: under another name until it is whole.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::index::{Index, StoredInput, StoredUnit, UnitIdentity};
use super::{HEAD_LEN, MARK, StateError, VERSION, max_raw_len};
use crate::aggregate::InputCount;
use crate::flow::stored;
use crate::input::custody::{Digest, FileRecord, FileRole};
use crate::run::output::{Draft, OutputPlace, SECRET};

/// A state that is being written.
#[derive(Debug)]
pub struct StateWriter<'p> {
    place: &'p OutputPlace,
    out: Draft<'p>,
    index: Index,
}

/// Opens the place that states go to.
///
/// # Errors
/// Its folder cannot be opened.
pub fn place(path: &Path) -> Result<OutputPlace, StateError> {
    OutputPlace::open(path).map_err(StateError::write(path))
}

/// Place of a frame that was written.
#[derive(Clone, Copy, Debug)]
pub struct FramePlace {
    offset: u64,
    len: u64,
    raw_len: u64,
    digest: Digest,
}

impl<'p> StateWriter<'p> {
    /// Begins a state.
    ///
    /// # Errors
    /// Where a file cannot be made beside it.
    pub fn create(place: &'p OutputPlace, index: Index) -> Result<Self, StateError> {
        let error = StateError::write(place.path());
        let mut out = place.draft(SECRET).map_err(&error)?;
        let head = out
            .write_all(&MARK)
            .and_then(|()| out.write_all(&VERSION.to_le_bytes()));
        head.map_err(error)?;
        debug_assert_eq!(out.len(), HEAD_LEN);
        Ok(Self { place, out, index })
    }

    /// Writes the counts of inputs, of which the first has this number.
    ///
    /// # Errors
    /// Those of the file.
    pub fn counts(&mut self, first: u32, counted: &InputCount) -> Result<FramePlace, StateError> {
        let written = stored::write(first, || self.frame(counted));
        written.map_err(StateError::write(self.place.path()))
    }

    /// Adds inputs whose counts were written.
    pub fn add(
        &mut self,
        place: FramePlace,
        identity: Option<UnitIdentity>,
        inputs: Vec<StoredInput>,
    ) {
        self.index.units.push(StoredUnit {
            identity: identity.unwrap_or(UnitIdentity::Counts(place.digest)),
            inputs,
            offset: place.offset,
            len: place.len,
            raw_len: place.raw_len,
            digest: place.digest,
        });
    }

    /// Adds inputs with their counts as another state holds them.
    ///
    /// # Errors
    /// Those of the file.
    pub fn copy(&mut self, unit: &StoredUnit, frame: &[u8]) -> Result<(), StateError> {
        let offset = self.out.len();
        let written = self.out.write_all(frame);
        written.map_err(StateError::write(self.place.path()))?;
        self.index.units.push(StoredUnit {
            offset,
            ..unit.clone()
        });
        Ok(())
    }

    /// The index, as far as it goes.
    pub fn index(&mut self) -> &mut Index {
        &mut self.index
    }

    /// Ends the state: from now on it has its name. Gives the record of the file.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish(mut self) -> Result<FileRecord, StateError> {
        let place = self.place;
        let ended = self.end().and_then(|()| {
            let (size, digest) = (self.out.len(), self.out.digest());
            self.out.finish()?;
            Ok(FileRecord::hashed(
                FileRole::State,
                place.path(),
                size,
                digest,
            ))
        });
        ended.map_err(StateError::write(place.path()))
    }

    fn end(&mut self) -> io::Result<()> {
        let index = self.index.clone();
        let place = self.frame(&index)?;
        self.out.write_all(&place.len.to_le_bytes())?;
        let digest = self.out.digest();
        self.out.write_all(&digest)
    }

    /// Writes a frame.
    fn frame(&mut self, content: &impl Serialize) -> io::Result<FramePlace> {
        let raw = postcard::to_stdvec(content).map_err(io::Error::other)?;
        let frame = zstd::encode_all(&raw[..], zstd::DEFAULT_COMPRESSION_LEVEL)?;
        let place = FramePlace {
            offset: self.out.len(),
            len: frame.len() as u64,
            raw_len: raw.len() as u64,
            digest: Sha256::digest(&frame).into(),
        };
        if place.raw_len > max_raw_len(place.len) {
            return Err(io::Error::other("there is too much to be saved"));
        }
        self.out.write_all(&frame)?;
        Ok(place)
    }
}
