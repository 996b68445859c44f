//! Errors of saved states.

use std::io;
use std::path::{Path, PathBuf};

use super::VERSION;
use crate::input::name::FileName;

/// Reason why counted state cannot be saved, or added up.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be written.
    #[error("cannot save to {}: {source}", FileName(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It cannot be opened or read.
    #[error("cannot read {}: {source}", FileName(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is none.
    #[error("{} is no saved state", FileName(path))]
    NoState {
        /// The file.
        path: PathBuf,
    },
    /// It has another version of the form.
    #[error(
        "{} is a saved state of version {version}, and this program reads version {VERSION}: \
         merge with the program that saved it, or count again",
        FileName(path)
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// Another program counted.
    #[error(
        "{} was counted by plainsight {program}, and this is {}: it may count otherwise, so \
         merge with the program that saved it, or count again",
        FileName(path),
        env!("CARGO_PKG_VERSION")
    )]
    Program {
        /// The file.
        path: PathBuf,
        /// Version of the program.
        program: String,
    },
    /// Its bytes are not those that were saved, or were never counts.
    #[error("the saved state {} is damaged: {why}", FileName(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Sign of it.
        why: String,
    },
    /// It was counted under other options than another.
    #[error(
        "{} and {} were counted under different options ({what}) and cannot be added up",
        FileName(path),
        FileName(other)
    )]
    Options {
        /// The file.
        path: PathBuf,
        /// The other.
        other: PathBuf,
        /// Options that differ, with their values.
        what: String,
    },
    /// It was counted with other servers, and more flows than could be kept for any; or a live
    /// run let through what is of its own servers.
    #[error(
        "{} was counted with other servers, and does not tell all of these: give the same \
         --servers to both; recorded captures can also be counted with a higher --max-flows",
        FileName(path)
    )]
    Servers {
        /// The file.
        path: PathBuf,
    },
}

impl StateError {
    /// A state that is damaged.
    pub(super) fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    /// Makes an error of reading.
    pub(super) fn read(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read {
            path: path.clone(),
            source,
        }
    }

    /// Makes an error of writing.
    pub(super) fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write {
            path: path.clone(),
            source,
        }
    }
}
