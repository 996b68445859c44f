//! Writing a state: under another name until it is whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::index::{Index, StoredInput, StoredUnit, UnitIdentity};
use super::{HEAD_LEN, MARK, StateError, VERSION, max_raw_len};
use crate::aggregate::InputCount;
use crate::flow::stored;
use crate::input::capture::Digest;

/// A state that is being written.
#[derive(Debug)]
pub struct StateWriter<'p> {
    place: &'p StatePlace,
    draft: Draft,
    out: Hashing<File>,
    index: Index,
}

/// Place that states go to.
#[derive(Debug)]
pub struct StatePlace {
    path: PathBuf,
    /// Their folder: a name in it lasts when it does.
    folder: File,
}

impl StatePlace {
    /// Opens the folder of a path.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let folder = folder(path);
        Ok(Self {
            folder: File::open(folder).map_err(StateError::write(path))?,
            path: path.to_owned(),
        })
    }

    /// Path of the states.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder that a file is in.
#[must_use]
pub fn folder(file: &Path) -> &Path {
    let parent = file.parent().filter(|it| !it.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Name of a file that is not whole yet, which goes with this.
#[derive(Debug)]
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // Once the state is whole, nothing has this name any more.
        let _ = fs::remove_file(&self.0);
    }
}

impl Draft {
    /// A name in the same folder that no other process writes to.
    fn of(path: &Path) -> Self {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.new", std::process::id()));
        Self(path.with_file_name(name))
    }
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
    pub fn create(place: &'p StatePlace, index: Index) -> Result<Self, StateError> {
        let error = StateError::write(&place.path);
        let draft = Draft::of(&place.path);
        // What another run left behind under this process's number is nobody's.
        let _ = fs::remove_file(&draft.0);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(&draft.0).map_err(&error)?;
        let mut out = Hashing::new(file);
        let head = out
            .write_all(&MARK)
            .and_then(|()| out.write_all(&VERSION.to_le_bytes()));
        head.map_err(error)?;
        debug_assert_eq!(out.len, HEAD_LEN);
        Ok(Self {
            place,
            draft,
            out,
            index,
        })
    }

    /// Writes the counts of inputs, of which the first has this number.
    ///
    /// # Errors
    /// Those of the file.
    pub fn counts(&mut self, first: u32, counted: &InputCount) -> Result<FramePlace, StateError> {
        let written = stored::write(first, || self.frame(counted));
        written.map_err(StateError::write(&self.place.path))
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
        let offset = self.out.len;
        let written = self.out.write_all(frame);
        written.map_err(StateError::write(&self.place.path))?;
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

    /// Ends the state: from now on it has its name.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish(mut self) -> Result<(), StateError> {
        let ended = self.end();
        ended.map_err(StateError::write(&self.place.path))
    }

    fn end(&mut self) -> io::Result<()> {
        let index = self.index.clone();
        let place = self.frame(&index)?;
        self.out.write_all(&place.len.to_le_bytes())?;
        let digest = self.out.hasher.clone().finalize();
        self.out.inner.write_all(&digest)?;
        self.out.inner.sync_all()?;
        fs::rename(&self.draft.0, &self.place.path)?;
        self.place.folder.sync_all()
    }

    /// Writes a frame.
    fn frame(&mut self, content: &impl Serialize) -> io::Result<FramePlace> {
        let raw = postcard::to_stdvec(content).map_err(io::Error::other)?;
        let frame = zstd::encode_all(&raw[..], zstd::DEFAULT_COMPRESSION_LEVEL)?;
        let place = FramePlace {
            offset: self.out.len,
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

/// Writer that knows the length and the digest of what was written.
#[derive(Debug)]
struct Hashing<W> {
    inner: W,
    hasher: Sha256,
    len: u64,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            len: 0,
        }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
