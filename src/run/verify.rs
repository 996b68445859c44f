//! Files, held to the manifest of the run that read or wrote them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::cli::Verify;
use crate::input::custody::{Digest, hexadecimal};
use crate::input::name::FileName;
use crate::report::manifest::{self, FileEntry, Manifest};

/// Bytes of the longest manifest that is read.
const MAX_LEN: u64 = 256 << 20;

/// Manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the manifest {}: {why}", FileName(path))]
pub struct ManifestError {
    path: PathBuf,
    why: String,
}

/// Outcome of checking a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileCheck {
    /// It has the bytes that the manifest tells.
    Equal,
    /// It was standard input, of which nothing is left to check.
    Passed,
    /// It differs, is missing, or has no digest to be held to, in a clause.
    Differs(String),
}

/// Outcome of checking all files of a manifest.
#[derive(Debug)]
pub struct Verified {
    files: Vec<(String, FileCheck)>,
}

/// Checks all files of a manifest.
///
/// # Errors
/// The manifest cannot be read, or is none.
pub fn verify(config: &Verify) -> Result<Verified, ManifestError> {
    let manifest = manifest(&config.manifest).map_err(|why| ManifestError {
        path: config.manifest.clone(),
        why,
    })?;
    let directory = Path::new(&manifest.directory);
    let entries = manifest.inputs.iter().chain(&manifest.outputs);
    let check = |entry: &FileEntry| {
        let outcome = check(entry, directory, config.root.as_deref());
        (
            format!("{} {}", entry.role, FileName(Path::new(&entry.path))),
            outcome,
        )
    };
    Ok(Verified {
        files: entries.map(check).collect(),
    })
}

fn manifest(path: &Path) -> Result<Manifest, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(MAX_LEN + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(format!("it has more than {} MiB", MAX_LEN >> 20));
    }
    manifest::read(&bytes)
}

fn check(entry: &FileEntry, directory: &Path, root: Option<&Path>) -> FileCheck {
    if entry.path == "-" {
        return FileCheck::Passed;
    }
    let Some(digest) = &entry.sha256 else {
        let fault = entry
            .fault
            .as_deref()
            .unwrap_or("the manifest does not say why");
        return FileCheck::Differs(format!("has no digest to be held to: {fault}"));
    };
    let Some(file) = entry.file() else {
        return FileCheck::Differs("has a path that is none".to_owned());
    };
    let path = match root {
        // An absolute path would lead out of it.
        Some(root) => root.join(file.strip_prefix("/").unwrap_or(&file)),
        None => directory.join(file),
    };
    match compare(&path, entry.size, digest) {
        Ok(None) => FileCheck::Equal,
        Ok(Some(differs)) => FileCheck::Differs(differs),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            FileCheck::Differs("is missing".to_owned())
        }
        Err(error) => FileCheck::Differs(format!("cannot be read: {error}")),
    }
}

/// Difference of a file from what it was, in a clause.
fn compare(path: &Path, size: u64, digest: &str) -> io::Result<Option<String>> {
    let known = fs::metadata(path)?;
    if !known.is_file() {
        return Ok(Some("is no file".to_owned()));
    }
    if known.len() != size {
        let len = known.len();
        return Ok(Some(format!("differs: it has {len} bytes, and had {size}")));
    }
    let is_equal = hexadecimal(hash(File::open(path)?)?).eq_ignore_ascii_case(digest);
    Ok((!is_equal).then(|| "differs: its SHA-256 is another".to_owned()))
}

fn hash(mut file: File) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hasher.finalize().into()),
            read => hasher.update(&block[..read]),
        }
    }
}

impl Verified {
    fn count(&self, of: impl Fn(&FileCheck) -> bool) -> usize {
        self.files.iter().filter(|(_, check)| of(check)).count()
    }

    /// Exit code: 0 where all files are equal, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(self.count(|check| matches!(check, FileCheck::Differs(_))) > 0)
    }

    /// Writes a line for each file that differs, or for each of all, and a sentence.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, all: bool, out: &mut dyn Write) -> io::Result<()> {
        for (file, check) in &self.files {
            match check {
                FileCheck::Differs(differs) => writeln!(out, "{file} {differs}")?,
                FileCheck::Equal if all => writeln!(out, "{file} is equal")?,
                FileCheck::Passed => {
                    writeln!(out, "{file} was standard input, and cannot be checked")?;
                }
                FileCheck::Equal => {}
            }
        }
        let equal = self.count(|check| *check == FileCheck::Equal);
        let checked = self.count(|check| *check != FileCheck::Passed);
        match (equal, checked) {
            (_, 0) => writeln!(out, "There is no file to check."),
            (1, 1) => writeln!(out, "The file is as the manifest says."),
            (equal, checked) if equal == checked => {
                writeln!(out, "All {checked} files are as the manifest says.")
            }
            (equal, checked) => {
                writeln!(out, "{equal} of {checked} files are as the manifest says.")
            }
        }
    }
}
