//! Files of Lustre, whose layouts `lfs getstripe` tells, and the paths to their data.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::Stripes;
use crate::input::name::FileName;
use crate::layout::{self, FileLayout};
use crate::report::{StripesError, StripesReport};

/// Error that ends the command before there is an answer.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", FileName(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A report that is none.
    #[error(
        "{} is no report in JSON of `analyze`, `live` or `merge`: {source}",
        FileName(path)
    )]
    NoReport {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: serde_json::Error,
    },
    /// A report that does not tell.
    #[error("{}: {source}", FileName(path))]
    Report {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: StripesError,
    },
    /// A file of layouts that is none.
    #[error("{}: {why}", FileName(path))]
    NoLayout {
        /// The file.
        path: PathBuf,
        /// The reason, in a sentence.
        why: String,
    },
    /// `lfs` is not there, or cannot be run.
    #[error(
        "cannot run lfs: {0}; run `lfs getstripe -r` where the file system is mounted, and give \
         what it prints with --layout"
    )]
    NoLfs(io::Error),
    /// `lfs` failed.
    #[error("lfs getstripe failed: {0}")]
    Lfs(String),
}

/// Tells of files which targets hold their data, and the verdicts of the paths to these.
///
/// # Errors
/// A report or a layout that cannot be read, or does not tell.
pub fn stripes(config: &Stripes) -> Result<StripesReport, FilesError> {
    let path = &config.report;
    let bytes = fs::read(path).map_err(|source| unreadable(path, source))?;
    let report = serde_json::from_slice(&bytes).map_err(|source| FilesError::NoReport {
        path: path.clone(),
        source,
    })?;
    let mut files = Vec::new();
    for path in &config.layouts {
        let text = fs::read(path).map_err(|source| unreadable(path, source))?;
        files.extend(layouts(&text, path)?);
    }
    if !config.paths.is_empty() {
        let text = getstripe(&config.paths)?;
        files.extend(layouts(&text, Path::new("lfs getstripe"))?);
    }
    StripesReport::new(&report, &config.choice, &files).map_err(|source| FilesError::Report {
        path: path.clone(),
        source,
    })
}

fn unreadable(path: &Path, source: io::Error) -> FilesError {
    let path = path.to_owned();
    FilesError::Unreadable { path, source }
}

fn layouts(text: &[u8], path: &Path) -> Result<Vec<FileLayout>, FilesError> {
    let mut files =
        layout::read(&String::from_utf8_lossy(text)).map_err(|why| FilesError::NoLayout {
            path: path.to_owned(),
            why,
        })?;
    // Of one file alone, the name may not be printed.
    let unnamed = files.iter_mut().filter(|file| file.name.is_empty());
    unnamed.for_each(|file| file.name = FileName(path).to_string());
    Ok(files)
}

/// Text that `lfs getstripe -r` prints of files and folders.
fn getstripe(paths: &[PathBuf]) -> Result<Vec<u8>, FilesError> {
    let mut lfs = Command::new("lfs");
    lfs.args(["getstripe", "-r", "--"]).args(paths);
    let output = lfs.stdin(Stdio::null()).output();
    let output = output.map_err(FilesError::NoLfs)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().replace(char::is_control, " ");
    Err(FilesError::Lfs(said))
}
