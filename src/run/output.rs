//! Files that a run writes: under another name until they are whole, or in one piece.
//!
//! A file is written beside its name, synced, and renamed, so that there is never a half one.
//! What is no file, as a pipe, is written to as it stands. Where no file can be made any more,
//! as at the end of a live run, the one that was opened before is written once there is room
//! for all of it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::cli::Output;
use crate::input::custody::{Custody, Digest, FileRecord, FileRole};
use crate::input::name::FileName;
use crate::report::{DocumentFormat, Style};
use system::{Folder, reserve, set_mode};

mod system;

/// Permissions of what holds packets or counts of them: the owner's alone, as `dumpcap` has it.
pub const SECRET: u32 = 0o600;
/// Permissions that the user's mask leaves of a report.
pub const SHARED: u32 = 0o666;

/// File that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", FileName(path))]
pub struct OutputError {
    /// Its path.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

/// Place of a file that is replaced as a whole.
#[derive(Debug)]
pub struct OutputPlace {
    path: PathBuf,
    /// Its folder: a name in it lasts when it does.
    folder: Folder,
}

/// The folder that a file is in.
#[must_use]
pub fn folder(file: &Path) -> &Path {
    let parent = file.parent().filter(|it| !it.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

impl OutputPlace {
    /// Opens the folder of a path.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            folder: Folder::open(folder(path))?,
            path: path.to_owned(),
        })
    }

    /// Path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a file, which has its name when it is finished.
    ///
    /// # Errors
    /// No file can be made beside it.
    pub fn draft(&self, mode: u32) -> io::Result<Draft<'_>> {
        let name = DraftName::of(&self.path);
        // What another run left behind under this process's number is nobody's.
        let _ = fs::remove_file(&name.0);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        set_mode(&mut options, mode);
        let file = options.open(&name.0)?;
        Ok(Draft {
            place: self,
            name,
            out: Hashing::new(file),
        })
    }
}

/// Name of a file that is not whole yet.
#[derive(Debug)]
struct DraftName(PathBuf);

impl DraftName {
    /// A name in the same folder that no other process writes to.
    fn of(path: &Path) -> Self {
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.new", std::process::id()));
        Self(path.with_file_name(name))
    }
}

impl Drop for DraftName {
    fn drop(&mut self) {
        // Once the file is whole, nothing has this name any more.
        let _ = fs::remove_file(&self.0);
    }
}

/// File that is being written, and is gone again if it is not finished.
#[derive(Debug)]
pub struct Draft<'p> {
    place: &'p OutputPlace,
    name: DraftName,
    out: Hashing<File>,
}

impl Draft<'_> {
    /// Number of bytes written.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.out.len
    }

    /// Tests that nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.len == 0
    }

    /// Digest of all that was written.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.out.digest()
    }

    /// Gives the file its name, for good: on the disk before it shows.
    ///
    /// # Errors
    /// Those of the file and its folder.
    pub fn finish(self) -> io::Result<()> {
        self.out.inner.sync_all()?;
        fs::rename(&self.name.0, &self.place.path)?;
        self.place.folder.sync()
    }

    /// Gives the file its name, as one that is replaced every few seconds.
    ///
    /// # Errors
    /// Those of the folder.
    pub fn show(self) -> io::Result<()> {
        fs::rename(&self.name.0, &self.place.path)
    }
}

impl Write for Draft<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
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

    fn digest(&self) -> Digest {
        self.hasher.clone().finalize().into()
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

/// Output of a run, before it is written.
#[derive(Debug)]
pub struct OutputFile {
    /// The path as named.
    path: PathBuf,
    role: FileRole,
    way: OutputWay,
}

#[derive(Debug)]
enum OutputWay {
    /// Beside its name, with these permissions, and then renamed.
    Renamed(OutputPlace, u32),
    /// Written to as it stands: a pipe, a terminal, a device.
    Stream(File),
    /// Written over once there is room for all.
    Reserved(File),
}

impl OutputFile {
    /// An output that is written beside its name. That it can be is tried at once, for a long
    /// run must not end at a path that cannot be written.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open(path: &Path, role: FileRole, mode: u32) -> Result<Self, OutputError> {
        let way = Self::way(path, mode);
        Self::with(path, role, way)
    }

    /// An output that is opened now and written when no file can be made any more.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open_in_place(path: &Path, role: FileRole, mode: u32) -> Result<Self, OutputError> {
        let opened = if is_stream(path) {
            File::options()
                .write(true)
                .open(path)
                .map(OutputWay::Stream)
        } else {
            let mut options = File::options();
            options.write(true).create(true).truncate(false);
            set_mode(&mut options, mode);
            options.open(path).map(OutputWay::Reserved)
        };
        Self::with(path, role, opened)
    }

    fn with(path: &Path, role: FileRole, way: io::Result<OutputWay>) -> Result<Self, OutputError> {
        let path = path.to_owned();
        match way {
            Ok(way) => Ok(Self { path, role, way }),
            Err(source) => Err(OutputError { path, source }),
        }
    }

    fn way(path: &Path, mode: u32) -> io::Result<OutputWay> {
        if is_stream(path) {
            let file = File::options().write(true).open(path)?;
            return Ok(OutputWay::Stream(file));
        }
        // A link stays one.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let known = fs::metadata(&real).ok();
        if known.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let kept = known.filter(|_| mode != SECRET);
        let mode = kept.as_ref().and_then(system::mode).unwrap_or(mode);
        let place = OutputPlace::open(&real)?;
        place.draft(mode)?;
        Ok(OutputWay::Renamed(place, mode))
    }

    /// Writes the output, enters it into a record, and tells what kept it from being written:
    /// then there is what was there before.
    ///
    /// # Errors
    /// Those of the file.
    pub fn fill(
        self,
        custody: &Custody,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        let Self { path, role, way } = self;
        let written = match way {
            OutputWay::Renamed(place, mode) => renamed(&place, mode, write),
            OutputWay::Stream(file) => streamed(file, write),
            OutputWay::Reserved(file) => in_place(file, write),
        };
        match written {
            Ok(record) => {
                custody.wrote(record.named(role, &path));
                Ok(())
            }
            Err(source) => {
                custody.wrote(FileRecord::failed(role, &path, source.to_string()));
                Err(OutputError { path, source })
            }
        }
    }
}

/// Tests that a path leads to something that is written to as it stands.
fn is_stream(path: &Path) -> bool {
    let is_file = |known: fs::Metadata| known.is_file() || known.is_dir();
    let is_other = fs::metadata(path).is_ok_and(|known| !is_file(known));
    // Standard output may be a file, which the shell holds open.
    let held = ["/dev/fd", "/dev/stdout", "/dev/stderr", "/proc"];
    is_other || held.iter().any(|held| path.starts_with(held))
}

/// Record of what was written, but for role and name.
type Written = io::Result<FileRecord>;
/// Writes the content of an output.
trait OutputContent: FnOnce(&mut dyn Write) -> io::Result<()> {}
impl<W: FnOnce(&mut dyn Write) -> io::Result<()>> OutputContent for W {}

fn renamed(place: &OutputPlace, mode: u32, write: impl OutputContent) -> Written {
    let mut draft = place.draft(mode)?;
    buffered(&mut draft, write)?;
    let written = FileRecord::of_bytes(draft.len(), draft.digest()).changed(&draft.out.inner);
    draft.finish()?;
    Ok(written)
}

fn streamed(file: File, write: impl OutputContent) -> Written {
    let mut out = Hashing::new(file);
    buffered(&mut out, write)?;
    Ok(FileRecord::of_bytes(out.len, out.digest()))
}

fn buffered(out: impl Write, write: impl OutputContent) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    write(&mut out)?;
    out.flush()
}

fn in_place(mut file: File, write: impl OutputContent) -> Written {
    let mut bytes = Vec::new();
    write(&mut bytes)?;
    let len = bytes.len() as u64;
    if !bytes.is_empty() {
        reserve(&file, len)?;
    }
    file.write_all(&bytes)?;
    file.set_len(len)?;
    file.sync_all()?;
    let digest = Sha256::digest(&bytes).into();
    Ok(FileRecord::of_bytes(len, digest).changed(&file))
}

/// Files that a report is written to, opened.
#[derive(Debug)]
pub struct ReportFiles<R: 'static>(Vec<(OutputFile, &'static DocumentFormat<R>)>);

impl<R> ReportFiles<R> {
    /// Opens all files.
    ///
    /// # Errors
    /// One cannot be written.
    pub fn open(output: &Output<R>) -> Result<Self, OutputError> {
        Self::open_each(output, OutputFile::open)
    }

    /// Opens all files to be written when no file can be made any more.
    ///
    /// # Errors
    /// One cannot be opened.
    pub fn open_in_place(output: &Output<R>) -> Result<Self, OutputError> {
        Self::open_each(output, OutputFile::open_in_place)
    }

    fn open_each(
        output: &Output<R>,
        open: fn(&Path, FileRole, u32) -> Result<OutputFile, OutputError>,
    ) -> Result<Self, OutputError> {
        let open =
            |(path, format): &(PathBuf, _)| Ok((open(path, FileRole::Report, SHARED)?, *format));
        output
            .files
            .iter()
            .map(open)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Writes the report to all files. Gives those that could not be written.
    pub fn write(self, report: &R, style: &Style, custody: &Custody) -> Vec<OutputError> {
        let plain = style.on_page();
        let files = self.0.into_iter();
        let written =
            files.map(|(file, format)| file.fill(custody, |out| format.write(report, &plain, out)));
        written.filter_map(Result::err).collect()
    }
}
